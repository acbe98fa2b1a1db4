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
use crate::search::promise::groups::{copies_for_ever, of_groups};
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
    // Of three, two may come back at the same time: the leader proposes the second before it has
    // read of the first, forgets that for a round trip, and does not wait for it meanwhile.
    if !has_three(plan) && !course.forgets_proposals {
        claims.push(Claim::IsrCoversHighWatermark);
    }
    if recovery(plan) <= plan.settle && keeps_up(plan) && !course.revives_registrations {
        // Followers fetch slower than a loop without end may write.
        if !plan.groups.iter().any(|group| copies_for_ever(plan, group)) {
            claims.push(Claim::ReplicasCatchUp);
        }
        if !gets_stuck(plan, &course) {
            claims.push(Claim::WritesResume);
        }
    }
    if course.keeps_committed() {
        claims.extend([Claim::HighWatermarkMonotonic, Claim::NoCommittedLoss]);
    }
    claims.extend(of_producers(plan, &course));
    claims.extend(of_groups(plan, &course));
    claims.sort_unstable();
    let holds = claims.into_iter().map(|claim| (claim, None::<Duration>));
    Oracle { holds: holds.collect() }
}
