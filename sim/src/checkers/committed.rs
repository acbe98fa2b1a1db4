//! `no-committed-loss`: what once lay below a high watermark stays.
//!
//! The committed prefix of each partition is kept and compared with every later leader at
//! the moment when it takes over, so that the finding stands where the fault stands.

use std::sync::Arc;

use model::fact::{Fact, SendOutcome};
use model::ids::{BrokerId, LeaderEpoch, Offset, TopicPartition, Uid};
use model::log::batch::Batch;
use model::message::data::Acks;

use crate::checkers::case::{Case, Place, seen};
use crate::checkers::ending::Ending;
use crate::checkers::mirror::{Log, same};
use crate::checkers::records::Records;
use crate::checkers::replicas::{Cluster, Election, Partition, election};
use crate::checkers::table::ByPartition;
use crate::clause::{ClauseKind, Sentence};
use crate::verdict::{Anomaly, Claim, Finding};

/// Judges `no-committed-loss`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Committed {
    case: Case,
    partitions: ByPartition<Commits>,
}

/// What is known of one partition's committed records.
#[derive(Clone, Debug, Default, PartialEq)]
struct Commits {
    /// The longest prefix that ever lay below a leader's high watermark.
    prefix: Log,
    /// The leader of the greatest epoch that has taken over.
    newest: Option<(LeaderEpoch, BrokerId)>,
    /// What consumers were given.
    exposed: Vec<Exposure>,
    /// Which record each offset stood for towards clients.
    holders: Vec<Option<Holder>>,
}

/// A leader's high watermark that rose.
struct Risen {
    broker: BrokerId,
    epoch: LeaderEpoch,
    from: Offset,
    to: Offset,
}

/// Records that a consumer was given.
#[derive(Clone, Debug, PartialEq)]
struct Exposure {
    batch: Arc<Batch>,
    from: Offset,
    to: Offset,
    place: Place,
}

/// The record that an offset stood for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Holder {
    uid: Uid,
    promise: Promise,
    place: Place,
}

/// What it meant that an offset stood for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// A leader had appended it, no more (`acks=1`).
    Appended,
    /// It was committed: read, or acknowledged under `acks=all`.
    Committed,
}

impl Committed {
    /// Opens the case.
    pub(crate) fn new() -> Committed {
        let case = Case::new(Claim::NoCommittedLoss);
        Committed { case, partitions: ByPartition::default() }
    }

    /// Returns what is known so far.
    pub(crate) fn case(&self) -> &Case {
        &self.case
    }

    /// Takes in what became true at a node. `cluster` is as before it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place, seen: (&Cluster, &Records)) {
        let (cluster, records) = seen;
        match fact {
            Fact::HighWatermark { broker, partition, from, to, waiting: Some(waiting) } => {
                if let Some(state) = cluster.partition(*partition) {
                    let risen =
                        Risen { broker: *broker, epoch: waiting.epoch, from: *from, to: *to };
                    self.on_risen(*partition, risen, state, place);
                }
            }
            Fact::BecameLeader { broker, partition, epoch, .. } => {
                let newest = &mut self.partitions.get_mut(*partition).newest;
                // A broker that was frozen may take over a term that is over: it follows nobody.
                if newest.is_none_or(|(known, _)| known <= *epoch) {
                    *newest = Some((*epoch, *broker));
                    let log = cluster.partition(*partition).and_then(|it| it.log(*broker));
                    self.on_leader(*partition, log, place);
                }
            }
            Fact::PartitionChanged { leader, isr, cause, .. } => {
                if let Some(elected) = leader.1
                    && leader.0 != leader.1
                    && election(elected, isr.0, *cause) == Election::Unclean
                {
                    self.case.observe(Anomaly::UncleanElection, 1);
                }
            }
            Fact::Completed {
                client,
                partition: Some(partition),
                uids,
                outcome: SendOutcome::Acknowledged(Some(base)),
            } => {
                let promise = match records.acks(*client) {
                    Some(Acks::All) => Promise::Committed,
                    Some(Acks::Leader | Acks::None) | None => Promise::Appended,
                };
                for (index, &uid) in (0..).zip(uids.iter()) {
                    self.on_holder(*partition, *base + index, Holder { uid, promise, place });
                }
            }
            Fact::Polled { partition, batch, from, to, .. } => {
                for (offset, record) in batch.records_from(*from) {
                    if offset < *to {
                        let promise = Promise::Committed;
                        let holder = Holder { uid: record.uid, promise, place };
                        self.on_holder(*partition, offset, holder);
                    }
                }
                let (batch, from, to) = (Arc::clone(batch), *from, *to);
                let exposure = Exposure { batch, from, to, place };
                self.partitions.get_mut(*partition).exposed.push(exposure);
            }
            _ => {}
        }
    }

    /// Closes the case.
    pub(crate) fn finish(mut self, ending: &Ending, risk: u64) -> Finding {
        let mut vanished: Vec<(Uid, Place)> = Vec::new();
        for (partition, commits) in self.partitions.all() {
            let Some(log) = ending.log(partition) else { continue };
            // Most readers read what is in the log, one batch after the other.
            let mut next = log.batches().iter();
            for exposure in &commits.exposed {
                let is_next = |own: &Arc<Batch>| Arc::ptr_eq(own, &exposure.batch);
                if next.as_slice().first().is_some_and(is_next) {
                    next.next();
                    continue;
                }
                if log.has(&exposure.batch) {
                    continue;
                }
                let read = exposure.batch.records_from(exposure.from);
                for (offset, record) in read.take_while(|(offset, _)| *offset < exposure.to) {
                    if !log.has_at(offset, record.uid) {
                        vanished.push((record.uid, exposure.place));
                    }
                }
            }
        }
        vanished.sort_unstable();
        vanished.dedup_by_key(|it| it.0);
        for (uid, place) in vanished {
            self.case.breach_of(Anomaly::ExposedVanished, uid, place);
        }
        self.case.close(risk, ClauseKind::NothingMovedOrCut, because)
    }

    /// Adds to the prefix; what a deposed leader commits and its successor lacks is lost at once.
    fn on_risen(&mut self, id: TopicPartition, risen: Risen, state: &Partition, place: Place) {
        let Some(log) = state.log(risen.broker) else { return };
        let commits = self.partitions.get_mut(id);
        match commits.newest {
            Some((epoch, broker)) if risen.epoch < epoch => {
                let successor = state.log(broker);
                let first = log.batches().partition_point(|it| it.base_offset < risen.from);
                let risen = log.batches()[first..].iter().take_while(|it| it.end() <= risen.to);
                for batch in risen.filter(|batch| !successor.is_some_and(|log| log.holds(batch))) {
                    for record in batch.records.list() {
                        self.case.breach_of(Anomaly::CommittedLost, record.uid, place);
                    }
                }
            }
            Some(_) | None => extend(&mut commits.prefix, log, risen.to),
        }
    }

    fn on_leader(&mut self, partition: TopicPartition, log: Option<&Log>, place: Place) {
        let prefix = &mut self.partitions.get_mut(partition).prefix;
        let own = log.map_or(&[][..], Log::batches);
        let kept = prefix.batches().iter().zip(own).take_while(|(a, b)| same(a, b)).count();
        let Some(first) = prefix.batches().get(kept) else { return };
        let from = first.base_offset;
        for batch in prefix.cut(from) {
            for record in batch.records.list() {
                self.case.breach_of(Anomaly::CommittedLost, record.uid, place);
            }
        }
    }

    fn on_holder(&mut self, partition: TopicPartition, offset: Offset, holder: Holder) {
        let holders = &mut self.partitions.get_mut(partition).holders;
        let index = offset.0 as usize;
        if holders.len() == index {
            holders.push(Some(holder));
            return;
        }
        if holders.len() < index {
            holders.resize(index + 1, None);
        }
        let Some(earlier) = &mut holders[index] else {
            holders[index] = Some(holder);
            return;
        };
        if earlier.uid == holder.uid {
            earlier.promise = match (earlier.promise, holder.promise) {
                (Promise::Appended, Promise::Appended) => Promise::Appended,
                (Promise::Committed, _) | (_, Promise::Committed) => Promise::Committed,
            };
            return;
        }
        // An offset given under acks=1 was never said to be committed: its reuse is legal, also
        // if the answer comes after the one that counts.
        match (earlier.promise, holder.promise) {
            (Promise::Committed, Promise::Committed) => {
                self.case.breach_of(Anomaly::OffsetReuse, earlier.uid, holder.place);
                self.case.show(earlier.place);
                *earlier = holder;
            }
            (Promise::Appended, _) => {
                self.case.observe(Anomaly::OffsetReuse, 1);
                *earlier = holder;
            }
            (Promise::Committed, Promise::Appended) => {
                self.case.observe(Anomaly::OffsetReuse, 1);
            }
        }
    }
}

/// Adds what lies below `to` in a leader's log to the committed prefix.
fn extend(prefix: &mut Log, log: &Log, to: Offset) {
    while prefix.end() < to {
        let next = match log.batches().get(prefix.batches().len()) {
            Some(batch) if batch.base_offset == prefix.end() => Some(batch),
            Some(_) | None => log.at(prefix.end()),
        };
        match next {
            Some(batch) if batch.end() <= to && batch.base_offset == prefix.end() => {
                prefix.append(batch);
            }
            Some(_) | None => return,
        }
    }
}

fn because(case: &Case) -> Sentence {
    seen(&[
        (ClauseKind::CommittedMissing, case.seen(Anomaly::CommittedLost)),
        (ClauseKind::ReadVanished, case.seen(Anomaly::ExposedVanished)),
        (ClauseKind::OffsetsReused, case.seen(Anomaly::OffsetReuse)),
    ])
}

#[cfg(test)]
mod tests {
    use model::fact::{ChangeCause, Fact, WaitSet};
    use model::ids::{BrokerId, LeaderEpoch, Offset};
    use model::message::data::Acks;

    use crate::checkers::fixture::{
        History, PARTITION, assert_breaks, assert_holds, assert_untested, batch, set,
    };
    use crate::verdict::{Anomaly, Claim};

    const CLAIM: Claim = Claim::NoCommittedLoss;

    #[test]
    fn a_leader_without_a_committed_record_breaks_it_at_once() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.isr(&[1]).write(&[1], &batch(0, 0, &[0, 1])).crash(1);
        history.elect(Some(2), &[2], ChangeCause::UncleanElection);

        assert_eq!(history.first_violation(), Some(CLAIM));
        let finding = history.verdict(CLAIM);
        let because = "2 records lay below a high watermark and are missing from a later leader";
        assert_breaks(&finding, Anomaly::CommittedLost, 2, because);
        assert_eq!(finding.anomalies.get(&Anomaly::UncleanElection), Some(&1));
    }

    #[test]
    fn what_a_deposed_leader_commits_alone_is_lost_at_once() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.isr(&[1]).elect(Some(2), &[2], ChangeCause::UncleanElection);
        history.append(&[1], &batch(0, 0, &[0])).fact(Fact::HighWatermark {
            broker: BrokerId(1),
            partition: PARTITION,
            from: Offset(0),
            to: Offset(1),
            waiting: Some(WaitSet { epoch: LeaderEpoch(0), isr: set(&[1]), waited_for: set(&[1]) }),
        });

        assert_eq!(history.first_violation(), Some(CLAIM));
        assert_eq!(history.verdict(CLAIM).anomalies.get(&Anomaly::CommittedLost), Some(&1));
    }

    #[test]
    fn who_takes_over_a_term_that_is_over_follows_nobody() {
        let mut history = History::new(Acks::All, &[1, 2, 3]);
        let batch = batch(1, 0, &[0]);
        history.fail_over(2, &[2, 3]).write(&[2, 3], &batch);
        // Broker 1 was frozen when its term began, and reads that it leads now.
        history.fact(Fact::BecameLeader {
            broker: BrokerId(1),
            partition: PARTITION,
            epoch: LeaderEpoch(0),
            end: Offset(0),
            high_watermark: Offset(0),
        });

        assert_eq!(history.first_violation(), None);
    }

    #[test]
    fn what_was_never_committed_may_go() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        let (kept, cut) = (batch(0, 0, &[0]), batch(1, 0, &[1]));
        history.write(&[1, 2], &kept).send(&[1]).out(&[1], 1).append(&[1], &cut).ack(1, &cut);
        history.fail_over(2, &[2]).truncate(1, 2, 1).poll(&kept, 1);

        assert_eq!(history.first_violation(), None);
        assert_holds(&history.verdict(CLAIM));
    }

    #[test]
    fn another_record_in_the_middle_of_the_prefix_is_seen() {
        let mut history = History::new(Acks::All, &[1, 2]);
        let (first, second) = (batch(0, 0, &[0]), batch(1, 0, &[1]));
        history.copy(2, &batch(0, 0, &[9])).copy(2, &second);
        history.append(&[1], &first).append(&[1], &second).commit_waiting(1, 2, set(&[1]));
        history.fail_over(2, &[2]);

        assert_eq!(history.verdict(CLAIM).anomalies.get(&Anomaly::CommittedLost), Some(&2));
    }

    #[test]
    fn a_record_that_was_read_and_cut_has_vanished() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        let read = batch(0, 0, &[0]);
        history.send(&[0]).append(&[1], &read).poll(&read, 1).fail_over(2, &[2]);

        let because = "1 record was read and is no longer at its offset";
        assert_breaks(&history.verdict(CLAIM), Anomaly::ExposedVanished, 1, because);
    }

    #[test]
    fn an_offset_that_is_read_as_two_records_is_reused() {
        let mut history = History::new(Acks::Leader, &[1]);
        let (first, second) = (batch(0, 0, &[0]), batch(0, 1, &[1]));
        history.append(&[1], &first).poll(&first, 1).power_loss(1, 1, 0).restart(1);
        history.append(&[1], &second).poll(&second, 1);

        assert_eq!(history.verdict(CLAIM).anomalies.get(&Anomaly::OffsetReuse), Some(&1));
    }

    #[test]
    fn an_offset_given_twice_under_acks_1_is_only_counted() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        history.send(&[0, 1]);
        let (first, second) = (batch(0, 0, &[0]), batch(0, 1, &[1]));
        history.append(&[1], &first).ack(1, &first).fail_over(2, &[2]);
        history.append(&[2], &second).ack(2, &second);

        let finding = history.verdict(CLAIM);

        assert_holds(&finding);
        assert_eq!(finding.anomalies.get(&Anomaly::OffsetReuse), Some(&1));
    }

    #[test]
    fn a_late_answer_under_acks_1_takes_no_offset_from_a_committed_record() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        history.send(&[0, 1]);
        let (first, second) = (batch(0, 0, &[0]), batch(0, 1, &[1]));
        history.append(&[1], &first).fail_over(2, &[2]).append(&[2], &second);
        history.commit_waiting(2, 1, set(&[2])).poll(&second, 1).ack(1, &first);

        let finding = history.verdict(CLAIM);

        assert_holds(&finding);
        assert_eq!(finding.anomalies.get(&Anomaly::OffsetReuse), Some(&1));
    }

    #[test]
    fn it_is_untested_while_one_leader_keeps_its_log() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.write(&[1, 2], &batch(0, 0, &[0]));

        assert_untested(&history.verdict(CLAIM));
    }
}
