//! Groups with members of both protocols at their coordinator, and groups that move between
//! the protocols while they have members (KIP-848).
//!
//! The first native member that joins makes a classic group a consumer group; when the last
//! one leaves, or its classic next life takes its place, it is a classic group again:
//! `group.consumer.migration.policy` says which of the two may happen.
//!
//! Source: `GroupMetadataManager.convertToConsumerGroup`, `convertToClassicGroup`,
//! `classicGroupJoinToConsumerGroup` and its like, Kafka 4.0.

use crate::config::{BrokerConfig, MigrationPolicy};
use crate::fact::{GroupEvent, GroupPhase, LeaveCause, RebalanceCause};
use crate::group::classic::ClassicGroup;
use crate::group::classic::join::refuse;
use crate::group::classic::sync::synced;
use crate::group::clocks::Clock;
use crate::group::consumer::ConsumerGroup;
use crate::group::coordinator::Coordinator;
use crate::group::decision::{Change, Draft, Waiter};
use crate::group::native::{group_tombstones, session_end, surrounded, write};
use crate::group::story;
use crate::ids::MemberId;
use crate::message::group::{
    GroupHeartbeatRequest, JoinGroupReply, JoinGroupRequest, JoinRefusal, Joined, Leaver,
    SyncGroupRequest,
};
use crate::message::{ErrorCode, Response};

impl MigrationPolicy {
    /// Says whether a classic group with members may become a consumer group.
    pub fn upgrades(self) -> bool {
        match self {
            MigrationPolicy::Bidirectional | MigrationPolicy::Upgrade => true,
            MigrationPolicy::Downgrade | MigrationPolicy::Disabled => false,
        }
    }

    /// Says whether a consumer group with members may become a classic group.
    pub fn downgrades(self) -> bool {
        match self {
            MigrationPolicy::Bidirectional | MigrationPolicy::Downgrade => true,
            MigrationPolicy::Upgrade | MigrationPolicy::Disabled => false,
        }
    }
}

/// Says whether a native member may join a classic group that has members.
///
/// Source: `validateOnlineUpgrade`, Kafka 4.0.
pub(super) fn may_upgrade(group: &ClassicGroup, config: &BrokerConfig) -> bool {
    config.group_consumer_migration_policy.upgrades()
        && group.is_of_consumers()
        && group.members().len() <= config.group_consumer_size_max as usize
}

/// Says whether a consumer group is a classic one when some members are gone.
///
/// Source: `validateOnlineDowngradeWithFencedMember`, Kafka 4.0.
fn may_downgrade(group: &ConsumerGroup, leavers: &[MemberId], config: &BrokerConfig) -> bool {
    let stay = group.members().len() - leavers.len();
    group.is_classic_without(leavers)
        && config.group_consumer_migration_policy.downgrades()
        && stay <= config.group_size_max as usize
}

impl Coordinator {
    /// Decides what follows from a JoinGroup to a consumer group that has members.
    pub(super) fn join_consumer_group(
        &self,
        group: &ConsumerGroup,
        request: &JoinGroupRequest,
        waiter: Waiter,
        draft: &mut Draft<'_, '_>,
    ) {
        match self.decide_join(group, request, draft) {
            Ok(joined) => {
                let reply = Response::JoinGroup(JoinGroupReply { joined: Ok(joined) });
                draft.answer_when_committed(waiter, reply);
            }
            Err(refusal) => draft.answer(waiter, refuse(refusal.error, refusal.member)),
        }
    }

    fn decide_join(
        &self,
        group: &ConsumerGroup,
        request: &JoinGroupRequest,
        draft: &mut Draft<'_, '_>,
    ) -> Result<Joined, JoinRefusal> {
        let refusal = |error| JoinRefusal { error, member: request.member.clone() };
        let id = request.member.clone().unwrap_or_else(|| MemberId(draft.uuid().into()));
        let size_max = draft.config.group_consumer_size_max as usize;
        group.check_joiner(&id, request, size_max).map_err(refusal)?;
        if request.member.is_none() && request.instance.is_none() {
            // Unlike in a classic group, nobody keeps the id: whoever says it joins with it.
            return Err(JoinRefusal { error: ErrorCode::MemberIdRequired, member: Some(id) });
        }
        let instance = request.instance.as_ref();
        let predecessor = instance.and_then(|it| group.holder(it)).map(|(holder, _)| holder);
        let predecessor = predecessor.filter(|holder| **holder != id).cloned();
        let (config, image) = (draft.config, draft.image);
        let rules = draft.turn.rules;
        let joined = surrounded((config, rules), image, |around| group.join(&id, request, around));
        let joined = joined.map_err(refusal)?;
        let after = write(group, joined.records, None, draft);
        // Simplified: Kafka's classic group begins at the epoch before this join; it differs
        // only for a next life that subscribes to other topics, and costs it one more join.
        let is_last = predecessor.is_some_and(|it| may_downgrade_by(group, &it, config));
        if is_last {
            let classic = after.downgraded(&[], draft.now(), draft.turn.wall);
            replace_by_classic(&after, classic, draft);
        } else {
            let sync = Some(draft.now() + request.rebalance_timeout);
            let wound_up = self.wound_up(group, &after, &id, draft);
            let clock = Clock { join: None, sync, ..wound_up };
            draft.decision.change = Some(Change::Clock(group.id.clone(), id.clone(), clock));
        }
        Ok(Joined {
            generation: joined.generation,
            protocol_type: Some(request.protocol_type.clone()),
            protocol: Some(joined.protocol),
            leader: None,
            member: id,
            skip_assignment: false,
            members: Vec::new(),
        })
    }

    /// Decides what follows from a SyncGroup to a consumer group.
    pub(super) fn sync_consumer_group(
        &self,
        group: &ConsumerGroup,
        request: &SyncGroupRequest,
        waiter: Waiter,
        draft: &mut Draft<'_, '_>,
    ) {
        match group.check_sync(request) {
            Ok(assignment) => {
                self.rewind(group, &request.member, |clock| clock.sync = None, draft);
                draft.answer_when_committed(waiter, synced(Ok(assignment)));
            }
            Err(error) => {
                if error == ErrorCode::RebalanceInProgress {
                    self.await_join(group, &request.member, draft);
                }
                draft.answer(waiter, synced(Err(error)));
            }
        }
    }

    /// Decides what follows from a classic Heartbeat to a consumer group.
    ///
    /// # Errors
    /// As [`ConsumerGroup::check_classic`]; `REBALANCE_IN_PROGRESS` if the member is to join
    /// again, which it has its rebalance timeout for.
    pub(super) fn beat_consumer_group(
        &self,
        group: &ConsumerGroup,
        request: &GroupHeartbeatRequest,
        draft: &mut Draft<'_, '_>,
    ) -> Result<(), ErrorCode> {
        let who = (&request.member, request.instance.as_ref());
        let (member, _) = group.check_classic(who, request.generation)?;
        if !group.must_rejoin(member) {
            self.rewind(group, &request.member, |_| {}, draft);
            return Ok(());
        }
        let join = draft.now() + member.metadata.rebalance_timeout;
        let await_join = |clock: &mut Clock| clock.join = clock.join.or(Some(join));
        self.rewind(group, &request.member, await_join, draft);
        Err(ErrorCode::RebalanceInProgress)
    }

    /// Starts the session of a member of the classic protocol anew, and changes its timers.
    fn rewind(
        &self,
        group: &ConsumerGroup,
        id: &MemberId,
        act: impl FnOnce(&mut Clock),
        draft: &mut Draft<'_, '_>,
    ) {
        let mut clock = self.wound_up(group, group, id, draft);
        act(&mut clock);
        draft.decision.change = Some(Change::Clock(group.id.clone(), id.clone(), clock));
    }

    /// Gives a member its rebalance timeout to join again; its session goes on.
    fn await_join(&self, group: &ConsumerGroup, id: &MemberId, draft: &mut Draft<'_, '_>) {
        let Some(clock) = self.clocks.get(&(group.id.clone(), id.clone())) else { return };
        let join = draft.now() + group.members()[id].metadata.rebalance_timeout;
        let clock = Clock { join: clock.join.or(Some(join)), ..*clock };
        draft.decision.change = Some(Change::Clock(group.id.clone(), id.clone(), clock));
    }

    /// Decides what follows from a LeaveGroup to a consumer group. Native members do not
    /// leave by it, but an operator may name any instance.
    pub(super) fn on_consumer_leave(
        &self,
        group: &ConsumerGroup,
        leavers: &[Leaver],
        draft: &mut Draft<'_, '_>,
    ) -> Vec<ErrorCode> {
        let find = |leaver: &Leaver| match (&leaver.member, &leaver.instance) {
            (None, None) => Err(ErrorCode::UnknownMemberId),
            (None, Some(instance)) => {
                let (holder, _) = group.holder(instance).ok_or(ErrorCode::UnknownMemberId)?;
                Ok(holder.clone())
            }
            (Some(id), instance) => group.classic_member(id, instance.as_ref()).map(|_| id.clone()),
        };
        let found: Vec<_> = leavers.iter().map(find).collect();
        let mut gone: Vec<_> = found.iter().flatten().cloned().collect();
        gone.sort_unstable();
        gone.dedup();
        depart(group, &gone, LeaveCause::Left, draft);
        found.into_iter().map(|it| it.err().unwrap_or(ErrorCode::None)).collect()
    }
}

/// Says whether a consumer group is a classic one when `predecessor` has been replaced.
///
/// Source: `validateOnlineDowngradeWithReplacedMemberId`, Kafka 4.0.
fn may_downgrade_by(group: &ConsumerGroup, predecessor: &MemberId, config: &BrokerConfig) -> bool {
    let others = |(id, member): (&MemberId, &super::consumer::ConsumerMember)| {
        id == predecessor || member.classic().is_some()
    };
    group.members()[predecessor].classic().is_none()
        && group.members().iter().all(others)
        && config.group_consumer_migration_policy.downgrades()
        && group.members().len() <= config.group_size_max as usize
}

/// Takes members out of a consumer group; if the last native one is among them, the others
/// are a classic group from then on, and rebalance.
///
/// Source: `consumerGroupFenceMember`, Kafka 4.0.
pub(super) fn depart(
    group: &ConsumerGroup,
    leavers: &[MemberId],
    cause: LeaveCause,
    draft: &mut Draft<'_, '_>,
) {
    if !may_downgrade(group, leavers, draft.config) {
        let records = leavers.iter().flat_map(|id| group.remove(id)).collect();
        write(group, records, Some(cause), draft);
        return;
    }
    for member in leavers {
        let left = GroupEvent::MemberLeft { member: member.clone(), cause };
        draft.note_if_written(&group.id, left);
    }
    let mut classic = group.downgraded(leavers, draft.now(), draft.turn.wall);
    classic.prepare_rebalance(RebalanceCause::Migrated, draft);
    replace_by_classic(group, classic, draft);
}

/// Writes that a consumer group is this classic group.
fn replace_by_classic(group: &ConsumerGroup, classic: ClassicGroup, draft: &mut Draft<'_, '_>) {
    draft.decision.records.extend(group.member_tombstones());
    draft.decision.records.extend(group_tombstones(&group.id));
    draft.write_classic(&group.id, Some(classic.settled()));
    draft.decision.change = Some(Change::Classic(Box::new(classic)));
}

/// Makes a classic group with members the consumer group that a native member joins; who
/// waits in it is told to join again.
pub(super) fn upgrade(
    classic: &ClassicGroup,
    upgraded: &ConsumerGroup,
    draft: &mut Draft<'_, '_>,
) -> Result<(), ErrorCode> {
    let mut retired = classic.clone();
    retired.refuse_all(ErrorCode::RebalanceInProgress, draft);
    draft.write_classic(&classic.id, None);
    draft.decision.records.extend(ConsumerGroup::upgrade_records(classic)?);
    if classic.phase.public() != GroupPhase::Stable {
        let state = GroupEvent::State {
            from: classic.phase.public(),
            to: GroupPhase::Stable,
            generation: classic.generation,
            members: classic.members().len() as u32,
            cause: None,
        };
        draft.note_if_written(&classic.id, state);
    }
    for event in story::holdings(upgraded) {
        draft.note_if_written(&classic.id, event);
    }
    let clock = |member: &crate::group::classic::Member| Clock {
        session: session_end(member.session_timeout, draft),
        giving_back: None,
        join: None,
        sync: None,
    };
    let clocks = classic.members().iter().map(|(id, member)| (id.clone(), clock(member)));
    draft.decision.change = Some(Change::Upgrade(Box::new(retired), clocks.collect()));
    Ok(())
}
