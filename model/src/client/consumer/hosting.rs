//! Where a consumer and its KIP-848 member meet: steps in `poll()` and `close()`, heartbeats
//! beside them.
//!
//! Source: `AsyncKafkaConsumer`, `ConsumerNetworkThread`, Kafka 4.0.

use std::sync::Arc;

use crate::config::{ConsumerConfig, GroupProtocolKind};
use crate::fact::{CommitError, CommitKind};
use crate::ids::{ClientId, GroupId, InstanceId, MemberEpoch, MemberId};
use crate::message::{ErrorCode, Request};
use crate::turn::{Returned, Turn};

use super::classic::{ClassicMember, Identity};
use super::commits::{Commit, Verdict};
use super::coordinator::Call;
use super::group::{After, Group, Membership};
use super::modern::{ModernMember, Step};
use super::rebalance::{Standing, consumed};
use super::{Activity, Consumer, reconciler};

impl Membership {
    /// Makes the member that `group.protocol` asks for.
    pub(super) fn new(
        client: ClientId,
        (group, client_id): (GroupId, Arc<str>),
        config: Arc<ConsumerConfig>,
        turn: &mut Turn<'_>,
    ) -> Membership {
        match config.group_protocol {
            GroupProtocolKind::Classic => {
                Membership::Classic(ClassicMember::new(group, client_id, config, turn.now))
            }
            GroupProtocolKind::Consumer => {
                // KIP-1082: members name themselves.
                let name = format!("{client_id}-{:016x}", turn.rng.word());
                let member = MemberId::from(name.as_str());
                let identity = reconciler::Identity { group, member, client_id };
                Membership::Modern(ModernMember::new(client, identity, &config, turn.now))
            }
        }
    }

    /// Returns as whom the member speaks.
    pub(super) fn identity(&self) -> Identity {
        match self {
            Membership::Classic(member) => member.identity.clone(),
            Membership::Modern(member) => match member.identity() {
                None => Identity::default(),
                Some((member, generation)) => {
                    Identity { member: Some(member), generation: Some(generation) }
                }
            },
        }
    }

    /// Returns what a fetch of offsets tells; classic members tell nothing.
    pub(super) fn member_epoch(&self) -> Option<(MemberId, MemberEpoch)> {
        match self {
            Membership::Classic(_) => None,
            Membership::Modern(member) => {
                member.identity().map(|(member, epoch)| (member, MemberEpoch(epoch.0)))
            }
        }
    }

    /// Returns as whom the member commits, or why it cannot.
    pub(super) fn committer(&self) -> Result<Identity, CommitError> {
        match self {
            Membership::Classic(member) => match member.stable_identity() {
                Some(identity) => Ok(identity.clone()),
                None if member.is_rebalancing() => Err(CommitError::RebalanceInProgress),
                None => Err(CommitError::CommitFailed),
            },
            Membership::Modern(member) => match member.identity() {
                Some(_) => Ok(self.identity()),
                None => Err(CommitError::CommitFailed),
            },
        }
    }

    /// Returns the member's instance, if it is static.
    pub(super) fn instance(&self) -> Option<InstanceId> {
        match self {
            Membership::Classic(member) => member.instance().cloned(),
            Membership::Modern(member) => member.instance().cloned(),
        }
    }
}

impl Group {
    /// Sends the heartbeat that is due, and the commits that wait.
    pub(super) fn serve_modern(&mut self, turn: &mut Turn<'_>) {
        let Membership::Modern(member) = &mut self.membership else { return };
        if !self.coordinator.is_ready() {
            if !self.coordinator.is_known() {
                member.on_heartbeat_skipped();
            }
            return;
        }
        if let Some((request, heartbeat)) = member.beat(turn) {
            let request = Request::ConsumerGroupHeartbeat(Box::new(request));
            self.coordinator.send(request, Call::Beat(heartbeat), turn);
        }
        while let Some(commit) = self.commits.waiting.pop_front() {
            self.attempt(commit, turn);
        }
    }

    /// Takes in what became of a commit.
    ///
    /// Source: `CommitRequestManager.OffsetCommitRequestState.onResponse`,
    /// `commitSyncWithRetries`, `autoCommitSyncBeforeRevocationWithRetries`, Kafka 4.0.
    pub(super) fn on_modern_committed(
        &mut self,
        commit: &Commit,
        verdict: Verdict,
        turn: &mut Turn<'_>,
    ) {
        let outcome = match verdict {
            Verdict::Kept => Ok(()),
            Verdict::Retry(error) => Err(CommitError::Retriable(error)),
            Verdict::Rediscover(error) => {
                self.lose_coordinator(turn);
                Err(CommitError::Retriable(error))
            }
            // With the epoch that is known by then; other commits are not tried again.
            Verdict::Refused(error @ ErrorCode::StaleMemberEpoch)
                if commit.kind == CommitKind::AutoBeforeRebalance
                    && self.membership.committer().is_ok() =>
            {
                Err(CommitError::Retriable(error))
            }
            Verdict::Refused(ErrorCode::StaleMemberEpoch) | Verdict::Expelled(_) => {
                Err(CommitError::CommitFailed)
            }
            Verdict::Rejoin => Err(CommitError::RebalanceInProgress),
            Verdict::Fenced => Err(CommitError::FencedInstance),
            Verdict::Refused(error) => Err(CommitError::Other(error)),
        };
        self.end_commit(commit, outcome, turn);
    }
}

impl Consumer {
    /// Does in `poll()` what the member wants done, until it waits or the application is
    /// called.
    pub(super) fn keep_modern(&mut self, turn: &mut Turn<'_>) -> Standing {
        let Some(group) = &mut self.group else { return Standing::Member };
        let topics = group.topics.clone();
        if let Membership::Modern(member) = &mut group.membership {
            member.subscribe(topics);
            member.on_poll();
        }
        match self.take_steps(turn) {
            Standing::Interrupted => Standing::Interrupted,
            Standing::Underway | Standing::Member => {
                // Whoever is in no group yet has nothing to read.
                self.serve_group(turn);
                Standing::Member
            }
        }
    }

    /// Takes the member's steps, until there is none or the application is called.
    fn take_steps(&mut self, turn: &mut Turn<'_>) -> Standing {
        loop {
            let Some(group) = &mut self.group else { return Standing::Member };
            let Membership::Modern(member) = &mut group.membership else {
                return Standing::Member;
            };
            match member.next_step(turn) {
                None => return Standing::Member,
                Some(Step::Commit(_)) => self.commit_before_revocation(turn),
                Some(Step::Listen(callback, partitions)) => {
                    member.on_poll_left(turn.now);
                    group.listening = Some(After::Modern);
                    turn.return_to_application(Returned::Listen(callback, partitions));
                    return Standing::Interrupted;
                }
                Some(Step::Assign(owned)) => self.own(&owned, turn),
                Some(Step::Throw(_)) => {
                    member.on_poll_left(turn.now);
                    self.activity = Activity::Idle;
                    turn.return_to_application(Returned::Threw);
                    return Standing::Interrupted;
                }
            }
        }
    }

    fn commit_before_revocation(&mut self, turn: &mut Turn<'_>) {
        let offsets = consumed(&self.positions);
        // Simplified: Kafka goes on to hand over what is kept.
        self.positions.mark_pending_revocation();
        let Some(group) = &mut self.group else { return };
        let (commit, fact) = group.commits.make(CommitKind::AutoBeforeRebalance, offsets);
        group.note(fact, turn);
        group.commit_soon(commit, turn);
    }

    /// The listener has returned.
    pub(super) fn on_modern_listened(&mut self) {
        let membership = self.group.as_mut().map(|group| &mut group.membership);
        if let Some(Membership::Modern(member)) = membership {
            member.on_listened();
        }
    }

    /// Begins to leave; the listener may be called.
    pub(super) fn leave_modern(&mut self, turn: &mut Turn<'_>) {
        let Some(group) = &mut self.group else { return };
        group.subscription = None;
        group.topics.clear();
        if let Membership::Modern(member) = &mut group.membership {
            member.leave(turn);
        }
        self.is_leaving_modern(turn);
    }

    /// Goes on to leave, if the member is of a consumer group; says whether it is still on
    /// its way.
    pub(super) fn is_leaving_modern(&mut self, turn: &mut Turn<'_>) -> bool {
        self.take_steps(turn);
        let Some(group) = &mut self.group else { return false };
        if group.listening.is_none() {
            group.serve_modern(turn);
        }
        match &group.membership {
            Membership::Classic(_) => false,
            Membership::Modern(member) => !member.has_left(),
        }
    }
}
