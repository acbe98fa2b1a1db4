//! Settings of brokers, topics and controllers.
//!
//! Source: `ServerConfigs`, `ReplicationConfigs`, `KRaftConfigs`, `LogConfig`, Kafka 4.0.

use super::settings;
use crate::group::assignor::server::ServerAssignor;
use crate::time::Duration;

/// Which groups with members may move between the classic protocol and KIP-848's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MigrationPolicy {
    /// Groups move both ways.
    #[default]
    Bidirectional,
    /// Classic groups become consumer groups when a native member joins.
    Upgrade,
    /// Consumer groups become classic groups when the last native member leaves.
    Downgrade,
    /// Only empty groups move.
    Disabled,
}

/// Which clock gives records their timestamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer's.
    #[default]
    CreateTime,
    /// The leader's, at the append.
    LogAppendTime,
}

settings! {
    /// Settings of a broker.
    pub struct BrokerConfig {
        /// A follower that has not caught up for this long leaves the ISR.
        "replica.lag.time.max.ms" replica_lag_time_max: Duration = Duration::from_secs(30);
        /// How long a follower's fetch waits for new records.
        "replica.fetch.wait.max.ms" replica_fetch_wait_max: Duration = Duration::from_millis(500);
        /// A follower's fetch is answered once this many bytes are there.
        "replica.fetch.min.bytes" replica_fetch_bytes_min: u32 = 1;
        /// Bytes a follower fetches per partition.
        "replica.fetch.max.bytes" replica_fetch_bytes_max: u32 = 1_048_576;
        /// Bytes a follower fetches over all partitions.
        "replica.fetch.response.max.bytes" replica_fetch_response_bytes_max: u32 = 10_485_760;
        /// How long a follower leaves a partition alone after an error.
        "replica.fetch.backoff.ms" replica_fetch_backoff: Duration = Duration::from_millis(1_000);
        /// How long a follower waits for an answer before it reconnects.
        "replica.socket.timeout.ms" replica_socket_timeout: Duration = Duration::from_secs(30);
        /// How often high watermarks are written to disk.
        "replica.high.watermark.checkpoint.interval.ms" high_watermark_checkpoint_interval: Duration = Duration::from_millis(5_000);
        /// How often a broker tells the controller that it lives.
        "broker.heartbeat.interval.ms" heartbeat_interval: Duration = Duration::from_millis(2_000);
        /// How long a broker tries to register before it gives up.
        "initial.broker.registration.timeout.ms" initial_registration_timeout: Duration = Duration::from_secs(60);
        /// Whether a shutdown first moves leaderships away.
        "controlled.shutdown.enable" controlled_shutdown_enable: bool = true;
        /// Upper bound of `fetch.max.bytes`.
        "fetch.max.bytes" fetch_bytes_max: u32 = 57_671_680;
        /// Milliseconds of record time after which the state of an idle producer is forgotten.
        "producer.id.expiration.ms" producer_id_expiration: Duration = Duration::from_secs(86_400);
        /// How often idle producers are looked for.
        "producer.id.expiration.check.interval.ms" producer_id_expiration_check_interval: Duration = Duration::from_secs(600);
        /// How often a broker looks for old segments to delete.
        "log.retention.check.interval.ms" log_retention_check_interval: Duration = Duration::from_secs(300);
        /// Partitions of `__consumer_offsets`, which is created when the first group needs it.
        "offsets.topic.num.partitions" offsets_topic_partitions: u16 = 50;
        /// Replicas of `__consumer_offsets`; its creation fails while fewer brokers live.
        "offsets.topic.replication.factor" offsets_topic_replication_factor: u16 = 3;
        /// Bytes after which a new segment of `__consumer_offsets` begins.
        "offsets.topic.segment.bytes" offsets_topic_segment_bytes: u32 = 104_857_600;
        /// How long a coordinator's write may wait for the replicas.
        "offsets.commit.timeout.ms" offsets_commit_timeout: Duration = Duration::from_secs(5);
        /// Minutes after which the offsets of an abandoned group are forgotten.
        "offsets.retention.minutes" offsets_retention: super::value::Minutes = super::value::Minutes(10_080);
        /// How often such offsets are looked for.
        "offsets.retention.check.interval.ms" offsets_retention_check_interval: Duration = Duration::from_secs(600);
        /// Longest text that a commit may carry.
        "offset.metadata.max.bytes" offset_metadata_bytes_max: u32 = 4_096;
        /// Shortest session timeout that a member may ask for.
        "group.min.session.timeout.ms" group_session_timeout_min: Duration = Duration::from_secs(6);
        /// Longest session timeout that a member may ask for.
        "group.max.session.timeout.ms" group_session_timeout_max: Duration = Duration::from_secs(1_800);
        /// How long an empty group waits for company before its first rebalance.
        "group.initial.rebalance.delay.ms" group_initial_rebalance_delay: Duration = Duration::from_secs(3);
        /// Members of a classic group, at most.
        "group.max.size" group_size_max: u32 = 2_147_483_647;
        /// How long a member of a consumer group may be silent.
        "group.consumer.session.timeout.ms" group_consumer_session_timeout: Duration = Duration::from_secs(45);
        /// Shortest value of `group.consumer.session.timeout.ms`.
        "group.consumer.min.session.timeout.ms" group_consumer_session_timeout_min: Duration = Duration::from_secs(45);
        /// Longest value of `group.consumer.session.timeout.ms`.
        "group.consumer.max.session.timeout.ms" group_consumer_session_timeout_max: Duration = Duration::from_secs(60);
        /// How often a member of a consumer group is told to send a heartbeat.
        "group.consumer.heartbeat.interval.ms" group_consumer_heartbeat_interval: Duration = Duration::from_secs(5);
        /// Shortest value of `group.consumer.heartbeat.interval.ms`.
        "group.consumer.min.heartbeat.interval.ms" group_consumer_heartbeat_interval_min: Duration = Duration::from_secs(5);
        /// Longest value of `group.consumer.heartbeat.interval.ms`.
        "group.consumer.max.heartbeat.interval.ms" group_consumer_heartbeat_interval_max: Duration = Duration::from_secs(15);
        /// Members of a consumer group, at most.
        "group.consumer.max.size" group_consumer_size_max: u32 = 2_147_483_647;
        /// Which groups with members may move between the protocols.
        "group.consumer.migration.policy" group_consumer_migration_policy: MigrationPolicy = MigrationPolicy::Bidirectional;
        /// The assignors of consumer groups; the first is for groups that ask for none.
        "group.consumer.assignors" group_consumer_assignors: super::value::ServerAssignors = super::value::ServerAssignors(ServerAssignor::DEFAULT.to_vec());
    }
}

settings! {
    /// Settings of a topic. A broker sets the same under its own name (`log.` for most).
    pub struct TopicConfig {
        /// With acks=all, the smallest ISR that may accept a write.
        "min.insync.replicas" min_insync_replicas: u16 = 1;
        /// Whether a replica outside the ISR may lead when nobody else is left.
        "unclean.leader.election.enable" unclean_leader_election: bool = false;
        /// Largest record batch in bytes.
        "max.message.bytes" message_bytes_max: u32 = 1_048_588;
        /// Bytes after which a new segment begins.
        "segment.bytes" segment_bytes: u32 = 1_073_741_824;
        /// Record time after which a new segment begins.
        "segment.ms" segment_age_max: Duration = Duration::from_secs(604_800);
        /// Record time after which a segment is deleted; -1 keeps it for ever.
        "retention.ms" retention_age_max: Duration = Duration::from_secs(604_800);
        /// Bytes of a partition's log above which its oldest segments are deleted; -1 sets no limit.
        "retention.bytes" retention_bytes_max: Option<u64> = None;
        /// Messages after which the log is flushed to disk.
        "flush.messages" flush_messages: u64 = u64::MAX;
        /// Time after which the log is flushed to disk.
        "flush.ms" flush_age_max: Duration = Duration::MAX;
        /// Whose clock stamps the records.
        "message.timestamp.type" timestamp_type: TimestampType = TimestampType::CreateTime;
        /// How far in the past a record's timestamp may lie.
        "message.timestamp.before.max.ms" timestamp_before_max: Duration = Duration::MAX;
        /// How far in the future a record's timestamp may lie.
        "message.timestamp.after.max.ms" timestamp_after_max: Duration = Duration::from_secs(3_600);
    }
}

settings! {
    /// Settings of the controller.
    pub struct ControllerConfig {
        /// A broker that is silent for this long is fenced.
        "broker.session.timeout.ms" session_timeout: Duration = Duration::from_millis(9_000);
        /// Partitions of a topic that does not say.
        "num.partitions" num_partitions: u16 = 1;
        /// Replicas of a topic that does not say.
        "default.replication.factor" default_replication_factor: u16 = 1;
        /// Whether the controller moves leadership back to preferred replicas by itself.
        "auto.leader.rebalance.enable" auto_leader_rebalance: bool = true;
        /// How often it looks whether it should.
        "leader.imbalance.check.interval.seconds" leader_imbalance_check_interval: super::value::Seconds = super::value::Seconds(300);
        /// How often partitions without leader are offered an unclean election.
        "unclean.leader.election.interval.ms" unclean_election_interval: Duration = Duration::from_secs(300);
        /// How often an idle controller writes a NoOp record.
        "metadata.max.idle.interval.ms" metadata_idle_interval_max: Duration = Duration::from_millis(500);
    }
}

impl TopicConfig {
    /// Says whether a log is flushed by `flush.messages` or `flush.ms`; Kafka advises neither.
    pub fn flushes(&self) -> bool {
        self.flush_messages != u64::MAX || self.flush_age_max != Duration::MAX
    }
}

impl BrokerConfig {
    /// Checks the settings that must fit each other.
    ///
    /// # Errors
    /// The first pair of settings of which the first is above the second.
    ///
    /// Source: `GroupCoordinatorConfig.validate`, Kafka 4.0.
    pub fn check(&self) -> Result<(), Misfit> {
        let session = self.group_consumer_session_timeout;
        let interval = self.group_consumer_heartbeat_interval;
        let pairs = [
            (
                ("group.consumer.min.session.timeout.ms", self.group_consumer_session_timeout_min),
                ("group.consumer.session.timeout.ms", session),
            ),
            (
                ("group.consumer.session.timeout.ms", session),
                ("group.consumer.max.session.timeout.ms", self.group_consumer_session_timeout_max),
            ),
            (
                (
                    "group.consumer.min.heartbeat.interval.ms",
                    self.group_consumer_heartbeat_interval_min,
                ),
                ("group.consumer.heartbeat.interval.ms", interval),
            ),
            (
                ("group.consumer.heartbeat.interval.ms", interval),
                (
                    "group.consumer.max.heartbeat.interval.ms",
                    self.group_consumer_heartbeat_interval_max,
                ),
            ),
        ];
        for ((smaller, low), (larger, high)) in pairs {
            if high < low {
                return Err(Misfit { smaller, larger });
            }
        }
        Ok(())
    }
}

/// Two settings of one process that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{smaller} must be at most {larger}")]
pub struct Misfit {
    /// The setting that must not be larger.
    pub smaller: &'static str,
    /// The setting that must not be smaller.
    pub larger: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_of_consumer_groups_stay_between_their_bounds() {
        let with = |name: &str, millis| {
            let mut config = BrokerConfig::default();
            config.set(name, &crate::config::RawSetting::Int(millis)).expect("it is a setting");
            config.check().map_err(|misfit| misfit.smaller)
        };

        assert_eq!(BrokerConfig::default().check(), Ok(()));
        let session = "group.consumer.session.timeout.ms";
        assert_eq!(with(session, 44_999), Err("group.consumer.min.session.timeout.ms"));
        assert_eq!(with(session, 60_000), Ok(()));
        assert_eq!(with(session, 60_001), Err(session));
        let interval = "group.consumer.heartbeat.interval.ms";
        assert_eq!(with(interval, 4_999), Err("group.consumer.min.heartbeat.interval.ms"));
        assert_eq!(with(interval, 15_001), Err(interval));
    }
}
