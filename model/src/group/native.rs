//! Consumer groups at their coordinator (KIP-848): heartbeats, timers, expiry.
//!
//! The groups themselves are ledgers ([`consumer`](super::consumer)); here they meet the
//! broker's settings, the cluster, and time.
//!
//! Source: `GroupMetadataManager`, Kafka 4.0. Left out: members of the classic protocol in a
//! consumer group and the conversion of groups that have members, as with
//! `group.consumer.migration.policy=disabled`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::config::BrokerConfig;
use crate::fact::LeaveCause;
use crate::group::assignor::server::{GroupSpec, MemberSpec, ServerAssignor};
use crate::group::classic::Phase;
use crate::group::clocks::{Clock, GivingBack};
use crate::group::consumer::{ConsumerGroup, Surroundings, Targets};
use crate::group::coordinator::Coordinator;
use crate::group::decision::{Change, Draft};
use crate::group::record::{GroupRecord, Reconciliation};
use crate::group::story;
use crate::ids::{GroupId, MemberId, TopicId};
use crate::message::ErrorCode;
use crate::message::group::{Beat, ConsumerHeartbeatRequest, Leaver, MemberState};
use crate::time::Duration;

/// How long a timer waits before it tries again what the log has refused.
///
/// Source: `CoordinatorTimerImpl.schedule`, Kafka 4.0.
const RETRY_BACKOFF: Duration = Duration::from_millis(500);

/// Checks that a heartbeat says what its kind has to say.
///
/// # Errors
/// `INVALID_REQUEST` for an empty name or a missing field; `UNSUPPORTED_ASSIGNOR` for an
/// assignor outside `group.consumer.assignors`.
///
/// Source: `throwIfConsumerGroupHeartbeatRequestIsInvalid`, Kafka 4.0.
pub fn check_heartbeat(
    request: &ConsumerHeartbeatRequest,
    config: &BrokerConfig,
) -> Result<(), ErrorCode> {
    let is_blank = |text: &str| text.trim().is_empty();
    let instance = request.instance.as_ref().map(|instance| instance.as_str());
    let has_member = request.member.as_ref().is_some_and(|member| !is_blank(member.as_str()));
    let says_enough = match request.beat {
        Beat::Join => {
            request.rebalance_timeout.is_some()
                && request.topics.as_ref().is_some_and(|topics| !topics.is_empty())
                && request.owned.as_ref().is_some_and(|owned| owned.is_empty())
        }
        Beat::Stay(_) | Beat::Leave => has_member,
        Beat::LeaveTemporarily => has_member && instance.is_some(),
    };
    if is_blank(request.group.as_str())
        || instance.is_some_and(is_blank)
        || request.rack.as_deref().is_some_and(is_blank)
        || !says_enough
    {
        return Err(ErrorCode::InvalidRequest);
    }
    match &request.assignor {
        Some(name) if !config.group_consumer_assignors.0.iter().any(|it| it.name() == &**name) => {
            Err(ErrorCode::UnsupportedAssignor)
        }
        Some(_) | None => Ok(()),
    }
}

impl Coordinator {
    /// Decides what follows from the heartbeat of a consumer group's member.
    pub(super) fn on_consumer_heartbeat(
        &self,
        request: &ConsumerHeartbeatRequest,
        draft: &mut Draft<'_, '_>,
    ) -> Result<MemberState, ErrorCode> {
        check_heartbeat(request, draft.config)?;
        let group = self.hosting(request)?;
        let id = match &request.member {
            Some(id) if !id.as_str().is_empty() => id.clone(),
            Some(_) | None => MemberId(draft.uuid().into()),
        };
        let (config, image) = (draft.config, draft.image);
        let partitions_of =
            |topic: TopicId| Some(image.topics.get(&topic)?.partitions.len() as u16);
        let assign = |group: &ConsumerGroup| targets(group, config);
        let size_max = config.group_consumer_size_max as usize;
        let around = Surroundings { size_max, partitions_of: &partitions_of, assign: &assign };
        let beaten = group.heartbeat(&id, request, &around)?;
        if self.classic.contains_key(&request.group) {
            draft.write_classic(&request.group, None);
        }
        let cause = (beaten.beat == Beat::Leave).then_some(LeaveCause::Left);
        let after = write(&group, beaten.records, cause, draft);
        if let Beat::Stay(_) = beaten.beat {
            let clock = self.wound_up(&group, &after, &id, draft);
            draft.decision.change = Some(Change::Clock(request.group.clone(), id.clone(), clock));
        }
        Ok(MemberState {
            member: id,
            beat: beaten.beat,
            heartbeat_interval: config.group_consumer_heartbeat_interval,
            assignment: beaten.assignment,
        })
    }

    /// Returns the group that a heartbeat is for; who joins creates it, and takes over an
    /// empty classic group with its offsets.
    fn hosting(
        &self,
        request: &ConsumerHeartbeatRequest,
    ) -> Result<Cow<'_, ConsumerGroup>, ErrorCode> {
        if let Some(group) = self.consumer.get(&request.group) {
            return Ok(Cow::Borrowed(group));
        }
        let is_open = self.classic.get(&request.group).is_none_or(|it| it.phase == Phase::Empty);
        if request.beat == Beat::Join && is_open {
            return Ok(Cow::Owned(ConsumerGroup::new(request.group.clone())));
        }
        Err(ErrorCode::GroupIdNotFound)
    }

    /// Returns a member's timers after its heartbeat.
    fn wound_up(
        &self,
        before: &ConsumerGroup,
        after: &ConsumerGroup,
        id: &MemberId,
        draft: &Draft<'_, '_>,
    ) -> Clock {
        let current = &after.members()[id].current;
        let is_unchanged = before.members().get(id).is_some_and(|it| it.current == *current);
        let old = self.clocks.get(&(before.id.clone(), id.clone()));
        let kept = old.filter(|_| is_unchanged).and_then(|clock| clock.giving_back);
        let giving_back = kept.or_else(|| giving_back(after, id, draft).filter(|_| !is_unchanged));
        let session = draft.now() + draft.config.group_consumer_session_timeout;
        Clock { session, giving_back }
    }

    /// Removes static members that an operator names; a native member cannot leave in the
    /// classic way.
    pub(super) fn on_consumer_leave(
        &self,
        group: &ConsumerGroup,
        leavers: &[Leaver],
        draft: &mut Draft<'_, '_>,
    ) -> Vec<ErrorCode> {
        let mut records = Vec::new();
        let mut outcomes = Vec::with_capacity(leavers.len());
        for leaver in leavers {
            let named = leaver.instance.as_ref().filter(|_| leaver.member.is_none());
            match named.and_then(|instance| group.holder(instance)) {
                None => outcomes.push(ErrorCode::UnknownMemberId),
                Some((id, _)) => {
                    records.extend(group.remove(id));
                    outcomes.push(ErrorCode::None);
                }
            }
        }
        write(group, records, Some(LeaveCause::Left), draft);
        outcomes
    }

    /// Decides what follows from the first timer of a consumer group's member that has run
    /// out.
    pub(super) fn expire_member(&self, draft: &mut Draft<'_, '_>) -> Option<()> {
        let now = draft.now();
        let ((group_id, id), clock) = self.clocks.iter().find(|(_, it)| it.deadline() <= now)?;
        let group = &self.consumer[group_id];
        let epoch = group.members()[id].current.epoch;
        let keeps_what_it_should_give_back =
            |it: &GivingBack| it.deadline <= now && Some(it.epoch) == epoch;
        let cause = if clock.session <= now {
            LeaveCause::SessionExpired
        } else if clock.giving_back.as_ref().is_some_and(keeps_what_it_should_give_back) {
            LeaveCause::RebalanceTimeout
        } else {
            let moved_on = Clock { giving_back: None, ..*clock };
            draft.decision.change = Some(Change::Clock(group_id.clone(), id.clone(), moved_on));
            return Some(());
        };
        write(group, group.remove(id), Some(cause), draft);
        // Should the log refuse the removal, the timer runs out once more.
        let again = Clock { session: now + RETRY_BACKOFF, giving_back: None };
        draft.decision.change = Some(Change::Clock(group_id.clone(), id.clone(), again));
        Some(())
    }

    /// Gives every member a whole session, and those that owe partitions a whole timeout.
    pub(super) fn wind_up_all(&mut self, draft: &mut Draft<'_, '_>) {
        for (group_id, group) in &self.consumer {
            draft.note(group_id, story::loaded(group, self.offsets().all(group_id)));
            for id in group.members().keys() {
                let session = draft.now() + draft.config.group_consumer_session_timeout;
                let clock = Clock { session, giving_back: giving_back(group, id, draft) };
                self.clocks.insert((group_id.clone(), id.clone()), clock);
            }
        }
    }

    /// Applies a record of a consumer group.
    pub(super) fn replay_consumer(&mut self, record: &GroupRecord) {
        let id = record.group();
        match record {
            GroupRecord::ConsumerGroup { value: None, .. } => {
                self.consumer.remove(id);
                return;
            }
            GroupRecord::Member { member, value: None, .. } => {
                self.clocks.remove(&(id.clone(), member.clone()));
            }
            _ => {}
        }
        if let Some(group) = self.consumer.get_mut(id) {
            group.replay(record);
        } else if !is_tombstone(record) {
            // What commits before anybody joins makes a classic group that has no record.
            self.classic.remove(id);
            let mut group = ConsumerGroup::new(id.clone());
            group.replay(record);
            self.consumer.insert(id.clone(), group);
        }
    }
}

/// Returns the timer of a member that owes partitions.
fn giving_back(group: &ConsumerGroup, id: &MemberId, draft: &Draft<'_, '_>) -> Option<GivingBack> {
    let member = &group.members()[id];
    let epoch = member.current.epoch?;
    let owes = member.current.state == Reconciliation::UnrevokedPartitions;
    let deadline = draft.now() + member.metadata.rebalance_timeout;
    owes.then_some(GivingBack { deadline, epoch })
}

/// Adds the records of a consumer group to the decision, with what becomes true by them;
/// returns the group as it will be.
fn write(
    before: &ConsumerGroup,
    records: Vec<GroupRecord>,
    cause: Option<LeaveCause>,
    draft: &mut Draft<'_, '_>,
) -> ConsumerGroup {
    let mut after = before.clone();
    if records.is_empty() {
        return after;
    }
    for record in &records {
        after.replay(record);
    }
    for event in story::events(before, &after, cause) {
        draft.note_if_written(&before.id, event);
    }
    draft.decision.records.extend(records);
    after
}

fn is_tombstone(record: &GroupRecord) -> bool {
    match record {
        GroupRecord::Offset { value, .. } => value.is_none(),
        GroupRecord::ClassicGroup { value, .. } => value.is_none(),
        GroupRecord::ConsumerGroup { value, .. } | GroupRecord::TargetEpoch { value, .. } => {
            value.is_none()
        }
        GroupRecord::PartitionMetadata { value, .. } => value.is_none(),
        GroupRecord::Member { value, .. } => value.is_none(),
        GroupRecord::Target { value, .. } => value.is_none(),
        GroupRecord::Current { value, .. } => value.is_none(),
    }
}

/// Returns the records that drop an empty consumer group.
pub(super) fn group_tombstones(group: &GroupId) -> Vec<GroupRecord> {
    vec![
        GroupRecord::TargetEpoch { group: group.clone(), value: None },
        GroupRecord::PartitionMetadata { group: group.clone(), value: None },
        GroupRecord::ConsumerGroup { group: group.clone(), value: None },
    ]
}

/// Computes who is to have what, with the assignor that most members ask for.
///
/// Source: `TargetAssignmentBuilder`, `ModernGroup.computePreferredServerAssignor`, Kafka 4.0,
/// where ties fall in hash order; here they fall to the first in the broker's list.
fn targets(group: &ConsumerGroup, config: &BrokerConfig) -> Option<Targets> {
    let members = group.members();
    let votes_for = |assignor: &ServerAssignor| {
        let asks = |name: &str| name == assignor.name();
        members.values().filter(|it| it.metadata.assignor.as_deref().is_some_and(asks)).count()
    };
    let listed = &config.group_consumer_assignors.0;
    let assignor = listed.iter().rev().max_by_key(|assignor| votes_for(assignor))?;
    let topics: BTreeMap<_, _> = group.topics.iter().copied().collect();
    let describe = |(id, member): (&MemberId, &super::consumer::ConsumerMember)| {
        let exists = |topic: &TopicId| topics.contains_key(topic);
        let spec = MemberSpec {
            instance: member.metadata.instance.clone(),
            topics: member.metadata.topics.iter().copied().filter(exists).collect(),
            target: member.target.to_vec(),
        };
        (id.clone(), spec)
    };
    let specs = members.iter().map(describe).collect();
    assignor.assign(&GroupSpec::new(specs, topics)).ok()
}
