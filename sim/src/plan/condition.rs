//! Selectors and conditions, as plans keep them: resolved when a step fires.

use std::sync::Arc;

use model::fact::GroupPhase;
use model::ids::{BrokerId, ClientId, NodeId, TopicPartition};

use super::GroupIndex;

/// Names nodes by what they are when a step fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// This one.
    Node(NodeId),
    /// The leader of a partition, as registered.
    Leader(TopicPartition),
    /// Its other replicas.
    Followers(TopicPartition),
    /// Its ISR.
    Isr(TopicPartition),
    /// The n-th follower in order of assignment, counted from 1.
    Follower(TopicPartition, u16),
    /// The controller.
    Controller,
    /// All brokers of a rack.
    Rack(Arc<str>),
    /// The node that a crash or power loss last hit.
    LastCrashed,
    /// All nodes that are down.
    AllDown,
    /// A broker that is up, drawn.
    AnyBroker,
    /// Every broker.
    AllBrokers,
    /// Every client.
    AllClients,
    /// The broker that coordinates a group: the leader of its partition of `__consumer_offsets`.
    Coordinator(GroupIndex),
    /// The n-th member of a group, from 1.
    Member(GroupIndex, u16),
    /// Every member of a group.
    Members(GroupIndex),
    /// The member that owns a partition, as the last assignment has it.
    Owner(GroupIndex, TopicPartition),
    /// The member that assigns, in a classic group.
    GroupLeader(GroupIndex),
}

/// Something that is true or false of the true state of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A quantity compared with a number.
    Compare(Quantity, Comparison, u64),
    /// A node is named by a selector: `leader(orders-0) == broker-2`.
    LeaderIs(TopicPartition, Comparison, Option<BrokerId>),
    /// A group is in a state: `state(g1) == Stable`.
    StateIs(GroupIndex, Comparison, GroupPhase),
    /// A partition is owned by a member: `owner(g1, orders-0) == g1-2`.
    OwnerIs(GroupIndex, TopicPartition, Comparison, Option<ClientId>),
    /// A marker was set.
    Seen(Arc<str>),
    /// Both.
    And(Box<Condition>, Box<Condition>),
    /// At least one.
    Or(Box<Condition>, Box<Condition>),
    /// Not so.
    Not(Box<Condition>),
}

/// A number that can be read off the true state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Members of the registered ISR.
    Isr(TopicPartition),
    /// A replica's high watermark.
    HighWatermark(TopicPartition, BrokerId),
    /// A replica's log end.
    LogEnd(TopicPartition, BrokerId),
    /// The registered leader epoch.
    Epoch(TopicPartition),
    /// `send()` calls of a producer that were acknowledged.
    Acknowledged(ClientId),
    /// `send()` calls of a producer without an outcome, or with an unknown one.
    InDoubt(ClientId),
    /// `send()` calls of a producer.
    Sent(ClientId),
    /// Records that a consumer's `poll()` returned.
    Polled(ClientId),
    /// Exceptions that calls of this member's consumer have thrown.
    Threw(ClientId),
    /// Brokers that are unfenced.
    Unfenced,
    /// The generation or epoch of a group.
    Generation(GroupIndex),
    /// The members of a group, as its coordinator knows them.
    Members(GroupIndex),
    /// The committed offset of a group in a partition; 0 if there is none.
    Committed(GroupIndex, TopicPartition),
    /// Records of a partition above the committed offset of a group; of all that it
    /// subscribes to without a partition.
    Lag(GroupIndex, Option<TopicPartition>),
    /// Records that a group's application has finished, repeats included.
    Processed(GroupIndex),
    /// Records that one member's application has finished.
    ProcessedBy(ClientId),
    /// Partitions that a member owns.
    Owned(ClientId),
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Compares.
    pub fn holds<T: Ord>(self, left: T, right: T) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Less => left < right,
            Comparison::AtMost => left <= right,
            Comparison::Greater => right < left,
            Comparison::AtLeast => right <= left,
        }
    }
}
