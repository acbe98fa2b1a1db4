//! Whether a reader is near a replica (KIP-881).
//!
//! Every replica counts, whether its broker is up or not: it is expected back soon, and
//! consumers do not rebalance when the ISR changes.
//!
//! Source: `AbstractPartitionAssignor.useRackAwareAssignment`, `AbstractStickyAssignor.RackInfo`,
//! Kafka 4.0.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::allotment::{Place, Seat};
use super::{Members, Racks};

/// The rack of each member, by seat.
pub(super) type MemberRacks<'a> = Vec<Option<&'a Arc<str>>>;

/// Returns the rack of each member. An empty name is no rack.
pub(super) fn member_racks(members: &Members) -> MemberRacks<'_> {
    members
        .values()
        .map(|member| member.subscription.rack.as_ref().filter(|rack| !rack.is_empty()))
        .collect()
}

/// Says whether racks can make a difference: some reader shares a rack with some replica, and
/// not every partition has replicas on all the racks in question.
pub(super) fn are_worth_regarding<'a>(
    readers: impl Iterator<Item = Option<&'a Arc<str>>>,
    partitions: &[&'a Racks],
) -> bool {
    let readers: BTreeSet<_> = readers.flatten().collect();
    if readers.is_empty() {
        return false;
    }
    let replicas: BTreeSet<_> = partitions.iter().flat_map(|racks| racks.iter()).collect();
    !readers.is_disjoint(&replicas) && partitions.iter().any(|racks| racks.len() != replicas.len())
}

/// The racks of a whole group.
pub(super) struct RackInfo<'a> {
    /// By seat; all `None` if racks are not worth regarding.
    members: MemberRacks<'a>,
    /// By place.
    partitions: Vec<&'a Racks>,
}

impl<'a> RackInfo<'a> {
    /// Gathers the racks of members and of partitions, the latter by place.
    pub(super) fn new(members: MemberRacks<'a>, partitions: Vec<&'a Racks>) -> RackInfo<'a> {
        if are_worth_regarding(members.iter().copied(), &partitions) {
            return RackInfo { members, partitions };
        }
        RackInfo { members: vec![None; members.len()], partitions }
    }

    /// Says whether racks are to be regarded at all.
    pub(super) fn matter(&self) -> bool {
        self.members.iter().any(Option::is_some)
    }

    /// Says whether the member has a rack on which the partition has no replica.
    pub(super) fn mismatch(&self, seat: Seat, place: Place) -> bool {
        self.members[seat.0].is_some_and(|rack| !self.partitions[place.0].contains(rack))
    }

    /// Says whether the member has a rack on which the partition has a replica.
    pub(super) fn match_up(&self, seat: Seat, place: Place) -> bool {
        self.members[seat.0].is_some_and(|rack| self.partitions[place.0].contains(rack))
    }

    /// Returns how many members are near the partition.
    pub(super) fn readers_near(&self, place: Place) -> usize {
        (0..self.members.len()).filter(|&seat| self.match_up(Seat(seat), place)).count()
    }
}
