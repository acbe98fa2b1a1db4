//! The producer's sender: one pass after another until nothing more can leave, and the
//! answers that come back.
//!
//! Source: `Sender`, Kafka 4.0.

use std::sync::Arc;

use crate::channel::Backoff;
use crate::client::accumulator::{Expired, Mute, Sender, Writer};
use crate::client::link::{LinkEvent, LostCause};
use crate::client::producer::Producer;
use crate::client::producer_batch::{BatchId, Identity, Presence, ProducerBatch};
use crate::client::retry::{self, Aftermath, Answer, Decision, Patience};
use crate::client::sequences::{EpochBump, PartitionSequences};
use crate::fact::{Fact, SendOutcome};
use crate::ids::{BrokerId, TopicPartition};
use crate::log::batch::Batch;
use crate::message::data::{
    Acks, CurrentLeader, InitProducerIdReply, ProduceOutcome, ProduceReply, ProduceRequest,
};
use crate::message::{ErrorCode, Request, Response};
use crate::time::{Duration, Time, earliest};
use crate::turn::Turn;

/// What a producer wants back with a response.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tag {
    /// It asked for a producer id.
    Identity,
    /// It sent these batches, in the order of the request.
    Produce(Vec<Sent>),
}

/// One batch on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    partition: TopicPartition,
    id: BatchId,
    /// As it was sent.
    batch: Arc<Batch>,
}

/// Since when a broker's partitions have had data that could not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Latency {
    /// When data last was there to leave.
    ready_at: Time,
    /// When data last could leave.
    drained_at: Time,
}

impl Producer {
    /// Sends what may leave, in as many passes as it takes.
    ///
    /// Source: `Sender.runOnce`, Kafka 4.0.
    pub(super) fn run_sender(&mut self, turn: &mut Turn<'_>) {
        loop {
            self.identify(turn);
            let next_check = self.send_batches(turn);
            let unblocked = self.unblock(turn);
            if next_check == Pass::Sent || unblocked == Sender::Wakes {
                continue;
            }
            self.return_from_waits(turn);
            self.deadline = self.sender_deadline(next_check, turn.now);
            return;
        }
    }

    /// Takes in what the link has to tell.
    pub(super) fn on_link(&mut self, event: LinkEvent<Tag>, turn: &mut Turn<'_>) {
        match event {
            LinkEvent::Ready(_) => {}
            LinkEvent::MetadataUpdated => {
                // Whoever still waits after this update asks for another one.
                self.unblock(turn);
                self.insist_on_metadata();
            }
            LinkEvent::Response(_, Tag::Identity, Response::InitProducerId(reply)) => {
                self.on_identity(reply, turn);
            }
            LinkEvent::Response(_, Tag::Produce(sent), Response::Produce(reply)) => {
                self.on_produce_reply(sent, reply, turn);
            }
            LinkEvent::Response(broker, tag, response) => {
                panic!("{broker} answers {tag:?} with {response:?}");
            }
            LinkEvent::Lost { requests, cause, .. } => self.on_lost(requests, cause, turn),
        }
    }

    /// Sees to the producer's id and epoch: settles doubtful sequences, raises the epoch,
    /// asks for an id.
    fn identify(&mut self, turn: &mut Turn<'_>) {
        let Some(idempotence) = &mut self.idempotence else { return };
        idempotence.resolve(&mut self.accumulator);
        if let Some(Identity { id, epoch }) = idempotence.bump(&mut self.accumulator, turn.rules) {
            turn.note(Fact::ProducerIdentified { client: self.client, id, epoch });
        }
        if idempotence.asks_at().is_none_or(|at| turn.now < at) {
            return;
        }
        let Some(broker) = self.link.least_loaded(turn) else { return };
        if !self.link.is_ready(broker, turn.now) {
            return self.link.connect(broker, turn);
        }
        idempotence.ask();
        self.link.send(broker, Request::InitProducerId(()), Tag::Identity, turn);
    }

    /// Sends one request to each broker that is ready, then gives up what took too long.
    ///
    /// Source: `Sender.sendProducerData`, Kafka 4.0.
    fn send_batches(&mut self, turn: &mut Turn<'_>) -> Pass {
        let metadata = self.link.metadata();
        self.accumulator.learn_leaders(metadata.version(), |tp| metadata.leader(tp));
        let readiness = self.accumulator.ready(self.pace(), turn.now);
        self.weigh_partitions();
        if readiness.lacks_leader {
            self.link.request_update();
        }
        let mut pass = Pass::Waits(readiness.next_check);
        for broker in readiness.brokers.iter() {
            let is_ready = self.link.is_ready(broker, turn.now);
            self.measure_latency(broker, is_ready.then_some(turn.now), turn.now);
            if !is_ready {
                self.link.connect(broker, turn);
                continue;
            }
            let writer = match &self.idempotence {
                None => Writer::Anonymous,
                Some(idempotence) => Writer::Numbered(idempotence.identity()),
            };
            let drained = self.accumulator.drain(broker, writer, turn.now);
            if !drained.is_empty() {
                self.send_request(broker, drained, turn);
                pass = Pass::Sent;
            }
        }
        self.expire(turn);
        pass
    }

    /// Sends the batches that were just taken from these queues.
    fn send_request(&mut self, broker: BrokerId, places: Vec<usize>, turn: &mut Turn<'_>) {
        let acks = self.config.acks;
        let mute = if self.config.in_flight_max == 1 { Mute::On } else { Mute::Off };
        let mut partitions = Vec::with_capacity(places.len());
        let mut tag = Vec::with_capacity(places.len());
        for place in places {
            let queue = &mut self.accumulator.queues_mut()[place];
            queue.mute = mute;
            let departed = queue.in_flight.last_mut().expect("a batch was just taken");
            let (id, attempt) = (departed.id, departed.attempts + 1);
            let (client, partition) = (self.client, queue.partition);
            let batch = Arc::clone(departed.sealed());
            partitions.push((partition, Arc::clone(&batch)));
            tag.push(Sent { partition, id, batch: Arc::clone(&batch) });
            turn.note(Fact::BatchSent { client, broker, partition, batch, attempt, acks });
        }
        let timeout = self.config.request_timeout;
        let request = Request::Produce(ProduceRequest { acks, timeout, partitions });
        match acks {
            Acks::Leader | Acks::All => self.link.send(broker, request, Tag::Produce(tag), turn),
            Acks::None => {
                self.link.send_without_answer(broker, request, turn);
                for sent in tag {
                    self.conclude(sent, Answer { error: ErrorCode::None, base_offset: None }, turn);
                }
            }
        }
    }

    fn on_identity(&mut self, reply: InitProducerIdReply, turn: &mut Turn<'_>) {
        match reply.producer {
            Err(_) => self.postpone_identity(turn),
            Ok((id, epoch)) => {
                let idempotence = self.idempotence.as_mut().expect("only the idempotent ask");
                idempotence.on_identity(Identity { id, epoch }, &mut self.accumulator);
                turn.note(Fact::ProducerIdentified { client: self.client, id, epoch });
            }
        }
    }

    fn on_produce_reply(&mut self, sent: Vec<Sent>, reply: ProduceReply, turn: &mut Turn<'_>) {
        for (sent, outcome) in sent.into_iter().zip(reply.partitions) {
            let ProduceOutcome { partition, error, base_offset, current_leader, .. } = outcome;
            assert_eq!(sent.partition, partition, "a reply has the order of its request");
            self.conclude(sent, Answer { error, base_offset }, turn);
            self.learn_leader(partition, error, current_leader);
        }
    }

    /// A broker that leads no more may name its successor (KIP-951).
    fn learn_leader(
        &mut self,
        partition: TopicPartition,
        error: ErrorCode,
        hint: Option<CurrentLeader>,
    ) {
        let tells = matches!(error, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch);
        if let Some(hint) = hint.filter(|_| tells) {
            self.link.metadata_mut().learn_leader(partition, hint);
        }
    }

    fn on_lost(&mut self, requests: Vec<Tag>, cause: LostCause, turn: &mut Turn<'_>) {
        let error = match cause {
            LostCause::TimedOut => ErrorCode::RequestTimedOut,
            LostCause::Disconnected => ErrorCode::NetworkException,
        };
        for tag in requests {
            match tag {
                Tag::Identity => self.postpone_identity(turn),
                Tag::Produce(sent) => {
                    for sent in sent {
                        self.conclude(sent, Answer { error, base_offset: None }, turn);
                    }
                }
            }
        }
    }

    fn postpone_identity(&mut self, turn: &mut Turn<'_>) {
        let idempotence = self.idempotence.as_mut().expect("only the idempotent ask");
        let pause = backoff(&self.config.retry_backoff, &self.config.retry_backoff_max)
            .pause(idempotence.failures(), turn.rng);
        idempotence.on_no_identity(turn.now + pause);
    }

    /// Acts on the end of one attempt.
    ///
    /// Source: `Sender.completeBatch`, Kafka 4.0.
    fn conclude(&mut self, sent: Sent, answer: Answer, turn: &mut Turn<'_>) {
        let partition = sent.partition;
        if answer.error.is_stale_metadata() {
            self.link.request_update();
        }
        self.accumulator.queue_mut(partition).mute = Mute::Off;
        let Some(mut batch) = self.accumulator.land(partition, sent.id) else {
            return self.on_late_answer(&sent, answer);
        };
        if answer.error != ErrorCode::None
            && retry::presence_after(answer.error) == Presence::Possible
        {
            batch.presence = Presence::Possible;
        }
        let is_idempotent = self.is_idempotent();
        let sequences = &self.accumulator.queue_mut(partition).sequences;
        let sequences = is_idempotent.then_some(sequences);
        let patience = Patience {
            retries: self.config.retries,
            delivery_timeout: self.config.delivery_timeout,
        };
        match retry::decide(answer, &batch, sequences, patience, turn.now) {
            Decision::Acknowledge(offset) => {
                if let Some(last) = batch.last_sequence() {
                    self.accumulator.queue_mut(partition).sequences.acknowledge(last);
                }
                self.decide(partition, batch, SendOutcome::Acknowledged(offset), turn);
            }
            Decision::Split => {
                self.note_retry(sent, answer.error, turn);
                self.accumulator.split(partition, &batch);
            }
            Decision::Retry(bump) => {
                if bump == EpochBump::Needed {
                    self.request_bump(partition);
                }
                self.note_retry(sent, answer.error, turn);
                self.requeue(partition, batch, turn);
            }
            Decision::Fail(aftermath) => {
                self.on_failed(partition, aftermath);
                let outcome = retry::outcome(answer.error, batch.presence);
                self.decide(partition, batch, outcome, turn);
            }
        }
    }

    /// Queues a batch for another attempt after a pause.
    // Simplified: Kafka draws the jitter of the pause anew at each look; here it is drawn
    // once per attempt, so that how often somebody looks does not matter.
    fn requeue(&mut self, partition: TopicPartition, batch: ProducerBatch, turn: &mut Turn<'_>) {
        let pause = backoff(&self.config.retry_backoff, &self.config.retry_backoff_max)
            .pause(batch.attempts, turn.rng);
        self.accumulator.requeue(partition, batch, turn.now + pause);
    }

    /// An answer for a batch that has expired: all that it can do is to fill a gap.
    fn on_late_answer(&mut self, sent: &Sent, answer: Answer) {
        let is_written =
            matches!(answer.error, ErrorCode::None | ErrorCode::DuplicateSequenceNumber);
        if let Some(last) = sent.batch.last_sequence().filter(|_| is_written) {
            self.accumulator.queue_mut(sent.partition).sequences.acknowledge(last);
        }
    }

    fn on_failed(&mut self, partition: TopicPartition, aftermath: Aftermath) {
        if !self.is_idempotent() {
            return;
        }
        match aftermath {
            Aftermath::Nothing => {}
            Aftermath::BumpEpoch => self.request_bump(partition),
            Aftermath::Forget => {
                self.accumulator.queue_mut(partition).sequences = PartitionSequences::default();
            }
        }
    }

    fn request_bump(&mut self, partition: TopicPartition) {
        let idempotence = self.idempotence.as_mut().expect("only numbers need an epoch");
        idempotence.request_bump(partition);
    }

    fn note_retry(&self, sent: Sent, error: ErrorCode, turn: &mut Turn<'_>) {
        let Sent { partition, batch, .. } = sent;
        turn.note(Fact::BatchRetried { client: self.client, partition, batch, error });
    }

    /// Gives up batches whose `delivery.timeout.ms` is over, on their way or not.
    fn expire(&mut self, turn: &mut Turn<'_>) {
        for (partition, expired) in self.accumulator.expire(turn.now) {
            let (batch, presence) = match expired {
                Expired::InFlight(batch) => (batch, Presence::Possible),
                Expired::Waiting(batch) => {
                    let presence = batch.presence;
                    (batch, presence)
                }
            };
            // Quirk: the first attempt leaves no doubt behind, even if it is on its way.
            if let Some(last) = batch.last_sequence().filter(|_| 0 < batch.attempts) {
                self.accumulator.queue_mut(partition).sequences.doubt(last);
            }
            let outcome = retry::outcome(ErrorCode::RequestTimedOut, presence);
            self.decide(partition, batch, outcome, turn);
        }
    }

    /// Ends a batch.
    fn decide(
        &mut self,
        partition: TopicPartition,
        batch: ProducerBatch,
        outcome: SendOutcome,
        turn: &mut Turn<'_>,
    ) {
        self.accumulator.release(&batch);
        self.complete(Some(partition), batch.uids().collect(), outcome, turn);
    }

    /// Weighs the partitions of each topic by their queues, once all have one.
    fn weigh_partitions(&mut self) {
        if !self.config.partitioner_adaptive {
            return;
        }
        let patience = self.config.partitioner_availability_timeout;
        let latencies = &self.latencies;
        let is_avoided = |broker: BrokerId| {
            let latency = latencies.get(&broker);
            latency.is_some_and(|it| patience < it.ready_at - it.drained_at)
        };
        for (&topic, partitioner) in &mut self.partitioners {
            let count = self.link.metadata().partition_count(topic).unwrap_or(0);
            let queues = || self.accumulator.loads(topic, is_avoided).count();
            // One partition is no choice.
            match count != 1 && usize::from(count) <= queues() {
                true => partitioner.load_mut().measure(self.accumulator.loads(topic, is_avoided)),
                false => partitioner.load_mut().forget(),
            }
        }
    }

    /// Remembers that a broker had data to take, and when it last took some.
    ///
    /// Source: `RecordAccumulator.updateNodeLatencyStats`, Kafka 4.0.
    fn measure_latency(&mut self, broker: BrokerId, drained_at: Option<Time>, now: Time) {
        if self.config.partitioner_availability_timeout == Duration::ZERO {
            return;
        }
        let known = self.latencies.get(&broker).map_or(now, |latency| latency.drained_at);
        let drained_at = drained_at.unwrap_or(known);
        self.latencies.insert(broker, Latency { ready_at: now, drained_at });
    }

    fn sender_deadline(&self, pass: Pass, now: Time) -> Option<Time> {
        let next_check = match pass {
            Pass::Sent => Some(now),
            Pass::Waits(next_check) => next_check,
        };
        let identity = self.idempotence.as_ref().and_then(|it| it.asks_at());
        // An id that may be asked for already waits for a connection, not for time.
        let identity = identity.filter(|&at| now < at);
        earliest([next_check, self.accumulator.next_expiry(), self.block_deadline(), identity])
    }
}

/// What a pass of the sender came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Something left: there may be more.
    Sent,
    /// Nothing could; look again at this moment.
    Waits(Option<Time>),
}

fn backoff(first: &Duration, max: &Duration) -> Backoff {
    Backoff { first: *first, max: *max }
}
