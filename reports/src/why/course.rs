//! How it came that a group skipped or repeated records: the commit that did it, what stopped
//! its member, and who went on from where.

use std::collections::BTreeSet;

use model::fact::{
    Callback, CommitKind, Fact, GroupEvent, GroupFact, LeaveCause, MemberEvent, MemberFact,
    WorkEvent, WorkFact, WorkOutcome,
};
use model::ids::{ClientId, NodeId, Offset, Uid};
use model::time::Time;
use sim::history::{Entry, Event, Fault};
use sim::verdict::{GroupStory, Mishap, MishapCause, MishapKind};

use super::Told;
use super::mishaps::worked_before;
use crate::entry::commit_error;
use crate::story::{Story, broker_name, record_list, record_names};
use crate::text::{counted, fill};
use crate::timeline::offset_of;
use crate::words::Words;

/// Lines about what stopped a member.
const STOPS_SHOWN: usize = 2;

/// A commit of a mishap's partition, as its group's coordinator wrote it.
pub(super) struct Commit {
    /// Its place in the history.
    pub(super) entry: usize,
    /// Who sent it, and on what occasion; `None` for an operator's.
    pub(super) by: Option<(ClientId, CommitKind)>,
    /// What had been committed before.
    pub(super) from: Option<Offset>,
    /// What is committed by it.
    pub(super) to: Offset,
}

/// A line and its time, since lines of several stories are told in order of time.
pub(super) type Timed = (Time, Told);

/// Returns the lines that belong around a mishap's own one: those before it, then those after.
pub(super) fn course(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
) -> (Vec<Timed>, Vec<Timed>) {
    let history = &story.outcome.history;
    match (mishap.kind, mishap.cause) {
        (MishapKind::Skipped, MishapCause::CommittedTooFar(client, _)) => {
            (Vec::new(), given_up(story, group, mishap, client))
        }
        (
            MishapKind::Repeated,
            cause @ (MishapCause::Moved(client)
            | MishapCause::Restarted(client)
            | MishapCause::Reset(client, _)),
        ) => {
            let last = last_commit(story, group, mishap, mishap.entry);
            let former = match cause {
                MishapCause::Moved(_) => worked_before(story, group, mishap, Some(client)),
                _ => worked_before(story, group, mishap, None),
            };
            let begin = last.as_ref().map_or(0, |last| last.entry + 1);
            let mut lines: Vec<Timed> = Vec::new();
            lines.extend(last.map(|last| told_commit(story, group, mishap, &last)));
            let Some(former) = former else { return (lines, Vec::new()) };
            let until = &history[begin..mishap.entry];
            let stops = stops(story, mishap, until, former);
            let earlier = stops.len().saturating_sub(STOPS_SHOWN);
            lines.extend(stops.into_iter().skip(earlier));
            let refused = history[mishap.entry..].iter();
            let refused = refused.filter_map(|entry| refused_to(story, mishap, entry, former));
            (lines, refused.take(1).collect())
        }
        _ => (Vec::new(), Vec::new()),
    }
}

/// Tells what became of records that were committed before they were finished.
fn given_up(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
    client: ClientId,
) -> Vec<Timed> {
    let words = &story.words.groups.why;
    let later = || story.outcome.history[mishap.entry..].iter();
    let mut lines = Vec::new();
    let next = later().find_map(|entry| match fact(entry) {
        Some(Fact::Member(MemberFact {
            client,
            what: MemberEvent::OffsetFetched(partition, Some(offset)),
        })) if *partition == mishap.partition && mishap.from < *offset => {
            let of_group = story.group_of(*client) == Some(group.group);
            of_group.then_some((entry, *client, *offset))
        }
        _ => None,
    });
    let end = later().find(|entry| ends(entry, client));
    if let Some(end) = end.filter(|end| next.is_none_or(|(next, ..)| end.at <= next.at)) {
        let what = fill(words.process_ended, &[&story.client(client)]);
        lines.push(line(story, end, what, words.in_hand.to_owned()));
    }
    if let Some((entry, client, offset)) = next {
        let (name, partition) = (story.client(client), story.partition(mishap.partition));
        let what = fill(words.starts_at, &[&name, &partition, &offset.to_string()]);
        let means = fill(words.passed, &[&records(mishap, story.words)]);
        lines.push(line(story, entry, what, means));
    }
    lines
}

/// Tells of a commit that was as it should be.
fn told_commit(story: &Story<'_>, group: &GroupStory, mishap: &Mishap, commit: &Commit) -> Timed {
    let entry = &story.outcome.history[commit.entry];
    let what = match commit.by {
        Some((client, kind)) => {
            committed(story, client, kind, commit.to) + story.words.groups.why.full_stop
        }
        None => crate::tell::tell(story, entry),
    };
    let mut means = match commit.by {
        Some((_, kind)) => rule(kind, story.words).to_owned(),
        None => String::new(),
    };
    let (covered, finished) = covered(story, group, mishap, commit);
    if 0 < covered && covered == finished {
        push(&mut means, &counted(covered, story.words.groups.why.all_finished));
    }
    line(story, entry, what, means)
}

/// Says who committed what by which call, without a full stop.
pub(super) fn committed(
    story: &Story<'_>,
    client: ClientId,
    kind: CommitKind,
    to: Offset,
) -> String {
    let sentence = story.words.groups.why.commit_calls[kind_place(kind)];
    fill(sentence, &[&story.client(client), &to.to_string()])
}

/// Says what a commit of this kind covers; empty where the application decides.
pub(super) fn rule(kind: CommitKind, words: &Words) -> &'static str {
    match kind {
        CommitKind::Sync | CommitKind::Async => "",
        CommitKind::Auto => words.groups.why.auto_rules[0],
        CommitKind::AutoBeforeRebalance | CommitKind::AutoOnClose => words.groups.why.auto_rules[1],
    }
}

fn kind_place(kind: CommitKind) -> usize {
    match kind {
        CommitKind::Sync => 0,
        CommitKind::Async => 1,
        CommitKind::Auto => 2,
        CommitKind::AutoBeforeRebalance => 3,
        CommitKind::AutoOnClose => 4,
    }
}

/// Counts the records that a commit is the first to cover, and those of them that the group
/// had finished by then.
pub(super) fn covered(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
    commit: &Commit,
) -> (u64, u64) {
    let from = commit.from.unwrap_or(Offset::ZERO);
    let mut finished: BTreeSet<Uid> = BTreeSet::new();
    for entry in &story.outcome.history[..commit.entry] {
        let Some(Fact::Work(WorkFact { client, partition, offset, uid, what })) = fact(entry)
        else {
            continue;
        };
        let inside = *partition == mishap.partition && from <= *offset && *offset < commit.to;
        let done = match what {
            WorkEvent::Ended(outcome) => match outcome {
                WorkOutcome::Done | WorkOutcome::Parked | WorkOutcome::HandedOn => true,
                WorkOutcome::Failed
                | WorkOutcome::Skipped
                | WorkOutcome::Shed
                | WorkOutcome::TakenForRepeat => false,
            },
            WorkEvent::Began(_) | WorkEvent::Effect(_) | WorkEvent::CopySent { .. } => false,
        };
        if inside && done && story.group_of(*client) == Some(group.group) {
            finished.insert(*uid);
        }
    }
    let covered = if from < commit.to { commit.to - from } else { 0 };
    (covered, finished.len() as u64)
}

/// Finds the last commit of a mishap's partition that lies before `end` in the history.
pub(super) fn last_commit(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
    end: usize,
) -> Option<Commit> {
    let name = story.group(group.group);
    let mut written = story.outcome.history[..end].iter().enumerate().rev().filter_map(
        |(at, entry)| match fact(entry) {
            Some(Fact::Group(GroupFact {
                group,
                what: GroupEvent::Committed { offsets, .. },
                ..
            })) if *group.as_str() == *name => Some((at, offset_of(offsets, mishap.partition)?)),
            _ => None,
        },
    );
    let (entry, to) = written.next()?;
    let from = written.map(|(_, offset)| offset).find(|&offset| offset != to);
    Some(Commit { entry, by: sent_by(story, group, mishap, (entry, to)), from, to })
}

/// Finds who sent the commit that was written at this place.
fn sent_by(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
    (entry, to): (usize, Offset),
) -> Option<(ClientId, CommitKind)> {
    story.outcome.history[..entry].iter().rev().find_map(|entry| match fact(entry)? {
        Fact::Member(MemberFact {
            client,
            what: MemberEvent::CommitSent { kind, offsets, .. },
        }) if story.group_of(*client) == Some(group.group) => {
            let same = offset_of(offsets, mishap.partition) == Some(to);
            same.then_some((*client, *kind))
        }
        _ => None,
    })
}

/// Tells of what stopped a member.
fn stops(story: &Story<'_>, mishap: &Mishap, entries: &[Entry], client: ClientId) -> Vec<Timed> {
    let mut is_dead = false;
    let mut stops = Vec::new();
    for entry in entries {
        let Some(mut told) = stop(story, mishap, entry, client) else { continue };
        // Its membership outlives the process until the session is over.
        if is_dead {
            story.words.groups.why.waited.clone_into(&mut told.1.means);
        }
        is_dead = ends(entry, client);
        stops.push(told);
    }
    stops
}

/// Tells of an entry with which a member stopped working, left its group or was put out of it.
fn stop(story: &Story<'_>, mishap: &Mishap, entry: &Entry, client: ClientId) -> Option<Timed> {
    let words = &story.words.groups.why;
    let name = story.client(client);
    if ends(entry, client) {
        let means = words.uncommitted.to_owned();
        return Some(line(story, entry, fill(words.process_ended, &[&name]), means));
    }
    if let Some(Fact::Member(MemberFact {
        client: member,
        what: MemberEvent::Listening(Callback::Revoked, partitions),
    })) = fact(entry)
        && *member == client
        && partitions.contains(&mishap.partition)
    {
        let what = fill(words.gave_back, &[&name, &story.partition_list(partitions)]);
        return Some(line(story, entry, what, words.uncommitted.to_owned()));
    }
    if let Event::Fault(Fault::Paused(NodeId::Client(paused))) = entry.event
        && paused == client
    {
        return Some(line(story, entry, fill(words.froze, &[&name]), words.silent.to_owned()));
    }
    let Some(Fact::Group(GroupFact { what: GroupEvent::MemberLeft { member, cause }, .. })) =
        fact(entry)
    else {
        return None;
    };
    if story.member_client(member) != Some(client) {
        return None;
    }
    let (sentence, means) = match cause {
        LeaveCause::Left => (words.left_group, ""),
        LeaveCause::SessionExpired | LeaveCause::RebalanceTimeout | LeaveCause::GroupFull => {
            (words.put_out, words.others_get)
        }
    };
    let why = match cause {
        LeaveCause::Left => story.words.groups.leave_causes[0],
        LeaveCause::SessionExpired => story.words.groups.leave_causes[1],
        LeaveCause::RebalanceTimeout => story.words.groups.leave_causes[2],
        LeaveCause::GroupFull => story.words.groups.leave_causes[3],
    };
    Some(line(story, entry, fill(sentence, &[&name, why]), means.to_owned()))
}

/// Tells of a commit that failed because its member was out.
fn refused_to(
    story: &Story<'_>,
    mishap: &Mishap,
    entry: &Entry,
    client: ClientId,
) -> Option<Timed> {
    let words = &story.words.groups.why;
    if let Some(Fact::Member(MemberFact {
        client: member,
        what: MemberEvent::CommitEnded { outcome: Err(error), .. },
    })) = fact(entry)
        && *member == client
    {
        let what = fill(words.failed, &[&story.client(client), &commit_error(*error)]);
        return Some(line(story, entry, what, words.outside.to_owned()));
    }
    let Some(Fact::Group(GroupFact {
        broker,
        what: GroupEvent::CommitRefused { member, offsets, error, .. },
        ..
    })) = fact(entry)
    else {
        return None;
    };
    let to = offset_of(offsets, mishap.partition)?;
    let by = member.as_ref().and_then(|member| story.member_client(member));
    (by == Some(client)).then(|| {
        let (broker, name) = (broker_name(*broker), story.client(client));
        let what = fill(words.refused_to, &[&broker, &name, &to.to_string(), error.name()]);
        line(story, entry, what, words.outside.to_owned())
    })
}

/// Says whether a client's process ends with this entry.
fn ends(entry: &Entry, client: ClientId) -> bool {
    match entry.event {
        Event::Fault(Fault::Crashed(node) | Fault::PowerLost(node) | Fault::Exited(node)) => {
            node == NodeId::Client(client)
        }
        Event::Fault(_) | Event::Fact(_) | Event::Phase(_) => false,
        Event::Step { .. } | Event::Reached { .. } => false,
    }
}

fn fact(entry: &Entry) -> Option<&Fact> {
    match &entry.event {
        Event::Fact(fact) => Some(fact),
        Event::Fault(_) | Event::Phase(_) | Event::Step { .. } | Event::Reached { .. } => None,
    }
}

/// Names the records of a mishap.
pub(super) fn records(mishap: &Mishap, words: &Words) -> String {
    if mishap.to - mishap.from != mishap.records.len() as u64 {
        return record_list(&mishap.records, words); // others lie between them
    }
    let ends = mishap.records.first().zip(mishap.records.last());
    ends.map_or_else(String::new, |(&first, &last)| record_names(first, last))
}

/// Adds a sentence, unless it is empty.
pub(super) fn push(text: &mut String, sentence: &str) {
    if !text.is_empty() && !sentence.is_empty() {
        text.push(' ');
    }
    text.push_str(sentence);
}

fn line(story: &Story<'_>, entry: &Entry, what: String, means: String) -> Timed {
    let at = fill(story.words.why.seconds, &[&entry.at.to_string()]);
    (entry.at, Told { at, time: Some(entry.at), what, means, ..Told::default() })
}
