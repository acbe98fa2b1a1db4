//! What the coordinator's assignors are told, and which there are (KIP-848).
//!
//! Left out: racks, which the assignors of 4.0 are told and do not use.
//!
//! Source: `ConsumerGroupPartitionAssignor`, `GroupSpec`, Kafka 4.0.

use std::collections::BTreeMap;

use super::allotment::Allotment;
use super::{GroupAssignment, server_range, uniform};
use crate::ids::{InstanceId, MemberId, TopicId, TopicPartition};

/// An entry of `group.consumer.assignors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerAssignor {
    /// `UniformAssignor`.
    Uniform,
    /// `RangeAssignor` of the coordinator.
    Range,
}

impl ServerAssignor {
    /// The default of `group.consumer.assignors`; the first is the default of a group.
    pub const DEFAULT: [ServerAssignor; 2] = [ServerAssignor::Uniform, ServerAssignor::Range];

    /// Returns the name by which members ask for it.
    pub fn name(self) -> &'static str {
        match self {
            ServerAssignor::Uniform => "uniform",
            ServerAssignor::Range => "range",
        }
    }

    /// Returns the assignor of this [`ServerAssignor::name`].
    pub fn from_name(name: &str) -> Option<ServerAssignor> {
        ServerAssignor::DEFAULT.into_iter().find(|assignor| assignor.name() == name)
    }

    /// Computes the target assignment of a group.
    ///
    /// # Errors
    /// [`UnknownTopic`] if a member subscribes to a topic without metadata. The coordinator
    /// leaves such topics out, and otherwise answers `UNKNOWN_SERVER_ERROR`.
    pub fn assign(self, group: &GroupSpec) -> Result<GroupAssignment, UnknownTopic> {
        match self {
            ServerAssignor::Uniform => uniform::assign(group),
            ServerAssignor::Range => server_range::assign(group),
        }
    }
}

/// Whether the members of a group want the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionType {
    /// All subscribe to the same topics.
    #[default]
    Homogeneous,
    /// They may not; true of any group, if at a cost.
    Heterogeneous,
}

/// A group as its coordinator describes it to an assignor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSpec {
    /// Whether the members want the same.
    pub subscription_type: SubscriptionType,
    /// The members.
    pub members: BTreeMap<MemberId, MemberSpec>,
    /// The partition count of each known topic.
    pub topics: BTreeMap<TopicId, u16>,
}

/// A member as its coordinator describes it to an assignor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberSpec {
    /// Its `group.instance.id`, if it is static.
    pub instance: Option<InstanceId>,
    /// The topics that it subscribes to, in order, without doubles.
    pub topics: Vec<TopicId>,
    /// Its part of the target assignment so far, what it shall keep longest first; nobody
    /// else's part has any of it.
    pub target: Vec<TopicPartition>,
}

/// A member subscribes to a topic that is not in the metadata.
///
/// Source: `PartitionAssignorException`, Kafka 4.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("members are subscribed to topic {0}, which is not in the metadata")]
pub struct UnknownTopic(
    /// The topic.
    pub TopicId,
);

impl GroupSpec {
    /// Describes a group.
    ///
    /// Source: `ModernGroup.subscriptionType`, Kafka 4.0.
    pub fn new(members: BTreeMap<MemberId, MemberSpec>, topics: BTreeMap<TopicId, u16>) -> Self {
        let mut subscriptions = members.values().map(|member| &member.topics);
        let subscription_type = match subscriptions.next() {
            Some(first) if subscriptions.any(|topics| topics != first) => {
                SubscriptionType::Heterogeneous
            }
            _ => SubscriptionType::Homogeneous,
        };
        GroupSpec { subscription_type, members, topics }
    }

    /// Returns the table of the subscribed topics, in which nobody has anything.
    pub(super) fn allotment(&self) -> Result<Allotment<'_>, UnknownTopic> {
        let mut ids: Vec<_> =
            self.members.values().flat_map(|member| &member.topics).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        let counts = ids
            .into_iter()
            .map(|id| Ok((id, usize::from(*self.topics.get(&id).ok_or(UnknownTopic(id))?))))
            .collect::<Result<Vec<_>, UnknownTopic>>()?;
        let members = self.members.iter().map(|(id, member)| (id, member.topics.as_slice()));
        Ok(Allotment::new(members, counts.into_iter()))
    }
}
