//! Conditions, evaluated on the true state of the cluster.

use model::ids::{BrokerId, TopicPartition};
use model::image::PartitionRegistration;

use crate::history::Event;
use crate::plan::{Condition, GroupIndex, Quantity, Subscribed};
use crate::queue::{Key, Kind};
use crate::world::World;

impl World {
    /// Schedules the steps whose condition has come to hold, and notes watches that have.
    pub(crate) fn check_conditions(&mut self) {
        if !self.script.is_looking() {
            return;
        }
        if self.script.armed(&self.plan).any(|condition| self.holds(condition)) {
            let plan = std::sync::Arc::clone(&self.plan);
            let holds: Vec<bool> =
                self.script.armed(&plan).map(|condition| self.holds(condition)).collect();
            for follow in self.script.schedule_armed(&plan, self.now, &holds) {
                self.queue.push(Key::script(follow.at, Kind::Step, follow.step));
            }
        }
        let watches = self.script.watching().iter().copied();
        let reached: Vec<usize> =
            watches.filter(|watch| self.holds(&self.plan.watches[*watch])).collect();
        for watch in reached {
            self.script.reached(watch, self.now);
            self.note(Event::Reached { watch });
        }
    }

    /// Says whether a condition holds.
    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Compare(quantity, comparison, number) => {
                comparison.holds(self.quantity(*quantity), *number)
            }
            Condition::LeaderIs(partition, comparison, broker) => {
                let leader = self.registration(*partition).and_then(|it| it.leader);
                comparison.holds(leader, *broker)
            }
            Condition::StateIs(group, comparison, phase) => {
                comparison.holds(self.ledger.groups().group(*group).phase, *phase)
            }
            Condition::OwnerIs(group, partition, comparison, client) => {
                comparison.holds(self.ledger.groups().owner(*group, *partition), *client)
            }
            Condition::Seen(marker) => self.script.has_seen(marker),
            Condition::And(left, right) => self.holds(left) && self.holds(right),
            Condition::Or(left, right) => self.holds(left) || self.holds(right),
            Condition::Not(inner) => !self.holds(inner),
        }
    }

    /// Reads a number off the true state; what does not exist yet counts as 0.
    fn quantity(&self, quantity: Quantity) -> u64 {
        match quantity {
            Quantity::Isr(partition) => {
                self.registration(partition).map_or(0, |it| it.isr.len() as u64)
            }
            Quantity::HighWatermark(partition, broker) => {
                self.log_of(partition, broker).map_or(0, |log| log.high_watermark().0)
            }
            Quantity::LogEnd(partition, broker) => {
                self.log_of(partition, broker).map_or(0, |log| log.end().0)
            }
            Quantity::Epoch(partition) => {
                self.registration(partition).map_or(0, |it| u64::from(it.leader_epoch.0))
            }
            Quantity::Acknowledged(client) => self.ledger.of(client).acknowledged,
            Quantity::InDoubt(client) => self.ledger.of(client).in_doubt(),
            Quantity::Sent(client) => self.ledger.of(client).sent,
            Quantity::Polled(client) => self.ledger.of(client).polled,
            Quantity::Threw(client) => self.ledger.of(client).threw,
            Quantity::Generation(group) => self.ledger.groups().group(group).generation,
            Quantity::Members(group) => self.ledger.groups().group(group).members.len() as u64,
            Quantity::Committed(group, partition) => self.committed(group, partition),
            Quantity::Lag(group, Some(partition)) => self.lag(group, partition),
            Quantity::Lag(group, None) => self.lag_of_all(group),
            Quantity::Processed(group) => self.ledger.groups().group(group).processed,
            Quantity::ProcessedBy(client) => self.ledger.groups().member(client).processed,
            Quantity::Owned(client) => self.ledger.groups().member(client).owned,
            Quantity::Unfenced => self.image().map_or(0, |image| {
                image.brokers.values().filter(|broker| !broker.fenced).count() as u64
            }),
        }
    }

    fn committed(&self, group: GroupIndex, partition: TopicPartition) -> u64 {
        self.ledger.groups().group(group).committed.get(&partition).map_or(0, |offset| offset.0)
    }

    /// Counts what a group has not committed of what consumers can read in a partition.
    fn lag(&self, group: GroupIndex, partition: TopicPartition) -> u64 {
        let leader = self.registration(partition).and_then(|it| it.leader);
        let log = leader.and_then(|leader| self.log_of(partition, leader));
        log.map_or(0, |log| {
            let from = self.committed(group, partition).max(log.start().0);
            log.high_watermark().0.saturating_sub(from)
        })
    }

    fn lag_of_all(&self, group: GroupIndex) -> u64 {
        let Some(image) = self.image() else { return 0 };
        let view = self.ledger.groups().group(group);
        let is_read = |partition: &TopicPartition| match &self.group(group).topics {
            Subscribed::Topics(topics) => topics.contains(&partition.topic),
            // What a pattern matches is known to those who have been assigned it.
            Subscribed::Pattern(_) => {
                view.owners.contains_key(partition) || view.committed.contains_key(partition)
            }
        };
        let partitions = image.partitions().map(|(partition, _)| partition);
        partitions.filter(is_read).map(|partition| self.lag(group, partition)).sum()
    }

    pub(crate) fn log_of(
        &self,
        partition: TopicPartition,
        broker: BrokerId,
    ) -> Option<&model::log::Log> {
        self.computer(self.broker(broker)).log(partition)
    }

    pub(crate) fn registration(&self, partition: TopicPartition) -> Option<&PartitionRegistration> {
        self.image()?.partition(partition)
    }
}
