//! How far a long command is: a bar on a terminal, a line a minute in CI, else nothing.

use std::env;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reports::text::grouped;

/// Time between two lines in CI.
const EVERY: Duration = Duration::from_secs(60);
/// Redraws per second.
const REDRAWS: u8 = 10;
/// What the bar says.
const TEMPLATE: &str = "{msg}  {bar:30} {human_pos} of {human_len} runs  {per_sec}  eta {eta}";

/// Says on standard error how far a search is. Standard output never changes.
pub struct Hunt {
    bar: ProgressBar,
    what: String,
    /// When the next line is due, in CI.
    due: Option<Instant>,
}

/// What the line of a search says, with and without a number of runs to come.
const HUNT: &str = "fuzz {wide_msg}  {human_pos} of {human_len} runs  {per_sec}  eta {eta}";
const ENDLESS_HUNT: &str = "fuzz {wide_msg}  {human_pos} runs  {per_sec}  {elapsed}";

impl Hunt {
    /// Begins to count; `runs` is `None` where something else ends the search.
    pub fn new(what: &str, runs: Option<u64>) -> Hunt {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
        let (bar, template) = match runs {
            Some(runs) => (ProgressBar::with_draw_target(Some(runs), target), HUNT),
            None => (ProgressBar::with_draw_target(None, target), ENDLESS_HUNT),
        };
        let style = ProgressStyle::with_template(template).expect("the template is well-formed");
        bar.set_style(style);
        let due = in_ci(&bar).then(|| Instant::now() + EVERY);
        Hunt { bar, what: what.to_owned(), due }
    }

    /// Counts one run.
    pub fn take(&mut self, findings: u64, states: u64) {
        self.bar.inc(1);
        let is_due = self.due.is_some_and(|due| due <= Instant::now());
        if self.bar.is_hidden() && !is_due {
            return;
        }
        let (findings, states) = (grouped(findings), grouped(states));
        let seen = format!("{}  {findings} findings  {states} abstract states", self.what);
        if is_due {
            eprintln!("fuzz {seen}  {} runs", grouped(self.bar.position()));
            self.due = Some(Instant::now() + EVERY);
        } else {
            self.bar.set_message(seen);
        }
    }

    /// Lets something else be printed.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Takes the line away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// Says whether somebody reads lines that nobody can draw over.
fn in_ci(bar: &ProgressBar) -> bool {
    env::var_os("CI").is_some() && bar.is_hidden()
}

/// Says on standard error how many runs are done. Standard output never changes.
pub struct Progress {
    bar: ProgressBar,
    what: String,
    of: u64,
    /// When the next line is due, in CI.
    due: Option<Instant>,
}

impl Progress {
    /// Begins to count.
    pub fn new(what: &str, of: u64) -> Progress {
        // Hides itself where standard error is no terminal.
        let bar =
            ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::stderr_with_hz(REDRAWS));
        let style = ProgressStyle::with_template(TEMPLATE).expect("the template is well-formed");
        bar.set_style(style);
        bar.set_message(what.to_owned());
        let due = in_ci(&bar).then(|| Instant::now() + EVERY);
        Progress { bar, what: what.to_owned(), of, due }
    }

    /// Counts one run.
    pub fn take(&mut self) {
        self.bar.inc(1);
        if self.due.is_some_and(|due| due <= Instant::now()) {
            eprintln!(
                "{}: {} of {} runs",
                self.what,
                grouped(self.bar.position()),
                grouped(self.of)
            );
            self.due = Some(Instant::now() + EVERY);
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}
