//! A member of a consumer group (KIP-848) as its consumer hosts it: the order of commit,
//! rebalance listener and assignment around a [`Reconciler`], and what becomes a fact.
//!
//! Heartbeats belong to a background thread: [`ModernMember::beat`] is asked at any time.
//! Steps belong to the application's thread: [`ModernMember::next_step`] is asked in `poll()`
//! and `close()` only, which is why a member that works for long keeps what it is to give
//! back.
//!
//! Source: `AsyncKafkaConsumer`, `AbstractMembershipManager`, Kafka 4.0.

// Simplified: Kafka reconciles on the background thread if there is neither a listener nor
// auto-commit. Here every application has a listener, so all of it happens in `poll()`.

use std::mem;

use crate::client::consumer::reconciler::{Identity, Reaction, Reconciler, Reconciliation, State};
use crate::config::ConsumerConfig;
use crate::fact::{Callback, ExpelCause, Fact, GroupError, MemberEvent, MemberFact};
use crate::ids::{ClientId, Generation, InstanceId, MemberId, TopicId};
use crate::message::ErrorCode;
use crate::message::group::{
    Assignment, Beat, ConsumerHeartbeatReply, ConsumerHeartbeatRequest, MemberState,
};
use crate::time::{Duration, Time};
use crate::turn::Turn;

/// A member of a consumer group.
#[derive(Clone, Debug, PartialEq)]
pub struct ModernMember {
    client: ClientId,
    auto_commit: bool,
    /// How long the commit before a revocation is tried.
    rebalance_timeout: Duration,
    reconciler: Reconciler,
    stage: Stage,
    /// An error that `poll()` has not thrown yet.
    failure: Option<ErrorCode>,
}

/// What the consumer does next for its member.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Commits what was consumed, and stops reading these partitions;
    /// [`ModernMember::on_committed`] follows, whatever became of the commit.
    Commit(Assignment),
    /// Calls the rebalance listener, and stops reading what is revoked or lost;
    /// [`ModernMember::on_listened`] follows.
    Listen(Callback, Assignment),
    /// Owns exactly these, which the consumer notes. What is added is read once the listener knows of it.
    Assign(Assignment),
    /// `poll()` throws.
    Throw(GroupError),
}

/// Whether an answer to a heartbeat is of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// It is: [`ModernMember::on_heartbeat`] is told.
    Staying,
    /// It is not: the member has left with it.
    Leaving,
}

/// What the consumer does about its coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordination {
    /// It goes on with it.
    GoOn,
    /// It looks for it again.
    FindCoordinator,
}

/// How far a change of the assignment is.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    Idle,
    /// It commits, and tries no more from this time on.
    Committing(Reconciliation, Time),
    /// The commit has failed and is to be tried again, once the first of these times has come.
    CommitAgain(Reconciliation, Time, Time),
    /// The listener is to hear what is revoked, if anything.
    Revoke(Reconciliation),
    Revoking {
        add: Assignment,
    },
    /// What was added is to be owned, then the listener is to hear of it.
    Assign {
        add: Assignment,
    },
    Announce {
        add: Assignment,
    },
    Announcing,
    Losing,
    /// The listener is to hear what goes as the member leaves.
    Leave(Callback, Assignment),
    Leaving(Callback),
    /// Nothing is owned any more.
    Drop,
    /// Nor is it in the group.
    Depart(Callback),
}

impl ModernMember {
    /// Makes the member of a consumer that has not subscribed yet.
    pub fn new(
        client: ClientId,
        identity: Identity,
        config: &ConsumerConfig,
        now: Time,
    ) -> ModernMember {
        ModernMember {
            client,
            auto_commit: config.auto_commit,
            rebalance_timeout: config.poll_interval_max,
            reconciler: Reconciler::new(identity, config, now),
            stage: Stage::Idle,
            failure: None,
        }
    }

    /// Returns as whom it commits and fetches offsets; `None` out of the group.
    ///
    /// A commit refused with `STALE_MEMBER_EPOCH` is sent again as this, if that is somebody.
    pub fn identity(&self) -> Option<(MemberId, Generation)> {
        let epoch = self.reconciler.epoch()?;
        Some((self.reconciler.identity().member.clone(), Generation(epoch.0)))
    }

    /// Returns its `group.instance.id`, if it is static.
    pub fn instance(&self) -> Option<&InstanceId> {
        self.reconciler.instance()
    }

    /// Returns where the member is.
    pub fn state(&self) -> &State {
        self.reconciler.state()
    }

    /// Says whether it has left, and its last heartbeat with it.
    pub fn has_left(&self) -> bool {
        self.stage == Stage::Idle && self.reconciler.is_out()
    }

    /// Subscribes to exactly these topics; it joins with the next `poll()`.
    pub fn subscribe(&mut self, topics: Vec<TopicId>) {
        self.reconciler.subscribe(topics);
    }

    /// The application waits in `poll()`.
    pub fn on_poll(&mut self) {
        self.reconciler.on_poll();
    }

    /// The application has got something from `poll()`: records, an error or a call of its
    /// listener.
    pub fn on_poll_left(&mut self, now: Time) {
        self.reconciler.on_poll_left(now);
    }

    /// Returns the heartbeat that is due, if there is one. Asked while the coordinator can
    /// take a request, since `max.poll.interval.ms` counts only then.
    pub fn beat(&mut self, turn: &mut Turn<'_>) -> Option<(ConsumerHeartbeatRequest, Heartbeat)> {
        if self.reconciler.expire_poll(turn.now) {
            self.note(MemberEvent::PollIntervalExceeded, turn);
            self.note(MemberEvent::Expelled(ExpelCause::PollInterval), turn);
        }
        let is_due = self.reconciler.heartbeat_at().is_some_and(|at| at <= turn.now);
        if !is_due {
            return None;
        }
        let request = self.reconciler.heartbeat(turn.now);
        let heartbeat = match request.beat {
            Beat::Join => {
                self.note(MemberEvent::Joining, turn);
                Heartbeat::Staying
            }
            Beat::Stay(_) => Heartbeat::Staying,
            Beat::Leave | Beat::LeaveTemporarily => {
                self.note(MemberEvent::Leaving, turn);
                Heartbeat::Leaving
            }
        };
        Some((request, heartbeat))
    }

    /// Takes in the answer to a heartbeat.
    pub fn on_heartbeat(
        &mut self,
        reply: &ConsumerHeartbeatReply,
        turn: &mut Turn<'_>,
    ) -> Coordination {
        let before = self.reconciler.epoch();
        let answer: Result<&MemberState, ErrorCode> = reply.member.as_ref().map_err(|&error| error);
        let reaction = self.reconciler.on_heartbeat(answer, turn.now, turn.rng);
        let reached = self.identity().filter(|_| before != self.reconciler.epoch());
        if let Some((member, generation)) = reached {
            self.note(MemberEvent::Joined { member, generation }, turn);
        }
        match reaction {
            Reaction::GoOn => Coordination::GoOn,
            Reaction::FindCoordinator => Coordination::FindCoordinator,
            Reaction::Fenced(error) => {
                self.note(MemberEvent::Expelled(ExpelCause::Told(error)), turn);
                Coordination::GoOn
            }
            Reaction::Throw(error) => {
                self.note(MemberEvent::Expelled(ExpelCause::Told(error)), turn);
                self.failure = Some(error);
                Coordination::GoOn
            }
        }
    }

    /// The answer to a heartbeat will not come: the connection is gone.
    pub fn on_heartbeat_lost(&mut self, turn: &mut Turn<'_>) {
        self.reconciler.on_heartbeat_lost(turn.now, turn.rng);
    }

    /// The coordinator is not known, so nobody can be told that the member leaves.
    pub fn on_heartbeat_skipped(&mut self) {
        self.reconciler.on_heartbeat_skipped();
    }

    /// Returns what the application's thread does next; `None` while it waits for a commit,
    /// the listener or the coordinator.
    pub fn next_step(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        match mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Idle => self.begin(turn),
            Stage::Revoke(reconciliation) if self.reconciler.has_begun() => {
                Some(self.revoke(reconciliation, turn))
            }
            // Fenced or stale while it committed: what it has is reported as lost.
            Stage::Revoke(_) => self.begin(turn),
            Stage::CommitAgain(..) if !self.reconciler.has_begun() => self.begin(turn),
            Stage::CommitAgain(reconciliation, at, until) if at <= turn.now => {
                Some(self.commit(reconciliation, until))
            }
            Stage::Assign { add } => {
                self.stage = Stage::Announce { add };
                Some(Step::Assign(self.reconciler.owned().clone()))
            }
            Stage::Announce { add } => {
                self.stage = Stage::Announcing;
                Some(self.listen(Callback::Assigned, add, turn))
            }
            Stage::Leave(callback, partitions) => {
                self.stage = Stage::Leaving(callback);
                Some(self.listen(callback, partitions, turn))
            }
            Stage::Drop => Some(Step::Assign(Assignment::default())),
            Stage::Depart(callback) => {
                self.note_left(callback, turn);
                Some(Step::Assign(Assignment::default()))
            }
            waiting @ (Stage::Committing(..)
            | Stage::CommitAgain(..)
            | Stage::Revoking { .. }
            | Stage::Announcing
            | Stage::Losing
            | Stage::Leaving(_)) => {
                self.stage = waiting;
                None
            }
        }
    }

    /// The commit before a reconciliation has ended; if it failed, the application was not
    /// told. `again` is when it may be tried once more, if that may help.
    ///
    /// Source: `CommitRequestManager.autoCommitSyncBeforeRevocationWithRetries`, Kafka 4.0.
    pub fn on_committed(&mut self, again: Option<Time>) {
        let Stage::Committing(reconciliation, until) = &self.stage else { return };
        let (reconciliation, until) = (reconciliation.clone(), *until);
        self.stage = match again {
            Some(at) if at < until => Stage::CommitAgain(reconciliation, at, until),
            Some(_) | None => Stage::Revoke(reconciliation),
        };
    }

    /// Returns when `poll()` is to try the commit before a reconciliation again.
    pub fn commit_again_at(&self) -> Option<Time> {
        match self.stage {
            Stage::CommitAgain(_, at, _) => Some(at),
            Stage::Idle
            | Stage::Committing(..)
            | Stage::Revoke(_)
            | Stage::Revoking { .. }
            | Stage::Assign { .. }
            | Stage::Announce { .. }
            | Stage::Announcing
            | Stage::Losing
            | Stage::Leave(..)
            | Stage::Leaving(_)
            | Stage::Drop
            | Stage::Depart(_) => None,
        }
    }

    /// The application's listener has returned.
    ///
    /// # Panics
    /// If it was not called.
    pub fn on_listened(&mut self) {
        self.stage = match mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Revoking { add } if self.reconciler.on_revoked() => Stage::Assign { add },
            // Fenced or stale meanwhile: what it had is reported as lost.
            Stage::Revoking { .. } => Stage::Idle,
            Stage::Announcing => {
                self.reconciler.on_reconciled();
                Stage::Idle
            }
            Stage::Losing => {
                self.reconciler.on_lost_reported();
                Stage::Drop
            }
            Stage::Leaving(callback) => {
                self.reconciler.on_leave_prepared();
                Stage::Depart(callback)
            }
            stage => panic!("the listener was not called in {stage:?}"),
        };
    }

    /// Begins to leave (`close()`, `unsubscribe()`); [`Self::next_step`] tells what comes
    /// before the last heartbeat.
    ///
    /// # Panics
    /// If the listener is running.
    pub fn leave(&mut self, turn: &mut Turn<'_>) {
        assert!(!self.is_listening(), "a listener does not close its consumer");
        let (callback, partitions) = self.reconciler.leave();
        if !partitions.is_empty() {
            self.stage = Stage::Leave(callback, partitions);
            return;
        }
        self.stage = Stage::Idle;
        self.reconciler.on_leave_prepared();
        self.note_left(callback, turn);
    }

    /// Returns when [`Self::beat`] is to be asked, given that the coordinator can take a
    /// request.
    pub fn next_deadline(&self) -> Option<Time> {
        self.reconciler.next_deadline()
    }

    fn is_listening(&self) -> bool {
        match self.stage {
            Stage::Revoking { .. } | Stage::Announcing | Stage::Losing | Stage::Leaving(_) => true,
            Stage::Idle
            | Stage::Committing(..)
            | Stage::CommitAgain(..)
            | Stage::Revoke(_)
            | Stage::Assign { .. }
            | Stage::Announce { .. }
            | Stage::Leave(..)
            | Stage::Drop
            | Stage::Depart(_) => false,
        }
    }

    fn begin(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        if let Some(lost) = self.reconciler.lost().cloned() {
            self.stage = Stage::Losing;
            return Some(self.listen(Callback::Lost, lost, turn));
        }
        if let Some(error) = self.failure.take() {
            let error = GroupError::Fatal(error);
            self.note(MemberEvent::Threw(error), turn);
            return Some(Step::Throw(error));
        }
        let reconciliation = self.reconciler.reconciliation()?;
        if !self.auto_commit {
            return Some(self.revoke(reconciliation, turn));
        }
        // KAFKA-18641: only inside `poll()`, before anything is handed over, has the application
        // finished with what it got. Kafka's background thread used to take positions at any
        // time.
        Some(self.commit(reconciliation, turn.now + self.rebalance_timeout))
    }

    fn commit(&mut self, reconciliation: Reconciliation, until: Time) -> Step {
        let revoke = reconciliation.revoke.clone();
        self.stage = Stage::Committing(reconciliation, until);
        Step::Commit(revoke)
    }

    fn revoke(&mut self, reconciliation: Reconciliation, turn: &mut Turn<'_>) -> Step {
        let Reconciliation { revoke, add } = reconciliation;
        if !revoke.is_empty() {
            self.stage = Stage::Revoking { add };
            return self.listen(Callback::Revoked, revoke, turn);
        }
        if self.reconciler.on_revoked() {
            self.stage = Stage::Announce { add };
        }
        Step::Assign(self.reconciler.owned().clone())
    }

    /// Notes that it has left, if it was in the group: only then partitions are revoked.
    fn note_left(&self, callback: Callback, turn: &mut Turn<'_>) {
        if callback == Callback::Revoked {
            self.note(MemberEvent::Expelled(ExpelCause::Left), turn);
        }
    }

    fn listen(&self, callback: Callback, partitions: Assignment, turn: &mut Turn<'_>) -> Step {
        self.note(MemberEvent::Listening(callback, partitions.clone()), turn);
        Step::Listen(callback, partitions)
    }

    fn note(&self, what: MemberEvent, turn: &mut Turn<'_>) {
        turn.note(Fact::Member(MemberFact { client: self.client, what }));
    }
}

#[cfg(test)]
mod tests;
