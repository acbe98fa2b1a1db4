//! Rows for what clients did and saw.

use model::fact::{Fact, ResetCause, SendOutcome};
use model::ids::{ClientId, NodeId, Offset, Uid};
use model::message::ErrorCode;
use model::time::Time;

use super::error_forms;
use super::read::{Reader, first_of, last_of};
use super::row::{Arrow, ArrowEnd, Beat, Counted, Row, Weight};
use crate::story::{broker_name, record_names};
use crate::text::{Tone, fill};
use crate::words::Words;

/// Makes the row of a client's fact, if it has one.
pub(crate) fn read(reader: &mut Reader<'_>, at: usize, time: Time, fact: &Fact) -> Option<Row> {
    match fact {
        Fact::BatchSent { client, broker, batch, .. } => {
            let first = first_of(batch);
            for record in batch.records.list() {
                reader.batch_of.insert(record.uid, first);
            }
            reader.route_of.insert(first, (*client, *broker));
            let label = record_names(first, last_of(batch));
            let (from, to) = (NodeId::Client(*client), NodeId::Broker(*broker));
            let arrow = Arrow { from, to, label, tone: Tone::Lost, end: ArrowEnd::Lost };
            let row = Row::new(time, at, Weight::Notable).arrow(arrow).count(Counted::SendLost, 1);
            let row = row.run("{0}", first, last_of(batch));
            reader.lost_sends.contains(&at).then_some(row)
        }
        Fact::BatchRetried { client, batch, error, .. } => {
            let records = record_names(first_of(batch), last_of(batch));
            let text = fill(reader.words.retry, &[&records]);
            let row = Row::new(time, at, Weight::Notable).count(Counted::Retried, 1);
            let row = row.run(reader.words.retry, first_of(batch), last_of(batch));
            Some(
                row.cell(NodeId::Client(*client), Tone::Risk, text)
                    .margin(error_forms(*error, reader.words)),
            )
        }
        Fact::Completed { client, uids, outcome, .. } => {
            completed(reader, Row::new(time, at, Weight::Notable), (*client, uids), *outcome)
        }
        Fact::Abandoned { client, uids } if !uids.is_empty() => {
            let records = record_names(uids[0], uids[uids.len() - 1]);
            let text = fill(reader.words.abandoned, &[&records]);
            let row = Row::new(time, at, Weight::Key);
            let row = row.run(reader.words.abandoned, uids[0], uids[uids.len() - 1]);
            Some(row.cell(NodeId::Client(*client), Tone::Risk, text))
        }
        Fact::SentAgain { client, uid, first } => {
            // One row for the whole run of lines.
            let run = reader.sent_again.replace(*uid).is_some_and(|last| last.0 + 1 == uid.0);
            let text = fill(reader.words.sent_again, &[&uid.to_string(), &first.to_string()]);
            let row = Row::new(time, at, Weight::Key);
            (!run).then(|| row.cell(NodeId::Client(*client), Tone::Risk, text))
        }
        Fact::ProducerIdentified { client, id, epoch } if epoch.0 != 0 => {
            let text = fill(reader.words.identified, &[&id.to_string(), &epoch.to_string()]);
            let row = Row::new(time, at, Weight::Lesser);
            Some(row.cell(NodeId::Client(*client), Tone::Plain, text))
        }
        Fact::RequestTimedOut { client, broker } => {
            let text = fill(reader.words.timeout, &[&broker_name(*broker)]);
            let row = Row::new(time, at, Weight::Lesser);
            Some(row.cell(NodeId::Client(*client), Tone::Risk, text))
        }
        _ => reading(reader, at, time, fact),
    }
}

fn completed(
    reader: &Reader<'_>,
    row: Row,
    (client, uids): (ClientId, &[Uid]),
    outcome: SendOutcome,
) -> Option<Row> {
    let (&first, &last) = (uids.first()?, uids.last()?);
    let records = record_names(first, last);
    let node = NodeId::Client(client);
    let refused = |row: Row, sentence, error: ErrorCode| {
        let row = row.run(sentence, first, last).margin(error_forms(error, reader.words));
        row.cell(node, Tone::Risk, fill(sentence, &[&records]))
    };
    match outcome {
        // Under acks=0 nobody says anything: the call completes as the bytes leave.
        SendOutcome::Acknowledged(None) => None,
        SendOutcome::Acknowledged(Some(_)) => {
            let batch = reader.batch_of(first);
            let &(_, broker) = reader.route_of.get(&batch)?;
            let label = fill(reader.words.ack, &[&records]);
            let (from, end) = (NodeId::Broker(broker), ArrowEnd::Arrives);
            let arrow = Arrow { from, to: node, label, tone: Tone::Acked, end };
            let mut row = row.beat(Beat::Ack(node), vec![batch]).arrow(arrow);
            row.weight = Weight::Routine;
            row.counts.push((Counted::Acknowledged, uids.len() as u64));
            Some(row)
        }
        SendOutcome::Failed(error) => Some(refused(row, reader.words.failed, error)),
        SendOutcome::Unknown(error) => Some(refused(row, reader.words.unknown, error)),
    }
}

fn reading(reader: &Reader<'_>, at: usize, time: Time, fact: &Fact) -> Option<Row> {
    match fact {
        Fact::Polled { client, batch, from, to, .. } => {
            let mut read = batch.records_from(*from).take_while(|(offset, _)| offset < to);
            let first = read.next()?.1.uid;
            let last = read.last().map_or(first, |(_, record)| record.uid);
            let node = NodeId::Client(*client);
            let leader = NodeId::Broker(reader.leader?);
            let (label, tone) = (record_names(first, last), Tone::Committed);
            let arrow = Arrow { from: leader, to: node, label, tone, end: ArrowEnd::Arrives };
            let row = Row::new(time, at, Weight::Routine).arrow(arrow);
            let row = row.count(Counted::Read, *to - *from);
            Some(row.beat(Beat::Read(node), vec![first_of(batch)]))
        }
        Fact::PositionReset { client, from: Some(from), to, cause, .. } => {
            let text = fill(reader.words.position, &[&from.to_string(), &to.to_string()]);
            let row = Row::new(time, at, Weight::Key);
            Some(
                row.cell(NodeId::Client(*client), Tone::Risk, text)
                    .margin(reset_cause(*cause, reader.words)),
            )
        }
        Fact::ConsumerFailed { client, error, .. } => {
            let node = NodeId::Client(*client);
            let row = Row::new(time, at, Weight::Key).margin(consumer_error(*error, reader.words));
            Some(row.signed(node, Tone::Lost, ('✖', reader.words.consumer_failed)))
        }
        _ => None,
    }
}

/// Returns why a consumer's position jumped, in few words.
pub(crate) fn reset_cause(cause: ResetCause, words: &Words) -> &'static str {
    match cause {
        ResetCause::NoPosition => words.reset_causes[0],
        ResetCause::OutOfRange => words.reset_causes[1],
        ResetCause::Truncation => words.reset_causes[2],
        ResetCause::Seek => words.reset_causes[3],
    }
}

/// Returns what `poll()` threw, in few words.
pub(crate) fn consumer_error(error: model::fact::ConsumerError, words: &Words) -> String {
    use model::fact::ConsumerError;
    match error {
        ConsumerError::NoOffset => words.consumer_errors[0].to_owned(),
        ConsumerError::OutOfRange => words.consumer_errors[1].to_owned(),
        ConsumerError::LogTruncation(at) => {
            fill(words.consumer_errors[2], &[&at.unwrap_or(Offset::ZERO).to_string()])
        }
    }
}
