//! `idempotent-no-duplicates`: each leader's log has the sequence numbers of a producer id
//! and epoch once and without holes.

use model::fact::{AppendRole, Fact};
use model::ids::{BrokerId, ProducerEpoch, ProducerId, Sequence, TopicPartition};
use model::log::batch::{Batch, ProducerStamp};

use crate::checkers::case::{Case, Place, seen};
use crate::checkers::mirror::Log;
use crate::checkers::replicas::Cluster;
use crate::checkers::table::ByPartition;
use crate::clause::ClauseKind;
use crate::verdict::{Anomaly, Claim, Finding};

/// Judges `idempotent-no-duplicates`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sequences {
    case: Case,
    partitions: ByPartition<Vec<Ledger>>,
}

/// The sequence numbers in one broker's log.
#[derive(Clone, Debug, PartialEq)]
struct Ledger {
    broker: BrokerId,
    /// How many batches of the log were taken in.
    batches: usize,
    /// The sequence that follows, by producer.
    expected: Vec<(ProducerId, ProducerEpoch, Sequence)>,
}

/// How a batch continues its producer's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Next,
    Back,
    Ahead,
}

impl Sequences {
    /// Opens the case.
    pub(crate) fn new() -> Sequences {
        let case = Case::new(Claim::IdempotentNoDuplicates);
        Sequences { case, partitions: ByPartition::default() }
    }

    /// Returns what is known so far.
    pub(crate) fn case(&self) -> &Case {
        &self.case
    }

    /// Takes in what became true at a node. `cluster` is as before it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place, cluster: &Cluster) {
        let Fact::Appended { broker, partition, batch, role: AppendRole::Leader } = fact else {
            return;
        };
        let Some(stamp) = batch.producer else { return };
        let ledger = self.ledger(*partition, *broker);
        if let Some(log) = cluster.partition(*partition).and_then(|it| it.log(*broker)) {
            ledger.catch_up(log);
        }
        let anomaly = match ledger.step(stamp) {
            Step::Next => return,
            Step::Back => Anomaly::DupSequence,
            Step::Ahead => Anomaly::SeqGap,
        };
        self.case.breach_of(anomaly, batch.records.list()[0].uid, place);
    }

    /// Forgets what it knows of a log that was cut.
    pub(crate) fn on_cut(&mut self, partition: TopicPartition, broker: BrokerId) {
        self.partitions.get_mut(partition).retain(|ledger| ledger.broker != broker);
    }

    /// Closes the case.
    pub(crate) fn finish(self, risk: u64) -> Finding {
        self.case.close(risk, ClauseKind::NothingNumberedAgain, |case| {
            seen(&[
                (ClauseKind::SequencesRepeated, case.seen(Anomaly::DupSequence)),
                (ClauseKind::SequencesSkipped, case.seen(Anomaly::SeqGap)),
            ])
        })
    }

    fn ledger(&mut self, partition: TopicPartition, broker: BrokerId) -> &mut Ledger {
        let ledgers = self.partitions.get_mut(partition);
        let known = ledgers.iter().position(|ledger| ledger.broker == broker);
        let place = known.unwrap_or_else(|| {
            ledgers.push(Ledger { broker, batches: 0, expected: Vec::new() });
            ledgers.len() - 1
        });
        &mut ledgers[place]
    }
}

impl Ledger {
    fn catch_up(&mut self, log: &Log) {
        for batch in &log.batches()[self.batches.min(log.batches().len())..] {
            self.take(batch);
        }
        self.batches = log.batches().len();
    }

    fn take(&mut self, batch: &Batch) {
        let Some(stamp) = batch.producer else { return };
        let next = stamp.sequence.plus(batch.records.count());
        let known =
            self.expected.iter_mut().rev().find(|it| (it.0, it.1) == (stamp.id, stamp.epoch));
        match known {
            Some((_, _, expected)) => *expected = next,
            None => self.expected.push((stamp.id, stamp.epoch, next)),
        }
    }

    fn step(&self, stamp: ProducerStamp) -> Step {
        let known = self.expected.iter().rev().find(|it| (it.0, it.1) == (stamp.id, stamp.epoch));
        let expected = known.map_or(Sequence(0), |it| it.2);
        if stamp.sequence == expected {
            return Step::Next;
        }
        // Numbers wrap: the shorter way round tells the direction.
        let ahead = (stamp.sequence.0.wrapping_sub(expected.0)) & Sequence::MAX.0;
        match ahead < 1 << 30 {
            true => Step::Ahead,
            false => Step::Back,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::fact::Fact;
    use model::ids::Offset;
    use model::message::data::Acks;

    use crate::checkers::fixture::{
        History, PARTITION, assert_breaks, assert_holds, assert_untested, numbered,
    };

    use super::*;

    const CLAIM: Claim = Claim::IdempotentNoDuplicates;

    fn dropped_repeat() -> Fact {
        let (broker, batch) = (BrokerId(1), numbered(0, 0, &[0, 1], 0));
        Fact::DuplicateDropped { broker, partition: PARTITION, batch, base_offset: Offset(0) }
    }

    #[test]
    fn a_repeat_that_is_dropped_holds() {
        let mut history = History::new(Acks::All, &[1]);
        history.append(&[1], &numbered(0, 0, &[0, 1], 0)).fact(dropped_repeat());
        history.append(&[1], &numbered(2, 0, &[2], 2));

        assert_holds(&history.verdict(CLAIM));
    }

    #[test]
    fn a_repeat_that_is_appended_breaks_it_at_once() {
        let mut history = History::new(Acks::All, &[1]);
        history.append(&[1], &numbered(0, 0, &[0, 1], 0));
        history.append(&[1], &numbered(2, 0, &[0, 1], 0));

        assert_eq!(history.first_violation(), Some(CLAIM));
        let because = "a leader appended sequence numbers that its log had, 1 time";
        assert_breaks(&history.verdict(CLAIM), Anomaly::DupSequence, 1, because);
    }

    #[test]
    fn a_number_left_out_breaks_it_at_once() {
        let mut history = History::new(Acks::All, &[1]);
        history.append(&[1], &numbered(0, 0, &[0], 0)).append(&[1], &numbered(1, 0, &[2], 2));

        assert_eq!(history.first_violation(), Some(CLAIM));
        let because = "a leader appended sequence numbers ahead of their turn, 1 time";
        assert_breaks(&history.verdict(CLAIM), Anomaly::SeqGap, 1, because);
    }

    #[test]
    fn the_next_leader_goes_on_where_its_own_log_ends() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.append(&[1, 2], &numbered(0, 0, &[0], 0)).append(&[1], &numbered(1, 0, &[1], 1));
        history.fail_over(2, &[2]).append(&[2], &numbered(1, 1, &[1], 1));
        history.fact(dropped_repeat());

        assert_holds(&history.verdict(CLAIM));
    }

    #[test]
    fn numbers_that_were_cut_may_come_again() {
        let mut history = History::new(Acks::All, &[1]);
        history.append(&[1], &numbered(0, 0, &[0], 0)).append(&[1], &numbered(1, 0, &[1], 1));
        history.append(&[1], &numbered(2, 0, &[2], 2)).power_loss(1, 3, 1).restart(1);
        history.append(&[1], &numbered(1, 1, &[1], 1));
        history.fact(dropped_repeat());

        assert_holds(&history.verdict(CLAIM));
    }

    #[test]
    fn numbers_wrap() {
        let mut ledger = Ledger { broker: BrokerId(1), batches: 0, expected: Vec::new() };
        ledger.take(&numbered(0, 0, &[0, 1], Sequence::MAX.0));
        let step = |sequence| ledger.step(numbered(0, 0, &[0], sequence).producer.unwrap());

        assert_eq!(step(1), Step::Next);
        assert_eq!(step(2), Step::Ahead);
        assert_eq!(step(Sequence::MAX.0), Step::Back);
    }

    #[test]
    fn it_is_untested_without_a_repeat() {
        let mut history = History::new(Acks::All, &[1]);
        history.append(&[1], &numbered(0, 0, &[0], 0));

        assert_untested(&history.verdict(CLAIM));
    }
}
