//! One shard of the group coordinator: the ledger over one partition of `__consumer_offsets`.
//!
//! [`Coordinator::decide`] changes nothing; its host writes the records to the partition and
//! then has [`Coordinator::apply`] replay them. A coordinator that takes over replays the
//! whole partition. Of a classic group, what no record keeps changes with the decision.
//!
//! Source: `GroupCoordinatorShard`, `CoordinatorRuntime`, Kafka 4.0. Left out: transactions,
//! share groups, `group.coordinator.append.linger.ms` (each operation is a batch of its own).

use std::collections::BTreeMap;

use crate::fact::{GroupEvent, GroupPhase, RemovalCause};
use crate::group::classic::join::refuse;
use crate::group::classic::sync::synced;
use crate::group::classic::{ClassicGroup, Phase};
use crate::group::clocks::Clock;
use crate::group::consumer::ConsumerGroup;
use crate::group::decision::{Change, Decision, Draft, Waiter};
use crate::group::native::group_tombstones;
use crate::group::offsets::{self, Expiry, Offsets};
use crate::group::record::{CommittedOffset, GroupRecord};
use crate::ids::{Generation, GroupId, MemberId, Offset, TopicPartition};
use crate::message::group::{
    ConsumerHeartbeatReply, GroupHeartbeatReply, GroupHeartbeatRequest, JoinGroupRequest,
    LeaveGroupReply, LeaveGroupRequest, OffsetCommitReply, OffsetCommitRequest, OffsetDeleteReply,
    OffsetDeleteRequest, OffsetFetchReply, OffsetFetchRequest, Stability, SyncGroupRequest,
};
use crate::message::{ErrorCode, Request, Response};
use crate::mutant::Mutant;
use crate::rules::Rules;
use crate::time::{Time, Timestamp};

/// The groups of one partition of `__consumer_offsets`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coordinator {
    pub(super) classic: BTreeMap<GroupId, ClassicGroup>,
    /// Groups of KIP-848. Invariant: no group is in both.
    pub(super) consumer: BTreeMap<GroupId, ConsumerGroup>,
    /// The timers of their members. Invariant: each is a member.
    pub(super) clocks: BTreeMap<(GroupId, MemberId), Clock>,
    offsets: Offsets,
    /// The first timer of any group; none of them is earlier.
    next_timer: Option<Time>,
}

impl Coordinator {
    /// Returns a classic group.
    pub fn classic(&self, group: &GroupId) -> Option<&ClassicGroup> {
        self.classic.get(group)
    }

    /// Returns a consumer group.
    pub fn consumer(&self, group: &GroupId) -> Option<&ConsumerGroup> {
        self.consumer.get(group)
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
                note_commit(request, &partitions, &mut draft);
                let reply = OffsetCommitReply { partitions };
                draft.answer_when_committed(waiter, Response::OffsetCommit(reply));
            }
            Request::ConsumerGroupHeartbeat(request) => {
                let member = self.on_consumer_heartbeat(request, &mut draft);
                let reply = Response::ConsumerGroupHeartbeat(ConsumerHeartbeatReply { member });
                draft.answer_when_committed(waiter, reply);
            }
            Request::OffsetFetch(request) => self.on_fetch(request, waiter, &mut draft),
            Request::OffsetDelete(request) => {
                let partitions = self.on_delete(request, &mut draft);
                note_removal(&request.group, RemovalCause::Deleted, &mut draft);
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
        let native = self.consumer.get(&request.group).filter(|it| !it.members().is_empty());
        let error = if request.group.as_str().is_empty() {
            Some(ErrorCode::InvalidGroupId)
        } else if !session.contains(&request.session_timeout) {
            Some(ErrorCode::InvalidSessionTimeout)
        } else if native.is_some() {
            None
        } else if !self.classic.contains_key(&request.group) && request.member.is_some() {
            Some(ErrorCode::UnknownMemberId)
        } else {
            None
        };
        if let Some(error) = error {
            draft.answer(waiter, refuse(error, request.member.clone()));
            return;
        }
        if let Some(group) = native {
            self.join_consumer_group(group, request, waiter, draft);
            return;
        }
        if let Some(group) = self.classic.get(&request.group) {
            change(group, draft, |group, draft| group.join(request, waiter, draft));
            return;
        }
        let group = ClassicGroup::new(request.group.clone(), draft.turn.wall);
        change(&group, draft, |group, draft| group.join(request, waiter, draft));
        if self.consumer.contains_key(&request.group) {
            draft.decision.records.extend(group_tombstones(&request.group));
        }
        let is_classic = |record: &GroupRecord| matches!(record, GroupRecord::ClassicGroup { .. });
        if !draft.decision.records.iter().any(is_classic) {
            // The group outlives its coordinator, even before it has members.
            let metadata = ClassicGroup::new(request.group.clone(), draft.turn.wall).empty();
            draft.write_classic(&request.group, Some(metadata));
        }
    }

    fn on_sync(&self, request: &SyncGroupRequest, waiter: Waiter, draft: &mut Draft<'_, '_>) {
        if let Some(group) = self.consumer.get(&request.group) {
            self.sync_consumer_group(group, request, waiter, draft);
            return;
        }
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
        if let Some(group) = self.consumer.get(&request.group) {
            return self.beat_consumer_group(group, request, draft);
        }
        let group = self.classic.get(&request.group).ok_or(ErrorCode::UnknownMemberId)?;
        let checked = group.check_heartbeat(request, draft.turn.rules);
        if let Ok(()) | Err(ErrorCode::RebalanceInProgress) = checked {
            let change = Change::Session(request.group.clone(), request.member.clone());
            draft.decision.change = Some(change);
        }
        checked
    }

    fn on_leave(&self, request: &LeaveGroupRequest, draft: &mut Draft<'_, '_>) -> Vec<ErrorCode> {
        if let Some(group) = self.consumer.get(&request.group) {
            return self.on_consumer_leave(group, &request.members, draft);
        }
        match self.classic.get(&request.group) {
            None => vec![ErrorCode::UnknownMemberId; request.members.len()],
            Some(group) => {
                change(group, draft, |group, draft| group.leave(&request.members, draft))
            }
        }
    }

    /// Writes down the offsets that a group commits, whatever its logs hold and whatever it has
    /// committed before.
    fn on_commit(
        &self,
        request: &OffsetCommitRequest,
        draft: &mut Draft<'_, '_>,
    ) -> Vec<(TopicPartition, ErrorCode)> {
        if let Err(error) = self.check_commit(request, draft.turn.rules) {
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

    fn check_commit(&self, request: &OffsetCommitRequest, rules: Rules) -> Result<(), ErrorCode> {
        // Mutant: whoever asks may commit.
        if rules.has(Mutant::CommitAnyGeneration) {
            return Ok(());
        }
        if let Some(group) = self.consumer.get(&request.group) {
            return group.check_commit(request);
        }
        match self.classic.get(&request.group) {
            Some(group) => group.check_commit(request, rules),
            None if request.generation.is_none() => Ok(()),
            None => Err(ErrorCode::GroupIdNotFound),
        }
    }

    fn on_fetch(&self, request: &OffsetFetchRequest, waiter: Waiter, draft: &mut Draft<'_, '_>) {
        let group = &request.group;
        let member = request.member.as_ref();
        if let Some(Err(error)) = self.consumer.get(group).map(|it| it.check_fetch(member)) {
            let reply = OffsetFetchReply { partitions: Err(error) };
            draft.answer(waiter, Response::OffsetFetch(reply));
            return;
        }
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
        let classic = self.classic.get(&request.group);
        let consumer = self.consumer.get(&request.group);
        if classic.is_none() && consumer.is_none() {
            return Err(ErrorCode::GroupIdNotFound);
        }
        if classic.is_some_and(|it| it.phase != Phase::Empty && !it.is_of_consumers()) {
            return Err(ErrorCode::NonEmptyGroup);
        }
        let mut outcomes = Vec::with_capacity(request.partitions.len());
        for &partition in &request.partitions {
            let topic = partition.topic;
            let is_subscribed = classic.is_some_and(|it| it.is_subscribed(topic))
                || consumer.is_some_and(|it| it.is_subscribed(topic));
            let error = if is_subscribed {
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
            let nothing_is_left = self.forget_offsets(id, expired, &mut draft);
            if nothing_is_left && group.phase == Phase::Empty && group.pending().next().is_none() {
                draft.write_classic(id, None);
                draft.note_if_written(id, death(group.generation));
            }
        }
        for (id, group) in &self.consumer {
            let is_subscribed = |topic| group.is_subscribed(topic);
            let expired =
                self.offsets.expired(id, Expiry::SinceCommit, expires_before, is_subscribed);
            let nothing_is_left = self.forget_offsets(id, expired, &mut draft);
            if nothing_is_left && group.members().is_empty() {
                draft.decision.records.extend(group_tombstones(id));
                draft.note_if_written(id, death(Generation(group.epoch.0)));
            }
        }
        draft.decision
    }

    /// Deletes offsets that have expired; says whether the group has no others.
    fn forget_offsets(
        &self,
        id: &GroupId,
        expired: Vec<TopicPartition>,
        draft: &mut Draft<'_, '_>,
    ) -> bool {
        let held = self.offsets.partitions(id);
        let held = held.filter(|&partition| self.offsets.newest(id, partition).is_some());
        let nothing_is_left = expired.len() == held.count();
        let tombstones = expired.into_iter().map(|partition| tombstone(id, partition));
        draft.decision.records.extend(tombstones);
        note_removal(id, RemovalCause::Expired, draft);
        nothing_is_left
    }

    /// Decides what follows from timers that have run out, one group at a time; `None` once
    /// nothing is due.
    pub fn expire(&self, mut draft: Draft<'_, '_>) -> Option<Decision> {
        let now = draft.now();
        let is_due = |group: &&ClassicGroup| group.next_deadline().is_some_and(|at| at <= now);
        match self.classic.values().find(is_due) {
            Some(group) => change(group, &mut draft, |group, draft| group.on_deadline(draft)),
            None => self.expire_member(&mut draft)?,
        }
        Some(draft.decision)
    }

    /// Takes in what has been written, the first record at `at`, and what no record keeps.
    pub fn apply(&mut self, decision: &Decision, at: Offset, now: Time) {
        for (delta, record) in (0..).zip(&decision.records) {
            self.replay(record, at + delta);
        }
        match &decision.change {
            None => {}
            // The log has refused to make a consumer group a classic one.
            Some(Change::Classic(group)) if self.consumer.contains_key(&group.id) => {
                self.put_off(&group.id, now);
            }
            Some(Change::Classic(group)) => {
                self.classic.insert(group.id.clone(), (**group).clone());
                self.rearm();
            }
            Some(Change::Clock(group, member, clock)) => {
                let group_now = self.consumer.get(group);
                if group_now.is_some_and(|it| it.members().contains_key(member)) {
                    self.clocks.insert((group.clone(), member.clone()), *clock);
                    let deadline = clock.deadline();
                    self.next_timer =
                        Some(self.next_timer.map_or(deadline, |next| next.min(deadline)));
                }
            }
            Some(Change::Upgrade(classic, clocks)) => {
                if self.consumer.contains_key(&classic.id) {
                    let clocks = clocks.iter().cloned();
                    let named = clocks.map(|(member, clock)| ((classic.id.clone(), member), clock));
                    self.clocks.extend(named);
                } else {
                    self.classic.insert(classic.id.clone(), (**classic).clone());
                }
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
                    && !self.consumer.contains_key(group)
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
            | GroupRecord::Current { .. } => self.replay_consumer(record),
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
            let loaded = GroupEvent::Loaded {
                phase: group.phase.public(),
                generation: group.generation,
                members: group.members().keys().cloned().collect(),
                offsets: self.offsets.all(&group.id),
            };
            draft.note(&group.id, loaded);
            group.take_up(draft);
        }
        self.wind_up_all(draft);
        self.rearm();
    }

    /// Ends the office: whoever waits in a group is told to look elsewhere.
    pub fn resign(mut self, mut draft: Draft<'_, '_>) -> Decision {
        for group in self.classic.values_mut() {
            draft.note(&group.id, GroupEvent::Resigned);
            group.resign(&mut draft);
        }
        for id in self.consumer.keys() {
            draft.note(id, GroupEvent::Resigned);
        }
        draft.decision
    }

    /// Looks at the timers of all groups again.
    pub fn rearm(&mut self) {
        self.next_timer = self.first_timer();
    }

    fn first_timer(&self) -> Option<Time> {
        let classic = self.classic.values().filter_map(ClassicGroup::next_deadline);
        classic.chain(self.clocks.values().map(Clock::deadline)).min()
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

/// Notes what was committed, and what was refused, error by error.
fn note_commit(
    request: &OffsetCommitRequest,
    outcomes: &[(TopicPartition, ErrorCode)],
    draft: &mut Draft<'_, '_>,
) {
    let mut by_error: BTreeMap<ErrorCode, Vec<(TopicPartition, Offset)>> = BTreeMap::new();
    for (&(partition, error), (_, commit)) in outcomes.iter().zip(&request.offsets) {
        by_error.entry(error).or_default().push((partition, commit.offset));
    }
    let (member, generation) = (&request.member, request.generation);
    for (error, offsets) in by_error {
        let (member, offsets) = (member.clone(), offsets.into());
        if error == ErrorCode::None {
            let committed = GroupEvent::Committed { member, generation, offsets };
            draft.note_if_written(&request.group, committed);
        } else {
            let refused = GroupEvent::CommitRefused { member, generation, offsets, error };
            draft.note(&request.group, refused);
        }
    }
}

/// Notes which offsets of a group the records remove.
fn note_removal(id: &GroupId, cause: RemovalCause, draft: &mut Draft<'_, '_>) {
    let removed = |record: &GroupRecord| match record {
        GroupRecord::Offset { group, partition, value: None } if group == id => Some(*partition),
        _ => None,
    };
    let partitions: Vec<_> = draft.decision.records.iter().filter_map(removed).collect();
    if !partitions.is_empty() {
        let partitions = partitions.into();
        draft.note_if_written(id, GroupEvent::OffsetsRemoved { partitions, cause });
    }
}

/// Returns that an empty group is gone.
fn death(generation: Generation) -> GroupEvent {
    let (from, to) = (GroupPhase::Empty, GroupPhase::Dead);
    GroupEvent::State { from, to, generation, members: 0, cause: None }
}

fn tombstone(group: &GroupId, partition: TopicPartition) -> GroupRecord {
    GroupRecord::Offset { group: group.clone(), partition, value: None }
}
