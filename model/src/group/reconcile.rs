//! One member's way from what it has to what it is to have (KIP-848).
//!
//! Nobody waits for everybody: a member gives back what is no longer its own, then takes
//! what is free, at its own pace.
//!
//! Source: `CurrentAssignmentBuilder`, Kafka 4.0. Left out: states that a newer version may
//! have written.

use crate::group::record::{CurrentAssignment, Reconciliation};
use crate::ids::{GroupEpoch, MemberEpoch, TopicPartition};

/// What a member is to have.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The group epoch that it was computed for.
    pub epoch: GroupEpoch,
    /// The partitions, in order.
    pub partitions: &'a [TopicPartition],
}

/// Returns what a member has after a heartbeat that listed `owned`.
///
/// `is_free` says of a partition that nobody holds it; one that a member has still to give
/// back is held.
pub fn reconcile(
    current: &CurrentAssignment,
    target: Target<'_>,
    owned: Option<&[TopicPartition]>,
    is_free: impl Fn(TopicPartition) -> bool,
) -> CurrentAssignment {
    let epoch = current.epoch.unwrap_or(current.previous);
    match current.state {
        Reconciliation::Stable if epoch.0 == target.epoch.0 => current.clone(),
        Reconciliation::Stable | Reconciliation::UnreleasedPartitions => {
            next(current, epoch, target, owned, is_free)
        }
        Reconciliation::UnrevokedPartitions => {
            let still_held = |it: &TopicPartition| owned.is_none_or(|owned| owned.contains(it));
            if owned.is_none() || current.pending_revocation.iter().any(still_held) {
                return current.clone();
            }
            // One epoch is done: if a newer target takes more away, the member waits at the
            // epoch between.
            let reached = if epoch.0 < target.epoch.0 { epoch.next() } else { epoch };
            next(current, reached, target, owned, is_free)
        }
    }
}

/// Moves a member on that has given back whatever it had to.
fn next(
    current: &CurrentAssignment,
    epoch: MemberEpoch,
    target: Target<'_>,
    owned: Option<&[TopicPartition]>,
    is_free: impl Fn(TopicPartition) -> bool,
) -> CurrentAssignment {
    let previous = current.epoch.unwrap_or(current.previous);
    let is_wanted = |it: &TopicPartition| target.partitions.contains(it);
    let (kept, surplus): (Vec<_>, Vec<_>) =
        current.assigned.iter().copied().partition(|it| is_wanted(it));
    let holds_surplus = owned.is_none_or(|owned| surplus.iter().any(|it| owned.contains(it)));
    if !surplus.is_empty() && holds_surplus {
        return CurrentAssignment {
            epoch: Some(epoch),
            previous,
            state: Reconciliation::UnrevokedPartitions,
            assigned: kept,
            pending_revocation: surplus,
        };
    }
    let missing = target.partitions.iter().copied().filter(|it| !kept.contains(it));
    let (free, held): (Vec<_>, Vec<_>) = missing.partition(|&partition| is_free(partition));
    let mut assigned = kept;
    assigned.extend(free);
    assigned.sort_unstable();
    let state =
        if held.is_empty() { Reconciliation::Stable } else { Reconciliation::UnreleasedPartitions };
    let epoch = Some(MemberEpoch(target.epoch.0));
    CurrentAssignment { epoch, previous, state, assigned, pending_revocation: Vec::new() }
}
