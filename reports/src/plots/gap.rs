//! P12: how long a partition is without a leader.

use scenarios::Language;

use crate::plots::PlotError;
use crate::plots::figure::{Axis, Figure, Label, Look, Mark, number as shown};
use crate::plots::settings::{at, note, numbers, runs, value};
use crate::plots::words::{GAP_TITLE, GAP_X, GAP_Y, INTERVAL_STRIP, KILLED, PARTITIONS, STOPPED};
use crate::stats::CONFIDENCE;
use crate::stats::quantile::quantile;
use crate::sweep::measure::Measure;
use crate::sweep::{Setting, Sweep};
use crate::text::fill;

const SESSION: &str = "broker.session.timeout.ms";
const PARTITION_COUNT: &str = "partitions";
/// Specks of one strip, at most.
const SPECKS_MAX: usize = 300;
/// How much of a category's width the strips take.
const STRIPS: f64 = 0.8;
/// The golden section: spreads specks evenly without chance.
const GOLDEN: f64 = 0.618_033_988_75;

/// P12: one dot per run.
pub(crate) fn leaderless(sweep: &Sweep, language: Language) -> Result<Figure, PlotError> {
    let steps = numbers(sweep, SESSION)?;
    let mut names: Vec<String> = Vec::new();
    for setting in &sweep.settings {
        let name = series(setting, language);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let (mut marks, mut labels, mut highest) = (Vec::new(), Vec::new(), 0.0_f64);
    let width = STRIPS / names.len() as f64;
    for (place, name) in names.iter().enumerate() {
        let look = Look::nth(place);
        let mut end = None;
        for (step, &timeout) in steps.iter().enumerate() {
            let here = at(sweep, SESSION, timeout).find(|it| series(it, language) == *name);
            let Some(setting) = here else { continue };
            let x = step as f64 - STRIPS / 2.0 + width * (place as f64 + 0.5);
            let gaps = setting.measured(Measure::LeaderlessMax);
            let gaps: Vec<f64> = gaps.iter().map(|&micros| micros as f64 / 1e6).collect();
            for (run, &gap) in gaps.iter().enumerate().take(SPECKS_MAX) {
                let beside = ((run as f64 * GOLDEN).fract() - 0.5) * width * 0.7;
                marks.push(Mark::Speck((x + beside, gap), look));
                highest = highest.max(gap);
            }
            let mut sorted = gaps;
            sorted.sort_by(f64::total_cmp);
            let Some(median) = quantile(&sorted, 0.5, CONFIDENCE) else { continue };
            marks.push(Mark::Bar((x, median.value), look));
            if let Some(interval) = median.interval {
                marks.push(Mark::Whisker(x, (interval.low, interval.high), look));
            }
            end = Some((x, median.value));
        }
        labels.extend(end.map(|at| Label { at, text: name.clone(), look }));
    }
    let words: Vec<String> = steps.iter().map(|&step| shown(step)).collect();
    Ok(Figure {
        title: GAP_TITLE.of(language).to_owned(),
        x: Axis::of_words(GAP_X.of(language), &words),
        y: Axis::from_zero(GAP_Y.of(language), highest.max(0.1)),
        shades: Vec::new(),
        marks,
        labels,
        notes: vec![
            note(&[runs(sweep, language), INTERVAL_STRIP.of(language).to_owned()]),
            sweep.again.clone(),
        ],
    })
}

/// Names how the broker goes, and how many partitions there are.
fn series(setting: &Setting, language: Language) -> String {
    let how = if setting.scenario.contains("stopped") { STOPPED } else { KILLED };
    let how = how.of(language);
    match value(setting, PARTITION_COUNT) {
        Some(count) => format!("{how}, {}", fill(PARTITIONS.of(language), &[count])),
        None => how.to_owned(),
    }
}
