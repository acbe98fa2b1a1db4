//! Where a consumer reads next in each partition, and why it may not know.
//!
//! A position is used only while its partition is [`FetchState::Fetching`]. It gets lost
//! (no committed offset, out of range) and is reset by `auto.offset.reset`; it gets
//! doubtful when the leader changes and is validated against the leader's epochs (KIP-320).
//!
//! Source: `SubscriptionState`, Kafka 4.0.
//! Left out: preferred read replicas, `auto.offset.reset=by_duration`.

use std::collections::BTreeSet;

use crate::config::OffsetReset;
use crate::fact::{ConsumerError, Fact, MemberEvent, MemberFact, ResetCause};
use crate::ids::{ClientId, LeaderEpoch, Offset, TopicPartition};
use crate::message::data::{CurrentLeader, EpochEnd, OffsetSpec};
use crate::message::group::OffsetAndMetadata;
use crate::mutant::Mutant;
use crate::table::Table;
use crate::time::Time;
use crate::turn::Turn;

/// Where a consumer reads next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The next record wanted.
    pub offset: Offset,
    /// The leader epoch of the record before; `None` if none was read, which skips validation.
    pub offset_epoch: Option<LeaderEpoch>,
    /// The leader against which the position was set or validated.
    pub leader: Option<CurrentLeader>,
}

/// What a consumer knows about its position in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchState {
    /// There has never been one.
    Initializing,
    /// It is good: the only state that is fetched.
    Fetching(Position),
    /// It has to come from the leader.
    AwaitReset(Reset),
    /// The leader has changed and may have another log.
    AwaitValidation {
        /// The position in doubt.
        position: Position,
        /// When the leader may be asked (again).
        retry_at: Time,
    },
    /// `poll()` threw; only `seek` helps.
    // Simplified: Kafka keeps the position and throws again at each `poll()`. Here it throws
    // once, and the partition stays silent until the application seeks.
    Failed {
        /// The position before.
        from: Option<Offset>,
    },
}

/// A reset that waits for the leader's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Where to go.
    pub to: ResetTo,
    /// Why.
    pub cause: ResetCause,
    /// The position before.
    pub from: Option<Offset>,
    /// When the leader may be asked (again).
    pub retry_at: Time,
}

/// Where a reset goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResetTo {
    /// To the start of the log.
    Earliest,
    /// To its end: the high watermark, or the last stable offset under `read_committed`.
    Latest,
}

/// The positions of a consumer in the partitions assigned to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Positions {
    client: ClientId,
    policy: Option<ResetTo>,
    states: Table<TopicPartition, FetchState>,
    /// Invariant: how many of these are not good. Nearly always none is, and `poll()` need not
    /// look for what to repair.
    unsettled: usize,
    /// Invariant: the keys of `states`, least recently served first.
    order: Vec<TopicPartition>,
    /// Not fetched and not handed over, by the application's wish.
    paused: BTreeSet<TopicPartition>,
    /// All of them are about to be given back: none is handed over any more.
    are_pending_revocation: bool,
    /// What the next `poll()` will throw.
    failures: Vec<(TopicPartition, ConsumerError)>,
}

impl ResetTo {
    /// Returns what the setting asks for; `None` leaves it to the application.
    pub fn by_policy(policy: OffsetReset) -> Option<ResetTo> {
        match policy {
            OffsetReset::Earliest => Some(ResetTo::Earliest),
            OffsetReset::Latest => Some(ResetTo::Latest),
            OffsetReset::None => None,
        }
    }

    /// Returns the question for the leader.
    pub fn spec(self) -> OffsetSpec {
        match self {
            ResetTo::Earliest => OffsetSpec::Earliest,
            ResetTo::Latest => OffsetSpec::Latest,
        }
    }
}

impl FetchState {
    fn is_good(&self) -> bool {
        matches!(self, FetchState::Fetching(_))
    }

    /// Returns the offset at which the partition stands, good or doubtful.
    pub fn offset(&self) -> Option<Offset> {
        match self {
            FetchState::Fetching(position) | FetchState::AwaitValidation { position, .. } => {
                Some(position.offset)
            }
            FetchState::AwaitReset(reset) => reset.from,
            FetchState::Failed { from } => *from,
            FetchState::Initializing => None,
        }
    }
}

impl Positions {
    /// Makes the positions of a consumer that has just been assigned these partitions.
    pub fn new(
        client: ClientId,
        policy: OffsetReset,
        assignment: Vec<TopicPartition>,
    ) -> Positions {
        let states: Table<_, _> =
            assignment.into_iter().map(|tp| (tp, FetchState::Initializing)).collect();
        let order = states.keys().copied().collect();
        let policy = ResetTo::by_policy(policy);
        Positions {
            client,
            policy,
            unsettled: states.len(),
            states,
            order,
            paused: BTreeSet::new(),
            are_pending_revocation: false,
            failures: Vec::new(),
        }
    }

    /// Reads exactly these partitions from here on: those kept keep their positions and
    /// pauses, new ones have no position.
    ///
    /// Source: `SubscriptionState.assignFromSubscribed`, `assignFromUser`, Kafka 4.0.
    pub fn assign(&mut self, assignment: &[TopicPartition]) {
        let old = std::mem::take(&mut self.states);
        let state = |tp: &TopicPartition| old.get(tp).copied().unwrap_or(FetchState::Initializing);
        self.states = assignment.iter().map(|tp| (*tp, state(tp))).collect();
        self.unsettled = self.states.values().filter(|state| !state.is_good()).count();
        self.order = self.states.keys().copied().collect();
        self.paused.retain(|tp| self.states.contains_key(tp));
        self.failures.retain(|(tp, _)| self.states.contains_key(tp));
        self.are_pending_revocation = false;
    }

    /// Hands over nothing any more until the next assignment: all is to be given back.
    ///
    /// Source: `SubscriptionState.markPendingRevocation`, Kafka 4.0.
    pub fn mark_pending_revocation(&mut self) {
        self.are_pending_revocation = true;
    }

    /// Stops or resumes handing over of assigned partitions; says which of them changed.
    pub fn set_paused(
        &mut self,
        partitions: &[TopicPartition],
        pause: bool,
    ) -> Vec<TopicPartition> {
        let mut changed = Vec::new();
        for tp in partitions.iter().filter(|tp| self.states.contains_key(tp)) {
            let is_change = if pause { self.paused.insert(*tp) } else { self.paused.remove(tp) };
            if is_change {
                changed.push(*tp);
            }
        }
        changed
    }

    /// Says whether records of this partition may be handed over, given a good position.
    pub fn may_hand_over(&self, tp: TopicPartition) -> bool {
        !self.are_pending_revocation && !self.paused.contains(&tp)
    }

    /// Says whether every position is good.
    pub fn are_good(&self) -> bool {
        self.unsettled == 0
    }

    /// Returns the partitions that have no position, in order.
    pub fn initializing(&self) -> impl Iterator<Item = TopicPartition> {
        let is_missing = |state: &FetchState| *state == FetchState::Initializing;
        self.states.iter().filter(move |(_, state)| is_missing(state)).map(|(&tp, _)| tp)
    }

    /// Returns the good positions: what `commitSync()` and auto-commit commit.
    ///
    /// Source: `SubscriptionState.allConsumed`, Kafka 4.0.
    pub fn consumed(&self) -> impl Iterator<Item = (TopicPartition, Position)> {
        self.states.iter().filter_map(|(&tp, state)| match state {
            FetchState::Fetching(position) => Some((tp, *position)),
            _ => None,
        })
    }

    /// Starts a partition that has no position where its group has committed; without a
    /// commit, where the reset policy says.
    ///
    /// Source: `ConsumerCoordinator.initWithCommittedOffsetsIfNeeded`, Kafka 4.0.
    pub fn on_committed(
        &mut self,
        tp: TopicPartition,
        committed: Option<&OffsetAndMetadata>,
        leader: Option<CurrentLeader>,
        turn: &mut Turn<'_>,
    ) {
        if self.states.get(&tp) != Some(&FetchState::Initializing) {
            return; // the application has sought, or it is assigned no more
        }
        let what = MemberEvent::OffsetFetched(tp, committed.map(|committed| committed.offset));
        turn.note(Fact::Member(MemberFact { client: self.client, what }));
        // Mutant: what was found does not matter.
        let ignored = turn.rules.has(Mutant::ResetIgnoresCommitted);
        let Some(committed) = committed.filter(|_| !ignored) else {
            return self.reset_by_policy(tp, ResetCause::NoPosition, ConsumerError::NoOffset);
        };
        let offset_epoch = committed.leader_epoch;
        let position = Position { offset: committed.offset, offset_epoch, leader };
        let state = match (offset_epoch, leader) {
            (Some(_), Some(_)) => FetchState::AwaitValidation { position, retry_at: Time::ZERO },
            _ => FetchState::Fetching(position),
        };
        self.set(tp, state);
    }

    /// Returns the state of a partition; `None` if it is not assigned.
    pub fn state(&self, tp: TopicPartition) -> Option<&FetchState> {
        self.states.get(&tp)
    }

    /// Returns the partition's position if it is good.
    pub fn valid(&self, tp: TopicPartition) -> Option<Position> {
        match self.states.get(&tp) {
            Some(FetchState::Fetching(position)) => Some(*position),
            _ => None,
        }
    }

    /// Returns the assigned partitions, least recently served first.
    pub fn assigned(&self) -> impl Iterator<Item = TopicPartition> {
        self.order.iter().copied()
    }

    /// Returns the assigned partitions in order.
    pub fn partitions(&self) -> impl Iterator<Item = TopicPartition> {
        self.states.keys().copied()
    }

    /// Returns the good positions, least recently served first.
    pub fn fetchable(&self) -> impl Iterator<Item = (TopicPartition, Position)> {
        let wanted = self.order.iter().filter(|&&tp| self.may_hand_over(tp));
        wanted.filter_map(|&tp| Some((tp, self.valid(tp)?)))
    }

    /// Returns the resets that may be asked for.
    pub fn due_resets(&self, now: Time) -> impl Iterator<Item = (TopicPartition, Reset)> {
        self.states.iter().filter_map(move |(&tp, state)| match state {
            FetchState::AwaitReset(reset) if reset.retry_at <= now => Some((tp, *reset)),
            _ => None,
        })
    }

    /// Returns the positions whose validation may be asked for.
    pub fn due_validations(&self, now: Time) -> impl Iterator<Item = (TopicPartition, Position)> {
        self.states.iter().filter_map(move |(&tp, state)| match state {
            FetchState::AwaitValidation { position, retry_at } if *retry_at <= now => {
                Some((tp, *position))
            }
            _ => None,
        })
    }

    /// Returns the earliest moment after `now` at which a leader may be asked again.
    pub fn next_retry(&self, now: Time) -> Option<Time> {
        if self.are_good() {
            return None;
        }
        let retries = self.states.values().filter_map(|state| match state {
            FetchState::AwaitReset(Reset { retry_at, .. })
            | FetchState::AwaitValidation { retry_at, .. } => Some(*retry_at),
            FetchState::Initializing | FetchState::Fetching(_) | FetchState::Failed { .. } => None,
        });
        retries.filter(|&retry_at| now < retry_at).min()
    }

    /// Puts off asking the leader about this partition: while a request is in flight, and
    /// after one has failed.
    pub fn postpone(&mut self, tp: TopicPartition, until: Time) {
        match self.states.get_mut(&tp) {
            Some(
                FetchState::AwaitReset(Reset { retry_at, .. })
                | FetchState::AwaitValidation { retry_at, .. },
            ) => *retry_at = until,
            Some(
                FetchState::Initializing | FetchState::Fetching(_) | FetchState::Failed { .. },
            )
            | None => {}
        }
    }

    /// Moves a position on the application's word. It is not validated, whatever it is.
    ///
    /// Source: `SubscriptionState.seekUnvalidated`, Kafka 4.0.
    pub fn seek(
        &mut self,
        tp: TopicPartition,
        offset: Offset,
        leader: Option<CurrentLeader>,
        turn: &mut Turn<'_>,
    ) {
        let Some(state) = self.states.get(&tp) else { return };
        let from = state.offset();
        let to = Position { offset, offset_epoch: None, leader };
        self.go_to(tp, to, (from, ResetCause::Seek), turn);
    }

    /// Marks a position to be reset; the next `poll()` asks the leader where to.
    ///
    /// Source: `SubscriptionState.requestOffsetReset`, Kafka 4.0.
    pub fn request_reset(&mut self, tp: TopicPartition, to: ResetTo, cause: ResetCause) {
        let Some(state) = self.states.get(&tp) else { return };
        let from = state.offset();
        self.set(tp, FetchState::AwaitReset(Reset { to, cause, from, retry_at: Time::ZERO }));
    }

    /// Resets the partitions that never had a position.
    ///
    /// Source: `SubscriptionState.resetInitializingPositions`, Kafka 4.0.
    pub fn reset_missing(&mut self) {
        let is_missing = |state: &FetchState| *state == FetchState::Initializing;
        while let Some((&tp, _)) = self.states.iter().find(|(_, state)| is_missing(state)) {
            self.reset_by_policy(tp, ResetCause::NoPosition, ConsumerError::NoOffset);
        }
    }

    /// Takes in the offset that a leader listed, if the partition still waits for that one.
    ///
    /// Source: `SubscriptionState.maybeSeekUnvalidated`, Kafka 4.0.
    pub fn on_listed(
        &mut self,
        tp: TopicPartition,
        asked: ResetTo,
        offset: Offset,
        leader: Option<CurrentLeader>,
        turn: &mut Turn<'_>,
    ) {
        let Some(FetchState::AwaitReset(reset)) = self.states.get(&tp) else { return };
        if reset.to != asked {
            return;
        }
        let moved = (reset.from, reset.cause);
        let to = Position { offset, offset_epoch: None, leader };
        self.go_to(tp, to, moved, turn);
    }

    /// Puts all positions in doubt that were set under another leader than `leader` tells.
    pub fn check_leaders(&mut self, leader: impl Fn(TopicPartition) -> Option<CurrentLeader>) {
        for index in 0..self.order.len() {
            let tp = self.order[index];
            if let Some(leader) = leader(tp) {
                self.on_leader(tp, leader);
            }
        }
    }

    /// Puts a position in doubt if it was set under another leader (KIP-320). Without an
    /// epoch there is nothing to compare, so it is taken to be good.
    ///
    /// Source: `SubscriptionState.maybeValidatePositionForCurrentLeader`, Kafka 4.0.
    pub fn on_leader(&mut self, tp: TopicPartition, leader: CurrentLeader) {
        let position = match self.states.get(&tp) {
            Some(FetchState::Fetching(position) | FetchState::AwaitValidation { position, .. }) => {
                *position
            }
            _ => return,
        };
        if position.leader == Some(leader) {
            return;
        }
        let position = Position { leader: Some(leader), ..position };
        let state = match position.offset_epoch {
            None => FetchState::Fetching(position),
            Some(_) => FetchState::AwaitValidation { position, retry_at: Time::ZERO },
        };
        self.set(tp, state);
    }

    /// Takes in where the epoch of a doubtful position ends in the leader's log.
    ///
    /// A log that ends before the position was truncated: with a reset policy the position
    /// moves back silently, else the next `poll()` throws.
    ///
    /// Source: `SubscriptionState.maybeCompleteValidation`, Kafka 4.0.
    pub fn on_epoch_end(
        &mut self,
        tp: TopicPartition,
        asked: Position,
        end: Option<EpochEnd>,
        turn: &mut Turn<'_>,
    ) {
        match self.states.get(&tp) {
            Some(FetchState::AwaitValidation { position, .. }) if *position == asked => {}
            _ => return, // it has moved meanwhile
        }
        let Some(EpochEnd { epoch, end }) = end else {
            let error = ConsumerError::LogTruncation(None);
            return self.reset_by_policy(tp, ResetCause::Truncation, error);
        };
        if asked.offset <= end {
            return self.set(tp, FetchState::Fetching(asked));
        }
        if self.policy.is_none() {
            return self.fail(tp, ConsumerError::LogTruncation(Some(end)));
        }
        let position = Position { offset: end, offset_epoch: Some(epoch), leader: asked.leader };
        self.set(tp, FetchState::Fetching(position));
        turn.note(Fact::PositionReset {
            client: self.client,
            partition: tp,
            from: Some(asked.offset),
            to: end,
            cause: ResetCause::Truncation,
        });
    }

    /// Takes in that the leader has no such offset, unless the position has moved meanwhile.
    ///
    /// Source: `FetchCollector.handleInitializeErrors`, Kafka 4.0.
    pub fn on_out_of_range(&mut self, tp: TopicPartition, fetched: Offset) {
        if self.valid(tp).is_some_and(|position| position.offset == fetched) {
            self.reset_by_policy(tp, ResetCause::OutOfRange, ConsumerError::OutOfRange);
        }
    }

    /// Moves a good position on: everything below `offset` was handed over, the last of it
    /// written in `epoch`.
    ///
    /// # Panics
    /// If the position is not good, or lies beyond `offset`.
    pub fn advance(&mut self, tp: TopicPartition, offset: Offset, epoch: LeaderEpoch) {
        let Some(FetchState::Fetching(position)) = self.states.get_mut(&tp) else {
            panic!("records are handed over from a good position only");
        };
        assert!(position.offset <= offset, "reading goes forwards");
        position.offset = offset;
        position.offset_epoch = Some(epoch);
    }

    /// Serves a partition last from here on, so that others get their turn.
    pub fn move_to_end(&mut self, tp: TopicPartition) {
        if let Some(place) = self.order.iter().position(|&other| other == tp) {
            self.order[place..].rotate_left(1);
        }
    }

    /// Says whether the next `poll()` throws.
    pub fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Throws: notes what failed.
    pub fn throw(&mut self, turn: &mut Turn<'_>) {
        for (partition, error) in self.failures.drain(..) {
            turn.note(Fact::ConsumerFailed { client: self.client, partition, error });
        }
    }

    fn reset_by_policy(&mut self, tp: TopicPartition, cause: ResetCause, error: ConsumerError) {
        match self.policy {
            Some(to) => self.request_reset(tp, to, cause),
            None => self.fail(tp, error),
        }
    }

    fn fail(&mut self, tp: TopicPartition, error: ConsumerError) {
        let from = self.states.get(&tp).and_then(FetchState::offset);
        self.set(tp, FetchState::Failed { from });
        self.failures.push((tp, error));
    }

    /// Reads on at `to`, in which there is no doubt.
    fn go_to(
        &mut self,
        tp: TopicPartition,
        to: Position,
        (from, cause): (Option<Offset>, ResetCause),
        turn: &mut Turn<'_>,
    ) {
        self.set(tp, FetchState::Fetching(to));
        turn.note(Fact::PositionReset {
            client: self.client,
            partition: tp,
            from,
            to: to.offset,
            cause,
        });
    }

    fn set(&mut self, tp: TopicPartition, state: FetchState) {
        let slot = self.states.get_mut(&tp).expect("only assigned partitions change");
        self.unsettled += usize::from(!state.is_good());
        self.unsettled -= usize::from(!slot.is_good());
        *slot = state;
    }
}
