//! One member's way to its target (KIP-848): the part `reconciliation`.

use model::group::reconcile::{Target, reconcile};
use model::group::record::{CurrentAssignment, Reconciliation};
use model::ids::{GroupEpoch, MemberEpoch, TopicId, TopicPartition};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    reconciliation: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    before: Side,
    target_epoch: u32,
    target: Vec<(u16, u16)>,
    /// Topics whose partitions somebody holds.
    held_topics: Vec<u16>,
    owned: Option<Vec<(u16, u16)>>,
    after: Side,
}

#[derive(Deserialize)]
struct Side {
    state: String,
    epoch: u32,
    previous: u32,
    assigned: Vec<(u16, u16)>,
    pending: Vec<(u16, u16)>,
}

#[test]
fn members_reconcile_as_kafkas_do() {
    for case in vectors().reconciliation {
        let target = partitions(&case.target);
        let target = Target { epoch: GroupEpoch(case.target_epoch), partitions: &target };
        let owned = case.owned.as_deref().map(partitions);
        let is_free = |it: TopicPartition| !case.held_topics.contains(&it.topic.0);

        let after = reconcile(&assignment(&case.before), target, owned.as_deref(), is_free);

        assert_eq!(after, assignment(&case.after), "{}", case.id);
    }
}

fn assignment(side: &Side) -> CurrentAssignment {
    let state = match side.state.as_str() {
        "STABLE" => Reconciliation::Stable,
        "UNREVOKED_PARTITIONS" => Reconciliation::UnrevokedPartitions,
        "UNRELEASED_PARTITIONS" => Reconciliation::UnreleasedPartitions,
        other => panic!("no state {other}"),
    };
    CurrentAssignment {
        epoch: Some(MemberEpoch(side.epoch)),
        previous: MemberEpoch(side.previous),
        state,
        assigned: partitions(&side.assigned),
        pending_revocation: partitions(&side.pending),
    }
}

fn partitions(pairs: &[(u16, u16)]) -> Vec<TopicPartition> {
    let partition =
        |&(topic, partition): &(u16, u16)| TopicPartition { topic: TopicId(topic), partition };
    pairs.iter().map(partition).collect()
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../data/groups.json")).expect("the cases are valid")
}
