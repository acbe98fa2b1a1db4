//! The rebalances of each group: why, how long, and what stood still meanwhile.
//!
//! Source: ours.

use std::collections::VecDeque;

use model::fact::{Fact, GroupEvent, GroupPhase, MemberEvent};
use model::ids::{ClientId, Generation, NodeId, TopicPartition};
use model::time::{Duration, Time};

use crate::checkers::case::Place;
use crate::checkers::groups::view::{Group, View};
use crate::checkers::table::ByPartition;
use crate::history::Fault;
use crate::verdict::Rebalance;

/// The time within which more than `STORM` rebalances are a storm.
const WINDOW: Duration = Duration::from_secs(60);
/// How many rebalances within `WINDOW` are none yet.
const STORM: usize = 3;
/// How long a group may take to become stable.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// Follows the rebalances of every group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rebalances {
    groups: Vec<Course>,
    /// Storms of rebalances.
    pub(crate) storms: u64,
    /// Rebalances that took too long.
    pub(crate) stuck: u64,
}

/// The rebalances of one group.
#[derive(Clone, Debug, Default, PartialEq)]
struct Course {
    list: Vec<Rebalance>,
    /// When the latest ones began.
    recent: VecDeque<Time>,
    partitions: ByPartition<Seat>,
    /// What each client owned when the seats were last looked at.
    owned: Vec<(ClientId, Vec<TopicPartition>)>,
    /// The seats that more than one client had then.
    contested: Vec<TopicPartition>,
    /// Who owned how much when the group was last stable.
    owners: Vec<(ClientId, u32)>,
}

/// Who has one partition.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seat {
    /// Who has it, in order.
    owners: Vec<ClientId>,
    /// Who has it, or had it last.
    last: Option<ClientId>,
    /// Since when nobody has it, though somebody had.
    vacant: Option<Time>,
}

impl Rebalances {
    /// Begins with no rebalance.
    pub(crate) fn new(groups: usize) -> Rebalances {
        Rebalances { groups: vec![Course::default(); groups], storms: 0, stuck: 0 }
    }

    /// Takes in what became true at a node. `view` is as after it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place, view: &View) {
        match fact {
            Fact::Group(fact) => {
                let Some(group) = view.find(&fact.group) else { return };
                self.on_group(group, &fact.what, place);
                self.note_owners(group, view);
            }
            Fact::Member(fact) if matches!(fact.what, MemberEvent::Owns(_)) => {
                let Some(group) = view.group_of(fact.client) else { return };
                self.look_at_seats((group, fact.client), place.at, view);
                self.note_owners(group, view);
            }
            _ => {}
        }
    }

    /// Takes in what the world did. `view` is as after it.
    pub(crate) fn on_fault(&mut self, fault: &Fault, place: Place, view: &View) {
        let (Fault::Crashed(NodeId::Client(client))
        | Fault::PowerLost(NodeId::Client(client))
        | Fault::Exited(NodeId::Client(client))) = *fault
        else {
            return;
        };
        if let Some(group) = view.group_of(client) {
            self.look_at_seats((group, client), place.at, view);
        }
    }

    /// Takes in that the trial is over.
    pub(crate) fn on_end(&mut self, end: Time) {
        for course in &self.groups {
            let open = course.list.last().filter(|last| last.ended.is_none());
            self.stuck += u64::from(open.is_some_and(|it| STUCK_AFTER < end - it.began.0));
        }
    }

    /// Returns the rebalances of a group.
    pub(crate) fn of(&self, group: usize) -> Vec<Rebalance> {
        self.groups[group].list.clone()
    }

    /// Returns who owned how many partitions of a group when it was last stable.
    pub(crate) fn owners(&self, group: usize) -> Vec<(ClientId, u32)> {
        self.groups[group].owners.clone()
    }

    fn note_owners(&mut self, group: usize, view: &View) {
        let seen = &view.groups[group];
        if seen.phase == GroupPhase::Stable {
            let members = seen.clients.iter().filter(|it| !it.owns.is_empty());
            let owners = &mut self.groups[group].owners;
            owners.clear();
            owners.extend(members.map(|it| (it.id, it.owns.len() as u32)));
        }
    }

    fn on_group(&mut self, group: usize, what: &GroupEvent, place: Place) {
        let course = &mut self.groups[group];
        let GroupEvent::State { to, generation, members, cause, .. } = what else { return };
        let open = course.list.last().is_some_and(|last| last.ended.is_none());
        if let Some(cause) = cause.as_ref().filter(|_| !open) {
            course.list.push(Rebalance {
                began: (place.at, place.entry),
                ended: None,
                cause: Some(cause.clone()),
                generation: Generation::default(),
                members: *members,
                moved: 0,
                stopped: 0,
                stopped_for: Duration::ZERO,
            });
            course.recent.push_back(place.at);
            course.recent.retain(|&began| place.at - began <= WINDOW);
            self.storms += u64::from(course.recent.len() == STORM + 1);
        }
        let Some(last) = course.list.last_mut().filter(|last| last.ended.is_none()) else { return };
        (last.generation, last.members) = (*generation, *members);
        if matches!(to, GroupPhase::Stable | GroupPhase::Empty | GroupPhase::Dead) {
            last.ended = Some(place.at);
            self.stuck += u64::from(STUCK_AFTER < place.at - last.began.0);
        }
    }

    /// Compares who owns each partition with who owned it before. Only the seats that `client`
    /// took or left can look different, and those that several clients claim.
    fn look_at_seats(&mut self, (group, client): (usize, ClientId), now: Time, view: &View) {
        let (course, seen) = (&mut self.groups[group], &view.groups[group]);
        let mut seats = std::mem::take(&mut course.contested);
        seats.extend(course.reseat(client, seen));
        seats.sort_unstable();
        seats.dedup();
        for id in seats {
            let seat = course.partitions.get_mut(id);
            if 1 < seat.owners.len() {
                course.contested.push(id);
            }
            let owner = seat.owners.iter().copied().find(|it| Some(*it) != seat.last);
            let keeps = seat.owners.iter().any(|it| Some(*it) == seat.last);
            let Some(owner) = owner.or(seat.last.filter(|_| keeps)) else {
                seat.vacant = seat.last.and(seat.vacant.or(Some(now)));
                continue;
            };
            let (before, vacant) = (seat.last.replace(owner), seat.vacant.take());
            let Some(last) = course.list.last_mut() else { continue };
            last.moved += u32::from(before.is_some_and(|before| before != owner));
            if let Some(vacant) = vacant {
                last.stopped += 1;
                last.stopped_for = last.stopped_for.max(now - vacant.max(last.began.0));
            }
        }
    }
}

impl Course {
    /// Takes down what a client owns; returns what it has taken or left.
    fn reseat(&mut self, client: ClientId, seen: &Group) -> Vec<TopicPartition> {
        let owns = seen.clients.iter().find(|it| it.id == client);
        let mut owns = owns.map(|it| it.owns.clone()).unwrap_or_default();
        owns.sort_unstable();
        let at = self.owned.iter().position(|it| it.0 == client).unwrap_or_else(|| {
            self.owned.push((client, Vec::new()));
            self.owned.len() - 1
        });
        let before = std::mem::replace(&mut self.owned[at].1, owns);
        let after = &self.owned[at].1;
        let left = before.iter().filter(|id| after.binary_search(id).is_err());
        let taken = after.iter().filter(|id| before.binary_search(id).is_err());
        for id in left.clone() {
            self.partitions.get_mut(*id).owners.retain(|it| *it != client);
        }
        for id in taken.clone() {
            let owners = &mut self.partitions.get_mut(*id).owners;
            owners.insert(owners.partition_point(|it| *it < client), client);
        }
        left.chain(taken).copied().collect()
    }
}
