//! A classic group: members that join, wait for each other, and get what their leader assigns.
//!
//! In reading order: [`join`] (JoinGroup), [`rebalance`] (its phases and their ends), [`sync`]
//! (SyncGroup, Heartbeat), [`leave`] (leaving and timing out).
//!
//! Only what is settled is written to the log: generation, members, assignments. Who waits
//! and which timer runs is known to the coordinator in office alone, and lost with it.
//!
//! Source: `ClassicGroup`, `ClassicGroupMember`, Kafka 4.0. Left out: the state Dead, which
//! Kafka's groups take in the very event that drops them.

pub mod join;
pub mod leave;
pub mod rebalance;
pub mod sync;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::fact::GroupPhase;
use crate::group::decision::{Draft, Waiter};
use crate::group::offsets::CONSUMER;
use crate::group::record::{ClassicMetadata, StoredMember};
use crate::ids::{Generation, GroupId, InstanceId, MemberId, TopicId};
use crate::message::ErrorCode;
use crate::message::group::{Assignment, GroupProtocol, Subscription};
use crate::mutant::Mutant;
use crate::rules::Rules;
use crate::time::{Duration, Time, Timestamp};

/// A classic group.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassicGroup {
    /// Its id.
    pub id: GroupId,
    /// Its generation; 0 before the first rebalance.
    pub generation: Generation,
    /// What kind of group: `consumer`; `None` of one that only commits offsets.
    pub protocol_type: Option<Arc<str>>,
    /// The assignor that was voted for.
    pub protocol: Option<Arc<str>>,
    /// Who assigns.
    pub leader: Option<MemberId>,
    /// Where it is between two generations.
    pub phase: Phase,
    /// Since when it is there, by the wall clock: the retention of offsets counts from it.
    pub since: Timestamp,
    members: BTreeMap<MemberId, Member>,
    /// Who has which instance. Invariant: every id is in `members`.
    instances: BTreeMap<InstanceId, MemberId>,
    /// Ids that were handed out and have not joined, with the time at which they lapse.
    pending: BTreeMap<MemberId, Time>,
    /// Members of this generation that have not synced.
    unsynced: BTreeSet<MemberId>,
    /// When such members are removed.
    sync_deadline: Option<Time>,
}

/// Where a classic group is between two generations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has no members.
    Empty,
    /// Members are joining.
    PreparingRebalance(Joining),
    /// The leader is assigning.
    CompletingRebalance,
    /// Everybody may read.
    Stable,
}

/// What ends the joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// The group was empty: it waits for company (KIP-134).
    Initial {
        /// When this wait ends.
        deadline: Time,
        /// Its length.
        delay: Duration,
        /// How much longer it may be extended.
        remaining: Duration,
        /// Whether somebody came since it began.
        company: Company,
    },
    /// Everybody known has joined, or this moment has come.
    Everybody {
        /// The moment.
        deadline: Time,
    },
}

/// Whether somebody joined during a wait for company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Nobody but the first.
    None,
    /// Somebody: wait once more.
    Came,
}

/// A member of a classic group.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its instance, if it is static.
    pub instance: Option<InstanceId>,
    /// Its `client.id`.
    pub client_id: Arc<str>,
    /// How long it may take to rejoin.
    pub rebalance_timeout: Duration,
    /// How long it may be silent.
    pub session_timeout: Duration,
    /// The assignors that it supports, the favourite first.
    pub protocols: Vec<GroupProtocol>,
    /// What it is to read in this generation.
    pub assignment: Assignment,
    /// Whether it has completed a join.
    pub age: Age,
    /// When it is removed; `None` while a parked request speaks for it.
    pub expires_at: Option<Time>,
    /// The request of its that waits.
    pub parked: Option<Parked>,
}

/// Whether a member has completed a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// It has not: it is removed if its first join takes five minutes.
    New,
    /// It has.
    Known,
}

/// A request that waits for the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parked {
    /// JoinGroup, for the others.
    Join(Waiter),
    /// SyncGroup, for the leader.
    Sync(Waiter),
}

impl Phase {
    /// Returns the state that users see.
    pub fn public(self) -> GroupPhase {
        match self {
            Phase::Empty => GroupPhase::Empty,
            Phase::PreparingRebalance(_) => GroupPhase::PreparingRebalance,
            Phase::CompletingRebalance => GroupPhase::CompletingRebalance,
            Phase::Stable => GroupPhase::Stable,
        }
    }
}

impl Joining {
    /// Returns when the joining ends at the latest, or is extended.
    pub fn deadline(self) -> Time {
        match self {
            Joining::Initial { deadline, .. } | Joining::Everybody { deadline } => deadline,
        }
    }
}

impl ClassicGroup {
    /// Makes a group without members.
    pub fn new(id: GroupId, since: Timestamp) -> ClassicGroup {
        ClassicGroup {
            id,
            generation: Generation(0),
            protocol_type: None,
            protocol: None,
            leader: None,
            phase: Phase::Empty,
            since,
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            pending: BTreeMap::new(),
            unsynced: BTreeSet::new(),
            sync_deadline: None,
        }
    }

    /// Makes a group of what a log tells; it is stable, or empty, and nobody waits.
    pub fn from_record(id: GroupId, stored: &ClassicMetadata) -> ClassicGroup {
        let mut group = ClassicGroup {
            generation: stored.generation,
            protocol_type: stored.protocol_type.clone(),
            protocol: stored.protocol.clone(),
            leader: stored.leader.clone(),
            ..ClassicGroup::new(id, stored.since)
        };
        for member in &stored.members {
            if let Some(instance) = &member.instance {
                group.instances.insert(instance.clone(), member.id.clone());
            }
            let protocol = stored.protocol.iter().map(|name| GroupProtocol {
                name: name.clone(),
                subscription: member.subscription.clone(),
            });
            let loaded = Member {
                instance: member.instance.clone(),
                client_id: member.client_id.clone(),
                rebalance_timeout: member.rebalance_timeout,
                session_timeout: member.session_timeout,
                protocols: protocol.collect(),
                assignment: member.assignment.clone(),
                age: Age::Known,
                expires_at: None,
                parked: None,
            };
            group.members.insert(member.id.clone(), loaded);
        }
        if !group.members.is_empty() {
            group.phase = Phase::Stable;
        }
        group
    }

    /// Makes a stable group of members that have their assignments; nobody leads it.
    ///
    /// Source: `ClassicGroup.fromConsumerGroup`, Kafka 4.0.
    pub fn of_members(
        id: GroupId,
        generation: Generation,
        members: BTreeMap<MemberId, Member>,
        since: Timestamp,
    ) -> ClassicGroup {
        let instance = |(id, member): (&MemberId, &Member)| {
            member.instance.clone().map(|instance| (instance, id.clone()))
        };
        let mut group = ClassicGroup {
            generation,
            protocol_type: Some(CONSUMER.into()),
            phase: Phase::Stable,
            instances: members.iter().filter_map(instance).collect(),
            members,
            ..ClassicGroup::new(id, since)
        };
        group.protocol = group.vote();
        group
    }

    /// Returns what a log is to keep of the group as it stands.
    pub fn settled(&self) -> ClassicMetadata {
        self.to_record(|_, member| member.assignment.clone())
    }

    /// Returns what a log is to keep of a group without members.
    pub fn empty(&self) -> ClassicMetadata {
        self.to_record(|_, _| Assignment::default())
    }

    /// Returns what a log is to keep of the group, with each member's assignment as given.
    fn to_record(
        &self,
        assignment_of: impl Fn(&MemberId, &Member) -> Assignment,
    ) -> ClassicMetadata {
        let stored = |(id, member): (&MemberId, &Member)| StoredMember {
            id: id.clone(),
            instance: member.instance.clone(),
            client_id: member.client_id.clone(),
            rebalance_timeout: member.rebalance_timeout,
            session_timeout: member.session_timeout,
            subscription: self.subscription_of(member),
            assignment: assignment_of(id, member),
        };
        ClassicMetadata {
            protocol_type: self.protocol_type.clone(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            since: self.since,
            members: self.members.iter().map(stored).collect(),
        }
    }

    /// Returns the members, in order of id.
    pub fn members(&self) -> &BTreeMap<MemberId, Member> {
        &self.members
    }

    /// Returns the ids that were handed out and have not joined.
    pub fn pending(&self) -> impl Iterator<Item = &MemberId> {
        self.pending.keys()
    }

    /// Says whether a member's subscription names the topic.
    ///
    /// Source: `ClassicGroup.isSubscribedToTopic`, Kafka 4.0.
    pub fn is_subscribed(&self, topic: TopicId) -> bool {
        self.members.values().any(|member| self.subscription_of(member).topics.contains(&topic))
    }

    /// Returns what a member told the assignor that was voted for.
    pub fn subscription_of(&self, member: &Member) -> Arc<Subscription> {
        let chosen = |it: &&GroupProtocol| Some(&it.name) == self.protocol.as_ref();
        let found = member.protocols.iter().find(chosen).or(member.protocols.first());
        found.map_or_else(Arc::default, |protocol| protocol.subscription.clone())
    }

    /// Checks that a request comes from whom it says.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID` for an unknown instance or id, `FENCED_INSTANCE_ID` for an
    /// instance that another id has.
    ///
    /// Source: `ClassicGroup.validateMember`, Kafka 4.0.
    pub fn check_member(
        &self,
        member: &MemberId,
        instance: Option<&InstanceId>,
        rules: Rules,
    ) -> Result<(), ErrorCode> {
        if let Some(instance) = instance {
            match self.instances.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                // Mutant: an old process is a member that is not known.
                Some(_) if rules.has(Mutant::StaticMemberNotFenced) => {}
                Some(owner) if owner != member => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    /// Answers whoever waits in JoinGroup or SyncGroup with an error.
    pub fn refuse_all(&mut self, error: ErrorCode, draft: &mut Draft<'_, '_>) {
        for (id, member) in &mut self.members {
            if let Some(parked) = member.parked.take() {
                parked.fail(error, Some(id), draft);
            }
        }
    }

    /// Returns the member, which has been checked before.
    fn member_mut(&mut self, id: &MemberId) -> &mut Member {
        self.members.get_mut(id).expect("the member was looked up before")
    }

    /// Starts a member's session anew.
    pub fn extend_session(&mut self, id: &MemberId, now: Time) {
        if let Some(member) = self.members.get_mut(id) {
            member.expires_at = Some(now + member.session_timeout);
        }
    }

    /// Returns how long members may take to rejoin: as long as the slowest asks for.
    pub fn rebalance_timeout(&self) -> Duration {
        let longest = self.members.values().map(|member| member.rebalance_timeout).max();
        longest.unwrap_or(Duration::ZERO)
    }

    /// Returns how many members wait for the others to join.
    fn joined_count(&self) -> usize {
        let joins = |member: &&Member| matches!(member.parked, Some(Parked::Join(_)));
        self.members.values().filter(joins).count()
    }

    /// Returns when a timer of the group runs out.
    pub fn next_deadline(&self) -> Option<Time> {
        let joining = match self.phase {
            Phase::PreparingRebalance(joining) => Some(joining.deadline()),
            Phase::Empty | Phase::CompletingRebalance | Phase::Stable => None,
        };
        let sessions = self.members.values().filter_map(|member| member.expires_at);
        let pending = self.pending.values().copied();
        sessions.chain(pending).chain(joining).chain(self.sync_deadline).min()
    }
}
