//! Everything that judges a history: each claim in one place, each a fold over the entries.
//!
//! A checker reads the history only, never the world; of the plan it knows names and
//! settings. Safety that can be certain at once is judged as the history grows, the rest
//! when it has ended.
//!
//! In reading order:
//! - `case`: what speaks against one claim; `table`: something per partition
//! - `mirror`, `replicas`: logs, brokers and registrations rebuilt from facts
//! - `records`: what producers were told; `hazards`: the risk counters
//! - `ending`: the final logs and each record's fate
//! - `delivery`, `committed`, `sequences`, `replication`, `watermarks`, `liveness`: the claims
//! - `attribution`: why a record was lost
//! - `groups`: the claims about consumer groups
//!
//! Source: ours.

mod attribution;
mod case;
mod committed;
mod delivery;
mod ending;
#[cfg(test)]
pub(crate) mod fixture;
mod groups;
mod hazards;
mod liveness;
mod mirror;
mod records;
mod replicas;
mod replication;
mod sequences;
mod table;
mod watermarks;

use model::fact::Fact;
use model::ids::{TopicId, TopicPartition};
use model::time::Time;

use crate::checkers::attribution::{Attribution, Cut, CutBy};
use crate::checkers::case::{Case, Place};
use crate::checkers::committed::Committed;
use crate::checkers::delivery::Delivery;
use crate::checkers::ending::Ending;
use crate::checkers::groups::Groups;
use crate::checkers::hazards::Hazards;
use crate::checkers::liveness::Liveness;
use crate::checkers::records::{Knowledge, Records};
use crate::checkers::replicas::Cluster;
use crate::checkers::replication::{Replication, Risks};
use crate::checkers::sequences::Sequences;
pub(crate) use crate::checkers::table::ByPartition;
use crate::checkers::watermarks::Watermarks;
use crate::history::{Entry, Event, Fault, Phase};
use crate::outcome::{Judgement, Tally};
use crate::plan::Plan;
use crate::verdict::Claim;

/// Judges a history while it grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Judge {
    cluster: Cluster,
    records: Records,
    hazards: Hazards,
    committed: Committed,
    sequences: Sequences,
    replication: Replication,
    watermarks: Watermarks,
    liveness: Liveness,
    attribution: Attribution,
    groups: Groups,
    /// The last entry so far.
    end: Place,
}

impl Judge {
    /// Prepares to judge a trial of this plan.
    pub fn new(plan: &Plan) -> Judge {
        Judge {
            cluster: Cluster::default(),
            records: Records::new(plan),
            hazards: Hazards::default(),
            committed: Committed::new(),
            sequences: Sequences::new(),
            replication: Replication::new(),
            watermarks: Watermarks::new(),
            liveness: Liveness::new(plan),
            attribution: Attribution::default(),
            groups: Groups::new(plan),
            end: Place::default(),
        }
    }

    /// Takes in the next entry of the history.
    pub fn on_entry(&mut self, index: usize, entry: &Entry) {
        let place = Place { entry: index, at: entry.at };
        self.end = place;
        match &entry.event {
            Event::Fact(fact) => self.on_fact(index, entry.at, fact),
            Event::Fault(Fault::UnsyncedLost { partition, .. })
                if partition.topic == TopicId::CONSUMER_OFFSETS => {}
            Event::Fault(fault) => self.on_fault(fault, place),
            Event::Phase(Phase::Settle) => {
                self.liveness.on_settle(place);
                self.groups.on_settle(place);
            }
            Event::Step { step } => {
                self.liveness.on_step(*step, place, &self.cluster);
                self.groups.on_step(*step);
            }
            Event::Phase(Phase::Faults | Phase::End) | Event::Reached { .. } => {}
        }
    }

    /// Returns the claim that was the first to break for certain, if one has.
    pub fn first_violation(&self) -> Option<Claim> {
        let [agreement, leadership, coverage] = self.replication.cases();
        let (committed, sequences) = (self.committed.case(), self.sequences.case());
        let [commits, owners] = self.groups.cases();
        let logs = [committed, sequences, agreement, self.watermarks.case(), leadership, coverage];
        let broken = |case: &Case| case.first().map(|place| (place, case.claim()));
        logs.into_iter().chain([commits, owners]).filter_map(broken).min().map(|(_, claim)| claim)
    }

    /// Says how every claim stands.
    pub fn finish(self) -> Judgement {
        let Judge { cluster, records, hazards, end, .. } = self;
        let Judge { committed, sequences, replication, watermarks, .. } = self;
        let Judge { liveness, attribution, groups, .. } = self;
        let ending = Ending::new(&cluster, &records);
        let losses = attribution.losses(&cluster, &records, &ending);
        let recovered = liveness.recovered(&cluster, (&records, &ending));
        let delivery = Delivery { records: &records, ending: &ending, hazards: &hazards, end };
        let Hazards { leader_moves, isr_changes, cuts, idempotent_repeats, .. } = hazards;
        let risks = Risks { leader_moves, isr_changes };
        let [agreement, leadership, coverage] = replication.finish(&cluster, end, risks);
        let groups = groups.finish(&ending, end);
        let (leaderless_max, leaderless) = liveness.leaderless(end);
        let (mut promised, mut assumed) = (0, 0);
        for (_, standing) in ending.standings() {
            promised += u64::from(standing.knowledge == Knowledge::Promised);
            assumed += u64::from(standing.knowledge == Knowledge::Assumed);
        }
        let tally = Tally {
            sent: records.all().count() as u64,
            promised,
            assumed,
            leaderless_max,
            leaderless,
        };
        let findings = vec![
            delivery.no_acknowledged_loss(&losses),
            committed.finish(&ending, leader_moves + cuts),
            delivery.nothing_dropped_silently(),
            delivery.no_phantom(),
            delivery.no_duplicates(),
            sequences.finish(idempotent_repeats),
            delivery.order_per_partition(),
            groups.order,
            agreement,
            watermarks.finish(leader_moves),
            leadership,
            coverage,
            groups.skipped,
            groups.repeated,
            groups.owners,
            groups.commits,
            groups.effects,
            liveness.writes_resume(&recovered, (&cluster, &hazards), end),
            liveness.replicas_catch_up(&recovered, (&cluster, &hazards), end),
            groups.stabilises,
            groups.drains,
        ];
        assert!(
            findings.iter().map(|finding| finding.claim).eq(Claim::ALL.iter().copied()),
            "one finding per claim, in order"
        );
        let fates = ending.fates(&records);
        let resumed = recovered.iter().map(|it| (it.partition, it.writes)).collect();
        let caught_up = recovered.iter().map(|it| (it.partition, it.complete)).collect();
        Judgement {
            findings,
            fates,
            losses,
            resumed,
            caught_up,
            groups: groups.stories,
            groups_settled: groups.settled,
            tally,
        }
    }

    /// Takes in the next entry of the history, which is this fact.
    pub(crate) fn on_fact(&mut self, index: usize, at: Time, fact: &Fact) {
        let place = Place { entry: index, at };
        self.end = place;
        match fact {
            // More than half of a history, and no concern of anybody else.
            Fact::Work(fact) => self.groups.on_work(fact, place),
            Fact::SendCalled { client, record, .. } => {
                self.records.on_send(*client, record.uid, place);
                self.groups.on_send(*client, record);
            }
            Fact::Buffered { uid, partition, .. } => self.records.on_buffered(*uid, *partition),
            Fact::FollowerFetched { .. } | Fact::LogLoaded { .. } => {}
            // What followers believe to be committed shows in what they do with it.
            Fact::HighWatermark { waiting: None, .. } => {}
            Fact::Group(_) | Fact::Member(_) => self.groups.on_fact(fact, place),
            _ if is_internal(fact) => self.groups.on_internal(fact),
            _ => self.tell_listeners(fact, place),
        }
    }

    /// Tells a fact to those who listen to its kind, if it is one that each batch leaves, and
    /// to everybody otherwise. The order is that of [`Judge::tell_all`].
    fn tell_listeners(&mut self, fact: &Fact, place: Place) {
        match fact {
            Fact::BatchSent { .. } => {
                self.hazards.on_fact(fact, &self.records);
                self.records.on_fact(fact, place);
            }
            Fact::Appended { .. } => {
                self.sequences.on_fact(fact, place, &self.cluster);
                self.replication.on_fact(fact, place, &self.cluster);
                self.records.on_fact(fact, place);
                self.cluster.on_fact(fact);
            }
            Fact::HighWatermark { .. } => {
                self.committed.on_fact(fact, place, (&self.cluster, &self.records));
                self.replication.on_fact(fact, place, &self.cluster);
                self.watermarks.on_fact(fact, place, &self.cluster);
                self.groups.on_fact(fact, place);
            }
            Fact::ProduceAcknowledged { .. } => {
                self.replication.on_fact(fact, place, &self.cluster);
                self.attribution.on_fact(fact, place, &self.cluster);
            }
            Fact::Completed { .. } => {
                self.hazards.on_fact(fact, &self.records);
                self.committed.on_fact(fact, place, (&self.cluster, &self.records));
                self.records.on_fact(fact, place);
                self.liveness.on_fact(fact, place, (&self.cluster, &self.records));
            }
            Fact::Polled { .. } => {
                self.committed.on_fact(fact, place, (&self.cluster, &self.records));
                self.watermarks.on_fact(fact, place, &self.cluster);
                self.groups.on_fact(fact, place);
            }
            _ => self.tell_all(fact, place),
        }
    }

    fn tell_all(&mut self, fact: &Fact, place: Place) {
        // These compare what happens with how things stand before it.
        self.hazards.on_fact(fact, &self.records);
        self.committed.on_fact(fact, place, (&self.cluster, &self.records));
        self.sequences.on_fact(fact, place, &self.cluster);
        self.replication.on_fact(fact, place, &self.cluster);
        self.watermarks.on_fact(fact, place, &self.cluster);

        self.records.on_fact(fact, place);
        self.cluster.on_fact(fact);
        if let Fact::Truncated { broker, partition, from, to, cause } = fact {
            let (broker, from, to, by) = (*broker, *from, *to, CutBy::Rule(*cause));
            self.on_cut(*partition, Cut { broker, from, to, by, batches: Vec::new() }, place);
        }
        self.liveness.on_fact(fact, place, (&self.cluster, &self.records));
        self.attribution.on_fact(fact, place, &self.cluster);
        self.groups.on_fact(fact, place);
    }

    fn on_fault(&mut self, fault: &Fault, place: Place) {
        self.hazards.on_fault(fault, &self.records, &self.cluster);
        self.records.on_fault(fault);
        self.cluster.on_fault(fault);
        if let Fault::UnsyncedLost { broker, partition, from, to } = *fault {
            let by = CutBy::Power;
            self.on_cut(partition, Cut { broker, from, to, by, batches: Vec::new() }, place);
        }
        self.liveness.on_fault(fault, place, &self.cluster);
        self.attribution.on_fault(fault, place, &self.cluster);
        self.groups.on_fault(fault, place);
    }

    fn on_cut(&mut self, partition: TopicPartition, cut: Cut, place: Place) {
        let batches = self.cluster.cut(partition, cut.broker, cut.to);
        self.sequences.on_cut(partition, cut.broker);
        let cut = Cut { batches, ..cut };
        self.attribution.on_cut(partition, cut, place, &self.cluster);
    }
}

/// Says whether a fact is about a log of `__consumer_offsets`: no application's records.
fn is_internal(fact: &Fact) -> bool {
    let topic = match fact {
        Fact::Appended { partition, .. }
        | Fact::HighWatermark { partition, .. }
        | Fact::FollowerFetched { partition, .. }
        | Fact::LogLoaded { partition, .. }
        | Fact::FetchRefused { partition, .. }
        | Fact::Diverged { partition, .. }
        | Fact::Truncated { partition, .. }
        | Fact::Flushed { partition, .. }
        | Fact::LogStartMoved { partition, .. }
        | Fact::BecameLeader { partition, .. }
        | Fact::BecameFollower { partition, .. }
        | Fact::IsrProposed { partition, .. }
        | Fact::IsrRefused { partition, .. }
        | Fact::PartitionChanged { partition, .. }
        | Fact::OffsetListed { partition, .. }
        | Fact::ProduceRefused { partition, .. }
        | Fact::ProduceAcknowledged { partition, .. }
        | Fact::ProduceUnconfirmed { partition, .. } => partition.topic,
        Fact::TopicCreated { topic, .. } | Fact::AdminRefused { topic, .. } => *topic,
        _ => return false,
    };
    topic == TopicId::CONSUMER_OFFSETS
}

#[cfg(test)]
mod tests {
    use model::fact::SendOutcome;
    use model::ids::{BrokerId, ClientId, Offset, Uid};
    use model::log::batch::Record;
    use model::message::ErrorCode;
    use model::message::data::Acks;
    use model::time::{Time, Timestamp};

    use super::*;
    use crate::checkers::fixture::{History, batch};

    #[test]
    fn whoever_is_not_told_of_a_frequent_fact_would_not_listen() {
        let (client, partition) = (ClientId(0), TopicPartition::default());
        let (uid, timestamp) = (Uid(0), Timestamp(0));
        let record = Record { uid, key: None, value: Some(1), headers: 0, timestamp };
        let (broker, follower, end) = (BrokerId(1), BrokerId(2), Offset(1));
        let facts = [
            Fact::SendCalled { client, topic: TopicId(0), record },
            Fact::Buffered { client, uid, partition },
            Fact::FollowerFetched { broker, follower, partition, end },
            Fact::LogLoaded { broker, partition, start: end, end, high_watermark: end },
            Fact::HighWatermark { broker, partition, from: Offset(0), to: end, waiting: None },
        ];
        let mut short = Judge::new(&crate::testing::plan(3));
        let mut long = short.clone();

        for (entry, fact) in facts.iter().enumerate() {
            let place = Place { entry, at: Time(entry as u64) };
            short.on_fact(place.entry, place.at, fact);
            long.end = place;
            long.tell_all(fact, place);
        }

        assert_eq!(short, long);
    }

    #[test]
    fn whoever_is_not_told_of_what_each_batch_leaves_would_not_listen() {
        let mut history = History::new(Acks::All, &[1, 2]).min_insync_replicas(2);
        history.write(&[1, 2], &batch(0, 0, &[0, 1])).poll(&batch(0, 0, &[0, 1]), 2);
        history.write(&[2, 1], &batch(1, 0, &[2])).out(&[2], 2).poll(&batch(1, 0, &[2]), 1);
        let failed = SendOutcome::Failed(ErrorCode::MessageTooLarge);
        history.send(&[3]).out(&[3], 1).complete(&[3], failed);
        let unknown = SendOutcome::Unknown(ErrorCode::RequestTimedOut);
        history.send(&[4]).out(&[4], 1).complete(&[4], unknown);
        history.isr(&[1]).write(&[1], &batch(3, 0, &[5])).commit(1, 1);
        let mut short = history.fresh_judge();
        let mut long = short.clone();

        for (index, entry) in history.entries().iter().enumerate() {
            let place = Place { entry: index, at: entry.at };
            let Event::Fact(fact) = &entry.event else { panic!("nothing else happens here") };
            short.tell_listeners(fact, place);
            long.tell_all(fact, place);
            assert_eq!(short, long);
        }
    }
}
