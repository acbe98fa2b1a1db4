//! Members of the classic protocol in a consumer group (KIP-848's online migration): the
//! server's assignor serves everybody, and such a member is told by errors when to rejoin.
//!
//! A JoinGroup is a heartbeat in other words: the generation is the member's epoch, what it
//! owns acknowledges a revocation, and nobody waits for anybody. No member leads.
//!
//! Source: `GroupMetadataManager.classicGroupJoinToConsumerGroup` and its like,
//! `ConsumerGroup.fromClassicGroup`, `ClassicGroup.fromConsumerGroup`, Kafka 4.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Claim, ConsumerGroup, ConsumerMember, Surroundings, newcomer, tombstones};
use crate::group::classic::{Age, ClassicGroup, Member};
use crate::group::offsets::CONSUMER;
use crate::group::record::{
    ClassicMembership, CurrentAssignment, GroupRecord, MemberMetadata, Reconciliation,
};
use crate::ids::{Generation, GroupEpoch, InstanceId, MemberEpoch, MemberId};
use crate::message::ErrorCode;
use crate::message::group::{Assignment, JoinGroupRequest, Subscription, SyncGroupRequest};
use crate::time::{Time, Timestamp};

/// What a JoinGroup leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedClassic {
    /// What to write.
    pub records: Vec<GroupRecord>,
    /// The member's epoch.
    pub generation: Generation,
    /// The assignor that the member is told, which nobody will ask.
    pub protocol: Arc<str>,
}

impl ConsumerMember {
    /// Returns what a member of the classic protocol said besides; `None` of a native one.
    pub fn classic(&self) -> Option<&ClassicMembership> {
        self.metadata.classic.as_ref()
    }

    /// Returns the member's epoch as its generation; one that is away has the last it had.
    fn generation(&self) -> Generation {
        Generation(self.current.epoch.unwrap_or(self.current.previous).0)
    }
}

impl ConsumerGroup {
    /// Checks that a JoinGroup may be a member's: `id` is the one that it has or would get.
    ///
    /// # Errors
    /// `GROUP_MAX_SIZE_REACHED` for one member too many; `INCONSISTENT_GROUP_PROTOCOL` for
    /// one that shares no assignor with the other members of the classic protocol.
    pub fn check_joiner(
        &self,
        id: &MemberId,
        request: &JoinGroupRequest,
        size_max: usize,
    ) -> Result<(), ErrorCode> {
        if size_max <= self.members.len() && !self.members.contains_key(id) {
            return Err(ErrorCode::GroupMaxSizeReached);
        }
        let knows = |member: &ConsumerMember, name: &str| {
            member.classic().is_none_or(|it| it.protocols.iter().any(|it| &*it.name == name))
        };
        let is_common = |name: &str| self.members.values().all(|member| knows(member, name));
        match request.protocols.iter().any(|it| is_common(&it.name)) {
            true if &*request.protocol_type == CONSUMER => Ok(()),
            true | false => Err(ErrorCode::InconsistentGroupProtocol),
        }
    }

    /// Decides what follows from the JoinGroup of `id`, which has been checked.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID`, `FENCED_INSTANCE_ID` for a static member that is not who it says;
    /// `UNKNOWN_SERVER_ERROR` if the assignor fails.
    pub fn join(
        &self,
        id: &MemberId,
        request: &JoinGroupRequest,
        around: &Surroundings<'_>,
    ) -> Result<JoinedClassic, ErrorCode> {
        let (before, predecessor) = self.admit_classic(id, request)?;
        let first = request.protocols.first().ok_or(ErrorCode::InconsistentGroupProtocol)?;
        let metadata = joining(request, &first.subscription, &before.metadata);
        let owned = Some(first.subscription.owned.as_slice());
        let claim = Claim { id, before, predecessor, metadata, owned };
        let (records, current) = self.advance(claim, around)?;
        let generation = Generation(current.epoch.unwrap_or(current.previous).0);
        Ok(JoinedClassic { records, generation, protocol: first.name.clone() })
    }

    /// Returns the member that joins as it was before, or as a new one, and the static member
    /// whose place it takes.
    fn admit_classic(
        &self,
        id: &MemberId,
        request: &JoinGroupRequest,
    ) -> Result<(ConsumerMember, Option<MemberId>), ErrorCode> {
        let Some(instance) = &request.instance else {
            return Ok((self.members.get(id).cloned().unwrap_or_else(newcomer), None));
        };
        match (self.holder(instance), &request.member) {
            (None, None) => Ok((newcomer(), None)),
            (None, Some(_)) => Err(ErrorCode::UnknownMemberId),
            // Whatever the old life was, also a native one that is still there.
            (Some((holder, member)), None) => {
                let mut successor = member.clone();
                let current = Arc::make_mut(&mut successor.current);
                (current.epoch, current.previous) = (Some(MemberEpoch(0)), MemberEpoch(0));
                Ok((successor, Some(holder.clone())))
            }
            (Some((holder, member)), Some(_)) if holder == id => Ok((member.clone(), None)),
            (Some(_), Some(_)) => Err(ErrorCode::FencedInstanceId),
        }
    }

    /// Checks that a request comes from a member of the classic protocol, in its generation.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID` for whoever is no such member; `FENCED_INSTANCE_ID` for an
    /// instance that another id has; `ILLEGAL_GENERATION` for another generation.
    pub fn check_classic(
        &self,
        (id, instance): (&MemberId, Option<&InstanceId>),
        generation: Generation,
    ) -> Result<(&ConsumerMember, &ClassicMembership), ErrorCode> {
        let (member, classic) = self.classic_member(id, instance)?;
        if member.generation() != generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        Ok((member, classic))
    }

    /// Returns a member of the classic protocol.
    ///
    /// # Errors
    /// As [`ConsumerGroup::check_classic`].
    pub fn classic_member(
        &self,
        id: &MemberId,
        instance: Option<&InstanceId>,
    ) -> Result<(&ConsumerMember, &ClassicMembership), ErrorCode> {
        if let Some(instance) = instance {
            let (holder, _) = self.holder(instance).ok_or(ErrorCode::UnknownMemberId)?;
            if holder != id {
                return Err(ErrorCode::FencedInstanceId);
            }
        }
        let member = self.members.get(id).ok_or(ErrorCode::UnknownMemberId)?;
        let classic = member.classic().ok_or(ErrorCode::UnknownMemberId)?;
        Ok((member, classic))
    }

    /// Returns what a member that syncs is to read.
    ///
    /// # Errors
    /// As [`ConsumerGroup::check_classic`]; `INCONSISTENT_GROUP_PROTOCOL` for another
    /// assignor than it was told; `REBALANCE_IN_PROGRESS` if it is to join again.
    pub fn check_sync(&self, request: &SyncGroupRequest) -> Result<Assignment, ErrorCode> {
        let who = (&request.member, request.instance.as_ref());
        let (member, classic) = self.check_classic(who, request.generation)?;
        let told = classic.protocols.first().map(|it| &it.name);
        if request.protocol_type.as_deref().is_some_and(|it| it != CONSUMER)
            || (request.protocol.is_some() && request.protocol.as_ref() != told)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        // Whoever has to give back has just joined: it does so first, and joins then.
        let is_giving_back = member.current.state == Reconciliation::UnrevokedPartitions;
        if member.generation().0 < self.epoch.0 && !is_giving_back {
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(member.current.assigned.as_slice().into())
    }

    /// Says whether a member of the classic protocol is to join again: the group has moved
    /// on, or it has partitions to give back, or all that it waits for is free.
    pub fn must_rejoin(&self, member: &ConsumerMember) -> bool {
        let is_missing = |it: &&_| !member.current.assigned.contains(it);
        member.generation().0 < self.epoch.0
            || match member.current.state {
                Reconciliation::Stable => false,
                Reconciliation::UnrevokedPartitions => true,
                Reconciliation::UnreleasedPartitions => {
                    member.target.iter().filter(is_missing).all(|&it| self.is_free(it))
                }
            }
    }

    /// Says whether only members of the classic protocol remain, and at least one, when the
    /// last native one among `leavers` goes.
    pub fn is_classic_without(&self, leavers: &[MemberId]) -> bool {
        let (gone, rest): (Vec<_>, Vec<_>) =
            self.members.iter().partition(|(id, _)| leavers.contains(id));
        let is_native = |(_, member): &(&MemberId, &ConsumerMember)| member.classic().is_none();
        !rest.is_empty() && !rest.iter().any(is_native) && gone.iter().any(is_native)
    }

    /// Returns the records that make a classic group a consumer group, everybody with what
    /// the last assignment gave.
    ///
    /// # Errors
    /// `UNKNOWN_SERVER_ERROR` before the first generation: Kafka looks for the assignor that
    /// was voted for and does not expect that there is none.
    pub fn upgrade_records(group: &ClassicGroup) -> Result<Vec<GroupRecord>, ErrorCode> {
        if group.protocol.is_none() {
            return Err(ErrorCode::UnknownServerError);
        }
        let of = |id: &MemberId| (group.id.clone(), id.clone());
        let mut records = Vec::new();
        for (id, member) in group.members() {
            let ((group, id), value) = (of(id), Some(Arc::new(converted(group, member))));
            records.push(GroupRecord::Member { group, member: id, value });
        }
        let epoch = GroupEpoch(group.generation.0);
        let value = Some(epoch);
        records.push(GroupRecord::ConsumerGroup { group: group.id.clone(), value });
        for (id, it) in group.members() {
            let ((group, member), value) = (of(id), Some(it.assignment.clone()));
            records.push(GroupRecord::Target { group, member, value });
        }
        records.push(GroupRecord::TargetEpoch { group: group.id.clone(), value });
        for (id, it) in group.members() {
            let current = CurrentAssignment {
                epoch: Some(MemberEpoch(epoch.0)),
                previous: MemberEpoch(epoch.0),
                state: Reconciliation::Stable,
                assigned: sorted(&it.assignment),
                pending_revocation: Vec::new(),
            };
            let ((group, member), value) = (of(id), Some(Arc::new(current)));
            records.push(GroupRecord::Current { group, member, value });
        }
        Ok(records)
    }

    /// Returns the tombstones of all members.
    pub fn member_tombstones(&self) -> Vec<GroupRecord> {
        self.members.keys().flat_map(|id| tombstones(&self.id, id)).collect()
    }

    /// Makes a classic group of the members of the classic protocol, everybody with its
    /// target.
    pub fn downgraded(&self, leavers: &[MemberId], now: Time, wall: Timestamp) -> ClassicGroup {
        let mut members = BTreeMap::new();
        for (id, member) in self.members.iter().filter(|(id, _)| !leavers.contains(id)) {
            let Some(classic) = member.classic() else { continue };
            let member = Member {
                instance: member.metadata.instance.clone(),
                client_id: member.metadata.client_id.clone(),
                rebalance_timeout: member.metadata.rebalance_timeout,
                session_timeout: classic.session_timeout,
                protocols: classic.protocols.clone(),
                assignment: member.target.clone(),
                age: Age::Known,
                expires_at: Some(now + classic.session_timeout),
                parked: None,
            };
            members.insert(id.clone(), member);
        }
        ClassicGroup::of_members(self.id.clone(), Generation(self.epoch.0), members, wall)
    }
}

/// Returns what is known of a member after its JoinGroup.
fn joining(
    request: &JoinGroupRequest,
    subscription: &Subscription,
    old: &MemberMetadata,
) -> MemberMetadata {
    MemberMetadata {
        instance: request.instance.clone().or_else(|| old.instance.clone()),
        rack: subscription.rack.clone().or_else(|| old.rack.clone()),
        client_id: request.client_id.clone(),
        topics: subscription.topics.clone(),
        rebalance_timeout: request.rebalance_timeout,
        assignor: old.assignor.clone(),
        classic: Some(ClassicMembership {
            session_timeout: request.session_timeout,
            protocols: request.protocols.clone(),
        }),
    }
}

/// Returns what is known of a member of a classic group that becomes a consumer group.
fn converted(group: &ClassicGroup, member: &Member) -> MemberMetadata {
    let subscription = group.subscription_of(member);
    MemberMetadata {
        instance: member.instance.clone(),
        rack: subscription.rack.clone(),
        client_id: member.client_id.clone(),
        topics: subscription.topics.clone(),
        rebalance_timeout: member.rebalance_timeout,
        assignor: None,
        classic: Some(ClassicMembership {
            session_timeout: member.session_timeout,
            protocols: member.protocols.clone(),
        }),
    }
}

fn sorted(assignment: &Assignment) -> Vec<crate::ids::TopicPartition> {
    let mut partitions = assignment.to_vec();
    partitions.sort_unstable();
    partitions
}
