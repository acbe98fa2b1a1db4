//! `trial judge`: what a history of clients is worth, whoever recorded it.

use std::fs::File;
use std::io::{self, Read};

use reports::judged::{self, Judged};
use reports::text::grouped;
use scenarios::Place;
use scenarios::edn;
use sim::jepsen::operation::{Function, Operation};
use sim::jepsen::{Subscription, Unjudgeable, WriteOrder};

use crate::error::CliError;
use crate::ui::{Format, Ui};

/// No history has more bytes than this.
const BYTES_MAX: u64 = 1 << 28;

/// Judge a history of clients by the rules of Jepsen's Kafka workload
///
/// The history is EDN: one map per operation, or one vector of them, as Jepsen stores it and as
/// `trial run --out` writes it. Nothing but what clients did and saw counts, so that histories of
/// real clusters can be judged as well. Anomalies have Jepsen's names.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct JudgeArgs {
    /// A history in EDN; - reads standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    /// How consumers got their partitions [default: subscribe, if any did]
    #[arg(long, value_name = "HOW")]
    sub_via: Option<SubVia>,
    /// Count writers as dependent on each other by the order of their values in a log
    #[arg(long)]
    ww_deps: bool,
}

const EXIT_CODES: &str = "\
Exit codes: 0 valid, 1 anomalies that are violations, 2 no history that could be judged";

/// How consumers got their partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SubVia {
    /// By `assign`: reads of a process skip and repeat nothing
    Assign,
    /// By `subscribe`: a rebalance may move anybody
    Subscribe,
}

/// Returns 1 if there are anomalies that are not allowed.
pub fn judge(args: &JudgeArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let text = read(&args.file)?;
    let (places, history) = match edn::history(&text) {
        Ok(operations) => operations.into_iter().unzip::<usize, Operation, Vec<_>, Vec<_>>(),
        Err(why) => {
            let message = format!("{}: {}", located(&args.file, why.place), why.message);
            return Err(CliError::usage(message, why.hint));
        }
    };
    if history.is_empty() {
        let message = format!("{} holds no operation", named(&args.file));
        return Err(CliError::usage(message, "A history is one map in EDN per operation."));
    }
    let order = if args.ww_deps { WriteOrder::Inferred } else { WriteOrder::Ignored };
    let judgement = sim::jepsen::judge(&history, order).map_err(|why| {
        let place = Place::of(&text, places[why.at()]);
        let (message, hint) = unjudgeable(&why);
        CliError::usage(format!("{}: {message}", located(&args.file, place)), hint)
    })?;
    let subscription = match args.sub_via {
        Some(SubVia::Assign) => Subscription::Assign,
        Some(SubVia::Subscribe) => Subscription::Subscribe,
        None => seen(&history),
    };
    let judged = Judged { judgement: &judgement, operations: history.len(), subscription, order };
    match args.format {
        Format::Human => ui.lines(&judged::judged(&judged, ui.words))?,
        Format::Json => ui.json(&judged::json(&judged))?,
    }
    Ok(u8::from(!judged.is_valid()))
}

/// Returns how the history's consumers got their partitions.
fn seen(history: &[Operation]) -> Subscription {
    let subscribes = |it: &Operation| matches!(it.function, Function::Subscribe(_));
    match history.iter().any(subscribes) {
        true => Subscription::Subscribe,
        false => Subscription::Assign,
    }
}

fn read(file: &str) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    let read = match file {
        "-" => io::stdin().take(BYTES_MAX + 1).read_to_end(&mut bytes),
        path => File::open(path).and_then(|it| it.take(BYTES_MAX + 1).read_to_end(&mut bytes)),
    };
    let cannot = |why: &str, hint: &str| {
        CliError::usage(format!("cannot read {}: {why}", named(file)), hint)
    };
    match read {
        Ok(count) if BYTES_MAX < count as u64 => {
            let why = format!("it has more than {} bytes", grouped(BYTES_MAX));
            Err(cannot(&why, "Judge a part of it."))
        }
        Ok(_) => String::from_utf8(bytes)
            .map_err(|_| cannot("it is not UTF-8", "Histories are EDN, which is UTF-8 text.")),
        Err(why) => Err(cannot(&why.to_string(), "Name a file that you may read.")),
    }
}

fn named(file: &str) -> &str {
    if file == "-" { "standard input" } else { file }
}

fn located(file: &str, place: Place) -> String {
    format!("{} line {}, column {}", named(file), place.line, place.column)
}

fn unjudgeable(why: &Unjudgeable) -> (String, &'static str) {
    let name = why.name();
    match why {
        Unjudgeable::DoubleInvoke { .. } => (
            format!("this process began an operation while another one was open ({name})"),
            "A process does one thing at a time; use a process for each thread.",
        ),
        Unjudgeable::NotRunning { .. } => (
            format!("this operation ends and had not begun ({name})"),
            "Each :ok, :fail and :info needs an :invoke of its process before it.",
        ),
        Unjudgeable::NoWriter { key, value, .. } => (
            format!("value {value} of key {key} is polled, and no send of it has ended ({name})"),
            "Record what was in the topics before as sends.",
        ),
    }
}
