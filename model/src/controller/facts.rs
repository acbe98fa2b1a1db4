//! What the controller's records make true, for the history.

use crate::fact::{ChangeCause, Fact};
use crate::ids::{BrokerId, ReplicaSet, TopicPartition};
use crate::image::{Image, MetadataRecord, PartitionRegistration, Recovery};
use crate::turn::Turn;

/// Leader and ISR of a partition before a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Before {
    leader: Option<BrokerId>,
    isr: ReplicaSet,
}

/// Notes the topics that `records` create, before their partitions.
pub(super) fn note_topics(records: &[MetadataRecord], turn: &mut Turn<'_>) {
    for record in records {
        if let MetadataRecord::Topic { id, .. } = record {
            let replicas = records.iter().filter_map(|record| match record {
                MetadataRecord::Partition { partition, registration } if partition.topic == *id => {
                    Some(registration.replicas.clone())
                }
                _ => None,
            });
            turn.note(Fact::TopicCreated { topic: *id, replicas: replicas.collect() });
        }
    }
}

/// Returns what a record will replace; `None` if it does not speak of a partition.
pub(super) fn registration_before(image: &Image, record: &MetadataRecord) -> Option<Before> {
    match record {
        MetadataRecord::Partition { .. } => Some(Before::default()),
        MetadataRecord::PartitionChange { partition, .. } => {
            let PartitionRegistration { leader, isr, .. } = *image.partition(*partition)?;
            Some(Before { leader, isr })
        }
        MetadataRecord::RegisterBroker { .. }
        | MetadataRecord::BrokerRegistrationChange { .. }
        | MetadataRecord::Topic { .. }
        | MetadataRecord::TopicConfigChange { .. }
        | MetadataRecord::ProducerIds { .. }
        | MetadataRecord::NoOp => None,
    }
}

/// Notes what a record has made true, `image` having replayed it.
pub(super) fn note(
    image: &Image,
    record: &MetadataRecord,
    change: Option<(Before, ChangeCause)>,
    turn: &mut Turn<'_>,
) {
    match record {
        MetadataRecord::RegisterBroker { broker, .. } => {
            let epoch = image.brokers[broker].epoch;
            turn.note(Fact::BrokerRegistered { broker: *broker, epoch });
        }
        &MetadataRecord::BrokerRegistrationChange {
            broker,
            fenced,
            in_controlled_shutdown,
            ..
        } => {
            match fenced {
                Some(true) => turn.note(Fact::BrokerFenced { broker }),
                Some(false) => turn.note(Fact::BrokerUnfenced { broker }),
                None => {}
            }
            if in_controlled_shutdown == Some(true) {
                turn.note(Fact::ShutdownBegan { broker });
            }
        }
        MetadataRecord::Partition { partition, .. } => {
            let (before, cause) = change.expect("a decision says why partitions change");
            turn.note(partition_changed(image, *partition, before, cause));
        }
        MetadataRecord::PartitionChange { partition, recovery, .. } => {
            let (before, decided) = change.expect("a decision says why partitions change");
            // Whatever made the election necessary: this is what a loss is due to.
            let cause = match recovery {
                Some(Recovery::Recovering) => ChangeCause::UncleanElection,
                Some(Recovery::Recovered) | None => decided,
            };
            turn.note(partition_changed(image, *partition, before, cause));
        }
        MetadataRecord::Topic { .. }
        | MetadataRecord::TopicConfigChange { .. }
        | MetadataRecord::ProducerIds { .. }
        | MetadataRecord::NoOp => {}
    }
}

fn partition_changed(
    image: &Image,
    id: TopicPartition,
    before: Before,
    cause: ChangeCause,
) -> Fact {
    let after = image.partition(id).expect("the record made it");
    Fact::PartitionChanged {
        partition: id,
        leader: (before.leader, after.leader),
        leader_epoch: after.leader_epoch,
        isr: (before.isr, after.isr),
        partition_epoch: after.partition_epoch,
        cause,
    }
}
