//! Rows for what clients did and saw.

use model::ids::Uid;
use model::time::Time;

use super::error_forms;
use super::read::{Reader, ends, uid};
use super::row::{Arrow, ArrowEnd, Beat, Counted, Row, Weight};
use crate::story::record_names;
use crate::text::{Tone, fill};
use crate::trace::{FactKind, NONE, TraceFact};
use crate::words::Words;

/// Makes the row of a client's fact, if it has one.
pub(crate) fn read(reader: &mut Reader<'_>, facts: &[TraceFact], main: &TraceFact) -> Option<Row> {
    let (client, row) = (main.by()?, |weight| Row::new(Time(main.at), main.entry, weight));
    match main.kind {
        FactKind::Sent => sent(reader, row(Weight::Notable), main),
        FactKind::Retry => {
            let (first, last) = ends(reader.trace.sending(main.more))?;
            let text = fill(reader.words.retry, &[&record_names(first, last)]);
            let row = row(Weight::Notable).count(Counted::Retried, 1);
            let row = row.run(reader.words.retry, first, last);
            Some(row.cell(client, Tone::Risk, text).margin(error_forms(reader, main.other)))
        }
        FactKind::Ack | FactKind::Fail | FactKind::Unknown | FactKind::Abandon => {
            completed(reader, facts, main, client)
        }
        FactKind::Again => {
            // One row for the whole run of lines.
            let run = reader.sent_again.replace(main.value) == Some(main.value - 1);
            let numbers = [main.value.to_string(), main.other.to_string()];
            let text = fill(reader.words.sent_again, &[&numbers[0], &numbers[1]]);
            (!run).then(|| row(Weight::Key).cell(client, Tone::Risk, text))
        }
        FactKind::Identify if main.other != 0 => {
            let numbers = [main.value.to_string(), main.other.to_string()];
            let text = fill(reader.words.identified, &[&numbers[0], &numbers[1]]);
            Some(row(Weight::Lesser).cell(client, Tone::Plain, text))
        }
        FactKind::Timeout => {
            let text = fill(reader.words.timeout, &[reader.trace.name(main.peer)]);
            Some(row(Weight::Lesser).cell(client, Tone::Risk, text))
        }
        FactKind::Poll => polled(reader, row(Weight::Routine), main, client),
        FactKind::Reset if main.other != NONE => {
            let (from, to) = (main.other.to_string(), main.value.to_string());
            let text = fill(reader.words.position, &[&from, &to]);
            let row = row(Weight::Key).cell(client, Tone::Risk, text);
            Some(row.margin(reset_cause(main.more, reader.words)))
        }
        FactKind::Thrown => {
            let why = consumer_error(main.value, main.other, reader.words);
            let said = ('✖', reader.words.consumer_failed);
            Some(row(Weight::Key).margin(why).signed(client, Tone::Lost, said))
        }
        _ => None,
    }
}

/// A batch on its way is shown where it appears; only one that never does has a row here.
fn sent(reader: &mut Reader<'_>, row: Row, fact: &TraceFact) -> Option<Row> {
    let (from, to) = (fact.by()?, fact.with()?);
    let records = reader.trace.sending(fact.value);
    let (first, last) = ends(records)?;
    reader.batch_of.extend(records.iter().map(|record| (*record, first)));
    reader.route_of.insert(first, (from, to));
    let label = record_names(first, last);
    let arrow = Arrow { from, to, label, tone: Tone::Lost, end: ArrowEnd::Lost };
    let row = row.arrow(arrow).count(Counted::SendLost, 1).run("{0}", first, last);
    reader.lost_sends.contains(&fact.entry).then_some(row)
}

fn completed(
    reader: &Reader<'_>,
    facts: &[TraceFact],
    main: &TraceFact,
    client: usize,
) -> Option<Row> {
    let last = facts.last()?;
    let (first, last) = (uid(main.value), uid(last.value + last.other - 1));
    let records = record_names(first, last);
    let row = Row::new(Time(main.at), main.entry, Weight::Notable);
    let said = |row: Row, sentence| {
        row.run(sentence, first, last).cell(client, Tone::Risk, fill(sentence, &[&records]))
    };
    let error = || error_forms(reader, main.more);
    Some(match main.kind {
        FactKind::Fail => said(row, reader.words.failed).margin(error()),
        FactKind::Unknown => said(row, reader.words.unknown).margin(error()),
        FactKind::Abandon => said(Row { weight: Weight::Key, ..row }, reader.words.abandoned),
        _ => {
            let batch = reader.batch_of(first);
            let &(_, from) = reader.route_of.get(&batch)?;
            let label = fill(reader.words.ack, &[&records]);
            let arrow =
                Arrow { from, to: client, label, tone: Tone::Acked, end: ArrowEnd::Arrives };
            let count = facts.iter().map(|fact| fact.other as u64).sum();
            let row = row.beat(Beat::Ack(client), vec![batch]).arrow(arrow);
            Row { weight: Weight::Routine, ..row.count(Counted::Acknowledged, count) }
        }
    })
}

fn polled(reader: &Reader<'_>, row: Row, fact: &TraceFact, to: usize) -> Option<Row> {
    let read = reader.trace.records_of(fact.more, (fact.value, fact.other));
    let read: Vec<Uid> = read.map(|(_, uid)| uid).collect();
    let (first, last) = ends(&read)?;
    let (label, tone) = (record_names(first, last), Tone::Committed);
    let arrow = Arrow { from: reader.leader()?, to, label, tone, end: ArrowEnd::Arrives };
    let row = row.arrow(arrow).count(Counted::Read, (fact.other - fact.value) as u64);
    let batch = usize::try_from(fact.more).ok().and_then(|it| reader.trace.batches.get(it));
    let batch = batch.and_then(|batch| batch.records.first().copied());
    Some(row.beat(Beat::Read(to), Vec::from_iter(batch)))
}

/// Returns why a consumer's position jumped, in few words; counted as in `ResetCause`.
pub(crate) fn reset_cause(cause: i64, words: &Words) -> &'static str {
    let place = usize::try_from(cause).ok();
    place.and_then(|place| words.reset_causes.get(place)).copied().unwrap_or("")
}

/// Returns what `poll()` threw, in few words; counted as in `ConsumerError`, with the offset
/// where the logs part.
pub(crate) fn consumer_error(error: i64, at: i64, words: &Words) -> String {
    let place = usize::try_from(error).ok();
    let sentence = place.and_then(|place| words.consumer_errors.get(place)).copied();
    fill(sentence.unwrap_or(""), &[&at.max(0).to_string()])
}
