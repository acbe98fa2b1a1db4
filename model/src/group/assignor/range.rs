//! `range`: each topic's partitions in blocks, one block for each of its subscribers.
//!
//! The first subscribers get the odd ones, topic by topic, so that with many small topics the
//! first member gets nearly everything. Topics with equal counts and subscribers are
//! co-partitioned: partition n of all of them goes to the same member. If racks matter, they
//! come second to that, and to balance (KIP-881).
//!
//! Source: `RangeAssignor`, Kafka 4.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::allotment::{Allotment, Place, Seat, Topic};
use super::racks::{are_worth_regarding, member_racks};
use super::{GroupAssignment, Members, Racks, Topics, static_first, subscribed};

/// Assigns every partition of the subscribed topics.
///
/// Takes O(partitions × subscribers) for each topic.
pub fn assign(topics: &Topics, members: &Members) -> GroupAssignment {
    let subscribed = subscribed(topics, members);
    let mut allotment = Allotment::new(
        members.iter().map(|(id, member)| (id, member.subscription.topics.as_slice())),
        subscribed.iter().map(|(id, partitions)| (*id, partitions.len())),
    );
    let order = static_first(members.values().map(|member| member.instance.as_ref()));
    let racks = member_racks(members);
    let mut shares: Vec<_> = allotment
        .topics()
        .iter()
        .zip(&subscribed)
        .map(|(topic, (_, partitions))| {
            let subscribers = order.iter().filter(|&&seat| topic.is_wanted_by(seat));
            let readers = subscribers.map(|&seat| Reader { seat, rack: racks[seat.0], taken: 0 });
            Shares::new(topic, readers.collect(), partitions)
        })
        .collect();
    if shares.iter().any(|share| share.racks_matter) {
        match_racks(&mut shares, &mut allotment);
    }
    for share in &mut shares {
        share.deal(Nearness::Anywhere, &mut allotment);
    }
    allotment.into_assignment()
}

/// A subscriber of one topic.
struct Reader<'a> {
    seat: Seat,
    rack: Option<&'a Arc<str>>,
    /// How many of the topic's partitions it has.
    taken: usize,
}

/// Which partitions a subscriber may be given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nearness {
    /// Those with a replica on its rack; all of them if it has no rack.
    SameRack,
    /// All of them.
    Anywhere,
}

/// One topic while it is divided.
struct Shares<'a> {
    first: usize,
    /// The subscribers, in the order in which they are served.
    readers: Vec<Reader<'a>>,
    /// By partition.
    racks: &'a [Racks],
    racks_matter: bool,
    /// What each subscriber gets at least.
    base: usize,
    /// How many subscribers may still get one more.
    extra: usize,
}

impl<'a> Shares<'a> {
    fn new(topic: &Topic, readers: Vec<Reader<'a>>, racks: &'a [Racks]) -> Shares<'a> {
        let partitions: Vec<_> = racks.iter().collect();
        Shares {
            first: topic.places.start,
            racks,
            racks_matter: are_worth_regarding(readers.iter().map(|it| it.rack), &partitions),
            base: racks.len() / readers.len(),
            extra: racks.len() % readers.len(),
            readers,
        }
    }

    fn has_room(&self, reader: usize) -> bool {
        self.room(reader) != 0
    }

    /// Returns how many partitions the subscriber may still get. Whoever first takes one
    /// more than the base uses up one of the odd ones, wherever it stands in the order.
    fn room(&self, reader: usize) -> usize {
        let most = self.base + usize::from(self.extra != 0);
        most.saturating_sub(self.readers[reader].taken)
    }

    fn may_have(&self, reader: usize, partition: usize, nearness: Nearness) -> bool {
        let rack = self.readers[reader].rack;
        nearness == Nearness::Anywhere
            || rack.is_none_or(|rack| self.racks[partition].contains(rack))
    }

    /// Gives each subscriber in turn the first free partitions, as many as it has room for.
    fn deal(&mut self, nearness: Nearness, allotment: &mut Allotment<'_>) {
        for reader in 0..self.readers.len() {
            let block: Vec<usize> = (0..self.racks.len())
                .filter(|&partition| allotment.owner(self.place(partition)).is_none())
                .filter(|&partition| self.may_have(reader, partition, nearness))
                .take(self.room(reader))
                .collect();
            self.give(reader, &block, allotment);
        }
    }

    fn give(&mut self, reader: usize, block: &[usize], allotment: &mut Allotment<'_>) {
        for &partition in block {
            allotment.give(self.place(partition), self.readers[reader].seat);
        }
        self.readers[reader].taken += block.len();
        if !block.is_empty() && self.base < self.readers[reader].taken {
            self.extra -= 1;
        }
    }

    fn place(&self, partition: usize) -> Place {
        Place(self.first + partition)
    }
}

/// Gives near partitions first, topics with equal subscribers and counts together.
fn match_racks(shares: &mut [Shares<'_>], allotment: &mut Allotment<'_>) {
    let mut families: BTreeMap<(Vec<Seat>, usize), Vec<&mut Shares<'_>>> = BTreeMap::new();
    for share in shares {
        // Without any rack among the subscribers there is nothing to match.
        if share.readers.iter().any(|reader| reader.rack.is_some()) {
            let seats = share.readers.iter().map(|reader| reader.seat).collect();
            families.entry((seats, share.racks.len())).or_default().push(share);
        }
    }
    for family in families.values_mut() {
        match family.as_mut_slice() {
            [alone] if alone.racks_matter => alone.deal(Nearness::SameRack, allotment),
            [_] => {}
            together => match_racks_together(together, allotment),
        }
    }
}

/// Gives partition n of all topics to the first member that is near all of them and has room.
fn match_racks_together(family: &mut [&mut Shares<'_>], allotment: &mut Allotment<'_>) {
    let mut remaining: Vec<usize> = (0..family[0].readers.len()).collect();
    for partition in 0..family[0].racks.len() {
        let near_all = |&reader: &usize| {
            family.iter().all(|share| {
                share.has_room(reader) && share.may_have(reader, partition, Nearness::SameRack)
            })
        };
        let Some(reader) = remaining.iter().copied().find(near_all) else { continue };
        for share in family.iter_mut() {
            share.give(reader, &[partition], allotment);
        }
        if !family.iter().any(|share| share.has_room(reader)) {
            remaining.retain(|&other| other != reader);
        }
    }
}
