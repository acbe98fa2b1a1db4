//! `trial mutants`: whether anybody would notice rules that are broken on purpose.

use std::fs;
use std::path::{Path, PathBuf};

use reports::search::mutants::{self as report, Tally, Tried};
use scenarios::library;
use scenarios::search::any::AnySource;
use scenarios::search::file::FileSource;
use scenarios::search::kills::{Kills, Measured};
use scenarios::search::mutants::{Chase, Deviation, chase, noticed};
use scenarios::search::subject::Source;

use crate::args::Selection;
use crate::artefacts;
use crate::error::CliError;
use crate::load;
use crate::progress::Progress;
use crate::seeds::{Jobs, Runs, Seed};
use crate::suggest::nearest;
use crate::ui::{Format, Ui};
use crate::work;

/// Exit code after ^C.
const INTERRUPTED: u8 = 130;

/// Break rules of the protocol on purpose, and see which scenarios and searches notice
///
/// Each rule is put before all scenarios of the library, and before searches that draw everything
/// anew; searches of further files can be added.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct MutantsArgs {
    /// Scenarios to search as well: files, folders of them, or names from the library
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Only this rule: a mutant, or an era such as truncation=by-epoch-once
    #[arg(long, value_name = "ID", value_parser = deviation)]
    only: Vec<Deviation>,
    /// Runs of each campaign, at most
    #[arg(long, value_name = "N", default_value = "2000", allow_negative_numbers = true)]
    runs: Runs,
    /// Campaigns of each source: how soon they notice is told as a median
    #[arg(long, value_name = "K", default_value = "5", allow_negative_numbers = true)]
    campaigns: Runs,
    /// Seed of the first campaign; the others count on
    #[arg(long, value_name = "N", default_value = "0", allow_negative_numbers = true)]
    campaign: Seed,
    /// Trials at a time [default: the number of cores]
    #[arg(long, value_name = "N", env = "TRIAL_JOBS", allow_negative_numbers = true)]
    jobs: Option<Jobs>,
    /// Write what was measured of trials of anything to this file, and leave what it says of
    /// other rules
    #[arg(long, value_name = "FILE")]
    golden: Option<PathBuf>,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

const EXIT_CODES: &str = "\
Exit codes: 0 the library and some search notice every rule, 1 a rule survives, 2 could not run,
130 interrupted";

fn deviation(id: &str) -> Result<Deviation, String> {
    let all = Deviation::all();
    let wanted = id.strip_prefix("mutant=").unwrap_or(id);
    let found = all.iter().copied().find(|it| it.id() == wanted);
    found.ok_or_else(|| {
        let ids: Vec<String> = all.iter().map(|it| it.id()).collect();
        match nearest(wanted, ids.iter().map(String::as_str)) {
            Some(near) => format!("there is no rule `{wanted}`; did you mean `{near}`?"),
            None => "there is no such rule; `trial list mutants` prints the mutants".to_owned(),
        }
    })
}

/// Returns 1 if a rule survives, 130 if it was interrupted.
pub fn mutants(args: &MutantsArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let selection =
        Selection { files: args.files.clone(), jobs: args.jobs, ..Selection::default() };
    let sources = sources(&selection, ui)?;
    let names: Vec<String> = sources.iter().map(|it| it.name().to_owned()).collect();
    let deviations = if args.only.is_empty() { Deviation::all() } else { args.only.clone() };
    let kills = args.golden.as_deref().map(golden).transpose()?;
    work::watch_interrupts();
    let mut tally = Tally {
        sources: &names,
        campaign: args.campaign.0,
        campaigns: args.campaigns.0,
        runs: args.runs.0,
        tried: &[],
        lists_scenarios: !args.only.is_empty(),
        cut_short: false,
    };
    let mut progress = Progress::new("mutants", deviations.len() as u64);
    let mut tried = Vec::new();
    for &deviation in &deviations {
        let Some(found) = try_one(deviation, &sources, (args, selection.jobs())) else { break };
        if args.format == Format::Json {
            ui.json(&report::json(&found, &tally))?;
            ui.flush()?;
        }
        tried.push(found);
        progress.take();
    }
    progress.finish();
    tally.tried = &tried;
    tally.cut_short = tried.len() < deviations.len();
    match args.format {
        Format::Json => ui.json(&report::json_summary(&tally))?,
        Format::Human => ui.lines(&report::lines(&tally, ui.words))?,
    }
    if let (Some(kills), Some(path)) = (kills, &args.golden) {
        keep(kills, path, &tally)?;
    }
    if tally.cut_short {
        return Ok(INTERRUPTED);
    }
    let survivors = tally.survivors().count();
    Ok(u8::from(0 < survivors))
}

/// Reads the golden file that is to be written, so that nobody searches in vain.
fn golden(path: &Path) -> Result<Kills, CliError> {
    artefacts::probe_file(path)?;
    if !path.exists() {
        return Ok(Kills::default());
    }
    Kills::read(&fs::read_to_string(path)?).map_err(|error| {
        let message = format!("{} is no golden file: {error}", path.display());
        CliError::usage(message, "Name another file for --golden, or one that it has written.")
    })
}

/// Adds what was measured to a golden file.
fn keep(mut kills: Kills, path: &Path, tally: &Tally<'_>) -> Result<(), CliError> {
    for tried in tally.tried {
        let chased = tried.chased.first().map_or(&[][..], Vec::as_slice);
        kills.take(Measured::of(tried.deviation, &tried.notices, (chased, tally.runs)));
    }
    artefacts::write_file(path, kills.text().as_bytes())
}

/// Returns what is searched: everything, and the files that are named.
fn sources(selection: &Selection, ui: &mut Ui) -> Result<Vec<Box<dyn Source>>, CliError> {
    let mut sources: Vec<Box<dyn Source>> = vec![Box::new(AnySource::default())];
    for file in load::scenarios(&selection.files, &selection.overrides()?, ui)? {
        let cases = (0..file.scenario.cases.len()).collect();
        sources.push(Box::new(FileSource::new(&file.scenario, cases)));
    }
    Ok(sources)
}

/// Tries one rule everywhere; `None` if somebody stopped it.
fn try_one(
    deviation: Deviation,
    sources: &[Box<dyn Source>],
    (args, jobs): (&MutantsArgs, usize),
) -> Option<Tried> {
    let stop = &work::interrupted;
    let notices = noticed(deviation, library(), jobs, stop)?;
    let chased = sources.iter().map(|source| {
        let campaigns = (0..args.campaigns.0).map(|at| {
            let campaign = args.campaign.0.wrapping_add(at);
            chase(Chase { source: &**source, deviation, campaign, runs: args.runs.0, jobs }, stop)
        });
        campaigns.collect()
    });
    let chased = chased.collect();
    (!work::interrupted()).then_some(Tried { deviation, notices, chased })
}
