//! A consumer's part in a group: what runs beside `poll()`, and answers of the coordinator.
//!
//! Source: `AbstractCoordinator.HeartbeatThread`, `ConsumerCoordinator`, Kafka 4.0.

use std::sync::Arc;

use crate::channel::ChannelEvent;
use crate::client::link::LinkConfig;
use crate::config::ConsumerConfig;
use crate::fact::{CommitError, CommitKind, ExpelCause, Fact, GroupError, MemberEvent, MemberFact};
use crate::ids::{ClientId, GroupId, TopicId, TopicPartition};
use crate::message::group::{Assignment, OffsetCommitRequest, OffsetFetchReply};
use crate::message::{ErrorCode, Request, Response};
use crate::time::{Time, earliest};
use crate::turn::{Returned, Turn};

use super::classic::{ClassicMember, Identity, Phase, Preparation, Then};
use super::commits::{BlockingState, Commit, Commits, Verdict};
use super::coordinator::{Call, Coordinator};
use super::modern::{Coordination, Heartbeat, ModernMember};
use super::{Activity, Consumer};

/// What a consumer subscribes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subscribe {
    /// These topics.
    Topics(Vec<TopicId>),
    /// Those of these topics that exist: all whose names match a pattern.
    // Simplified: clients know topics by their place in the scenario, not by name, so
    // whoever knows the names does the matching.
    Pattern(Arc<[TopicId]>),
}

/// How a consumer is a member of its group.
#[derive(Clone, Debug, PartialEq)]
pub enum Membership {
    /// `group.protocol=classic`.
    Classic(ClassicMember),
    /// `group.protocol=consumer` (KIP-848).
    Modern(ModernMember),
}

/// A consumer's part in a group.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) client: ClientId,
    pub(super) id: GroupId,
    /// `None` after `unsubscribe()`.
    pub(super) subscription: Option<Subscribe>,
    /// The topics that it wants to read now, in order.
    pub(super) topics: Vec<TopicId>,
    pub(super) coordinator: Coordinator,
    pub(super) membership: Membership,
    pub(super) commits: Commits,
    /// What follows when the application's listener has returned.
    pub(super) listening: Option<After>,
    /// When committed offsets may be asked for (again).
    pub(super) offsets_at: Time,
}

/// What follows a call of the rebalance listener.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum After {
    /// Everything but this is given back.
    Release(Vec<TopicPartition>),
    /// This is taken over.
    Complete(Assignment),
    /// `poll()` goes on.
    Assigned,
    /// The member knows.
    Modern,
    /// It leaves.
    Left,
}

impl Group {
    pub(super) fn new(
        client: ClientId,
        id: GroupId,
        client_id: Arc<str>,
        config: Arc<ConsumerConfig>,
        turn: &mut Turn<'_>,
    ) -> Group {
        let now = turn.now;
        Group {
            client,
            subscription: None,
            topics: Vec::new(),
            coordinator: Coordinator::new(client, id.clone(), LinkConfig::from(&*config)),
            commits: Commits::new(&config, now),
            membership: Membership::new(client, (id.clone(), client_id), config, turn),
            id,
            listening: None,
            offsets_at: Time::ZERO,
        }
    }

    pub(super) fn note(&self, what: MemberEvent, turn: &mut Turn<'_>) {
        turn.note(Fact::Member(MemberFact { client: self.client, what }));
    }

    /// Returns when the group's part wants to be woken.
    pub(super) fn next_deadline(&self, activity: &Activity) -> Option<Time> {
        let is_ready = self.coordinator.is_ready();
        let beat_at = match &self.membership {
            Membership::Classic(member) => {
                member.next_deadline(self.is_polling(activity), is_ready)
            }
            Membership::Modern(member) => member.next_deadline().filter(|_| is_ready),
        };
        let blocking = self.commits.blocking.as_ref();
        let retry = blocking.and_then(|it| match it.state {
            BlockingState::Due(at) if is_ready => Some(at),
            _ => None,
        });
        earliest([
            beat_at,
            self.coordinator.next_deadline(self.wants_coordinator(activity)),
            blocking.map(|it| it.until),
            retry,
        ])
    }

    fn is_polling(&self, activity: &Activity) -> bool {
        matches!(activity, Activity::Polling { .. }) && self.listening.is_none()
    }

    fn wants_coordinator(&self, activity: &Activity) -> bool {
        let beats = match &self.membership {
            Membership::Classic(member) => member.beats(),
            Membership::Modern(member) => member.next_deadline().is_some(),
        };
        let polls = matches!(activity, Activity::Polling { .. }) && self.subscription.is_some();
        polls || beats || !self.commits.waiting.is_empty() || self.commits.is_blocking()
    }

    /// Has a commit sent, or says at once why not.
    pub(super) fn attempt(&mut self, mut commit: Commit, turn: &mut Turn<'_>) {
        commit.identity = match (&self.subscription, self.membership.committer()) {
            (None, _) => Identity::default(),
            (Some(_), Ok(identity)) => identity,
            (Some(_), Err(error)) => return self.end_commit(&commit, Err(error), turn),
        };
        let request = OffsetCommitRequest {
            group: self.id.clone(),
            generation: commit.identity.generation,
            member: commit.identity.member.clone(),
            instance: self.membership.instance(),
            offsets: commit.offsets.to_vec(),
        };
        self.coordinator.send(Request::OffsetCommit(request), Call::Commit(commit), turn);
    }

    /// Commits without waiting: as soon as the coordinator can be reached.
    pub(super) fn commit_soon(&mut self, commit: Commit, turn: &mut Turn<'_>) {
        match (commit.offsets.is_empty(), self.coordinator.is_ready()) {
            (true, _) => self.end_commit(&commit, Ok(()), turn),
            (false, true) => self.attempt(commit, turn),
            (false, false) => self.commits.waiting.push_back(commit),
        }
    }

    pub(super) fn end_commit(
        &mut self,
        commit: &Commit,
        outcome: Result<(), CommitError>,
        turn: &mut Turn<'_>,
    ) {
        let is_retriable = matches!(outcome, Err(CommitError::Retriable(_)));
        let is_auto = matches!(commit.kind, CommitKind::Auto | CommitKind::AutoBeforeRebalance);
        if is_auto && !commit.offsets.is_empty() {
            self.commits.is_auto_in_flight = false;
        }
        match commit.kind {
            CommitKind::Sync | CommitKind::AutoOnClose => {
                let waited_for = self.commits.blocking.as_ref().map(|it| it.commit.id);
                if waited_for == Some(commit.id) {
                    self.commits.on_blocking_ended(outcome, turn.now, turn.rng);
                }
                return; // it ends when nothing more is tried
            }
            CommitKind::Async => self.commits.on_async_ended(commit.id, outcome),
            CommitKind::Auto if is_retriable => self.commits.hasten_auto(turn.now),
            CommitKind::Auto => {}
            CommitKind::AutoBeforeRebalance => {
                let again = turn.now + self.commits.retry_pause();
                match &mut self.membership {
                    Membership::Classic(member)
                        if member.preparation == Preparation::Committing(commit.id) =>
                    {
                        member.preparation = match is_retriable {
                            true => Preparation::CommitAgain(again),
                            false => Preparation::Committed,
                        };
                    }
                    Membership::Classic(_) => {}
                    Membership::Modern(member) => {
                        // A topic that is gone would hold the revocation up.
                        let gone = CommitError::Retriable(ErrorCode::UnknownTopicOrPartition);
                        let helps = is_retriable && outcome != Err(gone);
                        member.on_committed(helps.then_some(again));
                    }
                }
            }
        }
        self.note(MemberEvent::CommitEnded { commit: commit.id, outcome }, turn);
    }

    fn on_committed(&mut self, commit: &Commit, verdict: Verdict, turn: &mut Turn<'_>) {
        let Membership::Classic(member) = &mut self.membership else {
            return self.on_modern_committed(commit, verdict, turn);
        };
        let is_current = commit.identity == member.identity;
        let is_overtaken = !is_current && member.is_rebalancing();
        let outcome = match verdict {
            Verdict::Kept => Ok(()),
            Verdict::Retry(error) => Err(CommitError::Retriable(error)),
            Verdict::Rediscover(error) => {
                self.lose_coordinator(turn);
                Err(CommitError::Retriable(error))
            }
            Verdict::Rejoin => {
                member.is_rejoin_needed = true;
                Err(CommitError::RebalanceInProgress)
            }
            Verdict::Expelled(_) | Verdict::Fenced if is_overtaken => {
                Err(CommitError::RebalanceInProgress)
            }
            Verdict::Expelled(error) => {
                if self.subscription.is_some() {
                    let then = member.reset(error);
                    self.follow(then, turn);
                }
                Err(CommitError::CommitFailed)
            }
            Verdict::Fenced if !is_current => Err(CommitError::CommitFailed),
            Verdict::Fenced => {
                if commit.kind != CommitKind::Sync {
                    member.fatal = Some(GroupError::Fatal(ErrorCode::FencedInstanceId));
                }
                Err(CommitError::FencedInstance)
            }
            Verdict::Refused(error) => Err(CommitError::Other(error)),
        };
        self.end_commit(commit, outcome, turn);
    }

    /// Does what an answer obliges the member to do.
    pub(super) fn follow(&mut self, then: Then, turn: &mut Turn<'_>) {
        match then {
            Then::GoOn => {}
            Then::Rediscover => self.lose_coordinator(turn),
            Then::Expelled(cause) => self.note(MemberEvent::Expelled(cause), turn),
        }
    }

    /// Trusts the coordinator no longer; what was asked of it is lost.
    pub(super) fn lose_coordinator(&mut self, turn: &mut Turn<'_>) {
        for call in self.coordinator.lose(turn) {
            self.on_lost(call, turn);
        }
    }

    fn on_lost(&mut self, call: Call, turn: &mut Turn<'_>) {
        match (call, &mut self.membership) {
            (Call::Join | Call::Sync(_), Membership::Classic(member)) => {
                member.on_join_lost(turn.now);
            }
            (Call::Heartbeat(_), Membership::Classic(member)) => member.on_beat_failed(turn),
            (Call::Beat(Heartbeat::Staying), Membership::Modern(member)) => {
                member.on_heartbeat_lost(turn);
            }
            (Call::Join | Call::Sync(_) | Call::Heartbeat(_) | Call::Beat(_), _)
            | (Call::Leave | Call::Offsets(_), _) => {}
            (Call::Commit(commit), _) => {
                let error = CommitError::Retriable(ErrorCode::CoordinatorNotAvailable);
                self.end_commit(&commit, Err(error), turn);
            }
        }
    }

    /// Fails what waits for a coordinator that was not found.
    pub(super) fn on_not_found(&mut self, turn: &mut Turn<'_>) {
        let error = CommitError::Retriable(ErrorCode::CoordinatorNotAvailable);
        for commit in std::mem::take(&mut self.commits.waiting) {
            self.end_commit(&commit, Err(error), turn);
        }
    }

    /// Leaves: tells the coordinator, if it can be told.
    pub(super) fn leave(&mut self, cause: ExpelCause, turn: &mut Turn<'_>) {
        let Membership::Classic(member) = &mut self.membership else { return };
        let was_inside = !member.is_outside();
        let request = member.leave().filter(|_| self.coordinator.is_ready());
        if let Some(request) = request {
            self.note(MemberEvent::Leaving, turn);
            self.coordinator.send(Request::LeaveGroup(request), Call::Leave, turn);
        }
        if was_inside {
            self.note(MemberEvent::Expelled(cause), turn);
        }
    }

    /// Does what runs beside `poll()`: heartbeats, the search for the coordinator, commits.
    ///
    /// Source: `HeartbeatThread.run`, Kafka 4.0.
    fn serve(&mut self, activity: &Activity, turn: &mut Turn<'_>) {
        let is_polling = self.is_polling(activity);
        let Membership::Classic(member) = &mut self.membership else {
            return self.serve_modern(turn);
        };
        if member.is_session_over(turn.now) {
            member.restart_session(turn.now);
            self.lose_coordinator(turn);
        } else if !is_polling && member.is_poll_late(turn.now) {
            self.note(MemberEvent::PollIntervalExceeded, turn);
            self.leave(ExpelCause::PollInterval, turn);
        }
        if !self.coordinator.is_ready() {
            return;
        }
        let Membership::Classic(member) = &mut self.membership else { return };
        if let Some((request, identity)) = member.beat(turn.now) {
            self.coordinator.send(Request::Heartbeat(request), Call::Heartbeat(identity), turn);
        }
        while let Some(commit) = self.commits.waiting.pop_front() {
            self.attempt(commit, turn);
        }
    }

    /// Brings the commit forward for which the application waits.
    fn advance_blocking(&mut self, turn: &mut Turn<'_>) {
        if let Some(blocking) = &mut self.commits.blocking
            && let BlockingState::Due(at) = blocking.state
            && at <= turn.now
            && turn.now < blocking.until
            && self.coordinator.is_ready()
        {
            blocking.state = BlockingState::InFlight;
            let commit = blocking.commit.clone();
            self.attempt(commit, turn);
        }
        let Some(blocking) = &self.commits.blocking else { return };
        let outcome = match blocking.state {
            BlockingState::Ended(outcome)
                if !self.commits.has_unfinished() || blocking.until <= turn.now =>
            {
                outcome
            }
            _ if blocking.until <= turn.now => Err(CommitError::TimedOut),
            _ => return,
        };
        let (commit, kind) = (blocking.commit.id, blocking.commit.kind);
        self.commits.blocking = None;
        self.commits.call_back(turn);
        self.note(MemberEvent::CommitEnded { commit, outcome }, turn);
        if kind == CommitKind::Sync {
            turn.return_to_application(Returned::Committed(commit, outcome));
        }
    }
}

impl Consumer {
    /// Does what runs beside `poll()`.
    pub(super) fn serve_group(&mut self, turn: &mut Turn<'_>) {
        let Some(group) = &mut self.group else { return };
        group.serve(&self.activity, turn);
        if group.wants_coordinator(&self.activity) {
            group.coordinator.approach(&mut self.link, turn);
        }
        group.advance_blocking(turn);
    }

    /// Takes in what the connection to the coordinator brought.
    pub(super) fn on_coordinator(&mut self, event: ChannelEvent<Call>, turn: &mut Turn<'_>) {
        let Some(group) = &mut self.group else { return };
        match event {
            ChannelEvent::Ready => {}
            ChannelEvent::Lost(calls) => {
                group.lose_coordinator(turn);
                for call in calls {
                    group.on_lost(call, turn);
                }
                self.link.request_update();
            }
            ChannelEvent::Response(call, response) => self.on_answer(call, response, turn),
        }
    }

    fn on_answer(&mut self, call: Call, response: Response, turn: &mut Turn<'_>) {
        let Some(group) = &mut self.group else { return };
        let then = match (call, response, &mut group.membership) {
            (
                Call::Beat(heartbeat),
                Response::ConsumerGroupHeartbeat(reply),
                Membership::Modern(member),
            ) => match heartbeat {
                Heartbeat::Leaving => Then::GoOn,
                Heartbeat::Staying => match member.on_heartbeat(&reply, turn) {
                    Coordination::GoOn => Then::GoOn,
                    Coordination::FindCoordinator => Then::Rediscover,
                },
            },
            (Call::Join, Response::JoinGroup(reply), Membership::Classic(member)) => {
                if let Phase::Preparing(answer) = &mut member.phase {
                    *answer = Some(reply);
                }
                Then::GoOn
            }
            (Call::Sync(sent), Response::SyncGroup(reply), Membership::Classic(member)) => {
                member.on_synced(&sent, reply.assignment, turn.now)
            }
            (Call::Heartbeat(sent), Response::Heartbeat(reply), Membership::Classic(member)) => {
                member.on_beaten(&sent, reply.error, turn)
            }
            (Call::Leave, Response::LeaveGroup(_), _) => Then::GoOn,
            (Call::Commit(commit), Response::OffsetCommit(reply), _) => {
                return group.on_committed(&commit, Verdict::of(&reply), turn);
            }
            (Call::Offsets(sent), Response::OffsetFetch(reply), _) => {
                return self.on_offsets(&sent, reply, turn);
            }
            (call, response, _) => panic!("{:?} does not answer {call:?}", response.api()),
        };
        group.follow(then, turn);
    }

    /// Takes in committed offsets; after an error they are asked for again.
    ///
    /// Source: `OffsetFetchResponseHandler.handle`, Kafka 4.0.
    fn on_offsets(&mut self, sent: &Identity, reply: OffsetFetchReply, turn: &mut Turn<'_>) {
        let Some(group) = &mut self.group else { return };
        if *sent != group.membership.identity() {
            return; // it may have been committed since
        }
        let committed = match reply.partitions {
            Ok(committed) => committed,
            Err(error) => {
                group.offsets_at = turn.now + self.config.retry_backoff;
                if error == ErrorCode::NotCoordinator {
                    group.lose_coordinator(turn);
                }
                return;
            }
        };
        for (tp, committed) in committed {
            let metadata = self.link.metadata_mut();
            if let Some(epoch) = committed.as_ref().and_then(|it| it.leader_epoch) {
                metadata.see_epoch(tp, epoch);
            }
            let leader = metadata.leader(tp);
            self.positions.on_committed(tp, committed.as_ref(), leader, turn);
        }
    }
}
