//! `trial shrink`: the smallest trial that still breaks the same claim, and why nothing of it
//! can go.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reports::search::shrunk::{self, Finding};
use scenarios::found::Found;
use scenarios::search::shrink::{Budget, Ended, Shrunk, shrink as make_small};
use scenarios::search::subject::Subject;
use scenarios::search::violation::{Oracle, Violation};
use scenarios::written::{self, Heading};
use scenarios::{Case, Expected, Hope};
use sim::outcome::Outcome;
use sim::verdict::{Claim, Verdict};

use crate::args::Selection;
use crate::chosen::{Chosen, ChosenArgs};
use crate::error::CliError;
use crate::seeds::{Jobs, Runs};
use crate::suggest::nearest;
use crate::ui::{Format, Ui};
use crate::work;

/// Trials that a search may take unless it is told otherwise.
const RUNS: u64 = 5_000;

/// Make a trial that breaks a claim as small as it gets
#[derive(Debug, clap::Args)]
pub struct ShrinkArgs {
    /// A scenario as for `run`, or a folder OUT/SCENARIO/CASE/SEED that `run --out` wrote
    #[arg(value_name = "FILE")]
    file: String,
    #[command(flatten)]
    chosen: ChosenArgs,
    /// The claim that stays broken [default: the first one that is]
    #[arg(long, value_name = "NAME")]
    claim: Option<String>,
    /// Trials to try at most [default: 5000]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    runs: Option<Runs>,
    /// Time to take at most; what is found in it depends on the machine
    #[arg(long, value_name = "DUR", value_parser = humantime::parse_duration)]
    budget: Option<Duration>,
    /// Write the small trial to this file
    #[arg(long, value_name = "FILE")]
    as_scenario: Option<PathBuf>,
    /// Trials at a time [default: the number of cores]
    #[arg(long, value_name = "N", env = "TRIAL_JOBS", allow_negative_numbers = true)]
    jobs: Option<Jobs>,
    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

/// Returns 0: that something breaks is what it begins with.
pub fn shrink(args: &ShrinkArgs, ui: &mut Ui) -> Result<u8, CliError> {
    work::watch_interrupts();
    let chosen = Chosen::read(&args.file, &args.chosen, ui)?;
    let scenario = &chosen.file().scenario;
    let place = chosen.selection.cases(scenario)?[0];
    let case = &scenario.cases[place];
    let seed = *chosen.selection.seeds(scenario).start();
    let plan = case.drawn(seed).plan;
    let mut subject = Subject { plan, oracle: Oracle::of(case), case: place };
    let outcome = sim::run(&subject.plan, sim::Options::default());
    let found = scenario.found.as_ref().map(|found| found.violation.as_str());
    let wanted = match args.claim.as_deref().or(found) {
        Some(name) => named(name, &outcome)?,
        None => first_broken(case, &outcome),
    };
    let Some(violation) = wanted else {
        let message = format!("nothing breaks in {} with seed {seed}", scenario.name);
        return Err(CliError::usage(message, "Pick another --seed or --case."));
    };
    look_for(&violation, case, &mut subject);
    let begun = Instant::now();
    let is_over =
        || work::interrupted() || args.budget.is_some_and(|budget| budget <= begun.elapsed());
    let runs = args.runs.map_or(RUNS, |runs| runs.0);
    let jobs = Selection { jobs: args.jobs, ..Selection::default() }.jobs();
    let shrunk = make_small(&subject, &violation, Budget { runs, stop: &is_over }, jobs);
    if shrunk.ended == Ended::NotBroken {
        let message = format!("{} holds in {} with seed {seed}", violation.name(), scenario.name);
        return Err(CliError::usage(message, "Leave --claim out, or pick another --seed."));
    }
    let (scenario, case) = (scenario.name.as_str(), case.name.as_str());
    tell(args, Finding { scenario, case, seed, violation: &violation, shrunk: &shrunk }, ui)?;
    Ok(0)
}

fn tell(args: &ShrinkArgs, finding: Finding<'_>, ui: &mut Ui) -> Result<(), CliError> {
    let file = file(finding, ui);
    if let Some(path) = &args.as_scenario {
        fs::write(path, &file)?;
    }
    match args.format {
        Format::Json => ui.json(&shrunk::json(finding, &file, ui.words))?,
        Format::Human => {
            ui.lines(&shrunk::lines(finding, ui.words))?;
            if args.as_scenario.is_none() {
                ui.raw("")?;
                ui.raw(&file)?;
            }
        }
    }
    Ok(())
}

/// Writes what is left as a scenario that breaks the claim.
fn file(finding: Finding<'_>, ui: &Ui) -> String {
    let Finding { violation, shrunk, seed, .. } = finding;
    let Shrunk { subject, .. } = shrunk;
    let claim = |claim: Claim, hope, within| Expected::Claim { claim, hope, count: None, within };
    let expects = match violation {
        Violation::Claim(broken) => {
            let within = subject.oracle.holds.iter().find(|(it, _)| it == broken);
            vec![claim(*broken, Hope::Breaks, within.and_then(|(_, within)| *within))]
        }
        // No file can expect a fault of the model: it says what must hold.
        Violation::Assertion(_) | Violation::Livelock => {
            let holds = subject.oracle.holds.iter();
            holds.map(|(it, within)| claim(*it, Hope::Holds, *within)).collect()
        }
    };
    let found = Found {
        by: "trial shrink".to_owned(),
        violation: violation.name().to_owned(),
        seed,
        digest: sim::run(&subject.plan, sim::Options::default()).digest,
        trial: env!("CARGO_PKG_VERSION").to_owned(),
        model: sim::MODEL_VERSION,
    };
    let heading = Heading {
        title: shrunk::title(violation, &subject.plan, ui.words),
        teaches: None,
        says: shrunk::captions(&subject.plan, ui.words),
        expects,
        found: Some(found),
    };
    written::scenario(&subject.plan, &heading)
}

/// Finds what is looked for by its name.
fn named(name: &str, outcome: &Outcome) -> Result<Option<Violation>, CliError> {
    if let Some(claim) = Claim::by_name(name) {
        return Ok(Some(Violation::Claim(claim)));
    }
    let endings = [Violation::Livelock.name(), Violation::Assertion(String::new()).name()];
    if endings.contains(&name) {
        return Ok(Oracle::default().violations(outcome).into_iter().find(|it| it.name() == name));
    }
    let hint = match nearest(name, Claim::ALL.iter().map(|claim| claim.name()).chain(endings)) {
        Some(near) => format!("Did you mean {near:?}?"),
        None => "`trial list claims` prints them.".to_owned(),
    };
    Err(CliError::usage(format!("no claim is called {name:?}"), hint))
}

/// Returns what is wrong first: how the trial ended, else the first broken claim that the
/// file speaks of, else any.
fn first_broken(case: &Case, outcome: &Outcome) -> Option<Violation> {
    let ended = Oracle::default().violations(outcome).into_iter().next();
    let breaks = |claim: Claim| {
        let mut findings = outcome.judgement.findings.iter();
        findings.any(|it| it.claim == claim && matches!(it.verdict, Verdict::Breaks(_)))
    };
    let expected = case.expects.iter().filter_map(|expect| match &expect.what {
        Expected::Claim { claim, .. } => Some(*claim),
        Expected::Anomaly { .. } | Expected::Reaches { .. } => None,
    });
    let mut claims = expected.chain(Claim::ALL.iter().copied());
    let late = || Oracle::of(case).violations(outcome).into_iter().next();
    ended.or_else(|| claims.find(|claim| breaks(*claim)).map(Violation::Claim)).or_else(late)
}

/// Has the oracle look for a claim that the file expects to break.
fn look_for(violation: &Violation, case: &Case, subject: &mut Subject) {
    let Violation::Claim(wanted) = violation else { return };
    if subject.oracle.holds.iter().any(|(claim, _)| claim == wanted) {
        return;
    }
    let within = case.expects.iter().find_map(|expect| match &expect.what {
        Expected::Claim { claim, within, .. } if claim == wanted => *within,
        _ => None,
    });
    subject.oracle.holds.push((*wanted, within));
}
