//! A small plan for tests.

use std::collections::BTreeMap;

use model::config::{
    BrokerConfig, ConsumerConfig, ControllerConfig, OffsetReset, ProducerConfig, TopicConfig,
};
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
