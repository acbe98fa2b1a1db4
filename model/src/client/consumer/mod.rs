//! A consumer: assigned its partitions by hand (`assign`), or member of a group (`subscribe`).
//!
//! `poll(timeout)` is where things happen: membership and positions are repaired, buffered
//! records handed over, the next fetches sent. Answers that arrive in between are taken in
//! but nothing further is asked for until the next `poll()`, except by the heartbeat thread.
//!
//! In reading order: `coordinator` (finding it), `classic` (the member), `rebalance` (inside
//! `poll()`), `commits`, `group` (all of that together), `times` (`offsetsForTimes`).
//!
//! Source: `ClassicKafkaConsumer`, Kafka 4.0.

use std::sync::Arc;

use crate::client::fetcher::Fetcher;
use crate::client::link::{Link, LinkConfig, LinkEvent};
use crate::client::offsets::{Ask, OffsetFetcher};
use crate::client::positions::{Positions, ResetTo};
use crate::config::ConsumerConfig;
use crate::fact::{CommitId, CommitKind, Fact, GroupError, MemberEvent, MemberFact, ResetCause};
use crate::ids::{BrokerId, ClientId, ConnectionId, GroupId, Offset, TopicPartition};
use crate::message::group::{Assignment, OffsetAndMetadata};
use crate::message::{Message, Response};
use crate::time::{Duration, Time, Timestamp, earliest};
use crate::turn::{ConnectionEvent, Delivery, Node, Returned, Turn};

use classic::Preparation;
use group::Group;
use rebalance::{Standing, consumed};
use times::TimesCall;

mod api;
mod classic;
mod commits;
mod coordinator;
mod group;
mod hosting;
mod rebalance;
mod times;

pub use classic::ClassicMember;
pub use group::{Membership, Subscribe};

/// How long `close()` takes at most: its default timeout.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// A consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct Consumer {
    client_id: Arc<str>,
    config: Arc<ConsumerConfig>,
    poll_records_max: u32,
    link: Link<Ask>,
    positions: Positions,
    offsets: OffsetFetcher,
    fetcher: Fetcher,
    /// The version of the metadata against which all positions were checked.
    checked_version: u64,
    activity: Activity,
    /// From the first `subscribe()` on.
    group: Option<Box<Group>>,
    is_woken: bool,
}

/// What the application has the consumer do.
#[derive(Clone, Debug, PartialEq)]
enum Activity {
    /// Nothing: it works on what it got, or waits for a commit.
    Idle,
    /// It waits in `poll()`.
    Polling {
        /// When `poll()` returns without records.
        until: Time,
        /// When something may be asked again.
        retry_at: Option<Time>,
    },
    /// It waits in `offsetsForTimes()`, which is to be looked at again at this time.
    Times(TimesCall, Time),
    /// It waits in `close()`.
    Closing {
        /// When `close()` returns whatever is left to do.
        until: Time,
        /// How far it is.
        stage: Closing,
    },
    /// It has closed the consumer.
    Closed,
}

/// A partition that the application names, and that is not the consumer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no current assignment for partition {} of topic {}", .0.partition, .0.topic.0)]
pub struct NotAssigned(pub TopicPartition);

/// How far `close()` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    /// It waits for commits.
    Committing,
    /// The listener is called.
    Leaving,
    /// It waits for the coordinator's last answers.
    Awaiting,
}

impl Consumer {
    /// Makes a consumer to which nothing is assigned; `client_id` is its `client.id`.
    pub fn new(
        client: ClientId,
        client_id: Arc<str>,
        config: ConsumerConfig,
        bootstrap: Vec<BrokerId>,
    ) -> Consumer {
        Consumer {
            poll_records_max: config.poll_records_max,
            link: Link::new(client, LinkConfig::from(&config), bootstrap),
            positions: Positions::new(client, config.offset_reset, Vec::new()),
            offsets: OffsetFetcher::from(&config),
            fetcher: Fetcher::from(&config),
            checked_version: 0,
            activity: Activity::Idle,
            client_id,
            config: Arc::new(config),
            group: None,
            is_woken: false,
        }
    }

    /// Reads these partitions from here on, without a group; what is kept keeps its position.
    ///
    /// # Panics
    /// If the consumer is subscribed.
    pub fn assign(&mut self, assignment: Vec<TopicPartition>) {
        assert!(!self.is_subscribed(), "partitions are assigned by hand or by the group");
        for tp in &assignment {
            self.link.add_topic(tp.topic);
        }
        self.positions.assign(&assignment);
        self.fetcher.retain_assigned(&self.positions);
    }

    /// Returns once there are records, an error or `timeout` is over, by
    /// [`Returned::Polled`]. Buffered records are returned in the same turn. Throws
    /// `IllegalStateException` if the consumer is neither subscribed nor assigned anything.
    ///
    /// # Panics
    /// If the application already waits in `poll()`, or has closed the consumer.
    pub fn poll(&mut self, timeout: Duration, turn: &mut Turn<'_>) {
        self.assert_idle();
        if !self.is_subscribed() && self.positions.partitions().next().is_none() {
            self.throw_illegal_state(turn);
            return;
        }
        self.activity = Activity::Polling { until: turn.now + timeout, retry_at: None };
        self.go_on(turn);
    }

    /// Moves the position of a partition; records are read from `offset` on.
    ///
    /// # Errors
    /// [`NotAssigned`] is what the application is thrown besides.
    pub fn seek(
        &mut self,
        tp: TopicPartition,
        offset: Offset,
        turn: &mut Turn<'_>,
    ) -> Result<(), NotAssigned> {
        self.check_assigned(&[tp], turn)?;
        self.positions.seek(tp, offset, self.link.metadata().leader(tp), turn);
        Ok(())
    }

    /// Moves positions to the start of the log, by the next `poll()`; of no partitions means
    /// of all.
    ///
    /// # Errors
    /// As [`Consumer::seek`]; then no position moves.
    // Simplified: Kafka moves those that come before the one that is not assigned.
    pub fn seek_to_beginning(
        &mut self,
        partitions: &[TopicPartition],
        turn: &mut Turn<'_>,
    ) -> Result<(), NotAssigned> {
        self.check_assigned(partitions, turn)?;
        self.seek_to(partitions, ResetTo::Earliest);
        Ok(())
    }

    /// Moves positions to the end of the log, by the next `poll()`; of no partitions means
    /// of all.
    ///
    /// # Errors
    /// As [`Consumer::seek_to_beginning`].
    pub fn seek_to_end(
        &mut self,
        partitions: &[TopicPartition],
        turn: &mut Turn<'_>,
    ) -> Result<(), NotAssigned> {
        self.check_assigned(partitions, turn)?;
        self.seek_to(partitions, ResetTo::Latest);
        Ok(())
    }

    /// Returns the next record that the application gets; `None` while that is not certain.
    pub fn position(&self, tp: TopicPartition) -> Option<Offset> {
        self.positions.valid(tp).map(|position| position.offset)
    }

    /// Source: `SubscriptionState.assignedState`, Kafka 4.0.
    fn check_assigned(
        &mut self,
        partitions: &[TopicPartition],
        turn: &mut Turn<'_>,
    ) -> Result<(), NotAssigned> {
        let is_assigned = |tp: &TopicPartition| self.positions.partitions().any(|it| it == *tp);
        match partitions.iter().find(|tp| !is_assigned(tp)) {
            None => Ok(()),
            // It throws out of this call, not out of a `poll()`.
            Some(&tp) => {
                self.note(MemberEvent::Threw(GroupError::IllegalState), turn);
                Err(NotAssigned(tp))
            }
        }
    }

    /// Throws `IllegalStateException` out of the application's call, or out of the one in
    /// which it waits.
    fn throw_illegal_state(&mut self, turn: &mut Turn<'_>) {
        self.note(MemberEvent::Threw(GroupError::IllegalState), turn);
        match self.activity {
            Activity::Idle | Activity::Polling { .. } if !self.is_interrupted() => {
                self.activity = Activity::Idle;
                turn.return_to_application(Returned::Threw);
            }
            Activity::Idle
            | Activity::Polling { .. }
            | Activity::Times(..)
            | Activity::Closing { .. }
            | Activity::Closed => {}
        }
    }

    fn seek_to(&mut self, partitions: &[TopicPartition], to: ResetTo) {
        let all: Vec<_> = match partitions {
            [] => self.positions.assigned().collect(),
            some => some.to_vec(),
        };
        for tp in all {
            self.positions.request_reset(tp, to, ResetCause::Seek);
        }
    }

    /// Does what can be done: beside `poll()`, and in the call in which the application waits.
    fn go_on(&mut self, turn: &mut Turn<'_>) {
        self.serve_group(turn);
        match self.activity {
            Activity::Idle | Activity::Closed => {}
            Activity::Polling { .. } | Activity::Closing { .. } if self.is_interrupted() => {}
            Activity::Polling { until, .. } => self.poll_on(until, turn),
            Activity::Times(..) => self.look_up_times(turn),
            Activity::Closing { until, stage } => self.close_on(until, stage, turn),
        }
    }

    /// Goes round the loop in `poll()` once.
    ///
    /// Source: `ClassicKafkaConsumer.poll`, `pollForFetches`, Kafka 4.0.
    fn poll_on(&mut self, until: Time, turn: &mut Turn<'_>) {
        let standing = self.poll_group(turn);
        if standing == Standing::Interrupted {
            return;
        }
        let is_member = standing == Standing::Member;
        if is_member {
            self.check_leaders();
            match self.is_subscribed() {
                true => self.fetch_committed(turn),
                false => self.positions.reset_missing(),
            }
        }
        if self.positions.has_failures() {
            self.positions.throw(turn);
            return self.return_records(Vec::new(), turn);
        }
        let records =
            self.fetcher.collect(self.poll_records_max, &mut self.positions, &mut self.link, turn);
        // While the application works on these, the next ones are on their way.
        if is_member {
            self.ask(turn);
        }
        self.fetcher.send_fetches(&self.positions, &mut self.link, turn);
        if !records.is_empty() {
            return self.return_records(records, turn);
        }
        if self.positions.has_failures() {
            self.positions.throw(turn);
            return self.return_records(Vec::new(), turn);
        }
        if until <= turn.now {
            return self.return_records(Vec::new(), turn);
        }
        let retries = self.positions.next_retry(turn.now);
        let retry_at = earliest([retries, self.next_group_step(turn.now)]);
        self.activity = Activity::Polling { until, retry_at };
    }

    /// Asks leaders about positions that are not good.
    fn ask(&mut self, turn: &mut Turn<'_>) {
        if self.positions.are_good() {
            return;
        }
        self.offsets.ask_validations(&mut self.positions, &mut self.link, turn);
        self.offsets.ask_resets(&mut self.positions, &mut self.link, turn);
    }

    /// Puts positions in doubt whose leader is another one since the metadata changed.
    fn check_leaders(&mut self) {
        let metadata = self.link.metadata();
        if self.checked_version == metadata.version() {
            return;
        }
        self.checked_version = metadata.version();
        self.positions.check_leaders(|tp| metadata.leader(tp));
    }

    fn return_records(&mut self, records: Vec<Delivery>, turn: &mut Turn<'_>) {
        if let Some(Membership::Modern(member)) = self.group.as_mut().map(|it| &mut it.membership) {
            member.on_poll_left(turn.now);
        }
        self.activity = Activity::Idle;
        turn.return_to_application(Returned::Polled(records));
    }

    fn on_event(&mut self, event: LinkEvent<Ask>, turn: &mut Turn<'_>) {
        match event {
            LinkEvent::Ready(_) | LinkEvent::MetadataUpdated => {}
            LinkEvent::Response(_, ask, response) => self.on_response(ask, response, turn),
            LinkEvent::Lost { requests, .. } => {
                for ask in requests {
                    self.on_lost(ask, turn);
                }
            }
        }
    }

    fn on_response(&mut self, ask: Ask, response: Response, turn: &mut Turn<'_>) {
        let (positions, link) = (&mut self.positions, &mut self.link);
        match (ask, response) {
            (Ask::Fetch(asked), Response::Fetch(reply)) => {
                self.fetcher.on_fetched(&asked, reply, positions, link);
            }
            (Ask::Reset(asked), Response::ListOffsets(reply)) => {
                self.offsets.on_listed(&asked, &reply, positions, link, turn);
            }
            (Ask::Validate(asked), Response::OffsetForLeaderEpoch(reply)) => {
                self.offsets.on_epoch_ends(&asked, &reply, positions, link, turn);
            }
            (Ask::Times(asked), Response::ListOffsets(reply)) => {
                self.on_times(&asked, &reply, turn)
            }
            (Ask::Coordinator, Response::FindCoordinator(reply)) => {
                if let Some(group) = &mut self.group
                    && !group.coordinator.on_found(reply, turn)
                {
                    group.on_not_found(turn);
                    link.request_update();
                }
            }
            (ask, response) => panic!("{:?} does not answer {ask:?}", response.api()),
        }
    }

    fn on_lost(&mut self, ask: Ask, turn: &mut Turn<'_>) {
        let (positions, link) = (&mut self.positions, &mut self.link);
        match ask {
            Ask::Fetch(_) => {} // fetched again as soon as there is a connection
            Ask::Times(asked) => {
                for (tp, _) in asked {
                    self.on_times_failed(tp, turn);
                }
            }
            Ask::Coordinator => {
                if let Some(group) = &mut self.group {
                    group.coordinator.on_lookup_failed(turn);
                    group.on_not_found(turn);
                }
            }
            Ask::Reset(asked) => {
                let partitions = asked.into_iter().map(|(tp, _)| tp);
                self.offsets.on_failed(partitions, positions, link, turn);
            }
            Ask::Validate(asked) => {
                let partitions = asked.into_iter().map(|(tp, _)| tp);
                self.offsets.on_failed(partitions, positions, link, turn);
            }
        }
    }
}

// Simplified: answers, timeouts and metadata are dealt with between polls too, as by the
// background thread of `group.protocol=consumer`; the classic consumer leaves them to the
// next `poll()`. Positions move and requests about partitions leave in `poll()` only.
impl Node for Consumer {
    fn on_start(&mut self, turn: &mut Turn<'_>) {
        self.link.start(turn);
    }

    fn on_connection(
        &mut self,
        connection: ConnectionId,
        event: ConnectionEvent,
        turn: &mut Turn<'_>,
    ) {
        if let Some(group) = &mut self.group
            && group.coordinator.owns(connection)
        {
            if let Some(event) = group.coordinator.on_connection(connection, event, turn) {
                self.on_coordinator(event, turn);
            }
        } else if let Some(event) = self.link.on_connection(connection, event, turn) {
            self.on_event(event, turn);
        }
        self.go_on(turn);
    }

    fn on_message(&mut self, connection: ConnectionId, message: Message, turn: &mut Turn<'_>) {
        if let Some(group) = &mut self.group
            && group.coordinator.owns(connection)
        {
            if let Some(event) = group.coordinator.on_message(connection, message) {
                self.on_coordinator(event, turn);
            }
        } else if let Some(event) = self.link.on_message(connection, message, turn) {
            self.on_event(event, turn);
        }
        self.go_on(turn);
    }

    fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        if self.activity == Activity::Closed {
            return;
        }
        for event in self.link.on_deadline(turn) {
            self.on_event(event, turn);
        }
        let group = self.group.as_mut();
        if let Some(event) = group.and_then(|group| group.coordinator.on_deadline(turn)) {
            self.on_coordinator(event, turn);
        }
        self.go_on(turn);
    }

    fn next_deadline(&self) -> Option<Time> {
        let link = self.link.next_deadline();
        let group = self.group.as_ref().and_then(|group| group.next_deadline(&self.activity));
        match self.activity {
            // While the listener or a commit goes on, `poll()` cannot return.
            Activity::Polling { .. } if self.is_interrupted() => earliest([group, link]),
            Activity::Idle => earliest([group, link]),
            Activity::Polling { until, retry_at } => earliest([Some(until), retry_at, group, link]),
            Activity::Times(_, at) => earliest([Some(at), group, link]),
            Activity::Closing { .. } if self.is_interrupted() => earliest([group, link]),
            Activity::Closing { until, .. } => earliest([Some(until), group, link]),
            Activity::Closed => None,
        }
    }
}

pub mod modern;
pub mod reconciler;

#[cfg(test)]
mod members;
#[cfg(test)]
mod pair;
#[cfg(test)]
mod tests;
