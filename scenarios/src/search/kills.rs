//! How soon searches noticed each broken rule when that was last measured, and who survived: the
//! file `kills.toml`, which `trial mutants --golden` writes and the suite checks by replaying.
//!
//! Source: ours.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::search::mutants::{Chased, Deviation, Kill, Notice, runs_until};

/// What was measured last.
const RECORDED: &str = include_str!("../../kills.toml");
/// Scenarios that are named for a rule, at most.
const NAMED_MAX: usize = 6;
/// So many times the longest campaign is what a search may take.
const TOLERANCE: u64 = 3;
/// What stands at the head of the file.
const HEAD: &str = "\
# Who notices each rule that is broken on purpose, and how soon a search of anything does.
# Written by `trial mutants --golden scenarios/kills.toml`; with `--only ID`, only that rule anew.
# `took`: runs until each campaign noticed; `seeds`: the runs that did; `budget`: three times the
# longest, rounded up. `survives` says why, and is written by hand.

";

/// What was measured of all broken rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kills {
    /// One for each rule, in the order of [`Deviation::all`].
    #[serde(rename = "rule", default)]
    pub rules: Vec<Measured>,
}

/// What was measured of one broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The rule, as [`Deviation::id`].
    pub id: String,
    /// How many campaigns were run.
    pub campaigns: u64,
    /// Runs of a campaign, at most.
    pub runs: u64,
    /// The runs until each campaign noticed, of those that did.
    pub took: Vec<u64>,
    /// Runs until half of all campaigns had noticed; `None` if fewer did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<u64>,
    /// Runs within which a search must notice; `None` if some campaign did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
    /// The seeds of the runs that noticed.
    pub seeds: Vec<u64>,
    /// What broke in them.
    pub by: Vec<String>,
    /// Whether applications could prove it in some run.
    pub clients: bool,
    /// How many scenarios of the library notice.
    pub scenarios: u64,
    /// Some of them.
    pub library: Vec<String>,
    /// Why no search notices, if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub survives: Option<String>,
}

impl Kills {
    /// Returns what was measured last.
    ///
    /// # Panics
    /// If the file that was compiled in is none.
    pub fn recorded() -> Kills {
        Kills::read(RECORDED).expect("the file was written by us")
    }

    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Kills, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// Writes the file.
    ///
    /// # Panics
    /// Never: numbers and names can be written.
    pub fn text(&self) -> String {
        let rules = toml::to_string(self).expect("numbers and names can be written");
        format!("{HEAD}{rules}")
    }

    /// Returns what was measured of one rule.
    pub fn get(&self, deviation: Deviation) -> Option<&Measured> {
        let id = deviation.id();
        self.rules.iter().find(|it| it.id == id)
    }

    /// Takes in a new measurement, and forgets the one before; why a rule survives stays known
    /// as long as it does.
    pub fn take(&mut self, mut measured: Measured) {
        let before = self.rules.iter().position(|it| it.id == measured.id);
        if let Some(before) = before.map(|place| self.rules.remove(place))
            && measured.took.is_empty()
        {
            measured.survives = before.survives;
        }
        self.rules.push(measured);
        let order: Vec<String> = Deviation::all().iter().map(|it| it.id()).collect();
        self.rules.sort_by_key(|it| order.iter().position(|id| *id == it.id));
    }
}

impl Measured {
    /// Sums up campaigns of at most so many runs, and what the library says.
    pub fn of(
        deviation: Deviation,
        notices: &[Notice],
        (chased, runs): (&[Chased], u64),
    ) -> Measured {
        let killed: Vec<Option<&Kill>> = chased.iter().map(|it| it.killed.as_ref()).collect();
        let kills = || killed.iter().flatten();
        let took: Vec<u64> = kills().map(|kill| kill.runs).collect();
        let violations = kills().flat_map(|kill| &kill.violations);
        let by: BTreeSet<&str> = violations.map(|it| it.name()).collect();
        let scenarios: BTreeSet<&str> = notices.iter().map(|it| it.scenario.as_str()).collect();
        let owned = |names: &BTreeSet<&str>, most: usize| {
            names.iter().take(most).map(|name| (*name).to_owned()).collect()
        };
        let all = !took.is_empty() && took.len() == chased.len();
        Measured {
            id: deviation.id(),
            campaigns: chased.len() as u64,
            runs,
            median: if killed.is_empty() { None } else { runs_until(50, &killed) },
            budget: took.iter().max().filter(|_| all).map(|most| round_up(TOLERANCE * most)),
            seeds: kills().map(|kill| kill.seed).collect(),
            by: owned(&by, usize::MAX),
            clients: chased.iter().any(|it| it.seen.is_some()),
            scenarios: scenarios.len() as u64,
            library: owned(&scenarios, NAMED_MAX),
            survives: None,
            took,
        }
    }
}

/// Returns the next of 1, 2, 5, 10, 20 and so on.
fn round_up(number: u64) -> u64 {
    let tens = std::iter::successors(Some(1_u64), |ten| ten.checked_mul(10));
    let mut series = tens.flat_map(|ten| [1, 2, 5].map(|digit: u64| ten.saturating_mul(digit)));
    series.find(|it| number <= *it).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use model::mutant::Mutant;
    use sim::verdict::Claim;

    use super::*;
    use crate::search::violation::Violation;

    const CANARY: Deviation = Deviation::Mutant(Mutant::CanaryAlways);

    fn chased(runs: Option<u64>) -> Chased {
        let violations = vec![Violation::Claim(Claim::ReplicasAgree)];
        let killed = runs.map(|runs| Kill { runs, seed: 7 * runs, violations });
        Chased { runs: 100, killed, seen: None }
    }

    #[test]
    fn what_was_measured_is_written_and_read_again() {
        let notice = Notice {
            scenario: "one-record".to_owned(),
            case: String::new(),
            claims: BTreeSet::new(),
            cut_short: false,
        };
        let campaigns = [Some(9), Some(2), Some(70)].map(chased);
        let measured = Measured::of(CANARY, &[notice], (&campaigns, 100));
        let mut kills = Kills::default();
        kills.take(measured);

        let read = Kills::read(&kills.text()).expect("we have written it");

        assert_eq!(read, kills);
        let it = read.get(CANARY).expect("it was measured");
        assert_eq!((it.median, it.budget, it.clients), (Some(9), Some(500), false));
        assert_eq!((&it.took[..], &it.seeds[..]), (&[9, 2, 70][..], &[63, 14, 490][..]));
        assert_eq!(it.library, ["one-record"]);
    }

    #[test]
    fn why_a_rule_survives_is_known_as_long_as_it_does() {
        let survivor = Measured::of(CANARY, &[], (&[chased(None)], 100));
        assert_eq!((survivor.median, survivor.budget), (None, None));
        let mut kills = Kills::default();
        kills.take(Measured { survives: Some("for a reason".to_owned()), ..survivor.clone() });

        kills.take(survivor);
        assert_eq!(kills.rules[0].survives.as_deref(), Some("for a reason"));
        kills.take(Measured::of(CANARY, &[], (&[chased(Some(1))], 100)));
        assert_eq!(kills.rules.len(), 1);
        assert_eq!(kills.rules[0].survives, None);
    }

    #[test]
    fn budgets_are_round() {
        let rounded = [1, 2, 3, 9, 11, 21, 499, 501].map(round_up);

        assert_eq!(rounded, [1, 2, 5, 10, 20, 50, 500, 1_000]);
    }
}
