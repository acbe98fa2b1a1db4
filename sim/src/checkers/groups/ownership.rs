//! `one-owner-per-partition`: what coordinators assign, what members hold, and who works.
//!
//! Two members of one generation never share a partition. That two processes work on one
//! partition at the same time, in different generations, is legal and shown.
//!
//! Source: ours.

use std::collections::BTreeMap;

use model::fact::{Fact, GroupEvent, GroupPhase, MemberEvent, WorkEvent, WorkFact};
use model::ids::{ClientId, Generation, MemberId, NodeId, Offset, TopicPartition, Uid};
use model::message::group::Assignment;
use model::time::{Duration, Time};

use crate::checkers::case::{Case, Place, seen};
use crate::checkers::groups::view::{Subscriptions, View};
use crate::checkers::table::ByPartition;
use crate::clause::ClauseKind;
use crate::history::Fault;
use crate::verdict::{Anomaly, Claim, Finding};

/// How long records may wait before a partition counts as an orphan.
const ORPHAN_AFTER: Duration = Duration::from_secs(10);
/// How long a member may do nothing about records that wait for it.
const STALLED_AFTER: Duration = Duration::from_secs(60);
/// How long a group must be stable for its assignment to matter: a cooperative group goes
/// through an assignment that nobody keeps.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// Judges `one-owner-per-partition`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ownership {
    case: Case,
    groups: Vec<Holdings>,
    /// Members that had records waiting and made no progress.
    pub(crate) stalled: u64,
}

/// Who has what in one group.
#[derive(Clone, Debug, Default, PartialEq)]
struct Holdings {
    /// The last assignment: member and number of partitions.
    assigned: Vec<(MemberId, usize)>,
    /// When the group became stable.
    stable: Option<Time>,
    /// What members of a group of KIP-848 hold.
    held: BTreeMap<MemberId, Vec<TopicPartition>>,
    /// The members as they see themselves.
    seats: Vec<Seat>,
    partitions: ByPartition<Desk>,
}

/// What a member knows of itself.
#[derive(Clone, Debug, PartialEq)]
struct Seat {
    client: ClientId,
    member: MemberId,
    generation: Generation,
    owns: Assignment,
}

/// Who works on one partition.
#[derive(Clone, Debug, Default, PartialEq)]
struct Desk {
    /// Records in work.
    open: Vec<Open>,
    /// When work last began or ended.
    worked: Option<Time>,
    /// Since when records have been waiting.
    waits: Option<Time>,
    /// Where each client is to go on reading, if it is known.
    next: Vec<(ClientId, Offset)>,
}

/// A record in work.
#[derive(Clone, Debug, PartialEq)]
struct Open {
    client: ClientId,
    uid: Uid,
    /// Whether another client has begun to work since.
    alone: Alone,
}

/// Whether a client is the only one that works on a partition.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Alone {
    Yes,
    No,
}

impl Ownership {
    /// Opens the case.
    pub(crate) fn new(groups: usize) -> Ownership {
        let (case, groups) =
            (Case::new(Claim::OneOwnerPerPartition), vec![Holdings::default(); groups]);
        Ownership { case, groups, stalled: 0 }
    }

    /// Returns what is known so far.
    pub(crate) fn case(&self) -> &Case {
        &self.case
    }

    /// Forgets what the coordinator before it handed out; what members know stays.
    pub(crate) fn forget(&mut self, group: usize) {
        self.groups[group].held.clear();
    }

    /// Takes in what became true at a node. `view` is as after it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place, view: &View) {
        match fact {
            Fact::Group(fact) => {
                let Some(group) = view.find(&fact.group) else { return };
                self.on_group(group, &fact.what, (place, view));
            }
            Fact::Member(fact) => {
                let Some(group) = view.group_of(fact.client) else { return };
                let holdings = &mut self.groups[group];
                let partitions = &mut holdings.partitions;
                match &fact.what {
                    MemberEvent::Joined { member, generation } => {
                        holdings.sit_down(fact.client, member, *generation);
                    }
                    MemberEvent::Owns(assignment) => {
                        partitions.forget(fact.client);
                        let shared = holdings.take(fact.client, assignment);
                        (0..shared).for_each(|_| self.case.breach(Anomaly::DoubleOwner, place));
                    }
                    MemberEvent::OffsetFetched(id, Some(offset)) => {
                        partitions.get_mut(*id).expect_at(fact.client, *offset);
                    }
                    _ => {}
                }
            }
            Fact::PositionReset { client, partition, to, .. } => {
                let Some(group) = view.group_of(*client) else { return };
                self.groups[group].partitions.get_mut(*partition).expect_at(*client, *to);
            }
            Fact::Polled { client, partition, from, to, .. } => {
                let Some(group) = view.group_of(*client) else { return };
                self.on_polled(group, (*client, *partition), (*from, *to), view);
            }
            Fact::HighWatermark { partition, waiting: Some(_), .. } => {
                for (group, holdings) in view.groups.iter().zip(&mut self.groups) {
                    let Some(share) = group.shares.get(*partition) else { continue };
                    if share.handled.max(share.floor) < share.end {
                        holdings.partitions.get_mut(*partition).waits.get_or_insert(place.at);
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes in what the world did.
    pub(crate) fn on_fault(&mut self, fault: &Fault, view: &View) {
        let (Fault::Crashed(NodeId::Client(client))
        | Fault::PowerLost(NodeId::Client(client))
        | Fault::Exited(NodeId::Client(client))) = *fault
        else {
            return;
        };
        let Some(group) = view.group_of(client) else { return };
        self.groups[group].seats.retain(|seat| seat.client != client);
        let partitions = &mut self.groups[group].partitions;
        partitions.forget(client);
        for desk in partitions.all_mut() {
            desk.open.retain(|it| it.client != client);
        }
    }

    /// Closes the case, and says how often members were stalled.
    pub(crate) fn finish(mut self, view: &View, end: Place) -> (Finding, u64) {
        for group in 0..self.groups.len() {
            self.look_at_assignment(group, end.at, view);
            let all: Vec<_> = view.groups[group].shares.all().map(|(id, _)| id).collect();
            for id in all {
                self.look_at_gap(group, id, (end, view));
            }
        }
        let risk: u64 = view.groups.iter().map(|group| group.rebalances).sum();
        let untested = match view.groups.is_empty() {
            true => ClauseKind::NoGroup,
            false => ClauseKind::NoRebalance,
        };
        let finding = self.case.close(risk, untested, |case| {
            seen(&[(ClauseKind::OwnedTwice, case.seen(Anomaly::DoubleOwner))])
        });
        (finding, self.stalled)
    }

    fn on_group(&mut self, group: usize, what: &GroupEvent, (place, view): (Place, &View)) {
        match what {
            GroupEvent::State { from, to, .. } => {
                if to.is_classic() {
                    self.groups[group].held.clear();
                }
                if *from == GroupPhase::Stable {
                    self.look_at_assignment(group, place.at, view);
                }
                let since = self.groups[group].stable;
                let stable = (*to == GroupPhase::Stable).then_some(place.at);
                let stays = *from == *to;
                self.groups[group].stable = if stays { since.or(stable) } else { stable };
            }
            GroupEvent::Assigned { assignment, .. } => {
                let count = |(member, it): &(MemberId, Assignment)| (member.clone(), it.len());
                self.groups[group].assigned = assignment.iter().map(count).collect();
                let mut all: Vec<_> = assignment.iter().flat_map(|(_, it)| it.iter()).collect();
                all.sort_unstable();
                let shared = all.windows(2).filter(|pair| pair[0] == pair[1]).count();
                (0..shared).for_each(|_| self.case.breach(Anomaly::DoubleOwner, place));
            }
            GroupEvent::Holds { member, assigned, revoking, .. } => {
                let held = &mut self.groups[group].held;
                let all: Vec<_> = assigned.iter().chain(revoking.iter()).copied().collect();
                let before = held.insert(member.clone(), all.clone()).unwrap_or_default();
                let gained = all.iter().filter(|id| !before.contains(id));
                let others = || held.iter().filter(|(other, _)| *other != member);
                let shared = gained.filter(|id| others().any(|(_, it)| it.contains(id))).count();
                (0..shared).for_each(|_| self.case.breach(Anomaly::DoubleOwner, place));
            }
            GroupEvent::MemberLeft { member, .. } => {
                self.groups[group].held.remove(member);
                self.groups[group].seats.retain(|seat| seat.member != *member);
            }
            GroupEvent::MemberReplaced { old, new, .. } => {
                self.groups[group].seats.retain(|seat| seat.member != *old);
                let held = &mut self.groups[group].held;
                if let Some(partitions) = held.remove(old) {
                    held.insert(new.clone(), partitions);
                }
            }
            GroupEvent::MemberJoined { .. }
            | GroupEvent::Committed { .. }
            | GroupEvent::CommitRefused { .. }
            | GroupEvent::OffsetsRemoved { .. }
            | GroupEvent::Loaded { .. }
            | GroupEvent::Resigned => {}
        }
    }

    fn on_polled(
        &mut self,
        group: usize,
        (client, id): (ClientId, TopicPartition),
        (from, to): (Offset, Offset),
        view: &View,
    ) {
        if !view.groups[group].owns(client, id) {
            self.case.observe(Anomaly::ConsumedUnassigned, 1);
        }
        let desk = self.groups[group].partitions.get_mut(id);
        let next = desk.next.iter().find(|it| it.0 == client);
        if next.is_some_and(|next| next.1 != from) {
            self.case.observe(Anomaly::PollPosition, 1);
        }
        desk.expect_at(client, to);
    }

    /// Takes in what an application of a group did. `view` is as after it.
    pub(crate) fn on_work(&mut self, group: usize, fact: &WorkFact, (place, view): (Place, &View)) {
        match fact.what {
            WorkEvent::Began(_) => {
                self.look_at_gap(group, fact.partition, (place, view));
                let desk = self.groups[group].partitions.get_mut(fact.partition);
                let others = desk.open.iter_mut().filter(|it| it.client != fact.client);
                for other in others.filter(|it| it.alone == Alone::Yes) {
                    other.alone = Alone::No;
                    self.case.observe(Anomaly::ZombieOverlap, 1);
                }
                desk.open.push(Open { client: fact.client, uid: fact.uid, alone: Alone::Yes });
                desk.worked = Some(place.at);
            }
            WorkEvent::Ended(_) => {
                let share = view.groups[group].shares.get(fact.partition);
                let waits = share.is_some_and(|it| it.handled < it.end);
                let desk = self.groups[group].partitions.get_mut(fact.partition);
                desk.open.retain(|it| (it.client, it.uid) != (fact.client, fact.uid));
                desk.worked = Some(place.at);
                desk.waits = desk.waits.filter(|_| waits);
            }
            WorkEvent::Effect(_) | WorkEvent::CopySent { .. } => {}
        }
    }

    /// Looks at how long nobody has worked on a partition although records were waiting.
    fn look_at_gap(&mut self, group: usize, id: TopicPartition, (place, view): (Place, &View)) {
        let seen = &view.groups[group];
        let desk = self.groups[group].partitions.get_mut(id);
        let (Some(waits), Some(joined)) = (desk.waits, seen.joined) else { return };
        let since = desk.worked.map_or(waits, |worked| worked.max(waits)).max(joined);
        if !desk.open.is_empty() || place.at - since <= ORPHAN_AFTER {
            return;
        }
        self.case.observe(Anomaly::OrphanPartition, 1);
        let is_owned = seen.owners(id).next().is_some();
        self.stalled += u64::from(is_owned && STALLED_AFTER < place.at - since);
    }

    /// Looks at how even the assignment of a stable period was.
    fn look_at_assignment(&mut self, group: usize, now: Time, view: &View) {
        let holdings = &self.groups[group];
        if holdings.stable.is_none_or(|since| now - since < SETTLED_AFTER) {
            return;
        }
        let counts = || holdings.assigned.iter().map(|it| it.1);
        let idle = counts().filter(|&count| count == 0).count() as u64;
        let (most, least) = (counts().max().unwrap_or(0), counts().min().unwrap_or(0));
        self.case.observe(Anomaly::IdleMember, idle);
        let equal = view.groups[group].subscriptions == Subscriptions::Equal;
        self.case.observe(Anomaly::AssignmentSkew, u64::from(equal && least + 1 < most));
    }
}

impl Holdings {
    /// A member is in a generation, or at an epoch.
    fn sit_down(&mut self, client: ClientId, member: &MemberId, generation: Generation) {
        match self.seats.iter_mut().find(|seat| seat.client == client) {
            Some(seat) => (seat.member, seat.generation) = (member.clone(), generation),
            None => {
                let (member, owns) = (member.clone(), Assignment::default());
                self.seats.push(Seat { client, member, generation, owns });
            }
        }
    }

    /// A member owns exactly this from here on; returns how many of the partitions that are
    /// new to it belong to another one of its generation, who has not given them back.
    fn take(&mut self, client: ClientId, assignment: &Assignment) -> usize {
        let Some(at) = self.seats.iter().position(|seat| seat.client == client) else { return 0 };
        let before = std::mem::replace(&mut self.seats[at].owns, assignment.clone());
        let generation = self.seats[at].generation;
        let others = || {
            let peers = self.seats.iter().filter(|it| it.generation == generation);
            peers.filter(|it| it.client != client)
        };
        let gained = assignment.iter().filter(|id| !before.contains(id));
        gained.filter(|id| others().any(|it| it.owns.contains(id))).count()
    }
}

impl ByPartition<Desk> {
    /// Forgets where a client is to go on reading.
    fn forget(&mut self, client: ClientId) {
        self.all_mut().for_each(|desk| desk.next.retain(|it| it.0 != client));
    }
}

impl Desk {
    fn expect_at(&mut self, client: ClientId, offset: Offset) {
        match self.next.iter_mut().find(|it| it.0 == client) {
            Some(next) => next.1 = offset,
            None => self.next.push((client, offset)),
        }
    }
}
