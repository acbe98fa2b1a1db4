//! Takes steps out of a plan, without moving the others in time.

use model::ids::{ClientId, NodeId};
use model::time::Duration;
use sim::plan::{Action, ClientRole, Plan, Selector, Start, Step, Trigger};

use super::moves::Moves;
use super::sound::is_sound;
use super::{Part, cut};

/// Returns the plan with these of its steps only, in order of place; `None` if there would be
/// no sound plan. Members that waited for a step that is gone go as well.
pub(in super::super) fn with_steps(plan: &Plan, kept: &[usize]) -> Option<Plan> {
    let picked = (0..plan.steps.len()).map(|at| {
        let is_kept = kept.binary_search(&at).is_ok();
        is_kept.then(|| plan.steps[at].clone()).ok_or_else(|| Some(plan.steps[at].trigger.clone()))
    });
    let steps = joined(picked);
    let mut new = Plan { steps, ..plan.clone() };
    // From the last on, because whoever goes moves those behind.
    for id in (0..plan.clients.len() as u16).rev().map(ClientId) {
        if waits_in_vain(&new, id) {
            new = cut(&new, Part::Client(id))?;
        }
    }
    is_sound(&new).then_some(new)
}

/// Carries moves into steps; those that are about nobody any more are left out.
pub(super) fn moved(steps: &[Step], moves: &Moves) -> Vec<Step> {
    joined(steps.iter().map(|step| {
        let trigger = match &step.trigger {
            Trigger::When(condition, wait) => {
                moves.condition(condition).map(|it| Trigger::When(it, *wait))
            }
            Trigger::At(_) | Trigger::After(_) => Some(step.trigger.clone()),
        };
        match (trigger, moves.action(&step.action)) {
            (Some(trigger), Some(action)) => Ok(Step { trigger, action, ..step.clone() }),
            (trigger, _) => Err(trigger),
        }
    }))
}

/// Joins steps where some are gone: `after` counts from the moment from which it counted.
///
/// Those that are gone say when they would have fired, unless that hung on what is gone, too.
fn joined(steps: impl Iterator<Item = Result<Step, Option<Trigger>>>) -> Vec<Step> {
    let mut joined = Vec::new();
    // When the steps that are gone just before this one would have fired.
    let mut gone: Option<Trigger> = None;
    for step in steps {
        match step {
            Ok(mut step) => {
                step.trigger = counted(gone.take(), step.trigger);
                joined.push(step);
            }
            Err(trigger) => gone = trigger.map(|trigger| counted(gone.take(), trigger)),
        }
    }
    joined
}

fn counted(before: Option<Trigger>, trigger: Trigger) -> Trigger {
    match (before, trigger) {
        (Some(before), Trigger::After(pause)) => later(before, pause),
        (_, trigger) => trigger,
    }
}

fn later(trigger: Trigger, by: Duration) -> Trigger {
    match trigger {
        Trigger::At(at) => Trigger::At(at + by),
        Trigger::After(pause) => Trigger::After(pause + by),
        Trigger::When(condition, wait) => Trigger::When(condition, wait + by),
    }
}

/// Says whether a member starts by a step that is not there.
pub(super) fn waits_in_vain(plan: &Plan, client: ClientId) -> bool {
    let ClientRole::Member(member) = &plan.clients[usize::from(client.0)].role else {
        return false;
    };
    let names = |selector: &Selector| match selector {
        Selector::Node(NodeId::Client(named)) => *named == client,
        Selector::Member(group, ordinal) => (*group, *ordinal) == (member.group, member.ordinal),
        Selector::Members(group) => *group == member.group,
        _ => false,
    };
    let joins = |step: &Step| matches!(&step.action, Action::Join(hit) if hit.iter().any(names));
    member.start == Start::ByStep && !plan.steps.iter().any(joins)
}
