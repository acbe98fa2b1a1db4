//! Reads histories of clients in EDN, as Jepsen writes them.
//!
//! In reading order: `form`, EDN as values with places; `reader`, from text to forms;
//! `history`, from forms to operations.
//!
//! Our own reader, since every mistake shall be told with its line and column, also those that
//! are no mistakes of EDN: libraries forget where a value stood.

mod form;
mod history;
mod reader;

pub use history::history;

use crate::diagnostic::Place;

/// What is wrong with a file of EDN, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdnError {
    /// Where: the line and the character within it.
    pub place: Place,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do, as a sentence; empty if there is nothing to add.
    pub hint: String,
}
