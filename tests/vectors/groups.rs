//! The group coordinator: `tests/data/groups.json`.

mod beat;
mod desk;
mod heartbeats;
mod reconciliation;

use std::collections::BTreeMap;

use model::group::{java_hash, partition_of, shard};
use model::ids::GroupId;
use model::message::ErrorCode;
use serde::Deserialize;
use serde_json::Value;

use desk::Desk;

/// Cases that are not run, and why.
const NOT_RUN: &[(&str, &str)] = &[
    (
        "join-new-dynamic-oldversion",
        "members speak the newest JoinGroup; versions below 4 skip KIP-394 and no client of 4.0 sends them",
    ),
    (
        "static-rejoin-leader-unknown-id-pre-v9",
        "members speak the newest JoinGroup; versions below 9 cannot skip the assignment",
    ),
    (
        "join-dead-group",
        "a group is Dead only in the event that drops it; the model drops it at once and no request can meet it",
    ),
    ("heartbeat-dead", "as join-dead-group"),
    ("commit-dead", "as join-dead-group"),
    (
        "rejoin-existing-in-empty",
        "Kafka's test forces a state that no event leads to: an Empty group that has a member",
    ),
    ("heartbeat-empty", "as rejoin-existing-in-empty"),
    ("txn-commit-completing", "transactions are not modelled"),
    ("txn-commit-no-identity", "transactions are not modelled"),
    ("txn-commit-unknown-group", "transactions are not modelled"),
    ("txn-commit-stale-epoch-consumer-group", "transactions are not modelled"),
    ("fetch-pending-txn", "transactions are not modelled"),
    ("txn-marker-commit-order", "transactions are not modelled"),
    (
        "consumer-group-commit-old-api",
        "members speak the newest OffsetCommit; only versions below 9 lack the member epoch",
    ),
    (
        "validate-regex",
        "the case is of a tree before 4.0's release, which takes RE2J patterns; the model has none",
    ),
    (
        "validate-negative-epoch",
        "no request of the model can carry an epoch below -2: it is an enum",
    ),
    (
        "testUnknownState",
        "the state is no coordinator's of 4.0: it is what one reads that a newer one has written",
    ),
];

#[derive(Deserialize)]
struct Vectors {
    classic: Vec<Case>,
    offsets: Vec<Case>,
    hosted: Vec<Case>,
    mixed: Vec<Case>,
    append_errors: AppendErrors,
    partitions: Partitions,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    #[serde(default)]
    config: BTreeMap<String, Value>,
    steps: Vec<Value>,
}

#[derive(Deserialize)]
struct AppendErrors {
    map: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Partitions {
    groups: Vec<GroupPartition>,
}

#[derive(Deserialize)]
struct GroupPartition {
    group: String,
    hash: i32,
    of_50: u16,
    of_10: u16,
    of_1: u16,
}

#[test]
fn classic_groups_do_what_kafkas_do() {
    run(&vectors().classic);
}

#[test]
fn committed_offsets_do_what_kafkas_do() {
    run(&vectors().offsets);
}

#[test]
fn coordinators_host_consumer_groups_as_kafkas_do() {
    run(&vectors().hosted);
}

#[test]
fn groups_move_between_the_protocols_as_kafkas_do() {
    run(&vectors().mixed);
}

#[test]
fn a_failed_write_is_told_as_kafka_tells_it() {
    let code = |name: &str| {
        let found = ErrorCode::ALL.iter().copied().find(|code| code.name() == name);
        found.expect("the case names an error of Kafka")
    };
    for (cause, told) in vectors().append_errors.map {
        assert_eq!(shard::translate(code(&cause)), code(&told), "{cause}");
    }
}

#[test]
fn groups_lie_in_the_partitions_that_kafka_gives_them() {
    for case in vectors().partitions.groups {
        let group = GroupId::from(case.group.as_str());
        let places = [50, 10, 1].map(|partitions| partition_of(&group, partitions));

        assert_eq!(java_hash(&case.group), case.hash, "{group}");
        assert_eq!(places, [case.of_50, case.of_10, case.of_1], "{group}");
    }
}

#[test]
fn a_case_is_run_or_has_a_reason() {
    let vectors = vectors();
    let cases = [&vectors.classic, &vectors.offsets, &vectors.hosted, &vectors.mixed];
    let run: Vec<_> = cases.into_iter().flatten().collect();

    for (id, reason) in NOT_RUN {
        assert!(run.iter().all(|case| case.id != *id), "{id} is run: {reason}");
        assert!(!reason.is_empty());
    }
}

fn run(cases: &[Case]) {
    for case in cases {
        let mut desk = Desk::new(&case.id, &case.config);
        for step in &case.steps {
            desk.step(step);
        }
        desk.check_replay();
    }
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../data/groups.json")).expect("the cases are valid")
}
