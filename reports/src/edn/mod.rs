//! A trial as a history of clients in EDN, as Jepsen's Kafka workload records one.
//!
//! Only what clients did and saw, and what was done to the cluster: from here on the judge knows
//! no more than it would know of a real cluster. One exception: at the end somebody reads every
//! partition from the beginning, as Jepsen does, and gets what the leaders' logs hold below
//! their high watermarks.
//!
//! - A key is a partition, numbered in order; a value is the number of a record.
//! - A consumer's life is a process; so is a producer's. A producer may have many sends under
//!   way, a process may not: sends that overlap are one operation, in the order of `send()`.
//! - Sends that overlap and ended differently become one operation for each way to end. Under one
//!   operation a lost record could hide behind one of unknown outcome.
//! - Records that retention removed, or an operator deleted, before anybody read them are left
//!   out: the workload takes them for lost.
//! - When a `poll()` was called is not in a history of ours. It counts as called when the
//!   operation before it had ended, so that lag is never overstated; empty polls are left out.
//!
//! Judged by Jepsen's rules, such a history shows as a lost write each acknowledged record that is
//! lost, that nobody polled before, and that does not lie behind everything that was polled.
//! What was read before it was lost, Jepsen does not miss.
//!
//! In reading order: this file, rows and their text; `keys`; `record`, from facts to rows;
//! `sends`, a producer's window of sends; `nemesis`, what was done to the cluster.
//!
//! Source: the operations of `jepsen.tests.kafka`.

mod keys;
mod nemesis;
mod record;
mod sends;

use serde_json::Value;
use sim::jepsen::operation::Kind;

use crate::story::Story;

/// One line of the file: an operation begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    /// The place of the fact that it was seen in; those with equal places keep their order.
    place: usize,
    /// Virtual time in microseconds.
    at: u64,
    kind: Kind,
    process: Who,
    /// The function and its value, in EDN.
    what: (String, String),
    /// More entries of the map, in EDN.
    more: Vec<String>,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// A process of a client.
    Process(u64),
    /// The one who brings the faults.
    Nemesis,
}

/// Returns a trial's history in EDN, one operation in a line.
///
/// The story must have its history; without one there is only the last read.
pub fn history(story: &Story<'_>) -> String {
    let mut text = String::new();
    for (index, row) in record::rows(story).iter().enumerate() {
        text += &row.text(index);
        text.push('\n');
    }
    text
}

impl Row {
    fn text(&self, index: usize) -> String {
        let kind = match self.kind {
            Kind::Invoke => "invoke",
            Kind::Ok => "ok",
            Kind::Fail => "fail",
            Kind::Info => "info",
        };
        let process = match self.process {
            Who::Process(process) => process.to_string(),
            Who::Nemesis => ":nemesis".to_owned(),
        };
        let (function, value) = &self.what;
        let time = self.at.saturating_mul(1_000);
        let mut text = format!(
            "{{:index {index}, :time {time}, :type :{kind}, :process {process}, :f :{function}, \
             :value {value}"
        );
        for entry in &self.more {
            text += ", ";
            text += entry;
        }
        text.push('}');
        text
    }
}

/// Writes items in brackets.
fn vector(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(" "))
}

/// Writes a value of JSON in EDN.
fn of_json(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => vector(items.iter().map(of_json)),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| format!(":{name} {}", of_json(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}
