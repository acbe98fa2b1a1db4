//! The rebalances of each group: why, how long, and what stood still meanwhile.
//!
//! Source: ours.

use std::collections::VecDeque;

use model::fact::{Fact, GroupEvent, GroupPhase, MemberEvent};
use model::ids::{ClientId, Generation, NodeId, TopicPartition};
use model::time::{Duration, Time};

use crate::checkers::case::Place;
use crate::checkers::groups::view::View;
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
    /// Who owned how much when the group was last stable.
    owners: Vec<(ClientId, u32)>,
}

/// Who has one partition.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seat {
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
                self.look_at_seats(group, place.at, view);
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
            self.look_at_seats(group, place.at, view);
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
            let owners = members.map(|it| (it.id, it.owns.len() as u32)).collect();
            self.groups[group].owners = owners;
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

    /// Compares who owns each partition with who owned it before.
    fn look_at_seats(&mut self, group: usize, now: Time, view: &View) {
        let (course, seen) = (&mut self.groups[group], &view.groups[group]);
        let all: Vec<TopicPartition> = seen.shares.all().map(|(id, _)| id).collect();
        for id in all {
            let seat = course.partitions.get_mut(id);
            let owner = seen.owners(id).find(|it| Some(*it) != seat.last);
            let keeps = seen.owners(id).any(|it| Some(it) == seat.last);
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
