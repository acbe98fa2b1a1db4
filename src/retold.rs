//! One trial run again with its history, to be shown.

use reports::expected::{expected, says};
use reports::story::Story;
use reports::verdict::{Expected, Helped};
use reports::words::Words;
use scenarios::{Case, Overrides, Trial};
use sim::Options;
use sim::outcome::Outcome;
use sim::plan::Plan;

use crate::args::Selection;
use crate::counterfactual::{self, Told};
use crate::load::Loaded;
use crate::work::{self, Unit};

/// A trial with everything that a report says of it.
pub struct Retold<'a> {
    file: &'a Loaded,
    unit: Unit,
    plan: Plan,
    trial: Trial,
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
        let case = &file.scenario.cases[unit.case];
        let expected = expected(case, &trial);
        let again = selection.again(&file.given, unit.seed, &case.settings);
        Retold { file, unit, plan: case.drawn(unit.seed), trial, expected, again }
    }

    /// Returns the matrix case.
    pub fn case(&self) -> &'a Case {
        &self.file.scenario.cases[self.unit.case]
    }

    /// Returns what came out.
    pub fn outcome(&self) -> &Outcome {
        &self.trial.outcome
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
            plan: &self.plan,
            outcome: &self.trial.outcome,
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
