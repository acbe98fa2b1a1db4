//! Where a group's results go, outside of Kafka.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::fact::EffectOutcome;
use model::ids::{Key, Offset, TopicPartition, Uid};

use crate::apps::handling::Item;
use crate::plan::Sink;
use crate::shape::Stream;

/// A database, as far as it tells repeats from first times. It outlives processes.
#[derive(Debug)]
pub(crate) struct Store {
    rule: Sink,
    group: Arc<str>,
    seed: u64,
    stream: Stream,
    /// Records that it knows: by unique key, mark or filter.
    known: BTreeSet<Uid>,
    /// By key: the version of its result. Versions grow in the order of `send()` calls.
    versions: BTreeMap<Key, Uid>,
    /// The offsets stored with the results.
    next: BTreeMap<TopicPartition, Offset>,
}

impl Store {
    pub(crate) fn new(rule: Sink, group: Arc<str>, seed: u64) -> Store {
        Store {
            rule,
            group,
            seed,
            stream: Stream::default(),
            known: BTreeSet::new(),
            versions: BTreeMap::new(),
            next: BTreeMap::new(),
        }
    }

    /// Asks, before the first attempt at a record, whether it was seen before.
    pub(crate) fn takes_for_repeat(&mut self, uid: Uid) -> bool {
        match self.rule {
            Sink::Append | Sink::UniqueKey | Sink::VersionCheck | Sink::WithOffsets => false,
            Sink::SetnxBefore => !self.known.insert(uid),
            Sink::SetnxAfter => self.known.contains(&uid),
            Sink::Bloom { lies_millionths } => {
                let group = &self.group;
                let rng = self.stream.get(self.seed, || format!("bloom/{group}"));
                self.known.contains(&uid) || rng.chance(lies_millionths)
            }
        }
    }

    /// Stores the result of a record.
    pub(crate) fn store(&mut self, item: &Item) -> EffectOutcome {
        let is_first = match self.rule {
            Sink::Append | Sink::SetnxBefore => true,
            Sink::UniqueKey => self.known.insert(item.uid),
            Sink::SetnxAfter | Sink::Bloom { .. } => {
                self.known.insert(item.uid);
                true
            }
            Sink::VersionCheck => self.raise_version(item),
            Sink::WithOffsets => self.raise_offset(item),
        };
        if is_first { EffectOutcome::Applied } else { EffectOutcome::Refused }
    }

    /// Returns where a member begins that reads its offsets here.
    pub(crate) fn next(&self, partition: TopicPartition) -> Option<Offset> {
        self.next.get(&partition).copied()
    }

    fn raise_version(&mut self, item: &Item) -> bool {
        let Some(key) = &item.key else { return true };
        let is_newer = self.versions.get(key).is_none_or(|version| *version < item.uid);
        if is_newer {
            self.versions.insert(key.clone(), item.uid);
        }
        is_newer
    }

    /// Raises the offset in the transaction that stores the result: it fails if somebody else
    /// has got further.
    fn raise_offset(&mut self, item: &Item) -> bool {
        let is_ahead = self.next(item.partition).is_none_or(|next| next <= item.offset);
        if is_ahead {
            self.next.insert(item.partition, item.offset + 1);
        }
        is_ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sink_has_its_own_idea_of_a_repeat() {
        use EffectOutcome::{Applied, Refused};
        let bloom = Sink::Bloom { lies_millionths: 0 };
        for (rule, is_repeat, stored) in [
            (Sink::Append, false, Applied),
            (Sink::UniqueKey, false, Refused),
            (Sink::VersionCheck, false, Refused),
            (Sink::WithOffsets, false, Refused),
            (Sink::SetnxBefore, true, Applied),
            (Sink::SetnxAfter, true, Applied),
            (bloom, true, Applied),
        ] {
            let mut store = Store::new(rule, "g".into(), 1);
            let first = (store.takes_for_repeat(Uid(3)), store.store(&item(3)));

            let second = (store.takes_for_repeat(Uid(3)), store.store(&item(3)));

            assert_eq!(first, (false, Applied), "{rule:?}");
            assert_eq!(second, (is_repeat, stored), "{rule:?}");
        }
    }

    #[test]
    fn a_mark_set_before_the_work_outlives_a_worker_that_dies() {
        let mut store = Store::new(Sink::SetnxBefore, "g".into(), 1);

        store.takes_for_repeat(Uid(3));

        assert!(store.takes_for_repeat(Uid(3)));
    }

    #[test]
    fn a_lying_filter_drops_records_that_nobody_has_seen() {
        let mut store = Store::new(Sink::Bloom { lies_millionths: 100_000 }, "g".into(), 1);

        let lies = (0..1_000).filter(|uid| store.takes_for_repeat(Uid(*uid))).count();

        assert!((60..140).contains(&lies), "{lies}");
    }

    #[test]
    fn an_older_version_is_refused() {
        let mut store = Store::new(Sink::VersionCheck, "g".into(), 1);
        store.store(&item(5));

        assert_eq!(store.store(&item(4)), EffectOutcome::Refused);
        assert_eq!(store.store(&item(6)), EffectOutcome::Applied);
    }

    fn item(uid: u32) -> Item {
        Item { uid: Uid(uid), key: Some(Key::from(*b"k")), ..Item::default() }
    }
}
