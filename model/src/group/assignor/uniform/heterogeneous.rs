//! `uniform` if members subscribe to different topics.
//!
//! Topic by topic, those with the most partitions for each subscriber first: what is free
//! goes to the least loaded, then the most loaded hand over to the least loaded. Loads count
//! all topics, so evening out one topic can upset another; after 16 laps it is good enough.
//!
//! Source: `UniformHeterogeneousAssignmentBuilder`, Kafka 4.0.

use super::balancer::{Givers, Takers};
use crate::group::assignor::allotment::{Allotment, Place, Topic};
use crate::group::assignor::server::GroupSpec;

/// The most laps over all topics.
const LAPS_MAX: usize = 16;

/// Computes the target assignment.
pub(super) fn assign<'a>(group: &GroupSpec, mut allotment: Allotment<'a>) -> Allotment<'a> {
    for (seat, member) in allotment.seats().zip(group.members.values()) {
        for &partition in &member.target {
            let kept = allotment.place(partition);
            if let Some(place) = kept.filter(|&it| allotment.topic_of(it).is_wanted_by(seat)) {
                allotment.give(place, seat);
            }
        }
    }
    let mut topics = allotment.topics().to_vec();
    topics.sort_by(|a, b| {
        let [a_each, b_each] = [(a, b), (b, a)].map(|(it, other)| {
            // Partitions for each subscriber, both times the product of the subscribers.
            it.places.len() * other.subscribers.len()
        });
        b_each.cmp(&a_each).then(a.subscribers.len().cmp(&b.subscribers.len()))
    });
    for topic in &topics {
        fill(topic, &mut allotment);
    }
    topics.retain(|topic| 1 < topic.subscribers.len());
    balance(&topics, &mut allotment);
    allotment
}

fn fill(topic: &Topic, allotment: &mut Allotment<'_>) {
    let mut takers = Takers::new(topic, allotment);
    for place in topic.places() {
        if allotment.owner(place).is_none() {
            let seat = takers.next(allotment);
            allotment.give(place, seat);
        }
    }
}

/// Goes over the topics until a whole lap has changed nothing.
fn balance(topics: &[Topic], allotment: &mut Allotment<'_>) {
    let mut unchanged = 0;
    for topic in topics.iter().cycle().take(LAPS_MAX * topics.len()) {
        let has_moved = balance_topic(topic, allotment);
        unchanged = if has_moved { 1 } else { unchanged + 1 };
        if unchanged == topics.len() {
            return;
        }
    }
}

/// Moves partitions of one topic from its most to its least loaded subscribers, until their
/// loads differ by one at most. Says whether anything moved.
fn balance_topic(topic: &Topic, allotment: &mut Allotment<'_>) -> bool {
    let (mut takers, mut givers) = (Takers::new(topic, allotment), Givers::new(topic, allotment));
    if givers.level() <= takers.level() + 1 {
        return false;
    }
    // Each subscriber's partitions of this topic; it gives away the last first.
    let mut stock: Vec<Vec<Place>> = vec![Vec::new(); topic.subscribers.len()];
    for place in topic.places() {
        let owner = allotment.owner(place).and_then(|it| topic.subscribers.binary_search(&it).ok());
        stock[owner.expect("everything is assigned to a subscriber")].push(place);
    }
    let mut has_moved = false;
    while let Some(seat) = givers.next(allotment) {
        let index = topic.subscribers.binary_search(&seat).expect("givers are subscribers");
        let Some(place) = stock[index].pop() else {
            givers.exclude();
            continue;
        };
        let to = takers.next(allotment);
        if givers.level() <= takers.level() + 1 {
            break;
        }
        allotment.give(place, to);
        has_moved = true;
    }
    has_moved
}
