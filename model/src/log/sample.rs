//! Small logs for the tests beside the code.

use std::sync::Arc;

use crate::config::TopicConfig;
use crate::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Uid};
use crate::log::Log;
use crate::log::append::{AppendError, Appended, Clock};
use crate::log::batch::{Batch, ProducerStamp, Record};
use crate::time::{Duration, Time, Timestamp};

pub(super) const EPOCH: LeaderEpoch = LeaderEpoch(3);
pub(super) const WALL: Timestamp = Timestamp(1_000);
pub(super) const PRODUCER: ProducerId = ProducerId(7);

/// Makes a clock that shows `millis` of monotonic time.
pub(super) fn clock(millis: u64) -> Clock {
    Clock { now: Time::ZERO + Duration::from_millis(millis), wall: WALL }
}

pub(super) fn log() -> Log {
    log_of(TopicConfig::default())
}

pub(super) fn log_of(config: TopicConfig) -> Log {
    Log::new(config, Time::ZERO)
}

/// Makes a log whose batches have so many records each.
pub(super) fn log_with(counts: &[u64]) -> Log {
    let mut log = log();
    for &count in counts {
        append(&mut log, count);
    }
    log
}

pub(super) fn batch(count: u64) -> Arc<Batch> {
    Arc::new(Batch::new((0..count).map(|_| record(0)).collect(), None))
}

/// Makes a batch whose records have these timestamps.
pub(super) fn batch_at(timestamps: &[i64]) -> Arc<Batch> {
    Arc::new(Batch::new(timestamps.iter().copied().map(record).collect(), None))
}

/// Makes a batch of [`PRODUCER`].
pub(super) fn batch_of(epoch: u16, first_sequence: u32, count: u64) -> Arc<Batch> {
    let (epoch, sequence) = (ProducerEpoch(epoch), Sequence(first_sequence));
    let stamp = ProducerStamp { id: PRODUCER, epoch, sequence };
    Arc::new(Batch::new((0..count).map(|_| record(0)).collect(), Some(stamp)))
}

/// Appends as leader of [`EPOCH`] at moment 0.
pub(super) fn offer(log: &mut Log, batch: &Arc<Batch>) -> Result<Appended, AppendError> {
    log.append_as_leader(batch, EPOCH, clock(0))
}

/// Appends a batch of `count` records.
pub(super) fn append(log: &mut Log, count: u64) -> Arc<Batch> {
    stored(offer(log, &batch(count)))
}

/// Appends a batch whose records have these timestamps.
pub(super) fn append_at(log: &mut Log, timestamps: &[i64]) -> Arc<Batch> {
    stored(offer(log, &batch_at(timestamps)))
}

/// Appends a leader's batch of `count` records at the end of a follower's log.
pub(super) fn follow(log: &mut Log, count: u64, epoch: LeaderEpoch) {
    let mut batch = Batch::clone(&batch(count));
    batch.base_offset = log.end();
    batch.leader_epoch = epoch;
    log.append_as_follower(&Arc::new(batch), clock(0)).expect("it continues the log");
}

pub(super) fn stored(appended: Result<Appended, AppendError>) -> Arc<Batch> {
    match appended {
        Ok(Appended::New(batch)) => batch,
        other => panic!("not appended: {other:?}"),
    }
}

/// Returns what a leader would say to an exact repeat of the batch at `base_offset`.
pub(super) fn duplicate(base_offset: u64, end: u64) -> Result<Appended, AppendError> {
    Ok(Appended::Duplicate { base_offset: Offset(base_offset), end: Offset(end) })
}

fn record(timestamp: i64) -> Record {
    let timestamp = Timestamp(timestamp);
    Record { uid: Uid(0), key: None, value: Some(10), headers: 0, timestamp }
}
