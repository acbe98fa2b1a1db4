//! A consumer and a cluster for its tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Activity, Consumer};
use crate::client::stage::{Sent, Stage};
use crate::config::{ConsumerConfig, OffsetReset};
use crate::fact::{ConsumerError, Fact, GroupError, MemberEvent, MemberFact, ResetCause};
use crate::ids::{
    BrokerId, ClientId, ConnectionId, LeaderEpoch, NodeId, Offset, TopicId, TopicPartition, Uid,
};
use crate::log::batch::{Batch, Record};
use crate::message::data::{
    EpochEnd, EpochEndReply, FetchReply, FetchRequest, FetchedPartition, ListOffsetsReply,
    ListedOffset, MetadataReply, OffsetSpec, PartitionMetadata,
};
use crate::message::{ErrorCode, Message, Request, Response};
use crate::time::{Duration, Timestamp};
use crate::turn::{ConnectionEvent, Effect, Node, Returned};

pub(super) const A: TopicPartition = TopicPartition { topic: TopicId(1), partition: 0 };
pub(super) const B: TopicPartition = TopicPartition { topic: TopicId(1), partition: 1 };

/// A consumer and a cluster of two brokers that answers everything but fetches at once.
pub(super) struct Pair {
    pub(super) consumer: Consumer,
    pub(super) stage: Stage,
    pub(super) truth: BTreeMap<TopicPartition, Truth>,
    /// Fetches that nobody has answered.
    pub(super) pending: Vec<Sent>,
    pub(super) listing_error: ErrorCode,
    pub(super) ailment: Ailment,
    pub(super) validated: Vec<(TopicPartition, LeaderEpoch)>,
    pub(super) returned: Vec<u64>,
    pub(super) facts: Vec<Fact>,
}

/// What is wrong with the brokers.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ailment {
    Healthy,
    /// This one does not accept connections.
    Refuses(u8),
    /// This one does not answer.
    Silent(u8),
}

/// A partition's leader and log.
#[derive(Clone)]
pub(super) struct Truth {
    pub(super) leader: u8,
    pub(super) epoch: u32,
    pub(super) log: Vec<Arc<Batch>>,
}

pub(super) fn fetched(
    partition: TopicPartition,
    error: ErrorCode,
    batches: Vec<Arc<Batch>>,
) -> FetchReply {
    let end = batches.last().map_or(Offset::ZERO, |batch| batch.end());
    let part = FetchedPartition {
        partition,
        error,
        high_watermark: end,
        last_stable: end,
        log_start: Offset::ZERO,
        diverging: None,
        current_leader: None,
        batches,
    };
    FetchReply { partitions: vec![part] }
}

impl Truth {
    pub(super) fn end(&self) -> Offset {
        self.log.last().map_or(Offset::ZERO, |batch| batch.end())
    }

    fn append(&mut self, epoch: u32, count: u32) {
        let records: Vec<_> = (0..count)
            .map(|uid| Record {
                uid: Uid(uid),
                key: None,
                value: Some(1),
                headers: 0,
                timestamp: Timestamp(0),
            })
            .collect();
        if records.is_empty() {
            return;
        }
        let mut batch = Batch::new(records, None);
        batch.base_offset = self.end();
        batch.leader_epoch = LeaderEpoch(epoch);
        self.log.push(Arc::new(batch));
    }

    fn log_from(&self, offset: Offset) -> Vec<Arc<Batch>> {
        self.log.iter().filter(|batch| offset < batch.end()).cloned().collect()
    }

    fn check(&self, broker: BrokerId, epoch: Option<LeaderEpoch>) -> ErrorCode {
        if broker != BrokerId(self.leader) {
            return ErrorCode::NotLeaderOrFollower;
        }
        match epoch {
            Some(epoch) if epoch < LeaderEpoch(self.epoch) => ErrorCode::FencedLeaderEpoch,
            _ => ErrorCode::None,
        }
    }

    fn epoch_end(&self, asked: LeaderEpoch) -> Option<EpochEnd> {
        let is_within = |batch: &&Arc<Batch>| batch.leader_epoch <= asked;
        let last = self.log.iter().take_while(is_within).last()?;
        Some(EpochEnd { epoch: last.leader_epoch, end: last.end() })
    }
}

impl Pair {
    pub(super) fn new(assignment: &[TopicPartition], policy: OffsetReset) -> Pair {
        let config = ConsumerConfig { offset_reset: policy, ..ConsumerConfig::default() };
        Pair::with(assignment, config)
    }

    pub(super) fn with(assignment: &[TopicPartition], config: ConsumerConfig) -> Pair {
        let brokers = vec![BrokerId(1), BrokerId(2)];
        let truth = Truth { leader: 1, epoch: 1, log: Vec::new() };
        let mut consumer = Consumer::new(ClientId(1), "c1".into(), config, brokers);
        consumer.assign(assignment.to_vec());
        let mut pair = Pair {
            consumer,
            stage: Stage::new(),
            truth: [(A, truth.clone()), (B, truth)].into(),
            pending: Vec::new(),
            listing_error: ErrorCode::None,
            ailment: Ailment::Healthy,
            validated: Vec::new(),
            returned: Vec::new(),
            facts: Vec::new(),
        };
        pair.consumer.on_start(&mut pair.stage.turn());
        pair.serve();
        pair
    }

    pub(super) fn append(&mut self, tp: TopicPartition, epoch: u32, count: u32) {
        self.truth.get_mut(&tp).expect("a partition").append(epoch, count);
    }

    /// Polls; a fetch with something to find is answered at once.
    pub(super) fn poll(&mut self, millis: u64) {
        self.consumer.poll(Duration::from_millis(millis), &mut self.stage.turn());
        self.serve();
        if self.consumer.activity != Activity::Idle {
            self.answer_fetches();
        }
    }

    /// Lets broker 2 lead partition A in `epoch`, its log cut to `kept` records, and tells.
    pub(super) fn elect(&mut self, epoch: u32, kept: u32) {
        let truth = self.truth.get_mut(&A).expect("a partition");
        (truth.leader, truth.epoch) = (2, epoch);
        if Offset(u64::from(kept)) < truth.end() {
            truth.log.clear();
            truth.append(1, kept);
        }
        self.consumer.link.request_update();
        self.wake();
    }

    /// Ends a connection as its broker's crash would.
    pub(super) fn close(&mut self, connection: ConnectionId) {
        self.pending.retain(|sent| sent.connection != connection);
        let turn = &mut self.stage.turn();
        self.consumer.on_connection(connection, ConnectionEvent::Closed, turn);
        self.serve();
    }

    pub(super) fn out_of_range(&mut self) {
        let fetch = self.pending.remove(0);
        self.answer(&fetch, fetched(A, ErrorCode::OffsetOutOfRange, vec![]));
        self.poll(1_000);
    }

    /// Answers the fetches that find something or are wrong.
    pub(super) fn answer_fetches(&mut self) {
        for fetch in std::mem::take(&mut self.pending) {
            let reply = self.find(&fetch);
            let is_idle =
                |part: &FetchedPartition| part.batches.is_empty() && part.error == ErrorCode::None;
            match reply.partitions.iter().all(is_idle) {
                true => self.pending.push(fetch),
                false => self.answer(&fetch, reply),
            }
        }
    }

    /// Answers all fetches, as brokers do once these have waited for long enough.
    pub(super) fn expire_fetches(&mut self) {
        for fetch in std::mem::take(&mut self.pending) {
            let reply = self.find(&fetch);
            self.answer(&fetch, reply);
        }
    }

    fn find(&self, fetch: &Sent) -> FetchReply {
        let Request::Fetch(request) = &fetch.request else { panic!("not a fetch") };
        let parts = request.partitions.iter().map(|wanted| {
            let truth = &self.truth[&wanted.partition];
            let error = truth.check(fetch.broker(), wanted.current_leader_epoch);
            let found = match error {
                ErrorCode::None => truth.log_from(wanted.offset),
                _ => Vec::new(),
            };
            fetched(wanted.partition, error, found)
        });
        FetchReply { partitions: parts.flat_map(|reply| reply.partitions).collect() }
    }

    pub(super) fn answer(&mut self, fetch: &Sent, reply: FetchReply) {
        self.respond(fetch, Response::Fetch(reply));
        self.serve();
    }

    pub(super) fn respond(&mut self, sent: &Sent, response: Response) {
        let message = Message::Response(sent.correlation, response);
        self.consumer.on_message(sent.connection, message, &mut self.stage.turn());
    }

    /// Moves the clock to the next deadline.
    pub(super) fn wake(&mut self) {
        let due = self.consumer.next_deadline().expect("something is due");
        self.stage.now = self.stage.now.max(due);
        self.consumer.on_deadline(&mut self.stage.turn());
        self.serve();
    }

    /// Moves the clock until `poll()` returns.
    pub(super) fn wait(&mut self) {
        for _ in 0..1_000 {
            if self.consumer.activity == Activity::Idle {
                return;
            }
            self.wake();
        }
        panic!("poll() does not return");
    }

    /// Opens connections and answers requests until only fetches are left.
    pub(super) fn serve(&mut self) {
        loop {
            self.facts.extend(self.stage.facts());
            let effects = self.stage.effects();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.on_effect(effect);
            }
        }
    }

    pub(super) fn on_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Connect(connection) => {
                let outcome = match (self.ailment, connection.server) {
                    (Ailment::Silent(id), NodeId::Broker(BrokerId(server))) if id == server => {
                        return;
                    }
                    (Ailment::Refuses(id), NodeId::Broker(BrokerId(server))) if id == server => {
                        ConnectionEvent::Refused
                    }
                    _ => ConnectionEvent::Opened,
                };
                self.consumer.on_connection(connection, outcome, &mut self.stage.turn());
            }
            Effect::Send(connection, message) => {
                let Message::Request(correlation, request) = *message else { return };
                let sent = Sent { connection, correlation, request };
                match self.reply_to(&sent) {
                    _ if self.ailment == Ailment::Silent(sent.broker().0) => {}
                    Some(reply) => self.respond(&sent, reply),
                    None => self.pending.push(sent),
                }
            }
            Effect::Return(Returned::Threw) => {} // `threw` has it
            Effect::Return(Returned::Polled(records)) => {
                let count: u64 = records.iter().map(|it| it.to - it.from).sum();
                self.returned.push(count);
            }
            Effect::Close(connection) => self.pending.retain(|sent| sent.connection != connection),
            other => panic!("a consumer does not {other:?}"),
        }
    }

    pub(super) fn reply_to(&mut self, sent: &Sent) -> Option<Response> {
        match &sent.request {
            Request::Fetch(_) => None,
            Request::Metadata(_) => Some(Response::Metadata(self.metadata())),
            Request::ListOffsets(request) => {
                let list = request.partitions.iter().map(|&(partition, epoch, spec)| {
                    let truth = &self.truth[&partition];
                    let offset = match spec {
                        OffsetSpec::Earliest => Offset::ZERO,
                        _ => truth.end(),
                    };
                    ListedOffset {
                        partition,
                        error: truth.check(sent.broker(), epoch).max(self.listing_error),
                        offset: Some(offset),
                        timestamp: None,
                        leader_epoch: None,
                    }
                });
                Some(Response::ListOffsets(ListOffsetsReply { partitions: list.collect() }))
            }
            Request::OffsetForLeaderEpoch(request) => {
                self.validated.extend(request.partitions.iter().map(|&(tp, _, epoch)| (tp, epoch)));
                let ends = request.partitions.iter().map(|&(tp, leader_epoch, epoch)| {
                    let truth = &self.truth[&tp];
                    match truth.check(sent.broker(), leader_epoch) {
                        ErrorCode::None => (tp, Ok(truth.epoch_end(epoch))),
                        error => (tp, Err(error)),
                    }
                });
                Some(Response::OffsetForLeaderEpoch(EpochEndReply { partitions: ends.collect() }))
            }
            other => panic!("a consumer does not ask {other:?}"),
        }
    }

    pub(super) fn metadata(&self) -> MetadataReply {
        let partitions = self.truth.values().map(|truth| PartitionMetadata {
            leader: Some(BrokerId(truth.leader)),
            leader_epoch: LeaderEpoch(truth.epoch),
            replicas: vec![BrokerId(1), BrokerId(2)],
        });
        let topics = vec![(TopicId(1), Ok(partitions.collect()))];
        MetadataReply { brokers: vec![BrokerId(1), BrokerId(2)], topics }
    }

    pub(super) fn waiting_fetches(&self) -> Vec<FetchRequest> {
        let fetches = self.pending.iter().map(|sent| match &sent.request {
            Request::Fetch(request) => request.clone(),
            other => panic!("not a fetch: {other:?}"),
        });
        fetches.collect()
    }

    pub(super) fn handed_over(&self) -> Vec<(TopicPartition, u64, u64)> {
        let polled = self.facts.iter().filter_map(|fact| match fact {
            Fact::Polled { partition, from, to, .. } => Some((*partition, from.0, to.0)),
            _ => None,
        });
        polled.collect()
    }

    pub(super) fn resets(&self) -> Vec<(TopicPartition, Option<u64>, u64, ResetCause)> {
        let resets = self.facts.iter().filter_map(|fact| match fact {
            Fact::PositionReset { partition, from, to, cause, .. } => {
                Some((*partition, from.map(|offset| offset.0), to.0, *cause))
            }
            _ => None,
        });
        resets.collect()
    }

    pub(super) fn threw(&self) -> Vec<GroupError> {
        let thrown = self.facts.iter().filter_map(|fact| match fact {
            Fact::Member(MemberFact { what: MemberEvent::Threw(error), .. }) => Some(*error),
            _ => None,
        });
        thrown.collect()
    }

    pub(super) fn failures(&self) -> Vec<(TopicPartition, ConsumerError)> {
        let failures = self.facts.iter().filter_map(|fact| match fact {
            Fact::ConsumerFailed { partition, error, .. } => Some((*partition, *error)),
            _ => None,
        });
        failures.collect()
    }
}
