//! Rows for what the world did. Faults of one instant that belong together make one row.

use std::collections::BTreeSet;

use model::ids::NodeId;
use model::time::{Duration, Time};

use super::read::Reader;
use super::row::{Arrow, ArrowEnd, Row, Stem, Weight};
use crate::text::{Tone, fill};
use crate::trace::{ActorKind, FactKind, TraceFact};
use crate::words::Words;

/// Returns how many of the first facts are faults of links that make one row; 0 if the first
/// one is none.
pub(crate) fn alike(facts: &[TraceFact]) -> usize {
    let Some(first) = facts.first().filter(|first| is_link(first.kind)) else { return 0 };
    let numbered = (first.entry..).zip(facts);
    let alike = |(entry, fact): &(usize, &TraceFact)| {
        (fact.kind, fact.at, fact.entry) == (first.kind, first.at, *entry)
    };
    numbered.take_while(alike).count()
}

fn is_link(kind: FactKind) -> bool {
    matches!(
        kind,
        FactKind::LinkCut
            | FactKind::LinkHealed
            | FactKind::LinkSlow
            | FactKind::LinkUsual
            | FactKind::LinkReset
    )
}

/// Reads a fault, or faults of links that belong together; says whether it was that.
pub(crate) fn read(reader: &mut Reader<'_>, facts: &[TraceFact], main: &TraceFact) -> bool {
    let words = reader.words;
    let sentence = match main.kind {
        FactKind::LinkCut => words.link_cut,
        FactKind::LinkHealed => words.link_healed,
        FactKind::LinkSlow => words.link_slow,
        FactKind::LinkUsual => words.link_usual,
        FactKind::LinkReset => words.reset,
        _ => return single(reader, main),
    };
    let node = |place: Option<usize>| place.map(|place| reader.trace.actors[place].node);
    let ends = |fact: &TraceFact| node(fact.by()).zip(node(fact.with()));
    let mut pairs: Vec<(NodeId, NodeId)> = facts.iter().filter_map(ends).collect();
    if !matches!(main.kind, FactKind::LinkCut | FactKind::LinkHealed) {
        let back: Vec<_> = pairs.iter().map(|&(from, to)| (to, from)).collect();
        pairs.extend(back); // these concern both ways
    }
    let band = format!("░ {} ░", fill(sentence, &[&sides(reader, words, &pairs)]));
    let mut row = Row::new(Time(main.at), main.entry, Weight::Key).band(band);
    row.entries = facts.iter().map(|fact| fact.entry).collect();
    reader.rows.push(row);
    true
}

/// Names the two sides of links: `b1 – b2 b3` both ways, `b1 → b2` one way.
fn sides(reader: &Reader<'_>, words: &Words, pairs: &[(NodeId, NodeId)]) -> String {
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
        side.iter().map(|&node| reader.story.node(node)).collect::<Vec<_>>().join(" ")
    };
    if clean && all == both_ways {
        format!("{} – {}", names(&left), names(&right))
    } else if clean && all == one_way {
        format!("{} → {}", names(&left), names(&right))
    } else {
        fill(words.links, &[&all.len().to_string()])
    }
}

/// Makes the row of one fault; says whether it was one.
fn single(reader: &mut Reader<'_>, fact: &TraceFact) -> bool {
    let row = match fact.by() {
        Some(actor) => on_actor(reader, fact, actor),
        None => between(reader, fact),
    };
    let Some(row) = row else { return false };
    reader.rows.extend(row);
    true
}

/// What befell one process; the inner `None` is a fault without a row.
fn on_actor(reader: &mut Reader<'_>, fact: &TraceFact, actor: usize) -> Option<Option<Row>> {
    let words = reader.words;
    let row = Row::new(Time(fact.at), fact.entry, Weight::Key);
    let said = |row: Row, tone, text: String| Some(row.cell(actor, tone, text));
    Some(match (fact.kind, fact.value) {
        (FactKind::Up, life) => {
            let row = row.stem(actor, Stem::Up);
            (1 < life).then(|| row.cell(actor, Tone::Strong, back(reader, actor)))
        }
        (FactKind::Down, 0) => Some(stopped(reader, row, actor, words.down)),
        (FactKind::Down, 1) => Some(stopped(reader, row, actor, words.power)),
        (FactKind::Down, _) => Some(stopped(reader, row, actor, words.exits)),
        (FactKind::Took, to) => {
            if !reader.is_shown(fact) || fact.other == to {
                return Some(None);
            }
            reader.wrote.insert(actor);
            let (from, to) = (fact.other.to_string(), to.to_string());
            said(row, Tone::Lost, fill(words.took, &[&from, &to]))
        }
        (FactKind::Stop, _) => said(row, Tone::Risk, words.stopping.to_owned()),
        (FactKind::Pause, _) => {
            said(row.stem(actor, Stem::Frozen), Tone::Risk, words.frozen.to_owned())
        }
        (FactKind::Resume, _) => {
            said(row.stem(actor, Stem::Up), Tone::Strong, words.goes_on.to_owned())
        }
        (FactKind::DiskSlow, _) => said(row, Tone::Risk, words.disk_slow.to_owned()),
        (FactKind::DiskStalled, _) => said(row, Tone::Risk, words.disk_stalled.to_owned()),
        (FactKind::DiskUsual, _) => said(row, Tone::Plain, words.disk_usual.to_owned()),
        (FactKind::ClockJump, by) => said(row, Tone::Risk, fill(words.clock, &[&jump(by)])),
        (FactKind::ClockDrift, ppm) => {
            said(row, Tone::Risk, fill(words.clock_drift, &[&format!("{ppm:+}")]))
        }
        _ => return between(reader, fact),
    })
}

/// What befell messages; the inner `None` is a fault without a row.
fn between(reader: &Reader<'_>, fact: &TraceFact) -> Option<Option<Row>> {
    let row = Row::new(Time(fact.at), fact.entry, Weight::Key);
    Some(match fact.kind {
        FactKind::Ruled => ruled(reader, Row { weight: Weight::Notable, ..row }, fact),
        FactKind::Released => {
            let text = fill(reader.words.released, &[&fact.value.to_string()]);
            Some(row.band(format!("░ {text} ░")))
        }
        // A marker is for conditions; what its step says stands there anyway.
        FactKind::Mark => None,
        _ => return None,
    })
}

/// Writes a clock's jump with its sign: `+5.000`.
fn jump(by_micros: i64) -> String {
    let sign = if by_micros < 0 { '-' } else { '+' };
    format!("{sign}{}", Time(by_micros.unsigned_abs()))
}

fn back(reader: &Reader<'_>, actor: usize) -> String {
    match reader.wrote.contains(&actor) {
        true => fill(reader.words.back_at, &[&reader.end_of(actor).to_string()]),
        false => reader.words.back.to_owned(),
    }
}

/// A process stopped: what the other replicas have is what counts from here on.
fn stopped(reader: &Reader<'_>, row: Row, actor: usize, text: &str) -> Row {
    let mut row = row.stem(actor, Stem::Down).signed(actor, Tone::Lost, ('✖', text));
    if reader.trace.actors[actor].kind == ActorKind::Broker {
        for &other in &reader.wrote {
            let end = reader.end_of(other);
            if other != actor && reader.state.actors[other].is_up && end != 0 {
                let text = fill(reader.words.log_end, &[&end.to_string()]);
                row = row.cell(other, Tone::Plain, text);
            }
        }
    }
    row
}

fn ruled(reader: &Reader<'_>, row: Row, fact: &TraceFact) -> Option<Row> {
    let rule = usize::try_from(fact.value).ok().and_then(|it| reader.trace.ruled.get(it))?;
    let (words, kind) = (reader.words, &rule.message);
    let row = match fact.by().zip(fact.with()) {
        Some((from, to)) => {
            let (label, tone) = (kind.clone(), Tone::Risk);
            row.arrow(Arrow { from, to, label, tone, end: ArrowEnd::Lost })
        }
        None => row,
    };
    Some(match rule.fate {
        "held" => row.margin(fill(words.held, &[kind])),
        "delayed" => {
            let by = Duration(fact.more.unsigned_abs());
            row.margin(fill(words.late, &[&by.to_string()]))
        }
        _ => row.margin(kind.clone()),
    })
}
