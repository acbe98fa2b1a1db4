//! Commits: what is to be kept, what became of it, and whom to tell.
//!
//! `commitSync` tries again until it succeeds, fails for good or runs out of time;
//! `commitAsync` tries once, and its callback waits until the application calls the consumer.
//!
//! Source: `ConsumerCoordinator.commitOffsetsSync`, `commitOffsetsAsync`,
//! `OffsetCommitResponseHandler`, Kafka 4.0.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::chance::Rng;
use crate::channel::Backoff;
use crate::config::ConsumerConfig;
use crate::fact::{CommitError, CommitId, CommitKind, MemberEvent};
use crate::ids::{Offset, TopicPartition};
use crate::message::ErrorCode;
use crate::message::group::{OffsetAndMetadata, OffsetCommitReply};
use crate::time::{Duration, Time};
use crate::turn::{Returned, Turn};

use super::classic::Identity;

/// Offsets to be kept by the coordinator.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Commit {
    pub(super) id: CommitId,
    pub(super) kind: CommitKind,
    pub(super) offsets: Arc<[(TopicPartition, OffsetAndMetadata)]>,
    /// As whom it was sent; of no meaning before.
    pub(super) identity: Identity,
}

/// A commit for which the application waits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blocking {
    pub(super) commit: Commit,
    pub(super) until: Time,
    pub(super) state: BlockingState,
    failures: u32,
}

/// How far such a commit is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum BlockingState {
    /// It is to be sent, from this moment on.
    Due(Time),
    /// It is on its way.
    InFlight,
    /// It has ended; callbacks of earlier ones may come before it.
    Ended(Result<(), CommitError>),
}

/// The commits of one consumer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Commits {
    next: u32,
    retry: Backoff,
    /// Asynchronous ones that wait for the coordinator.
    pub(super) waiting: VecDeque<Commit>,
    /// Callbacks that wait for the application's next call.
    callbacks: VecDeque<(CommitId, Result<(), CommitError>)>,
    /// `commitAsync` calls that have not ended.
    unfinished: u32,
    pub(super) blocking: Option<Blocking>,
    /// When `poll()` commits by itself; never without `enable.auto.commit`.
    pub(super) auto_at: Option<Time>,
    /// Whether an automatic commit has not ended: members of the new protocol send no other one
    /// by the interval until it has. Members of the classic protocol do not look.
    ///
    /// Source: `CommitRequestManager.AutoCommitState.shouldAutoCommit`,
    /// `ConsumerCoordinator.maybeAutoCommitOffsetsAsync`, Kafka 4.0.
    pub(super) is_auto_in_flight: bool,
    auto_interval: Duration,
}

/// What an answer to a commit says of the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is kept.
    Kept,
    /// It may be tried again.
    Retry(ErrorCode),
    /// It may be tried again once the coordinator has been found anew.
    Rediscover(ErrorCode),
    /// The group is rebalancing; the member is to join again.
    Rejoin,
    /// The member is not in this generation.
    Expelled(ErrorCode),
    /// Another process has taken its instance.
    Fenced,
    /// It cannot be kept.
    Refused(ErrorCode),
}

impl Verdict {
    /// Judges an answer by its first error.
    pub(super) fn of(reply: &OffsetCommitReply) -> Verdict {
        use ErrorCode as E;
        let error = reply.partitions.iter().map(|&(_, error)| error).find(|it| *it != E::None);
        match error.unwrap_or(E::None) {
            E::None => Verdict::Kept,
            error @ (E::CoordinatorLoadInProgress | E::UnknownTopicOrPartition) => {
                Verdict::Retry(error)
            }
            error @ (E::CoordinatorNotAvailable | E::NotCoordinator | E::RequestTimedOut) => {
                Verdict::Rediscover(error)
            }
            E::RebalanceInProgress => Verdict::Rejoin,
            error @ (E::UnknownMemberId | E::IllegalGeneration) => Verdict::Expelled(error),
            E::FencedInstanceId => Verdict::Fenced,
            error => Verdict::Refused(error),
        }
    }
}

impl Commits {
    pub(super) fn new(config: &ConsumerConfig, now: Time) -> Commits {
        Commits {
            next: 0,
            retry: Backoff { first: config.retry_backoff, max: config.retry_backoff_max },
            waiting: VecDeque::new(),
            callbacks: VecDeque::new(),
            unfinished: 0,
            blocking: None,
            auto_at: config.auto_commit.then(|| now + config.auto_commit_interval),
            is_auto_in_flight: false,
            auto_interval: config.auto_commit_interval,
        }
    }

    /// Makes a commit, and tells what is to be noted of it.
    pub(super) fn make(
        &mut self,
        kind: CommitKind,
        offsets: Vec<(TopicPartition, OffsetAndMetadata)>,
    ) -> (Commit, MemberEvent) {
        let id = CommitId(self.next);
        self.next += 1;
        match kind {
            CommitKind::Async => self.unfinished += 1,
            CommitKind::Auto | CommitKind::AutoBeforeRebalance if !offsets.is_empty() => {
                self.is_auto_in_flight = true;
            }
            _ => {}
        }
        let plain: Arc<[(TopicPartition, Offset)]> =
            offsets.iter().map(|(tp, committed)| (*tp, committed.offset)).collect();
        let commit = Commit { id, kind, offsets: offsets.into(), identity: Identity::default() };
        (commit, MemberEvent::CommitSent { commit: id, kind, offsets: plain })
    }

    /// Lets the application wait for this one.
    pub(super) fn block(&mut self, commit: Commit, until: Time, now: Time) {
        let state = match commit.offsets.is_empty() {
            true => BlockingState::Ended(Ok(())),
            false => BlockingState::Due(now),
        };
        self.blocking = Some(Blocking { commit, until, state, failures: 0 });
    }

    /// Begins the interval of `enable.auto.commit` anew.
    pub(super) fn restart_auto(&mut self, now: Time) {
        if let Some(at) = &mut self.auto_at {
            *at = now + self.auto_interval;
        }
    }

    /// Tries a failed automatic commit again soon.
    pub(super) fn hasten_auto(&mut self, now: Time) {
        if let Some(at) = &mut self.auto_at {
            *at = now + self.retry.first;
        }
    }

    /// Takes in that a `commitAsync` has ended.
    pub(super) fn on_async_ended(&mut self, id: CommitId, outcome: Result<(), CommitError>) {
        self.unfinished -= 1;
        self.callbacks.push_back((id, outcome));
    }

    /// Takes in how an attempt of the commit waited for has ended.
    pub(super) fn on_blocking_ended(
        &mut self,
        outcome: Result<(), CommitError>,
        now: Time,
        rng: &mut Rng,
    ) {
        let Some(blocking) = &mut self.blocking else { return };
        blocking.state = match outcome {
            Err(CommitError::Retriable(_)) => {
                let pause = self.retry.pause(blocking.failures, rng);
                blocking.failures += 1;
                BlockingState::Due(now + pause)
            }
            ended => BlockingState::Ended(ended),
        };
    }

    /// Says whether the application waits for a commit.
    pub(super) fn is_blocking(&self) -> bool {
        self.blocking.is_some()
    }

    /// Says whether a `commitAsync` has not ended.
    pub(super) fn has_unfinished(&self) -> bool {
        0 < self.unfinished
    }

    /// Calls the callbacks of commits that have ended.
    ///
    /// Source: `ConsumerCoordinator.invokeCompletedOffsetCommitCallbacks`, Kafka 4.0.
    pub(super) fn call_back(&mut self, turn: &mut Turn<'_>) {
        for (id, outcome) in self.callbacks.drain(..) {
            turn.return_to_application(Returned::Committed(id, outcome));
        }
    }

    /// Returns how long a failed automatic commit before a rebalance rests.
    pub(super) fn retry_pause(&self) -> Duration {
        self.retry.first
    }
}
