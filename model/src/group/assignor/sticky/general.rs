//! The sticky assignment if members subscribe to different topics.
//!
//! Everybody keeps what they hold, what is free goes to whoever has least, and then single
//! partitions move as long as that evens out somebody's load. Balanced means: nobody could
//! take over a partition from a member that has at least two more.
//!
//! Source: `AbstractStickyAssignor.GeneralAssignmentBuilder`, Kafka 4.0.

use std::collections::BTreeSet;

use super::claims::Claims;
use super::movements::{Move, Movements};
use crate::group::assignor::allotment::{Allotment, Place, Seat, Topic};
use crate::group::assignor::racks::RackInfo;

/// The most laps over all partitions in search of something to move.
///
/// Simplified: Kafka has no bound. Each move evens out loads, unless a stand-in moves; no
/// group is known that needs more than a few laps.
const LAPS_MAX: usize = 1_000;

/// Assigns all partitions.
///
/// # Panics
/// If there are no members.
pub(super) fn assign<'a>(
    allotment: Allotment<'a>,
    racks: &RackInfo<'_>,
    claims: &Claims,
) -> Allotment<'a> {
    let mut builder =
        Builder { allotment, claims, by_load: BTreeSet::new(), movements: Movements::default() };
    let kept = builder.keep_held(racks);
    let order = builder.in_order_of_subscribers();
    let unassigned: Vec<Place> =
        order.iter().copied().filter(|&it| builder.allotment.owner(it).is_none()).collect();
    builder.by_load =
        builder.allotment.seats().map(|seat| (builder.allotment.load(seat), seat)).collect();
    let start = match builder.by_load.last() {
        Some((0, _)) => Start::FromNothing,
        _ => Start::FromClaims,
    };
    if racks.matter() {
        for &place in &unassigned {
            builder.give_to_least_loaded(place, Some(racks));
        }
    }
    for &place in &unassigned {
        if builder.allotment.owner(place).is_none() {
            builder.give_to_least_loaded(place, None);
        }
    }
    builder.drop_settled_members();
    builder.balance(Reach { order, unassigned, kept, start });
    builder.allotment
}

/// Whether members lost something that they held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// All that exists was kept.
    Everything,
    /// A topic is not subscribed to any more, or a rack does not match.
    NotEverything,
}

/// Whether anybody held anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Nobody did.
    FromNothing,
    /// Somebody did.
    FromClaims,
}

/// What balancing may touch.
struct Reach {
    /// All partitions, those of topics with few subscribers first.
    order: Vec<Place>,
    /// Those of them that had no holder.
    unassigned: Vec<Place>,
    kept: Kept,
    start: Start,
}

struct Builder<'a, 'b> {
    allotment: Allotment<'a>,
    claims: &'b Claims,
    /// The members that can give or take, least loaded first.
    by_load: BTreeSet<(usize, Seat)>,
    movements: Movements,
}

impl Builder<'_, '_> {
    fn keep_held(&mut self, racks: &RackInfo<'_>) -> Kept {
        let mut kept = Kept::Everything;
        for seat in self.allotment.seats() {
            for &place in &self.claims.held[seat.0] {
                if self.wants(seat, place) && !racks.mismatch(seat, place) {
                    self.allotment.give(place, seat);
                } else {
                    kept = Kept::NotEverything;
                }
            }
        }
        kept
    }

    fn wants(&self, seat: Seat, place: Place) -> bool {
        self.allotment.topic_of(place).is_wanted_by(seat)
    }

    fn in_order_of_subscribers(&self) -> Vec<Place> {
        let mut topics: Vec<&Topic> = self.allotment.topics().iter().collect();
        topics.sort_by_key(|topic| topic.subscribers.len());
        topics.into_iter().flat_map(Topic::places).collect()
    }

    /// Gives a partition to the least loaded subscriber, with racks: of those nearby.
    fn give_to_least_loaded(&mut self, place: Place, racks: Option<&RackInfo<'_>>) {
        let least = self.by_load.iter().find(|&&(_, seat)| {
            self.wants(seat, place) && racks.is_none_or(|racks| !racks.mismatch(seat, place))
        });
        if let Some(&(_, seat)) = least {
            self.give(place, seat);
        }
    }

    fn give(&mut self, place: Place, to: Seat) {
        let from = self.allotment.owner(place);
        for seat in from.into_iter().chain([to]) {
            self.by_load.remove(&(self.allotment.load(seat), seat));
        }
        self.allotment.give(place, to);
        for seat in from.into_iter().chain([to]) {
            self.by_load.insert((self.allotment.load(seat), seat));
        }
    }

    /// Leaves alone the members that have all they can have and share no topic with anybody.
    fn drop_settled_members(&mut self) {
        let mut can_have = vec![0; self.allotment.seats().count()];
        let mut shares_topics = vec![false; can_have.len()];
        for topic in self.allotment.topics() {
            for &Seat(seat) in &topic.subscribers {
                can_have[seat] += topic.places.len();
                shares_topics[seat] |= 1 < topic.subscribers.len();
            }
        }
        self.by_load.retain(|&(load, Seat(seat))| load < can_have[seat] || shares_topics[seat]);
    }

    /// Moves partitions as long as that helps, and undoes it all if loads are no evener.
    fn balance(&mut self, mut reach: Reach) {
        let is_shared = |place: &Place| 1 < self.allotment.topic_of(*place).subscribers.len();
        reach.order.retain(is_shared);
        reach.unassigned.retain(is_shared);
        if self.by_load.is_empty() {
            return;
        }
        let before = (self.allotment.clone(), unevenness(&self.by_load));
        // What is free anyway moves first, unless somebody has to let go of something in any
        // case.
        if reach.kept == Kept::Everything {
            self.move_for_balance(&reach.unassigned);
        }
        let has_moved = self.move_for_balance(&reach.order);
        if reach.start == Start::FromClaims && has_moved && before.1 <= unevenness(&self.by_load) {
            self.allotment = before.0;
        }
    }

    /// Says whether anything moved.
    ///
    /// Kafka asks before each step whether all is balanced. That is the case exactly if
    /// nothing can move, so going on to the end of the lap comes to the same.
    fn move_for_balance(&mut self, places: &[Place]) -> bool {
        for lap in 0..LAPS_MAX {
            let moves = places.iter().filter(|&&place| self.move_on(place)).count();
            if moves == 0 {
                return lap != 0;
            }
        }
        true
    }

    /// Moves a partition to a member with less to do, if there is one. The member that had
    /// it in the generation before last goes first.
    ///
    /// Simplified: Kafka does not ask whether that member still subscribes to the topic.
    fn move_on(&mut self, place: Place) -> bool {
        let owner = self.allotment.owner(place).expect("everything is assigned");
        let relieves = |seat: Seat| self.allotment.load(seat) + 1 < self.allotment.load(owner);
        let previous = self.claims.previous.get(&place).copied();
        let target =
            previous.filter(|&seat| relieves(seat) && self.wants(seat, place)).or_else(|| {
                let least = self.by_load.iter().find(|&&(_, seat)| self.wants(seat, place));
                least.map(|&(_, seat)| seat).filter(|&seat| relieves(seat))
            });
        let Some(to) = target else { return false };
        let topic = self.allotment.topic_of(place).id;
        let moved = self.movements.stand_in(topic, place, Move { from: owner, to });
        let from = self.allotment.owner(moved).expect("everything is assigned");
        self.movements.on_move(topic, moved, Move { from, to });
        self.give(moved, to);
        true
    }
}

/// Returns the sum of the differences of load between all pairs of members.
///
/// Source: `AbstractStickyAssignor.getBalanceScore`, Kafka 4.0.
fn unevenness(by_load: &BTreeSet<(usize, Seat)>) -> usize {
    let mut below = 0;
    let mut sum = 0;
    for (count, (load, _)) in by_load.iter().enumerate() {
        sum += load * count - below;
        below += load;
    }
    sum
}
