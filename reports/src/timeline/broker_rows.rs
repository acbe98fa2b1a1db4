//! Rows for what replicas did.

use model::fact::{AppendRole, Fact};
use model::ids::{BrokerId, NodeId};
use model::log::batch::Batch;
use model::message::ErrorCode;
use model::time::Time;

use super::error_forms;
use super::read::{Reader, first_of, last_of};
use super::row::{Arrow, ArrowEnd, Beat, Counted, Row, Weight};
use crate::story::{broker_ids, broker_name, record_names};
use crate::text::{Tone, fill};

/// Makes the row of a broker's fact, if it has one.
pub(crate) fn read(reader: &mut Reader<'_>, at: usize, time: Time, fact: &Fact) -> Option<Row> {
    match fact {
        Fact::Appended { broker, batch, role, .. } => {
            let row =
                appended(reader, Row::new(time, at, Weight::Routine), (*broker, batch), *role);
            reader.append(*broker, batch);
            Some(row)
        }
        Fact::DuplicateDropped { broker, batch, base_offset, .. } => {
            let row = Row::new(time, at, Weight::Notable);
            let text = fill(reader.words.duplicate, &[&base_offset.to_string()]);
            let row = row.cell(NodeId::Broker(*broker), Tone::Doubled, text);
            Some(with_sender(reader, row, *broker, batch).margin(reader.words.repeat_dropped))
        }
        Fact::ProduceRefused { broker, batch, error, .. } => {
            let row = Row::new(time, at, Weight::Notable).margin(error_forms(*error, reader.words));
            let row = row.cell(NodeId::Broker(*broker), Tone::Risk, reader.words.refused);
            let row = row.count(Counted::Refused, 1);
            Some(with_sender(reader, row, *broker, batch))
        }
        Fact::ProduceUnconfirmed { broker, base_offset, error, .. } => {
            let text = fill(reader.words.unconfirmed, &[&base_offset.to_string()]);
            let row = Row::new(time, at, Weight::Notable).margin(error_forms(*error, reader.words));
            Some(row.cell(NodeId::Broker(*broker), Tone::Risk, text))
        }
        Fact::HighWatermark { broker, from, to, .. } => {
            let batches = reader.batches(*broker, *from, *to);
            let text = fill(reader.words.high_watermark, &[&to.to_string()]);
            let row = Row::new(time, at, Weight::Routine);
            let mut row = row.cell(NodeId::Broker(*broker), Tone::Committed, text);
            row.watermarks.push((*broker, *to));
            Some(row.beat(Beat::Watermark(*broker), batches))
        }
        Fact::FetchRefused { broker, follower: Some(follower), error, .. } => {
            let text = fill(reader.words.fetch_refused, &[&broker_name(*follower)]);
            // A follower that is fenced is refused once; everything else it tries again and again.
            let weight = match error {
                ErrorCode::FencedLeaderEpoch => Weight::Notable,
                _ => Weight::Lesser,
            };
            let row = Row::new(time, at, weight).margin(error_forms(*error, reader.words));
            Some(row.cell(NodeId::Broker(*broker), Tone::Quiet, text))
        }
        _ => replica(reader, at, time, fact),
    }
}

fn appended(
    reader: &Reader<'_>,
    row: Row,
    (broker, batch): (BrokerId, &Batch),
    role: AppendRole,
) -> Row {
    let node = NodeId::Broker(broker);
    let records = record_names(first_of(batch), last_of(batch));
    let batches = vec![first_of(batch)];
    match role {
        AppendRole::Leader => {
            let mut row = with_sender(reader, row, broker, batch);
            row.counts.push((Counted::Written, u64::from(batch.records.count())));
            let from = row.arrow.as_ref().map_or(node, |arrow| arrow.from);
            let text = fill(reader.words.appended, &[&batch.base_offset.to_string(), &records]);
            row.cell(node, Tone::Plain, text).beat(Beat::Append(from), batches)
        }
        AppendRole::Follower => {
            let text = format!("@{}", batch.base_offset);
            let arrow = reader.leader.filter(|&leader| leader != broker).map(|leader| Arrow {
                from: NodeId::Broker(leader),
                to: node,
                // An arrow to the left covers the lane's own text.
                label: match broker < leader {
                    true => format!("{text} {records}|{records}"),
                    false => records,
                },
                tone: Tone::Committed,
                end: ArrowEnd::Arrives,
            });
            let mut row = row.cell(node, Tone::Plain, text).beat(Beat::Copy(broker), batches);
            row.arrow = arrow;
            row
        }
    }
}

/// Adds the arrow from the producer that sent a batch.
fn with_sender(reader: &Reader<'_>, mut row: Row, broker: BrokerId, batch: &Batch) -> Row {
    let sender = reader.route_of.get(&reader.batch_of(first_of(batch)));
    row.arrow = sender.map(|&(client, _)| Arrow {
        from: NodeId::Client(client),
        to: NodeId::Broker(broker),
        label: record_names(first_of(batch), last_of(batch)),
        tone: Tone::Sent,
        end: ArrowEnd::Arrives,
    });
    row
}

fn replica(reader: &mut Reader<'_>, at: usize, time: Time, fact: &Fact) -> Option<Row> {
    match fact {
        Fact::Diverged { broker, follower, at: part, .. } => {
            let part = [part.epoch.to_string(), part.end.to_string()];
            let label = fill(reader.words.parts, &[&part[0], &part[1]]);
            let (from, to) = (NodeId::Broker(*broker), NodeId::Broker(*follower));
            let (tone, end) = (Tone::Risk, ArrowEnd::Arrives);
            let arrow = Arrow { from, to, label, tone, end };
            Some(Row::new(time, at, Weight::Key).arrow(arrow))
        }
        Fact::Truncated { broker, from, to, .. } if to < from => {
            reader.cut(*broker, *to);
            let text = fill(reader.words.cut, &[&from.to_string(), &to.to_string()]);
            let row = Row::new(time, at, Weight::Key);
            Some(row.cell(NodeId::Broker(*broker), Tone::Lost, text))
        }
        Fact::BecameLeader { broker, epoch, end, .. } => {
            reader.leader = Some(*broker);
            let Some((first, _)) = reader.first_leader else {
                reader.first_leader = Some((*broker, *epoch));
                return None;
            };
            if let Some(&(row, shown)) = reader.elections.get(epoch)
                && shown == *end
            {
                reader.rows[row].entries.push(at);
                return None;
            }
            if reader.elections.is_empty() && first == *broker {
                return None;
            }
            let text = fill(reader.words.leads, &[&epoch.to_string(), &end.to_string()]);
            let row = Row::new(time, at, Weight::Key);
            Some(row.signed(NodeId::Broker(*broker), Tone::Strong, ('★', text)))
        }
        Fact::LogStartMoved { broker, to, .. } if reader.leader == Some(*broker) => {
            let text = fill(reader.words.groups.log_start, &[&to.to_string()]);
            Some(Row::new(time, at, Weight::Key).cell(NodeId::Broker(*broker), Tone::Risk, text))
        }
        Fact::IsrProposed { broker, isr, .. } => {
            let text = fill(reader.words.isr_asked, &[&broker_ids(*isr)]);
            let row = Row::new(time, at, Weight::Lesser);
            Some(row.cell(NodeId::Broker(*broker), Tone::Plain, text))
        }
        Fact::IsrRefused { broker, error, .. } => {
            let row = Row::new(time, at, Weight::Notable).margin(error_forms(*error, reader.words));
            Some(row.cell(NodeId::Broker(*broker), Tone::Risk, reader.words.isr_refused))
        }
        _ => None,
    }
}
