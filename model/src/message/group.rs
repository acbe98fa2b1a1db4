//! Groups: what consumers say to their coordinator, in both protocols.
//!
//! Left out: protocol versions before 4.0's newest, principals.
//!
//! Source: `JoinGroupRequest.json` and its like, `ConsumerProtocol`, Kafka 4.0.

use std::sync::Arc;

use crate::ids::{
    BrokerId, Generation, GroupId, InstanceId, LeaderEpoch, MemberEpoch, MemberId, Offset, TopicId,
    TopicPartition,
};
use crate::message::ErrorCode;
use crate::time::Duration;

/// The partitions that one member is to read.
pub type Assignment = Arc<[TopicPartition]>;

/// Asks any broker who coordinates a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindCoordinatorRequest {
    /// The group.
    pub group: GroupId,
}

/// Answers a [`FindCoordinatorRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindCoordinatorReply {
    /// The broker that leads the group's partition of `__consumer_offsets`.
    pub coordinator: Result<BrokerId, ErrorCode>,
}

/// What a member wants to read, as its assignors are told: the payload of a classic protocol.
pub use crate::group::assignor::Subscription;

/// One assignor that a member supports, with what it tells this assignor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupProtocol {
    /// The assignor's name, such as `range`.
    pub name: Arc<str>,
    /// What the assignor is told.
    pub subscription: Arc<Subscription>,
}

/// Asks to be a member of the next generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupRequest {
    /// The group.
    pub group: GroupId,
    /// The member's `client.id`.
    pub client_id: Arc<str>,
    /// How long the member may be silent.
    pub session_timeout: Duration,
    /// How long it may take to rejoin: its `max.poll.interval.ms`.
    pub rebalance_timeout: Duration,
    /// Its id, once the coordinator has given it one.
    pub member: Option<MemberId>,
    /// Its `group.instance.id`.
    pub instance: Option<InstanceId>,
    /// What kind of group: `consumer`.
    pub protocol_type: Arc<str>,
    /// The supported assignors, the favourite first.
    pub protocols: Vec<GroupProtocol>,
}

/// Answers a [`JoinGroupRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupReply {
    /// The generation joined, or why there is none.
    pub joined: Result<Joined, JoinRefusal>,
}

/// Why a member did not join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRefusal {
    /// The error.
    pub error: ErrorCode,
    /// The member's id, where the coordinator gives or confirms one.
    pub member: Option<MemberId>,
}

/// A generation as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The generation.
    pub generation: Generation,
    /// What kind of group.
    pub protocol_type: Option<Arc<str>>,
    /// The assignor that was voted for.
    pub protocol: Option<Arc<str>>,
    /// Who assigns.
    pub leader: Option<MemberId>,
    /// The receiver's own id.
    pub member: MemberId,
    /// The leader need not assign: what is stored stays valid (KIP-814).
    pub skip_assignment: bool,
    /// For the leader: everybody, with what they told the assignor.
    pub members: Vec<JoinedMember>,
}

/// A member as the leader is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// Its id.
    pub member: MemberId,
    /// Its instance, if it is static.
    pub instance: Option<InstanceId>,
    /// What it told the assignor.
    pub subscription: Arc<Subscription>,
}

/// Hands in the assignment of a generation (the leader) and asks for one's own (everybody).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroupRequest {
    /// The group.
    pub group: GroupId,
    /// The generation that the member has joined.
    pub generation: Generation,
    /// The member.
    pub member: MemberId,
    /// Its instance, if it is static.
    pub instance: Option<InstanceId>,
    /// What kind of group; `None` skips the check.
    pub protocol_type: Option<Arc<str>>,
    /// The assignor that was voted for; `None` skips the check.
    pub protocol: Option<Arc<str>>,
    /// The assignment, from the leader.
    pub assignments: Vec<(MemberId, Assignment)>,
}

/// Answers a [`SyncGroupRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroupReply {
    /// What the member is to read, or why it must join again.
    pub assignment: Result<Assignment, ErrorCode>,
}

/// Says that a member of a classic group lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupHeartbeatRequest {
    /// The group.
    pub group: GroupId,
    /// The member's generation.
    pub generation: Generation,
    /// The member.
    pub member: MemberId,
    /// Its instance, if it is static.
    pub instance: Option<InstanceId>,
}

/// Answers a [`GroupHeartbeatRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupHeartbeatReply {
    /// `None` if all is well.
    pub error: ErrorCode,
}

/// Takes members out of a classic group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveGroupRequest {
    /// The group.
    pub group: GroupId,
    /// Who leaves.
    pub members: Vec<Leaver>,
}

/// A member that leaves; an operator names an instance without the member's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// The member, or `None` for whoever has the instance.
    pub member: Option<MemberId>,
    /// Its instance, if it is static.
    pub instance: Option<InstanceId>,
}

/// Answers a [`LeaveGroupRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveGroupReply {
    /// The outcomes, in the order of the request, or why none was tried.
    pub members: Result<Vec<ErrorCode>, ErrorCode>,
}

/// What is committed for one partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OffsetAndMetadata {
    /// The next record to read.
    pub offset: Offset,
    /// The leader epoch of the last record read.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The application's own words.
    pub metadata: Arc<str>,
}

/// Commits offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitRequest {
    /// The group.
    pub group: GroupId,
    /// The committer's generation or member epoch; `None` without membership.
    pub generation: Option<Generation>,
    /// The committer; `None` without membership.
    pub member: Option<MemberId>,
    /// Its instance, if it is static.
    pub instance: Option<InstanceId>,
    /// The offsets; a partition appears once.
    pub offsets: Vec<(TopicPartition, OffsetAndMetadata)>,
}

/// Answers an [`OffsetCommitRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitReply {
    /// The outcomes, in the order of the request.
    pub partitions: Vec<(TopicPartition, ErrorCode)>,
}

/// Whether a fetch of offsets waits for what is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stability {
    /// It reads what is committed to the log (`requireStable=false`).
    Committed,
    /// It reads what is in memory, and its answer waits until that is committed
    /// (`requireStable=true`, as consumers ask).
    Stable,
}

/// Reads committed offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchRequest {
    /// The group.
    pub group: GroupId,
    /// The member and its epoch, which a consumer group checks.
    pub member: Option<(MemberId, MemberEpoch)>,
    /// The partitions; `None` for all that have an offset.
    pub partitions: Option<Vec<TopicPartition>>,
    /// What it waits for.
    pub stability: Stability,
}

/// Answers an [`OffsetFetchRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchReply {
    /// The offsets in the order of the request, `None` where nothing is committed.
    pub partitions: Result<Vec<(TopicPartition, Option<OffsetAndMetadata>)>, ErrorCode>,
}

/// Deletes committed offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetDeleteRequest {
    /// The group.
    pub group: GroupId,
    /// The partitions.
    pub partitions: Vec<TopicPartition>,
}

/// Answers an [`OffsetDeleteRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetDeleteReply {
    /// The outcomes, in the order of the request, or why none was tried.
    pub partitions: Result<Vec<(TopicPartition, ErrorCode)>, ErrorCode>,
}

/// What a heartbeat of a consumer group wants, by its member epoch on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// 0: join, or join again.
    Join,
    /// Above 0: stay.
    Stay(MemberEpoch),
    /// -1: leave for good.
    Leave,
    /// -2: a static member leaves and will be back.
    LeaveTemporarily,
}

/// Joins, keeps and leaves a consumer group. `None` in a field means: as before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerHeartbeatRequest {
    /// The group.
    pub group: GroupId,
    /// The member; `None` lets the coordinator name it.
    pub member: Option<MemberId>,
    /// What it wants, and its epoch.
    pub beat: Beat,
    /// Its instance, if it is static.
    pub instance: Option<InstanceId>,
    /// Its `client.rack`.
    pub rack: Option<Arc<str>>,
    /// Its `client.id`.
    pub client_id: Arc<str>,
    /// How long it may take to give partitions back.
    pub rebalance_timeout: Option<Duration>,
    /// The topics that it subscribes to.
    pub topics: Option<Vec<TopicId>>,
    /// The server-side assignor that it asks for.
    pub assignor: Option<Arc<str>>,
    /// The partitions that it holds.
    pub owned: Option<Vec<TopicPartition>>,
}

/// Answers a [`ConsumerHeartbeatRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerHeartbeatReply {
    /// The member as the coordinator holds it, or why it does not.
    pub member: Result<MemberState, ErrorCode>,
}

/// A member of a consumer group after its heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberState {
    /// Its id.
    pub member: MemberId,
    /// Its epoch, or how it left.
    pub beat: Beat,
    /// When to send the next heartbeat.
    pub heartbeat_interval: Duration,
    /// What it is to read, if that is news.
    pub assignment: Option<Assignment>,
}
