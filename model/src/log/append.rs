//! How batches come in: a leader validates and stamps, a follower takes what it gets.
//!
//! The order of the leader's checks matters, for a batch that is refused late has left
//! traces: its epoch is recorded and a segment may have been rolled for it.
//! Left out: null keys in compacted topics, CRC errors, recompression.
//!
//! Source: `UnifiedLog.append`, `LogValidator`, Kafka 4.0.

use std::sync::Arc;

use crate::config::TimestampType;
use crate::ids::{LeaderEpoch, Offset};
use crate::log::Log;
use crate::log::batch::Batch;
use crate::message::ErrorCode;
use crate::time::{Duration, Time, Timestamp};

/// Both clocks of a node at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Monotonic time.
    pub now: Time,
    /// What the wall clock shows.
    pub wall: Timestamp,
}

/// What became of a batch that a leader accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log, with the offset and epoch that it bears here.
    New(Arc<Batch>),
    /// It repeats one that is in the log already.
    Duplicate {
        /// Offset of the earlier batch's first record.
        base_offset: Offset,
        /// The offset after its last record.
        end: Offset,
    },
}

/// Why a leader did not append a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AppendError {
    /// It is larger than `max.message.bytes`.
    #[error("the batch is larger than max.message.bytes")]
    MessageTooLarge,
    /// It is larger than `segment.bytes`.
    #[error("the batch is larger than segment.bytes")]
    RecordListTooLarge,
    /// A producer gave it an offset.
    #[error("the batch has an offset already")]
    InvalidRecord,
    /// A record is too old or too far ahead, or the producer stamped an append time.
    #[error("a timestamp is out of bounds")]
    InvalidTimestamp,
    /// The sequence does not follow the producer's last one.
    #[error("the sequence number is out of order")]
    OutOfOrderSequence,
    /// The producer's id is in use with a newer epoch.
    #[error("the producer epoch is stale")]
    InvalidProducerEpoch,
}

impl AppendError {
    /// Returns the code that a producer sees.
    pub fn code(&self) -> ErrorCode {
        match self {
            AppendError::MessageTooLarge => ErrorCode::MessageTooLarge,
            AppendError::RecordListTooLarge => ErrorCode::RecordListTooLarge,
            AppendError::InvalidRecord => ErrorCode::InvalidRecord,
            AppendError::InvalidTimestamp => ErrorCode::InvalidTimestamp,
            AppendError::OutOfOrderSequence => ErrorCode::OutOfOrderSequenceNumber,
            AppendError::InvalidProducerEpoch => ErrorCode::InvalidProducerEpoch,
        }
    }
}

/// Why a follower could not append a batch of its leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FollowerAppendError {
    /// It begins before the end of the log (`UnexpectedAppendOffsetException`).
    #[error("the batch begins at {base_offset}, before the end of the log at {end}")]
    UnexpectedOffset {
        /// Where the batch begins.
        base_offset: Offset,
        /// Where the log ends.
        end: Offset,
    },
}

impl Log {
    /// Appends a producer's batch as leader of `epoch`, or finds that it is there already.
    ///
    /// # Errors
    /// In the order of the checks: `InvalidRecord`, `MessageTooLarge`, `InvalidTimestamp`,
    /// `RecordListTooLarge`, `InvalidProducerEpoch`, `OutOfOrderSequence`; see there.
    ///
    /// Source: `UnifiedLog.appendAsLeader`, Kafka 4.0.
    pub fn append_as_leader(
        &mut self,
        batch: &Arc<Batch>,
        epoch: LeaderEpoch,
        clock: Clock,
    ) -> Result<Appended, AppendError> {
        self.validate(batch, clock.wall)?;
        let append_time = match self.config.timestamp_type {
            TimestampType::CreateTime => None,
            TimestampType::LogAppendTime => Some(clock.wall),
        };
        let (producer, records) = (batch.producer, Arc::clone(&batch.records));
        let base_offset = self.end;
        let stamped = Batch { base_offset, leader_epoch: epoch, producer, append_time, records };

        self.epochs.assign(epoch, base_offset);
        if self.config.segment_bytes < stamped.records.bytes() {
            return Err(AppendError::RecordListTooLarge);
        }
        self.roll_before(&stamped, clock.now);
        if let Some(earlier) = self.producers.duplicate_of(&stamped) {
            let (base_offset, end) = (earlier.base_offset, earlier.last_offset + 1);
            return Ok(Appended::Duplicate { base_offset, end });
        }
        self.producers.check_sequence(&stamped)?;
        let stamped = Arc::new(stamped);
        self.write(&stamped, clock.now);
        Ok(Appended::New(stamped))
    }

    /// Appends a leader's batch as it is. It may leave a gap, for compaction leaves gaps.
    ///
    /// # Errors
    /// `UnexpectedOffset` if it begins before the end of the log.
    ///
    /// Source: `UnifiedLog.appendAsFollower`, Kafka 4.0.
    pub fn append_as_follower(
        &mut self,
        batch: &Arc<Batch>,
        clock: Clock,
    ) -> Result<(), FollowerAppendError> {
        let (base_offset, end) = (batch.base_offset, self.end);
        if base_offset < end {
            return Err(FollowerAppendError::UnexpectedOffset { base_offset, end });
        }
        self.epochs.assign(batch.leader_epoch, base_offset);
        self.roll_before(batch, clock.now);
        self.write(batch, clock.now);
        Ok(())
    }

    /// Checks what needs no state. One bad record rejects the whole batch.
    fn validate(&self, batch: &Batch, wall: Timestamp) -> Result<(), AppendError> {
        if batch.base_offset != Offset::ZERO {
            return Err(AppendError::InvalidRecord);
        }
        if self.config.message_bytes_max < batch.records.bytes() {
            return Err(AppendError::MessageTooLarge);
        }
        match self.config.timestamp_type {
            TimestampType::CreateTime => self.validate_timestamps(batch, wall),
            TimestampType::LogAppendTime => Ok(()),
        }
    }

    /// Negative timestamps stand for none and pass.
    ///
    /// Source: `LogValidator.validateTimestamp`, Kafka 4.0.
    fn validate_timestamps(&self, batch: &Batch, wall: Timestamp) -> Result<(), AppendError> {
        let (before, after) = (self.config.timestamp_before_max, self.config.timestamp_after_max);
        let is_too_old = |timestamp: Timestamp| {
            Timestamp(0) <= timestamp
                && (before.as_millis() as i64) < wall.0.saturating_sub(timestamp.0)
        };
        let is_too_young =
            (after.as_millis() as i64) < batch.records.max_timestamp().0.saturating_sub(wall.0);
        if batch.append_time.is_some()
            || is_too_young
            || before != Duration::MAX
                && batch.records.list().iter().any(|record| is_too_old(record.timestamp))
        {
            return Err(AppendError::InvalidTimestamp);
        }
        Ok(())
    }

    /// Begins a new segment if `batch` must not go into the active one.
    ///
    /// Source: `UnifiedLog.maybeRoll`, Kafka 4.0.
    fn roll_before(&mut self, batch: &Batch, now: Time) {
        if !self.segments.must_roll_before(batch, &self.config, now) {
            return;
        }
        self.roll_at(batch.base_offset, now);
    }

    /// Begins a new segment.
    ///
    /// Source: `UnifiedLog.roll`, Kafka 4.0.
    pub(super) fn roll_at(&mut self, base: Offset, now: Time) {
        self.segments.roll(base, now);
        self.producers.take_snapshot(base);
        // Simplified: Kafka flushes the old segment in the background, which takes a moment.
        self.flushed = self.flushed.max(self.end);
    }

    fn write(&mut self, batch: &Arc<Batch>, now: Time) {
        self.producers.remember(batch);
        self.end = batch.end();
        self.segments.push(Arc::clone(batch), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TopicConfig;
    use crate::log::sample;

    #[test]
    fn each_fault_of_a_batch_has_its_error_and_the_first_check_wins() {
        let size = sample::batch(1).records.bytes();
        let plain = TopicConfig::default;
        let small = || TopicConfig { message_bytes_max: size - 1, ..plain() };
        let shallow = || TopicConfig { segment_bytes: size - 1, ..plain() };
        let strict = |limit| TopicConfig {
            timestamp_before_max: Duration::from_millis(limit),
            timestamp_after_max: Duration::from_millis(limit),
            ..plain()
        };
        let with = |change: fn(&mut Batch)| {
            let mut batch = Batch::clone(&sample::batch(1)); // its timestamp is 0, the clock shows 1000
            change(&mut batch);
            Arc::new(batch)
        };
        let placed = || with(|batch| batch.base_offset = Offset(1));
        let stamped = || with(|batch| batch.append_time = Some(Timestamp(0)));

        let table = [
            (plain(), sample::batch(1), None),
            (small(), sample::batch(1), Some(AppendError::MessageTooLarge)),
            (small(), placed(), Some(AppendError::InvalidRecord)),
            (shallow(), sample::batch(1), Some(AppendError::RecordListTooLarge)),
            (plain(), stamped(), Some(AppendError::InvalidTimestamp)),
            (strict(1_000), sample::batch(1), None),
            (strict(999), sample::batch(1), Some(AppendError::InvalidTimestamp)),
        ];
        for (config, batch, expected) in table {
            let mut log = sample::log_of(config);
            let error = sample::offer(&mut log, &batch).err();
            assert_eq!(error, expected, "{batch:?}");
            assert_eq!(log.end(), Offset(u64::from(expected.is_none())));
        }
    }

    #[test]
    fn a_record_may_lie_an_hour_ahead_and_no_more() {
        let mut log = sample::log();
        let offer = |log: &mut Log, timestamp| {
            sample::offer(log, &sample::batch_at(&[timestamp])).map(|_| ())
        };
        let hour = 3_600_000;

        assert_eq!(offer(&mut log, sample::WALL.0 + hour), Ok(()));
        assert_eq!(offer(&mut log, sample::WALL.0 + hour + 1), Err(AppendError::InvalidTimestamp));
    }

    #[test]
    fn a_refused_batch_has_recorded_its_epoch_and_rolled_the_segment() {
        let size = sample::batch_of(0, 0, 1).records.bytes();
        let mut log = sample::log_of(TopicConfig { segment_bytes: size, ..TopicConfig::default() });
        sample::stored(sample::offer(&mut log, &sample::batch_of(0, 0, 1)));

        let gap = sample::batch_of(0, 5, 1);
        let refused = log.append_as_leader(&gap, LeaderEpoch(9), sample::clock(0));

        assert_eq!(refused, Err(AppendError::OutOfOrderSequence));
        assert_eq!(log.latest_epoch(), Some(LeaderEpoch(9)));
        assert_eq!(log.segment_count(), 2);
        assert_eq!((log.end(), log.flushed()), (Offset(1), Offset(1)));
    }

    #[test]
    fn a_leader_stamps_offset_epoch_and_append_time_and_shares_the_records() {
        let timestamp_type = TimestampType::LogAppendTime;
        let mut log = sample::log_of(TopicConfig { timestamp_type, ..TopicConfig::default() });
        sample::append(&mut log, 2);
        let sent = sample::batch(1);

        let stored = sample::stored(sample::offer(&mut log, &sent));

        assert_eq!((stored.base_offset, stored.leader_epoch), (Offset(2), sample::EPOCH));
        assert_eq!(stored.append_time, Some(sample::WALL));
        assert!(Arc::ptr_eq(&stored.records, &sent.records));
    }

    #[test]
    fn a_follower_takes_batches_in_order_gaps_allowed() {
        let mut log = sample::log();
        let at = |base| {
            let mut batch = Batch::clone(&sample::batch(2));
            batch.base_offset = Offset(base);
            Arc::new(batch)
        };

        assert_eq!(log.append_as_follower(&at(3), sample::clock(0)), Ok(()));
        let again = log.append_as_follower(&at(4), sample::clock(0));

        let (base_offset, end) = (Offset(4), Offset(5));
        assert_eq!(again, Err(FollowerAppendError::UnexpectedOffset { base_offset, end }));
        assert_eq!(log.end(), Offset(5));
    }

    #[test]
    fn a_follower_does_not_check_sequences_and_knows_them_when_it_leads() {
        let mut log = sample::log();
        let stamped = |base, sequence| {
            let mut batch = Batch::clone(&sample::batch_of(0, sequence, 1));
            batch.base_offset = Offset(base);
            Arc::new(batch)
        };
        for batch in [stamped(0, 4), stamped(1, 9)] {
            assert_eq!(log.append_as_follower(&batch, sample::clock(0)), Ok(()));
        }

        let offer = |log: &mut Log, sequence| sample::offer(log, &sample::batch_of(0, sequence, 1));

        assert_eq!(offer(&mut log, 4), sample::duplicate(0, 1));
        assert_eq!(offer(&mut log, 5), Err(AppendError::OutOfOrderSequence));
        assert_eq!(sample::stored(offer(&mut log, 10)).base_offset, Offset(2));
    }
}
