//! One shard of the group coordinator: the ledger over one partition of `__consumer_offsets`.
//!
//! [`Coordinator::decide`] changes nothing; its host writes the records to the partition and
//! then has [`Coordinator::apply`] replay them. A coordinator that takes over replays the
//! whole partition. Of a classic group, what no record keeps changes with the decision.
//!
//! Source: `GroupCoordinatorShard`, `CoordinatorRuntime`, Kafka 4.0. Left out: transactions,
//! share groups, `group.coordinator.append.linger.ms` (each operation is a batch of its own).

use std::collections::BTreeMap;

use crate::group::classic::join::refuse;
use crate::group::classic::sync::synced;
use crate::group::classic::{ClassicGroup, Phase};
use crate::group::decision::{Change, Decision, Draft, Waiter};
use crate::group::offsets::{self, Offsets};
use crate::group::record::{CommittedOffset, GroupRecord};
use crate::ids::{GroupId, Offset, TopicPartition};
use crate::message::group::{
    GroupHeartbeatReply, GroupHeartbeatRequest, JoinGroupRequest, LeaveGroupReply,
    LeaveGroupRequest, OffsetCommitReply, OffsetCommitRequest, OffsetDeleteReply,
    OffsetDeleteRequest, OffsetFetchReply, OffsetFetchRequest, Stability, SyncGroupRequest,
};
use crate::message::{ErrorCode, Request, Response};
use crate::time::{Time, Timestamp};

/// The groups of one partition of `__consumer_offsets`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coordinator {
    classic: BTreeMap<GroupId, ClassicGroup>,
    offsets: Offsets,
    /// The first timer of any group; none of them is earlier.
    next_timer: Option<Time>,
}

impl Coordinator {
    /// Returns a classic group.
    pub fn classic(&self, group: &GroupId) -> Option<&ClassicGroup> {
        self.classic.get(group)
    }

    /// Returns the committed offsets.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// Returns when a timer of any group runs out.
    pub fn next_deadline(&self) -> Option<Time> {
        self.next_timer
    }

    /// Decides what follows from a request.
    ///
    /// # Panics
    /// If the request is not one that group coordinators serve.
    pub fn decide(&self, request: &Request, waiter: Waiter, mut draft: Draft<'_, '_>) -> Decision {
        match request {
            Request::JoinGroup(request) => self.on_join(request, waiter, &mut draft),
            Request::SyncGroup(request) => self.on_sync(request, waiter, &mut draft),
            Request::Heartbeat(request) => {
                let error = self.on_heartbeat(request, &mut draft).err();
                let reply = GroupHeartbeatReply { error: error.unwrap_or(ErrorCode::None) };
                draft.answer_when_committed(waiter, Response::Heartbeat(reply));
            }
            Request::LeaveGroup(request) => {
                let members = Ok(self.on_leave(request, &mut draft));
                let reply = LeaveGroupReply { members };
                draft.answer_when_committed(waiter, Response::LeaveGroup(reply));
            }
            Request::OffsetCommit(request) => {
                let partitions = self.on_commit(request, &mut draft);
                let reply = OffsetCommitReply { partitions };
                draft.answer_when_committed(waiter, Response::OffsetCommit(reply));
            }
            Request::OffsetFetch(request) => self.on_fetch(request, waiter, &mut draft),
            Request::OffsetDelete(request) => {
                let partitions = self.on_delete(request, &mut draft);
                let reply = OffsetDeleteReply { partitions };
                draft.answer_when_committed(waiter, Response::OffsetDelete(reply));
            }
            _ => panic!("{} does not go to a group coordinator", request.api().name()),
        }
        draft.decision
    }

    fn on_join(&self, request: &JoinGroupRequest, waiter: Waiter, draft: &mut Draft<'_, '_>) {
        let config = draft.config;
        let session = config.group_session_timeout_min..=config.group_session_timeout_max;
        let error = if request.group.as_str().is_empty() {
            Some(ErrorCode::InvalidGroupId)
        } else if !session.contains(&request.session_timeout) {
            Some(ErrorCode::InvalidSessionTimeout)
        } else if !self.classic.contains_key(&request.group) && request.member.is_some() {
            Some(ErrorCode::UnknownMemberId)
        } else {
            None
        };
        if let Some(error) = error {
            draft.answer(waiter, refuse(error, request.member.clone()));
            return;
        }
        if let Some(group) = self.classic.get(&request.group) {
            change(group, draft, |group, draft| group.join(request, waiter, draft));
            return;
        }
        let group = ClassicGroup::new(request.group.clone(), draft.turn.wall);
        change(&group, draft, |group, draft| group.join(request, waiter, draft));
        if draft.decision.records.is_empty() {
            // The group outlives its coordinator, even before it has members.
            let metadata = ClassicGroup::new(request.group.clone(), draft.turn.wall).empty();
            draft.write_classic(&request.group, Some(metadata));
        }
    }

    fn on_sync(&self, request: &SyncGroupRequest, waiter: Waiter, draft: &mut Draft<'_, '_>) {
        match self.classic.get(&request.group) {
            None => draft.answer(waiter, synced(Err(ErrorCode::UnknownMemberId))),
            Some(group) => {
                change(group, draft, |group, draft| group.sync(request, waiter, draft));
            }
        }
    }

    fn on_heartbeat(
        &self,
        request: &GroupHeartbeatRequest,
        draft: &mut Draft<'_, '_>,
    ) -> Result<(), ErrorCode> {
        let group = self.classic.get(&request.group).ok_or(ErrorCode::UnknownMemberId)?;
        let checked = group.check_heartbeat(request);
        if let Ok(()) | Err(ErrorCode::RebalanceInProgress) = checked {
            let change = Change::Session(request.group.clone(), request.member.clone());
            draft.decision.change = Some(change);
        }
        checked
    }

    fn on_leave(&self, request: &LeaveGroupRequest, draft: &mut Draft<'_, '_>) -> Vec<ErrorCode> {
        match self.classic.get(&request.group) {
            None => vec![ErrorCode::UnknownMemberId; request.members.len()],
            Some(group) => {
                change(group, draft, |group, draft| group.leave(&request.members, draft))
            }
        }
    }

    fn on_commit(
        &self,
        request: &OffsetCommitRequest,
        draft: &mut Draft<'_, '_>,
    ) -> Vec<(TopicPartition, ErrorCode)> {
        if let Err(error) = self.check_commit(request) {
            return request.offsets.iter().map(|&(partition, _)| (partition, error)).collect();
        }
        if let (Some(group), Some(member)) = (self.classic.get(&request.group), &request.member)
            && matches!(group.phase, Phase::Stable | Phase::PreparingRebalance(_))
        {
            let change = Change::Session(request.group.clone(), member.clone());
            draft.decision.change = Some(change);
        }
        let mut outcomes = Vec::with_capacity(request.offsets.len());
        for (partition, commit) in &request.offsets {
            let checked = match draft.image.partition(*partition) {
                None => Err(ErrorCode::UnknownTopicOrPartition),
                Some(_) => offsets::check_metadata(commit, draft.config.offset_metadata_bytes_max),
            };
            outcomes.push((*partition, checked.err().unwrap_or(ErrorCode::None)));
            if checked.is_ok() {
                // Neither the log nor the last commit is asked: a commit may move back.
                let value = CommittedOffset { commit: commit.clone(), at: draft.turn.wall };
                draft.decision.records.push(GroupRecord::Offset {
                    group: request.group.clone(),
                    partition: *partition,
                    value: Some(value),
                });
            }
        }
        outcomes
    }

    fn check_commit(&self, request: &OffsetCommitRequest) -> Result<(), ErrorCode> {
        match self.classic.get(&request.group) {
            Some(group) => group.check_commit(request),
            None if request.generation.is_none() => Ok(()),
            None => Err(ErrorCode::GroupIdNotFound),
        }
    }

    fn on_fetch(&self, request: &OffsetFetchRequest, waiter: Waiter, draft: &mut Draft<'_, '_>) {
        let group = &request.group;
        let high_watermark = draft.high_watermark;
        let read = |partition| {
            let found = match request.stability {
                Stability::Stable => self.offsets.newest(group, partition),
                Stability::Committed => self.offsets.committed(group, partition, high_watermark),
            };
            (partition, found.map(|offset| offset.commit.clone()))
        };
        let partitions = match &request.partitions {
            Some(partitions) => partitions.iter().copied().map(read).collect(),
            None => {
                let all = self.offsets.partitions(group).map(read);
                all.filter(|(_, offset)| offset.is_some()).collect()
            }
        };
        let response = Response::OffsetFetch(OffsetFetchReply { partitions: Ok(partitions) });
        match request.stability {
            Stability::Stable => draft.answer_when_committed(waiter, response),
            Stability::Committed => draft.answer(waiter, response),
        }
    }

    fn on_delete(
        &self,
        request: &OffsetDeleteRequest,
        draft: &mut Draft<'_, '_>,
    ) -> Result<Vec<(TopicPartition, ErrorCode)>, ErrorCode> {
        let group = self.classic.get(&request.group).ok_or(ErrorCode::GroupIdNotFound)?;
        if group.phase != Phase::Empty && !group.is_of_consumers() {
            return Err(ErrorCode::NonEmptyGroup);
        }
        let mut outcomes = Vec::with_capacity(request.partitions.len());
        for &partition in &request.partitions {
            let error = if group.is_subscribed(partition.topic) {
                ErrorCode::GroupSubscribedToTopic
            } else {
                if self.offsets.newest(&request.group, partition).is_some() {
                    draft.decision.records.push(tombstone(&request.group, partition));
                }
                ErrorCode::None
            };
            outcomes.push((partition, error));
        }
        Ok(outcomes)
    }

    /// Decides which offsets are too old, and which groups have nothing left.
    ///
    /// Source: `OffsetMetadataManager.cleanupExpiredOffsets`, Kafka 4.0.
    pub fn expire_offsets(&self, mut draft: Draft<'_, '_>) -> Decision {
        let retention = draft.config.offsets_retention.duration().as_millis();
        let expires_before = Timestamp(draft.turn.wall.0.saturating_sub_unsigned(retention));
        for (id, group) in &self.classic {
            let is_subscribed = |topic| group.is_subscribed(topic);
            let expired = self.offsets.expired(id, group.expiry(), expires_before, is_subscribed);
            let held = self.offsets.partitions(id);
            let held = held.filter(|&partition| self.offsets.newest(id, partition).is_some());
            let nothing_is_left = expired.len() == held.count();
            let tombstones = expired.into_iter().map(|partition| tombstone(id, partition));
            draft.decision.records.extend(tombstones);
            if nothing_is_left && group.phase == Phase::Empty && group.pending().next().is_none() {
                draft.write_classic(id, None);
            }
        }
        draft.decision
    }

    /// Decides what follows from timers that have run out, one group at a time; `None` once
    /// nothing is due.
    pub fn expire(&self, mut draft: Draft<'_, '_>) -> Option<Decision> {
        let now = draft.now();
        let is_due = |group: &&ClassicGroup| group.next_deadline().is_some_and(|at| at <= now);
        let group = self.classic.values().find(is_due)?;
        change(group, &mut draft, |group, draft| group.on_deadline(draft));
        Some(draft.decision)
    }

    /// Takes in what has been written, the first record at `at`, and what no record keeps.
    pub fn apply(&mut self, decision: &Decision, at: Offset, now: Time) {
        for (delta, record) in (0..).zip(&decision.records) {
            self.replay(record, at + delta);
        }
        match &decision.change {
            None => {}
            Some(Change::Classic(group)) => {
                self.classic.insert(group.id.clone(), (**group).clone());
                self.rearm();
            }
            Some(Change::Session(group, member)) => {
                if let Some(group) = self.classic.get_mut(group) {
                    group.extend_session(member, now);
                }
            }
        }
    }

    /// Applies one record that lies at `at`; a new coordinator rebuilds its groups with this
    /// alone.
    pub fn replay(&mut self, record: &GroupRecord, at: Offset) {
        match record {
            GroupRecord::Offset { group, partition, value } => {
                if let Some(value) = value
                    && !self.classic.contains_key(group)
                {
                    // Whoever commits without joining has a group that no record announces.
                    let simple = ClassicGroup::new(group.clone(), value.at);
                    self.classic.insert(group.clone(), simple);
                }
                self.offsets.replay(group, *partition, value.clone(), at);
            }
            GroupRecord::ClassicGroup { group, value: Some(metadata) } => {
                let loaded = ClassicGroup::from_record(group.clone(), metadata);
                self.classic.insert(group.clone(), loaded);
            }
            GroupRecord::ClassicGroup { group, value: None } => {
                self.classic.remove(group);
            }
            GroupRecord::ConsumerGroup { .. }
            | GroupRecord::PartitionMetadata { .. }
            | GroupRecord::Member { .. }
            | GroupRecord::TargetEpoch { .. }
            | GroupRecord::Target { .. }
            | GroupRecord::Current { .. } => {}
        }
    }

    /// Learns that everything below `high_watermark` is committed.
    pub fn on_commit_point(&mut self, high_watermark: Offset) {
        self.offsets.settle(high_watermark);
    }

    /// Decides what becomes of one classic group after its write has succeeded or failed.
    pub fn amend(
        &self,
        group: &GroupId,
        mut draft: Draft<'_, '_>,
        amend: impl FnOnce(&mut ClassicGroup, &mut Draft<'_, '_>),
    ) -> Decision {
        if let Some(group) = self.classic.get(group) {
            change(group, &mut draft, amend);
        }
        draft.decision
    }

    /// Takes up office over what has been replayed.
    pub fn take_up(&mut self, draft: &mut Draft<'_, '_>) {
        for group in self.classic.values_mut() {
            group.take_up(draft);
        }
        self.rearm();
    }

    /// Ends the office: whoever waits in a group is told to look elsewhere.
    pub fn resign(mut self, mut draft: Draft<'_, '_>) -> Decision {
        for group in self.classic.values_mut() {
            group.resign(&mut draft);
        }
        draft.decision
    }

    /// Looks at the timers of all groups again.
    pub fn rearm(&mut self) {
        self.next_timer = self.first_timer();
    }

    fn first_timer(&self) -> Option<Time> {
        self.classic.values().filter_map(ClassicGroup::next_deadline).min()
    }
}

/// Lets `act` change a copy of the group: the copy is part of the decision.
fn change<T>(
    group: &ClassicGroup,
    draft: &mut Draft<'_, '_>,
    act: impl FnOnce(&mut ClassicGroup, &mut Draft<'_, '_>) -> T,
) -> T {
    let mut changed = group.clone();
    let outcome = act(&mut changed, draft);
    draft.decision.change = Some(Change::Classic(Box::new(changed)));
    outcome
}

fn tombstone(group: &GroupId, partition: TopicPartition) -> GroupRecord {
    GroupRecord::Offset { group: group.clone(), partition, value: None }
}
