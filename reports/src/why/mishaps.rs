//! Why a group skipped or repeated records: one line for each run of them.

use std::collections::BTreeSet;

use model::fact::{
    Fact, GroupEvent, GroupFact, MemberEvent, MemberFact, ResetCause, WorkEvent, WorkFact,
    WorkOutcome,
};
use model::ids::{ClientId, Offset, Uid};
use sim::history::Event;
use sim::plan::GroupIndex;
use sim::verdict::{Claim, GroupStory, Mishap, MishapCause, MishapKind};

use super::Told;
use crate::entry::commit_kind;
use crate::story::{Story, record_names};
use crate::text::{counted, fill};
use crate::timeline::{offset_of, reset_cause};
use crate::words::EN;

/// Runs of records that are told.
const SHOWN: usize = 4;

/// Tells what befell a group's records, as far as the claim is about that; empty if it is not.
pub(super) fn mishaps(story: &Story<'_>, claim: Claim) -> Vec<Told> {
    let groups = &story.outcome.judgement.groups;
    let all = groups.iter().flat_map(|group| group.mishaps.iter().map(move |it| (group, it)));
    let concerned: Vec<_> = all.filter(|(_, mishap)| concerns(claim, mishap)).collect();
    let mut lines: Vec<Told> =
        concerned.iter().take(SHOWN).map(|(group, mishap)| told(story, group, mishap)).collect();
    if SHOWN < concerned.len() {
        let what = counted((concerned.len() - SHOWN) as u64, EN.groups.why.more);
        lines.push(Told { sign: "", at: String::new(), what, means: String::new() });
    }
    lines
}

fn concerns(claim: Claim, mishap: &Mishap) -> bool {
    match claim {
        Claim::NothingSkipped => mishap.kind == MishapKind::Skipped,
        Claim::NothingRepeated => mishap.kind == MishapKind::Repeated,
        Claim::CommitsMoveForward => mishap.cause == MishapCause::CommitMovedBack,
        Claim::EffectsOnce => true,
        _ => false,
    }
}

fn told(story: &Story<'_>, group: &GroupStory, mishap: &Mishap) -> Told {
    let words = &EN.groups.why;
    let ends = mishap.records.first().zip(mishap.records.last());
    let records = ends.map_or_else(String::new, |(&first, &last)| record_names(first, last));
    let sentence = match mishap.kind {
        MishapKind::Skipped => words.skipped,
        MishapKind::Repeated => words.repeated,
    };
    Told {
        sign: "",
        at: fill(EN.why.seconds, &[&mishap.at.to_string()]),
        what: fill(sentence, &[&records]),
        means: because(story, group, mishap),
    }
}

/// Says what did it.
fn because(story: &Story<'_>, group: &GroupStory, mishap: &Mishap) -> String {
    let words = &EN.groups.why;
    let last = || match last_commit(story, group.group, mishap) {
        Some(offset) => fill(words.last_commit, &[&offset.to_string()]),
        None => words.no_commit.to_owned(),
    };
    match mishap.cause {
        MishapCause::CommittedTooFar(client, kind) => {
            let to = committed_by(story, mishap).unwrap_or(mishap.to).to_string();
            let state = mishap.records.first().map(|&uid| state(story, group, mishap, uid));
            let name = story.client(client);
            fill(words.too_far, &[&name, &to, commit_kind(kind), &state.unwrap_or_default()])
        }
        MishapCause::GivenUp(client, outcome) => {
            fill(words.given_up[place(outcome)], &[&story.client(client)])
        }
        MishapCause::Reset(client, cause) => reset(story, mishap, client, cause),
        MishapCause::Moved(client) => {
            let (name, partition) = (story.client(client), story.partition(mishap.partition));
            match worked_before(story, group, mishap, client) {
                Some(before) => {
                    fill(words.moved, &[&partition, &story.client(before), &name, &last()])
                }
                None => fill(words.moved_from_nobody, &[&partition, &name, &last()]),
            }
        }
        MishapCause::Restarted(client) => fill(words.restarted, &[&story.client(client), &last()]),
        MishapCause::CommitMovedBack => words.moved_back.to_owned(),
        MishapCause::Operator => words.operator.to_owned(),
        MishapCause::DuplicateInLog => words.in_log.to_owned(),
    }
}

fn reset(story: &Story<'_>, mishap: &Mishap, client: ClientId, cause: ResetCause) -> String {
    let told = match fact(story, mishap.entry) {
        Some(Fact::PositionReset { to, .. }) => *to,
        _ => match mishap.kind {
            MishapKind::Skipped => mishap.to,
            MishapKind::Repeated => mishap.from,
        },
    };
    let name = story.client(client);
    fill(EN.groups.why.reset, &[&name, &told.to_string(), reset_cause(cause)])
}

/// Returns the place of an outcome among the words.
pub(crate) fn place(outcome: WorkOutcome) -> usize {
    match outcome {
        WorkOutcome::Done => 0,
        WorkOutcome::Failed => 1,
        WorkOutcome::Skipped => 2,
        WorkOutcome::Shed => 3,
        WorkOutcome::Parked => 4,
        WorkOutcome::HandedOn => 5,
        WorkOutcome::TakenForRepeat => 6,
    }
}

fn fact<'a>(story: &Story<'a>, entry: usize) -> Option<&'a Fact> {
    match &story.outcome.history.get(entry)?.event {
        Event::Fact(fact) => Some(fact),
        Event::Fault(_) | Event::Phase(_) | Event::Step { .. } | Event::Reached { .. } => None,
    }
}

/// Returns the facts before a mishap, the latest first.
fn before<'a>(story: &Story<'a>, mishap: &Mishap) -> impl Iterator<Item = &'a Fact> {
    let story = *story;
    (0..mishap.entry).rev().filter_map(move |at| fact(&story, at))
}

/// Returns what the commit of a mishap said of its partition.
fn committed_by(story: &Story<'_>, mishap: &Mishap) -> Option<Offset> {
    match fact(story, mishap.entry)? {
        Fact::Group(GroupFact { what: GroupEvent::Committed { offsets, .. }, .. })
        | Fact::Member(MemberFact { what: MemberEvent::CommitSent { offsets, .. }, .. }) => {
            offset_of(offsets, mishap.partition)
        }
        _ => None,
    }
}

/// Returns what a group had committed of a partition before a mishap.
fn last_commit(story: &Story<'_>, group: GroupIndex, mishap: &Mishap) -> Option<Offset> {
    let name = story.group(group);
    before(story, mishap).find_map(|fact| match fact {
        Fact::Group(GroupFact {
            group,
            what: GroupEvent::Committed { offsets, .. } | GroupEvent::Loaded { offsets, .. },
            ..
        }) if *group.as_str() == *name => offset_of(offsets, mishap.partition),
        _ => None,
    })
}

/// Returns who worked on the partition for the group before this member.
fn worked_before(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
    now: ClientId,
) -> Option<ClientId> {
    before(story, mishap).find_map(|fact| match fact {
        Fact::Work(work) if work.partition == mishap.partition && work.client != now => {
            (story.group_of(work.client) == Some(group.group)).then_some(work.client)
        }
        _ => None,
    })
}

/// Says how far the work on a record was when a group's commit went over it.
fn state(story: &Story<'_>, group: &GroupStory, mishap: &Mishap, uid: Uid) -> String {
    let (words, name) = (&EN.groups.why, format!("r{uid}"));
    let mut ended: BTreeSet<ClientId> = BTreeSet::new();
    for fact in before(story, mishap) {
        let Fact::Work(WorkFact { client, uid: other, what, .. }) = fact else { continue };
        if *other != uid || story.group_of(*client) != Some(group.group) {
            continue;
        }
        match what {
            WorkEvent::Began(_) if !ended.contains(client) => {
                return fill(words.in_work, &[&name]);
            }
            WorkEvent::Ended(WorkOutcome::Failed) => return fill(words.had_failed, &[&name]),
            WorkEvent::Ended(_) => {
                ended.insert(*client);
            }
            WorkEvent::Began(_) | WorkEvent::Effect(_) | WorkEvent::CopySent { .. } => {}
        }
    }
    if ended.is_empty() { fill(words.not_begun, &[&name]) } else { String::new() }
}
