//! Findings that are kept in a corpus.

use std::path::Path;

use serde_json::{Value, json};

use crate::json::VERSION;
use crate::text::{Line, Tone, counted, fill, padded};
use crate::words::Words;

/// Columns of how a finding stands.
const HEAD: usize = 16;

/// A finding that is kept.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// Its file.
    pub path: &'a str,
    /// The name of what is wrong with it.
    pub violation: &'a str,
    /// How many steps it has.
    pub steps: usize,
    /// What its file is called.
    pub title: &'a str,
    /// Whether it still breaks that.
    pub is_broken: bool,
}

/// Draws a finding that is kept.
pub fn lines(kept: &Kept<'_>, words: &Words) -> Vec<Line> {
    let (says, name) = (&words.fuzz, kept.violation);
    let (tone, word) = match kept.is_broken {
        true => (Tone::Lost, says.still),
        false => (Tone::Committed, says.gone),
    };
    let steps = counted(kept.steps as u64, says.parts[0]);
    let head = Line::of(tone, padded(word, HEAD)).then(Tone::Strong, name);
    vec![
        head.then(Tone::Plain, format!("{}{steps}", says.joint)),
        Line::plain(format!("{:HEAD$}{}", "", kept.title)),
        Line::of(Tone::Quiet, format!("{:HEAD$}{}", "", kept.path)).uncut(),
    ]
}

/// Returns a finding that is kept for machines.
pub fn json(kept: &Kept<'_>) -> Value {
    json!({
        "v": VERSION,
        "event": "kept",
        "path": kept.path,
        "check": kept.violation,
        "steps": kept.steps,
        "title": kept.title,
        "broken": kept.is_broken,
    })
}

/// Says that a file was put into the corpus, or that its story was there.
pub fn added(file: &str, kept: Option<&Path>, words: &Words) -> Line {
    let text = match kept {
        Some(path) => fill(words.fuzz.added, &[file, &path.display().to_string()]),
        None => fill(words.fuzz.had, &[file]),
    };
    Line::plain(text).uncut()
}

/// Says how many findings of a corpus are needed, and how many are not.
pub fn minimised(kept: u64, removed: u64, words: &Words) -> Line {
    let says = &words.fuzz;
    let kept = counted(kept, says.kept);
    Line::plain(match removed {
        0 => kept,
        _ => format!("{kept}{}{}", says.joint, counted(removed, says.removed)),
    })
}
