//! Random faults, drawn into a plan before it runs: `[nemesis]`.
//!
//! What is drawn are steps like those of a file, so that everybody downstream runs, shows and
//! shortens them alike. Each decision comes from a stream that is named after the fault and what
//! is decided about it: one fault less shifts the draws of nobody else.
//!
//! In reading order:
//! - [`kind`]: the kinds of faults; `read`: the section of a file
//! - `stage`: what a plan offers; `moments`: times; `seams`: conditions
//! - `faults`, `messages`, `order`: faults as steps; `series`: several of a kind; `power`: cuts of power that can be survived

mod chance;
mod faults;
pub mod kind;
mod messages;
mod moments;
mod order;
mod power;
mod read;
mod seams;
mod series;
mod stage;

pub use kind::FaultKind;
pub(crate) use read::read;

use model::time::Duration;
use sim::plan::{Action, ControllerKind, Plan, Shape, Step, Trigger};

use self::chance::{Dice, log_length, log_uniform, stream, weighted};
use self::faults::{Reach, Scene};
use self::moments::Moments;
use self::seams::About;
use self::stage::Stage;
use crate::scenario::{Random, StepInfo};

/// Of a million runs, those with exactly one kind of fault and those with none.
const ONE_KIND_MILLIONTHS: u64 = 100_000;
const NONE_MILLIONTHS: u64 = 50_000;
/// From a seam to its fault, at most.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// What random faults a scenario allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Nemesis {
    /// Whether each run leaves out about half of the kinds.
    pub swarm: Swarm,
    /// The kinds, each with its weight among the others.
    pub allow: Vec<(FaultKind, u32)>,
    /// Time from one fault to the next; `None` draws storms and lulls.
    pub every: Option<Shape>,
    /// What is never destroyed.
    pub keep: Keep,
    /// The fewest and the most faults of a run that has some, each power of two as likely as
    /// the next.
    pub faults: (u64, u64),
    /// Of a million faults, those that wait for a seam of a protocol.
    pub seams_millionths: u32,
    /// Its line in the file, from 1.
    pub line: usize,
}

/// Whether each run leaves out about half of the kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swarm {
    /// It does, because faults that are always there hide what fewer would show.
    Yes,
    /// Each run has all of them.
    No,
}

/// What a nemesis never destroys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing is safe.
    Nothing,
    /// Most controllers live and are reached: with one controller, that one.
    ControllerMajority,
    /// What was acknowledged has an in-sync copy that has not lost its unsynced bytes, as far
    /// as `min.insync.replicas` can promise one.
    InSyncCopy,
}

impl Default for Nemesis {
    fn default() -> Nemesis {
        Nemesis {
            swarm: Swarm::Yes,
            allow: FaultKind::all().map(|kind| (kind, kind.weight())).collect(),
            every: None,
            keep: Keep::Nothing,
            faults: (1, 64),
            seams_millionths: 500_000,
            line: 1,
        }
    }
}

impl Nemesis {
    /// Draws faults into a plan, behind the steps that it has. The same seed draws the same.
    ///
    /// Returns what readers want to know of the steps that were added.
    pub fn draw(&self, plan: &mut Plan, seed: u64) -> Vec<StepInfo> {
        let stage = Stage::of(plan);
        let mut cast = self.cast(&stage, seed);
        let has_power_cuts = self.keep == Keep::InSyncCopy && keep_gentle(&mut cast, &stage, seed);
        let moments = Moments::of(&stage, self.every, seed);
        let meanwhile = [FaultKind::Hold, FaultKind::Drop];
        let meanwhile = meanwhile.into_iter().filter(|kind| has(&cast, *kind)).collect();
        let reach = if has_power_cuts { Reach::Clients } else { Reach::Everywhere };
        let scene = Scene { stage: &stage, moments: &moments, reach, keep: self.keep, meanwhile };
        let mut steps = Vec::new();
        if has(&cast, FaultKind::LinkOrder) {
            steps.extend(order::steps(&scene, seed));
        }
        if has_power_cuts {
            steps.extend(power::steps(&scene, seed));
        }
        cast.retain(|(kind, _)| *kind != FaultKind::LinkOrder);
        steps.extend(self.faults(&cast, &scene, seed));
        let info = |step: &Step| StepInfo {
            line: self.line,
            say: None,
            ask: None,
            verb: verb(&step.action).to_owned(),
            random: Random::default(),
        };
        let infos = steps.iter().map(info).collect();
        plan.steps.extend(steps);
        infos
    }

    /// Draws which kinds this run has.
    fn cast(&self, stage: &Stage, seed: u64) -> Vec<(FaultKind, u32)> {
        let allowed = self.allow.iter().copied();
        let can_be = |(kind, weight): &(FaultKind, u32)| {
            0 < *weight && is_possible(*kind, stage) && self.spares(*kind)
        };
        let mut cast: Vec<(FaultKind, u32)> = allowed.filter(can_be).collect();
        if self.swarm == Swarm::No {
            return cast;
        }
        let rng = &mut stream(seed, "swarm");
        match rng.below(1_000_000) {
            0..NONE_MILLIONTHS => return Vec::new(),
            share if share < NONE_MILLIONTHS + ONE_KIND_MILLIONTHS => {
                let only = weighted(&cast, rng);
                cast.retain(|(kind, _)| Some(*kind) == only);
            }
            _ => {
                let tossed = |what: String| stream(seed, &what).below(2) == 0;
                // Half of these runs leave out whole families: some promises are only made
                // where nothing happens to a broker, or to the network.
                let by_family = rng.below(2) == 0;
                let only = weighted(&cast, rng);
                let all = cast.clone();
                cast.retain(|(kind, _)| {
                    let family = !by_family || tossed(format!("family/{:?}", kind.family()));
                    family && tossed(format!("kind/{}", kind.name()))
                });
                if cast.is_empty() {
                    cast.extend(all.iter().filter(|(kind, _)| Some(*kind) == only));
                }
            }
        }
        cast
    }

    /// Says whether what is kept leaves room for a kind.
    fn spares(&self, kind: FaultKind) -> bool {
        let hits_controller =
            kind == FaultKind::ControllerCrash || kind == FaultKind::ControllerPause;
        self.keep != Keep::ControllerMajority || !hits_controller
    }

    fn faults(&self, cast: &[(FaultKind, u32)], scene: &Scene<'_>, seed: u64) -> Vec<Step> {
        let (least, most) = self.faults;
        let count = log_uniform(least, most, &mut stream(seed, "count"));
        let mut faults: Vec<Vec<Step>> = Vec::new();
        for fault in 0..count as usize {
            let dice = Dice::of(seed, fault);
            let Some(kind) = weighted(cast, &mut dice.stream("kind")) else { break };
            let Some(trigger) = self.trigger(kind, scene, (fault, dice)) else { continue };
            faults.push(faults::steps(kind, trigger, scene, dice));
        }
        // What has a time of its own comes first, in order, as a reader expects.
        faults.sort_by_key(|steps| match steps.first().map(|step| &step.trigger) {
            Some(Trigger::At(at)) => at.0,
            Some(Trigger::After(_) | Trigger::When(..)) | None => u64::MAX,
        });
        faults.into_iter().flatten().collect()
    }

    /// Draws when a fault happens; `None` if the faults are over by then.
    fn trigger(
        &self,
        kind: FaultKind,
        scene: &Scene<'_>,
        (fault, dice): (usize, Dice),
    ) -> Option<Trigger> {
        let rng = &mut dice.stream("trigger");
        if rng.chance(self.seams_millionths)
            && let Some(condition) = seams::condition(scene.stage, about(kind), rng)
        {
            let wait = match rng.below(2) {
                0 => Duration::ZERO,
                _ => log_length(Duration::from_millis(1), WAIT_MAX, rng),
            };
            return Some(Trigger::When(condition, wait));
        }
        scene.moments.start(fault).map(Trigger::At)
    }
}

/// Says whether a plan has what a kind of fault is about.
pub(crate) fn is_possible_in(kind: FaultKind, plan: &Plan) -> bool {
    is_possible(kind, &Stage::of(plan))
}

fn is_possible(kind: FaultKind, stage: &Stage) -> bool {
    match kind {
        FaultKind::ControllerCrash | FaultKind::ControllerPause => {
            stage.controller == ControllerKind::Single
        }
        FaultKind::ClientCrash | FaultKind::ClientPause => !stage.clients().is_empty(),
        FaultKind::Leave => !stage.members.is_empty(),
        FaultKind::Elect => !stage.targets.is_empty(),
        FaultKind::Crash
        | FaultKind::PowerLoss
        | FaultKind::Pause
        | FaultKind::Shutdown
        | FaultKind::Cut
        | FaultKind::CutOneWay
        | FaultKind::Isolate
        | FaultKind::SlowLink
        | FaultKind::LinkOrder
        | FaultKind::Drop
        | FaultKind::Hold
        | FaultKind::Delay
        | FaultKind::Reset
        | FaultKind::SlowDisk
        | FaultKind::StallDisk
        | FaultKind::ClockJump
        | FaultKind::ClockDrift => true,
    }
}

fn has(cast: &[(FaultKind, u32)], kind: FaultKind) -> bool {
    cast.iter().any(|(it, _)| *it == kind)
}

/// Decides between power cuts and faults that would let them destroy the last in-sync copy.
/// Says whether it is power cuts.
fn keep_gentle(cast: &mut Vec<(FaultKind, u32)>, stage: &Stage, seed: u64) -> bool {
    let can_be = has(cast, FaultKind::PowerLoss) && power::is_survivable(stage);
    cast.retain(|(kind, _)| *kind != FaultKind::PowerLoss);
    let is_alone = cast.iter().all(|(kind, _)| power::is_gentle(*kind));
    let chosen = can_be && (is_alone || stream(seed, "power").below(2) == 0);
    if chosen {
        cast.retain(|(kind, _)| power::is_gentle(*kind));
    }
    chosen
}

fn about(kind: FaultKind) -> About {
    match kind {
        FaultKind::ClientCrash | FaultKind::ClientPause | FaultKind::Leave => About::Groups,
        FaultKind::Drop | FaultKind::Hold | FaultKind::Delay => About::Anything,
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
        | FaultKind::ClockJump
        | FaultKind::ClockDrift
        | FaultKind::Elect
        | FaultKind::ControllerCrash
        | FaultKind::ControllerPause => About::Brokers,
    }
}

/// Returns the verb of a file for what a step does.
fn verb(action: &Action) -> &'static str {
    match action {
        Action::Crash(_) => "crash",
        Action::Restart(_) => "restart",
        Action::Shutdown(_) => "shutdown",
        Action::PowerLoss(..) => "power-loss",
        Action::Pause(_) => "pause",
        Action::Resume(_) => "resume",
        Action::Cut { .. } => "cut",
        Action::HealAll | Action::Heal(_) => "heal",
        Action::Slow { .. } => "slow",
        Action::Rule(_) => "rule",
        Action::Release => "release",
        Action::Reset(..) => "reset",
        Action::DiskSlow(..) | Action::DiskStall(_) => "disk",
        Action::ClockJump(..) | Action::ClockDrift(..) => "clock",
        Action::Elect(..) => "elect",
        Action::CreateTopic(_) => "create-topic",
        Action::AlterTopic(..) => "alter",
        Action::Produce(..) => "produce",
        Action::Seek(..) | Action::SeekToTime(..) => "seek",
        Action::Join(_) => "join",
        Action::Leave(_) => "leave",
        Action::PollElsewhere(_) => "poll",
        Action::Wakeup(_) => "wakeup",
        Action::PauseFetching(..) => "pause-fetch",
        Action::ResumeFetching(..) => "resume-fetch",
        Action::CommitOffsets(_) => "commit-offsets",
        Action::AddPartitions(..) => "add-partitions",
        Action::DeleteRecords(..) => "delete-records",
        Action::Mark(_) => "mark",
    }
}
