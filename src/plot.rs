//! `trial plot`: draws what a sweep found, or one run.
//!
//! The plots of a sweep run nothing. Those of one run run the scenario once: that takes
//! milliseconds, and the seed says all that a stored history could.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use reports::plots::figure::Figure;
use reports::plots::run::Told;
use reports::plots::{Plot, PlotError, png, svg, traced};
use reports::sweep::{Sweep, VERSION};
use reports::trace::Trace;
use scenarios::Language;

use crate::args::{Selection, quoted, typed};
use crate::chosen::note_other_cases;
use crate::error::CliError;
use crate::load;
use crate::retold::Retold;
use crate::run::units;
use crate::seeds::Seed;
use crate::sweep::{choices, named};
use crate::ui::Ui;

/// Draw a plot of a sweep (from the sweep.json of `trial sweep --out`) or of one run
#[derive(Debug, clap::Args)]
pub struct PlotArgs {
    /// The file that `trial sweep --out DIR` wrote; for the plots of one run a scenario
    #[arg(value_name = "FILE")]
    file: String,
    /// Which plot
    #[arg(long, value_name = "PLOT", ignore_case = true)]
    plot: Kind,
    /// Seed of the run [default: the scenario's own]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<Seed>,
    /// Change anything in the scenario: a path and a value
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// P04: one line for each of these values
    #[arg(long, value_name = "PATH=A,B,C")]
    vary: Vec<String>,
    /// Only the matrix cases with this setting
    #[arg(long, value_name = "KEY=VALUE")]
    case: Vec<String>,
    /// What to write [default: what the name of the output says, else svg]
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<Picture>,
    /// Where to write it [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A plot by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Loss by promise
    P01,
    /// Loss against replica.lag.time.max.ms
    P02,
    /// One run: latency of acknowledgements
    P04,
    /// One run: lag of groups
    P06,
    /// One run: who owns which partition
    P07,
    /// One run: log ends and high watermark
    P08,
    /// Duplicates against late replies
    P09,
    /// Disorder against requests in flight
    P10,
    /// Time without a leader
    P12,
    /// One run: does a consumer read before retention deletes
    P19,
}

/// What a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Picture {
    /// Lines and text
    Svg,
    /// Pixels, 1280 by 720
    Png,
}

/// What a plot is drawn from.
enum Source {
    Sweep(Plot),
    Run(Draw<Trace>),
    Runs(Draw<[(String, Trace)]>),
}

/// Draws runs.
type Draw<T> = fn(&T, &Told) -> Result<Figure, PlotError>;

impl Kind {
    fn source(self) -> Source {
        match self {
            Kind::P01 => Source::Sweep(Plot::P01),
            Kind::P02 => Source::Sweep(Plot::P02),
            Kind::P04 => Source::Runs(traced::latencies),
            Kind::P06 => Source::Run(traced::group_lag),
            Kind::P07 => Source::Run(traced::ownership),
            Kind::P08 => Source::Run(traced::replicas),
            Kind::P09 => Source::Sweep(Plot::P09),
            Kind::P10 => Source::Sweep(Plot::P10),
            Kind::P12 => Source::Sweep(Plot::P12),
            Kind::P19 => Source::Run(traced::race),
        }
    }
}

/// Returns 0, or what is wrong.
pub fn plot(args: &PlotArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let language = ui.words.language;
    let figure = match args.plot.source() {
        Source::Sweep(plot) => plot.figure(&read(Path::new(&args.file))?, language),
        Source::Run(draw) => {
            if !args.vary.is_empty() {
                let message = format!("{:?} draws one run, and --vary makes several", args.plot);
                let hint = "Write --set PATH=VALUE; P04 has a line for each value of --vary.";
                return Err(CliError::usage(message, hint));
            }
            let (traces, told) = traced(args, language, ui)?;
            let names: Vec<&str> = traces.iter().map(|(name, _)| name.as_str()).collect();
            note_other_cases(&names, ui)?;
            let first = traces.first().map(|(_, trace)| draw(trace, &told));
            first.ok_or_else(|| CliError::usage("there is no case to run", ""))?
        }
        Source::Runs(draw) => {
            let (traces, told) = traced(args, language, ui)?;
            draw(&traces, &told)
        }
    };
    let figure = figure.map_err(|error| {
        let message = format!("{:?} cannot be drawn: {error}", args.plot);
        CliError::usage(message, "`trial plot --help` says what each plot is about.")
    })?;
    let bytes = match picture(args) {
        Picture::Svg => svg(&figure).into_bytes(),
        Picture::Png => png(&figure),
    };
    match &args.output {
        Some(path) => fs::write(path, bytes).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            CliError::usage(message, "Name a file that can be written to.")
        })?,
        None if picture(args) == Picture::Png && io::stdout().is_terminal() => {
            let message = "a PNG is no text for a terminal";
            return Err(CliError::usage(message, "Name a file with -o."));
        }
        None => ui.bytes(&bytes)?,
    }
    Ok(0)
}

/// Runs the scenario, once for each case of it and each value that varies.
fn traced(
    args: &PlotArgs,
    language: Language,
    ui: &mut Ui,
) -> Result<(Vec<(String, Trace)>, Told), CliError> {
    let mut traces = Vec::new();
    let (mut seed, mut again) = (args.seed.map_or(0, |seed| seed.0), String::new());
    for varied in choices(&args.vary)? {
        let selection = Selection {
            files: vec![args.file.clone()],
            seed: args.seed,
            seeds: None,
            set: args.set.clone(),
            rules: Vec::new(),
            case: args.case.clone(),
            max_events: None,
            jobs: None,
        };
        let mut overrides = selection.overrides()?;
        overrides.vary.clone_from(&varied);
        let loaded = load::scenarios(&selection.files, &overrides, ui)?;
        for unit in units(&selection, &loaded)? {
            seed = unit.seed;
            again = again_of(args, unit.seed);
            let retold = Retold::run(&loaded, unit, &selection);
            let names = [named(&varied), retold.case().name.clone()];
            let names: Vec<String> = names.into_iter().filter(|it| !it.is_empty()).collect();
            traces.push((names.join(","), retold.trace_as(&again)));
        }
    }
    Ok((traces, Told { seed, again, language }))
}

/// Returns the command that draws the plot again.
fn again_of(args: &PlotArgs, seed: u64) -> String {
    let plot = match args.plot.source() {
        Source::Sweep(plot) => plot.name().to_owned(),
        Source::Run(_) | Source::Runs(_) => format!("{:?}", args.plot),
    };
    let mut words =
        vec![format!("trial plot {} --plot {plot} --seed {seed}", quoted(&typed(&args.file)))];
    let flags = [("--set", &args.set), ("--vary", &args.vary), ("--case", &args.case)];
    for (flag, values) in flags {
        words.extend(values.iter().map(|value| format!("{flag} {}", quoted(value))));
    }
    words.join(" ")
}

fn picture(args: &PlotArgs) -> Picture {
    let by_name = || {
        let ending = args.output.as_deref().and_then(Path::extension)?;
        ending.eq_ignore_ascii_case("png").then_some(Picture::Png)
    };
    args.format.or_else(by_name).unwrap_or(Picture::Svg)
}

fn read(path: &Path) -> Result<Sweep, CliError> {
    let given = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        let hint = "Name the sweep.json that `trial sweep --out DIR` wrote.";
        CliError::usage(format!("cannot read {given}: {error}"), hint)
    })?;
    let sweep: Sweep = serde_json::from_str(&text).map_err(|error| {
        let hint = "Name the sweep.json that `trial sweep --out DIR` wrote.";
        CliError::usage(format!("{given} is no sweep: {error}"), hint)
    })?;
    if sweep.v != VERSION {
        let message = format!("{given} has version {}, this tool reads {VERSION}", sweep.v);
        return Err(CliError::usage(message, "Run the sweep again."));
    }
    Ok(sweep)
}
