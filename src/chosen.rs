//! The one trial that a command shows: a scenario and a seed, or a folder that `--out` wrote.

use std::fs;
use std::path::Path;

use clap::Parser;
use reports::json::digest;
use scenarios::Overrides;
use serde_json::Value;

use crate::args::{Selection, quoted};
use crate::error::CliError;
use crate::load::{self, Loaded};
use crate::retold::Retold;
use crate::run::{RunArgs, units};
use crate::seeds::Seed;
use crate::ui::Ui;

/// What `--out` writes into a trial's folder.
const VERDICT: &str = "verdict.json";
/// Cases that a note names.
const OTHERS_NAMED: usize = 3;

/// Which trial to show
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ChosenArgs {
    /// Seed for every random choice [default: the scenario's own]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<Seed>,
    /// Change anything in the file: a path and a value
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Change a rule of the protocol
    #[arg(long, value_name = "NAME=VALUE")]
    pub rules: Vec<String>,
    /// The matrix case with this setting [default: the first one]
    #[arg(long, value_name = "KEY=VALUE")]
    pub case: Vec<String>,
}

/// A trial that was chosen, not yet run.
pub struct Chosen {
    /// What picks it.
    pub selection: Selection,
    overrides: Overrides,
    loaded: Vec<Loaded>,
    /// What the folder says of its history, if it was a folder.
    digest: Option<String>,
}

/// The command line in a trial's folder.
#[derive(Parser)]
#[command(name = "trial run", no_binary_name = true)]
struct Replay {
    #[command(flatten)]
    args: RunArgs,
}

impl Chosen {
    /// Reads the scenario of the trial that `file` and the flags name.
    ///
    /// # Errors
    /// If there is none, or more than one file.
    pub fn read(file: &str, args: &ChosenArgs, ui: &mut Ui) -> Result<Chosen, CliError> {
        let verdict = Path::new(file).join(VERDICT);
        let (mut selection, digest) = match verdict.is_file() {
            true => stored(&verdict)?,
            false => (Selection { files: vec![file.to_owned()], ..Selection::default() }, None),
        };
        let changed = args.seed.is_some() || !args.set.is_empty() || !args.rules.is_empty();
        selection.seed = args.seed.or(selection.seed);
        selection.set.extend(args.set.iter().cloned());
        selection.rules.extend(args.rules.iter().cloned());
        selection.case.extend(args.case.iter().cloned());
        let overrides = selection.overrides()?;
        let loaded = load::scenarios(&selection.files, &overrides, ui)?;
        if loaded.len() != 1 {
            let message = format!("{file} holds {} scenarios, and this is about one", loaded.len());
            return Err(CliError::usage(message, "Name one of its files."));
        }
        let digest = digest.filter(|_| !changed && args.case.is_empty());
        Ok(Chosen { selection, overrides, loaded, digest })
    }

    /// Returns the scenario.
    pub fn file(&self) -> &Loaded {
        &self.loaded[0]
    }

    /// Returns the scenario as a list of one.
    pub fn files(&self) -> &[Loaded] {
        &self.loaded
    }

    /// Returns what the flags change in the file.
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// Returns the command line with which another command is about this trial again.
    pub fn again(&self, command: &str, retold: &Retold<'_>) -> String {
        let seed = retold.case().plan.seed;
        let file = quoted(&self.file().given);
        let mut words = vec![format!("trial {command} {file} --seed {seed}")];
        words.extend(self.selection.flags(&retold.case().settings));
        words.join(" ")
    }

    /// Runs the trial; of several cases the first, with a note that names the others.
    pub fn run(&self, ui: &mut Ui) -> Result<Retold<'_>, CliError> {
        let cases = &self.file().scenario.cases;
        let units = units(&self.selection, &self.loaded)?;
        let names: Vec<&str> = units.iter().map(|unit| cases[unit.case].name.as_str()).collect();
        note_other_cases(&names, ui)?;
        self.run_first(ui)
    }

    /// Runs the trial; of several cases the first.
    pub fn run_first(&self, ui: &mut Ui) -> Result<Retold<'_>, CliError> {
        let first = units(&self.selection, &self.loaded)?.first().copied();
        let first = first.ok_or_else(|| CliError::usage("there is no case to run", ""))?;
        let retold = Retold::run(&self.loaded, first, &self.selection);
        if let Some(stored) = &self.digest
            && *stored != digest(retold.outcome().digest)
        {
            ui.note(
                "note: another version wrote this folder, and here the history is another one",
            )?;
        }
        Ok(retold)
    }
}

/// Says which of several cases is shown, and how to get another one.
pub fn note_other_cases(names: &[&str], ui: &mut Ui) -> Result<(), CliError> {
    let [first, others @ ..] = names else { return Ok(()) };
    if others.is_empty() {
        return Ok(());
    }
    let (shown, rest) = others.split_at(others.len().min(OTHERS_NAMED));
    let more = if rest.is_empty() { "" } else { "; …" };
    let list = shown.join("; ");
    ui.note(&format!("note: this is case {first}; --case picks another: {list}{more}"))?;
    Ok(())
}

/// Reads which trial a folder is about, and what it says of its history.
fn stored(file: &Path) -> Result<(Selection, Option<String>), CliError> {
    let given = file.display();
    let wrong = |why: &str| {
        let hint = "Name a folder that `trial run --out DIR` wrote: DIR/SCENARIO/CASE/SEED.";
        CliError::usage(format!("{given} {why}"), hint)
    };
    let text =
        fs::read_to_string(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    let verdict: Value =
        serde_json::from_str(&text).map_err(|error| wrong(&format!("is no verdict: {error}")))?;
    let replay =
        verdict["replay"].as_str().ok_or_else(|| wrong("does not say how to replay it"))?;
    let words = words(replay);
    let flags = match words.as_slice() {
        [tool, command, flags @ ..] if tool == "trial" && command == "run" => flags,
        _ => return Err(wrong("names no command that this tool knows")),
    };
    let replay = Replay::try_parse_from(flags)
        .map_err(|_| wrong("names a command that this version does not understand"))?;
    Ok((replay.args.selection, verdict["digest"].as_str().map(str::to_owned)))
}

/// Takes a command apart as a shell does, as far as `quoted` puts it together.
fn words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut within) = (None::<String>, false);
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                within = !within;
                word.get_or_insert_default();
            }
            '\\' if !within => word.get_or_insert_default().extend(letters.next()),
            ' ' if !within => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_read_as_it_was() {
        for word in ["acks1", "a b", "", "it's", "--set", "\\", "''", "文件"] {
            let command = format!("trial run {} --seed 7", quoted(word));

            assert_eq!(words(&command), ["trial", "run", word, "--seed", "7"], "{command}");
        }
    }
}
