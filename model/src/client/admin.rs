//! An operator's console: creates topics, adds partitions, changes settings, elects leaders,
//! deletes records, moves the offsets of groups.
//!
//! One request at a time, in the order asked, each repeated until it is answered.
//!
//! Simplified: it talks to the controller where that can be, as `bootstrap.controllers` allows
//! (KIP-919), and asks brokers only for what partition leaders and group coordinators do. It never
//! gives up; a scenario's steps are meant to happen.
//!
//! Source: `KafkaAdminClient`, Kafka 4.0.

use std::collections::{BTreeMap, VecDeque};

use crate::channel::{Backoff, Channel, ChannelConfig, ChannelEvent};
use crate::ids::{BrokerId, ConnectionId, GroupId, NodeId, Offset, TopicId, TopicPartition};
use crate::message::cluster::{
    AlterTopicRequest, CreatePartitionsRequest, CreateTopicsRequest, ElectLeadersRequest,
};
use crate::message::data::{DeleteRecordsRequest, MetadataReply, MetadataRequest};
use crate::message::group::{FindCoordinatorRequest, OffsetAndMetadata, OffsetCommitRequest};
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
    controller: NodeId,
    /// Whom it asks for leaders and coordinators. Invariant: not empty.
    brokers: Vec<BrokerId>,
    /// Which of them comes next, modulo their number.
    next_broker: usize,
    /// Who leads the partition or coordinates the group that the first wish is about; `None`
    /// while unknown.
    leader: Option<BrokerId>,
    channels: BTreeMap<NodeId, Channel<()>>,
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
    /// Give a topic more partitions.
    CreatePartitions {
        /// The topic.
        topic: TopicId,
        /// How many it shall have in all.
        count: u16,
    },
    /// Change the settings of a topic.
    AlterTopic(AlterTopicRequest),
    /// Elect leaders.
    ElectLeaders(ElectLeadersRequest),
    /// Remove the oldest records of a partition.
    DeleteRecords {
        /// The partition.
        partition: TopicPartition,
        /// Where its log shall start; at most the high watermark.
        below: Offset,
    },
    /// Commit offsets of a group that has no members (`kafka-consumer-groups --reset-offsets`).
    CommitOffsets {
        /// The group.
        group: GroupId,
        /// Where it shall go on.
        offsets: Vec<(TopicPartition, OffsetAndMetadata)>,
    },
}

impl Admin {
    /// Makes a console that has nothing to ask. It knows one controller, and brokers, of which
    /// there is at least one.
    pub fn new(controller: NodeId, brokers: Vec<BrokerId>) -> Admin {
        assert!(!brokers.is_empty(), "a cluster has brokers");
        Admin {
            controller,
            brokers,
            next_broker: 0,
            leader: None,
            channels: BTreeMap::new(),
            wishes: VecDeque::new(),
            retry_at: Time::ZERO,
        }
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
        if turn.now < self.retry_at {
            return;
        }
        let Some(wish) = self.wishes.front() else { return };
        let request = wish.request(self.leader);
        let server = self.server_for(wish);
        let channel = self.channels.entry(server).or_insert_with(|| channel(server));
        if channel.is_ready() {
            channel.send(request, REQUEST_TIMEOUT, (), turn);
        } else {
            channel.connect(turn);
        }
    }

    /// Returns who is to be asked next about a wish.
    fn server_for(&self, wish: &Wish) -> NodeId {
        let any = self.brokers[self.next_broker % self.brokers.len()];
        match wish {
            Wish::DeleteRecords { .. } | Wish::CommitOffsets { .. } => {
                NodeId::Broker(self.leader.unwrap_or(any))
            }
            Wish::CreateTopics(_)
            | Wish::CreatePartitions { .. }
            | Wish::AlterTopic(_)
            | Wish::ElectLeaders(_) => self.controller,
        }
    }

    /// Returns the channel to whom the first wish waits for; all others are at rest.
    fn channel(&mut self) -> Option<&mut Channel<()>> {
        let server = self.server_for(self.wishes.front()?);
        self.channels.get_mut(&server)
    }

    fn on_channel(&mut self, event: Option<ChannelEvent<()>>, turn: &mut Turn<'_>) {
        match event {
            None => return,
            Some(ChannelEvent::Response((), Response::Metadata(reply))) => {
                self.leader = self.wishes.front().and_then(|wish| leader_in(&reply, wish));
                if self.leader.is_none() {
                    self.look_elsewhere(turn.now + RETRY_BACKOFF);
                }
            }
            Some(ChannelEvent::Response((), Response::FindCoordinator(reply))) => {
                self.leader = reply.coordinator.ok();
                if self.leader.is_none() {
                    self.look_elsewhere(turn.now + RETRY_BACKOFF);
                }
            }
            Some(ChannelEvent::Response((), response)) => {
                if is_worth_repeating(&response) {
                    self.look_elsewhere(turn.now + RETRY_BACKOFF);
                } else {
                    self.wishes.pop_front();
                    self.leader = None;
                }
            }
            Some(ChannelEvent::Lost(_)) => self.look_elsewhere(self.retry_at),
            Some(ChannelEvent::Ready) => {}
        }
        self.go_on(turn);
    }

    fn look_elsewhere(&mut self, retry_at: Time) {
        self.leader = None;
        self.next_broker += 1;
        self.retry_at = retry_at;
    }
}

impl Wish {
    /// Returns what to ask for next: what only a leader or coordinator can do begins with the
    /// question who that is.
    fn request(&self, leader: Option<BrokerId>) -> Request {
        match self {
            Wish::CreateTopics(request) => Request::CreateTopics(request.clone()),
            &Wish::CreatePartitions { topic, count } => {
                Request::CreatePartitions(CreatePartitionsRequest { topic, count })
            }
            Wish::AlterTopic(request) => Request::IncrementalAlterConfigs(request.clone()),
            Wish::ElectLeaders(request) => Request::ElectLeaders(request.clone()),
            &Wish::DeleteRecords { partition, below } => match leader {
                Some(_) => Request::DeleteRecords(DeleteRecordsRequest { partition, below }),
                None => Request::Metadata(MetadataRequest { topics: Some(vec![partition.topic]) }),
            },
            Wish::CommitOffsets { group, offsets } => match leader {
                Some(_) => Request::OffsetCommit(OffsetCommitRequest {
                    group: group.clone(),
                    generation: None,
                    member: None,
                    instance: None,
                    offsets: offsets.clone(),
                }),
                None => Request::FindCoordinator(FindCoordinatorRequest { group: group.clone() }),
            },
        }
    }
}

fn channel(server: NodeId) -> Channel<()> {
    let config = ChannelConfig {
        reconnect: Backoff { first: Duration::from_millis(50), max: Duration::from_millis(1_000) },
        setup: Backoff { first: Duration::from_secs(10), max: Duration::from_secs(30) },
        in_flight_max: 1,
    };
    Channel::new(server, config)
}

/// Returns who leads the partition that a wish is about.
fn leader_in(reply: &MetadataReply, wish: &Wish) -> Option<BrokerId> {
    let Wish::DeleteRecords { partition, .. } = wish else { return None };
    let (_, told) = reply.topics.iter().find(|(topic, _)| *topic == partition.topic)?;
    told.as_ref().ok()?.get(usize::from(partition.partition))?.leader
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
        let channel = self.channels.get_mut(&connection.server);
        let event = channel.and_then(|channel| channel.on_connection(connection, event, turn));
        self.on_channel(event, turn);
    }

    fn on_message(&mut self, connection: ConnectionId, message: Message, turn: &mut Turn<'_>) {
        let Message::Response(correlation, response) = message else {
            panic!("an admin client serves nobody");
        };
        let channel = self.channels.get_mut(&connection.server);
        let event =
            channel.and_then(|channel| channel.on_response(connection, correlation, response));
        self.on_channel(event, turn);
    }

    fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        let event = self.channel().and_then(|channel| channel.on_deadline(turn));
        self.on_channel(event, turn);
        self.go_on(turn);
    }

    fn next_deadline(&self) -> Option<Time> {
        let server = self.server_for(self.wishes.front()?);
        // A wish waits for an answer, for a connection, or for the end of a pause.
        let Some(channel) = self.channels.get(&server) else { return Some(self.retry_at) };
        channel.next_deadline().or_else(|| {
            let paused_until = channel.backing_off_until(Time::ZERO).unwrap_or(Time::ZERO);
            Some(self.retry_at.max(paused_until))
        })
    }
}

/// Says whether the same request may fare better later. What was done in part is not done
/// twice: the controller answers TOPIC_ALREADY_EXISTS or INVALID_PARTITIONS, which is final.
fn is_worth_repeating(response: &Response) -> bool {
    let retriable = |error: ErrorCode| match error.remedy() {
        Remedy::GiveUp => false,
        Remedy::Retry | Remedy::RefreshAndRetry => true,
    };
    let failed = |outcome: &Result<(), ErrorCode>| outcome.err().is_some_and(retriable);
    match response {
        Response::CreateTopics(reply) => reply.topics.iter().any(|(_, done)| failed(done)),
        Response::CreatePartitions(reply) => failed(&reply.done),
        Response::DeleteRecords(reply) => failed(&reply.done),
        Response::IncrementalAlterConfigs(reply) => failed(&reply.done),
        Response::OffsetCommit(reply) => {
            reply.partitions.iter().any(|(_, error)| retriable(*error))
        }
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
    use crate::ids::{ClientId, LeaderEpoch};
    use crate::message::Correlation;
    use crate::message::cluster::{CreateTopicsReply, ElectLeadersReply, ElectionKind};
    use crate::message::data::{DeleteRecordsReply, PartitionMetadata};
    use crate::rules::Rules;
    use crate::time::Timestamp;
    use crate::turn::{Effect, Outbox};

    const CONTROLLER: NodeId = NodeId::Controller(1);
    const B1: BrokerId = BrokerId(1);
    const B2: BrokerId = BrokerId(2);

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

    #[test]
    fn records_are_deleted_by_the_leader_once_somebody_has_told_who_that_is() {
        let partition = TopicPartition::default();
        let below = Offset(3);
        let mut bench = Bench::new();
        bench.turn(|admin, turn| admin.ask(Wish::DeleteRecords { partition, below }, turn));
        let asked = bench.connect_to(B1, 0, ConnectionEvent::Refused);
        assert_eq!(asked, []);

        let asked = bench.connect_to(B2, 1, ConnectionEvent::Opened);
        assert_eq!(asked, [Request::Metadata(MetadataRequest { topics: Some(vec![TopicId(0)]) })]);
        let told = PartitionMetadata {
            leader: Some(B2),
            leader_epoch: LeaderEpoch(0),
            replicas: vec![B2],
        };
        let reply = MetadataReply { brokers: vec![B2], topics: vec![(TopicId(0), Ok(vec![told]))] };
        let deletion = Request::DeleteRecords(DeleteRecordsRequest { partition, below });
        assert_eq!(bench.respond(B2, 1, 0, Response::Metadata(reply)), [deletion]);
        let done = Ok(());
        let reply = Response::DeleteRecords(DeleteRecordsReply { done });
        assert_eq!(bench.respond(B2, 1, 1, reply), []);

        assert!(bench.admin.is_idle());
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
            let (admin, rng) = (Admin::new(CONTROLLER, vec![B1, B2]), Rng::fork(1, "admin"));
            Bench { admin, now: Time::ZERO, rng, out }
        }

        fn connection(&self, ordinal: u32) -> ConnectionId {
            ConnectionId { client: self.out.node, server: CONTROLLER, ordinal }
        }

        /// Returns how many requests left.
        fn turn(&mut self, act: impl FnOnce(&mut Admin, &mut Turn<'_>)) -> usize {
            self.out.effects.clear();
            let (rng, out) = (&mut self.rng, &mut self.out);
            let (wall, rules) = (Timestamp(0), Rules::default());
            let mut turn = Turn { now: self.now, wall, rules, rng, out };
            act(&mut self.admin, &mut turn);
            let sends = |effect: &&Effect| matches!(effect, Effect::Send(..));
            self.out.effects.iter().filter(sends).count()
        }

        /// Returns what is asked for when a connection to a broker comes about, or fails.
        fn connect_to(
            &mut self,
            broker: BrokerId,
            ordinal: u32,
            event: ConnectionEvent,
        ) -> Vec<Request> {
            let server = NodeId::Broker(broker);
            let connection = ConnectionId { client: self.out.node, server, ordinal };
            self.turn(|admin, turn| admin.on_connection(connection, event, turn));
            self.requests()
        }

        /// Returns what is asked for after an answer.
        fn respond(
            &mut self,
            broker: BrokerId,
            ordinal: u32,
            correlation: u32,
            response: Response,
        ) -> Vec<Request> {
            let server = NodeId::Broker(broker);
            let connection = ConnectionId { client: self.out.node, server, ordinal };
            let message = Message::Response(Correlation(correlation), response);
            self.turn(|admin, turn| admin.on_message(connection, message, turn));
            self.requests()
        }

        fn requests(&self) -> Vec<Request> {
            let sent = self.out.effects.iter().filter_map(|effect| match effect {
                Effect::Send(_, message) => match message.as_ref() {
                    Message::Request(_, request) => Some(request.clone()),
                    Message::Response(..) => None,
                },
                _ => None,
            });
            sent.collect()
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
