//! Rows for what happened to logs and who leads.

use model::ids::Uid;
use model::time::Time;

use super::error_forms;
use super::read::{Reader, ends};
use super::row::{Arrow, ArrowEnd, Beat, Counted, Row, Weight};
use crate::story::record_names;
use crate::text::{Tone, fill};
use crate::trace::{FactKind, TraceFact};

/// Makes the row of a broker's fact, if it has one.
pub(crate) fn read(reader: &mut Reader<'_>, facts: &[TraceFact], main: &TraceFact) -> Option<Row> {
    let (broker, row) = (main.by()?, |weight| Row::new(Time(main.at), main.entry, weight));
    match main.kind {
        FactKind::Append => appended(reader, row(Weight::Routine), main, broker),
        FactKind::Repeat => {
            let text = fill(reader.words.duplicate, &[&main.other.to_string()]);
            let row = row(Weight::Notable).cell(broker, Tone::Doubled, text);
            let row = with_sender(reader, row, broker, reader.trace.sending(main.more));
            Some(row.margin(reader.words.repeat_dropped))
        }
        FactKind::Refuse => {
            let row = row(Weight::Notable).margin(error_forms(reader, main.other));
            let row = row.cell(broker, Tone::Risk, reader.words.refused);
            let row = row.count(Counted::Refused, 1);
            Some(with_sender(reader, row, broker, reader.trace.sending(main.more)))
        }
        FactKind::Unconfirmed => {
            let text = fill(reader.words.unconfirmed, &[&main.value.to_string()]);
            let row = row(Weight::Notable).margin(error_forms(reader, main.more));
            Some(row.cell(broker, Tone::Risk, text))
        }
        FactKind::Hw => {
            let batches = reader.batches(broker, main.other, main.value);
            let text = fill(reader.words.high_watermark, &[&main.value.to_string()]);
            let mut row = row(Weight::Routine).cell(broker, Tone::Committed, text);
            row.watermarks.push((broker, main.value));
            Some(row.beat(Beat::Watermark(broker), batches))
        }
        FactKind::FetchRefused => {
            let text = fill(reader.words.fetch_refused, &[reader.name(main.with()?)]);
            // A follower that is fenced is refused once; everything else it tries again and again.
            let weight = match reader.trace.error_name(main.more) {
                "FENCED_LEADER_EPOCH" => Weight::Notable,
                _ => Weight::Lesser,
            };
            let row = row(weight).margin(error_forms(reader, main.more));
            Some(row.cell(broker, Tone::Quiet, text))
        }
        _ => replica(reader, facts, main, broker),
    }
}

fn appended(reader: &mut Reader<'_>, row: Row, fact: &TraceFact, broker: usize) -> Option<Row> {
    reader.wrote.insert(broker);
    let batch = reader.trace.batches.get(fact.value as usize)?;
    let (first, last) = ends(&batch.records)?;
    let (records, text) = (record_names(first, last), format!("@{}", batch.base));
    if fact.other == 1 {
        let row = with_sender(reader, row, broker, &batch.records);
        let row = row.count(Counted::Written, batch.records.len() as u64);
        let from = row.arrow.as_ref().map_or(broker, |arrow| arrow.from);
        let text = fill(reader.words.appended, &[&batch.base.to_string(), &records]);
        return Some(row.cell(broker, Tone::Plain, text).beat(Beat::Append(from), vec![first]));
    }
    let leader = reader.leader().filter(|&leader| leader != broker);
    let arrow = leader.map(|leader| Arrow {
        from: leader,
        to: broker,
        // An arrow to the left covers the lane's own text.
        label: match broker < leader {
            true => format!("{text} {records}|{records}"),
            false => records,
        },
        tone: Tone::Committed,
        end: ArrowEnd::Arrives,
    });
    let mut row = row.cell(broker, Tone::Plain, text).beat(Beat::Copy(broker), vec![first]);
    row.arrow = arrow;
    Some(row)
}

/// Adds the arrow from the producer that sent a batch.
fn with_sender(reader: &Reader<'_>, mut row: Row, broker: usize, records: &[Uid]) -> Row {
    let Some((first, last)) = ends(records) else { return row };
    let sender = reader.route_of.get(&reader.batch_of(first));
    row.arrow = sender.map(|&(from, _)| {
        let label = record_names(first, last);
        Arrow { from, to: broker, label, tone: Tone::Sent, end: ArrowEnd::Arrives }
    });
    row
}

fn replica(
    reader: &mut Reader<'_>,
    facts: &[TraceFact],
    main: &TraceFact,
    broker: usize,
) -> Option<Row> {
    let row = |weight| Row::new(Time(main.at), main.entry, weight);
    match main.kind {
        FactKind::Diverged => {
            let part = [main.more.to_string(), main.value.to_string()];
            let label = fill(reader.words.parts, &[&part[0], &part[1]]);
            let to = usize::try_from(main.other).ok()?;
            let (tone, end) = (Tone::Risk, ArrowEnd::Arrives);
            Some(row(Weight::Key).arrow(Arrow { from: broker, to, label, tone, end }))
        }
        FactKind::Cut if main.value < main.other => {
            reader.wrote.insert(broker);
            let (from, to) = (main.other.to_string(), main.value.to_string());
            let text = fill(reader.words.cut, &[&from, &to]);
            Some(row(Weight::Key).cell(broker, Tone::Lost, text))
        }
        FactKind::Leads => leads(reader, row(Weight::Key), main, broker),
        FactKind::Start if reader.leader() == Some(broker) => {
            let text = fill(reader.words.groups.log_start, &[&main.value.to_string()]);
            Some(row(Weight::Key).cell(broker, Tone::Risk, text))
        }
        FactKind::IsrAsk => {
            let ids = reader.ids(facts.iter().filter_map(TraceFact::with));
            let text = fill(reader.words.isr_asked, &[&ids]);
            Some(row(Weight::Lesser).cell(broker, Tone::Plain, text))
        }
        FactKind::IsrRefused => {
            let row = row(Weight::Notable).margin(error_forms(reader, main.more));
            Some(row.cell(broker, Tone::Risk, reader.words.isr_refused))
        }
        _ => None,
    }
}

/// A broker takes over; what the row of its election says already is not said again.
fn leads(reader: &mut Reader<'_>, row: Row, fact: &TraceFact, broker: usize) -> Option<Row> {
    let Some((first, _)) = reader.first_leader else {
        reader.first_leader = Some((broker, fact.value));
        return None;
    };
    if let Some(&(place, shown)) = reader.elections.get(&fact.value)
        && shown == fact.other
    {
        reader.rows[place].entries.push(fact.entry);
        return None;
    }
    if reader.elections.is_empty() && first == broker {
        return None;
    }
    let text = fill(reader.words.leads, &[&fact.value.to_string(), &fact.other.to_string()]);
    Some(row.signed(broker, Tone::Strong, ('★', text)))
}
