//! Power cuts that leave an in-sync copy of whatever was acknowledged, as far as
//! `min.insync.replicas` can promise one.
//!
//! Power goes at one host at a time, and only while every partition has all of its replicas in
//! sync, or exactly `min.insync.replicas` of them after a cut inside the cluster. Until the
//! controller has taken that host out of every ISR, nothing happens to another broker:
//! otherwise the host that has lost bytes could be the last one in the ISR, and truncate the
//! others (the reason for KIP-966).

use model::chance::Rng;
use model::time::Duration;
use sim::plan::{Action, Comparison, Condition, Direction, Quantity, Selector, Step, Trigger};

use super::chance::{Dice, log_length, log_uniform, pick, stream};
use super::faults::{self, Scene, step};
use super::kind::FaultKind;
use super::seams::About;
use super::stage::{Stage, Target};

/// Power goes so often, at most.
const CUTS_MAX: u64 = 3;
/// From the last sign of a seam to the loss of power, at most.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// What the controller needs beyond a session to take a broker out of its ISRs.
const SLACK: Duration = Duration::from_secs(1);

/// Says whether a kind leaves brokers in sync and in contact with the controller.
pub(super) fn is_gentle(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Drop
        | FaultKind::Hold
        | FaultKind::Delay
        | FaultKind::ClockJump
        | FaultKind::ClockDrift
        | FaultKind::Elect
        | FaultKind::ClientCrash
        | FaultKind::ClientPause
        | FaultKind::Leave => true,
        FaultKind::Crash
        | FaultKind::PowerLoss
        | FaultKind::Pause
        | FaultKind::Shutdown
        | FaultKind::Cut
        | FaultKind::CutOneWay
        | FaultKind::Isolate
        | FaultKind::SlowLink
        | FaultKind::LinkOrder
        | FaultKind::Reset
        | FaultKind::SlowDisk
        | FaultKind::StallDisk
        | FaultKind::ControllerCrash
        | FaultKind::ControllerPause => false,
    }
}

/// Says whether every partition has a second copy to survive with.
pub(super) fn is_survivable(stage: &Stage) -> bool {
    let mut all = stage.targets.iter().chain(&stage.offsets);
    !stage.targets.is_empty() && all.all(|target| 2 <= target.replicas)
}

/// Draws one to three power cuts, each after the one before is over.
pub(super) fn steps(scene: &Scene<'_>, seed: u64) -> Vec<Step> {
    let cuts = 1 + stream(seed, "power/count").below(CUTS_MAX);
    (0..cuts).flat_map(|nth| power_cut(scene, seed, nth)).collect()
}

fn power_cut(scene: &Scene<'_>, seed: u64, nth: u64) -> Vec<Step> {
    let rng = &mut stream(seed, &format!("power/{nth}"));
    let dice = Dice::of(seed, usize::MAX - nth as usize);
    let Some(target) = pick(&scene.stage.targets, rng) else { return Vec::new() };
    let mut ready = in_sync(scene.stage);
    if let Some(before) = nth.checked_sub(1) {
        ready = and(Condition::Seen(over(before).into()), ready);
    }
    if let Some(seam) = progress(scene.stage, target, rng) {
        ready = and(ready, seam);
    }
    let unsynced = faults::unsynced(dice);
    let undo = scene.moments.dwell(About::Brokers, dice);
    let mut steps = match target.min_isr < target.replicas && rng.below(2) == 0 {
        true => {
            let mut steps = shrink(target, ready, &format!("cut-{nth}"), scene.stage);
            let wait = log_length(Duration::from_millis(1), WAIT_MAX, rng);
            let shrunk = is(Quantity::Isr(target.partition), Comparison::Equal, least(target));
            let when = and(Condition::Seen(format!("cut-{nth}").into()), shrunk);
            let action = Action::PowerLoss(vec![Selector::Leader(target.partition)], unsynced);
            steps.push(step(Trigger::When(when, wait), action, undo));
            steps
        }
        false => {
            let action = Action::PowerLoss(vec![host(scene.stage, target, rng)], unsynced);
            vec![step(Trigger::When(ready, Duration::ZERO), action, undo)]
        }
    };
    let session = scene.stage.broker_session;
    let over = Action::Mark(Some(over(nth).into()));
    steps.push(step(Trigger::After(session + session + SLACK), over, None));
    steps
}

fn over(nth: u64) -> String {
    format!("power-{nth}-is-over")
}

/// Cuts a leader off from all followers that `min.insync.replicas` does not ask for, and sets a
/// marker.
fn shrink(target: Target, ready: Condition, marker: &str, stage: &Stage) -> Vec<Step> {
    let leaving = least(target)..target.replicas;
    let to = leaving.map(|nth| Selector::Follower(target.partition, nth as u16)).collect();
    let from = vec![Selector::Leader(target.partition)];
    let cut = Action::Cut { from, to, direction: Direction::Both };
    // A follower leaves the ISR after once to one and a half times the lag.
    let lasts = stage.lag + stage.lag + WAIT_MAX;
    vec![
        step(Trigger::When(ready, Duration::ZERO), cut, Some(lasts)),
        step(Trigger::After(Duration::ZERO), Action::Mark(Some(marker.into())), None),
    ]
}

fn least(target: Target) -> u64 {
    target.min_isr.max(1)
}

fn host(stage: &Stage, target: Target, rng: &mut Rng) -> Selector {
    let partition = target.partition;
    match (rng.below(4), pick(&stage.groups, rng)) {
        (0, Some(group)) => Selector::Coordinator(group),
        (1, _) => Selector::Follower(partition, 1 + rng.below(target.replicas - 1) as u16),
        _ => Selector::Leader(partition),
    }
}

/// All replicas of all partitions are in sync, and all brokers in contact.
fn in_sync(stage: &Stage) -> Condition {
    let all = is(Quantity::Unfenced, Comparison::Equal, stage.brokers.len() as u64);
    let targets = stage.targets.iter().chain(&stage.offsets);
    targets.fold(all, |all, target| {
        and(all, is(Quantity::Isr(target.partition), Comparison::Equal, target.replicas))
    })
}

/// Something that has been achieved before the power goes.
fn progress(stage: &Stage, target: Target, rng: &mut Rng) -> Option<Condition> {
    let (producer, records) = pick(&stage.producers, rng)?;
    let count = log_uniform(1, records, rng);
    let quantity = match (rng.below(4), pick(&stage.groups, rng)) {
        (0, _) => return None,
        (1, Some(group)) => Quantity::Processed(group),
        (2, Some(group)) => Quantity::Committed(group, target.partition),
        _ => Quantity::Acknowledged(producer),
    };
    Some(is(quantity, Comparison::AtLeast, count))
}

fn is(quantity: Quantity, sign: Comparison, number: u64) -> Condition {
    Condition::Compare(quantity, sign, number)
}

fn and(one: Condition, other: Condition) -> Condition {
    Condition::And(Box::new(one), Box::new(other))
}
