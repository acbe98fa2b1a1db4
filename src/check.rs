//! `trial check`: reads scenarios without running them.

use reports::json::VERSION;
use scenarios::{Diagnostic, Overrides, Severity, parse};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::load;
use crate::ui::{Format, Ui};

/// Parse and lint scenarios without running them
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Scenario files, folders of them, or names from the library
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    /// Let warnings fail
    #[arg(long)]
    strict: bool,
}

/// Returns 2 if a file cannot be run.
pub fn check(args: &CheckArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let mut worst = 0;
    for (given, source) in args.files.iter().flat_map(|name| load::each(name)) {
        let source = match source {
            Ok(source) => source,
            Err(error) => {
                worst = 2;
                match args.format {
                    Format::Json => ui.json(&unread(&given, &error))?,
                    Format::Human => ui.note(&error.to_string())?,
                }
                continue;
            }
        };
        let (found, cases) = match parse(&source.given, &source.text, &Overrides::default()) {
            Ok((scenario, warnings)) => (warnings, Some(scenario.cases.len())),
            Err(problems) => (problems, None),
        };
        let fails = |it: &Diagnostic| it.severity == Severity::Error || args.strict;
        if found.iter().any(fails) {
            worst = 2;
        }
        match args.format {
            Format::Json => {
                for diagnostic in &found {
                    let mut object = diagnostic.to_json(&source.text);
                    object["v"] = VERSION.into();
                    ui.json(&object)?;
                }
            }
            Format::Human => {
                if !found.is_empty() {
                    ui.diagnostics(&found, &source.text)?;
                }
                let verdict = match (cases, found.len()) {
                    (None, problems) => plural(problems, "problem"),
                    (Some(cases), 0) => format!("ok, {}", plural(cases, "case")),
                    (Some(cases), warnings) => {
                        format!("ok, {}, {}", plural(cases, "case"), plural(warnings, "warning"))
                    }
                };
                ui.text(&format!("{}: {verdict}", source.given))?;
            }
        }
    }
    Ok(worst)
}

/// Returns a file that cannot be read as a problem without a place.
fn unread(given: &str, error: &CliError) -> Value {
    let (message, help) = match error {
        CliError::Usage { message, hint } => (message.clone(), Some(hint)),
        CliError::Shown | CliError::Io(_) => (error.to_string(), None),
    };
    json!({
        "v": VERSION,
        "code": null,
        "severity": "error",
        "file": given,
        "line": null,
        "column": null,
        "end": null,
        "message": message,
        "label": null,
        "help": help,
    })
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
