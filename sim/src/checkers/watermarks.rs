//! `high-watermark-monotonic`: the committed end moves forward only, as clients see it, and
//! every ISR member has what lies below: whenever a high watermark rises, and when a leader takes
//! over with the one that it has. Whether who joins the ISR later has it, too, is judged by
//! `isr-covers-high-watermark`.
//!
//! A consumer that changes leaders may legally be shown a smaller high watermark by a fetch:
//! the new leader learns the end of what is committed a round trip later. Only the answer of
//! `ListOffsets` is held back until then (KIP-207). A consumer that starts anew may also be told
//! of a leader that does not know that it was deposed, and be shown what that one knows. So a
//! smaller one breaks the claim if the leader has not changed and no earlier one knew that
//! much, or if an acting leader listed it; all others are counted.

use std::sync::Arc;

use model::fact::Fact;
use model::ids::{BrokerId, ClientId, LeaderEpoch, Offset, ReplicaSet, TopicPartition};
use model::log::batch::Batch;
use model::message::data::OffsetSpec;

use crate::checkers::case::{Case, Place, seen};
use crate::checkers::replicas::{Cluster, Election, Partition, election};
use crate::checkers::table::ByPartition;
use crate::clause::{ClauseKind, Sentence};
use crate::verdict::{Anomaly, Claim, Finding};

/// Judges `high-watermark-monotonic`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Watermarks {
    case: Case,
    partitions: ByPartition<Exposed>,
}

/// The high watermarks of one partition that clients were shown.
#[derive(Clone, Debug, Default, PartialEq)]
struct Exposed {
    /// The largest of all.
    largest: Shown,
    /// The largest that each consumer was shown.
    consumers: Vec<(ClientId, Shown)>,
    /// Who took over last.
    acting: Option<(BrokerId, LeaderEpoch)>,
    /// The largest high watermark that it can have shown.
    known: Offset,
    /// The largest high watermark that leaders before it, or deposed ones, can have shown.
    outdated: Offset,
    /// A leader was elected that has not taken over yet: until then the one before is read from.
    is_moving: bool,
    /// Leaders that have taken over so far.
    moves: u64,
    /// Unclean elections so far.
    uncleans: u64,
}

/// A high watermark that a client was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shown {
    offset: Offset,
    /// Leaders that had taken over and unclean elections until then.
    moves: u64,
    uncleans: u64,
}

impl Watermarks {
    /// Opens the case.
    pub(crate) fn new() -> Watermarks {
        let case = Case::new(Claim::HighWatermarkMonotonic);
        Watermarks { case, partitions: ByPartition::default() }
    }

    /// Returns what is known so far.
    pub(crate) fn case(&self) -> &Case {
        &self.case
    }

    /// Takes in what became true at a node. `cluster` is as before it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place, cluster: &Cluster) {
        match fact {
            Fact::HighWatermark { broker, partition, to, waiting: Some(waiting), .. } => {
                let risen = (*broker, *to, waiting.isr.without(*broker));
                self.on_risen(risen, *partition, (place, cluster));
            }
            Fact::Polled { client, partition, to, high_watermark, .. } => {
                if high_watermark < to {
                    self.case.breach(Anomaly::ReadAboveHw, place);
                }
                let exposed = self.partitions.get_mut(*partition);
                let mut shown = exposed.shown(*high_watermark);
                // An answer of the leader before was still on its way.
                if exposed.known < shown.offset {
                    shown.moves = shown.moves.saturating_sub(1);
                }
                let earlier = exposed.raise_for(*client, shown);
                if shown.offset < earlier.offset {
                    let is_outdated = shown.offset <= exposed.outdated;
                    match earlier.moves == shown.moves && !is_outdated {
                        true => self.case.breach(Anomaly::HwRegression, place),
                        false => self.case.observe(Anomaly::HwRegression, 1),
                    }
                }
            }
            Fact::OffsetListed {
                broker,
                partition,
                spec: OffsetSpec::Latest,
                offset: Some(offset),
            } => {
                self.on_listed(
                    *broker,
                    *offset,
                    cluster.partition(*partition),
                    (*partition, place),
                );
            }
            Fact::BecameLeader { broker, partition, epoch, high_watermark, .. } => {
                let leader = (*broker, *epoch, *high_watermark);
                self.on_leader(leader, *partition, (place, cluster));
            }
            Fact::PartitionChanged { partition, leader, isr, cause, .. } => {
                let exposed = self.partitions.get_mut(*partition);
                if let Some(elected) = leader.1
                    && leader.0 != leader.1
                {
                    exposed.is_moving = true;
                    match election(elected, isr.0, *cause) {
                        Election::Clean => {}
                        Election::Unclean => exposed.uncleans += 1,
                    }
                }
            }
            _ => {}
        }
    }

    /// Closes the case.
    pub(crate) fn finish(self, risk: u64) -> Finding {
        self.case.close(risk, ClauseKind::OneLeaderEach, because)
    }

    /// A high watermark rose at a broker: its members have what lies below.
    fn on_risen(
        &mut self,
        (broker, to, members): (BrokerId, Offset, ReplicaSet),
        id: TopicPartition,
        (place, cluster): (Place, &Cluster),
    ) {
        let exposed = self.partitions.get_mut(id);
        let acts = exposed.acting.is_some_and(|(acting, _)| acting == broker);
        let known = if acts { &mut exposed.known } else { &mut exposed.outdated };
        *known = (*known).max(to);
        let Some(state) = cluster.partition(id) else { return };
        let last = last_below(to, broker, state);
        self.check_members((to, last), members, (state, cluster), place);
    }

    /// A broker takes over: its ISR has what lies below the high watermark that it knows.
    fn on_leader(
        &mut self,
        (broker, epoch, high_watermark): (BrokerId, LeaderEpoch, Offset),
        id: TopicPartition,
        (place, cluster): (Place, &Cluster),
    ) {
        let exposed = self.partitions.get_mut(id);
        let acted = exposed.acting.replace((broker, epoch)).map(|(acted, _)| acted);
        if exposed.is_moving || acted != Some(broker) {
            exposed.is_moving = false;
            exposed.moves += 1;
        }
        exposed.outdated = exposed.outdated.max(exposed.known);
        exposed.known = high_watermark;
        let Some(state) = cluster.partition(id) else { return };
        // A broker that was frozen may take over a term that is over.
        if state.leader_epoch == epoch {
            let last = last_below(high_watermark, broker, state);
            let members = state.isr.without(broker);
            self.check_members((high_watermark, last), members, (state, cluster), place);
        }
    }

    fn on_listed(
        &mut self,
        broker: BrokerId,
        offset: Offset,
        registered: Option<&Partition>,
        about: (TopicPartition, Place),
    ) {
        let exposed = self.partitions.get_mut(about.0);
        let leads = registered.is_some_and(|it| {
            it.leader == Some(broker) && exposed.acting == Some((broker, it.leader_epoch))
        });
        // A deposed leader answers with what it knows.
        if !leads {
            return;
        }
        let shown = exposed.shown(offset);
        let earlier = exposed.raise(shown);
        if shown.offset < earlier.offset {
            match earlier.uncleans == shown.uncleans {
                true => self.case.breach(Anomaly::HwRegression, about.1),
                false => self.case.observe(Anomaly::HwRegression, 1),
            }
        }
    }

    /// Checks that these members of an ISR have what is called committed: whatever lies below a
    /// high watermark, the last of it in this batch, if its leader has that at all.
    fn check_members(
        &mut self,
        (to, last): (Offset, Option<&Arc<Batch>>),
        members: ReplicaSet,
        (partition, cluster): (&Partition, &Cluster),
        place: Place,
    ) {
        if to == Offset::ZERO {
            return;
        }
        // What a power cut took from a member is judged when that member leads.
        for member in members.minus(cluster.powerless()).iter() {
            let offset = Offset(to.0 - 1);
            if !last.is_some_and(|last| partition.has(member, offset, last)) {
                self.case.breach(Anomaly::HwOverrun, place);
            }
        }
    }
}

/// Returns the batch with the last record below a high watermark, as this broker has it.
fn last_below(
    high_watermark: Offset,
    broker: BrokerId,
    partition: &Partition,
) -> Option<&Arc<Batch>> {
    let last = Offset(high_watermark.0.checked_sub(1)?);
    partition.log(broker)?.at(last)
}

impl Exposed {
    fn shown(&self, offset: Offset) -> Shown {
        Shown { offset, moves: self.moves, uncleans: self.uncleans }
    }

    /// Notes what was shown and returns the largest before it; after an unclean election a
    /// smaller one replaces it.
    fn raise(&mut self, shown: Shown) -> Shown {
        let earlier = self.largest;
        if earlier.offset <= shown.offset || earlier.uncleans != shown.uncleans {
            self.largest = shown;
        }
        earlier
    }

    fn raise_for(&mut self, client: ClientId, shown: Shown) -> Shown {
        self.largest = match self.largest.offset <= shown.offset {
            true => shown,
            false => self.largest,
        };
        let Some((_, largest)) = self.consumers.iter_mut().find(|it| it.0 == client) else {
            self.consumers.push((client, shown));
            return shown;
        };
        let earlier = *largest;
        *largest = shown;
        earlier
    }
}

fn because(case: &Case) -> Sentence {
    seen(&[
        (ClauseKind::WatermarkFell, case.seen(Anomaly::HwRegression)),
        (ClauseKind::WatermarkOverran, case.seen(Anomaly::HwOverrun)),
        (ClauseKind::ReadAbove, case.seen(Anomaly::ReadAboveHw)),
    ])
}

#[cfg(test)]
mod tests {
    use model::fact::ChangeCause;
    use model::message::data::Acks;

    use crate::checkers::fixture::{
        History, PARTITION, assert_breaks, assert_holds, assert_untested, batch, set,
    };

    use super::*;

    const CLAIM: Claim = Claim::HighWatermarkMonotonic;

    #[test]
    fn a_smaller_high_watermark_from_the_same_leader_breaks_it() {
        let mut history = History::new(Acks::All, &[1]);
        let read = batch(0, 0, &[0]);
        history.append(&[1], &read).poll(&read, 5).poll(&read, 4);

        let because = "a client was shown a smaller high watermark than before, 1 time";
        assert_breaks(&history.verdict(CLAIM), Anomaly::HwRegression, 1, because);
    }

    #[test]
    fn a_smaller_one_in_a_fetch_from_the_next_leader_is_only_counted() {
        let (mut history, read) = with_five();
        history.poll(&read, 5).fail_over(2, &[2]).commit(2, 4).poll(&read, 4);

        let finding = history.verdict(CLAIM);

        assert_holds(&finding);
        assert_eq!(finding.anomalies.get(&Anomaly::HwRegression), Some(&1));
    }

    #[test]
    fn an_answer_of_the_leader_before_that_comes_late_is_none_of_the_next_one() {
        let (mut history, read) = with_five();
        history.fail_over(2, &[2]).commit(2, 4).poll(&read, 5).poll(&read, 4);

        let finding = history.verdict(CLAIM);

        assert_holds(&finding);
        assert_eq!(finding.anomalies.get(&Anomaly::HwRegression), Some(&1));
    }

    #[test]
    fn the_leader_before_is_read_from_until_the_next_one_takes_over() {
        let (mut history, read) = with_five();
        let cause = ChangeCause::ControlledShutdown(BrokerId(1));
        history.register_leader(Some(2), &[2], cause).poll(&read, 5);
        history.take_over(2).commit(2, 4).poll(&read, 4);

        let finding = history.verdict(CLAIM);

        assert_holds(&finding);
        assert_eq!(finding.anomalies.get(&Anomaly::HwRegression), Some(&1));
    }

    #[test]
    fn a_deposed_leader_that_does_not_know_shows_what_it_knows() {
        let (mut history, read) = with_five();
        history.fail_over(2, &[2]).commit(2, 6).poll(&read, 6).poll(&read, 5);

        let finding = history.verdict(CLAIM);

        assert_holds(&finding);
        assert_eq!(finding.anomalies.get(&Anomaly::HwRegression), Some(&1));
        let (mut history, read) = with_five();
        history.fail_over(2, &[2]).commit(2, 7).poll(&read, 7).poll(&read, 6);
        let because = "a client was shown a smaller high watermark than before, 1 time";
        assert_breaks(&history.verdict(CLAIM), Anomaly::HwRegression, 1, because);
    }

    #[test]
    fn a_leader_that_lists_less_than_was_shown_breaks_it_unless_the_election_was_unclean() {
        let listed = |cause: ChangeCause| {
            let mut history = History::new(Acks::All, &[1, 2]);
            let isr: &[u8] = if cause == ChangeCause::UncleanElection { &[1] } else { &[1, 2] };
            history.isr(isr).list_latest(1, 5).elect(Some(2), &[2], cause).list_latest(2, 4);
            history.verdict(CLAIM)
        };

        let clean = listed(ChangeCause::ControlledShutdown(BrokerId(1)));
        let unclean = listed(ChangeCause::UncleanElection);

        let because = "a client was shown a smaller high watermark than before, 1 time";
        assert_breaks(&clean, Anomaly::HwRegression, 1, because);
        assert_holds(&unclean);
        assert_eq!(unclean.anomalies.get(&Anomaly::HwRegression), Some(&1));
    }

    #[test]
    fn a_deposed_leader_may_list_what_it_knows() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.fail_over(2, &[2]).list_latest(2, 5).list_latest(1, 3);

        assert_holds(&history.verdict(CLAIM));
    }

    #[test]
    fn a_record_above_the_high_watermark_that_came_with_it_breaks_it() {
        let mut history = History::new(Acks::All, &[1]);
        let read = batch(0, 0, &[0, 1]);
        history.append(&[1], &read).poll(&read, 1);

        let because = "a consumer was given records above the high watermark, 1 time";
        assert_breaks(&history.verdict(CLAIM), Anomaly::ReadAboveHw, 1, because);
    }

    #[test]
    fn a_high_watermark_beyond_an_isr_member_breaks_it_at_once() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.append(&[1], &batch(0, 0, &[0])).commit(1, 1);

        assert_eq!(history.first_violation(), Some(CLAIM));
        let because = "a high watermark lay beyond the log of an ISR member, 1 time";
        assert_breaks(&history.verdict(CLAIM), Anomaly::HwOverrun, 1, because);
    }

    #[test]
    fn a_member_that_has_something_else_does_not_have_it() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.copy(2, &batch(0, 3, &[9])).append(&[1], &batch(0, 4, &[0])).commit(1, 1);

        let finding = history.verdict(CLAIM);

        assert_eq!(finding.anomalies.get(&Anomaly::HwOverrun), Some(&1));
    }

    #[test]
    fn a_leader_that_takes_over_with_more_than_a_member_has_breaks_it() {
        let taken_over = |copies: &[u8]| {
            let mut history = History::new(Acks::All, &[1, 2, 3]);
            let isr = ChangeCause::Fenced(BrokerId(1));
            history.append(copies, &batch(0, 0, &[0])).elect(Some(2), &[2, 3], isr);
            history.fact(Fact::BecameLeader {
                broker: BrokerId(2),
                partition: PARTITION,
                epoch: LeaderEpoch(1),
                end: Offset(1),
                high_watermark: Offset(1),
            });
            history.first_violation()
        };

        assert_eq!(taken_over(&[1, 2]), Some(CLAIM));
        assert_eq!(taken_over(&[1, 2, 3]), None);
    }

    #[test]
    fn what_a_power_cut_took_from_a_member_is_not_the_leader_s_fault() {
        let mut history = History::new(Acks::All, &[1, 2, 3]);
        let written = batch(0, 0, &[0]);
        history.append(&[1, 2], &written).power_loss(2, 1, 0).copy(3, &written);
        history.commit_waiting(1, 1, set(&[1, 2, 3])).fail_over(3, &[1, 3]);

        assert_holds(&history.verdict(CLAIM));
    }

    #[test]
    fn it_is_untested_while_one_broker_leads() {
        let mut history = History::new(Acks::All, &[1, 2]);
        history.write(&[1, 2], &batch(0, 0, &[0]));

        assert_untested(&history.verdict(CLAIM));
    }

    /// Five records on two replicas, all committed by the first; the first one to read.
    fn with_five() -> (History, Arc<model::log::batch::Batch>) {
        let mut history = History::new(Acks::All, &[1, 2]);
        let (read, others) = (batch(0, 0, &[0]), batch(1, 0, &[1, 2, 3, 4]));
        history.append(&[1, 2], &read).append(&[1, 2], &others).commit(1, 5);
        (history, read)
    }
}
