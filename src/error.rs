//! What is wrong with how the tool was called: a message and what to do.

use std::fmt;
use std::io;

/// Why a command could not do what it was asked for.
#[derive(Debug)]
pub enum CliError {
    /// The user is wrong: what, and what to do about it.
    Usage {
        /// Lower case, no full stop.
        message: String,
        /// A sentence; empty if there is nothing to add.
        hint: String,
    },
    /// Files that cannot be read as scenarios; they were shown already.
    Shown,
    /// A stream or file could not be written.
    Io(io::Error),
}

impl CliError {
    /// Makes a usage error.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> CliError {
        CliError::Usage { message: message.into(), hint: hint.into() }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> CliError {
        CliError::Io(error)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CliError::Usage { message, hint } if hint.is_empty() => write!(f, "error: {message}"),
            CliError::Usage { message, hint } => write!(f, "error: {message}\nhint: {hint}"),
            CliError::Shown => Ok(()),
            CliError::Io(error) => {
                write!(f, "error: cannot write the results: {error}\nhint: ")?;
                f.write_str("Nothing is wrong with the trials; see where the output goes.")
            }
        }
    }
}
