//! Settings of producers and consumers.
//!
//! Source: `ProducerConfig`, `ConsumerConfig`, `CommonClientConfigs`, Kafka 4.0.

use std::sync::Arc;

use super::settings;
use super::value::Strategies;
use crate::group::assignor::Strategy;
use crate::ids::InstanceId;
use crate::message::data::{Acks, Isolation};
use crate::time::Duration;

/// Whether a producer numbers its batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Idempotence {
    /// Not set: on, unless another setting conflicts (then silently off).
    #[default]
    Unset,
    /// Set to true: a conflicting setting is an error.
    On,
    /// Set to false.
    Off,
}

/// Where a consumer goes when it has no position or an impossible one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OffsetReset {
    /// To the start of the log.
    Earliest,
    /// To its end.
    #[default]
    Latest,
    /// Nowhere: the application gets the error.
    None,
}

settings! {
    /// Settings of a producer.
    pub struct ProducerConfig {
        /// What the producer waits for: 0, 1 or all.
        "acks" acks: Acks = Acks::All;
        /// Whether batches carry producer id and sequence, so that brokers drop repeats.
        "enable.idempotence" idempotence: Idempotence = Idempotence::Unset;
        /// Attempts after the first.
        "retries" retries: u32 = 2_147_483_647;
        /// Requests on their way to one broker at a time.
        "max.in.flight.requests.per.connection" in_flight_max: u32 = 5;
        /// How long a batch waits for company.
        "linger.ms" linger: Duration = Duration::from_millis(5);
        /// Bytes at which a batch is full; 0 sends each record alone.
        "batch.size" batch_bytes: u32 = 16_384;
        /// Bytes of all batches together that are not decided yet.
        "buffer.memory" buffer_bytes: u64 = 33_554_432;
        /// How long `send()` may block for metadata or memory.
        "max.block.ms" block_max: Duration = Duration::from_secs(60);
        /// Largest request, and largest record, in bytes.
        "max.request.size" request_bytes_max: u32 = 1_048_576;
        /// How long one request may take before its connection is closed.
        "request.timeout.ms" request_timeout: Duration = Duration::from_secs(30);
        /// How long a record may take from its batch's creation to its outcome.
        "delivery.timeout.ms" delivery_timeout: Duration = Duration::from_secs(120);
        /// First pause before another attempt.
        "retry.backoff.ms" retry_backoff: Duration = Duration::from_millis(100);
        /// Longest pause before another attempt.
        "retry.backoff.max.ms" retry_backoff_max: Duration = Duration::from_millis(1_000);
        /// First pause before connecting again.
        "reconnect.backoff.ms" reconnect_backoff: Duration = Duration::from_millis(50);
        /// Longest pause before connecting again.
        "reconnect.backoff.max.ms" reconnect_backoff_max: Duration = Duration::from_millis(1_000);
        /// How long a connection may take to open, the first time.
        "socket.connection.setup.timeout.ms" connection_setup_timeout: Duration = Duration::from_secs(10);
        /// How long a connection may take to open, at most.
        "socket.connection.setup.timeout.max.ms" connection_setup_timeout_max: Duration = Duration::from_secs(30);
        /// Age at which metadata is fetched again.
        "metadata.max.age.ms" metadata_age_max: Duration = Duration::from_secs(300);
        /// Whether keyed records are spread as if they had no key.
        "partitioner.ignore.keys" partitioner_ignore_keys: bool = false;
        /// Whether long queues make a partition less likely for records without key.
        "partitioner.adaptive.partitioning.enable" partitioner_adaptive: bool = true;
        /// How long a broker may not take data before its partitions are avoided; 0 never avoids.
        "partitioner.availability.timeout.ms" partitioner_availability_timeout: Duration = Duration::ZERO;
    }
}

/// Which group protocol a consumer speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GroupProtocolKind {
    /// JoinGroup and SyncGroup: the members assign.
    #[default]
    Classic,
    /// KIP-848: the coordinator assigns.
    Consumer,
}

settings! {
    /// Settings of a consumer.
    pub struct ConsumerConfig {
        /// Where to go without a valid position: earliest, latest or none.
        "auto.offset.reset" offset_reset: OffsetReset = OffsetReset::Latest;
        /// read_uncommitted or read_committed.
        "isolation.level" isolation: Isolation = Isolation::ReadUncommitted;
        /// Records per `poll()`, at most.
        "max.poll.records" poll_records_max: u32 = 500;
        /// A fetch is answered once this many bytes are there.
        "fetch.min.bytes" fetch_bytes_min: u32 = 1;
        /// Bytes per fetch.
        "fetch.max.bytes" fetch_bytes_max: u32 = 52_428_800;
        /// Bytes per fetch and partition.
        "max.partition.fetch.bytes" partition_fetch_bytes_max: u32 = 1_048_576;
        /// How long a fetch waits for new records.
        "fetch.max.wait.ms" fetch_wait_max: Duration = Duration::from_millis(500);
        /// How long one request may take before its connection is closed.
        "request.timeout.ms" request_timeout: Duration = Duration::from_secs(30);
        /// First pause before another attempt.
        "retry.backoff.ms" retry_backoff: Duration = Duration::from_millis(100);
        /// Longest pause before another attempt.
        "retry.backoff.max.ms" retry_backoff_max: Duration = Duration::from_millis(1_000);
        /// First pause before connecting again.
        "reconnect.backoff.ms" reconnect_backoff: Duration = Duration::from_millis(50);
        /// Longest pause before connecting again.
        "reconnect.backoff.max.ms" reconnect_backoff_max: Duration = Duration::from_millis(1_000);
        /// How long a connection may take to open, the first time.
        "socket.connection.setup.timeout.ms" connection_setup_timeout: Duration = Duration::from_secs(10);
        /// How long a connection may take to open, at most.
        "socket.connection.setup.timeout.max.ms" connection_setup_timeout_max: Duration = Duration::from_secs(30);
        /// Age at which metadata is fetched again.
        "metadata.max.age.ms" metadata_age_max: Duration = Duration::from_secs(300);
        /// The member's own name, which outlives its process: makes it static (KIP-345).
        "group.instance.id" instance: Option<InstanceId> = None;
        /// Which group protocol it speaks: classic or consumer (KIP-848).
        "group.protocol" group_protocol: GroupProtocolKind = GroupProtocolKind::Classic;
        /// The server-side assignor that it asks for (KIP-848 only); unset leaves it to the coordinator.
        "group.remote.assignor" remote_assignor: Option<Arc<str>> = None;
        /// The assignors that it supports, the favourite first (classic only).
        "partition.assignment.strategy" strategies: Strategies = Strategies(Strategy::DEFAULT.to_vec());
        /// How long the coordinator may hear nothing of it (classic only).
        "session.timeout.ms" session_timeout: Duration = Duration::from_secs(45);
        /// How often it tells the coordinator that it lives (classic only).
        "heartbeat.interval.ms" heartbeat_interval: Duration = Duration::from_secs(3);
        /// How long the application may take between two calls of `poll()`.
        "max.poll.interval.ms" poll_interval_max: Duration = Duration::from_secs(300);
        /// Whether `poll()` commits what earlier calls returned.
        "enable.auto.commit" auto_commit: bool = true;
        /// How often it does.
        "auto.commit.interval.ms" auto_commit_interval: Duration = Duration::from_secs(5);
        /// How long `commitSync` and the like may take.
        "default.api.timeout.ms" api_timeout: Duration = Duration::from_secs(60);
        /// Whether subscriptions by pattern leave out Kafka's own topics.
        "exclude.internal.topics" exclude_internal_topics: bool = true;
    }
}
