//! Creating topics, adding partitions and electing leaders on an operator's word.
//!
//! Source: `ReplicationControlManager.createTopics` and `createPartitions`,
//! `ControllerApis.createTopics`, `Topic`, Kafka 4.0. Left out: policies, quotas, deleting
//! topics, added partitions whose replicas the operator chooses.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::TopicConfig;
use crate::controller::ledger::{Decision, Ledger};
use crate::controller::placement::{Demand, UsableBroker, place};
use crate::fact::ChangeCause;
use crate::ids::{BrokerId, LeaderEpoch, PartitionEpoch, ReplicaSet, TopicId, TopicPartition};
use crate::image::{MetadataRecord, PartitionRegistration, Recovery};
use crate::message::ErrorCode;
use crate::message::cluster::{
    AlterTopicRequest, CreatePartitionsRequest, CreateTopicsRequest, ElectLeadersRequest,
    ElectionKind, NewTopic, TopicLayout,
};

/// Longest name of a topic, in characters.
const NAME_LENGTH_MAX: usize = 249;

impl Ledger {
    /// Creates each topic that can be created. `draw(n)` draws from 0 to `n` - 1.
    pub fn create_topics(
        &self,
        request: &CreateTopicsRequest,
        draw: &mut dyn FnMut(usize) -> usize,
    ) -> Decision<Vec<(TopicId, Result<(), ErrorCode>)>> {
        let mut records = Vec::new();
        let mut outcomes = Vec::with_capacity(request.topics.len());
        let mut created: BTreeSet<Arc<str>> = BTreeSet::new();
        for topic in &request.topics {
            let is_repeated = request.topics.iter().filter(|other| same(other, topic)).count() != 1;
            let outcome = if is_repeated {
                Err(ErrorCode::InvalidRequest)
            } else {
                self.check_new_topic(topic, &created).and_then(|()| self.lay_out(topic, draw))
            };
            outcomes.push((
                topic.id,
                outcome.map(|partitions| {
                    created.insert(collision_key(&topic.name));
                    records.extend(topic_records(topic, partitions));
                }),
            ));
        }
        Decision { records, cause: Some(ChangeCause::Created), reply: outcomes }
    }

    /// Gives a topic more partitions, each with as many replicas as its first one, placed as
    /// those of a new topic are. `draw(n)` draws from 0 to `n` - 1.
    ///
    /// # Errors
    /// - `UNKNOWN_TOPIC_OR_PARTITION`: there is no such topic
    /// - `INVALID_PARTITIONS`: it has as many already; partitions are never taken away
    /// - `INVALID_REPLICATION_FACTOR`: there are too few brokers, or none is active
    ///
    /// Source: `ReplicationControlManager.createPartitions`, Kafka 4.0.
    pub fn create_partitions(
        &self,
        request: CreatePartitionsRequest,
        draw: &mut dyn FnMut(usize) -> usize,
    ) -> Result<Decision<()>, ErrorCode> {
        let CreatePartitionsRequest { topic, count } = request;
        let image = self.image.topics.get(&topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let existing = image.partitions.len() as u16;
        if count <= existing {
            return Err(ErrorCode::InvalidPartitions);
        }
        let replicas = image.partitions[0].replicas.len() as u16;
        let demand = Demand { partitions: count - existing, replicas };
        let placed = place(&self.usable_brokers(), demand, draw)?;
        let records = (existing..).zip(placed).map(|(partition, replicas)| {
            let partition = TopicPartition { topic, partition };
            let registration = self.first_registration(replicas);
            let registration = registration.ok_or(ErrorCode::InvalidReplicationFactor)?;
            Ok(MetadataRecord::Partition { partition, registration })
        });
        let records = records.collect::<Result<_, _>>()?;
        Ok(Decision { records, cause: Some(ChangeCause::Created), reply: () })
    }

    /// Elects leaders on an operator's word.
    ///
    /// Source: `ReplicationControlManager.electLeaders`, Kafka 4.0.
    pub fn elect_leaders(
        &self,
        request: &ElectLeadersRequest,
    ) -> Decision<Vec<(TopicPartition, Result<(), ErrorCode>)>> {
        let mut records = Vec::new();
        let mut outcomes = Vec::with_capacity(request.partitions.len());
        for &partition in &request.partitions {
            let outcome = self.elect_leader(request.kind, partition);
            outcomes.push((partition, outcome.map(|record| records.push(record))));
        }
        let cause = match request.kind {
            ElectionKind::Preferred => ChangeCause::PreferredElection,
            ElectionKind::Unclean => ChangeCause::UncleanElection,
        };
        Decision { records, cause: Some(cause), reply: outcomes }
    }

    /// Gives a topic other settings.
    ///
    /// # Errors
    /// - `UNKNOWN_TOPIC_OR_PARTITION`: there is no such topic
    /// - `INVALID_CONFIG`: a value that Kafka would refuse
    ///
    /// Source: `ConfigurationControlManager.incrementalAlterConfigs`, Kafka 4.0.
    pub fn alter_topic(&self, request: &AlterTopicRequest) -> Result<Decision<()>, ErrorCode> {
        let AlterTopicRequest { topic: id, config } = request.clone();
        if !self.image.topics.contains_key(&id) {
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        if !is_valid_config(&config) {
            return Err(ErrorCode::InvalidConfig);
        }
        let records = vec![MetadataRecord::TopicConfigChange { id, config }];
        Ok(Decision { records, cause: None, reply: () })
    }

    fn check_new_topic(
        &self,
        topic: &NewTopic,
        created: &BTreeSet<Arc<str>>,
    ) -> Result<(), ErrorCode> {
        if !is_valid_name(&topic.name) {
            return Err(ErrorCode::InvalidTopicException);
        }
        let mut existing = self.image.topics.iter();
        if existing.any(|(&id, other)| id == topic.id || other.name == topic.name) {
            return Err(ErrorCode::TopicAlreadyExists);
        }
        let key = collision_key(&topic.name);
        let mut existing = self.image.topics.values();
        if created.contains(&key) || existing.any(|other| collision_key(&other.name) == key) {
            return Err(ErrorCode::InvalidTopicException);
        }
        if !is_valid_config(&topic.config) {
            return Err(ErrorCode::InvalidConfig);
        }
        Ok(())
    }

    /// Decides where each partition's replicas go and who is in sync at first.
    fn lay_out(
        &self,
        topic: &NewTopic,
        draw: &mut dyn FnMut(usize) -> usize,
    ) -> Result<Vec<PartitionRegistration>, ErrorCode> {
        let (assignment, failure) = match &topic.layout {
            TopicLayout::Manual(assignment) => {
                self.check_assignment(assignment)?;
                (assignment.clone(), ErrorCode::InvalidReplicaAssignment)
            }
            TopicLayout::Counts { partitions, replicas } => {
                let demand = Demand {
                    partitions: partitions.unwrap_or(self.config.num_partitions),
                    replicas: replicas.unwrap_or(self.config.default_replication_factor),
                };
                if demand.replicas == 0 {
                    return Err(ErrorCode::InvalidReplicationFactor);
                }
                if demand.partitions == 0 {
                    return Err(ErrorCode::InvalidPartitions);
                }
                let placed = place(&self.usable_brokers(), demand, draw)?;
                (placed, ErrorCode::InvalidReplicationFactor)
            }
        };
        let register = |replicas| self.first_registration(replicas).ok_or(failure);
        assignment.into_iter().map(register).collect()
    }

    /// Source: `ReplicationControlManager.validateManualPartitionAssignment`, Kafka 4.0.
    fn check_assignment(&self, assignment: &[Vec<BrokerId>]) -> Result<(), ErrorCode> {
        let replicas = assignment.first().map_or(0, Vec::len);
        let is_valid = |partition: &Vec<BrokerId>| {
            let distinct: ReplicaSet = partition.iter().copied().collect();
            partition.len() == replicas
                && distinct.len() == replicas
                && partition.iter().all(|broker| self.image.brokers.contains_key(broker))
        };
        if replicas == 0 || !assignment.iter().all(is_valid) {
            return Err(ErrorCode::InvalidReplicaAssignment);
        }
        Ok(())
    }

    /// Fenced brokers may be given replicas, those on their way out may not.
    fn usable_brokers(&self) -> Vec<UsableBroker> {
        let brokers = self.image.brokers.iter();
        brokers
            .filter(|(_, registration)| !registration.in_controlled_shutdown)
            .map(|(&id, registration)| UsableBroker {
                id,
                rack: registration.rack.clone(),
                fenced: registration.fenced,
            })
            .collect()
    }

    /// Returns `None` if no replica is active.
    fn first_registration(&self, replicas: Vec<BrokerId>) -> Option<PartitionRegistration> {
        let active = || replicas.iter().copied().filter(|&broker| self.image.is_active(broker));
        let leader = active().next()?;
        Some(PartitionRegistration {
            isr: active().collect(),
            leader: Some(leader),
            leader_epoch: LeaderEpoch(0),
            partition_epoch: PartitionEpoch(0),
            recovery: Recovery::Recovered,
            replicas,
        })
    }
}

fn same(one: &NewTopic, other: &NewTopic) -> bool {
    one.id == other.id || one.name == other.name
}

/// The name as metrics see it: they cannot tell a dot from an underscore.
///
/// Source: `Topic.unifyCollisionChars`, Kafka 4.0.
fn collision_key(name: &str) -> Arc<str> {
    name.replace('.', "_").into()
}

/// Source: `Topic.validate`, Kafka 4.0.
fn is_valid_name(name: &str) -> bool {
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    !name.is_empty()
        && name != "."
        && name != ".."
        && name.len() <= NAME_LENGTH_MAX
        && name.chars().all(is_legal)
}

/// Says whether the settings lie in the ranges that Kafka demands beyond their types.
///
/// Source: `LogConfig.CONFIG`, Kafka 4.0.
fn is_valid_config(config: &TopicConfig) -> bool {
    const SEGMENT_BYTES_MIN: u32 = 14;
    1 <= config.min_insync_replicas
        && SEGMENT_BYTES_MIN <= config.segment_bytes
        && 1 <= config.segment_age_max.as_millis()
        && 1 <= config.flush_messages
}

fn topic_records(
    topic: &NewTopic,
    partitions: Vec<PartitionRegistration>,
) -> impl Iterator<Item = MetadataRecord> {
    let id = topic.id;
    let first =
        MetadataRecord::Topic { id, name: topic.name.clone(), config: topic.config.clone() };
    let rest =
        (0..).zip(partitions).map(move |(partition, registration)| MetadataRecord::Partition {
            partition: TopicPartition { topic: id, partition },
            registration,
        });
    std::iter::once(first).chain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafkas_rules() {
        let cases = [
            ("orders", true),
            ("a.b_c-D9", true),
            ("", false),
            (".", false),
            ("..", false),
            ("...", true),
            ("or ders", false),
            ("bestellungen-für-alle", false),
        ];
        for (name, is_valid) in cases {
            assert_eq!(is_valid_name(name), is_valid, "{name:?}");
        }
        assert!(is_valid_name(&"x".repeat(249)));
        assert!(!is_valid_name(&"x".repeat(250)));
    }
}
