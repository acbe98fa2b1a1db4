//! Runs trials on several threads and hands the results over in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use scenarios::{Trial, run_with};
use sim::Options;

use crate::load::Loaded;

/// Set by the first ^C: no further trial begins.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// One trial to run: places and seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The scenario's place.
    pub scenario: usize,
    /// The case's place.
    pub case: usize,
    /// The seed.
    pub seed: u64,
}

/// Whether to go on with the trials that have not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    More,
    /// Begin no further one.
    Stop,
}

/// Stops gently at the first ^C and at once at the second.
pub fn watch_interrupts() {
    let watched = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
    // Without a handler ^C ends the process at once, which is all right as well.
    drop(watched);
}

/// Says whether ^C was pressed.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Runs one trial.
pub fn trial(loaded: &[Loaded], unit: Unit, options: Options) -> Trial {
    let scenario = &loaded[unit.scenario].scenario;
    run_with(scenario, unit.case, unit.seed, |plan| sim::run(plan, options))
}

/// Runs `units` on `jobs` threads; `each` gets the results in the order of `units`, with the
/// time that each took.
///
/// # Errors
/// What `each` returns; no further trial begins then.
pub fn all<E>(
    loaded: &[Loaded],
    units: &[Unit],
    (jobs, options): (usize, Options),
    mut each: impl FnMut(Unit, Trial, Duration) -> Result<Next, E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::sync_channel(jobs * 2);
    thread::scope(|scope| {
        for _ in 0..jobs.min(units.len()) {
            let (sender, next, stop) = (sender.clone(), &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) && !interrupted() {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(&unit) = units.get(at) else { break };
                    let begun = Instant::now();
                    let trial = trial(loaded, unit, options);
                    if sender.send((at, trial, begun.elapsed())).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut expected = 0;
        for (at, trial, took) in receiver {
            waiting.insert(at, (trial, took));
            while let Some((trial, took)) = waiting.remove(&expected) {
                let answer = each(units[expected], trial, took);
                expected += 1;
                if !matches!(answer, Ok(Next::More)) {
                    stop.store(true, Ordering::SeqCst);
                    return answer.map(|_| ());
                }
            }
        }
        Ok(())
    })
}
