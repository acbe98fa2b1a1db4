//! What a group coordinator writes to `__consumer_offsets`, with its size on disk.
//!
//! Left out: records of share groups, and those that only move a group between protocols.
//!
//! Source: `CoordinatorRecordHelpers`, `GroupMetadataValue.json` and its like, Kafka 4.0.

use std::sync::Arc;

use crate::ids::{
    Generation, GroupEpoch, GroupId, InstanceId, Key, MemberEpoch, MemberId, TopicId,
    TopicPartition, Uid,
};
use crate::log::batch::Record;
use crate::message::group::{Assignment, GroupProtocol, OffsetAndMetadata, Subscription};
use crate::time::{Duration, Timestamp};

/// One record of `__consumer_offsets`; `None` as its value is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GroupRecord {
    /// An offset was committed, or deleted.
    Offset {
        /// The group.
        group: GroupId,
        /// The partition.
        partition: TopicPartition,
        /// The commit.
        value: Option<CommittedOffset>,
    },
    /// A classic group is this, or is gone.
    ClassicGroup {
        /// The group.
        group: GroupId,
        /// Its generation with members and assignments.
        value: Option<Arc<ClassicMetadata>>,
    },
    /// A consumer group has this epoch, or is gone.
    ConsumerGroup {
        /// The group.
        group: GroupId,
        /// Its epoch.
        value: Option<GroupEpoch>,
    },
    /// The subscribed topics look like this.
    PartitionMetadata {
        /// The group.
        group: GroupId,
        /// Each topic that exists, with its number of partitions.
        value: Option<Arc<[(TopicId, u16)]>>,
    },
    /// A consumer group's member is this, or is gone.
    Member {
        /// The group.
        group: GroupId,
        /// The member.
        member: MemberId,
        /// What it said of itself.
        value: Option<Arc<MemberMetadata>>,
    },
    /// The target assignment is the one of this group epoch.
    TargetEpoch {
        /// The group.
        group: GroupId,
        /// The epoch.
        value: Option<GroupEpoch>,
    },
    /// What a member is to have in the end.
    Target {
        /// The group.
        group: GroupId,
        /// The member.
        member: MemberId,
        /// The partitions.
        value: Option<Assignment>,
    },
    /// What a member has.
    Current {
        /// The group.
        group: GroupId,
        /// The member.
        member: MemberId,
        /// Its epoch and partitions.
        value: Option<Arc<CurrentAssignment>>,
    },
}

/// A commit as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommittedOffset {
    /// What was committed.
    pub commit: OffsetAndMetadata,
    /// When, by the coordinator's clock.
    pub at: Timestamp,
}

/// A classic group as it is stored: only what is settled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClassicMetadata {
    /// What kind of group: `consumer`; `None` of one that had no members yet.
    pub protocol_type: Option<Arc<str>>,
    /// The generation.
    pub generation: Generation,
    /// The assignor that was voted for.
    pub protocol: Option<Arc<str>>,
    /// Who assigns.
    pub leader: Option<MemberId>,
    /// Since when it is in its state.
    pub since: Timestamp,
    /// The members.
    pub members: Vec<StoredMember>,
}

/// A member of a classic group as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoredMember {
    /// Its id.
    pub id: MemberId,
    /// Its instance, if it is static.
    pub instance: Option<InstanceId>,
    /// Its `client.id`.
    pub client_id: Arc<str>,
    /// How long it may take to rejoin.
    pub rebalance_timeout: Duration,
    /// How long it may be silent.
    pub session_timeout: Duration,
    /// What it told the assignor.
    pub subscription: Arc<Subscription>,
    /// What it is to read.
    pub assignment: Assignment,
}

/// What a consumer group's member said of itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemberMetadata {
    /// Its instance, if it is static.
    pub instance: Option<InstanceId>,
    /// Its rack.
    pub rack: Option<Arc<str>>,
    /// Its `client.id`.
    pub client_id: Arc<str>,
    /// The topics that it subscribes to, in order of id.
    pub topics: Vec<TopicId>,
    /// How long it may take to give partitions back.
    pub rebalance_timeout: Duration,
    /// The assignor that it asks for.
    pub assignor: Option<Arc<str>>,
    /// What it said besides if it speaks the classic protocol.
    pub classic: Option<ClassicMembership>,
}

/// What a consumer group's member says in the classic protocol alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClassicMembership {
    /// How long it may be silent.
    pub session_timeout: Duration,
    /// The assignors that it supports, the favourite first.
    pub protocols: Vec<GroupProtocol>,
}

/// What a consumer group's member has, and what it still has to give back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CurrentAssignment {
    /// Its epoch; `None` of a static member that left for a while (-2).
    pub epoch: Option<MemberEpoch>,
    /// Its epoch before the last change.
    pub previous: MemberEpoch,
    /// How far it has got.
    pub state: Reconciliation,
    /// What it has, in order.
    pub assigned: Vec<TopicPartition>,
    /// What it has to give back, in order.
    pub pending_revocation: Vec<TopicPartition>,
}

/// How far a member of a consumer group is from its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reconciliation {
    /// It has what it is to have.
    Stable,
    /// It has to give partitions back first.
    UnrevokedPartitions,
    /// It waits for partitions that others hold.
    UnreleasedPartitions,
}

impl GroupRecord {
    /// Returns the group that the record is about.
    pub fn group(&self) -> &GroupId {
        match self {
            GroupRecord::Offset { group, .. }
            | GroupRecord::ClassicGroup { group, .. }
            | GroupRecord::ConsumerGroup { group, .. }
            | GroupRecord::PartitionMetadata { group, .. }
            | GroupRecord::Member { group, .. }
            | GroupRecord::TargetEpoch { group, .. }
            | GroupRecord::Target { group, .. }
            | GroupRecord::Current { group, .. } => group,
        }
    }

    /// Encodes the key, and measures the value: what compaction and segment sizes see.
    pub fn encode(&self, timestamp: Timestamp, topic_name: impl Fn(TopicId) -> Arc<str>) -> Record {
        let name_bytes = |topic| topic_name(topic).len() as u32;
        let (version, member, value) = match self {
            GroupRecord::Offset { value, .. } => (1_u16, None, value.as_ref().map(offset_bytes)),
            GroupRecord::ClassicGroup { value, .. } => {
                (2, None, value.as_ref().map(|group| classic_bytes(group, name_bytes)))
            }
            GroupRecord::ConsumerGroup { value, .. } => (3, None, value.map(|_| 2 + 4 + 1)),
            GroupRecord::PartitionMetadata { value, .. } => {
                (4, None, value.as_ref().map(|topics| topics_bytes(topics, name_bytes)))
            }
            GroupRecord::Member { member, value, .. } => {
                (5, Some(member), value.as_ref().map(|it| member_bytes(it, name_bytes)))
            }
            GroupRecord::TargetEpoch { value, .. } => (6, None, value.map(|_| 2 + 4 + 1)),
            GroupRecord::Target { member, value, .. } => {
                (7, Some(member), value.as_ref().map(|it| 2 + compact_partitions_bytes(it) + 1))
            }
            GroupRecord::Current { member, value, .. } => {
                (8, Some(member), value.as_ref().map(|it| current_bytes(it)))
            }
        };
        let mut key = Vec::new();
        key.extend(version.to_be_bytes());
        put_string(&mut key, self.group().as_str());
        if let Some(member) = member {
            put_string(&mut key, member.as_str());
        }
        if let GroupRecord::Offset { partition, .. } = self {
            put_string(&mut key, &topic_name(partition.topic));
            key.extend(u32::from(partition.partition).to_be_bytes());
        }
        let key: Option<Key> = Some(key.into());
        Record { uid: Uid::NONE, key, value, headers: 0, timestamp }
    }
}

fn put_string(key: &mut Vec<u8>, text: &str) {
    key.extend((text.len() as u16).to_be_bytes());
    key.extend(text.as_bytes());
}

/// `OffsetCommitValue` version 3: version, offset, leader epoch, metadata, timestamp.
fn offset_bytes(offset: &CommittedOffset) -> u32 {
    2 + 8 + 4 + string_bytes(&offset.commit.metadata) + 8
}

/// `GroupMetadataValue` version 3.
fn classic_bytes(group: &ClassicMetadata, name_bytes: impl Fn(TopicId) -> u32) -> u32 {
    let optional = |text: &Option<Arc<str>>| text.as_deref().map_or(2, string_bytes);
    let head = 2 + optional(&group.protocol_type) + 4 + optional(&group.protocol);
    let leader = group.leader.as_ref().map_or(2, |leader| string_bytes(leader.as_str()));
    let members = group.members.iter().map(|member| {
        let instance = member.instance.as_ref().map_or(2, |it| string_bytes(it.as_str()));
        string_bytes(member.id.as_str())
            + instance
            + string_bytes(&member.client_id)
            + HOST_BYTES
            + 4 // rebalance timeout
            + 4 // session timeout
            + 4
            + subscription_bytes(&member.subscription, &name_bytes)
            + 4
            + partitions_bytes(&member.assignment, &name_bytes)
    });
    head + leader + 8 + 4 + members.sum::<u32>()
}

/// Bytes of a client's host as Kafka writes it: `/10.0.0.1`.
const HOST_BYTES: u32 = 2 + 9;

/// `ConsumerProtocolSubscription` version 3.
fn subscription_bytes(subscription: &Subscription, name_bytes: impl Fn(TopicId) -> u32) -> u32 {
    let topics: u32 = subscription.topics.iter().map(|&topic| 2 + name_bytes(topic)).sum();
    let rack = subscription.rack.as_deref().map_or(2, string_bytes);
    let owned = partitions_bytes(&subscription.owned, name_bytes);
    // The user data is null: a length of -1. The owned partitions come without one.
    2 + 4 + topics + 4 + (owned - 2 - 4) + 4 + rack
}

/// `ConsumerProtocolAssignment`: version, topics with partitions, null user data.
fn partitions_bytes(partitions: &[TopicPartition], name_bytes: impl Fn(TopicId) -> u32) -> u32 {
    let topics = topics_of(partitions).map(|topic| 2 + name_bytes(topic) + 4);
    2 + 4 + topics.sum::<u32>() + 4 * partitions.len() as u32 + 4
}

/// Topics by id with their partitions: the flexible form, where lengths are varints.
fn compact_partitions_bytes(partitions: &[TopicPartition]) -> u32 {
    const TOPIC: u32 = 16 + 1 + 1; // id, length of the list, no tagged fields
    1 + topics_of(partitions).map(|_| TOPIC).sum::<u32>() + 4 * partitions.len() as u32
}

fn topics_bytes(topics: &[(TopicId, u16)], name_bytes: impl Fn(TopicId) -> u32) -> u32 {
    let each = topics.iter().map(|&(topic, _)| 16 + 1 + name_bytes(topic) + 4 + 1 + 1);
    2 + 1 + each.sum::<u32>() + 1
}

fn member_bytes(member: &MemberMetadata, name_bytes: impl Fn(TopicId) -> u32) -> u32 {
    let optional = |text: Option<&str>| 1 + text.map_or(0, |text| text.len() as u32);
    let topics: u32 = member.topics.iter().map(|&topic| 1 + name_bytes(topic)).sum();
    2 + optional(member.instance.as_ref().map(InstanceId::as_str))
        + optional(member.rack.as_deref())
        + optional(Some(&*member.client_id))
        + HOST_BYTES
        + 1
        + topics
        + 1 // no pattern
        + 4 // rebalance timeout
        + optional(member.assignor.as_deref())
        + 1
        + member.classic.as_ref().map_or(0, |it| membership_bytes(it, name_bytes))
}

/// A tagged field: tag, size, session timeout, assignors with their subscriptions.
fn membership_bytes(member: &ClassicMembership, name_bytes: impl Fn(TopicId) -> u32) -> u32 {
    let protocols = member.protocols.iter().map(|protocol| {
        let subscription = subscription_bytes(&protocol.subscription, &name_bytes);
        1 + protocol.name.len() as u32 + compact_bytes(subscription) + 1
    });
    let body = 4 + 1 + protocols.sum::<u32>() + 1;
    1 + compact_bytes(body)
}

/// Bytes behind their length as a varint.
fn compact_bytes(length: u32) -> u32 {
    let digits = (u32::BITS - (length + 1).leading_zeros()).div_ceil(7);
    digits + length
}

fn current_bytes(current: &CurrentAssignment) -> u32 {
    let assigned = compact_partitions_bytes(&current.assigned);
    2 + 4 + 4 + 1 + assigned + compact_partitions_bytes(&current.pending_revocation) + 1
}

fn string_bytes(text: &str) -> u32 {
    2 + text.len() as u32
}

/// Returns the topics of a list in order, each once.
fn topics_of(partitions: &[TopicPartition]) -> impl Iterator<Item = TopicId> {
    let mut before = None;
    partitions.iter().filter_map(move |partition| {
        let topic = Some(partition.topic);
        if before == topic {
            return None;
        }
        before = topic;
        topic
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Offset;

    #[test]
    fn a_commit_takes_the_bytes_that_kafka_writes() {
        let commit =
            OffsetAndMetadata { offset: Offset(7), leader_epoch: None, metadata: "".into() };
        let record = GroupRecord::Offset {
            group: "g".into(),
            partition: TopicPartition { topic: TopicId(0), partition: 1 },
            value: Some(CommittedOffset { commit, at: Timestamp(0) }),
        };

        let encoded = record.encode(Timestamp(0), |_| "orders".into());

        let key = b"\x00\x01\x00\x01g\x00\x06orders\x00\x00\x00\x01";
        assert_eq!((encoded.key.as_deref(), encoded.value), (Some(&key[..]), Some(24)));
    }

    #[test]
    fn a_deleted_group_is_a_tombstone_under_the_key_of_the_group() {
        let at = |value| GroupRecord::ConsumerGroup { group: "g".into(), value };
        let encode = |record: GroupRecord| record.encode(Timestamp(0), |_| "orders".into());

        let (alive, dead) = (encode(at(Some(GroupEpoch(3)))), encode(at(None)));

        assert_eq!((alive.key.clone(), dead.value), (dead.key, None));
    }
}
