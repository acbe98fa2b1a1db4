//! Groups: what their members (`op`) and their coordinators (`truth`) did.

use model::fact::{
    Callback, CommitError, CommitKind, ExpelCause, GroupError, GroupEvent, GroupFact, LeaveCause,
    MemberEvent, MemberFact, RebalanceCause, RemovalCause,
};
use model::ids::{Generation, MemberId, NodeId, Offset, TopicPartition};
use model::message::group::Assignment;

use super::{Carried, Field, Parts};

fn word(name: &'static str, word: impl Into<String>) -> Field {
    (name, Carried::Word(word.into()))
}

fn optional(name: &'static str, word: Option<String>) -> Field {
    (name, word.map_or(Carried::Absent, Carried::Word))
}

fn number(name: &'static str, number: u32) -> Field {
    (name, Carried::Number(i64::from(number)))
}

fn member(member: &MemberId) -> Field {
    word("member", member.as_str())
}

fn partitions(assignment: &Assignment) -> Field {
    ("partitions", Carried::Partitions(assignment.to_vec()))
}

/// Takes what a member did apart.
pub(super) fn member_parts(fact: &MemberFact) -> Parts {
    let (kind, fields) = member_event(&fact.what);
    Parts { stream: "op", kind, node: Some(NodeId::Client(fact.client)), fields }
}

fn member_event(what: &MemberEvent) -> (&'static str, Vec<Field>) {
    let broker = |broker| vec![("broker", Carried::Node(NodeId::Broker(broker)))];
    match what {
        MemberEvent::CoordinatorFound(found) => ("coordinator-found", broker(*found)),
        MemberEvent::CoordinatorLost(lost) => ("coordinator-lost", broker(*lost)),
        MemberEvent::Joining => ("joining", Vec::new()),
        MemberEvent::Joined { member: id, generation } => {
            ("joined", vec![member(id), number("generation", generation.0)])
        }
        MemberEvent::Expelled(cause) => ("expelled", vec![word("cause", expel_cause(*cause))]),
        MemberEvent::Listening(callback, concerned) => {
            ("listening", vec![word("callback", callback_name(*callback)), partitions(concerned)])
        }
        MemberEvent::Owns(owned) => ("owns", vec![partitions(owned)]),
        MemberEvent::CommitSent { commit, kind, offsets } => {
            let fields = vec![
                number("commit", commit.0),
                word("occasion", commit_kind(*kind)),
                ("offsets", Carried::Offsets(offsets.to_vec())),
            ];
            ("commit-sent", fields)
        }
        MemberEvent::CommitEnded { commit, outcome } => {
            let error = match outcome {
                Ok(()) => ("error", Carried::Absent),
                Err(error) => word("error", commit_error(*error)),
            };
            ("commit-ended", vec![number("commit", commit.0), error])
        }
        MemberEvent::OffsetFetched(partition, offset) => {
            let offset = offset.map_or(Carried::Absent, Carried::Offset);
            (
                "offset-fetched",
                vec![("partition", Carried::Partition(*partition)), ("offset", offset)],
            )
        }
        MemberEvent::PollIntervalExceeded => ("poll-interval-exceeded", Vec::new()),
        MemberEvent::Leaving => ("leaving", Vec::new()),
        MemberEvent::Threw(error) => ("threw", vec![word("error", group_error(*error))]),
        MemberEvent::Paused(concerned) => ("fetch-paused", vec![partitions(concerned)]),
        MemberEvent::Resumed(concerned) => ("fetch-resumed", vec![partitions(concerned)]),
    }
}

/// Takes what a coordinator did apart.
pub(super) fn group_parts(fact: &GroupFact) -> Parts {
    let (kind, more) = group_event(&fact.what);
    let mut fields = vec![word("group", fact.group.as_str())];
    fields.extend(more);
    Parts { stream: "truth", kind, node: Some(NodeId::Broker(fact.broker)), fields }
}

fn group_event(what: &GroupEvent) -> (&'static str, Vec<Field>) {
    match what {
        GroupEvent::State { from, to, generation, members, cause } => {
            let mut fields = vec![word("from", from.name()), word("to", to.name())];
            fields.extend([number("generation", generation.0), number("members", *members)]);
            fields.push(optional("cause", cause.as_ref().map(because)));
            ("group-state", fields)
        }
        GroupEvent::MemberJoined { member: id, client_id, instance } => {
            let instance = optional("instance", instance.as_ref().map(ToString::to_string));
            ("member-joined", vec![member(id), word("client_id", &**client_id), instance])
        }
        GroupEvent::MemberLeft { member: id, cause } => {
            ("member-left", vec![member(id), word("cause", leave_cause(*cause))])
        }
        GroupEvent::MemberReplaced { instance, old, new } => {
            let ids = [word("old", old.as_str()), word("new", new.as_str())];
            ("member-replaced", [vec![word("instance", instance.as_str())], ids.into()].concat())
        }
        GroupEvent::Assigned { generation, assignment } => {
            let lists = assignment.iter().map(|(id, owned)| (id.to_string(), owned.to_vec()));
            let fields = vec![
                number("generation", generation.0),
                ("assignment", Carried::Assigned(lists.collect())),
            ];
            ("assigned", fields)
        }
        GroupEvent::Holds { member: id, epoch, assigned, revoking } => {
            let fields = vec![
                member(id),
                number("member_epoch", epoch.0),
                ("assigned", Carried::Partitions(assigned.to_vec())),
                ("revoking", Carried::Partitions(revoking.to_vec())),
            ];
            ("holds", fields)
        }
        GroupEvent::Committed { member, generation, offsets } => {
            ("committed", offset_fields(member.as_ref(), *generation, offsets))
        }
        GroupEvent::CommitRefused { member, generation, offsets, error } => {
            let mut fields = offset_fields(member.as_ref(), *generation, offsets);
            fields.push(word("error", error.name()));
            ("commit-refused", fields)
        }
        GroupEvent::OffsetsRemoved { partitions: removed, cause } => {
            ("offsets-removed", vec![partitions(removed), word("cause", removal_cause(*cause))])
        }
        GroupEvent::Loaded { phase, generation, members, offsets } => {
            let fields = vec![
                word("state", phase.name()),
                number("generation", generation.0),
                number("members", members.len() as u32),
                ("offsets", Carried::Offsets(offsets.to_vec())),
            ];
            ("group-loaded", fields)
        }
        GroupEvent::Resigned => ("group-resigned", Vec::new()),
    }
}

fn offset_fields(
    by: Option<&MemberId>,
    generation: Option<Generation>,
    offsets: &[(TopicPartition, Offset)],
) -> Vec<Field> {
    vec![
        by.map_or(("member", Carried::Absent), member),
        ("generation", generation.map_or(Carried::Absent, |it| Carried::Number(i64::from(it.0)))),
        ("offsets", Carried::Offsets(offsets.to_vec())),
    ]
}

fn removal_cause(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::Expired => "expired",
        RemovalCause::Deleted => "deleted",
    }
}

fn because(cause: &RebalanceCause) -> String {
    match cause {
        RebalanceCause::Joined(member) => format!("joined {member}"),
        RebalanceCause::Rejoined(member) => format!("rejoined {member}"),
        RebalanceCause::Left(member) => format!("left {member}"),
        RebalanceCause::SessionExpired(member) => format!("session-expired {member}"),
        RebalanceCause::RebalanceTimeout(member) => format!("rebalance-timeout {member}"),
        RebalanceCause::Topics => "topics".to_owned(),
        RebalanceCause::WriteFailed => "write-failed".to_owned(),
        RebalanceCause::Migrated => "migrated".to_owned(),
    }
}

fn leave_cause(cause: LeaveCause) -> &'static str {
    match cause {
        LeaveCause::Left => "left",
        LeaveCause::SessionExpired => "session-expired",
        LeaveCause::RebalanceTimeout => "rebalance-timeout",
        LeaveCause::GroupFull => "group-full",
    }
}

fn expel_cause(cause: ExpelCause) -> &'static str {
    match cause {
        ExpelCause::Told(error) => error.name(),
        ExpelCause::PollInterval => "poll-interval",
        ExpelCause::Left => "left",
    }
}

/// Returns the name of a method of Kafka's rebalance listener.
pub(crate) fn callback_name(callback: Callback) -> &'static str {
    match callback {
        Callback::Revoked => "onPartitionsRevoked",
        Callback::Lost => "onPartitionsLost",
        Callback::Assigned => "onPartitionsAssigned",
    }
}

/// Returns on what occasion offsets were committed, in a word.
fn commit_kind(kind: CommitKind) -> &'static str {
    match kind {
        CommitKind::Sync => "sync",
        CommitKind::Async => "async",
        CommitKind::Auto => "auto",
        CommitKind::AutoBeforeRebalance => "auto-before-rebalance",
        CommitKind::AutoOnClose => "auto-on-close",
    }
}

/// Returns what a failed commit threw, in Kafka's words.
pub(crate) fn commit_error(error: CommitError) -> String {
    match error {
        CommitError::Retriable(error) => format!("RetriableCommitFailed: {}", error.name()),
        CommitError::CommitFailed => "CommitFailed".to_owned(),
        CommitError::RebalanceInProgress => "RebalanceInProgress".to_owned(),
        CommitError::FencedInstance => "FencedInstanceId".to_owned(),
        CommitError::TimedOut => "Timeout".to_owned(),
        CommitError::Other(error) => error.name().to_owned(),
    }
}

/// Returns what a call threw, in Kafka's words.
pub(crate) fn group_error(error: GroupError) -> &'static str {
    match error {
        GroupError::Fatal(error) => error.name(),
        GroupError::Wakeup => "Wakeup",
        GroupError::ConcurrentUse => "ConcurrentModification",
        GroupError::IllegalState => "IllegalState",
    }
}
