//! The producer: takes records from its application, chooses partitions, and tells how each
//! `send()` ended. What leaves and what comes back is the sender's business (`sender`).
//!
//! Left out: transactions, interceptors, serializers, quotas, a timeout for `close()`.
//!
//! Source: `KafkaProducer`, Kafka 4.0.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::client::accumulator::{Accumulator, Appended, MemoryQueue, Pace, Sender};
use crate::client::link::{Link, LinkConfig};
use crate::client::partitioner::{Choices, Moves, StickyPartitioner, Switch, partition_for_key};
use crate::client::producer_batch::BatchId;
use crate::client::sender::{Latency, Tag};
use crate::client::sequences::Idempotence;
use crate::config::{Idempotence as Wish, ProducerConfig};
use crate::fact::{Fact, SendOutcome};
use crate::ids::{BrokerId, ClientId, ConnectionId, TopicId, TopicPartition, Uid};
use crate::log::batch::Record;
use crate::message::data::Acks;
use crate::message::{ErrorCode, Message};
use crate::table::Table;
use crate::time::{Time, earliest};
use crate::turn::{Completion, ConnectionEvent, Node, Returned, Turn};

/// Requests in flight that an idempotent producer may have: brokers remember as many batches.
const IDEMPOTENT_IN_FLIGHT_MAX: u32 = 5;

/// A producer process.
#[derive(Clone, Debug, PartialEq)]
pub struct Producer {
    pub(super) client: ClientId,
    pub(super) config: ProducerConfig,
    pub(super) link: Link<Tag>,
    pub(super) accumulator: Accumulator,
    /// `None` if batches are not numbered.
    pub(super) idempotence: Option<Idempotence>,
    /// For records without key, by topic.
    pub(super) partitioners: Table<TopicId, StickyPartitioner>,
    /// How long each broker's partitions have had data that could not leave.
    pub(super) latencies: Table<BrokerId, Latency>,
    /// Calls of `send()` that have not returned, oldest first.
    blocked: VecDeque<Blocked>,
    /// Calls of `flush()` that have not returned: each waits for the batches opened before this one.
    flushes: Vec<BatchId>,
    life: Life,
    /// When the sender has something to do, besides what the link waits for.
    pub(super) deadline: Option<Time>,
}

/// Whether `send()` has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It has, and did nothing but put the record beside others of its batch.
    Buffered,
    /// It has: the record is buffered, or its failure was reported.
    Accepted,
    /// It waits for metadata or memory; [`Returned::Unblocked`] follows.
    Blocked,
}

/// A conflict among the settings of a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerConfigError {
    /// `retries` is 0.
    #[error("enable.idempotence=true needs retries above 0")]
    Retries,
    /// `acks` is not all.
    #[error("enable.idempotence=true needs acks=all")]
    Acks,
    /// More requests in flight than a broker remembers batches.
    #[error("enable.idempotence=true needs max.in.flight.requests.per.connection of at most 5")]
    InFlight,
}

#[derive(Clone, Debug, PartialEq)]
struct Blocked {
    send: Send,
    wait: Wait,
    /// When `max.block.ms` is over.
    until: Time,
}

/// The arguments of one `send()`.
#[derive(Clone, Debug, PartialEq)]
struct Send {
    topic: TopicId,
    partition: Option<u16>,
    record: Record,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Metadata,
    Memory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Open,
    /// `close()` was called; what was accepted is still brought to an outcome.
    Closing,
    Closed,
}

/// What became of one `send()`.
enum Placement {
    Buffered(Sender),
    Refused,
    Waits(Wait, Send),
}

impl Producer {
    /// Makes a producer that has not started.
    ///
    /// # Errors
    /// One per setting that forbids idempotence, if the user asked for it by name. If the
    /// user did not, such a setting switches it off.
    ///
    /// Source: `ProducerConfig.postProcessAndValidateIdempotenceConfigs`, Kafka 4.0.
    pub fn new(
        client: ClientId,
        config: ProducerConfig,
        bootstrap: Vec<BrokerId>,
    ) -> Result<Producer, ProducerConfigError> {
        let is_idempotent = match (config.idempotence, check_idempotence(&config)) {
            (Wish::Off, _) => false,
            (Wish::On, conflict) => conflict.map(|()| true)?,
            (Wish::Unset, conflict) => conflict.is_ok(),
        };
        Ok(Producer {
            client,
            link: Link::new(client, LinkConfig::from(&config), bootstrap),
            accumulator: Accumulator::new(&config),
            idempotence: is_idempotent.then(Idempotence::new),
            partitioners: Table::new(),
            latencies: Table::new(),
            blocked: VecDeque::new(),
            flushes: Vec::new(),
            life: Life::Open,
            deadline: None,
            config,
        })
    }

    /// Takes a record, for `partition` or one of the producer's choice.
    ///
    /// After `close()` the record fails at once.
    ///
    /// Source: `KafkaProducer.doSend`, Kafka 4.0.
    pub fn send(
        &mut self,
        topic: TopicId,
        partition: Option<u16>,
        record: Record,
        turn: &mut Turn<'_>,
    ) -> Sending {
        turn.note(Fact::SendCalled { client: self.client, topic, record: record.clone() });
        if self.life != Life::Open {
            self.refuse(record.uid, ErrorCode::UnknownServerError, turn);
            return Sending::Accepted;
        }
        let send = Send { topic, partition, record };
        match self.place(send, self.memory_queue(), turn) {
            Placement::Buffered(Sender::Sleeps) => Sending::Buffered,
            Placement::Refused => Sending::Accepted,
            Placement::Buffered(Sender::Wakes) => {
                self.run_sender(turn);
                Sending::Accepted
            }
            Placement::Waits(wait, send) => {
                let until = turn.now + self.config.block_max;
                self.blocked.push_back(Blocked { send, wait, until });
                self.run_sender(turn);
                Sending::Blocked
            }
        }
    }

    /// Sends everything without regard to `linger.ms`; [`Returned::Flushed`] follows when
    /// every batch opened so far has an outcome.
    ///
    /// Source: `KafkaProducer.flush`, Kafka 4.0.
    pub fn flush(&mut self, turn: &mut Turn<'_>) {
        self.flushes.push(self.accumulator.next_id());
        self.run_sender(turn);
    }

    /// Takes no more records and brings those accepted to an outcome, for as long as it
    /// takes; then [`Returned::Closed`] follows. Blocked calls of `send()` fail.
    ///
    /// Source: `KafkaProducer.close`, Kafka 4.0.
    pub fn close(&mut self, turn: &mut Turn<'_>) {
        if self.life != Life::Open {
            return;
        }
        self.life = Life::Closing;
        for blocked in std::mem::take(&mut self.blocked) {
            self.give_up(blocked.send.record.uid, ErrorCode::UnknownServerError, turn);
        }
        self.run_sender(turn);
    }

    /// Returns the `send()` calls without an outcome: if the process dies, nobody will know.
    pub fn undecided(&self) -> Vec<Uid> {
        let buffered = self.accumulator.incomplete().flat_map(|batch| batch.uids());
        buffered.chain(self.blocked.iter().map(|blocked| blocked.send.record.uid)).collect()
    }

    /// Says whether this is a connection of the producer's, where a process has others too.
    pub fn owns(&self, connection: ConnectionId) -> bool {
        self.link.owns(connection)
    }

    /// Says whether batches carry producer id and sequence.
    pub fn is_idempotent(&self) -> bool {
        self.idempotence.is_some()
    }

    /// Says whether incomplete batches wait for `linger.ms`.
    pub(super) fn pace(&self) -> Pace {
        let is_urgent = !self.flushes.is_empty()
            || self.life == Life::Closing
            || self.memory_queue() == MemoryQueue::Occupied;
        if is_urgent { Pace::AtOnce } else { Pace::Linger }
    }

    /// Goes on with blocked calls, oldest first, and says whether the sender has to look.
    pub(super) fn unblock(&mut self, turn: &mut Turn<'_>) -> Sender {
        let mut sender = Sender::Sleeps;
        let mut memory = MemoryQueue::Free;
        for _ in 0..self.blocked.len() {
            let Some(blocked) = self.blocked.pop_front() else { break };
            let uid = blocked.send.record.uid;
            if blocked.until <= turn.now {
                self.give_up(uid, ErrorCode::RequestTimedOut, turn);
                continue;
            }
            match self.place(blocked.send, memory, turn) {
                Placement::Buffered(wakes) => {
                    if wakes == Sender::Wakes {
                        sender = Sender::Wakes;
                    }
                    turn.return_to_application(Returned::Unblocked(uid));
                }
                Placement::Refused => turn.return_to_application(Returned::Unblocked(uid)),
                Placement::Waits(wait, send) => {
                    if wait == Wait::Memory {
                        memory = MemoryQueue::Occupied;
                    }
                    self.blocked.push_back(Blocked { send, wait, ..blocked });
                }
            }
        }
        sender
    }

    /// Asks for metadata again as long as a `send()` waits for it.
    pub(super) fn insist_on_metadata(&mut self) {
        if self.blocked.iter().any(|blocked| blocked.wait == Wait::Metadata) {
            self.link.request_update();
        }
    }

    /// Returns when the oldest blocked call gives up.
    pub(super) fn block_deadline(&self) -> Option<Time> {
        self.blocked.front().map(|blocked| blocked.until)
    }

    /// Lets `flush()` and `close()` return if all that they wait for is decided.
    pub(super) fn return_from_waits(&mut self, turn: &mut Turn<'_>) {
        if self.flushes.is_empty() && self.life != Life::Closing {
            return;
        }
        let oldest = self.accumulator.incomplete().map(|batch| batch.origin).min();
        let is_done = |until: BatchId| oldest.is_none_or(|oldest| until <= oldest);
        let pending = self.flushes.len();
        self.flushes.retain(|&until| !is_done(until));
        for _ in self.flushes.len()..pending {
            turn.return_to_application(Returned::Flushed);
        }
        if self.life == Life::Closing && oldest.is_none() {
            self.life = Life::Closed;
            turn.return_to_application(Returned::Closed);
        }
    }

    /// Reports how the `send()` calls of one batch ended.
    pub(super) fn complete(
        &self,
        partition: Option<TopicPartition>,
        uids: Vec<Uid>,
        outcome: SendOutcome,
        turn: &mut Turn<'_>,
    ) {
        let shared: Arc<[Uid]> = uids.as_slice().into();
        turn.note(Fact::Completed { client: self.client, partition, uids: shared, outcome });
        let completion = match outcome {
            SendOutcome::Acknowledged(offset) => Completion::Ok(offset),
            SendOutcome::Failed(error) | SendOutcome::Unknown(error) => Completion::Error(error),
        };
        turn.return_to_application(Returned::Completed(uids, completion));
    }

    /// Finds the partition and puts the record into its batch.
    fn place(&mut self, send: Send, memory: MemoryQueue, turn: &mut Turn<'_>) -> Placement {
        let Send { topic, partition, record } = send;
        let Some(count) = self.link.metadata().partition_count(topic) else {
            self.link.add_topic(topic);
            return Placement::Waits(Wait::Metadata, Send { topic, partition, record });
        };
        if partition.is_some_and(|partition| count <= partition) {
            self.link.request_update();
            return Placement::Waits(Wait::Metadata, Send { topic, partition, record });
        }
        if let Some(error) = self.too_large(&record) {
            self.refuse(record.uid, error, turn);
            return Placement::Refused;
        }
        let key = record.key.as_ref().filter(|_| !self.config.partitioner_ignore_keys);
        let fixed = partition.or_else(|| key.map(|key| partition_for_key(key, count)));
        let index = match fixed {
            Some(index) => index,
            None => self.stick(topic, turn),
        };
        let (uid, tp) = (record.uid, TopicPartition { topic, partition: index });
        match self.accumulator.append(tp, record, memory, turn.now) {
            Appended::OutOfMemory(record) => {
                Placement::Waits(Wait::Memory, Send { topic, partition, record })
            }
            Appended::Yes { bytes, sender } => {
                turn.note(Fact::Buffered { client: self.client, uid, partition: tp });
                if fixed.is_none() {
                    self.count_for_sticky(tp, bytes, turn);
                }
                Placement::Buffered(sender)
            }
        }
    }

    /// Returns the partition for a record without key.
    fn stick(&mut self, topic: TopicId, turn: &mut Turn<'_>) -> u16 {
        let partitioner = self.partitioners.get_or_insert_with(topic, StickyPartitioner::default);
        let Some(current) = partitioner.current() else { return self.switch(topic, turn) };
        // A switch that an open batch deferred is made up for once that batch is closed.
        let switch = self.accumulator.switch(TopicPartition { topic, partition: current });
        let is_due = switch == Switch::Allowed
            && partitioner.count(0, switch, self.config.batch_bytes.max(1)) == Moves::On;
        if is_due { self.switch(topic, turn) } else { current }
    }

    /// Counts an append for the sticky partition of its topic and moves on if it is time.
    fn count_for_sticky(&mut self, tp: TopicPartition, bytes: u32, turn: &mut Turn<'_>) {
        let switch = self.accumulator.switch(tp);
        let partitioner =
            self.partitioners.get_or_insert_with(tp.topic, StickyPartitioner::default);
        match partitioner.count(bytes, switch, self.config.batch_bytes.max(1)) {
            Moves::Stays => {}
            Moves::On => {
                self.switch(tp.topic, turn);
            }
        }
    }

    fn switch(&mut self, topic: TopicId, turn: &mut Turn<'_>) -> u16 {
        let partitions = self.link.metadata().partitions(topic);
        let leaders: Vec<_> = partitions.map(|(_, leader)| leader).collect();
        self.partitioners
            .get_or_insert_with(topic, StickyPartitioner::default)
            .choose(Choices(&leaders), turn.rng)
    }

    /// Returns why a record cannot be taken at all, if so.
    fn too_large(&self, record: &Record) -> Option<ErrorCode> {
        let bytes = record.bytes_upper_bound();
        if self.config.request_bytes_max < bytes || self.config.buffer_bytes < u64::from(bytes) {
            return Some(ErrorCode::MessageTooLarge);
        }
        // `batch.size` beyond `buffer.memory`: Kafka throws an IllegalArgumentException.
        let needed = self.accumulator.bytes_needed(record);
        (self.config.buffer_bytes < needed).then_some(ErrorCode::UnknownServerError)
    }

    fn memory_queue(&self) -> MemoryQueue {
        match self.blocked.iter().any(|blocked| blocked.wait == Wait::Memory) {
            true => MemoryQueue::Occupied,
            false => MemoryQueue::Free,
        }
    }

    /// Fails a record that was never sent.
    fn refuse(&self, uid: Uid, error: ErrorCode, turn: &mut Turn<'_>) {
        self.complete(None, vec![uid], SendOutcome::Failed(error), turn);
    }

    /// Fails a blocked call: its callback runs, then it returns.
    fn give_up(&self, uid: Uid, error: ErrorCode, turn: &mut Turn<'_>) {
        self.refuse(uid, error, turn);
        turn.return_to_application(Returned::Unblocked(uid));
    }
}

impl Node for Producer {
    fn on_start(&mut self, turn: &mut Turn<'_>) {
        self.link.start(turn);
        self.run_sender(turn);
    }

    fn on_connection(
        &mut self,
        connection: ConnectionId,
        event: ConnectionEvent,
        turn: &mut Turn<'_>,
    ) {
        if let Some(event) = self.link.on_connection(connection, event, turn) {
            self.on_link(event, turn);
            self.run_sender(turn);
        }
    }

    fn on_message(&mut self, connection: ConnectionId, message: Message, turn: &mut Turn<'_>) {
        if let Some(event) = self.link.on_message(connection, message, turn) {
            self.on_link(event, turn);
            self.run_sender(turn);
        }
    }

    fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        for event in self.link.on_deadline(turn) {
            self.on_link(event, turn);
        }
        self.run_sender(turn);
    }

    fn next_deadline(&self) -> Option<Time> {
        match self.life {
            Life::Open | Life::Closing => earliest([self.deadline, self.link.next_deadline()]),
            Life::Closed => None,
        }
    }
}

fn check_idempotence(config: &ProducerConfig) -> Result<(), ProducerConfigError> {
    if config.retries == 0 {
        return Err(ProducerConfigError::Retries);
    }
    if config.acks != Acks::All {
        return Err(ProducerConfigError::Acks);
    }
    if IDEMPOTENT_IN_FLIGHT_MAX < config.in_flight_max {
        return Err(ProducerConfigError::InFlight);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
