//! Reads `[[step]]`: when something happens, and what is said about it.

use std::collections::{BTreeMap, BTreeSet};

use model::config::TopicConfig;
use model::ids::TopicId;
use model::time::{Duration, Time, Timestamp};
use sim::plan::{Action, Required, Shape, Step, TopicPlan, Trigger};

use crate::codes::Code;
use crate::condition::condition;
use crate::names::Names;
use crate::problems::{Problems, nearest};
use crate::scenario::{Random, StepInfo};
use crate::section::{Section, items, listed};
use crate::tree::{Entry, Node, Value};
use crate::values::{duration, flag, shape, text};
use crate::verbs::{self, UNMODELLED, VERBS};
use crate::{diagnostic::Place, words};

/// More steps than this are no story.
const STEPS_MAX: usize = 10_000;

/// The fields of a step that are no verbs; `say`, `ask` and `mark` may also stand alone.
const FIELDS: [&str; 8] = ["at", "after", "when", "wait", "for", "optional", "say", "ask"];

/// What steps refer to and change while they are read.
pub(crate) struct Context<'c> {
    pub names: &'c Names,
    /// The topics as the steps so far leave them.
    pub topics: &'c mut Vec<TopicPlan>,
    /// How many partitions each topic has after the steps so far.
    pub partitions: Vec<u16>,
    pub faults_for: Duration,
    /// What clocks show at the start.
    pub wall_clock: Timestamp,
    /// When the step that is being read fires, if it says so itself.
    pub fires_at: Option<Time>,
    /// The topics that steps so far have created.
    pub created: BTreeSet<TopicId>,
    /// The settings of topics after the `alter` steps so far.
    pub altered: BTreeMap<TopicId, TopicConfig>,
    /// Settings of topics that some broker has a default of its own for.
    pub defaulted: Vec<(TopicId, &'static str)>,
}

/// Notes the markers that steps set, before any condition refers to them.
pub(crate) fn markers(node: &Node) -> Vec<String> {
    let marks = items(node).iter().filter_map(|step| step.get("mark"));
    marks
        .filter_map(|mark| match &mark.value {
            Value::Text(marker) => Some(marker.clone()),
            _ => None,
        })
        .collect()
}

/// Reads all steps.
pub(crate) fn read(
    node: &Node,
    context: &mut Context<'_>,
    problems: &mut Problems<'_>,
) -> Vec<(Step, StepInfo)> {
    let steps = items(node);
    if STEPS_MAX < steps.len() {
        problems.error(Code::OutOfRange, node.span, format!("more than {STEPS_MAX} steps"));
        return Vec::new();
    }
    let read = steps.iter().map(|node| step(node, context, problems));
    read.collect::<Vec<_>>().into_iter().flatten().collect()
}

fn step(
    node: &Node,
    context: &mut Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<(Step, StepInfo)> {
    let Value::Table(entries) = &node.value else {
        let message = format!("a step must be a table, found {}", node.type_name());
        problems.error(Code::WrongType, node.span, message);
        return None;
    };
    report_unknown(entries, problems);
    let mut section = Section::open(node, "a step", problems)?;
    let (trigger, pause) = trigger(&mut section, context, problems).unzip();
    context.fires_at = match trigger {
        Some(Trigger::At(at)) => Some(at),
        _ => None,
    };
    let say = section.take("say").and_then(|node| words::text(node, problems));
    let ask = section.take("ask").and_then(|node| words::ask(node, problems));
    let optional = section.take("optional").and_then(|node| flag(node, problems));
    let undo = section.take_entry("for");
    let verb = verb(entries, node, problems);
    let action = verb.map(|entry| match entry.name.as_str() {
        "say" | "ask" => Some(Action::Mark(None)),
        name => verbs::read(name, &entry.node, context, problems),
    });
    let undo_after = undo.and_then(|undo| {
        let length = length(&undo.node, problems);
        let verb = verb?;
        if !verbs::is_undoable(&verb.name) {
            let message = format!("`{}` cannot be undone", verb.name);
            problems.error(Code::CannotUndo, undo.name_span, message).label("leave this out");
        }
        length
    });
    let required = if optional == Some(true) { Required::No } else { Required::Yes };
    let line = Place::of(problems.source, node.span.start).line;
    let (undo_after, lasts) = undo_after.unzip();
    let random = Random { pause: pause.flatten(), lasts: lasts.flatten() };
    let info = StepInfo { line, say, ask, verb: verb?.name.clone(), random };
    Some((Step { trigger: trigger?, action: action??, undo_after, required }, info))
}

/// Finds the one verb of a step.
fn verb<'t>(entries: &'t [Entry], node: &Node, problems: &mut Problems<'_>) -> Option<&'t Entry> {
    let verbs: Vec<&Entry> =
        entries.iter().filter(|entry| VERBS.contains(&entry.name.as_str())).collect();
    match verbs.as_slice() {
        [verb] => Some(verb),
        [] => {
            let lesson = |name: &str| entries.iter().find(|entry| entry.name == name);
            if let Some(entry) = lesson("say").or_else(|| lesson("ask")) {
                return Some(entry);
            }
            // An unknown field has been reported already, and is probably the verb.
            let all_known = entries.iter().all(|entry| is_field(&entry.name));
            if all_known {
                problems
                    .error(Code::StepVerb, node.span, "this step does nothing")
                    .help(format!("Verbs are {}.", listed(&VERBS)));
            }
            None
        }
        [first, second, ..] => {
            let message =
                format!("this step does two things: `{}` and `{}`", first.name, second.name);
            problems
                .error(Code::StepVerb, second.name_span, message)
                .help("Write a second step with after = \"0s\".");
            None
        }
    }
}

fn is_field(name: &str) -> bool {
    FIELDS.contains(&name)
}

fn report_unknown(entries: &[Entry], problems: &mut Problems<'_>) {
    for entry in entries {
        let name = entry.name.as_str();
        if is_field(name) || VERBS.contains(&name) {
            continue;
        }
        if UNMODELLED.contains(&name) {
            problems.not_yet(entry.name_span, &format!("the verb `{name}`"));
            continue;
        }
        let problem =
            problems.error(Code::UnknownField, entry.name_span, format!("unknown field `{name}`"));
        match nearest(name, VERBS.into_iter().chain(FIELDS)) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.help(format!("Verbs are {}.", listed(&VERBS))),
        };
    }
}

fn trigger(
    section: &mut Section<'_>,
    context: &Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<(Trigger, Option<Shape>)> {
    let at = section.take_entry("at");
    let after = section.take_entry("after");
    let when = section.take_entry("when");
    let wait = section.take_entry("wait");
    let set: Vec<&Entry> = [at, after, when].into_iter().flatten().collect();
    match set.as_slice() {
        [_] => {}
        [] => {
            problems
                .error(Code::StepTrigger, section.span, "this step does not say when")
                .help("Give it `at`, `after` or `when`.");
        }
        [first, second, ..] => {
            let message = format!("this step has both `{}` and `{}`", first.name, second.name);
            problems.error(Code::StepTrigger, second.name_span, message).label("keep one of them");
            return None;
        }
    }
    if let (Some(wait), None) = (wait, when) {
        problems
            .error(Code::StepTrigger, wait.name_span, "`wait` goes with `when` only")
            .help("Write a longer `at` or `after` instead.");
    }
    if let Some(at) = at {
        let length = duration(&at.node, problems)?;
        if context.faults_for <= length {
            let message = format!("the fault phase ends after {}", context.faults_for);
            problems
                .error(Code::TooLate, at.node.span, message)
                .help("Raise `sim.faults-for`, or let the step happen earlier.");
        }
        return Some((Trigger::At(Time::ZERO + length), None));
    }
    if let Some(after) = after {
        let (pause, random) = length(&after.node, problems)?;
        return Some((Trigger::After(pause), random));
    }
    let wait = wait.map_or(Some((Duration::ZERO, None)), |wait| length(&wait.node, problems));
    let condition = condition(&when?.node, context.names, problems);
    let (wait, random) = wait?;
    Some((Trigger::When(condition?, wait), random))
}

/// Reads a length of time that may be left to chance; each seed draws its own then.
fn length(node: &Node, problems: &mut Problems<'_>) -> Option<(Duration, Option<Shape>)> {
    Some(match shape(node, problems)? {
        Shape::Fixed(length) => (length, None),
        random => (Duration::ZERO, Some(random)),
    })
}

/// Reads a marker's name.
pub(crate) fn marker(node: &Node, problems: &mut Problems<'_>) -> Option<Action> {
    text(node, problems).map(|marker| Action::Mark(Some(marker.into())))
}
