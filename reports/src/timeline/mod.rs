//! The picture of a trial for terminals: one lane per actor, time downward, facts as lines.
//!
//! In reading order: `row` (a line before it is drawn), `read` with `client_rows`,
//! `broker_rows`, `controller_rows`, `group_rows`, `member_rows` and `fault_rows` (from the
//! facts of a trace to rows), `fold` (few lines of many rows), `draw` (from rows to text).

mod broker_rows;
mod client_rows;
mod controller_rows;
mod draw;
mod fault_rows;
mod fold;
mod group_rows;
mod member_rows;
mod read;
mod row;

use std::collections::{BTreeMap, BTreeSet};

use model::ids::Uid;
use model::time::Time;
use sim::verdict::MishapKind;

pub(crate) use client_rows::{consumer_error, reset_cause};
pub(crate) use group_rows::rebalances_told;

use unicode_width::UnicodeWidthStr;

use crate::story::{Story, record_names};
use crate::text::{Line, Signs, counted, fill, grouped};
use crate::trace::{ActorKind, FactKind, LossStory, Trace};
use crate::words::Words;
use draw::Lanes;
use read::Reader;
use row::{Counted, Fold, Item, Row, Weight};

/// Lines after which a timeline leaves out calm stretches.
pub const LINES: usize = 60;

/// Columns for what a fold stands for.
const FOLD: usize = 62;

/// The signs of the four moments.
pub(crate) const MOMENTS: [&str; 4] = ["①", "②", "③", "④"];
/// Losses whose first moment is marked.
const PROMISES_SHOWN: usize = 3;
/// Places of evidence that are marked where there is no loss.
const EVIDENCE_SHOWN: usize = 4;

/// Draws the trace of a trial in about `lines` lines; empty if nothing happens in it.
pub fn timeline(story: &Story<'_>, signs: Signs, lines: usize) -> Vec<Line> {
    timed(story, signs, lines).into_iter().map(|(_, line)| line).collect()
}

/// Draws the same, each line with the time at which all of it has happened.
pub fn timed(story: &Story<'_>, signs: Signs, lines: usize) -> Vec<(Time, Line)> {
    if story.trace.facts.is_empty() {
        return Vec::new();
    }
    let reader = Reader::read(story);
    let mut lanes = Lanes::new(story.trace, signs);
    let mut drawn = vec![(Time::default(), header(story, &lanes, &reader))];
    let moments = moments(story);
    let mut rows = reader.rows;
    for row in &mut rows {
        if row.entries.iter().any(|entry| moments.contains_key(entry)) {
            row.weight = Weight::Moment;
        }
    }
    let wrapped: usize = rows.iter().map(draw::lines_beyond_first).sum();
    for item in fold::fold(rows, lines.saturating_sub(wrapped)) {
        match item {
            Item::Row(row) => {
                let lines = lanes.row(&row, moment(&row, &moments).as_deref());
                drawn.extend(lines.into_iter().map(|line| (row.at, line)));
            }
            Item::Fold(fold) => {
                let line = lanes.fold(&fold_text(story, &fold), &fold.stems);
                drawn.push((fold.to, line));
            }
        }
    }
    drawn
}

/// Draws what some entries of the history show, those of one record, and between the first and
/// the last of them every fault, election and change of the ISR.
pub fn course(
    story: &Story<'_>,
    signs: Signs,
    uid: Uid,
    mut entries: BTreeSet<usize>,
) -> Vec<Line> {
    let reader = Reader::read(story);
    let mut lanes = Lanes::new(story.trace, signs);
    let mut drawn = vec![header(story, &lanes, &reader)];
    let moments = moments_of(story, uid);
    entries.extend(moments.keys());
    let within = entries.first().copied().zip(entries.last().copied());
    let (mut rows, mut stems) = (Vec::new(), Vec::new());
    for mut row in reader.rows {
        let own = row.entries.iter().any(|entry| entries.contains(entry));
        let between = |entry: &usize| within.is_some_and(|(a, b)| a <= *entry && *entry <= b);
        // What a row that is left out does to a lane, the next one shows.
        stems.append(&mut row.stems);
        if own {
            (row.weight, row.beat) = (Weight::Moment, None);
        } else if row.weight < Weight::Key || !row.entries.iter().any(between) {
            continue;
        }
        row.stems = std::mem::take(&mut stems);
        rows.push(row);
    }
    for item in fold::fold(rows, LINES) {
        match item {
            Item::Row(row) => drawn.extend(lanes.row(&row, moment(&row, &moments).as_deref())),
            Item::Fold(fold) => drawn.push(lanes.fold(&fold_text(story, &fold), &fold.stems)),
        }
    }
    drawn
}

/// Returns what the margin says of one record at which entries of the history.
fn moments_of(story: &Story<'_>, uid: Uid) -> BTreeMap<usize, String> {
    let judged = &story.trace.judged;
    let mut marked = BTreeMap::new();
    if let Some(loss) = judged.losses.iter().find(|loss| loss.record == uid) {
        for (number, entry) in shown_moments(story.trace, loss) {
            marked.entry(entry).or_insert_with(|| moment_text(story, number));
        }
    }
    for mishap in judged.mishaps.iter().filter(|mishap| mishap.records.contains(&uid)) {
        let text = format!("◆ {}", mishap_word(mishap.kind, story.words));
        marked.insert(mishap.moment.1, text);
    }
    marked
}

fn moment_text(story: &Story<'_>, number: usize) -> String {
    format!("{} {}", MOMENTS[number], story.words.moments[number])
}

/// Returns the moments of a loss that came, each with the entry at which it is drawn.
fn shown_moments(trace: &Trace, loss: &LossStory) -> impl Iterator<Item = (usize, usize)> {
    let numbered = loss.moments.iter().enumerate();
    numbered.map(move |(number, &(_, entry))| match number {
        0 => (number, drawn_promise(trace, entry, loss.record)),
        _ => (number, entry),
    })
}

fn mishap_word(kind: MishapKind, words: &Words) -> &'static str {
    match kind {
        MishapKind::Skipped => words.groups.mishaps[0],
        MishapKind::Repeated => words.groups.mishaps[1],
    }
}

fn header(story: &Story<'_>, lanes: &Lanes, reader: &Reader<'_>) -> Line {
    let mut marks = BTreeMap::new();
    if let Some((broker, epoch)) = reader.first_leader {
        marks.insert(broker, format!("★ e{epoch}"));
    }
    lanes.header(story.words.time, &marks)
}

/// Returns the places of the actors in the order of their lanes, group by group.
pub(crate) fn actors(trace: &Trace) -> Vec<Vec<usize>> {
    let of = |kind, is_member: bool| {
        let all = trace.actors.iter().enumerate();
        let of_kind = all.filter(|(_, it)| it.kind == kind && it.group.is_some() == is_member);
        of_kind.map(|(place, _)| place).collect()
    };
    vec![
        of(ActorKind::Controller, false),
        of(ActorKind::Producer, false),
        of(ActorKind::Broker, false),
        of(ActorKind::Consumer, false),
        of(ActorKind::Consumer, true),
    ]
}

fn moment(row: &Row, moments: &BTreeMap<usize, String>) -> Option<String> {
    let mut found: Vec<_> = row.entries.iter().filter_map(|entry| moments.get(entry)).collect();
    found.dedup();
    match found.as_slice() {
        [] => None,
        [one] => Some((*one).clone()),
        many => Some(many.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" ")),
    }
}

/// Returns what the margin says at which entries of the history.
fn moments(story: &Story<'_>) -> BTreeMap<usize, String> {
    let judged = &story.trace.judged;
    let mut moments = BTreeMap::new();
    for loss in judged.losses.iter().take(PROMISES_SHOWN) {
        let promise = shown_moments(story.trace, loss).next();
        moments.extend(promise.map(|(number, entry)| (entry, moment_text(story, number))));
    }
    if let Some(loss) = judged.losses.first() {
        for (number, entry) in shown_moments(story.trace, loss).skip(1) {
            moments.entry(entry).or_insert_with(|| moment_text(story, number));
        }
        return moments;
    }
    for mishap in judged.mishaps.iter().take(EVIDENCE_SHOWN) {
        let word = mishap_word(mishap.kind, story.words);
        moments.insert(mishap.moment.1, format!("◆ {word}"));
    }
    for claim in judged.claims.iter().filter(|claim| claim.result == "breaks") {
        for &entry in claim.entries.iter().take(EVIDENCE_SHOWN) {
            moments.entry(entry).or_insert_with(|| format!("◆ {}", story.words.evidence));
        }
    }
    moments
}

/// A promise is drawn where it reaches the producer.
fn drawn_promise(trace: &Trace, entry: usize, uid: Uid) -> usize {
    let from = trace.facts.partition_point(|fact| fact.entry < entry);
    let told = trace.facts[from..].iter().find(|fact| {
        let is_end = matches!(
            fact.kind,
            FactKind::Ack | FactKind::Untold | FactKind::Fail | FactKind::Unknown
        );
        is_end && (fact.value..fact.value + fact.other).contains(&i64::from(uid.0))
    });
    told.map_or(entry, |fact| fact.entry)
}

/// Says what a fold stands for.
fn fold_text(story: &Story<'_>, fold: &Fold) -> String {
    let (from, to) = (fold.from.to_string(), fold.to.to_string());
    if let Some((first, last, count)) = fold.rounds {
        let count_text = grouped(count as u64);
        let (sentence, records) = match count {
            1 => (story.words.one_round, record_names(first, last)),
            _ => {
                let ends = [format!("r{first}"), format!("r{last}")];
                let rounds = if from == to { story.words.rounds_at } else { story.words.rounds };
                (rounds, fill(story.words.run_span, &[&ends[0], &ends[1]]))
            }
        };
        let text = fill(sentence, &[&records, &count_text, &from, &to]);
        return text + &watermarks(story, fold);
    }
    let head = if from == to { story.words.fold_at } else { story.words.fold_span };
    let count = |what| fold.counts.get(&what).copied().unwrap_or(0);
    let (written, acknowledged) = (count(Counted::Written), count(Counted::Acknowledged));
    let mut parts = Vec::new();
    let mut say = |number, noun| {
        if 0 < number {
            parts.push(counted(number, noun));
        }
    };
    if written == acknowledged {
        say(written, story.words.calm);
    } else {
        say(written, story.words.written);
        say(acknowledged, story.words.acknowledged);
    }
    say(count(Counted::Read), story.words.read);
    say(count(Counted::Processed), story.words.groups.processed);
    say(count(Counted::Committed), story.words.groups.commits);
    say(count(Counted::SendLost), story.words.sends_lost);
    say(count(Counted::Refused), story.words.refusals);
    say(count(Counted::Retried), story.words.retries);
    say(count(Counted::Other), story.words.others);
    // Under acks=0 nobody is ever told anything.
    if 0 < written && acknowledged == 0 && story.promises() != "0" {
        parts.insert(1, story.words.unacknowledged.to_owned());
    }
    if parts.is_empty() {
        parts.push(story.words.routine.to_owned());
    }
    // What comes last matters least.
    while FOLD < parts.iter().map(|part| part.width() + 2).sum() {
        parts.pop();
    }
    fill(head, &[&from, &to]) + &parts.join(story.words.parts_joint)
}

/// Returns an error's name, and behind `|` a short one if it is long.
fn error_forms(reader: &Reader<'_>, number: i64) -> String {
    let name = reader.trace.error_name(number);
    match reader.words.errors.iter().find(|(long, _)| *long == name) {
        Some((_, short)) => format!("{name}|{short}"),
        None => name.to_owned(),
    }
}

fn watermarks(story: &Story<'_>, fold: &Fold) -> String {
    let Some(&highest) = fold.watermarks.values().max() else { return String::new() };
    let there = fold.watermarks.iter().filter(|&(_, &offset)| offset == highest);
    let names: Vec<_> =
        there.map(|(&broker, _)| story.trace.actors[broker].name.as_str()).collect();
    fill(story.words.rounds_end, &[&highest.to_string(), &names.join(" ")])
}
