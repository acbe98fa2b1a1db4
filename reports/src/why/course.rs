//! How it came that a group skipped or repeated records: the commit that did it, what stopped
//! its member, and who went on from where.

use std::collections::BTreeSet;

use model::ids::{ClientId, Offset};
use model::time::Time;
use sim::verdict::{GroupStory, Mishap, MishapCause, MishapKind};

use super::Told;
use super::mishaps::worked_before;
use crate::story::{Story, record_list, record_names};
use crate::text::{counted, fill};
use crate::trace::{FactKind, TraceFact};
use crate::words::Words;

/// Lines about what stopped a member.
const STOPS_SHOWN: usize = 2;

/// A commit of a mishap's partition, as its group's coordinator wrote it.
pub(super) struct Commit {
    /// Its place in the history.
    pub(super) entry: usize,
    /// Who sent it, and on what occasion, counted as in `CommitKind`; `None` for an operator's.
    pub(super) by: Option<(usize, i64)>,
    /// What had been committed before.
    pub(super) from: Option<i64>,
    /// What is committed by it.
    pub(super) to: i64,
}

/// A line and its time, since lines of several stories are told in order of time.
pub(super) type Timed = (Time, Told);

/// Returns the lines that belong around a mishap's own one: those before it, then those after.
pub(super) fn course(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
) -> (Vec<Timed>, Vec<Timed>) {
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
            let stops = stops(story, mishap, (begin, mishap.entry), former);
            let earlier = stops.len().saturating_sub(STOPS_SHOWN);
            lines.extend(stops.into_iter().skip(earlier));
            let refused = since(story, mishap.entry).iter();
            let mut refused = refused.filter_map(|fact| refused_to(story, mishap, fact, former));
            (lines, Vec::from_iter(refused.next()))
        }
        _ => (Vec::new(), Vec::new()),
    }
}

/// Returns the facts from an entry of the history on.
fn since<'a>(story: &Story<'a>, entry: usize) -> &'a [TraceFact] {
    let facts = &story.trace.facts;
    &facts[facts.partition_point(|fact| fact.entry < entry)..]
}

/// Returns the facts before an entry of the history.
pub(super) fn until<'a>(story: &Story<'a>, entry: usize) -> &'a [TraceFact] {
    let facts = &story.trace.facts;
    &facts[..facts.partition_point(|fact| fact.entry < entry)]
}

/// Says whether a fact is about the partition of a mishap.
pub(super) fn is_there(story: &Story<'_>, mishap: &Mishap, fact: &TraceFact) -> bool {
    let place = story.trace.partition(mishap.partition);
    place.is_some() && fact.place() == place
}

/// Says whether a fact is about somebody of a group.
pub(super) fn is_of(story: &Story<'_>, group: &GroupStory, fact: &TraceFact) -> bool {
    let actor = fact.by().and_then(|place| story.trace.actors.get(place));
    actor.is_some_and(|actor| actor.group == Some(usize::from(group.group.0)))
}

/// Tells what became of records that were committed before they were finished.
fn given_up(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
    client: ClientId,
) -> Vec<Timed> {
    let words = &story.words.groups.why;
    let later = since(story, mishap.entry);
    let place = super::place(story, client);
    let mut lines = Vec::new();
    let next = later.iter().find(|fact| {
        fact.kind == FactKind::Starts
            && is_there(story, mishap, fact)
            && (mishap.from.0 as i64) < fact.value
            && is_of(story, group, fact)
    });
    let end = later.iter().find(|fact| ends(fact, place));
    if let Some(end) = end.filter(|end| next.is_none_or(|next| end.at <= next.at)) {
        let what = fill(words.process_ended, &[&story.client(client)]);
        lines.push(line(story, end, what, words.in_hand.to_owned()));
    }
    if let Some(next) = next {
        let (name, partition) = (story.trace.name(next.actor), story.partition(mishap.partition));
        let what = fill(words.starts_at, &[name, &partition, &next.value.to_string()]);
        let means = fill(words.passed, &[&records(mishap, story.words)]);
        lines.push(line(story, next, what, means));
    }
    lines
}

/// Tells of a commit that was as it should be.
fn told_commit(story: &Story<'_>, group: &GroupStory, mishap: &Mishap, commit: &Commit) -> Timed {
    let what = match commit.by {
        Some((client, kind)) => {
            let name = story.trace.name(client as i64);
            committed(story, name, kind, commit.to) + story.words.groups.why.full_stop
        }
        None => crate::tell::tell(story, commit.entry),
    };
    let mut means = match commit.by {
        Some((_, kind)) => rule(kind, story.words).to_owned(),
        None => String::new(),
    };
    let (covered, finished) = covered(story, group, mishap, commit);
    if 0 < covered && covered == finished {
        push(&mut means, &counted(covered, story.words.groups.why.all_finished));
    }
    let at = story.trace.entry(commit.entry).first().map_or(0, |fact| fact.at);
    at_time(story, at, what, means)
}

/// Says who committed what by which call, without a full stop.
pub(super) fn committed(story: &Story<'_>, name: &str, kind: i64, to: i64) -> String {
    let calls = &story.words.groups.why.commit_calls;
    let sentence = usize::try_from(kind).ok().and_then(|place| calls.get(place));
    fill(sentence.copied().unwrap_or(""), &[name, &to.to_string()])
}

/// Says what a commit of this kind covers; empty where the application decides.
pub(super) fn rule(kind: i64, words: &Words) -> &'static str {
    const AUTO: i64 = 2;
    match kind {
        ..AUTO => "",
        AUTO => words.groups.why.auto_rules[0],
        _ => words.groups.why.auto_rules[1],
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
    let from = commit.from.unwrap_or(0);
    let finished: BTreeSet<i64> = until(story, commit.entry)
        .iter()
        .filter(|fact| fact.kind == FactKind::Done && (from..commit.to).contains(&fact.value))
        .filter(|fact| is_there(story, mishap, fact) && is_of(story, group, fact))
        .map(|fact| fact.other)
        .collect();
    ((commit.to - from).max(0) as u64, finished.len() as u64)
}

/// Says whether a fact is a commit of a mishap's partition by its group.
fn commits(story: &Story<'_>, group: &GroupStory, mishap: &Mishap, fact: &TraceFact) -> bool {
    let of_group = (FactKind::Commit, i64::from(group.group.0)) == (fact.kind, fact.other);
    of_group && is_there(story, mishap, fact) && story.trace.is_commit(fact)
}

/// Finds the last commit of a mishap's partition that lies before `end` in the history.
pub(super) fn last_commit(
    story: &Story<'_>,
    group: &GroupStory,
    mishap: &Mishap,
    end: usize,
) -> Option<Commit> {
    let facts = until(story, end).iter().rev();
    let mut written = facts.filter(|fact| commits(story, group, mishap, fact));
    let last = written.next()?;
    let to = last.value;
    let from = written.map(|fact| fact.value).find(|&offset| offset != to);
    let sent = until(story, last.entry).iter().rev().find(|fact| {
        (fact.kind, fact.value) == (FactKind::CommitSent, to)
            && is_there(story, mishap, fact)
            && is_of(story, group, fact)
    });
    let by = sent.and_then(|sent| Some((sent.by()?, sent.other)));
    Some(Commit { entry: last.entry, by, from, to })
}

/// Tells of what stopped a member.
fn stops(
    story: &Story<'_>,
    mishap: &Mishap,
    (from, to): (usize, usize),
    client: usize,
) -> Vec<Timed> {
    let mut is_dead = false;
    let mut stops = Vec::new();
    for fact in since(story, from).iter().take_while(|fact| fact.entry < to) {
        let Some(mut told) = stop(story, mishap, fact, client) else { continue };
        // Its membership outlives the process until the session is over.
        if is_dead {
            story.words.groups.why.waited.clone_into(&mut told.1.means);
        }
        is_dead = ends(fact, Some(client));
        stops.push(told);
    }
    stops
}

/// Tells of a fact with which a member stopped working, left its group or was put out of it.
fn stop(story: &Story<'_>, mishap: &Mishap, fact: &TraceFact, client: usize) -> Option<Timed> {
    let words = &story.words.groups.why;
    let name = story.trace.name(client as i64);
    let is_own = fact.by() == Some(client);
    let said = |sentence, means: &str| Some(line(story, fact, sentence, means.to_owned()));
    match fact.kind {
        FactKind::Down if is_own => said(fill(words.process_ended, &[name]), words.uncommitted),
        FactKind::Callback if is_own && fact.value == 0 && is_there(story, mishap, fact) => {
            let given = story.trace.entry(fact.entry).iter().filter_map(TraceFact::place);
            let given: Vec<_> = given.map(|place| story.trace.partitions[place].id).collect();
            let what = fill(words.gave_back, &[name, &story.partition_list(&given)]);
            said(what, words.uncommitted)
        }
        FactKind::Pause if is_own => said(fill(words.froze, &[name]), words.silent),
        FactKind::Left if fact.with() == Some(client) => {
            let (sentence, means) = match fact.more {
                0 => (words.left_group, ""),
                _ => (words.put_out, words.others_get),
            };
            let causes = &story.words.groups.leave_causes;
            let why = usize::try_from(fact.more).ok().and_then(|place| causes.get(place));
            said(fill(sentence, &[name, why.copied().unwrap_or("")]), means)
        }
        _ => None,
    }
}

/// Tells of a commit that failed because its member was out.
fn refused_to(
    story: &Story<'_>,
    mishap: &Mishap,
    fact: &TraceFact,
    client: usize,
) -> Option<Timed> {
    let words = &story.words.groups.why;
    let (name, error) = (story.trace.name(client as i64), story.trace.error_name(fact.more));
    let what = match fact.kind {
        FactKind::CommitFailed if fact.by() == Some(client) => fill(words.failed, &[name, error]),
        FactKind::CommitRefused if fact.with() == Some(client) && is_there(story, mishap, fact) => {
            let broker = story.trace.name(fact.actor);
            fill(words.refused_to, &[broker, name, &fact.value.to_string(), error])
        }
        _ => return None,
    };
    Some(line(story, fact, what, words.outside.to_owned()))
}

/// Says whether a client's process ends with this.
fn ends(fact: &TraceFact, client: Option<usize>) -> bool {
    fact.kind == FactKind::Down && client.is_some() && fact.by() == client
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

/// Returns an offset as facts count it.
pub(super) fn number(offset: Offset) -> i64 {
    offset.0 as i64
}

fn line(story: &Story<'_>, fact: &TraceFact, what: String, means: String) -> Timed {
    at_time(story, fact.at, what, means)
}

fn at_time(story: &Story<'_>, at: u64, what: String, means: String) -> Timed {
    let time = Time(at);
    let at = fill(story.words.why.seconds, &[&time.to_string()]);
    (time, Told { at, time: Some(time), what, means, ..Told::default() })
}
