//! Who is where after something has been taken out of a plan.

use std::collections::BTreeMap;

use model::ids::{BrokerId, ClientId, InstanceId, NodeId, TopicId, TopicPartition};
use sim::plan::{
    BrokerPlan, ClientPlan, ClientRole, GroupIndex, GroupPlan, Handling, MemberPlan, OnFailure,
    Plan, Subscribed, TopicPlan,
};

use super::{placed, steps};

/// The places of brokers, clients, groups and topics before and after; who is missing is gone.
#[derive(Clone)]
pub(super) struct Moves {
    pub brokers: BTreeMap<BrokerId, BrokerId>,
    clients: Vec<Option<ClientId>>,
    groups: Vec<Option<GroupIndex>>,
    topics: Vec<Option<TopicId>>,
    /// By topic as it was: the first partition that is gone.
    partitions: Vec<u16>,
    /// The members of groups as they were: the number of each within its group.
    ordinals: BTreeMap<(GroupIndex, u16), u16>,
}

impl Moves {
    /// Leaves everybody where they are.
    pub fn none(plan: &Plan) -> Moves {
        let mut moves = Moves {
            brokers: plan.brokers.iter().map(|broker| (broker.id, broker.id)).collect(),
            clients: (0..plan.clients.len() as u16).map(|id| Some(ClientId(id))).collect(),
            groups: (0..plan.groups.len() as u16).map(|at| Some(GroupIndex(at))).collect(),
            topics: (0..plan.topics.len() as u16).map(|id| Some(TopicId(id))).collect(),
            partitions: vec![u16::MAX; plan.topics.len()],
            ordinals: BTreeMap::new(),
        };
        moves.count_members(plan);
        moves
    }

    /// Numbers the members that stay within each group.
    fn count_members(&mut self, plan: &Plan) {
        self.ordinals.clear();
        for (index, group) in (0..).map(GroupIndex).zip(&plan.groups) {
            let mut next = 1;
            for (old, member) in (1..).zip(&group.members) {
                if self.client(*member).is_some() {
                    self.ordinals.insert((index, old), next);
                    next += 1;
                }
            }
        }
    }

    /// Takes a broker out, and gives those behind it the ids of those before them.
    pub fn remove_broker(&mut self, id: BrokerId, plan: &Plan) -> Option<()> {
        let ids: Vec<BrokerId> = plan.brokers.iter().map(|broker| broker.id).collect();
        let at = ids.iter().position(|it| *it == id)?;
        let stay = ids[..at].iter().chain(&ids[at + 1..]);
        self.brokers = stay.copied().zip(ids.iter().copied()).collect();
        Some(())
    }

    pub fn remove_client(&mut self, id: ClientId) {
        if let Some(place) = self.clients.get_mut(usize::from(id.0)) {
            *place = None;
        }
    }

    pub fn remove_group(&mut self, index: GroupIndex) {
        self.groups[usize::from(index.0)] = None;
    }

    pub fn remove_topic(&mut self, id: TopicId) {
        self.topics[usize::from(id.0)] = None;
    }

    pub fn cut_partitions(&mut self, id: TopicId, from: u16) {
        self.partitions[usize::from(id.0)] = from;
    }

    /// Gives those who stay their new places.
    fn close_ranks(&mut self, plan: &Plan) {
        for (new, client) in self.clients.iter_mut().flatten().enumerate() {
            *client = ClientId(new as u16);
        }
        for (new, group) in self.groups.iter_mut().flatten().enumerate() {
            *group = GroupIndex(new as u16);
        }
        for (new, topic) in self.topics.iter_mut().flatten().enumerate() {
            *topic = TopicId(new as u16);
        }
        self.count_members(plan);
    }

    pub fn broker(&self, id: BrokerId) -> Option<BrokerId> {
        self.brokers.get(&id).copied()
    }

    pub fn client(&self, id: ClientId) -> Option<ClientId> {
        *self.clients.get(usize::from(id.0))?
    }

    pub fn group(&self, index: GroupIndex) -> Option<GroupIndex> {
        *self.groups.get(usize::from(index.0))?
    }

    pub fn ordinal(&self, group: GroupIndex, ordinal: u16) -> Option<u16> {
        self.ordinals.get(&(group, ordinal)).copied()
    }

    pub fn topic(&self, id: TopicId) -> Option<TopicId> {
        if id == TopicId::CONSUMER_OFFSETS {
            return Some(id);
        }
        *self.topics.get(usize::from(id.0))?
    }

    pub fn partition(&self, at: TopicPartition) -> Option<TopicPartition> {
        let limit = self.partitions.get(usize::from(at.topic.0));
        if limit.is_some_and(|limit| *limit <= at.partition) {
            return None;
        }
        Some(TopicPartition { topic: self.topic(at.topic)?, ..at })
    }

    /// Returns the first partition of a topic, as it was, that is gone.
    pub fn limit(&self, id: TopicId) -> u16 {
        self.partitions.get(usize::from(id.0)).copied().unwrap_or(u16::MAX)
    }

    pub fn node(&self, node: NodeId) -> Option<NodeId> {
        Some(match node {
            NodeId::Controller(_) => node,
            NodeId::Broker(id) => NodeId::Broker(self.broker(id)?),
            NodeId::Client(id) => NodeId::Client(self.client(id)?),
        })
    }
}

/// Carries moves into every corner of a plan; `None` if somebody who stays needs what is gone.
pub(super) fn moved(plan: &Plan, moves: &Moves) -> Option<Plan> {
    let mut ranks = moves.clone();
    ranks.close_ranks(plan);
    let moves = &ranks;
    let mut new = plan.clone();
    new.brokers = plan.brokers.iter().filter_map(|it| broker(it, moves)).collect();
    new.topics = topics(plan, moves, new.brokers.len())?;
    fit_offsets_topic(&mut new.brokers);
    new.network.links.retain_mut(|(one, other, _)| {
        let ends = moves.node(*one).zip(moves.node(*other));
        if let Some(ends) = ends {
            (*one, *other) = ends;
        }
        ends.is_some()
    });
    new.clocks =
        plan.clocks.iter().filter_map(|(node, clock)| Some((moves.node(*node)?, *clock))).collect();
    let staying = (0..).map(ClientId).zip(&plan.clients);
    let staying = staying.filter(|(id, _)| moves.client(*id).is_some());
    new.clients = staying.map(|(_, it)| client(plan, it, moves)).collect::<Option<_>>()?;
    let staying = (0..).map(GroupIndex).zip(&plan.groups);
    let staying = staying.filter(|(index, _)| moves.group(*index).is_some());
    new.groups = staying.map(|(_, it)| group(it, moves)).collect::<Option<_>>()?;
    new.steps = steps::moved(&plan.steps, moves);
    new.watches = plan.watches.iter().filter_map(|it| moves.condition(it)).collect();
    Some(new)
}

fn broker(broker: &BrokerPlan, moves: &Moves) -> Option<BrokerPlan> {
    let mut new = BrokerPlan { id: moves.broker(broker.id)?, ..broker.clone() };
    new.log_defaults.retain_mut(|default| {
        let topic = moves.topic(default.topic);
        default.topic = topic.unwrap_or(default.topic);
        topic.is_some()
    });
    Some(new)
}

/// Groups find no coordinator if the topic of their offsets has more replicas than brokers.
fn fit_offsets_topic(brokers: &mut [BrokerPlan]) {
    let count = brokers.len() as u16;
    for broker in brokers {
        let replicas = &mut broker.config.offsets_topic_replication_factor;
        *replicas = (*replicas).min(count);
    }
}

fn topics(plan: &Plan, moves: &Moves, brokers: usize) -> Option<Vec<TopicPlan>> {
    let staying = (0..).map(TopicId).zip(&plan.topics);
    let staying = staying.filter(|(id, _)| moves.topic(*id).is_some());
    let layout = |id: TopicId, topic: &TopicPlan| {
        placed::layout(&topic.layout, (moves, moves.limit(id)), (&plan.controller.config, brokers))
    };
    staying
        .map(|(id, topic)| Some(TopicPlan { layout: layout(id, topic)?, ..topic.clone() }))
        .collect()
}

fn client(plan: &Plan, client: &ClientPlan, moves: &Moves) -> Option<ClientPlan> {
    let mut new = client.clone();
    match &mut new.role {
        ClientRole::Producer(it) => {
            it.partition = it.partition.map(|at| at.min(moves.limit(it.topic) - 1));
            it.topic = moves.topic(it.topic)?;
        }
        ClientRole::Consumer(it) => {
            it.partition = it.partition.map(|at| at.min(moves.limit(it.topic) - 1));
            it.topic = moves.topic(it.topic)?;
        }
        ClientRole::Member(it) => {
            let group = &plan.groups[usize::from(it.group.0)];
            let (old, was) = (it.ordinal, format!("{}-{}", group.name, it.ordinal));
            *it = member(it, moves)?;
            let is = format!("{}-{}", group.name, it.ordinal);
            if old != it.ordinal && *new.name == *was {
                // Members are called after their places.
                if it.config.instance == Some(InstanceId::from(was.as_str())) {
                    it.config.instance = Some(InstanceId::from(is.as_str()));
                }
                new.name = is.into();
            }
        }
    }
    Some(new)
}

fn member(member: &MemberPlan, moves: &Moves) -> Option<MemberPlan> {
    let topics = match &member.topics {
        None => None,
        Some(topics) => Some(subscribed(topics, moves)?),
    };
    Some(MemberPlan {
        group: moves.group(member.group)?,
        ordinal: moves.ordinal(member.group, member.ordinal)?,
        topics,
        ..member.clone()
    })
}

fn subscribed(topics: &Subscribed, moves: &Moves) -> Option<Subscribed> {
    match topics {
        Subscribed::Pattern(_) => Some(topics.clone()),
        Subscribed::Topics(topics) => {
            let left: Vec<TopicId> = topics.iter().filter_map(|it| moves.topic(*it)).collect();
            (!left.is_empty()).then_some(Subscribed::Topics(left))
        }
    }
}

fn group(group: &GroupPlan, moves: &Moves) -> Option<GroupPlan> {
    let members: Vec<ClientId> = group.members.iter().filter_map(|it| moves.client(*it)).collect();
    if members.is_empty() {
        return None;
    }
    let (topics, handling) = (subscribed(&group.topics, moves)?, handling(&group.handling, moves)?);
    Some(GroupPlan { members, topics, handling, ..group.clone() })
}

fn handling(handling: &Handling, moves: &Moves) -> Option<Handling> {
    let mut new = handling.clone();
    if let OnFailure::DeadLetter { topic, .. } = &mut new.on_failure {
        *topic = moves.topic(*topic)?;
    }
    if let Some(output) = &mut new.output {
        output.topic = moves.topic(output.topic)?;
    }
    Some(new)
}
