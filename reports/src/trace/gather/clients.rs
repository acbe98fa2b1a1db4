//! What producers and consumers did and saw.

use model::fact::{ConsumerError, Fact, SendOutcome};
use model::ids::{ClientId, NodeId, TopicPartition, Uid};

use super::{FactKind, Gatherer, NONE, first, offset};
use crate::trace::Record;

impl Gatherer<'_, '_> {
    /// Adds what clients did; says whether it was that.
    pub(super) fn client(&mut self, fact: &Fact) -> bool {
        match fact {
            Fact::SendCalled { client, record, .. } => {
                let actor = self.client_place(*client);
                let key = record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned());
                let by = usize::try_from(actor).ok();
                let place = record.uid.0 as usize;
                if self.trace.records.len() <= place {
                    self.trace.records.resize(place + 1, Record::default());
                }
                self.trace.records[place] = Record { by, key, partition: None, fate: None };
                self.add(FactKind::Send, actor, NONE, [i64::from(record.uid.0), 0]);
            }
            Fact::Buffered { client, uid, partition } => {
                let place = self.trace.partition(*partition);
                if let Some(record) = self.trace.records.get_mut(uid.0 as usize) {
                    record.partition = place;
                }
                let node = NodeId::Client(*client);
                self.of(FactKind::Route, node, *partition, [i64::from(uid.0), 0]);
            }
            Fact::BatchSent { client, broker, partition, batch, attempt, .. } => {
                let (sending, broker) = (self.sending(batch), self.broker(*broker));
                let (node, attempt) = (NodeId::Client(*client), i64::from(*attempt));
                let rest = [broker, NONE];
                self.of_more(FactKind::Sent, node, *partition, [sending, attempt], rest);
            }
            Fact::BatchRetried { client, partition, batch, error } => {
                let error = self.trace.error(error.name());
                let (node, sending) = (NodeId::Client(*client), self.sending(batch));
                let numbers = [first(batch), error];
                self.of_more(FactKind::Retry, node, *partition, numbers, [NONE, sending]);
            }
            Fact::Completed { client, partition, uids, outcome } => {
                self.completed(*client, *partition, uids, *outcome);
            }
            Fact::Abandoned { client, uids } => {
                self.runs(FactKind::Abandon, (*client, None), uids, |_| NONE);
            }
            _ => return self.asking(fact) || self.reading(fact),
        }
        true
    }

    /// Adds one fact per run of records that follow each other.
    fn runs(
        &mut self,
        kind: FactKind,
        (client, partition): (ClientId, Option<TopicPartition>),
        uids: &[Uid],
        more: impl Fn(usize) -> i64,
    ) {
        let partition = partition.and_then(|it| self.trace.partition(it));
        let partition = partition.map_or(NONE, |place| place as i64);
        let (actor, mut place) = (self.client_place(client), 0);
        for run in uids.chunk_by(|a, b| a.0 + 1 == b.0) {
            let numbers = [i64::from(run[0].0), run.len() as i64];
            self.add_more(kind, actor, partition, numbers, [NONE, more(place)]);
            place += run.len();
        }
    }

    fn completed(
        &mut self,
        client: ClientId,
        partition: Option<TopicPartition>,
        uids: &[Uid],
        outcome: SendOutcome,
    ) {
        let of = (client, partition);
        match outcome {
            SendOutcome::Acknowledged(Some(base)) => {
                self.runs(FactKind::Ack, of, uids, |place| base.0 as i64 + place as i64);
            }
            SendOutcome::Acknowledged(None) => self.runs(FactKind::Untold, of, uids, |_| NONE),
            SendOutcome::Failed(error) => {
                let error = self.trace.error(error.name());
                self.runs(FactKind::Fail, of, uids, |_| error);
            }
            SendOutcome::Unknown(error) => {
                let error = self.trace.error(error.name());
                self.runs(FactKind::Unknown, of, uids, |_| error);
            }
        }
    }

    fn asking(&mut self, fact: &Fact) -> bool {
        match fact {
            Fact::SentAgain { client, uid, first } => {
                let numbers = [i64::from(uid.0), i64::from(first.0)];
                self.add(FactKind::Again, self.client_place(*client), NONE, numbers);
            }
            Fact::ProducerIdentified { client, id, epoch } => {
                let numbers = [id.0 as i64, i64::from(epoch.0)];
                self.add(FactKind::Identify, self.client_place(*client), NONE, numbers);
            }
            Fact::RequestTimedOut { client, broker } => {
                let (actor, broker) = (self.client_place(*client), self.broker(*broker));
                self.add_more(FactKind::Timeout, actor, NONE, [0, 0], [broker, NONE]);
            }
            _ => return false,
        }
        true
    }

    fn reading(&mut self, fact: &Fact) -> bool {
        match fact {
            Fact::Polled { client, partition, batch, from, to, .. } => {
                let Some(batch) = self.batch(*partition, batch) else { return true };
                let (node, numbers) = (NodeId::Client(*client), [from.0 as i64, to.0 as i64]);
                self.of_more(FactKind::Poll, node, *partition, numbers, [NONE, batch]);
            }
            Fact::PositionReset { client, partition, from, to, cause } => {
                let (node, numbers) = (NodeId::Client(*client), [to.0 as i64, offset(*from)]);
                let rest = [NONE, *cause as i64];
                self.of_more(FactKind::Reset, node, *partition, numbers, rest);
            }
            Fact::ConsumerFailed { client, partition, error } => {
                let numbers = match error {
                    ConsumerError::NoOffset => [0, NONE],
                    ConsumerError::OutOfRange => [1, NONE],
                    ConsumerError::LogTruncation(at) => [2, offset(*at)],
                };
                self.of(FactKind::Thrown, NodeId::Client(*client), *partition, numbers);
            }
            _ => return false,
        }
        true
    }
}
