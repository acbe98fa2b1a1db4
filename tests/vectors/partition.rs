//! Cases about a partition's leader and followers: ISR, high watermark, truncation.

use std::sync::Arc;

use model::chance::Rng;
use model::config::{BrokerConfig, TopicConfig};
use model::ids::{
    BrokerEpoch, BrokerId, Incarnation, LeaderEpoch, NodeId, Offset, PartitionEpoch, ReplicaSet,
    TopicPartition, Uid,
};
use model::image::{BrokerRegistration, Image, PartitionRegistration, Recovery};
use model::log::batch::{Batch, Record};
use model::log::{AtLeastOne, Clock, Log};
use model::message::ErrorCode;
use model::message::cluster::IsrAccepted;
use model::message::data::{EpochEnd, FetchPartition, FetchedPartition, Isolation, OffsetSpec};
use model::partition::follower::{cut_for, on_divergence, start_over, take_in};
use model::partition::isr::Proposed;
use model::partition::leader::{FollowerState, Leader, Learned};
use model::partition::{Host, Partition, Role};
use model::rules::Rules;
use model::time::{Duration, Time, Timestamp};
use model::turn::{Outbox, Turn};
use serde_json::Value;

const FETCHER: &str = "what a fetcher does with an error is tested beside the broker, its owner";

/// The cases of this area that are not run, with the reason.
const NOT_RUN: &[(&str, &str)] = &[
    ("fdl-04-client-metadata", "consumers do not read from followers"),
    ("ft-07", FETCHER),
    ("ft-08", FETCHER),
    ("ft-09", "batches are not damaged on their way"),
];

const PARTITION: TopicPartition = TopicPartition { topic: model::ids::TopicId(0), partition: 0 };

#[test]
fn every_case_is_run_or_accounted_for() {
    let cases = cases();
    for case in &cases {
        let is_listed = NOT_RUN.iter().any(|(id, _)| *id == case["id"]);

        assert_ne!(run(case), is_listed, "{}", case["id"]);
    }
    for (id, _) in NOT_RUN {
        assert!(cases.iter().any(|case| case["id"] == *id), "{id} is not a case");
    }
}

/// Runs a case; returns whether there is anything to run it with.
fn run(case: &Value) -> bool {
    match text(&case["id"]) {
        "fdl-04" => epoch_checks(case),
        "ft-01" => cuts(case),
        "ft-02" => divergence_leaves_the_high_watermark(case),
        "ft-03" => truncation_rounds(case),
        "ft-06" => out_of_range_low(case),
        "rfs-01" => caught_up_times(case),
        "rfs-02" | "rfs-03" => caught_up(case),
        "rfs-04" => resets(case),
        "ih-01" => under_min_isr(case),
        "ih-02" => shrink(case),
        "ih-04" => growth(case),
        "ih-05" => previous_fetch(case),
        "ih-06" => offsets_after_leader_change(case),
        _ => return false,
    }
    true
}

fn epoch_checks(vector: &Value) {
    let epoch = number(&vector["localLeaderEpoch"]) as u32;
    for case in list(&vector["cases"]) {
        let leader = if case["role"] == "leader" { 1 } else { 2 };
        let mut bench = Bench::with_log(&[]);
        bench.register(leader, epoch, 1, &[1, 2]);

        let asked = case["request"].as_u64().map(|epoch| LeaderEpoch(epoch as u32));
        let answer = bench.partition.leader_for(asked).map(|_| ());

        let expected = match text(&case["result"]) {
            "OK" => Ok(()),
            error => Err(error),
        };
        assert_eq!(answer.map_err(ErrorCode::name), expected, "{case}");
    }
}

fn cuts(vector: &Value) {
    let end = offset(&vector["followerLEO"]);
    for case in list(&vector["cases"]) {
        let leader = epoch_end(&case["diverging"]);
        let own = &vector["followerEndOffsetForEpoch"][leader.epoch.to_string()];

        let cut = cut_for(leader, Some(epoch_end(own)), end);

        assert_eq!(cut.to, offset(&case["truncateTo"]), "{case}");
    }
}

fn divergence_leaves_the_high_watermark(vector: &Value) {
    let known = epoch_end(&vector["followerEndOffsetForEpoch"]["4"]);
    let mut epochs = vec![known.epoch.0; known.end.0 as usize];
    epochs.resize(number(&vector["followerLEO"]) as usize, known.epoch.0 + 1);
    let mut bench = Bench::with_log(&epochs);
    bench.partition.log.follow_high_watermark(offset(&vector["followerHW"]));
    assert_eq!(bench.partition.log.end_offset_for(known.epoch), Some(known));

    let diverging = epoch_end(&vector["response"]["diverging"]);
    bench.turn(|partition, host, turn| on_divergence(diverging, &mut partition.log, host, turn));

    assert_eq!(bench.partition.log.end(), offset(&vector["expected"]["truncateTo"]));
    assert_eq!(bench.partition.log.high_watermark(), offset(&vector["followerHW"]));
}

fn truncation_rounds(vector: &Value) {
    let epochs = |side: &Value| -> Vec<u32> {
        list(&side["log"]).map(|entry| number(&entry[1]) as u32).collect()
    };
    let leader = Bench::with_log(&epochs(&vector["leader"])).partition.log;
    let mut bench = Bench::with_log(&epochs(&vector["follower"]));
    for round in list(&vector["rounds"]) {
        let end = bench.partition.log.end();
        let last = bench.partition.log.latest_epoch().expect("something is left");
        assert_eq!((end, last), (offset(&round["fetch"][0]), epoch(&round["fetch"][1])));

        let diverging = leader.divergence(last, end).expect("in range").expect("they differ");

        assert_eq!(diverging, epoch_end(&round["diverging"]), "{round}");
        bench.turn(|it, host, turn| on_divergence(diverging, &mut it.log, host, turn));
        assert_eq!(bench.partition.log.end(), offset(&round["truncateTo"]), "{round}");
    }
    bench.copy(&leader, offset(&vector["leader"]["hw"]));

    assert!(bench.partition.log.batches().eq(leader.batches()));
    assert_eq!(bench.partition.log.epochs(), leader.epochs());
    assert_eq!(bench.partition.log.high_watermark(), offset(&vector["expected"]["finalHW"]));
}

fn out_of_range_low(vector: &Value) {
    let start = offset(&vector["leader"]["logStart"]);
    let mut leader = Log::new(TopicConfig::default(), Time::ZERO);
    leader.truncate_fully_and_start_at(start);
    append(&mut leader, number(&vector["leader"]["log"][0][1]) as u32);
    let mut bench = Bench::with_log(&[0]);

    bench.turn(|partition, host, turn| start_over(start, &mut partition.log, host, turn));
    let log = &bench.partition.log;
    assert_eq!(log.start(), offset(&vector["expected"]["afterReset"]["logStartOffset"]));
    assert_eq!(log.batches().count(), 0);

    bench.copy(&leader, offset(&vector["leader"]["hw"]));
    let (log, expected) = (&bench.partition.log, &vector["expected"]["final"]);
    assert_eq!(log.start(), offset(&expected["logStartOffset"]));
    assert_eq!(log.end(), offset(&expected["logEndOffset"]));
    assert_eq!(log.high_watermark(), offset(&expected["highWatermark"]));
}

fn caught_up_times(vector: &Value) {
    let mut follower = FollowerState::unknown(BrokerId(2));
    let at = |name: &str| Time(name.trim_start_matches('t').parse().expect("t1, t2 and so on"));
    for step in list(&vector["steps"]) {
        follower.on_fetch(
            offset(&step["fetchOffset"]),
            offset(&step["leaderLEO"]),
            at(text(&step["t"])),
        );

        assert_eq!(follower.caught_up_at, step["lastCaughtUp"].as_str().map(at), "{step}");
    }
}

fn caught_up(vector: &Value) {
    let mut follower = FollowerState::unknown(BrokerId(2));
    let lag_max = BrokerConfig::default().replica_lag_time_max;
    let mut now = Time::ZERO + Duration::from_secs(60);
    for step in list(&vector["steps"]) {
        match step.get("fetchOffset") {
            Some(at) => follower.on_fetch(offset(at), offset(&step["leaderLEO"]), now),
            None => now += lag_max + Duration::from_millis(1),
        }
        if let Some(expected) = step.get("isCaughtUp") {
            let is = follower.is_caught_up(offset(&expected["leaderLEO"]), lag_max, now);
            assert_eq!(expected["value"], is, "{step}");
        }
    }
    if let Some(expected) = vector.get("expected") {
        let is = follower.is_caught_up(Offset(10), lag_max, now);
        assert_eq!(expected["isCaughtUp(leaderLEO=10)"], is);
    }
}

fn resets(vector: &Value) {
    let before = &vector["before"];
    for case in list(&vector["cases"]) {
        let mut bench = Bench::with_log(&vec![0; number(&before["leaderLEO"]) as usize]);
        bench.register(1, 1, 1, &[1, 2]);
        bench.fetch(2, number(&before["fetchOffset"]));
        bench.now = Time(5_000);
        if case["isNewLeader"] == true {
            bench.register(2, 2, 2, &[1, 2]);
        }

        let isr: &[u8] = if case["inIsr"] == true { &[1, 2] } else { &[1] };
        bench.register(1, 3, 3, isr);

        let after = &case["after"];
        let moment = |value: &Value| (value == "now").then_some(bench.now);
        let expected = FollowerState {
            broker: BrokerId(2),
            end: after["LEO"].as_u64().map(Offset),
            broker_epoch: after["LEO"].as_u64().map(|_| BrokerEpoch(0)),
            caught_up_at: moment(&after["lastCaughtUp"]),
            last_fetch: after["lastFetchLeaderLEO"]
                .as_u64()
                .map(|end| (moment(&after["lastFetchTime"]), Offset(end))),
        };
        assert_eq!(bench.leader().follower(BrokerId(2)), Some(&expected), "{case}");
    }
}

fn under_min_isr(vector: &Value) {
    let mut bench = Bench::with_log(&vec![0; number(&vector["logEndOffset"]) as usize]);
    let min_insync_replicas = number(&vector["minIsr"]) as u16;
    bench.partition.log.set_config(TopicConfig { min_insync_replicas, ..TopicConfig::default() });
    bench.register(1, 1, 1, &members(&vector["isr"]));
    for step in list(&vector["steps"]) {
        if let Some(fetch) = step.get("fetch") {
            let learned = bench.fetch(member(&fetch[0]), number(&fetch[1]));
            let asks = step.get("pendingAlterPartition").is_some();
            assert_eq!(learned.asks_for_isr, asks, "{step}");
        }
        if let Some(size) = step.get("maximalIsrSize") {
            assert_eq!(bench.leader().isr.maximal().len() as u64, number(size), "{step}");
        }
        if let Some(isr) = step.get("alterPartitionCompleted") {
            bench.accept(set(isr), 2);
        }
        assert_eq!(bench.partition.log.high_watermark(), offset(&step["hw"]), "{step}");
    }
}

fn shrink(vector: &Value) {
    let mut bench = Bench::with_log(&vec![0; number(&vector["logEndOffset"]) as usize]);
    bench.register(1, 1, 1, &members(&vector["isr"]));
    bench.fetch(member(&vector["fetched"][0]), number(&vector["fetched"][1]));
    for step in list(&vector["steps"]) {
        if step.get("sleepMs").is_some() {
            bench.now += bench.config.replica_lag_time_max + Duration::from_millis(1);
        }
        if step.get("maybeShrink").is_some() {
            let asks = bench.shrink();
            assert_eq!(step["pending"], u64::from(asks), "{step}");
        }
        if let Some(isr) = step.get("proposedIsr") {
            assert_eq!(bench.proposed(), set(isr), "{step}");
        }
        if let Some(isr) = step.get("alterPartitionCompleted") {
            bench.accept(set(isr), number(&step["newPartitionEpoch"]) as u32);
        }
        if let Some(isr) = step.get("isr") {
            assert_eq!(bench.leader().isr.settled(), set(isr), "{step}");
            assert_eq!(bench.leader().isr.maximal(), set(&step["maximalIsr"]), "{step}");
            assert_eq!(bench.partition.log.high_watermark(), offset(&step["hw"]), "{step}");
        }
    }
}

fn growth(vector: &Value) {
    let mut bench = Bench::with_log(&[0; 5]);
    bench.partition.log.follow_high_watermark(offset(&vector["highWatermark"]));
    bench.register(1, 2, 1, &members(&vector["isr"]));
    assert_eq!(bench.leader().epoch_start, offset(&vector["leaderEpochStartOffset"]));
    for _ in 0..2 {
        append(&mut bench.partition.log, 2);
    }
    for step in list(&vector["steps"]) {
        let learned = bench.fetch(member(&step["fetch"][0]), number(&step["fetch"][1]));

        assert_eq!(step["expands"], learned.asks_for_isr, "{step}");
        if let Some(isr) = step.get("isr") {
            assert_eq!(bench.leader().isr.settled(), set(isr), "{step}");
            assert_eq!(bench.leader().isr.maximal(), set(&step["maximalIsr"]), "{step}");
        }
    }
}

fn previous_fetch(vector: &Value) {
    let mut bench = Bench::with_log(&[0; 10]);
    assert_eq!(bench.config.replica_lag_time_max.as_millis(), number(&vector["lagMaxMs"]));
    for step in list(&vector["steps"]) {
        bench.now = Time::ZERO + Duration::from_millis(number(&step["t"]));
        if step.get("makeLeader").is_some() {
            bench.register(1, 1, 1, &[1, 2]);
        }
        if let Some(fetch) = step.get("fetch") {
            while bench.partition.log.end() < offset(&step["leaderLEO"]) {
                append(&mut bench.partition.log, 1);
            }
            bench.fetch(2, number(fetch));
            assert_eq!(bench.partition.log.high_watermark(), offset(&step["hw"]), "{step}");
        }
        let caught_up_at = bench.leader().follower(BrokerId(2)).and_then(|it| it.caught_up_at);
        let expected = Time::ZERO + Duration::from_millis(number(&step["lastCaughtUp"]));
        assert_eq!(caught_up_at, Some(expected), "{step}");
        if let Some(expected) = step.get("shrink") {
            assert_eq!(*expected, bench.shrink(), "{step}");
        }
    }
}

fn offsets_after_leader_change(vector: &Value) {
    let mut bench = Bench::with_log(&[]);
    bench.register(1, 1, 1, &[1, 2]);
    for timestamp in list(&vector["timestamps"]) {
        append_at(&mut bench.partition.log, 1, timestamp.as_i64().unwrap());
    }
    bench.fetch(2, number(&vector["highWatermark"]));
    bench.register(2, 2, 2, &[1, 2]);
    bench.register(1, 3, 3, &[1, 2]);
    list(&vector["queries"]).for_each(|query| bench.check_query(query));

    bench.fetch(2, 5);
    list(&vector["afterHwReaches5"]).for_each(|query| bench.check_query(query));
}

/// One replica on broker 1, in a cluster where brokers 1 to 3 are active.
struct Bench {
    partition: Partition,
    config: BrokerConfig,
    image: Image,
    now: Time,
}

impl Bench {
    /// A log with one record per element, of that epoch.
    fn with_log(epochs: &[u32]) -> Bench {
        let mut log = Log::new(TopicConfig::default(), Time::ZERO);
        epochs.iter().for_each(|&epoch| append(&mut log, epoch));
        let active = BrokerRegistration {
            epoch: BrokerEpoch(0),
            incarnation: Incarnation(1),
            rack: None,
            fenced: false,
            in_controlled_shutdown: false,
        };
        let brokers = (1..=3).map(|id| (BrokerId(id), active.clone())).collect();
        Bench {
            partition: Partition::new(log),
            config: BrokerConfig::default(),
            image: Image { brokers, ..Image::default() },
            now: Time::ZERO,
        }
    }

    fn turn<R>(&mut self, act: impl FnOnce(&mut Partition, &Host<'_>, &mut Turn<'_>) -> R) -> R {
        let (mut rng, mut out) = (Rng::fork(1, "bench"), Outbox::new(NodeId::Broker(BrokerId(1))));
        let wall = Timestamp(0);
        let mut turn =
            Turn { now: self.now, wall, rules: Rules::default(), rng: &mut rng, out: &mut out };
        let host = Host {
            broker: BrokerId(1),
            partition: PARTITION,
            config: &self.config,
            rules: Rules::default(),
            image: &self.image,
        };
        act(&mut self.partition, &host, &mut turn)
    }

    fn register(&mut self, leader: u8, epoch: u32, partition_epoch: u32, isr: &[u8]) {
        let registration = PartitionRegistration {
            replicas: (1..=3).map(BrokerId).collect(),
            isr: isr.iter().copied().map(BrokerId).collect(),
            leader: Some(BrokerId(leader)),
            leader_epoch: LeaderEpoch(epoch),
            partition_epoch: PartitionEpoch(partition_epoch),
            recovery: Recovery::Recovered,
        };
        self.turn(|partition, host, turn| partition.on_registration(&registration, host, turn));
    }

    fn leader(&self) -> &Leader {
        match &self.partition.role {
            Role::Leader(leader) => leader,
            other => panic!("{other:?}"),
        }
    }

    fn fetch(&mut self, follower: u8, at: u64) -> Learned {
        self.turn(|partition, host, turn| {
            let fetch = FetchPartition {
                partition: PARTITION,
                current_leader_epoch: partition.leader_epoch(),
                offset: Offset(at),
                last_fetched_epoch: None,
                log_start: Offset::ZERO,
                high_watermark: None,
                bytes_max: u32::MAX,
            };
            let (leader, log) = partition.leader_for(None).expect("it leads");
            let follower = (BrokerId(follower), BrokerEpoch(0));
            leader.on_follower_fetch(follower, &fetch, log, host, turn).expect("it is a replica")
        })
    }

    fn shrink(&mut self) -> bool {
        self.turn(|partition, host, turn| {
            let (leader, log) = partition.leader_for(None).expect("it leads");
            leader.shrink_isr(log, host, turn)
        })
    }

    fn proposed(&self) -> ReplicaSet {
        let proposal = self.leader().proposal(PARTITION, BrokerId(1)).expect("there is one");
        proposal.isr.iter().map(|&(id, _)| id).collect()
    }

    /// The controller accepts the proposal on its way.
    fn accept(&mut self, isr: ReplicaSet, partition_epoch: u32) {
        let asked =
            Proposed { partition_epoch: self.leader().partition_epoch, isr: self.proposed() };
        let accepted = IsrAccepted {
            leader: Some(BrokerId(1)),
            leader_epoch: self.leader().epoch,
            isr,
            partition_epoch: PartitionEpoch(partition_epoch),
        };
        self.turn(|partition, host, turn| {
            let (leader, log) = partition.leader_for(None).expect("it leads");
            leader.on_proposal_answer(asked, Ok(accepted), host, turn);
            leader.advance_high_watermark(log, host, turn);
        });
    }

    /// Copies what a leader has beyond this follower's end.
    fn copy(&mut self, leader: &Log, high_watermark: Offset) {
        let (from, to) = (self.partition.log.end(), leader.end());
        let batches = leader.read(from, to, u32::MAX, AtLeastOne::Yes).expect("it is in range");
        let fetched = FetchedPartition {
            partition: PARTITION,
            error: ErrorCode::None,
            high_watermark,
            last_stable: high_watermark,
            log_start: leader.start(),
            diverging: None,
            current_leader: None,
            batches,
        };
        self.turn(|partition, host, turn| take_in(&fetched, &mut partition.log, host, turn))
            .expect("it continues the log");
    }

    fn check_query(&self, query: &Value) {
        let spec = match &query["ts"] {
            Value::String(name) if name == "LATEST" => OffsetSpec::Latest,
            Value::String(_) => OffsetSpec::Earliest,
            timestamp => OffsetSpec::AtOrAfter(Timestamp(timestamp.as_i64().unwrap())),
        };
        let isolation = query["isolation"].as_str().map(|_| Isolation::ReadUncommitted);

        let found = self.leader().offset_for(spec, isolation, &self.partition.log);

        let expected = match &query["result"] {
            Value::String(error) => Err(error.as_str()),
            offset => Ok(offset.as_u64().map(Offset)),
        };
        let found = found.map(|found| found.map(|found| found.offset)).map_err(ErrorCode::name);
        assert_eq!(found, expected, "{query}");
    }
}

fn append(log: &mut Log, epoch: u32) {
    append_at(log, epoch, 0);
}

fn append_at(log: &mut Log, epoch: u32, timestamp: i64) {
    let timestamp = Timestamp(timestamp);
    let record = Record { uid: Uid(0), key: None, value: Some(10), headers: 0, timestamp };
    let clock = Clock { now: Time::ZERO, wall: Timestamp(0) };
    let batch = Arc::new(Batch::new(vec![record], None));
    log.append_as_leader(&batch, LeaderEpoch(epoch), clock).expect("the batch is small");
}

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/broker-partition.json")).unwrap()
}

/// Broker 1 leads; F1 and F2 are brokers 2 and 3.
fn member(value: &Value) -> u8 {
    match text(value) {
        "L" => 1,
        "F1" => 2,
        "F2" => 3,
        other => panic!("{other} is nobody"),
    }
}

fn members(value: &Value) -> Vec<u8> {
    list(value).map(member).collect()
}

fn set(value: &Value) -> ReplicaSet {
    list(value).map(|it| BrokerId(member(it))).collect()
}

fn epoch_end(value: &Value) -> EpochEnd {
    EpochEnd { epoch: epoch(&value[0]), end: offset(&value[1]) }
}

fn epoch(value: &Value) -> LeaderEpoch {
    LeaderEpoch(number(value) as u32)
}

fn offset(value: &Value) -> Offset {
    Offset(number(value))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
