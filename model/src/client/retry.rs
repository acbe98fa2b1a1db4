//! What becomes of a batch after an answer: done, split, sent again, or given up; and what
//! its application may conclude.
//!
//! Left out: errors of single records within a batch (KIP-467).
//!
//! Source: `Sender.completeBatch`, `Sender.canRetry`, Kafka 4.0.

use crate::client::producer_batch::{Presence, ProducerBatch};
use crate::client::sequences::{EpochBump, PartitionSequences, Verdict};
use crate::fact::SendOutcome;
use crate::ids::Offset;
use crate::message::ErrorCode;
use crate::time::{Duration, Time};

/// A broker's word on one batch, or the error that stands for its silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// [`ErrorCode::None`] for success.
    pub error: ErrorCode,
    /// The first record's offset, if the broker told.
    pub base_offset: Option<Offset>,
}

/// How long a producer keeps trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// `retries`: attempts after the first.
    pub retries: u32,
    /// `delivery.timeout.ms`, from the creation of the batch.
    pub delivery_timeout: Duration,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is written; the offset is `None` for a repeat that the broker no longer remembers.
    Acknowledge(Option<Offset>),
    /// Send it again in smaller parts.
    Split,
    /// Send it again.
    Retry(EpochBump),
    /// Give it up.
    Fail(Aftermath),
}

/// What the failure of a numbered batch does to the numbers after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aftermath {
    /// Nothing: its number may have been used.
    Nothing,
    /// The gap that it leaves calls for another epoch.
    BumpEpoch,
    /// The broker knows nothing of this producer: start over.
    Forget,
}

/// Decides about a batch that has not expired.
pub(crate) fn decide(
    answer: Answer,
    batch: &ProducerBatch,
    sequences: Option<&PartitionSequences>,
    patience: Patience,
    now: Time,
) -> Decision {
    match answer.error {
        ErrorCode::None => return Decision::Acknowledge(answer.base_offset),
        ErrorCode::MessageTooLarge if 1 < batch.records().len() => return Decision::Split,
        _ => {}
    }
    let may_retry =
        batch.attempts < patience.retries && !batch.has_expired(patience.delivery_timeout, now);
    // The numbering is asked only if a retry is possible: asking can call for a bump.
    let verdict = match sequences {
        _ if !may_retry => Verdict::Final,
        Some(sequences) => sequences.judge(answer.error, batch),
        None if answer.error.is_retriable() => Verdict::Retry(EpochBump::Spared),
        None => Verdict::Final,
    };
    match verdict {
        Verdict::Retry(bump) => Decision::Retry(bump),
        Verdict::Final if answer.error == ErrorCode::DuplicateSequenceNumber => {
            Decision::Acknowledge(None)
        }
        Verdict::Final => Decision::Fail(aftermath(answer.error, batch.attempts, patience.retries)),
    }
}

/// Returns what the failure of a numbered batch does to those after it.
///
/// Source: `TransactionManager.handleFailedBatch`, Kafka 4.0.
fn aftermath(error: ErrorCode, attempts: u32, retries: u32) -> Aftermath {
    match error {
        ErrorCode::OutOfOrderSequenceNumber => Aftermath::BumpEpoch,
        ErrorCode::UnknownProducerId => Aftermath::Forget,
        // After the last attempt nobody knows whether the number was used.
        _ if attempts < retries => Aftermath::BumpEpoch,
        _ => Aftermath::Nothing,
    }
}

/// Says what an attempt that ended so proves about the log.
///
/// Brokers check these before they append; every other error can follow an append.
pub(crate) fn presence_after(error: ErrorCode) -> Presence {
    match error {
        ErrorCode::CorruptMessage
        | ErrorCode::UnknownTopicOrPartition
        | ErrorCode::MessageTooLarge
        | ErrorCode::InvalidTopicException
        | ErrorCode::RecordListTooLarge
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::InvalidRequiredAcks
        | ErrorCode::TopicAuthorizationFailed
        | ErrorCode::ClusterAuthorizationFailed
        | ErrorCode::InvalidTimestamp
        | ErrorCode::UnsupportedForMessageFormat
        | ErrorCode::PolicyViolation
        | ErrorCode::OutOfOrderSequenceNumber
        | ErrorCode::InvalidProducerEpoch
        | ErrorCode::UnknownProducerId
        | ErrorCode::UnsupportedCompressionType
        | ErrorCode::InvalidRecord => Presence::Impossible,
        _ => Presence::Possible,
    }
}

/// Returns how a failed batch ends for its application.
pub(crate) fn outcome(error: ErrorCode, presence: Presence) -> SendOutcome {
    match presence {
        Presence::Impossible => SendOutcome::Failed(error),
        Presence::Possible => SendOutcome::Unknown(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::producer_batch::{BatchId, Identity};
    use crate::ids::{ProducerEpoch, ProducerId, Sequence, Uid};
    use crate::log::batch::Record;
    use crate::time::Timestamp;

    const PATIENCE: Patience = Patience { retries: 2, delivery_timeout: Duration(1_000) };

    #[test]
    fn without_numbers_the_error_and_the_patience_decide() {
        use ErrorCode::{InvalidRecord, MessageTooLarge, NetworkException, NotLeaderOrFollower};
        let retry = Decision::Retry(EpochBump::Spared);
        let give_up = |after| Decision::Fail(after);
        // error, records, failed attempts, now, decision
        let cases = [
            (NetworkException, 1, 0, 0, retry),
            (NotLeaderOrFollower, 1, 1, 999, retry),
            (NotLeaderOrFollower, 1, 2, 0, give_up(Aftermath::Nothing)),
            (NotLeaderOrFollower, 1, 0, 1_000, give_up(Aftermath::BumpEpoch)),
            (InvalidRecord, 1, 0, 0, give_up(Aftermath::BumpEpoch)),
            (MessageTooLarge, 1, 0, 0, give_up(Aftermath::BumpEpoch)),
            (MessageTooLarge, 2, 2, 0, Decision::Split),
            (ErrorCode::DuplicateSequenceNumber, 1, 0, 0, Decision::Acknowledge(None)),
        ];

        for (error, records, attempts, now, expected) in cases {
            let mut batch = batch(records);
            batch.attempts = attempts;
            let decision = decide(refusal(error), &batch, None, PATIENCE, Time(now));
            assert_eq!(decision, expected, "{error} x{records} after {attempts} at {now}");
        }
    }

    #[test]
    fn a_success_is_a_success_even_past_the_deadline() {
        let answer = Answer { error: ErrorCode::None, base_offset: Some(Offset(7)) };

        let decision = decide(answer, &batch(1), None, PATIENCE, Time(5_000));

        assert_eq!(decision, Decision::Acknowledge(Some(Offset(7))));
    }

    #[test]
    fn the_numbering_is_not_asked_once_patience_is_over() {
        let mut numbered = batch(1);
        numbered.attempts = 2;
        let writer = Identity { id: ProducerId(1), epoch: ProducerEpoch(0) };
        numbered.stamp(writer, Sequence(0));
        let sequences = PartitionSequences::default();

        for (error, aftermath) in [
            (ErrorCode::OutOfOrderSequenceNumber, Aftermath::BumpEpoch),
            (ErrorCode::UnknownProducerId, Aftermath::Forget),
            (ErrorCode::NetworkException, Aftermath::Nothing),
        ] {
            let decision =
                decide(refusal(error), &numbered, Some(&sequences), PATIENCE, Time::ZERO);
            assert_eq!(decision, Decision::Fail(aftermath), "{error}");
        }
    }

    #[test]
    fn only_refusals_before_the_append_prove_absence() {
        use ErrorCode as E;
        let ambiguous = [
            E::RequestTimedOut,
            E::NetworkException,
            E::NotLeaderOrFollower,
            E::NotEnoughReplicasAfterAppend,
            E::KafkaStorageError,
            E::UnknownServerError,
        ];

        assert!(ambiguous.iter().all(|&error| presence_after(error) == Presence::Possible));
        assert_eq!(presence_after(E::NotEnoughReplicas), Presence::Impossible);
        assert_eq!(
            outcome(E::OutOfOrderSequenceNumber, Presence::Possible),
            SendOutcome::Unknown(E::OutOfOrderSequenceNumber)
        );
        assert_eq!(
            outcome(E::InvalidRecord, Presence::Impossible),
            SendOutcome::Failed(E::InvalidRecord)
        );
    }

    fn refusal(error: ErrorCode) -> Answer {
        Answer { error, base_offset: None }
    }

    fn batch(records: u32) -> ProducerBatch {
        let record = |uid| Record {
            uid: Uid(uid),
            key: None,
            value: Some(10),
            headers: 0,
            timestamp: Timestamp(0),
        };
        let mut batch = ProducerBatch::new(BatchId(0), record(0), 1_000, Time::ZERO);
        for uid in 1..records {
            batch.append(record(uid)).expect("there is room");
        }
        batch
    }
}
