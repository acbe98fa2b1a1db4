//! The words about searches: what they are for, and the English ones.

use serde::Serialize;

use super::Noun;

/// What a search has found, and how hard it has looked.
#[derive(Serialize)]
pub struct Fuzz {
    /// Heads a finding.
    pub broken: &'static str,
    /// The matrix case of a finding.
    pub case: &'static str,
    /// The seed of a finding.
    pub seed: &'static str,
    /// What else is wrong than a claim: an assertion of the model, and what it said.
    pub assertion: &'static str,
    /// A trial that never rests.
    pub livelock: &'static str,
    /// What was made of a plan: the parts that became smaller, and runs.
    pub shrunk: &'static str,
    /// What was made of a plan that could not be made smaller.
    pub smallest: &'static str,
    /// A number before and after, with its noun.
    pub less: &'static str,
    /// What plans have fewer of: steps, brokers, partitions, clients, records.
    pub parts: [Noun; 5],
    /// Runs that something cost.
    pub in_runs: Noun,
    /// The plan as it was drawn.
    pub unshrunk: &'static str,
    /// Steps that are not told.
    pub more_steps: Noun,
    /// Heads the command that runs a finding again.
    pub replay: &'static str,
    /// Heads the command that draws it again.
    pub or: &'static str,
    /// Which history and version a finding has.
    pub digest: &'static str,
    /// Runs.
    pub runs: Noun,
    /// Names the campaign that seeds come from.
    pub of_campaign: &'static str,
    /// Names the only seed.
    pub of_seed: &'static str,
    /// Heads a summary: runs, name, where their seeds come from.
    pub head: &'static str,
    /// Heads the summary of a search that was interrupted.
    pub head_interrupted: &'static str,
    /// Nothing was found.
    pub nothing: &'static str,
    /// Nothing was found, since nothing could have been.
    pub untested: &'static str,
    /// Different findings.
    pub findings: Noun,
    /// Findings that were like others.
    pub alike: Noun,
    /// Names the share of runs with which something is wrong.
    pub share: &'static str,
    /// Broken runs, all runs, the share, its lowest and its highest value.
    pub share_some: &'static str,
    /// Broken runs, all runs, the highest value of their share: none of the runs is broken.
    pub share_none: &'static str,
    /// Why there is no share.
    pub no_share: &'static str,
    /// Names the claims that were put to the test.
    pub at_risk: &'static str,
    /// Names the claims that were not.
    pub never: &'static str,
    /// A claim, and in how many runs it was at risk.
    pub of_claim: &'static str,
    /// Nothing had to hold.
    pub no_promise: &'static str,
    /// Names what was covered.
    pub covered: &'static str,
    /// Abstract states.
    pub states: Noun,
    /// Ways between them.
    pub edges: Noun,
    /// How likely the next run shows a new state.
    pub next: &'static str,
    /// How unlikely that is.
    pub next_rare: &'static str,
    /// What a share means and what it does not.
    pub meaning: &'static str,
    /// A finding was put into a corpus: its file, and where.
    pub added: &'static str,
    /// A finding whose story the corpus has.
    pub had: &'static str,
    /// A finding of a corpus that still breaks.
    pub still: &'static str,
    /// One that does not.
    pub gone: &'static str,
    /// Findings that a corpus keeps.
    pub kept: Noun,
    /// Findings that it does not need.
    pub removed: Noun,
    /// Stands between the items of a line.
    pub joint: &'static str,
}

/// English.
pub const FUZZ: Fuzz = Fuzz {
    broken: "BROKEN",
    case: "case {0}",
    seed: "seed {0}",
    assertion: "the model broke an assertion of its own: {0}",
    livelock: "the trial did not come to rest: it has more events than max-events allows",
    shrunk: "shrunk from {0}, in {1}",
    smallest: "nothing could be left out, in {0}",
    less: "{0} to {1}",
    parts: [
        ("1 step", "{0} steps"),
        ("1 broker", "{0} brokers"),
        ("1 partition", "{0} partitions"),
        ("1 client", "{0} clients"),
        ("1 record", "{0} records"),
    ],
    in_runs: ("1 run", "{0} runs"),
    unshrunk: "not shrunk: {0}",
    more_steps: ("and 1 step more", "and {0} steps more"),
    replay: "replay",
    or: "or",
    digest: "digest {0}, trial {1} model {2}",
    runs: ("1 run", "{0} runs"),
    of_campaign: "campaign {0}",
    of_seed: "seed {0}",
    head: "{0} of {1}, {2}: ",
    head_interrupted: "{0} of {1}, {2}, interrupted: ",
    nothing: "nothing is broken",
    untested: "nothing was put to the test",
    findings: ("1 finding", "{0} findings"),
    alike: ("1 more like it", "{0} more like them"),
    share: "broken runs",
    share_some: "{0} of {1}: {2} ({3} to {4})",
    share_none: "{0} of {1}: below {2}",
    no_share: "{0} of {1}; the search stopped at a finding, which is no time to tell a share",
    at_risk: "put to the test",
    never: "never at risk",
    of_claim: "{0} in {1}",
    no_promise: "nothing is promised here, so nothing can be broken",
    covered: "covered",
    states: ("1 abstract state", "{0} abstract states"),
    edges: ("1 way between them", "{0} ways between them"),
    next: "the next run has about {0} chance of a new state",
    next_rare: "the next run has less than {0} chance of a new state",
    meaning: "A share of runs under the faults that were drawn. It is no forecast for a data centre.",
    added: "{0} is in the corpus: {1}",
    had: "{0} tells a story that the corpus has",
    still: "breaks",
    gone: "breaks no more",
    kept: ("1 finding stays", "{0} findings stay"),
    removed: (
        "1 other shows nothing that these do not show",
        "{0} others show nothing that these do not show",
    ),
    joint: ", ",
};
