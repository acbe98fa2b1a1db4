//! A consumer that was assigned its partitions by hand (`assign`, without `group.id`).
//!
//! `poll(timeout)` is where things happen: positions are repaired, buffered records handed
//! over, the next fetches sent. Answers that arrive in between are taken in but nothing
//! further is asked for until the next `poll()`.
//!
//! Source: `ClassicKafkaConsumer`, Kafka 4.0.
//! Left out: groups and commits (without `group.id` they do not exist), pausing, `wakeup`.

use crate::client::fetcher::Fetcher;
use crate::client::link::{Link, LinkConfig, LinkEvent};
use crate::client::offsets::{Ask, OffsetFetcher};
use crate::client::positions::{Positions, ResetTo};
use crate::config::ConsumerConfig;
use crate::fact::ResetCause;
use crate::ids::{BrokerId, ClientId, ConnectionId, Offset, TopicPartition};
use crate::message::{Message, Response};
use crate::time::{Duration, Time, earliest};
use crate::turn::{ConnectionEvent, Node, Returned, Turn};

/// A stand-alone consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct Consumer {
    poll_records_max: u32,
    link: Link<Ask>,
    positions: Positions,
    offsets: OffsetFetcher,
    fetcher: Fetcher,
    /// The version of the metadata against which all positions were checked.
    checked_version: u64,
    activity: Activity,
}

/// What the application has the consumer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    /// Nothing: it works on what it got.
    Idle,
    /// It waits in `poll()`.
    Polling {
        /// When `poll()` returns without records.
        until: Time,
        /// When a leader may be asked about a position again.
        retry_at: Option<Time>,
    },
    /// It has closed the consumer.
    Closed,
}

impl Consumer {
    /// Makes a consumer to which `assignment` was assigned and that has no positions yet.
    pub fn new(
        client: ClientId,
        config: ConsumerConfig,
        bootstrap: Vec<BrokerId>,
        assignment: Vec<TopicPartition>,
    ) -> Consumer {
        let mut link = Link::new(client, LinkConfig::from(&config), bootstrap);
        for tp in &assignment {
            link.add_topic(tp.topic);
        }
        Consumer {
            poll_records_max: config.poll_records_max,
            link,
            positions: Positions::new(client, config.offset_reset, assignment),
            offsets: OffsetFetcher::from(&config),
            fetcher: Fetcher::from(&config),
            checked_version: 0,
            activity: Activity::Idle,
        }
    }

    /// Returns once there are records, an error or `timeout` is over, by
    /// [`Returned::Polled`]. Buffered records are returned in the same turn.
    ///
    /// # Panics
    /// If the application already waits in `poll()`, or has closed the consumer.
    pub fn poll(&mut self, timeout: Duration, turn: &mut Turn<'_>) {
        assert_eq!(self.activity, Activity::Idle, "a consumer is used by one thread");
        self.activity = Activity::Polling { until: turn.now + timeout, retry_at: None };
        self.go_on(turn);
    }

    /// Moves the position of an assigned partition; records are read from `offset` on.
    pub fn seek(&mut self, tp: TopicPartition, offset: Offset, turn: &mut Turn<'_>) {
        self.positions.seek(tp, offset, self.link.metadata().leader(tp), turn);
    }

    /// Moves positions to the start of the log, by the next `poll()`; of no partitions means
    /// of all.
    pub fn seek_to_beginning(&mut self, partitions: &[TopicPartition]) {
        self.seek_to(partitions, ResetTo::Earliest);
    }

    /// Moves positions to the end of the log, by the next `poll()`; of no partitions means
    /// of all.
    pub fn seek_to_end(&mut self, partitions: &[TopicPartition]) {
        self.seek_to(partitions, ResetTo::Latest);
    }

    /// Returns the next record that the application gets; `None` while that is not certain.
    pub fn position(&self, tp: TopicPartition) -> Option<Offset> {
        self.positions.valid(tp).map(|position| position.offset)
    }

    /// Closes all connections and returns at once.
    pub fn close(&mut self, turn: &mut Turn<'_>) {
        self.link.close(turn);
        self.activity = Activity::Closed;
        turn.return_to_application(Returned::Closed);
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

    /// Goes round the loop in `poll()` once, if the application is in it.
    ///
    /// Source: `ClassicKafkaConsumer.poll`, `pollForFetches`, Kafka 4.0.
    fn go_on(&mut self, turn: &mut Turn<'_>) {
        let Activity::Polling { until, .. } = self.activity else { return };
        self.check_leaders();
        self.positions.reset_missing();
        if self.positions.has_failures() {
            self.positions.throw(turn);
            return self.return_records(0, turn);
        }
        let records =
            self.fetcher.collect(self.poll_records_max, &mut self.positions, &mut self.link, turn);
        // While the application works on these, the next ones are on their way.
        self.ask(turn);
        if 0 < records {
            return self.return_records(records, turn);
        }
        if self.positions.has_failures() {
            self.positions.throw(turn);
            return self.return_records(0, turn);
        }
        if until <= turn.now {
            return self.return_records(0, turn);
        }
        let retry_at = self.positions.next_retry(turn.now);
        self.activity = Activity::Polling { until, retry_at };
    }

    fn ask(&mut self, turn: &mut Turn<'_>) {
        self.offsets.ask_validations(&mut self.positions, &mut self.link, turn);
        self.offsets.ask_resets(&mut self.positions, &mut self.link, turn);
        self.fetcher.send_fetches(&self.positions, &mut self.link, turn);
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

    fn return_records(&mut self, records: u32, turn: &mut Turn<'_>) {
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
            (ask, response) => panic!("{:?} does not answer {ask:?}", response.api()),
        }
    }

    fn on_lost(&mut self, ask: Ask, turn: &mut Turn<'_>) {
        let (positions, link) = (&mut self.positions, &mut self.link);
        match ask {
            Ask::Fetch(_) => {} // fetched again as soon as there is a connection
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
        if let Some(event) = self.link.on_connection(connection, event, turn) {
            self.on_event(event, turn);
        }
        self.go_on(turn);
    }

    fn on_message(&mut self, connection: ConnectionId, message: Message, turn: &mut Turn<'_>) {
        if let Some(event) = self.link.on_message(connection, message, turn) {
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
        self.go_on(turn);
    }

    fn next_deadline(&self) -> Option<Time> {
        let link = self.link.next_deadline();
        match self.activity {
            Activity::Idle => link,
            Activity::Polling { until, retry_at } => earliest([Some(until), retry_at, link]),
            Activity::Closed => None,
        }
    }
}

#[cfg(test)]
mod pair;
#[cfg(test)]
mod tests;
