//! The control plane: what brokers and operators say to the controller.

use std::sync::Arc;

use crate::config::TopicConfig;
use crate::ids::{
    BrokerEpoch, BrokerId, Incarnation, LeaderEpoch, MetadataOffset, PartitionEpoch, ProducerId,
    ReplicaSet, TopicId, TopicPartition,
};
use crate::image::MetadataRecord;
use crate::message::ErrorCode;

/// A request that carries the sender's registration; a stale one is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerRequest<T> {
    /// The sender.
    pub broker: BrokerId,
    /// Its registration.
    pub epoch: BrokerEpoch,
    /// The request proper.
    pub body: T,
}

/// Announces a broker's new life.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisterRequest {
    /// The broker.
    pub broker: BrokerId,
    /// Which of its lives this is.
    pub incarnation: Incarnation,
    /// Its `broker.rack`.
    pub rack: Option<Arc<str>>,
}

/// Answers a [`RegisterRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterReply {
    /// The epoch of the new registration.
    pub epoch: Result<BrokerEpoch, ErrorCode>,
}

/// Keeps a session alive and states what the broker wants to be.
#[derive(Clone, Debug, PartialEq)]
pub struct HeartbeatRequest {
    /// The broker.
    pub broker: BrokerId,
    /// Its registration.
    pub epoch: BrokerEpoch,
    /// How far it has applied the metadata log: the offset of the last record.
    pub metadata_offset: Option<MetadataOffset>,
    /// It is not ready to serve.
    pub want_fence: bool,
    /// It wants to leave.
    pub want_shutdown: bool,
}

/// Answers a [`HeartbeatRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatReply {
    /// What the controller holds of the broker, or why it does not talk to it.
    pub state: Result<HeartbeatState, ErrorCode>,
}

/// What the controller holds of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatState {
    /// It has the records up to its own registration.
    pub is_caught_up: bool,
    /// It may not lead or join an ISR.
    pub is_fenced: bool,
    /// It leads nothing and may end.
    pub should_shut_down: bool,
}

/// Proposes ISRs.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionRequest {
    /// The proposals; a partition appears once.
    pub partitions: Vec<IsrProposal>,
}

/// One proposed ISR.
#[derive(Clone, Debug, PartialEq)]
pub struct IsrProposal {
    /// The partition.
    pub partition: TopicPartition,
    /// The proposer's leader epoch.
    pub leader_epoch: LeaderEpoch,
    /// The registration that it compares with.
    pub partition_epoch: PartitionEpoch,
    /// The proposed members, each with the registration that the leader saw; `None` skips that check.
    pub isr: Vec<(BrokerId, Option<BrokerEpoch>)>,
}

/// Answers an [`AlterPartitionRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionReply {
    /// The outcomes, in the order of the request; or why none was tried.
    pub partitions: Result<Vec<IsrOutcome>, ErrorCode>,
}

/// What became of one proposed ISR.
pub type IsrOutcome = (TopicPartition, Result<IsrAccepted, ErrorCode>);

/// A partition's registration after an accepted proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsrAccepted {
    /// The leader.
    pub leader: Option<BrokerId>,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// The ISR in force.
    pub isr: ReplicaSet,
    /// The partition's new epoch.
    pub partition_epoch: PartitionEpoch,
}

/// Asks for metadata records, waiting up to 500 ms for new ones.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchMetadataRequest {
    /// The broker that follows the log.
    pub broker: BrokerId,
    /// The first record wanted.
    pub from: MetadataOffset,
}

/// Answers a [`FetchMetadataRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct FetchMetadataReply {
    /// Offset of the first record below.
    pub from: MetadataOffset,
    /// Committed records from there on.
    pub records: Vec<Arc<MetadataRecord>>,
}

/// Creates topics; a client may send it to any broker, which forwards it.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTopicsRequest {
    /// The topics.
    pub topics: Vec<NewTopic>,
}

/// One topic to create.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTopic {
    /// Its identity in the scenario.
    pub id: TopicId,
    /// Its name.
    pub name: Arc<str>,
    /// How its partitions are placed.
    pub layout: TopicLayout,
    /// Its settings, complete.
    pub config: TopicConfig,
}

/// How the partitions of a new topic are placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicLayout {
    /// The controller's replica placer decides.
    Counts {
        /// Partitions, or `None` for `num.partitions`.
        partitions: Option<u16>,
        /// Replicas, or `None` for `default.replication.factor`.
        replicas: Option<u16>,
    },
    /// The operator decides: the replicas of each partition, preferred leader first.
    Manual(Vec<Vec<BrokerId>>),
}

/// Answers a [`CreateTopicsRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTopicsReply {
    /// The outcomes, in the order of the request.
    pub topics: Vec<(TopicId, Result<(), ErrorCode>)>,
}

/// Gives a topic more partitions. What is there stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatePartitionsRequest {
    /// The topic.
    pub topic: TopicId,
    /// How many it shall have in all.
    pub count: u16,
}

/// Answers a [`CreatePartitionsRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatePartitionsReply {
    /// Whether it was done.
    pub done: Result<(), ErrorCode>,
}

/// Changes the settings of a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTopicRequest {
    /// The topic.
    pub topic: TopicId,
    /// Its settings from here on, complete.
    pub config: TopicConfig,
}

/// Answers an [`AlterTopicRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlterTopicReply {
    /// Whether it was done.
    pub done: Result<(), ErrorCode>,
}

/// Which leaders an operator wants elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ElectionKind {
    /// The first replica of the assignment, if it is in the ISR.
    Preferred,
    /// Any live replica, if none of the ISR lives; may lose records.
    Unclean,
}

/// Elects leaders on an operator's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectLeadersRequest {
    /// The kind of election.
    pub kind: ElectionKind,
    /// The partitions.
    pub partitions: Vec<TopicPartition>,
}

/// Answers an [`ElectLeadersRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectLeadersReply {
    /// The outcomes, in the order of the request.
    pub partitions: Vec<(TopicPartition, Result<(), ErrorCode>)>,
}

/// Answers `AllocateProducerIds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocateProducerIdsReply {
    /// The first of a thousand ids.
    pub block: Result<ProducerId, ErrorCode>,
}
