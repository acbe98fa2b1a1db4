//! What consumers did and saw as members of a group (stream `op`).

use std::sync::Arc;

use crate::ids::{BrokerId, ClientId, Generation, MemberId, Offset, TopicPartition};
use crate::message::ErrorCode;
use crate::message::group::Assignment;

/// Something that became true at a consumer that is in a group, or wants to be.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct MemberFact {
    /// The consumer.
    pub client: ClientId,
    /// What became true.
    pub what: MemberEvent,
}

/// What can become true at a member.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum MemberEvent {
    /// It learned who coordinates its group.
    CoordinatorFound(BrokerId),
    /// It no longer trusts that broker to coordinate its group.
    CoordinatorLost(BrokerId),
    /// It asked to join (JoinGroup, or a heartbeat with epoch 0).
    Joining,
    /// It is in a generation, or has reached a member epoch (KIP-848).
    Joined {
        /// Its id.
        member: MemberId,
        /// The generation or member epoch.
        generation: Generation,
    },
    /// It gave up its membership, or was told that it has none; why is in `cause`.
    Expelled(ExpelCause),
    /// Its rebalance listener is called.
    Listening(Callback, Assignment),
    /// It owns exactly this from here on.
    Owns(Assignment),
    /// It commits offsets.
    CommitSent {
        /// Which commit of this consumer's life, from 0.
        commit: CommitId,
        /// On what occasion.
        kind: CommitKind,
        /// The offsets.
        offsets: Arc<[(TopicPartition, Offset)]>,
    },
    /// A commit has ended.
    CommitEnded {
        /// Which.
        commit: CommitId,
        /// How.
        outcome: Result<(), CommitError>,
    },
    /// It starts in a partition where its group had committed; `None` if it had not.
    OffsetFetched(TopicPartition, Option<Offset>),
    /// `poll()` was not called for `max.poll.interval.ms`: it leaves.
    PollIntervalExceeded,
    /// It asked to leave.
    Leaving,
    /// `poll()` or another call threw about the group.
    Threw(GroupError),
    /// Partitions are paused by the application.
    Paused(Assignment),
    /// Partitions are no longer paused.
    Resumed(Assignment),
}

/// Names a commit of one consumer's life, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub u32);

/// Which method of the rebalance listener is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Callback {
    /// `onPartitionsRevoked`: they are still the member's, it may commit.
    Revoked,
    /// `onPartitionsLost`: somebody else may have them already.
    Lost,
    /// `onPartitionsAssigned`.
    Assigned,
}

/// On what occasion offsets are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommitKind {
    /// `commitSync`.
    Sync,
    /// `commitAsync`.
    Async,
    /// `enable.auto.commit`, in `poll()`.
    Auto,
    /// `enable.auto.commit`, before partitions are given back.
    AutoBeforeRebalance,
    /// `enable.auto.commit`, in `close()`.
    AutoOnClose,
}

/// How a commit can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommitError {
    /// `RetriableCommitFailedException`.
    Retriable(ErrorCode),
    /// `CommitFailedException`: the member is not in the group, or in an old generation.
    CommitFailed,
    /// `RebalanceInProgressException`.
    RebalanceInProgress,
    /// `FencedInstanceIdException`.
    FencedInstance,
    /// `TimeoutException`, after `default.api.timeout.ms`.
    TimedOut,
    /// Another error of the broker's.
    Other(ErrorCode),
}

/// Why a consumer is out of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpelCause {
    /// The coordinator said so.
    Told(ErrorCode),
    /// Its own `max.poll.interval.ms` was over.
    PollInterval,
    /// It left by `close()` or `unsubscribe()`.
    Left,
}

/// What a call of a consumer can throw about its group or its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupError {
    /// An error of the coordinator's that does not go away by itself.
    Fatal(ErrorCode),
    /// `WakeupException`.
    Wakeup,
    /// `ConcurrentModificationException`: two threads use one consumer.
    ConcurrentUse,
    /// `IllegalStateException`: the partition is not assigned, or there is no subscription.
    IllegalState,
}
