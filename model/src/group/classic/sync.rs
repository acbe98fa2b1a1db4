//! SyncGroup and Heartbeat: handing out the assignment, and staying alive.
//!
//! Source: `GroupMetadataManager.classicGroupSyncToClassicGroup`,
//! `classicGroupHeartbeatToClassicGroup`, Kafka 4.0.

use std::sync::Arc;

use crate::fact::GroupEvent;
use crate::group::classic::{ClassicGroup, Parked, Phase};
use crate::group::decision::{Draft, Then, Waiter};
use crate::ids::{Generation, MemberId};
use crate::message::group::{Assignment, GroupHeartbeatRequest, SyncGroupReply, SyncGroupRequest};
use crate::message::{ErrorCode, Response};
use crate::rules::Rules;

/// Makes the answer to a SyncGroup.
pub fn synced(assignment: Result<Assignment, ErrorCode>) -> Response {
    Response::SyncGroup(SyncGroupReply { assignment })
}

impl ClassicGroup {
    /// Takes in a SyncGroup; it is answered at once or parked until the leader's is committed.
    pub fn sync(&mut self, request: &SyncGroupRequest, waiter: Waiter, draft: &mut Draft<'_, '_>) {
        if let Err(error) = self.check_sync(request, draft.turn.rules) {
            draft.answer(waiter, synced(Err(error)));
            return;
        }
        self.unsynced.remove(&request.member);
        if self.unsynced.is_empty() {
            self.sync_deadline = None;
        }
        if self.phase == Phase::Stable {
            let assignment = self.members[&request.member].assignment.clone();
            draft.answer(waiter, synced(Ok(assignment)));
            return;
        }
        self.member_mut(&request.member).parked = Some(Parked::Sync(waiter));
        if self.leader.as_ref() == Some(&request.member) {
            self.write_assignment(request, draft);
        }
    }

    fn check_sync(&self, request: &SyncGroupRequest, rules: Rules) -> Result<(), ErrorCode> {
        self.check_member(&request.member, request.instance.as_ref(), rules)?;
        if request.generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        let fits = |said: &Option<Arc<str>>, own| said.is_none() || said == own;
        if !fits(&request.protocol_type, &self.protocol_type)
            || !fits(&request.protocol, &self.protocol)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match self.phase {
            Phase::Empty => Err(ErrorCode::UnknownMemberId),
            Phase::PreparingRebalance(_) => Err(ErrorCode::RebalanceInProgress),
            Phase::CompletingRebalance | Phase::Stable => Ok(()),
        }
    }

    /// Writes what the leader has assigned; a member that it left out gets nothing to read.
    fn write_assignment(&self, request: &SyncGroupRequest, draft: &mut Draft<'_, '_>) {
        let assigned_to = |id: &MemberId| {
            let found = request.assignments.iter().find(|(member, _)| member == id);
            found.map_or_else(Assignment::default, |(_, assignment)| assignment.clone())
        };
        draft.write_classic(&self.id, Some(self.to_record(|id, _| assigned_to(id))));
        let assignments = self.members.keys().map(|id| (id.clone(), assigned_to(id)));
        draft.decision.then = Some(Then::Assign {
            group: self.id.clone(),
            generation: self.generation,
            assignments: assignments.collect(),
        });
    }

    /// Says whether the group still waits for the assignment of this generation.
    pub fn awaits_assignment(&self, generation: Generation) -> bool {
        self.phase == Phase::CompletingRebalance && self.generation == generation
    }

    /// Hands out the assignment that has been committed: everybody may read.
    pub fn assign(&mut self, assignments: &[(MemberId, Assignment)], draft: &mut Draft<'_, '_>) {
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(id) {
                member.assignment = assignment.clone();
            }
        }
        for member in self.members.values_mut() {
            if let Some(Parked::Sync(waiter)) = member.parked {
                member.parked = None;
                member.expires_at = Some(draft.now() + member.session_timeout);
                draft.answer(waiter, synced(Ok(member.assignment.clone())));
            }
        }
        let assignment = self.members.iter().map(|(id, it)| (id.clone(), it.assignment.clone()));
        let assignment = assignment.collect();
        let generation = self.generation;
        draft.note(&self.id, GroupEvent::Assigned { generation, assignment });
        self.enter(Phase::Stable, None, draft);
    }

    /// Checks a heartbeat; whether it is refused with `REBALANCE_IN_PROGRESS` or accepted,
    /// the member has shown that it lives.
    ///
    /// # Errors
    /// As [`ClassicGroup::check_member`]; `ILLEGAL_GENERATION` for another generation;
    /// `UNKNOWN_MEMBER_ID` in an empty group; `REBALANCE_IN_PROGRESS` while members join.
    pub fn check_heartbeat(
        &self,
        request: &GroupHeartbeatRequest,
        rules: Rules,
    ) -> Result<(), ErrorCode> {
        self.check_member(&request.member, request.instance.as_ref(), rules)?;
        if request.generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        match self.phase {
            Phase::Empty => Err(ErrorCode::UnknownMemberId),
            Phase::PreparingRebalance(_) => Err(ErrorCode::RebalanceInProgress),
            Phase::CompletingRebalance | Phase::Stable => Ok(()),
        }
    }
}
