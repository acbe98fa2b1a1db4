//! `trial fuzz`: runs of drawn plans, until something breaks or somebody has seen enough.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reports::search::effort::{self, Effort, Ended};
use reports::search::json;
use scenarios::search::any::AnySource;
use scenarios::search::campaign::{self, Broken, Campaign, Run, Seeds, Stopped};
use scenarios::search::file::FileSource;
use scenarios::search::known::{Known, Novelty};
use scenarios::search::looked::Looked;
use scenarios::search::signature::Signature;
use scenarios::search::subject::{Source, Subject};
use scenarios::search::violation::Violation;
use scenarios::{Overrides, Scenario, parse};

use crate::args::{Selection, quoted};
use crate::artefacts;
use crate::corpus;
use crate::error::CliError;
use crate::finding::{Filed, Story};
use crate::load;
use crate::progress::Hunt;
use crate::seeds::{Jobs, Runs, Seed};
use crate::ui::{Format, Ui};
use crate::work;

/// Runs, unless somebody says otherwise.
const RUNS: u64 = 10_000;
/// Where findings go, unless somebody says otherwise.
const OUT: &str = "out";
/// Exit code of a search that put nothing to the test.
const UNTESTED: u8 = 3;
/// Exit code after ^C.
const INTERRUPTED: u8 = 130;

/// Draw many trials and say what breaks, or how hard it was looked for
#[derive(Debug, clap::Args)]
pub struct FuzzArgs {
    /// Scenario files, folders of them, or names from the library
    #[arg(required_unless_present = "any", value_name = "FILE")]
    files: Vec<String>,
    /// Draw everything: cluster, topics, clients, settings and faults
    #[arg(long, conflicts_with_all = ["files", "set", "case", "max_events"])]
    any: bool,
    /// Runs of each file [default: 10000]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    runs: Option<Runs>,
    /// Begin no further run of a file after this time; what is found depends on the machine then
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "runs")]
    duration: Option<humantime::Duration>,
    /// Seed that the seeds of all runs come from
    #[arg(long, value_name = "N", default_value = "0", allow_negative_numbers = true)]
    campaign: Seed,
    /// Only the run with this seed
    #[arg(long, value_name = "N", conflicts_with_all = ["runs", "duration", "campaign"])]
    #[arg(allow_negative_numbers = true)]
    seed: Option<Seed>,
    /// Stop a file's search at so many different findings
    #[arg(long, value_name = "K", default_value = "1", allow_negative_numbers = true)]
    stop_after: Runs,
    /// Leave findings as they were drawn
    #[arg(long)]
    no_shrink: bool,
    /// Change anything in the file: a path and a value
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Change a rule of the protocol
    #[arg(long, value_name = "NAME=VALUE")]
    rules: Vec<String>,
    /// Only the matrix cases with this setting
    #[arg(long, value_name = "KEY=VALUE")]
    case: Vec<String>,
    /// Events after which a trial is stopped
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_events: Option<u64>,
    /// Trials at a time [default: the number of cores]
    #[arg(long, value_name = "N", env = "TRIAL_JOBS", allow_negative_numbers = true)]
    jobs: Option<Jobs>,
    /// Write each finding below this folder, as a scenario file
    #[arg(long, value_name = "DIR", env = "TRIAL_OUT", default_value = OUT)]
    out: PathBuf,
    /// What is in this corpus is known; what is new is added to it
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

/// Where trials come from, and how users name it.
struct Quarry {
    source: Box<dyn Source>,
    /// The file as the user named it, or `--any`.
    given: String,
    /// The folder of its findings: its name, with a number if another has the same.
    folder: String,
    /// The names of the cases.
    cases: Vec<String>,
}

/// All searches of one call.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    campaigns: usize,
    runs: u64,
    broken: u64,
    findings: u64,
    tested: u64,
}

/// One search in progress.
struct Search<'a> {
    args: &'a FuzzArgs,
    quarry: &'a Quarry,
    known: Known,
    looked: Looked,
    /// New findings.
    findings: u64,
    ended: Ended,
}

/// Returns 1 if something is broken, 3 if nothing was put to the test.
pub fn fuzz(args: &FuzzArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let quarries = quarries(args, ui)?;
    artefacts::probe("--out", &args.out)?;
    let mut known = Known::default();
    if let Some(corpus) = &args.corpus {
        corpus::learn(corpus, &mut known, ui)?;
    }
    work::watch_interrupts();
    let mut totals = Totals::default();
    for quarry in &quarries {
        if work::interrupted() {
            break;
        }
        let (looked, ended) = (Looked::default(), Ended::Through);
        // Two files may tell the same story, and each shall tell it.
        let known = known.clone();
        let mut search = Search { args, quarry, known, looked, findings: 0, ended };
        search.run(ui)?;
        search.finish(&mut totals, ui)?;
    }
    if args.format == Format::Json {
        let Totals { campaigns, runs, broken, findings, .. } = totals;
        ui.json(&json::summary(campaigns, runs, broken, findings))?;
    }
    ui.flush()?;
    if work::interrupted() {
        ui.note("interrupted: this is what was found until then")?;
        return Ok(INTERRUPTED);
    }
    Ok(match totals {
        Totals { broken: 1.., .. } => 1,
        Totals { tested: 0, .. } => UNTESTED,
        _ => 0,
    })
}

/// Finds where the trials of a call come from.
fn quarries(args: &FuzzArgs, ui: &mut Ui) -> Result<Vec<Quarry>, CliError> {
    let selection = args.selection();
    let overrides = selection.overrides()?;
    if args.any {
        let (given, cases) = ("--any".to_owned(), vec![String::new()]);
        let scenario = plain(&overrides, ui)?;
        let source = Box::new(AnySource { rules: scenario.cases[0].plan.rules });
        let folder = source.name().to_owned();
        return Ok(vec![Quarry { source, given, folder, cases }]);
    }
    let loaded = load::scenarios(&args.files, &overrides, ui)?;
    let folders = artefacts::folders(loaded.iter().map(|file| file.scenario.name.as_str()));
    let mut quarries = Vec::new();
    for (file, folder) in loaded.into_iter().zip(folders) {
        let picked = selection.cases(&file.scenario)?;
        let source = Box::new(FileSource::new(&file.scenario, picked));
        let cases = file.scenario.cases.into_iter().map(|case| case.name).collect();
        quarries.push(Quarry { source, given: file.given, folder, cases });
    }
    Ok(quarries)
}

/// Reads rules as a file would.
fn plain(overrides: &Overrides, ui: &mut Ui) -> Result<Scenario, CliError> {
    const PLAIN: &str = "schema = 1\n[cluster]\nbrokers = 1\n[topics.t]\n[producers.p]\n\
        topic = \"t\"\n[[expect]]\nclaim = \"no-duplicates\"\n";
    match parse("--any", PLAIN, overrides) {
        Ok((scenario, _)) => Ok(scenario),
        Err(problems) => {
            ui.diagnostics(&problems, PLAIN)?;
            Err(CliError::Shown)
        }
    }
}

impl FuzzArgs {
    /// Returns the flags that `run` has, too.
    fn selection(&self) -> Selection {
        Selection {
            files: self.files.clone(),
            set: self.set.clone(),
            rules: self.rules.clone(),
            case: self.case.clone(),
            max_events: self.max_events,
            jobs: self.jobs,
            ..Selection::default()
        }
    }

    /// Returns which seeds the runs have.
    fn seeds(&self) -> Seeds {
        self.seed.map_or(Seeds::Of(self.campaign.0), |seed| Seeds::Only(seed.0))
    }

    /// Returns the command that draws one run again.
    fn again(&self, given: &str, seed: u64) -> String {
        let mut words = vec!["trial fuzz".to_owned(), quoted(given)];
        words.push(format!("--seed {seed}"));
        words.extend(self.case.iter().map(|case| format!("--case {}", quoted(case))));
        words.extend(self.selection().flags(&[]));
        words.join(" ")
    }
}

impl Search<'_> {
    /// Runs everything and tells findings as they come.
    fn run(&mut self, ui: &mut Ui) -> Result<(), CliError> {
        let (args, source) = (self.args, &*self.quarry.source);
        let runs = match (args.duration, args.seed) {
            (_, Some(_)) => Some(1),
            (Some(_), None) => None,
            (None, None) => Some(args.runs.map_or(RUNS, |runs| runs.0)),
        };
        if args.format == Format::Json {
            ui.json(&json::run_started(source.name(), args.seeds(), runs))?;
        }
        let jobs = args.selection().jobs();
        let wanted = Campaign { source, seeds: args.seeds(), runs: runs.unwrap_or(u64::MAX), jobs };
        let due = args.duration.and_then(|it| Instant::now().checked_add(Duration::from(it)));
        let is_over = || work::interrupted() || due.is_some_and(|due| due <= Instant::now());
        let mut hunt = Hunt::new(source.name(), runs);
        let ended = campaign::run(wanted, &is_over, |run| {
            let next = match run.broken {
                Some(_) => hunt.suspend(|| self.take(run, ui))?,
                None => self.take(run, ui)?,
            };
            hunt.take(self.findings, self.looked.states.distinct());
            Ok(next)
        });
        hunt.finish();
        match ended {
            Ok(()) => {}
            Err(Stopped::By(error)) => return Err(error),
            Err(Stopped::Fault { seed }) => {
                ui.note(&format!("note: {} runs into it", args.again(&self.quarry.given, seed)))?;
                panic!("a run failed");
            }
        }
        if work::interrupted() && self.ended == Ended::Through {
            self.ended = Ended::Interrupted;
        }
        Ok(())
    }

    fn take(&mut self, run: Run, ui: &mut Ui) -> Result<ControlFlow<()>, CliError> {
        self.looked.take(&run);
        let Some(broken) = run.broken else { return Ok(ControlFlow::Continue(())) };
        let Broken { subject, violations } = *broken;
        let mut open: VecDeque<(Subject, Violation)> =
            violations.into_iter().map(|violation| (subject.clone(), violation)).collect();
        while let Some((subject, violation)) = open.pop_front() {
            if !self.known.is_worth(&violation) {
                continue;
            }
            let story = match self.args.no_shrink {
                true => Story::drawn(&subject),
                false => Story::shrunk(&subject, &violation, self.args.selection().jobs()),
            };
            let signature = Signature::of(&violation, &story.subject.plan);
            if self.known.take(&violation, signature) == Novelty::Known {
                continue;
            }
            self.findings += 1;
            self.tell(&violation, (signature, run.seed), &story, ui)?;
            if self.args.stop_after.0 <= self.findings {
                self.ended = Ended::Enough;
                return Ok(ControlFlow::Break(()));
            }
            let others = story.others.into_iter();
            open.extend(others.map(|other| (other.subject, other.violation)));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Writes a finding down and prints it.
    fn tell(
        &self,
        violation: &Violation,
        (signature, seed): (Signature, u64),
        story: &Story,
        ui: &mut Ui,
    ) -> Result<(), CliError> {
        let again = self.args.again(&self.quarry.given, seed);
        let case = &self.quarry.cases[story.subject.case];
        let filed = Filed {
            violation,
            signature,
            name: self.quarry.source.name(),
            folder: &self.quarry.folder,
            given: &self.quarry.given,
            case,
            seed,
            again: &again,
        };
        let text = filed.write(story, &self.args.out, ui.words)?;
        if let Some(corpus) = &self.args.corpus {
            corpus::keep(corpus, violation, signature, &text)?;
        }
        filed.tell(story, &self.args.out, self.args.format, ui)
    }

    /// Says how hard it was looked.
    fn finish(self, totals: &mut Totals, ui: &mut Ui) -> Result<(), CliError> {
        totals.campaigns += 1;
        totals.runs += self.looked.runs;
        totals.broken += self.looked.broken;
        totals.tested += self.looked.tested;
        totals.findings += self.findings;
        let effort = Effort {
            name: self.quarry.source.name(),
            seeds: self.args.seeds(),
            looked: &self.looked,
            findings: self.findings,
            alike: self.known.alike(),
            ended: self.ended,
        };
        match self.args.format {
            Format::Json => ui.json(&json::run_finished(&effort))?,
            Format::Human => ui.lines(&effort::lines(&effort, ui.words))?,
        }
        Ok(())
    }
}
