//! Passes 2 and 3: no step is left that can go.

use std::cell::RefCell;

use sim::plan::Plan;

use super::court::Court;
use super::subsets::{minimal, without_runs};
use super::surgery::with_steps;

/// Removes runs of steps, then single ones, until each that is left is needed.
pub(super) fn drop_steps(court: &mut Court<'_>, plan: Plan) -> Plan {
    let mut kept = without_runs(plan.steps.len(), &mut |subsets| ask(court, &plan, subsets));
    kept = minimal(kept, &mut |subsets| ask(court, &plan, subsets));
    match kept.len() == plan.steps.len() {
        true => plan,
        false => with_steps(&plan, &kept).unwrap_or(plan),
    }
}

/// Returns the first of some subsets of steps with which the plan still breaks.
fn ask(
    court: &mut Court<'_>,
    plan: &Plan,
    subsets: &mut dyn Iterator<Item = Vec<usize>>,
) -> Option<Vec<usize>> {
    let asked = RefCell::new(Vec::new());
    let candidates = subsets.filter_map(|subset| {
        let candidate = with_steps(plan, &subset)?;
        asked.borrow_mut().push(subset);
        Some(candidate)
    });
    let (place, _) = court.first(candidates)?;
    asked.into_inner().into_iter().nth(place)
}
