//! How much of what can happen a trial has shown: abstract states, and ways between them.
//!
//! After every fact that may matter, each partition and each group is mapped to a small tuple
//! of buckets; a trial has covered the tuples that it was in and the steps that led from one
//! to the next. A fold over the history like a checker, with O(1) work per fact, and run only
//! for those who ask: nothing here influences a trial.
//!
//! In reading order: `partition`, `group`: what is bucketed; `faults`: what is wrong with the
//! world at a time.
//!
//! Simplified: transactions have no part in a state yet, since the model has none.
//!
//! Source: ours; ways between states as AFL counts them.

mod faults;
mod group;
mod partition;

use std::collections::BTreeSet;

use model::fact::{AppendRole, Fact, GroupEvent, MemberEvent, MemberFact, SendOutcome};
use model::ids::{TopicId, TopicPartition};

use crate::checkers::ByPartition;
use crate::coverage::faults::Troubles;
use crate::coverage::group::Groups;
use crate::coverage::partition::Partition;
use crate::history::{Event, Fault};
use crate::plan::Plan;

/// What a trial has covered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The abstract states that were reached.
    pub states: BTreeSet<State>,
    /// The ways from one state to another that were taken.
    pub edges: BTreeSet<Edge>,
}

/// An abstract state of a partition or a group: the buckets, side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State(pub u32);

/// A state, what happened, and the state after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge(pub u64);

impl Edge {
    fn new(from: State, what: What, to: State) -> Edge {
        // A state has 24 bits at most, and there are fewer than 256 kinds of events.
        Edge(u64::from(from.0) << 32 | u64::from(what as u8) << 24 | u64::from(to.0))
    }
}

/// What happened between two states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Elected,
    TookOver,
    Followed,
    IsrProposed,
    IsrRefused,
    Wrote,
    Copied,
    WatermarkMoved,
    Flushed,
    Cut,
    Sent,
    Retried,
    Repeated,
    Refused,
    Confirmed,
    Completed,
    InDoubt,
    Started,
    Ended,
    Froze,
    LinkFailed,
    DiskFailed,
    ClockFailed,
    Repaired,
    GroupMoved,
    MemberMoved,
    Committed,
}

/// Counts what a trial covers while its history grows.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    partitions: ByPartition<Partition>,
    groups: Groups,
    troubles: Troubles,
    /// By topic: `min.insync.replicas`, as it was in the beginning.
    isr_min: Vec<u16>,
    covered: Coverage,
}

impl Counter {
    pub(crate) fn new(plan: &Plan) -> Counter {
        let isr_min = plan.topics.iter().map(|topic| topic.config.min_insync_replicas);
        Counter {
            partitions: ByPartition::default(),
            groups: Groups::new(plan),
            troubles: Troubles::default(),
            isr_min: isr_min.collect(),
            covered: Coverage::default(),
        }
    }

    /// Takes in the next entry of the history.
    pub(crate) fn on_event(&mut self, event: &Event) {
        match event {
            Event::Fact(fact) => self.on_fact(fact),
            Event::Fault(fault) => self.on_fault(fault),
            Event::Phase(_) | Event::Step { .. } | Event::Reached { .. } => {}
        }
    }

    pub(crate) fn finish(self) -> Coverage {
        self.covered
    }

    /// Takes in what became true at a node.
    pub(crate) fn on_fact(&mut self, fact: &Fact) {
        match fact {
            // More than half of a history, and no part of any state.
            Fact::SendCalled { .. }
            | Fact::Buffered { .. }
            | Fact::FollowerFetched { .. }
            | Fact::Polled { .. } => {}
            Fact::TopicCreated { topic, replicas } if *topic != TopicId::CONSUMER_OFFSETS => {
                let isr_min = self.isr_min.get(usize::from(topic.0)).copied().unwrap_or(1);
                for (partition, brokers) in (0..).zip(replicas.iter()) {
                    let id = TopicPartition { topic: *topic, partition };
                    let assigned = brokers.iter().copied().collect();
                    *self.partitions.get_mut(id) = Partition::new(assigned, isr_min);
                }
            }
            Fact::Group(fact) => {
                let what = match &fact.what {
                    GroupEvent::Committed { .. } => What::Committed,
                    _ => What::GroupMoved,
                };
                let Some(group) = self.groups.on_group(fact) else { return };
                self.count_group(group, what);
            }
            Fact::Member(MemberFact { client, what }) => {
                if let MemberEvent::Joined { generation, .. } = what
                    && let Some(group) = self.groups.on_joined(*client, *generation)
                {
                    self.count_group(group, What::MemberMoved);
                }
            }
            Fact::Work(fact) => self.groups.on_work(fact),
            _ => {
                let Some((id, what)) = about(fact) else { return };
                if id.topic != TopicId::CONSUMER_OFFSETS {
                    self.partitions.get_mut(id).on_fact(fact);
                    self.count_partition(id, what);
                }
            }
        }
    }

    fn on_fault(&mut self, fault: &Fault) {
        if let Fault::UnsyncedLost { broker, partition, to, .. } = fault {
            if partition.topic != TopicId::CONSUMER_OFFSETS {
                self.partitions.get_mut(*partition).on_cut(*broker, *to);
                self.count_partition(*partition, What::Cut);
            }
            return;
        }
        let Some(what) = self.troubles.on_fault(fault) else { return };
        self.partitions.all_mut().for_each(|partition| partition.on_fault(fault));
        for group in 0..self.groups.count() {
            self.count_group(group, what);
        }
        let ids: Vec<TopicPartition> = self.partitions.all().map(|(id, _)| id).collect();
        for id in ids {
            self.count_partition(id, what);
        }
    }

    fn count_partition(&mut self, id: TopicPartition, what: What) {
        let partition = self.partitions.get_mut(id);
        let (from, to) = (partition.last, partition.state(&self.troubles));
        partition.last = to;
        self.count(from, what, to);
    }

    fn count_group(&mut self, group: usize, what: What) {
        let (from, to) = self.groups.step(group, &self.troubles);
        self.count(from, what, to);
    }

    fn count(&mut self, from: State, what: What, to: State) {
        if from != to {
            self.covered.states.insert(to);
            self.covered.edges.insert(Edge::new(from, what, to));
        }
    }
}

/// Returns the partition that a fact is about, and what kind of fact it is; `None` if states
/// do not depend on it.
fn about(fact: &Fact) -> Option<(TopicPartition, What)> {
    let (partition, what) = match fact {
        Fact::PartitionChanged { partition, .. } => (partition, What::Elected),
        Fact::BecameLeader { partition, .. } => (partition, What::TookOver),
        Fact::BecameFollower { partition, .. } => (partition, What::Followed),
        Fact::IsrProposed { partition, .. } => (partition, What::IsrProposed),
        Fact::IsrRefused { partition, .. } => (partition, What::IsrRefused),
        Fact::Appended { partition, role: AppendRole::Leader, .. } => (partition, What::Wrote),
        Fact::Appended { partition, role: AppendRole::Follower, .. } => (partition, What::Copied),
        Fact::HighWatermark { partition, .. } => (partition, What::WatermarkMoved),
        Fact::Flushed { partition, .. } => (partition, What::Flushed),
        Fact::Truncated { partition, .. } => (partition, What::Cut),
        Fact::BatchSent { partition, .. } => (partition, What::Sent),
        Fact::BatchRetried { partition, .. } => (partition, What::Retried),
        Fact::DuplicateDropped { partition, .. } => (partition, What::Repeated),
        Fact::ProduceRefused { partition, .. } => (partition, What::Refused),
        Fact::ProduceAcknowledged { partition, .. } => (partition, What::Confirmed),
        Fact::Completed { partition: Some(partition), outcome, .. } => match outcome {
            SendOutcome::Acknowledged(_) | SendOutcome::Failed(_) => (partition, What::Completed),
            SendOutcome::Unknown(_) => (partition, What::InDoubt),
        },
        _ => return None,
    };
    Some((*partition, what))
}

#[cfg(test)]
mod tests;
