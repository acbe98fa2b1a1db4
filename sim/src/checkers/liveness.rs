//! What must come back after the faults are healed: writes and replicas.

use std::sync::Arc;

use model::fact::Fact;
use model::ids::{BrokerId, NodeId, ReplicaSet, TopicPartition};
use model::time::{Duration, Time};

use crate::checkers::case::{Case, Place};
use crate::checkers::ending::Ending;
use crate::checkers::hazards::Hazards;
use crate::checkers::records::{Knowledge, Records};
use crate::checkers::replicas::{Cluster, Partition};
use crate::checkers::table::ByPartition;
use crate::clause::{Clause, ClauseKind, Sentence, Value};
use crate::history::Fault;
use crate::plan::{Action, Plan};
use crate::verdict::{Anomaly, Claim, Finding};

/// How many partitions a sentence names, at most.
const NAMED_MAX: usize = 3;

/// Judges `writes-resume` and `replicas-catch-up`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Liveness {
    topics: Vec<Topic>,
    /// What a step makes of a topic's `min.insync.replicas`, by step.
    altered: Vec<Option<(usize, u16)>>,
    /// When everything was healed.
    settle: Option<Time>,
    partitions: ByPartition<Health>,
    /// How often an ISR fell below the minimum.
    below_min: u64,
}

/// When a partition was well again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// The partition.
    pub(crate) partition: TopicPartition,
    /// When it accepted writes, as `writes-resume` sees it.
    pub(crate) writes: Option<Time>,
    /// When every replica was in the ISR, as `replicas-catch-up` sees it.
    pub(crate) complete: Option<Time>,
    /// Sends from before the settle phase that have no outcome.
    open: u64,
}

/// What is known of a topic beforehand.
#[derive(Clone, Debug, PartialEq)]
struct Topic {
    name: Arc<str>,
    min_insync_replicas: u16,
}

/// How one partition is.
#[derive(Clone, Debug, Default, PartialEq)]
struct Health {
    /// Since when it has accepted writes without a break.
    writable: Option<Time>,
    /// Since when every replica has been in the ISR without a break.
    complete: Option<Time>,
    /// When the last send from before the settle phase was decided in it.
    decided: Option<Time>,
    /// How it was led.
    leadership: Leadership,
}

/// How long a partition was without a leader whose process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Leadership {
    /// Since when it has been, if it is.
    since: Option<Time>,
    /// The longest time that has ended.
    max: Duration,
    /// All that have ended.
    total: Duration,
}

impl Leadership {
    fn without(&mut self, now: Time) {
        self.since = self.since.or(Some(now));
    }

    fn with(&mut self, now: Time) {
        let Some(since) = self.since.take() else { return };
        let gap = now.since(since);
        self.max = self.max.max(gap);
        self.total = self.total + gap;
    }
}

impl Liveness {
    /// Reads what it must know beforehand.
    pub(crate) fn new(plan: &Plan) -> Liveness {
        let topic = |topic: &crate::plan::TopicPlan| {
            let min_insync_replicas = topic.config.min_insync_replicas;
            Topic { name: Arc::clone(&topic.name), min_insync_replicas }
        };
        let altered = |step: &crate::plan::Step| match &step.action {
            Action::AlterTopic(topic, config) => {
                Some((usize::from(topic.0), config.min_insync_replicas))
            }
            _ => None,
        };
        Liveness {
            topics: plan.topics.iter().map(topic).collect(),
            altered: plan.steps.iter().map(altered).collect(),
            settle: None,
            partitions: ByPartition::default(),
            below_min: 0,
        }
    }

    /// Takes in what became true at a node. `cluster` is as after it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place, seen: (&Cluster, &Records)) {
        let (cluster, records) = seen;
        match fact {
            Fact::PartitionChanged { partition, isr, .. } => {
                if let Some(state) = cluster.partition(*partition) {
                    let min = self.isr_min(*partition, state);
                    self.below_min += u64::from(isr.1.len() < min && min <= isr.0.len());
                    self.examine(*partition, state, place.at, cluster);
                }
            }
            Fact::TopicCreated { .. } => self.examine_all(place.at, cluster),
            Fact::Completed { partition: Some(partition), uids, .. } => {
                let Some(settle) = self.settle else { return };
                let first = uids.first().and_then(|&uid| records.get(uid));
                if first.is_some_and(|send| send.called.at < settle) {
                    self.partitions.get_mut(*partition).decided = Some(place.at);
                }
            }
            _ => {}
        }
    }

    /// Takes in what the world did. `cluster` is as after it.
    pub(crate) fn on_fault(&mut self, fault: &Fault, place: Place, cluster: &Cluster) {
        match fault {
            Fault::Started { node: NodeId::Broker(_), .. }
            | Fault::Crashed(NodeId::Broker(_))
            | Fault::PowerLost(NodeId::Broker(_))
            | Fault::Exited(NodeId::Broker(_)) => self.examine_all(place.at, cluster),
            _ => {}
        }
    }

    /// Takes in that a step fired.
    pub(crate) fn on_step(&mut self, step: usize, place: Place, cluster: &Cluster) {
        let Some((topic, min)) = self.altered.get(step).copied().flatten() else { return };
        if let Some(topic) = self.topics.get_mut(topic) {
            topic.min_insync_replicas = min;
        }
        self.examine_all(place.at, cluster);
    }

    /// Takes in that everything was healed.
    pub(crate) fn on_settle(&mut self, place: Place) {
        self.settle = Some(place.at);
    }

    /// Returns when each partition was well again, counted from the settle phase on.
    pub(crate) fn recovered(
        &self,
        cluster: &Cluster,
        sends: (&Records, &Ending),
    ) -> Vec<Recovered> {
        let settle = self.settle.unwrap_or(Time::MAX);
        let mut open = self.open_sends(sends);
        cluster
            .partitions()
            .map(|(partition, _)| {
                let health = self.partitions.get(partition).cloned().unwrap_or_default();
                let since =
                    |since: Option<Time>| self.settle.and(since).map(|since| since.max(settle));
                let open = *open.get_mut(partition);
                let decided = health.decided.unwrap_or(settle);
                let writes = since(health.writable).map(|since| since.max(decided));
                let (writes, complete) = (writes.filter(|_| open == 0), since(health.complete));
                Recovered { partition, writes, complete, open }
            })
            .collect()
    }

    /// Judges `writes-resume`.
    pub(crate) fn writes_resume(
        &self,
        recovered: &[Recovered],
        seen: (&Cluster, &Hazards),
        end: Place,
    ) -> Finding {
        let (cluster, hazards) = seen;
        let mut case = Case::new(Claim::WritesResume);
        let mut reasons = Vec::new();
        for &Recovered { partition: id, writes, open, .. } in recovered {
            if writes.is_none() && self.settle.is_some() {
                case.breach(Anomaly::UnavailableWrite, end);
                let state = cluster.partition(id);
                reasons.extend(state.map(|it| self.why_no_writes(id, it, (cluster, open))));
            }
        }
        let risk = hazards.leaders_hit + hazards.refusals + hazards.errors + self.below_min;
        case.close(self.risk(risk), self.untested(ClauseKind::NoLeaderHit), |case| {
            let (count, all) = (case.seen(Anomaly::UnavailableWrite), recovered.len() as u64);
            let values = [count.into(), all.into(), named(reasons)];
            Sentence::of(ClauseKind::WritesStand, values)
        })
    }

    /// Judges `replicas-catch-up`.
    pub(crate) fn replicas_catch_up(
        &self,
        recovered: &[Recovered],
        seen: (&Cluster, &Hazards),
        end: Place,
    ) -> Finding {
        let (cluster, hazards) = seen;
        let mut case = Case::new(Claim::ReplicasCatchUp);
        let mut reasons = Vec::new();
        for &Recovered { partition: id, complete, .. } in recovered {
            if complete.is_none() && self.settle.is_some() {
                case.breach(Anomaly::NoRecovery, end);
                reasons
                    .extend(cluster.partition(id).map(|it| self.why_incomplete(id, it, cluster)));
            }
        }
        let risk = hazards.isr_losses + hazards.brokers_ended;
        case.close(self.risk(risk), self.untested(ClauseKind::NoReplicaLeft), |case| {
            let (count, all) = (case.seen(Anomaly::NoRecovery), recovered.len() as u64);
            let values = [count.into(), all.into(), named(reasons)];
            Sentence::of(ClauseKind::ReplicasBehind, values)
        })
    }

    /// Returns the longest time that a partition had no leader, and all such times together.
    pub(crate) fn leaderless(&self, end: Place) -> (Duration, Duration) {
        let mut sum = (Duration::ZERO, Duration::ZERO);
        for (_, health) in self.partitions.all() {
            let mut leadership = health.leadership;
            leadership.with(end.at);
            sum = (sum.0.max(leadership.max), sum.1 + leadership.total);
        }
        sum
    }

    fn risk(&self, risk: u64) -> u64 {
        self.settle.map_or(0, |_| risk)
    }

    fn untested(&self, usual: ClauseKind) -> ClauseKind {
        self.settle.map_or(ClauseKind::NeverSettled, |_| usual)
    }

    /// Returns `min.insync.replicas`, at most the number of replicas.
    fn isr_min(&self, id: TopicPartition, partition: &Partition) -> usize {
        let topic = self.topics.get(usize::from(id.topic.0));
        let min = topic.map_or(1, |topic| usize::from(topic.min_insync_replicas));
        min.min(partition.assigned.len())
    }

    fn examine_all(&mut self, now: Time, cluster: &Cluster) {
        for (id, partition) in cluster.partitions() {
            self.examine(id, partition, now, cluster);
        }
    }

    fn examine(&mut self, id: TopicPartition, partition: &Partition, now: Time, cluster: &Cluster) {
        let leads = partition.live_leader(cluster.down()).is_some();
        let is_writable = leads && self.isr_min(id, partition) <= partition.isr.len();
        let is_complete = partition.assigned.is_subset(partition.isr);
        let health = self.partitions.get_mut(id);
        health.writable = is_writable.then(|| health.writable.unwrap_or(now));
        health.complete = is_complete.then(|| health.complete.unwrap_or(now));
        match leads {
            true => health.leadership.with(now),
            false => health.leadership.without(now),
        }
    }

    /// Counts the sends from before the settle phase that have no outcome.
    fn open_sends(&self, (records, ending): (&Records, &Ending)) -> ByPartition<u64> {
        let settle = self.settle.unwrap_or(Time::ZERO);
        let mut open = ByPartition::default();
        let undecided = ending.standings().filter(|(_, it)| it.knowledge == Knowledge::Open);
        for send in undecided.filter_map(|(uid, _)| records.get(uid)) {
            if let Some(partition) = send.partition.filter(|_| send.called.at < settle) {
                *open.get_mut(partition) += 1;
            }
        }
        open
    }

    fn why_no_writes(
        &self,
        id: TopicPartition,
        partition: &Partition,
        seen: (&Cluster, u64),
    ) -> Clause {
        let (cluster, open) = seen;
        let (name, down) = (Value::from(self.name(id)), cluster.down());
        let size = |set: ReplicaSet| Value::from(set.len() as u64);
        let (running, all) = (partition.assigned.minus(down), partition.assigned);
        let (isr, min) = (partition.isr, self.isr_min(id, partition));
        if partition.live_leader(down).is_none() {
            return Clause::new(ClauseKind::NoRunningLeader, [name, size(running), size(all)]);
        }
        if isr.len() < min {
            let members = [name, size(isr), (min as u64).into()];
            return match running.len() < min {
                true => {
                    let values = members.into_iter().chain([size(running), size(all)]);
                    Clause::new(ClauseKind::IsrHopeless, values)
                }
                false => Clause::new(ClauseKind::IsrTooSmall, members),
            };
        }
        Clause::new(ClauseKind::SendsOpen, [open.into(), name])
    }

    fn why_incomplete(
        &self,
        id: TopicPartition,
        partition: &Partition,
        cluster: &Cluster,
    ) -> Clause {
        let missing = partition.assigned.minus(partition.isr);
        let broker =
            |broker: BrokerId| Clause::new(ClauseKind::Broker, [u64::from(broker.0).into()]);
        let list = Value::List(missing.iter().map(broker).collect());
        let dead = missing.minus(missing.minus(cluster.down())).len() as u64;
        let name = Value::from(self.name(id));
        match dead {
            0 => Clause::new(ClauseKind::ReplicasLacking, [name, list]),
            _ => Clause::new(ClauseKind::ReplicasDead, [name, list, dead.into()]),
        }
    }

    fn name(&self, id: TopicPartition) -> String {
        let topic = self.topics.get(usize::from(id.topic.0)).map_or("?", |topic| &topic.name);
        format!("{topic}-{}", id.partition)
    }
}

/// Lists the first few reasons.
fn named(mut reasons: Vec<Clause>) -> Value {
    if NAMED_MAX < reasons.len() {
        reasons.truncate(NAMED_MAX);
        reasons.push(Clause::new(ClauseKind::AndSoOn, []));
    }
    Value::List(reasons)
}

#[cfg(test)]
mod tests {
    use model::fact::{ChangeCause, SendOutcome};
    use model::message::ErrorCode;
    use model::message::data::Acks;

    use crate::checkers::fixture::{
        History, PARTITION, assert_breaks, assert_holds, assert_untested, batch,
    };

    use super::*;

    #[test]
    fn a_partition_with_leader_and_isr_accepts_writes_again() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.crash(1).fail_over(2, &[2]).settle().restart(1).isr(&[1, 2]);

        let judgement = history.judge();

        assert_holds(&judgement.findings[17]);
        assert_holds(&judgement.findings[18]);
        assert_eq!(judgement.resumed, [(PARTITION, Some(Time(6_000)))]);
        assert_eq!(judgement.caught_up, [(PARTITION, Some(Time(8_000)))]);
    }

    #[test]
    fn a_partition_without_leader_does_not_accept_writes() {
        let mut history = History::new(Acks::All, &[1]);
        history.crash(1).elect(None, &[1], ChangeCause::Fenced(BrokerId(1))).settle();

        let judgement = history.judge();

        let because = "1 of 1 partition does not accept writes at the end: \
                       orders-0 has no leader that runs (0 of 1 replicas run)";
        assert_breaks(&judgement.findings[17], Anomaly::UnavailableWrite, 1, because);
        assert_eq!(judgement.resumed, [(PARTITION, None)]);
    }

    #[test]
    fn an_isr_below_the_minimum_says_so_and_why_it_is_hopeless() {
        let mut history = History::new(Acks::All, &[1, 2, 3]).min_insync_replicas(2);
        history.crash(2).crash(3).isr(&[1]).settle();

        let judgement = history.judge();

        let because = "1 of 1 partition does not accept writes at the end: the ISR of orders-0 \
                       has 1 of the 2 members it needs, and no more than 1 of 3 replicas run";
        assert_breaks(&judgement.findings[17], Anomaly::UnavailableWrite, 1, because);
        let because = "1 of 1 partition lacks a replica in the ISR at the end: \
                       orders-0 lacks broker 2, broker 3 (2 of them not running)";
        assert_breaks(&judgement.findings[18], Anomaly::NoRecovery, 1, because);
        assert_eq!(judgement.caught_up, [(PARTITION, None)]);
    }

    #[test]
    fn an_earlier_send_without_outcome_keeps_writes_from_resuming() {
        let mut history = History::new(Acks::All, &[1]);
        history.send(&[0]).out(&[0], 1).crash(1).settle().restart(1);

        let finding = history.verdict(Claim::WritesResume);

        let because = "1 of 1 partition does not accept writes at the end: \
                       1 send to orders-0 from before the settle phase has no outcome";
        assert_breaks(&finding, Anomaly::UnavailableWrite, 1, because);
    }

    #[test]
    fn writes_have_resumed_once_the_last_earlier_send_is_decided() {
        let mut history = History::new(Acks::All, &[1]);
        history.send(&[0]).out(&[0], 1).settle();
        history.complete(&[0], SendOutcome::Unknown(ErrorCode::RequestTimedOut));

        let judgement = history.judge();

        assert_holds(&judgement.findings[17]);
        assert_eq!(judgement.resumed, [(PARTITION, Some(Time(7_000)))]);
    }

    #[test]
    fn liveness_is_untested_without_faults_or_without_settle_phase() {
        let mut calm = History::new(Acks::All, &[1, 2]);
        calm.write(&[1, 2], &batch(0, 0, &[0])).settle();
        let mut endless = History::new(Acks::All, &[1, 2]);
        endless.crash(1);

        for claim in [Claim::WritesResume, Claim::ReplicasCatchUp] {
            assert_untested(&calm.verdict(claim));
            let finding = endless.verdict(claim);
            let reason = crate::verdict::Verdict::Untested(ClauseKind::NeverSettled.into());
            assert_eq!(finding.verdict, reason);
        }
    }
}
