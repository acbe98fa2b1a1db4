//! What a producer has taken from its application and not yet brought to an outcome:
//! batches per partition, and the memory that they share.
//!
//! Left out: pooled buffers (memory is a number), compression.
//!
//! Source: `RecordAccumulator`, `BufferPool`, Kafka 4.0.

use std::collections::VecDeque;

use crate::client::partitioner::{Availability, QueueLoad, Switch};
use crate::client::producer_batch::{BatchId, Identity, Numbering, ProducerBatch};
use crate::client::sequences::PartitionSequences;
use crate::config::ProducerConfig;
use crate::ids::{BrokerId, ReplicaSet, TopicId, TopicPartition};
use crate::log::batch::Record;
use crate::message::data::CurrentLeader;
use crate::table::{Table, place_by};
use crate::time::{Duration, Time};

/// The batches of all partitions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Accumulator {
    batch_bytes: u32,
    buffer_bytes: u64,
    linger: Duration,
    delivery_timeout: Duration,
    request_bytes_max: u32,
    /// Invariant: sorted by partition.
    queues: Vec<PartitionQueue>,
    /// Invariant: the sum over all batches.
    memory_used: u64,
    next_id: BatchId,
    /// Where the next drain for a broker starts, so that no partition starves.
    drain_from: Table<BrokerId, TopicPartition>,
    /// The version of the metadata from which the leaders are; `None` to look again.
    leaders_version: Option<u64>,
}

/// The batches of one partition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PartitionQueue {
    /// The partition.
    pub partition: TopicPartition,
    /// Its leader, as the metadata knows it.
    pub leader: Option<CurrentLeader>,
    /// Batches to send. Invariant: those with a sequence come first, in its order, and only
    /// the last one is open.
    pub waiting: VecDeque<ProducerBatch>,
    /// Batches on their way, in order of departure.
    pub in_flight: Vec<ProducerBatch>,
    /// Whether the partition waits for an answer before it sends more.
    pub mute: Mute,
    /// The numbering of an idempotent producer.
    pub sequences: PartitionSequences,
}

/// Whether a partition may send while a batch of it is in flight; only
/// `max.in.flight.requests.per.connection=1` mutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mute {
    /// It may send.
    Off,
    /// It waits for an answer.
    On,
}

/// How patient the accumulator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// An incomplete batch waits for `linger.ms`.
    Linger,
    /// Everything leaves: flushing, closing or out of memory.
    AtOnce,
}

/// Whether somebody else waits for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryQueue {
    /// Nobody does.
    Free,
    /// Somebody does: first come, first served.
    Occupied,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Appended {
    /// It lies in a batch that grew by so many bytes, a new one's header included.
    Yes { bytes: u32, sender: Sender },
    /// No memory: here it is again.
    OutOfMemory(Record),
}

/// Whether the sender has reason to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A batch is full, or there is another one.
    Wakes,
    /// Nothing to see.
    Sleeps,
}

/// What could leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readiness {
    /// Leaders of partitions with something to send.
    pub brokers: ReplicaSet,
    /// A partition with batches has no known leader.
    pub lacks_leader: bool,
    /// When the next batch has waited for long enough; `None` if none waits for time.
    pub next_check: Option<Time>,
}

impl Accumulator {
    /// Makes an empty accumulator.
    pub fn new(config: &ProducerConfig) -> Accumulator {
        Accumulator {
            batch_bytes: config.batch_bytes.max(1),
            buffer_bytes: config.buffer_bytes,
            linger: config.linger,
            delivery_timeout: config.delivery_timeout,
            request_bytes_max: config.request_bytes_max,
            queues: Vec::new(),
            memory_used: 0,
            next_id: BatchId(0),
            drain_from: Table::new(),
            leaders_version: None,
        }
    }

    /// Puts a record into its partition's last batch, or opens another one for it.
    ///
    /// Source: `RecordAccumulator.append`, Kafka 4.0.
    pub fn append(
        &mut self,
        partition: TopicPartition,
        mut record: Record,
        memory: MemoryQueue,
        now: Time,
    ) -> Appended {
        let place = self.place(partition);
        let queue = &mut self.queues[place];
        if let Some(last) = queue.waiting.back_mut() {
            match last.append(record) {
                Ok(bytes) => return Appended::Yes { bytes, sender: queue.wakes_if_full() },
                Err(back) => record = back,
            }
            last.seal();
        }
        let needed = self.bytes_needed(&record);
        if memory == MemoryQueue::Occupied || self.buffer_bytes < self.memory_used + needed {
            return Appended::OutOfMemory(record);
        }
        let mut batch = ProducerBatch::new(self.next_id, record, self.batch_bytes, now);
        batch.memory = needed;
        let bytes = batch.bytes();
        self.memory_used += needed;
        self.next_id.0 += 1;
        self.queues[place].waiting.push_back(batch);
        Appended::Yes { bytes, sender: Sender::Wakes }
    }

    /// Returns the memory that a batch for this record takes, in bytes.
    pub fn bytes_needed(&self, record: &Record) -> u64 {
        u64::from(self.batch_bytes.max(record.bytes_upper_bound()))
    }

    /// Says whether the sticky partition may be left without leaving an open batch behind.
    pub fn switch(&self, partition: TopicPartition) -> Switch {
        let queue = place_by(&self.queues, &partition, |queue| &queue.partition);
        let last = queue.ok().and_then(|place| self.queues[place].waiting.back());
        if last.is_none_or(ProducerBatch::is_full) { Switch::Allowed } else { Switch::Deferred }
    }

    /// Looks the leaders up again if the metadata has changed.
    pub fn learn_leaders(
        &mut self,
        version: u64,
        leader: impl Fn(TopicPartition) -> Option<CurrentLeader>,
    ) {
        if self.leaders_version == Some(version) {
            return;
        }
        for queue in &mut self.queues {
            queue.leader = leader(queue.partition);
        }
        self.leaders_version = Some(version);
    }

    /// Finds out what could leave.
    ///
    /// Source: `RecordAccumulator.ready`, Kafka 4.0.
    pub fn ready(&self, pace: Pace, now: Time) -> Readiness {
        let mut readiness = Readiness::default();
        for queue in &self.queues {
            let Some(first) = queue.waiting.front() else { continue };
            let Some(leader) = queue.leader else {
                readiness.lacks_leader = true;
                continue;
            };
            if queue.mute == Mute::On || readiness.brokers.contains(leader.leader) {
                continue;
            }
            let check_at = if first.is_backing_off(leader.epoch, now) {
                first.retry_at
            } else if pace == Pace::AtOnce || queue.has_full_batch() {
                // A batch that was sent before is sealed, hence full.
                now
            } else {
                first.created_at + self.linger
            };
            if check_at <= now {
                readiness.brokers = readiness.brokers.with(leader.leader);
            } else {
                let next = readiness.next_check.unwrap_or(Time::MAX);
                readiness.next_check = Some(next.min(check_at));
            }
        }
        readiness
    }

    /// Takes one batch per partition that `broker` leads, up to `max.request.size`, and
    /// returns the partitions in order of departure; their last batch in flight is it.
    /// `identity` is the writer if the producer is idempotent.
    ///
    /// Quirk: a partition whose sequences forbid it to send stops the drain for the whole
    /// broker, and the next drain starts with that partition.
    ///
    /// Source: `RecordAccumulator.drainBatchesForOneNode`, Kafka 4.0.
    pub fn drain(&mut self, broker: BrokerId, writer: Writer, now: Time) -> Vec<usize> {
        let mut drained = Vec::new();
        let mut bytes: u32 = 0;
        let count = self.queues.len();
        let from = self.drain_from.get(&broker).copied().unwrap_or_default();
        let start = self.queues.partition_point(|queue| queue.partition < from);
        let mut last = from;
        for place in (start..count).chain(0..start) {
            let queue = &mut self.queues[place];
            let Some(leader) = queue.leader.filter(|it| it.leader == broker) else { continue };
            last = queue.partition;
            let Some(first) = queue.waiting.front() else { continue };
            if queue.mute == Mute::On || first.is_backing_off(leader.epoch, now) {
                continue;
            }
            let would_be = bytes.saturating_add(first.bytes());
            if self.request_bytes_max < would_be && !drained.is_empty() {
                break;
            }
            if let Writer::Numbered(identity) = writer {
                if !queue.may_leave(identity) {
                    break;
                }
                queue.number_first(identity.expect("nobody leaves without identity"));
            }
            bytes = would_be;
            queue.depart(leader);
            drained.push(place);
        }
        self.drain_from.insert(broker, last);
        drained
    }

    /// Takes batches whose time is over out of flight and queue; each with its partition.
    /// Only the first ones are looked at: those behind are younger.
    ///
    /// Source: `Sender.getExpiredInflightBatches`, `RecordAccumulator.expiredBatches`, Kafka 4.0.
    pub fn expire(&mut self, now: Time) -> Vec<(TopicPartition, Expired)> {
        let mut expired = Vec::new();
        let timeout = self.delivery_timeout;
        for queue in &mut self.queues {
            while queue.in_flight.first().is_some_and(|batch| batch.has_expired(timeout, now)) {
                expired.push((queue.partition, Expired::InFlight(queue.in_flight.remove(0))));
            }
        }
        for queue in &mut self.queues {
            while queue.waiting.front().is_some_and(|batch| batch.has_expired(timeout, now)) {
                let batch = queue.waiting.pop_front().expect("it was just looked at");
                expired.push((queue.partition, Expired::Waiting(batch)));
            }
        }
        expired
    }

    /// Returns when the next batch expires.
    pub fn next_expiry(&self) -> Option<Time> {
        let first = |queue: &PartitionQueue| {
            let in_flight = queue.in_flight.first().map(|batch| batch.created_at);
            let waiting = queue.waiting.front().map(|batch| batch.created_at);
            in_flight.into_iter().chain(waiting).min()
        };
        let oldest = self.queues.iter().filter_map(first).min()?;
        Some(oldest + self.delivery_timeout)
    }

    /// Takes a batch out of flight; `None` if it has expired.
    pub fn land(&mut self, partition: TopicPartition, id: BatchId) -> Option<ProducerBatch> {
        let queue = self.queue_mut(partition);
        let place = queue.in_flight.iter().position(|batch| batch.id == id)?;
        Some(queue.in_flight.remove(place))
    }

    /// Puts a batch back that failed and may be sent again from `retry_at` on.
    pub fn requeue(&mut self, partition: TopicPartition, mut batch: ProducerBatch, retry_at: Time) {
        batch.attempts += 1;
        batch.retry_at = retry_at;
        self.queue_mut(partition).put_back(batch);
    }

    /// Splits a batch that a broker found too large and puts the parts in its place.
    ///
    /// Source: `RecordAccumulator.splitAndReenqueue`, Kafka 4.0.
    pub fn split(&mut self, partition: TopicPartition, batch: &ProducerBatch) {
        let parts = batch.split(self.batch_bytes, self.next_id);
        self.next_id.0 += parts.len() as u64;
        let queue = self.queue_mut(partition);
        for part in parts.into_iter().rev() {
            queue.put_back(part);
        }
        self.release(batch);
    }

    /// Gives the memory of a decided batch back.
    pub fn release(&mut self, batch: &ProducerBatch) {
        self.memory_used -= batch.memory;
    }

    /// Returns the queue of a partition.
    pub fn queue_mut(&mut self, partition: TopicPartition) -> &mut PartitionQueue {
        let place = self.place(partition);
        &mut self.queues[place]
    }

    /// Returns the queues, in order of their partitions.
    pub fn queues_mut(&mut self) -> &mut [PartitionQueue] {
        &mut self.queues
    }

    /// Returns every batch without an outcome.
    pub fn incomplete(&self) -> impl Iterator<Item = &ProducerBatch> {
        self.queues.iter().flat_map(|queue| queue.in_flight.iter().chain(&queue.waiting))
    }

    /// Returns the id that the next batch will get.
    pub fn next_id(&self) -> BatchId {
        self.next_id
    }

    /// Returns the queues of a topic as the partitioner weighs them. `is_avoided` says which
    /// brokers have not taken data for too long.
    pub fn loads(
        &self,
        topic: TopicId,
        is_avoided: impl Fn(BrokerId) -> bool,
    ) -> impl Iterator<Item = QueueLoad> {
        let start = self.queues.partition_point(|queue| queue.partition.topic < topic);
        let of_topic =
            self.queues[start..].iter().take_while(move |queue| queue.partition.topic == topic);
        of_topic.map(move |queue| {
            let is_usable =
                queue.leader.is_some_and(|it| queue.waiting.is_empty() || !is_avoided(it.leader));
            let availability =
                if is_usable { Availability::Available } else { Availability::Unavailable };
            let (partition, queued) = (queue.partition.partition, queue.waiting.len() as u32);
            QueueLoad { partition, queued, availability }
        })
    }

    fn place(&mut self, partition: TopicPartition) -> usize {
        match place_by(&self.queues, &partition, |queue| &queue.partition) {
            Ok(place) => place,
            Err(place) => {
                self.queues.insert(place, PartitionQueue::new(partition));
                self.leaders_version = None;
                place
            }
        }
    }
}

/// Whether batches are numbered as they leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// They are not.
    Anonymous,
    /// They are, once the producer has an id.
    Numbered(Option<Identity>),
}

/// A batch whose time is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expired {
    /// An attempt is on its way.
    InFlight(ProducerBatch),
    /// None is.
    Waiting(ProducerBatch),
}

impl PartitionQueue {
    fn new(partition: TopicPartition) -> PartitionQueue {
        PartitionQueue {
            partition,
            leader: None,
            waiting: VecDeque::new(),
            in_flight: Vec::new(),
            mute: Mute::Off,
            sequences: PartitionSequences::default(),
        }
    }

    fn has_full_batch(&self) -> bool {
        1 < self.waiting.len() || self.waiting.front().is_some_and(ProducerBatch::is_full)
    }

    fn wakes_if_full(&self) -> Sender {
        if self.has_full_batch() { Sender::Wakes } else { Sender::Sleeps }
    }

    fn depart(&mut self, leader: CurrentLeader) {
        let mut batch = self.waiting.pop_front().expect("somebody is there to depart");
        batch.seal();
        batch.leader_epoch = Some(leader.epoch);
        batch.numbering = Numbering::AsSent;
        self.in_flight.push(batch);
    }

    /// Numbered batches keep their order; without numbers a failed batch goes first.
    fn put_back(&mut self, batch: ProducerBatch) {
        match batch.stamped() {
            Some(_) => self.insert_in_order(batch),
            None => self.waiting.push_front(batch),
        }
    }
}

#[cfg(test)]
mod tests;
