//! The cluster metadata: records of the metadata log, and the image that they add up to.
//!
//! The controller's ledger and every broker's metadata cache replay the same records into
//! the same [`Image`]. Left out: feature levels, ACLs, quotas, delegation tokens, snapshots.
//!
//! Source: `metadata.image.*`, `PartitionRegistration`, Kafka 4.0.

use std::sync::Arc;

use crate::config::TopicConfig;
use crate::ids::{
    BrokerEpoch, BrokerId, Incarnation, LeaderEpoch, MetadataOffset, PartitionEpoch, ProducerId,
    ReplicaSet, TopicId, TopicPartition,
};
use crate::table::Table;

/// One record of the metadata log.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataRecord {
    /// A broker registered: fenced until its first accepted heartbeat. The record's own offset is its epoch.
    RegisterBroker {
        /// The broker.
        broker: BrokerId,
        /// Which of its lives this is.
        incarnation: Incarnation,
        /// Its rack.
        rack: Option<Arc<str>>,
    },
    /// A broker was fenced or unfenced, or began to shut down; `None` leaves as it is.
    BrokerRegistrationChange {
        /// The broker.
        broker: BrokerId,
        /// Its registration.
        epoch: BrokerEpoch,
        /// Whether it is fenced from here on.
        fenced: Option<bool>,
        /// Whether it is in controlled shutdown from here on.
        in_controlled_shutdown: Option<bool>,
    },
    /// A topic exists.
    Topic {
        /// Its identity.
        id: TopicId,
        /// Its name.
        name: Arc<str>,
        /// Its settings, complete.
        config: TopicConfig,
    },
    /// A partition exists.
    Partition {
        /// The partition.
        partition: TopicPartition,
        /// Its first registration.
        registration: PartitionRegistration,
    },
    /// A partition changed; `None` leaves as it is.
    PartitionChange {
        /// The partition.
        partition: TopicPartition,
        /// The new ISR.
        isr: Option<ReplicaSet>,
        /// The new leader (`Some(None)`: nobody). Naming one raises the leader epoch, even the same one.
        leader: Option<Option<BrokerId>>,
        /// Whether the new leader was elected uncleanly.
        recovery: Option<Recovery>,
    },
    /// The settings of a topic are these from here on.
    TopicConfigChange {
        /// The topic.
        id: TopicId,
        /// Its settings, complete.
        config: TopicConfig,
    },
    /// Producer ids below this one are taken.
    ProducerIds {
        /// The next free id.
        next: ProducerId,
    },
    /// Nothing; keeps the log moving (`metadata.max.idle.interval.ms`).
    NoOp,
}

/// Whether a partition's leader came from the ISR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Recovery {
    /// It did, or has declared itself recovered.
    #[default]
    Recovered,
    /// It was elected uncleanly and has not altered the partition yet.
    Recovering,
}

/// What is registered of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerRegistration {
    /// The registration's epoch.
    pub epoch: BrokerEpoch,
    /// Which life of the broker registered.
    pub incarnation: Incarnation,
    /// Its rack.
    pub rack: Option<Arc<str>>,
    /// It may neither lead nor join an ISR.
    pub fenced: bool,
    /// It is leaving.
    pub in_controlled_shutdown: bool,
}

/// What is registered of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionRegistration {
    /// The assigned replicas, preferred leader first; never empty.
    pub replicas: Vec<BrokerId>,
    /// The replicas in sync.
    pub isr: ReplicaSet,
    /// The leader, if there is one.
    pub leader: Option<BrokerId>,
    /// Raised by each change of leader.
    pub leader_epoch: LeaderEpoch,
    /// Raised by each change.
    pub partition_epoch: PartitionEpoch,
    /// Whether the leader came from the ISR.
    pub recovery: Recovery,
}

/// What is registered of a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicImage {
    /// Its name.
    pub name: Arc<str>,
    /// Its settings.
    pub config: TopicConfig,
    /// Its partitions, by index.
    pub partitions: Vec<PartitionRegistration>,
}

/// The cluster as the metadata log describes it up to some offset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    /// The next record to replay.
    pub next: MetadataOffset,
    /// The registered brokers.
    pub brokers: Table<BrokerId, BrokerRegistration>,
    /// The topics.
    pub topics: Table<TopicId, TopicImage>,
    /// The next free producer id.
    pub next_producer: ProducerId,
}

impl BrokerRegistration {
    /// Says whether the broker may lead and be in ISRs.
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }
}

impl Image {
    /// Applies the next record of the log.
    ///
    /// # Panics
    /// If the record speaks of a broker, topic or partition that no record before it made.
    pub fn replay(&mut self, record: &MetadataRecord) {
        match record {
            MetadataRecord::RegisterBroker { broker, incarnation, rack } => {
                let registration = BrokerRegistration {
                    epoch: BrokerEpoch(self.next.0),
                    incarnation: *incarnation,
                    rack: rack.clone(),
                    fenced: true,
                    in_controlled_shutdown: false,
                };
                self.brokers.insert(*broker, registration);
            }
            MetadataRecord::BrokerRegistrationChange {
                broker,
                epoch,
                fenced,
                in_controlled_shutdown,
            } => {
                let registration =
                    self.brokers.get_mut(broker).expect("a change follows its registration");
                assert_eq!(registration.epoch, *epoch, "a change names the current registration");
                registration.fenced = fenced.unwrap_or(registration.fenced);
                registration.in_controlled_shutdown =
                    in_controlled_shutdown.unwrap_or(registration.in_controlled_shutdown);
            }
            MetadataRecord::Topic { id, name, config } => {
                let topic = TopicImage {
                    name: name.clone(),
                    config: config.clone(),
                    partitions: Vec::new(),
                };
                self.topics.insert(*id, topic);
            }
            MetadataRecord::Partition { partition, registration } => {
                let topic =
                    self.topics.get_mut(&partition.topic).expect("a partition follows its topic");
                assert_eq!(
                    topic.partitions.len(),
                    usize::from(partition.partition),
                    "partitions are made in order"
                );
                topic.partitions.push(registration.clone());
            }
            MetadataRecord::PartitionChange { partition, isr, leader, recovery } => {
                self.partition_mut(*partition).apply(*isr, *leader, *recovery);
            }
            MetadataRecord::TopicConfigChange { id, config } => {
                let topic = self.topics.get_mut(id).expect("a change follows its topic");
                topic.config = config.clone();
            }
            MetadataRecord::ProducerIds { next } => self.next_producer = *next,
            MetadataRecord::NoOp => {}
        }
        self.next = MetadataOffset(self.next.0 + 1);
    }

    /// Returns a partition's registration.
    pub fn partition(&self, partition: TopicPartition) -> Option<&PartitionRegistration> {
        self.topics.get(&partition.topic)?.partitions.get(usize::from(partition.partition))
    }

    /// Returns every partition with its registration, in order.
    pub fn partitions(&self) -> impl Iterator<Item = (TopicPartition, &PartitionRegistration)> {
        self.topics.iter().flat_map(|(&topic, image)| {
            (0..).zip(&image.partitions).map(move |(partition, registration)| {
                (TopicPartition { topic, partition }, registration)
            })
        })
    }

    /// Says whether `broker` is registered, not fenced and not leaving.
    pub fn is_active(&self, broker: BrokerId) -> bool {
        self.brokers.get(&broker).is_some_and(BrokerRegistration::is_active)
    }

    fn partition_mut(&mut self, partition: TopicPartition) -> &mut PartitionRegistration {
        self.topics
            .get_mut(&partition.topic)
            .and_then(|topic| topic.partitions.get_mut(usize::from(partition.partition)))
            .expect("a change follows its partition")
    }
}

impl PartitionRegistration {
    /// Applies a change: naming a leader raises its epoch, any change the partition epoch.
    ///
    /// Source: `PartitionRegistration.merge`, Kafka 4.0.
    fn apply(
        &mut self,
        isr: Option<ReplicaSet>,
        leader: Option<Option<BrokerId>>,
        recovery: Option<Recovery>,
    ) {
        self.isr = isr.unwrap_or(self.isr);
        if let Some(leader) = leader {
            self.leader = leader;
            self.leader_epoch = self.leader_epoch.next();
        }
        self.recovery = recovery.unwrap_or(self.recovery);
        self.partition_epoch = self.partition_epoch.next();
    }
}
