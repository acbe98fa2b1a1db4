//! Rows for what the controller decided.

use std::collections::BTreeSet;

use model::time::Time;

use super::error_forms;
use super::read::Reader;
use super::row::{Arrow, ArrowEnd, Row, Weight};
use crate::text::{Tone, fill};
use crate::trace::{FactKind, TraceFact};

/// The place of the controller among the actors.
const CONTROLLER: usize = 0;
/// Why leaders change, counted as in `ChangeCause`: the two that matter here.
const CREATED: i64 = 0;
const UNCLEAN: i64 = 6;

/// Makes the row of a controller's fact, if it has one.
pub(crate) fn read(reader: &mut Reader<'_>, main: &TraceFact) -> Option<Row> {
    let (words, name) = (reader.words, reader.trace.name(main.actor));
    let row = |weight| Row::new(Time(main.at), main.entry, weight);
    let said = |weight, tone, text: String| Some(row(weight).cell(CONTROLLER, tone, text));
    match main.kind {
        FactKind::Leader => registered(reader, row(Weight::Key), main),
        FactKind::AdminRefused => {
            let refused = row(Weight::Key).margin(error_forms(reader, main.more));
            Some(refused.cell(CONTROLLER, Tone::Risk, words.admin_refused))
        }
        FactKind::NotYet => {
            let refused = row(Weight::Lesser).margin(error_forms(reader, main.more));
            Some(refused.cell(CONTROLLER, Tone::Risk, fill(words.not_yet, &[name])))
        }
        FactKind::Fence => {
            reader.fenced.extend(main.by());
            said(Weight::Key, Tone::Risk, fill(words.fence, &[name]))
        }
        FactKind::Unfence => {
            let was_fenced = main.by().is_some_and(|broker| reader.fenced.remove(&broker));
            let text = fill(words.serves, &[name]);
            was_fenced.then(|| row(Weight::Notable).cell(CONTROLLER, Tone::Plain, text))
        }
        FactKind::Leaving => said(Weight::Notable, Tone::Plain, fill(words.leaves, &[name])),
        FactKind::Controller if main.value != 0 => {
            said(Weight::Key, Tone::Plain, words.controller_back.to_owned())
        }
        _ => None,
    }
}

/// Tells of another leader and of another ISR.
fn registered(reader: &mut Reader<'_>, row: Row, fact: &TraceFact) -> Option<Row> {
    let leader = fact.by();
    if fact.other == CREATED {
        reader.first_leader = leader.map(|broker| (broker, fact.value));
        return None;
    }
    let row = match (reader.before.0 == leader, leader) {
        (false, Some(new)) => elected(reader, row, new, fact),
        (false, None) => row.cell(CONTROLLER, Tone::Risk, reader.words.no_leader),
        (true, _) => row,
    };
    Some(isr_changed(reader, row))
}

/// Adds an election to a row.
fn elected(reader: &mut Reader<'_>, row: Row, leader: usize, fact: &TraceFact) -> Row {
    let (sentence, tone) = match fact.other {
        UNCLEAN => (reader.words.elect_unclean, Tone::Lost),
        _ => (reader.words.elect, Tone::Strong),
    };
    let (epoch, log_end) = (fact.value, reader.end_of(leader));
    reader.elections.insert(epoch, (reader.rows.len(), log_end));
    let label = fill(sentence, &[reader.name(leader)]);
    let end = ArrowEnd::Arrives;
    let arrow = Arrow { from: CONTROLLER, to: leader, label, tone, end };
    let text = fill(reader.words.leads, &[&epoch.to_string(), &log_end.to_string()]);
    row.arrow(arrow).signed(leader, Tone::Strong, ('★', text))
}

/// Adds a change of the ISR to a row: on the controller's lane if it is free, and on those
/// of the brokers concerned.
fn isr_changed(reader: &Reader<'_>, mut row: Row) -> Row {
    let none = BTreeSet::new();
    let after = reader.state.partitions.get(reader.focus).map_or(&none, |it| &it.isr);
    let before = &reader.before.1;
    if before == after {
        return row;
    }
    let text = fill(reader.words.isr, &[&reader.ids(after.iter().copied())]);
    if row.arrow.is_none() && row.cells.is_empty() {
        row = row.cell(CONTROLLER, Tone::Plain, text);
    } else {
        row = row.margin(text);
    }
    for &broker in after.difference(before) {
        row = row.cell(broker, Tone::Committed, reader.words.isr_again);
    }
    for &broker in before.difference(after) {
        row = row.cell(broker, Tone::Risk, reader.words.isr_left);
    }
    row
}
