//! `trial shrink`: the smallest trial that still breaks the same claim, and why nothing of it
//! can go.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use reports::search::shrunk::{self, Finding};
use scenarios::Case;
use scenarios::search::shrink::{Budget, Shrunk, shrink as make_small};
use scenarios::search::subject::Subject;
use scenarios::search::violation::{Oracle, Violation, accused};
use sim::outcome::Outcome;
use sim::verdict::Claim;

use crate::args::Selection;
use crate::artefacts;
use crate::chosen::{Chosen, ChosenArgs};
use crate::error::CliError;
use crate::finding::{Origin, file};
use crate::retold::Retold;
use crate::seeds::{Jobs, Runs};
use crate::suggest::nearest;
use crate::ui::{Format, Ui};
use crate::work;

/// Trials that a search may take unless it is told otherwise.
const RUNS: u64 = 5_000;
/// Exit code after ^C.
const INTERRUPTED: u8 = 130;

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
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

/// Returns 0, since that something breaks is what it begins with; 130 if it was interrupted.
pub fn shrink(args: &ShrinkArgs, ui: &mut Ui) -> Result<u8, CliError> {
    if let Some(path) = &args.as_scenario {
        artefacts::probe_file(path)?;
    }
    work::watch_interrupts();
    let chosen = Chosen::read(&args.file, &args.chosen, ui)?;
    let retold = chosen.run(ui)?;
    let (case, scenario) = (retold.case(), &chosen.file().scenario);
    let (seed, name) = (case.plan.seed, scenario.name.as_str());
    let found = scenario.found.as_ref().map(|found| found.violation.as_str());
    let wanted = args.claim.as_deref().or(found);
    let accused = match wanted {
        Some(name) => named(name, case, retold.outcome())?,
        None => accused(case, retold.outcome(), None),
    };
    let Some((oracle, violation)) = accused else {
        let message = match wanted {
            Some(wanted) => format!("{wanted} is not broken in {name} with seed {seed}"),
            None => format!("nothing breaks in {name} with seed {seed}"),
        };
        return Err(CliError::usage(message, "Pick another --seed, --case or --claim."));
    };
    let subject = Subject { plan: case.plan.clone(), oracle, case: 0 };
    let begun = Instant::now();
    let is_over =
        || work::interrupted() || args.budget.is_some_and(|budget| budget <= begun.elapsed());
    let runs = args.runs.map_or(RUNS, |runs| runs.0);
    let jobs = Selection { jobs: args.jobs, ..Selection::default() }.jobs();
    let shrunk = make_small(&subject, &violation, Budget { runs, stop: &is_over }, jobs);
    let (violation, shrunk) = (&violation, &shrunk);
    let finding = Finding { scenario: name, case: &case.name, seed, violation, shrunk };
    tell(args, finding, &again(args, &chosen, &retold), ui)?;
    Ok(if work::interrupted() { INTERRUPTED } else { 0 })
}

/// Returns the command that makes it small again.
fn again(args: &ShrinkArgs, chosen: &Chosen, retold: &Retold<'_>) -> String {
    let mut words = vec![chosen.again("shrink", retold)];
    words.extend(args.claim.iter().map(|claim| format!("--claim {claim}")));
    words.extend(args.runs.map(|runs| format!("--runs {}", runs.0)));
    words.join(" ")
}

fn tell(args: &ShrinkArgs, finding: Finding<'_>, by: &str, ui: &mut Ui) -> Result<(), CliError> {
    let Finding { shrunk: Shrunk { subject, .. }, violation, seed, .. } = finding;
    let digest = sim::run(&subject.plan, sim::Options::default()).digest;
    let file = file(subject, violation, Origin { by, seed, digest }, ui.words);
    if let Some(path) = &args.as_scenario {
        artefacts::write_file(path, file.as_bytes())?;
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

/// Looks for what is called by a name.
fn named(
    name: &str,
    case: &Case,
    outcome: &Outcome,
) -> Result<Option<(Oracle, Violation)>, CliError> {
    if let Some(claim) = Claim::by_name(name) {
        return Ok(accused(case, outcome, Some(claim)));
    }
    let endings = [Violation::Livelock.name(), Violation::Assertion(String::new()).name()];
    if endings.contains(&name) {
        let accused = accused(case, outcome, None);
        return Ok(accused.filter(|(_, violation)| violation.name() == name));
    }
    let hint = match nearest(name, Claim::ALL.iter().map(|claim| claim.name()).chain(endings)) {
        Some(near) => format!("Did you mean {near:?}?"),
        None => "`trial list claims` prints them.".to_owned(),
    };
    Err(CliError::usage(format!("no claim is called {name:?}"), hint))
}
