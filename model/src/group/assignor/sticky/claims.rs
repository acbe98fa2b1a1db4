//! What members may still call their own.
//!
//! A partition claimed twice goes to the claim of the newer generation. If both are of the
//! same one, something is wrong, and neither has it. A claim that nobody contests holds,
//! however old it is.
//!
//! Source: `AbstractStickyAssignor.allSubscriptionsEqual`, `prepopulateCurrentAssignments`,
//! Kafka 4.0.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::Generation;

use super::Claim;
use crate::group::assignor::allotment::{Allotment, Place, Seat};

/// The claims of a group, sorted out.
pub(super) struct Claims {
    /// By seat: what the member holds. A partition has one holder at most.
    pub(super) held: Vec<Vec<Place>>,
    /// The partitions that several members claimed in the same generation.
    pub(super) contested: BTreeSet<Place>,
    /// Who held a partition in the last generation before the newest, if they still are here.
    pub(super) previous: BTreeMap<Place, Seat>,
}

impl Claims {
    /// Sorts out the claims, which come by seat.
    ///
    /// Simplified: Kafka drops claims to topics that are gone, and gets lost over a claim to
    /// a partition that a topic made anew does not have. Here that one is dropped as well.
    pub(super) fn new(
        claims: &[Claim<'_>],
        newest: Option<Generation>,
        allotment: &Allotment<'_>,
    ) -> Claims {
        let mut holders: BTreeMap<Place, Seat> = BTreeMap::new();
        let mut held: Vec<Vec<Place>> = vec![Vec::new(); claims.len()];
        let mut contested = BTreeSet::new();
        for (seat, claim) in claims.iter().enumerate() {
            for place in claim.owned.iter().filter_map(|&owned| allotment.place(owned)) {
                if let Some(&Seat(other)) = holders.get(&place) {
                    // Kafka asks the other's subscription and not, as it does here, its user
                    // data; the two differ only for clients that do not write both.
                    if claim.generation < claims[other].subscribed_in {
                        continue;
                    }
                    held[other].retain(|&it| it != place);
                    if claim.generation == claims[other].subscribed_in {
                        contested.insert(place);
                        holders.insert(place, Seat(seat));
                        continue;
                    }
                }
                held[seat].push(place);
                holders.insert(place, Seat(seat));
            }
        }
        Claims { held, contested, previous: previous(claims, newest, allotment) }
    }
}

fn previous(
    claims: &[Claim<'_>],
    newest: Option<Generation>,
    allotment: &Allotment<'_>,
) -> BTreeMap<Place, Seat> {
    let mut latest: BTreeMap<Place, (Option<Generation>, Seat)> = BTreeMap::new();
    for (seat, claim) in claims.iter().enumerate().filter(|(_, it)| it.generation < newest) {
        for place in claim.owned.iter().filter_map(|&owned| allotment.place(owned)) {
            let entry = latest.entry(place).or_insert((claim.generation, Seat(seat)));
            if entry.0 < claim.generation {
                *entry = (claim.generation, Seat(seat));
            }
        }
    }
    latest.into_iter().map(|(place, (_, seat))| (place, seat)).collect()
}
