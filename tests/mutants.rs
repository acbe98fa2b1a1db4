//! Rules of the protocol broken on purpose, and eras: each is noticed by scenarios of the library.
//!
//! A scenario notices if an expectation of it is no longer met; that something was merely not
//! put to the test does not count.

use std::collections::BTreeSet;

use model::mutant::Mutant;
use scenarios::{Class, Overrides, library};
use sim::Options;

/// A rule, and scenarios that notice it.
const NOTICED: &[(&str, &[&str])] = &[
    ("truncation=to-high-watermark", &["kip101-scenario-1-by-epoch"]),
    ("truncation=by-epoch-once", &["kip279-fast-failover-by-epoch"]),
    ("fetch-fencing=none", &["kip320-zombie-follower-fenced"]),
    ("mutant=hw-ignores-pending-isr", &["safe-defaults-everything-at-once"]),
    ("mutant=isr-expand-early", &["a-fresh-leader-lets-nobody-in-below-its-start"]),
    ("mutant=ack-before-isr", &["acks-all-leader-crash", "min-isr-2-blocks-writes"]),
    ("mutant=min-isr-ignored", &["min-isr-2-blocks-writes", "rolling-restart-too-fast"]),
    ("mutant=fence-late", &["deposed-leader-acknowledges-nothing"]),
    ("mutant=follower-hw-ahead", &["kip101-scenario-1-hw-truncation"]),
    ("mutant=checkpoint-ahead", &["kip101-returning-leader-cuts-to-its-checkpoint"]),
    ("mutant=fsync-lies", &["correlated-power-failure"]),
    ("mutant=unclean-silently", &["leader-alone-clean-waits", "kip966-last-replica-standing"]),
    ("mutant=no-sequence-check", &["idempotent-dedupe-across-leader-change"]),
    (
        "mutant=sequences-forgotten",
        &["idempotent-dedupe-across-leader-change", "unclean-election-breaks-sequences"],
    ),
    ("mutant=window-too-short", &["idempotent-dedupe-across-leader-change"]),
    (
        "mutant=epoch-not-bumped",
        &["idempotent-gap-after-expired-batch", "unclean-election-breaks-sequences"],
    ),
    ("mutant=commit-any-generation", &["late-commit-is-refused"]),
    ("mutant=commit-before-replication", &["commit-waits-for-replication"]),
    ("mutant=offsets-not-replayed", &["coordinator-shutdown-hands-over"]),
    ("mutant=two-owners", &["cooperative-incremental", "kip848-incremental"]),
    ("mutant=join-not-awaited", &["eager-stop-the-world", "cooperative-incremental"]),
    ("mutant=forget-session-timer", &["commit-after-process", "zombie-consumer-long-gc"]),
    ("mutant=forget-rebalance-timeout", &["frozen-static-member-delays-one-rebalance"]),
    ("mutant=static-member-not-fenced", &["static-duplicate-instance-id"]),
    ("mutant=polled-is-processed", &["commit-after-process", "auto-commit-sync-loop-duplicates"]),
    ("mutant=reset-ignores-committed", &["static-membership-rolling-restart"]),
    ("mutant=canary-liveness", &["follower-cut-and-back", "isolate-leader-from-everything"]),
    ("mutant=canary-always", &["fast-restart-waits-for-its-session", "rolling-restart-clean"]),
];

#[test]
fn each_is_noticed_where_it_should_be() {
    let mut unnoticed = Vec::new();
    for (rule, names) in NOTICED {
        for name in *names {
            if class(name, Some(rule)) != Class::Unexpected {
                unnoticed.push(format!("{rule} in {name}"));
            }
        }
    }

    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}

#[test]
fn without_them_the_same_scenarios_come_as_they_expect() {
    let names: BTreeSet<&str> = NOTICED.iter().flat_map(|(_, names)| *names).copied().collect();

    for name in names {
        assert_eq!(class(name, None), Class::AsExpected, "{name}");
    }
}

#[test]
fn no_mutant_is_left_out() {
    let planted: Vec<&str> =
        NOTICED.iter().filter_map(|(rule, _)| rule.strip_prefix("mutant=")).collect();

    let all: Vec<&str> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
    assert_eq!(planted, all);
}

/// Runs all cases of a scenario under a rule; returns how the worst turned out.
fn class(name: &str, rule: Option<&str>) -> Class {
    let entry = library::find(name).unwrap_or_else(|| panic!("there is no scenario {name}"));
    let rules = rule.map(|rule| Overrides::split(rule).expect("a rule is `name=choice`"));
    let overrides = Overrides { rules: rules.into_iter().collect(), ..Overrides::default() };
    let (scenario, _) = scenarios::parse(entry.name, entry.source, &overrides)
        .unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
    let cases = 0..scenario.cases.len();
    let run = |case| scenarios::run(&scenario, case, scenario.seed, Options::default()).class();
    // What was not tested is a weaker finding than what was not as expected.
    cases.map(run).max().expect("a scenario has a case")
}
