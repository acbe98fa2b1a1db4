//! Many seeds of many settings: what is kept of each run, and what is said of all.
//!
//! In reading order:
//! - [`measure`]: what is counted in a run
//! - this file: a sweep as data, which is also what `sweep.json` holds
//! - [`text`]: the report; [`chance`]: the expectations that only a sweep can judge

pub mod chance;
pub mod measure;
pub mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sim::outcome::{Ended, Outcome};
use sim::verdict::{Claim, Verdict};

use crate::stats::pairs::{Happened, Pairs};
use crate::stats::share::Share;
use crate::sweep::measure::Measure;

/// The version of `sweep.json`.
pub const VERSION: u32 = 1;

/// What all runs of a sweep came to: the content of `sweep.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// The version of this format.
    pub v: u32,
    /// The seed that all seeds come from.
    pub campaign: u64,
    /// Runs per setting that were asked for.
    pub runs: u64,
    /// The command that makes all this again.
    pub again: String,
    /// The seeds, common to all settings, in order.
    pub seeds: Vec<u64>,
    /// The settings, in order; all others are compared with the first one of a scenario.
    pub settings: Vec<Setting>,
}

/// One case of a scenario with one choice of what varies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// The scenario's name.
    pub scenario: String,
    /// What varies, in short: `acks=all`; empty if nothing does.
    pub name: String,
    /// What varies: paths and values.
    pub values: Vec<(String, String)>,
    /// The command that runs it, without a seed.
    pub again: String,
    /// Runs that did not reach their end: stopped, or ended by an assertion of the model.
    pub unfinished: u64,
    /// Per measure: its value in each run, in the order of the seeds.
    pub measures: BTreeMap<Measure, Vec<u64>>,
    /// Per claim: how many records (or times) broke it in each run, 0 where it holds, nothing
    /// where it was not put to the test.
    pub claims: BTreeMap<String, Vec<Option<u64>>>,
}

/// How a claim fared in the runs of one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odds {
    /// Runs that break it, of all.
    pub broken: Share,
    /// Runs that put it to the test.
    pub tested: u64,
    /// The place of the first run that breaks it, and of the one that breaks it most.
    pub first_and_worst: Option<(usize, usize)>,
}

impl Setting {
    /// Begins a setting without runs.
    pub fn new(
        scenario: &str,
        name: &str,
        values: Vec<(String, String)>,
        again: String,
    ) -> Setting {
        Setting {
            scenario: scenario.to_owned(),
            name: name.to_owned(),
            values,
            again,
            unfinished: 0,
            measures: Measure::ALL.iter().map(|&measure| (measure, Vec::new())).collect(),
            claims: Claim::ALL.iter().map(|it| (it.name().to_owned(), Vec::new())).collect(),
        }
    }

    /// Takes in one run.
    pub fn take(&mut self, outcome: &Outcome) {
        self.unfinished += u64::from(outcome.ended != Ended::InTime);
        for (measure, values) in &mut self.measures {
            values.push(measure.of(outcome));
        }
        let findings = &outcome.judgement.findings;
        for (name, counts) in &mut self.claims {
            let finding = findings.iter().find(|it| it.claim.name() == name);
            counts.push(finding.and_then(|finding| match &finding.verdict {
                Verdict::Holds => Some(0),
                Verdict::Breaks(evidence) => Some(evidence.count),
                Verdict::Untested(_) => None,
            }));
        }
    }

    /// Returns how many runs there are.
    pub fn runs(&self) -> usize {
        self.measures.values().map(Vec::len).min().unwrap_or(0)
    }

    /// Returns a measure's value in each run.
    pub fn measured(&self, measure: Measure) -> &[u64] {
        self.measures.get(&measure).map_or(&[], Vec::as_slice)
    }

    /// Returns in how many runs something was counted at all, of all runs.
    pub fn share(&self, measures: &[Measure]) -> Share {
        let hit = |&run: &usize| measures.iter().any(|&it| self.measured(it).get(run) != Some(&0));
        let hits = (0..self.runs()).filter(hit).count() as u64;
        Share { hits, of: self.runs() as u64 }
    }

    /// Returns how a claim fared.
    pub fn odds(&self, claim: Claim) -> Odds {
        let counts = self.counts(claim);
        let is_broken = |count: &Option<u64>| count.is_some_and(|count| 0 < count);
        let hits = counts.iter().filter(|count| is_broken(count)).count() as u64;
        let first = counts.iter().position(is_broken);
        let most = counts.iter().flatten().max().copied();
        let worst = counts.iter().position(|count| *count == most);
        Odds {
            broken: Share { hits, of: counts.len() as u64 },
            tested: counts.iter().flatten().count() as u64,
            first_and_worst: first.zip(worst),
        }
    }

    /// Returns how many records (or times) broke a claim in each run.
    pub fn counts(&self, claim: Claim) -> &[Option<u64>] {
        self.claims.get(claim.name()).map_or(&[], Vec::as_slice)
    }

    /// Pairs the runs of two settings by their seeds.
    pub fn pairs(&self, other: &Setting, claim: Claim) -> Pairs {
        let happened = |count: &Option<u64>| match count {
            Some(0) | None => Happened::No,
            Some(_) => Happened::Yes,
        };
        let mut pairs = Pairs::default();
        for (first, second) in self.counts(claim).iter().zip(other.counts(claim)) {
            pairs.take(happened(first), happened(second));
        }
        pairs
    }
}

impl Sweep {
    /// Returns the settings of each scenario, in order, with the place of their first one.
    pub fn scenarios(&self) -> impl Iterator<Item = (usize, &[Setting])> {
        let mut at = 0;
        self.settings.chunk_by(|one, other| one.scenario == other.scenario).map(move |chunk| {
            at += chunk.len();
            (at - chunk.len(), chunk)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_s_odds_know_the_first_and_the_worst_run() {
        let setting = with_counts(&[None, Some(0), Some(2), Some(5), Some(5), None]);

        let odds = setting.odds(Claim::NoDuplicates);

        assert_eq!(odds.broken, Share { hits: 3, of: 6 });
        assert_eq!((odds.tested, odds.first_and_worst), (4, Some((2, 3))));
    }

    #[test]
    fn a_claim_that_no_run_breaks_has_no_first_one() {
        let odds = with_counts(&[None, Some(0)]).odds(Claim::NoDuplicates);

        assert_eq!(
            odds,
            Odds { broken: Share { hits: 0, of: 2 }, tested: 1, first_and_worst: None }
        );
    }

    #[test]
    fn runs_are_paired_by_their_places_as_far_as_both_have_them() {
        let (one, other) =
            (with_counts(&[Some(1), Some(0), None]), with_counts(&[Some(0), Some(4)]));

        let pairs = one.pairs(&other, Claim::NoDuplicates);

        assert_eq!(pairs, Pairs { both: 0, first_only: 1, second_only: 1, neither: 0 });
    }

    fn with_counts(counts: &[Option<u64>]) -> Setting {
        let mut setting = Setting::new("s", "", Vec::new(), String::new());
        setting.claims.insert(Claim::NoDuplicates.name().to_owned(), counts.to_vec());
        setting
    }
}
