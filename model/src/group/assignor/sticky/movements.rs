//! What has moved so far, so that two members do not swap partitions of one topic.
//!
//! Source: `AbstractStickyAssignor.PartitionMovements`, Kafka 4.0.

use std::collections::{BTreeMap, BTreeSet};

use crate::group::assignor::allotment::{Place, Seat};
use crate::ids::TopicId;

/// Where a partition comes from and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Move {
    /// Who had it at first.
    pub(super) from: Seat,
    /// Who has it.
    pub(super) to: Seat,
}

/// The moves of one rebalance.
#[derive(Debug, Default)]
pub(super) struct Movements {
    moves: BTreeMap<Place, Move>,
    /// The same, turned around.
    places: BTreeMap<(TopicId, Move), BTreeSet<Place>>,
}

impl Movements {
    /// Notes that a partition moves. Back where it came from, it has not moved at all.
    pub(super) fn on_move(&mut self, topic: TopicId, place: Place, mut step: Move) {
        if let Some(earlier) = self.moves.remove(&place) {
            let key = (topic, earlier);
            let places = self.places.get_mut(&key).expect("both maps hold the same moves");
            places.remove(&place);
            if places.is_empty() {
                self.places.remove(&key);
            }
            step.from = earlier.from;
        }
        if step.from != step.to {
            self.moves.insert(place, step);
            self.places.entry((topic, step)).or_default().insert(place);
        }
    }

    /// Returns what to move instead of this partition: one of its topic that has moved the
    /// other way before, if there is one.
    pub(super) fn stand_in(&self, topic: TopicId, place: Place, step: Move) -> Place {
        let from = self.moves.get(&place).map_or(step.from, |earlier| earlier.from);
        let back = Move { from: step.to, to: from };
        self.places.get(&(topic, back)).and_then(|places| places.first()).copied().unwrap_or(place)
    }
}
