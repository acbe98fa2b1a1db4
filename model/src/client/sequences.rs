//! Idempotence: who a producer is, and how it numbers its batches so that brokers can drop
//! repeats and notice gaps.
//!
//! Batches with a sequence that have no outcome yet, in flight or queued for a retry, are
//! "pending" here; Kafka calls them in flight. Left out: transactions, and the fatal state
//! after authorization errors.
//!
//! Source: `TransactionManager`, `TxnPartitionEntry`, Kafka 4.0.

use crate::client::accumulator::{Accumulator, PartitionQueue};
use crate::client::producer_batch::{Identity, Numbering, ProducerBatch};
use crate::ids::{ProducerEpoch, Sequence, TopicPartition};
use crate::message::ErrorCode;
use crate::mutant::Mutant;
use crate::rules::Rules;
use crate::time::Time;

/// The last epoch of a producer id; after it comes another id.
const EPOCH_MAX: ProducerEpoch = ProducerEpoch(i16::MAX as u16);

/// What an idempotent producer knows of itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Idempotence {
    state: State,
    /// Partitions that asked for another epoch (KIP-360). Empty: nobody did.
    bumps: Vec<TopicPartition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Without id, not to be asked for before `retry_at`.
    Unidentified {
        retry_at: Time,
        failures: u32,
    },
    /// The request for an id is in flight.
    Asking {
        failures: u32,
    },
    Identified(Identity),
}

/// The numbering of one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartitionSequences {
    /// Whose numbers these are; `None` before the first batch.
    writer: Option<Identity>,
    /// The sequence of the next batch.
    next: Sequence,
    /// The last sequence that a leader acknowledged to this writer.
    last_acked: Option<Sequence>,
    /// The sequence after a batch that was retried and then expired: did it arrive?
    unresolved: Option<Sequence>,
}

/// Whether an error calls for another producer epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EpochBump {
    /// It does: the partition starts over with sequence 0.
    Needed,
    /// It does not.
    Spared,
}

/// What the numbering has to say about a failed batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it again.
    Retry(EpochBump),
    /// It makes no sense to send it again.
    Final,
}

impl Idempotence {
    /// Makes a producer that has no id yet.
    pub fn new() -> Idempotence {
        let state = State::Unidentified { retry_at: Time::ZERO, failures: 0 };
        Idempotence { state, bumps: Vec::new() }
    }

    /// Returns id and epoch, if known.
    pub fn identity(&self) -> Option<Identity> {
        match self.state {
            State::Identified(identity) => Some(identity),
            State::Unidentified { .. } | State::Asking { .. } => None,
        }
    }

    /// Returns when an id may be asked for; `None` if there is one or it is being asked for.
    pub fn asks_at(&self) -> Option<Time> {
        match self.state {
            State::Unidentified { retry_at, .. } => Some(retry_at),
            State::Asking { .. } | State::Identified(_) => None,
        }
    }

    /// Notes that the request for an id left.
    pub fn ask(&mut self) {
        let failures = self.failures();
        self.state = State::Asking { failures };
    }

    /// Returns how many requests for an id have failed in a row.
    pub fn failures(&self) -> u32 {
        match self.state {
            State::Unidentified { failures, .. } | State::Asking { failures } => failures,
            State::Identified(_) => 0,
        }
    }

    /// Notes that no id came; the next request waits until `retry_at`.
    pub fn on_no_identity(&mut self, retry_at: Time) {
        self.state = State::Unidentified { retry_at, failures: self.failures() + 1 };
    }

    /// Takes over an id. Partitions whose epoch bump used up the id before start over.
    pub fn on_identity(&mut self, identity: Identity, accumulator: &mut Accumulator) {
        self.state = State::Identified(identity);
        self.restart_partitions(identity, accumulator);
    }

    /// Asks for another epoch because of `partition`.
    pub fn request_bump(&mut self, partition: TopicPartition) {
        if !self.bumps.contains(&partition) {
            self.bumps.push(partition);
        }
    }

    /// Settles partitions with doubtful sequences once nothing of theirs is pending: either
    /// all arrived after all, or the gap calls for another epoch.
    ///
    /// Source: `TransactionManager.maybeResolveSequences`, Kafka 4.0.
    pub fn resolve(&mut self, accumulator: &mut Accumulator) {
        for queue in accumulator.queues_mut() {
            if queue.sequences.unresolved.is_none() || queue.pending().next().is_some() {
                continue;
            }
            queue.sequences.unresolved = None;
            if !queue.sequences.is_next(queue.sequences.next) {
                self.request_bump(queue.partition);
            }
        }
    }

    /// Raises the epoch if some partition asked for it, without telling any broker, and
    /// returns the new identity (KIP-360). Other partitions keep their numbers until
    /// nothing of theirs is pending.
    ///
    /// Source: `TransactionManager.bumpIdempotentProducerEpoch`, Kafka 4.0.
    pub fn bump(&mut self, accumulator: &mut Accumulator, rules: Rules) -> Option<Identity> {
        let identity = self.identity().filter(|_| !self.bumps.is_empty())?;
        if identity.epoch == EPOCH_MAX {
            self.state = State::Unidentified { retry_at: Time::ZERO, failures: 0 };
            return None;
        }
        // Mutant: the numbers begin anew in the old epoch.
        let stays = rules.has(Mutant::EpochNotBumped);
        let epoch = if stays { identity.epoch } else { identity.epoch.next() };
        let identity = Identity { epoch, ..identity };
        self.state = State::Identified(identity);
        self.restart_partitions(identity, accumulator);
        Some(identity)
    }

    fn restart_partitions(&mut self, identity: Identity, accumulator: &mut Accumulator) {
        for partition in std::mem::take(&mut self.bumps) {
            accumulator.queue_mut(partition).restart(identity);
        }
    }
}

impl PartitionSequences {
    /// Says whether the numbers belong to somebody else than `identity`.
    pub fn is_stale(&self, identity: Identity) -> bool {
        self.writer != Some(identity)
    }

    /// Says whether a batch expired whose arrival is in doubt: no further batch is numbered.
    pub fn is_unresolved(&self) -> bool {
        self.unresolved.is_some()
    }

    /// Numbers a batch that is about to leave for the first time.
    ///
    /// # Panics
    /// If the partition has no writer.
    pub fn assign(&mut self, batch: &mut ProducerBatch) {
        let writer = self.writer.expect("a partition is started before it is numbered");
        batch.stamp(writer, self.next);
        self.next = self.next.plus(batch.records().len() as u32);
    }

    /// Starts over at 0 under `writer`; pending batches get new numbers in their old order.
    ///
    /// Source: `TxnPartitionEntry.startSequencesAtBeginning`, Kafka 4.0.
    pub fn restart<'a>(
        &mut self,
        writer: Identity,
        pending: impl Iterator<Item = &'a mut ProducerBatch>,
    ) {
        *self = PartitionSequences { writer: Some(writer), ..PartitionSequences::default() };
        let mut pending: Vec<_> = pending.collect();
        pending.sort_by_key(|batch| order(batch));
        for batch in pending {
            self.assign(batch);
            batch.numbering = Numbering::Rewritten;
        }
    }

    /// Notes that a leader has everything up to `last`; never goes back.
    pub fn acknowledge(&mut self, last: Sequence) {
        self.last_acked = self.last_acked.max(Some(last));
    }

    /// Notes that the batch that ended with `last` may or may not have arrived.
    pub fn doubt(&mut self, last: Sequence) {
        // Kafka adds without wrapping.
        self.unresolved = self.unresolved.max(Some(Sequence(last.0 + 1)));
    }

    /// Decides whether a refused batch is worth another attempt.
    ///
    /// Source: `TransactionManager.canRetry`, Kafka 4.0.
    // Simplified: brokers always tell where the log starts, so after UNKNOWN_PRODUCER_ID
    // only a batch with fresh numbers is retried without a bump.
    pub fn judge(&self, error: ErrorCode, batch: &ProducerBatch) -> Verdict {
        let base = batch.stamped().expect("an idempotent batch is numbered before it leaves");
        let is_rewritten = batch.numbering == Numbering::Rewritten;
        match error {
            ErrorCode::UnknownProducerId if is_rewritten => Verdict::Retry(EpochBump::Spared),
            ErrorCode::UnknownProducerId => Verdict::Retry(EpochBump::Needed),
            ErrorCode::OutOfOrderSequenceNumber => Verdict::Retry(match self.unresolved {
                // An earlier batch is still on its way, so the order may yet be right.
                None if is_rewritten || !self.is_next(base.sequence) => EpochBump::Spared,
                // The direct successor of what was acknowledged is refused: there is a gap.
                None => EpochBump::Needed,
                Some(doubtful) if doubtful == base.sequence => EpochBump::Needed,
                Some(_) => EpochBump::Spared,
            }),
            _ if error.is_retriable() => Verdict::Retry(EpochBump::Spared),
            _ => Verdict::Final,
        }
    }

    fn is_next(&self, sequence: Sequence) -> bool {
        sequence.0 == self.last_acked.map_or(0, |last| last.0 + 1)
    }
}

impl PartitionQueue {
    /// Returns the batches that have a sequence and no outcome.
    pub fn pending(&self) -> impl Iterator<Item = &ProducerBatch> {
        let waiting = self.waiting.iter().take_while(|batch| batch.stamped().is_some());
        self.in_flight.iter().chain(waiting)
    }

    /// Gives the partition to `identity` and its pending batches new numbers.
    pub fn restart(&mut self, identity: Identity) {
        let waiting = self.waiting.iter_mut().take_while(|batch| batch.stamped().is_some());
        self.sequences.restart(identity, self.in_flight.iter_mut().chain(waiting));
    }

    /// Says whether the first batch in the queue may leave under `identity`.
    ///
    /// A retry goes alone: only the lowest pending sequence may leave. A batch without
    /// sequence waits while older numbers are pending under another epoch, or in doubt.
    ///
    /// Source: `RecordAccumulator.shouldStopDrainBatchesForPartition`, Kafka 4.0.
    pub fn may_leave(&self, identity: Option<Identity>) -> bool {
        let (Some(identity), Some(first)) = (identity, self.waiting.front()) else { return false };
        match first.stamped() {
            Some(_) => self.pending().map(order).min() == Some(order(first)),
            None => {
                let is_blocked =
                    self.sequences.is_stale(identity) && self.pending().next().is_some();
                !is_blocked && !self.sequences.is_unresolved()
            }
        }
    }

    /// Numbers the first batch in the queue unless it has a number.
    pub fn number_first(&mut self, identity: Identity) {
        if self.waiting.front().is_none_or(|first| first.stamped().is_some()) {
            return;
        }
        if self.sequences.is_stale(identity) {
            self.restart(identity); // nothing is pending, or it could not leave
        }
        let first = self.waiting.front_mut().expect("it was just looked at");
        self.sequences.assign(first);
    }

    /// Puts a numbered batch back, before those with higher numbers and without.
    ///
    /// Source: `RecordAccumulator.insertInSequenceOrder`, Kafka 4.0.
    pub fn insert_in_order(&mut self, batch: ProducerBatch) {
        let number = order(&batch);
        let place = self
            .waiting
            .iter()
            .position(|other| other.stamped().is_none() || number < order(other))
            .unwrap_or(self.waiting.len());
        self.waiting.insert(place, batch);
    }
}

/// The order of pending batches. As in Kafka, a wrapped sequence sorts before its elders.
fn order(batch: &ProducerBatch) -> (Identity, Sequence) {
    let stamp = batch.stamped().expect("a pending batch is numbered");
    (Identity { id: stamp.id, epoch: stamp.epoch }, stamp.sequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::accumulator::{Appended, MemoryQueue};
    use crate::client::producer_batch::BatchId;
    use crate::config::ProducerConfig;
    use crate::ids::{ProducerId, TopicId, Uid};
    use crate::log::batch::Record;
    use crate::time::Timestamp;

    const PARTITION: TopicPartition = TopicPartition { topic: TopicId(0), partition: 0 };

    #[test]
    fn a_refused_batch_is_judged_by_its_place_behind_what_was_acknowledged() {
        use ErrorCode::{InvalidRecord, NotLeaderOrFollower, OutOfOrderSequenceNumber};
        let unknown = ErrorCode::UnknownProducerId;
        let plain = Verdict::Retry(EpochBump::Spared);
        let bump = Verdict::Retry(EpochBump::Needed);
        // error, last acknowledged, doubtful, base sequence, numbering, verdict
        let cases = [
            (OutOfOrderSequenceNumber, Some(1), None, 2, Numbering::AsSent, bump),
            (OutOfOrderSequenceNumber, None, None, 0, Numbering::AsSent, bump),
            (OutOfOrderSequenceNumber, Some(1), None, 3, Numbering::AsSent, plain),
            (OutOfOrderSequenceNumber, Some(1), None, 2, Numbering::Rewritten, plain),
            (OutOfOrderSequenceNumber, Some(1), Some(4), 4, Numbering::AsSent, bump),
            (OutOfOrderSequenceNumber, Some(1), Some(4), 2, Numbering::AsSent, plain),
            (unknown, Some(1), None, 2, Numbering::AsSent, bump),
            (unknown, Some(1), None, 0, Numbering::Rewritten, plain),
            (NotLeaderOrFollower, Some(1), None, 2, Numbering::AsSent, plain),
            (InvalidRecord, Some(1), None, 2, Numbering::AsSent, Verdict::Final),
        ];

        for (error, acked, doubtful, base, numbering, expected) in cases {
            let sequences = PartitionSequences {
                last_acked: acked.map(Sequence),
                unresolved: doubtful.map(Sequence),
                ..PartitionSequences::default()
            };
            let mut batch = batch(0);
            batch.stamp(identity(0), Sequence(base));
            batch.numbering = numbering;
            let verdict = sequences.judge(error, &batch);
            assert_eq!(verdict, expected, "{error} for {base} after {acked:?}, doubt {doubtful:?}");
        }
    }

    #[test]
    fn the_acknowledged_sequence_only_moves_forward() {
        let mut sequences = PartitionSequences::default();

        for last in [1, 0, 5, 3] {
            sequences.acknowledge(Sequence(last));
        }

        assert_eq!(sequences.last_acked, Some(Sequence(5)));
    }

    #[test]
    fn sequences_wrap_to_zero_after_the_largest() {
        let mut sequences = PartitionSequences {
            writer: Some(identity(0)),
            next: Sequence::MAX,
            ..PartitionSequences::default()
        };

        sequences.assign(&mut batch(0));

        assert_eq!(sequences.next, Sequence(0));
    }

    #[test]
    fn a_bump_renumbers_only_the_partition_that_asked_for_it() {
        let mut accumulator = Accumulator::new(&ProducerConfig::default());
        let other = TopicPartition { partition: 1, ..PARTITION };
        let mut idempotence = Idempotence::new();
        idempotence.on_identity(identity(0), &mut accumulator);
        for partition in [PARTITION, other] {
            let queue = accumulator.queue_mut(partition);
            queue.restart(identity(0));
            for id in [1, 2] {
                let mut batch = batch(id);
                queue.sequences.assign(&mut batch);
                queue.in_flight.push(batch);
            }
            queue.in_flight.remove(0);
        }

        idempotence.request_bump(PARTITION);
        let bumped = idempotence.bump(&mut accumulator, Rules::default());

        assert_eq!(bumped, Some(identity(1)));
        let stamp = |queue: &PartitionQueue| queue.in_flight[0].stamped().expect("numbered");
        let renumbered = stamp(accumulator.queue_mut(PARTITION));
        assert_eq!((renumbered.epoch, renumbered.sequence), (ProducerEpoch(1), Sequence(0)));
        let kept = stamp(accumulator.queue_mut(other));
        assert_eq!((kept.epoch, kept.sequence), (ProducerEpoch(0), Sequence(1)));
        assert_eq!(idempotence.bump(&mut accumulator, Rules::default()), None);
    }

    #[test]
    fn after_the_last_epoch_comes_another_id() {
        let mut accumulator = Accumulator::new(&ProducerConfig::default());
        let mut idempotence = Idempotence::new();
        let last = Identity { epoch: EPOCH_MAX, ..identity(0) };
        idempotence.on_identity(last, &mut accumulator);

        idempotence.request_bump(PARTITION);
        let bumped = idempotence.bump(&mut accumulator, Rules::default());

        assert_eq!(bumped, None);
        assert_eq!(idempotence.asks_at(), Some(Time::ZERO));
    }

    #[test]
    fn a_doubt_is_settled_by_a_late_success_or_else_by_a_bump() {
        for (late, bumps) in
            [(Some(1), Vec::new()), (Some(0), vec![PARTITION]), (None, vec![PARTITION])]
        {
            let mut accumulator = Accumulator::new(&ProducerConfig::default());
            let queue = accumulator.queue_mut(PARTITION);
            queue.restart(identity(0));
            queue.sequences.next = Sequence(2);
            queue.sequences.doubt(Sequence(0));
            if let Some(last) = late {
                queue.sequences.acknowledge(Sequence(last));
            }
            let mut idempotence = Idempotence::new();

            idempotence.resolve(&mut accumulator);

            assert_eq!(idempotence.bumps, bumps, "last acknowledged {late:?}");
            assert!(!accumulator.queue_mut(PARTITION).sequences.is_unresolved());
        }
    }

    #[test]
    fn a_doubt_waits_for_what_is_pending() {
        let mut accumulator = Accumulator::new(&ProducerConfig::default());
        let queue = accumulator.queue_mut(PARTITION);
        queue.restart(identity(0));
        let mut pending = batch(0);
        queue.sequences.assign(&mut pending);
        queue.in_flight.push(pending);
        queue.sequences.doubt(Sequence(0));
        let mut idempotence = Idempotence::new();

        idempotence.resolve(&mut accumulator);

        assert!(accumulator.queue_mut(PARTITION).sequences.is_unresolved());
        assert!(idempotence.bumps.is_empty());
    }

    #[test]
    fn a_batch_without_number_waits_for_an_id_for_doubts_and_for_older_epochs() {
        let mut accumulator = Accumulator::new(&ProducerConfig::default());
        append(&mut accumulator, 7);
        let queue = accumulator.queue_mut(PARTITION);

        assert!(!queue.may_leave(None));
        assert!(queue.may_leave(Some(identity(0))));

        queue.sequences.doubt(Sequence(0));
        assert!(!queue.may_leave(Some(identity(0))));

        queue.restart(identity(0));
        let mut elder = batch(0);
        queue.sequences.assign(&mut elder);
        queue.in_flight.push(elder);
        assert!(queue.may_leave(Some(identity(0))));
        assert!(!queue.may_leave(Some(identity(1))));
    }

    #[test]
    fn of_several_retries_only_the_lowest_may_leave() {
        let mut accumulator = Accumulator::new(&ProducerConfig::default());
        append(&mut accumulator, 7);
        let queue = accumulator.queue_mut(PARTITION);
        queue.restart(identity(0));
        let mut batches: Vec<_> = (0..3).map(batch).collect();
        for batch in &mut batches {
            queue.sequences.assign(batch);
        }
        let third = batches.remove(2);
        let second = batches.remove(1);
        let first = batches.remove(0);
        queue.in_flight.push(first);

        queue.insert_in_order(third);
        queue.insert_in_order(second);

        let ids: Vec<_> = queue.waiting.iter().map(|batch| batch.uids().next()).collect();
        assert_eq!(ids, [Some(Uid(1)), Some(Uid(2)), Some(Uid(7))]);
        assert!(!queue.may_leave(Some(identity(0))));
        let first = queue.in_flight.remove(0);
        queue.insert_in_order(first);
        assert!(queue.may_leave(Some(identity(0))));
    }

    fn identity(epoch: u16) -> Identity {
        Identity { id: ProducerId(9), epoch: ProducerEpoch(epoch) }
    }

    fn batch(uid: u32) -> ProducerBatch {
        ProducerBatch::new(BatchId(u64::from(uid)), record(uid), 100, Time::ZERO)
    }

    fn append(accumulator: &mut Accumulator, uid: u32) {
        let appended = accumulator.append(PARTITION, record(uid), MemoryQueue::Free, Time::ZERO);
        assert!(matches!(appended, Appended::Yes { .. }));
    }

    fn record(uid: u32) -> Record {
        let (key, headers) = (None, 0);
        Record { uid: Uid(uid), key, value: Some(10), headers, timestamp: Timestamp(0) }
    }
}
