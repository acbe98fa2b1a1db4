//! Cases about one partition's log: leader epochs, producer state, segments, divergence.

use std::sync::Arc;

use model::config::TopicConfig;
use model::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Uid};
use model::log::batch::{Batch, ProducerStamp, Record};
use model::log::epochs::LeaderEpochs;
use model::log::producers::ProducerStates;
use model::log::{AppendError, Appended, AtLeastOne, Clock, Log, Shutdown};
use model::message::ErrorCode;
use model::time::{Duration, Time, Timestamp};
use serde_json::Value;

const TRANSACTIONS: &str = "transactions are not modelled";
const INDEXES: &str = "there are no indexes: lookups search the batches";
const RETENTION: &str = "segments are not deleted by age or size";
const COMPACTION: &str = "compaction is not modelled";
const SENTINEL: &str = "asks about the sentinel -1, which the types rule out";

/// The cases about logs that are not run, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("lec-14", SENTINEL),
    ("lec-21", SENTINEL),
    ("ps-02", TRANSACTIONS),
    ("ps-07", TRANSACTIONS),
    ("ps-08", TRANSACTIONS),
    ("ps-13", TRANSACTIONS),
    ("ps-14", TRANSACTIONS),
    ("ps-15", TRANSACTIONS),
    ("ps-16", TRANSACTIONS),
    ("ps-17", TRANSACTIONS),
    ("ps-18", TRANSACTIONS),
    ("ps-21", TRANSACTIONS),
    ("ps-23", TRANSACTIONS),
    ("sg-06", "segment.jitter.ms is not modelled"),
    ("lso-03", TRANSACTIONS),
    ("lso-04", TRANSACTIONS),
    ("lso-05", TRANSACTIONS),
    ("lso-06", TRANSACTIONS),
    ("ati-01", TRANSACTIONS),
    ("ati-02", TRANSACTIONS),
    ("ix-02", INDEXES),
    ("ix-03", INDEXES),
    ("ix-04", INDEXES),
    ("ix-05", INDEXES),
    ("ix-06", INDEXES),
    ("rt-02", RETENTION),
    ("rt-04", RETENTION),
    ("rt-05", RETENTION),
    ("rt-06", RETENTION),
    ("rt-08", RETENTION),
    ("rt-09", RETENTION),
    ("rt-11", RETENTION),
    ("rt-10", RETENTION),
    ("cp-01", COMPACTION),
    ("cp-02", COMPACTION),
    ("cp-03", COMPACTION),
    ("cp-05", COMPACTION),
    ("cp-06", COMPACTION),
    ("cp-07", COMPACTION),
    ("cp-08", COMPACTION),
    ("cp-10", COMPACTION),
];

const PRODUCER: ProducerId = ProducerId(1);

#[test]
fn leader_epochs_begin_and_end_as_in_kafka() {
    for case in cases("leader-epoch-cache") {
        if let Some(batches) = case.get("batches") {
            let mut log = log_from(Offset(int(&batches[0][0])));
            for batch in list(batches) {
                follow(
                    &mut log,
                    int(&batch[0]),
                    1 + int(&batch[1]) - int(&batch[0]),
                    int(&batch[2]),
                );
            }
            assert_eq!(entries(log.epochs()), pairs(&case["expected"]), "{}", case["id"]);
        } else if let Some(cases) = case.get("cases") {
            list(cases).for_each(|inner| check_epochs_after_truncation(&case["id"], inner));
        } else {
            let mut epochs = LeaderEpochs::default();
            list(&case["ops"]).for_each(|op| check_epoch_op(&case["id"], &mut epochs, op));
        }
    }
}

#[test]
fn idempotent_producers_are_checked_as_in_kafka() {
    for case in cases("producer-state").filter(|case| case.get("steps").is_some()) {
        match case.get("level") {
            Some(_) => check_producer_through_log(&case),
            None => check_producer_states(&case),
        }
    }
}

#[test]
fn producer_snapshots_are_dropped_as_in_kafka() {
    for case in cases("producer-state").filter(|case| case.get("given").is_some()) {
        let wanted: Vec<u64> = list(&case["given"]["snapshots"]).map(int).collect();
        let bases = case["given"].get("segmentBaseOffsets");
        let bases: Vec<u64> = bases.into_iter().flat_map(list).map(int).collect();
        let mut log = log_with_snapshots(&wanted, &bases);

        let Some(call) = case.get("call") else {
            log.recover(Offset::ZERO, Shutdown::Clean, Time::ZERO);
            let mut left = snapshots(&log);
            left.retain(|at| wanted.contains(at));
            let expected: Vec<u64> = list(&case["expected"]["remaining"]).map(int).collect();
            assert_eq!(left, expected, "{}", case["id"]);
            continue;
        };
        log.advance_high_watermark(log.end());
        log.advance_start(Offset(int(&call["truncateAndReload"][0])));
        log.truncate_to(Offset(int(&call["truncateAndReload"][1])));

        let left = snapshots(&log);
        let ends = [left.first().copied(), left.last().copied()];
        let expected = [&case["expected"]["oldest"], &case["expected"]["latest"]];
        assert_eq!(ends, expected.map(|at| Some(int(at))), "{}", case["id"]);
    }
}

#[test]
fn segments_roll_and_read_as_in_kafka() {
    for case in cases("segments") {
        if case.get("reads").is_some() {
            check_reads_over_gaps(&case);
        } else if case.get("segmentMs").is_some() {
            check_rolls_by_time(&case);
        } else {
            check_rolls_by_size(&case);
        }
    }
}

#[test]
fn leaders_tell_followers_where_logs_part_as_in_kafka() {
    for case in cases("fetch-divergence-leader") {
        let epochs = pairs(&case["epochEntries"]);
        let mut log = log_from(Offset(int(&case["logStartOffset"])));
        for pair in epochs.windows(2) {
            follow(&mut log, pair[0].1, pair[1].1 - pair[0].1, pair[0].0);
        }
        assert_eq!(log.end().0, int(&case["logEndOffset"]), "{}", case["id"]);
        log.assign_epoch(LeaderEpoch(epochs[epochs.len() - 1].0 as u32), log.end());

        for read in list(&case["reads"]) {
            let epoch = LeaderEpoch(int(&read["lastFetchedEpoch"]) as u32);
            let divergence = log.divergence(epoch, Offset(int(&read["fetchOffset"])));
            let found = divergence.map(|end| end.map(|end| (u64::from(end.epoch.0), end.end.0)));
            match read.get("error") {
                Some(error) => {
                    assert_eq!(error, ErrorCode::OffsetOutOfRange.name());
                    assert!(found.is_err(), "{} {read}", case["id"]);
                }
                None => assert_eq!(found, Ok(pair(&read["diverging"])), "{} {read}", case["id"]),
            }
        }
    }
}

#[test]
fn followers_take_over_the_high_watermark_as_in_kafka() {
    for case in cases("isr-and-hw") {
        let mut log = log_from(Offset::ZERO);
        follow(&mut log, 0, int(&case["leo"]), 0);

        for step in list(&case["steps"]) {
            let moved = log.follow_high_watermark(Offset(int(&step["offer"])));
            let result = moved.then_some(log.high_watermark().0);
            assert_eq!(result, step["result"].as_u64(), "{} {step}", case["id"]);
        }
    }
}

#[test]
fn a_case_is_either_run_or_listed_as_not_run() {
    let data = data();
    let areas = data.as_object().expect("the file is an object of areas");
    let run: Vec<&str> =
        areas.values().flat_map(list).map(|case| case["id"].as_str().expect("an id")).collect();

    for (place, id) in run.iter().enumerate() {
        assert!(!run[..place].contains(id), "{id} occurs twice");
        assert!(NOT_RUN.iter().all(|(other, _)| other != id), "{id} is run after all");
    }
}

fn check_epoch_op(id: &Value, epochs: &mut LeaderEpochs, op: &Value) {
    let object = op.as_object().expect("an operation is an object");
    let (name, given) = object.iter().find(|(key, _)| *key != "expect").expect("an operation");
    match name.as_str() {
        "assign" => epochs.assign(LeaderEpoch(int(&given[0]) as u32), Offset(int(&given[1]))),
        "truncateFromEnd" => epochs.truncate_from_end(Offset(int(given))),
        "truncateFromStart" => epochs.truncate_from_start(Offset(int(given))),
        "entries" => assert_eq!(entries(epochs), pairs(given), "{id} {op}"),
        "endOffsetFor" => {
            let epoch = LeaderEpoch(int(&given[0]) as u32);
            let end = epochs.end_offset_for(epoch, Offset(int(&given[1])));
            let end = end.map(|end| (u64::from(end.epoch.0), end.end.0));
            assert_eq!(end, pair(&op["expect"]), "{id} {op}");
        }
        "epochForOffset" => {
            let epoch = epochs.epoch_for(Offset(int(given))).map(|epoch| u64::from(epoch.0));
            assert_eq!(epoch, op["expect"].as_u64(), "{id} {op}");
        }
        other => panic!("{id}: unknown operation {other}"),
    }
}

fn check_epochs_after_truncation(id: &Value, case: &Value) {
    let given = pairs(&case["entries"]);
    let ((first, start), (last, end)) = (given[0], given[1]);
    let mut log = log_from(Offset(start));
    follow(&mut log, start, end - start, first);
    log.assign_epoch(LeaderEpoch(last as u32), log.end());
    assert_eq!(entries(log.epochs()), given, "{id} {case}");
    assert_eq!(log.end().0, int(&case["leo"]), "{id} {case}");

    log.truncate_to(Offset(int(&case["logTruncateTo"])));

    assert_eq!(entries(log.epochs()), pairs(&case["after"]), "{id} {case}");
}

fn check_producer_states(case: &Value) {
    let mut states = ProducerStates::default();
    for step in list(&case["steps"]) {
        let mut batch = producer_batch(step);
        batch.base_offset = Offset(step.get("offset").map_or(0, int));
        let checked = match step["origin"].as_str() {
            Some("CLIENT") => states.check_sequence(&batch),
            Some("REPLICATION") => Ok(()),
            other => panic!("{}: unknown origin {other:?}", case["id"]),
        };
        if checked.is_ok() {
            states.remember(&batch);
        }

        assert_eq!(outcome(checked), step["expect"], "{} {step}", case["id"]);
        let Some(after) = step.get("after").and_then(Value::as_object) else { continue };
        let state = states.get(PRODUCER).expect("the producer is known");
        let (oldest, newest) = (state.batches()[0], state.batches()[state.batches().len() - 1]);
        for (name, expected) in after {
            let found = match name.as_str() {
                "epoch" => u64::from(state.epoch.0),
                "firstSeq" => u64::from(oldest.first_sequence.0),
                "lastSeq" => u64::from(state.last_sequence().0),
                "firstDataOffset" => oldest.base_offset.0,
                "lastDataOffset" => newest.last_offset.0,
                other => panic!("{}: unknown field {other}", case["id"]),
            };
            assert_eq!(found, int(expected), "{} {name} after {step}", case["id"]);
        }
    }
}

fn check_producer_through_log(case: &Value) {
    let mut log = log_from(Offset::ZERO);
    for step in list(&case["steps"]) {
        let batch = Arc::new(producer_batch(step));

        let appended = log.append_as_leader(&batch, LeaderEpoch(0), at(0));

        let found = match &appended {
            Ok(Appended::Duplicate { base_offset, end }) => {
                let offsets = [base_offset.0, end.0 - 1];
                assert_eq!(list(&step["offsets"]).map(int).collect::<Vec<_>>(), offsets);
                "DUPLICATE"
            }
            Ok(Appended::New(_)) => "OK",
            Err(error) => error.code().name(),
        };
        assert_eq!(found, step["expect"], "{} {step}", case["id"]);
        if let Some(after) = step.get("after") {
            assert_eq!(log.end().0, int(&after["logEndOffset"]), "{} {step}", case["id"]);
        }
    }
}

fn check_reads_over_gaps(case: &Value) {
    let mut log = log_from(Offset(int(&case["base"])));
    for batch in list(&case["batches"]) {
        follow(&mut log, int(&batch[0]), 1 + int(&batch[1]) - int(&batch[0]), 0);
    }

    for read in list(&case["reads"]) {
        let from = Offset(int(&read["offset"]));
        let batches = log.read(from, log.end(), u32::MAX, AtLeastOne::Yes);
        let first = batches.expect("it is in range").first().map(|batch| batch.base_offset.0);
        assert_eq!(first, read["firstBatch"].as_u64(), "{} {read}", case["id"]);
    }
}

fn check_rolls_by_time(case: &Value) {
    let config = TopicConfig {
        segment_age_max: Duration::from_millis(int(&case["segmentMs"])),
        timestamp_after_max: Duration::MAX,
        ..TopicConfig::default()
    };
    let mut log = Log::new(config, Time::ZERO);
    let mut millis = 0;
    for step in list(&case["steps"]) {
        if let Some(sleep) = step.get("sleepMs") {
            millis += int(sleep);
            continue;
        }
        let timestamp = step["append"].as_i64().map_or(Timestamp(-1), Timestamp);
        let batch = Arc::new(Batch::new(vec![record(timestamp)], None));

        log.append_as_leader(&batch, LeaderEpoch(0), at(millis)).expect("nothing is wrong with it");

        assert_eq!(log.segment_count() as u64, int(&step["segments"]), "{} {step}", case["id"]);
    }
}

fn check_rolls_by_size(case: &Value) {
    let batch = Arc::new(Batch::new(vec![record(Timestamp(0))], None));
    let factor = int(&case["segmentBytesPerBatchByteLessOne"]) as u32;
    let segment_bytes = factor * (batch.records.bytes() - 1);
    let mut log = Log::new(TopicConfig { segment_bytes, ..TopicConfig::default() }, Time::ZERO);

    for _ in 0..int(&case["appends"]) {
        log.append_as_leader(&batch, LeaderEpoch(0), at(0)).expect("nothing is wrong with it");
    }

    assert_eq!(log.segment_count() as u64, int(&case["segments"]), "{}", case["id"]);
}

/// Makes a log with producer snapshots at `wanted`: by a roll where a segment shall begin,
/// by a truncation elsewhere.
fn log_with_snapshots(wanted: &[u64], bases: &[u64]) -> Log {
    let mut log = log_from(Offset::ZERO);
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    for at in wanted {
        let end = log.end().0;
        if end < at {
            follow(&mut log, end, at - end, 0);
        }
        if bases.contains(&at) {
            log.set_config(TopicConfig { segment_bytes: 1, ..TopicConfig::default() });
            follow(&mut log, at, 1, 0);
            log.set_config(TopicConfig::default());
        } else {
            follow(&mut log, at, 1, 0);
            log.truncate_to(Offset(at));
        }
    }
    log
}

fn snapshots(log: &Log) -> Vec<u64> {
    log.producers().snapshots().map(|at| at.0).collect()
}

fn outcome(checked: Result<(), AppendError>) -> &'static str {
    checked.map_or_else(|error| error.code().name(), |()| "OK")
}

fn producer_batch(step: &Value) -> Batch {
    let (first, last) = (int(&step["firstSeq"]), int(&step["lastSeq"]));
    let count = (last + (1 << 31) - first) % (1 << 31) + 1;
    let stamp = ProducerStamp {
        id: PRODUCER,
        epoch: ProducerEpoch(int(&step["epoch"]) as u16),
        sequence: Sequence(first as u32),
    };
    Batch::new((0..count).map(|_| record(Timestamp(0))).collect(), Some(stamp))
}

/// Appends a batch of `count` records at `base`, as a follower would.
fn follow(log: &mut Log, base: u64, count: u64, epoch: u64) {
    let mut batch = Batch::new((0..count).map(|_| record(Timestamp(0))).collect(), None);
    batch.base_offset = Offset(base);
    batch.leader_epoch = LeaderEpoch(epoch as u32);
    log.append_as_follower(&Arc::new(batch), at(0)).expect("it continues the log");
}

fn log_from(start: Offset) -> Log {
    let mut log = Log::new(TopicConfig::default(), Time::ZERO);
    log.truncate_fully_and_start_at(start);
    log
}

fn record(timestamp: Timestamp) -> Record {
    Record { uid: Uid(0), key: None, value: Some(10), headers: 0, timestamp }
}

fn at(millis: u64) -> Clock {
    Clock { now: Time::ZERO + Duration::from_millis(millis), wall: Timestamp(millis as i64) }
}

fn entries(epochs: &LeaderEpochs) -> Vec<(u64, u64)> {
    epochs.entries().iter().map(|entry| (u64::from(entry.epoch.0), entry.start.0)).collect()
}

fn data() -> Value {
    serde_json::from_str(include_str!("../data/broker-log.json")).expect("the file is JSON")
}

fn cases(area: &str) -> impl Iterator<Item = Value> {
    let cases = data()[area].as_array().expect("the area has cases").clone();
    assert!(!cases.is_empty(), "{area} has no cases");
    cases.into_iter()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list")).iter()
}

fn int(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no whole number"))
}

fn pair(value: &Value) -> Option<(u64, u64)> {
    (!value.is_null()).then(|| (int(&value[0]), int(&value[1])))
}

fn pairs(value: &Value) -> Vec<(u64, u64)> {
    list(value).map(|entry| (int(&entry[0]), int(&entry[1]))).collect()
}
