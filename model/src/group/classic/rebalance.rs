//! The phases of a rebalance: who is waited for, and what happens when the wait is over.
//!
//! Source: `GroupMetadataManager.prepareRebalance`, `completeClassicGroupJoin`,
//! `tryCompleteInitialRebalanceElseSchedule`, `expirePendingSync`, Kafka 4.0.

use crate::fact::{GroupEvent, LeaveCause, RebalanceCause};
use crate::group::classic::{ClassicGroup, Company, Joining, Parked, Phase};
use crate::group::decision::Draft;
use crate::ids::MemberId;
use crate::message::group::{Assignment, SyncGroupReply};
use crate::message::{ErrorCode, Response};
use crate::mutant::Mutant;

impl Parked {
    /// Answers a parked request with an error.
    pub fn fail(self, error: ErrorCode, member: Option<&MemberId>, draft: &mut Draft<'_, '_>) {
        match self {
            Parked::Join(waiter) => {
                draft.answer(waiter, super::join::refuse(error, member.cloned()))
            }
            Parked::Sync(waiter) => {
                let reply = SyncGroupReply { assignment: Err(error) };
                draft.answer(waiter, Response::SyncGroup(reply));
            }
        }
    }
}

impl ClassicGroup {
    /// Begins a rebalance, unless members are joining already.
    pub fn prepare_rebalance(&mut self, cause: RebalanceCause, draft: &mut Draft<'_, '_>) {
        let timeout = self.rebalance_timeout();
        let joining = match self.phase {
            Phase::PreparingRebalance(_) => return,
            Phase::Empty => {
                // KIP-134: consumers that start together would rebalance one by one.
                let delay = draft.config.group_initial_rebalance_delay;
                let remaining = timeout - delay.min(timeout);
                let deadline = draft.now() + delay;
                Joining::Initial { deadline, delay, remaining, company: Company::None }
            }
            Phase::CompletingRebalance => {
                self.refuse_syncs(ErrorCode::RebalanceInProgress, draft);
                Joining::Everybody { deadline: draft.now() + timeout }
            }
            Phase::Stable => Joining::Everybody { deadline: draft.now() + timeout },
        };
        self.unsynced.clear();
        self.sync_deadline = None;
        self.enter(Phase::PreparingRebalance(joining), Some(cause), draft);
        self.complete_join_if_everybody_is_here(draft);
    }

    /// Ends the joining once everybody known has joined; an initial wait runs its course.
    pub(super) fn complete_join_if_everybody_is_here(&mut self, draft: &mut Draft<'_, '_>) {
        let Phase::PreparingRebalance(Joining::Everybody { .. }) = self.phase else { return };
        // An id in waiting blocks: whoever got it is about to join.
        let joined = self.joined_count();
        let everybody = self.pending.is_empty() && joined == self.members.len();
        // Mutant: the first to come are served.
        let early = 0 < joined && draft.turn.rules.has(Mutant::JoinNotAwaited);
        if everybody || early {
            self.complete_join(draft);
        }
    }

    /// Ends a wait for joins whose time is over.
    pub(super) fn on_join_deadline(&mut self, joining: Joining, draft: &mut Draft<'_, '_>) {
        match joining {
            Joining::Initial { delay, remaining, company: Company::Came, .. }
                if !remaining.is_zero() =>
            {
                let next = draft.config.group_initial_rebalance_delay.min(remaining);
                let joining = Joining::Initial {
                    deadline: draft.now() + next,
                    delay: next,
                    remaining: remaining - delay.min(remaining),
                    company: Company::None,
                };
                self.phase = Phase::PreparingRebalance(joining);
            }
            // Mutant: the wait begins anew, as long as there is somebody to wait for.
            Joining::Everybody { .. }
                if draft.turn.rules.has(Mutant::ForgetRebalanceTimeout)
                    && !self.members.is_empty() =>
            {
                let deadline = draft.now() + self.rebalance_timeout();
                self.phase = Phase::PreparingRebalance(Joining::Everybody { deadline });
            }
            Joining::Initial { .. } | Joining::Everybody { .. } => self.complete_join(draft),
        }
    }

    /// Begins the next generation with those that have joined.
    fn complete_join(&mut self, draft: &mut Draft<'_, '_>) {
        let is_absent = |id: &MemberId, group: &ClassicGroup| {
            let member = &group.members[id];
            !matches!(member.parked, Some(Parked::Join(_))) && member.instance.is_none()
        };
        let absent: Vec<_> =
            self.members.keys().filter(|id| is_absent(id, self)).cloned().collect();
        for id in absent {
            self.lose(&id, LeaveCause::RebalanceTimeout, draft);
        }
        if self.members.is_empty() {
            self.become_empty(draft);
            return;
        }
        if !self.elect_leader() {
            // Static members may be away, and nobody is there to assign: wait once more.
            let deadline = draft.now() + self.rebalance_timeout();
            self.phase = Phase::PreparingRebalance(Joining::Everybody { deadline });
            return;
        }
        self.generation = self.generation.next();
        self.protocol = self.vote();
        self.enter(Phase::CompletingRebalance, None, draft);
        self.answer_joins(draft);
        self.sync_deadline = Some(draft.now() + self.rebalance_timeout());
    }

    /// Leaves leadership with a member that has joined; says whether there is one.
    ///
    /// Source: `ClassicGroup.maybeElectNewJoinedLeader`, Kafka 4.0, which takes any; here it
    /// is the first by id.
    fn elect_leader(&mut self) -> bool {
        let has_joined = |id: &MemberId| {
            let member = self.members.get(id);
            member.is_some_and(|member| matches!(member.parked, Some(Parked::Join(_))))
        };
        if self.leader.as_ref().is_some_and(has_joined) {
            return true;
        }
        let successor = self.members.keys().find(|id| has_joined(id)).cloned();
        let found = successor.is_some();
        if found {
            self.leader = successor;
        }
        found
    }

    fn become_empty(&mut self, draft: &mut Draft<'_, '_>) {
        self.generation = self.generation.next();
        self.protocol = None;
        self.leader = None;
        self.enter(Phase::Empty, None, draft);
        draft.write_classic(&self.id, Some(self.empty()));
    }

    /// Lets members join again because the log did not take their assignment.
    pub fn on_assignment_lost(&mut self, error: ErrorCode, draft: &mut Draft<'_, '_>) {
        self.refuse_syncs(error, draft);
        self.prepare_rebalance(RebalanceCause::WriteFailed, draft);
    }

    /// Refuses everybody that waits in SyncGroup; nobody has an assignment any more.
    fn refuse_syncs(&mut self, error: ErrorCode, draft: &mut Draft<'_, '_>) {
        for (id, member) in &mut self.members {
            member.assignment = Assignment::default();
            if let Some(Parked::Sync(_)) = member.parked
                && let Some(parked) = member.parked.take()
            {
                parked.fail(error, Some(id), draft);
                member.expires_at = Some(draft.now() + member.session_timeout);
            }
        }
    }

    /// Removes members that have joined and did not sync in time.
    pub(super) fn on_sync_deadline(&mut self, draft: &mut Draft<'_, '_>) {
        self.sync_deadline = None;
        let absent = std::mem::take(&mut self.unsynced);
        for id in &absent {
            self.lose(id, LeaveCause::RebalanceTimeout, draft);
        }
        if let Some(first) = absent.into_iter().next() {
            self.prepare_rebalance(RebalanceCause::RebalanceTimeout(first), draft);
        }
    }

    pub(super) fn enter(
        &mut self,
        phase: Phase,
        cause: Option<RebalanceCause>,
        draft: &mut Draft<'_, '_>,
    ) {
        let state = GroupEvent::State {
            from: self.phase.public(),
            to: phase.public(),
            generation: self.generation,
            members: self.members.len() as u32,
            cause,
        };
        draft.note(&self.id, state);
        self.phase = phase;
        self.since = draft.turn.wall;
    }
}
