//! Heartbeats of consumer groups as steps of a case.

use model::ids::{GroupId, InstanceId, MemberEpoch, MemberId, TopicId, TopicPartition};
use model::message::ErrorCode;
use model::message::group::{Beat, ConsumerHeartbeatRequest, MemberState};
use model::time::Duration;
use serde_json::{Value, json};

/// Reads a heartbeat; a join says all that it has to unless the step says otherwise.
pub fn request(step: &Value, group: GroupId, member: Option<MemberId>) -> ConsumerHeartbeatRequest {
    let text = |field: &str| step.get(field).and_then(Value::as_str);
    let beat = match step["epoch"].as_i64().expect("a heartbeat has an epoch") {
        0 => Beat::Join,
        -1 => Beat::Leave,
        -2 => Beat::LeaveTemporarily,
        epoch => Beat::Stay(MemberEpoch(epoch as u32)),
    };
    let is_join = beat == Beat::Join;
    ConsumerHeartbeatRequest {
        group,
        member,
        beat,
        instance: text("instance").map(InstanceId::from),
        rack: text("rack").map(Into::into),
        client_id: text("beat").expect("a step names its client").into(),
        rebalance_timeout: match step.get("rebalance") {
            None => is_join.then_some(Duration::from_secs(300)),
            Some(millis) => millis.as_u64().map(Duration::from_millis),
        },
        topics: match step.get("topics") {
            None => is_join.then(|| vec![TopicId(0)]),
            Some(Value::Array(topics)) => {
                Some(topics.iter().map(|it| TopicId(number(it))).collect())
            }
            Some(_) => None,
        },
        assignor: text("assignor").map(Into::into),
        owned: match step.get("owned") {
            None => is_join.then(Vec::new),
            Some(Value::Array(owned)) => {
                let partition = |it| TopicPartition { topic: TopicId(0), partition: number(it) };
                Some(owned.iter().map(partition).collect())
            }
            Some(_) => None,
        },
    }
}

fn number(value: &Value) -> u16 {
    value.as_u64().and_then(|it| u16::try_from(it).ok()).expect("a small number")
}

/// Shows what a member is answered, with its id.
pub fn tell(member: &Result<MemberState, ErrorCode>) -> (Value, Option<MemberId>) {
    let state = match member {
        Ok(state) => state,
        Err(error) => return (json!({ "error": error.name() }), None),
    };
    let epoch = match state.beat {
        Beat::Join => 0,
        Beat::Stay(epoch) => i64::from(epoch.0),
        Beat::Leave => -1,
        Beat::LeaveTemporarily => -2,
    };
    let partitions = state
        .assignment
        .as_ref()
        .map(|list| list.iter().map(|it| it.partition).collect::<Vec<_>>());
    let answer = json!({
        "error": "NONE", "epoch": epoch, "partitions": partitions,
        "letters": state.member.as_str().len(),
        "interval": state.heartbeat_interval.as_millis() as u64,
    });
    (answer, Some(state.member.clone()))
}
