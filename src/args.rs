//! Flags that several commands share.

use std::ops::RangeInclusive;
use std::thread;

use reports::words::{EN, Words, ZH};
use scenarios::{Overrides, Scenario};

use crate::error::CliError;
use crate::seeds::{Jobs, Seed, Seeds};

/// The language of what is for people
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// English
    #[default]
    En,
    /// Chinese
    Zh,
}

impl Lang {
    /// Returns its table of words.
    pub fn words(self) -> &'static Words {
        match self {
            Lang::En => &EN,
            Lang::Zh => &ZH,
        }
    }
}

/// Which scenarios, cases and seeds to run
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Selection {
    /// Scenario files, folders of them, or names from the library
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Seed for every random choice [default: the scenario's own]
    #[arg(long, value_name = "N", conflicts_with = "seeds", allow_negative_numbers = true)]
    pub seed: Option<Seed>,
    /// Run every seed from A to the one before B; a number alone counts from 0
    #[arg(long, value_name = "A..B", allow_negative_numbers = true)]
    pub seeds: Option<Seeds>,
    /// Change anything in the file: a path and a value
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Change a rule of the protocol
    #[arg(long, value_name = "NAME=VALUE")]
    pub rules: Vec<String>,
    /// Only the matrix cases with this setting
    #[arg(long, value_name = "KEY=VALUE")]
    pub case: Vec<String>,
    /// Events after which a trial is stopped
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_events: Option<u64>,
    /// Trials at a time [default: the number of cores]
    #[arg(long, value_name = "N", env = "TRIAL_JOBS", allow_negative_numbers = true)]
    pub jobs: Option<Jobs>,
}

impl Selection {
    /// Returns what the flags change in the files.
    pub fn overrides(&self) -> Result<Overrides, CliError> {
        let mut overrides = Overrides::default();
        for text in &self.set {
            overrides.set.push(split("--set", text)?);
        }
        for text in &self.rules {
            overrides.rules.push(split("--rules", text)?);
        }
        if let Some(events) = self.max_events {
            overrides.set.push(("sim.max-events".to_owned(), events.to_string()));
        }
        Ok(overrides)
    }

    /// Returns how many trials run at a time.
    pub fn jobs(&self) -> usize {
        match self.jobs {
            Some(jobs) => jobs.0,
            None => thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Returns the seeds for a scenario.
    pub fn seeds(&self, scenario: &Scenario) -> RangeInclusive<u64> {
        match (&self.seeds, self.seed) {
            (Some(seeds), _) => seeds.0.clone(),
            (None, Some(seed)) => seed.0..=seed.0,
            (None, None) => scenario.seed..=scenario.seed,
        }
    }

    /// Returns the places of the cases that were picked.
    pub fn cases(&self, scenario: &Scenario) -> Result<Vec<usize>, CliError> {
        let mut wanted = Vec::new();
        for text in &self.case {
            wanted.push(split("--case", text)?);
        }
        let matches = |at: &usize| {
            let case = &scenario.cases[*at];
            wanted.iter().all(|(key, value)| {
                case.settings.iter().any(|(path, set)| {
                    let plain = path.replace(['\'', '"'], "");
                    let named = plain == *key || plain.ends_with(&format!(".{key}"));
                    named && set.trim_matches('"') == value
                })
            })
        };
        let picked: Vec<usize> = (0..scenario.cases.len()).filter(matches).collect();
        if picked.is_empty() {
            let names: Vec<_> = scenario.cases.iter().map(|case| case.name.as_str()).collect();
            let hint = match names.as_slice() {
                [""] => "The file has no matrix: leave --case out.".to_owned(),
                names => format!("The cases are: {}.", names.join("; ")),
            };
            let message = format!("no case of {} matches --case", scenario.name);
            return Err(CliError::usage(message, hint));
        }
        Ok(picked)
    }

    /// Returns the command line that runs one trial again.
    pub fn again(&self, given: &str, seed: u64, settings: &[(String, String)]) -> String {
        let mut words = vec!["trial run".to_owned(), quoted(given), format!("--seed {seed}")];
        words.extend(self.flags(settings));
        words.join(" ")
    }

    /// Returns the flags that pick a case and change the file as these do.
    pub fn flags(&self, settings: &[(String, String)]) -> Vec<String> {
        let mut words = Vec::new();
        for (path, value) in settings {
            let key = path.replace(['\'', '"'], "");
            words.push(format!("--case {}", quoted(&format!("{key}={}", value.trim_matches('"')))));
        }
        words.extend(self.set.iter().map(|set| format!("--set {}", quoted(set))));
        words.extend(self.rules.iter().map(|rule| format!("--rules {}", quoted(rule))));
        words.extend(self.max_events.map(|events| format!("--max-events {events}")));
        words
    }
}

pub(crate) fn split(flag: &str, text: &str) -> Result<(String, String), CliError> {
    Overrides::split(text).ok_or_else(|| {
        let hint = format!("Write {flag} name=value.");
        CliError::usage(format!("{flag} {text:?} has no `=`"), hint)
    })
}

/// Writes the name of a file so that no command takes it for a flag.
pub(crate) fn typed(file: &str) -> String {
    if file.starts_with('-') { format!("./{file}") } else { file.to_owned() }
}

/// Quotes a word for a shell, if it needs it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
