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
        let in_ci = env::var_os("CI").is_some() && bar.is_hidden();
        let due = in_ci.then(|| Instant::now() + EVERY);
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
