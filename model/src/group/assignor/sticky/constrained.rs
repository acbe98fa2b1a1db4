//! The sticky assignment if all members subscribe to the same topics.
//!
//! Of n partitions each of m members gets n / m, and n mod m of them one more: first those
//! who hold more already, then whoever comes first.
//!
//! Source: `AbstractStickyAssignor.ConstrainedAssignmentBuilder`, Kafka 4.0.

use std::collections::{BTreeMap, VecDeque};

use super::claims::Claims;
use crate::group::assignor::allotment::{Allotment, Place, Seat};
use crate::group::assignor::racks::RackInfo;

/// Assigns all partitions; returns as well those that go from one living member to another.
///
/// # Panics
/// If there are no members.
pub(super) fn assign<'a>(
    allotment: Allotment<'a>,
    racks: &RackInfo<'_>,
    claims: &Claims,
) -> (Allotment<'a>, Vec<Place>) {
    let mut builder = Builder::new(allotment, racks, claims);
    builder.keep_held();
    let mut unassigned = builder.allotment.unassigned();
    builder.below_base.sort_unstable();
    builder.at_base.make_contiguous().sort_unstable();
    if racks.matter() {
        unassigned.sort_by_cached_key(|&place| racks.readers_near(place));
        unassigned = builder.deal_near(unassigned);
    }
    builder.deal(unassigned);
    builder.check_full();
    (builder.allotment, builder.transfers)
}

struct Builder<'a, 'b> {
    allotment: Allotment<'a>,
    racks: &'b RackInfo<'b>,
    claims: &'b Claims,
    /// How many partitions everybody gets (Kafka: `minQuota`).
    base: usize,
    /// How many members get one more.
    extra: usize,
    /// How many members have one more; at most `extra`.
    with_extra: usize,
    /// Members that have fewer than `base`.
    below_base: Vec<Seat>,
    /// Members that have `base` and may get one more.
    at_base: VecDeque<Seat>,
    /// What members held and did not keep at once.
    let_go: BTreeMap<Place, Seat>,
    /// What goes from one living member to another.
    transfers: Vec<Place>,
}

impl<'a, 'b> Builder<'a, 'b> {
    fn new(allotment: Allotment<'a>, racks: &'b RackInfo<'b>, claims: &'b Claims) -> Self {
        let (partitions, members) = (allotment.places().count(), allotment.seats().count());
        Builder {
            allotment,
            racks,
            claims,
            base: partitions / members,
            extra: partitions % members,
            with_extra: 0,
            below_base: Vec::new(),
            at_base: VecDeque::new(),
            let_go: BTreeMap::new(),
            transfers: Vec::new(),
        }
    }

    /// Lets members keep what they hold, up to their share.
    fn keep_held(&mut self) {
        let claims = self.claims;
        for seat in self.allotment.seats() {
            let mut held: Vec<Place> = Vec::new();
            for &place in &claims.held[seat.0] {
                if self.racks.mismatch(seat, place) {
                    self.let_go.insert(place, seat);
                } else if !claims.contested.contains(&place) {
                    held.push(place);
                }
            }
            // By number first: what is cut off is the tail of each topic alike.
            held.sort_by_cached_key(|&place| {
                let it = self.allotment.partition(place);
                (it.partition, it.topic)
            });
            let share = self.share_of_holder(seat, held.len());
            for (index, place) in held.into_iter().enumerate() {
                if index < share {
                    self.allotment.give(place, seat);
                } else {
                    self.let_go.insert(place, seat);
                }
            }
        }
    }

    /// Returns how many of its partitions the member may keep, and notes what it lacks.
    fn share_of_holder(&mut self, seat: Seat, held: usize) -> usize {
        if held < self.base {
            self.below_base.push(seat);
            return held;
        }
        if self.with_extra == self.extra {
            return self.base;
        }
        if self.base < held {
            self.count_extra();
            return self.base + 1;
        }
        self.at_base.push_back(seat);
        self.base
    }

    /// Counts a member that has one more than `base`. Once enough of them do, those that
    /// have `base` are content.
    fn count_extra(&mut self) {
        self.with_extra += 1;
        if self.with_extra == self.extra {
            self.at_base.clear();
        }
    }

    /// Gives partitions to members nearby, in turn; returns those that nobody nearby can take.
    fn deal_near(&mut self, unassigned: Vec<Place>) -> Vec<Place> {
        let mut turn = 0;
        let mut left = Vec::new();
        for place in unassigned {
            match self.next_near(place, &mut turn) {
                Some(seat) => self.give(place, seat),
                None => left.push(place),
            }
        }
        left
    }

    /// Chooses a member near the partition and books it out of the list that it was in.
    fn next_near(&mut self, place: Place, turn: &mut usize) -> Option<Seat> {
        let racks = self.racks;
        let count = self.below_base.len();
        let lap = (0..count).map(|step| (*turn + step) % count);
        let below = lap.map(|index| (index, self.below_base[index]));
        if let Some((mut index, seat)) = { below }.find(|&(_, seat)| racks.match_up(seat, place)) {
            if self.allotment.load(seat) + 1 < self.base {
                index += 1;
            } else {
                self.below_base.remove(index);
                if self.with_extra < self.extra {
                    self.at_base.push_back(seat);
                }
            }
            *turn = index.checked_rem(self.below_base.len()).unwrap_or(0);
            return Some(seat);
        }
        let index = self.at_base.iter().position(|&seat| racks.match_up(seat, place))?;
        let seat = self.at_base.remove(index);
        self.count_extra();
        seat
    }

    /// Gives the rest out in turn, to members below their base as long as there are any.
    fn deal(&mut self, unassigned: Vec<Place>) {
        let mut turn = 0;
        for place in unassigned {
            if self.below_base.is_empty() {
                let seat = self.at_base.pop_front().expect("shares add up to all partitions");
                self.give(place, seat);
                self.with_extra += 1;
                continue;
            }
            turn %= self.below_base.len();
            let seat = self.below_base[turn];
            self.give(place, seat);
            if self.allotment.load(seat) == self.base {
                self.below_base.remove(turn);
                self.at_base.push_back(seat);
            } else {
                turn += 1;
            }
        }
    }

    fn give(&mut self, place: Place, seat: Seat) {
        self.allotment.give(place, seat);
        let was_others = self.let_go.get(&place).is_some_and(|&holder| holder != seat);
        if was_others || self.claims.contested.contains(&place) {
            self.transfers.push(place);
        }
    }

    fn check_full(&self) {
        assert!(self.below_base.is_empty(), "everybody has the base");
        assert_eq!(self.with_extra, self.extra, "as many as there are odd ones have one more");
    }
}
