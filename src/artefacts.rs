//! The files of a trial, in `OUT/SCENARIO/CASE/SEED/`: `timeline.txt`, `history.jsonl`,
//! `history.edn`, `verdict.json`, `series.csv`, `perfetto.json`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reports::report::full;
use reports::story::Story;
use reports::text::{Colour, Signs, render};
use reports::verdict::{Expected, Helped};
use reports::{csv, edn, json, perfetto};
use scenarios::Class;

use crate::error::CliError;
use crate::load::Loaded;
use crate::work::Unit;

/// The folders of scenarios and their cases, each a name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    scenarios: Vec<String>,
    /// Of each scenario, by the place of the case.
    cases: Vec<Vec<String>>,
}

impl Folders {
    /// Names the folders of scenarios.
    pub fn of(loaded: &[Loaded]) -> Folders {
        let scenarios = folders(loaded.iter().map(|file| file.scenario.name.as_str()));
        let cases = loaded.iter().map(|file| {
            // A case is named by its settings.
            folders(file.scenario.cases.iter().map(|case| case.name.as_str()))
        });
        Folders { scenarios, cases: cases.collect() }
    }

    /// Returns the folder of a trial below that of `--out`.
    pub fn below(&self, out: &Path, unit: Unit) -> PathBuf {
        let (scenario, case) = (&self.scenarios[unit.scenario], &self.cases[unit.scenario]);
        out.join(scenario).join(&case[unit.case]).join(unit.seed.to_string())
    }
}

/// Names folders: each as what it is for, with a number if another has the same name.
///
/// What a path cannot hold becomes a dash, so that no folder leads out of the one that it is in.
pub fn folders<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut named = Vec::new();
    for name in names {
        let name = safe(name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut free =
            std::iter::once(name.clone()).chain(numbered).filter(|it| !taken.contains(it));
        let folder = free.next().expect("there are more numbers than names");
        taken.insert(folder.clone());
        named.push(folder);
    }
    named
}

fn safe(name: &str) -> String {
    let only_dots = name.chars().all(|letter| letter == '.');
    let unsafe_here = |letter| "/\\:\0".contains(letter) || only_dots;
    match name {
        "" => "default".to_owned(),
        name => name.chars().map(|it| if unsafe_here(it) { '-' } else { it }).collect(),
    }
}

/// Makes sure that files can be written below the folder of `--out`, before any trial runs.
pub fn prepare(folder: &Path) -> Result<(), CliError> {
    let written = fs::create_dir_all(folder).and_then(|()| write_probe(folder));
    written.map_err(|error| cannot_write("--out", folder, &error))
}

/// Makes sure that files can be written below a folder that a flag names, and leaves no folder
/// behind for files that may never come.
pub fn probe(flag: &str, folder: &Path) -> Result<(), CliError> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|it| *it != Path::new("") && !it.exists()).collect();
    let written = fs::create_dir_all(folder).and_then(|()| write_probe(folder));
    // The innermost is first, so that each is empty when its turn comes; one that somebody else
    // has put something into stays.
    missing.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    written.map_err(|error| cannot_write(flag, folder, &error))
}

/// Makes sure that a file can be written that a flag names, and leaves none behind.
pub fn probe_file(path: &Path) -> Result<(), CliError> {
    let existed = path.exists();
    let opened = fs::OpenOptions::new().append(true).create(true).open(path);
    let cleared = opened.and_then(|_| if existed { Ok(()) } else { fs::remove_file(path) });
    cleared.map_err(|error| cannot_write_file(path, &error))
}

fn write_probe(folder: &Path) -> io::Result<()> {
    let probe = folder.join(".trial");
    fs::write(&probe, "").and_then(|()| fs::remove_file(&probe))
}

fn cannot_write(flag: &str, path: &Path, error: &io::Error) -> CliError {
    let message = format!("cannot write below {}: {error}", path.display());
    CliError::usage(message, format!("Name a folder for {flag} that can be written to."))
}

fn cannot_write_file(path: &Path, error: &io::Error) -> CliError {
    let message = format!("cannot write {}: {error}", path.display());
    CliError::usage(message, "Name a file in a folder that can be written to.")
}

/// Writes one file that a flag named.
pub fn write_file(path: &Path, content: &[u8]) -> Result<(), CliError> {
    fs::write(path, content).map_err(|error| cannot_write_file(path, &error))
}

/// Writes everything that is worth keeping of a trial into its folder.
pub fn write(
    folder: &Path,
    story: &Story<'_>,
    (class, expected, helped): (Class, &[Expected], &[Helped]),
    again: &str,
) -> Result<(), CliError> {
    let text = render(
        &full(story, (expected, helped), again, Signs::Unicode),
        Signs::Unicode,
        Colour::Plain,
    );
    let verdict = json::run_finished(story, class, (expected, helped), again);
    let files = [
        ("timeline.txt", text),
        ("history.jsonl", json::history(story)),
        ("history.edn", edn::history(story)),
        ("series.csv", csv::series(story.trace)),
        ("perfetto.json", perfetto::perfetto(story.trace)),
        ("verdict.json", format!("{verdict:#}\n")),
    ];
    let written = fs::create_dir_all(folder).and_then(|()| {
        files.iter().try_for_each(|(name, content)| fs::write(folder.join(name), content))
    });
    written.map_err(|error| cannot_write("--out", folder, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_name_are_told_apart_and_none_leads_elsewhere() {
        let cases: [(&[&str], &[&str]); 5] = [
            (&["x", "y"], &["x", "y"]),
            (&["x", "x-2", "x", "x"], &["x", "x-2", "x-3", "x-4"]),
            (&["", ".", "..", "..."], &["default", "-", "--", "---"]),
            (&["a/b", "a\\b", "../b"], &["a-b", "a-b-2", "..-b"]),
            (&["..a", "a..b"], &["..a", "a..b"]),
        ];

        for (names, expected) in cases {
            assert_eq!(folders(names.iter().copied()), expected, "{names:?}");
        }
    }
}
