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

/// Makes sure that files can be written below `folder`, before any trial runs.
pub fn prepare(folder: &Path) -> Result<(), CliError> {
    let probe = folder.join(".trial");
    let made = fs::create_dir_all(folder).and_then(|()| fs::write(&probe, ""));
    made.and_then(|()| fs::remove_file(&probe)).map_err(|error| cannot_write(folder, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> CliError {
    let message = format!("cannot write below {}: {error}", path.display());
    CliError::usage(message, "Name a folder for --out that can be written to.")
}

/// Writes one file that a flag named.
pub fn write_file(path: &Path, content: &[u8]) -> Result<(), CliError> {
    fs::write(path, content).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        CliError::usage(message, "Name a file in a folder that can be written to.")
    })
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
    written.map_err(|error| cannot_write(&folder, &error))
}
