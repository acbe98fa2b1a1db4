//! The picture of a trial for terminals: one lane per actor, time downward, facts as lines.
//!
//! In reading order: `row` (a line before it is drawn), `read` with `client_rows`,
//! `broker_rows`, `controller_rows`, `group_rows`, `member_rows` and `fault_rows` (from facts
//! to rows), `fold` (few lines of many rows), `draw` (from rows to text).

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

use model::fact::Fact;
use model::ids::{ClientId, NodeId, Uid};
use model::message::ErrorCode;
use model::time::Time;
use sim::history::Event;
use sim::plan::ClientRole;
use sim::verdict::{MishapKind, Verdict};

pub(crate) use client_rows::{consumer_error, reset_cause};
pub(crate) use group_rows::{offset_of, rebalances_told};

use unicode_width::UnicodeWidthStr;

use crate::story::{Story, broker_name, record_names};
use crate::text::{Line, Signs, counted, fill, grouped};
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

/// Draws the history of a trial in about `lines` lines; empty if there is no history.
pub fn timeline(story: &Story<'_>, signs: Signs, lines: usize) -> Vec<Line> {
    timed(story, signs, lines).into_iter().map(|(_, line)| line).collect()
}

/// Draws the same, each line with the time at which all of it has happened.
pub fn timed(story: &Story<'_>, signs: Signs, lines: usize) -> Vec<(Time, Line)> {
    if story.outcome.history.is_empty() {
        return Vec::new();
    }
    let reader = Reader::read(story);
    let mut lanes = Lanes::new(story, signs);
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
    let mut lanes = Lanes::new(story, signs);
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
    let judgement = &story.outcome.judgement;
    let mut marked = BTreeMap::new();
    if let Some(loss) = judgement.losses.iter().find(|loss| loss.uid == uid) {
        let promise = drawn_promise(story, loss.promise.entry, uid);
        let rest = [Some(loss.at_risk), Some(loss.decided), loss.gone].into_iter().flatten();
        let entries = std::iter::once(promise).chain(rest.map(|moment| moment.entry));
        for (number, entry) in entries.enumerate() {
            let text = format!("{} {}", MOMENTS[number], story.words.moments[number]);
            marked.entry(entry).or_insert(text);
        }
    }
    let mishaps = judgement.groups.iter().flat_map(|group| &group.mishaps);
    for mishap in mishaps.filter(|mishap| mishap.records.contains(&uid)) {
        marked.insert(mishap.entry, format!("◆ {}", mishap_word(mishap.kind, story.words)));
    }
    marked
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
        marks.insert(NodeId::Broker(broker), format!("★ e{epoch}"));
    }
    lanes.header(story.words.time, &marks)
}

/// Returns the actors in the order of their lanes, group by group.
pub(crate) fn actors(story: &Story<'_>) -> Vec<Vec<NodeId>> {
    let numbered = || (0..).map(ClientId).zip(&story.plan.clients);
    let producers = numbered()
        .filter(|(_, client)| matches!(client.role, ClientRole::Producer(_)))
        .map(|(id, _)| NodeId::Client(id));
    let consumers = numbered()
        .filter(|(_, client)| matches!(client.role, ClientRole::Consumer(_)))
        .map(|(id, _)| NodeId::Client(id));
    let members = numbered()
        .filter(|(_, client)| matches!(client.role, ClientRole::Member(_)))
        .map(|(id, _)| NodeId::Client(id));
    vec![
        vec![controller_rows::CONTROLLER],
        producers.collect(),
        story.plan.brokers.iter().map(|broker| NodeId::Broker(broker.id)).collect(),
        consumers.collect(),
        members.collect(),
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
    let judgement = &story.outcome.judgement;
    let mut moments = BTreeMap::new();
    let say = |number: usize| format!("{} {}", MOMENTS[number], story.words.moments[number]);
    for loss in judgement.losses.iter().take(PROMISES_SHOWN) {
        moments.insert(drawn_promise(story, loss.promise.entry, loss.uid), say(0));
    }
    if let Some(loss) = judgement.losses.first() {
        let rest = [Some(loss.at_risk), Some(loss.decided), loss.gone];
        for (number, moment) in (1..).zip(rest) {
            if let Some(moment) = moment {
                moments.entry(moment.entry).or_insert_with(|| say(number));
            }
        }
        return moments;
    }
    let mishaps = judgement.groups.iter().flat_map(|group| &group.mishaps);
    for mishap in mishaps.take(EVIDENCE_SHOWN) {
        let word = mishap_word(mishap.kind, story.words);
        moments.insert(mishap.entry, format!("◆ {word}"));
    }
    for finding in &judgement.findings {
        if let Verdict::Breaks(evidence) = &finding.verdict {
            for &entry in evidence.entries.iter().take(EVIDENCE_SHOWN) {
                moments.entry(entry).or_insert_with(|| format!("◆ {}", story.words.evidence));
            }
        }
    }
    moments
}

/// A promise is drawn where it reaches the producer.
fn drawn_promise(story: &Story<'_>, entry: usize, uid: Uid) -> usize {
    let after = story.outcome.history.iter().enumerate().skip(entry);
    let told = after.clone().find(|(_, entry)| match &entry.event {
        Event::Fact(Fact::Completed { uids, .. }) => uids.contains(&uid),
        _ => false,
    });
    told.map_or(entry, |(at, _)| at)
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
        return text + &watermarks(fold, story.words);
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
pub(crate) fn error_forms(error: ErrorCode, words: &Words) -> String {
    let name = error.name();
    match words.errors.iter().find(|(long, _)| *long == name) {
        Some((_, short)) => format!("{name}|{short}"),
        None => name.to_owned(),
    }
}

fn watermarks(fold: &Fold, words: &Words) -> String {
    let Some(&highest) = fold.watermarks.values().max() else { return String::new() };
    let there = fold.watermarks.iter().filter(|&(_, &offset)| offset == highest);
    let names: Vec<_> = there.map(|(&broker, _)| broker_name(broker)).collect();
    fill(words.rounds_end, &[&highest.to_string(), &names.join(" ")])
}
