//! Trials of a scenario file: its cases in turn, each with faults of its own.

use crate::nemesis::Nemesis;
use crate::scenario::{Case, Scenario};
use crate::search::subject::{Source, Subject};
use crate::search::violation::Oracle;

/// Draws trials from the cases of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct FileSource {
    name: String,
    /// The cases to draw from, with their places in the scenario; each has a nemesis.
    cases: Vec<(usize, Case, Oracle)>,
}

impl FileSource {
    /// Takes the cases at these places. A case without `[nemesis]` gets one that allows
    /// everything and keeps nothing.
    ///
    /// # Panics
    /// If no case is picked, or one that the scenario does not have.
    pub fn new(scenario: &Scenario, cases: Vec<usize>) -> FileSource {
        assert!(!cases.is_empty(), "a search needs a case");
        let with_faults = |place: usize| {
            let mut case = scenario.cases[place].clone();
            case.nemesis.get_or_insert_with(Nemesis::default);
            let oracle = Oracle::of(&case);
            (place, case, oracle)
        };
        let cases = cases.into_iter().map(with_faults).collect();
        FileSource { name: scenario.name.clone(), cases }
    }

    /// Returns the case of a seed as it is run: with all of its faults as steps.
    pub fn case(&self, seed: u64) -> Case {
        self.pick(seed).1.drawn(seed)
    }

    fn pick(&self, seed: u64) -> &(usize, Case, Oracle) {
        &self.cases[(seed % self.cases.len() as u64) as usize]
    }
}

impl Source for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn draw(&self, seed: u64) -> Subject {
        let (place, case, oracle) = self.pick(seed);
        let mut plan = case.paced(seed);
        if let Some(nemesis) = &case.nemesis {
            nemesis.draw(&mut plan, seed);
        }
        Subject { plan, oracle: oracle.clone(), case: *place }
    }
}
