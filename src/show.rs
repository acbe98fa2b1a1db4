//! `trial show`: one trial as a table, a picture, a page, or data for other programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use model::ids::Uid;
use reports::trace::Trace;
use reports::trace::texts::Texts;
use reports::{csv, perfetto, svg, table};

use crate::artefacts::write_file;
use crate::chosen::{Chosen, ChosenArgs};
use crate::error::CliError;
use crate::pages::{self, Counterfactuals};
use crate::suggest::nearest;
use crate::ui::Ui;

/// Show one trial as a table, a picture, a page, or data for other programs
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// A scenario as for `run`, or a folder OUT/SCENARIO/CASE/SEED that `run --out` wrote
    #[arg(value_name = "FILE")]
    file: String,
    #[command(flatten)]
    chosen: ChosenArgs,
    /// What to show it as [default: what the name of the output says, else table]
    #[arg(long = "as", value_name = "FORM")]
    form: Option<Form>,
    /// Where to write it [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Follow one record, such as r9
    #[arg(long, value_name = "RECORD")]
    focus: Option<Record>,
    /// When to look at the logs, such as 5.2s [default: what shows most]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<Instant>,
    /// From when to when, such as 1s..4s [default: what matters]
    #[arg(long, value_name = "FROM..TO", allow_hyphen_values = true)]
    window: Option<Window>,
    /// Which partition, such as orders-0 [default: the one that matters]
    #[arg(long, value_name = "PARTITION")]
    partition: Option<String>,
}

/// What a trial is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// What became true, one fact in a line
    Table,
    /// A picture: who sent what to whom, and when
    Svg,
    /// A picture: the replicas' logs at one time
    Logs,
    /// A page with a player, in one file
    Html,
    /// The trace, versioned
    Json,
    /// For Perfetto and chrome://tracing
    Perfetto,
    /// Numbers over time
    Csv,
}

/// A record by its name: `r9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record(pub Uid);

/// A time since the start, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant(pub u64);

/// A stretch of time, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window(u64, u64);

impl std::str::FromStr for Record {
    type Err = String;

    fn from_str(text: &str) -> Result<Record, String> {
        let number = text.strip_prefix('r').unwrap_or(text);
        let digits = !number.is_empty() && number.chars().all(|it| it.is_ascii_digit());
        let uid = if digits { number.parse().ok() } else { None };
        uid.map(|uid| Record(Uid(uid))).ok_or_else(|| "records are called r0, r1, r2 …".to_owned())
    }
}

impl std::str::FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> Result<Instant, String> {
        span(text)
            .map(Instant)
            .ok_or_else(|| "write a time since the start, such as 5.2s".to_owned())
    }
}

impl std::str::FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Window, String> {
        let ends = text.split_once("..").and_then(|(from, to)| Some((span(from)?, span(to)?)));
        match ends {
            Some((from, to)) if from < to => Ok(Window(from, to)),
            Some(_) => Err("it must begin before it ends".to_owned()),
            None => Err("write two times since the start, such as 1s..4.5s".to_owned()),
        }
    }
}

/// Reads a time since the start, in microseconds.
fn span(text: &str) -> Option<u64> {
    let length = humantime::parse_duration(text.trim()).ok()?;
    u64::try_from(length.as_micros()).ok()
}

impl ShowArgs {
    fn form(&self) -> Form {
        let ending = self.output.as_deref().and_then(Path::extension).and_then(OsStr::to_str);
        let by_name = match ending {
            Some("svg") => Form::Svg,
            Some("html") => Form::Html,
            Some("json") => Form::Json,
            Some("csv") => Form::Csv,
            Some(_) | None => Form::Table,
        };
        self.form.unwrap_or(by_name)
    }
}

/// Returns 0, or what is wrong.
pub fn show(args: &ShowArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let chosen = Chosen::read(&args.file, &args.chosen, ui)?;
    let form = args.form();
    let text = match form {
        Form::Html => pages::html(&chosen.selection, &[], Counterfactuals::Run, ui)?,
        form => {
            let retold = chosen.run(ui)?;
            retold.tell(ui.words, |story| {
                let trace = story.trace;
                let texts = Texts::of(story, &retold.expected, &[]);
                let view = view(args, trace, ui)?;
                Ok::<String, CliError>(match form {
                    Form::Table => table::table(trace, &view),
                    Form::Svg => svg::spacetime(trace, &texts, &view),
                    Form::Logs => svg::logs(trace, &texts, &view),
                    Form::Json => format!("{}\n", trace.json()),
                    Form::Perfetto => perfetto::perfetto(trace),
                    Form::Csv | Form::Html => csv::series(trace),
                })
            })?
        }
    };
    match &args.output {
        Some(path) => write_file(path, text.as_bytes())?,
        None if form == Form::Table => ui.text(text.trim_end())?,
        None => ui.raw(&text)?,
    }
    Ok(0)
}

/// Returns what the flags ask to be shown of a trial.
fn view(args: &ShowArgs, trace: &Trace, ui: &Ui) -> Result<svg::View, CliError> {
    let focus = args.focus.map(|record| record.0);
    if let Some(uid) = focus {
        known(trace, uid)?;
    }
    let late = [args.at.map(|at| ("--at", at.0)), args.window.map(|it| ("--window", it.0))];
    for (flag, at) in late.into_iter().flatten() {
        if trace.end < at {
            let end = model::time::Time(trace.end);
            let message = format!("{flag} lies beyond the end of the trial");
            return Err(CliError::usage(message, format!("It ends at {end} s.")));
        }
    }
    let names = || trace.partitions.iter().map(|it| it.name.as_str());
    let followed = focus.and_then(|uid| trace.records[uid.0 as usize].partition);
    let partition = match &args.partition {
        None => followed.unwrap_or(trace.focus),
        Some(name) => names().position(|it| it == name).ok_or_else(|| {
            let hint = match nearest(name, names()) {
                Some(near) => format!("Did you mean {near:?}?"),
                None => format!("The partitions are: {}.", names().collect::<Vec<_>>().join(", ")),
            };
            CliError::usage(format!("no partition is called {name:?}"), hint)
        })?,
    };
    let window = args.window.map(|it| (it.0, it.1.min(trace.end).max(it.0 + 1)));
    let (at, language) = (args.at.map(|at| at.0), ui.words.language);
    Ok(svg::View { partition, focus, window, at, language })
}

/// Makes sure that a record was sent.
pub fn known(trace: &Trace, uid: Uid) -> Result<(), CliError> {
    let count = trace.records.len();
    if (uid.0 as usize) < count {
        return Ok(());
    }
    let hint = match count {
        0 => "Nothing was sent in this trial.".to_owned(),
        count => format!("The records of this trial are r0 to r{}.", count - 1),
    };
    Err(CliError::usage(format!("there is no record r{uid}"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_names_with_numbers() {
        let cases = [("r9", Some(9)), ("12", Some(12)), ("r", None), ("r-1", None), ("+1", None)];

        for (text, uid) in cases {
            assert_eq!(text.parse().ok().map(|it: Record| it.0.0), uid, "{text}");
        }
    }

    #[test]
    fn windows_begin_before_they_end() {
        let cases = [
            ("1s..4.5s", Some((1_000_000, 4_500_000))),
            ("0s..20ms", Some((0, 20_000))),
            ("4s..1s", None),
            ("1s..1s", None),
            ("-1s..1s", None),
            ("1s", None),
        ];

        for (text, ends) in cases {
            assert_eq!(text.parse().ok().map(|it: Window| (it.0, it.1)), ends, "{text}");
        }
    }
}
