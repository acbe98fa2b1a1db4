//! The files of a trial, in `OUT/SCENARIO/CASE/SEED/`: `timeline.txt`, `history.jsonl`,
//! `history.edn`, `verdict.json`, `series.csv`, `perfetto.json`.

use std::fs;
use std::io;
use std::path::Path;

use reports::report::full;
use reports::story::Story;
use reports::text::{Colour, Signs, render};
use reports::verdict::{Expected, Helped};
use reports::{csv, edn, json, perfetto};
use scenarios::Class;

use crate::error::CliError;

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

/// Writes everything that is worth keeping of a trial.
pub fn write(
    folder: &Path,
    story: &Story<'_>,
    (class, expected, helped): (Class, &[Expected], &[Helped]),
    again: &str,
) -> Result<(), CliError> {
    let case = if story.case.is_empty() { "default" } else { story.case };
    // A case is named by its settings; what a path cannot hold becomes a dash.
    let case: String =
        case.chars().map(|letter| if "/\\:\0".contains(letter) { '-' } else { letter }).collect();
    let folder = folder.join(story.scenario).join(case).join(story.seed.to_string());
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
    let written = fs::create_dir_all(&folder).and_then(|()| {
        files.iter().try_for_each(|(name, content)| fs::write(folder.join(name), content))
    });
    written.map_err(|error| cannot_write("--out", &folder, &error))
}
