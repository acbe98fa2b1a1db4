//! Conditions, evaluated on the true state of the cluster, whenever something that they read
//! may have changed.

use std::ops::BitOr;

use model::ids::{BrokerId, MetadataOffset, TopicPartition};
use model::image::PartitionRegistration;

use crate::history::Event;
use crate::plan::{Condition, GroupIndex, Quantity, Subscribed};
use crate::queue::{Key, Kind};
use crate::world::{CONTROLLER, World};

/// Parts of the true state: those that a condition reads, or those that have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources(u8);

impl Sources {
    pub(crate) const NONE: Sources = Sources(0);
    /// Logs of replicas: they are not watched, and count as changed at each look.
    const LOGS: Sources = Sources(1);
    /// What the controller has registered.
    const IMAGE: Sources = Sources(1 << 1);
    /// What clients have done.
    pub(crate) const CLIENTS: Sources = Sources(1 << 2);
    /// What is true of groups.
    pub(crate) const GROUPS: Sources = Sources(1 << 3);
    /// Which markers were set.
    pub(crate) const MARKERS: Sources = Sources(1 << 4);
    pub(crate) const ALL: Sources = Sources(u8::MAX);

    /// Says whether they have a part in common.
    pub(crate) fn meets(self, other: Sources) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns what a condition reads.
    pub(crate) fn of(condition: &Condition) -> Sources {
        match condition {
            Condition::Compare(quantity, ..) => Sources::of_quantity(*quantity),
            Condition::LeaderIs(..) => Sources::IMAGE,
            Condition::StateIs(..) | Condition::OwnerIs(..) => Sources::GROUPS,
            Condition::Seen(_) => Sources::MARKERS,
            Condition::And(left, right) | Condition::Or(left, right) => {
                Sources::of(left) | Sources::of(right)
            }
            Condition::Not(inner) => Sources::of(inner),
        }
    }

    fn of_quantity(quantity: Quantity) -> Sources {
        match quantity {
            Quantity::Isr(_) | Quantity::Epoch(_) | Quantity::Unfenced => Sources::IMAGE,
            Quantity::HighWatermark(..) | Quantity::LogEnd(..) | Quantity::Lag(..) => Sources::LOGS,
            Quantity::Acknowledged(_)
            | Quantity::InDoubt(_)
            | Quantity::Sent(_)
            | Quantity::Polled(_)
            | Quantity::Threw(_) => Sources::CLIENTS,
            Quantity::Generation(_)
            | Quantity::Members(_)
            | Quantity::Committed(..)
            | Quantity::Processed(_)
            | Quantity::ProcessedBy(_)
            | Quantity::Owned(_) => Sources::GROUPS,
        }
    }
}

impl BitOr for Sources {
    type Output = Sources;

    fn bitor(self, other: Sources) -> Sources {
        Sources(self.0 | other.0)
    }
}

/// Tells one state of what the controller has registered from another: which of its lives, and
/// how much of the metadata log it has replayed.
pub(crate) type ImageStamp = (u32, Option<MetadataOffset>);

impl World {
    /// Schedules the steps whose condition has come to hold, and notes watches that have.
    pub(crate) fn check_conditions(&mut self) {
        if !self.script.is_looking() {
            return;
        }
        let moved = self.moved_sources();
        let has_come =
            |(condition, reads): (&Condition, Sources)| reads.meets(moved) && self.holds(condition);
        if self.script.armed(&self.plan).any(has_come) {
            let plan = std::sync::Arc::clone(&self.plan);
            let holds: Vec<bool> =
                self.script.armed(&plan).map(|(condition, _)| self.holds(condition)).collect();
            for follow in self.script.schedule_armed(&plan, self.now, &holds) {
                self.queue.push(Key::script(follow.at, Kind::Step, follow.step));
            }
        }
        let watches = self.script.watching().filter(|(_, reads)| reads.meets(moved));
        let holding = watches.filter(|(watch, _)| self.holds(&self.plan.watches[*watch]));
        let reached: Vec<usize> = holding.map(|(watch, _)| watch).collect();
        for watch in reached {
            self.script.reached(watch, self.now);
            self.note(Event::Reached { watch });
        }
    }

    /// Takes out what has changed since conditions were last looked at.
    fn moved_sources(&mut self) -> Sources {
        let stamp = (self.computer(CONTROLLER).incarnation, self.image().map(|image| image.next));
        let image = match self.script.saw_image(stamp) {
            true => Sources::NONE,
            false => Sources::IMAGE,
        };
        Sources::LOGS | image | self.ledger.take_moved() | self.script.take_moved()
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
