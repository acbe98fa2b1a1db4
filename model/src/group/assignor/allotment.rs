//! The table that an assignor fills: who has which partition, and how many everybody has.
//!
//! Members and partitions are numbered in their order, so that lists stand in for Kafka's
//! hash maps and comparing numbers is comparing ids. Ours.

use std::ops::Range;

use super::GroupAssignment;
use crate::ids::{MemberId, TopicId, TopicPartition};

/// A member, by its place in the order of member ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat(pub(super) usize);

/// A partition, by its place in the order of topics and partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub(super) usize);

/// A topic to be assigned.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    /// Its id.
    pub(super) id: TopicId,
    /// Its partitions.
    pub(super) places: Range<usize>,
    /// Who subscribes to it, in order; never empty.
    pub(super) subscribers: Vec<Seat>,
}

impl Topic {
    /// Returns the partitions.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        self.places.clone().map(Place)
    }

    /// Says whether the member wants to read it.
    pub(super) fn is_wanted_by(&self, seat: Seat) -> bool {
        self.subscribers.binary_search(&seat).is_ok()
    }
}

/// Who has which partition.
#[derive(Clone, Debug)]
pub(super) struct Allotment<'a> {
    /// The members, by seat.
    members: Vec<&'a MemberId>,
    /// The topics, in order of id.
    topics: Vec<Topic>,
    /// By place: which topic, as a place in `topics`.
    topic_of: Vec<usize>,
    /// By place: who has it.
    owners: Vec<Option<Seat>>,
    /// By seat: how many partitions; the sums of `owners`.
    loads: Vec<usize>,
}

impl<'a> Allotment<'a> {
    /// Creates a table in which nobody has anything. Topics come in order with their counts,
    /// members in order with what they subscribe to.
    pub(super) fn new<'b>(
        members: impl Iterator<Item = (&'a MemberId, &'b [TopicId])>,
        counts: impl Iterator<Item = (TopicId, usize)>,
    ) -> Allotment<'a> {
        let mut topics: Vec<Topic> = Vec::new();
        let mut topic_of = Vec::new();
        for (id, count) in counts {
            let places = topic_of.len()..topic_of.len() + count;
            topic_of.resize(places.end, topics.len());
            topics.push(Topic { id, places, subscribers: Vec::new() });
        }
        let mut seats = Vec::new();
        for (member, subscription) in members {
            for id in subscription {
                if let Ok(topic) = topics.binary_search_by_key(id, |topic| topic.id) {
                    topics[topic].subscribers.push(Seat(seats.len()));
                }
            }
            seats.push(member);
        }
        let owners = vec![None; topic_of.len()];
        let loads = vec![0; seats.len()];
        Allotment { members: seats, topics, topic_of, owners, loads }
    }

    /// Returns the topics, in order of id.
    pub(super) fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Returns the members, in order of id.
    pub(super) fn seats(&self) -> impl Iterator<Item = Seat> + use<> {
        (0..self.loads.len()).map(Seat)
    }

    /// Returns the partitions, in order of topic and partition.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        (0..self.owners.len()).map(Place)
    }

    /// Returns the topic of a partition.
    pub(super) fn topic_of(&self, place: Place) -> &Topic {
        &self.topics[self.topic_of[place.0]]
    }

    /// Returns the partition of this place.
    pub(super) fn partition(&self, place: Place) -> TopicPartition {
        let topic = self.topic_of(place);
        TopicPartition { topic: topic.id, partition: (place.0 - topic.places.start) as u16 }
    }

    /// Returns the place of a partition, if it is to be assigned.
    pub(super) fn place(&self, partition: TopicPartition) -> Option<Place> {
        let topic = self.topics.binary_search_by_key(&partition.topic, |topic| topic.id).ok()?;
        let places = &self.topics[topic].places;
        let place = places.start + usize::from(partition.partition);
        (place < places.end).then_some(Place(place))
    }

    /// Returns who has the partition.
    pub(super) fn owner(&self, place: Place) -> Option<Seat> {
        self.owners[place.0]
    }

    /// Returns how many partitions the member has.
    pub(super) fn load(&self, seat: Seat) -> usize {
        self.loads[seat.0]
    }

    /// Gives the partition to the member, taking it from whoever has it.
    pub(super) fn give(&mut self, place: Place, to: Seat) {
        self.take(place);
        self.owners[place.0] = Some(to);
        self.loads[to.0] += 1;
    }

    /// Takes the partition from whoever has it.
    pub(super) fn take(&mut self, place: Place) {
        if let Some(owner) = self.owners[place.0].take() {
            self.loads[owner.0] -= 1;
        }
    }

    /// Returns the partitions that nobody has, in order.
    pub(super) fn unassigned(&self) -> Vec<Place> {
        self.places().filter(|&place| self.owner(place).is_none()).collect()
    }

    /// Reads the table out.
    pub(super) fn into_assignment(self) -> GroupAssignment {
        let mut shares: Vec<Vec<TopicPartition>> =
            self.loads.iter().map(|&load| Vec::with_capacity(load)).collect();
        for place in self.places() {
            if let Some(owner) = self.owner(place) {
                shares[owner.0].push(self.partition(place));
            }
        }
        self.members.into_iter().cloned().zip(shares).collect()
    }
}
