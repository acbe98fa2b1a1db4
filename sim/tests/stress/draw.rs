//! Draws plans: clusters, topics, clients, and up to eight steps of every verb.

use std::sync::Arc;

use model::chance::Rng;
use model::config::{
    BrokerConfig, ConsumerConfig, ControllerConfig, Idempotence, OffsetReset, ProducerConfig,
    TopicConfig,
};
use model::ids::{BrokerId, ClientId, NodeId, TopicId, TopicPartition};
use model::message::cluster::{ElectionKind, TopicLayout};
use model::message::data::Acks;
use model::message::{Api, Half, MessageKind};
use model::rules::Rules;
use model::time::{Duration, Time, Timestamp};
use sim::plan::{
    ALL_MILLIONTHS, Action, BrokerPlan, ClientPlan, ClientRole, ClockPlan, Comparison, Condition,
    ConsumerPlan, ControllerKind, ControllerPlan, Created, Direction, DiskPlan, FlushPolicy,
    InFlight, Keys, MessageFate, MessageRule, NetworkPlan, Plan, ProducerPlan, Quantity, Required,
    Selector, SendStyle, Shape, Step, TopicPlan, Trigger, Unsynced,
};

/// How long faults are allowed.
const FAULTS_MS: u64 = 40_000;

/// Draws a plan.
pub fn plan(seed: u64) -> Plan {
    let mut rng = Rng::fork(seed, "stress");
    let rng = &mut rng;
    let brokers = 1 + rng.below(5) as u8;
    let disk = disk(rng);
    let topics: Vec<TopicPlan> =
        (0..1 + rng.below(2)).map(|nth| topic(nth, brokers, rng)).collect();
    let mut clients: Vec<ClientPlan> =
        (0..1 + rng.below(3)).map(|nth| producer(nth, &topics, rng)).collect();
    let producers = clients.len() as u64;
    clients.extend((0..rng.below(3)).map(|nth| consumer(nth, &topics, rng)));
    let kind = match rng.below(2) {
        0 => ControllerKind::Infallible,
        _ => ControllerKind::Single,
    };
    let mut scene =
        Scene { brokers, topics: &topics, producers, clients: clients.len() as u64, kind };
    let steps = (0..rng.below(9)).map(|_| scene.step(rng)).collect();
    let clocks = (0..rng.below(3)).map(|_| (scene.broker(rng), clock(rng))).collect();
    Plan {
        seed,
        faults_for: Duration::from_millis(FAULTS_MS),
        // Beyond delivery.timeout.ms and the longest socket timeouts.
        settle: Duration::from_secs(180),
        events_max: 5_000_000,
        wall_clock: Timestamp(1_893_456_000_000),
        brokers: (1..=brokers).map(|id| broker(id, &disk, rng)).collect(),
        controller: ControllerPlan { kind, config: controller(rng) },
        rules: Rules::default(),
        network: network(rng),
        disk,
        clocks,
        steps,
        watches: Vec::new(),
        topics,
        clients,
        groups: Vec::new(),
    }
}

/// What steps refer to.
struct Scene<'s> {
    brokers: u8,
    topics: &'s [TopicPlan],
    producers: u64,
    clients: u64,
    kind: ControllerKind,
}

impl Scene<'_> {
    fn step(&mut self, rng: &mut Rng) -> Step {
        let trigger = match rng.below(4) {
            0 | 1 => Trigger::At(Time(rng.below(FAULTS_MS * 1_000))),
            2 => Trigger::After(millis(0, 10_000, rng)),
            _ => Trigger::When(self.condition(rng), millis(0, 3_000, rng)),
        };
        let action = self.action(rng);
        let undo_after = (rng.below(2) == 0).then(|| millis(1, 20_000, rng));
        Step { trigger, action, undo_after, required: Required::No }
    }

    fn action(&mut self, rng: &mut Rng) -> Action {
        match rng.below(22) {
            0 | 1 => Action::Crash(self.who(rng)),
            2 | 3 => Action::Restart(vec![Selector::AllDown]),
            4 => Action::Shutdown(self.who(rng)),
            5 => Action::PowerLoss(self.who(rng), unsynced(rng)),
            6 | 7 => Action::Pause(self.who(rng)),
            8 => Action::Resume(vec![Selector::AllBrokers, Selector::AllClients]),
            9..=11 => self.cut(rng),
            12 => match rng.below(2) {
                0 => Action::HealAll,
                _ => Action::Heal(self.who(rng)),
            },
            13 => Action::Slow { from: self.who(rng), to: self.others(rng), latency: slow(rng) },
            14 | 15 => Action::Rule(self.rule(rng)),
            16 => Action::Release,
            17 => Action::Reset(self.who(rng), self.others(rng)),
            18 => self.disk(rng),
            19 => self.clock(rng),
            20 => self.administer(rng),
            _ => Action::Produce(self.some_producer(rng), rng.below(50) as u32),
        }
    }

    fn disk(&mut self, rng: &mut Rng) -> Action {
        let who = vec![Selector::Node(self.broker(rng))];
        match rng.below(2) {
            0 => Action::DiskSlow(who, slow(rng)),
            _ => Action::DiskStall(who),
        }
    }

    fn clock(&mut self, rng: &mut Rng) -> Action {
        match rng.below(2) {
            0 => Action::ClockJump(self.who(rng), rng.below(20_000_000) as i64 - 10_000_000),
            _ => Action::ClockDrift(self.who(rng), rng.below(2_000) as i64 - 1_000),
        }
    }

    fn administer(&mut self, rng: &mut Rng) -> Action {
        let topic = TopicId(rng.below(self.topics.len() as u64) as u16);
        match rng.below(4) {
            0 => Action::Elect(self.partition(rng), ElectionKind::Unclean),
            1 => Action::Elect(self.partition(rng), ElectionKind::Preferred),
            2 if self.topics[usize::from(topic.0)].created == Created::ByStep => {
                Action::CreateTopic(topic)
            }
            _ => Action::AlterTopic(topic, settings(rng)),
        }
    }

    fn cut(&mut self, rng: &mut Rng) -> Action {
        let direction = match rng.below(3) {
            0 => Direction::OneWay,
            _ => Direction::Both,
        };
        Action::Cut { from: self.who(rng), to: self.others(rng), direction }
    }

    fn rule(&mut self, rng: &mut Rng) -> MessageRule {
        let api = Api::ALL[rng.below(Api::ALL.len() as u64) as usize];
        let half = match rng.below(2) {
            0 => Half::Request,
            _ => Half::Response,
        };
        let fate = match rng.below(3) {
            0 => MessageFate::Drop,
            1 => MessageFate::Hold,
            _ => MessageFate::Delay(millis(1, 15_000, rng)),
        };
        MessageRule {
            fate,
            kind: MessageKind { api, half },
            from: Vec::new(),
            to: Vec::new(),
            skip: rng.below(5) as u32,
            times: (rng.below(3) != 0).then(|| 1 + rng.below(5) as u32),
            share_millionths: ALL_MILLIONTHS,
        }
    }

    fn condition(&mut self, rng: &mut Rng) -> Condition {
        let partition = self.partition(rng);
        let producer = self.some_producer(rng);
        let broker = BrokerId(1 + rng.below(u64::from(self.brokers)) as u8);
        match rng.below(5) {
            0 => Condition::Compare(Quantity::Isr(partition), Comparison::Less, 3),
            1 => Condition::Compare(Quantity::Epoch(partition), Comparison::AtLeast, rng.below(4)),
            2 => Condition::Compare(
                Quantity::Acknowledged(producer),
                Comparison::Greater,
                rng.below(100),
            ),
            3 => Condition::LeaderIs(partition, Comparison::NotEqual, Some(broker)),
            _ => Condition::Compare(
                Quantity::LogEnd(partition, broker),
                Comparison::AtLeast,
                rng.below(100),
            ),
        }
    }

    /// Draws victims: mostly one broker.
    fn who(&mut self, rng: &mut Rng) -> Vec<Selector> {
        let partition = self.partition(rng);
        vec![match rng.below(16) {
            0..=3 => Selector::Leader(partition),
            4 => Selector::Followers(partition),
            5 => Selector::Isr(partition),
            6 | 7 => Selector::Follower(partition, 1),
            8..=10 => Selector::Node(self.broker(rng)),
            11 => Selector::AnyBroker,
            12 => Selector::AllBrokers,
            13 => Selector::Node(NodeId::Client(ClientId(rng.below(self.clients) as u16))),
            14 => Selector::LastCrashed,
            _ => match self.kind {
                ControllerKind::Single => Selector::Controller,
                ControllerKind::Infallible => Selector::Leader(partition),
            },
        }]
    }

    fn others(&mut self, rng: &mut Rng) -> Vec<Selector> {
        match rng.below(3) {
            0 => Vec::new(),
            1 => vec![Selector::AllBrokers],
            _ => self.who(rng),
        }
    }

    fn broker(&self, rng: &mut Rng) -> NodeId {
        NodeId::Broker(BrokerId(1 + rng.below(u64::from(self.brokers)) as u8))
    }

    fn partition(&self, rng: &mut Rng) -> TopicPartition {
        let topic = rng.below(self.topics.len() as u64) as u16;
        TopicPartition { topic: TopicId(topic), partition: 0 }
    }

    fn some_producer(&self, rng: &mut Rng) -> ClientId {
        ClientId(rng.below(self.producers) as u16)
    }
}

fn broker(id: u8, disk: &DiskPlan, rng: &mut Rng) -> BrokerPlan {
    let config = BrokerConfig {
        replica_lag_time_max: millis(2_000, 30_000, rng),
        replica_fetch_wait_max: Duration::from_millis(500),
        high_watermark_checkpoint_interval: millis(200, 5_000, rng),
        ..BrokerConfig::default()
    };
    BrokerPlan {
        id: BrokerId(id),
        rack: None,
        config,
        log_defaults: Vec::new(),
        disk: disk.clone(),
    }
}

fn controller(rng: &mut Rng) -> ControllerConfig {
    ControllerConfig {
        session_timeout: millis(3_000, 9_000, rng),
        unclean_election_interval: millis(1_000, 60_000, rng),
        ..ControllerConfig::default()
    }
}

fn topic(nth: u64, brokers: u8, rng: &mut Rng) -> TopicPlan {
    let layout = match rng.below(3) {
        0 => TopicLayout::Counts {
            partitions: Some(1 + rng.below(3) as u16),
            replicas: Some(1 + rng.below(u64::from(brokers)) as u16),
        },
        _ => TopicLayout::Manual(vec![(1..=brokers).map(BrokerId).collect()]),
    };
    let created = match (nth, rng.below(4)) {
        (1, 0) => Created::ByStep,
        _ => Created::AtStart,
    };
    TopicPlan { name: Arc::from(format!("t{nth}")), layout, config: settings(rng), created }
}

fn settings(rng: &mut Rng) -> TopicConfig {
    TopicConfig {
        min_insync_replicas: 1 + rng.below(3) as u16,
        unclean_leader_election: rng.below(8) == 0,
        segment_bytes: [1_073_741_824, 4_000][rng.below(2) as usize],
        flush_messages: [u64::MAX, 1, 10][rng.below(3) as usize],
        ..TopicConfig::default()
    }
}

fn producer(nth: u64, topics: &[TopicPlan], rng: &mut Rng) -> ClientPlan {
    let idempotence = match rng.below(3) {
        0 => Idempotence::Off,
        _ => Idempotence::On,
    };
    let acks = match (idempotence, rng.below(4)) {
        (Idempotence::Off, 0) => Acks::None,
        (Idempotence::Off, 1) => Acks::Leader,
        _ => Acks::All,
    };
    let request_timeout = millis(1_000, 30_000, rng);
    let role = ClientRole::Producer(ProducerPlan {
        topic: TopicId(rng.below(topics.len() as u64) as u16),
        partition: None,
        records: 50 + rng.below(250) as u32,
        every: Shape::Exponential {
            floor: Duration(100),
            mean: millis(10, 100, rng),
            cap: Duration::from_secs(2),
        },
        start: Time(rng.below(5_000_000)),
        keys: [Keys::Null, Keys::RoundRobin(3), Keys::Zipf(5)][rng.below(3) as usize],
        value_bytes: 10 + rng.below(500) as u32,
        checkpoint: None,
        style: [SendStyle::Callback, SendStyle::FireAndForget, SendStyle::Sync]
            [rng.below(3) as usize],
        config: ProducerConfig {
            acks,
            idempotence,
            in_flight_max: 1 + rng.below(5) as u32,
            linger: millis(0, 50, rng),
            batch_bytes: [0, 500, 16_384][rng.below(3) as usize],
            request_timeout,
            delivery_timeout: request_timeout + millis(100, 90_000, rng),
            ..ProducerConfig::default()
        },
    });
    ClientPlan { name: Arc::from(format!("p{nth}")), role }
}

fn consumer(nth: u64, topics: &[TopicPlan], rng: &mut Rng) -> ClientPlan {
    let role = ClientRole::Consumer(ConsumerPlan {
        topic: TopicId(rng.below(topics.len() as u64) as u16),
        partition: None,
        start: Time(rng.below(20_000_000)),
        poll_timeout: Duration::from_millis(500),
        takes: Shape::Fixed(millis(1, 200, rng)),
        config: ConsumerConfig {
            offset_reset: [OffsetReset::Earliest, OffsetReset::Latest, OffsetReset::None]
                [rng.below(3) as usize],
            ..ConsumerConfig::default()
        },
    });
    ClientPlan { name: Arc::from(format!("c{nth}")), role }
}

fn network(rng: &mut Rng) -> NetworkPlan {
    NetworkPlan {
        latency: Shape::Exponential {
            floor: Duration(500),
            mean: millis(1, 20, rng),
            cap: Duration::from_millis(1_000),
        },
        bandwidth: [None, Some(1_000_000)][rng.below(2) as usize],
        loss_millionths: [0, 0, 10_000][rng.below(3) as usize],
        in_flight: [InFlight::Kept, InFlight::Dropped, InFlight::Jammed][rng.below(3) as usize],
        links: Vec::new(),
    }
}

fn disk(rng: &mut Rng) -> DiskPlan {
    let flush = [FlushPolicy::ByConfig, FlushPolicy::EveryWrite, FlushPolicy::Never];
    DiskPlan {
        flush: flush[rng.below(3) as usize],
        write_latency: Shape::Fixed(Duration(50)),
        flush_latency: Shape::Fixed(millis(1, 10, rng)),
        writeback: millis(1_000, 30_000, rng),
    }
}

fn clock(rng: &mut Rng) -> ClockPlan {
    let ahead_micros = rng.below(20_000_000) as i64 - 10_000_000;
    ClockPlan { ahead_micros, drift_ppm: rng.below(2_000) as i64 - 1_000 }
}

fn slow(rng: &mut Rng) -> Shape {
    Shape::Uniform(millis(1, 100, rng), millis(100, 3_000, rng))
}

fn unsynced(rng: &mut Rng) -> Unsynced {
    let all = [Unsynced::Lost, Unsynced::Kept, Unsynced::Prefix, Unsynced::Torn];
    all[rng.below(4) as usize]
}

fn millis(low: u64, high: u64, rng: &mut Rng) -> Duration {
    rng.between(Duration::from_millis(low), Duration::from_millis(high))
}
