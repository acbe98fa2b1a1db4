//! What a plan offers to a nemesis: whom it can hit, and which times matter there.

use model::config::ConsumerConfig;
use model::ids::{BrokerId, ClientId, GroupId, NodeId, TopicId, TopicPartition};
use model::message::cluster::TopicLayout;
use model::time::Duration;
use sim::plan::{ClientRole, ControllerKind, GroupIndex, MemberPlan, Plan, Selector, Start};

/// A partition that faults can be about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub partition: TopicPartition,
    pub replicas: u64,
    pub min_isr: u64,
}

/// What a plan offers.
#[derive(Debug)]
pub(super) struct Stage {
    pub brokers: Vec<BrokerId>,
    /// The partitions of topics that plans name.
    pub targets: Vec<Target>,
    /// The partitions of `__consumer_offsets` that its groups use.
    pub offsets: Vec<Target>,
    /// Producers, and how many records each sends.
    pub producers: Vec<(ClientId, u64)>,
    pub consumers: Vec<ClientId>,
    /// The members that start by themselves, by group.
    pub members: Vec<(GroupIndex, ClientId)>,
    pub groups: Vec<GroupIndex>,
    pub controller: ControllerKind,
    /// Timeouts and intervals of the plan's protocols, each once, in order.
    pub constants: Vec<Duration>,
    /// How long a broker may be silent before others act on it, each once, in order.
    pub of_brokers: Vec<Duration>,
    /// How long a member of a group may be.
    pub of_members: Vec<Duration>,
    pub faults_for: Duration,
    pub broker_session: Duration,
    /// The longest `replica.lag.time.max.ms`.
    pub lag: Duration,
}

impl Stage {
    pub fn of(plan: &Plan) -> Stage {
        let (mut producers, mut consumers, mut members) = (Vec::new(), Vec::new(), Vec::new());
        for (place, client) in plan.clients.iter().enumerate() {
            let id = ClientId(place as u16);
            match &client.role {
                ClientRole::Producer(producer) => {
                    producers.push((id, u64::from(producer.records)));
                }
                ClientRole::Consumer(_) => consumers.push(id),
                ClientRole::Member(MemberPlan { group, start: Start::At(_), .. }) => {
                    members.push((*group, id));
                }
                ClientRole::Member(MemberPlan { start: Start::ByStep, .. }) => {}
            }
        }
        let lags = plan.brokers.iter().map(|broker| broker.config.replica_lag_time_max);
        Stage {
            brokers: plan.brokers.iter().map(|broker| broker.id).collect(),
            targets: targets(plan),
            offsets: offsets(plan),
            producers,
            consumers,
            members,
            groups: (0..plan.groups.len() as u16).map(GroupIndex).collect(),
            controller: plan.controller.kind,
            constants: constants(plan),
            of_brokers: of_brokers(plan),
            of_members: of_members(plan),
            faults_for: plan.faults_for,
            broker_session: plan.controller.config.session_timeout,
            lag: lags.max().unwrap_or_default(),
        }
    }

    /// Lists every client.
    pub fn clients(&self) -> Vec<Selector> {
        let clients = self.producers.iter().map(|(id, _)| *id).chain(self.consumers.clone());
        let clients = clients.chain(self.members.iter().map(|(_, id)| *id));
        clients.map(|id| Selector::Node(NodeId::Client(id))).collect()
    }
}

fn targets(plan: &Plan) -> Vec<Target> {
    let mut targets = Vec::new();
    for (place, topic) in plan.topics.iter().enumerate() {
        let controller = &plan.controller.config;
        let replicas: Vec<u64> = match &topic.layout {
            TopicLayout::Manual(rows) => rows.iter().map(|row| row.len() as u64).collect(),
            TopicLayout::Counts { partitions, replicas } => {
                let replicas = replicas.unwrap_or(controller.default_replication_factor);
                let count = partitions.unwrap_or(controller.num_partitions);
                vec![u64::from(replicas); usize::from(count)]
            }
        };
        let min_isr = u64::from(topic.config.min_insync_replicas);
        targets.extend(replicas.into_iter().enumerate().map(|(number, replicas)| {
            let topic = TopicId(place as u16);
            let partition = TopicPartition { topic, partition: number as u16 };
            Target { partition, replicas, min_isr }
        }));
    }
    targets
}

/// Lists where the plan's groups keep their offsets.
fn offsets(plan: &Plan) -> Vec<Target> {
    let Some(config) = plan.brokers.first().map(|broker| &broker.config) else { return Vec::new() };
    let replicas = u64::from(config.offsets_topic_replication_factor);
    let mut targets: Vec<Target> = Vec::new();
    for group in &plan.groups {
        let name = GroupId(group.name.clone());
        let partition = model::group::partition_of(&name, config.offsets_topic_partitions);
        let partition = TopicPartition { topic: TopicId::CONSUMER_OFFSETS, partition };
        if targets.iter().all(|target| target.partition != partition) {
            targets.push(Target { partition, replicas, min_isr: 1 });
        }
    }
    targets
}

fn constants(plan: &Plan) -> Vec<Duration> {
    let mut constants = vec![plan.controller.config.session_timeout];
    for broker in &plan.brokers {
        let config = &broker.config;
        constants.extend([config.replica_lag_time_max, config.heartbeat_interval]);
        constants.extend([config.replica_fetch_wait_max, config.replica_socket_timeout]);
    }
    for client in &plan.clients {
        match &client.role {
            ClientRole::Producer(producer) => {
                let config = &producer.config;
                constants.extend([config.request_timeout, config.delivery_timeout]);
            }
            ClientRole::Consumer(consumer) => constants.push(consumer.config.request_timeout),
            ClientRole::Member(member) => {
                let config = &member.config;
                constants.extend([config.session_timeout, config.heartbeat_interval]);
                constants.extend([config.poll_interval_max, config.request_timeout]);
            }
        }
    }
    fitting(constants, plan)
}

fn of_brokers(plan: &Plan) -> Vec<Duration> {
    let session = plan.controller.config.session_timeout;
    let lags = plan.brokers.iter().map(|broker| broker.config.replica_lag_time_max);
    fitting(lags.chain([session]).collect(), plan)
}

fn of_members(plan: &Plan) -> Vec<Duration> {
    let sessions = plan.brokers.iter().map(|broker| broker.config.group_consumer_session_timeout);
    let members = plan.clients.iter().filter_map(|client| match &client.role {
        ClientRole::Member(member) => Some(&member.config),
        ClientRole::Producer(_) | ClientRole::Consumer(_) => None,
    });
    let of_member = |config: &ConsumerConfig| [config.session_timeout, config.poll_interval_max];
    let all: Vec<Duration> = members.flat_map(of_member).collect();
    if all.is_empty() { all } else { fitting(sessions.chain(all).collect(), plan) }
}

/// Returns those that pass while there are faults, each once, in order.
fn fitting(mut lengths: Vec<Duration>, plan: &Plan) -> Vec<Duration> {
    lengths.retain(|length| (1_000..2 * plan.faults_for.0).contains(&length.0));
    lengths.sort();
    lengths.dedup();
    lengths
}
