//! A finding of a search: made small, written as a scenario file, and told.

use std::fs;
use std::path::{Path, PathBuf};

use reports::search::finding::{self, Found, Sizes};
use reports::search::{json, shrunk};
use reports::words::Words;
use scenarios::search::shrink::size::Size;
use scenarios::search::shrink::{Budget, Other, Shrunk, shrink};
use scenarios::search::signature::Signature;
use scenarios::search::subject::Subject;
use scenarios::search::violation::Violation;
use scenarios::written::{self, Heading};
use scenarios::{Expected, Hope};
use sim::outcome::Outcome;
use sim::verdict::Claim;
use sim::{KeepHistory, Options};

use crate::args::quoted;
use crate::artefacts::write_file;
use crate::error::CliError;
use crate::ui::{Format, Ui};
use crate::work;

/// Runs that making one finding small may cost.
const SHRINK_RUNS: u64 = 3_000;

/// A trial that shows a finding, and how little it takes.
pub struct Story {
    /// What to run.
    pub subject: Subject,
    /// What came out.
    outcome: Outcome,
    size: Sizes,
    /// What else was broken on the way to it: stories of their own.
    pub others: Vec<Other>,
}

/// Everything else about a finding.
pub struct Filed<'a> {
    /// What is wrong.
    pub violation: &'a Violation,
    /// Which story it is.
    pub signature: Signature,
    /// What the trial was drawn from.
    pub name: &'a str,
    /// The folder that it is written to, below that of all findings.
    pub folder: &'a str,
    /// The file as the user named it, or `--any`.
    pub given: &'a str,
    /// The matrix case; empty if there is none.
    pub case: &'a str,
    /// The seed that it was drawn from.
    pub seed: u64,
    /// The command that draws it again.
    pub again: &'a str,
}

impl Story {
    /// Takes a finding as it was drawn.
    pub fn drawn(subject: &Subject) -> Story {
        let size = Sizes::Drawn(Size::of(&subject.plan));
        Story { subject: subject.clone(), outcome: run(subject), size, others: Vec::new() }
    }

    /// Makes a finding small. After ^C it is as small as it was then.
    pub fn shrunk(subject: &Subject, violation: &Violation, jobs: usize) -> Story {
        let budget = Budget { runs: SHRINK_RUNS, stop: &work::interrupted };
        let shrunk = shrink(subject, violation, budget, jobs);
        let Shrunk { subject, before, after, runs, others, .. } = shrunk;
        let (outcome, size) = (run(&subject), Sizes::Shrunk { before, after, runs });
        Story { subject, outcome, size, others }
    }
}

/// Runs a trial on a thread of its own: a panic there is a finding.
fn run(subject: &Subject) -> Outcome {
    sim::run(&subject.plan, Options { keep_history: KeepHistory::No, ..Options::default() })
}

impl Filed<'_> {
    /// Writes the finding below a folder; returns the text of the file.
    pub fn write(&self, story: &Story, out: &Path, words: &Words) -> Result<String, CliError> {
        let text = self.text(story, words);
        let path = self.path(out);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        write_file(&path, text.as_bytes())?;
        Ok(text)
    }

    /// Prints the finding.
    pub fn tell(
        &self,
        story: &Story,
        out: &Path,
        format: Format,
        ui: &mut Ui,
    ) -> Result<(), CliError> {
        let repro = self.path(out).display().to_string();
        let replay = format!("trial replay {}", quoted(&repro));
        let found = Found {
            violation: self.violation,
            signature: self.signature,
            given: self.given,
            case: self.case,
            seed: self.seed,
            plan: &story.subject.plan,
            outcome: &story.outcome,
            size: story.size,
            repro: &repro,
            replay: &replay,
            version: (env!("CARGO_PKG_VERSION"), sim::MODEL_VERSION),
            again: self.again,
        };
        match format {
            Format::Json => ui.json(&json::finding(self.name, &found))?,
            Format::Human => {
                ui.lines(&finding::lines(&found, ui.words))?;
                ui.text("")?;
            }
        }
        Ok(ui.flush()?)
    }

    fn path(&self, out: &Path) -> PathBuf {
        out.join(self.folder).join(format!("{}.toml", self.signature))
    }

    /// Returns the scenario file.
    fn text(&self, story: &Story, words: &Words) -> String {
        let (by, digest) = (self.again, story.outcome.digest);
        file(&story.subject, self.violation, Origin { by, seed: self.seed, digest }, words)
    }
}

/// Where the file of a finding comes from.
pub struct Origin<'a> {
    /// The command that makes it again.
    pub by: &'a str,
    /// The seed of the trial that it was found in.
    pub seed: u64,
    /// The digest of the trial that the file tells.
    pub digest: u64,
}

/// Writes a finding as a scenario file.
pub fn file(subject: &Subject, violation: &Violation, origin: Origin<'_>, words: &Words) -> String {
    let found = scenarios::found::Found {
        by: origin.by.to_owned(),
        violation: violation.name().to_owned(),
        seed: origin.seed,
        digest: origin.digest,
        trial: env!("CARGO_PKG_VERSION").to_owned(),
        model: sim::MODEL_VERSION,
    };
    let heading = Heading {
        title: shrunk::title(violation, &subject.plan, words),
        says: shrunk::captions(&subject.plan, words),
        expects: expects(violation, subject),
        found: Some(found),
        ..Heading::default()
    };
    written::scenario(&subject.plan, &heading)
}

/// Returns what the file expects: that what is broken breaks.
///
/// That the model breaks an assertion, or never rests, is never expected; there the file
/// expects what had to hold.
fn expects(violation: &Violation, subject: &Subject) -> Vec<Expected> {
    let claim = |claim, hope, within| Expected::Claim { claim, hope, count: None, within };
    match violation {
        Violation::Claim(broken) => {
            let within = subject.oracle.holds.iter().find(|(it, _)| it == broken);
            vec![claim(*broken, Hope::Breaks, within.and_then(|(_, within)| *within))]
        }
        Violation::Assertion(_) | Violation::Livelock => {
            let promised = subject.oracle.holds.iter();
            let promised = promised.map(|(it, within)| claim(*it, Hope::Holds, *within));
            let mut expects: Vec<Expected> = promised.collect();
            if expects.is_empty() {
                expects.push(claim(Claim::ReplicasAgree, Hope::Holds, None));
            }
            expects
        }
    }
}
