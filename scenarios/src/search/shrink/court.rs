//! Asks of candidates whether they still show what is looked for.
//!
//! The answer to a question depends on the plan alone, so it is asked once. Candidates of one
//! round run side by side, and the first in order wins: who is asked, what is accepted and how
//! much is counted is the same for any number of threads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hasher};
use std::thread;

use model::time::Time;
use sim::plan::Plan;
use sim::{Host, KeepHistory, Options};

use super::ending::is_a_deadline;
use super::promise::keeps_promises;
use super::{Budget, Other};
use crate::search::campaign::{TRIAL, aside};
use crate::search::subject::Subject;
use crate::search::violation::Violation;

/// Says what is wrong with a plan's trial.
pub(super) type Judge<'a> = &'a (dyn Fn(&Plan) -> Vec<Violation> + Sync);

/// Judges candidates, within a budget.
pub(super) struct Court<'a> {
    judge: Judge<'a>,
    subject: &'a Subject,
    wanted: &'a Violation,
    budget: Budget<'a>,
    jobs: usize,
    /// What is wrong with each plan that was run, by its key.
    answers: BTreeMap<u64, Vec<Violation>>,
    /// The plans that were asked about in order; others have an answer ahead of time at most.
    asked: BTreeSet<u64>,
    /// The plans that were accepted: none is accepted twice, so that no two passes undo each
    /// other's work for ever.
    accepted: BTreeSet<u64>,
    /// What the subject itself breaks.
    known: Vec<Violation>,
    others: Vec<Other>,
    spent: Spent,
}

/// What has become of the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// There is some left.
    Not,
    /// All runs are used.
    Runs,
    /// Somebody outside said stop.
    Stopped,
}

impl<'a> Court<'a> {
    pub(super) fn new(
        (subject, wanted): (&'a Subject, &'a Violation),
        judge: Judge<'a>,
        budget: Budget<'a>,
        jobs: usize,
    ) -> Court<'a> {
        Court {
            judge,
            subject,
            wanted,
            budget,
            jobs: jobs.max(1),
            answers: BTreeMap::new(),
            asked: BTreeSet::new(),
            accepted: BTreeSet::new(),
            known: Vec::new(),
            others: Vec::new(),
            spent: Spent::Not,
        }
    }

    /// Says whether the subject itself shows what is looked for.
    pub(super) fn is_broken(&mut self) -> bool {
        let plan = self.subject.plan.clone();
        let key = key(&plan);
        self.answer(vec![(key, plan)]);
        self.asked.insert(key);
        self.accepted.insert(key);
        self.known = self.answers.get(&key).cloned().unwrap_or_default();
        self.known.contains(self.wanted)
    }

    /// Returns the first candidate that still shows what is looked for, and its place.
    pub(super) fn first(
        &mut self,
        candidates: impl IntoIterator<Item = Plan>,
    ) -> Option<(usize, Plan)> {
        let mut candidates = candidates.into_iter().enumerate().peekable();
        while candidates.peek().is_some() && self.goes_on() {
            let mut wave = Vec::new();
            while wave.len() < self.jobs
                && let Some((place, plan)) = candidates.next()
            {
                let key = key(&plan);
                let is_new = !self.accepted.contains(&key);
                if is_new && keeps_promises(&self.subject.plan, &plan, self.wanted) {
                    wave.push((place, key, plan));
                }
            }
            if let Some(found) = self.try_wave(wave) {
                return Some(found);
            }
        }
        None
    }

    fn try_wave(&mut self, wave: Vec<(usize, u64, Plan)>) -> Option<(usize, Plan)> {
        let unknown = wave.iter().filter(|(_, key, _)| !self.answers.contains_key(key));
        self.answer(unknown.map(|(_, key, plan)| (*key, plan.clone())).collect());
        for (place, key, plan) in wave {
            let violations = self.ask(key, &plan)?;
            if violations.contains(self.wanted) {
                self.accepted.insert(key);
                return Some((place, plan));
            }
        }
        None
    }

    /// Returns when the steps of a plan fire; `None` if the plan cannot be run.
    pub(super) fn fired(&self, plan: &Plan) -> Option<Vec<Option<Time>>> {
        let options =
            Options { keep_history: KeepHistory::No, host: Host::Bare, ..Options::default() };
        aside(|| sim::run(plan, options)).ok().map(|outcome| outcome.steps)
    }

    /// Returns what is wrong with a plan; `None` if the budget does not allow to ask.
    pub(super) fn verdict(&mut self, plan: &Plan) -> Option<Vec<Violation>> {
        if !self.goes_on() {
            return None;
        }
        let key = key(plan);
        if !self.answers.contains_key(&key) {
            self.answer(vec![(key, plan.clone())]);
        }
        let others = self.others.len();
        let violations = self.ask(key, plan);
        // What was asked for its own sake is no finding: it may promise less.
        self.others.truncate(others);
        violations
    }

    /// Counts a question and notes what else is wrong with the plan.
    fn ask(&mut self, key: u64, plan: &Plan) -> Option<Vec<Violation>> {
        let violations = self.answers.get(&key).cloned().unwrap_or_default();
        if self.asked.contains(&key) {
            return Some(violations);
        }
        if self.budget.runs <= self.runs() {
            self.spent = Spent::Runs;
            return None;
        }
        self.asked.insert(key);
        for violation in &violations {
            // Deadlines count from the heal, which comes sooner in some candidates.
            let is_early = plan.faults_for < self.subject.plan.faults_for;
            let is_known = violation == self.wanted
                || is_early && is_a_deadline(violation)
                || self.known.contains(violation)
                || self.others.iter().any(|other| other.violation == *violation);
            if !is_known && keeps_promises(&self.subject.plan, plan, violation) {
                let subject = Subject { plan: plan.clone(), ..self.subject.clone() };
                self.others.push(Other { violation: violation.clone(), subject });
            }
        }
        Some(violations)
    }

    /// Runs plans side by side.
    fn answer(&mut self, plans: Vec<(u64, Plan)>) {
        let judge = self.judge;
        let answers: Vec<Vec<Violation>> = thread::scope(|scope| {
            let trials: Vec<_> = plans
                .iter()
                .map(|(_, plan)| {
                    let builder = thread::Builder::new().name(TRIAL.to_owned());
                    builder
                        .spawn_scoped(scope, move || judge(plan))
                        .expect("the host can start a thread")
                })
                .collect();
            trials.into_iter().map(|trial| trial.join().unwrap_or_else(panicked)).collect()
        });
        self.answers.extend(plans.into_iter().map(|(key, _)| key).zip(answers));
    }

    fn goes_on(&mut self) -> bool {
        if self.spent == Spent::Not && (self.budget.stop)() {
            self.spent = Spent::Stopped;
        }
        self.spent == Spent::Not
    }

    /// Returns what is looked for.
    pub(super) fn wanted(&self) -> &Violation {
        self.wanted
    }

    /// Returns what has become of the budget.
    pub(super) fn spent(&self) -> Spent {
        self.spent
    }

    /// Returns how many trials were needed so far, the subject's own included.
    pub(super) fn runs(&self) -> u64 {
        self.asked.len() as u64
    }

    /// Returns how many more trials the budget allows.
    pub(super) fn runs_left(&self) -> u64 {
        self.budget.runs.saturating_sub(self.runs())
    }

    /// Returns what else was found on the way.
    pub(super) fn into_others(self) -> Vec<Other> {
        self.others
    }
}

/// A trial that could not even begin, or not be judged, is a finding as well.
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Vec<Violation> {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    vec![Violation::Assertion(text.unwrap_or_else(|| "a panic without a message".to_owned()))]
}

/// Returns what tells a plan from all others.
fn key(plan: &Plan) -> u64 {
    struct Digest(DefaultHasher);
    impl Write for Digest {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut digest = Digest(DefaultHasher::new());
    write!(digest, "{plan:?}").expect("a digest takes any text");
    digest.0.finish()
}
