//! Consumer groups at their coordinator (KIP-848): heartbeats, timers, expiry.
//!
//! The groups themselves are ledgers ([`consumer`](super::consumer)); here they meet the
//! broker's settings, the cluster, and time.
//!
//! Members of the classic protocol and the conversion of groups are in
//! [`migration`](super::migration).
//!
//! Source: `GroupMetadataManager`, Kafka 4.0.

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
use crate::group::migration::{depart, may_upgrade, upgrade};
use crate::group::record::{GroupRecord, Reconciliation};
use crate::group::story;
use crate::ids::{GroupId, MemberId, TopicId};
use crate::image::Image;
use crate::message::ErrorCode;
use crate::message::group::{Beat, ConsumerHeartbeatRequest, MemberState};
use crate::mutant::Mutant;
use crate::rules::Rules;
use crate::time::{Duration, Time};

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
        let group = self.hosting(request, draft.config)?;
        let id = match &request.member {
            Some(id) if !id.as_str().is_empty() => id.clone(),
            Some(_) | None => MemberId(draft.uuid().into()),
        };
        let (config, image) = (draft.config, draft.image);
        let rules = draft.turn.rules;
        let beaten =
            surrounded((config, rules), image, |around| group.heartbeat(&id, request, around))?;
        match self.classic.get(&request.group) {
            None => {}
            Some(classic) if classic.phase == Phase::Empty => {
                draft.write_classic(&request.group, None);
            }
            Some(classic) => upgrade(classic, &group, draft)?,
        }
        if beaten.beat == Beat::Leave {
            depart(&group, std::slice::from_ref(&id), LeaveCause::Left, draft);
        } else {
            let after = write(&group, beaten.records, None, draft);
            if let Beat::Stay(_) = beaten.beat {
                let clock = self.wound_up(&group, &after, &id, draft);
                let clock = Clock { join: None, sync: None, ..clock };
                match &mut draft.decision.change {
                    Some(Change::Upgrade(_, clocks)) => clocks.push((id.clone(), clock)),
                    change => {
                        *change = Some(Change::Clock(request.group.clone(), id.clone(), clock));
                    }
                }
            }
        }
        Ok(MemberState {
            member: id,
            beat: beaten.beat,
            heartbeat_interval: config.group_consumer_heartbeat_interval,
            assignment: beaten.assignment,
        })
    }

    /// Returns the group that a heartbeat is for; who joins creates it, and takes over a
    /// classic group with its offsets, and with its members if that is allowed.
    fn hosting(
        &self,
        request: &ConsumerHeartbeatRequest,
        config: &BrokerConfig,
    ) -> Result<Cow<'_, ConsumerGroup>, ErrorCode> {
        if let Some(group) = self.consumer.get(&request.group) {
            return Ok(Cow::Borrowed(group));
        }
        if request.beat != Beat::Join {
            return Err(ErrorCode::GroupIdNotFound);
        }
        let mut group = ConsumerGroup::new(request.group.clone());
        let classic = self.classic.get(&request.group);
        if let Some(classic) = classic.filter(|it| it.phase != Phase::Empty) {
            if !may_upgrade(classic, config) {
                return Err(ErrorCode::GroupIdNotFound);
            }
            for record in ConsumerGroup::upgrade_records(classic)? {
                group.replay(&record);
            }
        }
        Ok(Cow::Owned(group))
    }

    /// Returns a member's timers after it has spoken; those for joining and syncing go on.
    pub(super) fn wound_up(
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
        let own = after.members()[id].classic().map(|it| it.session_timeout);
        let timeout = own.unwrap_or(draft.config.group_consumer_session_timeout);
        let (join, sync) = old.map_or((None, None), |clock| (clock.join, clock.sync));
        Clock { session: session_end(timeout, draft), giving_back, join, sync }
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
        let is_late = [clock.join, clock.sync].into_iter().flatten().any(|at| at <= now);
        let keeps = clock.giving_back.as_ref().is_some_and(keeps_what_it_should_give_back);
        let cause = if clock.session <= now {
            LeaveCause::SessionExpired
        } else if is_late || keeps {
            LeaveCause::RebalanceTimeout
        } else {
            let moved_on = Clock { giving_back: None, ..*clock };
            draft.decision.change = Some(Change::Clock(group_id.clone(), id.clone(), moved_on));
            return Some(());
        };
        depart(group, std::slice::from_ref(id), cause, draft);
        if draft.decision.change.is_none() {
            // Should the log refuse the removal, the timer runs out once more.
            let again = Clock::retry(now);
            draft.decision.change = Some(Change::Clock(group_id.clone(), id.clone(), again));
        }
        Some(())
    }

    /// Lets the timers of a group that have run out do so once more: the log has refused what
    /// followed from it.
    pub(super) fn put_off(&mut self, group: &GroupId, now: Time) {
        let own = self.clocks.iter_mut().filter(|((id, _), _)| id == group);
        for (_, clock) in own.filter(|(_, clock)| clock.deadline() <= now) {
            *clock = Clock::retry(now);
        }
        self.rearm();
    }

    /// Gives every member a whole session, and those that owe partitions a whole timeout.
    pub(super) fn wind_up_all(&mut self, draft: &mut Draft<'_, '_>) {
        for (group_id, group) in &self.consumer {
            draft.note(group_id, story::loaded(group, self.offsets().all(group_id)));
            for id in group.members().keys() {
                // Members of the classic protocol have the timeout of native ones until they
                // speak, and nobody knows who was to join or sync.
                let session = session_end(draft.config.group_consumer_session_timeout, draft);
                let giving_back = giving_back(group, id, draft);
                let clock = Clock { session, giving_back, join: None, sync: None };
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

/// Returns when a member's session ends unless it speaks again.
pub(super) fn session_end(timeout: Duration, draft: &Draft<'_, '_>) -> Time {
    // Mutant: nobody is missed.
    if draft.turn.rules.has(Mutant::ForgetSessionTimer) {
        return Time::MAX;
    }
    draft.now() + timeout
}

/// Returns the timer of a member that owes partitions.
fn giving_back(group: &ConsumerGroup, id: &MemberId, draft: &Draft<'_, '_>) -> Option<GivingBack> {
    let member = &group.members()[id];
    let epoch = member.current.epoch?;
    let owes = member.current.state == Reconciliation::UnrevokedPartitions;
    let deadline = draft.now() + member.metadata.rebalance_timeout;
    // Mutant: it may keep them for ever.
    let owes = owes && !draft.turn.rules.has(Mutant::ForgetRebalanceTimeout);
    owes.then_some(GivingBack { deadline, epoch })
}

/// Adds the records of a consumer group to the decision, with what becomes true by them;
/// returns the group as it will be.
pub(super) fn write(
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

/// Lets a group decide amid the broker's settings and the cluster.
pub(super) fn surrounded<T>(
    (config, rules): (&BrokerConfig, Rules),
    image: &Image,
    act: impl FnOnce(&Surroundings<'_>) -> T,
) -> T {
    let partitions_of = |topic: TopicId| Some(image.topics.get(&topic)?.partitions.len() as u16);
    let assign = |group: &ConsumerGroup| targets(group, config);
    let size_max = config.group_consumer_size_max as usize;
    act(&Surroundings { size_max, partitions_of: &partitions_of, assign: &assign, rules })
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
