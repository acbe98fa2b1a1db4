//! What nodes say to each other: Kafka's requests and responses, less their encoding.
//!
//! In reading order: `error` (the codes), `data` (produce, fetch, offsets, metadata),
//! `group` (what consumers say to their coordinator), `cluster` (what brokers say to the
//! controller).

pub mod cluster;
pub mod data;
mod error;
pub mod group;

pub use error::{ErrorCode, Remedy};

use cluster::{
    AllocateProducerIdsReply, AlterPartitionReply, AlterPartitionRequest, AlterTopicReply,
    AlterTopicRequest, BrokerRequest, CreatePartitionsReply, CreatePartitionsRequest,
    CreateTopicsReply, CreateTopicsRequest, ElectLeadersReply, ElectLeadersRequest,
    FetchMetadataReply, FetchMetadataRequest, HeartbeatReply, HeartbeatRequest, RegisterReply,
    RegisterRequest,
};
use data::{
    DeleteRecordsReply, DeleteRecordsRequest, EpochEndReply, EpochEndRequest, FetchReply,
    FetchRequest, InitProducerIdReply, ListOffsetsReply, ListOffsetsRequest, MetadataReply,
    MetadataRequest, ProduceReply, ProduceRequest,
};
use group::{
    ConsumerHeartbeatReply, ConsumerHeartbeatRequest, FindCoordinatorReply, FindCoordinatorRequest,
    GroupHeartbeatReply, GroupHeartbeatRequest, JoinGroupReply, JoinGroupRequest, LeaveGroupReply,
    LeaveGroupRequest, OffsetCommitReply, OffsetCommitRequest, OffsetDeleteReply,
    OffsetDeleteRequest, OffsetFetchReply, OffsetFetchRequest, SyncGroupReply, SyncGroupRequest,
};

/// Pairs a response with its request on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Correlation(pub u32);

/// One message on a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// From the client's end.
    Request(Correlation, Request),
    /// From the server's end.
    Response(Correlation, Response),
}

macro_rules! apis {
    ($($(#[$doc:meta])* $name:ident($request:ty, $response:ty);)*) => {
        /// A request, by Kafka's API name.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $($(#[$doc])* $name($request),)*
        }

        /// A response, by the API name of its request.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Response {
            $($(#[$doc])* $name($response),)*
        }

        /// The kind of a message, as message rules in a scenario name it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Api {
            $($(#[$doc])* $name,)*
        }

        impl Api {
            /// Every API.
            pub const ALL: &[Api] = &[$(Api::$name,)*];

            /// Returns Kafka's name of the API, such as `Produce`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Api::$name => stringify!($name),)*
                }
            }
        }

        impl Request {
            /// Returns which API this request belongs to.
            pub fn api(&self) -> Api {
                match self {
                    $(Request::$name(_) => Api::$name,)*
                }
            }
        }

        impl Response {
            /// Returns which API this response belongs to.
            pub fn api(&self) -> Api {
                match self {
                    $(Response::$name(_) => Api::$name,)*
                }
            }
        }
    };
}

apis! {
    /// Append record batches.
    Produce(ProduceRequest, ProduceReply);
    /// Read record batches: followers and consumers.
    Fetch(FetchRequest, FetchReply);
    /// Find an offset by time, or the ends of a log.
    ListOffsets(ListOffsetsRequest, ListOffsetsReply);
    /// Find where a leader epoch ended.
    OffsetForLeaderEpoch(EpochEndRequest, EpochEndReply);
    /// Remove the oldest records of a partition.
    DeleteRecords(DeleteRecordsRequest, DeleteRecordsReply);
    /// Learn brokers, partitions and leaders.
    Metadata(MetadataRequest, MetadataReply);
    /// Get a producer id.
    InitProducerId((), InitProducerIdReply);
    /// Announce a broker to the controller.
    BrokerRegistration(RegisterRequest, RegisterReply);
    /// Tell the controller that a broker lives, and ask to be unfenced or shut down.
    BrokerHeartbeat(HeartbeatRequest, HeartbeatReply);
    /// Propose another ISR.
    AlterPartition(BrokerRequest<AlterPartitionRequest>, AlterPartitionReply);
    /// Read the cluster metadata log.
    FetchMetadata(FetchMetadataRequest, FetchMetadataReply);
    /// Create topics.
    CreateTopics(CreateTopicsRequest, CreateTopicsReply);
    /// Give a topic more partitions.
    CreatePartitions(CreatePartitionsRequest, CreatePartitionsReply);
    /// Change the settings of a topic.
    IncrementalAlterConfigs(AlterTopicRequest, AlterTopicReply);
    /// Elect preferred or unclean leaders.
    ElectLeaders(ElectLeadersRequest, ElectLeadersReply);
    /// Get a block of producer ids.
    AllocateProducerIds(BrokerRequest<()>, AllocateProducerIdsReply);
    /// Find the coordinator of a group.
    FindCoordinator(FindCoordinatorRequest, FindCoordinatorReply);
    /// Join a classic group, and wait for the others.
    JoinGroup(Box<JoinGroupRequest>, JoinGroupReply);
    /// Hand in the assignment, or fetch one's own.
    SyncGroup(Box<SyncGroupRequest>, SyncGroupReply);
    /// Tell a classic group's coordinator that a member lives.
    Heartbeat(GroupHeartbeatRequest, GroupHeartbeatReply);
    /// Leave a classic group.
    LeaveGroup(LeaveGroupRequest, LeaveGroupReply);
    /// Commit offsets.
    OffsetCommit(OffsetCommitRequest, OffsetCommitReply);
    /// Read committed offsets.
    OffsetFetch(OffsetFetchRequest, OffsetFetchReply);
    /// Delete committed offsets.
    OffsetDelete(OffsetDeleteRequest, OffsetDeleteReply);
    /// Join, keep and leave a consumer group (KIP-848).
    ConsumerGroupHeartbeat(Box<ConsumerHeartbeatRequest>, ConsumerHeartbeatReply);
}

impl Message {
    /// Returns the API and whether this is its request or its response.
    pub fn kind(&self) -> MessageKind {
        match self {
            Message::Request(_, request) => MessageKind { api: request.api(), half: Half::Request },
            Message::Response(_, response) => {
                MessageKind { api: response.api(), half: Half::Response }
            }
        }
    }

    /// Returns the size on the wire in bytes, near enough for bandwidth: batches are exact,
    /// everything else counts as a fixed overhead.
    pub fn bytes(&self) -> u32 {
        const OVERHEAD: u32 = 64;
        let batches = match self {
            Message::Request(_, Request::Produce(request)) => {
                request.partitions.iter().map(|(_, batch)| batch.records.bytes()).sum()
            }
            Message::Response(_, Response::Fetch(reply)) => reply
                .partitions
                .iter()
                .flat_map(|partition| &partition.batches)
                .map(|batch| batch.records.bytes())
                .sum(),
            _ => 0,
        };
        OVERHEAD + batches
    }
}

/// Names a message in a rule: `FetchResponse`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKind {
    /// The API.
    pub api: Api,
    /// Which of its two messages.
    pub half: Half,
}

/// The two messages of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Half {
    /// The question.
    Request,
    /// The answer.
    Response,
}

impl std::fmt::Display for MessageKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?}", self.api.name(), self.half)
    }
}
