//! Where a group's results go, outside of Kafka.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::fact::EffectOutcome;
use model::ids::{Key, Offset, TopicPartition, Uid};

use crate::apps::handling::Item;
use crate::plan::Sink;
use crate::shape::Stream;

/// A database, as far as it tells repeats from first times. It outlives processes.
#[derive(Clone, Debug)]
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
    /// Draws what comes from another seed's streams.
    pub(crate) fn reseed(&mut self, seed: u64) {
        self.seed = seed;
    }

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
                // Bits are never cleared: a filter that has lied about a record always will.
                self.known.contains(&uid) || rng.chance(lies_millionths) && self.known.insert(uid)
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

    /// Four standard deviations around the stated rate.
    #[test]
    fn a_filter_lies_at_its_stated_rate_whatever_the_seed() {
        for (rate, margin) in [(0, 0), (1_000, 40), (10_000, 126), (500_000, 632)] {
            for seed in 1..=5 {
                let rule = Sink::Bloom { lies_millionths: rate };
                let mut store = Store::new(rule, "g".into(), seed);

                let lies = (0..100_000).filter(|uid| store.takes_for_repeat(Uid(*uid))).count();

                let stated = rate as usize / 10;
                assert!(lies.abs_diff(stated) <= margin, "{lies} of {stated}, seed {seed}");
            }
        }
    }

    #[test]
    fn a_filter_never_forgets_what_was_stored_nor_what_it_lied_about() {
        let mut store = Store::new(Sink::Bloom { lies_millionths: 300_000 }, "g".into(), 1);
        let lies: Vec<u32> = (0..50).filter(|uid| store.takes_for_repeat(Uid(*uid))).collect();
        store.store(&item(100));

        assert!(!lies.is_empty());
        for _ in 0..50 {
            assert!(lies.iter().all(|uid| store.takes_for_repeat(Uid(*uid))));
            assert!(store.takes_for_repeat(Uid(100)));
        }
    }

    #[test]
    fn stored_offsets_refuse_whoever_is_behind() {
        let at = |offset| Item { offset: Offset(offset), ..item(offset as u32) };
        let mut store = Store::new(Sink::WithOffsets, "g".into(), 1);

        let outcomes: Vec<_> = [0, 1, 5, 1, 4, 6].map(|offset| store.store(&at(offset))).into();

        use EffectOutcome::{Applied, Refused};
        assert_eq!(outcomes, [Applied, Applied, Applied, Refused, Refused, Applied]);
        assert_eq!(store.next(TopicPartition::default()), Some(Offset(7)));
        let elsewhere = TopicPartition { partition: 1, ..TopicPartition::default() };
        assert_eq!(store.next(elsewhere), None);
    }

    #[test]
    fn versions_are_per_key_and_records_without_one_have_none() {
        let mut store = Store::new(Sink::VersionCheck, "g".into(), 1);
        let keyless = |uid| Item { key: None, ..item(uid) };
        let other = Item { key: Some(Key::from(*b"j")), ..item(1) };
        store.store(&item(5));

        assert_eq!(store.store(&other), EffectOutcome::Applied);
        assert_eq!(store.store(&keyless(1)), EffectOutcome::Applied);
        assert_eq!(store.store(&keyless(1)), EffectOutcome::Applied);
    }

    proptest::proptest! {
        /// Whoever writes, in whatever order and however often: one effect per record.
        #[test]
        fn a_unique_key_has_one_effect(uids in proptest::collection::vec(0_u32..20, 0..100)) {
            let mut store = Store::new(Sink::UniqueKey, "g".into(), 1);

            let applied: Vec<u32> = uids
                .iter()
                .copied()
                .filter(|uid| store.store(&item(*uid)) == EffectOutcome::Applied)
                .collect();

            let distinct = uids.iter().copied().collect::<BTreeSet<_>>();
            proptest::prop_assert_eq!(applied.iter().copied().collect::<BTreeSet<_>>(), distinct);
            proptest::prop_assert_eq!(
                applied.len(),
                applied.iter().copied().collect::<BTreeSet<_>>().len()
            );
        }

        /// The last result of a key is the newest one, in whatever order they come.
        #[test]
        fn versions_only_grow(uids in proptest::collection::vec(0_u32..50, 0..100)) {
            let mut store = Store::new(Sink::VersionCheck, "g".into(), 1);

            let applied: Vec<u32> = uids
                .iter()
                .copied()
                .filter(|uid| store.store(&item(*uid)) == EffectOutcome::Applied)
                .collect();

            proptest::prop_assert!(applied.is_sorted_by(|a, b| a < b));
            proptest::prop_assert_eq!(applied.last(), uids.iter().max());
        }
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
