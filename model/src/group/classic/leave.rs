//! Leaving a classic group: on one's own word, an operator's, or by silence.
//!
//! Source: `GroupMetadataManager.classicGroupLeaveToClassicGroup`,
//! `expireClassicGroupMemberHeartbeat`, Kafka 4.0.

use crate::fact::{GroupEvent, LeaveCause, RebalanceCause};
use crate::group::classic::{Age, ClassicGroup, Phase};
use crate::group::decision::Draft;
use crate::ids::MemberId;
use crate::message::ErrorCode;
use crate::message::group::Leaver;
use crate::mutant::Mutant;

impl ClassicGroup {
    /// Lets members go; each succeeds or fails on its own.
    pub fn leave(&mut self, leavers: &[Leaver], draft: &mut Draft<'_, '_>) -> Vec<ErrorCode> {
        let mut outcomes = Vec::with_capacity(leavers.len());
        let mut departed = None;
        for leaver in leavers {
            let outcome = self.let_go(leaver, draft);
            outcomes.push(outcome.as_ref().err().copied().unwrap_or(ErrorCode::None));
            departed = departed.or(outcome.ok());
        }
        if let Some(id) = departed {
            self.on_departure(RebalanceCause::Left(id), draft);
        }
        outcomes
    }

    fn let_go(
        &mut self,
        leaver: &Leaver,
        draft: &mut Draft<'_, '_>,
    ) -> Result<MemberId, ErrorCode> {
        let id = match (&leaver.member, &leaver.instance) {
            (Some(id), _) if self.pending.remove(id).is_some() => return Ok(id.clone()),
            (Some(id), instance) => {
                self.check_member(id, instance.as_ref(), draft.turn.rules)?;
                id.clone()
            }
            (None, Some(instance)) => {
                self.instances.get(instance).cloned().ok_or(ErrorCode::UnknownMemberId)?
            }
            (None, None) => return Err(ErrorCode::UnknownMemberId),
        };
        self.remove(&id, LeaveCause::Left, draft);
        Ok(id)
    }

    /// Goes on without those that have just gone.
    fn on_departure(&mut self, cause: RebalanceCause, draft: &mut Draft<'_, '_>) {
        match self.phase {
            Phase::Empty => {}
            Phase::PreparingRebalance(_) => self.complete_join_if_everybody_is_here(draft),
            Phase::CompletingRebalance | Phase::Stable => self.prepare_rebalance(cause, draft),
        }
    }

    /// Removes a member and refuses what it waits for.
    fn remove(&mut self, id: &MemberId, cause: LeaveCause, draft: &mut Draft<'_, '_>) {
        if let Some(parked) = self.members.get_mut(id).and_then(|member| member.parked.take()) {
            parked.fail(ErrorCode::UnknownMemberId, Some(id), draft);
        }
        self.lose(id, cause, draft);
    }

    /// Removes a member; leadership goes to the first of the others by id.
    ///
    /// Source: `ClassicGroup.remove`, Kafka 4.0.
    pub(super) fn lose(&mut self, id: &MemberId, cause: LeaveCause, draft: &mut Draft<'_, '_>) {
        let Some(member) = self.members.remove(id) else { return };
        if let Some(instance) = &member.instance {
            self.instances.remove(instance);
        }
        self.unsynced.remove(id);
        if self.leader.as_ref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
        draft.note(&self.id, GroupEvent::MemberLeft { member: id.clone(), cause });
    }

    /// Expires what is due: ids in waiting, sessions, the wait for joins, the wait for syncs.
    pub fn on_deadline(&mut self, draft: &mut Draft<'_, '_>) {
        let now = draft.now();
        let pending = self.pending.len();
        self.pending.retain(|_, lapses_at| now < *lapses_at);
        if self.pending.len() < pending {
            self.complete_join_if_everybody_is_here(draft);
        }
        let due = self.members.iter().filter(|(_, it)| it.expires_at.is_some_and(|at| at <= now));
        let due: Vec<_> = due.map(|(id, _)| id.clone()).collect();
        for id in due {
            self.on_session_timeout(&id, draft);
        }
        if let Phase::PreparingRebalance(joining) = self.phase
            && joining.deadline() <= now
        {
            self.on_join_deadline(joining, draft);
        }
        if self.sync_deadline.is_some_and(|deadline| deadline <= now) {
            self.on_sync_deadline(draft);
        }
    }

    /// Removes a silent member; one whose request waits here is not silent, unless it is new.
    fn on_session_timeout(&mut self, id: &MemberId, draft: &mut Draft<'_, '_>) {
        let Some(member) = self.members.get_mut(id) else { return };
        if member.expires_at.is_none_or(|at| draft.now() < at) {
            return; // a rebalance that another expiry began has just renewed it
        }
        if member.age == Age::Known && member.parked.is_some() {
            member.expires_at = None;
            return;
        }
        // Mutant: nobody is missed.
        if draft.turn.rules.has(Mutant::ForgetSessionTimer) {
            member.expires_at = None;
            return;
        }
        self.remove(id, LeaveCause::SessionExpired, draft);
        self.on_departure(RebalanceCause::SessionExpired(id.clone()), draft);
    }

    /// Refuses everybody that waits: the coordinator resigns.
    ///
    /// Source: `GroupMetadataManager.onUnloaded`, Kafka 4.0.
    pub fn resign(&mut self, draft: &mut Draft<'_, '_>) {
        self.refuse_all(ErrorCode::NotCoordinator, draft);
    }

    /// Takes up office over a loaded group: every member gets a whole session; a group that
    /// is too large rebalances, so that the last to come back stay out.
    ///
    /// Source: `GroupMetadataManager.onLoaded`, Kafka 4.0.
    pub fn take_up(&mut self, draft: &mut Draft<'_, '_>) {
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in &ids {
            self.extend_session(id, draft.now());
        }
        if (draft.config.group_size_max as usize) < ids.len() {
            self.prepare_rebalance(RebalanceCause::Migrated, draft);
        }
    }
}
