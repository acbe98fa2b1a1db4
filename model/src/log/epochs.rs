//! Which leader epoch begins where in a log.
//!
//! Followers and consumers find out with it where two logs part (KIP-101, KIP-279, KIP-320).
//! Left out: the file `leader-epoch-checkpoint`; an assigned epoch counts as written at once.
//!
//! Source: `LeaderEpochFileCache`, Kafka 4.0.

use crate::ids::{LeaderEpoch, Offset};
use crate::message::data::EpochEnd;

/// One leader epoch and the offset of its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EpochStart {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// Where it begins.
    pub start: Offset,
}

/// The leader epochs of one log, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LeaderEpochs {
    /// Invariant: both epoch and start grow strictly.
    entries: Vec<EpochStart>,
}

impl LeaderEpochs {
    /// Returns all entries, oldest first.
    pub fn entries(&self) -> &[EpochStart] {
        &self.entries
    }

    /// Returns the newest epoch, or `None` if there never was one.
    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|entry| entry.epoch)
    }

    /// Records that `epoch` begins at `start`; whatever contradicts that is dropped.
    ///
    /// Does nothing if the newest entry is the same epoch and begins no later.
    ///
    /// Source: `LeaderEpochFileCache.assign`, Kafka 4.0.
    pub fn assign(&mut self, epoch: LeaderEpoch, start: Offset) {
        if self.entries.last().is_some_and(|last| last.epoch == epoch && last.start <= start) {
            return;
        }
        self.entries.retain(|entry| entry.epoch < epoch && entry.start < start);
        self.entries.push(EpochStart { epoch, start });
    }

    /// Returns where `epoch` ends in a log that ends at `log_end`.
    ///
    /// `None` means that this log cannot tell: the epoch lies ahead of all it knows. An epoch
    /// that is older than all it knows ends where the oldest one begins; one that is missing
    /// in between is answered with the greatest one below it.
    ///
    /// Source: `LeaderEpochFileCache.endOffsetFor`, Kafka 4.0; KIP-279.
    pub fn end_offset_for(&self, epoch: LeaderEpoch, log_end: Offset) -> Option<EpochEnd> {
        if self.latest() == Some(epoch) {
            return Some(EpochEnd { epoch, end: log_end });
        }
        let above = self.entries.partition_point(|entry| entry.epoch <= epoch);
        let end = self.entries.get(above)?.start;
        let known = above.checked_sub(1).map_or(epoch, |floor| self.entries[floor].epoch);
        Some(EpochEnd { epoch: known, end })
    }

    /// Returns the epoch that `offset` belongs to, or `None` before the first.
    ///
    /// Source: `LeaderEpochFileCache.epochForOffset`, Kafka 4.0.
    pub fn epoch_for(&self, offset: Offset) -> Option<LeaderEpoch> {
        let above = self.entries.partition_point(|entry| entry.start <= offset);
        Some(self.entries[above.checked_sub(1)?].epoch)
    }

    /// Drops the epochs that begin at `end` or beyond.
    ///
    /// Source: `LeaderEpochFileCache.truncateFromEnd`, Kafka 4.0.
    pub fn truncate_from_end(&mut self, end: Offset) {
        self.entries.truncate(self.entries.partition_point(|entry| entry.start < end));
    }

    /// Drops the epochs that end at `start` or before; the one that spans it begins there.
    ///
    /// Source: `LeaderEpochFileCache.truncateFromStart`, Kafka 4.0.
    pub fn truncate_from_start(&mut self, start: Offset) {
        let Some(floor) = self.entries.partition_point(|entry| entry.start <= start).checked_sub(1)
        else {
            return;
        };
        self.entries.drain(..floor);
        self.entries[0].start = start;
    }

    /// Forgets every epoch.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_epoch_older_than_all_known_ends_where_they_begin() {
        let mut epochs = LeaderEpochs::default();
        epochs.assign(LeaderEpoch(5), Offset(11));

        let end = epochs.end_offset_for(LeaderEpoch(2), Offset(20));

        assert_eq!(end, Some(EpochEnd { epoch: LeaderEpoch(2), end: Offset(11) }));
    }

    #[test]
    fn an_epoch_that_took_over_without_records_hides_its_predecessor() {
        let mut epochs = LeaderEpochs::default();
        epochs.assign(LeaderEpoch(1), Offset(4));

        epochs.assign(LeaderEpoch(2), Offset(4));

        assert_eq!(epochs.entries(), [EpochStart { epoch: LeaderEpoch(2), start: Offset(4) }]);
    }

    proptest! {
        #[test]
        fn the_entries_say_what_the_records_would_say(
            steps in prop::collection::vec((0_u32..3, 1_u64..4), 1..20),
            asked in 0_u32..40,
            cut in 0_u64..60,
        ) {
            let mut records = Vec::new(); // the epoch of each offset
            let mut epochs = LeaderEpochs::default();
            let mut epoch = LeaderEpoch(1);
            for (step, count) in steps {
                epoch = LeaderEpoch(epoch.0 + step);
                epochs.assign(epoch, Offset(records.len() as u64));
                records.extend((0..count).map(|_| epoch));
            }
            check(&epochs, &records, LeaderEpoch(asked))?;

            records.truncate(cut as usize);
            epochs.truncate_from_end(Offset(cut));
            check(&epochs, &records, LeaderEpoch(asked))?;
        }
    }

    fn check(
        epochs: &LeaderEpochs,
        records: &[LeaderEpoch],
        asked: LeaderEpoch,
    ) -> Result<(), TestCaseError> {
        let end = Offset(records.len() as u64);
        let later = records.iter().position(|&epoch| asked < epoch);
        let floor = records.iter().copied().rfind(|&epoch| epoch <= asked);
        let expected = match later {
            Some(end) => Some(EpochEnd { epoch: floor.unwrap_or(asked), end: Offset(end as u64) }),
            None if floor == Some(asked) => Some(EpochEnd { epoch: asked, end }),
            None => None,
        };
        prop_assert_eq!(epochs.end_offset_for(asked, end), expected);
        for (offset, &epoch) in (0..).zip(records) {
            prop_assert_eq!(epochs.epoch_for(Offset(offset)), Some(epoch));
        }
        Ok(())
    }
}
