//! `trial twice`: the same trials in two processes must have the same histories.

use std::env;
use std::process::{Command, Stdio};

use reports::json::digest;
use reports::text::counted;
use sim::{KeepHistory, Options};

use crate::args::Selection;
use crate::error::CliError;
use crate::load;
use crate::run::units;
use crate::seeds::Seed;
use crate::ui::Ui;
use crate::work::{self, Next};

/// Exit code of a history that is not the same twice.
const NOT_DETERMINISTIC: u8 = 4;

/// Run trials in two processes and compare their histories
#[derive(Debug, clap::Args)]
pub struct TwiceArgs {
    #[command(flatten)]
    selection: Selection,
}

/// Print the digest of every trial
#[derive(Debug, clap::Args)]
pub struct DigestArgs {
    #[command(flatten)]
    selection: Selection,
    /// Print the histories instead
    #[arg(long)]
    entries: bool,
}

/// Returns 4 if a trial had two histories.
pub fn twice(args: &TwiceArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let loaded = load::scenarios(&args.selection.files, &args.selection.overrides()?, ui)?;
    let units = units(&args.selection, &loaded)?;
    let (first, second) = both(&args.selection, &[])?;
    if first == second {
        let count = counted(units.len() as u64, ("1 trial", "{0} trials, each"));
        ui.text(&format!("{count} with the same history in two processes"))?;
        return Ok(0);
    }
    let differs = |(one, other): &(&str, &str)| one != other;
    for (one, other) in first.lines().zip(second.lines()).filter(differs) {
        ui.text(&format!("DIFFERS  {one}\n         {other}"))?;
    }
    let place = first.lines().zip(second.lines()).position(|pair| differs(&pair));
    let Some(unit) = place.and_then(|place| units.get(place)) else {
        ui.text("one process ran other trials than the other")?;
        return Ok(NOT_DETERMINISTIC);
    };
    // Only the first such trial is run again, with all its entries.
    let only = Selection {
        files: vec![loaded[unit.scenario].given.clone()],
        seed: Some(Seed(unit.seed)),
        seeds: None,
        ..args.selection.clone()
    };
    let (first, second) = both(&only, &["--entries"])?;
    let mut pairs = first.lines().zip(second.lines()).zip(1..);
    match pairs.find(|(pair, _)| differs(pair)) {
        Some(((one, other), at)) => {
            ui.text(&format!("first difference, entry {at}:\n  {one}\n  {other}"))?;
        }
        None => ui.text("one history goes on where the other ends")?,
    }
    Ok(NOT_DETERMINISTIC)
}

/// Runs the hidden command in two processes at once.
fn both(selection: &Selection, more: &[&str]) -> Result<(String, String), CliError> {
    let start = || {
        let mut command = Command::new(env::current_exe()?);
        command.arg("digest").args(more).args(words(selection));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()
    };
    let (first, second) = (start()?, start()?);
    let (first, second) = (first.wait_with_output()?, second.wait_with_output()?);
    for output in [&first, &second] {
        if !output.status.success() {
            return Err(CliError::usage("a process of the comparison failed", ""));
        }
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((text(first.stdout), text(second.stdout)))
}

/// Returns a selection as a command line.
fn words(selection: &Selection) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(selection.seed.map(|seed| format!("--seed={}", seed.0)));
    if let Some(seeds) = &selection.seeds {
        words.push(format!("--seeds={}..={}", seeds.0.start(), seeds.0.end()));
    }
    words.extend(selection.set.iter().map(|set| format!("--set={set}")));
    words.extend(selection.rules.iter().map(|rule| format!("--rules={rule}")));
    words.extend(selection.case.iter().map(|case| format!("--case={case}")));
    words.extend(selection.max_events.map(|events| format!("--max-events={events}")));
    words.extend(selection.jobs.map(|jobs| format!("--jobs={}", jobs.0)));
    words.push("--".to_owned());
    words.extend(selection.files.iter().cloned());
    words
}

/// Prints one line per trial, or one per entry.
pub fn digests(args: &DigestArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let loaded = load::scenarios(&args.selection.files, &args.selection.overrides()?, ui)?;
    let units = units(&args.selection, &loaded)?;
    let keep_history = if args.entries { KeepHistory::Yes } else { KeepHistory::No };
    let options = Options { keep_history, ..Options::default() };
    work::all(&loaded, &units, (args.selection.jobs(), options), |unit, trial, _| {
        let scenario = &loaded[unit.scenario].scenario;
        let case = &scenario.cases[unit.case].name;
        let name = format!("{} [{case}] seed {}", scenario.name, unit.seed);
        if args.entries {
            for entry in &trial.outcome.history {
                ui.text(&format!("{name} {} {:?}", entry.at, entry.event))?;
            }
        } else {
            ui.text(&format!("{name} digest {}", digest(trial.outcome.digest)))?;
        }
        Ok::<Next, CliError>(Next::More)
    })?;
    Ok(0)
}
