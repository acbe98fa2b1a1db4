//! What the formats for builds need of many trials: one entry per check and case.

use std::env;
use std::path::{self, Path};
use std::time::Duration;

use reports::expected::{Check, checks};
use reports::junit::{Checked, Seen, Suite};
use reports::verdict::Came;
use scenarios::Trial;

use crate::load::Loaded;
use crate::work::Unit;

/// Trials that are named beside the first one in which a check came as it did.
const OTHERS_MAX: usize = 9;

/// Checks of many trials, added up.
#[derive(Debug, Default)]
pub struct Tally {
    /// The scenarios in order, each with its place among those that were loaded.
    suites: Vec<(usize, Suite)>,
}

/// Whether what was never put to the test counts as failed (`--strict`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untested {
    /// It is skipped.
    Skipped,
    /// It has failed.
    Failed,
}

impl Tally {
    /// Adds a trial.
    pub fn take(
        &mut self,
        (file, unit): (&Loaded, Unit),
        (trial, took): (&Trial, Duration),
        again: &str,
        untested: Untested,
    ) {
        if self.suites.last().is_none_or(|(place, _)| *place != unit.scenario) {
            let scenario = file.scenario.name.clone();
            let (file, checks, took) = (place(&file.given), Vec::new(), Duration::ZERO);
            self.suites.push((unit.scenario, Suite { scenario, file, checks, took }));
        }
        let Some((_, suite)) = self.suites.last_mut() else { return };
        suite.took += took;
        let case = &file.scenario.cases[unit.case];
        for mut check in checks(case, trial) {
            let text = check.text.to_string();
            if (check.came, untested) == (Came::Untested, Untested::Failed) {
                check.came = Came::False;
            }
            let (seed, digest) = (unit.seed, trial.outcome.digest);
            let why = check.why.as_ref().map(ToString::to_string).unwrap_or_default();
            let seen = Seen { seed, digest, why, again: again.to_owned() };
            let known = suite
                .checks
                .iter_mut()
                .rev()
                .take_while(|it| it.case == case.name)
                .find(|it| it.text == text && it.line == check.line);
            match known {
                Some(known) => add(known, check.came, seen, took),
                None => suite.checks.push(first((text, check), case.name.clone(), seen, took)),
            }
        }
    }

    /// Returns the scenarios with their checks.
    pub fn suites(self) -> Vec<Suite> {
        self.suites.into_iter().map(|(_, suite)| suite).collect()
    }
}

fn first((text, check): (String, Check), case: String, seen: Seen, took: Duration) -> Checked {
    let Check { came, line, .. } = check;
    let (others, count, trials) = (Vec::new(), 1, 1);
    Checked { text, case, line, came, first: seen, others, count, trials, took }
}

fn add(known: &mut Checked, came: Came, seen: Seen, took: Duration) {
    known.trials += 1;
    known.took += took;
    if badness(known.came) < badness(came) {
        (known.came, known.first, known.count) = (came, seen, 1);
        known.others.clear();
    } else if known.came == came {
        known.count += 1;
        if came != Came::True && known.others.len() < OTHERS_MAX {
            known.others.push(seen);
        }
    }
}

fn badness(came: Came) -> u8 {
    match came {
        Came::True => 0,
        Came::Untested => 1,
        Came::False => 2,
    }
}

/// Returns where a file lies within its repository, or else below the working directory;
/// `None` for a scenario of the library.
fn place(given: &str) -> Option<String> {
    if !Path::new(given).is_file() {
        return None;
    }
    let absolute = path::absolute(given).ok()?;
    let repository = absolute.ancestors().find(|folder| folder.join(".git").exists());
    let root = match repository {
        Some(folder) => folder.to_path_buf(),
        None => env::current_dir().ok()?,
    };
    let below = absolute.strip_prefix(&root).unwrap_or(&absolute);
    Some(below.display().to_string())
}
