//! The data plane: produce, fetch, offsets, metadata.

use std::sync::Arc;

use crate::ids::{
    BrokerEpoch, BrokerId, LeaderEpoch, Offset, ProducerEpoch, ProducerId, TopicId, TopicPartition,
};
use crate::log::batch::Batch;
use crate::message::ErrorCode;
use crate::time::{Duration, Timestamp};

/// What a producer waits for before it calls a record written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Acks {
    /// `acks=0`: nothing; the broker does not answer.
    None,
    /// `acks=1`: the leader's own append.
    Leader,
    /// `acks=all`: every replica that the leader waits for.
    #[default]
    All,
}

/// Which records a reader may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isolation {
    /// Everything below the high watermark.
    #[default]
    ReadUncommitted,
    /// Everything below the last stable offset.
    ReadCommitted,
}

/// A leader as a `NOT_LEADER_OR_FOLLOWER` answer names it (KIP-951).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentLeader {
    /// The leader.
    pub leader: BrokerId,
    /// Its epoch.
    pub epoch: LeaderEpoch,
}

/// Asks a leader to append one batch per partition.
#[derive(Clone, Debug, PartialEq)]
pub struct ProduceRequest {
    /// When to answer.
    pub acks: Acks,
    /// How long the leader may wait for replicas: the producer's `request.timeout.ms`.
    pub timeout: Duration,
    /// The batches; a partition appears once.
    pub partitions: Vec<(TopicPartition, Arc<Batch>)>,
}

/// Answers a [`ProduceRequest`]; never sent for `acks=0`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProduceReply {
    /// One outcome per partition of the request, in its order.
    pub partitions: Vec<ProduceOutcome>,
}

/// What became of one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct ProduceOutcome {
    /// The partition.
    pub partition: TopicPartition,
    /// `None` means success or exact duplicate.
    pub error: ErrorCode,
    /// Offset of the batch's first record, after success.
    pub base_offset: Option<Offset>,
    /// The broker's time of the append, under `LogAppendTime`.
    pub append_time: Option<Timestamp>,
    /// Where the log starts.
    pub log_start: Offset,
    /// The leader, if the answer is that it is somebody else.
    pub current_leader: Option<CurrentLeader>,
}

/// Removes the records of a partition below an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteRecordsRequest {
    /// The partition.
    pub partition: TopicPartition,
    /// Where its log shall start; at most the high watermark.
    pub below: Offset,
}

/// Answers a [`DeleteRecordsRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteRecordsReply {
    /// Whether it was done.
    pub done: Result<(), ErrorCode>,
}

/// Asks for batches. A fetch from offset `n` tells a leader that its follower has all below `n`.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchRequest {
    /// Who fetches; `None` for a consumer.
    pub replica: Option<(BrokerId, BrokerEpoch)>,
    /// How long the broker may wait for `bytes_min`.
    pub wait_max: Duration,
    /// Answer once this many bytes are there.
    pub bytes_min: u32,
    /// Bytes over all partitions; the first batch is returned whole anyway.
    pub bytes_max: u32,
    /// What a consumer may see; ignored for followers.
    pub isolation: Isolation,
    /// The partitions, in order of service; within a session those that are not as they were.
    pub partitions: Vec<FetchPartition>,
    /// Within a session (KIP-227), what is not wanted any longer; `None` is outside of one.
    pub forgotten: Option<Vec<TopicPartition>>,
}

/// What is wanted of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchPartition {
    /// The partition.
    pub partition: TopicPartition,
    /// The leader epoch that the reader knows; `None` skips the check (before KIP-320).
    pub current_leader_epoch: Option<LeaderEpoch>,
    /// Where to read from.
    pub offset: Offset,
    /// The epoch of the last record before `offset`; `None` skips the divergence check.
    pub last_fetched_epoch: Option<LeaderEpoch>,
    /// Where a follower's log starts.
    pub log_start: Offset,
    /// The high watermark that a follower knows of; `None` for a consumer.
    ///
    /// Kafka keeps in the fetch session (KIP-227) what it has told a follower. The follower
    /// says it here, so that what it failed to take in is news still.
    pub high_watermark: Option<Offset>,
    /// Bytes of this partition.
    pub bytes_max: u32,
}

/// Answers a [`FetchRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct FetchReply {
    /// The partitions in the order of the request; those that have no news for a follower
    /// are left out (KIP-227).
    pub partitions: Vec<FetchedPartition>,
}

/// What was found in one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchedPartition {
    /// The partition.
    pub partition: TopicPartition,
    /// `None` means that the rest is valid.
    pub error: ErrorCode,
    /// The leader's high watermark, from before this fetch was taken into account.
    pub high_watermark: Offset,
    /// The last stable offset.
    pub last_stable: Offset,
    /// Where the leader's log starts.
    pub log_start: Offset,
    /// Where the follower's log leaves the leader's: the epoch and its end at the leader.
    pub diverging: Option<EpochEnd>,
    /// The leader, if the answer is that it is somebody else.
    pub current_leader: Option<CurrentLeader>,
    /// Whole batches; the first may begin before the offset asked for.
    pub batches: Vec<Arc<Batch>>,
}

/// The end of a leader epoch in some log: the first offset after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochEnd {
    /// The epoch, or the greatest one below it that the log knows.
    pub epoch: LeaderEpoch,
    /// The first offset that no longer belongs to it.
    pub end: Offset,
}

/// Which offset [`ListOffsetsRequest`] wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OffsetSpec {
    /// The start of the log (timestamp -2).
    Earliest,
    /// Where a reader would meet the next new record (timestamp -1).
    Latest,
    /// The record with the largest timestamp (timestamp -3).
    MaxTimestamp,
    /// The first record that is not older.
    AtOrAfter(Timestamp),
}

/// Asks for offsets.
#[derive(Clone, Debug, PartialEq)]
pub struct ListOffsetsRequest {
    /// A follower asks for ends of the log; a consumer is bounded by what it may see.
    pub replica: Option<BrokerId>,
    /// What a consumer may see.
    pub isolation: Isolation,
    /// The questions: partition, known leader epoch, wanted offset.
    pub partitions: Vec<(TopicPartition, Option<LeaderEpoch>, OffsetSpec)>,
}

/// Answers a [`ListOffsetsRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct ListOffsetsReply {
    /// One answer per question, in order.
    pub partitions: Vec<ListedOffset>,
}

/// One offset found.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedOffset {
    /// The partition.
    pub partition: TopicPartition,
    /// `None` means that the rest is valid.
    pub error: ErrorCode,
    /// The offset, or `None` if no record is that young.
    pub offset: Option<Offset>,
    /// The timestamp of the record found.
    pub timestamp: Option<Timestamp>,
    /// The leader epoch of that offset.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// Asks a leader where leader epochs end in its log.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndRequest {
    /// A follower that asks; `None` for a consumer.
    pub replica: Option<BrokerId>,
    /// The questions: partition, known leader epoch, epoch in question.
    pub partitions: Vec<(TopicPartition, Option<LeaderEpoch>, LeaderEpoch)>,
}

/// Answers an [`EpochEndRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndReply {
    /// One answer per question: the end, or `None` if the log cannot tell.
    pub partitions: Vec<(TopicPartition, Result<Option<EpochEnd>, ErrorCode>)>,
}

/// Asks any broker for what it knows of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequest {
    /// The topics of interest; `None` for all.
    pub topics: Option<Vec<TopicId>>,
}

/// Answers a [`MetadataRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataReply {
    /// Brokers that are not fenced.
    pub brokers: Vec<BrokerId>,
    /// Each topic asked for with its partitions in order, or why it is not there.
    pub topics: Vec<(TopicId, Result<Vec<PartitionMetadata>, ErrorCode>)>,
}

/// One partition as a client sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionMetadata {
    /// The leader, or `None` (LEADER_NOT_AVAILABLE).
    pub leader: Option<BrokerId>,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// The assigned replicas, preferred leader first.
    pub replicas: Vec<BrokerId>,
}

/// Answers `InitProducerId` without a transactional id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitProducerIdReply {
    /// The new id and its first epoch, or why there is none yet.
    pub producer: Result<(ProducerId, ProducerEpoch), ErrorCode>,
}
