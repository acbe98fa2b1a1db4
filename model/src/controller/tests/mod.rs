//! The controller as brokers and operators meet it.

mod brokers;
mod log;
mod partitions;

use super::*;
use crate::chance::Rng;
use crate::config::TopicConfig;
use crate::fact::ChangeCause;
use crate::ids::{
    BrokerEpoch, BrokerId, Incarnation, LeaderEpoch, NodeId, PartitionEpoch, ProducerId,
    ReplicaSet, TopicId, TopicPartition,
};
use crate::image::{PartitionRegistration, Recovery};
use crate::message::cluster::{
    AlterPartitionRequest, BrokerRequest, CreatePartitionsRequest, ElectionKind,
    FetchMetadataReply, FetchMetadataRequest, HeartbeatState, IsrAccepted, IsrProposal, NewTopic,
    TopicLayout,
};
use crate::time::Timestamp;
use crate::turn::{Effect, Outbox};

const PARTITION: TopicPartition = TopicPartition { topic: TopicId(0), partition: 0 };

/// What a broker says in a heartbeat.
#[derive(Clone, Copy, PartialEq)]
enum Wish {
    Serve,
    Leave,
}

/// A controller with its surroundings: brokers and operators whose words are passed by hand.
struct Desk {
    controller: Controller,
    now: Time,
    rng: Rng,
    /// What the last turn asked of the world.
    effects: Vec<Effect>,
    facts: Vec<Fact>,
}

impl Desk {
    fn started() -> Desk {
        let config = ControllerConfig::default();
        let mut desk = Desk {
            controller: Controller::new(1, config, Rules::default()),
            now: Time::ZERO,
            rng: Rng::fork(1, "controller"),
            effects: Vec::new(),
            facts: Vec::new(),
        };
        desk.start();
        desk
    }

    fn with_brokers(count: u8) -> Desk {
        let mut desk = Desk::started();
        for id in 1..=count {
            desk.register(id, 1).expect("nobody else is there");
            desk.serve(id);
        }
        desk
    }

    fn with_topic(brokers: u8, replicas: &[u8], config: TopicConfig) -> Desk {
        let mut desk = Desk::with_brokers(brokers);
        let layout = TopicLayout::Manual(vec![replicas.iter().copied().map(b).collect()]);
        desk.create(0, "topic.0", layout, config).expect("the brokers are active");
        desk
    }

    fn turn<R>(&mut self, act: impl FnOnce(&mut Controller, &mut Turn<'_>) -> R) -> R {
        let mut out = Outbox::new(NodeId::Controller(1));
        let wall = Timestamp(0);
        let mut turn = Turn {
            now: self.now,
            wall,
            rules: Rules::default(),
            rng: &mut self.rng,
            out: &mut out,
        };
        let result = act(&mut self.controller, &mut turn);
        self.effects = out.effects;
        self.facts.extend(out.facts);
        result
    }

    fn start(&mut self) -> Vec<Fact> {
        let seen = self.facts.len();
        self.turn(|controller, turn| controller.on_start(turn));
        self.facts[seen..].to_vec()
    }

    /// Lets time pass, waking the controller whenever it wants; returns the facts.
    fn pass(&mut self, length: Duration) -> Vec<Fact> {
        let seen = self.facts.len();
        let end = self.now + length;
        let mut effects = Vec::new();
        while let Some(deadline) = self.controller.next_deadline().filter(|&at| at <= end) {
            self.now = self.now.max(deadline);
            self.turn(|controller, turn| controller.on_deadline(turn));
            effects.append(&mut self.effects);
        }
        self.effects = effects;
        self.now = end;
        self.facts[seen..].to_vec()
    }

    /// Lets time pass while these brokers send heartbeats, the last at the end.
    fn keep_alive(&mut self, brokers: &[u8], length: Duration) {
        let end = self.now + length;
        while self.now < end {
            self.pass((end - self.now).min(Duration::from_secs(2)));
            for &id in brokers {
                self.serve(id);
            }
        }
    }

    fn ask(&mut self, broker: u8, request: Request) -> Option<Response> {
        let message = Message::Request(Correlation(1), request);
        self.turn(|controller, turn| controller.on_message(connection(broker), message, turn));
        self.response_to(broker)
    }

    fn response_to(&self, broker: u8) -> Option<Response> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Send(to, message) if *to == connection(broker) => match message.as_ref() {
                Message::Response(_, response) => Some(response.clone()),
                Message::Request(..) => None,
            },
            _ => None,
        })
    }

    fn close(&mut self, broker: u8) {
        self.turn(|controller, turn| {
            controller.on_connection(connection(broker), ConnectionEvent::Closed, turn);
        });
    }

    fn register(&mut self, broker: u8, incarnation: u32) -> Result<BrokerEpoch, ErrorCode> {
        match self.ask(broker, registration(broker, incarnation)) {
            Some(Response::BrokerRegistration(reply)) => reply.epoch,
            other => panic!("{other:?}"),
        }
    }

    fn epoch(&self, broker: u8) -> BrokerEpoch {
        self.controller.image().brokers[&b(broker)].epoch
    }

    /// A broker that knows all records says that it serves.
    fn serve(&mut self, broker: u8) -> HeartbeatState {
        self.heartbeat(broker, Wish::Serve)
    }

    fn heartbeat(&mut self, broker: u8, wish: Wish) -> HeartbeatState {
        self.heartbeat_with(broker, self.epoch(broker), wish).expect("the epoch is current")
    }

    fn heartbeat_with(
        &mut self,
        broker: u8,
        epoch: BrokerEpoch,
        wish: Wish,
    ) -> Result<HeartbeatState, ErrorCode> {
        let last = self.controller.image().next.0 - 1;
        self.heartbeat_raw(HeartbeatRequest {
            broker: b(broker),
            epoch,
            metadata_offset: Some(MetadataOffset(last)),
            want_fence: false,
            want_shutdown: wish == Wish::Leave,
        })
    }

    fn heartbeat_raw(&mut self, request: HeartbeatRequest) -> Result<HeartbeatState, ErrorCode> {
        match self.ask(request.broker.0, Request::BrokerHeartbeat(request)) {
            Some(Response::BrokerHeartbeat(reply)) => reply.state,
            other => panic!("{other:?}"),
        }
    }

    fn propose(&mut self, broker: u8, proposal: IsrProposal) -> Result<IsrAccepted, ErrorCode> {
        let body = AlterPartitionRequest { partitions: vec![proposal] };
        let request = BrokerRequest { broker: b(broker), epoch: self.epoch(broker), body };
        match self.ask(broker, Request::AlterPartition(request)) {
            Some(Response::AlterPartition(reply)) => reply.partitions?[0].1,
            other => panic!("{other:?}"),
        }
    }

    fn create(
        &mut self,
        id: u16,
        name: &str,
        layout: TopicLayout,
        config: TopicConfig,
    ) -> Result<(), ErrorCode> {
        let topic = NewTopic { id: TopicId(id), name: name.into(), layout, config };
        let request = CreateTopicsRequest { topics: vec![topic] };
        match self.ask(1, Request::CreateTopics(request)) {
            Some(Response::CreateTopics(reply)) => reply.topics[0].1,
            other => panic!("{other:?}"),
        }
    }

    fn elect(&mut self, kind: ElectionKind, partition: TopicPartition) -> Result<(), ErrorCode> {
        let request = ElectLeadersRequest { kind, partitions: vec![partition] };
        match self.ask(1, Request::ElectLeaders(request)) {
            Some(Response::ElectLeaders(reply)) => reply.partitions[0].1,
            other => panic!("{other:?}"),
        }
    }

    fn poll(&mut self, broker: u8, from: u64) -> Option<FetchMetadataReply> {
        let request = FetchMetadataRequest { broker: b(broker), from: MetadataOffset(from) };
        self.ask(broker, Request::FetchMetadata(request));
        self.polled(broker)
    }

    fn polled(&self, broker: u8) -> Option<FetchMetadataReply> {
        match self.response_to(broker)? {
            Response::FetchMetadata(reply) => Some(reply),
            other => panic!("{other:?}"),
        }
    }

    fn partition(&self) -> &PartitionRegistration {
        self.controller.image().partition(PARTITION).expect("the topic exists")
    }

    fn leader_and_isr(&self) -> (Option<BrokerId>, ReplicaSet) {
        (self.partition().leader, self.partition().isr)
    }
}

fn registration(broker: u8, incarnation: u32) -> Request {
    let incarnation = Incarnation(incarnation);
    Request::BrokerRegistration(RegisterRequest { broker: b(broker), incarnation, rack: None })
}

fn connection(broker: u8) -> ConnectionId {
    let (client, server) = (NodeId::Broker(b(broker)), NodeId::Controller(1));
    ConnectionId { client, server, ordinal: 0 }
}

fn cause(fact: &Fact) -> Option<ChangeCause> {
    match fact {
        Fact::PartitionChanged { cause, .. } => Some(*cause),
        _ => None,
    }
}

fn b(id: u8) -> BrokerId {
    BrokerId(id)
}

fn set(ids: &[u8]) -> ReplicaSet {
    ids.iter().copied().map(BrokerId).collect()
}
