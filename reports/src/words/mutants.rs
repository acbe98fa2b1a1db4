//! The words about rules that are broken on purpose: what they are for, and the English ones.

use serde::Serialize;

use super::Noun;

/// Who notices broken rules, and how soon.
#[derive(Serialize)]
pub struct Mutants {
    /// Heads the report: how many rules were broken.
    pub head: Noun,
    /// How many of them some scenario of the library notices.
    pub noticed: &'static str,
    /// How many of them some search notices.
    pub killed: &'static str,
    /// Heads the table of one source: its name, campaigns, runs of each.
    pub source: &'static str,
    /// Campaigns of a source.
    pub campaigns: Noun,
    /// Runs of a campaign.
    pub runs: Noun,
    /// Heads the column of rules.
    pub rule: &'static str,
    /// Heads the column of scenarios that notice.
    pub library: &'static str,
    /// Heads the columns of what notices at all.
    pub by_any: &'static str,
    /// Heads the columns of what applications notice.
    pub by_clients: &'static str,
    /// Heads the columns of runs until half and nine tenths of the campaigns had killed.
    pub columns: [&'static str; 2],
    /// Heads the matrix.
    pub matrix: &'static str,
    /// The signs of the matrix: a scenario, a search, both.
    pub signs: &'static str,
    /// Who could prove it: the applications.
    pub clients: &'static str,
    /// Who could prove it: only who sees inside.
    pub truth: &'static str,
    /// Claims that no broken rule breaks.
    pub idle: &'static str,
    /// Rules that no scenario notices.
    pub unnoticed: &'static str,
    /// Rules that no search kills.
    pub survivors: &'static str,
    /// Rules that are killed only by who sees inside.
    pub unseen: &'static str,
    /// A canary that survived.
    pub canary: &'static str,
    /// Nothing of the kind.
    pub none: &'static str,
    /// Heads the scenarios that notice one rule.
    pub notices: &'static str,
    /// Expectations that are about no claim.
    pub no_claim: &'static str,
    /// It was interrupted.
    pub cut_short: &'static str,
    /// What the numbers mean.
    pub meaning: &'static str,
    /// Stands between items.
    pub joint: &'static str,
}

/// English.
pub const MUTANTS: Mutants = Mutants {
    head: ("1 rule broken on purpose: ", "{0} rules broken on purpose: "),
    noticed: "the library notices {0}",
    killed: "searches kill {0}",
    source: "{0}, {1} of at most {2}",
    campaigns: ("1 campaign", "{0} campaigns"),
    runs: ("1 run", "{0} runs"),
    rule: "rule",
    library: "library",
    by_any: "killed by any claim",
    by_clients: "seen by clients",
    columns: ["median", "90 %"],
    matrix: "Who notices by what",
    signs: "L a scenario of the library, F a search, # both",
    clients: "clients could prove it",
    truth: "only who sees inside",
    idle: "kills nothing",
    unnoticed: "not noticed by the library",
    survivors: "survives all searches",
    unseen: "never seen by clients",
    canary: "A canary survived: the search itself is broken.",
    none: "none",
    notices: "{0} is noticed by",
    no_claim: "no claim, but another expectation",
    cut_short: "interrupted: some rules were not tried",
    meaning: "A search kills a rule with a trial in which a promised claim breaks that the same \
        trial keeps under the correct rules. Runs are counted up to and with that one.",
    joint: ", ",
};
