//! One batch on its way through a producer: filling, waiting for the sender, in flight.
//!
//! Left out: compression, so that a batch's size is known exactly while it fills.
//!
//! Source: `ProducerBatch`, `MemoryRecordsBuilder`, Kafka 4.0.

use std::sync::Arc;

use crate::ids::{LeaderEpoch, ProducerEpoch, ProducerId, Sequence, Uid};
use crate::log::batch::{Batch, HEADER_BYTES, ProducerStamp, Record};
use crate::time::{Duration, Time};

/// Records for which an open batch has room without asking for memory again.
const RECORDS_USUAL: usize = 8;

/// Tells the batches of one producer apart, in the order in which they were opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchId(pub u64);

/// A producer id with its epoch: who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    /// The id.
    pub id: ProducerId,
    /// Its epoch.
    pub epoch: ProducerEpoch,
}

/// Whether some attempt so far can have put the batch into a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It was never sent, or each attempt was refused before the append.
    Impossible,
    /// Some attempt ended without proof of absence.
    Possible,
}

/// Whether the sequence of a batch is the one that it was last sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// It is.
    AsSent,
    /// An epoch bump gave it another one while it was in flight.
    Rewritten,
}

/// A batch of one partition, owned by the accumulator from the first record to the outcome.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProducerBatch {
    /// Which batch this is.
    pub id: BatchId,
    /// The batch that `flush()` knows: itself, or the one that it was split from.
    pub origin: BatchId,
    /// Bytes taken from `buffer.memory`; parts of a split batch take none.
    pub memory: u64,
    /// When its first record came; retries and splits do not change it.
    pub created_at: Time,
    /// Failed attempts that led to a retry.
    pub attempts: u32,
    /// No retry before this moment, unless the leader changes.
    pub retry_at: Time,
    /// The leader epoch that the last attempt relied on.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Whether an attempt that has ended may have been appended.
    pub presence: Presence,
    /// Whether the sequence changed since the last attempt.
    pub numbering: Numbering,
    content: Content,
    /// Invariant: the encoded size of the content.
    bytes: u32,
    /// Bytes at which the batch is full.
    bytes_max: u32,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    /// More records may come.
    Open(Vec<Record>),
    /// Complete; sent as it is.
    Sealed(Arc<Batch>),
}

impl ProducerBatch {
    /// Opens a batch for `record`, which it takes whatever its size.
    pub fn new(id: BatchId, record: Record, batch_bytes: u32, now: Time) -> ProducerBatch {
        ProducerBatch {
            id,
            origin: id,
            memory: 0,
            created_at: now,
            attempts: 0,
            retry_at: Time::ZERO,
            leader_epoch: None,
            presence: Presence::Impossible,
            numbering: Numbering::AsSent,
            bytes: HEADER_BYTES + record.bytes(0, 0),
            bytes_max: batch_bytes.max(record.bytes_upper_bound()),
            content: Content::Open(alone(record)),
        }
    }

    /// Adds a record and returns its size in bytes, or gives it back if there is no room.
    ///
    /// Source: `MemoryRecordsBuilder.hasRoomFor`, Kafka 4.0.
    pub fn append(&mut self, record: Record) -> Result<u32, Record> {
        let Content::Open(records) = &mut self.content else { return Err(record) };
        let base = records[0].timestamp.0;
        let bytes = record.bytes(records.len() as u32, record.timestamp.0 - base);
        if self.bytes_max < self.bytes.saturating_add(bytes) {
            return Err(record);
        }
        self.bytes += bytes;
        records.push(record);
        Ok(bytes)
    }

    /// Ends the filling.
    pub fn seal(&mut self) {
        if let Content::Open(records) = &mut self.content {
            let batch = Batch::of_size(std::mem::take(records), self.bytes);
            self.content = Content::Sealed(Arc::new(batch));
        }
    }

    /// Seals the batch and gives it a writer and a sequence. A copy that was sent before
    /// keeps the old ones.
    pub fn stamp(&mut self, writer: Identity, sequence: Sequence) {
        self.seal();
        let Content::Sealed(batch) = &mut self.content else { unreachable!("sealed above") };
        let stamp = ProducerStamp { id: writer.id, epoch: writer.epoch, sequence };
        Arc::make_mut(batch).producer = Some(stamp);
    }

    /// Seals the batch and returns what travels.
    pub fn sealed(&mut self) -> &Arc<Batch> {
        self.seal();
        let Content::Sealed(batch) = &self.content else { unreachable!("sealed above") };
        batch
    }

    /// Says whether no further record fits for certain.
    pub fn is_full(&self) -> bool {
        match self.content {
            Content::Open(_) => self.bytes_max <= self.bytes,
            Content::Sealed(_) => true,
        }
    }

    /// Returns the size in bytes, header included.
    pub fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Returns the records, first to last.
    pub fn records(&self) -> &[Record] {
        match &self.content {
            Content::Open(records) => records,
            Content::Sealed(batch) => batch.records.list(),
        }
    }

    /// Returns the `send()` calls, first to last.
    pub fn uids(&self) -> impl Iterator<Item = Uid> {
        self.records().iter().map(|record| record.uid)
    }

    /// Returns writer and first sequence, if they were assigned.
    pub fn stamped(&self) -> Option<ProducerStamp> {
        match &self.content {
            Content::Open(_) => None,
            Content::Sealed(batch) => batch.producer,
        }
    }

    /// Returns the sequence of the last record, if sequences were assigned.
    pub fn last_sequence(&self) -> Option<Sequence> {
        match &self.content {
            Content::Open(_) => None,
            Content::Sealed(batch) => batch.last_sequence(),
        }
    }

    /// Says whether a retry must wait.
    ///
    /// KIP-951: a newer leader ends the wait, as the reason for the failure is gone.
    pub fn is_backing_off(&self, leader_epoch: LeaderEpoch, now: Time) -> bool {
        now < self.retry_at && self.leader_epoch.is_none_or(|known| leader_epoch <= known)
    }

    /// Says whether the time for an outcome is over.
    pub fn has_expired(&self, delivery_timeout: Duration, now: Time) -> bool {
        self.created_at + delivery_timeout <= now
    }

    /// Splits a batch that a broker found too large into batches of `batch_bytes`. They keep
    /// the time of creation and continue the sequence.
    ///
    /// KAFKA-8350: if the batch is not larger than `batch_bytes`, its only part equals it.
    ///
    /// Source: `ProducerBatch.split`, Kafka 4.0.
    pub fn split(&self, batch_bytes: u32, first: BatchId) -> Vec<ProducerBatch> {
        let mut parts: Vec<ProducerBatch> = Vec::new();
        for record in self.records() {
            let left = match parts.last_mut() {
                Some(part) => part.append(record.clone()).err(),
                None => Some(record.clone()),
            };
            if let Some(record) = left {
                let id = BatchId(first.0 + parts.len() as u64);
                parts.push(ProducerBatch {
                    origin: self.origin,
                    presence: self.presence,
                    ..ProducerBatch::new(id, record, batch_bytes, self.created_at)
                });
            }
        }
        let mut stamp = self.stamped();
        for part in &mut parts {
            part.seal();
            if let Some(stamp) = &mut stamp {
                let writer = Identity { id: stamp.id, epoch: stamp.epoch };
                part.stamp(writer, stamp.sequence);
                stamp.sequence = stamp.sequence.plus(part.records().len() as u32);
            }
        }
        parts
    }
}

fn alone(record: Record) -> Vec<Record> {
    let mut records = Vec::with_capacity(RECORDS_USUAL);
    records.push(record);
    records
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop, prop_assert_eq, proptest};

    use super::*;
    use crate::time::Timestamp;

    const WRITER: Identity = Identity { id: ProducerId(7), epoch: ProducerEpoch(0) };

    #[test]
    fn the_first_record_always_fits_and_the_next_one_only_within_the_limit() {
        let mut huge = ProducerBatch::new(BatchId(0), record(0, 5_000), 100, Time::ZERO);
        let mut small = ProducerBatch::new(BatchId(1), record(0, 10), 200, Time::ZERO);

        assert!(huge.append(record(1, 100)).is_err());
        assert_eq!(small.append(record(1, 10)), Ok(17));
        assert_eq!(small.bytes(), 61 + 17 + 17);
        assert!(small.append(record(2, 150)).is_err());
    }

    #[test]
    fn a_retry_waits_unless_the_leader_has_changed() {
        let mut batch = ProducerBatch::new(BatchId(0), record(0, 10), 200, Time::ZERO);
        batch.retry_at = Time(500);
        batch.leader_epoch = Some(LeaderEpoch(3));

        assert!(batch.is_backing_off(LeaderEpoch(3), Time(499)));
        assert!(!batch.is_backing_off(LeaderEpoch(3), Time(500)));
        assert!(!batch.is_backing_off(LeaderEpoch(4), Time(499)));
    }

    #[test]
    fn a_new_stamp_leaves_the_copy_in_flight_as_it_was() {
        let mut batch = ProducerBatch::new(BatchId(0), record(0, 10), 200, Time::ZERO);
        batch.stamp(WRITER, Sequence(5));
        let sent = Arc::clone(batch.sealed());

        batch.stamp(Identity { epoch: ProducerEpoch(1), ..WRITER }, Sequence(0));

        assert_eq!(sent.producer.map(|stamp| stamp.sequence), Some(Sequence(5)));
        assert_eq!(batch.stamped().map(|stamp| stamp.epoch), Some(ProducerEpoch(1)));
        assert!(Arc::ptr_eq(&sent.records, &batch.sealed().records));
    }

    #[test]
    fn the_parts_of_a_numbered_batch_continue_its_sequence_over_the_wrap() {
        let mut batch = filled(4, 50, 1_000);
        batch.stamp(WRITER, Sequence(Sequence::MAX.0 - 1));

        let parts = batch.split(1, BatchId(9));

        let sequences: Vec<_> =
            parts.iter().map(|part| part.stamped().expect("numbered").sequence.0).collect();
        assert_eq!(sequences, [Sequence::MAX.0 - 1, Sequence::MAX.0, 0, 1]);
        assert!(parts.iter().all(|part| part.origin == BatchId(0) && part.is_full()));
    }

    proptest! {
        #[test]
        fn splitting_keeps_every_record_in_order(
            values in prop::collection::vec(0_u32..300, 1..40),
            target in 1_u32..2_000,
            at in (0_u64..5).prop_map(Time),
        ) {
            let mut batch = ProducerBatch::new(BatchId(0), record(0, values[0]), 100_000, at);
            for (uid, value) in (1..).zip(&values[1..]) {
                batch.append(record(uid, *value)).expect("there is room");
            }

            let parts = batch.split(target, BatchId(1));

            let uids: Vec<_> = parts.iter().flat_map(ProducerBatch::uids).collect();
            prop_assert_eq!(uids, batch.uids().collect::<Vec<_>>());
            for mut part in parts {
                prop_assert_eq!(part.created_at, at);
                let counted = Batch::new(part.records().to_vec(), None).records.bytes();
                prop_assert_eq!(part.bytes(), counted);
                prop_assert_eq!(part.sealed().records.bytes(), counted);
            }
        }
    }

    fn filled(records: u32, value: u32, batch_bytes: u32) -> ProducerBatch {
        let mut batch = ProducerBatch::new(BatchId(0), record(0, value), batch_bytes, Time::ZERO);
        for uid in 1..records {
            batch.append(record(uid, value)).expect("there is room");
        }
        batch
    }

    fn record(uid: u32, value: u32) -> Record {
        let (key, headers) = (None, 0);
        Record { uid: Uid(uid), key, value: Some(value), headers, timestamp: Timestamp(1_000) }
    }
}
