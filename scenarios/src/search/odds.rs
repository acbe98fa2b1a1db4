//! When was it too late? One trial that breaks a claim is stopped at many moments; from each,
//! its future is drawn anew many times, and the share of futures that break the claim as well
//! is the odds at that moment. Where the odds rise to certainty stands the guilty event.
//!
//! The futures share what was decided before: they are copies of one world, each with other
//! luck.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use model::chance::Rng;
use model::time::Time;
use sim::branch::Future;
use sim::{KeepHistory, World};

use crate::search::campaign::{TRIAL, aside};
use crate::search::subject::Subject;
use crate::search::violation::Violation;

/// Halvings that bring the rise down to one event: more than a trial has microseconds.
const HALVINGS: usize = 48;

/// What to draw.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The trial.
    pub subject: &'a Subject,
    /// What is wrong with it.
    pub violation: &'a Violation,
    /// Moments that are spread evenly over the time up to the heal, at least 2; the moments
    /// of its steps are looked at besides.
    pub points: usize,
    /// Futures for each moment, at least 1.
    pub branches: u64,
    /// What of the plan is still to come in them.
    pub future: Future,
    /// How many futures at a time, at least 1. The answer does not depend on it.
    pub jobs: usize,
    /// Asked before each future: `true` ends the search with the moments that it has.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// The odds from many moments of one trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odds {
    /// In order of time.
    pub points: Vec<Point>,
    /// The steepest rise, narrowed down to the events of one moment; `None` if the odds are
    /// the same everywhere, or it was stopped before.
    pub rise: Option<Rise>,
    /// Whether it was stopped before all moments were looked at and the rise was found.
    pub cut_short: bool,
}

/// The odds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Everything up to and including this time is as it was in the trial.
    pub at: Time,
    /// Futures that break the claim.
    pub broken: u64,
    /// Futures that were drawn.
    pub of: u64,
}

/// Where the odds rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rise {
    /// The odds before.
    pub before: Point,
    /// The odds after; what happened in between at this very time made the difference.
    pub after: Point,
}

/// Draws the futures of a trial.
pub fn odds(question: Question<'_>) -> Odds {
    let times = times(&question);
    let mut stands = Stands::new(question);
    let points: Vec<Point> = times.iter().map_while(|at| stands.point(*at)).collect();
    let rise = match points.len() == times.len() {
        true => steepest(&points).map(|(low, high)| narrowed(&mut stands, low, high)),
        false => Some(None),
    };
    Odds { points, rise: rise.flatten(), cut_short: rise == Some(None) }
}

/// Lists the moments to look at: evenly spread ones, and just before and at each step.
fn times(question: &Question<'_>) -> Vec<Time> {
    let plan = &question.subject.plan;
    // A trial that cannot even begin has no steps.
    let steps = aside(|| question.subject.run().steps).unwrap_or_default();
    let spread = question.points.max(2) as u64 - 1;
    let even =
        (0..=spread).map(|at| Time::ZERO + model::time::Duration(plan.faults_for.0 * at / spread));
    let steps = steps.iter().flatten().flat_map(|&at| [Time(at.0.saturating_sub(1)), at]);
    let mut times: Vec<Time> = even.chain(steps).collect();
    times.sort_unstable();
    times.dedup();
    times
}

/// The world of the trial as it begins, and as it stood when it was last looked at.
struct Stands<'a> {
    question: Question<'a>,
    beginning: World,
    latest: World,
}

impl<'a> Stands<'a> {
    fn new(question: Question<'a>) -> Stands<'a> {
        let beginning = World::with_history(&question.subject.plan, KeepHistory::No);
        Stands { question, latest: beginning.clone(), beginning }
    }

    /// Returns the odds at a time; `None` if it was stopped before all futures were drawn.
    fn point(&mut self, at: Time) -> Option<Point> {
        let Question { subject, violation, branches, future, jobs, stop, .. } = self.question;
        let world = self.at(at);
        let breaks = |branch: u64| {
            let seed = Rng::fork(subject.plan.seed, &format!("odds/{branch}")).word() >> 11;
            let outcome = world.branch(seed, future).run_out();
            subject.oracle.violations(&outcome).contains(violation)
        };
        let broken = count(branches, jobs, (&breaks, stop))?;
        Some(Point { at, broken, of: branches })
    }

    /// Returns the world as it stands after everything up to this time.
    fn at(&mut self, at: Time) -> &World {
        if at < self.latest.now() {
            self.latest = self.beginning.clone();
        }
        aside(|| self.latest.run_until(at)).expect("a world takes what the model panics with");
        &self.latest
    }
}

/// Counts for how many of these numbers it is so, on several threads; `None` if it was stopped
/// before all were asked.
fn count(
    branches: u64,
    jobs: usize,
    (is_so, stop): (&(dyn Fn(u64) -> bool + Sync), &(dyn Fn() -> bool + Sync)),
) -> Option<u64> {
    let (next, hits, stopped) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let work = || {
        while !stopped.load(Ordering::SeqCst) {
            let branch = next.fetch_add(1, Ordering::SeqCst);
            if branches <= branch {
                break;
            }
            if stop() {
                stopped.store(true, Ordering::SeqCst);
            } else if is_so(branch) {
                hits.fetch_add(1, Ordering::SeqCst);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let thread = thread::Builder::new().name(TRIAL.to_owned());
            thread.spawn_scoped(scope, work).expect("the host can start a thread");
        }
    });
    (!stopped.into_inner()).then(|| hits.into_inner())
}

/// Finds the two neighbours with the largest rise between them; the first, if several are alike.
fn steepest(points: &[Point]) -> Option<(Point, Point)> {
    let rises = points.windows(2).map(|pair| (pair[0], pair[1]));
    let rises = rises.filter(|(low, high)| low.broken < high.broken);
    rises.rev().max_by_key(|(low, high)| high.broken - low.broken)
}

/// Halves the time between two moments until one event, or those of one time, is left; `None`
/// if it was stopped before.
fn narrowed(stands: &mut Stands<'_>, mut low: Point, mut high: Point) -> Option<Rise> {
    for _ in 0..HALVINGS {
        let middle = Time(low.at.0.midpoint(high.at.0));
        if middle == low.at {
            break;
        }
        let point = stands.point(middle)?;
        // The larger half of the rise.
        if high.broken.abs_diff(point.broken) < point.broken.abs_diff(low.broken) {
            high = point;
        } else {
            low = point;
        }
    }
    Some(Rise { before: low, after: high })
}

#[cfg(test)]
mod tests {
    use sim::verdict::Claim;

    use super::*;
    use crate::search::violation::Oracle;
    use crate::{Overrides, library, parse};

    fn asked(stop: &(dyn Fn() -> bool + Sync)) -> Odds {
        let entry = library::find("acks1-leader-crash").expect("it is in the library");
        let parsed = parse(entry.name, entry.source, &Overrides::default());
        let plan = parsed.expect("it is well-formed").0.cases[0].plan.clone();
        let claim = Claim::NoAcknowledgedLoss;
        let subject = Subject { plan, oracle: Oracle { holds: vec![(claim, None)] }, case: 0 };
        odds(Question {
            subject: &subject,
            violation: &Violation::Claim(claim),
            points: 3,
            branches: 4,
            future: Future::Calm,
            jobs: 2,
            stop,
        })
    }

    #[test]
    fn the_rise_is_narrowed_down_to_one_microsecond() {
        let odds = asked(&|| false);

        let rise = odds.rise.expect("the leader is killed");
        assert_eq!(rise.before.at.0 + 1, rise.after.at.0);
        assert_eq!((rise.before.broken, rise.after.broken), (0, 4));
        assert!(!odds.cut_short);
    }

    #[test]
    fn whoever_is_stopped_tells_whole_moments_and_no_rise() {
        for futures in [0, 2, 5, 30] {
            let drawn = AtomicU64::new(0);

            let odds = asked(&|| futures <= drawn.fetch_add(1, Ordering::SeqCst));

            assert!(odds.cut_short && odds.rise.is_none(), "{futures}: {odds:?}");
            assert!(odds.points.iter().all(|point| point.of == 4), "{futures}: {odds:?}");
            assert!(odds.points.len() as u64 <= futures / 4, "{futures}: {odds:?}");
        }
    }
}
