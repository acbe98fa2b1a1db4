//! What became true: the only thing that leaves a machine besides its messages.
//!
//! Timelines, checkers, conditions and digests see facts and nothing else. A fact is about
//! one batch rather than one record where it can be, so that noting it costs next to
//! nothing; records are told apart by their [`Uid`].

mod group;
mod member;
mod work;

use std::sync::Arc;

pub use group::{GroupEvent, GroupFact, GroupPhase, LeaveCause, RebalanceCause, RemovalCause};
pub use member::{
    Callback, CommitError, CommitId, CommitKind, ExpelCause, GroupError, MemberEvent, MemberFact,
};
pub use work::{CopyPurpose, EffectOutcome, WorkEvent, WorkFact, WorkOutcome};

use crate::ids::{
    BrokerEpoch, BrokerId, ClientId, LeaderEpoch, Offset, PartitionEpoch, ProducerEpoch,
    ProducerId, ReplicaSet, TopicId, TopicPartition, Uid,
};
use crate::log::batch::{Batch, Record};
use crate::message::ErrorCode;
use crate::message::data::{Acks, EpochEnd, OffsetSpec};

/// Something that became true at a node. `broker` and `client` name that node.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Fact {
    // -- What clients did and saw (stream `op`) --
    /// `send()` was called.
    SendCalled {
        /// The producer.
        client: ClientId,
        /// The topic it is for.
        topic: TopicId,
        /// The record.
        record: Record,
    },
    /// A record got its partition and lies in the producer's buffer.
    Buffered {
        /// The producer.
        client: ClientId,
        /// The record.
        uid: Uid,
        /// Its partition.
        partition: TopicPartition,
    },
    /// A batch left for the leader.
    BatchSent {
        /// The producer.
        client: ClientId,
        /// Whom it was sent to.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The batch as sent.
        batch: Arc<Batch>,
        /// 1 for the first attempt.
        attempt: u32,
        /// What the producer waits for.
        acks: Acks,
    },
    /// A batch failed and will be sent again.
    BatchRetried {
        /// The producer.
        client: ClientId,
        /// The partition.
        partition: TopicPartition,
        /// The batch as it was sent.
        batch: Arc<Batch>,
        /// Why.
        error: ErrorCode,
    },
    /// The `send()` calls of one batch were completed.
    Completed {
        /// The producer.
        client: ClientId,
        /// The partition; `None` if the record never got one.
        partition: Option<TopicPartition>,
        /// The records concerned.
        uids: Arc<[Uid]>,
        /// How they ended.
        outcome: SendOutcome,
    },
    /// The producer's process ended with these records undecided.
    Abandoned {
        /// The producer.
        client: ClientId,
        /// The records.
        uids: Arc<[Uid]>,
    },
    /// An application that was started again sent a line of its file once more, because it
    /// had not noted that it was acknowledged.
    SentAgain {
        /// The producer.
        client: ClientId,
        /// The record as it was sent this time.
        uid: Uid,
        /// The record as which the line was sent first.
        first: Uid,
    },
    /// A producer got an id, or raised its epoch by itself (KIP-360).
    ProducerIdentified {
        /// The producer.
        client: ClientId,
        /// Its id.
        id: ProducerId,
        /// Its epoch.
        epoch: ProducerEpoch,
    },
    /// Records were returned by `poll()`: those of `batch` from `from` to `to`.
    Polled {
        /// The consumer.
        client: ClientId,
        /// The partition.
        partition: TopicPartition,
        /// The batch they lie in.
        batch: Arc<Batch>,
        /// The first offset returned.
        from: Offset,
        /// The offset after the last one returned.
        to: Offset,
        /// The high watermark that came with them.
        high_watermark: Offset,
    },
    /// A consumer's position moved other than by reading on.
    PositionReset {
        /// The consumer.
        client: ClientId,
        /// The partition.
        partition: TopicPartition,
        /// The position before, if there was one.
        from: Option<Offset>,
        /// The position from here on.
        to: Offset,
        /// Why.
        cause: ResetCause,
    },
    /// `poll()` threw: the consumer will not go on by itself.
    ConsumerFailed {
        /// The consumer.
        client: ClientId,
        /// The partition.
        partition: TopicPartition,
        /// Why.
        error: ConsumerError,
    },
    /// A request timed out and its connection was closed.
    RequestTimedOut {
        /// The client.
        client: ClientId,
        /// The broker that did not answer.
        broker: BrokerId,
    },

    /// Something about a consumer's membership of its group.
    Member(MemberFact),
    /// Something that an application did with a record.
    Work(WorkFact),

    // -- What brokers, logs and the controller did (stream `truth`) --
    /// Something about a group, at its coordinator.
    Group(GroupFact),
    /// The start of a replica's log moved: what lay before is gone, legally.
    LogStartMoved {
        /// The replica.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// Where it started.
        from: Offset,
        /// Where it starts from here on.
        to: Offset,
        /// Why.
        cause: LogStartCause,
    },
    /// A batch lies in a replica's page cache.
    Appended {
        /// The replica.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The batch with its offset and epoch.
        batch: Arc<Batch>,
        /// As what the broker appended.
        role: AppendRole,
    },
    /// A batch turned out to be a repeat of an earlier one and was not appended.
    DuplicateDropped {
        /// The leader.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The batch as it came.
        batch: Arc<Batch>,
        /// The offset of the earlier one.
        base_offset: Offset,
    },
    /// A leader refused to append.
    ProduceRefused {
        /// The broker.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The batch as it came.
        batch: Arc<Batch>,
        /// Why.
        error: ErrorCode,
    },
    /// A leader told a producer that its batch is written.
    ProduceAcknowledged {
        /// The leader.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The first record's offset.
        base_offset: Offset,
        /// The offset after the last record.
        end: Offset,
        /// What the producer waited for.
        acks: Acks,
        /// The ISR at that moment.
        isr: ReplicaSet,
        /// `min.insync.replicas`, at most the number of replicas.
        isr_min: u16,
    },
    /// A leader appended a batch but could not tell the producer that all went well.
    ProduceUnconfirmed {
        /// The leader.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The first record's offset.
        base_offset: Offset,
        /// The offset after the last record.
        end: Offset,
        /// What it said.
        error: ErrorCode,
    },
    /// A replica's high watermark moved.
    HighWatermark {
        /// The replica.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// Where it was.
        from: Offset,
        /// Where it is.
        to: Offset,
        /// For a leader: its epoch, its ISR as committed and the set it waits for.
        waiting: Option<WaitSet>,
    },
    /// A broker that starts found this on its disk.
    LogLoaded {
        /// The broker.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// Where the log starts.
        start: Offset,
        /// Where it ends.
        end: Offset,
        /// The high watermark as it was last checkpointed, at most the log's end.
        high_watermark: Offset,
    },
    /// A leader learned how far a follower has fetched, after it last told so.
    FollowerFetched {
        /// The leader.
        broker: BrokerId,
        /// The follower.
        follower: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The follower has everything below.
        end: Offset,
    },
    /// A reader was turned away.
    FetchRefused {
        /// The broker asked.
        broker: BrokerId,
        /// The follower that asked; `None` for a consumer.
        follower: Option<BrokerId>,
        /// The partition.
        partition: TopicPartition,
        /// Why.
        error: ErrorCode,
    },
    /// A leader told a follower where their logs part.
    Diverged {
        /// The leader.
        broker: BrokerId,
        /// The follower.
        follower: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// What the leader said.
        at: EpochEnd,
    },
    /// A replica removed the end of its log.
    Truncated {
        /// The replica.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The log's end before.
        from: Offset,
        /// The log's end after.
        to: Offset,
        /// By which rule.
        cause: TruncationCause,
    },
    /// A replica flushed its log to disk.
    Flushed {
        /// The replica.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// Everything below is on the platter.
        to: Offset,
    },
    /// A broker took over a partition.
    BecameLeader {
        /// The broker.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// Its epoch.
        epoch: LeaderEpoch,
        /// Its log's end at that moment: where the epoch starts.
        end: Offset,
        /// Its own high watermark at that moment.
        high_watermark: Offset,
    },
    /// A broker follows another one.
    BecameFollower {
        /// The broker.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The leader's epoch.
        epoch: LeaderEpoch,
        /// The leader; `None` while there is none.
        leader: Option<BrokerId>,
    },
    /// A leader asked the controller for another ISR.
    IsrProposed {
        /// The leader.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The ISR that it wants.
        isr: ReplicaSet,
        /// The ISR in force.
        current: ReplicaSet,
    },
    /// The controller did not accept a proposed ISR.
    IsrRefused {
        /// The leader.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// Why.
        error: ErrorCode,
    },
    /// The registration of a partition changed (controller).
    PartitionChanged {
        /// The partition.
        partition: TopicPartition,
        /// The leader before and after.
        leader: (Option<BrokerId>, Option<BrokerId>),
        /// The leader epoch after.
        leader_epoch: LeaderEpoch,
        /// The ISR before and after.
        isr: (ReplicaSet, ReplicaSet),
        /// The partition epoch after.
        partition_epoch: PartitionEpoch,
        /// Why.
        cause: ChangeCause,
    },
    /// A topic exists (controller).
    TopicCreated {
        /// The topic.
        topic: TopicId,
        /// The replicas of each partition.
        replicas: Arc<[Vec<BrokerId>]>,
    },
    /// A request to the controller failed (controller).
    AdminRefused {
        /// The topic concerned.
        topic: TopicId,
        /// Why.
        error: ErrorCode,
    },
    /// A broker registered (controller).
    BrokerRegistered {
        /// The broker.
        broker: BrokerId,
        /// Its registration.
        epoch: BrokerEpoch,
    },
    /// The controller refused a registration: the earlier life's session has not ended.
    RegistrationRefused {
        /// The broker.
        broker: BrokerId,
        /// Why.
        error: ErrorCode,
    },
    /// A broker may serve (controller).
    BrokerUnfenced {
        /// The broker.
        broker: BrokerId,
    },
    /// A broker may no longer lead or be in sync (controller).
    BrokerFenced {
        /// The broker.
        broker: BrokerId,
    },
    /// A broker began a controlled shutdown (controller).
    ShutdownBegan {
        /// The broker.
        broker: BrokerId,
    },
    /// A controller serves, its log replayed.
    ControllerStarted {
        /// Records in its log.
        records: u64,
    },
    /// A broker has recovered its logs and asks to serve.
    BrokerRecovered {
        /// The broker.
        broker: BrokerId,
    },
    /// A client asked for an offset and got one.
    OffsetListed {
        /// The broker that answered.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// What was asked.
        spec: OffsetSpec,
        /// What was answered.
        offset: Option<Offset>,
    },
}

/// How `send()` calls ended, as their caller may conclude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendOutcome {
    /// Acknowledged: the first record's offset, or `None` under `acks=0`.
    Acknowledged(Option<Offset>),
    /// Failed, and certainly not in any log.
    Failed(ErrorCode),
    /// Failed, but it may be in the log or arrive there (`info` in Jepsen's words).
    Unknown(ErrorCode),
}

/// As what a broker appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppendRole {
    /// As leader, from a producer.
    Leader,
    /// As follower, from this leader.
    Follower,
}

/// What a leader's high watermark waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WaitSet {
    /// The leader's epoch.
    pub epoch: LeaderEpoch,
    /// The ISR as the leader knows it to be committed.
    pub isr: ReplicaSet,
    /// Everybody whose end was taken into account.
    pub waited_for: ReplicaSet,
}

/// Why a consumer's position moved other than by reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResetCause {
    /// There was none.
    NoPosition,
    /// The broker said OFFSET_OUT_OF_RANGE.
    OutOfRange,
    /// The log was truncated below the position (KIP-320).
    Truncation,
    /// The application called `seek`.
    Seek,
}

/// What a consumer's `poll()` can throw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConsumerError {
    /// `NoOffsetForPartitionException`: no position, and `auto.offset.reset=none`.
    NoOffset,
    /// `OffsetOutOfRangeException`, with `auto.offset.reset=none`.
    OutOfRange,
    /// `LogTruncationException`, with `auto.offset.reset=none`; the offset where the logs part.
    LogTruncation(Option<Offset>),
}

/// Why the start of a log moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogStartCause {
    /// `retention.ms`.
    RetentionTime,
    /// `retention.bytes`.
    RetentionBytes,
    /// An operator deleted records.
    DeleteRecords,
    /// The leader's log starts there.
    Leader,
}

/// Which rule cut a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TruncationCause {
    /// The leader told where the logs part.
    Divergence,
    /// The follower cut to its own high watermark (before KIP-101).
    HighWatermark,
    /// The follower asked where its epoch ended (KIP-101).
    EpochEnd,
    /// The follower's log lay outside of the leader's.
    OutOfRange,
}

/// Why a partition's registration changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeCause {
    /// It was created.
    Created,
    /// The leader proposed an ISR.
    AlterPartition,
    /// A broker was fenced.
    Fenced(BrokerId),
    /// A broker was unfenced.
    Unfenced(BrokerId),
    /// A broker is leaving.
    ControlledShutdown(BrokerId),
    /// The preferred leader was elected.
    PreferredElection,
    /// A leader was elected although no replica of the ISR lived.
    UncleanElection,
}
