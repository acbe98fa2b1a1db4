//! Steps in the order in which they happen, so that a list of them reads like a story.

use model::time::Time;
use sim::plan::{Plan, Required, Step, Trigger};

use super::court::Court;
use super::surgery::sound::is_sound;

/// Sorts the steps by the time at which they fire.
pub(super) fn sort(court: &mut Court<'_>, plan: Plan) -> Plan {
    let Some(fired) = court.fired(&plan) else { return plan };
    let Some(fired) = fired.into_iter().collect::<Option<Vec<Time>>>() else { return plan };
    let mut order: Vec<usize> = (0..plan.steps.len()).collect();
    order.sort_by_key(|place| fired[*place]);
    let steps = order.iter().enumerate().map(|(to, from)| {
        let step = &plan.steps[*from];
        let follows = match to {
            0 => *from == 0,
            to => order[to - 1] + 1 == *from,
        };
        let trigger = match &step.trigger {
            // It counts from the step before it, which is another one here.
            Trigger::After(_) if !follows => Trigger::At(fired[*from]),
            trigger => trigger.clone(),
        };
        // All of them do fire.
        Step { trigger, required: Required::Yes, ..step.clone() }
    });
    let sorted = Plan { steps: steps.collect(), ..plan.clone() };
    if sorted == plan || !is_sound(&sorted) {
        return plan;
    }
    court.first([sorted]).map_or(plan, |(_, plan)| plan)
}
