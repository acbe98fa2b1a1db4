//! `trial run`: runs scenarios and says whether everything came as their files expect.

use std::path::PathBuf;
use std::time::Duration;

use reports::entry;
use reports::expected::expected;
use reports::github::annotations;
use reports::json;
use reports::junit::junit;
use reports::lesson::lines_before_question;
use reports::report::full;
use reports::story::Story;
use reports::summary::{self, Many, Short, Totals, line};
use reports::text::{Line, Tone, fill, grouped};
use reports::trace::texts::Texts;
use reports::verdict::{Came, Expected, Helped};
use scenarios::{Case, Class, Overrides, Trial};
use sim::{KeepHistory, Options};

use crate::args::Selection;
use crate::artefacts::{self, Folders};
use crate::demo;
use crate::error::CliError;
use crate::load::{self, Loaded};
use crate::pages::{self, Counterfactuals};
use crate::retold::Retold;
use crate::tally::{Tally, Untested};
use crate::ui::Ui;
use crate::work::{self, Next, Unit};

/// Full reports in one run, at most; further trials get one line each.
const REPORTS_MAX: usize = 3;
/// Trials that all get a full report.
const FEW: usize = 2;
/// Trials of one call.
const TRIALS_MAX: u128 = 10_000_000;
/// Surprises of one case that are told when there are many seeds.
const SURPRISES_SHOWN: usize = 10;
/// Columns of a scenario's name in a list, at most.
const NAME_MAX: usize = 48;

/// Run scenarios and say whether their expectations held
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: RunFormat,
    /// Print every entry of the history, or those of a kind, node or record: as JSON lines with
    /// `--format json`, and beside the document (on standard error) with junit and github
    #[arg(long, value_name = "FILTER", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "")]
    trace: Option<String>,
    /// Write each trial below this folder: timeline.txt, verdict.json, its history as JSON lines and in
    /// Jepsen's EDN, numbers over time as CSV, and perfetto.json for ui.perfetto.dev
    #[arg(long, value_name = "DIR", env = "TRIAL_OUT")]
    out: Option<PathBuf>,
    /// Write one HTML file that shows the trial, or up to four variants of it, and needs no network
    #[arg(long, value_name = "FILE", conflicts_with = "seeds")]
    report: Option<PathBuf>,
    /// A variant of the report with each of these values: a path and values
    #[arg(long, value_name = "PATH=A,B,C", requires = "report")]
    vary: Vec<String>,
    /// One line per trial; with many seeds only the summary
    #[arg(short, long)]
    quiet: bool,
    /// Stop at the first trial that does not come as expected
    #[arg(long)]
    fail_fast: bool,
    /// Let warnings and untested trials fail
    #[arg(long)]
    strict: bool,
    /// Ask the question of the file before the trial is decided, and wait for an answer
    #[arg(long, conflicts_with_all = ["seeds", "quiet"])]
    ask: bool,
    /// Do not run the trials that show what would have helped
    #[arg(long)]
    no_counterfactuals: bool,
}

/// What a run prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum RunFormat {
    /// For people
    Human,
    /// JSON lines, versioned
    Json,
    /// JUnit's XML: a suite per scenario, a test case per expectation and matrix case
    Junit,
    /// Annotations of GitHub's workflows, at the lines of what was expected
    Github,
}

/// A run in progress.
struct Session<'a> {
    args: &'a RunArgs,
    loaded: &'a [Loaded],
    overrides: &'a Overrides,
    /// Where the files of each trial go.
    folders: Folders,
    layout: Layout,
    totals: Totals,
    tally: Tally,
    reports: usize,
    /// The trials of the scenario or case that is being run.
    open: Open,
}

/// How many trials share the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Full reports.
    Reports,
    /// One line per trial, and full reports of the first surprises.
    Trials,
    /// One line per scenario.
    Scenarios,
    /// One line per case and claim.
    Seeds,
    /// Nothing but what comes at the end.
    Totals,
}

/// Trials that belong into one line.
#[derive(Default)]
struct Open {
    of: Option<Unit>,
    shorts: Vec<Short>,
    many: Many,
    told: usize,
}

/// Returns the exit code of the worst trial.
pub fn run(args: &RunArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let overrides = args.selection.overrides()?;
    let loaded = load::scenarios(&args.selection.files, &overrides, ui)?;
    if args.strict && loaded.iter().any(|file| 0 < file.warnings) {
        return Err(CliError::usage("a file has warnings", "Leave --strict out to run it."));
    }
    let units = units(&args.selection, &loaded)?;
    if args.ask {
        can_ask(args, &loaded, units.len())?;
    }
    if let Some(file) = &args.report {
        let counterfactuals = match args.no_counterfactuals {
            true => Counterfactuals::Omitted,
            false => Counterfactuals::Run,
        };
        let html = pages::html(&args.selection, &args.vary, counterfactuals, ui)?;
        artefacts::write_file(file, html.as_bytes())?;
    }
    if let Some(folder) = &args.out {
        artefacts::prepare(folder)?;
    }
    work::watch_interrupts();
    let layout = match args.selection.seeds.is_some() {
        true => Layout::Seeds,
        false if 1 < loaded.len() => Layout::Scenarios,
        false if args.quiet || FEW < units.len() => Layout::Trials,
        false => Layout::Reports,
    };
    let layout = if args.format.is_for_builds() { Layout::Totals } else { layout };
    let wanted = args.trace.is_some() || args.out.is_some() || layout == Layout::Reports;
    let keep_history = if wanted { KeepHistory::Yes } else { KeepHistory::No };
    let options = Options { keep_history, ..Options::default() };
    let (totals, tally, reports, open) = (Totals::default(), Tally::default(), 0, Open::default());
    let (loaded, overrides, folders) = (loaded.as_slice(), &overrides, Folders::of(&loaded));
    let mut session =
        Session { args, loaded, overrides, folders, layout, totals, tally, reports, open };
    work::all(loaded, &units, (args.selection.jobs(), options), |unit, trial, took| {
        session.take(unit, (trial, took), ui)
    })?;
    session.finish(ui)
}

/// Makes sure that there is a question, and somebody to ask.
fn can_ask(args: &RunArgs, loaded: &[Loaded], trials: usize) -> Result<(), CliError> {
    if args.format != RunFormat::Human {
        let message = "--ask is for people, and --format is for machines";
        return Err(CliError::usage(message, "Leave one of them out."));
    }
    if trials != 1 {
        let message = format!("--ask asks about one trial, and these are {trials}");
        return Err(CliError::usage(message, "Name one file, and pick a case with --case."));
    }
    match loaded.iter().find(|file| file.scenario.ask.is_none()) {
        None => Ok(()),
        Some(file) => Err(CliError::usage(
            format!("{} has no [ask]", file.given),
            "`trial demo` lists the scenarios of the library that have.",
        )),
    }
}

/// Returns every trial of a selection, in order.
pub fn units(selection: &Selection, loaded: &[Loaded]) -> Result<Vec<Unit>, CliError> {
    let mut cases = Vec::new();
    for (place, file) in loaded.iter().enumerate() {
        let picked = selection.cases(&file.scenario)?;
        cases.extend(picked.into_iter().map(|case| (place, case)));
    }
    let seeds_of = |place: usize| selection.seeds(&loaded[place].scenario);
    let count = |place| u128::from(seeds_of(place).end() - seeds_of(place).start()) + 1;
    let trials: u128 = cases.iter().map(|&(place, _)| count(place)).sum();
    if TRIALS_MAX < trials {
        return Err(CliError::usage(
            format!("{trials} trials are too many"),
            format!("Run at most {} at a time.", grouped(TRIALS_MAX as u64)),
        ));
    }
    let of = |(scenario, case)| seeds_of(scenario).map(move |seed| Unit { scenario, case, seed });
    Ok(cases.into_iter().flat_map(of).collect())
}

impl Session<'_> {
    fn take(
        &mut self,
        unit: Unit,
        (trial, took): (Trial, Duration),
        ui: &mut Ui,
    ) -> Result<Next, CliError> {
        let class = self.class(&trial);
        let file = &self.loaded[unit.scenario];
        let case = &file.scenario.cases[unit.case];
        let name = (file.scenario.name.as_str(), case.name.as_str(), unit.seed);
        let mut short = Short::of(name, &trial.outcome, class);
        short.surprises = surprises(case, &trial);
        short.again = self.args.selection.again(&file.given, unit.seed, &case.settings);
        if self.args.format.is_for_builds() {
            let untested = if self.args.strict { Untested::Failed } else { Untested::Skipped };
            self.tally.take((file, unit), (&trial, took), &short.again, untested);
        }
        let long = self.is_long(class);
        let is_json = self.args.format == RunFormat::Json;
        if long || is_json || self.args.out.is_some() || self.args.trace.is_some() {
            self.show(unit, trial, (class, long), ui)?;
        }
        self.totals.take(class);
        if !is_json {
            self.list(unit, short, long, ui)?;
        }
        let stop = self.args.fail_fast && class != Class::AsExpected;
        Ok(if stop { Next::Stop } else { Next::More })
    }

    /// Prints what belongs to one line or few.
    fn list(&mut self, unit: Unit, short: Short, long: bool, ui: &mut Ui) -> Result<(), CliError> {
        match self.layout {
            Layout::Reports | Layout::Totals => {}
            Layout::Trials if long => {}
            Layout::Trials => ui.lines(&line(&short, ui.words))?,
            Layout::Scenarios => {
                if self.open.of.is_some_and(|open| open.scenario != unit.scenario) {
                    self.close(ui)?;
                }
                self.open.shorts.push(short);
            }
            Layout::Seeds => {
                let place = |unit: Unit| (unit.scenario, unit.case);
                if self.open.of.is_some_and(|open| place(open) != place(unit)) {
                    self.close(ui)?;
                }
                self.open.many.take(&short);
                if short.class != Class::AsExpected && !self.args.quiet {
                    self.open.told += 1;
                    if self.open.told <= SURPRISES_SHOWN {
                        ui.lines(&line(&short, ui.words))?;
                    }
                }
            }
        }
        self.open.of = Some(unit);
        Ok(())
    }

    /// Prints the line of the trials that belong together.
    fn close(&mut self, ui: &mut Ui) -> Result<(), CliError> {
        let open = std::mem::take(&mut self.open);
        let Some(unit) = open.of else { return Ok(()) };
        let scenario = &self.loaded[unit.scenario].scenario;
        match self.layout {
            Layout::Scenarios => {
                let names = self.loaded.iter().map(|file| file.scenario.name.chars().count());
                let width = names.max().unwrap_or(0).min(NAME_MAX);
                ui.lines(&summary::scenario(&scenario.name, &open.shorts, width, ui.words))?;
            }
            Layout::Seeds => {
                let case = &scenario.cases[unit.case].name;
                if SURPRISES_SHOWN < open.told {
                    let more = grouped((open.told - SURPRISES_SHOWN) as u64);
                    ui.text(&fill(ui.words.summary.more_trials, &[&more]))?;
                }
                let title = Line::of(Tone::Strong, scenario.name.clone());
                let case = if case.is_empty() { String::new() } else { format!(" [{case}]") };
                ui.lines(&[title.then(Tone::Quiet, case)])?;
                ui.lines(&open.many.lines(ui.words))?;
            }
            Layout::Reports | Layout::Trials | Layout::Totals => {}
        }
        Ok(())
    }

    fn class(&self, trial: &Trial) -> Class {
        match trial.class() {
            Class::Untested if self.args.strict => Class::Unexpected,
            class => class,
        }
    }

    /// One file's few trials are shown in full, and surprises as long as they are few.
    fn is_long(&self, class: Class) -> bool {
        match self.layout {
            Layout::Reports => true,
            Layout::Trials => {
                !self.args.quiet && class != Class::AsExpected && self.reports < REPORTS_MAX
            }
            Layout::Scenarios | Layout::Seeds | Layout::Totals => false,
        }
    }

    fn show(
        &mut self,
        unit: Unit,
        trial: Trial,
        (class, long): (Class, bool),
        ui: &mut Ui,
    ) -> Result<(), CliError> {
        let (loaded, selection) = (self.loaded, &self.args.selection);
        let retold = match long && trial.outcome.history.is_empty() {
            true => Retold::run(loaded, unit, selection),
            false => Retold::of(loaded, unit, trial, selection),
        };
        let helped = match long && !self.args.no_counterfactuals {
            true => retold.helped(self.overrides),
            false => Vec::new(),
        };
        let outside = (retold.expected.as_slice(), helped.as_slice());
        retold.tell(ui.words, |story| {
            if let Some(folder) = &self.args.out {
                let folder = self.folders.below(folder, unit);
                artefacts::write(&folder, story, (class, outside.0, outside.1), &retold.again)?;
            }
            if self.args.format == RunFormat::Json {
                ui.json(&json::run_started(story.scenario, story.case, story.seed))?;
            }
            if let Some(filter) = &self.args.trace {
                trace(story, filter, self.args.format, ui)?;
            }
            match self.args.format {
                RunFormat::Json => print_json(story, class, outside, &retold.again, ui)?,
                RunFormat::Human if long => self.print(story, outside, &retold.again, ui)?,
                RunFormat::Human | RunFormat::Junit | RunFormat::Github => {}
            }
            Ok(())
        })
    }

    fn print(
        &mut self,
        story: &Story<'_>,
        outside: (&[Expected], &[Helped]),
        again: &str,
        ui: &mut Ui,
    ) -> Result<(), CliError> {
        if 0 < self.reports {
            ui.lines(&[Line::default()])?;
        }
        self.reports += 1;
        let mut lines = full(story, outside, again, ui.signs);
        if let (true, Some(question)) = (self.args.ask, story.ask) {
            let texts = Texts::of(story, outside.0, outside.1);
            let before = lines_before_question(story, &texts, ui.signs).min(lines.len());
            let after = lines.split_off(before);
            ui.lines(&lines)?;
            if demo::ask(question, ui)?.is_break() {
                return Ok(());
            }
            lines = after;
        }
        Ok(ui.lines(&lines)?)
    }

    fn finish(mut self, ui: &mut Ui) -> Result<u8, CliError> {
        match self.args.format {
            RunFormat::Json => ui.json(&json::summary(&self.totals))?,
            RunFormat::Junit => {
                let document = junit(&std::mem::take(&mut self.tally).suites());
                let document = document.map_err(|why| {
                    CliError::usage(format!("cannot write XML: {why}"), "Try --format json.")
                })?;
                ui.raw(&document)?;
            }
            RunFormat::Github => {
                for annotation in annotations(&std::mem::take(&mut self.tally).suites()) {
                    ui.raw(&annotation)?;
                }
                ui.lines(&[self.totals.line(self.loaded.len(), ui.words)])?;
            }
            RunFormat::Human => {
                self.close(ui)?;
                if self.totals.trials() != 1 {
                    ui.lines(&[self.totals.line(self.loaded.len(), ui.words)])?;
                }
            }
        }
        ui.flush()?;
        if work::interrupted() {
            ui.note("interrupted: these are the trials that were run")?;
            return Ok(130);
        }
        Ok(self.totals.worst().exit_code())
    }
}

impl RunFormat {
    /// Says whether it is printed once, at the end, for those who watch over builds.
    fn is_for_builds(self) -> bool {
        match self {
            RunFormat::Junit | RunFormat::Github => true,
            RunFormat::Human | RunFormat::Json => false,
        }
    }
}

fn print_json(
    story: &Story<'_>,
    class: Class,
    outside: (&[Expected], &[Helped]),
    again: &str,
    ui: &mut Ui,
) -> Result<(), CliError> {
    for finding in json::findings(story, again) {
        ui.json(&finding)?;
    }
    ui.json(&json::run_finished(story, class, outside, again))?;
    Ok(())
}

fn trace(story: &Story<'_>, filter: &str, format: RunFormat, ui: &mut Ui) -> Result<(), CliError> {
    for (place, entry) in story.outcome.history.iter().enumerate() {
        let wanted = filter.is_empty()
            || filter.split(',').any(|word| entry::matches(story, entry, word.trim()));
        if !wanted {
            continue;
        }
        let text = || format!("{:>9} {}", entry.at.to_string(), entry::prose(story, entry));
        match format {
            RunFormat::Human => ui.text(&text())?,
            RunFormat::Json => ui.json(&json::traced(story, place, entry))?,
            // Their output is a document, in which a trace has no place.
            RunFormat::Junit | RunFormat::Github => ui.note(&ui.signs.spell(&text()))?,
        }
    }
    Ok(())
}

/// Returns what did not come as expected.
fn surprises(case: &Case, trial: &Trial) -> Vec<Expected> {
    expected(case, trial).into_iter().filter(|it| it.came != Came::True).collect()
}
