//! Who is next to give away a partition of a topic, and who to take one.
//!
//! Takers come in laps: all that are least loaded take one each, which puts them level with
//! those next to them, who then join. Givers do the same from the other end.
//!
//! Source: `UniformHeterogeneousAssignmentBuilder.MemberAssignmentBalancer`, Kafka 4.0.

use crate::group::assignor::allotment::{Allotment, Seat, Topic};

/// A topic's subscribers, least loaded first.
pub(super) struct Takers {
    seats: Vec<Seat>,
    /// How many of them are in this lap.
    end: usize,
    /// The load before the lap of those that are in it.
    level: usize,
    /// Who is next.
    next: usize,
}

impl Takers {
    /// Lines up the subscribers of a topic.
    pub(super) fn new(topic: &Topic, allotment: &Allotment<'_>) -> Takers {
        let seats = by_load(topic, allotment);
        let level = allotment.load(seats[0]);
        Takers { seats, end: 0, level, next: 0 }
    }

    /// Returns the load before this lap of those that are in it; to begin with, the extreme.
    pub(super) fn level(&self) -> usize {
        self.level
    }

    /// Returns who takes the next partition. Each call must be followed by a gift to them.
    pub(super) fn next(&mut self, allotment: &Allotment<'_>) -> Seat {
        if self.next == self.end {
            if self.end != 0 {
                self.level += 1;
            }
            while self.end < self.seats.len() && allotment.load(self.seats[self.end]) == self.level
            {
                self.end += 1;
            }
            self.next = 0;
        }
        self.next += 1;
        self.seats[self.next - 1]
    }
}

/// A topic's subscribers, least loaded first, as those who give.
pub(super) struct Givers {
    seats: Vec<Seat>,
    /// The first that is in this lap.
    start: usize,
    /// One past the last that is in this lap; those behind have nothing to give.
    end: usize,
    /// The load before the lap of those that are in it.
    level: usize,
    /// One past who is next.
    next: usize,
}

impl Givers {
    /// Lines up the subscribers of a topic.
    pub(super) fn new(topic: &Topic, allotment: &Allotment<'_>) -> Givers {
        let seats = by_load(topic, allotment);
        let end = seats.len();
        let level = allotment.load(seats[end - 1]);
        Givers { seats, start: end, end, level, next: end }
    }

    /// Returns the load before this lap of those that are in it; to begin with, the extreme.
    pub(super) fn level(&self) -> usize {
        self.level
    }

    /// Returns who gives the next partition, or `None` if nobody has any. Each call must be
    /// followed by taking one from them, or by [`Givers::exclude`].
    pub(super) fn next(&mut self, allotment: &Allotment<'_>) -> Option<Seat> {
        if self.next == self.start {
            if self.end == self.start {
                // Everybody so far has nothing: go on with the load of the next one.
                let last = self.start.checked_sub(1)?;
                self.level = allotment.load(self.seats[last]);
            } else {
                self.level -= 1;
            }
            while 0 < self.start && allotment.load(self.seats[self.start - 1]) == self.level {
                self.start -= 1;
            }
            self.next = self.end;
        }
        self.next = self.next.checked_sub(1)?;
        Some(self.seats[self.next])
    }

    /// Lets go of the one who was next: it has no partition of this topic.
    pub(super) fn exclude(&mut self) {
        self.end -= 1;
        self.seats.swap(self.next, self.end);
    }
}

fn by_load(topic: &Topic, allotment: &Allotment<'_>) -> Vec<Seat> {
    let mut seats = topic.subscribers.clone();
    seats.sort_by_key(|&seat| allotment.load(seat));
    seats
}
