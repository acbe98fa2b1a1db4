//! Makes what a search has found small: the smallest plan that still breaks the same claim.
//!
//! In reading order:
//! - `court`: asks candidates, side by side and in order; `promise`: which it never asks
//! - `surgery`: takes something out of a plan, with all that hangs on it
//! - the passes: `ending` (nothing after the violation), `whole` (kinds of steps, clients,
//!   groups, topics), `subsets` and `few` (single steps), `weaker` (weaker faults), `world`
//!   and `settings` (a smaller and plainer cluster), `times` and `triggers` (readable
//!   moments), `residue` (chance), `order` (steps as they happen)
//! - `detours`: ways to a smaller plan, where the passes have come to rest too soon
//! - [`necessity`]: what happens without each of the rest; [`size`]: how much is left

mod court;
mod detours;
mod ending;
mod few;
pub mod necessity;
mod order;
mod promise;
mod residue;
mod settings;
pub mod size;
mod subsets;
mod surgery;
mod times;
mod triggers;
mod weaker;
mod whole;
mod world;

#[cfg(test)]
mod tests;

use sim::plan::Plan;
use sim::{Host, KeepHistory, Options};

use crate::search::campaign::aside;
use crate::search::subject::Subject;
use crate::search::violation::Violation;
use court::{Court, Spent};
use necessity::Necessity;
use size::Size;

/// How much a search for the smallest plan may cost.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// How many trials, the first included.
    pub runs: u64,
    /// Asked before each round: `true` ends the search with what it has. What is found then
    /// depends on when that was.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

impl Budget<'_> {
    /// Allows so many trials, however long they take.
    pub const fn runs(runs: u64) -> Budget<'static> {
        Budget { runs, stop: &|| false }
    }
}

/// What a search for the smallest plan has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Shrunk {
    /// The smallest trial that has the same violation.
    pub subject: Subject,
    /// How many trials that took, necessity included.
    pub runs: u64,
    /// How large it was.
    pub before: Size,
    /// How large it is.
    pub after: Size,
    /// What happens without each step and setting that is left.
    pub necessity: Vec<Necessity>,
    /// Other violations that were seen on the way: findings of their own.
    pub others: Vec<Other>,
    /// Why the search ended.
    pub ended: Ended,
}

/// A violation that nobody looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    /// What is wrong.
    pub violation: Violation,
    /// The first trial that showed it.
    pub subject: Subject,
}

/// Why a search for the smallest plan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing that it knows makes the plan smaller: no step can go.
    Smallest,
    /// The runs were used up before.
    OutOfRuns,
    /// It was stopped before, by the clock or by hand.
    Stopped,
    /// The trial does not have the violation.
    NotBroken,
}

/// Events that a candidate may take beyond those of the subject, as a multiple of these.
const EVENTS_TIMES: u64 = 20;
/// Events that any candidate may take.
const EVENTS_LEAST: u64 = 100_000;

/// Makes a trial as small as possible that still has the same violation.
///
/// The result is the same for any number of threads.
pub fn shrink(subject: &Subject, violation: &Violation, budget: Budget<'_>, jobs: usize) -> Shrunk {
    let first = aside(|| subject.run()).ok();
    let events = first.as_ref().map_or(0, |first| first.totals.events);
    let enough = (events * EVENTS_TIMES).max(EVENTS_LEAST);
    let judge = |plan: &Plan| judged(plan, subject, (violation, enough));
    let mut court = Court::new((subject, violation), &judge, budget, jobs);
    let before = Size::of(&subject.plan);
    let mut plan = subject.plan.clone();
    if !court.is_broken() {
        let subject = subject.clone();
        let (runs, ended) = (court.runs(), Ended::NotBroken);
        let (after, necessity, others) = (before, Vec::new(), Vec::new());
        return Shrunk { subject, runs, before, after, necessity, others, ended };
    }
    if let Some(first) = &first {
        plan = ending::cut(&mut court, plan, first, violation);
    }
    plan = smallest(&mut court, plan);
    plan = ending::settle(&mut court, plan, (subject.plan.settle, violation));
    let subject = Subject { plan, ..subject.clone() };
    let ended = match court.spent() {
        Spent::Not => Ended::Smallest,
        Spent::Runs => Ended::OutOfRuns,
        Spent::Stopped => Ended::Stopped,
    };
    let necessity = necessity::table(&mut court, &subject, violation);
    let (runs, after) = (court.runs(), Size::of(&subject.plan));
    Shrunk { subject, runs, before, after, necessity, others: court.into_others(), ended }
}

/// Returns what the passes make of a plan; or, where a detour leads to fewer steps, of the plan
/// behind it. There is no detour to fewer steps than one.
fn smallest(court: &mut Court<'_>, plan: Plan) -> Plan {
    let drawn = drop_parts(court, plan);
    let found = at_rest(court, drawn.clone());
    let affords_another = 2 * court.runs() <= court.runs_left();
    if found.steps.len() <= 1 || !affords_another {
        return found;
    }
    let Some(ahead) = detours::ahead(court, &drawn, found.steps.len()) else { return found };
    let other = at_rest(court, ahead);
    if other.steps.len() < found.steps.len() { other } else { found }
}

/// Drops what can go as it is: wholes, then steps.
fn drop_parts(court: &mut Court<'_>, plan: Plan) -> Plan {
    let plan = whole::drop_wholes(court, plan);
    few::drop_steps(court, plan)
}

/// Repeats all passes until none changes anything.
fn at_rest(court: &mut Court<'_>, mut plan: Plan) -> Plan {
    loop {
        let before = plan.clone();
        plan = weaker::weaken(court, plan);
        plan = world::shrink(court, plan);
        plan = settings::reset(court, plan);
        plan = times::shorten(court, plan);
        plan = triggers::hang(court, plan);
        plan = residue::pin(court, plan);
        plan = order::sort(court, plan);
        plan = drop_parts(court, plan);
        if plan == before || court.spent() != Spent::Not {
            return plan;
        }
    }
}

/// Says what is wrong with a candidate, as far as it ends in a sensible time.
fn judged(plan: &Plan, subject: &Subject, (wanted, enough): (&Violation, u64)) -> Vec<Violation> {
    let options = Options { keep_history: KeepHistory::No, host: Host::Bare, ..Options::default() };
    if *wanted == Violation::Livelock || plan.events_max <= enough {
        return subject.oracle.violations(&sim::run(plan, options));
    }
    let limited = Plan { events_max: enough, ..plan.clone() };
    let mut violations = subject.oracle.violations(&sim::run(&limited, options));
    // That it takes so much longer than the subject says nothing about rest.
    violations.retain(|violation| *violation != Violation::Livelock);
    violations
}

/// Tries candidates until none of them is accepted; what is accepted is where the next ones
/// come from.
fn exhaust<'p>(
    court: &mut Court<'_>,
    mut plan: Plan,
    candidates: impl Fn(Plan) -> Box<dyn Iterator<Item = Plan> + 'p>,
) -> Plan {
    let mut from = 0;
    loop {
        match court.first(candidates(plan.clone()).skip(from)) {
            Some((place, next)) => {
                plan = next;
                from += place;
            }
            None if from == 0 => return plan,
            // What was refused before may go after what has gone since.
            None => from = 0,
        }
    }
}
