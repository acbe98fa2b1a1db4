//! What a search runs: a plan, and what must hold in it.

use sim::outcome::Outcome;
use sim::plan::Plan;
use sim::{Host, KeepHistory, Options};

use crate::search::violation::{Oracle, Violation};

/// One trial to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Everything that is decided before it, the seed of its residue included.
    pub plan: Plan,
    /// What must hold.
    pub oracle: Oracle,
    /// Which case of its source it is, from 0.
    pub case: usize,
}

/// Where the trials of a campaign come from.
pub trait Source: Sync {
    /// Returns the name that reports use: a scenario's, or `any`.
    fn name(&self) -> &str;

    /// Draws a trial. The same seed gives the same trial.
    fn draw(&self, seed: u64) -> Subject;
}

impl Subject {
    /// Runs the trial on the calling thread, without keeping its history.
    pub fn run(&self) -> Outcome {
        let options =
            Options { keep_history: KeepHistory::No, host: Host::Bare, ..Options::default() };
        sim::run(&self.plan, options)
    }

    /// Runs the trial and returns what is wrong with it.
    pub fn violations(&self) -> Vec<Violation> {
        self.oracle.violations(&self.run())
    }
}
