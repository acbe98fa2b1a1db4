//! Same scenario, same seed, same history: under both hosts, and whoever else is watching.

use scenarios::{Overrides, Scenario, library};
use sim::{Host, KeepHistory, Options};

/// Scenarios with digests that may only change together with the model's behaviour.
const PINNED: &[(&str, &str)] = &[
    ("acks1-leader-crash", "1cad1d65ceac43d1"),
    ("safe-defaults-one-fault-at-a-time", "3ef88abd8d699c31"),
    ("kip320-zombie-follower", "989f00d89308c3bf"),
    ("rolling-restart-clean", "988355145ba12f8e"),
];

#[test]
fn a_trial_has_the_same_history_with_and_without_madsim() {
    for scenario in scenarios() {
        for case in 0..scenario.cases.len() {
            let digest = |host| {
                let options = Options { keep_history: KeepHistory::No, host, ..Options::default() };
                scenarios::run(&scenario, case, scenario.seed, options).outcome.digest
            };

            assert_eq!(digest(Host::Madsim), digest(Host::Bare), "{}", scenario.name);
        }
    }
}

#[test]
fn two_runs_have_the_same_history_whatever_ran_before() {
    for scenario in scenarios() {
        let digests = |seeds: &[u64]| -> Vec<u64> {
            let options =
                Options { keep_history: KeepHistory::No, host: Host::Madsim, ..Options::default() };
            let run = |&seed: &u64| scenarios::run(&scenario, 0, seed, options).outcome.digest;
            seeds.iter().map(run).collect()
        };

        let (forth, mut back) = (digests(&[1, 2, 3]), digests(&[3, 2, 1]));
        back.reverse();

        assert_eq!(forth, back, "{}", scenario.name);
    }
}

#[test]
fn another_seed_is_another_history() {
    for scenario in scenarios() {
        let digest = |seed| scenarios::run(&scenario, 0, seed, Options::default()).outcome.digest;

        assert_ne!(digest(1), digest(2), "{}", scenario.name);
    }
}

#[test]
fn the_digests_of_some_scenarios_are_pinned() {
    for (name, pinned) in PINNED {
        let scenario = scenarios().find(|it| it.name == *name).expect("it is in the library");
        let outcome = scenarios::run(&scenario, 0, scenario.seed, Options::default()).outcome;

        assert_eq!(reports::json::digest(outcome.digest), *pinned, "{name}");
    }
}

fn scenarios() -> impl Iterator<Item = Scenario> {
    library().iter().map(|entry| {
        match scenarios::parse(entry.name, entry.source, &Overrides::default()) {
            Ok((scenario, _)) => scenario,
            Err(problems) => panic!("{}: {problems:#?}", entry.name),
        }
    })
}
