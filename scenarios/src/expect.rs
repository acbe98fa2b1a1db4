//! Reads `[[expect]]`, and judges expectations against what a trial left behind.

use model::time::{Duration, Time};
use sim::clause::{self, Clause, ClauseKind, Sentence};
use sim::outcome::Outcome;
use sim::plan::Condition;
use sim::verdict::{Anomaly, Claim, Verdict};

use crate::chances;
use crate::codes::Code;
use crate::condition::condition;
use crate::diagnostic::Place;
use crate::names::Names;
use crate::problems::{Problems, Span, nearest};
use crate::scenario::{Chance, CountRange, Expect, Expected, Hope};
use crate::section::{Section, items};
use crate::tree::{Entry, Node, Value};
use crate::values::{duration, flag, text, wrong_type};

/// Claims of the format that no checker judges yet, and the part they belong to.
const UNJUDGED: [(&str, &str); 5] = [
    ("no-aborted-read", "transactions"),
    ("no-torn-transaction", "transactions"),
    ("exactly-once", "transactions"),
    ("transactions-finish", "transactions"),
    ("lso-advances", "transactions"),
];

/// Claims that something comes true in time after the heal.
const LIVENESS: [Claim; 4] =
    [Claim::WritesResume, Claim::ReplicasCatchUp, Claim::GroupStabilises, Claim::GroupDrains];

/// How one expectation stands after a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It turned out as expected.
    Met,
    /// It did not: how it turned out instead.
    Failed(Sentence),
    /// Nobody can tell: why.
    Untested(Sentence),
}

/// What expectations may refer to.
pub(crate) struct Court<'c> {
    pub names: &'c Names,
    pub settle: Duration,
    /// The conditions to watch, filled while expectations are read.
    pub watches: Vec<Condition>,
    /// The chances that a sweep shall judge, filled while expectations are read.
    pub chances: Vec<Chance>,
    /// Whether what is read is about the case that is read.
    pub applies: bool,
}

impl<'c> Court<'c> {
    /// Opens it for one case.
    pub fn new(names: &'c Names, settle: Duration) -> Court<'c> {
        Court { names, settle, watches: Vec::new(), chances: Vec::new(), applies: true }
    }

    /// Takes a chance in; one of a case replaces one of the file about the same claim.
    fn take(&mut self, chance: Chance) {
        if self.applies {
            self.chances.retain(|known| known.claim != chance.claim);
            self.chances.push(chance);
        }
    }
}

/// Reads one table of expectations; `where` is not taken here.
pub(crate) fn read(node: &Node, court: &mut Court<'_>, problems: &mut Problems<'_>) -> Vec<Expect> {
    let read = items(node).iter().map(|item| {
        let mut section = Section::open(item, "an expectation", problems)?;
        let expect = one(&mut section, court, problems);
        section.finish(problems);
        expect
    });
    read.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// Reads one expectation out of a table that may have other fields, too.
pub(crate) fn one(
    section: &mut Section<'_>,
    court: &mut Court<'_>,
    problems: &mut Problems<'_>,
) -> Option<Expect> {
    let span = section.span;
    let chance = section.take_entry("chance");
    let mut kinds: Vec<&Entry> = Vec::new();
    for name in ["claim", "anomaly", "reaches"] {
        kinds.extend(section.take_entry(name));
    }
    let breaks = section.take_entry("breaks");
    let untested = section.take_entry("untested");
    let count = section.take_entry("count");
    let within = section.take_entry("within");
    let modifiers = Modifiers { breaks, untested, count, within };
    if let Some(entry) = chance {
        for other in kinds.iter().copied().chain(modifiers.all()) {
            Modifiers::refuse(Some(other), "chance", problems);
        }
        let line = Place::of(problems.source, span.start).line;
        if let Some(chance) = chances::read(&entry.node, line, problems) {
            court.take(chance);
        }
        return None;
    }
    let what = match kinds.as_slice() {
        [kind] if kind.name == "claim" => claim(&kind.node, &modifiers, court, problems),
        [kind] if kind.name == "anomaly" => anomaly(&kind.node, &modifiers, problems),
        [kind] => reaches(&kind.node, &modifiers, court, problems),
        [] => {
            problems
                .error(Code::Missing, span, "this expectation expects nothing")
                .help("Give it `claim`, `anomaly`, `reaches` or `chance`.");
            None
        }
        [_, second, ..] => {
            let message = "an expectation is about one thing";
            problems.error(Code::Contradiction, second.name_span, message);
            None
        }
    };
    let line = Place::of(problems.source, span.start).line;
    Some(Expect { what: what?, line, span: span.start..span.end })
}

/// The fields that say how an expectation is meant.
struct Modifiers<'t> {
    breaks: Option<&'t Entry>,
    untested: Option<&'t Entry>,
    count: Option<&'t Entry>,
    within: Option<&'t Entry>,
}

impl<'t> Modifiers<'t> {
    fn all(&self) -> impl Iterator<Item = &'t Entry> + use<'t> {
        [self.breaks, self.untested, self.count, self.within].into_iter().flatten()
    }

    fn is_true(entry: Option<&Entry>, problems: &mut Problems<'_>) -> Option<bool> {
        entry.and_then(|entry| flag(&entry.node, problems))
    }

    fn refuse(entry: Option<&Entry>, with: &str, problems: &mut Problems<'_>) {
        if let Some(entry) = entry {
            let message = format!("`{}` does not go with `{with}`", entry.name);
            problems.error(Code::Contradiction, entry.name_span, message);
        }
    }
}

fn claim(
    node: &Node,
    modifiers: &Modifiers<'_>,
    court: &Court<'_>,
    problems: &mut Problems<'_>,
) -> Option<Expected> {
    let claim = claim_named(node, problems);
    let breaks = Modifiers::is_true(modifiers.breaks, problems) == Some(true);
    let untested = Modifiers::is_true(modifiers.untested, problems) == Some(true);
    if untested {
        Modifiers::refuse(modifiers.breaks, "untested = true", problems);
    }
    let hope = match (untested, breaks) {
        (true, _) => Hope::Untested,
        (false, true) => Hope::Breaks,
        (false, false) => Hope::Holds,
    };
    let range = modifiers.count.and_then(|entry| count(&entry.node, problems));
    if let (Some(entry), false) = (modifiers.count, breaks) {
        problems
            .error(Code::BadCount, entry.name_span, "`count` needs `breaks = true`")
            .help("A claim that holds has nothing to count.");
    }
    let within = modifiers.within.and_then(|entry| duration(&entry.node, problems));
    let claim = claim?;
    if let Some(entry) = modifiers.within {
        let is_liveness = LIVENESS.contains(&claim);
        if !is_liveness {
            let message = format!("`{}` has no deadline", claim.name());
            problems
                .error(Code::BadDeadline, entry.name_span, message)
                .help(format!("Deadlines belong to {}.", LIVENESS.map(Claim::name).join(", ")));
        } else if within.is_some_and(|within| court.settle < within) {
            problems
                .error(Code::BadDeadline, entry.node.span, "the trial ends before this deadline")
                .help("Raise `sim.settle`.");
        }
    }
    Some(Expected::Claim { claim, hope, count: range, within })
}

pub(crate) fn claim_named(node: &Node, problems: &mut Problems<'_>) -> Option<Claim> {
    let name = text(node, problems)?;
    if let Some(claim) = Claim::by_name(name) {
        return Some(claim);
    }
    if let Some((_, part)) = UNJUDGED.iter().find(|(claim, _)| *claim == name) {
        let message = format!("`{name}` is not judged yet: it belongs to {part}");
        problems.error(Code::UnjudgedClaim, node.span, message);
        return None;
    }
    if let Some(anomaly) = Anomaly::by_name(name) {
        problems
            .error(Code::UnknownClaim, node.span, format!("`{name}` is an anomaly"))
            .label(format!("write anomaly = \"{}\"", anomaly.name()));
        return None;
    }
    unknown(node.span, "claim", name, Claim::ALL.iter().map(|claim| claim.name()), problems);
    None
}

fn anomaly(
    node: &Node,
    modifiers: &Modifiers<'_>,
    problems: &mut Problems<'_>,
) -> Option<Expected> {
    Modifiers::refuse(modifiers.untested, "anomaly", problems);
    Modifiers::refuse(modifiers.within, "anomaly", problems);
    let breaks = Modifiers::is_true(modifiers.breaks, problems);
    let range = modifiers.count.and_then(|entry| count(&entry.node, problems));
    if let (Some(entry), Some(false)) = (modifiers.count, breaks) {
        let message = "an anomaly that is not expected has nothing to count";
        problems.error(Code::BadCount, entry.name_span, message);
    }
    let name = text(node, problems)?;
    let Some(anomaly) = Anomaly::by_name(name) else {
        unknown(node.span, "anomaly", name, Anomaly::ALL.iter().map(|it| it.name()), problems);
        return None;
    };
    let count = match breaks {
        Some(false) => CountRange { least: 0, most: Some(0) },
        _ => range.unwrap_or(CountRange { least: 1, most: None }),
    };
    Some(Expected::Anomaly { anomaly, count })
}

fn reaches(
    node: &Node,
    modifiers: &Modifiers<'_>,
    court: &mut Court<'_>,
    problems: &mut Problems<'_>,
) -> Option<Expected> {
    for entry in [modifiers.breaks, modifiers.untested, modifiers.count, modifiers.within] {
        Modifiers::refuse(entry, "reaches", problems);
    }
    let condition = condition(node, court.names, problems)?;
    court.watches.push(condition);
    let text = text(node, problems)?.to_owned();
    Some(Expected::Reaches { watch: court.watches.len() - 1, text })
}

fn unknown(
    span: Span,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'static str>,
    problems: &mut Problems<'_>,
) {
    let problem = problems.error(Code::UnknownClaim, span, format!("unknown {what} `{name}`"));
    match nearest(name, known) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => problem.help("`trial list claims` prints what there is."),
    };
}

fn count(node: &Node, problems: &mut Problems<'_>) -> Option<CountRange> {
    let read = match &node.value {
        Value::Int(number) => CountRange::read(&number.to_string()),
        Value::Text(text) => CountRange::read(text),
        _ => {
            wrong_type(node, "a count such as \"3..\"", problems);
            return None;
        }
    };
    if read.is_none() {
        problems
            .error(Code::BadCount, node.span, "this is no count")
            .help("Write \"7\", \"3..\", \"..=10\" or \"100..=250\".");
    }
    read
}

/// Reports claims and anomalies that are expected twice.
pub(crate) fn check_once(expects: &[Expect], problems: &mut Problems<'_>) {
    for (at, expect) in expects.iter().enumerate() {
        if let Some(first) = expects[..at].iter().find(|first| same_subject(first, expect)) {
            let span = Span { start: expect.span.start, end: expect.span.end, origin: None };
            let message = if first.what == expect.what {
                "this is expected twice"
            } else {
                "this contradicts another expectation about the same thing"
            };
            let label = format!("the first is in line {}", first.line);
            problems.error(Code::Contradiction, span, message).label(label);
        }
    }
}

/// Says whether two expectations are about the same claim, anomaly or condition.
pub(crate) fn same_subject(one: &Expect, other: &Expect) -> bool {
    match (&one.what, &other.what) {
        (Expected::Claim { claim, .. }, Expected::Claim { claim: same, .. }) => claim == same,
        (Expected::Anomaly { anomaly, .. }, Expected::Anomaly { anomaly: same, .. }) => {
            anomaly == same
        }
        (Expected::Reaches { text, .. }, Expected::Reaches { text: same, .. }) => text == same,
        _ => false,
    }
}

/// Judges one expectation.
pub fn judge(expect: &Expect, outcome: &Outcome) -> Standing {
    match &expect.what {
        Expected::Claim { claim, hope, count, within } => {
            let late = within.and_then(|within| lateness(*claim, within, outcome));
            judge_claim(*claim, *hope, (*count, late), outcome)
        }
        Expected::Anomaly { anomaly, count } => judge_anomaly(*anomaly, *count, outcome),
        Expected::Reaches { watch, text } => match outcome.watches.get(*watch) {
            Some(Some(_)) => Standing::Met,
            Some(None) => Standing::Failed(about(ClauseKind::NeverHeld, text)),
            None => Standing::Untested(about(ClauseKind::NotWatched, text)),
        },
    }
}

/// Judges what is hoped of a claim, and of its deadline if it has one.
pub(crate) fn judge_hope(
    claim: Claim,
    hope: Hope,
    within: Option<Duration>,
    outcome: &Outcome,
) -> Standing {
    let late = within.and_then(|within| lateness(claim, within, outcome));
    judge_claim(claim, hope, (None, late), outcome)
}

/// What came true, but after its deadline.
struct Lateness {
    /// In how many partitions or groups.
    count: u64,
    because: Sentence,
}

/// Says where a liveness claim came true after its deadline, if anywhere.
fn lateness(claim: Claim, within: Duration, outcome: &Outcome) -> Option<Lateness> {
    let judgement = &outcome.judgement;
    let (partitions, groups) = (ClauseKind::PartitionsLate, ClauseKind::GroupsLate);
    let (since, kind): (Vec<Option<Time>>, ClauseKind) = match claim {
        Claim::WritesResume => (judgement.resumed.iter().map(|it| it.1).collect(), partitions),
        Claim::ReplicasCatchUp => (judgement.caught_up.iter().map(|it| it.1).collect(), partitions),
        Claim::GroupStabilises => {
            (judgement.groups_settled.iter().map(|it| it.0).collect(), groups)
        }
        Claim::GroupDrains => (judgement.groups_settled.iter().map(|it| it.1).collect(), groups),
        _ => return None,
    };
    let late = since.iter().flatten().filter(|&&at| outcome.healed_at + within < at);
    let late: Vec<Time> = late.copied().collect();
    let last = late.iter().max()?.since(outcome.healed_at);
    let (count, all) = (late.len() as u64, since.len());
    let (last, within) = (last.to_string().into(), within.to_string().into());
    let values = [claim.name().into(), last, count.into(), (all as u64).into(), within];
    let because = Sentence::of(kind, values);
    Some(Lateness { count, because })
}

fn judge_claim(
    claim: Claim,
    hope: Hope,
    (count, late): (Option<CountRange>, Option<Lateness>),
    outcome: &Outcome,
) -> Standing {
    let name = claim.name();
    let findings = &outcome.judgement.findings;
    let Some(finding) = findings.iter().find(|finding| finding.claim == claim) else {
        return Standing::Untested(about(ClauseKind::NotJudged, name));
    };
    let counted = |found: u64| match count {
        Some(range) if !range.contains(found) => {
            Standing::Failed(Sentence::of(ClauseKind::CountDiffers, [ranged(range), found.into()]))
        }
        _ => Standing::Met,
    };
    if let (Verdict::Holds, Some(late)) = (&finding.verdict, late) {
        return match hope {
            Hope::Breaks => counted(late.count),
            Hope::Holds | Hope::Untested => Standing::Failed(late.because),
        };
    }
    match (&finding.verdict, hope) {
        (Verdict::Holds, Hope::Holds) => Standing::Met,
        (Verdict::Untested(_), Hope::Untested) => Standing::Met,
        (Verdict::Untested(why), Hope::Holds | Hope::Breaks) => Standing::Untested(why.clone()),
        (Verdict::Breaks(evidence), Hope::Breaks) => counted(evidence.count),
        (Verdict::Holds, Hope::Breaks) => {
            let values = [name.into(), finding.risk.into()];
            Standing::Failed(Sentence::of(ClauseKind::HoldsAtRisk, values))
        }
        (Verdict::Breaks(evidence), Hope::Holds) => Standing::Failed(evidence.because.clone()),
        (Verdict::Holds | Verdict::Breaks(_), Hope::Untested) => {
            let values = [name.into(), finding.risk.into()];
            Standing::Failed(Sentence::of(ClauseKind::WasAtRisk, values))
        }
    }
}

fn judge_anomaly(anomaly: Anomaly, count: CountRange, outcome: &Outcome) -> Standing {
    let findings = &outcome.judgement.findings;
    if findings.is_empty() {
        return Standing::Untested(ClauseKind::NothingJudged.into());
    }
    // Several checkers may look at one anomaly; each counts all of it.
    let seen = findings.iter().filter_map(|finding| finding.anomalies.get(&anomaly)).max();
    let seen = seen.copied().unwrap_or(0);
    if count.contains(seen) {
        return Standing::Met;
    }
    let values = [anomaly.name().into(), ranged(count), seen.into()];
    Standing::Failed(Sentence::of(ClauseKind::AnomalyDiffers, values))
}

fn about(kind: ClauseKind, name: &str) -> Sentence {
    Sentence::of(kind, [name.into()])
}

/// Says a range of counts.
pub fn ranged(range: CountRange) -> clause::Value {
    let clause = match (range.least, range.most) {
        (least, Some(most)) if least == most => return least.into(),
        (0, Some(most)) => Clause::new(ClauseKind::AtMost, [most.into()]),
        (least, None) => Clause::new(ClauseKind::AtLeast, [least.into()]),
        (least, Some(most)) => Clause::new(ClauseKind::Between, [least.into(), most.into()]),
    };
    clause.into()
}
