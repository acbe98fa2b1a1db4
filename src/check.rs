//! `trial check`: reads scenarios without running them.

use scenarios::{Diagnostic, Overrides, Severity, parse};

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
    for source in load::find(&args.files)? {
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
                    ui.json(&diagnostic.to_json(&source.text))?;
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

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
