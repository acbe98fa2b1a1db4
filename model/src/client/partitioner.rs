//! Which partition a record goes to: murmur2 of its key, or one that sticks for a while.
//!
//! Kafka's default since KIP-794. Left out: partitioners of the user's own.
//!
//! Source: `BuiltInPartitioner`, `Utils.murmur2`, Kafka 4.0.

use crate::chance::Rng;
use crate::ids::BrokerId;

/// Hashes a key as Kafka's clients do.
///
/// Source: `Utils.murmur2`, Kafka 4.0 (seed 0x9747b28c, little-endian blocks of four bytes).
pub fn murmur2(key: &[u8]) -> u32 {
    const MIX: u32 = 0x5bd1_e995;
    let (blocks, tail) = key.as_chunks::<4>();
    let mut hash = 0x9747_b28c ^ key.len() as u32;
    for block in blocks {
        let mut word = u32::from_le_bytes(*block).wrapping_mul(MIX);
        word ^= word >> 24;
        hash = hash.wrapping_mul(MIX) ^ word.wrapping_mul(MIX);
    }
    if !tail.is_empty() {
        for (place, byte) in tail.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(MIX);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MIX);
    hash ^ hash >> 15
}

/// Returns the partition of a key among `count` partitions, with or without a leader.
///
/// # Panics
/// If `count` is 0.
///
/// Source: `BuiltInPartitioner.partitionForKey`, Kafka 4.0.
pub fn partition_for_key(key: &[u8], count: u16) -> u16 {
    ((murmur2(key) & 0x7fff_ffff) % u32::from(count)) as u16
}

/// Chooses partitions for the records of one topic that have no key: one at a time, until
/// about a batch's worth of bytes went there (KIP-794).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StickyPartitioner {
    sticky: Option<u16>,
    /// Bytes that went to the sticky partition since it was chosen.
    produced: u32,
    load: Load,
}

/// How likely each partition is: less so the longer its queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// Running sums of the weights; empty makes all partitions equally likely.
    table: Vec<u32>,
    /// The partitions that the sums stand for.
    partitions: Vec<u16>,
}

/// Whether the sticky partition may be left although it has a batch that is not full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// All its batches are full: leaving costs nothing.
    Allowed,
    /// Only after twice the bytes.
    Deferred,
}

/// The queue of one partition as a ready pass sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLoad {
    /// The partition.
    pub partition: u16,
    /// Batches that wait.
    pub queued: u32,
    /// Whether its broker takes data; if not, the partition is avoided.
    pub availability: Availability,
}

/// Whether a partition can be chosen by load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Its broker takes data.
    Available,
    /// No leader, or a broker that has not taken data for too long.
    Unavailable,
}

impl StickyPartitioner {
    /// Returns the sticky partition; `None` before the first choice.
    pub fn current(&self) -> Option<u16> {
        self.sticky
    }

    /// Counts `bytes` for the sticky partition and moves on once `batch_bytes` are there;
    /// while a batch is open, only at twice as many.
    ///
    /// Source: `BuiltInPartitioner.updatePartitionInfo`, Kafka 4.0.
    pub fn count(&mut self, bytes: u32, switch: Switch, batch_bytes: u32) -> Moves {
        self.produced = self.produced.saturating_add(bytes);
        let limit = match switch {
            Switch::Allowed => batch_bytes,
            Switch::Deferred => batch_bytes.saturating_mul(2),
        };
        if self.produced < limit {
            return Moves::Stays;
        }
        Moves::On
    }

    /// Chooses the next sticky partition.
    ///
    /// Source: `BuiltInPartitioner.nextPartition`, Kafka 4.0.
    pub fn choose(&mut self, partitions: Choices<'_>, rng: &mut Rng) -> u16 {
        let random = (rng.word() >> 33) as u32; // 31 bits, as Utils.toPositive leaves
        let chosen = self.load.pick(random).unwrap_or_else(|| partitions.pick(random));
        self.sticky = Some(chosen);
        self.produced = 0;
        chosen
    }

    /// Returns the load by which the next choice is weighted.
    pub fn load_mut(&mut self) -> &mut Load {
        &mut self.load
    }
}

/// Whether the sticky partition has had its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// It has: the next record goes elsewhere.
    On,
    /// It has not.
    Stays,
}

/// The partitions of a topic with their leaders, in order of index; never empty.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a>(pub &'a [Option<BrokerId>]);

impl Choices<'_> {
    /// Picks evenly among the partitions with a leader, or among all if none has one.
    fn pick(self, random: u32) -> u16 {
        let led = self.0.iter().filter(|leader| leader.is_some()).count();
        if led == 0 {
            return (random as usize % self.0.len()) as u16;
        }
        let mut with_leader = (0..).zip(self.0).filter(|(_, leader)| leader.is_some());
        let (partition, _) =
            with_leader.nth(random as usize % led).expect("fewer than were counted");
        partition
    }
}

impl Load {
    /// Forgets what was measured: every partition is equally likely.
    pub fn forget(&mut self) {
        self.table.clear();
        self.partitions.clear();
    }

    /// Weighs partitions by their queues, given in order of index.
    ///
    /// Source: `BuiltInPartitioner.updatePartitionLoadStats`, Kafka 4.0.
    pub fn measure(&mut self, queues: impl Iterator<Item = QueueLoad>) {
        self.forget();
        let mut all = 0;
        for queue in queues {
            all += 1;
            if queue.availability == Availability::Available {
                self.partitions.push(queue.partition);
                self.table.push(queue.queued);
            }
        }
        let Some(longest) = self.table.iter().max().copied() else { return };
        let are_equal = self.table.iter().all(|&queued| queued == longest);
        if all < 2 || (are_equal && self.table.len() == all) {
            return self.forget();
        }
        let mut sum = 0;
        for weight in &mut self.table {
            sum += longest + 1 - *weight;
            *weight = sum;
        }
    }

    /// Picks by weight, or `None` if all are equally likely.
    pub fn pick(&self, random: u32) -> Option<u16> {
        let total = *self.table.last()?;
        let place = self.table.partition_point(|&sum| sum <= random % total);
        Some(self.partitions[place])
    }

    /// Returns the running sums of the weights, or `None` if all are equally likely.
    pub fn table(&self) -> Option<&[u32]> {
        (!self.table.is_empty()).then_some(&self.table)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert, proptest};

    use super::*;

    #[test]
    fn an_open_batch_defers_the_switch_to_twice_the_batch_size() {
        // bytes already there, bytes appended, queue, what follows
        let cases = [
            (0, 99, Switch::Allowed, Moves::Stays),
            (0, 100, Switch::Allowed, Moves::On),
            (0, 100, Switch::Deferred, Moves::Stays),
            (100, 99, Switch::Deferred, Moves::Stays),
            (100, 100, Switch::Deferred, Moves::On),
            (100, 0, Switch::Allowed, Moves::On),
        ];

        for (produced, bytes, switch, moves) in cases {
            let mut sticky = StickyPartitioner { produced, ..StickyPartitioner::default() };
            assert_eq!(sticky.count(bytes, switch, 100), moves, "{produced} + {bytes} {switch:?}");
        }
    }

    #[test]
    fn partitions_without_leader_are_chosen_only_if_none_has_one() {
        let led = [None, Some(BrokerId(1)), None, Some(BrokerId(2))];

        let some: Vec<_> = (0..4).map(|random| Choices(&led).pick(random)).collect();
        let none: Vec<_> = (0..4).map(|random| Choices(&[None; 3]).pick(random)).collect();

        assert_eq!(some, [1, 3, 1, 3]);
        assert_eq!(none, [0, 1, 2, 0]);
    }

    #[test]
    fn an_unavailable_partition_is_never_picked_even_if_queues_are_equal() {
        let mut load = Load::default();
        let queue = |partition, availability| QueueLoad { partition, queued: 2, availability };

        load.measure(
            [queue(0, Availability::Available), queue(1, Availability::Unavailable)].into_iter(),
        );

        assert_eq!(load.table(), Some([1].as_slice()));
        assert_eq!(load.pick(12_345), Some(0));
    }

    proptest! {
        #[test]
        fn a_weighted_pick_is_always_a_measured_partition(
            queued in prop::collection::vec(0_u32..50, 2..20),
            random in any::<u32>(),
        ) {
            let mut load = Load::default();

            load.measure((0..).zip(&queued).map(|(partition, &queued)| QueueLoad {
                partition, queued, availability: Availability::Available,
            }));

            prop_assert!(load.pick(random >> 1).is_none_or(|it| usize::from(it) < queued.len()));
        }
    }
}
