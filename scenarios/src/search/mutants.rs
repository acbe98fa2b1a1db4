//! Whether anybody would notice: rules of the protocol that are broken on purpose, put before
//! the library and before searches.
//!
//! A search notices a broken rule by a claim that must hold, breaks, and does not break in the
//! same trial under the correct rules: what the faults alone would break proves nothing.
//!
//! Source: ours; measuring tests by planted faults is mutation testing (DeMillo, Lipton and
//! Sayward, 1978).

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use model::mutant::Mutant;
use model::rules::{FetchFencing, Rules, Truncation};
use sim::outcome::Ended;
use sim::verdict::{Claim, View};
use sim::{Host, KeepHistory, Options};

use crate::expect::Standing;
use crate::library::LibraryEntry;
use crate::overrides::Overrides;
use crate::parse::parse;
use crate::run::{Class, run};
use crate::scenario::{Case, Expected};
use crate::search::campaign::{self, Campaign, Seeds, Stopped};
use crate::search::subject::{Source, Subject};
use crate::search::violation::Violation;

/// A rule other than Kafka 4.0's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deviation {
    /// Followers cut their logs as they once did.
    Truncation(Truncation),
    /// Leaders serve readers as they once did.
    FetchFencing(FetchFencing),
    /// A rule that Kafka never had.
    Mutant(Mutant),
}

impl Deviation {
    /// Returns every one: the eras, then the mutants in their order.
    pub fn all() -> Vec<Deviation> {
        let eras = [
            Deviation::Truncation(Truncation::ToHighWatermark),
            Deviation::Truncation(Truncation::ByEpochOnce),
            Deviation::FetchFencing(FetchFencing::None),
        ];
        let mutants = Mutant::ALL.iter().map(|mutant| Deviation::Mutant(*mutant));
        eras.into_iter().chain(mutants).collect()
    }

    /// Returns the rule and its choice, as files and command lines write them.
    pub fn rule(self) -> (&'static str, &'static str) {
        match self {
            Deviation::Truncation(Truncation::ToHighWatermark) => {
                ("truncation", "to-high-watermark")
            }
            Deviation::Truncation(Truncation::ByEpochOnce) => ("truncation", "by-epoch-once"),
            Deviation::Truncation(Truncation::ByEpoch) => ("truncation", "by-epoch"),
            Deviation::FetchFencing(FetchFencing::None) => ("fetch-fencing", "none"),
            Deviation::FetchFencing(FetchFencing::ByEpoch) => ("fetch-fencing", "by-epoch"),
            Deviation::Mutant(mutant) => ("mutant", mutant.name()),
        }
    }

    /// Returns the name that reports use: the mutant's, or the rule with its choice.
    pub fn id(self) -> String {
        match self {
            Deviation::Mutant(mutant) => mutant.name().to_owned(),
            Deviation::Truncation(_) | Deviation::FetchFencing(_) => {
                let (rule, choice) = self.rule();
                format!("{rule}={choice}")
            }
        }
    }

    /// Says whether it is there only to be found at once.
    pub fn is_canary(self) -> bool {
        matches!(self, Deviation::Mutant(Mutant::CanaryAlways | Mutant::CanaryLiveness))
    }

    /// Returns rules with this one changed.
    pub fn planted(self, rules: Rules) -> Rules {
        match self {
            Deviation::Truncation(truncation) => Rules { truncation, ..rules },
            Deviation::FetchFencing(fetch_fencing) => Rules { fetch_fencing, ..rules },
            Deviation::Mutant(mutant) => Rules { mutants: rules.mutants.with(mutant), ..rules },
        }
    }
}

/// Says who could prove that something is wrong.
pub fn view(violation: &Violation) -> View {
    match violation {
        Violation::Claim(claim) => claim.view(),
        // Whether a model asserts or rests is nobody's business outside of it.
        Violation::Assertion(_) | Violation::Livelock => View::Truth,
    }
}

/// A case of a scenario that comes out otherwise under a broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The scenario's name.
    pub scenario: String,
    /// The case's name; empty without a matrix.
    pub case: String,
    /// The claims that came out otherwise; empty if only anomalies or conditions did.
    pub claims: BTreeSet<Claim>,
    /// Whether the trial did not end as trials do.
    pub cut_short: bool,
}

/// Returns the cases of these scenarios that notice a broken rule, in order, run on `jobs`
/// threads; `None` if it was stopped.
///
/// A case that was merely not put to the test does not notice.
///
/// # Panics
/// If a scenario of the library cannot be read.
pub fn noticed(
    deviation: Deviation,
    entries: &[LibraryEntry],
    jobs: usize,
    stop: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<Notice>> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, entries.len().max(1)) {
            let work = || {
                while !stop() {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(entry) = entries.get(at) else { break };
                    let notices = noticed_in(deviation, entry);
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((at, notices));
                }
            };
            let thread = thread::Builder::new().name(campaign::TRIAL.to_owned());
            thread.spawn_scoped(scope, work).expect("the host can start a thread");
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(at, _)| *at);
    let complete = found.len() == entries.len();
    complete.then(|| found.into_iter().flat_map(|(_, notices)| notices).collect())
}

fn noticed_in(deviation: Deviation, entry: &LibraryEntry) -> Vec<Notice> {
    let (rule, choice) = deviation.rule();
    let rules = vec![(rule.to_owned(), choice.to_owned())];
    let overrides = Overrides { rules, ..Overrides::default() };
    let parsed = parse(entry.name, entry.source, &overrides);
    let (scenario, _) = parsed.expect("any rule can be planted in a scenario of the library");
    let options = Options { keep_history: KeepHistory::No, host: Host::Bare, ..Options::default() };
    let notices = scenario.cases.iter().enumerate().filter_map(|(at, case)| {
        let trial = run(&scenario, at, scenario.seed, options);
        (trial.class() == Class::Unexpected).then(|| Notice {
            scenario: scenario.name.clone(),
            case: case.name.clone(),
            claims: otherwise(case, &trial.expectations),
            cut_short: trial.outcome.ended != Ended::InTime,
        })
    });
    notices.collect()
}

/// Returns the claims whose expectations were not met.
fn otherwise(case: &Case, expectations: &[(usize, Standing)]) -> BTreeSet<Claim> {
    let failed = expectations.iter().filter(|(_, it)| matches!(it, Standing::Failed(_)));
    let claims = failed.filter_map(|(at, _)| match &case.expects[*at].what {
        Expected::Claim { claim, .. } => Some(*claim),
        Expected::Anomaly { .. } | Expected::Reaches { .. } => None,
    });
    claims.collect()
}

/// The trials of another source, under a broken rule.
struct Planted<'a> {
    source: &'a dyn Source,
    deviation: Deviation,
}

impl Source for Planted<'_> {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn draw(&self, seed: u64) -> Subject {
        let mut subject = self.source.draw(seed);
        subject.plan.rules = self.deviation.planted(subject.plan.rules);
        subject
    }
}

/// A search for a broken rule.
#[derive(Clone, Copy)]
pub struct Chase<'a> {
    /// Where the trials come from; it draws them under the correct rules.
    pub source: &'a dyn Source,
    /// What is broken in them.
    pub deviation: Deviation,
    /// Where their seeds come from.
    pub campaign: u64,
    /// How many to run, at most.
    pub runs: u64,
    /// How many at a time, at least 1.
    pub jobs: usize,
}

/// The first run of a search that notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// How many runs it took, this one included.
    pub runs: u64,
    /// Its seed.
    pub seed: u64,
    /// What the broken rule breaks in it and the correct one does not.
    pub violations: Vec<Violation>,
}

/// How a search for a broken rule went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chased {
    /// How many runs it had.
    pub runs: u64,
    /// The first run that notices at all.
    pub killed: Option<Kill>,
    /// The first run that notices by what applications know.
    pub seen: Option<Kill>,
}

/// Runs trials until the applications notice a broken rule, or there are no more.
///
/// Ends early, with fewer runs than were wanted and nothing seen, if `stop` says so.
///
/// # Panics
/// If our own code, not the model, panics in a run.
pub fn chase(chase: Chase<'_>, stop: &(dyn Fn() -> bool + Sync)) -> Chased {
    let source = Planted { source: chase.source, deviation: chase.deviation };
    let Chase { runs, jobs, .. } = chase;
    let wanted = Campaign { source: &source, seeds: Seeds::Of(chase.campaign), runs, jobs };
    let mut chased = Chased::default();
    let ended = campaign::run(wanted, stop, |run| {
        chased.runs += 1;
        let Some(broken) = run.broken else { return Ok(ControlFlow::Continue(())) };
        let violations = due_to_the_rule(chase.source, run.seed, broken.violations);
        if !violations.is_empty() {
            let is_seen = violations.iter().any(|it| view(it) == View::Clients);
            let kill = Kill { runs: chased.runs, seed: run.seed, violations };
            if is_seen {
                chased.seen = Some(kill.clone());
            }
            chased.killed.get_or_insert(kill);
        }
        Ok::<_, Infallible>(match chased.seen {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        })
    });
    match ended {
        Ok(()) => chased,
        Err(Stopped::Fault { seed }) => panic!("the run with seed {seed} failed"),
        Err(Stopped::By(never)) => match never {},
    }
}

/// Returns what breaks in the trial of one seed because of a broken rule.
pub fn killed_by(source: &dyn Source, deviation: Deviation, seed: u64) -> Vec<Violation> {
    let broken = Planted { source, deviation }.draw(seed).violations();
    if broken.is_empty() { broken } else { due_to_the_rule(source, seed, broken) }
}

/// Returns what the same trial does not break under the correct rules.
fn due_to_the_rule(source: &dyn Source, seed: u64, broken: Vec<Violation>) -> Vec<Violation> {
    let anyway = source.draw(seed).violations();
    broken.into_iter().filter(|violation| !anyway.contains(violation)).collect()
}

/// Returns after how many runs at least this share (in percent) of the searches had noticed;
/// `None` if fewer did.
///
/// # Panics
/// If there is no search.
pub fn runs_until(percent: usize, kills: &[Option<&Kill>]) -> Option<u64> {
    assert!(!kills.is_empty(), "a quantile of nothing");
    let mut runs: Vec<u64> = kills.iter().flatten().map(|kill| kill.runs).collect();
    runs.sort_unstable();
    runs.get((kills.len() * percent).div_ceil(100).max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library;
    use crate::search::any::AnySource;
    use crate::search::violation::Oracle;

    /// What can be expected whatever the rules are: nothing, or too much.
    struct Demanding {
        claims: &'static [Claim],
    }

    impl Source for Demanding {
        fn name(&self) -> &str {
            "demanding"
        }

        fn draw(&self, seed: u64) -> Subject {
            let mut subject = AnySource::default().draw(seed);
            let holds = self.claims.iter().map(|claim| (*claim, None)).collect();
            subject.oracle = Oracle { holds };
            subject
        }
    }

    #[test]
    fn every_deviation_has_a_name_of_its_own_and_changes_the_rules() {
        let all = Deviation::all();

        let names: BTreeSet<String> = all.iter().map(|it| it.id()).collect();
        assert_eq!(names.len(), all.len());
        assert_eq!(all.len(), Mutant::ALL.len() + 3);
        for deviation in all {
            assert_ne!(deviation.planted(Rules::default()), Rules::default(), "{deviation:?}");
        }
    }

    #[test]
    fn a_search_notices_a_canary_and_says_when_and_by_what() {
        let chase_it = |jobs| {
            let deviation = Deviation::Mutant(Mutant::CanaryLiveness);
            let source = AnySource::default();
            chase(Chase { source: &source, deviation, campaign: 0, runs: 200, jobs }, &|| false)
        };

        let alone = chase_it(1);

        let kill = alone.killed.as_ref().expect("the canary dies");
        assert!(!kill.violations.is_empty() && kill.runs <= alone.runs);
        assert_eq!(chase_it(2), alone, "whoever runs it");
    }

    #[test]
    fn what_breaks_anyway_is_no_kill() {
        // A failed send is in no log, and one that nobody answered may be in it twice.
        let source = Demanding { claims: &[Claim::NoDuplicates, Claim::NothingDroppedSilently] };
        let deviation = Deviation::Mutant(Mutant::TwoOwners);
        let broken = (0..200)
            .filter(|&run| !source.draw(campaign::of_campaign(0, run)).violations().is_empty());

        let chased =
            chase(Chase { source: &source, deviation, campaign: 0, runs: 200, jobs: 2 }, &|| false);

        assert!(0 < broken.count());
        assert_eq!(chased, Chased { runs: 200, killed: None, seen: None });
    }

    #[test]
    fn a_scenario_notices_by_the_claims_that_come_out_otherwise() {
        let names = ["acks-all-leader-crash", "acks1-leader-crash"];
        let entries: Vec<LibraryEntry> = names
            .iter()
            .map(|name| library::find(name).expect("it is in the library").clone())
            .collect();

        let deviation = Deviation::Mutant(Mutant::AckBeforeIsr);
        let notices = noticed(deviation, &entries, 2, &|| false).expect("nobody stopped it");

        assert_eq!(notices.len(), 1, "{notices:?}");
        assert_eq!(notices[0].scenario, names[0]);
        assert!(notices[0].claims.contains(&Claim::NoAcknowledgedLoss), "{notices:?}");
        assert_eq!(noticed(deviation, &entries, 1, &|| true), None, "it was stopped");
    }

    #[test]
    fn quantiles_count_what_survived() {
        let kill = |runs| Kill { runs, seed: 0, violations: Vec::new() };
        let [first, second, third] = [4, 1, 9].map(kill);
        let some = [Some(&first), Some(&second), None, Some(&third)];

        for (percent, expected) in [(50, Some(4)), (75, Some(9)), (90, None)] {
            assert_eq!(runs_until(percent, &some), expected, "{percent}");
        }
        assert_eq!(runs_until(50, &[None]), None);
    }
}
