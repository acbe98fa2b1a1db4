//! Plots: one question each, as SVG and PNG from one drawing code.
//!
//! A plot is made in two steps: its numbers become a [`figure::Figure`], which is plain
//! data, and that is drawn. In reading order:
//! - [`figure`]: what a plot shows; [`palette`], [`words`]: its colours and words
//! - `settings`: which setting of a sweep is which
//! - `loss`, `counts`, `gap`: the plots of a sweep
//! - [`run`]: the plots of one run, from plain numbers; [`traced`]: those of a trace; [`mod@odds`]: of one trial's futures
//! - `font`, `canvas`, `draw`: how a figure gets onto a page

mod canvas;
mod counts;
mod draw;
pub mod figure;
mod font;
mod gap;
mod loss;
pub mod odds;
pub mod palette;
pub mod run;
mod settings;
pub mod traced;
pub mod words;

use std::fmt;

use scenarios::Language;

pub use canvas::SIZE;

use crate::plots::figure::Figure;
use crate::sweep::Sweep;

/// The plots of a sweep, by their numbers in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plot {
    /// Loss by promise.
    P01,
    /// Loss against `replica.lag.time.max.ms`.
    P02,
    /// Duplicates against lost replies.
    P09,
    /// Disorder against `max.in.flight.requests.per.connection`.
    P10,
    /// The time without a leader against `broker.session.timeout.ms`.
    P12,
}

/// Why a plot cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlotError {
    /// The sweep does not vary this setting.
    NotVaried(&'static str),
    /// The sweep varies this setting over something that is no number.
    NoNumber(&'static str, String),
    /// The trial has nothing of what the plot is about.
    Nothing(&'static str),
}

impl fmt::Display for PlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlotError::NotVaried(key) => write!(f, "the sweep does not vary {key}"),
            PlotError::NoNumber(key, value) => {
                write!(f, "the sweep has {key}={value}, which is no number")
            }
            PlotError::Nothing(what) => write!(f, "in this trial {what}"),
        }
    }
}

impl Plot {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Plot::P01 => "P01",
            Plot::P02 => "P02",
            Plot::P09 => "P09",
            Plot::P10 => "P10",
            Plot::P12 => "P12",
        }
    }

    /// Makes the figure of a sweep.
    ///
    /// # Errors
    /// If the sweep does not vary what the plot has on its axis.
    pub fn figure(self, sweep: &Sweep, language: Language) -> Result<Figure, PlotError> {
        match self {
            Plot::P01 => loss::by_promise(sweep, language),
            Plot::P02 => loss::by_lag_time(sweep, language),
            Plot::P09 => counts::duplicates(sweep, language),
            Plot::P10 => counts::disorder(sweep, language),
            Plot::P12 => gap::leaderless(sweep, language),
        }
    }
}

/// Draws a figure as SVG.
///
/// # Panics
/// If plotters fails, which it has no reason to: it writes into memory.
pub fn svg(figure: &Figure) -> String {
    canvas::svg(|backend| draw::draw(figure, backend)).expect("a text takes every element")
}

/// Draws a figure as PNG.
///
/// # Panics
/// If plotters fails, which it has no reason to: it writes into memory.
pub fn png(figure: &Figure) -> Vec<u8> {
    canvas::png(|backend| draw::draw(figure, backend)).expect("an image takes every pixel")
}
