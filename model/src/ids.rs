//! The quantities of Kafka, one type each, so that an offset is never taken for an epoch.
//!
//! Kafka's wire sentinels (-1, empty, null) end in `message/`; here absence is `Option`.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

macro_rules! epoch {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        quantity!($(#[$doc])* $name($inner));

        impl $name {
            /// Returns the epoch that follows.
            #[must_use]
            pub fn next(self) -> $name {
                $name(self.0 + 1)
            }
        }
    };
}

quantity!(
    /// A place in a partition's log. End offsets are exclusive: one past the last record.
    Offset(u64)
);
epoch!(
    /// Counts the leaders of a partition; raised by each change of its leader.
    LeaderEpoch(u32)
);
epoch!(
    /// Counts the changes of a partition's registration; `AlterPartition` compares and sets it.
    PartitionEpoch(u32)
);
quantity!(
    /// A broker's node id, 1 to 127.
    BrokerId(u8)
);
quantity!(
    /// One registration of a broker: the metadata offset of its registration record.
    BrokerEpoch(u64)
);
quantity!(
    /// One life of a process, counted from 1 at each start.
    Incarnation(u32)
);
quantity!(
    /// A producer id as the controller hands out.
    ProducerId(u64)
);
epoch!(
    /// The epoch of a producer id, at most 32767.
    ProducerEpoch(u16)
);
quantity!(
    /// The sequence number of a record within a producer id, epoch and partition; wraps after 2147483647.
    Sequence(u32)
);
quantity!(
    /// A topic by its place in the scenario; stands for Kafka's topic id and name.
    TopicId(u16)
);
quantity!(
    /// A client process (producer, consumer, application) by its place in the scenario.
    ClientId(u16)
);
quantity!(
    /// Identifies one call of `send()`: dense from 0 over the whole trial ("ours").
    Uid(u32)
);
quantity!(
    /// A place in the cluster metadata log.
    MetadataOffset(u64)
);
epoch!(
    /// Counts the rebalances of a classic group; the first one makes generation 1.
    Generation(u32)
);
epoch!(
    /// The epoch that a member of a consumer group has reconciled to (KIP-848); 0 before the first.
    MemberEpoch(u32)
);
epoch!(
    /// Counts the changes of a consumer group's members and subscriptions (KIP-848).
    GroupEpoch(u32)
);

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Arc<str>);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> $name {
                $name(text.into())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A group of consumers: its `group.id`.
    GroupId
);
name!(
    /// A member of a group, as the coordinator or the member named it.
    MemberId
);
name!(
    /// A static member's `group.instance.id` (KIP-345).
    InstanceId
);

impl TopicId {
    /// The internal topic `__consumer_offsets`: groups and their offsets.
    pub const CONSUMER_OFFSETS: TopicId = TopicId(u16::MAX);
}

impl Uid {
    /// Stands in records that no `send()` made: those of coordinators.
    pub const NONE: Uid = Uid(u32::MAX);
}

impl Offset {
    /// The first offset of a log.
    pub const ZERO: Offset = Offset(0);
}

impl Add<u64> for Offset {
    type Output = Offset;

    fn add(self, count: u64) -> Offset {
        Offset(self.0 + count)
    }
}

impl AddAssign<u64> for Offset {
    fn add_assign(&mut self, count: u64) {
        self.0 += count;
    }
}

impl Sub for Offset {
    type Output = u64;

    /// Returns how many offsets lie between.
    ///
    /// # Panics
    /// If `earlier` lies behind `self`.
    fn sub(self, earlier: Offset) -> u64 {
        assert!(earlier <= self, "{earlier} lies beyond {self}");
        self.0 - earlier.0
    }
}

impl Sequence {
    /// The largest sequence number; the next one is 0.
    pub const MAX: Sequence = Sequence(i32::MAX as u32);

    /// Returns the sequence `count` further on, wrapping after [`Sequence::MAX`].
    ///
    /// Source: `DefaultRecordBatch.incrementSequence`, Kafka 4.0.
    #[must_use]
    pub fn plus(self, count: u32) -> Sequence {
        Sequence(((u64::from(self.0) + u64::from(count)) % (1 << 31)) as u32)
    }
}

/// One partition of one topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicId,
    /// The partition's index, from 0.
    pub partition: u16,
}

impl TopicPartition {
    /// Returns both numbers as one, which compares as they do, at once.
    fn rank(self) -> u32 {
        u32::from(self.topic.0) << 16 | u32::from(self.partition)
    }
}

impl Ord for TopicPartition {
    fn cmp(&self, other: &TopicPartition) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for TopicPartition {
    fn partial_cmp(&self, other: &TopicPartition) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The bytes of a record key.
pub type Key = Arc<[u8]>;

/// A simulated process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NodeId {
    /// A KRaft controller, counted from 1.
    Controller(u8),
    /// A broker.
    Broker(BrokerId),
    /// A client process.
    Client(ClientId),
}

/// One TCP connection, named by its ends and the ordinal that the client's host gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionId {
    /// The end that opened it.
    pub client: NodeId,
    /// The end that accepted it.
    pub server: NodeId,
    /// Distinguishes the connections that this client ever opened, over all its lives.
    pub ordinal: u32,
}

impl ConnectionId {
    /// Returns the other end, seen from `node`.
    ///
    /// # Panics
    /// If `node` is neither end.
    pub fn peer(self, node: NodeId) -> NodeId {
        if node == self.client {
            return self.server;
        }
        assert_eq!(node, self.server, "{node:?} is not an end of {self:?}");
        self.client
    }
}

/// A set of brokers: an ISR, or the replicas that a leader waits for. Iterates in order of id.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<BrokerId>", into = "Vec<BrokerId>")]
pub struct ReplicaSet(u128);

impl ReplicaSet {
    /// The set without members.
    pub const EMPTY: ReplicaSet = ReplicaSet(0);

    /// Returns how many brokers are in the set.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Says whether nobody is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Says whether `broker` is in the set.
    pub fn contains(self, broker: BrokerId) -> bool {
        self.0 & bit(broker) != 0
    }

    /// Says whether every member of this set is in `other`.
    pub fn is_subset(self, other: ReplicaSet) -> bool {
        self.0 & !other.0 == 0
    }

    /// Returns the set with `broker` in it.
    #[must_use]
    pub fn with(self, broker: BrokerId) -> ReplicaSet {
        ReplicaSet(self.0 | bit(broker))
    }

    /// Returns the set without `broker`.
    #[must_use]
    pub fn without(self, broker: BrokerId) -> ReplicaSet {
        ReplicaSet(self.0 & !bit(broker))
    }

    /// Returns the members that are in `self` and not in `other`.
    #[must_use]
    pub fn minus(self, other: ReplicaSet) -> ReplicaSet {
        ReplicaSet(self.0 & !other.0)
    }

    /// Returns the members, lowest id first.
    pub fn iter(self) -> impl Iterator<Item = BrokerId> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let id = left.trailing_zeros();
            left &= left - 1;
            Some(BrokerId(id as u8))
        })
    }
}

fn bit(broker: BrokerId) -> u128 {
    assert!(broker.0 < 128, "broker ids end at 127");
    1 << broker.0
}

impl FromIterator<BrokerId> for ReplicaSet {
    fn from_iter<I: IntoIterator<Item = BrokerId>>(brokers: I) -> ReplicaSet {
        brokers.into_iter().fold(ReplicaSet::EMPTY, ReplicaSet::with)
    }
}

impl From<Vec<BrokerId>> for ReplicaSet {
    fn from(brokers: Vec<BrokerId>) -> ReplicaSet {
        brokers.into_iter().collect()
    }
}

impl From<ReplicaSet> for Vec<BrokerId> {
    fn from(set: ReplicaSet) -> Vec<BrokerId> {
        set.iter().collect()
    }
}

impl fmt::Debug for ReplicaSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|broker| broker.0)).finish()
    }
}
