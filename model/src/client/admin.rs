//! An operator's console: creates topics, changes their settings, elects leaders.
//!
//! One request at a time, in the order asked, each repeated until it is answered.
//!
//! Simplified: it talks to the controller, as `bootstrap.controllers` allows (KIP-919), and
//! it never gives up; a scenario's steps are meant to happen.
//!
//! Source: `KafkaAdminClient`, Kafka 4.0.

use std::collections::VecDeque;

use crate::channel::{Backoff, Channel, ChannelConfig, ChannelEvent};
use crate::ids::{ConnectionId, NodeId};
use crate::message::cluster::{AlterTopicRequest, CreateTopicsRequest, ElectLeadersRequest};
use crate::message::{ErrorCode, Message, Remedy, Request, Response};
use crate::time::{Duration, Time};
use crate::turn::{ConnectionEvent, Node, Turn};

/// `default.api.timeout.ms` does not end a request here, but this ends one attempt.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// `retry.backoff.ms`.
const RETRY_BACKOFF: Duration = Duration::from_millis(100);

/// An operator's console.
#[derive(Clone, Debug, PartialEq)]
pub struct Admin {
    channel: Channel<()>,
    /// The first one is being asked for.
    wishes: VecDeque<Wish>,
    /// When the first wish may be sent again.
    retry_at: Time,
}

/// What an operator can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Create topics.
    CreateTopics(CreateTopicsRequest),
    /// Change the settings of a topic.
    AlterTopic(AlterTopicRequest),
    /// Elect leaders.
    ElectLeaders(ElectLeadersRequest),
}

impl Admin {
    /// Makes a console that has nothing to ask.
    pub fn new(controller: NodeId) -> Admin {
        let config = ChannelConfig {
            reconnect: Backoff {
                first: Duration::from_millis(50),
                max: Duration::from_millis(1_000),
            },
            setup: Backoff { first: Duration::from_secs(10), max: Duration::from_secs(30) },
            in_flight_max: 1,
        };
        let channel = Channel::new(controller, config);
        Admin { channel, wishes: VecDeque::new(), retry_at: Time::ZERO }
    }

    /// Asks for something, after everything that was asked for before.
    pub fn ask(&mut self, wish: Wish, turn: &mut Turn<'_>) {
        self.wishes.push_back(wish);
        self.go_on(turn);
    }

    /// Says whether everything asked for has been answered.
    pub fn is_idle(&self) -> bool {
        self.wishes.is_empty()
    }

    fn go_on(&mut self, turn: &mut Turn<'_>) {
        if self.wishes.is_empty() || turn.now < self.retry_at || self.channel.is_connecting() {
            return;
        }
        if !self.channel.is_open() {
            self.channel.connect(turn);
            return;
        }
        if self.channel.is_ready() {
            let request = self.wishes[0].request();
            self.channel.send(request, REQUEST_TIMEOUT, (), turn);
        }
    }

    fn on_channel(&mut self, event: Option<ChannelEvent<()>>, turn: &mut Turn<'_>) {
        match event {
            None => return,
            Some(ChannelEvent::Response((), response)) => {
                if is_worth_repeating(&response) {
                    self.retry_at = turn.now + RETRY_BACKOFF;
                } else {
                    self.wishes.pop_front();
                }
            }
            Some(ChannelEvent::Ready | ChannelEvent::Lost(_)) => {}
        }
        self.go_on(turn);
    }
}

impl Wish {
    fn request(&self) -> Request {
        match self {
            Wish::CreateTopics(request) => Request::CreateTopics(request.clone()),
            Wish::AlterTopic(request) => Request::IncrementalAlterConfigs(request.clone()),
            Wish::ElectLeaders(request) => Request::ElectLeaders(request.clone()),
        }
    }
}

impl Node for Admin {
    fn on_start(&mut self, turn: &mut Turn<'_>) {
        self.go_on(turn);
    }

    fn on_connection(
        &mut self,
        connection: ConnectionId,
        event: ConnectionEvent,
        turn: &mut Turn<'_>,
    ) {
        let event = self.channel.on_connection(connection, event, turn);
        self.on_channel(event, turn);
    }

    fn on_message(&mut self, connection: ConnectionId, message: Message, turn: &mut Turn<'_>) {
        let Message::Response(correlation, response) = message else {
            panic!("an admin client serves nobody");
        };
        let event = self.channel.on_response(connection, correlation, response);
        self.on_channel(event, turn);
    }

    fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        let event = self.channel.on_deadline(turn);
        self.on_channel(event, turn);
        self.go_on(turn);
    }

    fn next_deadline(&self) -> Option<Time> {
        if self.wishes.is_empty() {
            return None;
        }
        // A wish waits for an answer, for a connection, or for the end of a pause.
        self.channel.next_deadline().or_else(|| {
            let paused_until = self.channel.backing_off_until(Time::ZERO).unwrap_or(Time::ZERO);
            Some(self.retry_at.max(paused_until))
        })
    }
}

/// Says whether the same request may fare better later. What was done in part is not done
/// twice: the controller answers TOPIC_ALREADY_EXISTS, which is final.
fn is_worth_repeating(response: &Response) -> bool {
    let retriable = |error: ErrorCode| match error.remedy() {
        Remedy::GiveUp => false,
        Remedy::Retry | Remedy::RefreshAndRetry => true,
    };
    let failed = |outcome: &Result<(), ErrorCode>| outcome.err().is_some_and(retriable);
    match response {
        Response::CreateTopics(reply) => reply.topics.iter().any(|(_, done)| failed(done)),
        Response::IncrementalAlterConfigs(reply) => failed(&reply.done),
        // What became of each partition is the result, good or bad
        // (`KafkaAdminClient.electLeaders`).
        Response::ElectLeaders(_) => false,
        _ => panic!("an answer to no admin request"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Rng;
    use crate::ids::{ClientId, TopicId, TopicPartition};
    use crate::message::Correlation;
    use crate::message::cluster::{CreateTopicsReply, ElectLeadersReply, ElectionKind};
    use crate::time::Timestamp;
    use crate::turn::{Effect, Outbox};

    const CONTROLLER: NodeId = NodeId::Controller(1);

    #[test]
    fn a_wish_is_sent_once_connected_and_forgotten_once_answered() {
        let mut bench = Bench::new();
        bench.ask();

        let sent = bench.open();
        let left = bench.answer(Ok(()));

        assert_eq!(sent, 1);
        assert_eq!(left, 0);
        assert!(bench.admin.is_idle());
    }

    #[test]
    fn a_retriable_error_repeats_the_wish_after_the_backoff() {
        let mut bench = Bench::new();
        bench.ask();
        bench.open();

        let at_once = bench.answer(Err(ErrorCode::RequestTimedOut));
        let due = bench.admin.next_deadline();
        bench.now += RETRY_BACKOFF;
        let later = bench.turn(|admin, turn| admin.on_deadline(turn));

        assert_eq!(at_once, 0);
        assert_eq!(due, Some(Time::ZERO + RETRY_BACKOFF));
        assert_eq!(later, 1);
    }

    #[test]
    fn an_election_that_is_refused_is_not_repeated() {
        let mut bench = Bench::new();
        let (kind, partitions) = (ElectionKind::Preferred, vec![TopicPartition::default()]);
        let wish = Wish::ElectLeaders(ElectLeadersRequest { kind, partitions });
        bench.turn(|admin, turn| admin.ask(wish, turn));
        bench.open();

        let connection = bench.connection(0);
        let refused = Err(ErrorCode::PreferredLeaderNotAvailable);
        let reply = ElectLeadersReply { partitions: vec![(TopicPartition::default(), refused)] };
        let answer = Message::Response(Correlation(0), Response::ElectLeaders(reply));
        bench.turn(|admin, turn| admin.on_message(connection, answer, turn));

        assert!(bench.admin.is_idle());
    }

    #[test]
    fn a_refused_connection_is_tried_again() {
        let mut bench = Bench::new();
        bench.ask();
        let connection = bench.connection(0);
        bench.turn(|admin, turn| {
            admin.on_connection(connection, ConnectionEvent::Refused, turn);
        });

        bench.now = bench.admin.next_deadline().unwrap();
        bench.turn(|admin, turn| admin.on_deadline(turn));

        assert_eq!(bench.out.effects, [Effect::Connect(bench.connection(1))]);
    }

    struct Bench {
        admin: Admin,
        now: Time,
        rng: Rng,
        out: Outbox,
    }

    impl Bench {
        fn new() -> Bench {
            let out = Outbox::new(NodeId::Client(ClientId(0)));
            let (admin, rng) = (Admin::new(CONTROLLER), Rng::fork(1, "admin"));
            Bench { admin, now: Time::ZERO, rng, out }
        }

        fn connection(&self, ordinal: u32) -> ConnectionId {
            ConnectionId { client: self.out.node, server: CONTROLLER, ordinal }
        }

        /// Returns how many requests left.
        fn turn(&mut self, act: impl FnOnce(&mut Admin, &mut Turn<'_>)) -> usize {
            self.out.effects.clear();
            let (rng, out) = (&mut self.rng, &mut self.out);
            let mut turn = Turn { now: self.now, wall: Timestamp(0), rng, out };
            act(&mut self.admin, &mut turn);
            let sends = |effect: &&Effect| matches!(effect, Effect::Send(..));
            self.out.effects.iter().filter(sends).count()
        }

        fn ask(&mut self) {
            let wish = Wish::CreateTopics(CreateTopicsRequest { topics: Vec::new() });
            self.turn(|admin, turn| admin.ask(wish, turn));
        }

        fn open(&mut self) -> usize {
            let connection = self.connection(0);
            self.turn(|admin, turn| {
                admin.on_connection(connection, ConnectionEvent::Opened, turn);
            })
        }

        fn answer(&mut self, done: Result<(), ErrorCode>) -> usize {
            let connection = self.connection(0);
            let reply = CreateTopicsReply { topics: vec![(TopicId(0), done)] };
            let answer = Message::Response(Correlation(0), Response::CreateTopics(reply));
            self.turn(|admin, turn| admin.on_message(connection, answer, turn))
        }
    }
}
