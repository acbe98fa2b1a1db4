//! Partitions by number, and what was removed from them by right.

use std::collections::BTreeSet;

use model::ids::{TopicId, TopicPartition, Uid};
use sim::plan::{ClientRole, Subscribed};

use crate::story::Story;
use crate::trace::state::State;
use crate::trace::{FactKind, Trace};

/// The keys of a history: the places of partitions in its trace.
pub(super) struct Keys<'t> {
    trace: &'t Trace,
    /// Records that were removed by right before anybody read them.
    pub removed: BTreeSet<Uid>,
}

impl<'t> Keys<'t> {
    /// Numbers every partition that clients know of.
    pub fn of(trace: &'t Trace, end: &State) -> Keys<'t> {
        Keys { trace, removed: removed(trace, end) }
    }

    /// Returns every number.
    pub fn all(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.trace.partitions.len()
    }

    /// Returns what a consumer reads, or subscribes to.
    pub fn read_by(&self, story: &Story<'_>, role: &ClientRole) -> Vec<usize> {
        let matching = |wanted: &dyn Fn(TopicPartition) -> bool| -> Vec<usize> {
            self.all().filter(|&key| wanted(self.trace.partitions[key].id)).collect()
        };
        let of_topics = |topics: &[TopicId]| matching(&|it| topics.contains(&it.topic));
        match role {
            ClientRole::Producer(_) => Vec::new(),
            ClientRole::Consumer(plan) => match plan.partition {
                Some(partition) => {
                    matching(&|it| it == TopicPartition { topic: plan.topic, partition })
                }
                None => of_topics(&[plan.topic]),
            },
            ClientRole::Member(member) => {
                let group = story.plan.groups.get(usize::from(member.group.0));
                match member.topics.as_ref().or(group.map(|group| &group.topics)) {
                    Some(Subscribed::Topics(topics)) => of_topics(topics),
                    // Which topics match does not matter: whatever is read counts.
                    Some(Subscribed::Pattern(_)) => self.all().collect(),
                    None => Vec::new(),
                }
            }
        }
    }
}

/// Finds the records below the start of their log that nobody read and that are not lost.
fn removed(trace: &Trace, end: &State) -> BTreeSet<Uid> {
    let start = |partition: usize| {
        let partition = &end.partitions[partition];
        let leader = partition.leader.and_then(|leader| partition.replicas.get(&leader));
        leader.map_or(0, |leader| leader.start)
    };
    let mut removed = BTreeSet::new();
    let mut read = BTreeSet::new();
    for fact in &trace.facts {
        match (fact.kind, fact.place()) {
            (FactKind::Ack, Some(partition)) => {
                let below = (start(partition) - fact.more).clamp(0, fact.other);
                let below = fact.value..fact.value + below;
                removed.extend(below.filter_map(|uid| u32::try_from(uid).ok().map(Uid)));
            }
            (FactKind::Poll, _) => {
                let records = trace.records_of(fact.more, (fact.value, fact.other));
                read.extend(records.map(|(_, uid)| uid));
            }
            _ => {}
        }
    }
    let lost = |uid: &Uid| trace.judged.losses.iter().any(|loss| loss.record == *uid);
    removed.retain(|uid| !read.contains(uid) && !lost(uid));
    removed
}
