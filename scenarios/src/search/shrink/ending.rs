//! Pass 0: nothing is left of what comes after the violation.

use model::time::{Duration, Time};
use sim::outcome::Outcome;
use sim::plan::Plan;
use sim::verdict::{Claim, Verdict};

use super::court::Court;
use super::few;
use super::surgery::with_steps;
use super::times::{FAULTS_FOR_MIN, round_lengths};
use crate::search::violation::Violation;

/// A phase shorter than this would end before a broker that was killed is missed.
const SETTLE_MIN: Duration = Duration::from_secs(10);

/// Removes what nobody judges and what comes too late to matter.
pub(super) fn cut(
    court: &mut Court<'_>,
    mut plan: Plan,
    first: &Outcome,
    violation: &Violation,
) -> Plan {
    // Nobody waits for a watched condition.
    plan.watches.clear();
    let at = moment(first, violation);
    let fired = |until: Time| {
        let places = (0..plan.steps.len()).filter(|place| {
            let fired = first.steps.get(*place).copied().flatten();
            fired.is_some_and(|fired| fired <= until)
        });
        with_steps(&plan, &places.collect::<Vec<_>>())
    };
    let ended = |plan: Plan| {
        let ends = round_lengths(plan.faults_for).filter(|_| !is_a_deadline(violation));
        let ends = ends.filter(|end| at <= Time::ZERO + *end && FAULTS_FOR_MIN <= *end);
        let ends: Vec<Duration> = ends.collect();
        ends.into_iter().map(move |faults_for| healed_after(&plan, faults_for))
    };
    let in_time = fired(at).into_iter().flat_map(ended);
    let candidates = in_time.chain(fired(at)).chain(fired(Time::MAX)).chain([plan.clone()]);
    court.first(candidates).map_or_else(|| plan.clone(), |(_, plan)| plan)
}

/// Returns when it was certain that something is wrong.
fn moment(outcome: &Outcome, violation: &Violation) -> Time {
    let Violation::Claim(claim) = violation else { return outcome.totals.end };
    let finding = outcome.judgement.findings.iter().find(|it| it.claim == *claim);
    match finding.map(|finding| &finding.verdict) {
        Some(Verdict::Breaks(evidence)) => evidence.first,
        Some(Verdict::Holds | Verdict::Untested(_)) | None => outcome.totals.end,
    }
}

/// Returns the plan with a shorter time of faults, and more time to settle instead: what is
/// not done yet when a trial ends may count as broken, and no candidate may break because it
/// ends sooner.
pub(super) fn healed_after(plan: &Plan, faults_for: Duration) -> Plan {
    let settle = plan.faults_for + plan.settle - faults_for;
    Plan { faults_for, settle, ..plan.clone() }
}

/// Shortens the time for everything to settle, at the very end, as far as each step is needed
/// with the short time as well: otherwise it is the short time that breaks it.
pub(super) fn settle(
    court: &mut Court<'_>,
    plan: Plan,
    (usual, violation): (Duration, &Violation),
) -> Plan {
    let least = if is_a_deadline(violation) { usual } else { SETTLE_MIN };
    let lengths: Vec<Duration> = round_lengths(plan.settle).chain([usual]).collect();
    for settle in lengths.into_iter().filter(|it| least <= *it && *it < plan.settle) {
        let short = Plan { settle, ..plan.clone() };
        if let Some((_, short)) = court.first([short])
            && few::drop_steps(court, short.clone()) == short
        {
            return short;
        }
    }
    plan
}

/// Says whether a violation means that something has not happened in time after the heal.
pub(super) fn is_a_deadline(violation: &Violation) -> bool {
    match violation {
        Violation::Assertion(_) => false,
        Violation::Livelock => true,
        Violation::Claim(claim) => matches!(
            claim,
            Claim::WritesResume
                | Claim::ReplicasCatchUp
                | Claim::GroupStabilises
                | Claim::GroupDrains
        ),
    }
}
