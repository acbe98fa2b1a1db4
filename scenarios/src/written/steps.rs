//! `[[step]]`: when something happens, and what is said about it.

use std::collections::BTreeMap;

use model::config::TopicConfig;
use model::ids::TopicId;
use model::message::cluster::TopicLayout;
use model::time::{Duration, Time};
use sim::plan::{Action, Plan, Required, Step, Trigger};

use super::layout::{Sheet, Table};
use super::names::Names;
use super::verbs;

/// What a step that only waits says if nobody says anything else.
const NOTHING: &str = "Time passes";

/// What steps refer to and change in the order of the file.
pub(super) struct Context<'p> {
    pub plan: &'p Plan,
    pub names: Names<'p>,
    /// The settings of topics after the steps so far, where they are not those of the plan.
    pub altered: BTreeMap<TopicId, TopicConfig>,
    /// How many partitions each topic has after the steps so far.
    pub partitions: Vec<u16>,
}

/// Writes all steps. `says` has what is said at each; those beyond its end say nothing.
pub(super) fn steps((plan, names): (&Plan, Names<'_>), says: &[Option<String>], sheet: &mut Sheet) {
    let counts = |topic: &sim::plan::TopicPlan| match &topic.layout {
        TopicLayout::Manual(rows) => rows.len() as u16,
        TopicLayout::Counts { partitions, .. } => {
            partitions.unwrap_or(plan.controller.config.num_partitions)
        }
    };
    let partitions = plan.topics.iter().map(counts).collect();
    let mut context = Context { plan, names, altered: BTreeMap::new(), partitions };
    for (at, step) in plan.steps.iter().enumerate() {
        let say = says.get(at).and_then(|say| say.as_deref());
        sheet.item("step", &table(step, say, &mut context));
    }
}

/// Says whether a step creates a topic.
pub(super) fn creates(plan: &Plan, topic: TopicId) -> bool {
    plan.steps.iter().any(|step| step.action == Action::CreateTopic(topic))
}

fn table(step: &Step, say: Option<&str>, context: &mut Context<'_>) -> Table {
    let mut table = Table::default();
    match &step.trigger {
        Trigger::At(at) => table.set("at", at.since(Time::ZERO)),
        Trigger::After(pause) => table.set("after", *pause),
        Trigger::When(condition, wait) => {
            table.set("when", context.names.condition(condition));
            table.set_unless("wait", *wait, Duration::ZERO);
        }
    }
    table.set_some("for", step.undo_after);
    if step.required == Required::No {
        table.set("optional", true);
    }
    let is_idle = step.action == Action::Mark(None);
    table.set_some("say", say.or(is_idle.then_some(NOTHING)));
    if let Some((verb, order)) = verbs::verb(&step.action, context) {
        table.set(verb, order);
    }
    table
}
