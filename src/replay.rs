//! `trial replay`: runs what a search has found again, and says whether it is still so.

use reports::replay::{fact_json, json, replay as told};
use reports::report::title;
use reports::story::{Story, Subject};
use reports::svg::View;
use reports::table::{self, Row};
use reports::text::{Line, fill};
use reports::timeline::{LINES, timeline};
use reports::trace::Trace;
use scenarios::found::{Answer, Found, Replayed};

use crate::args::Selection;
use crate::error::CliError;
use crate::load::{self, Loaded};
use crate::retold::Retold;
use crate::run::units;
use crate::show::{Instant, Record, known};
use crate::ui::{Format, Ui};

/// Exit code of a history that should be the same and is not.
const NOT_DETERMINISTIC: u8 = 4;

/// Run what a search has found again, and say whether it is still so
///
/// The answer is one of: same history; same verdict, other history (the model has changed
/// since); no longer broken. The last one closes a bug. Exit codes: 0 for the first two, 1 for
/// the third, 4 if the model is the same and the history is not.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// A file with `[found]`, as `trial fuzz` and `trial shrink` write them
    #[arg(value_name = "REPRO")]
    file: String,
    /// Stop the story at this time, such as 3.2s
    #[arg(long, value_name = "TIME")]
    until: Option<Instant>,
    /// Print what became true, one fact in a line: everything, or what is about a record, node,
    /// partition or kind of fact
    #[arg(long, value_name = "FILTER", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "")]
    trace: Option<String>,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

/// Returns 0 if it is still broken, 1 if it no longer is, 4 if it should be the same and is not.
pub fn replay(args: &ReplayArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let selection = Selection { files: vec![args.file.clone()], ..Selection::default() };
    let loaded = load::scenarios(&selection.files, &selection.overrides()?, ui)?;
    let found = finding(&args.file, &loaded)?;
    let [unit] = units(&selection, &loaded)?[..] else {
        let message = format!("{} is more than one trial", args.file);
        return Err(CliError::usage(message, "A finding has no [matrix]."));
    };
    let retold = Retold::run(&loaded, unit, &selection);
    let replayed = found.replayed(retold.case(), retold.outcome());
    retold.tell(ui.words, |story| print(story, &replayed, args, ui))?;
    Ok(match replayed.answer {
        Answer::SameHistory | Answer::SameVerdict => 0,
        Answer::NoLongerBroken => 1,
        Answer::OtherHistory => NOT_DETERMINISTIC,
    })
}

/// Returns what the one file says of where it comes from.
fn finding<'l>(given: &str, loaded: &'l [Loaded]) -> Result<&'l Found, CliError> {
    let [file] = loaded else {
        let message = format!("{} scenarios are too many to replay", loaded.len());
        return Err(CliError::usage(message, "Name one file."));
    };
    file.scenario.found.as_ref().ok_or_else(|| {
        let hint = "Files that a search has written have it; `trial run` runs any other.";
        CliError::usage(format!("{given} has no [found] to compare with"), hint)
    })
}

fn print(
    story: &Story<'_>,
    replayed: &Replayed<'_>,
    args: &ReplayArgs,
    ui: &mut Ui,
) -> Result<(), CliError> {
    let end = story.outcome.totals.end;
    if let Some(until) = args.until
        && end.0 < until.0
    {
        let message = "--until lies beyond the end of the trial";
        return Err(CliError::usage(message, format!("It ends at {end} s.")));
    }
    let traced = match &args.trace {
        Some(filter) => Some(facts(story, filter, args, ui)?),
        None => None,
    };
    match args.format {
        Format::Json => {
            for row in traced.unwrap_or_default() {
                ui.json(&fact_json(&row))?;
            }
            ui.json(&json(story, replayed))?;
        }
        Format::Human => {
            match traced {
                Some(rows) if rows.is_empty() => {
                    let filter = args.trace.as_deref().unwrap_or_default();
                    ui.note(&format!("note: no fact is about {filter:?}"))?;
                }
                Some(rows) => ui.text(table::draw(rows, ui.words.language).trim_end())?,
                None => ui.lines(&drawn(story, args.until, ui))?,
            }
            ui.lines(&[Line::default()])?;
            ui.lines(&told(story, replayed))?;
        }
    }
    Ok(())
}

/// Returns the facts that are wanted, up to the time at which the story stops.
fn facts(
    story: &Story<'_>,
    filter: &str,
    args: &ReplayArgs,
    ui: &Ui,
) -> Result<Vec<Row>, CliError> {
    let trace = story.trace;
    let window = args.until.map(|until| (0, until.0));
    let (partition, language) = (trace.focus, ui.words.language);
    let record = filter.parse::<Record>().ok().map(|record| record.0);
    if let Some(uid) = record {
        known(trace, uid)?;
    }
    let view = View { partition, focus: record, window, at: None, language };
    let mut rows = table::rows(trace, &view);
    if record.is_none() && !filter.is_empty() {
        rows.retain(|row| filter.split(',').any(|word| row.is_about(word.trim())));
    }
    Ok(rows)
}

/// Draws the trial, as far as it is to be told.
fn drawn(story: &Story<'_>, until: Option<Instant>, ui: &Ui) -> Vec<Line> {
    let mut lines = title(story, ui.signs);
    lines.push(Line::default());
    let Some(until) = until.map(|until| model::time::Time(until.0)) else {
        lines.extend(timeline(story, ui.signs, LINES));
        return lines;
    };
    let mut outcome = story.outcome.clone();
    outcome.history.retain(|entry| entry.at <= until);
    // What was seen until then, and nothing of what was still to come.
    let trace = Trace::of(&Subject {
        scenario: story.scenario,
        case: story.case,
        seed: story.seed,
        again: "",
        plan: story.plan,
        outcome: &outcome,
    });
    let seen = Story { outcome: &outcome, trace: &trace, ..*story };
    lines.extend(timeline(&seen, ui.signs, LINES));
    let (stopped, end) = (until.to_string(), outcome.totals.end.to_string());
    lines.push(Line::default());
    lines.push(Line::plain(fill(ui.words.replay.stopped, &[&stopped, &end])));
    lines
}
