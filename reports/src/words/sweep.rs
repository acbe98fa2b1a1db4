//! The words about sweeps: what they are for, and the English ones.

use serde::Serialize;

/// How often claims break in many runs of many settings.
#[derive(Serialize)]
pub struct SweepWords {
    /// Heads a scenario with one setting: its runs, where their seeds come from.
    pub head: &'static str,
    /// Heads a scenario with several: the runs of each, where their seeds come from, settings.
    pub head_of_many: &'static str,
    /// Runs that put a claim to the test.
    pub at_risk: &'static str,
    /// The first seed that breaks a claim, the worst one, and how much that breaks.
    pub seeds: &'static str,
    /// Runs that were stopped or ended by an assertion, and all runs.
    pub unfinished: &'static str,
    /// Claims that no run breaks: the highest value of their share, runs, the claims.
    pub never: &'static str,
    /// The same of each of several settings.
    pub never_in_each: &'static str,
    /// Heads a comparison: the setting that the others are compared with.
    pub compared: &'static str,
    /// Heads the column of settings that are compared with it.
    pub other: &'static str,
    /// Heads the columns of pairs: broken in both, in the first only, in the other only, in none.
    pub pairs: [&'static str; 4],
    /// Heads the column of differences.
    pub less: &'static str,
    /// A difference in points, its lowest and its highest value, how likely chance gives it.
    pub difference: &'static str,
    /// A share of no runs.
    pub no_runs: &'static str,
    /// Broken runs, all runs, the highest value of their share: none of the runs is broken.
    pub none: &'static str,
    /// The same with the lowest value of their share: all are broken.
    pub all: &'static str,
    /// The same with the share, its lowest and its highest value, and how people say it.
    pub some: &'static str,
    /// A small share as people say it.
    pub one_in: &'static str,
    /// Half of the runs.
    pub every_other: &'static str,
    /// A large share in tenths.
    pub in_ten: &'static str,
    /// Nearly all runs.
    pub all_but: &'static str,
    /// What the numbers in brackets are.
    pub brackets: &'static str,
    /// What a share means and what it does not.
    pub meaning: &'static str,
    /// Heads the chances.
    pub chances: &'static str,
    /// A chance: its scenario, the line of the file, what it says.
    pub at_line: &'static str,
    /// A claim, the range of its share, how certain, how that stands, the share.
    pub should: &'static str,
    /// A share between two bounds.
    pub between: &'static str,
    /// A share with a lower bound.
    pub at_least: &'static str,
    /// A share with an upper bound.
    pub at_most: &'static str,
    /// A share without bounds.
    pub any: &'static str,
    /// How a chance stands, in order of `Judged`.
    pub standings: [&'static str; 3],
    /// The seeds that the report names came again.
    pub came_again: &'static str,
    /// It was interrupted.
    pub cut_short: &'static str,
}

/// English.
pub const SWEEP: SweepWords = SweepWords {
    head: "{0}, from seed {1}",
    head_of_many: "{0} of each of {2} settings, the same seeds, from seed {1}",
    at_risk: "at risk in {0}",
    seeds: "first seed {0}, worst seed {1} ({2})",
    unfinished: "{0} of {1} runs did not reach their end",
    never: "never broken, so below {0} (0 of {1}): {2}",
    never_in_each: "never broken, so below {0} in each setting (0 of {1}): {2}",
    compared: "broken, compared with {0} (A)",
    other: "B",
    pairs: ["both", "only A", "only B", "neither"],
    less: "B less A, with 95 % interval",
    difference: "{0} points ({1} to {2}), {3}",
    no_runs: "no runs",
    none: "{0} of {1}, below {2}",
    all: "{0} of {1}, above {2}",
    some: "{0} of {1} runs, {2} ({3}–{4}), {5}",
    one_in: "about 1 in {0}",
    every_other: "about every other",
    in_ten: "about {0} in 10",
    all_but: "all but 1 in {0}",
    brackets: "In brackets and after `below` and `above`: exact 95 % intervals (Clopper–Pearson).",
    meaning: "A share of runs under the faults that the file describes, each run with another \
        seed. It says how this scenario goes, and is no forecast for a data centre.",
    chances: "Chances that the files expect",
    at_line: "{0}, line {1}: {2}",
    should: "{0} should break in {1} of runs ({2} certain): {3} ({4})",
    between: "{0} to {1}",
    at_least: "at least {0}",
    at_most: "at most {0}",
    any: "any number",
    standings: ["so it is", "that is not certain: more runs would tell", "so it is not"],
    came_again: "Each first and worst seed was run once more, and broke the same.",
    cut_short: "interrupted: this is what was found until then",
};
