//! Heartbeats of consumer groups (KIP-848): the part `heartbeats`.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::group::consumer::{ConsumerGroup, Surroundings, Targets};
use model::group::record::{CurrentAssignment, GroupRecord, MemberMetadata, Reconciliation};
use model::ids::{GroupEpoch, GroupId, InstanceId, MemberEpoch, MemberId, TopicId, TopicPartition};
use model::message::group::{Beat, ConsumerHeartbeatRequest};
use model::rules::Rules;
use model::time::Duration;
use serde::Deserialize;
use serde_json::{Value, json};

type Pairs = Vec<(u16, u16)>;

#[derive(Deserialize)]
struct Vectors {
    heartbeats: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    /// Of the group and of its target assignment.
    epoch: u32,
    topics: Pairs,
    members: BTreeMap<String, Held>,
    /// What the assignor gives; without it, it fails.
    targets: Option<BTreeMap<String, Pairs>>,
    size: Option<usize>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Held {
    epoch: Option<u32>,
    previous: u32,
    assigned: Pairs,
    topics: Vec<u16>,
    instance: Option<String>,
}

#[derive(Deserialize)]
struct Step {
    who: String,
    beat: i32,
    instance: Option<String>,
    topics: Option<Vec<u16>>,
    owned: Option<Pairs>,
    timeout: Option<u64>,
    expect: BTreeMap<String, Value>,
}

#[test]
fn consumer_groups_do_what_kafkas_do() {
    for case in vectors().heartbeats {
        let mut group = group(&case);
        for (place, step) in case.steps.iter().enumerate() {
            let found = beat(&mut group, &case, step);

            for (name, wanted) in &step.expect {
                assert_eq!(&found[name], wanted, "{}: {name} in step {place}", case.id);
            }
        }
    }
}

/// Sends a heartbeat, applies what it decides, and shows what came of it.
fn beat(group: &mut ConsumerGroup, case: &Case, step: &Step) -> Value {
    let id = MemberId::from(step.who.as_str());
    let assign = |_: &ConsumerGroup| -> Option<Targets> {
        let targets = case.targets.as_ref()?.iter();
        Some(targets.map(|(id, list)| (MemberId::from(id.as_str()), partitions(list))).collect())
    };
    let partitions_of = |topic: TopicId| [6, 3].get(usize::from(topic.0)).copied();
    let size_max = case.size.unwrap_or(usize::MAX);
    let rules = Rules::default();
    let around = Surroundings { size_max, partitions_of: &partitions_of, assign: &assign, rules };
    let beaten = match group.heartbeat(&id, &request(step), &around) {
        Ok(beaten) => beaten,
        Err(error) => return json!({ "error": error.name() }),
    };
    for record in &beaten.records {
        group.replay(record);
    }
    let pairs = |list: &[TopicPartition]| -> Value {
        list.iter().map(|it| json!([it.topic.0, it.partition])).collect()
    };
    let current = group.members().get(&id).map(|member| &member.current);
    json!({
        "beat": number(beaten.beat),
        "assignment": beaten.assignment.as_deref().map(pairs),
        "state": current.map(|current| format!("{:?}", current.state)),
        "pending": current.map(|current| pairs(&current.pending_revocation)),
        "group": format!("{:?}", group.state()),
        "epoch": group.epoch.0,
        "target_epoch": group.target_epoch.0,
        "records": beaten.records.iter().map(kind).collect::<Vec<_>>(),
    })
}

fn request(step: &Step) -> ConsumerHeartbeatRequest {
    ConsumerHeartbeatRequest {
        group: GroupId::from("g"),
        member: Some(MemberId::from(step.who.as_str())),
        beat: match step.beat {
            0 => Beat::Join,
            -1 => Beat::Leave,
            -2 => Beat::LeaveTemporarily,
            epoch => Beat::Stay(MemberEpoch(epoch as u32)),
        },
        instance: step.instance.as_deref().map(InstanceId::from),
        rack: None,
        client_id: "client".into(),
        rebalance_timeout: step.timeout.map(Duration::from_millis),
        topics: step.topics.as_ref().map(|topics| topics.iter().copied().map(TopicId).collect()),
        assignor: None,
        owned: step.owned.as_ref().map(|owned| partitions(owned)),
    }
}

/// Makes the group of a case by replaying what its log would hold.
fn group(case: &Case) -> ConsumerGroup {
    let id = GroupId::from("g");
    let mut group = ConsumerGroup::new(id.clone());
    let topics: Vec<_> =
        case.topics.iter().map(|&(topic, count)| (TopicId(topic), count)).collect();
    let mut records = Vec::new();
    for (name, held) in &case.members {
        let member = MemberId::from(name.as_str());
        let metadata = MemberMetadata {
            instance: held.instance.as_deref().map(InstanceId::from),
            rack: None,
            client_id: "client".into(),
            topics: held.topics.iter().copied().map(TopicId).collect(),
            rebalance_timeout: Duration::from_millis(5_000),
            assignor: None,
            classic: None,
        };
        let current = CurrentAssignment {
            epoch: held.epoch.map(MemberEpoch),
            previous: MemberEpoch(held.previous),
            state: Reconciliation::Stable,
            assigned: partitions(&held.assigned),
            pending_revocation: Vec::new(),
        };
        let (group, value) = (id.clone(), Some(Arc::new(metadata)));
        records.push(GroupRecord::Member { group, member: member.clone(), value });
        let (group, value) = (id.clone(), Some(partitions(&held.assigned).into()));
        records.push(GroupRecord::Target { group, member: member.clone(), value });
        let (group, value) = (id.clone(), Some(Arc::new(current)));
        records.push(GroupRecord::Current { group, member, value });
    }
    let epoch = Some(GroupEpoch(case.epoch));
    records.push(GroupRecord::PartitionMetadata { group: id.clone(), value: Some(topics.into()) });
    records.push(GroupRecord::ConsumerGroup { group: id.clone(), value: epoch });
    records.push(GroupRecord::TargetEpoch { group: id, value: epoch });
    for record in &records {
        group.replay(record);
    }
    group
}

fn partitions(pairs: &[(u16, u16)]) -> Vec<TopicPartition> {
    let partition =
        |&(topic, partition): &(u16, u16)| TopicPartition { topic: TopicId(topic), partition };
    pairs.iter().map(partition).collect()
}

fn number(beat: Beat) -> i64 {
    match beat {
        Beat::Join => 0,
        Beat::Stay(epoch) => i64::from(epoch.0),
        Beat::Leave => -1,
        Beat::LeaveTemporarily => -2,
    }
}

fn kind(record: &GroupRecord) -> &'static str {
    match record {
        GroupRecord::Offset { .. } => "Offset",
        GroupRecord::ClassicGroup { .. } => "ClassicGroup",
        GroupRecord::ConsumerGroup { .. } => "ConsumerGroup",
        GroupRecord::PartitionMetadata { .. } => "PartitionMetadata",
        GroupRecord::Member { .. } => "Member",
        GroupRecord::TargetEpoch { .. } => "TargetEpoch",
        GroupRecord::Target { .. } => "Target",
        GroupRecord::Current { .. } => "Current",
    }
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../data/groups.json")).expect("the cases are valid")
}
