//! Which plans a scenario file could say.

use std::sync::Arc;

use model::config::{GroupProtocolKind, Idempotence, ProducerConfig};
use model::ids::{BrokerId, ClientId, NodeId, TopicId, TopicPartition};
use model::message::cluster::TopicLayout;
use model::message::data::Acks;
use model::time::Time;
use sim::plan::{
    Action, ClientRole, Condition, ControllerKind, Created, GroupIndex, Plan, Quantity, Selector,
    Trigger,
};

use super::placed::{partitions_of, replicas_of};
use super::steps::waits_in_vain;

/// Says whether everything that a plan names is there, and its settings fit each other.
pub(in super::super) fn is_sound(plan: &Plan) -> bool {
    let clients = (0..plan.clients.len() as u16).map(ClientId);
    has_sound_cluster(plan)
        && has_sound_settings(plan)
        && has_sound_topics(plan)
        && clients.clone().all(|id| !waits_in_vain(plan, id))
        && plan.groups.iter().all(|group| !group.members.is_empty())
        && has_sound_steps(plan)
        && plan.watches.iter().all(|it| is_known(plan, it))
}

fn has_sound_cluster(plan: &Plan) -> bool {
    let count = plan.brokers.len();
    let placed = |topic: &sim::plan::TopicPlan| match &topic.layout {
        TopicLayout::Counts { .. } => usize::from(replicas_of(plan, topic)) <= count,
        TopicLayout::Manual(rows) => rows.iter().flatten().all(|id| has_broker(plan, *id)),
    };
    let offsets = plan.brokers.iter().map(|it| it.config.offsets_topic_replication_factor);
    // A file names the racks of all brokers or of none.
    let racks = plan.brokers.iter().filter(|broker| broker.rack.is_some()).count();
    0 < count
        && (racks == 0 || racks == count)
        && plan.topics.iter().all(placed)
        && (plan.groups.is_empty() || offsets.max().is_some_and(|it| usize::from(it) <= count))
}

fn has_sound_settings(plan: &Plan) -> bool {
    let fits = |role: &ClientRole| match role {
        ClientRole::Producer(it) => fits(&it.config),
        ClientRole::Consumer(_) => true,
        ClientRole::Member(it) => {
            it.config.group_protocol == GroupProtocolKind::Consumer
                || it.config.heartbeat_interval < it.config.session_timeout
        }
    };
    let mut outputs = plan.groups.iter().filter_map(|group| group.handling.output.as_ref());
    plan.brokers.iter().all(|broker| broker.config.check().is_ok())
        && plan.clients.iter().all(|client| fits(&client.role))
        && outputs.all(|output| self::fits(&output.config))
}

/// Says whether Kafka would take the settings of a producer.
fn fits(config: &ProducerConfig) -> bool {
    let conflicts = config.acks != Acks::All || config.retries == 0 || 5 < config.in_flight_max;
    let is_late = config.delivery_timeout < config.linger + config.request_timeout;
    !(is_late || config.idempotence == Idempotence::On && conflicts)
}

/// Says whether each topic that waits for a step has one that creates it, and nobody else has.
fn has_sound_topics(plan: &Plan) -> bool {
    (0..).map(TopicId).zip(&plan.topics).all(|(id, topic)| {
        let creates = plan.steps.iter().filter(|step| step.action == Action::CreateTopic(id));
        match topic.created {
            Created::AtStart => creates.count() == 0,
            Created::ByStep => creates.count() == 1,
        }
    })
}

fn has_sound_steps(plan: &Plan) -> bool {
    let mut counts: Vec<u16> = plan.topics.iter().map(|topic| partitions_of(plan, topic)).collect();
    plan.steps.iter().all(|step| {
        let grows = match &step.action {
            Action::AddPartitions(topic, to) => {
                let count = &mut counts[usize::from(topic.0)];
                std::mem::replace(count, *to) < *to
            }
            _ => true,
        };
        let is_in_time = match &step.trigger {
            Trigger::At(at) => *at < Time::ZERO + plan.faults_for,
            Trigger::After(_) => true,
            Trigger::When(condition, _) => is_known(plan, condition),
        };
        grows && is_in_time && is_possible(plan, &step.action)
    })
}

fn is_possible(plan: &Plan, action: &Action) -> bool {
    let partition = |at: &TopicPartition| has_partition(plan, *at);
    let named = match action {
        Action::Elect(at, _) | Action::Seek(_, at, _) | Action::DeleteRecords(at, _) => {
            partition(at)
        }
        Action::PauseFetching(_, at) | Action::ResumeFetching(_, at) => at.iter().all(partition),
        Action::CommitOffsets(order) => order.offsets.iter().all(|(at, _)| partition(at)),
        _ => true,
    };
    named && selectors_of(action).all(|it| is_there(plan, it))
}

/// Lists everybody whom an action names by a selector.
pub(in super::super) fn selectors_of(action: &Action) -> impl Iterator<Item = &Selector> {
    let (one, other): (&[Selector], &[Selector]) = match action {
        Action::Crash(hit)
        | Action::Restart(hit)
        | Action::Shutdown(hit)
        | Action::PowerLoss(hit, _)
        | Action::Pause(hit)
        | Action::Resume(hit)
        | Action::Heal(hit)
        | Action::DiskSlow(hit, _)
        | Action::DiskStall(hit)
        | Action::ClockJump(hit, _)
        | Action::ClockDrift(hit, _)
        | Action::Join(hit)
        | Action::Leave(hit)
        | Action::PollElsewhere(hit)
        | Action::Wakeup(hit)
        | Action::PauseFetching(hit, _)
        | Action::ResumeFetching(hit, _) => (hit, &[]),
        Action::Cut { from, to, .. } | Action::Slow { from, to, .. } => (from, to),
        Action::Rule(rule) => (&rule.from, &rule.to),
        Action::Reset(one, other) => (one, other),
        Action::HealAll
        | Action::Release
        | Action::Elect(..)
        | Action::CreateTopic(_)
        | Action::AlterTopic(..)
        | Action::Produce(..)
        | Action::Seek(..)
        | Action::CommitOffsets(_)
        | Action::SeekToTime(..)
        | Action::AddPartitions(..)
        | Action::DeleteRecords(..)
        | Action::Mark(_) => (&[], &[]),
    };
    one.iter().chain(other)
}

fn is_there(plan: &Plan, selector: &Selector) -> bool {
    match selector {
        Selector::Node(NodeId::Broker(id)) => has_broker(plan, *id),
        Selector::Node(NodeId::Client(id)) => usize::from(id.0) < plan.clients.len(),
        Selector::Node(NodeId::Controller(_)) | Selector::Controller => {
            plan.controller.kind == ControllerKind::Single
        }
        Selector::Leader(at)
        | Selector::Followers(at)
        | Selector::Isr(at)
        | Selector::Follower(at, _) => has_partition(plan, *at),
        Selector::Rack(rack) => {
            let is_it = |it: &Option<Arc<str>>| it.as_ref() == Some(rack);
            plan.brokers.iter().any(|broker| is_it(&broker.rack))
        }
        Selector::Owner(_, at) => has_partition(plan, *at),
        Selector::Member(group, ordinal) => {
            let members = plan.groups.get(usize::from(group.0)).map_or(0, |it| it.members.len());
            (1..=members).contains(&usize::from(*ordinal))
        }
        Selector::LastCrashed
        | Selector::AllDown
        | Selector::AnyBroker
        | Selector::AllBrokers
        | Selector::AllClients
        | Selector::Coordinator(_)
        | Selector::Members(_)
        | Selector::GroupLeader(_) => true,
    }
}

/// Says whether everything is there that a condition is about.
fn is_known(plan: &Plan, condition: &Condition) -> bool {
    match condition {
        Condition::Compare(quantity, _, _) => match quantity {
            Quantity::Isr(at) | Quantity::Epoch(at) => has_partition(plan, *at),
            Quantity::Committed(group, at) | Quantity::Lag(group, Some(at)) => {
                has_group(plan, *group) && has_partition(plan, *at)
            }
            Quantity::HighWatermark(at, broker) | Quantity::LogEnd(at, broker) => {
                has_partition(plan, *at) && has_broker(plan, *broker)
            }
            Quantity::Acknowledged(client)
            | Quantity::InDoubt(client)
            | Quantity::Sent(client)
            | Quantity::Polled(client)
            | Quantity::Threw(client)
            | Quantity::ProcessedBy(client)
            | Quantity::Owned(client) => has_client(plan, *client),
            Quantity::Generation(group)
            | Quantity::Members(group)
            | Quantity::Lag(group, None)
            | Quantity::Processed(group) => has_group(plan, *group),
            Quantity::Unfenced => true,
        },
        Condition::LeaderIs(at, _, broker) => {
            has_partition(plan, *at) && broker.is_none_or(|broker| has_broker(plan, broker))
        }
        Condition::OwnerIs(group, at, _, client) => {
            let is_there = client.is_none_or(|client| has_client(plan, client));
            is_there && has_group(plan, *group) && has_partition(plan, *at)
        }
        Condition::StateIs(group, _, _) => has_group(plan, *group),
        Condition::Seen(marker) => {
            let sets = |action: &Action| matches!(action, Action::Mark(Some(it)) if it == marker);
            plan.steps.iter().any(|step| sets(&step.action))
        }
        Condition::And(left, right) | Condition::Or(left, right) => {
            is_known(plan, left) && is_known(plan, right)
        }
        Condition::Not(inner) => is_known(plan, inner),
    }
}

fn has_client(plan: &Plan, id: ClientId) -> bool {
    usize::from(id.0) < plan.clients.len()
}

fn has_group(plan: &Plan, index: GroupIndex) -> bool {
    usize::from(index.0) < plan.groups.len()
}

fn has_broker(plan: &Plan, id: BrokerId) -> bool {
    plan.brokers.iter().any(|broker| broker.id == id)
}

/// Says whether a partition is there from the start, or a step makes it.
fn has_partition(plan: &Plan, at: TopicPartition) -> bool {
    let Some(topic) = plan.topics.get(usize::from(at.topic.0)) else {
        return at.topic == TopicId::CONSUMER_OFFSETS;
    };
    let added = plan.steps.iter().filter_map(|step| match &step.action {
        Action::AddPartitions(topic, to) if *topic == at.topic => Some(*to),
        _ => None,
    });
    at.partition < added.fold(partitions_of(plan, topic), u16::max)
}
