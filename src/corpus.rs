//! `trial corpus`: findings that are kept, so that nobody has to find them again.
//!
//! A finding lies in `CORPUS/CLAIM/SIGNATURE.toml`. It is a scenario file like any other, made
//! by a search, and small.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use reports::search::corpus::{self as told, Kept};
use scenarios::found::Found;
use scenarios::search::known::Known;
use scenarios::search::signature::Signature;
use scenarios::search::violation::Violation;
use scenarios::{Case, Overrides, Text};
use sim::coverage::State;
use sim::outcome::Outcome;
use sim::{CountStates, Host, KeepHistory, Options};

use crate::artefacts::{self, write_file};
use crate::error::CliError;
use crate::load::{self, Loaded};
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
    title: Text,
    found: Found,
    case: Case,
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

/// Tells a search which stories a corpus has; one that does not break any more is not known.
///
/// # Errors
/// If the corpus cannot be read, or nothing can be added to it.
pub fn learn(corpus: &Path, known: &mut Known, ui: &mut Ui) -> Result<(), CliError> {
    if corpus.exists() {
        for finding in read(corpus, ui)? {
            if let Some(violation) = finding.seen(&finding.run()) {
                known.learn(finding.signature(&violation));
            }
        }
    }
    artefacts::probe("--corpus", corpus)
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
    artefacts::probe("--corpus", corpus)?;
    for finding in findings(files, ui)? {
        let path = finding.path.display();
        let Some(violation) = finding.seen(&finding.run()) else {
            let message = format!("{path} does not break {}", finding.found.violation);
            return Err(CliError::usage(message, "A corpus holds what breaks something."));
        };
        let kept = keep(corpus, &violation, finding.signature(&violation), &finding.text)?;
        ui.lines(&[told::added(&path.to_string(), kept.as_deref(), ui.words)])?;
    }
    Ok(0)
}

fn list(corpus: &Path, format: Format, ui: &mut Ui) -> Result<u8, CliError> {
    let mut gone = 0;
    for finding in read(corpus, ui)? {
        let is_broken = finding.seen(&finding.run()).is_some();
        gone += u32::from(!is_broken);
        let path = finding.path.display().to_string();
        let kept = Kept {
            path: &path,
            violation: &finding.found.violation,
            steps: finding.case.plan.steps.len(),
            title: ui.words.of(&finding.title),
            is_broken,
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
type Shows = BTreeSet<(String, State)>;

/// Keeps, greedily, the finding that shows most of what no kept one shows, until nothing is
/// left to show; of two that show as much the one with fewer steps.
fn minimise(corpus: &Path, removal: Removal, ui: &mut Ui) -> Result<u8, CliError> {
    let mut left: Vec<(Finding, Shows)> = Vec::new();
    for finding in read(corpus, ui)? {
        let name = &finding.found.violation;
        let states = finding.run().coverage.states;
        let shows = states.into_iter().map(|state| (name.clone(), state)).collect();
        left.push((finding, shows));
    }
    let (mut shown, mut kept) = (Shows::new(), 0);
    loop {
        let worth = |(at, (finding, shows)): (usize, &(Finding, Shows))| {
            let new = shows.difference(&shown).count();
            let steps = finding.case.plan.steps.len();
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

/// Reads all findings of a corpus, in order of their paths; one that is empty has none.
fn read(corpus: &Path, ui: &mut Ui) -> Result<Vec<Finding>, CliError> {
    if !corpus.is_dir() {
        let hint = "`trial corpus add` makes one, and so does `trial fuzz --corpus DIR`.";
        return Err(CliError::usage(format!("no corpus at {}", corpus.display()), hint));
    }
    let files = load::scenario_files(corpus)?;
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    findings(&names, ui)
}

/// Reads files that searches have written.
fn findings(names: &[String], ui: &mut Ui) -> Result<Vec<Finding>, CliError> {
    let loaded = load::scenarios(names, &Overrides::default(), ui)?;
    loaded.into_iter().map(Finding::of).collect()
}

impl Finding {
    fn of(loaded: Loaded) -> Result<Finding, CliError> {
        let Loaded { given, text, scenario, .. } = loaded;
        let Some(found) = scenario.found else {
            let hint = "Name files that `trial fuzz` or `trial shrink` wrote.";
            return Err(CliError::usage(format!("{given} has no [found]"), hint));
        };
        let [case] = scenario.cases.as_slice() else {
            let message = format!("{given} is more than one trial");
            return Err(CliError::usage(message, "A finding has no [matrix]."));
        };
        let case = case.drawn(scenario.seed);
        Ok(Finding { path: PathBuf::from(given), text, title: scenario.title, found, case })
    }

    fn run(&self) -> Outcome {
        let (keep_history, coverage) = (KeepHistory::No, CountStates::Yes);
        sim::run(&self.case.plan, Options { keep_history, host: Host::Madsim, coverage })
    }

    /// Returns what is wrong with its trial, if it is the same as when it was found.
    fn seen(&self, outcome: &Outcome) -> Option<Violation> {
        self.found.seen(&self.case, outcome)
    }

    fn signature(&self, violation: &Violation) -> Signature {
        Signature::of(violation, &self.case.plan)
    }
}
