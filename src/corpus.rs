//! `trial corpus`: findings that are kept, so that nobody has to find them again.
//!
//! A finding lies in `CORPUS/CLAIM/SIGNATURE.toml`. It is a scenario file like any other, made
//! by a search, and small.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use reports::search::corpus::{self as told, Kept};
use scenarios::search::known::Known;
use scenarios::search::signature::Signature;
use scenarios::search::subject::Subject;
use scenarios::search::violation::{Oracle, Violation};
use scenarios::{Expected, Hope, Overrides, Scenario};
use sim::coverage::State;
use sim::outcome::Outcome;
use sim::verdict::Claim;
use sim::{CountStates, Host, KeepHistory, Options};

use crate::artefacts::write_file;
use crate::error::CliError;
use crate::load;
use crate::ui::{Format, Ui};

/// Where a corpus lies, unless somebody says otherwise.
const CORPUS: &str = "corpus";

/// Keep findings of searches, list them, and weed out what others cover
#[derive(Debug, clap::Args)]
pub struct CorpusArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Put findings into the corpus, unless it has their stories
    Add {
        /// Files that a search has written
        #[arg(required = true, value_name = "REPRO")]
        files: Vec<String>,
        #[command(flatten)]
        corpus: Place,
    },
    /// List the findings of the corpus and run each: does it still break?
    List {
        #[command(flatten)]
        corpus: Place,
        /// What to print
        #[arg(long, value_name = "FORMAT", default_value = "human")]
        format: Format,
    },
    /// Remove findings that show nothing that the others do not show
    Minimise {
        #[command(flatten)]
        corpus: Place,
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
}

/// Where the corpus lies
#[derive(Clone, Debug, clap::Args)]
struct Place {
    /// The folder of the corpus
    #[arg(long, value_name = "DIR", default_value = CORPUS)]
    corpus: PathBuf,
}

/// A finding, read.
struct Finding {
    path: PathBuf,
    text: String,
    scenario: Scenario,
    violation: Violation,
    subject: Subject,
}

/// Returns 1 if something was listed that does not break any more.
pub fn corpus(args: &CorpusArgs, ui: &mut Ui) -> Result<u8, CliError> {
    match &args.what {
        What::Add { files, corpus } => add(files, &corpus.corpus, ui),
        What::List { corpus, format } => list(&corpus.corpus, *format, ui),
        What::Minimise { corpus, dry_run: true } => minimise(&corpus.corpus, Removal::Told, ui),
        What::Minimise { corpus, dry_run: false } => minimise(&corpus.corpus, Removal::Done, ui),
    }
}

/// Tells a search which stories a corpus has.
pub fn learn(corpus: &Path, known: &mut Known, ui: &mut Ui) -> Result<(), CliError> {
    if corpus.exists() {
        for finding in read(corpus, ui)? {
            known.learn(Signature::of(&finding.violation, &finding.subject.plan));
        }
    }
    Ok(())
}

/// Puts the file of a finding into a corpus; returns where, if it was not there.
pub fn keep(
    corpus: &Path,
    violation: &Violation,
    signature: Signature,
    text: &str,
) -> Result<Option<PathBuf>, CliError> {
    let path = corpus.join(violation.name()).join(format!("{signature}.toml"));
    if path.exists() {
        return Ok(None);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    write_file(&path, text.as_bytes())?;
    Ok(Some(path))
}

fn add(files: &[String], corpus: &Path, ui: &mut Ui) -> Result<u8, CliError> {
    for finding in findings(files, ui)? {
        let Finding { path, text, violation, subject, .. } = &finding;
        if !finding.is_broken(&finding.run()) {
            let message = format!("{} does not break {}", path.display(), violation.name());
            return Err(CliError::usage(message, "A corpus holds what breaks something."));
        }
        let signature = Signature::of(violation, &subject.plan);
        let kept = keep(corpus, violation, signature, text)?;
        ui.lines(&[told::added(&path.display().to_string(), kept.as_deref(), ui.words)])?;
    }
    Ok(0)
}

fn list(corpus: &Path, format: Format, ui: &mut Ui) -> Result<u8, CliError> {
    let mut gone = 0;
    for finding in read(corpus, ui)? {
        let broken = finding.is_broken(&finding.run());
        gone += u32::from(!broken);
        let path = finding.path.display().to_string();
        let kept = Kept {
            path: &path,
            violation: &finding.violation,
            steps: finding.subject.plan.steps.len(),
            title: ui.words.of(&finding.scenario.title),
            is_broken: broken,
        };
        match format {
            Format::Human => ui.lines(&told::lines(&kept, ui.words))?,
            Format::Json => ui.json(&told::json(&kept))?,
        }
    }
    Ok(u8::from(0 < gone))
}

/// Whether files are removed or only named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Removal {
    Done,
    Told,
}

/// What a finding shows: states of its trial, under what is wrong with it.
type Shows = BTreeSet<(&'static str, State)>;

/// Keeps, greedily, the finding that shows most of what no kept one shows, until nothing is
/// left to show; of two that show as much the one with fewer steps.
fn minimise(corpus: &Path, removal: Removal, ui: &mut Ui) -> Result<u8, CliError> {
    let mut left: Vec<(Finding, Shows)> = Vec::new();
    for finding in read(corpus, ui)? {
        let name = finding.violation.name();
        let states = finding.run().coverage.states;
        let shows = states.into_iter().map(|(state, _)| (name, state)).collect();
        left.push((finding, shows));
    }
    let (mut shown, mut kept) = (Shows::new(), 0);
    loop {
        let worth = |(at, (finding, shows)): (usize, &(Finding, Shows))| {
            let new = shows.difference(&shown).count();
            let steps = finding.subject.plan.steps.len();
            (0 < new).then_some((new, std::cmp::Reverse(steps), std::cmp::Reverse(at)))
        };
        let Some((_, _, at)) = left.iter().enumerate().filter_map(worth).max() else { break };
        let (_, shows) = left.remove(at.0);
        shown.extend(shows);
        kept += 1;
    }
    for (finding, _) in &left {
        if removal == Removal::Done {
            fs::remove_file(&finding.path)?;
        }
        ui.text(&finding.path.display().to_string())?;
    }
    ui.lines(&[told::minimised(kept, left.len() as u64, ui.words)])?;
    Ok(0)
}

fn read(corpus: &Path, ui: &mut Ui) -> Result<Vec<Finding>, CliError> {
    findings(&[corpus.display().to_string()], ui)
}

/// Reads files that searches have written.
fn findings(names: &[String], ui: &mut Ui) -> Result<Vec<Finding>, CliError> {
    let mut findings = Vec::new();
    for source in load::find(names)? {
        let given = std::slice::from_ref(&source.given);
        let loaded = load::scenarios(given, &Overrides::default(), ui)?;
        for file in loaded {
            let finding = Finding::of(&source, file.scenario)?;
            findings.push(finding);
        }
    }
    Ok(findings)
}

impl Finding {
    fn of(source: &load::Source, scenario: Scenario) -> Result<Finding, CliError> {
        let found = scenario.found.as_ref().ok_or_else(|| {
            let message = format!("{} has no [found]", source.given);
            CliError::usage(message, "Name files that `trial fuzz` or `trial shrink` wrote.")
        })?;
        let violation = match Claim::by_name(&found.violation) {
            Some(claim) => Violation::Claim(claim),
            None if found.violation == Violation::Livelock.name() => Violation::Livelock,
            None => Violation::Assertion(String::new()),
        };
        let case = &scenario.cases[0];
        let plan = case.drawn(scenario.seed).plan;
        let within = case.expects.iter().find_map(|expect| match (&expect.what, &violation) {
            (Expected::Claim { claim, hope: Hope::Breaks, within, .. }, Violation::Claim(it))
                if claim == it =>
            {
                *within
            }
            _ => None,
        });
        let holds = match violation {
            Violation::Claim(claim) => vec![(claim, within)],
            Violation::Assertion(_) | Violation::Livelock => Vec::new(),
        };
        let subject = Subject { plan, oracle: Oracle { holds }, case: 0 };
        let (path, text) = (PathBuf::from(&source.given), source.text.clone());
        Ok(Finding { path, text, scenario, violation, subject })
    }

    fn run(&self) -> Outcome {
        let (keep_history, coverage) = (KeepHistory::No, CountStates::Yes);
        sim::run(&self.subject.plan, Options { keep_history, host: Host::Madsim, coverage })
    }

    /// Says whether the same is wrong as when it was found. Of an assertion only that there
    /// was one is known.
    fn is_broken(&self, outcome: &Outcome) -> bool {
        let violations = self.subject.oracle.violations(outcome);
        violations.iter().any(|it| it.name() == self.violation.name())
    }
}
