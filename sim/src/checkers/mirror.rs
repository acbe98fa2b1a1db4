//! A copy of one replica's log, rebuilt from the history.

use std::sync::Arc;

use model::ids::{Offset, Uid};
use model::log::batch::Batch;

/// How many batches from the end are looked at one by one before searching by halves: what
/// is asked for nearly always lies at the end.
const NEAR: usize = 4;

/// One replica's log as the history tells it: shared batches, no gaps of our own making.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Log {
    /// Invariant: base offsets increase, and no batch reaches into the next one.
    batches: Vec<Arc<Batch>>,
    /// Invariant: not below the end of the last batch.
    end: Offset,
}

impl Log {
    /// Returns all batches.
    pub(crate) fn batches(&self) -> &[Arc<Batch>] {
        &self.batches
    }

    /// Returns the offset after the last record.
    pub(crate) fn end(&self) -> Offset {
        self.end
    }

    /// Adds a batch at the end; whatever lies at or beyond its base offset is replaced.
    pub(crate) fn append(&mut self, batch: &Arc<Batch>) {
        if batch.base_offset < self.end {
            self.cut(batch.base_offset);
        }
        self.end = batch.end();
        self.batches.push(Arc::clone(batch));
    }

    /// Cuts the log so that it ends at `to`, and returns what went. A batch that straddles
    /// `to` goes whole.
    pub(crate) fn cut(&mut self, to: Offset) -> Vec<Arc<Batch>> {
        let kept = self.batches.partition_point(|batch| batch.end() <= to);
        self.end = self.end.min(to);
        self.batches.split_off(kept)
    }

    /// Returns the batch that holds `offset`.
    pub(crate) fn at(&self, offset: Offset) -> Option<&Arc<Batch>> {
        let near = self.batches.len().saturating_sub(NEAR);
        for batch in self.batches[near..].iter().rev() {
            if batch.base_offset <= offset {
                return (offset < batch.end()).then_some(batch);
            }
        }
        let beyond = self.batches[..near].partition_point(|batch| batch.base_offset <= offset);
        let batch = self.batches[..beyond].last()?;
        (offset < batch.end()).then_some(batch)
    }

    /// Returns the record at `offset`.
    pub(crate) fn uid_at(&self, offset: Offset) -> Option<Uid> {
        let batch = self.at(offset)?;
        Some(uid_in(batch, offset))
    }

    /// Says whether this log holds `batch` itself, not merely something at its offset.
    pub(crate) fn holds(&self, batch: &Arc<Batch>) -> bool {
        self.at(batch.base_offset).is_some_and(|own| same(own, batch))
    }
}

/// Returns the record of `batch` at `offset`, which lies in it.
pub(crate) fn uid_in(batch: &Batch, offset: Offset) -> Uid {
    batch.records.list()[(offset - batch.base_offset) as usize].uid
}

/// Says whether two batches are copies of one append.
pub(crate) fn same(one: &Arc<Batch>, other: &Arc<Batch>) -> bool {
    Arc::ptr_eq(one, other)
        || (one.base_offset == other.base_offset
            && one.leader_epoch == other.leader_epoch
            && one.producer == other.producer
            && same_records(one, other))
}

/// Says whether two batches have the same records, wherever they lie.
pub(crate) fn same_records(one: &Batch, other: &Batch) -> bool {
    Arc::ptr_eq(&one.records, &other.records)
        || (one.records.count() == other.records.count()
            && one.records.checksum() == other.records.checksum())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::checkers::fixture::batch;

    use super::*;

    #[derive(Clone, Debug)]
    enum Change {
        Append(u32),
        Cut(u64),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let change = prop_oneof![
            3 => (1_u32..5).prop_map(Change::Append),
            1 => (0_u64..60).prop_map(Change::Cut),
        ];
        proptest::collection::vec(change, 0..60)
    }

    proptest! {
        #[test]
        fn a_log_is_what_a_list_of_records_would_be(changes in changes()) {
            let mut log = Log::default();
            let mut naive: Vec<(u64, u32)> = Vec::new(); // base offset of the batch, uid
            let mut uid = 0;

            for change in changes {
                match change {
                    Change::Append(count) => {
                        let uids: Vec<u32> = (uid..uid + count).collect();
                        uid += count;
                        let base = naive.len() as u64;
                        log.append(&batch(base, 0, &uids));
                        naive.extend(uids.iter().map(|&uid| (base, uid)));
                    }
                    Change::Cut(to) => {
                        // Whole batches go, and the log is refilled from where it ends.
                        let to = naive.get(to as usize).map_or(naive.len() as u64, |&(base, _)| base);
                        let gone: u64 = log.cut(Offset(to)).iter().map(|it| u64::from(it.records.count())).sum();
                        prop_assert_eq!(gone, naive.len() as u64 - to);
                        naive.truncate(to as usize);
                    }
                }
                prop_assert_eq!(log.end(), Offset(naive.len() as u64));
                for offset in 0..naive.len() as u64 + 2 {
                    let uid = naive.get(offset as usize).map(|&(_, uid)| Uid(uid));
                    prop_assert_eq!(log.uid_at(Offset(offset)), uid);
                }
            }
        }
    }

    #[test]
    fn a_batch_that_straddles_the_cut_goes_whole() {
        let mut log = Log::default();
        log.append(&batch(0, 1, &[0, 1]));
        log.append(&batch(2, 1, &[2, 3]));

        let gone = log.cut(Offset(3));

        assert_eq!(gone.len(), 1);
        assert_eq!(log.end(), Offset(3));
        assert_eq!(log.uid_at(Offset(2)), None);
    }

    #[test]
    fn something_else_at_the_same_offset_is_not_held() {
        let mut log = Log::default();
        log.append(&batch(0, 1, &[0]));

        assert!(log.holds(&batch(0, 1, &[0])));
        assert!(!log.holds(&batch(0, 1, &[1])));
        assert!(!log.holds(&batch(0, 2, &[0])));
    }
}
