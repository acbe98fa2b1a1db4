//! A consumer group (KIP-848): the coordinator assigns, each member reconciles at its own pace.
//!
//! A pure ledger: a heartbeat decides records, and only records change the group. Members of
//! the classic protocol may be in it ([`mixed`]). Left out: subscriptions by pattern.
//!
//! Source: `GroupMetadataManager.consumerGroupHeartbeat`, `ConsumerGroup`, Kafka 4.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::group::reconcile::{Target, reconcile};
use crate::group::record::{CurrentAssignment, GroupRecord, MemberMetadata, Reconciliation};
use crate::ids::{GroupEpoch, GroupId, InstanceId, MemberEpoch, MemberId, TopicId, TopicPartition};
use crate::message::ErrorCode;
use crate::message::group::{Assignment, Beat, ConsumerHeartbeatRequest};
use crate::mutant::Mutant;
use crate::rules::Rules;
use crate::time::Duration;

pub mod mixed;

/// A consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroup {
    /// Its id.
    pub id: GroupId,
    /// Counts the changes of members, subscriptions and topics.
    pub epoch: GroupEpoch,
    /// The epoch that the target assignment is for. Invariant: at most `epoch`.
    pub target_epoch: GroupEpoch,
    /// The subscribed topics that exist, with their partitions.
    pub topics: Arc<[(TopicId, u16)]>,
    members: BTreeMap<MemberId, ConsumerMember>,
}

/// A member of a consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerMember {
    /// What it said of itself.
    pub metadata: Arc<MemberMetadata>,
    /// What it is to have.
    pub target: Assignment,
    /// What it has.
    pub current: Arc<CurrentAssignment>,
}

/// Where a consumer group is, computed from its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// It has no members.
    Empty,
    /// The target assignment is older than the group.
    Assigning,
    /// Some member is on its way.
    Reconciling,
    /// Everybody has what it is to have.
    Stable,
}

/// What is around a group when it decides.
pub struct Surroundings<'a> {
    /// The most members that it may have (`group.consumer.max.size`).
    pub size_max: usize,
    /// How many partitions a topic has, if it exists.
    pub partitions_of: &'a dyn Fn(TopicId) -> Option<u16>,
    /// The server-side assignor; `None` is its failure.
    pub assign: &'a dyn Fn(&ConsumerGroup) -> Option<Targets>,
    /// The rules that the world plays by.
    pub rules: Rules,
}

/// What an assignor gives to each member.
pub type Targets = BTreeMap<MemberId, Vec<TopicPartition>>;

/// What a heartbeat leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beaten {
    /// What to write.
    pub records: Vec<GroupRecord>,
    /// The member's epoch, or how it left.
    pub beat: Beat,
    /// What it is to read, if that is news.
    pub assignment: Option<Assignment>,
}

/// A heartbeat, or a JoinGroup, that has been admitted.
struct Claim<'a> {
    id: &'a MemberId,
    /// The member as it was, or a new one.
    before: ConsumerMember,
    /// The static member whose place it takes.
    predecessor: Option<MemberId>,
    metadata: MemberMetadata,
    owned: Option<&'a [TopicPartition]>,
}

/// A group as it would be with the records decided so far.
struct Sketch {
    group: ConsumerGroup,
    records: Vec<GroupRecord>,
}

impl Sketch {
    fn write(&mut self, record: GroupRecord) {
        self.group.replay(&record);
        self.records.push(record);
    }
}

impl ConsumerGroup {
    /// Makes a group that nobody has joined.
    pub fn new(id: GroupId) -> ConsumerGroup {
        ConsumerGroup {
            id,
            epoch: GroupEpoch(0),
            target_epoch: GroupEpoch(0),
            topics: [].into(),
            members: BTreeMap::new(),
        }
    }

    /// Returns the members, in order of id.
    pub fn members(&self) -> &BTreeMap<MemberId, ConsumerMember> {
        &self.members
    }

    /// Returns where the group is.
    pub fn state(&self) -> GroupState {
        let is_there = |member: &ConsumerMember| {
            let epoch = member.current.epoch.map(|epoch| epoch.0);
            member.current.state == Reconciliation::Stable && epoch == Some(self.target_epoch.0)
        };
        if self.members.is_empty() {
            GroupState::Empty
        } else if self.target_epoch < self.epoch {
            GroupState::Assigning
        } else if self.members.values().all(is_there) {
            GroupState::Stable
        } else {
            GroupState::Reconciling
        }
    }

    /// Says whether some member subscribes to the topic.
    pub fn is_subscribed(&self, topic: TopicId) -> bool {
        self.members.values().any(|member| member.metadata.topics.contains(&topic))
    }

    /// Says whether nobody holds a partition; one that is yet to be given back is held.
    fn is_free(&self, partition: TopicPartition) -> bool {
        let holds = |member: &ConsumerMember| {
            let current = &member.current;
            current.assigned.contains(&partition) || current.pending_revocation.contains(&partition)
        };
        !self.members.values().any(holds)
    }

    /// Decides what follows from the heartbeat of `id`, which has been validated.
    ///
    /// # Errors
    /// `GROUP_MAX_SIZE_REACHED` for one member too many; `UNKNOWN_MEMBER_ID`,
    /// `FENCED_MEMBER_EPOCH`, `FENCED_INSTANCE_ID`, `UNRELEASED_INSTANCE_ID` for one that is
    /// not who it says; `UNKNOWN_SERVER_ERROR` if the assignor fails.
    pub fn heartbeat(
        &self,
        id: &MemberId,
        request: &ConsumerHeartbeatRequest,
        around: &Surroundings<'_>,
    ) -> Result<Beaten, ErrorCode> {
        let received = match request.beat {
            Beat::Join => MemberEpoch(0),
            Beat::Stay(epoch) => epoch,
            Beat::Leave => return self.leave(id, request),
            Beat::LeaveTemporarily => return self.leave_temporarily(id, request),
        };
        let is_join = request.beat == Beat::Join;
        if is_join && !self.members.contains_key(id) && around.size_max <= self.members.len() {
            return Err(ErrorCode::GroupMaxSizeReached);
        }
        let before = self.admit((id, received), request, around.rules)?;
        let had = before.current.clone();
        let predecessor = self.predecessor(id, request);
        let metadata = described(request, &before.metadata);
        let claim = Claim { id, before, predecessor, metadata, owned: request.owned.as_deref() };
        let (records, current) = self.advance(claim, around)?;
        let is_full = request.rebalance_timeout.is_some()
            && request.topics.is_some()
            && request.owned.is_some();
        let is_news = is_join || is_full || current.assigned != had.assigned;
        let assignment = is_news.then(|| current.assigned.as_slice().into());
        let beat = Beat::Stay(current.epoch.unwrap_or(current.previous));
        Ok(Beaten { records, beat, assignment })
    }

    /// Takes in what a member says of itself, computes the target if it is out of date, and
    /// moves this one member towards it.
    fn advance(
        &self,
        claim: Claim<'_>,
        around: &Surroundings<'_>,
    ) -> Result<(Vec<GroupRecord>, Arc<CurrentAssignment>), ErrorCode> {
        let mut sketch = Sketch { group: self.clone(), records: Vec::new() };
        if let Some(predecessor) = &claim.predecessor {
            sketch.succeed(predecessor, claim.id, &claim.before);
        }
        let is_changed = sketch.update_member(claim.id, claim.metadata, &claim.before);
        let bumps = is_changed | sketch.update_topics(around);
        if bumps {
            let value = Some(sketch.group.epoch.next());
            sketch.write(GroupRecord::ConsumerGroup { group: self.id.clone(), value });
        }
        if sketch.group.target_epoch < sketch.group.epoch {
            sketch.update_target(around)?;
        }
        let current = sketch.reconcile_member(claim.id, claim.owned, around.rules);
        Ok((sketch.records, current))
    }

    /// Returns the member that sends a heartbeat, as it was before, or as a new one.
    fn admit(
        &self,
        (id, received): (&MemberId, MemberEpoch),
        request: &ConsumerHeartbeatRequest,
        rules: Rules,
    ) -> Result<ConsumerMember, ErrorCode> {
        let is_join = request.beat == Beat::Join;
        // Mutant: whoever comes second takes over.
        let is_open = rules.has(Mutant::StaticMemberNotFenced);
        if let Some(instance) = &request.instance {
            match self.holder(instance) {
                None if is_join => {}
                None => return Err(ErrorCode::UnknownMemberId),
                Some((holder, _)) if holder == id && !is_join => {}
                // Its own former life or another one's. A member of the classic protocol never
                // says that it will be back.
                Some((_, member))
                    if is_join
                        && (is_open
                            || member.current.epoch.is_none()
                            || member.classic().is_some()) =>
                {
                    let mut successor = member.clone();
                    let current = Arc::make_mut(&mut successor.current);
                    current.epoch = Some(current.epoch.unwrap_or(current.previous));
                    return Ok(successor);
                }
                Some(_) if is_join => return Err(ErrorCode::UnreleasedInstanceId),
                Some(_) => return Err(ErrorCode::FencedInstanceId),
            }
        }
        let Some(member) = self.members.get(id) else {
            return if is_join { Ok(newcomer()) } else { Err(ErrorCode::UnknownMemberId) };
        };
        // Whoever said that it would be back has to join again.
        let Some(known) = member.current.epoch else { return Err(ErrorCode::FencedMemberEpoch) };
        // A lost answer leaves the member one epoch behind: it may go on if it holds nothing
        // that it was not given.
        let was_told = || {
            received == member.current.previous
                && request.owned.as_ref().is_some_and(|owned| {
                    owned.iter().all(|partition| member.current.assigned.contains(partition))
                })
        };
        if received == known || (received < known && was_told()) {
            return Ok(member.clone());
        }
        Err(ErrorCode::FencedMemberEpoch)
    }

    /// Returns the member that has an instance.
    pub fn holder(&self, instance: &InstanceId) -> Option<(&MemberId, &ConsumerMember)> {
        self.members.iter().find(|(_, member)| member.metadata.instance.as_ref() == Some(instance))
    }

    fn predecessor(&self, id: &MemberId, request: &ConsumerHeartbeatRequest) -> Option<MemberId> {
        let (holder, member) = self.holder(request.instance.as_ref()?)?;
        // A process that was away comes back under the id that it had.
        let is_back = request.beat == Beat::Join && member.current.epoch.is_none();
        (holder != id || is_back).then(|| holder.clone())
    }

    /// Lets a member go for good; the target is computed anew with the next heartbeat of
    /// anybody.
    fn leave(
        &self,
        id: &MemberId,
        request: &ConsumerHeartbeatRequest,
    ) -> Result<Beaten, ErrorCode> {
        self.check_leaver(id, request)?;
        Ok(Beaten { records: self.remove(id), beat: Beat::Leave, assignment: None })
    }

    fn leave_temporarily(
        &self,
        id: &MemberId,
        request: &ConsumerHeartbeatRequest,
    ) -> Result<Beaten, ErrorCode> {
        let member = self.check_leaver(id, request)?;
        let current = &member.current;
        let left = CurrentAssignment {
            epoch: None,
            previous: current.epoch.unwrap_or(current.previous),
            pending_revocation: Vec::new(),
            ..(**current).clone()
        };
        let (group, member, value) = (self.id.clone(), id.clone(), Some(Arc::new(left)));
        let records = vec![GroupRecord::Current { group, member, value }];
        Ok(Beaten { records, beat: Beat::LeaveTemporarily, assignment: None })
    }

    fn check_leaver(
        &self,
        id: &MemberId,
        request: &ConsumerHeartbeatRequest,
    ) -> Result<&ConsumerMember, ErrorCode> {
        if let Some(instance) = &request.instance {
            let (holder, _) = self.holder(instance).ok_or(ErrorCode::UnknownMemberId)?;
            if holder != id {
                return Err(ErrorCode::FencedInstanceId);
            }
        }
        self.members.get(id).ok_or(ErrorCode::UnknownMemberId)
    }

    /// Returns the records that remove a member: it left, was silent, or kept what it was to
    /// give back.
    pub fn remove(&self, id: &MemberId) -> Vec<GroupRecord> {
        let mut records = tombstones(&self.id, id);
        let (group, value) = (self.id.clone(), Some(self.epoch.next()));
        records.push(GroupRecord::ConsumerGroup { group, value });
        records
    }

    /// Applies one record; records of other groups and kinds are not for it.
    pub fn replay(&mut self, record: &GroupRecord) {
        match record {
            GroupRecord::ConsumerGroup { value: Some(epoch), .. } => {
                assert!(self.epoch <= *epoch, "a group's epoch only grows");
                self.epoch = *epoch;
            }
            GroupRecord::PartitionMetadata { value, .. } => {
                self.topics = value.clone().unwrap_or_else(|| [].into());
            }
            GroupRecord::Member { member, value: Some(metadata), .. } => {
                let entry = self.members.entry(member.clone()).or_insert_with(newcomer);
                entry.metadata = metadata.clone();
            }
            GroupRecord::Member { member, value: None, .. } => {
                self.members.remove(member);
            }
            GroupRecord::TargetEpoch { value: Some(epoch), .. } => self.target_epoch = *epoch,
            GroupRecord::Target { member, value, .. } => {
                if let Some(member) = self.members.get_mut(member) {
                    member.target = value.clone().unwrap_or_default();
                }
            }
            GroupRecord::Current { member, value, .. } => {
                if let Some(member) = self.members.get_mut(member) {
                    member.current = value.clone().unwrap_or_else(|| newcomer().current);
                }
            }
            GroupRecord::ConsumerGroup { value: None, .. }
            | GroupRecord::TargetEpoch { value: None, .. }
            | GroupRecord::Offset { .. }
            | GroupRecord::ClassicGroup { .. } => {}
        }
    }
}

impl Sketch {
    /// Gives the place of a static member that is away to its next life.
    fn succeed(&mut self, predecessor: &MemberId, id: &MemberId, place: &ConsumerMember) {
        let group = self.group.id.clone();
        for record in tombstones(&group, predecessor) {
            self.write(record);
        }
        let (metadata, target, current) =
            (place.metadata.clone(), place.target.clone(), place.current.clone());
        let of = || (group.clone(), id.clone());
        let (group, member) = of();
        self.write(GroupRecord::Member { group, member, value: Some(metadata) });
        let (group, member) = of();
        self.write(GroupRecord::Target { group, member, value: Some(target) });
        let (group, member) = of();
        self.write(GroupRecord::Current { group, member, value: Some(current) });
    }

    /// Takes in what the member says of itself; says whether the group's epoch must grow.
    fn update_member(
        &mut self,
        id: &MemberId,
        metadata: MemberMetadata,
        before: &ConsumerMember,
    ) -> bool {
        let is_new = !self.group.members.contains_key(id);
        let old = &before.metadata;
        // A rack, an assignor or a timeout alone does not make a new epoch.
        let bumps = is_new || metadata.topics != old.topics;
        if is_new || metadata != **old {
            let (group, member) = (self.group.id.clone(), id.clone());
            self.write(GroupRecord::Member { group, member, value: Some(Arc::new(metadata)) });
        }
        bumps
    }

    /// Looks at the subscribed topics again; says whether the group's epoch must grow.
    fn update_topics(&mut self, around: &Surroundings<'_>) -> bool {
        let members = self.group.members.values();
        let mut wanted: Vec<_> =
            members.flat_map(|member| member.metadata.topics.iter().copied()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let found = wanted.into_iter().filter_map(|it| Some((it, (around.partitions_of)(it)?)));
        let topics: Arc<[_]> = found.collect();
        if topics == self.group.topics {
            return false;
        }
        let group = self.group.id.clone();
        self.write(GroupRecord::PartitionMetadata { group, value: Some(topics) });
        true
    }

    /// Computes the target for everybody, and writes what differs.
    fn update_target(&mut self, around: &Surroundings<'_>) -> Result<(), ErrorCode> {
        let group = self.group.id.clone();
        let mut targets = (around.assign)(&self.group).ok_or(ErrorCode::UnknownServerError)?;
        let ids: Vec<_> = self.group.members.keys().cloned().collect();
        for member in ids {
            let mut target = targets.remove(&member).unwrap_or_default();
            target.sort_unstable();
            if self.group.members[&member].target[..] != target[..] {
                let (group, value) = (group.clone(), Some(target.into()));
                self.write(GroupRecord::Target { group, member, value });
            }
        }
        let value = Some(self.group.epoch);
        self.write(GroupRecord::TargetEpoch { group, value });
        Ok(())
    }

    /// Moves the member that has spoken on, and nobody else.
    fn reconcile_member(
        &mut self,
        id: &MemberId,
        owned: Option<&[TopicPartition]>,
        rules: Rules,
    ) -> Arc<CurrentAssignment> {
        let group = &self.group;
        let member = &group.members[id];
        let target = Target { epoch: group.target_epoch, partitions: &member.target };
        // Mutant: what another one holds is free.
        let is_free = |it| rules.has(Mutant::TwoOwners) || group.is_free(it);
        let current = reconcile(&member.current, target, owned, is_free);
        let current = Arc::new(current);
        if current != member.current {
            let (group, member) = (self.group.id.clone(), id.clone());
            self.write(GroupRecord::Current { group, member, value: Some(current.clone()) });
        }
        current
    }
}

/// Returns what is known of a member after its heartbeat.
fn described(request: &ConsumerHeartbeatRequest, old: &MemberMetadata) -> MemberMetadata {
    MemberMetadata {
        instance: request.instance.clone().or_else(|| old.instance.clone()),
        rack: request.rack.clone().or_else(|| old.rack.clone()),
        client_id: request.client_id.clone(),
        topics: request.topics.clone().unwrap_or_else(|| old.topics.clone()),
        rebalance_timeout: request.rebalance_timeout.unwrap_or(old.rebalance_timeout),
        assignor: request.assignor.clone().or_else(|| old.assignor.clone()),
        classic: None,
    }
}

/// A member before its first heartbeat has been decided.
fn newcomer() -> ConsumerMember {
    let metadata = MemberMetadata {
        instance: None,
        rack: None,
        client_id: "".into(),
        topics: Vec::new(),
        rebalance_timeout: Duration::ZERO,
        assignor: None,
        classic: None,
    };
    let current = CurrentAssignment {
        epoch: Some(MemberEpoch(0)),
        previous: MemberEpoch(0),
        state: Reconciliation::Stable,
        assigned: Vec::new(),
        pending_revocation: Vec::new(),
    };
    let target = Assignment::default();
    ConsumerMember { metadata: Arc::new(metadata), target, current: Arc::new(current) }
}

fn tombstones(group: &GroupId, member: &MemberId) -> Vec<GroupRecord> {
    let of = || (group.clone(), member.clone());
    let ((a, x), (b, y), (c, z)) = (of(), of(), of());
    vec![
        GroupRecord::Current { group: a, member: x, value: None },
        GroupRecord::Target { group: b, member: y, value: None },
        GroupRecord::Member { group: c, member: z, value: None },
    ]
}
