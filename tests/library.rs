//! Every scenario of the library: it comes as it expects, and its golden timeline is what a
//! reader would see today. `BLESS=1 cargo test library` writes the goldens anew: read the
//! difference before committing it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

use reports::entry;
use reports::expected::{expected, says};
use reports::report::golden;
use reports::story::{Story, Subject};
use reports::trace::Trace;
use reports::words::EN;
use scenarios::{Class, LibraryEntry, Overrides, Scenario, Trial, library};
use sim::Options;
use sim::verdict::{Claim, Verdict};

const LINES_MAX: usize = 60;
/// Facts that no scenario of the library has to show, with the reason.
const RARE: &[(&str, &str)] = &[];

#[test]
fn every_scenario_comes_as_it_expects() {
    let mut surprises = Vec::new();
    for (scenario, case, trial) in trials() {
        if trial.class() != Class::AsExpected {
            let came = expected(&scenario.cases[case], &trial);
            surprises.push(format!("{} [{}]: {came:#?}", scenario.name, scenario.cases[case].name));
        }
    }

    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn every_timeline_is_its_golden_one() {
    let bless = env::var_os("BLESS").is_some();
    let mut stale = Vec::new();
    for entry in library() {
        let shown = timelines(entry);
        let file = golden_file(entry);
        if bless {
            fs::write(&file, &shown).expect("the golden file can be written");
        } else if fs::read_to_string(&file).ok().as_deref() != Some(&*shown) {
            stale.push(entry.name);
        }
    }

    assert!(stale.is_empty(), "stale timelines, see BLESS=1: {stale:?}");
}

#[test]
fn a_golden_timeline_fits_on_a_page() {
    for entry in library() {
        for page in timelines(entry).split("\n=== ") {
            let lines = page.lines().count();
            assert!(lines <= LINES_MAX, "{} has {lines} lines", entry.name);
        }
    }
}

#[test]
fn every_claim_breaks_in_some_scenario_and_holds_in_another() {
    let (mut broken, mut held) = (BTreeSet::new(), BTreeSet::new());
    for (_, _, trial) in trials() {
        for finding in &trial.outcome.judgement.findings {
            match finding.verdict {
                Verdict::Breaks(_) => broken.insert(finding.claim.name()),
                Verdict::Holds => held.insert(finding.claim.name()),
                Verdict::Untested(_) => false,
            };
        }
    }

    let missing = |seen: &BTreeSet<&str>| -> Vec<_> {
        Claim::ALL.iter().map(|it| it.name()).filter(|name| !seen.contains(name)).collect()
    };
    assert_eq!(missing(&held), Vec::<&str>::new(), "claims that hold nowhere");
    assert_eq!(missing(&broken), NEVER_BROKEN, "claims that break nowhere");
}

/// Claims that only a bug of the model could break: their checkers' unit tests break them.
const NEVER_BROKEN: &[&str] = &["no-phantom", "one-leader-per-epoch", "one-owner-per-partition"];

#[test]
fn every_kind_of_fact_occurs_somewhere() {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (_, _, trial) in trials() {
        seen.extend(trial.outcome.history.iter().map(entry::kind));
    }

    let kinds = reports::vocabulary::FACTS.iter().chain(reports::vocabulary::FAULTS);
    let missing: Vec<_> = kinds
        .map(|&(name, _)| name)
        .filter(|name| !seen.contains(name) && RARE.iter().all(|(rare, _)| rare != name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "facts that no scenario shows");
}

/// Runs every case of the library.
pub fn trials() -> Vec<(Scenario, usize, Trial)> {
    let mut trials = Vec::new();
    for entry in library() {
        let scenario = load(entry);
        for case in 0..scenario.cases.len() {
            let trial = scenarios::run(&scenario, case, scenario.seed, Options::default());
            trials.push((scenario.clone(), case, trial));
        }
    }
    trials
}

fn timelines(entry: &LibraryEntry) -> String {
    let scenario = load(entry);
    let mut pages = Vec::new();
    for (place, case) in scenario.cases.iter().enumerate() {
        let trial = scenarios::run(&scenario, place, scenario.seed, Options::default());
        let draw = |story: &Story<'_>| golden(story, &expected(case, &trial));
        pages.push(with_story(&scenario, place, &trial, draw));
    }
    pages.join("\n=== \n")
}

/// Shows a trial as a story.
pub fn with_story<T>(
    scenario: &Scenario,
    case: usize,
    trial: &Trial,
    show: impl FnOnce(&Story<'_>) -> T,
) -> T {
    let case = scenario.cases[case].drawn(trial.seed);
    let says = says(&case, &EN);
    let subject = Subject {
        scenario: &scenario.name,
        case: &case.name,
        seed: trial.seed,
        again: "trial run",
        plan: &case.plan,
        outcome: &trial.outcome,
    };
    show(&Story {
        scenario: &scenario.name,
        title: &scenario.title.en,
        case: &case.name,
        seed: trial.seed,
        plan: &case.plan,
        outcome: &trial.outcome,
        trace: &Trace::of(&subject),
        says: &says,
        ask: scenario.ask.as_ref(),
        words: &EN,
    })
}

fn load(entry: &LibraryEntry) -> Scenario {
    match scenarios::parse(entry.name, entry.source, &Overrides::default()) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{}: {problems:#?}", entry.name),
    }
}

fn golden_file(entry: &LibraryEntry) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios/library");
    folder.join(entry.folder).join(format!("{}.timeline", entry.name))
}
