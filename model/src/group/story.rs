//! What becomes true of a consumer group by its records, told as facts ("ours").

use std::sync::Arc;

use crate::fact::{GroupEvent, GroupPhase, LeaveCause, RebalanceCause};
use crate::group::consumer::{ConsumerGroup, ConsumerMember, GroupState};
use crate::ids::{Generation, MemberId, Offset, TopicPartition};

/// Returns what distinguishes a group from itself before; `cause` says why members are gone.
pub fn events(
    before: &ConsumerGroup,
    after: &ConsumerGroup,
    cause: Option<LeaveCause>,
) -> Vec<GroupEvent> {
    let mut events = Vec::new();
    for (id, member) in newcomers(before, after) {
        events.push(arrival(before, after, id, member));
    }
    for (id, member) in newcomers(after, before) {
        // A static member whose place another id has taken is no loss.
        if let Some(cause) = cause
            && successor(after, member).is_none()
        {
            events.push(GroupEvent::MemberLeft { member: id.clone(), cause });
        }
    }
    let (from, to) = (phase(before), phase(after));
    if from != to || before.epoch != after.epoch {
        events.push(GroupEvent::State {
            from,
            to,
            generation: Generation(after.epoch.0),
            members: after.members().len() as u32,
            cause: rebalance_cause(before, after, cause),
        });
    }
    if before.target_epoch != after.target_epoch {
        let targets = after.members().iter().map(|(id, it)| (id.clone(), it.target.clone()));
        let generation = Generation(after.target_epoch.0);
        events.push(GroupEvent::Assigned { generation, assignment: targets.collect() });
    }
    for (id, member) in after.members() {
        if before.members().get(id).is_none_or(|it| it.current != member.current) {
            events.push(holding(id, member));
        }
    }
    events
}

/// Returns what each member of a group that was a classic one has.
pub fn holdings(group: &ConsumerGroup) -> impl Iterator<Item = GroupEvent> {
    group.members().iter().map(|(id, member)| holding(id, member))
}

/// Returns how a new coordinator finds a group.
pub fn loaded(group: &ConsumerGroup, offsets: Arc<[(TopicPartition, Offset)]>) -> GroupEvent {
    GroupEvent::Loaded {
        phase: phase(group),
        generation: Generation(group.epoch.0),
        members: group.members().keys().cloned().collect(),
        offsets,
    }
}

/// Returns where a group is, in the words of facts.
pub fn phase(group: &ConsumerGroup) -> GroupPhase {
    match group.state() {
        GroupState::Empty => GroupPhase::Empty,
        GroupState::Assigning => GroupPhase::Assigning,
        GroupState::Reconciling => GroupPhase::Reconciling,
        GroupState::Stable => GroupPhase::Stable,
    }
}

/// Returns the members that only the second group has.
fn newcomers<'a>(
    first: &'a ConsumerGroup,
    second: &'a ConsumerGroup,
) -> impl Iterator<Item = (&'a MemberId, &'a ConsumerMember)> {
    second.members().iter().filter(|(id, _)| !first.members().contains_key(id))
}

/// Returns the member of a group that has the instance of `member`.
fn successor<'a>(group: &'a ConsumerGroup, member: &ConsumerMember) -> Option<&'a MemberId> {
    let (id, _) = group.holder(member.metadata.instance.as_ref()?)?;
    Some(id)
}

fn arrival(
    before: &ConsumerGroup,
    after: &ConsumerGroup,
    id: &MemberId,
    member: &ConsumerMember,
) -> GroupEvent {
    let instance = member.metadata.instance.clone();
    if let (Some(old), Some(instance)) = (successor(before, member), &instance)
        && !after.members().contains_key(old)
    {
        let (instance, old) = (instance.clone(), old.clone());
        return GroupEvent::MemberReplaced { instance, old, new: id.clone() };
    }
    let client_id = member.metadata.client_id.clone();
    GroupEvent::MemberJoined { member: id.clone(), client_id, instance }
}

/// Says why the group's epoch has grown, if it has.
fn rebalance_cause(
    before: &ConsumerGroup,
    after: &ConsumerGroup,
    cause: Option<LeaveCause>,
) -> Option<RebalanceCause> {
    if before.epoch == after.epoch {
        return None;
    }
    let gone = newcomers(after, before).next().map(|(id, _)| id.clone());
    if let (Some(cause), Some(id)) = (cause, gone) {
        return Some(match cause {
            LeaveCause::Left | LeaveCause::GroupFull => RebalanceCause::Left(id),
            LeaveCause::SessionExpired => RebalanceCause::SessionExpired(id),
            LeaveCause::RebalanceTimeout => RebalanceCause::RebalanceTimeout(id),
        });
    }
    let resubscribed = |(id, member): (&MemberId, &ConsumerMember)| {
        let topics = &before.members().get(id)?.metadata.topics;
        (*topics != member.metadata.topics).then(|| id.clone())
    };
    Some(match newcomers(before, after).next() {
        Some((id, _)) => RebalanceCause::Joined(id.clone()),
        None => match after.members().iter().find_map(resubscribed) {
            Some(id) => RebalanceCause::Rejoined(id),
            None => RebalanceCause::Topics,
        },
    })
}

fn holding(id: &MemberId, member: &ConsumerMember) -> GroupEvent {
    let current = &member.current;
    GroupEvent::Holds {
        member: id.clone(),
        epoch: Generation(current.epoch.unwrap_or(current.previous).0),
        assigned: current.assigned.as_slice().into(),
        revoking: current.pending_revocation.as_slice().into(),
    }
}
