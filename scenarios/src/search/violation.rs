//! What a search looks for: claims that must hold, and do not.

use model::time::Duration;
use sim::outcome::{Ended, Outcome};
use sim::verdict::Claim;

use crate::expect::{Standing, judge_hope};
use crate::scenario::{Case, Expected, Hope};

/// What is wrong with a trial.
///
/// Two trials have *the same* violation if these are equal: a search that makes a finding
/// smaller accepts nothing else in its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Violation {
    /// The model broke one of its own assertions: what that says.
    Assertion(String),
    /// `max-events` was reached.
    Livelock,
    /// A claim that must hold is broken.
    Claim(Claim),
}

impl Violation {
    /// Returns the name that files and reports use: the claim's, `assertion` or `livelock`.
    pub fn name(&self) -> &'static str {
        match self {
            Violation::Assertion(_) => "assertion",
            Violation::Livelock => "livelock",
            Violation::Claim(claim) => claim.name(),
        }
    }
}

/// What must hold in a trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oracle {
    /// The claims, and the deadline of each liveness claim, counted from the heal; `None` is
    /// the end of the trial.
    pub holds: Vec<(Claim, Option<Duration>)>,
}

impl Oracle {
    /// Returns what a case expects to hold. What it expects to break, to be untested or to be
    /// counted is a lesson's business, not a search's.
    pub fn of(case: &Case) -> Oracle {
        let holds = case.expects.iter().filter_map(|expect| match &expect.what {
            Expected::Claim { claim, hope: Hope::Holds, within, .. } => Some((*claim, *within)),
            Expected::Claim { .. } | Expected::Anomaly { .. } | Expected::Reaches { .. } => None,
        });
        Oracle { holds: holds.collect() }
    }

    /// Returns an oracle that looks for one claim more, by the deadline that the file gives it.
    fn with(&self, case: &Case, claim: Claim) -> Oracle {
        let mut oracle = self.clone();
        if oracle.holds.iter().all(|(it, _)| *it != claim) {
            let within = case.expects.iter().find_map(|expect| match &expect.what {
                Expected::Claim { claim: it, within, .. } if *it == claim => *within,
                _ => None,
            });
            oracle.holds.push((claim, within));
        }
        oracle
    }

    /// Returns what is wrong with a trial, in a fixed order: how it ended, then its claims in
    /// the order of the oracle.
    ///
    /// A claim that was not at risk is not wrong.
    pub fn violations(&self, outcome: &Outcome) -> Vec<Violation> {
        let ended = match &outcome.ended {
            Ended::InTime => None,
            Ended::TooManyEvents => Some(Violation::Livelock),
            Ended::Panicked(message) => Some(Violation::Assertion(message.clone())),
        };
        let broken = self.holds.iter().filter(|(claim, within)| {
            matches!(judge_hope(*claim, Hope::Holds, *within, outcome), Standing::Failed(_))
        });
        let broken = broken.map(|(claim, _)| Violation::Claim(*claim));
        // What a run that was cut short has not done yet is no broken promise.
        let broken = broken.filter(|_| ended.is_none());
        ended.clone().into_iter().chain(broken).collect()
    }
}

/// Chooses which violation of a trial to follow up: that of the claim which is named; else how
/// the trial ended, if it did not end in time; else the first broken claim that should hold;
/// else the first one that the file expects to break; else the first one at all. Returns it
/// with an oracle that sees it beside what should hold; `None` if it is not broken.
pub fn accused(
    case: &Case,
    outcome: &Outcome,
    claim: Option<Claim>,
) -> Option<(Oracle, Violation)> {
    let promised = Oracle::of(case);
    let broken = |claim: Claim| {
        let (oracle, violation) = (promised.with(case, claim), Violation::Claim(claim));
        oracle.violations(outcome).contains(&violation).then_some((oracle, violation))
    };
    if let Some(claim) = claim {
        return broken(claim);
    }
    if let Some(violation) = promised.violations(outcome).into_iter().next() {
        return Some((promised, violation));
    }
    let lessons = case.expects.iter().filter_map(|expect| match &expect.what {
        Expected::Claim { claim, hope: Hope::Breaks, .. } => Some(*claim),
        Expected::Claim { .. } | Expected::Anomaly { .. } | Expected::Reaches { .. } => None,
    });
    lessons.chain(Claim::ALL.iter().copied()).find_map(broken)
}
