//! A member of a consumer group (KIP-848): what it tells the coordinator and when, and what
//! it does about the answers.
//!
//! A plain machine: whoever hosts it sends the heartbeats, commits, calls the rebalance
//! listener inside `poll()` and reports back. One reconciliation runs at a time; a newer
//! target waits until it is done.
//!
//! Source: `ConsumerMembershipManager`, `AbstractMembershipManager`,
//! `ConsumerHeartbeatRequestManager`, Kafka 4.0.
//! Left out: listeners that throw; `client.rack`, which 4.0's consumer does not send;
//! subscriptions by RE2J patterns.

// Simplified: a topic's id stands for its name too, so a target never waits until metadata
// has told the names of its topics.

use std::sync::Arc;

use crate::chance::Rng;
use crate::channel::Backoff;
use crate::config::ConsumerConfig;
use crate::fact::Callback;
use crate::ids::{GroupId, InstanceId, MemberEpoch, MemberId, TopicId, TopicPartition};
use crate::message::ErrorCode;
use crate::message::group::{Assignment, Beat, ConsumerHeartbeatRequest, MemberState};
use crate::time::{Duration, Time, earliest};

use self::pace::Pace;
pub use self::state::{LeaveCause, State};

mod pace;
mod state;

/// Who a member is; fixed for the life of its process.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The group.
    pub group: GroupId,
    /// The id that the client has chosen for itself (KIP-1082).
    pub member: MemberId,
    /// Its `client.id`.
    pub client_id: Arc<str>,
}

/// The client's side of a membership in a consumer group.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconciler {
    identity: Identity,
    instance: Option<InstanceId>,
    assignor: Option<Arc<str>>,
    /// `max.poll.interval.ms`, which is the rebalance timeout too.
    poll_interval_max: Duration,
    state: State,
    /// The epoch that the coordinator gave; `None` out of the group.
    epoch: Option<MemberEpoch>,
    /// The topics subscribed to, in order; `None` without a subscription.
    topics: Option<Vec<TopicId>>,
    /// What the application was told that it has, in order.
    owned: Assignment,
    /// What was reconciled last; `None` before the first time since it joined.
    current: Option<Version>,
    /// What the coordinator wants; `None` before it said.
    target: Option<Version>,
    /// Counts targets over the whole life, so that no two are taken for one another.
    versions: u32,
    sent: Sent,
    pace: Pace,
    presence: Presence,
}

/// A reconciliation that has begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    target: Version,
}

/// What a reconciliation changes; both in order of partition, each may be empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconciliation {
    /// To be given back, after a commit if `enable.auto.commit` is set.
    pub revoke: Assignment,
    /// To be taken, once the others are given back.
    pub add: Assignment,
}

/// What the host does after a heartbeat's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Nothing besides what the state says.
    GoOn,
    /// It looks for the coordinator again.
    FindCoordinator,
    /// It is out of the group: its partitions are lost.
    Fenced(ErrorCode),
    /// `poll()` throws.
    Throw(ErrorCode),
}

/// A target with its number.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    number: u32,
    partitions: Assignment,
}

/// What the coordinator was told since the last error.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sent {
    /// Whether it knows the rebalance timeout and the assignor, which never change.
    settings: bool,
    topics: Option<Vec<TopicId>>,
    /// The number of the target reached; 0 is none.
    owned: Option<u32>,
}

/// Where the application's thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// It waits in `poll()`.
    Inside,
    /// It works, on records or in a listener.
    Away { since: Time },
}

impl Reconciler {
    /// Makes the machine of a consumer that is in no group.
    pub fn new(identity: Identity, config: &ConsumerConfig, now: Time) -> Reconciler {
        let backoff = Backoff { first: config.retry_backoff, max: config.retry_backoff_max };
        Reconciler {
            identity,
            instance: config.instance.clone(),
            assignor: config.remote_assignor.clone(),
            poll_interval_max: config.poll_interval_max,
            state: State::Unsubscribed,
            epoch: None,
            topics: None,
            owned: Assignment::default(),
            current: None,
            target: None,
            versions: 0,
            sent: Sent::default(),
            pace: Pace {
                backoff,
                interval: Duration::ZERO,
                due_at: Time::ZERO,
                backing_off_until: Time::ZERO,
                failures: 0,
                is_in_flight: false,
            },
            presence: Presence::Away { since: now },
        }
    }

    /// Returns where the member is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns its `group.instance.id`, if it is static.
    pub fn instance(&self) -> Option<&InstanceId> {
        self.instance.as_ref()
    }

    /// Returns who the member is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the epoch for commits and fetches of offsets; `None` out of the group.
    pub fn epoch(&self) -> Option<MemberEpoch> {
        self.epoch
    }

    /// Returns what the application was told that it has.
    pub fn owned(&self) -> &Assignment {
        &self.owned
    }

    /// Says whether the member has left for good: `close()` need not wait for it.
    pub fn is_out(&self) -> bool {
        matches!(self.state, State::Unsubscribed | State::Fatal(_))
    }

    /// Subscribes to other topics. The group is told with the next heartbeat; one that is not
    /// in the group joins with the next `poll()`.
    pub fn subscribe(&mut self, mut topics: Vec<TopicId>) {
        topics.sort_unstable();
        self.topics = Some(topics);
    }

    /// The application is in `poll()`: it goes on to join if it is to.
    ///
    /// Source: `onConsumerPoll`, `maybeRejoinStaleMember`, Kafka 4.0.
    pub fn on_poll(&mut self) {
        self.presence = Presence::Inside;
        let may_join = match self.state {
            State::Unsubscribed => self.topics.is_some(),
            State::Stale => self.owned.is_empty(),
            State::Joining
            | State::Reconciling(_)
            | State::Acknowledging
            | State::Stable
            | State::Fenced
            | State::PrepareLeaving
            | State::Leaving(_)
            | State::Fatal(_) => false,
        };
        if may_join {
            self.join();
        }
    }

    /// `poll()` has returned, or has called the listener: the application works.
    pub fn on_poll_left(&mut self, now: Time) {
        self.presence = Presence::Away { since: now };
    }

    /// Leaves if `poll()` was not called for `max.poll.interval.ms`; says whether that is so.
    ///
    /// Source: `AbstractHeartbeatRequestManager.poll`, Kafka 4.0.
    pub fn expire_poll(&mut self, now: Time) -> bool {
        let has_expired = self.poll_expires_at().is_some_and(|at| at <= now);
        if has_expired {
            self.forget_membership();
            self.state = State::Leaving(LeaveCause::PollInterval);
        }
        has_expired
    }

    /// Returns when a heartbeat is due, which may be in the past; `None` while none is.
    ///
    /// It waits for a known coordinator besides.
    pub fn heartbeat_at(&self) -> Option<Time> {
        let at = match self.state {
            State::Unsubscribed | State::Fenced | State::Stale | State::Fatal(_) => None,
            // The last one waits for nothing.
            State::Leaving(_) => return Some(Time::ZERO),
            State::Joining | State::Acknowledging => Some(self.pace.backing_off_until),
            State::Reconciling(_) | State::Stable | State::PrepareLeaving => {
                Some(self.pace.due_at.max(self.pace.backing_off_until))
            }
        };
        at.filter(|_| !self.pace.is_in_flight)
    }

    /// Returns when the machine wants to be asked again.
    pub fn next_deadline(&self) -> Option<Time> {
        earliest([self.heartbeat_at(), self.poll_expires_at()])
    }

    /// Returns the heartbeat to send; one that leaves is the last, and its answer is of no
    /// interest.
    ///
    /// # Panics
    /// If none is due in this state.
    pub fn heartbeat(&mut self, now: Time) -> ConsumerHeartbeatRequest {
        assert!(self.heartbeat_at().is_some_and(|at| at <= now), "a heartbeat is sent when due");
        let request = self.request();
        self.pace.is_in_flight = true;
        self.pace.due_at = now + self.pace.interval;
        match self.state {
            State::Acknowledging if self.is_reconciled() => self.state = State::Stable,
            State::Acknowledging => self.state = State::Reconciling(None),
            State::Leaving(cause) => self.depart(cause),
            State::Unsubscribed
            | State::Joining
            | State::Reconciling(_)
            | State::Stable
            | State::Fenced
            | State::PrepareLeaving
            | State::Stale
            | State::Fatal(_) => {}
        }
        request
    }

    /// Nobody can be told that the member leaves, since the coordinator is not known.
    ///
    /// Source: `onHeartbeatRequestSkipped`, Kafka 4.0.
    pub fn on_heartbeat_skipped(&mut self) {
        if let State::Leaving(cause) = self.state {
            self.depart(cause);
        }
    }

    /// Takes in the answer to a heartbeat that did not leave.
    pub fn on_heartbeat(
        &mut self,
        answer: Result<&MemberState, ErrorCode>,
        now: Time,
        rng: &mut Rng,
    ) -> Reaction {
        self.pace.is_in_flight = false;
        match answer {
            Ok(member) => {
                self.on_success(member, now);
                Reaction::GoOn
            }
            Err(error) => self.on_error(error, now, rng),
        }
    }

    /// The answer to a heartbeat that did not leave will not come: the connection is gone.
    pub fn on_heartbeat_lost(&mut self, now: Time, rng: &mut Rng) {
        self.pace.is_in_flight = false;
        self.sent = Sent::default();
        self.pace.back_off(now, rng);
    }

    /// Starts to move to the target; `None` if there is nothing to do or it has begun.
    ///
    /// The host commits (`enable.auto.commit`), stops fetching what is revoked, has the
    /// listener called about that if it is not empty, says [`Self::on_revoked`], has the
    /// listener called about what is added even if it is empty, says
    /// [`Self::on_reconciled`].
    ///
    /// Source: `AbstractMembershipManager.maybeReconcile`, Kafka 4.0.
    pub fn reconciliation(&mut self) -> Option<Reconciliation> {
        let State::Reconciling(None) = self.state else { return None };
        let target = self.target.clone()?;
        if self.current.as_ref().is_some_and(|current| current.partitions == target.partitions) {
            // It was changed and changed back: the coordinator hears of it, nobody else does.
            self.current = Some(target);
            self.state = State::Acknowledging;
            return None;
        }
        let reconciliation = Reconciliation {
            revoke: minus(&self.owned, &target.partitions),
            add: minus(&target.partitions, &self.owned),
        };
        self.state = State::Reconciling(Some(Work { target }));
        Some(reconciliation)
    }

    /// Says whether a reconciliation is under way. One that was begun is dropped when the
    /// member falls out of the group.
    pub fn has_begun(&self) -> bool {
        matches!(self.state, State::Reconciling(Some(_)))
    }

    /// What had to be given back is given back, and what is added is owned from here on.
    /// Says whether the reconciliation goes on: it does not if the member is out of the group.
    pub fn on_revoked(&mut self) -> bool {
        let State::Reconciling(Some(work)) = &self.state else { return false };
        self.owned = work.target.partitions.clone();
        true
    }

    /// The listener knows of what was added: the coordinator is to be told. Says whether the
    /// reconciliation counts: it does not if the member is out of the group.
    pub fn on_reconciled(&mut self) -> bool {
        let State::Reconciling(Some(work)) = &self.state else { return false };
        self.owned = work.target.partitions.clone();
        self.current = Some(work.target.clone());
        self.state = State::Acknowledging;
        true
    }

    /// Returns what the listener is to be told that is lost; `None` if nothing is.
    pub fn lost(&self) -> Option<&Assignment> {
        match self.state {
            State::Fenced | State::Stale | State::Fatal(_) => {
                (!self.owned.is_empty()).then_some(&self.owned)
            }
            State::Unsubscribed
            | State::Joining
            | State::Reconciling(_)
            | State::Acknowledging
            | State::Stable
            | State::PrepareLeaving
            | State::Leaving(_) => None,
        }
    }

    /// The listener knows that everything is lost: a fenced member joins again.
    pub fn on_lost_reported(&mut self) {
        self.owned = Assignment::default();
        if self.state == State::Fenced {
            self.join();
        }
    }

    /// The application unsubscribes or closes: returns how and about what the listener is
    /// called unless it is empty. [`Self::on_leave_prepared`] follows.
    ///
    /// Source: `leaveGroup`, `signalMemberLeavingGroup`, Kafka 4.0.
    pub fn leave(&mut self) -> (Callback, Assignment) {
        self.topics = None;
        let callback = match self.epoch {
            Some(_) => Callback::Revoked,
            None => Callback::Lost,
        };
        match self.state {
            State::Joining | State::Reconciling(_) | State::Acknowledging | State::Stable => {
                self.state = State::PrepareLeaving;
            }
            State::Fenced | State::Stale => self.state = State::Unsubscribed,
            State::Leaving(_) => self.state = State::Leaving(LeaveCause::Application),
            State::Unsubscribed | State::PrepareLeaving | State::Fatal(_) => {}
        }
        (callback, self.owned.clone())
    }

    /// The listener has returned: the last heartbeat can leave.
    pub fn on_leave_prepared(&mut self) {
        self.owned = Assignment::default();
        if self.state == State::PrepareLeaving {
            self.forget_membership();
            self.state = State::Leaving(LeaveCause::Application);
        }
    }

    fn poll_expires_at(&self) -> Option<Time> {
        let Presence::Away { since } = self.presence else { return None };
        match self.state {
            State::Joining | State::Reconciling(_) | State::Acknowledging | State::Stable => {
                Some(since + self.poll_interval_max)
            }
            State::Unsubscribed
            | State::Fenced
            | State::PrepareLeaving
            | State::Leaving(_)
            | State::Stale
            | State::Fatal(_) => None,
        }
    }

    /// Makes a heartbeat of what the coordinator does not know yet, or of everything for one
    /// that joins.
    ///
    /// Source: `ConsumerHeartbeatRequestManager.HeartbeatState.buildRequestData`, Kafka 4.0.
    fn request(&mut self) -> ConsumerHeartbeatRequest {
        if self.state == State::Joining {
            self.sent = Sent::default();
        }
        let number = self.current.as_ref().map_or(0, |current| current.number);
        let tells_settings = !self.sent.settings;
        let tells_topics = self.sent.topics != self.topics;
        let tells_owned = self.sent.owned != Some(number);
        let owned = self.current.as_ref().map(|current| current.partitions.to_vec());
        self.sent = Sent { settings: true, topics: self.topics.clone(), owned: Some(number) };
        ConsumerHeartbeatRequest {
            group: self.identity.group.clone(),
            member: Some(self.identity.member.clone()),
            beat: self.beat(),
            instance: self.instance.clone(),
            rack: None,
            client_id: self.identity.client_id.clone(),
            rebalance_timeout: tells_settings.then_some(self.poll_interval_max),
            topics: self.topics.clone().filter(|_| tells_topics),
            assignor: self.assignor.clone().filter(|_| tells_settings),
            owned: tells_owned.then(|| owned.unwrap_or_default()),
        }
    }

    fn beat(&self) -> Beat {
        match (&self.state, self.epoch) {
            (State::Leaving(_), _) if self.instance.is_some() => Beat::LeaveTemporarily,
            (State::Leaving(_), _) => Beat::Leave,
            (_, None) => Beat::Join,
            (_, Some(epoch)) => Beat::Stay(epoch),
        }
    }

    fn on_success(&mut self, member: &MemberState, now: Time) {
        self.pace.reset();
        if self.pace.interval != member.heartbeat_interval {
            self.pace.interval = member.heartbeat_interval;
            self.pace.due_at = now + member.heartbeat_interval;
        }
        if !self.is_in() {
            return;
        }
        // An answer that says the member has left is meant for a former membership.
        let Beat::Stay(epoch) = member.beat else { return };
        self.epoch = Some(epoch);
        if let Some(assignment) = &member.assignment {
            self.on_target(assignment);
        }
    }

    fn on_target(&mut self, assignment: &Assignment) {
        if self.target.as_ref().is_none_or(|target| target.partitions != *assignment) {
            self.versions += 1;
            let partitions = assignment.clone();
            self.target = Some(Version { number: self.versions, partitions });
        }
        match (&self.state, self.is_reconciled()) {
            (State::Joining | State::Reconciling(_), true) => self.state = State::Stable,
            (State::Reconciling(_), false) | (_, true) => {}
            (_, false) => self.state = State::Reconciling(None),
        }
    }

    fn on_error(&mut self, error: ErrorCode, now: Time, rng: &mut Rng) -> Reaction {
        self.sent = Sent::default();
        match error {
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                self.pace.start_over();
                Reaction::FindCoordinator
            }
            ErrorCode::CoordinatorLoadInProgress => {
                self.pace.back_off(now, rng);
                Reaction::GoOn
            }
            ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId => {
                // It joins again without a pause, also if it was a join that was refused: a
                // member whose former self lives asks until that one's session is over.
                self.pace.start_over();
                self.fence(error)
            }
            _ => self.fail(error),
        }
    }

    /// Source: `AbstractMembershipManager.transitionToFenced`, Kafka 4.0.
    fn fence(&mut self, error: ErrorCode) -> Reaction {
        if self.state == State::PrepareLeaving {
            // What it is about to do has happened.
            self.forget_membership();
            self.state = State::Unsubscribed;
            return Reaction::GoOn;
        }
        if !self.is_in() {
            return Reaction::GoOn;
        }
        self.forget_membership();
        self.state = State::Fenced;
        if self.owned.is_empty() {
            self.join();
        }
        Reaction::Fenced(error)
    }

    fn fail(&mut self, error: ErrorCode) -> Reaction {
        if !self.is_in() && self.state != State::PrepareLeaving {
            return Reaction::GoOn;
        }
        self.forget_membership();
        self.state = State::Fatal(error);
        Reaction::Throw(error)
    }

    /// Says whether the member is in the group or asks to be, and means to stay.
    fn is_in(&self) -> bool {
        match self.state {
            State::Joining | State::Reconciling(_) | State::Acknowledging | State::Stable => true,
            State::Unsubscribed
            | State::Fenced
            | State::PrepareLeaving
            | State::Leaving(_)
            | State::Stale
            | State::Fatal(_) => false,
        }
    }

    fn is_reconciled(&self) -> bool {
        self.current == self.target
    }

    fn join(&mut self) {
        self.forget_membership();
        self.state = State::Joining;
    }

    fn depart(&mut self, cause: LeaveCause) {
        self.sent = Sent::default();
        self.pace.start_over();
        self.state = match cause {
            LeaveCause::Application => State::Unsubscribed,
            LeaveCause::PollInterval => State::Stale,
        };
    }

    fn forget_membership(&mut self) {
        self.epoch = None;
        self.current = None;
        self.target = None;
    }
}

fn minus(all: &[TopicPartition], less: &[TopicPartition]) -> Assignment {
    all.iter().copied().filter(|it| !less.contains(it)).collect()
}

#[cfg(test)]
mod crowd;
#[cfg(test)]
mod tests;
