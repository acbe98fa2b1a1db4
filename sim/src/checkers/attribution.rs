//! Why an acknowledged record was lost: the four moments and the headline.
//!
//! Everything that can cost a copy is rare, so each such thing leaves a milestone with the
//! ends of all logs at that time. A replica held a record at a milestone if its log reached
//! beyond the record's offset and the next cut there took that very record (or none did and
//! it is still there).

use std::sync::Arc;

use model::fact::{Fact, TruncationCause};
use model::ids::{BrokerId, LeaderEpoch, NodeId, Offset, ReplicaSet, TopicPartition, Uid};
use model::log::batch::Batch;

use crate::checkers::case::Place;
use crate::checkers::ending::Ending;
use crate::checkers::mirror::uid_in;
use crate::checkers::records::{Knowledge, Records};
use crate::checkers::replicas::{Cluster, Election, Partition, election};
use crate::checkers::table::ByPartition;
use crate::history::Fault;
use crate::verdict::{Loss, LossCause, Moment, MomentKind};

/// Keeps what loss stories are told from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Attribution {
    partitions: ByPartition<Chronicle>,
}

/// What happened to one partition's copies.
#[derive(Clone, Debug, Default, PartialEq)]
struct Chronicle {
    acks: Vec<Ack>,
    milestones: Vec<Milestone>,
}

/// One answer of a leader that a batch is written.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ack {
    base: Offset,
    end: Offset,
    broker: BrokerId,
    copies: u16,
    isr: u16,
    place: Place,
}

/// Something that may have cost a copy, and how things stood after it.
#[derive(Clone, Debug, PartialEq)]
struct Milestone {
    place: Place,
    what: What,
    ends: Vec<(BrokerId, Offset)>,
    leader: Option<BrokerId>,
    isr: ReplicaSet,
    down: ReplicaSet,
}

/// What a milestone is about.
#[derive(Clone, Debug, PartialEq)]
enum What {
    Stopped(BrokerId),
    LostPower(BrokerId),
    Started,
    Elected {
        broker: BrokerId,
        epoch: LeaderEpoch,
        election: Election,
    },
    /// The ISR changed, or nobody leads any more.
    Reshaped,
    Cut {
        broker: BrokerId,
        from: Offset,
        to: Offset,
        by: CutBy,
        batches: Vec<Arc<Batch>>,
    },
}

/// What cut a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CutBy {
    /// A rule of replication.
    Rule(TruncationCause),
    /// A power cut.
    Power,
}

/// A cut that is about to be recorded.
pub(crate) struct Cut {
    /// Whose log.
    pub(crate) broker: BrokerId,
    /// Its end before.
    pub(crate) from: Offset,
    /// Its end after.
    pub(crate) to: Offset,
    /// Why.
    pub(crate) by: CutBy,
    /// What went.
    pub(crate) batches: Vec<Arc<Batch>>,
}

impl Attribution {
    /// Takes in what became true at a node. `cluster` is as after it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place, cluster: &Cluster) {
        match fact {
            Fact::ProduceAcknowledged { broker, partition, base_offset, end, isr, .. } => {
                let Some(state) = cluster.partition(*partition) else { return };
                let batch = state.log(*broker).and_then(|log| log.at(*base_offset));
                let copies = batch.map_or(0, |batch| state.copies(batch));
                let (broker, base, end, isr) = (*broker, *base_offset, *end, isr.len() as u16);
                let ack = Ack { base, end, broker, copies, isr, place };
                self.partitions.get_mut(*partition).acks.push(ack);
            }
            Fact::PartitionChanged { partition, leader, leader_epoch, isr, cause, .. } => {
                let what = match leader.1 {
                    Some(broker) if leader.0 != leader.1 => {
                        let election = election(broker, isr.0, *cause);
                        What::Elected { broker, epoch: *leader_epoch, election }
                    }
                    Some(_) | None => What::Reshaped,
                };
                self.add(*partition, what, place, cluster);
            }
            _ => {}
        }
    }

    /// Takes in what the world did. `cluster` is as after it.
    pub(crate) fn on_fault(&mut self, fault: &Fault, place: Place, cluster: &Cluster) {
        let (broker, what) = match *fault {
            Fault::Crashed(NodeId::Broker(broker)) | Fault::Exited(NodeId::Broker(broker)) => {
                (broker, What::Stopped(broker))
            }
            Fault::PowerLost(NodeId::Broker(broker)) => (broker, What::LostPower(broker)),
            Fault::Started { node: NodeId::Broker(broker), .. } => (broker, What::Started),
            _ => return,
        };
        let concerned = cluster.partitions().filter(|(_, it)| it.log(broker).is_some());
        for (partition, _) in concerned {
            self.add(partition, what.clone(), place, cluster);
        }
    }

    /// Takes in that a log was cut. `cluster` is as after it.
    pub(crate) fn on_cut(
        &mut self,
        partition: TopicPartition,
        cut: Cut,
        place: Place,
        cluster: &Cluster,
    ) {
        let Cut { broker, from, to, by, batches } = cut;
        self.add(partition, What::Cut { broker, from, to, by, batches }, place, cluster);
    }

    /// Tells the story of each record that was promised and is in no log, in order of uid.
    pub(crate) fn losses(
        &self,
        cluster: &Cluster,
        records: &Records,
        ending: &Ending,
    ) -> Vec<Loss> {
        let mut losses = Vec::new();
        for (uid, standing) in ending.standings() {
            if standing.knowledge != Knowledge::Promised || 0 < standing.copies {
                continue;
            }
            let Some(send) = records.get(uid) else { continue };
            let (Some(partition), Some(offset), Some((_, told))) =
                (send.partition, send.offset(), records.told(send))
            else {
                continue;
            };
            let story = self.partitions.get(partition).zip(cluster.partition(partition));
            let loss = story.and_then(|(chronicle, state)| {
                let story = Story { chronicle, state, down: cluster.down(), offset, uid };
                story.tell(partition, told)
            });
            losses.extend(loss);
        }
        losses
    }

    fn add(&mut self, id: TopicPartition, what: What, place: Place, cluster: &Cluster) {
        let Some(state) = cluster.partition(id) else { return };
        let ends = state.replicas.iter().map(|it| (it.broker, it.log.end())).collect();
        let (leader, isr, down) = (state.leader, state.isr, cluster.down());
        let milestone = Milestone { place, what, ends, leader, isr, down };
        self.partitions.get_mut(id).milestones.push(milestone);
    }
}

/// One lost record among the milestones of its partition.
struct Story<'a> {
    chronicle: &'a Chronicle,
    state: &'a Partition,
    down: ReplicaSet,
    offset: Offset,
    uid: Uid,
}

impl Story<'_> {
    fn tell(&self, partition: TopicPartition, told: Place) -> Option<Loss> {
        let covers =
            |ack: &&Ack| ack.base <= self.offset && self.offset < ack.end && ack.place <= told;
        let ack = *self.chronicle.acks.iter().rev().find(covers)?;
        let Ack { broker, copies, isr, .. } = ack;
        let promise = moment(told, MomentKind::Acknowledged { broker, copies, isr });
        let gone = self.gone();
        let election = self.deciding_election();
        let cause = self.cause(election, gone);

        let elected = election.map(|nth| self.elected(nth));
        let cut = gone.map(|nth| self.cut_moment(nth));
        let certain = [elected, cut].into_iter().flatten().min_by_key(|it| it.entry);
        let at_risk = self
            .at_risk(ack)
            .or(certain)
            .unwrap_or(moment(told, MomentKind::HolderDeposed(broker)));
        let decided = certain.unwrap_or(at_risk);
        let at_risk = match at_risk.entry <= decided.entry {
            true => at_risk,
            false => Moment { what: at_risk.what, ..decided },
        };
        // A deposed leader acknowledges what is lost already: then the promise is the moment.
        let at_risk = not_before(promise, at_risk);
        let decided = not_before(at_risk, decided);
        let gone = cut.map(|gone| not_before(decided, gone));

        assert!(promise.entry <= at_risk.entry, "nothing is at risk before it is promised");
        assert!(at_risk.entry <= decided.entry, "nothing is decided before it is at risk");
        if let Some(gone) = gone {
            assert!(decided.entry <= gone.entry, "nothing is gone before it is decided");
        }
        let (uid, offset) = (self.uid, self.offset);
        Some(Loss { uid, partition, offset, cause, promise, at_risk, decided, gone })
    }

    /// Finds the moment since which nobody who leads, or could be elected, had the record.
    fn at_risk(&self, ack: Ack) -> Option<Moment> {
        let milestones = &self.chronicle.milestones;
        let first = milestones.partition_point(|it| it.place < ack.place);
        let deposed = match milestones[..first].last() {
            Some(before) => before.leader != Some(ack.broker),
            None => false,
        };
        let mut since = deposed.then(|| moment(ack.place, MomentKind::HolderDeposed(ack.broker)));
        for (nth, milestone) in milestones.iter().enumerate().skip(first) {
            if self.is_safe(nth) {
                since = None;
            } else if since.is_none() {
                let what = match milestone.what {
                    What::Stopped(broker) => MomentKind::HolderDown(broker),
                    What::LostPower(broker) => MomentKind::OnlyInPageCache(broker),
                    What::Started | What::Elected { .. } | What::Reshaped => {
                        MomentKind::HolderDeposed(ack.broker)
                    }
                    What::Cut { .. } => self.cut_moment(nth).what,
                };
                since = Some(moment(milestone.place, what));
            }
        }
        since
    }

    /// Says whether, after a milestone, the leader has the record, or without a leader that
    /// runs a member of the ISR does.
    fn is_safe(&self, nth: usize) -> bool {
        let milestone = &self.chronicle.milestones[nth];
        let leader = milestone.leader.filter(|&leader| !milestone.down.contains(leader));
        match leader {
            Some(leader) => self.held(leader, nth),
            None => milestone.isr.minus(milestone.down).iter().any(|member| self.held(member, nth)),
        }
    }

    /// Says whether a broker had the record after a milestone.
    fn held(&self, broker: BrokerId, nth: usize) -> bool {
        let ends = &self.chronicle.milestones[nth].ends;
        let reached = ends.iter().any(|&(id, end)| id == broker && self.offset < end);
        if !reached {
            return false;
        }
        let next =
            self.chronicle.milestones[nth + 1..].iter().find_map(|it| self.taken(it, broker));
        next.unwrap_or_else(|| self.has_still(broker))
    }

    /// Says of a cut of this broker's log at the record's offset whether it took the record.
    fn taken(&self, milestone: &Milestone, broker: BrokerId) -> Option<bool> {
        let What::Cut { broker: cut, batches, .. } = &milestone.what else { return None };
        if *cut != broker {
            return None;
        }
        let batch =
            batches.iter().find(|it| it.base_offset <= self.offset && self.offset < it.end())?;
        Some(uid_in(batch, self.offset) == self.uid)
    }

    fn has_still(&self, broker: BrokerId) -> bool {
        let log = self.state.log(broker);
        log.and_then(|log| log.uid_at(self.offset)) == Some(self.uid)
    }

    /// Finds the first of the elections, in an unbroken row up to the end, whose winner
    /// never had the record from there on.
    fn deciding_election(&self) -> Option<usize> {
        let milestones = &self.chronicle.milestones;
        let mut deciding = None;
        for (nth, milestone) in milestones.iter().enumerate().rev() {
            let What::Elected { broker, .. } = milestone.what else { continue };
            let loses_it = milestones[nth..].iter().any(|it| self.taken(it, broker) == Some(true));
            if loses_it || self.has_still(broker) {
                break;
            }
            deciding = Some(nth);
        }
        deciding
    }

    /// Finds the cut after which no replica has the record.
    fn gone(&self) -> Option<usize> {
        if self.state.replicas.iter().any(|it| self.has_still(it.broker)) {
            return None;
        }
        let took = |milestone: &Milestone| match milestone.what {
            What::Cut { broker, .. } => self.taken(milestone, broker) == Some(true),
            _ => false,
        };
        self.chronicle.milestones.iter().rposition(took)
    }

    fn cause(&self, election: Option<usize>, gone: Option<usize>) -> LossCause {
        let milestones = &self.chronicle.milestones;
        let by_election = |nth: usize| match milestones[nth].what {
            What::Elected { election: Election::Unclean, .. } => LossCause::UncleanElection,
            _ => LossCause::CleanElection,
        };
        let by_cut = |nth: usize| match milestones[nth].what {
            What::Cut { by: CutBy::Power, .. } => Some(LossCause::PowerLoss),
            What::Cut { by: CutBy::Rule(TruncationCause::HighWatermark), .. } => {
                Some(LossCause::TruncationRule)
            }
            _ => None,
        };
        match (election, gone) {
            (None, None) => LossCause::HolderGone,
            (Some(_), None) if self.holder_is_down() => LossCause::HolderGone,
            (Some(election), gone) if gone.is_none_or(|gone| election < gone) => {
                // The winner may have had it once: then what took it from the winner is to blame.
                self.taken_from_winner(election).and_then(by_cut).unwrap_or(by_election(election))
            }
            (Some(election), Some(gone)) => by_cut(gone).unwrap_or(by_election(election)),
            (_, Some(gone)) => by_cut(gone).unwrap_or(LossCause::CleanElection),
            (Some(election), None) => by_election(election),
        }
    }

    fn taken_from_winner(&self, election: usize) -> Option<usize> {
        let milestones = &self.chronicle.milestones;
        let What::Elected { broker, .. } = milestones[election].what else { return None };
        milestones[..election].iter().rposition(|it| self.taken(it, broker) == Some(true))
    }

    fn holder_is_down(&self) -> bool {
        let mut holders = self.state.replicas.iter().filter(|it| self.has_still(it.broker));
        holders.any(|it| self.down.contains(it.broker))
    }

    fn elected(&self, nth: usize) -> Moment {
        let milestone = &self.chronicle.milestones[nth];
        let What::Elected { broker, epoch, election } = milestone.what else {
            unreachable!("only elections decide")
        };
        let end = milestone.ends.iter().find(|it| it.0 == broker).map_or(Offset::ZERO, |it| it.1);
        let clean = election == Election::Clean;
        moment(milestone.place, MomentKind::Elected { broker, epoch, end, clean })
    }

    fn cut_moment(&self, nth: usize) -> Moment {
        let milestone = &self.chronicle.milestones[nth];
        let What::Cut { broker, from, to, by, .. } = milestone.what else {
            unreachable!("only cuts take records")
        };
        let what = match by {
            CutBy::Power => MomentKind::PowerCut(broker),
            CutBy::Rule(_) => MomentKind::Truncated { broker, from, to },
        };
        moment(milestone.place, what)
    }
}

fn moment(place: Place, what: MomentKind) -> Moment {
    Moment { at: place.at, entry: place.entry, what }
}

/// Returns `moment`, moved to `floor` if it lies before.
fn not_before(floor: Moment, moment: Moment) -> Moment {
    match floor.entry <= moment.entry {
        true => moment,
        false => Moment { what: moment.what, ..floor },
    }
}

#[cfg(test)]
mod tests {
    use model::fact::ChangeCause;
    use model::message::data::Acks;

    use crate::checkers::fixture::{History, batch};

    use super::*;

    /// Returns the one loss of a history.
    fn loss(history: &mut History) -> Loss {
        let mut losses = history.judge().losses;
        assert_eq!(losses.len(), 1, "{losses:?}");
        losses.remove(0)
    }

    fn acknowledged(copies: u16, isr: u16) -> MomentKind {
        MomentKind::Acknowledged { broker: BrokerId(1), copies, isr }
    }

    fn elected(broker: u8, end: u64, clean: bool) -> MomentKind {
        let (broker, epoch, end) = (BrokerId(broker), LeaderEpoch(1), Offset(end));
        MomentKind::Elected { broker, epoch, end, clean }
    }

    #[test]
    fn a_clean_election_loses_what_only_the_dead_leader_had() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        history.send(&[0]).append(&[1], &batch(0, 0, &[0])).ack(1, &batch(0, 0, &[0]));
        history.crash(1).fail_over(2, &[2]).restart(1).truncate(1, 1, 0);

        let loss = loss(&mut history);

        assert_eq!(loss.cause, LossCause::CleanElection);
        assert_eq!(loss.promise.what, acknowledged(1, 2));
        assert_eq!(loss.at_risk.what, MomentKind::HolderDown(BrokerId(1)));
        assert_eq!(loss.decided.what, elected(2, 0, true));
        let (broker, from, to) = (BrokerId(1), Offset(1), Offset(0));
        let gone = loss.gone.map(|gone| gone.what);
        assert_eq!(gone, Some(MomentKind::Truncated { broker, from, to }));
        let entries = [loss.promise.entry, loss.at_risk.entry, loss.decided.entry];
        assert!(entries.is_sorted_by(|a, b| a < b), "{entries:?}");
    }

    #[test]
    fn an_unclean_election_loses_what_was_committed_on_the_last_member() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.isr(&[1]).write(&[1], &batch(0, 0, &[0])).crash(1);
        history.elect(None, &[1], ChangeCause::Fenced(BrokerId(1)));
        history.elect(Some(2), &[2], ChangeCause::UncleanElection).restart(1).truncate(1, 1, 0);

        let loss = loss(&mut history);

        assert_eq!(loss.cause, LossCause::UncleanElection);
        assert_eq!(loss.promise.what, acknowledged(1, 1));
        assert!(matches!(loss.decided.what, MomentKind::Elected { clean: false, .. }));
    }

    #[test]
    fn a_holder_that_has_not_come_back_is_to_blame() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        history.send(&[0]).append(&[1], &batch(0, 0, &[0])).ack(1, &batch(0, 0, &[0]));
        history.crash(1).fail_over(2, &[2]);

        let loss = loss(&mut history);

        assert_eq!(loss.cause, LossCause::HolderGone);
        assert_eq!(loss.gone, None);
    }

    #[test]
    fn a_power_cut_everywhere_takes_what_nobody_had_flushed() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.write(&[1, 2], &batch(0, 0, &[0])).power_loss(1, 1, 0).power_loss(2, 1, 0);
        history.restart(1).restart(2);

        let loss = loss(&mut history);

        assert_eq!(loss.cause, LossCause::PowerLoss);
        assert_eq!(loss.promise.what, acknowledged(2, 2));
        assert_eq!(loss.at_risk.what, MomentKind::OnlyInPageCache(BrokerId(2)));
        assert_eq!(loss.decided.what, MomentKind::PowerCut(BrokerId(2)));
        assert_eq!(loss.gone, Some(loss.decided));
    }

    #[test]
    fn a_follower_that_cut_to_its_high_watermark_and_then_led_is_the_old_rule_s_doing() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.write(&[1, 2], &batch(0, 0, &[0]));
        history.truncate_by(TruncationCause::HighWatermark, 2, (1, 0));
        history.crash(1).fail_over(2, &[2]).restart(1).truncate(1, 1, 0);

        let loss = loss(&mut history);

        assert_eq!(loss.cause, LossCause::TruncationRule);
        assert_eq!(loss.decided.what, elected(2, 0, true));
    }

    #[test]
    fn what_a_deposed_leader_acknowledges_is_lost_at_the_promise() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        history.send(&[0]).fail_over(2, &[2]);
        history.append(&[1], &batch(0, 0, &[0])).ack(1, &batch(0, 0, &[0])).truncate(1, 1, 0);

        let loss = loss(&mut history);

        assert_eq!(loss.cause, LossCause::CleanElection);
        assert_eq!(loss.at_risk.what, MomentKind::HolderDeposed(BrokerId(1)));
        let promise = loss.promise.entry;
        assert_eq!([loss.at_risk.entry, loss.decided.entry], [promise, promise]);
        assert_eq!(loss.decided.what, elected(2, 0, true));
    }

    #[test]
    fn a_record_that_another_one_replaced_is_told_apart_by_its_uid() {
        let mut history = History::new(Acks::Leader, &[1, 2]);
        history.send(&[0, 1]).append(&[1], &batch(0, 0, &[0])).ack(1, &batch(0, 0, &[0]));
        history.crash(1).fail_over(2, &[2]);
        history.append(&[2], &batch(0, 1, &[1])).ack(2, &batch(0, 1, &[1]));
        history.restart(1).truncate(1, 1, 0).copy(1, &batch(0, 1, &[1]));

        let loss = loss(&mut history);

        assert_eq!((loss.uid, loss.offset), (Uid(0), Offset(0)));
        assert_eq!(loss.cause, LossCause::CleanElection);
        assert!(loss.gone.is_some());
    }
}
