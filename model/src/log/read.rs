//! How batches and offsets are found.
//!
//! Source: `LocalLog.read`, `UnifiedLog.fetchOffsetByTimestamp`, Kafka 4.0.

use std::sync::Arc;

use crate::ids::{LeaderEpoch, Offset};
use crate::log::Log;
use crate::log::batch::Batch;
use crate::message::data::OffsetSpec;
use crate::time::Timestamp;

/// The offset lies outside of the log (OFFSET_OUT_OF_RANGE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the offset lies outside of the log")]
pub struct OutOfRange;

/// Whether a read returns a first batch that is larger than the reader wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtLeastOne {
    /// It does: otherwise a reader could stand before it for ever (KIP-74).
    Yes,
    /// It does not.
    No,
}

/// What [`Log::offset_for`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FoundOffset {
    /// The offset.
    pub offset: Offset,
    /// The timestamp of the record there; `None` for the ends of the log.
    pub timestamp: Option<Timestamp>,
    /// The leader epoch there.
    pub epoch: Option<LeaderEpoch>,
}

impl Log {
    /// Returns whole batches: from the one that holds `from`, those that end at `bound` or
    /// before and together have no more than `bytes_max`. The first may begin before `from`.
    ///
    /// # Errors
    /// If `from` lies before the start or beyond the end of the log.
    ///
    /// Source: `LocalLog.read`, Kafka 4.0.
    pub fn read(
        &self,
        from: Offset,
        bound: Offset,
        bytes_max: u32,
        at_least_one: AtLeastOne,
    ) -> Result<Vec<Arc<Batch>>, OutOfRange> {
        if from < self.start || self.end < from {
            return Err(OutOfRange);
        }
        // Simplified: Kafka ends a read with the segment; the reader merely asks once more.
        let mut batches = Vec::new();
        let mut left = bytes_max;
        for batch in self.batches_between(from, bound) {
            match left.checked_sub(batch.records.bytes()) {
                Some(rest) => left = rest,
                None if batches.is_empty() && at_least_one == AtLeastOne::Yes => left = 0,
                None => break,
            }
            batches.push(Arc::clone(batch));
        }
        Ok(batches)
    }

    /// Returns how many bytes a read from `from` to `bound` could return; stops counting
    /// when there are `enough`.
    pub fn bytes_between(&self, from: Offset, bound: Offset, enough: u32) -> u32 {
        let mut bytes = 0_u32;
        for batch in self.batches_between(from, bound) {
            if enough <= bytes {
                break;
            }
            bytes = bytes.saturating_add(batch.records.bytes());
        }
        bytes
    }

    /// Iterates over all batches that hold records at or behind the start of the log.
    pub fn batches(&self) -> impl Iterator<Item = &Arc<Batch>> {
        self.segments.batches_from(self.start).map(|stored| &stored.batch)
    }

    /// Finds the offset that a client asks for. `bound` is the end of what it may see: there
    /// is the latest offset, and a record at or behind it is not found.
    ///
    /// Source: `Partition.fetchOffsetForTimestamp`, `UnifiedLog.fetchOffsetByTimestamp`,
    /// Kafka 4.0.
    pub fn offset_for(&self, spec: OffsetSpec, bound: Offset) -> Option<FoundOffset> {
        let found = match spec {
            OffsetSpec::Earliest => {
                let epoch = self.epochs.epoch_for(self.start);
                return Some(FoundOffset { offset: self.start, timestamp: None, epoch });
            }
            OffsetSpec::Latest => {
                let epoch = self.latest_epoch();
                return Some(FoundOffset { offset: bound, timestamp: None, epoch });
            }
            OffsetSpec::MaxTimestamp => {
                let times = self.batches().map(|batch| batch.max_timestamp());
                let newest = times.max()?;
                self.first_record_since(newest)?
            }
            OffsetSpec::AtOrAfter(timestamp) => self.first_record_since(timestamp)?,
        };
        (found.offset < bound).then_some(found)
    }

    /// Returns the leader epoch of the record at `offset`, or of the last record if there is
    /// none so far out.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let last = Offset(self.end.0.checked_sub(1)?);
        self.epochs.epoch_for(offset.min(last))
    }

    fn batches_between(&self, from: Offset, bound: Offset) -> impl Iterator<Item = &Arc<Batch>> {
        // Readers that have everything are the most frequent ones: spare them the search.
        let from_here = (from < bound).then(|| self.segments.batches_from(from));
        let batches = from_here.into_iter().flatten().map(|stored| &stored.batch);
        batches.take_while(move |batch| batch.end() <= bound)
    }

    /// Returns the first record, by offset, that is not older. Under `LogAppendTime` all
    /// records of a batch are as old as the batch.
    fn first_record_since(&self, timestamp: Timestamp) -> Option<FoundOffset> {
        let young = self.batches().filter(|batch| timestamp <= batch.max_timestamp());
        let mut found = young.flat_map(|batch| {
            let epoch = Some(batch.leader_epoch);
            batch.records_from(self.start).map(move |(offset, record)| {
                let time = batch.append_time.unwrap_or(record.timestamp);
                FoundOffset { offset, timestamp: Some(time), epoch }
            })
        });
        found.find(|found| Some(timestamp) <= found.timestamp)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{TimestampType, TopicConfig};
    use crate::log::sample;

    const EVERYTHING: u32 = u32::MAX;

    #[test]
    fn a_reader_at_the_end_gets_nothing_and_one_outside_an_error() {
        let mut log = sample::log_with(&[3, 2]);
        log.advance_high_watermark(Offset(5));
        log.advance_start(Offset(3));
        let read = |from| log.read(Offset(from), log.end(), EVERYTHING, AtLeastOne::Yes);

        assert_eq!(read(5), Ok(Vec::new()));
        assert_eq!(read(6), Err(OutOfRange));
        assert_eq!(read(2), Err(OutOfRange));
        assert_eq!(read(3).map(|batches| batches.len()), Ok(1));
    }

    #[test]
    fn a_batch_that_is_too_large_is_returned_only_to_who_wants_at_least_one() {
        let log = sample::log_with(&[1, 1]);
        let size = log.bytes_between(Offset(0), Offset(1), EVERYTHING);
        let read = |bytes_max, at_least_one| {
            let batches = log.read(Offset(0), log.end(), bytes_max, at_least_one);
            batches.expect("0 is in range").len()
        };

        assert_eq!(read(size - 1, AtLeastOne::Yes), 1);
        assert_eq!(read(size - 1, AtLeastOne::No), 0);
        assert_eq!(read(2 * size - 1, AtLeastOne::No), 1);
        assert_eq!(read(2 * size, AtLeastOne::No), 2);
    }

    #[test]
    fn counting_bytes_stops_when_there_are_enough() {
        let log = sample::log_with(&[1, 1, 1]);
        let size = log.bytes_between(Offset(0), Offset(1), EVERYTHING);

        assert_eq!(log.bytes_between(Offset(0), Offset(3), EVERYTHING), 3 * size);
        assert_eq!(log.bytes_between(Offset(0), Offset(3), 1), size);
        assert_eq!(log.bytes_between(Offset(3), Offset(3), 1), 0);
    }

    #[test]
    fn offsets_are_found_by_time_even_if_time_runs_backwards() {
        let mut log = sample::log();
        for times in [&[10, 40][..], &[30, 20], &[50]] {
            sample::append_at(&mut log, times);
        }
        let find = |spec, bound| log.offset_for(spec, Offset(bound)).map(|found| found.offset.0);
        let since = |time| OffsetSpec::AtOrAfter(Timestamp(time));

        let table = [
            (OffsetSpec::Earliest, 0, Some(0)),
            (OffsetSpec::Latest, 3, Some(3)),
            (OffsetSpec::MaxTimestamp, 5, Some(4)),
            (OffsetSpec::MaxTimestamp, 4, None),
            (since(0), 5, Some(0)),
            (since(11), 5, Some(1)),
            (since(41), 5, Some(4)),
            (since(41), 4, None),
            (since(51), 5, None),
        ];
        for (spec, bound, expected) in table {
            assert_eq!(find(spec, bound), expected, "{spec:?} below {bound}");
        }
    }

    #[test]
    fn records_before_the_start_are_not_found_by_time() {
        let mut log = sample::log();
        sample::append_at(&mut log, &[90, 10]);
        sample::append_at(&mut log, &[50]);
        log.advance_high_watermark(Offset(3));

        log.advance_start(Offset(1));

        let found = log.offset_for(OffsetSpec::AtOrAfter(Timestamp(20)), Offset(3));
        assert_eq!(found.map(|found| found.offset), Some(Offset(2)));
    }

    #[test]
    fn with_append_time_a_batch_has_one_time() {
        let timestamp_type = TimestampType::LogAppendTime;
        let mut log = sample::log_of(TopicConfig { timestamp_type, ..TopicConfig::default() });
        sample::append_at(&mut log, &[7, 90]);

        let found = log.offset_for(OffsetSpec::MaxTimestamp, Offset(2));

        let (timestamp, epoch) = (Some(sample::WALL), Some(sample::EPOCH));
        assert_eq!(found, Some(FoundOffset { offset: Offset(0), timestamp, epoch }));
    }

    #[test]
    fn the_epoch_at_the_end_is_that_of_the_last_record() {
        let mut log = sample::log_with(&[2]);
        log.assign_epoch(sample::EPOCH.next(), Offset(2));

        assert_eq!(log.epoch_at(Offset(1)), Some(sample::EPOCH));
        assert_eq!(log.epoch_at(Offset(2)), Some(sample::EPOCH));
        assert_eq!(sample::log().epoch_at(Offset(0)), None);
    }

    proptest! {
        #[test]
        fn a_read_returns_exactly_the_batches_between(
            counts in prop::collection::vec(1_u64..5, 1..60),
            segment_bytes in 200_u32..2_000,
            from in 0_u64..240,
            bound in 0_u64..240,
        ) {
            let config = TopicConfig { segment_bytes, ..TopicConfig::default() };
            let mut log = sample::log_of(config);
            let all: Vec<_> = counts.iter().map(|&count| sample::append(&mut log, count)).collect();
            let (from, bound) = (Offset(from), Offset(bound));

            let found = log.read(from, bound, EVERYTHING, AtLeastOne::No);

            let between = |batch: &&Arc<Batch>| from < batch.end() && batch.end() <= bound;
            let expected: Vec<_> = all.iter().filter(between).cloned().collect();
            match from <= log.end() {
                true => prop_assert_eq!(found, Ok(expected)),
                false => prop_assert_eq!(found, Err(OutOfRange)),
            }
        }
    }
}
