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

use std::collections::BTreeMap;

use model::fact::Fact;
use model::ids::{ClientId, NodeId};
use model::message::ErrorCode;
use sim::history::Event;
use sim::plan::ClientRole;
use sim::verdict::{MishapKind, Verdict};

pub(crate) use client_rows::{consumer_error, reset_cause};
pub(crate) use group_rows::offset_of;

use crate::story::{Story, broker_name, record_names};
use crate::text::{Line, Signs, counted, fill, grouped};
use crate::words::EN;
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
    if story.outcome.history.is_empty() {
        return Vec::new();
    }
    let reader = Reader::read(story, &EN);
    let mut lanes = Lanes::new(story, signs);
    let mut marks = BTreeMap::new();
    if let Some((broker, epoch)) = reader.first_leader {
        marks.insert(NodeId::Broker(broker), format!("★ e{epoch}"));
    }
    let mut drawn = vec![lanes.header(EN.time, &marks)];
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
            Item::Row(row) => drawn.extend(lanes.row(&row, moment(&row, &moments).as_deref())),
            Item::Fold(fold) => drawn.push(lanes.fold(&fold_text(story, &fold), &fold.stems)),
        }
    }
    drawn
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
    let found: Vec<_> = row.entries.iter().filter_map(|entry| moments.get(entry)).collect();
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
    let say = |number: usize| format!("{} {}", MOMENTS[number], EN.moments[number]);
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
        let word = match mishap.kind {
            MishapKind::Skipped => EN.groups.mishaps[0],
            MishapKind::Repeated => EN.groups.mishaps[1],
        };
        moments.insert(mishap.entry, format!("◆ {word}"));
    }
    for finding in &judgement.findings {
        if let Verdict::Breaks(evidence) = &finding.verdict {
            for &entry in evidence.entries.iter().take(EVIDENCE_SHOWN) {
                moments.entry(entry).or_insert_with(|| format!("◆ {}", EN.evidence));
            }
        }
    }
    moments
}

/// A promise is drawn where it reaches the producer.
fn drawn_promise(story: &Story<'_>, entry: usize, uid: model::ids::Uid) -> usize {
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
            1 => (EN.one_round, record_names(first, last)),
            _ => (EN.rounds, format!("r{first} to r{last}")),
        };
        let text = fill(sentence, &[&records, &count_text, &from, &to]);
        return text + &watermarks(fold);
    }
    let head = if from == to { EN.fold_at } else { EN.fold_span };
    let count = |what| fold.counts.get(&what).copied().unwrap_or(0);
    let (written, acknowledged) = (count(Counted::Written), count(Counted::Acknowledged));
    let mut parts = Vec::new();
    let mut say = |number, noun| {
        if 0 < number {
            parts.push(counted(number, noun));
        }
    };
    if written == acknowledged {
        say(written, EN.calm);
    } else {
        say(written, EN.written);
        say(acknowledged, EN.acknowledged);
    }
    say(count(Counted::Read), EN.read);
    say(count(Counted::Processed), EN.groups.processed);
    say(count(Counted::Committed), EN.groups.commits);
    say(count(Counted::SendLost), EN.sends_lost);
    say(count(Counted::Refused), EN.refusals);
    say(count(Counted::Retried), EN.retries);
    say(count(Counted::Other), EN.others);
    // Under acks=0 nobody is ever told anything.
    if 0 < written && acknowledged == 0 && story.promises() != "0" {
        parts.insert(1, EN.unacknowledged.to_owned());
    }
    if parts.is_empty() {
        parts.push(EN.routine.to_owned());
    }
    // What comes last matters least.
    while FOLD < parts.iter().map(|part| part.len() + 2).sum() {
        parts.pop();
    }
    fill(head, &[&from, &to]) + &parts.join(", ")
}

/// Returns an error's name, and behind `|` a short one if it is long.
pub(crate) fn error_forms(error: ErrorCode) -> String {
    let name = error.name();
    match EN.errors.iter().find(|(long, _)| *long == name) {
        Some((_, short)) => format!("{name}|{short}"),
        None => name.to_owned(),
    }
}

fn watermarks(fold: &Fold) -> String {
    let Some(&highest) = fold.watermarks.values().max() else { return String::new() };
    let there = fold.watermarks.iter().filter(|&(_, &offset)| offset == highest);
    let names: Vec<_> = there.map(|(&broker, _)| broker_name(broker)).collect();
    fill(EN.rounds_end, &[&highest.to_string(), &names.join(" ")])
}
