//! Faults of single messages: which kind, on which link, how many.

use model::chance::Rng;
use model::ids::NodeId;
use model::message::{Api, Half, MessageKind};
use sim::plan::{ALL_MILLIONTHS, ControllerKind, MessageFate, MessageRule, Selector};

use super::chance::{Dice, log_length, log_uniform, pick, weighted};
use super::faults::Reach;
use super::stage::Stage;
use model::time::Duration;

/// Messages that pass before a rule takes hold, at most.
const SKIP_MAX: u64 = 32;
/// Messages that a rule applies to, at most.
const TIMES_MAX: u64 = 8;
/// The longest delay.
const DELAY_MAX: Duration = Duration::from_secs(10);

/// Who speaks an API with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Talk {
    /// Producers with leaders.
    Produce,
    /// Followers or consumers with leaders.
    Fetch,
    /// Clients with any broker.
    Client,
    /// Members with their coordinator.
    Group,
    /// Brokers with the controller.
    Controller,
}

const TALKS: [(Api, Talk, u32); 19] = [
    (Api::Produce, Talk::Produce, 8),
    (Api::InitProducerId, Talk::Client, 1),
    (Api::Metadata, Talk::Client, 1),
    (Api::Fetch, Talk::Fetch, 8),
    (Api::OffsetForLeaderEpoch, Talk::Fetch, 1),
    (Api::ListOffsets, Talk::Fetch, 1),
    (Api::FindCoordinator, Talk::Group, 1),
    (Api::JoinGroup, Talk::Group, 2),
    (Api::SyncGroup, Talk::Group, 2),
    (Api::Heartbeat, Talk::Group, 2),
    (Api::LeaveGroup, Talk::Group, 1),
    (Api::OffsetCommit, Talk::Group, 5),
    (Api::OffsetFetch, Talk::Group, 1),
    (Api::ConsumerGroupHeartbeat, Talk::Group, 2),
    (Api::BrokerHeartbeat, Talk::Controller, 2),
    (Api::BrokerRegistration, Talk::Controller, 1),
    (Api::AlterPartition, Talk::Controller, 4),
    (Api::FetchMetadata, Talk::Controller, 3),
    (Api::AllocateProducerIds, Talk::Controller, 1),
];

/// Draws a rule with the fate that `fate` gives; `None` if nobody in the plan talks.
pub(super) fn rule(
    fate: MessageFate,
    (stage, reach): (&Stage, Reach),
    dice: Dice,
) -> Option<MessageRule> {
    let rng = &mut dice.stream("message");
    let is_there = |talk| match talk {
        Talk::Produce => !stage.producers.is_empty(),
        Talk::Fetch => reach == Reach::Everywhere,
        Talk::Client => true,
        Talk::Group => !stage.members.is_empty(),
        Talk::Controller => {
            reach == Reach::Everywhere && stage.controller == ControllerKind::Single
        }
    };
    let talks: Vec<((Api, Talk), u32)> = TALKS
        .iter()
        .filter(|(_, talk, _)| is_there(*talk))
        .map(|(api, talk, weight)| ((*api, *talk), *weight))
        .collect();
    let (api, talk) = weighted(&talks, rng)?;
    let (client, server) = match rng.below(2) {
        0 => (Vec::new(), Vec::new()),
        _ => ends(talk, stage, rng),
    };
    let (half, from, to) = match rng.below(2) {
        0 => (Half::Request, client, server),
        _ => (Half::Response, server, client),
    };
    let skip = if rng.below(2) == 0 { 0 } else { log_uniform(1, SKIP_MAX, rng) as u32 };
    let times = (rng.below(5) != 0).then(|| log_uniform(1, TIMES_MAX, rng) as u32);
    let kind = MessageKind { api, half };
    Some(MessageRule { fate, kind, from, to, skip, times, share_millionths: ALL_MILLIONTHS })
}

/// Draws how much later messages come.
pub(super) fn delay(dice: Dice) -> MessageFate {
    let rng = &mut dice.stream("delay");
    MessageFate::Delay(log_length(Duration::from_millis(1), DELAY_MAX, rng))
}

/// Draws the two ends of a link: who asks, and who answers. No end is anybody.
fn ends(talk: Talk, stage: &Stage, rng: &mut Rng) -> (Vec<Selector>, Vec<Selector>) {
    let target = pick(&stage.targets, rng);
    let leader = || target.iter().map(|it| Selector::Leader(it.partition)).collect();
    let client = |id| vec![Selector::Node(NodeId::Client(id))];
    match talk {
        Talk::Produce => {
            let producer = pick(&stage.producers, rng).map(|(id, _)| client(id));
            (producer.unwrap_or_default(), leader())
        }
        Talk::Fetch => {
            let followers = target.iter().map(|it| match rng.below(2) {
                0 => Selector::Followers(it.partition),
                _ => Selector::Follower(it.partition, 1 + rng.below(it.replicas.max(2) - 1) as u16),
            });
            (followers.collect(), leader())
        }
        Talk::Client => (pick(&stage.clients(), rng).into_iter().collect(), Vec::new()),
        Talk::Group => match pick(&stage.members, rng) {
            Some((group, member)) => (client(member), vec![Selector::Coordinator(group)]),
            None => (Vec::new(), Vec::new()),
        },
        Talk::Controller => {
            let broker = match (rng.below(2), target) {
                (0, Some(it)) => Some(Selector::Leader(it.partition)),
                _ => pick(&stage.brokers, rng).map(|id| Selector::Node(NodeId::Broker(id))),
            };
            (broker.into_iter().collect(), vec![Selector::Controller])
        }
    }
}
