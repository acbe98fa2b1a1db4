//! Conditions, evaluated on the true state of the cluster.

use model::ids::{BrokerId, TopicPartition};
use model::image::PartitionRegistration;

use crate::history::Event;
use crate::plan::{Condition, Quantity};
use crate::queue::{Key, Kind};
use crate::world::World;

impl World {
    /// Schedules the steps whose condition has come to hold, and notes watches that have.
    pub(crate) fn check_conditions(&mut self) {
        if !self.script.is_looking() {
            return;
        }
        let plan = std::sync::Arc::clone(&self.plan);
        let holds: Vec<bool> =
            self.script.armed(&plan).map(|condition| self.holds(condition)).collect();
        for follow in self.script.schedule_armed(&plan, self.now, &holds) {
            self.queue.push(Key::script(follow.at, Kind::Step, follow.step));
        }
        let watches = self.script.watching().iter().copied();
        let reached: Vec<usize> =
            watches.filter(|watch| self.holds(&plan.watches[*watch])).collect();
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
            Quantity::Unfenced => self.image().map_or(0, |image| {
                image.brokers.values().filter(|broker| !broker.fenced).count() as u64
            }),
        }
    }

    fn log_of(&self, partition: TopicPartition, broker: BrokerId) -> Option<&model::log::Log> {
        self.computer(self.broker(broker)).log(partition)
    }

    pub(crate) fn registration(&self, partition: TopicPartition) -> Option<&PartitionRegistration> {
        self.image()?.partition(partition)
    }
}
