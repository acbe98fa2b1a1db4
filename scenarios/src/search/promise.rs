//! What Kafka 4.0 promises, given the settings of a plan and the faults in it.
//!
//! A plan is *hopeless* if bytes may be lost that were not flushed, or if a replica may be
//! elected that is not in sync: then no record is safe, and only honesty is promised. Every
//! other plan is *survivable*: what was acknowledged stays.
//!
//! The rules that a plan follows (eras, mutants) promise nothing and excuse nothing.
//!
//! In reading order: `course`: what may happen to whom; `producers`: what enters logs;
//! `groups`: what groups do with it; `recovery`: how long it takes until all is well again.

mod course;
mod groups;
mod producers;
mod recovery;
#[cfg(test)]
mod tests;

use model::time::Duration;
use sim::plan::Plan;
use sim::verdict::Claim;

use crate::search::promise::course::{Course, has_three};
use crate::search::promise::groups::of_groups;
use crate::search::promise::producers::{gets_stuck, of_producers};
use crate::search::violation::Oracle;

pub use recovery::recovery;

use crate::search::promise::recovery::keeps_up;

/// Promised in every trial, whatever happens. Replicas that have diverged are repaired by
/// truncation, after unclean elections and power cuts, too.
const ALWAYS: [Claim; 2] = [Claim::ReplicasAgree, Claim::OneLeaderPerEpoch];

/// Returns the claims that must hold in every trial of a plan.
pub fn promised(plan: &Plan) -> Oracle {
    let course = Course::of(plan);
    let mut claims = ALWAYS.to_vec();
    if !proposes_at_once(plan) {
        claims.push(Claim::IsrCoversHighWatermark);
    }
    if recovery(plan) <= plan.settle && keeps_up(plan) && !course.revives_registrations {
        claims.push(Claim::ReplicasCatchUp);
        if !gets_stuck(plan, &course) {
            claims.push(Claim::WritesResume);
        }
    }
    if course.is_survivable() && !course.misses_epochs {
        claims.extend([Claim::HighWatermarkMonotonic, Claim::NoCommittedLoss]);
    }
    claims.extend(of_producers(plan, &course));
    claims.extend(of_groups(plan, &course));
    claims.sort_unstable();
    let holds = claims.into_iter().map(|claim| (claim, None::<Duration>));
    Oracle { holds: holds.collect() }
}

/// Says whether a leader may propose an ISR before it has read of the one before in the
/// metadata: with three replicas, two of which come back at the same time.
///
/// It knows of the last change from the answer to its proposal. When the metadata log brings
/// it the same registration once more, it takes that over and forgets what it has proposed
/// since; the controller does not. For a round trip the high watermark does not wait for the
/// replica that has been let in.
///
/// Source: `Partition.makeLeader`, which takes any partition epoch that is not lower, and
/// `Partition.updateAssignmentAndIsr`, Kafka 4.0.
fn proposes_at_once(plan: &Plan) -> bool {
    has_three(plan)
}
