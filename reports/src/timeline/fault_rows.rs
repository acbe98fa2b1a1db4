//! Rows for what the world did. Faults of one instant that belong together make one row.

use std::collections::BTreeSet;

use model::ids::{NodeId, Offset};
use model::time::Time;
use sim::history::{Entry, Event, Fault, RuleFate};

use super::read::Reader;
use super::row::{Arrow, ArrowEnd, Row, Stem, Weight};
use crate::story::Story;
use crate::text::{Tone, fill};
use crate::words::Words;

/// Reads the fault at `at` and those that belong to it; returns the place after them.
pub(crate) fn read(reader: &mut Reader<'_>, at: usize, history: &[Entry]) -> usize {
    let entry = &history[at];
    let Event::Fault(fault) = &entry.event else { return at + 1 };
    let alike = |other: &&Entry| {
        let Event::Fault(other_fault) = &other.event else { return false };
        other.at == entry.at && same_kind(fault, other_fault)
    };
    let many = history[at..].iter().take_while(alike).count();
    let words = reader.words;
    let sentence = match fault {
        Fault::LinkCut { .. } => Some(words.link_cut),
        Fault::LinkHealed { .. } => Some(words.link_healed),
        Fault::LinkSlow { .. } => Some(words.link_slow),
        Fault::LinkUsual { .. } => Some(words.link_usual),
        Fault::Reset(_) => Some(words.reset),
        _ => None,
    };
    let Some(sentence) = sentence else {
        let row = single(reader, at, entry.at, fault);
        reader.rows.extend(row);
        return at + 1;
    };
    let mut pairs: Vec<_> = history[at..at + many].iter().filter_map(ends).collect();
    if !matches!(fault, Fault::LinkCut { .. } | Fault::LinkHealed { .. }) {
        let back: Vec<_> = pairs.iter().map(|&(from, to)| (to, from)).collect();
        pairs.extend(back); // these concern both ways
    }
    let band = format!("░ {} ░", fill(sentence, &[&sides(&reader.story, words, &pairs)]));
    let mut row = Row::new(entry.at, at, Weight::Key).band(band);
    row.entries = (at..at + many).collect();
    reader.rows.push(row);
    at + many
}

fn same_kind(one: &Fault, other: &Fault) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Returns the two ends of a link fault.
fn ends(entry: &Entry) -> Option<(NodeId, NodeId)> {
    match &entry.event {
        Event::Fault(
            Fault::LinkCut { from, to }
            | Fault::LinkHealed { from, to }
            | Fault::LinkSlow { from, to }
            | Fault::LinkUsual { from, to },
        ) => Some((*from, *to)),
        Event::Fault(Fault::Reset(connection)) => Some((connection.client, connection.server)),
        _ => None,
    }
}

/// Names the two sides of links: `b1 – b2 b3` both ways, `b1 → b2` one way.
fn sides(story: &Story<'_>, words: &Words, pairs: &[(NodeId, NodeId)]) -> String {
    let all: BTreeSet<_> = pairs.iter().copied().collect();
    let Some(&(first, _)) = all.first() else { return String::new() };
    let right: BTreeSet<_> = all.iter().filter(|it| it.0 == first).map(|it| it.1).collect();
    let Some(&partner) = right.first() else { return String::new() };
    let left: BTreeSet<_> = all.iter().filter(|it| it.1 == partner).map(|it| it.0).collect();
    let clean = left.is_disjoint(&right);
    let one_way: BTreeSet<_> =
        left.iter().flat_map(|&from| right.iter().map(move |&to| (from, to))).collect();
    let both_ways: BTreeSet<_> =
        one_way.iter().flat_map(|&(from, to)| [(from, to), (to, from)]).collect();
    let names = |side: &BTreeSet<NodeId>| {
        side.iter().map(|&node| story.node(node)).collect::<Vec<_>>().join(" ")
    };
    if clean && all == both_ways {
        format!("{} – {}", names(&left), names(&right))
    } else if clean && all == one_way {
        format!("{} → {}", names(&left), names(&right))
    } else {
        fill(words.links, &[&all.len().to_string()])
    }
}

fn single(reader: &mut Reader<'_>, at: usize, time: Time, fault: &Fault) -> Option<Row> {
    let words = reader.words;
    let row = Row::new(time, at, Weight::Key);
    match fault {
        Fault::Started { node, incarnation } => {
            reader.down.remove(node);
            let row = row.stem(*node, Stem::Up);
            (1 < *incarnation).then(|| row.cell(*node, Tone::Strong, back(reader, *node)))
        }
        Fault::Crashed(node) => Some(stopped(reader, row, *node, words.down)),
        Fault::PowerLost(node) => Some(stopped(reader, row, *node, words.power)),
        Fault::Exited(node) => Some(stopped(reader, row, *node, words.exits)),
        Fault::UnsyncedLost { broker, partition, from, to } => {
            if *partition != reader.focus || from == to {
                return None;
            }
            reader.cut(*broker, *to);
            let text = fill(words.took, &[&from.to_string(), &to.to_string()]);
            Some(row.cell(NodeId::Broker(*broker), Tone::Lost, text))
        }
        Fault::ShutdownAsked(node) => Some(row.cell(*node, Tone::Risk, words.stopping)),
        Fault::Paused(node) => {
            Some(row.cell(*node, Tone::Risk, words.frozen).stem(*node, Stem::Frozen))
        }
        Fault::Resumed(node) => {
            Some(row.stem(*node, Stem::Up).cell(*node, Tone::Strong, words.goes_on))
        }
        Fault::RuleApplied { kind, from, to, fate, .. } => {
            let row = Row { weight: Weight::Notable, ..row };
            Some(ruled(words, row, (*from, *to, kind.to_string()), *fate))
        }
        Fault::Released { messages } => {
            Some(row.band(format!("░ {} ░", fill(words.released, &[&messages.to_string()]))))
        }
        Fault::DiskSlow(node) => Some(row.cell(*node, Tone::Risk, words.disk_slow)),
        Fault::DiskStalled(node) => Some(row.cell(*node, Tone::Risk, words.disk_stalled)),
        Fault::DiskUsual(node) => Some(row.cell(*node, Tone::Plain, words.disk_usual)),
        Fault::ClockJumped { node, by_micros } => {
            let text = fill(words.clock, &[&jump(*by_micros)]);
            Some(row.cell(*node, Tone::Risk, text))
        }
        Fault::ClockDrifts { node, ppm } => {
            Some(row.cell(*node, Tone::Risk, fill(words.clock_drift, &[&format!("{ppm:+}")])))
        }
        // A marker is for conditions; what its step says stands there anyway.
        Fault::Marked
        | Fault::LinkCut { .. }
        | Fault::LinkHealed { .. }
        | Fault::LinkSlow { .. }
        | Fault::LinkUsual { .. }
        | Fault::Reset(_) => None,
    }
}

/// Writes a clock's jump with its sign: `+5.000`.
fn jump(by_micros: i64) -> String {
    let sign = if by_micros < 0 { '-' } else { '+' };
    format!("{sign}{}", Time(by_micros.unsigned_abs()))
}

fn back(reader: &Reader<'_>, node: NodeId) -> String {
    match node {
        NodeId::Broker(broker) if reader.logs.contains_key(&broker) => {
            fill(reader.words.back_at, &[&reader.end_of(broker).to_string()])
        }
        NodeId::Broker(_) | NodeId::Controller(_) | NodeId::Client(_) => {
            reader.words.back.to_owned()
        }
    }
}

/// A process stopped: what the other replicas have is what counts from here on.
fn stopped(reader: &mut Reader<'_>, row: Row, node: NodeId, text: &str) -> Row {
    reader.down.insert(node);
    let mut row = row.stem(node, Stem::Down).signed(node, Tone::Lost, ('✖', text));
    if let NodeId::Broker(stopped) = node {
        for &broker in reader.logs.keys() {
            let other = NodeId::Broker(broker);
            let end = reader.end_of(broker);
            if broker != stopped && !reader.down.contains(&other) && end != Offset::ZERO {
                let text = fill(reader.words.log_end, &[&end.to_string()]);
                row = row.cell(other, Tone::Plain, text);
            }
        }
    }
    row
}

fn ruled(
    words: &Words,
    row: Row,
    (from, to, kind): (NodeId, NodeId, String),
    fate: RuleFate,
) -> Row {
    let arrow = |end| Arrow { from, to, label: kind.clone(), tone: Tone::Risk, end };
    match fate {
        RuleFate::Dropped => row.arrow(arrow(ArrowEnd::Lost)).margin(kind.clone()),
        RuleFate::Held => row.arrow(arrow(ArrowEnd::Lost)).margin(fill(words.held, &[&kind])),
        RuleFate::Delayed(by) => {
            row.arrow(arrow(ArrowEnd::Lost)).margin(fill(words.late, &[&by.to_string()]))
        }
    }
}
