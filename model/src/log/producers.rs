//! What a partition remembers of idempotent producers, to recognise repeats and gaps.
//!
//! Leaders check against it, followers merely keep it, so that either can take over. It
//! lives in memory; snapshots hold the last batch of each producer, and the log behind a
//! snapshot is replayed. Left out: transactions, hence markers and verification.
//!
//! Source: `ProducerStateManager`, `ProducerStateEntry`, `ProducerAppendInfo`, Kafka 4.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::{Offset, ProducerEpoch, ProducerId, Sequence};
use crate::log::append::AppendError;
use crate::log::batch::Batch;
use crate::time::{Duration, Timestamp};

/// How many batches of a producer are remembered: as many as a client may have in flight.
pub const BATCHES_REMEMBERED: usize = 5;

/// One batch of a producer, as remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RememberedBatch {
    /// Sequence of the first record.
    pub first_sequence: Sequence,
    /// Sequence of the last record.
    pub last_sequence: Sequence,
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Offset of the last record.
    pub last_offset: Offset,
}

/// What is known of one producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProducerState {
    /// Its epoch, the highest seen.
    pub epoch: ProducerEpoch,
    /// The largest record timestamp of its last batch.
    pub last_timestamp: Timestamp,
    /// Its batches of this epoch, oldest first. Invariant: the first `count` are in use and
    /// at least one is; the rest are blank.
    batches: [RememberedBatch; BATCHES_REMEMBERED],
    count: usize,
}

type Producers = BTreeMap<ProducerId, ProducerState>;

/// The producers of one partition, with the snapshots on disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProducerStates {
    producers: Producers,
    /// Everything below this offset is taken into account.
    end: Offset,
    /// Snapshots by the offset at which they were taken.
    snapshots: BTreeMap<Offset, Arc<Producers>>,
}

impl ProducerState {
    fn new(epoch: ProducerEpoch, last_timestamp: Timestamp, batch: RememberedBatch) -> Self {
        let mut batches = [RememberedBatch::default(); BATCHES_REMEMBERED];
        batches[0] = batch;
        ProducerState { epoch, last_timestamp, batches, count: 1 }
    }

    /// Returns the remembered batches, oldest first; at least one.
    pub fn batches(&self) -> &[RememberedBatch] {
        &self.batches[..self.count]
    }

    /// Returns the sequence of the last record.
    pub fn last_sequence(&self) -> Sequence {
        self.last().last_sequence
    }

    fn last(&self) -> RememberedBatch {
        self.batches[self.count - 1]
    }

    fn push(&mut self, timestamp: Timestamp, batch: RememberedBatch) {
        if self.count == BATCHES_REMEMBERED {
            self.batches.rotate_left(1);
            self.count -= 1;
        }
        self.batches[self.count] = batch;
        self.count += 1;
        self.last_timestamp = timestamp;
    }

    /// Returns the state with all but the last batch forgotten, as a snapshot keeps it.
    fn condensed(&self) -> ProducerState {
        ProducerState::new(self.epoch, self.last_timestamp, self.last())
    }
}

impl ProducerStates {
    /// Makes the memory of a log that begins at `start`.
    pub(super) fn starting_at(start: Offset) -> ProducerStates {
        ProducerStates { end: start, ..ProducerStates::default() }
    }

    /// Returns what is known of a producer.
    pub fn get(&self, id: ProducerId) -> Option<&ProducerState> {
        self.producers.get(&id)
    }

    /// Returns the offsets at which snapshots were taken, lowest first.
    pub fn snapshots(&self) -> impl Iterator<Item = Offset> {
        self.snapshots.keys().copied()
    }

    /// Returns the remembered batch that `batch` repeats exactly.
    ///
    /// Source: `ProducerStateEntry.findDuplicateBatch`, Kafka 4.0.
    pub fn duplicate_of(&self, batch: &Batch) -> Option<RememberedBatch> {
        let stamp = batch.producer?;
        let state = self.producers.get(&stamp.id)?;
        if state.epoch != stamp.epoch {
            return None;
        }
        let range = (stamp.sequence, batch.last_sequence()?);
        let repeats =
            |known: &&RememberedBatch| (known.first_sequence, known.last_sequence) == range;
        state.batches().iter().find(repeats).copied()
    }

    /// Checks that `batch` is what its producer must send next. A producer that is not known
    /// may begin anywhere: its state may have expired.
    ///
    /// # Errors
    /// `InvalidProducerEpoch` if the epoch is older than the one known;
    /// `OutOfOrderSequence` if the sequence leaves a gap, goes back, or does not begin a new
    /// epoch at 0.
    ///
    /// Source: `ProducerAppendInfo.checkProducerEpoch`, `checkSequence`, Kafka 4.0.
    pub fn check_sequence(&self, batch: &Batch) -> Result<(), AppendError> {
        let Some(stamp) = batch.producer else { return Ok(()) };
        let Some(state) = self.producers.get(&stamp.id) else { return Ok(()) };
        if stamp.epoch < state.epoch {
            return Err(AppendError::InvalidProducerEpoch);
        }
        let expected =
            if state.epoch < stamp.epoch { Sequence(0) } else { state.last_sequence().plus(1) };
        if stamp.sequence != expected {
            return Err(AppendError::OutOfOrderSequence);
        }
        Ok(())
    }

    /// Takes an appended batch into account, unchecked.
    ///
    /// An older epoch than the one known is taken over as it is: a follower does not argue
    /// with its leader.
    ///
    /// Source: `ProducerAppendInfo.appendDataBatch`, `ProducerStateEntry.update`, Kafka 4.0.
    pub fn remember(&mut self, batch: &Batch) {
        self.end = batch.end();
        let (Some(stamp), Some(last_sequence)) = (batch.producer, batch.last_sequence()) else {
            return;
        };
        let timestamp = batch.max_timestamp();
        let remembered = RememberedBatch {
            first_sequence: stamp.sequence,
            last_sequence,
            base_offset: batch.base_offset,
            last_offset: batch.last_offset(),
        };
        match self.producers.get_mut(&stamp.id) {
            Some(state) if state.epoch == stamp.epoch => state.push(timestamp, remembered),
            Some(state) => *state = ProducerState::new(stamp.epoch, timestamp, remembered),
            None => {
                let state = ProducerState::new(stamp.epoch, timestamp, remembered);
                self.producers.insert(stamp.id, state);
            }
        }
    }

    /// Forgets everybody; the snapshots stay.
    pub(super) fn forget(&mut self) {
        self.producers.clear();
    }

    /// Forgets all but the last batch of everybody.
    pub(super) fn condense(&mut self) {
        for state in self.producers.values_mut() {
            *state = state.condensed();
        }
    }

    /// Forgets the producers whose last batch is `after` old or older, in record time.
    ///
    /// Source: `ProducerStateManager.removeExpiredProducers`, Kafka 4.0.
    pub fn expire(&mut self, now_wall: Timestamp, after: Duration) {
        let after = after.as_millis() as i64;
        self.producers.retain(|_, state| now_wall.0.saturating_sub(state.last_timestamp.0) < after);
    }

    /// Writes a snapshot at `end`, where the log now is; not twice at the same offset.
    ///
    /// Source: `ProducerStateManager.takeSnapshot`, Kafka 4.0.
    pub(super) fn take_snapshot(&mut self, end: Offset) {
        self.end = end;
        if self.snapshots.last_key_value().is_some_and(|(&newest, _)| end <= newest) {
            return;
        }
        let condensed = self.producers.iter().map(|(&id, state)| (id, state.condensed()));
        self.snapshots.insert(end, Arc::new(condensed.collect()));
    }

    /// Drops snapshots that do not lie in `start < offset <= end`, and goes back to the
    /// newest one left if the memory is not that of a log that ends at `end`.
    ///
    /// Returns where the caller must begin to replay the log; at `end` nothing is missing.
    ///
    /// Source: `ProducerStateManager.truncateAndReload`, Kafka 4.0.
    pub(super) fn truncate_and_reload(&mut self, start: Offset, end: Offset) -> Offset {
        self.snapshots.retain(|&at, _| start < at && at <= end);
        if self.end != end {
            self.reload(start);
        }
        self.end
    }

    /// Loads the newest snapshot; without one the log must be replayed from `start`.
    ///
    /// Source: `ProducerStateManager.loadFromSnapshot`, Kafka 4.0.
    fn reload(&mut self, start: Offset) {
        match self.snapshots.last_key_value() {
            Some((&at, snapshot)) => {
                // Simplified: Kafka leaves out who has expired; here the next sweep does.
                self.producers.clone_from(snapshot);
                self.end = at;
            }
            None => {
                self.producers.clear();
                self.end = start;
            }
        }
    }

    /// The process ended: only the snapshots remain.
    pub(super) fn lose_memory(&mut self) {
        self.producers.clear();
        self.end = Offset::ZERO;
    }

    /// Drops snapshots at `start` or before: the log they belong to is gone.
    ///
    /// Source: `ProducerStateManager.onLogStartOffsetIncremented`, Kafka 4.0.
    pub(super) fn advance_start(&mut self, start: Offset) {
        self.snapshots.retain(|&at, _| start < at);
        self.end = self.end.max(start);
    }

    /// Keeps the newest snapshot and those at the bases of segments.
    ///
    /// Source: `ProducerStateManager.removeStraySnapshots`, Kafka 4.0.
    pub(super) fn drop_stray_snapshots(&mut self, bases: &[Offset]) {
        let newest = self.snapshots.last_key_value().map(|(&at, _)| at);
        self.snapshots.retain(|at, _| Some(*at) == newest || bases.contains(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::sample::{self, PRODUCER};

    #[test]
    fn the_last_five_batches_are_recognised_and_older_ones_are_out_of_order() {
        let mut log = sample::log();
        for sequence in 0..6 {
            sample::stored(sample::offer(&mut log, &sample::batch_of(0, sequence, 1)));
        }

        for sequence in 1..6 {
            let (base, end) = (u64::from(sequence), u64::from(sequence) + 1);
            let repeated = sample::offer(&mut log, &sample::batch_of(0, sequence, 1));
            assert_eq!(repeated, sample::duplicate(base, end));
        }
        let sixth = sample::offer(&mut log, &sample::batch_of(0, 0, 1));
        assert_eq!(sixth, Err(AppendError::OutOfOrderSequence));
    }

    #[test]
    fn what_may_follow_depends_on_epoch_and_sequence() {
        let states = states_after(&[(3, 0, 2)]); // epoch 3, sequences 0 and 1
        let table = [
            (3, 2, Ok(())),
            (3, 3, Err(AppendError::OutOfOrderSequence)),
            (3, 1, Err(AppendError::OutOfOrderSequence)),
            (4, 0, Ok(())),
            (4, 2, Err(AppendError::OutOfOrderSequence)),
            (2, 2, Err(AppendError::InvalidProducerEpoch)),
        ];

        for (epoch, sequence, expected) in table {
            let checked = states.check_sequence(&sample::batch_of(epoch, sequence, 1));
            assert_eq!(checked, expected, "epoch {epoch}, sequence {sequence}");
        }
    }

    #[test]
    fn an_unknown_producer_may_begin_anywhere() {
        let states = ProducerStates::default();

        assert_eq!(states.check_sequence(&sample::batch_of(9, 77, 1)), Ok(()));
    }

    #[test]
    fn sequences_wrap_to_zero_within_an_epoch() {
        let states = states_after(&[(0, Sequence::MAX.0, 1)]);

        assert_eq!(states.check_sequence(&sample::batch_of(0, 0, 1)), Ok(()));
    }

    #[test]
    fn only_an_exact_repeat_in_the_same_epoch_is_a_duplicate() {
        let states = states_after(&[(0, 0, 2), (0, 2, 2)]);
        let table = [
            ((0, 0, 2), true),
            ((0, 2, 2), true),
            ((0, 0, 1), false),
            ((0, 0, 4), false),
            ((1, 0, 2), false),
        ];

        for ((epoch, sequence, count), expected) in table {
            let batch = sample::batch_of(epoch, sequence, count);
            assert_eq!(states.duplicate_of(&batch).is_some(), expected, "{batch:?}");
        }
    }

    #[test]
    fn a_new_epoch_forgets_the_batches_of_the_old_one() {
        let states = states_after(&[(0, 0, 1), (0, 1, 1), (1, 0, 1)]);

        assert_eq!(states.get(PRODUCER).map(|state| state.batches().len()), Some(1));
    }

    #[test]
    fn a_producer_expires_by_the_time_of_its_records() {
        let mut states = states_after(&[(0, 0, 1)]); // its record has timestamp 0
        let after = Duration::from_millis(50);

        states.expire(Timestamp(49), after);
        assert!(states.get(PRODUCER).is_some());

        states.expire(Timestamp(50), after);
        assert!(states.get(PRODUCER).is_none());
    }

    #[test]
    fn a_snapshot_holds_the_last_batch_of_each_producer() {
        let mut states = states_after(&[(0, 0, 1), (0, 1, 1)]);
        states.take_snapshot(Offset(2));

        states.lose_memory();
        let from = states.truncate_and_reload(Offset(0), Offset(2));

        let state = states.get(PRODUCER).expect("the snapshot knows it");
        assert_eq!(from, Offset(2));
        assert_eq!(
            state.batches().iter().map(|batch| batch.base_offset.0).collect::<Vec<_>>(),
            [1]
        );
    }

    /// Remembers batches of epoch, first sequence and count, one after the other.
    fn states_after(batches: &[(u16, u32, u64)]) -> ProducerStates {
        let mut states = ProducerStates::default();
        for &(epoch, sequence, count) in batches {
            let mut batch = Batch::clone(&sample::batch_of(epoch, sequence, count));
            batch.base_offset = states.end;
            states.remember(&batch);
        }
        states
    }
}
