//! Hosts a world: under madsim, or bare. The only file that names madsim.
//!
//! madsim gives virtual time to everything on its thread, so that a stray look at the host's
//! clock shows simulated time; the world's own queue decides what happens and when.

use std::panic::{AssertUnwindSafe, catch_unwind};

use model::time::{Duration, Time};

use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::world::World;

/// How long, in virtual time, the driver keeps the thread to itself.
const HAND_OVER_EVERY: Duration = Duration::from_millis(10);
/// How far madsim's clock may stay behind the world's. Nothing in a world reads it; it stands
/// between a stray look at the host's clock and real time.
const CLOCK_BEHIND_MAX: Duration = Duration::from_millis(1);

/// How to run a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether the outcome holds the history.
    pub keep_history: KeepHistory,
    /// What drives the world.
    pub host: Host,
    /// Whether the outcome says what was covered.
    pub coverage: CountStates,
}

/// Whether abstract states are counted. It changes nothing about a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CountStates {
    /// They are not.
    #[default]
    No,
    /// They are.
    Yes,
}

/// Whether an outcome holds the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeepHistory {
    /// It does.
    #[default]
    Yes,
    /// It does not: judging and digest need only one entry at a time.
    No,
}

/// What drives a world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// A madsim runtime of its own, on a thread of its own.
    #[default]
    Madsim,
    /// Nothing: the calling thread, real clocks.
    Bare,
}

/// Runs a trial from its beginning to its verdict.
pub fn run(plan: &Plan, options: Options) -> Outcome {
    match options.host {
        Host::Bare => {
            let mut world = world(plan, options);
            run_out(&mut world);
            world.finish()
        }
        Host::Madsim => run_on_fresh_thread(plan, options),
    }
}

/// Drives a world to its end, bare.
pub(crate) fn run_out(world: &mut World) {
    while drive(world, Time::MAX, |_| {}).is_some() {}
}

/// Drives a world, bare, until its next event lies behind this time.
pub(crate) fn run_until(world: &mut World, until: Time) {
    drive(world, until, |_| {});
}

fn world(plan: &Plan, options: Options) -> World {
    let mut world = World::with_history(plan, options.keep_history);
    match options.coverage {
        CountStates::Yes => world.count_states(),
        CountStates::No => {}
    }
    world
}

/// A madsim runtime leaves marks on its thread, so that each gets a fresh one.
fn run_on_fresh_thread(plan: &Plan, options: Options) -> Outcome {
    std::thread::scope(|scope| {
        let trial = std::thread::Builder::new()
            .name("trial".to_owned())
            .spawn_scoped(scope, || run_under_madsim(plan, options))
            .expect("the host can start a thread");
        match trial.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn run_under_madsim(plan: &Plan, options: Options) -> Outcome {
    let runtime = madsim::runtime::Runtime::with_seed_and_config(plan.seed, Default::default());
    let mut world = world(plan, options);
    let nodes: Vec<_> =
        world.names().map(|name| runtime.create_node().name(name).build().id()).collect();
    runtime.block_on(async {
        let mut shown = Time::ZERO;
        let mut move_clock = |to: Time| {
            let behind = to - shown;
            if CLOCK_BEHIND_MAX <= behind {
                madsim::time::advance(std::time::Duration::from_micros(behind.0));
                shown = to;
            }
        };
        let mut until = Time::ZERO + HAND_OVER_EVERY;
        while let Some(next) = drive(&mut world, until, &mut move_clock) {
            until = next + HAND_OVER_EVERY;
            madsim::task::yield_now().await;
        }
        // A node that lives on when `block_on` returns keeps its runtime in memory for ever.
        let handle = madsim::runtime::Handle::current();
        for node in nodes {
            handle.kill(node);
        }
        madsim::time::advance(std::time::Duration::from_millis(1));
    });
    world.finish()
}

/// Handles all events before `until`; returns when the next one is, or `None` at the end.
///
/// A panic in the model ends the trial; the history so far is kept.
fn drive(world: &mut World, until: Time, mut move_clock: impl FnMut(Time)) -> Option<Time> {
    let driven = catch_unwind(AssertUnwindSafe(|| {
        while let Some(next) = world.next_at() {
            if until < next {
                return Some(next);
            }
            move_clock(next);
            world.step();
        }
        None
    }));
    driven.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = text.or_else(|| panic.downcast_ref::<String>().cloned());
        world.panicked(message.unwrap_or_else(|| "a panic without a message".to_owned()));
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// madsim moves its clock by exactly what `advance` says, and by nothing else.
    #[test]
    fn canary_advance_moves_the_clock_exactly() {
        let moved = on_fresh_thread(|| {
            madsim::runtime::Runtime::new().block_on(async {
                let time = madsim::time::TimeHandle::current();
                let before = time.now_instant();
                for micros in [1, 10, 1_000_000, 7] {
                    madsim::time::advance(std::time::Duration::from_micros(micros));
                    madsim::task::yield_now().await;
                }
                time.now_instant() - before
            })
        });

        assert_eq!(moved.as_micros(), 1_000_018);
    }

    /// Whatever one runtime did, the next one on a fresh thread begins where the first did.
    #[test]
    fn canary_fresh_runtimes_do_not_know_each_other() {
        let begin = || {
            on_fresh_thread(|| {
                madsim::runtime::Runtime::with_seed_and_config(5, Default::default()).block_on(
                    async {
                        let elapsed = madsim::time::TimeHandle::current().elapsed();
                        madsim::time::advance(std::time::Duration::from_secs(100));
                        elapsed
                    },
                )
            })
        };

        assert_eq!(begin(), begin());
    }

    /// A killed node does not keep its tasks: what they hold is dropped.
    #[test]
    fn canary_killed_nodes_leave_nothing_behind() {
        let held = std::sync::Arc::new(());
        let inside = held.clone();

        on_fresh_thread(move || {
            let runtime = madsim::runtime::Runtime::new();
            let node = runtime.create_node().name("n").build();
            runtime.block_on(async {
                node.spawn(async move {
                    let _held = inside;
                    std::future::pending::<()>().await;
                });
                madsim::task::yield_now().await;
                madsim::runtime::Handle::current().kill(node.id());
                madsim::time::sleep(std::time::Duration::from_millis(1)).await;
            });
        });

        assert_eq!(std::sync::Arc::strong_count(&held), 1);
    }

    #[test]
    fn a_trial_is_the_same_with_and_without_madsim() {
        let plan = crate::testing::plan(3);

        let hosted = run(&plan, Options::default());
        let bare = run(&plan, Options { host: Host::Bare, ..Options::default() });

        assert!(0 < hosted.totals.messages);
        assert_eq!(hosted, bare);
    }

    #[test]
    fn counting_states_changes_nothing_else() {
        let plan = crate::testing::plan(3);

        let plain = run(&plan, Options::default());
        let counted = run(&plan, Options { coverage: CountStates::Yes, ..Options::default() });

        assert!(!counted.coverage.states.is_empty() && !counted.coverage.edges.is_empty());
        assert_eq!(Outcome { coverage: plain.coverage.clone(), ..counted }, plain);
    }

    #[test]
    fn a_digest_does_not_depend_on_keeping_the_history() {
        let plan = crate::testing::plan(3);

        let kept = run(&plan, Options::default());
        let dropped = run(&plan, Options { keep_history: KeepHistory::No, ..Options::default() });

        assert!(dropped.history.is_empty());
        assert_eq!(kept.digest, dropped.digest);
    }

    fn on_fresh_thread<T: Send>(act: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(act).join().expect("the canary lives"))
    }
}
