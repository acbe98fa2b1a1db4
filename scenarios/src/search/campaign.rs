//! Runs the trials of a campaign on several threads, and hands them over in order.
//!
//! Work is split by the number of a run, and nobody sees a run before all earlier ones: what
//! a campaign finds does not depend on how many threads it has. A run that breaks nothing
//! leaves a few numbers; its plan is dropped where it was drawn.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use model::chance::Rng;
use sim::coverage::Coverage;
use sim::outcome::Outcome;
use sim::verdict::{Claim, Verdict};
use sim::{CountStates, Host, KeepHistory, Options};

use crate::search::subject::{Source, Subject};
use crate::search::violation::{Oracle, Violation};

/// Runs that may wait for an earlier one, for each thread.
const AHEAD_MAX: u64 = 64;
/// The name of threads that run trials: a panic there is told by whoever reports the run.
pub(crate) const TRIAL: &str = "trial";

/// Runs something on a thread whose panics are findings.
///
/// # Errors
/// What it panicked with.
pub(crate) fn aside<T: Send>(run: impl FnOnce() -> T + Send) -> thread::Result<T> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().name(TRIAL.to_owned());
        builder.spawn_scoped(scope, run).expect("the host can start a thread").join()
    })
}

/// Returns the seed of a campaign's run: no two campaigns share runs, and a seed is short
/// enough to be a number in JSON.
pub fn of_campaign(campaign: u64, run: u64) -> u64 {
    Rng::fork(campaign, &format!("run/{run}")).word() >> 11
}

/// Which trials to run.
#[derive(Clone, Copy)]
pub struct Campaign<'a> {
    /// Where they come from.
    pub source: &'a dyn Source,
    /// Their seeds.
    pub seeds: Seeds,
    /// How many, if nothing else ends it.
    pub runs: u64,
    /// How many at a time, at least 1.
    pub jobs: usize,
}

/// Which seeds the runs of a campaign have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// Those that this number leads to.
    Of(u64),
    /// This one, for every run.
    Only(u64),
}

impl Seeds {
    fn get(self, run: u64) -> u64 {
        match self {
            Seeds::Of(campaign) => of_campaign(campaign, run),
            Seeds::Only(seed) => seed,
        }
    }
}

/// One run of a campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Which, from 0.
    pub number: u64,
    /// Its seed.
    pub seed: u64,
    /// How many events it had.
    pub events: u64,
    /// The claims that had to hold.
    pub promised: Vec<Claim>,
    /// Those of them that something could have broken.
    pub at_risk: Vec<Claim>,
    /// The abstract states that it went through.
    pub coverage: Coverage,
    /// What is wrong with it, if anything is.
    pub broken: Option<Box<Broken>>,
}

/// A run with which something is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// What was run.
    pub subject: Subject,
    /// What is wrong, at least one thing.
    pub violations: Vec<Violation>,
}

/// Why a campaign ended before its time.
#[derive(Debug, PartialEq, Eq)]
pub enum Stopped<E> {
    /// Whoever takes the runs failed.
    By(E),
    /// Our own code, not the model, panicked in the run with this seed.
    Fault {
        /// The seed.
        seed: u64,
    },
}

/// Draws and runs the trial of one seed.
fn trial(source: &dyn Source, number: u64, seed: u64) -> Run {
    let subject = source.draw(seed);
    let outcome = sim::run(
        &subject.plan,
        Options { keep_history: KeepHistory::No, host: Host::Bare, coverage: CountStates::Yes },
    );
    let violations = subject.oracle.violations(&outcome);
    let (events, at_risk) = (outcome.totals.events, at_risk(&subject.oracle, &outcome));
    let promised = subject.oracle.holds.iter().map(|(claim, _)| *claim).collect();
    let broken = (!violations.is_empty()).then(|| Box::new(Broken { subject, violations }));
    Run { number, seed, events, promised, at_risk, coverage: outcome.coverage, broken }
}

fn at_risk(oracle: &Oracle, outcome: &Outcome) -> Vec<Claim> {
    let promised = |claim: Claim| oracle.holds.iter().any(|(it, _)| *it == claim);
    let findings = outcome.judgement.findings.iter();
    let tested = findings.filter(|finding| match finding.verdict {
        Verdict::Holds | Verdict::Breaks(_) => promised(finding.claim),
        Verdict::Untested(_) => false,
    });
    tested.map(|finding| finding.claim).collect()
}

/// Runs a campaign until it is through, until `is_over` says so, or until `each`, which gets
/// the runs in order, has had enough. What runs when it is over is still handed over.
///
/// # Errors
/// What `each` returns, or a fault of ours in a run.
pub fn run<E>(
    campaign: Campaign<'_>,
    is_over: &(dyn Fn() -> bool + Sync),
    mut each: impl FnMut(Run) -> Result<ControlFlow<()>, E>,
) -> Result<(), Stopped<E>> {
    let desk = Desk::new(campaign);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        // However this ends, the threads must not wait for ever.
        let _closing = Closing(&desk);
        for _ in 0..campaign.jobs {
            let (sender, desk) = (sender.clone(), &desk);
            let work = move || {
                while let Some(number) = desk.next(is_over) {
                    let seed = campaign.seeds.get(number);
                    let run = || trial(campaign.source, number, seed);
                    let run = catch_unwind(AssertUnwindSafe(run)).map_err(|_| seed);
                    if sender.send((number, run)).is_err() {
                        break;
                    }
                }
            };
            let thread = thread::Builder::new().name(TRIAL.to_owned());
            thread.spawn_scoped(scope, work).expect("the host can start a thread");
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        for (number, run) in receiver {
            waiting.insert(number, run);
            while let Some(run) = waiting.remove(&desk.handed()) {
                let run = run.map_err(|seed| Stopped::Fault { seed })?;
                if each(run).map_err(Stopped::By)?.is_break() {
                    return Ok(());
                }
                desk.hand_over();
            }
        }
        Ok(())
    })
}

/// Where threads get the numbers of their runs.
struct Desk {
    state: Mutex<State>,
    moved: Condvar,
    runs: u64,
    /// Runs that may begin before the first one that was not handed over.
    ahead: u64,
}

#[derive(Clone, Copy)]
struct State {
    /// The next run to begin.
    next: u64,
    /// The next run to be handed over.
    handed: u64,
}

impl Desk {
    fn new(campaign: Campaign<'_>) -> Desk {
        Desk {
            state: Mutex::new(State { next: 0, handed: 0 }),
            moved: Condvar::new(),
            runs: campaign.runs,
            ahead: AHEAD_MAX * campaign.jobs as u64,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the next run to begin; waits while too many are ahead.
    fn next(&self, is_over: &(dyn Fn() -> bool + Sync)) -> Option<u64> {
        let may_wait = |state: &mut State| {
            state.next < self.runs && state.handed.saturating_add(self.ahead) <= state.next
        };
        let waited = self.moved.wait_while(self.lock(), may_wait);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if self.runs <= state.next || is_over() {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    fn handed(&self) -> u64 {
        self.lock().handed
    }

    fn hand_over(&self) {
        self.lock().handed += 1;
        self.moved.notify_all();
    }
}

/// Ends a campaign: no further run begins.
struct Closing<'a>(&'a Desk);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.lock().next = u64::MAX;
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::{Overrides, library, parse};

    /// A small scenario with its own seed for each run. Every third run demands what cannot hold.
    struct Lesson {
        case: crate::Case,
    }

    impl Lesson {
        fn new() -> Lesson {
            let entry = library::find("acks1-leader-crash").expect("it is in the library");
            let parsed = parse(entry.name, entry.source, &Overrides::default());
            let (scenario, _) = parsed.expect("it is well-formed");
            Lesson { case: scenario.cases[0].clone() }
        }
    }

    impl Source for Lesson {
        fn name(&self) -> &str {
            "lesson"
        }

        fn draw(&self, seed: u64) -> Subject {
            let mut plan = self.case.plan.clone();
            plan.seed = seed;
            if !seed.is_multiple_of(3) {
                plan.steps.clear();
            }
            let oracle = Oracle { holds: vec![(Claim::NoAcknowledgedLoss, None)] };
            Subject { plan, oracle, case: 0 }
        }
    }

    fn runs(jobs: usize, runs: u64, stop_at: u64) -> Vec<Run> {
        let lesson = Lesson::new();
        let campaign = Campaign { source: &lesson, seeds: Seeds::Of(5), runs, jobs };
        let mut taken = Vec::new();
        let ended = run(campaign, &|| false, |run| {
            taken.push(run);
            Ok::<_, ()>(match taken.len() as u64 == stop_at {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
        });
        assert_eq!(ended, Ok(()));
        taken
    }

    #[test]
    fn runs_are_the_same_whoever_runs_them() {
        let alone = runs(1, 24, u64::MAX);

        assert!(alone.iter().any(|run| run.broken.is_some()));
        assert!(alone.iter().any(|run| run.broken.is_none()));
        assert!(alone.iter().map(|run| run.number).eq(0..24));
        for jobs in [2, 5] {
            assert_eq!(runs(jobs, 24, u64::MAX), alone, "{jobs} threads");
        }
        assert_eq!(runs(3, 24, 7), alone[..7]);
    }

    #[test]
    fn no_thread_runs_further_ahead_than_it_may() {
        let lesson = Lesson::new();
        let campaign = Campaign { source: &lesson, seeds: Seeds::Of(5), runs: u64::MAX, jobs: 1 };
        let begun = AtomicU64::new(0);
        let is_over = || begun.fetch_add(1, Ordering::SeqCst) == 200;

        let mut handed = 0;
        let ended = run(campaign, &is_over, |run| {
            assert!(begun.load(Ordering::SeqCst) <= run.number + AHEAD_MAX + 1);
            handed += 1;
            Ok::<_, ()>(ControlFlow::Continue(()))
        });

        assert_eq!(ended, Ok(()));
        assert_eq!(handed, 200, "what was begun is handed over");
    }

    #[test]
    fn a_fault_of_ours_ends_it_with_its_seed() {
        struct Faulty;
        impl Source for Faulty {
            fn name(&self) -> &str {
                "faulty"
            }

            fn draw(&self, seed: u64) -> Subject {
                assert!(seed != of_campaign(0, 3), "a fault");
                Lesson::new().draw(seed)
            }
        }
        let campaign = Campaign { source: &Faulty, seeds: Seeds::Of(0), runs: 100, jobs: 2 };

        let mut handed = 0;
        let ended = run(campaign, &|| false, |_| {
            handed += 1;
            Ok::<_, ()>(ControlFlow::Continue(()))
        });

        assert_eq!(ended, Err(Stopped::Fault { seed: of_campaign(0, 3) }));
        assert_eq!(handed, 3);
    }

    #[test]
    fn a_run_that_never_rests_is_broken() {
        struct Restless;
        impl Source for Restless {
            fn name(&self) -> &str {
                "restless"
            }

            fn draw(&self, seed: u64) -> Subject {
                let mut subject = Lesson::new().draw(seed);
                subject.plan.events_max = 500;
                subject
            }
        }

        let run = trial(&Restless, 0, 1);

        let broken = run.broken.expect("something is wrong");
        assert_eq!(broken.violations, [Violation::Livelock]);
    }
}
