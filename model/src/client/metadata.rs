//! What a client knows of the cluster, and when it asks again.
//!
//! Topics are followed from their first use; each update asks for all of them, except that
//! a topic just added is asked for alone and at once. Between updates lie two back-offs:
//! one after failures, one after replies that taught nothing new.
//!
//! Source: `Metadata`, `ProducerMetadata`, `MetadataSnapshot`, Kafka 4.0.
//! Left out: topic ids that change, authorization, forgetting idle topics
//! (`metadata.max.idle.ms`).

use crate::chance::Rng;
use crate::channel::Backoff;
use crate::ids::{BrokerId, LeaderEpoch, ReplicaSet, TopicId, TopicPartition};
use crate::message::ErrorCode;
use crate::message::data::{CurrentLeader, MetadataReply, MetadataRequest, PartitionMetadata};
use crate::table::Table;
use crate::time::{Duration, Time};

/// What a client knows of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The brokers of the last reply; until then those of `bootstrap.servers`.
    brokers: ReplicaSet,
    topics: Table<TopicId, Topic>,
    /// Every topic that exists is followed, for a subscription by pattern.
    follows_all: bool,
    version: u64,
    refresh: Refresh,
}

/// A topic that the client follows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Topic {
    presence: Presence,
    /// By index. Outlives [`Presence::Unknown`], because the epochs seen still count.
    partitions: Vec<Partition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// No reply has named its partitions, or the last one said that it is not there.
    Unknown,
    Known,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Partition {
    leader: Option<BrokerId>,
    /// The epoch of `leader`.
    leader_epoch: LeaderEpoch,
    /// The latest epoch seen anywhere; above `leader_epoch`, the leader is unknown.
    latest_epoch: LeaderEpoch,
}

/// When to ask next.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refresh {
    retry: Backoff,
    age_max: Duration,
    in_flight: Option<Scope>,
    is_requested: bool,
    /// Topics added since, which no reply has mentioned.
    new_topics: Vec<TopicId>,
    last_full: Option<Time>,
    /// Failures in a row.
    failures: u32,
    failure_backoff_until: Time,
    /// Replies in a row that taught nothing new.
    equivalent_replies: u32,
    equivalent_backoff_until: Time,
}

/// What an update asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Every topic that the client follows.
    All,
    /// Only those added since.
    NewTopics,
}

/// What became of a metadata reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// The client knows what it says.
    Applied,
    /// It named no broker, as a broker does that has just started; it counts as a failure.
    Ignored,
}

impl Metadata {
    /// Makes the metadata of a client that knows nothing but its `bootstrap.servers`.
    pub(crate) fn new(bootstrap: ReplicaSet, retry: Backoff, age_max: Duration) -> Metadata {
        let refresh = Refresh {
            retry,
            age_max,
            in_flight: None,
            is_requested: false,
            new_topics: Vec::new(),
            last_full: None,
            failures: 0,
            failure_backoff_until: Time::ZERO,
            equivalent_replies: 0,
            equivalent_backoff_until: Time::ZERO,
        };
        Metadata {
            brokers: bootstrap,
            topics: Table::new(),
            follows_all: false,
            version: 0,
            refresh,
        }
    }

    /// Returns the partition's leader and its epoch; `None` while it is unknown, not
    /// available, or superseded by an epoch seen elsewhere.
    ///
    /// Source: `Metadata.currentLeader`, Kafka 4.0.
    pub fn leader(&self, tp: TopicPartition) -> Option<CurrentLeader> {
        let partition = self.current(tp)?;
        let leader = partition.leader?;
        self.brokers
            .contains(leader)
            .then_some(CurrentLeader { leader, epoch: partition.leader_epoch })
    }

    /// Returns the latest leader epoch seen, even if its leader is unknown.
    pub fn leader_epoch(&self, tp: TopicPartition) -> Option<LeaderEpoch> {
        Some(self.partition(tp)?.latest_epoch)
    }

    /// Returns how many partitions the topic has; `None` while that is unknown.
    pub fn partition_count(&self, topic: TopicId) -> Option<u16> {
        let topic = self.topics.get(&topic)?;
        match topic.presence {
            Presence::Unknown => None,
            Presence::Known => Some(topic.partitions.len() as u16),
        }
    }

    /// Returns the topic's partitions in order with their leaders; none while unknown.
    pub fn partitions(
        &self,
        topic: TopicId,
    ) -> impl Iterator<Item = (TopicPartition, Option<BrokerId>)> {
        (0..self.partition_count(topic).unwrap_or(0)).map(move |partition| {
            let tp = TopicPartition { topic, partition };
            (tp, self.leader(tp).map(|current| current.leader))
        })
    }

    /// Says whether a reply has mentioned the topic since it was added.
    pub fn has_heard_of(&self, topic: TopicId) -> bool {
        self.topics.contains_key(&topic) && !self.refresh.new_topics.contains(&topic)
    }

    /// Returns the topics that exist, as far as is known.
    pub fn existing(&self) -> impl Iterator<Item = TopicId> {
        let is_known = |topic: &Topic| topic.presence == Presence::Known;
        self.topics.iter().filter(move |(_, topic)| is_known(topic)).map(|(&id, _)| id)
    }

    /// Returns the brokers of the last reply; until then those of `bootstrap.servers`.
    pub fn brokers(&self) -> ReplicaSet {
        self.brokers
    }

    /// Counts what was learned: consumers check their positions again when it has grown.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Takes over a leader that an error answer named, and says whether it did: only if
    /// its epoch is newer, its broker known and the partition too (KIP-951). The caller
    /// asks for an update all the same.
    ///
    /// Source: `Metadata.updatePartitionLeadership`, Kafka 4.0.
    pub fn learn_leader(&mut self, tp: TopicPartition, hint: CurrentLeader) -> bool {
        if !self.brokers.contains(hint.leader) {
            return false;
        }
        let Some(partition) = self.partition_mut(tp) else { return false };
        if hint.epoch <= partition.latest_epoch {
            return false;
        }
        *partition = Partition {
            leader: Some(hint.leader),
            leader_epoch: hint.epoch,
            latest_epoch: hint.epoch,
        };
        self.version += 1;
        self.refresh.forget_equivalents();
        true
    }

    /// Takes note of an epoch that came with an offset, and says whether it is newer than
    /// any seen: then the leader is unknown until an update, which is requested.
    ///
    /// Source: `Metadata.updateLastSeenEpochIfNewer`, Kafka 4.0.
    pub fn see_epoch(&mut self, tp: TopicPartition, epoch: LeaderEpoch) -> bool {
        let Some(partition) = self.partition_mut(tp) else { return false };
        if epoch <= partition.latest_epoch {
            return false;
        }
        partition.latest_epoch = epoch;
        self.refresh.is_requested = true;
        self.refresh.forget_equivalents();
        true
    }

    /// Follows a topic from here on: it is asked for without back-off.
    pub(crate) fn add_topic(&mut self, topic: TopicId) {
        if self.topics.contains_key(&topic) {
            return;
        }
        self.topics.insert(topic, Topic { presence: Presence::Unknown, partitions: Vec::new() });
        self.refresh.new_topics.push(topic);
        self.refresh.failure_backoff_until = Time::ZERO;
        self.refresh.forget_equivalents();
    }

    /// Follows every topic that exists from here on.
    pub(crate) fn follow_all(&mut self) {
        self.follows_all = true;
        self.refresh.is_requested = true;
    }

    /// Asks for an update of all topics as soon as the back-offs allow.
    pub(crate) fn request_update(&mut self) {
        self.refresh.is_requested = true;
    }

    /// Returns when the next request is due; `None` while one is in flight.
    pub(crate) fn due_at(&self) -> Option<Time> {
        self.refresh.due_at()
    }

    /// Says whether a request is due: it goes before all others.
    pub(crate) fn is_due(&self, now: Time) -> bool {
        self.refresh.due_at().is_some_and(|due| due <= now)
    }

    /// Makes the request that is due.
    pub(crate) fn ask(&mut self, now: Time) -> MetadataRequest {
        let topics = match self.refresh.begin(now) {
            Scope::All if self.follows_all => return MetadataRequest { topics: None },
            Scope::All => self.topics.keys().copied().collect(),
            Scope::NewTopics => self.refresh.new_topics.clone(),
        };
        MetadataRequest { topics: Some(topics) }
    }

    /// Takes in the reply to the request in flight.
    ///
    /// Source: `Metadata.update`, `Metadata.handleMetadataResponse`, Kafka 4.0.
    pub(crate) fn on_reply(&mut self, reply: MetadataReply, now: Time, rng: &mut Rng) -> Update {
        if reply.brokers.is_empty() {
            self.on_failure(now, rng);
            return Update::Ignored;
        }
        self.brokers = reply.brokers.into_iter().collect();
        self.version += 1;
        self.refresh.succeed(now);
        for (id, partitions) in reply.topics {
            self.refresh.new_topics.retain(|&added| added != id);
            self.apply(id, partitions);
        }
        self.refresh.hold_back(now, rng);
        Update::Applied
    }

    /// Takes in that the request in flight was lost.
    pub(crate) fn on_failure(&mut self, now: Time, rng: &mut Rng) {
        self.refresh.fail(now, rng);
    }

    fn apply(&mut self, id: TopicId, partitions: Result<Vec<PartitionMetadata>, ErrorCode>) {
        let unknown = || Topic { presence: Presence::Unknown, partitions: Vec::new() };
        if self.follows_all && partitions.is_ok() {
            self.topics.get_or_insert_with(id, unknown);
        }
        let Some(topic) = self.topics.get_mut(&id) else { return };
        match partitions {
            Ok(partitions) => {
                topic.presence = Presence::Known;
                for (index, told) in partitions.into_iter().enumerate() {
                    // A leader that is not available is asked for again.
                    self.refresh.is_requested |= told.leader.is_none();
                    if topic.learn(index, &told) {
                        self.refresh.equivalent_replies = 0;
                    }
                }
            }
            Err(error) => {
                topic.presence = Presence::Unknown;
                self.refresh.is_requested |= error.is_stale_metadata();
            }
        }
    }

    fn partition(&self, tp: TopicPartition) -> Option<&Partition> {
        self.topics.get(&tp.topic)?.partitions.get(usize::from(tp.partition))
    }

    fn partition_mut(&mut self, tp: TopicPartition) -> Option<&mut Partition> {
        self.topics.get_mut(&tp.topic)?.partitions.get_mut(usize::from(tp.partition))
    }

    fn current(&self, tp: TopicPartition) -> Option<&Partition> {
        let topic = self.topics.get(&tp.topic)?;
        let partition = topic.partitions.get(usize::from(tp.partition))?;
        let is_current = partition.leader_epoch == partition.latest_epoch;
        (topic.presence == Presence::Known && is_current).then_some(partition)
    }
}

impl Topic {
    /// Takes in what a reply says of one partition, and says whether its epoch is new.
    /// A broker that lags behind tells of older epochs; what is known stays.
    fn learn(&mut self, index: usize, told: &PartitionMetadata) -> bool {
        let known = Partition {
            leader: told.leader,
            leader_epoch: told.leader_epoch,
            latest_epoch: told.leader_epoch,
        };
        let Some(partition) = self.partitions.get_mut(index) else {
            self.partitions.push(known);
            return true;
        };
        if told.leader_epoch < partition.latest_epoch {
            return false;
        }
        let is_news = partition.latest_epoch < told.leader_epoch;
        *partition = known;
        is_news
    }
}

impl Refresh {
    fn due_at(&self) -> Option<Time> {
        if self.in_flight.is_some() {
            return None;
        }
        let expires_at = self.expires_at();
        let is_wanted = self.is_requested || !self.new_topics.is_empty();
        let wanted_at = if is_wanted { Time::ZERO } else { expires_at };
        // Old age overrides the back-off after equivalent replies, not that after failures.
        let equivalent = self.equivalent_backoff_until.min(expires_at);
        Some(wanted_at.max(self.failure_backoff_until).max(equivalent))
    }

    fn expires_at(&self) -> Time {
        self.last_full.map_or(Time::ZERO, |at| at + self.age_max)
    }

    fn begin(&mut self, now: Time) -> Scope {
        let is_expired = self.expires_at() <= now;
        if is_expired {
            self.equivalent_replies = 0;
        }
        let scope = if self.is_requested || is_expired { Scope::All } else { Scope::NewTopics };
        self.in_flight = Some(scope);
        scope
    }

    fn succeed(&mut self, now: Time) {
        match self.in_flight.take().expect("a reply answers a request") {
            Scope::NewTopics => {}
            Scope::All => {
                self.is_requested = false;
                self.last_full = Some(now);
            }
        }
        self.failures = 0;
        self.equivalent_replies += 1;
    }

    /// Starts the back-offs after a reply: at least the first pause of `retry.backoff.ms`.
    fn hold_back(&mut self, now: Time, rng: &mut Rng) {
        self.failure_backoff_until = now + self.retry.pause(0, rng);
        self.equivalent_backoff_until = match self.equivalent_replies.checked_sub(1) {
            None => Time::ZERO,
            Some(attempt) => now + self.retry.pause(attempt, rng),
        };
    }

    fn fail(&mut self, now: Time, rng: &mut Rng) {
        self.in_flight = None;
        self.forget_equivalents();
        self.failure_backoff_until = now + self.retry.pause(self.failures, rng);
        self.failures += 1;
    }

    fn forget_equivalents(&mut self) {
        self.equivalent_replies = 0;
        self.equivalent_backoff_until = Time::ZERO;
    }
}
