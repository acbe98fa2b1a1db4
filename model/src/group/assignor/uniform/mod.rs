//! `uniform`: equal shares over all topics, with regard to the target so far.
//!
//! In reading order:
//! - this page: if all members subscribe to the same topics
//! - `heterogeneous`: if they do not; `balancer`: who is next to give and to take there
//!
//! Source: `UniformAssignor`, `UniformHomogeneousAssignmentBuilder`, Kafka 4.0.

use super::GroupAssignment;
use super::allotment::{Allotment, Place};
use super::server::{GroupSpec, SubscriptionType, UnknownTopic};

mod balancer;
mod heterogeneous;

/// Computes the target assignment.
///
/// Takes O(partitions log topics + members) if all subscribe to the same topics; otherwise
/// O(partitions × log partitions + topics × members × log members) per lap, 16 laps at most.
///
/// # Errors
/// [`UnknownTopic`] if a member subscribes to a topic without metadata.
pub fn assign(group: &GroupSpec) -> Result<GroupAssignment, UnknownTopic> {
    let allotment = group.allotment()?;
    if group.members.is_empty() {
        return Ok(GroupAssignment::new());
    }
    let allotment = match group.subscription_type {
        SubscriptionType::Homogeneous => homogeneous(group, allotment),
        SubscriptionType::Heterogeneous => heterogeneous::assign(group, allotment),
    };
    Ok(allotment.into_assignment())
}

/// Lets the members keep what fits into their share, and fills up one after the other.
///
/// The odd partitions go to the members that come first, whoever had them: the last one can
/// lose one for which nothing is gained.
fn homogeneous<'a>(group: &GroupSpec, mut allotment: Allotment<'a>) -> Allotment<'a> {
    let mut free = unassigned(group, &allotment);
    let partitions = allotment.places().count();
    let base = partitions / group.members.len();
    let extra = partitions % group.members.len();
    let mut unfilled = Vec::new();
    for (seat, member) in allotment.seats().zip(group.members.values()) {
        let mut quota = base + usize::from(seat.0 < extra);
        for &partition in &member.target {
            let Some(place) = allotment.place(partition) else { continue };
            if quota == 0 {
                free.push(place);
            } else {
                allotment.give(place, seat);
                quota -= 1;
            }
        }
        unfilled.push((seat, quota));
    }
    let mut free = free.into_iter();
    for (seat, quota) in unfilled {
        for place in free.by_ref().take(quota) {
            allotment.give(place, seat);
        }
    }
    assert!(free.next().is_none(), "shares add up to all partitions");
    allotment
}

/// Returns what is in no member's target, in order.
fn unassigned(group: &GroupSpec, allotment: &Allotment<'_>) -> Vec<Place> {
    let mut is_free = vec![true; allotment.places().count()];
    for target in group.members.values().flat_map(|member| &member.target) {
        if let Some(place) = allotment.place(*target) {
            is_free[place.0] = false;
        }
    }
    allotment.places().filter(|place| is_free[place.0]).collect()
}
