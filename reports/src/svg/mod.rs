//! One trial as pictures for a page: the space-time diagram and the replicas' logs.
//!
//! Both are drawn for a column 750 pixels wide, with letters that can be read there, in light
//! and dark colours. They are the pictures of the page's player, without the player: the same
//! rules, the same colours, states from [`crate::trace::state`], moments from the checkers.
//! All numbers are whole tenths of a pixel, so that the same trial gives the same bytes
//! everywhere.
//!
//! In reading order: this file (what to show, and what to say of it), `pen` (elements),
//! `style` (colours), `scale` (from times to places), `labels` (texts that keep apart),
//! `spacetime` with `lanes`, `arrows` and `moments`, `logs`.

mod arrows;
mod labels;
mod lanes;
mod logs;
mod moments;
mod pen;
mod scale;
mod spacetime;
mod style;

pub use logs::logs;
pub use spacetime::{grid, spacetime};

use model::ids::Uid;
use scenarios::Language;

use crate::text::fill;
use crate::trace::Trace;
use crate::trace::cone::Cone;
use crate::trace::texts::Texts;
use crate::words::page::label;

/// What to show of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The place in `Trace::partitions`.
    pub partition: usize,
    /// The record that is followed; the rest fades.
    pub focus: Option<Uid>,
    /// The space-time diagram: from when to when, in microseconds; `None` is what matters.
    pub window: Option<(u64, u64)>,
    /// The logs: when, in microseconds; `None` is the moment that shows most.
    pub at: Option<u64>,
    /// The language of labels.
    pub language: Language,
}

/// A place or a length, in tenths of a pixel.
type Tenths = i64;
/// The width of every picture: the text column of a book.
const WIDE: Tenths = 7_500;
/// Time that is shown before and after a story, in microseconds.
const AROUND: u64 = 400_000;

impl View {
    /// Returns the time of the picture of the logs: just before the last copy is cut, where
    /// something is lost, when a group skips or repeats something, else the end.
    pub fn moment(&self, trace: &Trace) -> u64 {
        let mut losses = trace.judged.losses.iter();
        let told = losses.find(|loss| self.focus.is_none_or(|uid| loss.record == uid));
        let shown = told.map(|loss| match loss.moments.as_slice() {
            [_, _, _, (gone, _), ..] => gone.saturating_sub(1),
            moments => moments.last().map_or(trace.end, |&(at, _)| at),
        });
        let mut mishaps = trace.judged.mishaps.iter();
        let mishap = mishaps.find(|it| self.focus.is_none_or(|uid| it.records.contains(&uid)));
        let shown = shown.or(mishap.map(|mishap| mishap.moment.0));
        self.at.or(shown).unwrap_or(trace.end)
    }

    /// Returns the stretch of time that the space-time diagram shows.
    pub fn stretch(&self, trace: &Trace) -> (u64, u64) {
        if let Some(window) = self.window {
            return window;
        }
        let of = |uid: Uid| {
            let (from, to) = Cone::of(trace, uid).span(trace)?;
            let mut losses = trace.judged.losses.iter();
            let loss = losses.find(|loss| loss.record == uid);
            let last = loss.and_then(|loss| loss.moments.last()).map_or(to, |&(at, _)| at.max(to));
            Some((from, last))
        };
        let story = self.focus.or_else(|| concerned(trace).first().copied()).and_then(of);
        let (from, to) = story.unwrap_or((0, trace.healed.max(1)));
        (from.saturating_sub(AROUND), (to + AROUND).min(trace.end.max(from + 1)))
    }
}

/// Returns the records that something befell, in the order in which it is told.
pub fn concerned(trace: &Trace) -> Vec<Uid> {
    let losses = trace.judged.losses.iter().map(|loss| loss.record);
    let mishaps = trace.judged.mishaps.iter().flat_map(|mishap| mishap.records.iter().copied());
    let broken = trace.judged.claims.iter().filter(|claim| claim.result == "breaks");
    let named = broken.flat_map(|claim| claim.records.iter().copied());
    let mut records: Vec<Uid> = Vec::new();
    for uid in losses.chain(mishaps).chain(named) {
        if !records.contains(&uid) {
            records.push(uid);
        }
    }
    records
}

/// Says in a sentence how the trial ended.
fn verdict(trace: &Trace, texts: &Texts, language: Language) -> String {
    let said = trace.judged.claims.iter().zip(&texts.claims);
    let broken = said.filter(|(claim, _)| claim.result == "breaks");
    let told = |(claim, text): (&crate::trace::JudgedClaim, &String)| {
        format!("{} {}: {text}", label("breaks", language), claim.id)
    };
    let sentences: Vec<String> = broken.map(told).collect();
    match sentences.is_empty() {
        true => label("nothingbroke", language).to_owned(),
        false => sentences.join(" · "),
    }
}

/// Writes a time as everywhere: `2.430 s`.
fn seconds(micros: u64) -> String {
    let millis = micros / 1_000;
    format!("{}.{:03} s", millis / 1_000, millis % 1_000)
}

/// Returns what stands above a picture: which trial, which partition, which seed.
fn head(trace: &Trace, view: &View) -> (String, String) {
    let partition = trace.partitions.get(view.partition).map_or("", |it| it.name.as_str());
    let seed = fill("{0} {1}", &[label("seed", view.language), &trace.seed.to_string()]);
    let case = if trace.case.is_empty() { String::new() } else { format!(" [{}]", trace.case) };
    (trace.scenario.clone() + &case, format!("{partition} · {seed}"))
}
