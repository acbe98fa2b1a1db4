//! Runs one case of a scenario and holds its expectations against what came out.

use sim::clause::{ClauseKind, Sentence};
use sim::outcome::{Ended, Outcome};
use sim::plan::{Action, Plan, Required};

use crate::expect::{Standing, judge};
use crate::scenario::{Case, Scenario};

/// One run of one case, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The case's place in the scenario.
    pub case: usize,
    /// The seed.
    pub seed: u64,
    /// What the run left behind.
    pub outcome: Outcome,
    /// How each expectation of the case stands, in order.
    pub expectations: Vec<(usize, Standing)>,
    /// What else there is to say.
    pub notes: Vec<Note>,
}

/// Something about a trial that is no expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it means for the trial.
    pub class: Class,
    /// The line of the file that it is about, if any.
    pub line: Option<usize>,
    /// What happened.
    pub text: Sentence,
}

/// How a trial turned out; the exit code follows from the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Everything was as expected, disasters included.
    AsExpected,
    /// Something was never put to the test.
    Untested,
    /// Something was not as expected.
    Unexpected,
    /// The tool itself is at fault.
    ToolFault,
}

impl Class {
    /// Returns the exit code of a trial of this class.
    pub fn exit_code(self) -> u8 {
        match self {
            Class::AsExpected => 0,
            Class::Unexpected => 1,
            Class::Untested => 3,
            Class::ToolFault => 5,
        }
    }
}

/// Runs a case.
///
/// # Panics
/// If the scenario has no such case.
pub fn run(scenario: &Scenario, case: usize, seed: u64, options: sim::Options) -> Trial {
    run_with(scenario, case, seed, |plan| sim::run(plan, options))
}

/// Runs a case by a simulator of one's own choice.
///
/// # Panics
/// If the scenario has no such case.
pub fn run_with(
    scenario: &Scenario,
    case: usize,
    seed: u64,
    simulate: impl Fn(&Plan) -> Outcome,
) -> Trial {
    let played = scenario.cases[case].drawn(seed);
    let outcome = simulate(&played.plan);
    let expectations = played
        .expects
        .iter()
        .enumerate()
        .map(|(at, expect)| (at, judge(expect, &outcome)))
        .collect();
    let notes = notes(&played, &outcome);
    Trial { case, seed, outcome, expectations, notes }
}

impl Trial {
    /// Returns how the trial turned out: the worst of its expectations and notes.
    pub fn class(&self) -> Class {
        let expectations = self.expectations.iter().map(|(_, standing)| match standing {
            Standing::Met => Class::AsExpected,
            Standing::Untested(_) => Class::Untested,
            Standing::Failed(_) => Class::Unexpected,
        });
        let notes = self.notes.iter().map(|note| note.class);
        expectations.chain(notes).max().unwrap_or(Class::AsExpected)
    }
}

fn notes(case: &Case, outcome: &Outcome) -> Vec<Note> {
    let mut notes = Vec::new();
    match &outcome.ended {
        Ended::InTime => {}
        Ended::TooManyEvents => notes.push(Note {
            class: Class::Unexpected,
            line: None,
            text: Sentence::of(
                ClauseKind::TooManyEvents,
                [outcome.totals.events.into(), outcome.totals.end.to_string().into()],
            ),
        }),
        Ended::Panicked(message) => notes.push(Note {
            class: Class::Unexpected,
            line: None,
            text: Sentence::of(ClauseKind::AssertionBroken, [message.as_str().into()]),
        }),
    }
    let steps = &case.plan.steps;
    if outcome.steps.len() != steps.len() || outcome.rules_applied.len() != steps.len() {
        // A run that panicked may have left nothing behind.
        if outcome.ended == Ended::InTime {
            let text = ClauseKind::AnotherPlan.into();
            notes.push(Note { class: Class::ToolFault, line: None, text });
        }
        return notes;
    }
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.required == Required::Yes) {
        let info = &case.steps[at];
        let is_rule = matches!(step.action, Action::Rule(_));
        let text = match outcome.steps[at] {
            None => Sentence::of(ClauseKind::StepNeverFired, [info.verb.as_str().into()]),
            Some(_) if is_rule && outcome.rules_applied[at] == 0 => ClauseKind::RuleNeverMet.into(),
            Some(_) => continue,
        };
        notes.push(Note { class: Class::Untested, line: Some(info.line), text });
    }
    notes
}
