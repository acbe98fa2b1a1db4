//! One fault as the steps of a plan.

use model::chance::Rng;
use model::ids::NodeId;
use model::message::cluster::ElectionKind;
use model::time::Duration;
use sim::plan::{
    Action, ControllerKind, Direction, MessageFate, Required, Selector, Shape, Step, Trigger,
    Unsynced,
};

use super::Keep;
use super::chance::{Dice, log_length, log_uniform, pick, weighted};
use super::kind::FaultKind;
use super::messages;
use super::moments::Moments;
use super::seams::About;
use super::series::{self, Series};
use super::stage::Stage;

/// The slowest link and the slowest disk.
const SLOWEST: Duration = Duration::from_secs(5);
/// The furthest that a clock is set.
const JUMP_MAX: Duration = Duration::from_secs(3_600);
/// The most that a clock gains or loses, in microseconds per second.
const DRIFT_MAX: u64 = 100_000;
/// From the first sign of a message's fault to what happens meanwhile, at most.
const MEANWHILE_MAX: Duration = Duration::from_secs(2);

/// Whom faults can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Everybody.
    Everywhere,
    /// Nobody whom brokers need to stay in sync.
    Clients,
}

/// What a plan's faults have in common.
#[derive(Debug)]
pub(super) struct Scene<'s> {
    pub stage: &'s Stage,
    pub moments: &'s Moments,
    pub reach: Reach,
    pub keep: Keep,
    /// What may happen to messages while something else happens.
    pub meanwhile: Vec<FaultKind>,
}

/// A step that may never fire.
pub(super) fn step(trigger: Trigger, action: Action, undo_after: Option<Duration>) -> Step {
    Step { trigger, action, undo_after, required: Required::No }
}

/// Returns the steps of a fault, the first of them with this trigger; none if the plan has
/// nobody whom it could hit.
pub(super) fn steps(kind: FaultKind, trigger: Trigger, scene: &Scene<'_>, dice: Dice) -> Vec<Step> {
    let dwell = scene.moments.dwell(super::about(kind), dice);
    if let Some(fate) = fate(kind, dice) {
        return of_messages(fate, trigger, scene, dice).unwrap_or_default();
    }
    if let (FaultKind::Leave, Some(member)) = (kind, member(scene, dice)) {
        let back = dwell.unwrap_or(Duration::from_secs(1));
        let leave = step(trigger, Action::Leave(vec![member.clone()]), None);
        return vec![leave, step(Trigger::After(back), Action::Join(vec![member]), None)];
    }
    let (action, lasts, further) = match series::draw(kind, scene, dice) {
        Some(Series { first, lasts, further }) => (first, lasts, further),
        None => match action(kind, scene, dice) {
            Some(action) => (action, dwell, Vec::new()),
            None => return Vec::new(),
        },
    };
    let undo = if is_undone(&action) { lasts } else { None };
    if matches!(trigger, Trigger::When(..))
        && let Some((rule, wait, release)) = meanwhile(scene, dice)
    {
        let rule = step(trigger, rule, None);
        let strike = step(Trigger::After(wait), action, undo);
        return [rule, strike].into_iter().chain(further).chain(release).collect();
    }
    [step(trigger, action, undo)].into_iter().chain(further).collect()
}

/// Says whether `for` ends it.
fn is_undone(action: &Action) -> bool {
    !matches!(
        action,
        Action::Elect(..) | Action::Reset(..) | Action::ClockJump(..) | Action::ClockDrift(..)
    )
}

fn action(kind: FaultKind, scene: &Scene<'_>, dice: Dice) -> Option<Action> {
    let rng = &mut dice.stream("target");
    let broker = |rng: &mut Rng| vec![broker(scene.stage, rng)];
    Some(match kind {
        FaultKind::Crash
        | FaultKind::PowerLoss
        | FaultKind::Pause
        | FaultKind::Shutdown
        | FaultKind::Isolate => return on_brokers(kind, broker(rng), dice),
        FaultKind::Cut => cut(Direction::Both, scene, dice),
        FaultKind::CutOneWay => cut(Direction::OneWay, scene, dice),
        FaultKind::SlowLink => {
            let latency = latency(&mut dice.stream("strength"));
            Action::Slow { from: broker(rng), to: others(scene, rng), latency }
        }
        FaultKind::Reset => Action::Reset(broker(rng), others(scene, rng)),
        FaultKind::SlowDisk => Action::DiskSlow(broker(rng), latency(&mut dice.stream("strength"))),
        FaultKind::StallDisk => Action::DiskStall(broker(rng)),
        FaultKind::ClockJump => {
            let micros = log_length(Duration(1_000), JUMP_MAX, &mut dice.stream("strength")).0;
            Action::ClockJump(clock_owner(scene, rng), signed(micros, dice))
        }
        FaultKind::ClockDrift => {
            let ppm = log_uniform(1, DRIFT_MAX, &mut dice.stream("strength"));
            Action::ClockDrift(clock_owner(scene, rng), signed(ppm, dice))
        }
        FaultKind::Elect => {
            let target = pick(&scene.stage.targets, rng)?;
            Action::Elect(target.partition, ElectionKind::Preferred)
        }
        FaultKind::ClientCrash => Action::Crash(vec![client(scene.stage, rng)?]),
        FaultKind::ClientPause => Action::Pause(vec![client(scene.stage, rng)?]),
        FaultKind::ControllerCrash => Action::Crash(vec![Selector::Controller]),
        FaultKind::ControllerPause => Action::Pause(vec![Selector::Controller]),
        FaultKind::Leave
        | FaultKind::Drop
        | FaultKind::Hold
        | FaultKind::Delay
        | FaultKind::LinkOrder => return None,
    })
}

/// Returns what takes these brokers out; `None` if the kind does no such thing.
pub(super) fn on_brokers(kind: FaultKind, who: Vec<Selector>, dice: Dice) -> Option<Action> {
    Some(match kind {
        FaultKind::Crash => Action::Crash(who),
        FaultKind::PowerLoss => Action::PowerLoss(who, unsynced(dice)),
        FaultKind::Pause => Action::Pause(who),
        FaultKind::Shutdown => Action::Shutdown(who),
        FaultKind::Isolate => Action::Cut { from: who, to: Vec::new(), direction: Direction::Both },
        _ => return None,
    })
}

/// Draws a broker, mostly by what it is just then.
fn broker(stage: &Stage, rng: &mut Rng) -> Selector {
    let node = |rng: &mut Rng| {
        let broker = pick(&stage.brokers, rng).expect("a cluster has a broker");
        Selector::Node(NodeId::Broker(broker))
    };
    let Some(target) = pick(&stage.targets, rng) else { return node(rng) };
    let partition = target.partition;
    match rng.below(16) {
        0..=6 => Selector::Leader(partition),
        7..=9 => Selector::Follower(partition, 1 + rng.below(target.replicas.max(2) - 1) as u16),
        10 => Selector::LastCrashed,
        11 | 12 => pick(&stage.groups, rng).map_or_else(|| node(rng), Selector::Coordinator),
        _ => node(rng),
    }
}

/// Draws a client, members by what they are just then.
fn client(stage: &Stage, rng: &mut Rng) -> Option<Selector> {
    let owned = pick(&stage.groups, rng).zip(pick(&stage.targets, rng));
    match (rng.below(4), owned) {
        (0, Some((group, target))) => Some(Selector::Owner(group, target.partition)),
        _ => pick(&stage.clients(), rng),
    }
}

fn member(scene: &Scene<'_>, dice: Dice) -> Option<Selector> {
    let (_, member) = pick(&scene.stage.members, &mut dice.stream("target"))?;
    Some(Selector::Node(NodeId::Client(member)))
}

/// Draws the other side of a link.
fn others(scene: &Scene<'_>, rng: &mut Rng) -> Vec<Selector> {
    let stage = scene.stage;
    let has_controller =
        stage.controller == ControllerKind::Single && scene.keep != Keep::ControllerMajority;
    let target = pick(&stage.targets, rng);
    let sides = [
        (0, 4 * u32::from(target.is_some())),
        (1, 3),
        (2, 2 * u32::from(has_controller)),
        (3, 2 * u32::from(!stage.clients().is_empty())),
        (4, 1),
    ];
    match (weighted(&sides, rng), target) {
        (Some(0), Some(target)) => match rng.below(3) {
            0 => vec![Selector::Leader(target.partition)],
            1 => vec![Selector::Follower(target.partition, 1)],
            _ => vec![Selector::Followers(target.partition)],
        },
        (Some(2), _) => vec![Selector::Controller],
        (Some(3), _) => pick(&stage.clients(), rng).into_iter().collect(),
        (Some(4), _) => vec![Selector::AllBrokers],
        _ => vec![broker(stage, rng)],
    }
}

fn cut(direction: Direction, scene: &Scene<'_>, dice: Dice) -> Action {
    let rng = &mut dice.stream("target");
    let (from, to) = (vec![broker(scene.stage, rng)], others(scene, rng));
    match (direction, rng.below(2)) {
        (Direction::OneWay, 0) => Action::Cut { from: to, to: from, direction },
        _ => Action::Cut { from, to, direction },
    }
}

fn clock_owner(scene: &Scene<'_>, rng: &mut Rng) -> Vec<Selector> {
    match (rng.below(3), pick(&scene.stage.clients(), rng)) {
        (0, Some(client)) => vec![client],
        _ => vec![broker(scene.stage, rng)],
    }
}

/// Draws whether it goes forward or back.
fn signed(number: u64, dice: Dice) -> i64 {
    if dice.stream("sign").below(2) == 0 { -(number as i64) } else { number as i64 }
}

fn latency(rng: &mut Rng) -> Shape {
    Shape::Fixed(log_length(Duration::from_millis(1), SLOWEST, rng))
}

pub(super) fn unsynced(dice: Dice) -> Unsynced {
    match dice.stream("unsynced").below(8) {
        0..=3 => Unsynced::Lost,
        4 | 5 => Unsynced::Prefix,
        6 => Unsynced::Torn,
        _ => Unsynced::Kept,
    }
}

/// Returns what happens to messages, if the fault is about them.
fn fate(kind: FaultKind, dice: Dice) -> Option<MessageFate> {
    let fates = [
        (FaultKind::Drop, MessageFate::Drop),
        (FaultKind::Hold, MessageFate::Hold),
        (FaultKind::Delay, messages::delay(dice)),
    ];
    fates.into_iter().find(|(it, _)| *it == kind).map(|(_, fate)| fate)
}

fn of_messages(
    fate: MessageFate,
    trigger: Trigger,
    scene: &Scene<'_>,
    dice: Dice,
) -> Option<Vec<Step>> {
    let rule = messages::rule(fate, (scene.stage, scene.reach), dice)?;
    let lasts = scene.moments.dwell(About::Anything, dice);
    // A rule that counts is used up, if it meets as many messages at all.
    let undo = lasts.filter(|_| rule.times.is_none() || fate != MessageFate::Hold);
    let rule = step(trigger, Action::Rule(rule), undo);
    let release = (fate == MessageFate::Hold).then_some(lasts).flatten();
    let release = release.map(|after| step(Trigger::After(after), Action::Release, None));
    Some([Some(rule), release].into_iter().flatten().collect())
}

/// Draws what happens to messages while something else happens: the rule, when the other thing
/// follows, and what ends it.
fn meanwhile(scene: &Scene<'_>, dice: Dice) -> Option<(Action, Duration, Option<Step>)> {
    let rng = &mut dice.stream("meanwhile");
    let kind = pick(&scene.meanwhile, rng).filter(|_| rng.below(3) == 0)?;
    let fate = fate(kind, dice)?;
    let rule = messages::rule(fate, (scene.stage, scene.reach), dice)?;
    let wait = match rng.below(2) {
        0 => Duration::ZERO,
        _ => log_length(Duration::from_millis(1), MEANWHILE_MAX, rng),
    };
    let release = log_length(Duration::from_millis(1), scene.stage.faults_for, rng);
    let release =
        (kind == FaultKind::Hold).then(|| step(Trigger::After(release), Action::Release, None));
    Some((Action::Rule(rule), wait, release))
}
