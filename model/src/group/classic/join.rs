//! JoinGroup: who may be a member, and under which id.
//!
//! Source: `GroupMetadataManager.classicGroupJoinToClassicGroup` and what it calls, Kafka 4.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fact::{GroupEvent, LeaveCause, RebalanceCause};
use crate::group::classic::{Age, ClassicGroup, Company, Joining, Member, Parked, Phase};
use crate::group::decision::{Draft, Replacement, Then, Waiter};
use crate::ids::{InstanceId, MemberId};
use crate::message::group::{
    Assignment, GroupProtocol, JoinGroupReply, JoinGroupRequest, JoinRefusal, Joined, JoinedMember,
};
use crate::message::{ErrorCode, Response};
use crate::time::Duration;

/// How long a new member's first join may take before it is taken for gone.
const NEW_MEMBER_JOIN_TIMEOUT: Duration = Duration::from_secs(300);

/// Who is told who the members are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Roll {
    /// The leader, and nobody else.
    ForLeader,
    /// The leader, who need not assign: what is stored stays valid.
    ForLeaderAtRest,
}

/// Makes the answer that refuses a join.
pub fn refuse(error: ErrorCode, member: Option<MemberId>) -> Response {
    Response::JoinGroup(JoinGroupReply { joined: Err(JoinRefusal { error, member }) })
}

impl ClassicGroup {
    /// Takes in a JoinGroup; it is answered at once or parked.
    pub fn join(&mut self, request: &JoinGroupRequest, waiter: Waiter, draft: &mut Draft<'_, '_>) {
        match self.admit(request, waiter, draft) {
            Ok(()) => self.complete_join_if_everybody_is_here(draft),
            Err(refusal) => draft.answer(waiter, refuse(refusal.error, refusal.member)),
        }
    }

    fn admit(
        &mut self,
        request: &JoinGroupRequest,
        waiter: Waiter,
        draft: &mut Draft<'_, '_>,
    ) -> Result<(), JoinRefusal> {
        let id = request.member.as_ref();
        if !self.has_room_for(id, draft.config.group_size_max as usize) {
            if let Some(id) = id {
                self.pending.remove(id);
                self.lose(id, LeaveCause::GroupFull, draft);
            }
            return Err(JoinRefusal { error: ErrorCode::GroupMaxSizeReached, member: None });
        }
        let refusal = |error| JoinRefusal { error, member: request.member.clone() };
        if !self.supports(request) {
            return Err(refusal(ErrorCode::InconsistentGroupProtocol));
        }
        let Some(id) = id else { return self.admit_newcomer(request, waiter, draft) };
        if self.pending.contains_key(id) {
            self.add(id.clone(), request, waiter, draft);
            return Ok(());
        }
        let rules = draft.turn.rules;
        self.check_member(id, request.instance.as_ref(), rules).map_err(refusal)?;
        self.rejoin(id, request, waiter, draft).map_err(refusal)
    }

    /// Says whether one more may join, or this one again.
    ///
    /// Source: `GroupMetadataManager.acceptJoiningMember`, Kafka 4.0.
    fn has_room_for(&self, id: Option<&MemberId>, size_max: usize) -> bool {
        let known = id.and_then(|id| self.members.get(id));
        match self.phase {
            Phase::Empty => true,
            // Ids in waiting do not count: those that join first are in.
            Phase::PreparingRebalance(_) => {
                let waits = known.is_some_and(|it| matches!(it.parked, Some(Parked::Join(_))));
                waits || self.joined_count() < size_max
            }
            Phase::CompletingRebalance | Phase::Stable => {
                known.is_some() || self.members.len() < size_max
            }
        }
    }

    /// Says whether the request fits the group: one kind, and an assignor that all support.
    ///
    /// Source: `ClassicGroup.supportsProtocols`, Kafka 4.0.
    fn supports(&self, request: &JoinGroupRequest) -> bool {
        if self.members.is_empty() {
            return !request.protocol_type.is_empty() && !request.protocols.is_empty();
        }
        self.protocol_type.as_ref() == Some(&request.protocol_type)
            && request.protocols.iter().any(|protocol| self.is_common(&protocol.name))
    }

    fn admit_newcomer(
        &mut self,
        request: &JoinGroupRequest,
        waiter: Waiter,
        draft: &mut Draft<'_, '_>,
    ) -> Result<(), JoinRefusal> {
        let Some(instance) = &request.instance else {
            // KIP-394: a client that retries its first join would leave ghosts behind,
            // so it gets its id before it is a member.
            let id = draft.member_id(&request.client_id);
            self.pending.insert(id.clone(), draft.now() + request.session_timeout);
            return Err(JoinRefusal { error: ErrorCode::MemberIdRequired, member: Some(id) });
        };
        let id = draft.member_id(instance.as_str());
        match self.instances.get(instance).cloned() {
            None => self.add(id, request, waiter, draft),
            Some(old) => self.replace(instance, (old, id), request, waiter, draft),
        }
        Ok(())
    }

    fn add(
        &mut self,
        id: MemberId,
        request: &JoinGroupRequest,
        waiter: Waiter,
        draft: &mut Draft<'_, '_>,
    ) {
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.clone());
        }
        self.leader.get_or_insert_with(|| id.clone());
        if let Phase::PreparingRebalance(Joining::Initial { company, .. }) = &mut self.phase {
            *company = Company::Came;
        }
        self.pending.remove(&id);
        if let Some(instance) = &request.instance {
            self.instances.insert(instance.clone(), id.clone());
        }
        let member = Member {
            instance: request.instance.clone(),
            client_id: request.client_id.clone(),
            rebalance_timeout: request.rebalance_timeout,
            session_timeout: request.session_timeout,
            protocols: request.protocols.clone(),
            assignment: Assignment::default(),
            age: Age::New,
            expires_at: Some(draft.now() + NEW_MEMBER_JOIN_TIMEOUT),
            parked: Some(Parked::Join(waiter)),
        };
        let joined = GroupEvent::MemberJoined {
            member: id.clone(),
            client_id: request.client_id.clone(),
            instance: request.instance.clone(),
        };
        draft.note(&self.id, joined);
        self.members.insert(id.clone(), member);
        self.prepare_rebalance(RebalanceCause::Joined(id), draft);
    }

    /// Takes in the join of a member that is known under this id.
    fn rejoin(
        &mut self,
        id: &MemberId,
        request: &JoinGroupRequest,
        waiter: Waiter,
        draft: &mut Draft<'_, '_>,
    ) -> Result<(), ErrorCode> {
        let is_unchanged = self.members[id].protocols == request.protocols;
        let is_leader = self.leader.as_ref() == Some(id);
        let goes_on = match self.phase {
            Phase::Empty => return Err(ErrorCode::UnknownMemberId),
            Phase::PreparingRebalance(_) => false,
            // The answer may have been lost: the member gets it once more.
            Phase::CompletingRebalance => is_unchanged,
            // A leader joins again because something changed that only it sees.
            Phase::Stable => is_unchanged && !is_leader,
        };
        if goes_on {
            draft.answer(waiter, self.joined(id, Roll::ForLeader));
            return Ok(());
        }
        self.update(id, request);
        self.park_join(id, waiter, draft);
        self.prepare_rebalance(RebalanceCause::Rejoined(id.clone()), draft);
        Ok(())
    }

    /// Gives a static member's place to its next life (KIP-345).
    fn replace(
        &mut self,
        instance: &InstanceId,
        (old, new): (MemberId, MemberId),
        request: &JoinGroupRequest,
        waiter: Waiter,
        draft: &mut Draft<'_, '_>,
    ) {
        let before = {
            let member = &self.members[&old];
            (member.protocols.clone(), member.session_timeout, member.rebalance_timeout)
        };
        self.rename(instance, &old, new.clone(), draft);
        self.update(&new, request);
        self.extend_session(&new, draft.now());
        let at_rest = self.phase == Phase::Stable && self.vote() == self.protocol;
        if !at_rest {
            self.park_join(&new, waiter, draft);
            self.prepare_rebalance(RebalanceCause::Rejoined(new), draft);
            return;
        }
        draft.write_classic(&self.id, Some(self.settled()));
        let response = self.joined(&new, Roll::ForLeaderAtRest);
        let (group, instance) = (self.id.clone(), instance.clone());
        let replacement = Replacement { group, instance, old, new, before, waiter, response };
        draft.decision.then = Some(Then::Replace(Box::new(replacement)));
    }

    /// Puts a static member's old life back: the log has refused the new one.
    pub fn undo_replacement(&mut self, replacement: &Replacement, draft: &mut Draft<'_, '_>) {
        if self.instances.get(&replacement.instance) != Some(&replacement.new) {
            return;
        }
        self.rename(&replacement.instance, &replacement.new, replacement.old.clone(), draft);
        let (protocols, session_timeout, rebalance_timeout) = replacement.before.clone();
        let member = self.member_mut(&replacement.old);
        member.protocols = protocols;
        member.session_timeout = session_timeout;
        member.rebalance_timeout = rebalance_timeout;
        self.extend_session(&replacement.old, draft.now());
    }

    fn rename(
        &mut self,
        instance: &InstanceId,
        old: &MemberId,
        new: MemberId,
        draft: &mut Draft<'_, '_>,
    ) {
        let mut member = self.members.remove(old).expect("an instance has a member");
        if let Some(parked) = member.parked.take() {
            parked.fail(ErrorCode::FencedInstanceId, Some(old), draft);
        }
        if self.leader.as_ref() == Some(old) {
            self.leader = Some(new.clone());
        }
        if self.unsynced.remove(old) {
            self.unsynced.insert(new.clone());
        }
        self.instances.insert(instance.clone(), new.clone());
        self.members.insert(new.clone(), member);
        let (instance, old) = (instance.clone(), old.clone());
        draft.note(&self.id, GroupEvent::MemberReplaced { instance, old, new });
    }

    fn update(&mut self, id: &MemberId, request: &JoinGroupRequest) {
        let member = self.member_mut(id);
        member.protocols.clone_from(&request.protocols);
        member.rebalance_timeout = request.rebalance_timeout;
        member.session_timeout = request.session_timeout;
    }

    fn park_join(&mut self, id: &MemberId, waiter: Waiter, draft: &mut Draft<'_, '_>) {
        let member = self.member_mut(id);
        if let Some(sync @ Parked::Sync(_)) = member.parked.replace(Parked::Join(waiter)) {
            sync.fail(ErrorCode::RebalanceInProgress, Some(id), draft);
        }
    }

    /// Tells a member of the generation.
    fn joined(&self, id: &MemberId, roll: Roll) -> Response {
        let is_leader = self.leader.as_ref() == Some(id);
        let members = || {
            let tell = |(id, member): (&MemberId, &Member)| JoinedMember {
                member: id.clone(),
                instance: member.instance.clone(),
                subscription: self.subscription_of(member),
            };
            self.members.iter().map(tell).collect()
        };
        let joined = Joined {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            member: id.clone(),
            skip_assignment: is_leader && roll == Roll::ForLeaderAtRest,
            members: if is_leader { members() } else { Vec::new() },
        };
        Response::JoinGroup(JoinGroupReply { joined: Ok(joined) })
    }

    /// Answers everybody that waits in JoinGroup: the generation has begun.
    pub(super) fn answer_joins(&mut self, draft: &mut Draft<'_, '_>) {
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            let response = self.joined(&id, Roll::ForLeader);
            let member = self.member_mut(&id);
            if let Some(Parked::Join(waiter)) = member.parked {
                member.parked = None;
                draft.answer(waiter, response);
            }
            member.age = Age::Known;
            self.extend_session(&id, draft.now());
            self.unsynced.insert(id);
        }
    }

    /// Returns the assignor that the next generation would use: each member votes for its
    /// favourite among those that all support.
    ///
    /// Source: `ClassicGroup.selectProtocol`, Kafka 4.0, where ties fall in hash order; here
    /// they fall to the first name.
    pub(super) fn vote(&self) -> Option<Arc<str>> {
        let mut votes = BTreeMap::new();
        for member in self.members.values() {
            let favourite = member.protocols.iter().find(|protocol| self.is_common(&protocol.name));
            if let Some(GroupProtocol { name, .. }) = favourite {
                *votes.entry(name.clone()).or_insert(0_u32) += 1;
            }
        }
        let most = votes.values().copied().max()?;
        votes.into_iter().find(|&(_, count)| count == most).map(|(name, _)| name)
    }

    fn is_common(&self, name: &str) -> bool {
        let supports = |member: &Member| member.protocols.iter().any(|it| &*it.name == name);
        self.members.values().all(supports)
    }
}
