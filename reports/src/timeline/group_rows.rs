//! Rows for what group coordinators did: rebalances, members that come and go, commits.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::{GroupPhase, RebalanceCause};
use model::time::{Duration, Time};
use unicode_width::UnicodeWidthStr;

use super::draw;
use super::error_forms;
use super::read::Reader;
use super::row::{Arrow, ArrowEnd, Beat, Counted, Row, Weight};
use crate::story::Story;
use crate::text::{Tone, counted, fill};
use crate::trace::{FactKind, NONE, RebalanceStory, Trace, TraceFact};
use crate::words::Groups;

/// Forms that the words about a rebalance have besides the shortest one.
const REBALANCE_FORMS: usize = 3;

/// What is known of groups at one point of a trace.
pub(crate) struct GroupsSeen<'a> {
    /// The rebalances, by the entries with which they began.
    rebalances: BTreeMap<usize, &'a RebalanceStory>,
    /// What each member owned when it last said so.
    pub(crate) owned: BTreeMap<usize, Vec<usize>>,
    /// What each group has committed of the partition that is shown.
    committed: BTreeMap<i64, i64>,
    /// Where each member's last commit was sent.
    pub(crate) commit_sent: BTreeMap<usize, usize>,
    /// Where the work of a member on a record that is not over began.
    pub(crate) began: BTreeMap<(usize, i64), usize>,
    /// The records that each group has finished.
    pub(crate) done: BTreeSet<(usize, i64)>,
}

impl<'a> GroupsSeen<'a> {
    /// Nothing has happened yet.
    pub(crate) fn new(trace: &'a Trace) -> GroupsSeen<'a> {
        let all = trace.judged.rebalances.iter();
        GroupsSeen {
            rebalances: all.map(|told| (told.entry, told)).collect(),
            owned: BTreeMap::new(),
            committed: BTreeMap::new(),
            commit_sent: BTreeMap::new(),
            began: BTreeMap::new(),
            done: BTreeSet::new(),
        }
    }
}

/// Makes the row of a rebalance that begins with this entry.
pub(crate) fn rebalance(reader: &Reader<'_>, at: usize, time: Time) -> Option<Row> {
    let &told = reader.groups.rebalances.get(&at)?;
    let mut earlier = reader.groups.rebalances.range(..at).map(|(_, it)| it.group);
    let is_first = !earlier.any(|of| of == told.group);
    let band = |length| format!("─ {} ─", rebalance_told(&reader.story, told, (is_first, length)));
    let shorter = (0..REBALANCE_FORMS).map(band).find(|band| band.width() <= draw::BAND);
    let band = shorter.unwrap_or_else(|| band(REBALANCE_FORMS));
    Some(Row::new(time, at, Weight::Key).band(band))
}

/// Tells each rebalance of a group at full length, with the time at which it began.
pub(crate) fn rebalances_told(story: &Story<'_>, group: usize) -> Vec<(Time, String)> {
    let all = story.trace.judged.rebalances.iter().filter(|it| it.group == group).enumerate();
    all.map(|(at, it)| (Time(it.from), rebalance_told(story, it, (at == 0, 0)))).collect()
}

/// Tells a rebalance; `length` is the place of the forms to use, the longest first.
fn rebalance_told(
    story: &Story<'_>,
    told: &RebalanceStory,
    (is_first, length): (bool, usize),
) -> String {
    let words = &story.words.groups;
    let cause = cause(story, told.cause.as_ref());
    let mut how = ended(words, told, length);
    // Before a group's first one nobody had anything that could move or stand still.
    if !is_first {
        how += &moved(words, told, length);
    }
    let group = story.trace.groups.get(told.group).map_or("", |group| &group.name);
    // The sentence itself is cut last.
    form(words.rebalance, length / REBALANCE_FORMS, &[group, &cause, &how])
}

/// Says how a rebalance ended; `length` is the place of the forms to use, the longest first.
fn ended(words: &Groups, told: &RebalanceStory, length: usize) -> String {
    let generation = told.generation.to_string();
    match told.to {
        Some(_) if told.members == 0 => words.emptied.to_owned(),
        Some(ended) if ended == told.from => form(words.at_once, length, &[&generation]),
        Some(ended) => {
            let lasted = Duration(ended - told.from).to_string();
            form(words.lasted, length, &[&generation, &lasted])
        }
        None => words.unfinished.to_owned(),
    }
}

/// Says what a rebalance did to partitions.
fn moved(words: &Groups, told: &RebalanceStory, length: usize) -> String {
    let mut how = String::new();
    if told.moved != 0 {
        how += &form(&counted(u64::from(told.moved), words.moved), length, &[]);
    }
    if told.stopped != 0 {
        let sentence = counted(u64::from(told.stopped), words.stopped);
        how += &form(&sentence, length, &["", &Duration(told.stopped_for).to_string()]);
    }
    how
}

/// Fills in one of a text's forms (`|` between them): the one at `place`, else the last.
fn form(forms: &str, place: usize, values: &[&str]) -> String {
    let chosen = forms.split('|').take(place + 1).last().unwrap_or_default();
    fill(chosen, values)
}

/// Says why a rebalance began.
fn cause(story: &Story<'_>, cause: Option<&RebalanceCause>) -> String {
    let causes = &story.words.groups.causes;
    let (sentence, member) = match cause {
        None => return story.words.groups.no_cause.to_owned(),
        Some(RebalanceCause::Joined(member)) => (causes[0], member),
        Some(RebalanceCause::Rejoined(member)) => (causes[1], member),
        Some(RebalanceCause::Left(member)) => (causes[2], member),
        Some(RebalanceCause::SessionExpired(member)) => (causes[3], member),
        Some(RebalanceCause::RebalanceTimeout(member)) => (causes[4], member),
        Some(RebalanceCause::Topics) => return causes[5].to_owned(),
        Some(RebalanceCause::WriteFailed) => return causes[6].to_owned(),
        Some(RebalanceCause::Migrated) => return causes[7].to_owned(),
    };
    let place = story.trace.members.get(member).map(|&place| &story.trace.actors[place]);
    fill(sentence, &[place.map_or(&member.to_string(), |actor| &actor.name)])
}

/// Makes the row of a coordinator's fact, if it has one.
pub(crate) fn read(reader: &mut Reader<'_>, facts: &[TraceFact], main: &TraceFact) -> Option<Row> {
    let (node, words) = (main.by()?, &reader.words.groups);
    let row = |weight| Row::new(Time(main.at), main.entry, weight);
    let group = usize::try_from(main.other).ok().and_then(|it| reader.trace.groups.get(it));
    let group = group.map_or("", |group| group.name.as_str());
    match main.kind {
        FactKind::Group => {
            let is_stable = main.value == GroupPhase::Stable as i64;
            if !is_stable || reader.groups.rebalances.contains_key(&main.entry) {
                return None;
            }
            let generation = usize::try_from(main.other).ok();
            let generation = generation.and_then(|it| reader.state.groups.get(it))?.generation;
            let text = fill(words.stable, &[group, &generation.to_string()]);
            Some(row(Weight::Lesser).cell(node, Tone::Plain, text))
        }
        FactKind::Join | FactKind::Left | FactKind::Replaced => {
            membership(reader, row(Weight::Key), node, main)
        }
        FactKind::Coordinates => {
            let text = fill(words.coordinates, &[group]);
            Some(row(Weight::Key).cell(node, Tone::Strong, text))
        }
        FactKind::Resigns => {
            let text = fill(words.resigns, &[group]);
            Some(row(Weight::Notable).cell(node, Tone::Quiet, text))
        }
        FactKind::Commit | FactKind::CommitRefused => {
            let shown = facts.iter().find(|fact| reader.is_shown(fact))?;
            if shown.value == NONE {
                let text = fill(words.forgotten, &[group]);
                return Some(row(Weight::Key).cell(node, Tone::Risk, text));
            }
            commit(reader, row(Weight::Routine), node, shown)
        }
        _ => None,
    }
}

/// Tells of members that come and go.
fn membership(reader: &Reader<'_>, row: Row, node: usize, fact: &TraceFact) -> Option<Row> {
    let (words, name) = (&reader.words.groups, reader.trace.name(fact.peer));
    let end = ArrowEnd::Arrives;
    match (fact.kind, fact.with()) {
        (FactKind::Join, Some(from)) => {
            let (label, tone) = (fill(words.joins, &[name]), Tone::Sent);
            let row = row.arrow(Arrow { from, to: node, label, tone, end });
            Some(Row { weight: Weight::Notable, ..row })
        }
        (FactKind::Left, Some(from)) if fact.more == 0 => {
            let (label, tone) = (fill(words.leaves, &[name]), Tone::Risk);
            Some(row.arrow(Arrow { from, to: node, label, tone, end }))
        }
        (FactKind::Left, _) => {
            let why = usize::try_from(fact.more).ok().and_then(|it| words.leave_causes.get(it));
            let row = row.cell(node, Tone::Risk, fill(words.put_out, &[name]));
            Some(row.margin(why.copied().unwrap_or("")))
        }
        (FactKind::Replaced, Some(client)) => {
            let text = fill(words.replaced, &[reader.trace.error_name(fact.more)]);
            Some(row.cell(client, Tone::Plain, text))
        }
        _ => None,
    }
}

/// Tells of a commit that concerns the partition that is shown.
fn commit(reader: &mut Reader<'_>, mut row: Row, node: usize, fact: &TraceFact) -> Option<Row> {
    let (to, client) = (fact.value, fact.with());
    let label = fill(reader.words.groups.commit, &[&to.to_string()]);
    let end = ArrowEnd::Arrives;
    let made = |row: Row, tone| match client {
        Some(from) => row.arrow(Arrow { from, to: node, label: label.clone(), tone, end }),
        None => row.cell(node, tone, label.clone()),
    };
    if fact.kind == FactKind::CommitRefused {
        row.weight = Weight::Notable;
        return Some(made(row, Tone::Risk).margin(error_forms(reader, fact.more)));
    }
    let before = reader.groups.committed.insert(fact.other, to);
    if before == Some(to) {
        return None;
    }
    if client.is_none() || before.is_some_and(|before| to < before) {
        row.weight = Weight::Key; // an operator's, or one that moves back
        return Some(made(row, Tone::Risk));
    }
    let sent = client.and_then(|it| reader.groups.commit_sent.get(&it));
    row.entries.extend(sent);
    let batch = reader.leader().and_then(|leader| reader.batch_below(leader, to));
    let row = made(row, Tone::Committed).count(Counted::Committed, 1);
    Some(row.beat(Beat::Commit(node), batch.into_iter().collect()))
}
