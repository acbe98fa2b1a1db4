//! Record batches of format v2: what a producer builds, a leader stamps and replicas share.
//!
//! Sizes are Kafka's own, byte for byte, without compression. The records of a batch are
//! built once and shared between all replicas; a leader stamps offset and epoch into a
//! header of its own. Left out: compression, and the bytes of values (a value is its
//! length and the [`Uid`] of its `send()`).
//!
//! Source: `DefaultRecordBatch`, `DefaultRecord`, Kafka 4.0.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::group::record::GroupRecord;
use crate::ids::{Key, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Uid};
use crate::time::Timestamp;

/// Bytes of a batch header.
pub const HEADER_BYTES: u32 = 61;

/// One record as a producer sent it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// The `send()` call that made it.
    pub uid: Uid,
    /// The key's bytes, or `None` for Kafka's null key.
    pub key: Option<Key>,
    /// Bytes of the value, or `None` for a tombstone.
    pub value: Option<u32>,
    /// Bytes of all headers together, as encoded.
    pub headers: u32,
    /// The time the producer gave it.
    pub timestamp: Timestamp,
}

/// The records of one batch: immutable and shared by every copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    list: Vec<Record>,
    /// Invariant: the encoded size of `list`, header included.
    bytes: u32,
    /// Invariant: the largest timestamp in `list`.
    max_timestamp: Timestamp,
    /// Invariant: a checksum of `list`, as a CRC would give.
    checksum: u64,
    /// What a group coordinator wrote. Invariant: one for each record of `list`.
    groups: Option<Arc<[GroupRecord]>>,
}

/// Who wrote an idempotent batch, and as the how-many-eth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProducerStamp {
    /// The producer's id.
    pub id: ProducerId,
    /// The epoch of that id.
    pub epoch: ProducerEpoch,
    /// The sequence number of the batch's first record.
    pub sequence: Sequence,
}

/// A record batch: a header over shared records.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Batch {
    /// Offset of the first record; 0 until a leader has stamped it.
    pub base_offset: Offset,
    /// Epoch of the leader that appended it; 0 until then.
    pub leader_epoch: LeaderEpoch,
    /// Producer id, epoch and first sequence of an idempotent batch.
    pub producer: Option<ProducerStamp>,
    /// The broker's time of the append, under `message.timestamp.type=LogAppendTime`.
    pub append_time: Option<Timestamp>,
    /// The records.
    pub records: Arc<Records>,
}

impl Record {
    /// Returns the record's encoded size at `offset_delta` and `timestamp_delta` (ms) in a batch.
    ///
    /// Source: `DefaultRecord.sizeInBytes`, Kafka 4.0.
    pub fn bytes(&self, offset_delta: u32, timestamp_delta: i64) -> u32 {
        let body = 1 // attributes
            + varint_bytes(timestamp_delta)
            + varint_bytes(i64::from(offset_delta))
            + field_bytes(self.key.as_ref().map(|key| key.len() as u32))
            + field_bytes(self.value)
            + self.headers.max(1); // at least the count of headers
        varint_bytes(i64::from(body)) + body
    }

    /// Returns an upper bound of the size of a batch with this record alone.
    ///
    /// Source: `AbstractRecords.estimateSizeInBytesUpperBound`, Kafka 4.0.
    pub fn bytes_upper_bound(&self) -> u32 {
        const OVERHEAD_MAX: u32 = 21; // MAX_RECORD_OVERHEAD
        let field = |length: Option<u32>| length.map_or(1, |n| varint_bytes(i64::from(n)) + n);
        HEADER_BYTES
            + OVERHEAD_MAX
            + field(self.key.as_ref().map(|key| key.len() as u32))
            + field(self.value)
            + self.headers.max(1)
    }
}

impl Records {
    /// Builds the shared part of a batch.
    ///
    /// # Panics
    /// If `list` is empty.
    pub fn new(list: Vec<Record>) -> Records {
        let first = list.first().expect("a batch has at least one record").timestamp;
        let size =
            |(delta, record): (u32, &Record)| record.bytes(delta, record.timestamp.0 - first.0);
        let bytes = HEADER_BYTES + (0..).zip(&list).map(size).sum::<u32>();
        Records::of_size(list, bytes)
    }

    /// The same, of which somebody knows the encoded size.
    fn of_size(list: Vec<Record>, bytes: u32) -> Records {
        let mut max_timestamp = list.first().expect("a batch has at least one record").timestamp;
        let mut checksum = 0xcbf2_9ce4_8422_2325_u64;
        for record in &list {
            max_timestamp = max_timestamp.max(record.timestamp);
            let word = u64::from(record.uid.0) << 32 | u64::from(record.value.unwrap_or(u32::MAX));
            checksum = (checksum ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
        }
        Records { list, bytes, max_timestamp, checksum, groups: None }
    }

    /// Builds the shared part of a batch of a group coordinator: `list` holds the keys and
    /// sizes of `groups`, one by one.
    ///
    /// # Panics
    /// If `list` is empty, or not as long as `groups`.
    pub fn of_groups(list: Vec<Record>, groups: Vec<GroupRecord>) -> Records {
        assert_eq!(list.len(), groups.len(), "each record carries one meaning");
        // Keys and sizes alone do not tell two commits apart; a CRC would.
        let mut content = Fnv(0xcbf2_9ce4_8422_2325);
        groups.hash(&mut content);
        let mut records = Records::new(list);
        records.checksum ^= content.finish();
        records.groups = Some(groups.into());
        records
    }

    /// Returns what a group coordinator wrote, one for each record; `None` of other batches.
    pub fn groups(&self) -> Option<&[GroupRecord]> {
        self.groups.as_deref()
    }

    /// Returns the records, first to last.
    pub fn list(&self) -> &[Record] {
        &self.list
    }

    /// Returns how many records there are, at least 1.
    pub fn count(&self) -> u32 {
        self.list.len() as u32
    }

    /// Returns the size of the batch in bytes, header included.
    pub fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Returns the largest timestamp that a producer gave.
    pub fn max_timestamp(&self) -> Timestamp {
        self.max_timestamp
    }

    /// Returns the checksum of the records.
    pub fn checksum(&self) -> u64 {
        self.checksum
    }
}

/// Feeds the checksum: hashing every record of every copy would dominate a digest.
impl Hash for Records {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.checksum.hash(state);
        self.count().hash(state);
    }
}

/// FNV-1a, 64 bits, the same on every platform.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

impl Batch {
    /// Makes a batch as a producer sends it: offset and epoch are the leader's to stamp.
    pub fn new(records: Vec<Record>, producer: Option<ProducerStamp>) -> Batch {
        Batch::of(Records::new(records), producer)
    }

    /// Makes a batch as a producer sends it, which has counted its bytes while it filled.
    ///
    /// # Panics
    /// If there are no records.
    pub(crate) fn of_size(records: Vec<Record>, bytes: u32) -> Batch {
        Batch::of(Records::of_size(records, bytes), None)
    }

    fn of(records: Records, producer: Option<ProducerStamp>) -> Batch {
        Batch {
            base_offset: Offset::ZERO,
            leader_epoch: LeaderEpoch(0),
            producer,
            append_time: None,
            records: Arc::new(records),
        }
    }

    /// Makes a batch of a group coordinator.
    pub fn of_groups(list: Vec<Record>, groups: Vec<GroupRecord>) -> Batch {
        Batch::of(Records::of_groups(list, groups), None)
    }

    /// Returns the offset of the last record.
    pub fn last_offset(&self) -> Offset {
        self.base_offset + u64::from(self.records.count() - 1)
    }

    /// Returns the offset after the last record.
    pub fn end(&self) -> Offset {
        self.base_offset + u64::from(self.records.count())
    }

    /// Returns the sequence of the last record of an idempotent batch.
    pub fn last_sequence(&self) -> Option<Sequence> {
        self.producer.map(|stamp| stamp.sequence.plus(self.records.count() - 1))
    }

    /// Returns the batch's largest timestamp: the append time if a leader stamped one.
    pub fn max_timestamp(&self) -> Timestamp {
        self.append_time.unwrap_or(self.records.max_timestamp())
    }

    /// Returns the records that lie at `from` or beyond, each with its offset.
    pub fn records_from(&self, from: Offset) -> impl Iterator<Item = (Offset, &Record)> {
        let skipped = from.0.saturating_sub(self.base_offset.0) as usize;
        let list = self.records.list();
        let skipped = skipped.min(list.len());
        (self.base_offset.0 + skipped as u64..).map(Offset).zip(&list[skipped..])
    }
}

/// Bytes of a nullable field with its varint length; null is length -1.
fn field_bytes(length: Option<u32>) -> u32 {
    match length {
        None => varint_bytes(-1),
        Some(length) => varint_bytes(i64::from(length)) + length,
    }
}

/// Bytes of a zig-zag varint.
///
/// Source: `ByteUtils.sizeOfVarlong`, Kafka 4.0.
fn varint_bytes(value: i64) -> u32 {
    let zigzag = ((value << 1) ^ (value >> 63)) as u64;
    (64 - (zigzag | 1).leading_zeros()).div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(uid: u32, value: u32) -> Record {
        let (key, headers) = (None, 0);
        Record { uid: Uid(uid), key, value: Some(value), headers, timestamp: Timestamp(1_000) }
    }

    #[test]
    fn varints_grow_at_kafka_s_borders() {
        let sizes = [(0, 1), (63, 1), (64, 2), (-64, 1), (-65, 2), (8_191, 2), (8_192, 3)];

        for (value, bytes) in sizes {
            assert_eq!(varint_bytes(value), bytes, "{value}");
        }
    }

    #[test]
    fn a_batch_with_one_record_of_a_hundred_bytes_takes_170_bytes() {
        // length 2 + attributes 1 + timestamp 1 + offset 1 + null key 1 + length 2 + value 100 + headers 1
        let batch = Batch::new(vec![record(0, 100)], None);

        assert_eq!(batch.records.bytes(), 61 + 2 + 107);
    }

    #[test]
    fn reading_from_the_middle_skips_what_lies_before() {
        let mut batch = Batch::new(vec![record(0, 1), record(1, 1), record(2, 1)], None);
        batch.base_offset = Offset(10);

        let uids: Vec<_> = batch.records_from(Offset(11)).map(|(at, r)| (at.0, r.uid.0)).collect();

        assert_eq!(uids, [(11, 1), (12, 2)]);
    }
}
