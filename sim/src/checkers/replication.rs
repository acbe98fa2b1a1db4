//! Truths across replicas: they agree, an epoch has one leader, and leaders wait for whom
//! the controller could elect: whoever joins the ISR has what was committed without it.

use std::sync::Arc;

use model::fact::{AppendRole, Fact};
use model::ids::{BrokerId, LeaderEpoch, Offset, ReplicaSet, TopicPartition, Uid};
use model::log::batch::Batch;
use model::message::data::Acks;

use crate::checkers::case::{Case, Place, seen};
use crate::checkers::mirror::{Log, same, uid_in};
use crate::checkers::replicas::{Cluster, Partition};
use crate::checkers::table::ByPartition;
use crate::clause::{ClauseKind, Sentence};
use crate::verdict::{Anomaly, Claim, Finding};

/// Judges `replicas-agree`, `one-leader-per-epoch` and `isr-covers-high-watermark`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Replication {
    agreement: Case,
    leadership: Case,
    coverage: Case,
    partitions: ByPartition<Leaders>,
}

/// Who appended as leader of one partition.
#[derive(Clone, Debug, Default, PartialEq)]
struct Leaders {
    /// The first broker that appended in each epoch, in order of their first append.
    appended: Vec<(LeaderEpoch, BrokerId)>,
    /// The greatest epoch that any broker led or appended in.
    newest: LeaderEpoch,
    /// The registered leader's high watermark, and the epoch in which it had it.
    committed: (LeaderEpoch, Offset),
}

impl Leaders {
    fn of(&self, epoch: LeaderEpoch) -> Option<BrokerId> {
        self.appended.iter().rev().find(|it| it.0 == epoch).map(|it| it.1)
    }
}

impl Replication {
    /// Opens the three cases.
    pub(crate) fn new() -> Replication {
        Replication {
            agreement: Case::new(Claim::ReplicasAgree),
            leadership: Case::new(Claim::OneLeaderPerEpoch),
            coverage: Case::new(Claim::IsrCoversHighWatermark),
            partitions: ByPartition::default(),
        }
    }

    /// Returns what is known so far of `replicas-agree`, `one-leader-per-epoch` and
    /// `isr-covers-high-watermark`.
    pub(crate) fn cases(&self) -> [&Case; 3] {
        [&self.agreement, &self.leadership, &self.coverage]
    }

    /// Takes in what became true at a node. `cluster` is as before it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place, cluster: &Cluster) {
        match fact {
            Fact::Appended { broker, partition, batch, role } => {
                if let Some(partition) = cluster.partition(*partition) {
                    self.check_epochs(partition.log(*broker), batch, place);
                }
                match role {
                    AppendRole::Leader => self.on_leader_append(*broker, *partition, batch, place),
                    AppendRole::Follower => {
                        self.on_follower_append(*partition, batch, place, cluster);
                    }
                }
            }
            Fact::BecameLeader { partition, epoch, high_watermark, .. } => {
                let leaders = self.partitions.get_mut(*partition);
                leaders.newest = leaders.newest.max(*epoch);
                if leaders.committed.0 < *epoch {
                    leaders.committed = (*epoch, *high_watermark);
                }
            }
            Fact::HighWatermark { broker, partition: id, to, waiting: Some(waiting), .. } => {
                let Some(partition) = cluster.partition(*id) else { return };
                // Another epoch's ISR is not this leader's to wait for.
                if partition.leader_epoch != waiting.epoch {
                    return;
                }
                self.partitions.get_mut(*id).committed = (waiting.epoch, *to);
                let must_wait = partition.isr.without(*broker);
                if !must_wait.is_subset(waiting.waited_for) {
                    self.coverage.breach(Anomaly::IsrSuperset, place);
                }
            }
            Fact::PartitionChanged { partition, leader, isr, .. } if leader.0 == leader.1 => {
                self.on_joining(isr.1.minus(isr.0), *partition, place, cluster);
            }
            Fact::ProduceAcknowledged { acks: Acks::All, isr, isr_min, .. }
                if isr.len() < usize::from(*isr_min) =>
            {
                self.coverage.breach(Anomaly::MinIsrBreach, place);
            }
            _ => {}
        }
    }

    /// Compares the replicas that run, and closes the cases.
    pub(crate) fn finish(mut self, cluster: &Cluster, end: Place, risk: Risks) -> [Finding; 3] {
        for (_, partition) in cluster.partitions() {
            self.compare_replicas(partition, cluster, end);
        }
        let moved = ClauseKind::OneLeaderEach;
        [
            self.agreement.close(risk.leader_moves, moved, agreement),
            self.leadership.close(risk.leader_moves, moved, |case| {
                seen(&[(ClauseKind::LedTwice, case.seen(Anomaly::SameEpochLeaders))])
            }),
            self.coverage.close(risk.isr_changes, ClauseKind::NoIsrChanged, coverage),
        ]
    }

    fn check_epochs(&mut self, log: Option<&Log>, batch: &Batch, place: Place) {
        let last = log.and_then(|log| log.batches().last());
        if last.is_some_and(|last| batch.leader_epoch < last.leader_epoch) {
            self.agreement.breach(Anomaly::EpochDisorder, place);
        }
        if log.is_some_and(|log| batch.base_offset < log.end()) {
            self.agreement.breach(Anomaly::LogDivergence, place);
        }
    }

    fn on_leader_append(
        &mut self,
        broker: BrokerId,
        partition: TopicPartition,
        batch: &Batch,
        place: Place,
    ) {
        let leaders = self.partitions.get_mut(partition);
        let epoch = batch.leader_epoch;
        match leaders.of(epoch) {
            None => leaders.appended.push((epoch, broker)),
            Some(first) if first == broker => {}
            Some(_) => self.leadership.breach(Anomaly::SameEpochLeaders, place),
        }
        if epoch < leaders.newest {
            self.leadership.observe(Anomaly::DualLeader, 1);
        }
        leaders.newest = leaders.newest.max(epoch);
    }

    fn on_follower_append(
        &mut self,
        id: TopicPartition,
        batch: &Arc<Batch>,
        place: Place,
        cluster: &Cluster,
    ) {
        let Some(source) = self.partitions.get_mut(id).of(batch.leader_epoch) else { return };
        let log = cluster.partition(id).and_then(|partition| partition.log(source));
        let own = log.and_then(|log| log.at(batch.base_offset));
        if own.is_some_and(|own| own.leader_epoch == batch.leader_epoch && !same(own, batch)) {
            self.agreement.breach(Anomaly::LogDivergence, place);
        }
    }

    /// Replicas join the ISR of a leader that stays: they have what was committed without them.
    fn on_joining(
        &mut self,
        joining: ReplicaSet,
        id: TopicPartition,
        place: Place,
        cluster: &Cluster,
    ) {
        let Some(partition) = cluster.partition(id) else { return };
        let (epoch, committed) = self.partitions.get_mut(id).committed;
        if partition.leader_epoch != epoch || committed == Offset::ZERO {
            return;
        }
        let last = Offset(committed.0 - 1);
        let leader = partition.leader.and_then(|leader| partition.log(leader));
        // What the leader itself has lost is judged elsewhere.
        let Some(batch) = leader.and_then(|log| log.at(last)) else { return };
        // So is what a power cut took from a member.
        for member in joining.minus(cluster.powerless()).iter() {
            if !partition.has(member, last, batch) {
                self.coverage.breach(Anomaly::HwOverrun, place);
            }
        }
    }

    fn compare_replicas(&mut self, partition: &Partition, cluster: &Cluster, end: Place) {
        let running = || partition.replicas.iter().filter(|it| !cluster.down().contains(it.broker));
        let leader = running().find(|it| Some(it.broker) == partition.leader);
        let Some(yardstick) = leader.or_else(|| running().next()) else { return };
        for replica in running().filter(|it| it.broker != yardstick.broker) {
            for uid in strangers(&replica.log, &yardstick.log) {
                self.agreement.breach_of(Anomaly::LogDivergence, uid, end);
            }
        }
    }
}

/// Lists the records of `log` at whose offsets `yardstick` has something else.
fn strangers(log: &Log, yardstick: &Log) -> Vec<Uid> {
    let pairs = log.batches().iter().zip(yardstick.batches());
    let alike = pairs.take_while(|(one, other)| same(one, other)).count();
    let mut strangers = Vec::new();
    for batch in log.batches()[alike..].iter().filter(|batch| !yardstick.holds(batch)) {
        for (record, nth) in batch.records.list().iter().zip(0..) {
            let offset = batch.base_offset + nth;
            let Some(other) = yardstick.at(offset) else { continue };
            if other.leader_epoch != batch.leader_epoch || uid_in(other, offset) != record.uid {
                strangers.push(record.uid);
            }
        }
    }
    strangers
}

/// The risk counters of [`Replication`]'s claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Risks {
    /// Partitions that another broker came to lead.
    pub(crate) leader_moves: u64,
    /// Changes of a registered ISR.
    pub(crate) isr_changes: u64,
}

fn agreement(case: &Case) -> Sentence {
    seen(&[
        (ClauseKind::ReplicasDiffered, case.seen(Anomaly::LogDivergence)),
        (ClauseKind::EpochsDecreased, case.seen(Anomaly::EpochDisorder)),
    ])
}

fn coverage(case: &Case) -> Sentence {
    seen(&[
        (ClauseKind::MemberNotAwaited, case.seen(Anomaly::IsrSuperset)),
        (ClauseKind::WatermarkOverran, case.seen(Anomaly::HwOverrun)),
        (ClauseKind::BelowMinimum, case.seen(Anomaly::MinIsrBreach)),
    ])
}

#[cfg(test)]
mod tests {
    use model::fact::ChangeCause;

    use crate::checkers::fixture::{
        History, assert_breaks, assert_holds, assert_untested, batch, set,
    };

    use super::*;

    fn count(history: &mut History, claim: Claim, anomaly: Anomaly) -> Option<u64> {
        history.verdict(claim).anomalies.get(&anomaly).copied()
    }

    #[test]
    fn a_follower_with_another_record_of_the_same_epoch_disagrees_at_once() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.append(&[1], &batch(0, 0, &[0])).copy(2, &batch(0, 0, &[1]));

        assert_eq!(history.first_violation(), Some(Claim::ReplicasAgree));
    }

    #[test]
    fn epochs_that_decrease_along_a_log_are_seen() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.copy(2, &batch(0, 3, &[0])).copy(2, &batch(1, 2, &[1]));

        assert_eq!(history.first_violation(), Some(Claim::ReplicasAgree));
        let because = "leader epochs decrease along a log, 1 time";
        let finding = history.verdict(Claim::ReplicasAgree);
        assert_breaks(&finding, Anomaly::EpochDisorder, 1, because);
    }

    #[test]
    fn an_append_into_the_middle_of_a_log_is_seen() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.copy(2, &batch(0, 0, &[0, 1])).copy(2, &batch(1, 0, &[2]));

        assert_eq!(history.first_violation(), Some(Claim::ReplicasAgree));
    }

    #[test]
    fn logs_that_differ_at_the_end_disagree_and_those_of_dead_brokers_do_not() {
        let differ = || {
            let mut history = History::new(Acks::Leader, &[1, 2]);
            history.append(&[1], &batch(0, 0, &[0])).fail_over(2, &[2]);
            history.append(&[2], &batch(0, 1, &[1]));
            history
        };

        let because = "a replica held another record than its leader at one offset, 1 time";
        let finding = differ().verdict(Claim::ReplicasAgree);
        assert_breaks(&finding, Anomaly::LogDivergence, 1, because);
        assert_holds(&differ().crash(1).verdict(Claim::ReplicasAgree));
        assert_holds(&differ().truncate(1, 1, 0).verdict(Claim::ReplicasAgree));
    }

    #[test]
    fn each_record_that_differs_is_counted_and_only_below_both_ends() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        history.append(&[1, 2], &batch(0, 0, &[0])).append(&[1], &batch(1, 0, &[1, 2, 3, 4]));
        history.fail_over(2, &[2]);
        history.append(&[2], &batch(1, 1, &[5, 6])).append(&[2], &batch(3, 1, &[7]));

        let finding = history.verdict(Claim::ReplicasAgree);

        let because = "a replica held another record than its leader at one offset, 3 times";
        assert_breaks(&finding, Anomaly::LogDivergence, 3, because);
    }

    #[test]
    fn two_brokers_that_append_in_one_epoch_break_it_at_once() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        history.append(&[1], &batch(0, 0, &[0])).append(&[2], &batch(0, 0, &[1]));

        assert_eq!(history.first_violation(), Some(Claim::OneLeaderPerEpoch));
        let because = "1 batch was appended as leader in an epoch that another broker led";
        let finding = history.verdict(Claim::OneLeaderPerEpoch);
        assert_breaks(&finding, Anomaly::SameEpochLeaders, 1, because);
    }

    #[test]
    fn a_deposed_leader_that_goes_on_is_only_counted() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        history.append(&[1], &batch(0, 0, &[0])).fail_over(2, &[2]);
        history.append(&[2], &batch(0, 1, &[1])).append(&[1], &batch(1, 0, &[2]));

        let finding = history.verdict(Claim::OneLeaderPerEpoch);

        assert_holds(&finding);
        assert_eq!(finding.anomalies.get(&Anomaly::DualLeader), Some(&1));
    }

    #[test]
    fn a_leader_that_forgets_a_registered_member_breaks_coverage() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.append(&[1], &batch(0, 0, &[0])).commit_waiting(1, 1, set(&[1]));

        assert_eq!(history.first_violation(), Some(Claim::IsrCoversHighWatermark));
        let because = "a high watermark rose without a member of the registered ISR, 1 time";
        let finding = history.verdict(Claim::IsrCoversHighWatermark);
        assert_breaks(&finding, Anomaly::IsrSuperset, 1, because);
    }

    #[test]
    fn a_leader_that_waits_for_more_than_the_registered_isr_is_right() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.append(&[1, 2], &batch(0, 0, &[0])).isr(&[1]).commit_waiting(1, 1, set(&[1, 2]));

        assert_holds(&history.verdict(Claim::IsrCoversHighWatermark));
    }

    #[test]
    fn who_joins_the_isr_has_what_was_committed_without_it() {
        let joined = |copies: &[u8]| {
            let mut history = History::new(Acks::All, &[1, 2, 3]);
            let written = batch(0, 0, &[0]);
            history.isr(&[1, 2]).write(&[1, 2], &written);
            copies.iter().for_each(|&broker| {
                history.copy(broker, &written);
            });
            history.isr(&[1, 2, 3]);
            history
        };

        assert_eq!(joined(&[]).first_violation(), Some(Claim::IsrCoversHighWatermark));
        let because = "a high watermark lay beyond the log of an ISR member, 1 time";
        let finding = joined(&[]).verdict(Claim::IsrCoversHighWatermark);
        assert_breaks(&finding, Anomaly::HwOverrun, 1, because);
        assert_holds(&joined(&[3]).verdict(Claim::IsrCoversHighWatermark));
    }

    #[test]
    fn what_an_earlier_leader_had_committed_is_not_asked_of_who_joins() {
        let mut history = History::new(Acks::All, &[1, 2, 3]);
        history.isr(&[1]).write(&[1], &batch(0, 0, &[0])).crash(1);
        history.elect(Some(2), &[2], ChangeCause::UncleanElection).take_over(2);
        history.append(&[2], &batch(0, 1, &[1])).isr(&[2, 3]);

        assert_holds(&history.verdict(Claim::IsrCoversHighWatermark));
    }

    #[test]
    fn an_acks_all_answer_below_the_minimum_breaks_coverage() {
        let mut history = History::new(Acks::All, &[1, 2]).min_insync_replicas(2);
        history.isr(&[1]).write(&[1], &batch(0, 0, &[0]));

        assert_eq!(history.first_violation(), Some(Claim::IsrCoversHighWatermark));
        let count = count(&mut history, Claim::IsrCoversHighWatermark, Anomaly::MinIsrBreach);
        assert_eq!(count, Some(1));
    }

    #[test]
    fn an_acks_1_answer_below_the_minimum_is_legal() {
        let mut history = History::new(Acks::Leader, &[1, 2]).min_insync_replicas(2);
        history.isr(&[1]).write(&[1], &batch(0, 0, &[0]));

        assert_holds(&history.verdict(Claim::IsrCoversHighWatermark));
    }

    #[test]
    fn nothing_is_tested_while_leader_and_isr_stay() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.write(&[1, 2], &batch(0, 0, &[0]));

        assert_untested(&history.verdict(Claim::ReplicasAgree));
        assert_untested(&history.verdict(Claim::OneLeaderPerEpoch));
        assert_untested(&history.verdict(Claim::IsrCoversHighWatermark));
    }
}
