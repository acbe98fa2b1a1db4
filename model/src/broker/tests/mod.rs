//! Brokers with their controller, messages passed by hand.

mod failover;
mod fetch;
mod groups;
mod life;
mod produce;
mod removal;
mod replication;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::chance::Rng;
use crate::config::{ControllerConfig, TopicConfig};
use crate::controller::Controller;
use crate::fact::Fact;
use crate::ids::{ClientId, LeaderEpoch, TopicId, Uid};
use crate::image::PartitionRegistration;
use crate::log::batch::{Batch, Record};
use crate::message::cluster::{CreateTopicsRequest, NewTopic, TopicLayout};
use crate::message::data::{
    Acks, FetchPartition, FetchRequest, FetchedPartition, Isolation, ProduceOutcome, ProduceRequest,
};
use crate::partition::leader::Leader;
use crate::time::Timestamp;
use crate::turn::{Effect, Outbox};

const PARTITION: TopicPartition = TopicPartition { topic: TopicId(0), partition: 0 };
const CONTROLLER: NodeId = NodeId::Controller(1);
const CLIENT: NodeId = NodeId::Client(ClientId(0));
/// How long a message takes.
const DELAY: Duration = Duration::from_millis(1);

/// What is on its way to a node.
#[derive(Clone)]
enum Delivery {
    Event(ConnectionEvent),
    Message(Message),
}

/// A controller, brokers, and one client that the test speaks for.
struct Cluster {
    now: Time,
    /// What every node's clock shows.
    wall: Timestamp,
    rules: Rules,
    rng: Rng,
    controller: Controller,
    up: BTreeMap<BrokerId, Broker>,
    down: BTreeMap<BrokerId, BrokerDisk>,
    lives: u32,
    outboxes: BTreeMap<NodeId, Outbox>,
    /// By moment of arrival, then in order of sending.
    wire: BTreeMap<(Time, u32), (NodeId, ConnectionId, Delivery)>,
    sent: u32,
    open: BTreeSet<ConnectionId>,
    /// Between these nothing passes: it waits for the cut to heal.
    cut: Vec<(NodeId, NodeId)>,
    held: Vec<(NodeId, ConnectionId, Delivery)>,
    facts: Vec<Fact>,
    /// What the client got.
    answers: BTreeMap<(ConnectionId, Correlation), Response>,
}

/// A request of the client.
type Call = (ConnectionId, Correlation);

impl Cluster {
    /// Brokers 1 to `count`, running, and a topic of one partition on all of them.
    fn with(count: u8, config: TopicConfig, rules: Rules) -> Cluster {
        let mut cluster = Cluster {
            now: Time::ZERO,
            wall: Timestamp(0),
            rules,
            rng: Rng::fork(1, "cluster"),
            controller: Controller::new(1, ControllerConfig::default(), Rules::default()),
            up: BTreeMap::new(),
            down: BTreeMap::new(),
            lives: 0,
            outboxes: BTreeMap::new(),
            wire: BTreeMap::new(),
            sent: 0,
            open: BTreeSet::new(),
            cut: Vec::new(),
            held: Vec::new(),
            facts: Vec::new(),
            answers: BTreeMap::new(),
        };
        cluster.turn(CONTROLLER, |node, turn| node.on_start(turn));
        for id in 1..=count {
            cluster.down.insert(b(id), BrokerDisk::default());
            cluster.start(id);
        }
        cluster.pass(Duration::from_secs(1));
        let layout = TopicLayout::Manual(vec![(1..=count).map(b).collect()]);
        let topic = NewTopic { id: TopicId(0), name: "topic".into(), layout, config };
        let request = CreateTopicsRequest { topics: vec![topic] };
        cluster.ask(CONTROLLER, 0, Request::CreateTopics(request));
        cluster.pass(Duration::from_secs(1));
        cluster
    }

    fn start(&mut self, id: u8) {
        self.lives += 1;
        let setup = BrokerSetup {
            id: b(id),
            incarnation: Incarnation(self.lives),
            rack: None,
            config: BrokerConfig::default(),
            log_defaults: Vec::new(),
            session_timeout: ControllerConfig::default().session_timeout,
            rules: self.rules,
            controller: CONTROLLER,
        };
        let disk = self.down.remove(&b(id)).expect("it is down");
        self.up.insert(b(id), Broker::new(setup, disk));
        self.turn(NodeId::Broker(b(id)), |node, turn| node.on_start(turn));
    }

    fn crash(&mut self, id: u8) {
        let broker = self.up.remove(&b(id)).expect("it is up");
        self.down.insert(b(id), broker.into_disk());
        let node = NodeId::Broker(b(id));
        let ours = |it: &ConnectionId| it.client == node || it.server == node;
        for connection in self.open.clone().into_iter().filter(ours) {
            self.hang_up(connection, node);
        }
    }

    fn shut_down(&mut self, id: u8) {
        let mut broker = self.up.remove(&b(id)).expect("it is up");
        self.with_turn(NodeId::Broker(b(id)), self.now, |turn| broker.shut_down(turn));
        self.up.insert(b(id), broker);
        self.carry(NodeId::Broker(b(id)));
    }

    fn cut(&mut self, one: NodeId, other: NodeId) {
        self.cut.push((one, other));
    }

    fn heal(&mut self) {
        self.cut.clear();
        for (to, connection, delivery) in std::mem::take(&mut self.held) {
            self.send(connection, connection.peer(to), delivery);
        }
    }

    fn is_cut(&self, one: NodeId, other: NodeId) -> bool {
        self.cut.contains(&(one, other)) || self.cut.contains(&(other, one))
    }

    /// Sends a request of the client, on its `ordinal`th connection to a node.
    fn ask(&mut self, server: NodeId, ordinal: u32, request: Request) -> Call {
        let connection = ConnectionId { client: CLIENT, server, ordinal };
        self.open.insert(connection);
        let correlation = Correlation(self.sent);
        self.send(connection, CLIENT, Delivery::Message(Message::Request(correlation, request)));
        (connection, correlation)
    }

    /// Produces one record with this uid.
    fn produce(&mut self, to: u8, uid: u32, acks: Acks) -> Call {
        let timestamp = Timestamp(0);
        let record = Record { uid: Uid(uid), key: None, value: Some(10), headers: 0, timestamp };
        let batch = Arc::new(Batch::new(vec![record], None));
        let timeout = Duration::from_secs(30);
        let request = ProduceRequest { acks, timeout, partitions: vec![(PARTITION, batch)] };
        self.ask(NodeId::Broker(b(to)), 0, Request::Produce(request))
    }

    /// Reads from the start, on the `ordinal`th connection.
    fn consume(&mut self, from: u8, ordinal: u32, epoch: LeaderEpoch) -> Call {
        let wanted = FetchPartition {
            partition: PARTITION,
            current_leader_epoch: Some(epoch),
            offset: Offset(0),
            last_fetched_epoch: None,
            log_start: Offset(0),
            high_watermark: None,
            bytes_max: 1_000,
        };
        let request = FetchRequest {
            replica: None,
            wait_max: Duration::from_millis(500),
            bytes_min: 1_000,
            bytes_max: 1_000,
            isolation: Isolation::ReadUncommitted,
            partitions: vec![wanted],
            forgotten: None,
        };
        self.ask(node(from), ordinal, Request::Fetch(request))
    }

    /// Returns what the client has read.
    fn fetched(&self, call: Call) -> &FetchedPartition {
        match &self.answers[&call] {
            Response::Fetch(reply) => &reply.partitions[0],
            other => panic!("{other:?}"),
        }
    }

    /// Returns what became of a produced record, if the client knows.
    fn outcome(&self, call: Call) -> Option<&ProduceOutcome> {
        match self.answers.get(&call)? {
            Response::Produce(reply) => Some(&reply.partitions[0]),
            other => panic!("{other:?}"),
        }
    }

    fn error(&self, call: Call) -> Option<ErrorCode> {
        self.outcome(call).map(|outcome| outcome.error)
    }

    fn registration(&self) -> PartitionRegistration {
        self.controller.image().partition(PARTITION).expect("the topic was made").clone()
    }

    fn leader(&self, id: u8) -> &Leader {
        match &self.up[&b(id)].partitions[&PARTITION].role {
            Role::Leader(leader) => leader,
            other => panic!("{other:?}"),
        }
    }

    fn log(&self, id: u8) -> &Log {
        self.up[&b(id)].log(PARTITION).expect("it is a replica")
    }

    /// Returns the records in a broker's log, by uid.
    fn records(&self, id: u8) -> Vec<u32> {
        let batches = self.log(id).batches().flat_map(|batch| batch.records.list());
        batches.map(|record| record.uid.0).collect()
    }

    fn count(&self, wanted: impl Fn(&Fact) -> bool) -> usize {
        self.facts.iter().filter(|fact| wanted(fact)).count()
    }

    fn pass(&mut self, length: Duration) {
        let end = self.now + length;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until something holds.
    fn wait(&mut self, limit: Duration, until: impl Fn(&Cluster) -> bool) {
        let end = self.now + limit;
        while !until(self) {
            assert!(self.step(end), "it did not happen within {limit}");
        }
    }

    /// Lets the next thing happen that is due by `end`; says whether there was one.
    fn step(&mut self, end: Time) -> bool {
        let due = |(&id, broker): (&BrokerId, &Broker)| {
            broker.next_deadline().map(|at| (at, NodeId::Broker(id)))
        };
        let controller = self.controller.next_deadline().map(|at| (at, CONTROLLER));
        let timer = self.up.iter().filter_map(due).chain(controller).min();
        let arrival = self.wire.keys().next().copied();
        match (arrival, timer) {
            (Some(place), _) if place.0 <= end && timer.is_none_or(|(at, _)| place.0 <= at) => {
                self.now = self.now.max(place.0);
                let (node, connection, delivery) = self.wire.remove(&place).expect("just seen");
                self.arrive(node, connection, delivery);
            }
            (_, Some((at, node))) if at <= end => {
                self.now = self.now.max(at);
                self.turn(node, |node, turn| node.on_deadline(turn));
            }
            _ => return false,
        }
        true
    }

    fn arrive(&mut self, node: NodeId, connection: ConnectionId, delivery: Delivery) {
        match (node, delivery) {
            (CLIENT, Delivery::Message(Message::Response(correlation, response))) => {
                self.answers.insert((connection, correlation), response);
            }
            (CLIENT, _) => {}
            (NodeId::Broker(id), _) if !self.up.contains_key(&id) => {}
            // Whoever has hung up hears nothing more.
            (_, Delivery::Message(_)) if !self.open.contains(&connection) => {}
            (_, Delivery::Message(message)) => {
                self.turn(node, |node, turn| node.on_message(connection, message, turn));
            }
            (_, Delivery::Event(event)) => {
                self.turn(node, |node, turn| node.on_connection(connection, event, turn));
            }
        }
    }

    fn turn(&mut self, node: NodeId, act: impl FnOnce(&mut dyn Node, &mut Turn<'_>)) {
        match node {
            NodeId::Broker(id) => {
                let mut broker = self.up.remove(&id).expect("it is up");
                self.with_turn(node, self.now, |turn| act(&mut broker, turn));
                self.check_deadline(&broker);
                self.up.insert(id, broker);
            }
            _ => {
                let idle = Controller::new(1, ControllerConfig::default(), Rules::default());
                let mut controller = std::mem::replace(&mut self.controller, idle);
                self.with_turn(node, self.now, |turn| act(&mut controller, turn));
                self.controller = controller;
            }
        }
        self.carry(node);
    }

    fn with_turn(&mut self, node: NodeId, now: Time, act: impl FnOnce(&mut Turn<'_>)) {
        let out = self.outboxes.entry(node).or_insert_with(|| Outbox::new(node));
        act(&mut Turn { now, wall: self.wall, rules: self.rules, rng: &mut self.rng, out });
    }

    /// Checks that the broker wants to be woken for a reason: otherwise the world would wake
    /// it for ever at one moment.
    fn check_deadline(&self, broker: &Broker) {
        let Some(at) = broker.next_deadline() else { return };
        let (mut later, mut rng) = (broker.clone(), self.rng.clone());
        let mut out = Outbox::new(NodeId::Broker(broker.setup.id));
        let now = at.max(self.now);
        let mut turn =
            Turn { now, wall: self.wall, rules: self.rules, rng: &mut rng, out: &mut out };
        later.on_deadline(&mut turn);
        assert!(later != *broker || !out.effects.is_empty(), "woken for nothing at {now}");
        let is_leaving = out.effects.contains(&Effect::Exit);
        assert!(is_leaving || later.next_deadline().is_none_or(|next| now < next), "busy at {now}");
    }

    /// Carries out what a turn has asked for.
    fn carry(&mut self, node: NodeId) {
        let out = self.outboxes.get_mut(&node).expect("it has just had a turn");
        self.facts.append(&mut out.facts);
        for effect in std::mem::take(&mut out.effects) {
            match effect {
                Effect::Connect(connection) => self.connect(connection),
                Effect::Send(connection, message) => {
                    self.send(connection, node, Delivery::Message(*message));
                }
                Effect::Close(connection) => self.hang_up(connection, node),
                Effect::Exit => {
                    let NodeId::Broker(id) = node else { panic!("only brokers leave") };
                    self.crash(id.0);
                }
                Effect::Disk(_) => {}
                Effect::Return(returned) => panic!("no application owns a broker: {returned:?}"),
            }
        }
    }

    fn connect(&mut self, connection: ConnectionId) {
        let is_up = match connection.server {
            NodeId::Broker(id) => self.up.contains_key(&id),
            _ => true,
        };
        if is_up {
            self.open.insert(connection);
        }
        let event = if is_up { ConnectionEvent::Opened } else { ConnectionEvent::Refused };
        self.send(connection, connection.server, Delivery::Event(event));
    }

    fn hang_up(&mut self, connection: ConnectionId, node: NodeId) {
        self.send(connection, node, Delivery::Event(ConnectionEvent::Closed));
        self.open.remove(&connection);
    }

    fn send(&mut self, connection: ConnectionId, from: NodeId, delivery: Delivery) {
        let to = connection.peer(from);
        if self.is_cut(from, to) {
            self.held.push((to, connection, delivery));
        } else {
            let place = (self.now + DELAY, self.sent);
            self.wire.insert(place, (to, connection, delivery));
        }
        self.sent += 1;
    }
}

fn b(id: u8) -> BrokerId {
    BrokerId(id)
}

fn node(id: u8) -> NodeId {
    NodeId::Broker(b(id))
}

fn min_isr(min_insync_replicas: u16) -> TopicConfig {
    TopicConfig { min_insync_replicas, ..TopicConfig::default() }
}
