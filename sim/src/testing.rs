//! A small plan for tests.

use std::collections::BTreeMap;

use model::config::{
    BrokerConfig, ConsumerConfig, ControllerConfig, GroupProtocolKind, OffsetReset, ProducerConfig,
    Strategies, TopicConfig,
};
use model::group::assignor::Strategy;
use model::ids::{BrokerId, ClientId, TopicId};
use model::message::cluster::TopicLayout;
use model::rules::Rules;
use model::time::{Duration, Time, Timestamp};

use crate::plan::{
    BrokerPlan, ClientPlan, ClientRole, CommitStyle, ConsumerPlan, ControllerKind, ControllerPlan,
    Created, DiskPlan, FlushPolicy, GroupIndex, GroupPlan, Handling, InFlight, Keys, MemberPlan,
    NetworkPlan, OnFailure, Plan, ProducerPlan, SendStyle, Shape, Sink, Start, Subscribed,
    TopicPlan,
};

/// Makes a cluster of so many brokers with one topic, one producer and one consumer.
pub(crate) fn plan(brokers: u8) -> Plan {
    let disk = DiskPlan {
        flush: FlushPolicy::ByConfig,
        write_latency: Shape::Fixed(Duration(50)),
        flush_latency: Shape::Fixed(Duration(5_000)),
        writeback: Duration::from_secs(30),
    };
    let broker = |id| BrokerPlan {
        id: BrokerId(id),
        rack: None,
        config: BrokerConfig::default(),
        log_defaults: Vec::new(),
        disk: disk.clone(),
    };
    let latency = Shape::Exponential {
        floor: Duration(500),
        mean: Duration::from_millis(1),
        cap: Duration::from_millis(50),
    };
    Plan {
        seed: 7,
        faults_for: Duration::from_secs(10),
        settle: Duration::from_secs(10),
        events_max: 1_000_000,
        wall_clock: Timestamp(1_893_456_000_000),
        brokers: (1..=brokers).map(broker).collect(),
        controller: ControllerPlan {
            kind: ControllerKind::Single,
            config: ControllerConfig::default(),
        },
        rules: Rules::default(),
        topics: vec![topic("orders", brokers)],
        network: NetworkPlan {
            latency,
            bandwidth: None,
            loss_millionths: 0,
            in_flight: InFlight::Kept,
            links: Vec::new(),
        },
        disk: disk.clone(),
        clocks: BTreeMap::new(),
        clients: vec![producer("p1"), consumer("c1", 0)],
        groups: Vec::new(),
        steps: Vec::new(),
        watches: Vec::new(),
    }
}

/// Makes a topic with one partition on every broker.
pub(crate) fn topic(name: &str, brokers: u8) -> TopicPlan {
    TopicPlan {
        name: name.into(),
        layout: TopicLayout::Manual(vec![(1..=brokers).map(BrokerId).collect()]),
        config: TopicConfig::default(),
        created: Created::AtStart,
    }
}

/// Makes a producer of 50 records for the first topic.
pub(crate) fn producer(name: &str) -> ClientPlan {
    let role = ClientRole::Producer(ProducerPlan {
        topic: TopicId(0),
        partition: None,
        records: 50,
        every: Shape::Fixed(Duration::from_millis(20)),
        start: Time::ZERO,
        keys: Keys::RoundRobin(3),
        value_bytes: 100,
        style: SendStyle::Callback,
        checkpoint: None,
        config: ProducerConfig::default(),
    });
    ClientPlan { name: name.into(), role }
}

/// Makes a consumer of a whole topic.
pub(crate) fn consumer(name: &str, topic: u16) -> ClientPlan {
    let role = ClientRole::Consumer(ConsumerPlan {
        topic: TopicId(topic),
        partition: None,
        start: Time::ZERO,
        poll_timeout: Duration::from_millis(500),
        takes: Shape::Fixed(Duration::from_millis(5)),
        config: ConsumerConfig::default(),
    });
    ClientPlan { name: name.into(), role }
}

/// Adds a group of so many members that reads the first topic from its beginning.
pub(crate) fn add_group(plan: &mut Plan, name: &str, members: u16, takes: Duration) {
    let group = GroupIndex(plan.groups.len() as u16);
    let first = plan.clients.len() as u16;
    for ordinal in 1..=members {
        let config = ConsumerConfig {
            offset_reset: OffsetReset::Earliest,
            auto_commit: false,
            ..ConsumerConfig::default()
        };
        let start = Start::At(Time::ZERO);
        let member = MemberPlan { group, ordinal, start, topics: None, config };
        let name = format!("{name}-{ordinal}").into();
        plan.clients.push(ClientPlan { name, role: ClientRole::Member(member) });
    }
    plan.groups.push(GroupPlan {
        name: name.into(),
        members: (first..first + members).map(ClientId).collect(),
        topics: Subscribed::Topics(vec![TopicId(0)]),
        handling: handling(takes),
        poll_timeout: Duration::from_millis(500),
    });
}

/// Makes the handling of an application that commits after its work, and never fails.
pub(crate) fn handling(takes: Duration) -> Handling {
    Handling {
        takes: Shape::Fixed(takes),
        fails_millionths: 0,
        commit: CommitStyle::After,
        workers: None,
        sink: Sink::Append,
        poison: None,
        on_failure: OnFailure::Stop,
        shed_above: None,
        output: None,
    }
}

/// Makes a plan of three brokers, one topic of three partitions, one producer that spreads
/// keys over them, and a group of so many members.
pub(crate) fn group_plan(members: u16, protocol: Protocol) -> Plan {
    let mut plan = plan(3);
    plan.topics[0].layout = TopicLayout::Manual(vec![(1..=3).map(BrokerId).collect(); 3]);
    plan.clients.truncate(1);
    let ClientRole::Producer(producer) = &mut plan.clients[0].role else {
        unreachable!("the first client of a small plan is its producer")
    };
    producer.keys = Keys::RoundRobin(30);
    add_group(&mut plan, "g", members, Duration::from_millis(5));
    for config in member_configs(&mut plan) {
        protocol.apply(config);
    }
    plan
}

/// Lists the settings of all members.
pub(crate) fn member_configs(plan: &mut Plan) -> impl Iterator<Item = &mut ConsumerConfig> {
    plan.clients.iter_mut().filter_map(|client| match &mut client.role {
        ClientRole::Member(member) => Some(&mut member.config),
        ClientRole::Producer(_) | ClientRole::Consumer(_) => None,
    })
}

/// How the members of a group share partitions out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Classic: everybody gives everything back.
    Eager,
    /// Classic: only what moves is given back (KIP-429).
    Cooperative,
    /// KIP-848.
    Native,
}

impl Protocol {
    pub(crate) const ALL: [Protocol; 3] =
        [Protocol::Eager, Protocol::Cooperative, Protocol::Native];

    fn apply(self, config: &mut ConsumerConfig) {
        match self {
            Protocol::Eager => config.strategies = Strategies(vec![Strategy::Range]),
            Protocol::Cooperative => {
                config.strategies = Strategies(vec![Strategy::CooperativeSticky]);
            }
            Protocol::Native => config.group_protocol = GroupProtocolKind::Consumer,
        }
    }
}
