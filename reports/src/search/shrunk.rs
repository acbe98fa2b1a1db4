//! How small a finding was made, and why nothing more can go.

use scenarios::search::shrink::necessity::{Necessity, Owner, Part, Setting, Without};
use scenarios::search::shrink::size::Size;
use scenarios::search::shrink::{Ended, Shrunk};
use scenarios::search::violation::Violation;
use serde_json::{Value, json};
use sim::plan::Plan;
use unicode_width::UnicodeWidthStr;

use super::caption::{caption, is_told, occasion};
use super::json::size;
use crate::json::VERSION;
use crate::text::{Line, Tone, WIDTH, counted, fill, grouped, padded, wrap};
use crate::words::Words;

/// Columns of what a part is, at least.
const WHAT_MIN: usize = 30;

/// What was made small.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// The case's name; empty if there is only one.
    pub case: &'a str,
    /// The seed that it was found with.
    pub seed: u64,
    /// What is wrong.
    pub violation: &'a Violation,
    /// What came of it.
    pub shrunk: &'a Shrunk,
}

/// Tells how small it is, and what happens without each part.
pub fn lines(finding: Finding<'_>, words: &Words) -> Vec<Line> {
    let Finding { scenario, case, seed, violation, shrunk } = finding;
    let case = if case.is_empty() { String::new() } else { format!(" [{case}]") };
    let place = format!("{scenario}{case}");
    let head = fill(words.shrink.head, &[violation.name(), &place, &seed.to_string()]);
    let mut lines = vec![Line::of(Tone::Strong, head)];
    let ended = words.shrink.ended[place_of(shrunk.ended)];
    let runs = counted(shrunk.runs, words.shrink.runs);
    lines.push(Line::plain(format!("  {}", sizes(shrunk.before, shrunk.after, words))));
    lines.push(Line::plain(format!("  {runs}{}{ended}", words.grammar.joint)));
    if !shrunk.necessity.is_empty() {
        lines.push(Line::plain(""));
        lines.extend(table(&shrunk.subject.plan, &shrunk.necessity, words));
    }
    if !shrunk.others.is_empty() {
        let names: Vec<&str> = shrunk.others.iter().map(|it| it.violation.name()).collect();
        let others = fill(words.shrink.others, &[&names.join(words.grammar.list)]);
        lines.extend([Line::plain(""), Line::of(Tone::Risk, others)]);
    }
    lines
}

/// Returns the title of a scenario that was made small.
pub fn title(violation: &Violation, plan: &Plan, words: &Words) -> String {
    let steps = plan.steps.len() as u64;
    let (one, many) = words.shrink.title;
    let sentence = if steps == 1 { one } else { many };
    fill(sentence, &[&grouped(steps), violation.name()])
}

/// Returns what is said at each step.
pub fn captions(plan: &Plan, words: &Words) -> Vec<Option<String>> {
    plan.steps.iter().map(|step| is_told(step).then(|| caption(plan, step, words))).collect()
}

/// Tells it to machines.
pub fn json(finding: Finding<'_>, scenario: &str, words: &Words) -> Value {
    let plan = &finding.shrunk.subject.plan;
    let necessity = finding.shrunk.necessity.iter().map(|it| {
        let mut row = match &it.part {
            Part::Step(at) => {
                json!({ "step": at + 1, "what": caption(plan, &plan.steps[*at], words) })
            }
            Part::Setting(set) => {
                json!({ "of": owner(plan, set.of, words), "setting": set.name, "value": set.value })
            }
        };
        row["without"] = match &it.without {
            Without::Holds => "holds".into(),
            Without::Same => "breaks".into(),
            Without::Needed => "needed".into(),
            Without::Unknown => Value::Null,
            Without::Other(other) => other.name().into(),
        };
        row
    });
    let others = finding.shrunk.others.iter().map(|it| it.violation.name());
    json!({
        "v": VERSION,
        "event": "shrunk",
        "check": finding.violation.name(),
        "scenario": finding.scenario,
        "case": finding.case,
        "seed": finding.seed,
        "runs": finding.shrunk.runs,
        "ended": ENDED[place_of(finding.shrunk.ended)],
        "before": size(&finding.shrunk.before),
        "after": size(&finding.shrunk.after),
        "necessity": necessity.collect::<Vec<_>>(),
        "others": others.collect::<Vec<_>>(),
        "file": scenario,
    })
}

/// How a search ended, for machines.
const ENDED: [&str; 4] = ["smallest", "out-of-runs", "stopped", "not-broken"];

fn place_of(ended: Ended) -> usize {
    match ended {
        Ended::Smallest => 0,
        Ended::OutOfRuns => 1,
        Ended::Stopped => 2,
        Ended::NotBroken => 3,
    }
}

fn sizes(before: Size, after: Size, words: &Words) -> String {
    let counts = |size: Size| {
        let counts = [size.brokers, size.partitions, size.clients].map(|it| grouped(it as u64));
        let [brokers, partitions, clients] = counts;
        let (steps, records) = (grouped(size.steps as u64), grouped(size.records));
        [steps, records, brokers, partitions, clients, size.time.to_string()]
    };
    let names = words.shrink.sizes.into_iter();
    let changes = names.zip(counts(before).into_iter().zip(counts(after)));
    let changes = changes.map(|(name, (before, after))| match before == after {
        true => fill(words.shrink.still, &[name, &after]),
        false => fill(words.shrink.from_to, &[name, &before, &after]),
    });
    changes.collect::<Vec<_>>().join(words.grammar.list)
}

fn table(plan: &Plan, necessity: &[Necessity], words: &Words) -> Vec<Line> {
    let mut rows = vec![words.shrink.columns.map(str::to_owned)];
    rows.extend(necessity.iter().map(|it| {
        let [when, what] = match &it.part {
            Part::Step(at) => {
                let step = &plan.steps[*at];
                [occasion(plan, &step.trigger, words), caption(plan, step, words)]
            }
            Part::Setting(Setting { of, name, value }) => {
                [owner(plan, *of, words), format!("{name} = {value}")]
            }
        };
        [when, what, without(&it.without, words)]
    }));
    let wide = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let (first, last) = (wide(0), wide(2));
    // What happens without it must stand in sight, so the column between is broken instead.
    let second = wide(1).min(WIDTH.saturating_sub(first + last + 6).max(WHAT_MIN));
    let lines = |(at, [when, what, without]): (usize, &[String; 3])| {
        let tone = if at == 0 { Tone::Quiet } else { Tone::Plain };
        let (when, without) = (padded(when, first), without.clone());
        let line = move |(row, what): (usize, String)| match row {
            0 => format!("  {when}  {}  {without}", padded(&what, second)),
            _ => format!("  {:first$}  {what}", ""),
        };
        let lines = wrap(what, second).into_iter().enumerate().map(line);
        lines.map(move |text| Line::of(tone, text).uncut()).collect::<Vec<_>>()
    };
    rows.iter().enumerate().flat_map(lines).collect()
}

fn without(without: &Without, words: &Words) -> String {
    let [holds, same, needed, unknown] = words.shrink.without;
    match without {
        Without::Holds => holds.to_owned(),
        Without::Same => same.to_owned(),
        Without::Needed => needed.to_owned(),
        Without::Unknown => unknown.to_owned(),
        Without::Other(other) => fill(words.shrink.other, &[other.name()]),
    }
}

fn owner(plan: &Plan, of: Owner, words: &Words) -> String {
    let [brokers, controller, rules, members, output] = words.shrink.owners;
    let group = |index: sim::plan::GroupIndex| &plan.groups[usize::from(index.0)].name;
    match of {
        Owner::Brokers => brokers.to_owned(),
        Owner::Controller => controller.to_owned(),
        Owner::Rules => rules.to_owned(),
        Owner::Topic(id) => plan.topics[usize::from(id.0)].name.to_string(),
        Owner::Client(id) => plan.clients[usize::from(id.0)].name.to_string(),
        Owner::Group(index) => fill(members, &[group(index)]),
        Owner::Output(index) => fill(output, &[group(index)]),
    }
}
