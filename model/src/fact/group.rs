//! What group coordinators did (stream `truth`).

use std::sync::Arc;

use crate::ids::{BrokerId, Generation, GroupId, InstanceId, MemberId, Offset, TopicPartition};
use crate::message::ErrorCode;
use crate::message::group::Assignment;

/// Something that became true of a group, at the broker that coordinates it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct GroupFact {
    /// The coordinator.
    pub broker: BrokerId,
    /// The group.
    pub group: GroupId,
    /// What became true.
    pub what: GroupEvent,
}

/// What can become true of a group.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum GroupEvent {
    /// It is in another state or generation.
    State {
        /// The state before.
        from: GroupPhase,
        /// The state after.
        to: GroupPhase,
        /// The generation, or the group epoch of a consumer group (KIP-848), after.
        generation: Generation,
        /// Its members after.
        members: u32,
        /// Why, where a rebalance begins by it.
        cause: Option<RebalanceCause>,
    },
    /// It has one member more.
    MemberJoined {
        /// The member.
        member: MemberId,
        /// Its `client.id`.
        client_id: Arc<str>,
        /// Its instance, if it is static.
        instance: Option<InstanceId>,
    },
    /// It has one member less.
    MemberLeft {
        /// The member.
        member: MemberId,
        /// Why.
        cause: LeaveCause,
    },
    /// A static member came back under another id, without a rebalance by that.
    MemberReplaced {
        /// The instance.
        instance: InstanceId,
        /// The id before.
        old: MemberId,
        /// The id from here on.
        new: MemberId,
    },
    /// Who is to read what from here on: a classic generation's assignment, or the target of
    /// a consumer group.
    Assigned {
        /// The generation, or the epoch of the target.
        generation: Generation,
        /// Every member with its partitions.
        assignment: Arc<[(MemberId, Assignment)]>,
    },
    /// A member of a consumer group holds this from here on (KIP-848).
    Holds {
        /// The member.
        member: MemberId,
        /// Its epoch.
        epoch: Generation,
        /// What it may read.
        assigned: Assignment,
        /// What it has not yet given back.
        revoking: Assignment,
    },
    /// Offsets were written; they are durable when this partition's high watermark has passed.
    Committed {
        /// Who committed; `None` without membership.
        member: Option<MemberId>,
        /// In which generation or member epoch.
        generation: Option<Generation>,
        /// The next records to read.
        offsets: Arc<[(TopicPartition, Offset)]>,
    },
    /// A commit was refused.
    CommitRefused {
        /// Who wanted to commit; `None` without membership.
        member: Option<MemberId>,
        /// In which generation or member epoch.
        generation: Option<Generation>,
        /// The offsets.
        offsets: Arc<[(TopicPartition, Offset)]>,
        /// Why.
        error: ErrorCode,
    },
    /// Committed offsets were forgotten: too old, or deleted by an operator.
    OffsetsRemoved {
        /// The partitions.
        partitions: Arc<[TopicPartition]>,
        /// Why.
        cause: RemovalCause,
    },
    /// A new coordinator has replayed its partition and found the group in it.
    Loaded {
        /// The state that it found.
        phase: GroupPhase,
        /// The generation, or the group epoch.
        generation: Generation,
        /// The members.
        members: Arc<[MemberId]>,
        /// The committed offsets.
        offsets: Arc<[(TopicPartition, Offset)]>,
    },
    /// Its coordinator is no longer that.
    Resigned,
}

/// The states of groups, of both protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupPhase {
    /// No members.
    #[default]
    Empty,
    /// Classic: it waits for everybody to join.
    PreparingRebalance,
    /// Classic: it waits for the leader's assignment.
    CompletingRebalance,
    /// KIP-848: the target is older than the group.
    Assigning,
    /// KIP-848: some member is on its way to its target.
    Reconciling,
    /// Everybody has what it is to have.
    Stable,
    /// It does not exist.
    Dead,
}

impl GroupPhase {
    /// Says whether only a classic group is there; both kinds are empty, stable and dead.
    pub fn is_classic(self) -> bool {
        match self {
            GroupPhase::PreparingRebalance | GroupPhase::CompletingRebalance => true,
            GroupPhase::Empty
            | GroupPhase::Assigning
            | GroupPhase::Reconciling
            | GroupPhase::Stable
            | GroupPhase::Dead => false,
        }
    }

    /// Returns Kafka's name.
    pub fn name(self) -> &'static str {
        match self {
            GroupPhase::Empty => "Empty",
            GroupPhase::PreparingRebalance => "PreparingRebalance",
            GroupPhase::CompletingRebalance => "CompletingRebalance",
            GroupPhase::Assigning => "Assigning",
            GroupPhase::Reconciling => "Reconciling",
            GroupPhase::Stable => "Stable",
            GroupPhase::Dead => "Dead",
        }
    }
}

/// Why a rebalance began.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RebalanceCause {
    /// This member joined.
    Joined(MemberId),
    /// This member joined again: the leader, or one whose subscription is another.
    Rejoined(MemberId),
    /// This member left.
    Left(MemberId),
    /// This member was silent for its session timeout.
    SessionExpired(MemberId),
    /// This member did not rejoin or give back in time.
    RebalanceTimeout(MemberId),
    /// The subscribed topics have changed.
    Topics,
    /// The coordinator could not write the last assignment.
    WriteFailed,
    /// The group grew beyond its size while it was loaded, or moved between protocols.
    Migrated,
}

/// Why a member is no longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaveCause {
    /// It said so.
    Left,
    /// It was silent for its session timeout.
    SessionExpired,
    /// It did not rejoin, sync or give back in time.
    RebalanceTimeout,
    /// The group is full.
    GroupFull,
}

/// Why committed offsets were forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RemovalCause {
    /// `offsets.retention.minutes`.
    Expired,
    /// An operator deleted them, or their topic.
    Deleted,
}
