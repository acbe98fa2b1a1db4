//! The `trial` command: flags in, reports and exit codes out. [`main`] is the binary, [`tell`] the
//! same for the book, which prints nothing by hand.
//!
//! In reading order: `args` with `seeds` (flags that several commands share), `load` (files, folders and
//! library names), `run` with `work` (trials on several threads), `counterfactual` with `remedies`
//! (what would have helped) and `artefacts` (files of a trial), `sweep` with `progress`
//! (odds over many seeds) and `plot` (pictures of them), `tally` (what builds are told), `chosen`
//! and `retold` (one trial again) with `show`, `why` and `demo` (what it looks like), `odds` (when
//! it was too late), `shrink` (its smallest form), `fuzz` with `finding` and `corpus` (what a
//! search has found), `mutants` (whether it would), `replay` (that again), `course` (what comes for
//! lectures) with `grade` and `handout`, the other commands, `ui`.

use std::io::ErrorKind;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use reports::text::Signs;

pub use crate::course::{exercises, packs, written};
pub use crate::list::{What, every_setting, words as vocabulary};

use crate::args::Lang;
use crate::error::CliError;
use crate::ui::{Color, Ui};

mod args;
mod artefacts;
mod check;
mod chosen;
mod corpus;
mod counterfactual;
mod course;
mod demo;
mod error;
mod explain;
mod faults;
mod finding;
mod fuzz;
mod grade;
mod handout;
mod judge;
mod keys;
mod list;
mod load;
mod mutants;
mod odds;
mod pages;
mod plot;
mod progress;
mod remedies;
mod replay;
mod retold;
mod run;
mod seeds;
mod show;
mod shrink;
mod suggest;
mod sweep;
mod tally;
mod twice;
mod ui;
mod why;
mod work;

/// Puts Kafka's delivery guarantees on trial
#[derive(Debug, Parser)]
#[command(name = "trial", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// Use no signs beyond ASCII
    #[arg(long, global = true)]
    ascii: bool,
    /// The language of what is for people
    #[arg(long, global = true, value_name = "LANG", default_value = "en")]
    lang: Lang,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 as expected, 1 a claim turned out otherwise, 2 could not run, 3 untested,
4 not deterministic, 5 fault of the tool, 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Check(check::CheckArgs),
    Sweep(sweep::SweepArgs),
    Fuzz(fuzz::FuzzArgs),
    Corpus(corpus::CorpusArgs),
    Mutants(mutants::MutantsArgs),
    Plot(plot::PlotArgs),
    Show(show::ShowArgs),
    Why(why::WhyArgs),
    Odds(odds::OddsArgs),
    Shrink(shrink::ShrinkArgs),
    Demo(demo::DemoArgs),
    Handout(handout::HandoutArgs),
    Grade(grade::GradeArgs),
    Replay(replay::ReplayArgs),
    Twice(twice::TwiceArgs),
    List(list::ListArgs),
    Explain(explain::ExplainArgs),
    Judge(judge::JudgeArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print digests, or one history, for `twice`
    #[command(hide = true, name = "digest")]
    Digests(twice::DigestArgs),
}

/// Exit code of an assertion of the tool itself.
const TOOL_FAULT: u8 = 5;

/// Runs the command line that this process was called with.
pub fn main() -> ExitCode {
    faults::tell_politely();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            return match error.print() {
                Err(why) if why.kind() != ErrorKind::BrokenPipe => ExitCode::from(2),
                // A closed pipe is not the user's problem, and there is nobody left to tell.
                Ok(()) | Err(_) => ExitCode::from(code),
            };
        }
    };
    let mut ui = Ui::new(cli.color, cli.signs(), cli.lang.words());
    let Some(code) = faults::caught(|| answer(&cli.command, &mut ui)) else {
        return ExitCode::from(TOOL_FAULT);
    };
    ExitCode::from(code)
}

/// What a command line printed, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The exit code.
    pub code: u8,
    /// What went to standard output; with colours only after `--color always`.
    pub out: String,
    /// What went to standard error; with colours only after `--color always`.
    pub err: String,
}

/// Runs a command line, without the word `trial`, and returns what it prints.
pub fn tell<'a>(words: impl IntoIterator<Item = &'a str>) -> Told {
    let cli = match Cli::try_parse_from(std::iter::once("trial").chain(words)) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            return Told { code: 2, out: String::new(), err: error.to_string() };
        }
        Err(help) => return Told { code: 0, out: help.to_string(), err: String::new() },
    };
    let mut ui = Ui::kept(cli.color, cli.signs(), cli.lang.words());
    let code = faults::caught(|| answer(&cli.command, &mut ui)).unwrap_or(TOOL_FAULT);
    let (out, err) = ui.texts();
    Told { code, out, err }
}

/// Says whether a command line, without the word `trial`, is one that the tool understands.
///
/// # Errors
/// What the tool would say of it.
pub fn understands<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    match Cli::try_parse_from(std::iter::once("trial").chain(words)) {
        Err(error) if error.use_stderr() => Err(error.to_string()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// One trial, as the commands that show one name it.
#[derive(Parser)]
#[command(name = "trial show", no_binary_name = true)]
struct Named {
    file: String,
    #[command(flatten)]
    chosen: chosen::ChosenArgs,
}

/// Reads which trial words such as `NAME --set acks=all --case K=V --seed 3` mean: its scenario,
/// the place of its case, and its seed.
///
/// # Errors
/// What the tool would say of them.
pub fn named<'a>(
    words: impl IntoIterator<Item = &'a str>,
) -> Result<(scenarios::Scenario, usize, u64), String> {
    let named = Named::try_parse_from(words).map_err(|error| error.to_string())?;
    let mut ui = Ui::kept(Color::Never, Signs::Unicode, &reports::words::EN);
    let found = chosen::Chosen::read(&named.file, &named.chosen, &mut ui)
        .and_then(|chosen| Ok((run::units(&chosen.selection, chosen.files())?, chosen)));
    match found {
        Ok((units, chosen)) => {
            let first = units.first().ok_or("there is no case to run")?;
            Ok((chosen.file().scenario.clone(), first.case, first.seed))
        }
        Err(error) => Err(format!("{}{error}", ui.texts().1)),
    }
}

/// Returns the commands with their flags.
pub fn commands() -> clap::Command {
    Cli::command()
}

impl Cli {
    fn signs(&self) -> Signs {
        if self.ascii { Signs::Ascii } else { Signs::Unicode }
    }
}

/// Runs a command and says what went wrong, if something did.
fn answer(this: &Command, ui: &mut Ui) -> u8 {
    let code = command(this, ui).and_then(|code| {
        ui.flush()?;
        Ok(code)
    });
    match code {
        Ok(code) => code,
        Err(CliError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => 0,
        Err(error) => failed(&error, ui),
    }
}

fn failed(error: &CliError, ui: &mut Ui) -> u8 {
    let text = error.to_string();
    if !text.is_empty() {
        // If standard error is closed, there is nobody left to tell.
        drop(ui.note(&text));
    }
    2
}

fn command(command: &Command, ui: &mut Ui) -> Result<u8, CliError> {
    match command {
        Command::Run(args) => run::run(args, ui),
        Command::Check(args) => check::check(args, ui),
        Command::Sweep(args) => sweep::sweep(args, ui),
        Command::Fuzz(args) => fuzz::fuzz(args, ui),
        Command::Corpus(args) => corpus::corpus(args, ui),
        Command::Mutants(args) => mutants::mutants(args, ui),
        Command::Plot(args) => plot::plot(args, ui),
        Command::Show(args) => show::show(args, ui),
        Command::Why(args) => why::why(args, ui),
        Command::Odds(args) => odds::odds(args, ui),
        Command::Shrink(args) => shrink::shrink(args, ui),
        Command::Demo(args) => demo::demo(args, ui),
        Command::Handout(args) => handout::handout(args, ui),
        Command::Grade(args) => grade::grade(args, ui),
        Command::Replay(args) => replay::replay(args, ui),
        Command::Twice(args) => twice::twice(args, ui),
        Command::List(args) => list::list(args, ui),
        Command::Explain(args) => explain::explain(args, ui),
        Command::Judge(args) => judge::judge(args, ui),
        Command::Digests(args) => twice::digests(args, ui),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "trial", &mut script);
            ui.text(String::from_utf8_lossy(&script).trim_end())?;
            Ok(0)
        }
    }
}
