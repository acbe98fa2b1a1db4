//! Finds scenarios: files, folders, and names of the library.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use reports::text::grouped;
use scenarios::{Diagnostic, Overrides, Scenario, library, parse};

use crate::args::typed;
use crate::error::CliError;
use crate::suggest::nearest;
use crate::ui::Ui;

/// No scenario has more bytes than this.
const BYTES_MAX: u64 = 16 * 1_024 * 1_024;

/// A scenario as the user named it.
pub struct Source {
    /// The name to show and to type again.
    pub given: String,
    /// The text of the file.
    pub text: String,
}

/// A scenario, read.
pub struct Loaded {
    /// The name to show and to type again.
    pub given: String,
    /// The text of the file.
    pub text: String,
    /// What the file says.
    pub scenario: Scenario,
    /// How many warnings it has.
    pub warnings: usize,
}

/// Finds the scenarios that `names` stand for, folders in order of their paths.
pub fn find(names: &[String]) -> Result<Vec<Source>, CliError> {
    let mut sources = Vec::new();
    for name in names {
        for (_, found) in each(name) {
            sources.push(found?);
        }
    }
    Ok(sources)
}

/// Finds the scenarios that one name stands for, each with its own name, or why it cannot be read.
pub fn each(name: &str) -> Vec<(String, Result<Source, CliError>)> {
    let path = Path::new(name);
    let one = |found| vec![(typed(name), found)];
    if path.is_dir() {
        return match scenario_files(path) {
            Err(error) => one(Err(error)),
            Ok(files) if files.is_empty() => one(Err(CliError::usage(
                format!("no scenarios in {name}"),
                "Scenarios are files that end in .toml; folders are searched to the bottom.",
            ))),
            Ok(files) => files.iter().map(|file| (shown(file), read(file))).collect(),
        };
    }
    if path.exists() {
        return one(read(path));
    }
    one(match library::find(name) {
        Some(entry) => Ok(Source { given: name.to_owned(), text: entry.source.to_owned() }),
        None => Err(missing(name)),
    })
}

fn shown(path: &Path) -> String {
    typed(&path.display().to_string())
}

/// Reads the scenarios and shows what is wrong with them.
pub fn scenarios(
    names: &[String],
    overrides: &Overrides,
    ui: &mut Ui,
) -> Result<Vec<Loaded>, CliError> {
    let mut loaded = Vec::new();
    let mut broken = 0;
    for source in find(names)? {
        match parse(&source.given, &source.text, overrides) {
            Ok((scenario, warnings)) => {
                show(&warnings, &source, ui)?;
                let (Source { given, text }, warnings) = (source, warnings.len());
                loaded.push(Loaded { given, text, scenario, warnings });
            }
            Err(problems) => {
                show(&problems, &source, ui)?;
                broken += 1;
            }
        }
    }
    if 0 < broken {
        let noun = if broken == 1 { "file" } else { "files" };
        ui.note(&format!("error: {} {noun} cannot be run", grouped(broken)))?;
        return Err(CliError::Shown);
    }
    Ok(loaded)
}

fn show(found: &[Diagnostic], source: &Source, ui: &mut Ui) -> Result<(), CliError> {
    if !found.is_empty() {
        ui.diagnostics(found, &source.text)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Source, CliError> {
    let given = shown(path);
    let cannot_read =
        |why: &str, hint: &str| Err(CliError::usage(format!("cannot read {given}: {why}"), hint));
    let mut bytes = Vec::new();
    let opened = fs::File::open(path);
    match opened.and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes)) {
        Ok(count) if BYTES_MAX < count as u64 => cannot_read(
            &format!("it has more than {} bytes", grouped(BYTES_MAX)),
            "A scenario is a page of text; is this the right file?",
        ),
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Source { given, text }),
            Err(_) => cannot_read("it is not UTF-8", "Scenarios are TOML, which is UTF-8 text."),
        },
        Err(error) => cannot_read(&error.to_string(), "See whether you may read it."),
    }
}

/// Lists the scenarios in a folder and those below it, in order of their paths.
///
/// # Errors
/// If it cannot be read.
pub fn scenario_files(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    let read = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|it| it.path())).collect()
    };
    let mut entries = read().map_err(|error: io::Error| {
        let message = format!("cannot read {}: {error}", folder.display());
        CliError::usage(message, "See whether you may read it.")
    })?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files.extend(scenario_files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
    Ok(files)
}

fn missing(name: &str) -> CliError {
    let hint = match nearest(name, library().iter().map(|entry| entry.name)) {
        Some(near) => format!("Did you mean {near:?}? `trial list scenarios` prints the library."),
        None => "Name a file, a folder, or a scenario that `trial list scenarios` prints.".into(),
    };
    CliError::usage(format!("no file, folder or library scenario is called {name:?}"), hint)
}
