//! The metadata cache: following the metadata log, acting on it, and telling clients.
//!
//! Source: `MetadataLoader`, `BrokerMetadataPublisher`, `ReplicaManager.applyDelta`,
//! `KRaftMetadataCache`, Kafka 4.0. Left out: snapshots of the metadata log.

use crate::broker::Broker;
use crate::channel::{Backoff, Channel, ChannelConfig, ChannelEvent};
use crate::config::LogDefault;
use crate::ids::{NodeId, TopicId, TopicPartition};
use crate::image::MetadataRecord;
use crate::log::Log;
use crate::message::cluster::FetchMetadataRequest;
use crate::message::data::{MetadataReply, MetadataRequest, PartitionMetadata};
use crate::message::{ErrorCode, Request, Response};
use crate::partition::{Partition, Role, RoleChange};
use crate::time::Duration;
use crate::turn::Turn;

/// How long a broker waits for metadata (`controller.quorum.request.timeout.ms`).
const TIMEOUT: Duration = Duration::from_secs(2);

/// Makes the channel on which a broker follows the metadata log.
pub(super) fn channel(controller: NodeId) -> Channel<()> {
    let constant = |millis| {
        let pause = Duration::from_millis(millis);
        Backoff { first: pause, max: pause }
    };
    // controller.quorum.retry.backoff.ms is 20.
    let config =
        ChannelConfig { reconnect: constant(20), setup: constant(10_000), in_flight_max: 1 };
    Channel::new(controller, config)
}

impl Broker {
    /// Asks for the next metadata records; the controller waits until there are some.
    pub(super) fn fetch_metadata(&mut self, turn: &mut Turn<'_>) {
        if !self.metadata.is_open() {
            self.metadata.connect(turn);
        } else if self.metadata.is_ready() {
            let request = FetchMetadataRequest { broker: self.setup.id, from: self.image.next };
            self.metadata.send(Request::FetchMetadata(request), TIMEOUT, (), turn);
        }
    }

    /// Takes in records, and acts on all of them together.
    pub(super) fn on_metadata_event(&mut self, event: ChannelEvent<()>, turn: &mut Turn<'_>) {
        if let ChannelEvent::Response((), Response::FetchMetadata(reply)) = event
            && reply.from == self.image.next
        {
            let was_caught_up = self.is_caught_up();
            for record in &reply.records {
                self.mark_changed(record);
                self.image.replay(record);
            }
            // Until it has seen its own registration, a broker would act on the past.
            if self.is_caught_up() {
                self.publish(turn);
                if !was_caught_up {
                    self.on_caught_up(turn);
                }
            }
        }
        self.fetch_metadata(turn);
    }

    /// Says whether the metadata reaches this life's registration.
    pub(super) fn is_caught_up(&self) -> bool {
        self.lifecycle.epoch.is_some_and(|epoch| epoch.0 < self.image.next.0)
    }

    /// Becomes leader and follower as the metadata says: leaders first.
    pub(super) fn publish(&mut self, turn: &mut Turn<'_>) {
        let changed = std::mem::take(&mut self.changed);
        let leads = |broker: &Broker, partition: &TopicPartition| {
            let registration = broker.image.partition(*partition);
            registration.is_some_and(|it| it.leader == Some(broker.setup.id))
        };
        let (lead, follow): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|partition| leads(self, partition));
        for partition in lead.into_iter().chain(follow) {
            self.apply_registration(partition, turn);
        }
    }

    /// Tells a client what is known of the cluster.
    pub(super) fn on_metadata_request(&self, request: &MetadataRequest) -> MetadataReply {
        let brokers = self
            .image
            .brokers
            .iter()
            .filter(|(_, registration)| !registration.fenced)
            .map(|(&id, _)| id)
            .collect();
        let ids: Vec<TopicId> = match &request.topics {
            Some(topics) => topics.clone(),
            None => self.image.topics.keys().copied().collect(),
        };
        MetadataReply { brokers, topics: ids.into_iter().map(|id| (id, self.topic(id))).collect() }
    }

    fn topic(&self, id: TopicId) -> Result<Vec<PartitionMetadata>, ErrorCode> {
        let topic = self.image.topics.get(&id).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let is_alive = |id| self.image.brokers.get(&id).is_some_and(|broker| !broker.fenced);
        let tell = |registration: &crate::image::PartitionRegistration| PartitionMetadata {
            leader: registration.leader.filter(|&leader| is_alive(leader)),
            leader_epoch: registration.leader_epoch,
            replicas: registration.replicas.clone(),
        };
        Ok(topic.partitions.iter().map(tell).collect())
    }

    fn mark_changed(&mut self, record: &MetadataRecord) {
        match record {
            MetadataRecord::Partition { partition, .. }
            | MetadataRecord::PartitionChange { partition, .. } => {
                self.changed.insert(*partition);
            }
            MetadataRecord::TopicConfigChange { id, config } => {
                let config = LogDefault::applied(&self.setup.log_defaults, *id, config);
                let ids: Vec<_> =
                    self.partitions.keys().copied().filter(|it| it.topic == *id).collect();
                for id in ids {
                    self.configure(id, config.clone());
                }
            }
            // Who is active decides who may join an ISR; the next fetch asks the image.
            MetadataRecord::RegisterBroker { .. }
            | MetadataRecord::BrokerRegistrationChange { .. } => self.wake_sessions(),
            MetadataRecord::Topic { .. }
            | MetadataRecord::ProducerIds { .. }
            | MetadataRecord::NoOp => {}
        }
    }

    fn apply_registration(&mut self, partition: TopicPartition, turn: &mut Turn<'_>) {
        let Some(registration) = self.image.partition(partition).cloned() else { return };
        if !registration.replicas.contains(&self.setup.id) {
            return;
        }
        self.wake(partition);
        // From its first registration on, its settings change when those of its topic do.
        let known = self.partitions.get(&partition);
        if known.is_none_or(|replica| matches!(replica.role, Role::Unknown)) {
            let topic = &self.image.topics[&partition.topic];
            let defaults = &self.setup.log_defaults;
            let config = LogDefault::applied(defaults, partition.topic, &topic.config);
            let now = turn.now;
            self.partitions.get_or_insert_with(partition, || {
                Box::new(Partition::new(Log::new(config.clone(), now)))
            });
            self.configure(partition, config);
        }
        let Ok((host, replica)) = self.replica(partition) else { return };
        let change = replica.on_registration(&registration, &host, turn);
        match change {
            RoleChange::None => {}
            RoleChange::Leads => self.stop_following(partition),
            RoleChange::Follows(leader) => {
                self.follow(partition, leader, registration.leader_epoch, turn);
            }
        }
        if partition.topic == TopicId::CONSUMER_OFFSETS {
            self.on_offsets_leadership(partition, change, registration.leader_epoch, turn);
        }
        self.touch(partition);
    }
}
