//! How each group fared: a line for the whole trial, and marks below a partition's log.

use model::time::Duration;
use sim::verdict::GroupStory;
use unicode_width::UnicodeWidthStr;

use crate::story::Story;
use crate::text::{Line, Tone, WIDTH, counted, fill, grouped, padded, wrap};
use crate::trace::Trace;
use crate::trace::state::State;

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

/// Draws what groups have committed of the partition that is shown, and where they read;
/// then of some other partitions. Empty without a history.
pub(crate) fn marks(story: &Story<'_>) -> Vec<Line> {
    let trace = story.trace;
    let state = State::at(trace, trace.end);
    let mut lines = Vec::new();
    let mut others = 0;
    for (place, group) in trace.groups.iter().enumerate() {
        let concerned = |partition: &usize| {
            let is_committed = state.groups[place].committed.contains_key(partition);
            is_committed || owner(trace, &state, place, *partition).is_some()
        };
        let mut shown: Vec<usize> = (0..trace.partitions.len()).filter(concerned).collect();
        shown.sort_by_key(|&it| (it != trace.focus, it));
        for partition in shown {
            if partition != trace.focus {
                others += 1;
                if OTHERS_SHOWN < others {
                    continue;
                }
            }
            let line = Line::of(Tone::Strong, format!("     {} ", group.name));
            let name = &trace.partitions[partition].name;
            let text = format!("{name}: {}", mark(story, &state, place, partition));
            lines.push(line.then(Tone::Plain, text));
        }
    }
    lines
}

/// Returns who of a group owns a partition.
fn owner(trace: &Trace, state: &State, group: usize, partition: usize) -> Option<usize> {
    let mut owners = state.partitions[partition].owners.iter().copied();
    owners.find(|&owner| trace.actors[owner].group == Some(group))
}

/// Says what a group has committed of a partition, who reads it where, and what is left.
fn mark(story: &Story<'_>, state: &State, group: usize, partition: usize) -> String {
    let (words, trace) = (&story.words.groups, story.trace);
    let committed = state.groups[group].committed.get(&partition).copied();
    let mut parts = vec![match committed {
        Some(offset) => fill(words.committed, &[&offset.to_string()]),
        None => words.not_committed.to_owned(),
    }];
    let seen = &state.partitions[partition];
    parts.push(match owner(trace, state, group, partition) {
        Some(owner) => {
            let at = seen.positions.get(&owner);
            let at = at.map_or_else(|| "?".to_owned(), ToString::to_string);
            fill(words.position, &[&trace.actors[owner].name, &at])
        }
        None => words.no_owner.to_owned(),
    });
    if let Some(leader) = seen.leader.and_then(|leader| seen.replicas.get(&leader)) {
        let from = committed.unwrap_or(leader.start).min(leader.high_watermark);
        parts.push(fill(words.lag, &[&grouped((leader.high_watermark - from) as u64)]));
    }
    parts.join(" · ")
}
