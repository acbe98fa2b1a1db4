//! One client's end of its connection to one server: connecting, requests in flight,
//! timeouts, reconnect back-off.
//!
//! Kafka's clients, the replica fetchers and the brokers' link to the controller all talk
//! through this. Any request that times out closes the connection, and with it all others
//! in flight, oldest first.
//!
//! Source: `NetworkClient`, `ClusterConnectionStates`, `InFlightRequests`, Kafka 4.0.
//! Left out: ApiVersions (all nodes speak the same version), throttling, idle disconnects.

use std::collections::VecDeque;

use crate::chance::Rng;
use crate::ids::{ConnectionId, NodeId};
use crate::message::{Correlation, Message, Request, Response};
use crate::time::{Duration, Time};
use crate::turn::{ConnectionEvent, Turn};

/// How a channel behaves; each owner fills it from its own settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelConfig {
    /// Pause before reconnecting.
    pub reconnect: Backoff,
    /// How long a connection may take to open.
    pub setup: Backoff,
    /// Requests in flight at most.
    pub in_flight_max: usize,
}

/// Kafka's exponential back-off: `min(floor(U(1-j, 1+j) * first * 2^attempt), max)`.
///
/// Source: `ExponentialBackoff`, Kafka 4.0. Jitter comes before the cap; without room to
/// grow (`max <= first`) the pause is `min(first, max)` without jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause, before jitter.
    pub first: Duration,
    /// The longest pause.
    pub max: Duration,
}

/// A connection with its requests, as its client sees it. `T` is what the owner wants back
/// with the response.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel<T> {
    server: NodeId,
    config: ChannelConfig,
    state: State,
    /// Failed attempts to connect in a row.
    failures: u32,
    next_correlation: u32,
    /// Invariant: in the order of sending; none without an open connection.
    in_flight: VecDeque<InFlight<T>>,
    /// When the connection attempt or the oldest request runs out of time; `Time::MAX` if there
    /// is neither. Asked for far more often than it changes.
    deadline: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No connection; none may be tried before `until`.
    Down { until: Time },
    /// Waiting for the server to accept.
    Connecting { connection: ConnectionId },
    /// Usable.
    Ready { connection: ConnectionId },
}

#[derive(Clone, Debug, PartialEq)]
struct InFlight<T> {
    correlation: Correlation,
    deadline: Time,
    tag: T,
}

/// What a channel tells its owner.
#[derive(Clone, Debug, PartialEq)]
pub enum ChannelEvent<T> {
    /// The connection can be used.
    Ready,
    /// A response came for the request tagged so.
    Response(T, Response),
    /// The connection is gone; these requests were in flight, oldest first.
    Lost(Vec<T>),
}

impl Backoff {
    /// Draws the pause after `attempt` failures beyond the first (0 for the first).
    pub fn pause(self, attempt: u32, rng: &mut Rng) -> Duration {
        self.with_jitter(attempt, 800_000 + rng.below(400_001))
    }

    /// Returns the pause for a jitter of `millionths`, from 800000 to 1200000.
    pub fn with_jitter(self, attempt: u32, millionths: u64) -> Duration {
        if self.max <= self.first {
            return self.max;
        }
        // Whole milliseconds, as Kafka counts; the exponent is capped where the ceiling is.
        let (first, max) = (self.first.as_millis(), self.max.as_millis());
        let grown = u128::from(first) << attempt.min(40);
        let term = grown.min(u128::from(max)) * u128::from(millionths) / 1_000_000;
        Duration::from_millis((term as u64).min(max))
    }
}

impl<T> Channel<T> {
    /// Makes a channel that has never been connected.
    pub fn new(server: NodeId, config: ChannelConfig) -> Channel<T> {
        Channel {
            server,
            config,
            state: State::Down { until: Time::ZERO },
            failures: 0,
            next_correlation: 0,
            in_flight: VecDeque::new(),
            deadline: Time::MAX,
        }
    }

    /// Returns whom this channel leads to.
    pub fn server(&self) -> NodeId {
        self.server
    }

    /// Says whether the connection is open.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Ready { .. })
    }

    /// Says whether a request may be sent right away.
    pub fn is_ready(&self) -> bool {
        self.is_open() && self.in_flight.len() < self.config.in_flight_max
    }

    /// Says whether `connection` is this channel's current one.
    pub fn owns(&self, connection: ConnectionId) -> bool {
        match self.state {
            State::Down { .. } => false,
            State::Connecting { connection: own } | State::Ready { connection: own } => {
                own == connection
            }
        }
    }

    /// Returns how many requests are in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Returns the tags of the requests in flight, oldest first.
    pub fn pending(&self) -> impl Iterator<Item = &T> {
        self.in_flight.iter().map(|request| &request.tag)
    }

    /// Returns until when reconnecting is held back, if it is.
    pub fn backing_off_until(&self, now: Time) -> Option<Time> {
        match self.state {
            State::Down { until } if now < until => Some(until),
            _ => None,
        }
    }

    /// Returns the earliest moment at which [`Channel::connect`] does something, if it is down.
    pub fn reconnect_at(&self) -> Option<Time> {
        match self.state {
            State::Down { until } => Some(until),
            State::Connecting { .. } | State::Ready { .. } => None,
        }
    }

    /// Says whether the channel is being opened.
    pub fn is_connecting(&self) -> bool {
        matches!(self.state, State::Connecting { .. })
    }

    /// Opens the connection unless it is open, being opened or held back.
    pub fn connect(&mut self, turn: &mut Turn<'_>) {
        let State::Down { until } = self.state else { return };
        if turn.now < until {
            return;
        }
        let connection = turn.connect(self.server);
        let deadline = turn.now + self.config.setup.pause(self.failures, turn.rng);
        self.state = State::Connecting { connection };
        self.deadline = deadline;
    }

    /// Sends a request and expects a response before `timeout` is over.
    ///
    /// # Panics
    /// If the channel is not ready.
    pub fn send(&mut self, request: Request, timeout: Duration, tag: T, turn: &mut Turn<'_>) {
        let connection = self.connection_for_sending();
        let correlation = self.correlate();
        turn.send(connection, Message::Request(correlation, request));
        self.in_flight.push_back(InFlight { correlation, deadline: turn.now + timeout, tag });
        self.note_oldest();
    }

    /// Sends a request that nobody answers (`acks=0`).
    ///
    /// # Panics
    /// If the channel is not ready.
    pub fn send_without_answer(&mut self, request: Request, turn: &mut Turn<'_>) {
        let connection = self.connection_for_sending();
        let correlation = self.correlate();
        turn.send(connection, Message::Request(correlation, request));
    }

    /// Takes in what happened to the connection; `None` if it is not ours or no news.
    pub fn on_connection(
        &mut self,
        connection: ConnectionId,
        event: ConnectionEvent,
        turn: &mut Turn<'_>,
    ) -> Option<ChannelEvent<T>> {
        if !self.owns(connection) {
            return None;
        }
        match event {
            ConnectionEvent::Opened => {
                self.failures = 0;
                self.state = State::Ready { connection };
                self.note_oldest();
                Some(ChannelEvent::Ready)
            }
            ConnectionEvent::Refused | ConnectionEvent::Closed => Some(self.lose(turn)),
        }
    }

    /// Takes in a response; `None` if it is late or not ours.
    pub fn on_response(
        &mut self,
        connection: ConnectionId,
        correlation: Correlation,
        response: Response,
    ) -> Option<ChannelEvent<T>> {
        if !self.owns(connection) {
            return None;
        }
        // A server answers in order, so it is the oldest; rules that drop a response make gaps.
        let place = self.in_flight.iter().position(|request| request.correlation == correlation)?;
        let request = self.in_flight.remove(place).expect("the place was just found");
        self.note_oldest();
        Some(ChannelEvent::Response(request.tag, response))
    }

    /// Gives up on a connection that does not open or a request that is not answered.
    pub fn on_deadline(&mut self, turn: &mut Turn<'_>) -> Option<ChannelEvent<T>> {
        (self.deadline <= turn.now).then(|| self.disconnect(turn))
    }

    /// Closes the connection; its requests are lost.
    pub fn disconnect(&mut self, turn: &mut Turn<'_>) -> ChannelEvent<T> {
        if let State::Connecting { connection } | State::Ready { connection } = self.state {
            turn.close(connection);
        }
        self.lose(turn)
    }

    /// Returns when the connection attempt or the oldest request runs out of time. Reconnecting
    /// after a back-off is the owner's wish: see [`Channel::backing_off_until`].
    pub fn next_deadline(&self) -> Option<Time> {
        Some(self.deadline).filter(|at| *at != Time::MAX)
    }

    /// Looks up, while the connection is open, when the oldest request runs out of time.
    fn note_oldest(&mut self) {
        self.deadline = self.in_flight.front().map_or(Time::MAX, |oldest| oldest.deadline);
    }

    fn lose(&mut self, turn: &mut Turn<'_>) -> ChannelEvent<T> {
        let until = turn.now + self.config.reconnect.pause(self.failures, turn.rng);
        self.failures += 1;
        self.state = State::Down { until };
        self.deadline = Time::MAX;
        ChannelEvent::Lost(self.in_flight.drain(..).map(|request| request.tag).collect())
    }

    fn connection_for_sending(&self) -> ConnectionId {
        let State::Ready { connection } = self.state else {
            panic!("a request needs an open connection");
        };
        connection
    }

    fn correlate(&mut self) -> Correlation {
        let correlation = Correlation(self.next_correlation);
        self.next_correlation = self.next_correlation.wrapping_add(1);
        correlation
    }
}
