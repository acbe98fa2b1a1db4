//! Who shall read what: Kafka's assignors as pure functions of a group and its topics.
//!
//! In the classic protocol the group's leader, a client, assigns:
//! - [`range`], [`round_robin`]: from scratch each time
//! - [`sticky`]: with regard to what members hold, eager or cooperative (KIP-54, KIP-429)
//!
//! In the consumer protocol (KIP-848) the coordinator does:
//! - [`server`]: what its assignors are told
//! - [`uniform`]: equal shares, with regard to the target so far
//! - [`server_range`]: from scratch each time
//!
//! All of them fill an `allotment`; the client's ask `racks` whether a reader is near.
//!
//! Left out: assignors of one's own, hence the leader's check that a cooperative assignor
//! takes partitions away before it gives them; the simple assignor of share groups.
//!
//! Simplified: Kafka sorts topics by name (clients) or id (brokers), here both are the place
//! in the scenario; which of several equal answers comes out may differ, no share does. Where
//! Kafka iterates in hash order, members and partitions come in their own order.
//!
//! Source: `ConsumerPartitionAssignor`, `AbstractPartitionAssignor`, Kafka 4.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::{Generation, InstanceId, MemberId, TopicId, TopicPartition};
use allotment::Seat;

mod allotment;
mod racks;
pub mod range;
pub mod round_robin;
pub mod server;
pub mod server_range;
pub mod sticky;
#[cfg(test)]
mod tests;
pub mod uniform;

/// The partitions of each member, in order of topic and partition; every member occurs.
pub type GroupAssignment = BTreeMap<MemberId, Vec<TopicPartition>>;

/// The racks of one partition's replicas, in and out of sync; without doubles.
pub type Racks = Vec<Arc<str>>;

/// The partitions of each known topic, by index, each with the racks of its replicas.
pub type Topics = BTreeMap<TopicId, Vec<Racks>>;

/// A group as its leader sees it.
pub type Members = BTreeMap<MemberId, Member>;

/// A member as the group's leader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Its `group.instance.id`, if it is static.
    pub instance: Option<InstanceId>,
    /// What it told the assignor when it joined.
    pub subscription: Subscription,
}

/// What a member tells an assignor when it joins.
///
/// Source: `ConsumerPartitionAssignor.Subscription`, `ConsumerProtocolSubscription.json` v3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// The topics that it wants to read, in order, without doubles.
    pub topics: Vec<TopicId>,
    /// What it holds; empty if it rebalances eagerly, for then it has let go of everything.
    pub owned: Vec<TopicPartition>,
    /// The generation that it last was a member of; `None` before the first, or if its
    /// client is too old to tell (KIP-792).
    pub generation: Option<Generation>,
    /// Its `client.rack` (KIP-881).
    pub rack: Option<Arc<str>>,
    /// The assignor's own words.
    pub user_data: Option<UserData>,
}

/// What the sticky assignors put into a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UserData {
    /// From `sticky`, which cannot ask the consumer: it holds nothing when it joins.
    Sticky {
        /// What it was last assigned.
        previous_assignment: Vec<TopicPartition>,
        /// In which generation; `None` in the first version of the format.
        generation: Option<Generation>,
    },
    /// From `cooperative-sticky`.
    CooperativeSticky {
        /// The generation of its last assignment; `None` before the first.
        generation: Option<Generation>,
    },
}

/// How a group changes hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RebalanceProtocol {
    /// Everybody lets go of everything before joining.
    Eager,
    /// Only what moves is let go, and given away in the rebalance after that (KIP-429).
    Cooperative,
}

/// An entry of `partition.assignment.strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// `RangeAssignor`.
    Range,
    /// `RoundRobinAssignor`.
    RoundRobin,
    /// `StickyAssignor`.
    Sticky,
    /// `CooperativeStickyAssignor`.
    CooperativeSticky,
}

impl Strategy {
    /// Every strategy of Kafka's own.
    pub const ALL: [Strategy; 4] =
        [Strategy::Range, Strategy::RoundRobin, Strategy::Sticky, Strategy::CooperativeSticky];

    /// The default of `partition.assignment.strategy`. It runs eagerly, as `range` knows
    /// nothing else; the second entry prepares for a rolling upgrade that drops the first.
    pub const DEFAULT: [Strategy; 2] = [Strategy::Range, Strategy::CooperativeSticky];

    /// Returns the name that goes into `JoinGroup` and is voted on.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Range => "range",
            Strategy::RoundRobin => "roundrobin",
            Strategy::Sticky => "sticky",
            Strategy::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// Returns the strategy of this [`Strategy::name`].
    pub fn from_name(name: &str) -> Option<Strategy> {
        Strategy::ALL.into_iter().find(|strategy| strategy.name() == name)
    }

    /// Returns the protocols that it supports, lowest first.
    pub fn supported_protocols(self) -> &'static [RebalanceProtocol] {
        match self {
            Strategy::Range | Strategy::RoundRobin | Strategy::Sticky => {
                &[RebalanceProtocol::Eager]
            }
            Strategy::CooperativeSticky => {
                &[RebalanceProtocol::Eager, RebalanceProtocol::Cooperative]
            }
        }
    }
}

impl RebalanceProtocol {
    /// Returns the highest protocol that all of a consumer's strategies support.
    ///
    /// Source: `ConsumerCoordinator` (constructor), Kafka 4.0.
    pub fn of(strategies: &[Strategy]) -> RebalanceProtocol {
        let cooperative = RebalanceProtocol::Cooperative;
        if strategies.iter().all(|it| it.supported_protocols().contains(&cooperative)) {
            return cooperative;
        }
        RebalanceProtocol::Eager
    }
}

/// A consumer's own instance of an assignor: a strategy, and what it remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAssignor {
    strategy: Strategy,
    /// What this consumer was last assigned, and when.
    assigned: Option<(Arc<[TopicPartition]>, Generation)>,
    /// The newest generation met when leading; only grows, even over the groups' lives.
    newest: Option<Generation>,
}

impl ClientAssignor {
    /// Creates an instance that has not seen any assignment.
    pub fn new(strategy: Strategy) -> ClientAssignor {
        ClientAssignor { strategy, assigned: None, newest: None }
    }

    /// Returns the strategy.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Returns what goes into this consumer's next subscription.
    ///
    /// Source: `subscriptionUserData` of the assignors, Kafka 4.0.
    pub fn user_data(&self) -> Option<UserData> {
        match self.strategy {
            Strategy::Range | Strategy::RoundRobin => None,
            Strategy::Sticky => {
                let (partitions, generation) = self.assigned.as_ref()?;
                Some(UserData::Sticky {
                    previous_assignment: partitions.to_vec(),
                    generation: Some(*generation),
                })
            }
            Strategy::CooperativeSticky => {
                let generation = self.assigned.as_ref().map(|(_, generation)| *generation);
                Some(UserData::CooperativeSticky { generation })
            }
        }
    }

    /// Remembers what this consumer was assigned.
    ///
    /// Source: `onAssignment` of the assignors, Kafka 4.0.
    pub fn on_assignment(&mut self, partitions: Arc<[TopicPartition]>, generation: Generation) {
        self.assigned = Some((partitions, generation));
    }

    /// Assigns, as leader, the partitions of the known topics that somebody subscribes to.
    ///
    /// Topics without metadata are left out silently.
    ///
    /// Source: `AbstractPartitionAssignor.assign`, Kafka 4.0.
    pub fn assign(&mut self, topics: &Topics, members: &Members) -> GroupAssignment {
        match self.strategy {
            Strategy::Range => range::assign(topics, members),
            Strategy::RoundRobin => round_robin::assign(topics, members),
            Strategy::Sticky => {
                self.newest = self.newest.max(sticky::newest_generation(members));
                sticky::assign(topics, members, self.newest)
            }
            Strategy::CooperativeSticky => {
                self.newest = self.newest.max(sticky::newest_cooperative_generation(members));
                sticky::assign_cooperatively(topics, members, self.newest)
            }
        }
    }

    /// Assigns as [`ClientAssignor::assign`] does, but what another member has still to give
    /// up goes to its new owner at once.
    pub fn assign_at_once(&mut self, topics: &Topics, members: &Members) -> GroupAssignment {
        if self.strategy != Strategy::CooperativeSticky {
            return self.assign(topics, members);
        }
        self.newest = self.newest.max(sticky::newest_cooperative_generation(members));
        sticky::assign_at_once(topics, members, self.newest)
    }
}

/// Returns the known topics with partitions that somebody subscribes to, in order.
fn subscribed<'a>(topics: &'a Topics, members: &Members) -> Vec<(TopicId, &'a [Racks])> {
    let mut ids: Vec<_> =
        members.values().flat_map(|member| &member.subscription.topics).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .filter_map(|id| Some((id, topics.get(&id)?.as_slice())))
        .filter(|(_, partitions)| !partitions.is_empty())
        .collect()
}

/// Returns the members as assignors without memory go through them: static ones first, by
/// instance, so that a restart under another member id changes nothing (KIP-345).
///
/// Source: `AbstractPartitionAssignor.MemberInfo.compareTo`, Kafka 4.0.
fn static_first<'a>(instances: impl Iterator<Item = Option<&'a InstanceId>>) -> Vec<Seat> {
    let mut seats: Vec<_> =
        instances.enumerate().map(|(seat, instance)| (instance, Seat(seat))).collect();
    seats.sort_unstable_by_key(|&(instance, seat)| (instance.is_none(), instance, seat));
    seats.into_iter().map(|(_, seat)| seat).collect()
}
