//! Rules of the protocol broken on purpose, and eras: each is noticed by scenarios of the library.
//!
//! A scenario notices if an expectation of it is no longer met; that something was merely not
//! put to the test does not count.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use model::mutant::Mutant;
use scenarios::search::any::AnySource;
use scenarios::search::campaign::of_campaign;
use scenarios::search::kills::Kills;
use scenarios::search::mutants::{Chase, Deviation, chase, killed_by};
use scenarios::search::violation::Violation;
use scenarios::{Class, Overrides, library};
use serde_json::Value;
use sim::Options;

use crate::cli::{shown, trial};

const CANARIES: [&str; 4] = ["--only", "canary-always", "--only", "canary-liveness"];
const BUDGET: [&str; 4] = ["--runs", "100", "--campaigns", "2"];
/// Within so many runs a search has noticed a canary.
const CANARY_RUNS: u64 = 20;

/// A rule, and scenarios that notice it.
const NOTICED: &[(&str, &[&str])] = &[
    ("truncation=to-high-watermark", &["kip101-scenario-1-by-epoch"]),
    ("truncation=by-epoch-once", &["kip279-fast-failover-by-epoch"]),
    ("fetch-fencing=none", &["kip320-zombie-follower-fenced"]),
    ("mutant=hw-ignores-pending-isr", &["safe-defaults-one-fault-at-a-time"]),
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

#[test]
fn the_tables_say_who_notices_how_soon_and_by_what() {
    insta::assert_snapshot!(shown(&[&["mutants"][..], &CANARIES, &BUDGET].concat()));
    insta::assert_snapshot!("kills_in_chinese", {
        shown(&[&["mutants", "--lang", "zh"][..], &CANARIES[..2], &BUDGET].concat())
    });
}

#[test]
fn machines_are_told_every_campaign_and_who_survives() {
    let json = ["--format", "json"];
    let lines = |jobs: &str| {
        let flags = [&["mutants", "--jobs", jobs][..], &CANARIES, &BUDGET, &json].concat();
        let output = trial(&flags);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).expect("JSON is UTF-8")
    };

    let text = lines("1");

    assert_eq!(lines("3"), text, "whoever runs it");
    let objects: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("it is an object")).collect();
    let events: Vec<&str> = objects.iter().filter_map(|it| it["event"].as_str()).collect();
    assert_eq!(events, ["mutant", "mutant", "summary"]);
    assert!(objects.iter().all(|it| it["v"] == 1));
    assert_eq!(objects[2]["survivors"], Value::Array(Vec::new()));
    for object in &objects[..2] {
        let kill = &object["fuzz"][0]["campaigns"][1]["killed"];
        assert!(kill["seed"].is_u64() && kill["violations"][0]["view"].is_string(), "{object}");
        let library = object["library"].as_array().expect("the library was run");
        assert!(library.iter().any(|it| it["claims"][0].is_string()), "{object}");
    }
}

#[test]
fn a_survivor_and_a_rule_that_nobody_knows_end_it_otherwise() {
    let survivor = ["mutants", "--only", "window-too-short", "--runs", "1", "--campaigns", "1"];
    for (words, code) in [(&survivor[..], 1), (&["mutants", "--only", "canary-alwys"], 2)] {
        let output = trial(words);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
        assert_eq!(text.contains("did you mean `canary-always`?"), code == 2, "{text}");
    }
}

#[test]
fn a_golden_file_keeps_what_it_says_of_other_rules_and_rubbish_is_refused_at_once() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kills");
    fs::create_dir_all(&folder).expect("it can be made");
    let path = folder.join("kills.toml");
    let golden = path.to_str().expect("it is a name");
    fs::write(&path, Kills::recorded().text()).expect("it can be written");
    let measure = |golden: &str| {
        let what = ["mutants", "--only", "canary-always", "--runs", "20", "--campaigns", "1"];
        trial(&[&what[..], &["--golden", golden]].concat())
    };

    assert_eq!(measure(golden).status.code(), Some(0));
    let kills = Kills::read(&fs::read_to_string(&path).expect("it was written"));
    let kills = kills.expect("it was written by the tool");
    fs::write(&path, "rubbish").expect("it can be written");
    let refused = measure(golden);
    let nowhere = measure(folder.join("none/kills.toml").to_str().expect("it is a name"));

    assert_eq!(kills.rules.len(), Kills::recorded().rules.len());
    for (now, before) in kills.rules.iter().zip(&Kills::recorded().rules) {
        assert_eq!((now.id == "canary-always", &now.id), (now.campaigns == 1, &before.id));
        assert!(now.campaigns == 1 || now == before, "{}", now.id);
    }
    assert_eq!((refused.status.code(), nowhere.status.code()), (Some(2), Some(2)));
    assert!(refused.stdout.is_empty() && nowhere.stdout.is_empty(), "before any search");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "rubbish", "nothing is lost");
}

/// What `kills.toml` says was measured with searches of many minutes. Here the runs that noticed
/// are run again: a change of the model may shift some of them, but not all of a rule's.
#[test]
fn what_searches_killed_dies_again() {
    let kills = Kills::recorded();
    let source = AnySource::default();
    let mut wrong = Vec::new();
    for deviation in Deviation::all() {
        let id = deviation.id();
        let Some(measured) = kills.get(deviation) else {
            wrong.push(format!("{id} was never measured"));
            continue;
        };
        if measured.took.is_empty() {
            if measured.survives.is_none() {
                wrong.push(format!("{id} survives, and nobody says why"));
            }
            continue;
        }
        let noticed = |seed: &u64| {
            let broken = killed_by(&source, deviation, *seed);
            broken.iter().any(|it| measured.by.iter().any(|name| name == it.name()))
        };
        if !measured.seeds.iter().any(noticed) {
            wrong.push(format!("{id} lives in all runs that killed it: {:?}", measured.seeds));
        }
        if measured.scenarios == 0 {
            wrong.push(format!("no scenario notices {id}"));
        }
    }

    assert!(wrong.is_empty(), "measure again with `trial mutants --golden`: {wrong:#?}");
}

/// A group without members, whose only comer is still to join, was due for ever in this trial.
#[test]
fn a_coordinator_that_waits_for_ever_waits_for_somebody() {
    let deviation = Deviation::Mutant(Mutant::ForgetRebalanceTimeout);

    let broken = killed_by(&AnySource::default(), deviation, of_campaign(0, 2_117));

    assert!(!broken.contains(&Violation::Livelock), "{broken:?}");
}

#[test]
fn canaries_die_at_once_and_most_rules_soon() {
    let source = AnySource::default();
    for mutant in [Mutant::CanaryAlways, Mutant::CanaryLiveness] {
        let deviation = Deviation::Mutant(mutant);
        for campaign in 0..5 {
            let wanted = Chase { source: &source, deviation, campaign, runs: CANARY_RUNS, jobs: 1 };
            let killed = chase(wanted, &|| false).killed;
            assert!(killed.is_some(), "{} lives in campaign {campaign}", mutant.name());
        }
    }
    let measured = Kills::recorded().rules;
    let within = |runs| measured.iter().filter(|it| it.median.is_some_and(|it| it <= runs)).count();
    let all = Deviation::all().len();
    assert!(all * 2 <= within(500) * 3, "{} of {all} within 500 runs", within(500));
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
