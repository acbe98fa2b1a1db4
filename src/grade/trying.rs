//! Runs a story or a student's scenario with many seeds, within limits.

use std::collections::BTreeMap;
use std::time::Instant;

use model::message::cluster::TopicLayout;
use model::rules::Rules;
use reports::text::fill;
use reports::words::Words;
use scenarios::{Diagnostic, Overrides, Place, Scenario, Severity, library, parse};
use sim::outcome::Ended;
use sim::plan::{Action, Plan};
use sim::verdict::{Claim, Finding, Verdict};
use sim::{KeepHistory, Options};

use super::answer::clean;
use super::exercise::Setup;
use super::judging::TooSlow;
use super::measures::{Measured, conditions};

/// Events after which a trial of an answer is stopped.
const EVENTS_MAX: u64 = 1_000_000;
/// Brokers of a student's scenario.
const BROKERS_MAX: usize = 7;
/// Clients of a student's scenario.
const CLIENTS_MAX: usize = 12;
/// Partitions of a student's scenario.
const PARTITIONS_MAX: usize = 32;
/// Seconds of simulated time of a student's scenario.
const SECONDS_MAX: u64 = 300;

/// A scenario that is about to be run with many seeds.
pub struct Trying {
    scenario: Scenario,
    measured: Vec<Measured>,
    given: String,
    set: Vec<(String, String)>,
    rules: Vec<(String, String)>,
}

/// A scenario that was run with many seeds.
pub struct Tried {
    /// What a command calls the scenario.
    pub given: String,
    /// What is set in it.
    pub set: Vec<(String, String)>,
    /// Which rules are changed.
    pub rules: Vec<(String, String)>,
    /// What came out: the public seeds first, ascending.
    pub seen: Vec<Seen>,
}

/// What came out of one trial.
pub struct Seen {
    /// Its seed.
    pub seed: u64,
    /// Whether only the teacher may know it.
    pub is_hidden: bool,
    /// Whether it reached its end.
    pub ended: bool,
    /// Whether a fault happened in it.
    pub faulty: bool,
    numbers: BTreeMap<Measured, u64>,
    findings: Vec<Finding>,
}

/// How a claim stood.
pub enum Stood {
    /// It was at risk and held.
    Holds,
    /// It broke: why.
    Breaks(String),
    /// It was never at risk: why.
    Untested(String),
}

impl Seen {
    /// Returns a number that was measured.
    pub fn number(&self, measured: &Measured) -> u64 {
        self.numbers.get(measured).copied().unwrap_or(0)
    }

    /// Returns how a claim stood.
    pub fn stood(&self, claim: Claim, words: &Words) -> Stood {
        let finding = self.findings.iter().find(|finding| finding.claim == claim);
        match finding.map(|finding| &finding.verdict) {
            Some(Verdict::Holds) => Stood::Holds,
            Some(Verdict::Breaks(evidence)) => Stood::Breaks(evidence.because.say(&words.grammar)),
            Some(Verdict::Untested(why)) => Stood::Untested(why.say(&words.grammar)),
            None => Stood::Untested(String::new()),
        }
    }
}

impl Trying {
    /// Prepares a scenario of the library with settings and rules.
    ///
    /// # Errors
    /// Why it cannot be run.
    pub fn story(
        base: &str,
        set: Vec<(String, String)>,
        rules: &[(String, String)],
        measured: &[Measured],
    ) -> Result<Trying, String> {
        let entry = library::find(base).ok_or_else(|| base.to_owned())?;
        let overrides = overrides(&set, rules, measured);
        let scenario = parse(entry.name, entry.source, &overrides)
            .map_err(|problems| first(&problems, entry.source).1)?
            .0;
        let (rules, measured) = (rules.to_vec(), measured.to_vec());
        Ok(Trying { scenario, measured, given: base.to_owned(), set, rules })
    }

    /// Prepares a student's scenario.
    ///
    /// # Errors
    /// Why it cannot be run, or must not.
    pub fn file(
        (name, given): (&str, &str),
        text: &str,
        (setup, steps_max): (&Setup, usize),
        measured: &[Measured],
        words: &Words,
    ) -> Result<Trying, String> {
        let read = |overrides: &Overrides| {
            parse(name, text, overrides).map(|(scenario, _)| scenario).map_err(|problems| {
                let (line, why) = first(&problems, text);
                fill(words.grade.bad_scenario, &[name, &line.to_string(), &why])
            })
        };
        within(name, &read(&Overrides::default())?, steps_max, words)?;
        let (set, rules) = (setup.set.clone(), setup.rules.clone());
        let scenario = read(&overrides(&set, &rules, measured))?;
        let (measured, given) = (measured.to_vec(), given.to_owned());
        Ok(Trying { scenario, measured, given, set, rules })
    }

    /// Runs it with every seed; stops after a trial that does not end.
    ///
    /// # Errors
    /// If it takes too long.
    pub fn run(
        self,
        public: &[u64],
        hidden: &[u64],
        until: Option<Instant>,
    ) -> Result<Tried, TooSlow> {
        let keeps = self.measured.iter().any(|it| it.needs() == KeepHistory::Yes);
        let keep_history = if keeps { KeepHistory::Yes } else { KeepHistory::No };
        let options = Options { keep_history, ..Options::default() };
        let watched = conditions(&self.measured);
        let mut seen: Vec<Seen> = Vec::new();
        let seeds = public.iter().map(|seed| (*seed, false));
        for (seed, is_hidden) in seeds.chain(hidden.iter().map(|seed| (*seed, true))) {
            if until.is_some_and(|until| until < Instant::now()) {
                return Err(TooSlow);
            }
            if seen.last().is_some_and(|seen| !seen.ended) {
                break;
            }
            let mut case = self.scenario.cases[0].drawn(seed);
            case.plan.events_max = case.plan.events_max.min(EVENTS_MAX);
            let outcome = sim::run(&case.plan, options);
            let fired = case.plan.steps.iter().zip(&outcome.steps);
            seen.push(Seen {
                seed,
                is_hidden,
                ended: outcome.ended == Ended::InTime,
                faulty: fired.into_iter().any(|(step, at)| at.is_some() && step.action.hurts()),
                numbers: (self.measured.iter())
                    .map(|it| (it.clone(), it.of(&outcome, &watched)))
                    .collect(),
                findings: outcome.judgement.findings,
            });
        }
        Ok(Tried { given: self.given, set: self.set, rules: self.rules, seen })
    }
}

/// Returns what is changed in a file: settings, rules, and what it waits for, where that is
/// measured. Nothing is graded by what a file itself expects.
fn overrides(
    set: &[(String, String)],
    rules: &[(String, String)],
    measured: &[Measured],
) -> Overrides {
    let mut set = set.to_vec();
    let watched = conditions(measured).into_iter().map(|condition| {
        toml::Value::Table([("reaches".to_owned(), condition.into())].into_iter().collect())
    });
    let watched: Vec<toml::Value> = watched.collect();
    if !watched.is_empty() {
        set.push(("expect".to_owned(), toml::Value::Array(watched).to_string()));
    }
    Overrides { set, rules: rules.to_vec(), ..Overrides::default() }
}

/// Returns the line and the message of the first error.
fn first(problems: &[Diagnostic], source: &str) -> (usize, String) {
    let error = problems.iter().find(|it| it.severity == Severity::Error);
    let error = error.or(problems.first());
    error.map_or((0, String::new()), |it| {
        (Place::of(source, it.span.start).line, clean(&it.message))
    })
}

/// Makes sure that a student's scenario is no larger than an exercise needs.
fn within(name: &str, scenario: &Scenario, steps_max: usize, words: &Words) -> Result<(), String> {
    let grade = &words.grade;
    let [case] = scenario.cases.as_slice() else {
        let count = scenario.cases.len().to_string();
        return Err(fill(grade.too_much, &[name, grade.cases, &count, "1"]));
    };
    let plan = &case.plan;
    if plan.rules != Rules::default() {
        return Err(fill(grade.own_rules, &[name]));
    }
    let acting = plan.steps.iter().filter(|step| !matches!(step.action, Action::Mark(_)));
    let counts = [
        (grade.steps, acting.count(), steps_max),
        (grade.brokers, plan.brokers.len(), BROKERS_MAX),
        (grade.clients, plan.clients.len(), CLIENTS_MAX),
        (grade.partitions, partitions(plan), PARTITIONS_MAX),
    ];
    for (what, count, most) in counts {
        if most < count {
            let (count, most) = (count.to_string(), most.to_string());
            return Err(fill(grade.too_much, &[name, what, &count, &most]));
        }
    }
    let seconds = plan.faults_for.0.saturating_add(plan.settle.0) / 1_000_000;
    if SECONDS_MAX < seconds {
        let (seconds, most) = (seconds.to_string(), SECONDS_MAX.to_string());
        return Err(fill(grade.too_long, &[name, &seconds, &most]));
    }
    Ok(())
}

/// Counts the partitions that a plan can come to have.
fn partitions(plan: &Plan) -> usize {
    let usual = usize::from(plan.controller.config.num_partitions);
    let of_topics = plan.topics.iter().map(|topic| match &topic.layout {
        TopicLayout::Counts { partitions, .. } => partitions.map_or(usual, usize::from),
        TopicLayout::Manual(placement) => placement.len(),
    });
    let added = plan.steps.iter().map(|step| match step.action {
        Action::AddPartitions(_, count) => usize::from(count),
        _ => 0,
    });
    of_topics.chain(added).sum()
}
