//! Panics: in the model they are findings, and anywhere else faults of the tool.

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The thread on which the simulator runs a trial.
const TRIAL: &str = "trial";

const HINT: &str = "Please report it with the command line that led to it.";

/// What the last panic of a trial's thread said, should it turn out to be no finding.
static UNTOLD: Mutex<Option<String>> = Mutex::new(None);

/// Keeps panics of trials quiet, because a report tells them with their seed, and has all
/// others told like any error.
pub fn tell_politely() {
    panic::set_hook(Box::new(|info| {
        if thread::current().name() == Some(TRIAL) {
            *UNTOLD.lock().unwrap_or_else(PoisonError::into_inner) = Some(told(info));
        } else {
            let untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner).take();
            let what = untold.unwrap_or_else(|| told(info));
            let text = format!("error: a fault of the tool: {what}\nhint: {HINT}\n");
            // Standard error may be closed; then there is nobody to tell.
            drop(io::stderr().write_all(text.as_bytes()));
        }
    }));
}

/// Runs a command; `None` if it panicked, which has been told then.
pub fn caught<T>(command: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(command)).ok()
}

fn told(info: &PanicHookInfo<'_>) -> String {
    let text = info.payload().downcast_ref::<&str>().copied();
    let text = text.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str));
    let what = text.unwrap_or("a panic without a message");
    match info.location() {
        Some(place) => format!("{what} ({}:{})", place.file(), place.line()),
        None => what.to_owned(),
    }
}
