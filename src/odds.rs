//! `trial odds`: from which moment on a broken claim could not be saved any more.

use std::path::PathBuf;

use reports::plots::{self, png, svg};
use reports::search::odds::{self, Asked};
use reports::svg::View;
use reports::table;
use scenarios::search::odds::{Odds, Question};
use scenarios::search::subject::Subject;
use scenarios::search::violation::accused;
use sim::branch::Future;
use sim::verdict::Claim;

use crate::args::Selection;
use crate::artefacts;
use crate::chosen::{Chosen, ChosenArgs};
use crate::error::CliError;
use crate::retold::Retold;
use crate::seeds::{Jobs, Runs};
use crate::ui::{Format, Ui};
use crate::work;

/// Facts of the guilty moment that are shown.
const FACTS_MAX: usize = 8;
/// Exit code of a trial that breaks nothing: there are no odds to tell.
const UNTESTED: u8 = 3;
/// Exit code after ^C.
const INTERRUPTED: u8 = 130;

/// Draw the future anew from many moments of one trial, and tell the odds from each
#[derive(Debug, clap::Args)]
pub struct OddsArgs {
    /// A scenario as for `run`, or a folder OUT/SCENARIO/CASE/SEED that `run --out` wrote
    #[arg(value_name = "FILE")]
    file: String,
    #[command(flatten)]
    chosen: ChosenArgs,
    /// The claim to follow [default: the first one that is broken]
    #[arg(long, value_name = "CLAIM", value_parser = claim)]
    claim: Option<Claim>,
    /// Futures from each moment
    #[arg(long, value_name = "N", default_value = "200", allow_negative_numbers = true)]
    branches: Runs,
    /// Moments besides those of the steps, spread evenly up to the heal
    #[arg(long, value_name = "N", default_value = "50", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=10_000))]
    points: u32,
    /// What of the scenario is still to come in a future
    #[arg(long, value_name = "WHICH", default_value = "calm")]
    future: Coming,
    /// Futures at a time [default: the number of cores]
    #[arg(long, value_name = "N", env = "TRIAL_JOBS", allow_negative_numbers = true)]
    jobs: Option<Jobs>,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    /// Draw the curve into this file, .svg or .png
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// What of a scenario is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Coming {
    /// No further fault: what is lost then was lost already
    Calm,
    /// Every step of the scenario
    Planned,
}

fn claim(name: &str) -> Result<Claim, String> {
    let known = || crate::suggest::nearest(name, Claim::ALL.iter().map(|claim| claim.name()));
    Claim::by_name(name).ok_or_else(|| match known() {
        Some(near) => format!("there is no claim `{name}`; did you mean `{near}`?"),
        None => "there is no such claim; `trial list claims` prints what there is".to_owned(),
    })
}

/// Returns 0 if it could tell, 3 if the trial breaks nothing, 130 if it was interrupted.
pub fn odds(args: &OddsArgs, ui: &mut Ui) -> Result<u8, CliError> {
    if let Some(path) = &args.plot {
        picture(path)?;
        artefacts::probe_file(path)?;
    }
    let chosen = Chosen::read(&args.file, &args.chosen, ui)?;
    let retold = chosen.run(ui)?;
    let accused = accused(retold.case(), retold.outcome(), args.claim);
    let Some((oracle, violation)) = accused else {
        ui.lines(&odds::nothing_broken(args.claim, ui.words))?;
        return Ok(UNTESTED);
    };
    work::watch_interrupts();
    let subject = Subject { plan: retold.case().plan.clone(), oracle, case: 0 };
    let future = match args.future {
        Coming::Calm => Future::Calm,
        Coming::Planned => Future::Planned,
    };
    let found = scenarios::search::odds::odds(Question {
        subject: &subject,
        violation: &violation,
        points: args.points as usize,
        branches: args.branches.0,
        future,
        jobs: Selection { jobs: args.jobs, ..Selection::default() }.jobs(),
        stop: &work::interrupted,
    });
    let asked = Asked {
        scenario: &chosen.file().scenario.name,
        case: &retold.case().name,
        violation: violation.name(),
        seed: subject.plan.seed,
        future,
        again: again(args, &chosen, &retold),
        guilty: guilty(&retold, &found, ui),
    };
    match args.format {
        Format::Json => ui.text(&odds::json(&found, &asked))?,
        Format::Human => {
            ui.lines(&odds::report(&found, &asked, ui.words, ui.signs))?;
        }
    }
    if let Some(path) = &args.plot {
        let figure = plots::odds::curve(&found, &asked, ui.words.language);
        let bytes = match picture(path)? {
            Picture::Svg => svg(&figure).into_bytes(),
            Picture::Png => png(&figure),
        };
        artefacts::write_file(path, &bytes)?;
    }
    Ok(if found.cut_short { INTERRUPTED } else { 0 })
}

#[derive(Clone, Copy)]
enum Picture {
    Svg,
    Png,
}

fn picture(path: &std::path::Path) -> Result<Picture, CliError> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("svg") => Ok(Picture::Svg),
        Some("png") => Ok(Picture::Png),
        Some(_) | None => {
            let message = format!("{} is neither .svg nor .png", path.display());
            Err(CliError::usage(message, "Give the picture's file one of these endings."))
        }
    }
}

/// Lists what happened at the moment at which the odds rose.
fn guilty(retold: &Retold<'_>, found: &Odds, ui: &Ui) -> Vec<table::Row> {
    let Some(rise) = found.rise else { return Vec::new() };
    let at = rise.after.at.0;
    let trace = retold.trace();
    let window = Some((at, at));
    let language = ui.words.language;
    let view = View { partition: 0, focus: None, window, at: None, language };
    let mut rows = table::rows(trace, &view);
    rows.truncate(FACTS_MAX);
    rows
}

fn again(args: &OddsArgs, chosen: &Chosen, retold: &Retold) -> String {
    let mut words = vec![chosen.again("odds", retold)];
    words.extend(args.claim.map(|claim| format!("--claim {}", claim.name())));
    words.push(format!("--branches {} --points {}", args.branches.0, args.points));
    if args.future == Coming::Planned {
        words.push("--future planned".to_owned());
    }
    words.join(" ")
}
