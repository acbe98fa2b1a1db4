//! Reads `[nemesis]`: which random faults a scenario allows, when, and what they spare.

use sim::plan::Plan;

use super::kind::FaultKind;
use super::{Keep, Nemesis, Swarm, is_possible_in};
use crate::codes::Code;
use crate::diagnostic::Place;
use crate::problems::{Problems, nearest};
use crate::scenario::CountRange;
use crate::section::{Section, listed, named};
use crate::tree::{Entry, Node, Value};
use crate::values::{flag, millionths, shape, whole, word, wrong_type};

/// More faults than this are no plan.
const FAULTS_MAX: u64 = 1_000;
/// The largest weight.
const WEIGHT_MAX: u64 = 1_000;

/// Reads the section. What it allows must be possible in the plan.
pub(crate) fn read(node: &Node, plan: &Plan, problems: &mut Problems<'_>) -> Nemesis {
    let line = Place::of(problems.source, node.span.start).line;
    let mut nemesis = Nemesis { line, ..Nemesis::default() };
    let Some(mut section) = Section::open(node, "`nemesis`", problems) else { return nemesis };
    if let Some(swarm) = section.take("swarm").and_then(|node| flag(node, problems)) {
        nemesis.swarm = if swarm { Swarm::Yes } else { Swarm::No };
    }
    if let Some(node) = section.take("allow") {
        nemesis.allow = allow(node, plan, problems);
    }
    nemesis.every = section.take("every").and_then(|node| shape(node, problems));
    if let Some(node) = section.take("keep") {
        let choices = [
            ("nothing", Keep::Nothing),
            ("a-majority-of-controllers", Keep::ControllerMajority),
            ("one-in-sync-copy", Keep::InSyncCopy),
        ];
        nemesis.keep = word(node, &choices, problems).unwrap_or(nemesis.keep);
    }
    if let Some(read) = section.take("faults").and_then(|node| faults(node, problems)) {
        nemesis.faults = read;
    }
    if let Some(share) = section.take("seams").and_then(|node| millionths(node, problems)) {
        nemesis.seams_millionths = share;
    }
    section.finish(problems);
    nemesis
}

/// Lists the kinds of faults by name.
fn names() -> Vec<&'static str> {
    FaultKind::all().map(FaultKind::name).collect()
}

/// Reads the kinds with their weights.
fn allow(node: &Node, plan: &Plan, problems: &mut Problems<'_>) -> Vec<(FaultKind, u32)> {
    let entries = named(node, "`allow`", problems);
    if entries.is_empty() && matches!(node.value, Value::Table(_)) {
        problems
            .error(Code::Missing, node.span, "this allows no fault")
            .help("Name some with their weights: allow = { crash = 4, pause = 2 }.");
    }
    let allowed = entries.iter().filter_map(|entry| {
        let weight = whole(&entry.node, 0..=WEIGHT_MAX, problems);
        let kind = kind(entry, problems)?;
        if !is_possible_in(kind, plan) {
            let message = format!("`{}` never happens here", entry.name);
            problems
                .warning(Code::Contradiction, entry.name_span, message)
                .help("The cluster of this file has nobody whom it could hit.");
        }
        Some((kind, weight? as u32))
    });
    let allowed: Vec<(FaultKind, u32)> = allowed.collect();
    if allowed.len() == entries.len() && !allowed.is_empty() && allowed.iter().all(|it| it.1 == 0) {
        problems
            .error(Code::Missing, node.span, "this allows no fault: no weight is above 0")
            .help("Give one a weight of 1 or more: allow = { crash = 4, pause = 2 }.");
    }
    allowed
}

fn kind(entry: &Entry, problems: &mut Problems<'_>) -> Option<FaultKind> {
    if let Some(kind) = FaultKind::by_name(&entry.name) {
        return Some(kind);
    }
    let message = format!("`{}` is no kind of fault", entry.name);
    let problem = problems.error(Code::UnknownFault, entry.name_span, message);
    match nearest(&entry.name, names()) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => problem.help(format!("Kinds are {}.", listed(&names()))),
    };
    None
}

/// Reads how many faults a run has: `"1..=64"` or `8`.
fn faults(node: &Node, problems: &mut Problems<'_>) -> Option<(u64, u64)> {
    let range = match &node.value {
        Value::Int(number) => u64::try_from(*number)
            .ok()
            .map(|number| CountRange { least: number, most: Some(number) }),
        Value::Text(text) => CountRange::read(text),
        _ => {
            wrong_type(node, "a number or a range such as \"1..=64\"", problems);
            return None;
        }
    };
    let read = range.map(|range| (range.least, range.most.unwrap_or(FAULTS_MAX)));
    let fits = |(least, most): &(u64, u64)| 1 <= *least && *most <= FAULTS_MAX;
    if let Some(read) = read.filter(fits) {
        return Some(read);
    }
    problems
        .error(Code::BadCount, node.span, "this is no number of faults")
        .help(format!("Write a range from 1 to {FAULTS_MAX}: faults = \"1..=64\"."));
    None
}
