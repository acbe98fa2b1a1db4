//! `roundrobin`: partitions are dealt out one by one, to each member in turn.
//!
//! Fair if all subscribe alike; otherwise it may deal unevenly, as it goes on from where the
//! last partition went, whoever subscribes to the next.
//!
//! Source: `RoundRobinAssignor`, Kafka 4.0.

use super::allotment::Allotment;
use super::{GroupAssignment, Members, Topics, static_first, subscribed};

/// Assigns every partition of the subscribed topics.
///
/// Takes O(partitions × members) at worst, O(partitions) if all subscribe alike.
pub fn assign(topics: &Topics, members: &Members) -> GroupAssignment {
    let mut allotment = Allotment::new(
        members.iter().map(|(id, member)| (id, member.subscription.topics.as_slice())),
        subscribed(topics, members).into_iter().map(|(id, partitions)| (id, partitions.len())),
    );
    let order = static_first(members.values().map(|member| member.instance.as_ref()));
    let mut turns = order.iter().copied().cycle();
    for place in allotment.places() {
        let topic = allotment.topic_of(place);
        let seat = turns.find(|&seat| topic.is_wanted_by(seat)).expect("somebody subscribes to it");
        allotment.give(place, seat);
    }
    allotment.into_assignment()
}
