//! What producers may rely on, judged on the final logs: loss, silence, phantoms, repeats
//! and order.

use std::collections::BTreeMap;

use model::ids::{TopicPartition, Uid};

use crate::checkers::case::{Case, Place, seen};
use crate::checkers::ending::{Access, Ending, Order};
use crate::checkers::hazards::Hazards;
use crate::checkers::records::{Knowledge, Progress, Records, Send};
use crate::clause::{Clause, ClauseKind, Sentence};
use crate::verdict::{Anomaly, Claim, Finding, Loss};

/// Everything a claim about deliveries is judged by.
pub(crate) struct Delivery<'a> {
    /// What producers were told.
    pub(crate) records: &'a Records,
    /// The final logs.
    pub(crate) ending: &'a Ending,
    /// The risk counters.
    pub(crate) hazards: &'a Hazards,
    /// The history's last entry.
    pub(crate) end: Place,
}

impl Delivery<'_> {
    /// Judges `no-acknowledged-loss`.
    pub(crate) fn no_acknowledged_loss(&self, losses: &[Loss]) -> Finding {
        let mut case = Case::new(Claim::NoAcknowledgedLoss);
        let (mut promised, mut unavailable) = (0, 0);
        for (uid, standing) in self.ending.standings() {
            if standing.knowledge != Knowledge::Promised {
                continue;
            }
            promised += 1;
            unavailable += u64::from(standing.access == Access::Unavailable);
            if standing.copies == 0 {
                case.breach_of(Anomaly::AckedLost, uid, self.lost_at(losses, uid));
            }
        }
        for loss in losses {
            for moment in [loss.promise, loss.at_risk, loss.decided] {
                case.show(Place { entry: moment.entry, at: moment.at });
            }
        }
        let hazards = self.hazards;
        let hits = hazards.cuts + hazards.isr_losses + hazards.leader_moves + hazards.brokers_ended;
        let untested = match promised {
            0 => ClauseKind::NothingAcknowledged,
            _ => ClauseKind::NothingEndangered,
        };
        case.close(if promised == 0 { 0 } else { hits }, untested, |case| {
            let lost = case.seen(Anomaly::AckedLost);
            let missing = ClauseKind::AcknowledgedMissing;
            let mut sentence = Sentence::of(missing, [lost.into(), promised.into()]);
            if 0 < unavailable {
                let more = ClauseKind::AcknowledgedUnserved;
                sentence.0.push(Clause::new(more, [unavailable.into()]));
            }
            sentence
        })
    }

    /// Judges `nothing-dropped-silently`.
    pub(crate) fn nothing_dropped_silently(&self) -> Finding {
        let mut case = Case::new(Claim::NothingDroppedSilently);
        let mut cut = 0;
        for (uid, standing) in self.ending.standings() {
            match standing.knowledge {
                Knowledge::Assumed if standing.copies == 0 => {
                    let send = self.send(uid);
                    match send.offset() {
                        None => case.breach_of(Anomaly::SilentDrop, uid, self.told(send)),
                        Some(_) => {
                            cut += 1;
                            case.break_with(uid, self.told(send));
                        }
                    }
                }
                // What the application sent again has not vanished.
                Knowledge::Abandoned if self.vanished_unsent(uid) => {
                    case.breach_of(Anomaly::NeverSent, uid, self.send(uid).called);
                }
                Knowledge::Refused | Knowledge::Unknown => case.observe(Anomaly::RejectedSend, 1),
                Knowledge::Promised
                | Knowledge::Assumed
                | Knowledge::Abandoned
                | Knowledge::Open => {}
            }
        }
        case.observe(Anomaly::SendGap, self.gaps());
        let risk = self.hazards.unanswered_batches + self.hazards.producers_ended;
        case.close(risk, ClauseKind::NothingUnanswered, |case| {
            seen(&[
                (ClauseKind::UnansweredLost, case.seen(Anomaly::SilentDrop)),
                (ClauseKind::UnansweredCut, cut),
                (ClauseKind::NeverLeft, case.seen(Anomaly::NeverSent)),
            ])
        })
    }

    /// Judges `no-phantom`.
    pub(crate) fn no_phantom(&self) -> Finding {
        let mut case = Case::new(Claim::NoPhantom);
        let mut refused = 0;
        for (uid, standing) in self.ending.standings() {
            if standing.knowledge == Knowledge::Refused {
                refused += 1;
                if 0 < standing.copies {
                    case.breach_of(Anomaly::PhantomWrite, uid, self.told(self.send(uid)));
                }
            }
        }
        case.close(self.hazards.errors, ClauseKind::NothingFailed, |case| {
            let count = case.seen(Anomaly::PhantomWrite);
            Sentence::of(ClauseKind::FailedPresent, [count.into(), refused.into()])
        })
    }

    /// Judges `no-duplicates`.
    pub(crate) fn no_duplicates(&self) -> Finding {
        let mut case = Case::new(Claim::NoDuplicates);
        let mut spare = 0;
        let is_first = |uid: &Uid| self.records.first_of(*uid) == *uid;
        for uid in self.records.all().map(|(uid, _)| uid).filter(is_first) {
            let (mut copies, mut of) = (self.ending.copies(uid), uid);
            // A line that its application sent again is one record, whatever its uids.
            while let Some(again) = self.records.next_of(of) {
                copies += self.ending.copies(again);
                of = again;
            }
            if 1 < copies {
                spare += u64::from(copies - 1);
                case.breach_of(Anomaly::DupAppend, uid, self.told_or_end(of));
            }
        }
        let risk = self.hazards.retries + self.hazards.sent_again;
        case.close(risk, ClauseKind::NothingSentAgain, |case| {
            let count = case.seen(Anomaly::DupAppend);
            Sentence::of(ClauseKind::RecordsDoubled, [count.into(), spare.into()])
        })
    }

    /// Judges `order-per-partition`.
    pub(crate) fn order_per_partition(&self) -> Finding {
        let mut case = Case::new(Claim::OrderPerPartition);
        for (uid, standing) in self.ending.standings() {
            if standing.order == Order::Overtook {
                case.breach_of(Anomaly::SendReorder, uid, self.told_or_end(uid));
            }
        }
        let risk = self.hazards.overlaps + self.hazards.retries;
        case.close(risk, ClauseKind::NothingOverlapped, |case| {
            seen(&[(ClauseKind::RecordsOvertook, case.seen(Anomaly::SendReorder))])
        })
    }

    /// Counts the runs of records that are missing between others of their producer session
    /// and partition.
    fn gaps(&self) -> u64 {
        if self.ending.standings().all(|(_, standing)| 0 < standing.copies) {
            return 0;
        }
        let mut runs: BTreeMap<(u16, u32, TopicPartition), Run> = BTreeMap::new();
        let mut gaps = 0;
        for (uid, standing) in self.ending.standings() {
            let send = self.send(uid);
            let Some(partition) = send.partition else { continue };
            let run = runs.entry((send.client.0, send.session, partition)).or_insert(Run::Start);
            let present = 0 < standing.copies;
            match (&*run, present) {
                (Run::Missing, true) => {
                    gaps += 1;
                    *run = Run::Present;
                }
                (Run::Start | Run::Present, true) => *run = Run::Present,
                (Run::Present, false) => *run = Run::Missing,
                (Run::Start | Run::Missing, false) => {}
            }
        }
        gaps
    }

    fn lost_at(&self, losses: &[Loss], uid: Uid) -> Place {
        match losses.binary_search_by_key(&uid, |loss| loss.uid) {
            Ok(place) => {
                let decided = losses[place].decided;
                Place { entry: decided.entry, at: decided.at }
            }
            Err(_) => self.end,
        }
    }

    fn send(&self, uid: Uid) -> &Send {
        self.records.get(uid).expect("whatever stands somewhere was sent")
    }

    /// Says whether a record never left its process, and its application did not send it again.
    fn vanished_unsent(&self, uid: Uid) -> bool {
        let send = self.send(uid);
        send.progress == Progress::InProcess && self.records.next_of(uid).is_none()
    }

    fn told_or_end(&self, uid: Uid) -> Place {
        self.records.told(self.send(uid)).map_or(self.end, |(_, place)| place)
    }

    /// Returns when the producer was told of the outcome, or else when it called.
    fn told(&self, send: &Send) -> Place {
        self.records.told(send).map_or(send.called, |(_, place)| place)
    }
}

/// Where a walk over one producer's records stands.
enum Run {
    /// Nothing was present so far.
    Start,
    /// The last record was.
    Present,
    /// The last record was not, but an earlier one was.
    Missing,
}

#[cfg(test)]
mod tests {
    use model::fact::{Fact, SendOutcome};
    use model::ids::{ClientId, NodeId};
    use model::message::ErrorCode;
    use model::message::data::Acks;

    use crate::checkers::fixture::{History, assert_breaks, assert_holds, assert_untested, batch};
    use crate::history::Fault;
    use crate::verdict::{Fate, Verdict};

    use super::*;

    #[test]
    fn an_acknowledged_record_that_the_next_leader_lacks_is_lost() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        history.write(&[1], &batch(0, 0, &[0, 1])).crash(1).fail_over(2, &[2]);

        let judgement = history.judge();

        let because = "2 of 2 acknowledged records are in no log";
        assert_breaks(&judgement.findings[0], Anomaly::AckedLost, 2, because);
        assert_eq!(judgement.fates, [Fate::Lost, Fate::Lost]);
    }

    #[test]
    fn an_acknowledged_record_that_the_next_leader_has_is_safe() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.write(&[1, 2], &batch(0, 0, &[0])).crash(1).fail_over(2, &[2]);

        let judgement = history.judge();

        assert_holds(&judgement.findings[0]);
        assert_eq!(judgement.fates, [Fate::Delivered]);
    }

    #[test]
    fn without_faults_or_without_acknowledgements_loss_is_untested() {
        let mut calm = History::new(Acks::All, &[1, 2]);
        calm.write(&[1, 2], &batch(0, 0, &[0]));
        let mut silent = History::new(Acks::All, &[1, 2]);
        silent.crash(1).fail_over(2, &[2]);

        assert_untested(&calm.verdict(Claim::NoAcknowledgedLoss));
        assert_untested(&silent.verdict(Claim::NoAcknowledgedLoss));
    }

    #[test]
    fn a_record_on_a_dead_leader_s_disk_is_unavailable_and_not_lost() {
        let mut history = History::new(Acks::All, &[1]);
        history.write(&[1], &batch(0, 0, &[0])).crash(1);
        history.elect(None, &[1], model::fact::ChangeCause::Fenced(model::ids::BrokerId(1)));

        let finding = history.verdict(Claim::NoAcknowledgedLoss);

        assert_holds(&finding);
    }

    #[test]
    fn behind_a_registered_leader_that_is_dead_only_what_nobody_holds_is_lost() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        let (copied, alone) = (batch(0, 0, &[0]), batch(1, 0, &[1]));
        history.write(&[1, 2], &copied).send(&[1]).out(&[1], 1);
        history.append(&[1], &alone).ack(1, &alone).power_loss(1, 2, 0);

        let judgement = history.judge();

        let because = "1 of 2 acknowledged records is in no log; \
                       1 more is on disk, but no leader serves it";
        assert_breaks(&judgement.findings[0], Anomaly::AckedLost, 1, because);
        assert_eq!(judgement.fates, [Fate::Delivered, Fate::Lost]);
    }

    #[test]
    fn a_record_under_acks_0_that_no_log_ever_had_was_dropped_silently() {
        let mut history = History::new(Acks::None, &[1]);
        history.send(&[0, 1]).out(&[0], 1).complete(&[0], SendOutcome::Acknowledged(None));
        history.out(&[1], 1).complete(&[1], SendOutcome::Acknowledged(None));
        history.append(&[1], &batch(0, 0, &[1]));

        let judgement = history.judge();

        let because = "1 record sent with acks=0 never reached a log";
        assert_breaks(&judgement.findings[2], Anomaly::SilentDrop, 1, because);
        assert_eq!(judgement.fates, [Fate::NeverPromised, Fate::Delivered]);
    }

    #[test]
    fn a_record_under_acks_0_whose_log_was_cut_was_dropped_silently() {
        let mut history = History::new(Acks::None, &[1]);
        history.send(&[0]).out(&[0], 1).complete(&[0], SendOutcome::Acknowledged(None));
        history.append(&[1], &batch(0, 0, &[0])).power_loss(1, 1, 0).restart(1);

        let finding = history.verdict(Claim::NothingDroppedSilently);

        let Verdict::Breaks(evidence) = finding.verdict else { panic!("{finding:?}") };
        assert_eq!(
            evidence.because.to_string(),
            "1 record sent with acks=0 reached a log that was cut"
        );
        assert_eq!(finding.anomalies.get(&Anomaly::SilentDrop), None);
    }

    #[test]
    fn a_record_in_the_buffer_of_a_killed_producer_was_never_sent() {
        let mut history = History::new(Acks::All, &[1]);
        history.send(&[0, 1]).out(&[0], 1).append(&[1], &batch(0, 0, &[0]));
        history.fault(Fault::Crashed(NodeId::Client(ClientId(0))));

        let judgement = history.judge();

        let because = "1 record never left the process of the producer, which ended";
        assert_breaks(&judgement.findings[2], Anomaly::NeverSent, 1, because);
        assert_eq!(judgement.fates, [Fate::UnknownPresent, Fate::UnknownAbsent]);
    }

    #[test]
    fn a_later_life_of_a_producer_does_not_hide_what_the_first_one_left() {
        let mut history = History::new(Acks::All, &[1]);
        let node = NodeId::Client(ClientId(0));
        history.send(&[0]).fault(Fault::Crashed(node));
        history.fault(Fault::Started { node, incarnation: 2 }).write(&[1], &batch(0, 0, &[1]));

        let finding = history.verdict(Claim::NothingDroppedSilently);

        assert_eq!(finding.anomalies.get(&Anomaly::NeverSent), Some(&1));
    }

    #[test]
    fn an_error_that_the_producer_was_told_is_no_silent_drop() {
        let mut history = History::new(Acks::None, &[1]);
        let failed = SendOutcome::Failed(ErrorCode::MessageTooLarge);
        history.send(&[0, 1, 2]).out(&[0], 1).out(&[2], 1);
        history.append(&[1], &batch(0, 0, &[0])).append(&[1], &batch(1, 0, &[2]));
        history.complete(&[1], failed);

        let finding = history.verdict(Claim::NothingDroppedSilently);

        assert_holds(&finding);
        assert_eq!(finding.anomalies.get(&Anomaly::RejectedSend), Some(&1));
        assert_eq!(finding.anomalies.get(&Anomaly::SendGap), Some(&1));
    }

    #[test]
    fn silence_is_untested_while_every_send_waits_for_an_answer() {
        let mut history = History::new(Acks::All, &[1]);
        history.write(&[1], &batch(0, 0, &[0]));

        assert_untested(&history.verdict(Claim::NothingDroppedSilently));
    }

    #[test]
    fn a_failed_record_in_the_log_is_a_phantom_and_an_unknown_one_is_not() {
        let check = |outcome: SendOutcome| {
            let mut history = History::new(Acks::All, &[1]);
            history.send(&[0]).out(&[0], 1).append(&[1], &batch(0, 0, &[0]));
            history.complete(&[0], outcome).judge()
        };

        let failed = check(SendOutcome::Failed(ErrorCode::NotEnoughReplicas));
        let unknown = check(SendOutcome::Unknown(ErrorCode::RequestTimedOut));

        let because = "1 of 1 failed record is in the final log";
        assert_breaks(&failed.findings[3], Anomaly::PhantomWrite, 1, because);
        assert_eq!(failed.fates, [Fate::RefusedButPresent]);
        assert_holds(&unknown.findings[3]);
        assert_eq!(unknown.fates, [Fate::UnknownPresent]);
    }

    #[test]
    fn phantoms_are_untested_without_errors() {
        let mut history = History::new(Acks::All, &[1]);
        history.write(&[1], &batch(0, 0, &[0]));

        assert_untested(&history.verdict(Claim::NoPhantom));
    }

    #[test]
    fn a_retry_that_is_appended_again_is_a_duplicate() {
        let mut history = History::new(Acks::Leader, &[1]);
        history.send(&[0, 1]).out(&[0, 1], 1).append(&[1], &batch(0, 0, &[0, 1]));
        history.retry(&[0, 1]).out(&[0, 1], 2).append(&[1], &batch(2, 0, &[0, 1]));

        let judgement = history.judge();

        let because = "2 records are in the final log more than once: 2 copies too many";
        assert_breaks(&judgement.findings[4], Anomaly::DupAppend, 2, because);
        assert_eq!(judgement.fates, [Fate::Duplicated, Fate::Duplicated]);
        assert_holds(&judgement.findings[6]);
    }

    #[test]
    fn duplicates_are_untested_without_a_retry() {
        let mut history = History::new(Acks::Leader, &[1]);
        history.write(&[1], &batch(0, 0, &[0]));

        assert_untested(&history.verdict(Claim::NoDuplicates));
        assert_untested(&history.verdict(Claim::OrderPerPartition));
    }

    #[test]
    fn a_retry_that_lands_once_holds() {
        let mut history = History::new(Acks::Leader, &[1]);
        history.send(&[0]).out(&[0], 1).retry(&[0]).out(&[0], 2);
        history.append(&[1], &batch(0, 0, &[0]));

        assert_holds(&history.verdict(Claim::NoDuplicates));
    }

    #[test]
    fn a_line_that_was_sent_again_is_one_record() {
        let mut history = History::new(Acks::All, &[1]);
        let node = NodeId::Client(ClientId(0));
        history.write(&[1], &batch(0, 0, &[0])).send(&[1]);
        history.fault(Fault::Crashed(node)).fault(Fault::Started { node, incarnation: 2 });
        history.write_again(&batch(1, 0, &[2]), 0).write_again(&batch(2, 0, &[3]), 1);

        let judgement = history.judge();

        let because = "1 record is in the final log more than once: 1 copy too many";
        assert_breaks(&judgement.findings[4], Anomaly::DupAppend, 1, because);
        let fates = [Fate::Delivered, Fate::UnknownAbsent, Fate::Duplicated, Fate::Delivered];
        assert_eq!(judgement.fates, fates);
        assert_eq!(judgement.findings[2].anomalies.get(&Anomaly::NeverSent), None);
    }

    #[test]
    fn a_line_that_was_sent_again_and_again_is_counted_once() {
        let mut history = History::new(Acks::All, &[1]);
        history.write(&[1], &batch(0, 0, &[0]));
        history.write_again(&batch(1, 0, &[1]), 0).write_again(&batch(2, 0, &[2]), 0);

        let judgement = history.judge();

        let because = "1 record is in the final log more than once: 2 copies too many";
        assert_breaks(&judgement.findings[4], Anomaly::DupAppend, 1, because);
    }

    #[test]
    fn a_line_whose_first_sending_got_lost_is_no_duplicate() {
        let mut history = History::new(Acks::All, &[1]);
        history.send(&[0]).out(&[0], 1).write_again(&batch(0, 0, &[1]), 0);

        assert_holds(&history.verdict(Claim::NoDuplicates));
    }

    #[test]
    fn a_batch_that_overtakes_a_retried_one_is_out_of_order() {
        let mut history = History::new(Acks::Leader, &[1]);
        history.send(&[0, 1, 2]).out(&[0], 1).out(&[1, 2], 1);
        history.retry(&[0]).append(&[1], &batch(0, 0, &[1, 2]));
        history.out(&[0], 2).append(&[1], &batch(2, 0, &[0]));

        let judgement = history.judge();

        let because = "2 records lie in the log before one that the same producer sent earlier";
        assert_breaks(&judgement.findings[6], Anomaly::SendReorder, 2, because);
        assert_eq!(judgement.fates[1..], [Fate::OutOfOrder, Fate::OutOfOrder]);
    }

    #[test]
    fn two_lives_of_a_producer_have_no_order_between_them() {
        let mut history = History::new(Acks::Leader, &[1]);
        let node = NodeId::Client(ClientId(0));
        history.send(&[0]).out(&[0], 1).fault(Fault::Crashed(node));
        history.fault(Fault::Started { node, incarnation: 2 }).send(&[1]).out(&[1], 1);
        history.append(&[1], &batch(0, 0, &[1])).append(&[1], &batch(1, 0, &[0]));

        assert_holds(&history.verdict(Claim::OrderPerPartition));
    }

    #[test]
    fn an_abandoned_record_counts_as_a_dead_producer() {
        let mut history = History::new(Acks::All, &[1]);
        let uids = [Uid(0)].into();
        history.send(&[0]).fact(Fact::Abandoned { client: ClientId(0), uids });

        assert_ne!(history.verdict(Claim::NothingDroppedSilently).risk, 0);
    }
}
