//! Trials of anything that the model can do: cluster, topics, clients, groups and faults, all
//! drawn from one seed.
//!
//! Most plans are tiny, since nearly every bug of a protocol needs two brokers, two records and
//! two to four faults; their timeouts are short, so that a trial is over soon. Each optional
//! feature is there with a chance of one half: what is always on hides what needs its absence.
//! A plan holds nothing that a scenario file could not say.
//!
//! In reading order: `dice`; `cluster`, `topics`, `clients`, `groups` and `handling`;
//! `operations`: what people do to a cluster while it runs. Faults are the nemesis's.
//!
//! Source: ours.

mod clients;
mod cluster;
mod dice;
mod groups;
mod handling;
mod operations;
#[cfg(test)]
mod tests;
mod topics;

use model::rules::Rules;
use model::time::{Duration, Timestamp};
use sim::plan::{FlushPolicy, Plan};

use crate::nemesis::{FaultKind, Nemesis};
use crate::search::any::dice::Dice;
use crate::search::promise;
use crate::search::subject::{Source, Subject};

/// Events after which a trial counts as a livelock: a hundred times what a large one needs, and
/// more for each second of it. Members that nobody lets in are started again at once, and tell
/// coordinators of it some hundred times a second, until the end.
const EVENTS_MAX: u64 = 2_000_000;
const EVENTS_PER_SECOND_MAX: u64 = 20_000;

/// Draws every trial anew, and judges it by what its settings promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnySource {
    /// The rules that all trials follow. What is drawn and what is promised do not depend on
    /// them.
    pub rules: Rules,
}

impl Source for AnySource {
    fn name(&self) -> &str {
        "any"
    }

    fn draw(&self, seed: u64) -> Subject {
        let mut plan = plan(seed);
        let oracle = promise::promised(&plan);
        plan.rules = self.rules;
        Subject { plan, oracle, case: 0 }
    }
}

/// How large a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    /// Brokers, at least 1.
    pub brokers: u8,
    /// Topics that producers write, at least 1.
    pub topics: u16,
    /// Partitions of a topic, at most.
    pub partitions: u16,
    /// Records of a producer, at most.
    pub records: u64,
    /// Producers, at least 1.
    pub producers: u16,
    /// Members of a group, at most.
    pub members: u16,
    /// Faults, at most.
    pub faults: u64,
    /// How long faults are allowed, in milliseconds.
    pub faults_millis: u64,
}

impl Scale {
    fn draw(seed: u64) -> Scale {
        let mut dice = Dice::of(seed, "scale");
        let faults_millis = dice.pick(&[3_000, 4_000, 6_000, 8_000, 12_000]);
        match dice.number(0, 9) {
            0..=5 => Scale {
                brokers: dice.pick(&[1, 2, 2, 2, 3, 3, 3, 3]),
                topics: 1,
                partitions: 1,
                records: 8,
                producers: 1,
                members: 2,
                faults: 32,
                faults_millis,
            },
            6..=8 => Scale {
                brokers: dice.pick(&[2, 3, 3, 3, 4]),
                topics: 1,
                partitions: 3,
                records: 50,
                producers: dice.pick(&[1, 1, 2]),
                members: 3,
                faults: 64,
                faults_millis,
            },
            _ => Scale {
                brokers: dice.pick(&[3, 3, 4, 5]),
                topics: dice.pick(&[1, 2]),
                partitions: 4,
                records: 200,
                producers: dice.pick(&[1, 2, 3]),
                members: 4,
                faults: 64,
                faults_millis: faults_millis + 4_000,
            },
        }
    }
}

/// Chooses what the nemesis may do: where power cuts lose bytes, most plans have none, since
/// they leave little to be promised. Every sixth plan leaves brokers alone: some promises are only
/// made there. Where there are groups, clients suffer more in every other plan.
fn nemesis(seed: u64, scale: &Scale, plan: &Plan) -> Nemesis {
    let mut dice = Dice::of(seed, "nemesis");
    let mut nemesis = Nemesis { faults: (1, scale.faults), ..Nemesis::default() };
    if plan.disk.flush != FlushPolicy::EveryWrite && !dice.one_in(4) {
        nemesis.allow.retain(|(kind, _)| *kind != FaultKind::PowerLoss);
    }
    if dice.one_in(6) {
        nemesis.allow.retain(|(kind, _)| is_gentle(*kind));
    }
    if !plan.groups.is_empty() && dice.coin() {
        let clients = nemesis.allow.iter_mut().filter(|(kind, _)| is_of_clients(*kind));
        clients.for_each(|(_, weight)| *weight *= 4);
    }
    nemesis
}

fn is_of_clients(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::ClientCrash | FaultKind::ClientPause | FaultKind::Leave)
}

/// Says whether a kind leaves brokers, their links and their disks alone.
fn is_gentle(kind: FaultKind) -> bool {
    is_of_clients(kind)
        || matches!(
            kind,
            FaultKind::Drop
                | FaultKind::Hold
                | FaultKind::Delay
                | FaultKind::ClockJump
                | FaultKind::ClockDrift
        )
}

/// Draws a plan under the correct rules.
fn plan(seed: u64) -> Plan {
    let scale = Scale::draw(seed);
    let mut topics = topics::draw(seed, &scale);
    let wishes = groups::wishes(seed, &scale);
    let further = topics::further(&wishes, topics.len());
    topics.extend(topics::for_results(seed, &scale, &wishes));
    let disk = cluster::disk(seed);
    let mut plan = Plan {
        seed,
        faults_for: Duration::from_millis(scale.faults_millis),
        settle: Duration::ZERO,
        events_max: 0,
        // 2030-01-01T00:00:00Z
        wall_clock: Timestamp(1_893_456_000_000),
        brokers: cluster::brokers(seed, &scale, &disk),
        controller: cluster::controller(seed),
        rules: Rules::default(),
        network: cluster::network(seed, &scale),
        disk,
        clocks: cluster::clocks(seed, &scale),
        steps: Vec::new(),
        watches: Vec::new(),
        clients: clients::draw(seed, &scale, &topics),
        topics,
        groups: Vec::new(),
    };
    for (index, wish) in (0..).zip(&wishes) {
        let (group, members) = groups::draw(seed, &scale, (index, wish), &further, &plan);
        plan.clients.extend(members);
        plan.groups.push(group);
    }
    operations::add(seed, &mut plan);
    nemesis(seed, &scale, &plan).draw(&mut plan, seed);
    plan.settle = promise::recovery(&plan);
    let seconds = (plan.faults_for + plan.settle).0 / Duration::from_secs(1).0;
    plan.events_max = EVENTS_MAX + EVENTS_PER_SECOND_MAX * seconds;
    plan
}
