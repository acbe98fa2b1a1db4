//! Histories of clients, judged as Jepsen's own checker judged them.
//!
//! The cases in `tests/data/jepsen` come with what Jepsen's Kafka workload says about each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use model::ids::{TopicId, TopicPartition, Uid};
use scenarios::{Scenario, Trial, edn};
use serde::Deserialize;
use sim::jepsen::operation::{Atom, Operation, Step};
use sim::jepsen::{Anomaly, Judgement, Subscription, Unjudgeable, WriteOrder, judge};
use sim::verdict::Loss;

use crate::library::{trials, with_story};

/// What Jepsen says about one case.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Throws { throws: String },
    Judged(Box<Judged>),
}

#[derive(Deserialize)]
struct Judged {
    consume_count_distribution_edn: String,
    counts_edn: String,
    errors: BTreeSet<String>,
    errors_ww_deps: BTreeSet<String>,
    invalid_when_assign: BTreeSet<String>,
    invalid_when_subscribe: BTreeSet<String>,
    invalid_when_subscribe_ww_deps: BTreeSet<String>,
    worst_lag_ns: String,
}

#[test]
fn every_case_has_the_anomalies_that_jepsen_finds() {
    let cases = cases();
    assert!(45 < cases.len(), "there are {} cases", cases.len());

    for (name, expected) in &cases {
        let (plain, ordered) =
            (judged(name, WriteOrder::Ignored), judged(name, WriteOrder::Inferred));
        match expected {
            Expected::Throws { throws } => {
                let refused = plain.expect_err(name);
                assert!(throws.contains(refused.name()), "{name}: {refused:?}");
            }
            Expected::Judged(expected) => {
                let plain = plain.unwrap_or_else(|why| panic!("{name}: {why:?}"));
                let ordered = ordered.unwrap_or_else(|why| panic!("{name}: {why:?}"));
                check(name, expected, &plain, &ordered);
            }
        }
    }
}

fn check(name: &str, expected: &Judged, plain: &Judgement, ordered: &Judgement) {
    let (assign, subscribe) = (Subscription::Assign, Subscription::Subscribe);
    let invalid =
        |judgement, subscription, order| names(judgement, |it| !it.is_allowed(subscription, order));

    assert_eq!(names(plain, |_| true), expected.errors, "{name}");
    assert_eq!(names(ordered, |_| true), expected.errors_ww_deps, "{name}, writes ordered");
    let (off, on) = (WriteOrder::Ignored, WriteOrder::Inferred);
    assert_eq!(invalid(plain, assign, off), expected.invalid_when_assign, "{name}");
    assert_eq!(invalid(plain, subscribe, off), expected.invalid_when_subscribe, "{name}");
    let both = &expected.invalid_when_subscribe_ww_deps;
    assert_eq!(&invalid(ordered, subscribe, on), both, "{name}");
    assert_eq!(counts(plain), expected.counts_edn, "{name}");
    assert_eq!(plain.worst_lag.to_string(), expected.worst_lag_ns, "{name}");
    let times: Vec<_> =
        plain.consume_counts.iter().map(|(times, values)| format!("{times} {values}")).collect();
    let distribution = format!("{{{}}}", times.join(", "));
    assert_eq!(distribution, expected.consume_count_distribution_edn, "{name}");
}

fn names(judgement: &Judgement, wanted: impl Fn(&Anomaly) -> bool) -> BTreeSet<String> {
    let found = judgement.anomalies.keys().filter(|it| wanted(it));
    found.map(|it| it.name().to_owned()).collect()
}

/// Writes how often each anomaly was found, as the expectations do.
fn counts(judgement: &Judgement) -> String {
    let mut counts = BTreeMap::new();
    for (anomaly, instances) in &judgement.anomalies {
        let count = match anomaly {
            Anomaly::EmptyTransactionGraph => "true".to_owned(),
            Anomaly::Unseen => {
                let keys = instances.iter().map(|it| {
                    format!("{} {}", it.key.as_ref().expect("it is of a key"), it.values.len())
                });
                format!("{{{}}}", keys.collect::<Vec<_>>().join(", "))
            }
            _ => instances.len().to_string(),
        };
        counts.insert(anomaly.name(), count);
    }
    let counts: Vec<_> = counts.iter().map(|(name, count)| format!(":{name} {count}")).collect();
    format!("{{{}}}", counts.join(", "))
}

fn judged(name: &str, order: WriteOrder) -> Result<Judgement, Unjudgeable> {
    let text = fs::read_to_string(folder().join(name)).expect("the case is there");
    let history = edn::history(&text).unwrap_or_else(|why| panic!("{name}: {why:?}"));
    let history: Vec<_> = history.into_iter().map(|(_, operation)| operation).collect();
    judge(&history, order)
}

fn cases() -> BTreeMap<String, Expected> {
    let text = fs::read_to_string(folder().join("expected.json")).expect("it is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// Returns where the cases lie.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jepsen")
}

/// The rule of the way there and back: a lost write is a record that is lost although it was
/// acknowledged, that nobody ever polled, and that does not lie behind everything that was
/// polled. What was polled before it was lost, Jepsen does not miss.
#[test]
fn a_lost_write_is_what_the_truth_calls_a_loss_unless_it_was_read_or_the_last() {
    let (mut broken, mut lost_writes) = (0, 0);
    for (scenario, case, trial) in trials() {
        let name = format!("{} [{}]", scenario.name, scenario.cases[case].name);
        let history = exported(&scenario, case, &trial);
        let judgement =
            judge(&history, WriteOrder::Ignored).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        let (read, ends) = read(&history);
        let losses = trial.outcome.judgement.losses.iter();
        let unread: Vec<_> = losses.filter(|loss| !read.contains(&uid(loss.uid))).collect();
        let missed = |loss: &&&Loss| {
            ends.get(&partition(&trial, loss.partition)).is_some_and(|end| loss.offset.0 <= *end)
        };

        let expected: BTreeSet<_> = unread.iter().filter(missed).map(|it| uid(it.uid)).collect();
        assert_eq!(values(&judgement, Anomaly::LostWrite), expected, "{name}");
        let unseen = values(&judgement, Anomaly::Unseen);
        let expected: BTreeSet<_> = unread.iter().map(|it| uid(it.uid)).collect();
        assert!(expected.is_subset(&unseen), "{name}: {unseen:?}");
        assert!(!is_readable(&trial) || expected == unseen, "{name}: {unseen:?}");
        assert!(!judgement.anomalies.contains_key(&Anomaly::AbortedRead), "{name}");
        assert!(!judgement.anomalies.contains_key(&Anomaly::CircularFlow), "{name}");
        broken += usize::from(!trial.outcome.judgement.losses.is_empty());
        lost_writes += usize::from(judgement.anomalies.contains_key(&Anomaly::LostWrite));
    }

    assert!(10 < broken && 5 < lost_writes, "{broken} break, {lost_writes} show");
}

/// Says whether every partition has a leader whose whole log can be read.
fn is_readable(trial: &Trial) -> bool {
    let replicas = &trial.outcome.replicas;
    replicas.iter().all(|replica| {
        let mut leaders = replicas.iter().filter(|it| it.leads);
        leaders.any(|it| it.partition == replica.partition && it.high_watermark == it.end)
    })
}

/// Returns the values that polls returned, and for each key the last offset that says that
/// everything up to it should have been polled.
fn read(history: &[Operation]) -> (BTreeSet<Atom>, BTreeMap<Atom, u64>) {
    let mut first: BTreeMap<(Atom, Atom), u64> = BTreeMap::new();
    let mut read = BTreeSet::new();
    for operation in history {
        for step in operation.steps() {
            match step {
                Step::Send { key, offset, value } => {
                    note(&mut first, key, &[(*offset, value.clone())]);
                }
                Step::Poll(keys) => {
                    for (key, pairs) in keys {
                        note(&mut first, key, pairs);
                        read.extend(pairs.iter().map(|(_, value)| (key.clone(), value.clone())));
                    }
                }
            }
        }
    }
    let mut ends = BTreeMap::new();
    for (key, value) in &read {
        let offset = first[&(key.clone(), value.clone())];
        let end = ends.entry(key.clone()).or_insert(offset);
        *end = offset.max(*end);
    }
    (read.into_iter().map(|(_, value)| value).collect(), ends)
}

fn note(first: &mut BTreeMap<(Atom, Atom), u64>, key: &Atom, placed: &[(Option<u64>, Atom)]) {
    for (offset, value) in placed {
        if let Some(offset) = offset {
            let known = first.entry((key.clone(), value.clone())).or_insert(*offset);
            *known = (*known).min(*offset);
        }
    }
}

fn exported(scenario: &Scenario, case: usize, trial: &Trial) -> Vec<Operation> {
    let text = with_story(scenario, case, trial, reports::edn::history);
    let history = edn::history(&text).unwrap_or_else(|why| panic!("{}: {why:?}", scenario.name));
    history.into_iter().map(|(_, operation)| operation).collect()
}

fn values(judgement: &Judgement, anomaly: Anomaly) -> BTreeSet<Atom> {
    let instances = judgement.anomalies.get(&anomaly).into_iter().flatten();
    instances.flat_map(|it| it.values.iter().cloned()).collect()
}

fn uid(uid: Uid) -> Atom {
    Atom::Number(i64::from(uid.0))
}

/// Returns a partition's key: its place among those that are no topic of Kafka's own.
fn partition(trial: &Trial, wanted: TopicPartition) -> Atom {
    let all: BTreeSet<_> = trial.outcome.replicas.iter().map(|it| it.partition).collect();
    let ours = all.into_iter().filter(|it| it.topic != TopicId::CONSUMER_OFFSETS);
    let place = ours.into_iter().position(|it| it == wanted).expect("it is one of ours");
    Atom::Number(place as i64)
}
