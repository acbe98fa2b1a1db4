//! A member of a classic group: joining, syncing, heartbeats.
//!
//! Joining is the polling thread's business and happens inside `poll()`; heartbeats are sent
//! by a thread of their own, which also gives up membership when `poll()` is not called for
//! `max.poll.interval.ms`.
//!
//! Source: `AbstractCoordinator`, `Heartbeat`, `ConsumerCoordinator`, Kafka 4.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::channel::Backoff;
use crate::config::ConsumerConfig;
use crate::fact::{CommitId, ExpelCause, GroupError};
use crate::group::assignor::{ClientAssignor, Members, RebalanceProtocol, Topics};
use crate::ids::{Generation, GroupId, InstanceId, MemberId, TopicId, TopicPartition};
use crate::message::ErrorCode;
use crate::message::group::{
    Assignment, GroupHeartbeatRequest, GroupProtocol, JoinGroupReply, JoinGroupRequest, Joined,
    LeaveGroupRequest, Leaver, Subscription, SyncGroupRequest,
};
use crate::mutant::Mutant;
use crate::rules::Rules;
use crate::time::{Duration, Time};
use crate::turn::Turn;

/// As whom a member speaks to its coordinator.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Identity {
    pub(super) member: Option<MemberId>,
    pub(super) generation: Option<Generation>,
}

/// How far a member is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    /// In no generation, asking for none.
    Unjoined,
    /// It has asked to join. The answer waits for `poll()`.
    Preparing(Option<JoinGroupReply>),
    /// It leads the new generation, and has to know all topics before it assigns.
    Assigning(Joined),
    /// It has asked for its assignment.
    Completing,
    /// It has its assignment; `poll()` is to take it over.
    Completed(Assignment),
    /// It reads what it was assigned.
    Stable,
}

/// What is done before a member asks to join.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Preparation {
    /// Nothing was done.
    Due,
    /// An automatic commit is on its way.
    Committing(CommitId),
    /// It has failed; it is tried again at this time.
    CommitAgain(Time),
    /// The commit is done, the listener comes next.
    Committed,
    /// The listener was called.
    Done,
}

/// The heartbeat thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Heart {
    next_at: Time,
    session_until: Time,
    pub(super) poll_until: Time,
    is_in_flight: bool,
    failures: u32,
}

/// What an answer obliges the member to do about its coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing.
    GoOn,
    /// To look for it again.
    Rediscover,
    /// To tell that it is out of the group.
    Expelled(ExpelCause),
}

/// A member of a classic group.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassicMember {
    group: GroupId,
    client_id: Arc<str>,
    config: Arc<ConsumerConfig>,
    pub(super) phase: Phase,
    pub(super) identity: Identity,
    pub(super) is_rejoin_needed: bool,
    pub(super) preparation: Preparation,
    /// When preparing for a rebalance gives up on commits.
    pub(super) prepare_until: Option<Time>,
    /// When it may ask to join again after a failure.
    pub(super) join_at: Time,
    /// What the next call throws.
    pub(super) fatal: Option<GroupError>,
    pub(super) protocol: Option<Arc<str>>,
    assignors: Vec<ClientAssignor>,
    kind: RebalanceProtocol,
    /// What it said it wants to read when it joined.
    joined_topics: Option<Vec<TopicId>>,
    /// The partitions that the leader has assigned, per topic.
    pub(super) assigned_counts: Option<BTreeMap<TopicId, Option<u16>>>,
    pub(super) heart: Heart,
}

impl ClassicMember {
    pub(super) fn new(
        group: GroupId,
        client_id: Arc<str>,
        config: Arc<ConsumerConfig>,
        now: Time,
    ) -> ClassicMember {
        let heart = Heart {
            next_at: now,
            session_until: now,
            poll_until: now + config.poll_interval_max,
            is_in_flight: false,
            failures: 0,
        };
        ClassicMember {
            group,
            client_id,
            phase: Phase::Unjoined,
            identity: Identity::default(),
            is_rejoin_needed: true,
            preparation: Preparation::Due,
            prepare_until: None,
            join_at: Time::ZERO,
            fatal: None,
            protocol: None,
            assignors: config.strategies.0.iter().map(|&it| ClientAssignor::new(it)).collect(),
            kind: RebalanceProtocol::of(&config.strategies.0),
            joined_topics: None,
            assigned_counts: None,
            heart,
            config,
        }
    }

    /// Says how it gives partitions back.
    pub(super) fn kind(&self) -> RebalanceProtocol {
        self.kind
    }

    /// Says whether it is between two generations.
    pub(super) fn is_rebalancing(&self) -> bool {
        match self.phase {
            Phase::Preparing(_) | Phase::Assigning(_) | Phase::Completing => true,
            Phase::Unjoined | Phase::Completed(_) | Phase::Stable => false,
        }
    }

    /// Returns as whom it may commit; `None` unless it is in a generation for good.
    ///
    /// Source: `AbstractCoordinator.generationIfStable`, Kafka 4.0.
    pub(super) fn stable_identity(&self) -> Option<&Identity> {
        matches!(self.phase, Phase::Stable | Phase::Completed(_)).then_some(&self.identity)
    }

    /// Says whether it has lost its generation, or never had one.
    pub(super) fn is_outside(&self) -> bool {
        self.identity.generation.is_none() || self.identity.member.is_none()
    }

    /// Says whether the polling thread has to bring it into a new generation. `topics` is
    /// what it wants to read now, `count` tells how many partitions a topic has.
    ///
    /// Source: `ConsumerCoordinator.rejoinNeededOrPending`, Kafka 4.0.
    pub(super) fn needs_rejoin(
        &mut self,
        topics: &[TopicId],
        count: impl Fn(TopicId) -> Option<u16>,
    ) -> bool {
        let counts = self.assigned_counts.iter().flatten();
        let is_outdated = counts.clone().any(|(&topic, &known)| count(topic) != known);
        let has_changed = self.joined_topics.as_ref().is_some_and(|joined| joined != topics);
        self.is_rejoin_needed |= is_outdated || has_changed;
        self.is_rejoin_needed || self.phase != Phase::Stable
    }

    /// Makes the request to join with a subscription to `topics`, holding `owned`.
    ///
    /// Source: `AbstractCoordinator.sendJoinGroupRequest`, `ConsumerCoordinator.metadata`,
    /// Kafka 4.0.
    pub(super) fn join(
        &mut self,
        topics: &[TopicId],
        owned: &[TopicPartition],
    ) -> JoinGroupRequest {
        self.phase = Phase::Preparing(None);
        self.joined_topics = Some(topics.to_vec());
        let protocols = self.assignors.iter().map(|assignor| GroupProtocol {
            name: assignor.strategy().name().into(),
            subscription: Arc::new(Subscription {
                topics: topics.to_vec(),
                owned: owned.to_vec(),
                generation: self.identity.generation,
                rack: None,
                user_data: assignor.user_data(),
            }),
        });
        JoinGroupRequest {
            group: self.group.clone(),
            client_id: self.client_id.clone(),
            session_timeout: self.config.session_timeout,
            rebalance_timeout: self.config.poll_interval_max,
            member: self.identity.member.clone(),
            instance: self.config.instance.clone(),
            protocol_type: "consumer".into(),
            protocols: protocols.collect(),
        }
    }

    /// Returns how long the coordinator may take to answer [`ClassicMember::join`].
    pub(super) fn join_timeout(&self) -> Duration {
        // The coordinator itself waits for the rebalance timeout.
        self.config.poll_interval_max + Duration::from_secs(5)
    }

    /// Takes in a generation: heartbeats begin.
    ///
    /// Source: `JoinGroupResponseHandler.handle`, Kafka 4.0.
    pub(super) fn on_joined(&mut self, joined: &Joined, now: Time) {
        self.identity.member = Some(joined.member.clone());
        self.identity.generation = Some(joined.generation);
        self.protocol = joined.protocol.clone();
        self.phase = Phase::Completing;
        let poll_until = now + self.config.poll_interval_max;
        self.heart = Heart {
            next_at: now + self.config.heartbeat_interval,
            session_until: now + self.config.session_timeout,
            poll_until,
            is_in_flight: false,
            failures: 0,
        };
    }

    /// Takes in why it has not joined.
    ///
    /// Source: `JoinGroupResponseHandler.handle`, Kafka 4.0.
    pub(super) fn on_join_refused(
        &mut self,
        (error, member): (ErrorCode, Option<MemberId>),
        now: Time,
    ) -> Then {
        use ErrorCode as E;
        self.phase = Phase::Unjoined;
        match error {
            E::MemberIdRequired => {
                self.identity = Identity { member, generation: None };
                Then::GoOn
            }
            E::UnknownMemberId => self.reset(error),
            E::RebalanceInProgress => Then::GoOn,
            E::CoordinatorNotAvailable | E::NotCoordinator => {
                self.pause(now);
                Then::Rediscover
            }
            error if error.is_retriable() => {
                self.pause(now);
                Then::GoOn
            }
            error => self.fail(error),
        }
    }

    /// Hands in what the leader has assigned, or asks for what it has.
    pub(super) fn sync(&self, assignments: Vec<(MemberId, Assignment)>) -> SyncGroupRequest {
        let (member, generation) = self.known_identity();
        SyncGroupRequest {
            group: self.group.clone(),
            generation,
            member,
            instance: self.config.instance.clone(),
            protocol_type: Some("consumer".into()),
            protocol: self.protocol.clone(),
            assignments,
        }
    }

    /// Assigns, as leader.
    ///
    /// Source: `ConsumerCoordinator.onLeaderElected`, Kafka 4.0.
    pub(super) fn assign(
        &mut self,
        topics: &Topics,
        members: &Members,
        rules: Rules,
    ) -> Vec<(MemberId, Assignment)> {
        let Some(assignor) = self.assignor() else { return Vec::new() };
        // Mutant: nothing is held back for its old owner.
        let assignment = match rules.has(Mutant::TwoOwners) {
            true => assignor.assign_at_once(topics, members),
            false => assignor.assign(topics, members),
        };
        assignment.into_iter().map(|(member, partitions)| (member, partitions.into())).collect()
    }

    /// Tells the assignor what it was assigned.
    pub(super) fn on_assignment(&mut self, assignment: &Assignment) {
        let Some(generation) = self.identity.generation else { return };
        if let Some(assignor) = self.assignor() {
            assignor.on_assignment(assignment.clone(), generation);
        }
    }

    /// Takes in an assignment, or why there is none.
    ///
    /// Source: `SyncGroupResponseHandler.handle`, Kafka 4.0.
    pub(super) fn on_synced(
        &mut self,
        sent: &Identity,
        answer: Result<Assignment, ErrorCode>,
        now: Time,
    ) -> Then {
        use ErrorCode as E;
        if *sent != self.identity || self.phase != Phase::Completing {
            return Then::GoOn; // the heartbeat thread has left meanwhile
        }
        let error = match answer {
            Ok(assignment) => {
                self.phase = Phase::Completed(assignment);
                self.is_rejoin_needed = false;
                return Then::GoOn;
            }
            Err(error) => error,
        };
        self.phase = Phase::Unjoined;
        self.is_rejoin_needed = true;
        match error {
            E::RebalanceInProgress => Then::GoOn,
            E::UnknownMemberId | E::IllegalGeneration => self.reset(error),
            E::CoordinatorNotAvailable | E::NotCoordinator => {
                self.pause(now);
                Then::Rediscover
            }
            error => self.fail(error),
        }
    }

    /// Takes in that a request to join or sync was lost with the connection.
    pub(super) fn on_join_lost(&mut self, now: Time) {
        if self.is_rebalancing() {
            self.phase = Phase::Unjoined;
            self.is_rejoin_needed = true;
            self.pause(now);
        }
    }

    /// Says whether the heartbeat thread is at work.
    pub(super) fn beats(&self) -> bool {
        let has_failed = self.fatal.is_some();
        !has_failed && !matches!(self.phase, Phase::Unjoined | Phase::Preparing(_))
    }

    /// Says whether the coordinator was silent for `session.timeout.ms`.
    pub(super) fn is_session_over(&self, now: Time) -> bool {
        self.beats() && self.heart.session_until <= now
    }

    /// Takes note that `poll()` is called.
    pub(super) fn on_poll(&mut self, now: Time) {
        self.heart.poll_until = now + self.config.poll_interval_max;
    }

    /// Says whether `poll()` was not called for `max.poll.interval.ms`.
    pub(super) fn is_poll_late(&self, now: Time) -> bool {
        self.beats() && self.heart.poll_until <= now
    }

    /// Makes the heartbeat that is due.
    pub(super) fn beat(&mut self, now: Time) -> Option<(GroupHeartbeatRequest, Identity)> {
        if !self.beats() || self.heart.is_in_flight || now < self.heart.next_at {
            return None;
        }
        self.heart.is_in_flight = true;
        self.heart.next_at = now + self.config.heartbeat_interval;
        let (member, generation) = self.known_identity();
        let (group, instance) = (self.group.clone(), self.config.instance.clone());
        let request = GroupHeartbeatRequest { group, generation, member, instance };
        Some((request, self.identity.clone()))
    }

    /// Takes in the answer to a heartbeat.
    ///
    /// Source: `HeartbeatResponseHandler.handle`, Kafka 4.0.
    pub(super) fn on_beaten(
        &mut self,
        sent: &Identity,
        error: ErrorCode,
        turn: &mut Turn<'_>,
    ) -> Then {
        use ErrorCode as E;
        if error != E::None && error != E::RebalanceInProgress {
            self.on_beat_failed(turn);
        } else {
            self.heart.is_in_flight = false;
            self.heart.failures = 0;
            self.heart.session_until = turn.now + self.config.session_timeout;
        }
        match error {
            E::None => Then::GoOn,
            E::RebalanceInProgress => {
                self.is_rejoin_needed |= self.stable_identity().is_some();
                Then::GoOn
            }
            E::CoordinatorNotAvailable | E::NotCoordinator => Then::Rediscover,
            E::UnknownMemberId | E::IllegalGeneration if *sent == self.identity => {
                self.reset(error)
            }
            E::UnknownMemberId | E::IllegalGeneration => Then::GoOn,
            E::FencedInstanceId if *sent != self.identity => Then::GoOn,
            error => self.fail(error),
        }
    }

    /// Sends the next heartbeat sooner, since this one came to nothing.
    pub(super) fn on_beat_failed(&mut self, turn: &mut Turn<'_>) {
        let retry =
            Backoff { first: self.config.retry_backoff, max: self.config.retry_backoff_max };
        self.heart.is_in_flight = false;
        self.heart.next_at = turn.now + retry.pause(self.heart.failures, turn.rng);
        self.heart.failures += 1;
    }

    /// Forgets its generation because of an error, and is to join again. What it owns is lost:
    /// its listener hears of it before, even if it was about to join already.
    ///
    /// Source: `AbstractCoordinator.resetStateOnResponseError`, Kafka 4.0.
    pub(super) fn reset(&mut self, error: ErrorCode) -> Then {
        if error != ErrorCode::IllegalGeneration {
            self.identity.member = None;
        }
        self.identity.generation = None;
        self.phase = Phase::Unjoined;
        self.is_rejoin_needed = true;
        self.prepare_again();
        Then::Expelled(ExpelCause::Told(error))
    }

    /// Whoever has prepared for the rebalance already does so once more.
    ///
    /// Source: `AbstractCoordinator.resetStateAndRejoin`, which sets `needsJoinPrepare`, Kafka 4.0.
    fn prepare_again(&mut self) {
        if self.preparation == Preparation::Done {
            self.preparation = Preparation::Due;
        }
    }

    /// Gives up its membership; returns what to tell the coordinator, unless it is static,
    /// which never says that it leaves (KIP-345).
    ///
    /// Source: `AbstractCoordinator.maybeLeaveGroup`, Kafka 4.0.
    pub(super) fn leave(&mut self) -> Option<LeaveGroupRequest> {
        let was_in = self.phase != Phase::Unjoined && self.config.instance.is_none();
        let member = self.identity.member.take();
        self.identity.generation = None;
        self.phase = Phase::Unjoined;
        self.is_rejoin_needed = true;
        self.prepare_again();
        let leaver = Leaver { member: Some(member?), instance: None };
        was_in.then(|| LeaveGroupRequest { group: self.group.clone(), members: vec![leaver] })
    }

    /// Returns its instance, if it is static.
    pub(super) fn instance(&self) -> Option<&InstanceId> {
        self.config.instance.as_ref()
    }

    /// Returns when the heartbeat thread has something to do. `poll()` is not late while the
    /// application is in it.
    pub(super) fn next_deadline(&self, is_polling: bool, is_reachable: bool) -> Option<Time> {
        if !self.beats() {
            return None;
        }
        let mut next = self.heart.session_until;
        if !is_polling {
            next = next.min(self.heart.poll_until);
        }
        if is_reachable && !self.heart.is_in_flight {
            next = next.min(self.heart.next_at);
        }
        Some(next)
    }

    /// Lets the session run anew: the coordinator that was silent is trusted no longer.
    pub(super) fn restart_session(&mut self, now: Time) {
        self.heart.session_until = now + self.config.session_timeout;
    }

    fn pause(&mut self, now: Time) {
        self.join_at = now + self.config.retry_backoff;
    }

    fn fail(&mut self, error: ErrorCode) -> Then {
        self.fatal = Some(GroupError::Fatal(error));
        Then::GoOn
    }

    fn assignor(&mut self) -> Option<&mut ClientAssignor> {
        let name = self.protocol.as_deref()?;
        self.assignors.iter_mut().find(|assignor| assignor.strategy().name() == name)
    }

    /// Returns the member's name and generation.
    ///
    /// # Panics
    /// If it is in no generation.
    fn known_identity(&self) -> (MemberId, Generation) {
        let Identity { member: Some(member), generation: Some(generation) } = &self.identity else {
            panic!("whoever syncs or beats has joined");
        };
        (member.clone(), *generation)
    }
}
