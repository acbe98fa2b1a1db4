//! The coordinator's `range`: each topic's partitions in blocks, without regard to the past.
//!
//! Members that subscribe to the same topics with the same counts get the same partitions of
//! each, so that they can join them. Static members come first and keep their place when they
//! come back under another member id.
//!
//! Source: `group.assignor.RangeAssignor`, Kafka 4.0.

use super::server::{GroupSpec, UnknownTopic};
use super::{GroupAssignment, static_first};

/// Computes the target assignment in O(partitions + topics × members).
///
/// # Errors
/// [`UnknownTopic`] if a member subscribes to a topic without metadata.
pub fn assign(group: &GroupSpec) -> Result<GroupAssignment, UnknownTopic> {
    let mut allotment = group.allotment()?;
    let order = static_first(group.members.values().map(|member| member.instance.as_ref()));
    for topic in allotment.topics().to_vec() {
        let base = topic.places.len() / topic.subscribers.len();
        let extra = topic.places.len() % topic.subscribers.len();
        let mut places = topic.places();
        let subscribers = order.iter().copied().filter(|&seat| topic.is_wanted_by(seat));
        for (index, seat) in subscribers.enumerate() {
            let block = base + usize::from(index < extra);
            for place in places.by_ref().take(block) {
                allotment.give(place, seat);
            }
        }
    }
    Ok(allotment.into_assignment())
}
