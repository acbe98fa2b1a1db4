//! Why a group skipped or repeated records: one line for each run of them, and for the first
//! one how it came to that.

use std::collections::BTreeSet;

use model::fact::{CommitKind, ResetCause, WorkOutcome};
use model::ids::{ClientId, Uid};
use sim::verdict::{Claim, GroupStory, Mishap, MishapCause, MishapKind};

use super::Told;
use super::course::{
    committed, course, covered, is_of, is_there, last_commit, number, push, records, rule, until,
};
use crate::story::Story;
use crate::text::{counted, fill, grouped};
use crate::timeline::reset_cause;
use crate::trace::{FactKind, TraceFact};

/// Runs of records that are told.
const SHOWN: usize = 4;

/// Tells what befell a group's records, as far as the claim is about that; empty if it is not.
pub(super) fn mishaps(story: &Story<'_>, claim: Claim) -> Vec<Told> {
    chosen(story, |mishap| concerns(claim, mishap))
}

/// Tells what befell one record in groups; empty if nothing did.
pub(super) fn mishaps_of(story: &Story<'_>, uid: Uid) -> Vec<Told> {
    chosen(story, |mishap| mishap.records.contains(&uid))
}

fn chosen(story: &Story<'_>, concerns: impl Fn(&Mishap) -> bool) -> Vec<Told> {
    let groups = &story.outcome.judgement.groups;
    let all = groups.iter().flat_map(|group| group.mishaps.iter().map(move |it| (group, it)));
    let concerned = joined(all.filter(|(_, mishap)| concerns(mishap)));
    let mut lines = Vec::new();
    for (at, (group, mishap)) in concerned.iter().take(SHOWN).enumerate() {
        let (before, after) = match at {
            0 => course(story, group, mishap),
            _ => (Vec::new(), Vec::new()),
        };
        lines.extend(before);
        lines.push((mishap.at, told(story, group, mishap)));
        lines.extend(after);
    }
    lines.sort_by_key(|&(at, _)| at);
    let mut lines: Vec<Told> = lines.into_iter().map(|(_, told)| told).collect();
    if SHOWN < concerned.len() {
        let what = counted((concerned.len() - SHOWN) as u64, story.words.groups.why.more);
        lines.push(Told { what, ..Told::default() });
    }
    lines
}

/// Joins runs that one cause befell: at once, or one record after the other.
fn joined<'a>(
    all: impl Iterator<Item = (&'a GroupStory, &'a Mishap)>,
) -> Vec<(&'a GroupStory, Mishap)> {
    let mut joined: Vec<(&GroupStory, Mishap)> = Vec::new();
    for (group, next) in all {
        match joined.last_mut() {
            Some((of, last))
                if of.group == group.group
                    && (last.kind, last.cause, last.partition)
                        == (next.kind, next.cause, next.partition)
                    && last.to <= next.from
                    && (last.to == next.from || last.entry == next.entry) =>
            {
                last.records.extend_from_slice(&next.records);
                last.to = next.to;
            }
            Some(_) | None => joined.push((group, next.clone())),
        }
    }
    joined
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
    let words = &story.words.groups.why;
    let sentence = match mishap.kind {
        MishapKind::Skipped => words.skipped,
        MishapKind::Repeated => words.repeated,
    };
    Told {
        sign: "",
        time: Some(mishap.at),
        at: fill(story.words.why.seconds, &[&mishap.at.to_string()]),
        what: fill(sentence, &[&records(mishap, story.words)]),
        means: because(story, group, mishap),
        is_prelude: false,
    }
}

/// Says what did it.
fn because(story: &Story<'_>, group: &GroupStory, mishap: &Mishap) -> String {
    let words = &story.words.groups.why;
    let last = || match last_offset(story, group, mishap) {
        Some(offset) => fill(words.last_commit, &[&offset.to_string()]),
        None => words.no_commit.to_owned(),
    };
    match mishap.cause {
        MishapCause::CommittedTooFar(client, kind) => too_far(story, group, mishap, (client, kind)),
        MishapCause::GivenUp(client, outcome) => fill(
            words.given_up[place(outcome)],
            &[&story.client(client), &records(mishap, story.words)],
        ),
        MishapCause::Reset(client, cause) => reset(story, group, mishap, (client, cause)),
        MishapCause::Moved(client) => {
            let (name, partition) = (story.client(client), story.partition(mishap.partition));
            match worked_before(story, group, mishap, Some(client)) {
                Some(before) => {
                    let before = story.trace.name(before as i64);
                    fill(words.moved, &[&partition, before, &name, &last()])
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

/// Names the commit that passed over records, and says what it covered.
fn too_far(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
    (client, kind): (ClientId, CommitKind),
) -> String {
    let (words, kind) = (&story.words.groups.why, kind as i64);
    let to = committed_by(story, mishap).unwrap_or(number(mishap.to));
    let state = mishap.records.first().map(|&uid| state(story, group, mishap, uid));
    let mut text = committed(story, &story.client(client), kind, to)
        + &state.unwrap_or_default()
        + words.full_stop;
    push(&mut text, rule(kind, story.words));
    if let Some(commit) = last_commit(story, group, mishap, mishap.entry + 1) {
        let (covered, finished) = covered(story, group, mishap, &commit);
        if finished < covered {
            let (covered, finished) = (grouped(covered), grouped(finished));
            push(&mut text, &fill(words.covered, &[&covered, &finished]));
        }
    }
    text
}

fn reset(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
    (client, cause): (ClientId, ResetCause),
) -> String {
    let jumped = story.trace.entry(mishap.entry).iter().find(|it| it.kind == FactKind::Reset);
    let told = jumped.map_or(
        match mishap.kind {
            MishapKind::Skipped => number(mishap.to),
            MishapKind::Repeated => number(mishap.from),
        },
        |fact| fact.value,
    );
    let words = &story.words.groups.why;
    let (name, told) = (story.client(client), told.to_string());
    if cause == ResetCause::NoPosition {
        let partition = story.partition(mishap.partition);
        let group = story.group(group.group);
        return fill(words.no_offset, &[&group, &partition, &name, &told]);
    }
    fill(words.reset, &[&name, &told, reset_cause(cause as i64, story.words)])
}

/// Returns the place of an outcome among the words.
fn place(outcome: WorkOutcome) -> usize {
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

/// Returns the facts before a mishap, the latest first.
fn before<'a>(story: &Story<'a>, mishap: &Mishap) -> impl Iterator<Item = &'a TraceFact> {
    until(story, mishap.entry).iter().rev()
}

/// Returns what the commit of a mishap said of its partition.
fn committed_by(story: &Story<'_>, mishap: &Mishap) -> Option<i64> {
    let mut facts = story.trace.entry(mishap.entry).iter();
    let commit = facts.find(|fact| {
        matches!(fact.kind, FactKind::Commit | FactKind::CommitSent)
            && is_there(story, mishap, fact)
    });
    commit.map(|fact| fact.value)
}

/// Returns what a group had committed of a partition before a mishap.
fn last_offset(story: &Story<'_>, group: &GroupStory, mishap: &Mishap) -> Option<i64> {
    let of_group = (FactKind::Commit, i64::from(group.group.0));
    let mut written = before(story, mishap).filter(|fact| (fact.kind, fact.other) == of_group);
    let last = written.find(|fact| 0 <= fact.value && is_there(story, mishap, fact));
    last.map(|fact| fact.value)
}

/// Says whether a fact is about the work on a record.
fn is_work(fact: &TraceFact) -> bool {
    use FactKind::{Begin, Done, Failed, Leave, SinkRefused, SinkTook};
    matches!(fact.kind, Begin | Done | Leave | Failed | SinkTook | SinkRefused)
}

/// Returns who worked on the partition for the group, before this member if there is one.
pub(super) fn worked_before(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
    now: Option<ClientId>,
) -> Option<usize> {
    let now = now.and_then(|now| super::place(story, now));
    let mut work =
        before(story, mishap).filter(|fact| is_work(fact) && is_there(story, mishap, fact));
    let last = work.find(|fact| fact.by() != now && is_of(story, group, fact));
    last.and_then(TraceFact::by)
}

/// Says how far the work on a record was when a group's commit went over it.
fn state(story: &Story<'_>, group: &GroupStory, mishap: &Mishap, uid: Uid) -> String {
    let (words, name) = (&story.words.groups.why, format!("r{uid}"));
    let mut ended: BTreeSet<i64> = BTreeSet::new();
    let own = |fact: &&TraceFact| is_work(fact) && fact.other == i64::from(uid.0);
    for fact in before(story, mishap).filter(own).filter(|fact| is_of(story, group, fact)) {
        match fact.kind {
            FactKind::Begin if !ended.contains(&fact.actor) => {
                return fill(words.in_work, &[&name]);
            }
            FactKind::Failed => return fill(words.had_failed, &[&name]),
            FactKind::Done | FactKind::Leave => _ = ended.insert(fact.actor),
            _ => {}
        }
    }
    if ended.is_empty() { fill(words.not_begun, &[&name]) } else { String::new() }
}
