//! What happens without each part of a plan: the explanation of what it shows.

use sim::plan::Plan;

use super::court::Court;
use super::settings;
pub use super::settings::{Owner, Setting};
use super::surgery::with_steps;
use crate::search::subject::Subject;
use crate::search::violation::Violation;

/// One part of a plan, and what happens without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Necessity {
    /// The part.
    pub part: Part,
    /// What happens without it.
    pub without: Without,
}

/// A part of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The step at this place.
    Step(usize),
    /// A setting; without it, it has its default.
    Setting(Setting),
}

/// What happens without a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Without {
    /// The claim holds, or nothing puts it at risk any more.
    Holds,
    /// Something else is wrong.
    Other(Violation),
    /// The same is wrong. Only settings are left in such a case: those without which less
    /// would be promised.
    Same,
    /// It cannot be left out: something else needs it.
    Needed,
    /// The budget was used up.
    Unknown,
}

/// Asks for each step and setting what happens without it.
pub(super) fn table(
    court: &mut Court<'_>,
    subject: &Subject,
    violation: &Violation,
) -> Vec<Necessity> {
    let plan = &subject.plan;
    let steps = (0..plan.steps.len()).map(|place| {
        let others: Vec<usize> = (0..plan.steps.len()).filter(|it| *it != place).collect();
        (Part::Step(place), with_steps(plan, &others))
    });
    let settings = settings::changed(plan).into_iter().map(|setting| {
        let without = settings::without(plan, setting.of, setting.name);
        (Part::Setting(setting), without)
    });
    let parts: Vec<(Part, Option<Plan>)> = steps.chain(settings).collect();
    let mut table = Vec::new();
    for (part, plan) in parts {
        let without = match plan {
            None => Without::Needed,
            Some(plan) => without(court, &plan, violation),
        };
        table.push(Necessity { part, without });
    }
    table
}

fn without(court: &mut Court<'_>, plan: &Plan, violation: &Violation) -> Without {
    match court.verdict(plan) {
        None => Without::Unknown,
        Some(violations) if violations.contains(violation) => Without::Same,
        Some(violations) => match violations.into_iter().next() {
            None => Without::Holds,
            Some(other) => Without::Other(other),
        },
    }
}
