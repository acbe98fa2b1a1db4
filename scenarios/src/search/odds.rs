//! When was it too late? One trial that breaks a claim is stopped at many moments; from each,
//! its future is drawn anew many times, and the share of futures that break the claim as well
//! is the odds at that moment. Where the odds rise to certainty stands the guilty event.
//!
//! The futures share what was decided before: they are copies of one world, each with other
//! luck. Nothing is run twice from its beginning.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use model::chance::Rng;
use model::time::Time;
use sim::branch::Future;
use sim::{KeepHistory, World};

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
    /// Asked before each moment: `true` ends the search with what it has.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// The odds from many moments of one trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odds {
    /// In order of time.
    pub points: Vec<Point>,
    /// The steepest rise, narrowed down to the events of one moment; `None` if the odds are
    /// the same everywhere.
    pub rise: Option<Rise>,
    /// Whether it was stopped before all moments were looked at.
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
    let mut times = times(&question);
    times.dedup();
    let mut stands = Stands::new(question);
    let mut points = Vec::new();
    for at in times.iter().copied() {
        if (question.stop)() {
            break;
        }
        points.push(stands.point(at));
    }
    let cut_short = points.len() < times.len();
    let rise = steepest(&points).map(|(low, high)| narrowed(&mut stands, low, high));
    Odds { points, rise, cut_short }
}

/// Lists the moments to look at: evenly spread ones, and just before and at each step.
fn times(question: &Question<'_>) -> Vec<Time> {
    let plan = &question.subject.plan;
    let outcome = question.subject.run();
    let spread = question.points.max(2) as u64 - 1;
    let even =
        (0..=spread).map(|at| Time::ZERO + model::time::Duration(plan.faults_for.0 * at / spread));
    let steps = outcome.steps.iter().flatten().flat_map(|&at| [Time(at.0.saturating_sub(1)), at]);
    let mut times: Vec<Time> = even.chain(steps).collect();
    times.sort_unstable();
    times
}

/// The world of the trial at the moments that were asked for.
struct Stands<'a> {
    question: Question<'a>,
    /// Where the trial stands, by time: a rise lies between two of them.
    worlds: Vec<World>,
}

impl<'a> Stands<'a> {
    fn new(question: Question<'a>) -> Stands<'a> {
        let world = World::with_history(&question.subject.plan, KeepHistory::No);
        Stands { question, worlds: vec![world] }
    }

    /// Returns the odds at a time.
    fn point(&mut self, at: Time) -> Point {
        let world = self.at(at);
        let Question { subject, violation, branches, future, jobs, .. } = self.question;
        let breaks = |branch: u64| {
            let seed = Rng::fork(subject.plan.seed, &format!("odds/{branch}")).word() >> 11;
            let outcome = world.branch(seed, future).run_out();
            subject.oracle.violations(&outcome).contains(violation)
        };
        let broken = count(branches, jobs, &breaks);
        Point { at, broken, of: branches }
    }

    /// Returns the world as it stands after everything up to this time.
    fn at(&mut self, at: Time) -> World {
        let nearest = self.worlds.iter().rev().find(|world| world.now() <= at);
        let mut world = nearest.expect("the first stands at time zero").clone();
        world.run_until(at);
        if self.worlds.last().is_none_or(|last| last.now() < world.now()) {
            self.worlds.push(world.clone());
        }
        world
    }
}

/// Counts for how many of these numbers it is so, on several threads.
fn count(branches: u64, jobs: usize, is_so: &(dyn Fn(u64) -> bool + Sync)) -> u64 {
    let (next, hits) = (AtomicUsize::new(0), Mutex::new(0));
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let branch = next.fetch_add(1, Ordering::SeqCst) as u64;
                    if branches <= branch {
                        break;
                    }
                    if is_so(branch) {
                        *hits.lock().expect("nobody panics while counting") += 1;
                    }
                }
            });
        }
    });
    hits.into_inner().expect("nobody panics while counting")
}

/// Finds the two neighbours with the largest rise between them; the first, if several are alike.
fn steepest(points: &[Point]) -> Option<(Point, Point)> {
    let rises = points.windows(2).map(|pair| (pair[0], pair[1]));
    let rises = rises.filter(|(low, high)| low.broken < high.broken);
    rises.rev().max_by_key(|(low, high)| high.broken - low.broken)
}

/// Halves the time between two moments until one event, or those of one time, is left.
fn narrowed(stands: &mut Stands<'_>, mut low: Point, mut high: Point) -> Rise {
    for _ in 0..HALVINGS {
        let middle = Time(low.at.0.midpoint(high.at.0));
        if middle == low.at {
            break;
        }
        let point = stands.point(middle);
        // The larger half of the rise.
        if high.broken.abs_diff(point.broken) < point.broken.abs_diff(low.broken) {
            high = point;
        } else {
            low = point;
        }
    }
    Rise { before: low, after: high }
}
