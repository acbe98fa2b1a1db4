//! One trial run again with its history, to be shown.

use std::cell::OnceCell;

use reports::expected::{expected, says};
use reports::story::{Story, Subject};
use reports::trace::Trace;
use reports::verdict::{Expected, Helped};
use reports::words::Words;
use scenarios::{Case, Overrides, Trial};
use sim::Options;
use sim::outcome::Outcome;

use crate::args::Selection;
use crate::counterfactual::{self, Told};
use crate::load::Loaded;
use crate::work::{self, Unit};

/// A trial with everything that a report says of it.
pub struct Retold<'a> {
    file: &'a Loaded,
    unit: Unit,
    /// The matrix case with everything that the seed draws.
    case: Case,
    trial: Trial,
    /// What happened, as far as the history was kept.
    trace: OnceCell<Trace>,
    /// What the file expects.
    pub expected: Vec<Expected>,
    /// The command that runs it again.
    pub again: String,
}

impl<'a> Retold<'a> {
    /// Runs a trial with its history.
    pub fn run(loaded: &'a [Loaded], unit: Unit, selection: &Selection) -> Retold<'a> {
        let trial = work::trial(loaded, unit, Options::default());
        Retold::of(loaded, unit, trial, selection)
    }

    /// Takes a trial that was run; reports of it need its history.
    pub fn of(loaded: &'a [Loaded], unit: Unit, trial: Trial, selection: &Selection) -> Retold<'a> {
        let file = &loaded[unit.scenario];
        let case = file.scenario.cases[unit.case].drawn(unit.seed);
        let expected = expected(&case, &trial);
        let again = selection.again(&file.given, unit.seed, &case.settings);
        Retold { file, unit, case, trial, trace: OnceCell::new(), expected, again }
    }

    /// Returns the matrix case, with everything that the seed draws.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// Returns what came out.
    pub fn outcome(&self) -> &Outcome {
        &self.trial.outcome
    }

    /// Returns what happened.
    pub fn trace(&self) -> &Trace {
        self.trace.get_or_init(|| self.trace_as(&self.again))
    }

    /// Returns what happened, with another command that shows it again.
    pub fn trace_as(&self, again: &str) -> Trace {
        Trace::of(&Subject {
            scenario: &self.file.scenario.name,
            case: &self.case().name,
            seed: self.unit.seed,
            again,
            plan: &self.case.plan,
            outcome: &self.trial.outcome,
        })
    }

    /// Does something with the story of the trial in a language.
    pub fn tell<T>(&self, words: &'static Words, f: impl FnOnce(&Story<'_>) -> T) -> T {
        let (scenario, case) = (&self.file.scenario, self.case());
        let says = says(case, words);
        f(&Story {
            scenario: &scenario.name,
            title: words.of(&scenario.title),
            case: &case.name,
            seed: self.unit.seed,
            plan: &case.plan,
            outcome: &self.trial.outcome,
            trace: self.trace(),
            says: &says,
            ask: scenario.ask.as_ref(),
            words,
        })
    }

    /// Runs the trials that show what would have helped.
    pub fn helped(&self, overrides: &Overrides) -> Vec<Helped> {
        let (case, seed) = (self.unit.case, self.unit.seed);
        let told = Told { file: self.file, case, seed, overrides };
        counterfactual::helped(told, &self.trial.outcome)
    }
}
