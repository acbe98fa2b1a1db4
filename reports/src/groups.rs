//! How each group fared: a line for the whole trial, and marks below a partition's log.

use std::collections::BTreeMap;

use model::fact::{Fact, GroupEvent, GroupFact, MemberEvent, MemberFact};
use model::ids::{ClientId, NodeId, Offset, TopicPartition};
use model::message::group::Assignment;
use model::time::Duration;
use sim::history::{Event, Fault};
use sim::plan::GroupIndex;
use sim::verdict::GroupStory;
use unicode_width::UnicodeWidthStr;

use crate::story::Story;
use crate::text::{Line, Tone, WIDTH, counted, fill, grouped, padded, wrap};

/// Columns of the head.
const HEAD: usize = 10;
/// Partitions without a log of their own in the picture that have marks.
const OTHERS_SHOWN: usize = 4;

/// Draws a line per group: rebalances, how long partitions stood still, lag, owners.
pub fn groups(story: &Story<'_>) -> Vec<Line> {
    let mut head = story.words.groups.head;
    let mut lines = Vec::new();
    for group in &story.outcome.judgement.groups {
        let name = story.group(group.group);
        for part in parted(&name, &fared(story, group), story.words.grammar.joint) {
            let line = Line::of(Tone::Quiet, format!(" {} ", padded(head, 8)));
            lines.push(line.then(Tone::Plain, part));
            head = "";
        }
    }
    lines
}

/// Lays parts of a sentence in rows, and breaks between parts where that is possible.
fn parted(name: &str, parts: &[String], joint: &str) -> Vec<String> {
    let mut text = format!("{name}: ");
    let mut rows = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        if at != 0 {
            text.push_str(joint.trim_end());
            match text.width() + 2 + part.width() <= WIDTH - HEAD {
                true => text.push_str(&joint[joint.trim_end().len()..]),
                false => rows.push(std::mem::take(&mut text)),
            }
        }
        text += part;
    }
    rows.push(text);
    rows.iter().flat_map(|row| wrap(row, WIDTH - HEAD)).collect()
}

/// Says how a group fared, in parts.
pub(crate) fn fared(story: &Story<'_>, group: &GroupStory) -> Vec<String> {
    let words = &story.words.groups;
    let mut parts = vec![counted(group.rebalances.len() as u64, words.rebalances)];
    let stood = group.rebalances.iter().map(|it| it.stopped_for).max().unwrap_or(Duration::ZERO);
    let stopped = group.rebalances.iter().map(|it| it.stopped).max().unwrap_or(0);
    parts.push(match stood {
        Duration::ZERO => words.never_stood.to_owned(),
        stood => fill(&counted(u64::from(stopped), words.stood), &["", &stood.to_string()]),
    });
    parts.push(fill(words.lag_max, &[&grouped(group.lag_max.0)]));
    if !group.owners.is_empty() {
        let owners = group.owners.iter();
        let owners = owners.map(|&(client, count)| format!("{} {count}", story.client(client)));
        parts.push(fill(
            words.owners,
            &[&owners.collect::<Vec<_>>().join(story.words.grammar.list)],
        ));
    }
    parts
}

/// Where groups stand in their partitions at the end.
#[derive(Default)]
struct Standing {
    committed: BTreeMap<(GroupIndex, TopicPartition), Offset>,
    positions: BTreeMap<(ClientId, TopicPartition), Offset>,
    owned: BTreeMap<ClientId, Assignment>,
}

/// Draws what groups have committed of the partition that is shown, and where they read;
/// then of some other partitions. Empty without a history.
pub(crate) fn marks(story: &Story<'_>) -> Vec<Line> {
    let standing = Standing::at_end(story);
    let focus = story.focus();
    let mut lines = Vec::new();
    let mut others = 0;
    for (place, plan) in (0..).zip(&story.plan.groups) {
        let group = GroupIndex(place);
        let mut shown: Vec<TopicPartition> = standing.partitions(story, group);
        shown.sort_by_key(|&it| (it != focus, it));
        for partition in shown {
            if partition != focus {
                others += 1;
                if OTHERS_SHOWN < others {
                    continue;
                }
            }
            let line = Line::of(Tone::Strong, format!("     {} ", plan.name));
            let name = story.partition(partition);
            let text = format!("{name}: {}", standing.mark(story, group, partition));
            lines.push(line.then(Tone::Plain, text));
        }
    }
    lines
}

impl Standing {
    fn at_end(story: &Story<'_>) -> Standing {
        let mut standing = Standing::default();
        for entry in &story.outcome.history {
            match &entry.event {
                Event::Fact(fact) => standing.take(story, fact),
                Event::Fault(
                    Fault::Crashed(NodeId::Client(client))
                    | Fault::PowerLost(NodeId::Client(client))
                    | Fault::Exited(NodeId::Client(client)),
                ) => {
                    standing.owned.remove(client);
                }
                Event::Fault(_) | Event::Phase(_) | Event::Step { .. } | Event::Reached { .. } => {}
            }
        }
        standing
    }

    fn take(&mut self, story: &Story<'_>, fact: &Fact) {
        match fact {
            Fact::Polled { client, partition, to, .. }
            | Fact::PositionReset { client, partition, to, .. } => {
                self.positions.insert((*client, *partition), *to);
            }
            Fact::Member(MemberFact { client, what: MemberEvent::Owns(owned) }) => {
                self.owned.insert(*client, owned.clone());
            }
            Fact::Member(MemberFact {
                client,
                what: MemberEvent::OffsetFetched(partition, Some(offset)),
            }) => {
                self.positions.insert((*client, *partition), *offset);
            }
            Fact::Member(MemberFact {
                client,
                what: MemberEvent::Expelled(_) | MemberEvent::PollIntervalExceeded,
            }) => {
                self.owned.remove(client);
            }
            Fact::Group(fact) => self.coordinated(story, fact),
            _ => {}
        }
    }

    fn coordinated(&mut self, story: &Story<'_>, fact: &GroupFact) {
        let mut plans = (0..).map(GroupIndex).zip(&story.plan.groups);
        let Some((group, _)) = plans.find(|(_, plan)| *plan.name == *fact.group.as_str()) else {
            return;
        };
        match &fact.what {
            GroupEvent::Loaded { offsets, .. } => {
                self.committed.retain(|(of, _), _| *of != group);
                let there = offsets.iter().map(|&(partition, to)| ((group, partition), to));
                self.committed.extend(there);
            }
            GroupEvent::Committed { offsets, .. } => {
                let there = offsets.iter().map(|&(partition, to)| ((group, partition), to));
                self.committed.extend(there);
            }
            GroupEvent::OffsetsRemoved { partitions, .. } => {
                for &partition in partitions.iter() {
                    self.committed.remove(&(group, partition));
                }
            }
            GroupEvent::State { .. }
            | GroupEvent::MemberJoined { .. }
            | GroupEvent::MemberLeft { .. }
            | GroupEvent::MemberReplaced { .. }
            | GroupEvent::Assigned { .. }
            | GroupEvent::Holds { .. }
            | GroupEvent::CommitRefused { .. }
            | GroupEvent::Resigned => {}
        }
    }

    /// Returns the partitions that a group has to do with.
    fn partitions(&self, story: &Story<'_>, group: GroupIndex) -> Vec<TopicPartition> {
        let committed = self.committed.keys().filter(|(of, _)| *of == group).map(|&(_, at)| at);
        let owners =
            self.owned.iter().filter(|(client, _)| story.group_of(**client) == Some(group));
        let mut all: Vec<_> =
            committed.chain(owners.flat_map(|(_, owned)| owned.iter().copied())).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Says what a group has committed of a partition, who reads it where, and what is left.
    fn mark(&self, story: &Story<'_>, group: GroupIndex, partition: TopicPartition) -> String {
        let words = &story.words.groups;
        let committed = self.committed.get(&(group, partition)).copied();
        let mut parts = vec![match committed {
            Some(offset) => fill(words.committed, &[&offset.to_string()]),
            None => words.not_committed.to_owned(),
        }];
        let mut members = self.owned.iter();
        let owner = members.find(|(client, owned)| {
            story.group_of(**client) == Some(group) && owned.contains(&partition)
        });
        parts.push(match owner {
            Some((&client, _)) => {
                let at = self.positions.get(&(client, partition));
                let at = at.map_or_else(|| "?".to_owned(), ToString::to_string);
                fill(words.position, &[&story.client(client), &at])
            }
            None => words.no_owner.to_owned(),
        });
        let replicas = &story.outcome.replicas;
        let leader = replicas.iter().find(|it| it.leads && it.partition == partition);
        if let Some(leader) = leader {
            let from = committed.unwrap_or(leader.start).min(leader.high_watermark);
            parts.push(fill(words.lag, &[&grouped(leader.high_watermark - from)]));
        }
        parts.join(" · ")
    }
}
