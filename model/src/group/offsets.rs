//! Committed offsets: commit, fetch, delete, expiry.
//!
//! An offset is in memory as soon as it has been written, and counts as committed once the
//! high watermark has passed its record. Left out: transactions.
//!
//! Source: `OffsetMetadataManager`, `ClassicGroup.validateOffsetCommit`, Kafka 4.0.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::group::classic::{ClassicGroup, Phase};
use crate::group::consumer::ConsumerGroup;
use crate::group::record::CommittedOffset;
use crate::ids::{GroupId, MemberEpoch, MemberId, Offset, TopicId, TopicPartition};
use crate::message::ErrorCode;
use crate::message::group::{OffsetAndMetadata, OffsetCommitRequest};
use crate::rules::Rules;
use crate::time::Timestamp;

/// The offsets of all groups of one coordinator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offsets {
    groups: BTreeMap<GroupId, BTreeMap<TopicPartition, Versions>>,
    /// Records that are not committed, in order of their place in the log.
    unsettled: VecDeque<(Offset, GroupId, TopicPartition)>,
}

/// One offset over time, each version with its place in the log, the newest last; `None` is
/// a deletion. Invariant: at most the first is committed.
type Versions = Vec<(Offset, Option<CommittedOffset>)>;

/// Which offsets of a group are too old when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// All of them, counted from when the group became empty.
    SinceEmpty(Timestamp),
    /// Each counted from its commit, where the group does not read the topic.
    SinceCommit,
    /// None: the group is between two generations.
    Never,
}

impl Offsets {
    /// Takes in a record that lies at `at`.
    pub fn replay(
        &mut self,
        group: &GroupId,
        partition: TopicPartition,
        value: Option<CommittedOffset>,
        at: Offset,
    ) {
        let offsets = self.groups.entry(group.clone()).or_default();
        offsets.entry(partition).or_default().push((at, value));
        self.unsettled.push_back((at, group.clone(), partition));
    }

    /// Forgets what newer commits have replaced.
    pub fn settle(&mut self, high_watermark: Offset) {
        while self.unsettled.front().is_some_and(|(at, ..)| *at < high_watermark) {
            let (at, group, partition) = self.unsettled.pop_front().expect("it was just seen");
            let Some(offsets) = self.groups.get_mut(&group) else { continue };
            let Some(versions) = offsets.get_mut(&partition) else { continue };
            versions.retain(|(version_at, _)| at <= *version_at);
            if matches!(versions.as_slice(), [(_, None)]) {
                offsets.remove(&partition);
            }
            if offsets.is_empty() {
                self.groups.remove(&group);
            }
        }
    }

    /// Returns the newest offset in memory.
    pub fn newest(&self, group: &GroupId, partition: TopicPartition) -> Option<&CommittedOffset> {
        self.groups.get(group)?.get(&partition)?.last()?.1.as_ref()
    }

    /// Returns the newest offset below the high watermark.
    pub fn committed(
        &self,
        group: &GroupId,
        partition: TopicPartition,
        high_watermark: Offset,
    ) -> Option<&CommittedOffset> {
        let versions = self.groups.get(group)?.get(&partition)?;
        let committed = versions.iter().rev().find(|(at, _)| *at < high_watermark);
        committed?.1.as_ref()
    }

    /// Returns the partitions of a group that have an offset in memory, or may have had one
    /// that is being deleted.
    pub fn partitions(&self, group: &GroupId) -> impl Iterator<Item = TopicPartition> {
        self.groups.get(group).into_iter().flat_map(|offsets| offsets.keys().copied())
    }

    /// Returns a group's offsets in memory.
    pub fn all(&self, group: &GroupId) -> Arc<[(TopicPartition, Offset)]> {
        let newest = |partition| Some((partition, self.newest(group, partition)?.commit.offset));
        self.partitions(group).filter_map(newest).collect()
    }

    /// Returns the partitions whose offset has expired.
    pub fn expired(
        &self,
        group: &GroupId,
        expiry: Expiry,
        expires_before: Timestamp,
        is_subscribed: impl Fn(TopicId) -> bool,
    ) -> Vec<TopicPartition> {
        let is_old = |&partition: &TopicPartition| {
            let Some(offset) = self.newest(group, partition) else { return false };
            match expiry {
                Expiry::SinceEmpty(since) => since <= expires_before,
                Expiry::SinceCommit => {
                    offset.at <= expires_before && !is_subscribed(partition.topic)
                }
                Expiry::Never => false,
            }
        };
        self.partitions(group).filter(is_old).collect()
    }

    /// Says whether a group has an offset in memory.
    pub fn has_any(&self, group: &GroupId) -> bool {
        self.partitions(group).any(|partition| self.newest(group, partition).is_some())
    }
}

/// Checks the part of a commit that the log keeps as the application's own words.
///
/// # Errors
/// `OFFSET_METADATA_TOO_LARGE` beyond `offset.metadata.max.bytes`.
pub fn check_metadata(commit: &OffsetAndMetadata, bytes_max: u32) -> Result<(), ErrorCode> {
    // Kafka compares characters with the limit that it calls bytes.
    if (bytes_max as usize) < commit.metadata.encode_utf16().count() {
        return Err(ErrorCode::OffsetMetadataTooLarge);
    }
    Ok(())
}

impl ClassicGroup {
    /// Checks that a commit comes from a member of this generation, or from outside while
    /// nobody is in the group.
    ///
    /// # Errors
    /// As [`ClassicGroup::check_member`]; `ILLEGAL_GENERATION` for another generation;
    /// `UNKNOWN_MEMBER_ID` from outside while the group has members; `REBALANCE_IN_PROGRESS`
    /// while the leader is assigning. While members join, the old generation may commit.
    pub fn check_commit(
        &self,
        request: &OffsetCommitRequest,
        rules: Rules,
    ) -> Result<(), ErrorCode> {
        if request.generation.is_none() && self.phase == Phase::Empty {
            return Ok(());
        }
        let claims_membership =
            request.generation.is_some() || request.member.is_some() || request.instance.is_some();
        if !claims_membership {
            return Err(ErrorCode::UnknownMemberId);
        }
        let nobody = MemberId::from("");
        let member = request.member.as_ref().unwrap_or(&nobody);
        self.check_member(member, request.instance.as_ref(), rules)?;
        if request.generation != Some(self.generation) {
            return Err(ErrorCode::IllegalGeneration);
        }
        if self.phase == Phase::CompletingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    /// Says which of the group's offsets grow old, and since when.
    ///
    /// Source: `ClassicGroup.offsetExpirationCondition`, Kafka 4.0 (KIP-211).
    pub fn expiry(&self) -> Expiry {
        match (&self.protocol_type, self.phase) {
            (None, _) => Expiry::SinceCommit,
            (Some(_), Phase::Empty) => Expiry::SinceEmpty(self.since),
            (Some(kind), Phase::Stable) if &**kind == CONSUMER => Expiry::SinceCommit,
            (
                Some(_),
                Phase::Stable | Phase::PreparingRebalance(_) | Phase::CompletingRebalance,
            ) => Expiry::Never,
        }
    }

    /// Says whether the group's members subscribe to topics.
    pub fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }
}

impl ConsumerGroup {
    /// Checks that a commit comes from a member at its epoch, or from outside while nobody is
    /// in the group.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID` for whoever is no member; `STALE_MEMBER_EPOCH` for another epoch,
    /// even the one before; members of the classic protocol know that as
    /// `ILLEGAL_GENERATION`.
    ///
    /// Source: `ConsumerGroup.validateOffsetCommit`, Kafka 4.0.
    pub fn check_commit(&self, request: &OffsetCommitRequest) -> Result<(), ErrorCode> {
        if request.generation.is_none() && self.members().is_empty() {
            return Ok(());
        }
        let member = request.member.as_ref().ok_or(ErrorCode::UnknownMemberId)?;
        self.check_epoch(member, request.generation.map(|it| MemberEpoch(it.0)))
    }

    /// Checks that whoever fetches offsets as a member is one, at its epoch.
    ///
    /// # Errors
    /// As [`ConsumerGroup::check_commit`].
    ///
    /// Source: `ConsumerGroup.validateOffsetFetch`, Kafka 4.0.
    pub fn check_fetch(&self, member: Option<&(MemberId, MemberEpoch)>) -> Result<(), ErrorCode> {
        match member {
            None => Ok(()),
            Some((member, epoch)) => self.check_epoch(member, Some(*epoch)),
        }
    }

    fn check_epoch(&self, id: &MemberId, epoch: Option<MemberEpoch>) -> Result<(), ErrorCode> {
        let member = self.members().get(id).ok_or(ErrorCode::UnknownMemberId)?;
        if epoch.is_some() && member.current.epoch == epoch {
            return Ok(());
        }
        Err(match member.classic() {
            None => ErrorCode::StaleMemberEpoch,
            Some(_) => ErrorCode::IllegalGeneration,
        })
    }
}

/// The protocol type of consumers.
pub const CONSUMER: &str = "consumer";
