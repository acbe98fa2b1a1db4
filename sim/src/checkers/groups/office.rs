//! Which broker coordinates a group: the leader of its partition of `__consumer_offsets`.
//!
//! A coordinator applies what it writes before that is replicated. Whoever has been deposed
//! and does not know goes on so, in a state of its own that nobody else ever sees.
//!
//! Source: `CoordinatorRuntime`, Kafka 4.0.

use model::fact::Fact;
use model::ids::{BrokerId, GroupId, LeaderEpoch, TopicId, TopicPartition};

use crate::plan::Plan;

/// Who coordinates which group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Offices {
    /// By group.
    offices: Vec<Office>,
}

/// Who coordinates one group.
#[derive(Clone, Debug, PartialEq)]
struct Office {
    /// The group's partition of `__consumer_offsets`.
    partition: TopicPartition,
    /// The last term that has begun, and its coordinator.
    term: Option<(LeaderEpoch, BrokerId)>,
}

impl Offices {
    /// Begins before any broker coordinates.
    pub(crate) fn new(plan: &Plan) -> Offices {
        let partitions = plan.brokers.first().map_or(1, |it| it.config.offsets_topic_partitions);
        let offices = plan.groups.iter().map(|group| {
            let name = GroupId(group.name.clone());
            let partition = model::group::partition_of(&name, partitions);
            let partition = TopicPartition { topic: TopicId::CONSUMER_OFFSETS, partition };
            Office { partition, term: None }
        });
        Offices { offices: offices.collect() }
    }

    /// Takes in what became true of a log; returns the groups that have a new coordinator.
    pub(crate) fn on_fact(&mut self, fact: &Fact) -> Vec<usize> {
        let Fact::BecameLeader { broker, partition, epoch, .. } = fact else { return Vec::new() };
        let mut taken = Vec::new();
        for (group, office) in self.offices.iter_mut().enumerate() {
            let is_newer = office.term.is_none_or(|(newest, _)| newest < *epoch);
            if office.partition == *partition && is_newer {
                office.term = Some((*epoch, *broker));
                taken.push(group);
            }
        }
        taken
    }

    /// Says whether a broker is not the coordinator of a group, whatever it believes.
    pub(crate) fn is_deposed(&self, group: usize, broker: BrokerId) -> bool {
        self.offices[group].term.is_some_and(|(_, coordinator)| coordinator != broker)
    }
}

#[cfg(test)]
mod tests {
    use model::ids::Offset;
    use model::time::Duration;

    use super::*;
    use crate::testing;

    #[test]
    fn nobody_is_deposed_before_anybody_coordinates() {
        let offices = offices();

        assert!(!offices.is_deposed(0, BrokerId(1)));
    }

    #[test]
    fn whoever_leads_a_later_term_coordinates_and_the_one_before_is_deposed() {
        let mut offices = offices();

        assert_eq!(offices.on_fact(&leads(1, 0)), [0]);
        assert_eq!(offices.on_fact(&leads(2, 1)), [0]);

        assert!(offices.is_deposed(0, BrokerId(1)));
        assert!(!offices.is_deposed(0, BrokerId(2)));
    }

    #[test]
    fn who_hears_late_of_a_term_that_is_over_coordinates_nothing() {
        let mut offices = offices();
        offices.on_fact(&leads(2, 3));

        assert!(offices.on_fact(&leads(1, 2)).is_empty());
        assert!(offices.on_fact(&leads(2, 3)).is_empty(), "the same term once more");

        assert!(offices.is_deposed(0, BrokerId(1)));
    }

    #[test]
    fn leaders_of_other_partitions_coordinate_other_groups() {
        let mut offices = offices();
        let elsewhere = TopicPartition { topic: TopicId(0), partition: 0 };

        assert!(offices.on_fact(&leads_of(elsewhere, 3, 9)).is_empty());
        assert!(!offices.is_deposed(0, BrokerId(1)));
    }

    /// One group, and one partition of `__consumer_offsets`.
    fn offices() -> Offices {
        let mut plan = testing::plan(3);
        for broker in &mut plan.brokers {
            broker.config.offsets_topic_partitions = 1;
        }
        testing::add_group(&mut plan, "g", 1, Duration::ZERO);
        Offices::new(&plan)
    }

    fn leads(broker: u8, epoch: u32) -> Fact {
        leads_of(TopicPartition { topic: TopicId::CONSUMER_OFFSETS, partition: 0 }, broker, epoch)
    }

    fn leads_of(partition: TopicPartition, broker: u8, epoch: u32) -> Fact {
        let (broker, epoch) = (BrokerId(broker), LeaderEpoch(epoch));
        let (end, high_watermark) = (Offset::ZERO, Offset::ZERO);
        Fact::BecameLeader { broker, partition, epoch, end, high_watermark }
    }
}
