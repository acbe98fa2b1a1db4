//! Pass 4: each fault as weak and as narrow as it may be.

use model::ids::{ClientId, NodeId};
use model::message::{Api, Half, MessageKind};
use model::time::Duration;
use sim::plan::{
    ALL_MILLIONTHS, Action, Direction, MessageFate, MessageRule, Plan, Selector, Shape, Step,
    Unsynced,
};

use super::court::Court;
use super::exhaust;
use super::surgery::sound::is_sound;

/// How many messages a rule about some of them lets pass before the one that it is about.
const SKIPS: u32 = 4;
/// The APIs whose messages make a story.
const TELLING: [Api; 11] = [
    Api::Produce,
    Api::Fetch,
    Api::AlterPartition,
    Api::BrokerHeartbeat,
    Api::FetchMetadata,
    Api::OffsetCommit,
    Api::Heartbeat,
    Api::JoinGroup,
    Api::SyncGroup,
    Api::ConsumerGroupHeartbeat,
    Api::OffsetForLeaderEpoch,
];
/// How long a process stands still that was to die.
const PAUSE: Duration = Duration::from_secs(10);

/// Weakens steps one by one, until none can be weaker.
pub(super) fn weaken(court: &mut Court<'_>, plan: Plan) -> Plan {
    exhaust(court, plan, |plan| {
        Box::new((0..plan.steps.len()).rev().flat_map(move |place| {
            let steps = weaker(&plan, &plan.steps[place]);
            let plan = plan.clone();
            steps.into_iter().map(move |step| with_step(&plan, place, step)).filter(is_sound)
        }))
    })
}

/// Returns the plan with another step in a place.
pub(super) fn with_step(plan: &Plan, place: usize, step: Step) -> Plan {
    let mut new = plan.clone();
    new.steps[place] = step;
    new
}

fn weaker(plan: &Plan, step: &Step) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    if let Action::Crash(hit) | Action::PowerLoss(hit, _) = &step.action {
        // A process that stands still for ever is dead to all others.
        let undo_after = step.undo_after.or(Some(PAUSE));
        steps.push(Step { action: Action::Pause(hit.clone()), undo_after, ..step.clone() });
    }
    let actions = gentler(&step.action).into_iter().chain(narrower(plan, &step.action));
    steps.extend(actions.map(|action| Step { action, ..step.clone() }));
    steps
}

/// Lists weaker faults for the same victims.
fn gentler(action: &Action) -> Vec<Action> {
    match action {
        Action::PowerLoss(hit, unsynced) => {
            let mut gentler = vec![Action::Crash(hit.clone())];
            // All of it is no matter of luck.
            if matches!(unsynced, Unsynced::Prefix | Unsynced::Torn) {
                gentler.push(Action::PowerLoss(hit.clone(), Unsynced::Lost));
            }
            gentler
        }
        Action::Cut { from, to, direction: Direction::Both } => {
            let direction = Direction::OneWay;
            let mut gentler = vec![Action::Cut { from: from.clone(), to: to.clone(), direction }];
            if !to.is_empty() {
                gentler.push(Action::Cut { from: to.clone(), to: from.clone(), direction });
            }
            gentler
        }
        Action::Cut { from, to, direction: Direction::OneWay } => one_message(from, to),
        Action::Slow { from, to, latency } => fixed(*latency)
            .map(|latency| Action::Slow { from: from.clone(), to: to.clone(), latency })
            .collect(),
        Action::DiskSlow(hit, latency) => {
            fixed(*latency).map(|latency| Action::DiskSlow(hit.clone(), latency)).collect()
        }
        Action::Rule(rule) => rarer(rule).into_iter().map(Action::Rule).collect(),
        Action::Produce(client, records) => {
            let fewer = [1, records / 2, records.saturating_sub(1)];
            let fewer = fewer.into_iter().filter(|it| 0 < *it && it < records);
            fewer.map(|records| Action::Produce(*client, records)).collect()
        }
        _ => Vec::new(),
    }
}

/// Lists rules about one kind of message in place of a cut from one node to another: about one
/// message, then about all of them.
fn one_message(from: &[Selector], to: &[Selector]) -> Vec<Action> {
    if from.len() != 1 || to.len() != 1 {
        return Vec::new();
    }
    let rule = |kind: MessageKind, times| {
        let (fate, from, to) = (MessageFate::Drop, from.to_vec(), to.to_vec());
        let (skip, share_millionths) = (0, ALL_MILLIONTHS);
        Action::Rule(MessageRule { fate, kind, from, to, skip, times, share_millionths })
    };
    let kinds = || {
        let half = |api| [Half::Request, Half::Response].map(|half| MessageKind { api, half });
        TELLING.iter().flat_map(move |api| half(*api))
    };
    kinds().map(|kind| rule(kind, Some(1))).chain(kinds().map(|kind| rule(kind, None))).collect()
}

/// Lists rules that apply to fewer messages.
fn rarer(rule: &MessageRule) -> Vec<MessageRule> {
    let with = |skip, times| {
        let share_millionths = ALL_MILLIONTHS;
        MessageRule { skip, times, share_millionths, ..rule.clone() }
    };
    if rule.share_millionths != ALL_MILLIONTHS {
        let one = (0..=SKIPS).map(|skip| with(rule.skip + skip, Some(1)));
        return one.chain([with(rule.skip, rule.times)]).collect();
    }
    let times = match rule.times {
        None => vec![1, 2, 3, 5, 10],
        Some(times) => vec![1, 2, times / 2, times - 1],
    };
    let times = times.into_iter().filter(|it| 0 < *it && rule.times.is_none_or(|old| *it < old));
    let skips = [0, rule.skip / 2, rule.skip.saturating_sub(1)];
    let skips = skips.into_iter().filter(|it| *it < rule.skip);
    times
        .map(|times| with(rule.skip, Some(times)))
        .chain(skips.map(|skip| with(skip, rule.times)))
        .collect()
}

/// Returns the length that a random one has in the middle, if it is random.
pub(super) fn fixed(shape: Shape) -> impl Iterator<Item = Shape> {
    let middle = match shape {
        Shape::Fixed(_) => None,
        Shape::Uniform(low, high) => Some(Duration((low.0 + high.0) / 2)),
        Shape::Exponential { mean, .. } => Some(mean),
        Shape::TwoHumped { usual, .. } => Some(usual),
    };
    let ends = match shape {
        Shape::Uniform(_, high) => Some(high),
        Shape::TwoHumped { rare, .. } => Some(rare),
        Shape::Fixed(_) | Shape::Exponential { .. } => None,
    };
    [middle, ends].into_iter().flatten().map(Shape::Fixed)
}

/// Lists the same fault for fewer victims.
fn narrower(plan: &Plan, action: &Action) -> Vec<Action> {
    let one = |hit: &[Selector], make: &dyn Fn(Vec<Selector>) -> Action| -> Vec<Action> {
        fewer(plan, hit).into_iter().map(make).collect()
    };
    match action {
        Action::Crash(hit) => one(hit, &Action::Crash),
        Action::Restart(hit) => one(hit, &Action::Restart),
        Action::Shutdown(hit) => one(hit, &Action::Shutdown),
        Action::PowerLoss(hit, unsynced) => one(hit, &|hit| Action::PowerLoss(hit, *unsynced)),
        Action::Pause(hit) => one(hit, &Action::Pause),
        Action::Resume(hit) => one(hit, &Action::Resume),
        Action::Heal(hit) => one(hit, &Action::Heal),
        Action::DiskSlow(hit, latency) => one(hit, &|hit| Action::DiskSlow(hit, *latency)),
        Action::DiskStall(hit) => one(hit, &Action::DiskStall),
        Action::ClockJump(hit, by) => one(hit, &|hit| Action::ClockJump(hit, *by)),
        Action::ClockDrift(hit, ppm) => one(hit, &|hit| Action::ClockDrift(hit, *ppm)),
        Action::Cut { from, to, direction } => {
            sides(plan, (from, to), &|from, to| Action::Cut { from, to, direction: *direction })
        }
        Action::Slow { from, to, latency } => {
            sides(plan, (from, to), &|from, to| Action::Slow { from, to, latency: *latency })
        }
        Action::Reset(from, to) => sides(plan, (from, to), &Action::Reset),
        Action::Rule(rule) => sides(plan, (&rule.from, &rule.to), &|from, to| {
            Action::Rule(MessageRule { from, to, ..rule.clone() })
        }),
        Action::Join(hit) => one(hit, &Action::Join),
        Action::Leave(hit) => one(hit, &Action::Leave),
        Action::PollElsewhere(hit) => one(hit, &Action::PollElsewhere),
        Action::Wakeup(hit) => one(hit, &Action::Wakeup),
        Action::PauseFetching(hit, at) => one(hit, &|hit| Action::PauseFetching(hit, at.clone())),
        Action::ResumeFetching(hit, at) => one(hit, &|hit| Action::ResumeFetching(hit, at.clone())),
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
        | Action::Mark(_) => Vec::new(),
    }
}

/// Lists fewer on either side of a link; an empty side is everybody else.
fn sides(
    plan: &Plan,
    (from, to): (&[Selector], &[Selector]),
    make: &dyn Fn(Vec<Selector>, Vec<Selector>) -> Action,
) -> Vec<Action> {
    let rest = |side: &[Selector]| match side {
        [] => nodes(plan).map(|node| vec![Selector::Node(node)]).collect(),
        side => fewer(plan, side),
    };
    let fewer_to = rest(to).into_iter().map(|to| make(from.to_vec(), to));
    let fewer_from = rest(from).into_iter().map(|from| make(from, to.to_vec()));
    fewer_to.chain(fewer_from).collect()
}

/// Lists selections of fewer nodes: one of several, one instead of all of a kind.
fn fewer(plan: &Plan, selectors: &[Selector]) -> Vec<Vec<Selector>> {
    if 1 < selectors.len() {
        let one = selectors.iter().map(|selector| vec![selector.clone()]);
        let others = (0..selectors.len()).map(|at| {
            let mut others = selectors.to_vec();
            others.remove(at);
            others
        });
        return one.chain(others.filter(|others| 1 < others.len())).collect();
    }
    let Some(selector) = selectors.first() else { return Vec::new() };
    let fits = |node: &NodeId| match selector {
        Selector::Followers(_)
        | Selector::Isr(_)
        | Selector::Rack(_)
        | Selector::AnyBroker
        | Selector::AllBrokers => matches!(node, NodeId::Broker(_)),
        Selector::Members(group) => match node {
            NodeId::Client(client) => plan.groups[usize::from(group.0)].members.contains(client),
            NodeId::Broker(_) | NodeId::Controller(_) => false,
        },
        Selector::AllClients => matches!(node, NodeId::Client(_)),
        Selector::Node(_)
        | Selector::Leader(_)
        | Selector::Follower(..)
        | Selector::Controller
        | Selector::LastCrashed
        | Selector::AllDown
        | Selector::Coordinator(_)
        | Selector::Member(..)
        | Selector::Owner(..)
        | Selector::GroupLeader(_) => false,
    };
    nodes(plan).filter(fits).map(|node| vec![Selector::Node(node)]).collect()
}

/// Lists the brokers and clients of a plan.
fn nodes(plan: &Plan) -> impl Iterator<Item = NodeId> {
    let brokers = plan.brokers.iter().map(|broker| NodeId::Broker(broker.id));
    let clients = (0..plan.clients.len() as u16).map(|id| NodeId::Client(ClientId(id)));
    brokers.chain(clients)
}
