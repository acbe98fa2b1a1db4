//! The stream `op`: what clients did and saw.

use model::config::SettingValue;
use model::fact::{ConsumerError, Fact, SendOutcome};
use model::ids::{BrokerId, ClientId, NodeId};
use model::message::ErrorCode;

use super::{Carried, Field, Parts, batch, group, work};
use crate::timeline::{consumer_error, reset_cause};
use crate::words::EN;

fn made(kind: &'static str, client: ClientId, fields: Vec<Field>) -> Option<Parts> {
    Some(Parts { stream: "op", kind, node: Some(NodeId::Client(client)), fields })
}

fn broker(broker: BrokerId) -> Field {
    ("broker", Carried::Node(NodeId::Broker(broker)))
}

fn error(error: ErrorCode) -> Field {
    ("error", Carried::Word(error.name().to_owned()))
}

/// Takes a client's fact apart.
pub(super) fn parts(fact: &Fact) -> Option<Parts> {
    match fact {
        Fact::SendCalled { client, record, .. } => {
            let records = Carried::Records(vec![record.uid]);
            made("send-called", *client, vec![("uids", records)])
        }
        Fact::Buffered { client, uid, partition } => {
            let fields = vec![
                ("uids", Carried::Records(vec![*uid])),
                ("partition", Carried::Partition(*partition)),
            ];
            made("buffered", *client, fields)
        }
        Fact::BatchSent { client, broker: to, partition, batch: sent, attempt, acks } => {
            let mut fields = vec![("partition", Carried::Partition(*partition))];
            fields.extend(batch(sent));
            fields.push(broker(*to));
            fields.push(("attempt", Carried::Number(i64::from(*attempt))));
            fields.push(("acks", Carried::Word(format!("acks={}", acks.show()))));
            made("batch-sent", *client, fields)
        }
        Fact::BatchRetried { client, partition, batch: sent, error: why } => {
            let mut fields = vec![("partition", Carried::Partition(*partition))];
            fields.extend(batch(sent));
            fields.push(error(*why));
            made("batch-retried", *client, fields)
        }
        Fact::Completed { client, partition, uids, outcome } => {
            let partition = partition.map_or(Carried::Absent, Carried::Partition);
            let mut fields =
                vec![("partition", partition), ("uids", Carried::Records(uids.to_vec()))];
            let kind = match outcome {
                SendOutcome::Acknowledged(offset) => {
                    fields.push(("offset", offset.map_or(Carried::Absent, Carried::Offset)));
                    "ok"
                }
                SendOutcome::Failed(why) => {
                    fields.push(error(*why));
                    "fail"
                }
                SendOutcome::Unknown(why) => {
                    fields.push(error(*why));
                    "info"
                }
            };
            fields.insert(0, ("f", Carried::Word("send".to_owned())));
            made(kind, *client, fields)
        }
        Fact::Abandoned { client, uids } => {
            let fields = vec![("uids", Carried::Records(uids.to_vec()))];
            made("abandoned", *client, fields)
        }
        Fact::SentAgain { client, uid, first } => {
            let fields = vec![
                ("uids", Carried::Records(vec![*uid])),
                ("first_uid", Carried::Number(i64::from(first.0))),
            ];
            made("sent-again", *client, fields)
        }
        Fact::ProducerIdentified { client, id, epoch } => {
            let fields = vec![
                ("pid", Carried::Number(id.0 as i64)),
                ("producer_epoch", Carried::Number(i64::from(epoch.0))),
            ];
            made("producer-identified", *client, fields)
        }
        Fact::RequestTimedOut { client, broker: silent } => {
            made("request-timed-out", *client, vec![broker(*silent)])
        }
        _ => reading(fact),
    }
}

fn reading(fact: &Fact) -> Option<Parts> {
    match fact {
        Fact::Polled { client, partition, batch, from, to, high_watermark } => {
            let read = batch.records_from(*from).take_while(|(offset, _)| offset < to);
            let uids = read.map(|(_, record)| record.uid).collect();
            let fields = vec![
                ("partition", Carried::Partition(*partition)),
                ("uids", Carried::Records(uids)),
                ("from", Carried::Offset(*from)),
                ("to", Carried::Offset(*to)),
                ("hw", Carried::Offset(*high_watermark)),
            ];
            made("polled", *client, fields)
        }
        Fact::PositionReset { client, partition, from, to, cause } => {
            let fields = vec![
                ("partition", Carried::Partition(*partition)),
                ("from", from.map_or(Carried::Absent, Carried::Offset)),
                ("to", Carried::Offset(*to)),
                ("cause", Carried::Word(reset_cause(*cause as i64, &EN).to_owned())),
            ];
            made("position-reset", *client, fields)
        }
        Fact::ConsumerFailed { client, partition, error } => {
            let fields = vec![
                ("partition", Carried::Partition(*partition)),
                ("error", Carried::Word(thrown(*error))),
            ];
            made("consumer-failed", *client, fields)
        }
        Fact::Member(member) => Some(group::member_parts(member)),
        Fact::Work(work) => Some(work::parts(work)),
        _ => None,
    }
}

/// Returns what `poll()` threw, in few words.
fn thrown(error: ConsumerError) -> String {
    match error {
        ConsumerError::NoOffset => consumer_error(0, 0, &EN),
        ConsumerError::OutOfRange => consumer_error(1, 0, &EN),
        ConsumerError::LogTruncation(at) => consumer_error(2, at.unwrap_or_default().0 as i64, &EN),
    }
}
