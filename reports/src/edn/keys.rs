//! Partitions by number, and what was removed from them by right.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::{Fact, SendOutcome};
use model::ids::{Offset, TopicId, TopicPartition, Uid};
use sim::history::Event;
use sim::plan::{ClientRole, Subscribed};

use crate::entry;
use crate::story::Story;

/// The keys of a history.
pub(super) struct Keys {
    numbers: BTreeMap<TopicPartition, usize>,
    /// Records that were removed by right before anybody read them.
    pub removed: BTreeSet<Uid>,
}

impl Keys {
    /// Numbers every partition that clients know of.
    pub fn of(story: &Story<'_>) -> Keys {
        let seen = story.outcome.history.iter().filter_map(entry::partition);
        let ends = story.outcome.replicas.iter().map(|it| it.partition);
        let all: BTreeSet<_> =
            seen.chain(ends).filter(|it| it.topic != TopicId::CONSUMER_OFFSETS).collect();
        let numbers = all.into_iter().enumerate().map(|(number, it)| (it, number)).collect();
        Keys { numbers, removed: removed(story) }
    }

    /// Returns a partition's number; `None` for Kafka's own topics.
    pub fn number(&self, partition: TopicPartition) -> Option<usize> {
        self.numbers.get(&partition).copied()
    }

    /// Returns the numbers of some partitions.
    pub fn numbers(&self, partitions: impl IntoIterator<Item = TopicPartition>) -> Vec<usize> {
        partitions.into_iter().filter_map(|it| self.number(it)).collect()
    }

    /// Returns every partition with its number.
    pub fn all(&self) -> impl Iterator<Item = (TopicPartition, usize)> {
        self.numbers.iter().map(|(partition, number)| (*partition, *number))
    }

    /// Returns what a consumer reads, or subscribes to.
    pub fn read_by(&self, story: &Story<'_>, role: &ClientRole) -> Vec<usize> {
        let of_topics = |topics: &[TopicId]| {
            let all = self.numbers.keys().copied();
            self.numbers(all.filter(|it| topics.contains(&it.topic)))
        };
        match role {
            ClientRole::Producer(_) => Vec::new(),
            ClientRole::Consumer(plan) => match plan.partition {
                Some(partition) => self.numbers([TopicPartition { topic: plan.topic, partition }]),
                None => of_topics(&[plan.topic]),
            },
            ClientRole::Member(member) => {
                let group = story.plan.groups.get(usize::from(member.group.0));
                match member.topics.as_ref().or(group.map(|group| &group.topics)) {
                    Some(Subscribed::Topics(topics)) => of_topics(topics),
                    // Which topics match does not matter: whatever is read counts.
                    Some(Subscribed::Pattern(_)) => self.numbers.values().copied().collect(),
                    None => Vec::new(),
                }
            }
        }
    }
}

/// Finds the records below the start of their log that nobody read and that are not lost.
fn removed(story: &Story<'_>) -> BTreeSet<Uid> {
    let leaders = story.outcome.replicas.iter().filter(|it| it.leads);
    let starts: BTreeMap<TopicPartition, Offset> =
        leaders.map(|it| (it.partition, it.start)).collect();
    let mut removed = BTreeSet::new();
    let mut read = BTreeSet::new();
    for entry in &story.outcome.history {
        match &entry.event {
            Event::Fact(Fact::Completed {
                partition: Some(partition),
                uids,
                outcome: SendOutcome::Acknowledged(Some(base)),
                ..
            }) => {
                let start = starts.get(partition).copied().unwrap_or_default();
                let offsets = (0..).map(|behind| *base + behind);
                let below = uids.iter().zip(offsets).take_while(|(_, offset)| *offset < start);
                removed.extend(below.map(|(uid, _)| *uid));
            }
            Event::Fact(Fact::Polled { batch, from, to, .. }) => {
                let records = batch.records_from(*from).take_while(|(offset, _)| offset < to);
                read.extend(records.map(|(_, record)| record.uid));
            }
            Event::Fact(_)
            | Event::Fault(_)
            | Event::Phase(_)
            | Event::Step { .. }
            | Event::Reached { .. } => {}
        }
    }
    let lost = |uid: &Uid| story.outcome.judgement.losses.iter().any(|loss| loss.uid == *uid);
    removed.retain(|uid| !read.contains(uid) && !lost(uid));
    removed
}
