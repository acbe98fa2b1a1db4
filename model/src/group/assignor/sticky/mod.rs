//! `sticky` and `cooperative-sticky`: balanced, and everybody keeps what balance allows.
//!
//! In reading order:
//! - `claims`: what members may still call their own
//! - `constrained`: the assignment if all subscribe to the same topics
//! - `general`: the assignment if they do not; `movements`: what has moved in it so far
//!
//! `sticky` rebalances eagerly: members hold nothing when they join, and say in their user
//! data what they were assigned before. `cooperative-sticky` believes what members own. It
//! assigns as `sticky` does, then holds back each partition that another member must give
//! up first; that one rejoins at once, and the partition is free in the rebalance after
//! (KIP-429).
//!
//! Source: `AbstractStickyAssignor`, `StickyAssignor`, `CooperativeStickyAssignor`, Kafka 4.0.

use crate::ids::{Generation, TopicPartition};

use super::allotment::{Allotment, Place, Seat};
use super::racks::{RackInfo, member_racks};
use super::{GroupAssignment, Members, Subscription, Topics, UserData, subscribed};
use claims::Claims;

mod claims;
mod constrained;
mod general;
mod movements;

/// What a member says that it holds, and since when.
#[derive(Clone, Copy)]
struct Claim<'a> {
    owned: &'a [TopicPartition],
    generation: Option<Generation>,
    /// The subscription's own generation, whatever the user data say.
    subscribed_in: Option<Generation>,
}

/// Returns the newest generation that a member knows of, as `sticky` reads it.
pub fn newest_generation(members: &Members) -> Option<Generation> {
    members.values().filter_map(|member| eager_claim(&member.subscription).generation).max()
}

/// Returns the newest generation that a member knows of, as `cooperative-sticky` reads it.
pub fn newest_cooperative_generation(members: &Members) -> Option<Generation> {
    members.values().filter_map(|member| cooperative_claim(&member.subscription).generation).max()
}

/// Assigns every partition of the subscribed topics, as `sticky` does.
///
/// `newest` is the newest generation that this leader has ever met, the members' included:
/// what members held in older ones is only a hint.
///
/// Takes O(topics × members + partitions log partitions) where all subscribe to the same
/// topics and racks do not matter; otherwise up to O(partitions × members) in each of a few
/// laps.
pub fn assign(topics: &Topics, members: &Members, newest: Option<Generation>) -> GroupAssignment {
    solve(topics, members, newest, eager_claim).allotment.into_assignment()
}

/// Assigns as [`assign`] does, less what another member must give up first (KIP-429).
///
/// Source: `CooperativeStickyAssignor.assignPartitions`, Kafka 4.0.
pub fn assign_cooperatively(
    topics: &Topics,
    members: &Members,
    newest: Option<Generation>,
) -> GroupAssignment {
    let mut solution = solve(topics, members, newest, cooperative_claim);
    let held_back = match solution.transfers.take() {
        Some(transfers) => transfers,
        None => transfers(&solution.allotment, members),
    };
    for place in held_back {
        solution.allotment.take(place);
    }
    solution.allotment.into_assignment()
}

/// Assigns as [`assign`] does, from what cooperative members own.
pub fn assign_at_once(
    topics: &Topics,
    members: &Members,
    newest: Option<Generation>,
) -> GroupAssignment {
    solve(topics, members, newest, cooperative_claim).allotment.into_assignment()
}

/// An assignment, and the partitions that go from one living member to another; `None` where
/// that was not followed.
struct Solution<'a> {
    allotment: Allotment<'a>,
    transfers: Option<Vec<Place>>,
}

fn solve<'a>(
    topics: &Topics,
    members: &'a Members,
    newest: Option<Generation>,
    read: fn(&Subscription) -> Claim<'_>,
) -> Solution<'a> {
    let subscribed = subscribed(topics, members);
    let allotment = Allotment::new(
        members.iter().map(|(id, member)| (id, member.subscription.topics.as_slice())),
        subscribed.iter().map(|(id, partitions)| (*id, partitions.len())),
    );
    let partitions = subscribed.iter().flat_map(|(_, partitions)| partitions.iter()).collect();
    let racks = RackInfo::new(member_racks(members), partitions);
    let claims: Vec<_> = members.values().map(|member| read(&member.subscription)).collect();
    let claims = Claims::new(&claims, newest, &allotment);
    if members.is_empty() {
        return Solution { allotment, transfers: Some(Vec::new()) };
    }
    if all_subscribe_alike(members) {
        let (allotment, transfers) = constrained::assign(allotment, &racks, &claims);
        return Solution { allotment, transfers: Some(transfers) };
    }
    Solution { allotment: general::assign(allotment, &racks, &claims), transfers: None }
}

/// Says whether all members subscribe to the same topics.
///
/// Those before the first one with any topic count as alike even though they subscribe to
/// nothing, and get a share that they have not asked for, as in Kafka.
///
/// Source: `AbstractStickyAssignor.allSubscriptionsEqual`, Kafka 4.0.
fn all_subscribe_alike(members: &Members) -> bool {
    let mut subscriptions = members
        .values()
        .map(|member| member.subscription.topics.as_slice())
        .skip_while(|topics| topics.is_empty());
    match subscriptions.next() {
        Some(first) => subscriptions.all(|topics| topics == first),
        None => true,
    }
}

/// Source: `StickyAssignor.memberData`, Kafka 4.0.
fn eager_claim(subscription: &Subscription) -> Claim<'_> {
    let (owned, generation) = match &subscription.user_data {
        Some(UserData::Sticky { previous_assignment, generation }) => {
            (previous_assignment.as_slice(), *generation)
        }
        Some(UserData::CooperativeSticky { .. }) | None => (&[][..], None),
    };
    Claim { owned, generation, subscribed_in: subscription.generation }
}

/// Source: `CooperativeStickyAssignor.memberData`, Kafka 4.0.
fn cooperative_claim(subscription: &Subscription) -> Claim<'_> {
    let told = match &subscription.user_data {
        Some(UserData::CooperativeSticky { generation }) => *generation,
        Some(UserData::Sticky { .. }) | None => None,
    };
    Claim {
        owned: &subscription.owned,
        generation: subscription.generation.or(told),
        subscribed_in: subscription.generation,
    }
}

/// Returns the partitions that their member does not own yet, while another one owns them.
///
/// Source: `CooperativeStickyAssignor.computePartitionsTransferringOwnership`, Kafka 4.0.
fn transfers(allotment: &Allotment<'_>, members: &Members) -> Vec<Place> {
    let count = allotment.places().count();
    let (mut kept, mut revoked) = (vec![false; count], vec![false; count]);
    for (seat, member) in members.values().enumerate() {
        for place in member.subscription.owned.iter().filter_map(|&it| allotment.place(it)) {
            let is_kept = allotment.owner(place) == Some(Seat(seat));
            kept[place.0] |= is_kept;
            revoked[place.0] |= !is_kept;
        }
    }
    allotment.places().filter(|place| revoked[place.0] && !kept[place.0]).collect()
}
