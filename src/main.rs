//! The `trial` command: flags in, reports and exit codes out.
//!
//! In reading order: `args` with `seeds` (flags that several commands share), `load` (files, folders and
//! library names), `run` with `work` (trials on several threads), `counterfactual` with `remedies`
//! (what would have helped) and `artefacts` (files of a trial), `sweep` with `progress`
//! (odds over many seeds) and `plot` (pictures of them), `tally` (what builds are told), `chosen`
//! and `retold` (one trial again) with `show`, `why` and `demo` (what it looks like), the other
//! commands, `ui`.

use std::io::ErrorKind;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use reports::text::Signs;

use crate::args::Lang;
use crate::error::CliError;
use crate::ui::{Color, Ui};

mod args;
mod artefacts;
mod check;
mod chosen;
mod counterfactual;
mod demo;
mod error;
mod explain;
mod faults;
mod judge;
mod keys;
mod list;
mod load;
mod pages;
mod plot;
mod progress;
mod remedies;
mod retold;
mod run;
mod seeds;
mod show;
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
    Plot(plot::PlotArgs),
    Show(show::ShowArgs),
    Why(why::WhyArgs),
    Demo(demo::DemoArgs),
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

fn main() -> ExitCode {
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
    let signs = if cli.ascii { Signs::Ascii } else { Signs::Unicode };
    let mut ui = Ui::new(cli.color, signs, cli.lang.words());
    let code = faults::caught(|| {
        let code = command(&cli.command, &mut ui)?;
        ui.flush()?;
        Ok(code)
    });
    let Some(code) = code else { return ExitCode::from(TOOL_FAULT) };
    match code {
        Ok(code) => ExitCode::from(code),
        Err(CliError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => failed(&error, &mut ui),
    }
}

fn failed(error: &CliError, ui: &mut Ui) -> ExitCode {
    let text = error.to_string();
    if !text.is_empty() && ui.note(&text).is_err() {
        return ExitCode::from(2); // standard error is closed, too
    }
    ExitCode::from(2)
}

fn command(command: &Command, ui: &mut Ui) -> Result<u8, CliError> {
    match command {
        Command::Run(args) => run::run(args, ui),
        Command::Check(args) => check::check(args, ui),
        Command::Sweep(args) => sweep::sweep(args, ui),
        Command::Plot(args) => plot::plot(args, ui),
        Command::Show(args) => show::show(args, ui),
        Command::Why(args) => why::why(args, ui),
        Command::Demo(args) => demo::demo(args, ui),
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
