//! `trial twice`: the same trials in two processes must have the same histories.

use std::env;
use std::process::{Command, Stdio};

use reports::json::digest;
use reports::text::{counted, fill, padded};
use reports::words::Twice;
use scenarios::Language;
use sim::{KeepHistory, Options};

use crate::args::Selection;
use crate::error::CliError;
use crate::load;
use crate::run::units;
use crate::seeds::Seed;
use crate::ui::Ui;
use crate::work::{self, Next};

/// Columns of the word that two differing lines begin with.
const WORD: usize = 9;
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
    let (says, language) = (&ui.words.twice, ui.words.language);
    let (first, second) = both(&args.selection, &[], language)?;
    if first == second {
        ui.text(&counted(units.len() as u64, says.same))?;
        return Ok(0);
    }
    for text in differing(&first, &second, says) {
        ui.text(&text)?;
    }
    let place = pairs(&first, &second).position(|pair| differs(&pair));
    let Some(unit) = place.and_then(|place| units.get(place)) else {
        ui.text(says.other_trials)?;
        return Ok(NOT_DETERMINISTIC);
    };
    // Only the first such trial is run again, with all its entries.
    let only = Selection {
        files: vec![loaded[unit.scenario].given.clone()],
        seed: Some(Seed(unit.seed)),
        seeds: None,
        ..args.selection.clone()
    };
    let (first, second) = both(&only, &["--entries"], language)?;
    ui.text(&parting(&first, &second, says))?;
    Ok(NOT_DETERMINISTIC)
}

/// Pairs the lines of two processes.
fn pairs<'a>(first: &'a str, second: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    first.lines().zip(second.lines())
}

fn differs((one, other): &(&str, &str)) -> bool {
    one != other
}

/// Tells each trial with two histories.
fn differing(first: &str, second: &str, says: &Twice) -> Vec<String> {
    let head = padded(says.differs, WORD);
    let told = |(one, other)| format!("{head}{one}\n{:WORD$}{other}", "");
    pairs(first, second).filter(differs).map(told).collect()
}

/// Tells where two histories part.
fn parting(first: &str, second: &str, says: &Twice) -> String {
    let mut entries = (1..).zip(pairs(first, second));
    match entries.find(|(_, pair)| differs(pair)) {
        Some((at, (one, other))) => {
            let head = fill(says.first, &[&format!("{at}")]);
            format!("{head}\n  {one}\n  {other}")
        }
        None => says.goes_on.to_owned(),
    }
}

/// Runs the hidden command in two processes at once.
fn both(
    selection: &Selection,
    more: &[&str],
    language: Language,
) -> Result<(String, String), CliError> {
    let start = || {
        let mut command = Command::new(env::current_exe()?);
        command.arg("digest").arg(format!("--lang={}", language.tag()));
        command.args(more).args(words(selection));
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
    let says = &ui.words.twice;
    work::all(&loaded, &units, (args.selection.jobs(), options), |unit, trial, _| {
        let scenario = &loaded[unit.scenario].scenario;
        let case = &scenario.cases[unit.case].name;
        let name = fill(says.trial, &[&scenario.name, case, &unit.seed.to_string()]);
        if args.entries {
            for entry in &trial.outcome.history {
                ui.text(&format!("{name} {} {:?}", entry.at, entry.event))?;
            }
        } else {
            ui.text(&fill(says.digest, &[&name, &digest(trial.outcome.digest)]))?;
        }
        Ok::<Next, CliError>(Next::More)
    })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use reports::words::{EN, ZH};

    use super::*;

    #[test]
    fn trials_with_two_histories_are_told_one_below_the_other() {
        let (first, second) = ("a digest 1\nb digest 2\n", "a digest 1\nb digest 3\n");

        let [en, zh] = [&EN, &ZH].map(|words| differing(first, second, &words.twice));

        assert_eq!(en, ["DIFFERS  b digest 2\n         b digest 3"]);
        assert_eq!(zh, ["不同     b digest 2\n         b digest 3"]);
    }

    #[test]
    fn two_histories_part_at_an_entry_or_where_one_ends() {
        let told = |second| [&EN, &ZH].map(|words| parting("x\ny\nz\n", second, &words.twice));

        assert_eq!(
            told("x\n{1}\nz\n"),
            ["first difference, entry 2:\n  y\n  {1}", "第一处不同，在第 2 条：\n  y\n  {1}"]
        );
        assert_eq!(
            told("x\n"),
            ["one history goes on where the other ends", "一段历史已经结束，另一段还在继续"]
        );
    }
}
