//! One partition's log on one broker: appends, reads, truncation, and what a crash leaves.
//!
//! A [`Log`] knows nothing of leaders and followers: it is told in which role to append, and
//! where to truncate. In reading order:
//! - [`batch`]: what is stored
//! - `append`: how batches come in, and why they may not
//! - [`epochs`], [`producers`]: what the log remembers of leaders and of idempotent producers
//! - `segment`: where batches lie, and when a new segment begins
//! - `read`: how batches and offsets are found
//! - `recovery`: what is on disk, and what a new process makes of it
//! - `retention`: what is deleted again
//!
//! Left out: transactions, compaction, tiered storage.
//!
//! Source: `UnifiedLog`, `LocalLog`, Kafka 4.0.

mod append;
pub mod batch;
pub mod epochs;
pub mod producers;
mod read;
mod recovery;
mod retention;
#[cfg(test)]
mod sample;
mod segment;

use crate::config::TopicConfig;
use crate::ids::{LeaderEpoch, Offset};
use crate::log::epochs::LeaderEpochs;
use crate::log::producers::ProducerStates;
use crate::log::segment::Segments;
use crate::message::data::EpochEnd;
use crate::time::{Duration, Time, Timestamp};

pub use append::{AppendError, Appended, Clock, FollowerAppendError};
pub use read::{AtLeastOne, FoundOffset, OutOfRange};
pub use recovery::Shutdown;
pub use retention::Retention;

/// The log of one partition on one broker.
///
/// Invariant: `start <= high_watermark <= end` and `flushed <= end`.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    config: TopicConfig,
    segments: Segments,
    epochs: LeaderEpochs,
    producers: ProducerStates,
    /// The first offset that readers may see.
    start: Offset,
    /// Where the next record goes. Beyond the last batch's end if a truncation hit its middle.
    end: Offset,
    /// Everything below is committed, as far as this replica knows.
    high_watermark: Offset,
    /// Everything below was flushed to disk: Kafka's recovery point.
    flushed: Offset,
}

impl Log {
    /// Makes an empty log that begins at offset 0.
    pub fn new(config: TopicConfig, now: Time) -> Log {
        Log {
            config,
            segments: Segments::new(Offset::ZERO, now),
            epochs: LeaderEpochs::default(),
            producers: ProducerStates::default(),
            start: Offset::ZERO,
            end: Offset::ZERO,
            high_watermark: Offset::ZERO,
            flushed: Offset::ZERO,
        }
    }

    /// Obeys other settings from here on; what is stored stays as it is.
    pub fn set_config(&mut self, config: TopicConfig) {
        self.config = config;
    }

    /// Returns the settings in force.
    pub fn config(&self) -> &TopicConfig {
        &self.config
    }

    /// Returns the first offset that readers may see.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// Returns where the next record goes.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Returns the offset below which everything is committed, as far as this replica knows.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Returns the offset below which every transaction is decided.
    pub fn last_stable(&self) -> Offset {
        // Simplified: without transactions nothing below the high watermark is undecided.
        self.high_watermark
    }

    /// Returns the newest leader epoch that this log knows, even one without records.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }

    /// Returns which leader epoch begins where.
    pub fn epochs(&self) -> &LeaderEpochs {
        &self.epochs
    }

    /// Returns what is remembered of idempotent producers.
    pub fn producers(&self) -> &ProducerStates {
        &self.producers
    }

    /// Returns how many segments there are, at least 1.
    pub fn segment_count(&self) -> usize {
        self.segments.bases().count()
    }

    /// Records that `epoch` begins at `start`: a new leader does so before its first append.
    pub fn assign_epoch(&mut self, epoch: LeaderEpoch, start: Offset) {
        self.epochs.assign(epoch, start);
    }

    /// Returns where `epoch` ends in this log; the newest one ends with the log. `None` if
    /// this log does not know so new an epoch.
    ///
    /// Source: `UnifiedLog.endOffsetForEpoch`, Kafka 4.0.
    pub fn end_offset_for(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        self.epochs.end_offset_for(epoch, self.end)
    }

    /// Compares this log with that of a reader which stands at `offset`, its last record of
    /// `last_fetched_epoch`. Returns `None` if they agree so far, else where the epoch that
    /// the reader may keep ends here.
    ///
    /// # Errors
    /// If this log begins behind `offset`, or does not know the epoch.
    ///
    /// Source: `Partition.readRecords`, Kafka 4.0; KIP-595 brought it into the fetch.
    pub fn divergence(
        &self,
        last_fetched_epoch: LeaderEpoch,
        offset: Offset,
    ) -> Result<Option<EpochEnd>, OutOfRange> {
        let known = self.end_offset_for(last_fetched_epoch).ok_or(OutOfRange)?;
        if offset < self.start {
            return Err(OutOfRange);
        }
        let parts = known.epoch < last_fetched_epoch || known.end < offset;
        Ok(parts.then_some(known))
    }

    /// Raises a leader's high watermark; says whether it moved.
    ///
    /// # Panics
    /// If `to` lies beyond the log's end.
    ///
    /// Source: `UnifiedLog.maybeIncrementHighWatermark`, Kafka 4.0.
    pub fn advance_high_watermark(&mut self, to: Offset) -> bool {
        assert!(to <= self.end, "the high watermark {to} lies beyond the end {}", self.end);
        if to <= self.high_watermark {
            return false;
        }
        self.high_watermark = to;
        true
    }

    /// Takes over the leader's high watermark as far as this log reaches; says whether it
    /// moved. It may move down.
    ///
    /// Source: `UnifiedLog.maybeUpdateHighWatermark`, Kafka 4.0.
    pub fn follow_high_watermark(&mut self, leaders: Offset) -> bool {
        let before = self.high_watermark;
        self.high_watermark = leaders.clamp(self.start, self.end);
        self.high_watermark != before
    }

    /// Moves the start of the log up; says whether it moved. Refused, without effect, if `to`
    /// lies behind the high watermark.
    ///
    /// The records before it are hidden; their segments are deleted by retention.
    ///
    /// Source: `UnifiedLog.maybeIncrementLogStartOffset`, Kafka 4.0.
    pub fn advance_start(&mut self, to: Offset) -> bool {
        if to <= self.start || self.high_watermark < to {
            return false;
        }
        self.start = to;
        self.flushed = self.flushed.max(to);
        self.epochs.truncate_from_start(to);
        self.producers.advance_start(to);
        true
    }

    /// Removes everything from `to` on; says whether there was anything.
    ///
    /// Epochs without records at the end of the log go in any case: this broker's own epoch
    /// as leader may contradict the new leader's.
    ///
    /// Source: `UnifiedLog.truncateTo`, Kafka 4.0.
    pub fn truncate_to(&mut self, to: Offset) -> bool {
        if self.end <= to {
            self.epochs.truncate_from_end(self.end);
            return false;
        }
        if to < self.segments.first_base() {
            self.truncate_fully_and_start_at(to);
            return true;
        }
        self.remove_from(to);
        self.start = self.start.min(to);
        self.epochs.truncate_from_end(to);
        self.rebuild_producers();
        true
    }

    /// Removes everything; the next record goes to `at`.
    ///
    /// Source: `UnifiedLog.truncateFullyAndStartAt`, Kafka 4.0.
    pub fn truncate_fully_and_start_at(&mut self, at: Offset) {
        self.segments.restart_at(at);
        self.epochs.clear();
        self.producers = ProducerStates::starting_at(at);
        self.start = at;
        self.end = at;
        self.high_watermark = at;
        self.flushed = at;
    }

    /// Forgets all producers.
    pub fn forget_producers(&mut self) {
        self.producers.forget();
    }

    /// Forgets all but the last batch of each producer.
    pub fn condense_producers(&mut self) {
        self.producers.condense();
    }

    /// Forgets producers whose last batch is `after` old or older by its own timestamp.
    pub fn expire_producers(&mut self, now_wall: Timestamp, after: Duration) {
        self.producers.expire(now_wall, after);
    }

    /// Cuts the data and whatever points into it.
    fn remove_from(&mut self, to: Offset) {
        self.segments.truncate_to(to);
        self.end = to;
        self.high_watermark = self.high_watermark.min(to);
        self.flushed = self.flushed.min(to);
    }

    /// Makes the memory of producers that of the log as it is: the newest snapshot that fits,
    /// and all batches behind it. Leaves a snapshot at the end.
    ///
    /// Source: `UnifiedLog.rebuildProducerState`, Kafka 4.0.
    fn rebuild_producers(&mut self) {
        let from = self.producers.truncate_and_reload(self.start, self.end);
        for stored in self.segments.batches_from(from) {
            self.producers.remember(&stored.batch);
        }
        self.producers.take_snapshot(self.end);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::log::batch::Batch;

    #[test]
    fn a_leader_s_high_watermark_only_rises_and_a_follower_s_also_falls() {
        let mut log = sample::log_with(&[2, 2]);

        assert!(log.advance_high_watermark(Offset(4)));
        assert!(!log.advance_high_watermark(Offset(2)));
        assert!(log.follow_high_watermark(Offset(2)));
        assert!(!log.follow_high_watermark(Offset(2)));
        assert!(log.follow_high_watermark(Offset(9)));
        assert_eq!(log.high_watermark(), Offset(4));
    }

    #[test]
    fn truncating_takes_data_epochs_high_watermark_and_producers_back() {
        let mut log = sample::log();
        sample::stored(sample::offer(&mut log, &sample::batch_of(0, 0, 2)));
        log.assign_epoch(LeaderEpoch(4), Offset(2));
        let late = sample::batch_of(0, 2, 1);
        log.append_as_leader(&late, LeaderEpoch(4), sample::clock(0)).expect("it comes next");
        log.advance_high_watermark(Offset(3));
        log.flush();

        assert!(log.truncate_to(Offset(2)));

        assert_eq!(
            (log.end(), log.high_watermark(), log.flushed()),
            (Offset(2), Offset(2), Offset(2))
        );
        assert_eq!(log.latest_epoch(), Some(sample::EPOCH));
        assert_eq!(sample::stored(sample::offer(&mut log, &late)).base_offset, Offset(2));
    }

    #[test]
    fn truncating_to_the_end_drops_an_epoch_without_records() {
        let mut log = sample::log_with(&[2]);
        log.assign_epoch(LeaderEpoch(4), Offset(2));

        assert!(!log.truncate_to(Offset(5)));

        assert_eq!(log.latest_epoch(), Some(sample::EPOCH));
        assert_eq!(log.end(), Offset(2));
    }

    #[test]
    fn truncating_before_the_first_segment_starts_anew_there() {
        let mut log = sample::log();
        log.truncate_fully_and_start_at(Offset(10));
        sample::append(&mut log, 2);

        assert!(log.truncate_to(Offset(7)));

        assert_eq!(
            (log.start(), log.end(), log.high_watermark()),
            (Offset(7), Offset(7), Offset(7))
        );
        assert_eq!(sample::append(&mut log, 1).base_offset, Offset(7));
    }

    #[test]
    fn the_start_moves_up_to_the_high_watermark_and_no_further() {
        let mut log = sample::log_with(&[2, 2]);
        log.advance_high_watermark(Offset(2));

        assert!(!log.advance_start(Offset(3)));
        assert_eq!(log.start(), Offset(0));

        assert!(log.advance_start(Offset(2)));
        assert!(!log.advance_start(Offset(2)));
        assert_eq!(log.start(), Offset(2));
        assert_eq!(log.batches().count(), 1);
        assert_eq!(log.epochs().entries()[0].start, Offset(2));
    }

    #[test]
    fn after_a_truncation_only_the_last_batch_before_the_snapshot_is_remembered() {
        let mut log = sample::log();
        for sequence in 0..4 {
            sample::stored(sample::offer(&mut log, &sample::batch_of(0, sequence, 1)));
        }
        log.truncate_to(Offset(3)); // leaves a snapshot at 3, but replays all from 0
        assert_eq!(sample::offer(&mut log, &sample::batch_of(0, 0, 1)), sample::duplicate(0, 1));

        sample::stored(sample::offer(&mut log, &sample::batch_of(0, 3, 1)));
        log.truncate_to(Offset(3));

        let repeat =
            |log: &mut Log, sequence| sample::offer(log, &sample::batch_of(0, sequence, 1));
        assert_eq!(repeat(&mut log, 1), Err(AppendError::OutOfOrderSequence));
        assert_eq!(repeat(&mut log, 2), sample::duplicate(2, 3));
    }

    /// What can happen to a log, with numbers that are made to fit.
    #[derive(Clone, Debug)]
    enum Happening {
        Lead { sequence: u32, count: u64 },
        Follow { count: u64, gap: u64 },
        Truncate(u64),
        HighWatermark(u64),
        Start(u64),
        Flush,
        PowerCut(u64),
        Restart(u64, Shutdown),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        prop_oneof![
            (0_u32..8, 1_u64..4).prop_map(|(sequence, count)| Happening::Lead { sequence, count }),
            (1_u64..4, 0_u64..2).prop_map(|(count, gap)| Happening::Follow { count, gap }),
            (0_u64..30).prop_map(Happening::Truncate),
            (0_u64..30).prop_map(Happening::HighWatermark),
            (0_u64..30).prop_map(Happening::Start),
            Just(Happening::Flush),
            (0_u64..30).prop_map(Happening::PowerCut),
            (0_u64..30, prop_oneof![Just(Shutdown::Clean), Just(Shutdown::Crash)])
                .prop_map(|(checkpoint, shutdown)| Happening::Restart(checkpoint, shutdown)),
        ]
    }

    fn happen(log: &mut Log, happening: &Happening) {
        match *happening {
            Happening::Lead { sequence, count } => {
                // Most are refused or duplicates, which is as good.
                let _ = sample::offer(log, &sample::batch_of(0, sequence, count));
            }
            Happening::Follow { count, gap } => {
                let mut batch = Batch::clone(&sample::batch(count));
                batch.base_offset = log.end() + gap;
                batch.leader_epoch = log.latest_epoch().unwrap_or_default().next();
                log.append_as_follower(&Arc::new(batch), sample::clock(0)).expect("it fits");
            }
            Happening::Truncate(to) => {
                log.truncate_to(Offset(to));
            }
            Happening::HighWatermark(to) => {
                log.follow_high_watermark(Offset(to));
            }
            Happening::Start(to) => {
                log.advance_start(Offset(to));
            }
            Happening::Flush => {
                log.flush();
            }
            Happening::PowerCut(to) => {
                log.cut_at(Offset(to).max(log.flushed()));
                log.recover(log.high_watermark(), Shutdown::Crash, Time::ZERO);
            }
            Happening::Restart(checkpoint, shutdown) => {
                if shutdown == Shutdown::Clean {
                    log.prepare_clean_shutdown();
                }
                log.recover(Offset(checkpoint), shutdown, Time::ZERO);
            }
        }
    }

    proptest! {
        #[test]
        fn a_truncated_log_goes_on_like_one_that_never_was_longer(
            kept in prop::collection::vec((1_u64..4, 0_u32..3), 1..20),
            lost in prop::collection::vec(1_u64..4, 0..20),
            later in prop::collection::vec(1_u64..4, 0..20),
            segment_bytes in 200_u32..1_000,
        ) {
            let config = TopicConfig { segment_bytes, ..TopicConfig::default() };
            let mut plain = sample::log_of(config);
            let mut epoch = LeaderEpoch(0);
            for &(count, step) in &kept {
                epoch = LeaderEpoch(epoch.0 + step);
                sample::follow(&mut plain, count, epoch);
            }
            let mut cut = plain.clone();
            for &count in &lost {
                sample::follow(&mut cut, count, epoch.next());
            }

            cut.truncate_to(plain.end());
            for &count in &later {
                sample::follow(&mut plain, count, LeaderEpoch(100));
                sample::follow(&mut cut, count, LeaderEpoch(100));
            }

            let all = |log: &Log| log.batches().map(|batch| Batch::clone(batch)).collect::<Vec<_>>();
            prop_assert_eq!(all(&plain), all(&cut));
            prop_assert_eq!(plain.end(), cut.end());
            prop_assert_eq!(plain.epochs(), cut.epochs());
        }

        #[test]
        fn whatever_happens_the_parts_of_a_log_agree(
            happenings in prop::collection::vec(happening(), 1..60),
            segment_bytes in 200_u32..1_000,
        ) {
            let mut log = sample::log_of(TopicConfig { segment_bytes, ..TopicConfig::default() });
            for happening in &happenings {
                let flushed: Vec<_> =
                    log.batches().filter(|batch| batch.end() <= log.flushed()).cloned().collect();
                happen(&mut log, happening);

                prop_assert!(log.start() <= log.high_watermark(), "{happening:?}");
                prop_assert!(log.high_watermark() <= log.end(), "{happening:?}");
                prop_assert!(log.flushed() <= log.end(), "{happening:?}");
                prop_assert!(log.batches().all(|batch| batch.end() <= log.end()));
                prop_assert!(log.batches().is_sorted_by(|a, b| a.end() <= b.base_offset));
                prop_assert!(log.epochs().entries().iter().all(|entry| entry.start <= log.end()));
                prop_assert!(log.producers().snapshots().all(|at| at <= log.end()));
                if matches!(happening, Happening::PowerCut(_)) {
                    prop_assert!(flushed.iter().eq(log.batches().take(flushed.len())));
                }
            }
        }
    }
}
