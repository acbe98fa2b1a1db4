//! The odds of one trial over the moments from which its future was drawn anew.

use scenarios::Language;
use scenarios::search::odds::Odds;

use crate::plots::figure::{Axis, Figure, Look, Mark};
use crate::plots::words::{ODDS_INTERVAL, ODDS_TITLE, ODDS_X, ODDS_Y, ONE_RUN};
use crate::search::odds::Asked;
use crate::stats::CONFIDENCE;
use crate::stats::share::Share;
use crate::text::fill;
use crate::words::{EN, ZH};

/// Draws the curve.
pub fn curve(found: &Odds, asked: &Asked<'_>, language: Language) -> Figure {
    let look = Look::nth(0);
    let (mut line, mut marks) = (Vec::new(), Vec::new());
    for point in &found.points {
        let share = Share { hits: point.broken, of: point.of };
        let interval = share.exact(CONFIDENCE);
        let x = point.at.0 as f64 / 1e6;
        let y = 100.0 * share.value();
        // Odds hold until something happens: a step, not a slope.
        line.extend(line.last().map(|&(_, before)| (x, before)));
        line.push((x, y));
        marks.push(Mark::Whisker(x, (100.0 * interval.low, 100.0 * interval.high), look));
        marks.push(Mark::Dot((x, y), look));
    }
    marks.insert(0, Mark::Line(line, look));
    if let Some(rise) = &found.rise {
        let at = rise.after.at;
        marks.push(Mark::Rule(at.0 as f64 / 1e6, at.to_string()));
    }
    let words = match language {
        Language::English => &EN,
        Language::Chinese => &ZH,
    };
    let last = found.points.last().map_or(1.0, |point| point.at.0 as f64 / 1e6);
    Figure {
        title: fill(ODDS_TITLE.of(language), &[asked.violation]),
        x: Axis::from_zero(ODDS_X.of(language), last),
        y: Axis { high: 112.0, ..Axis::from_zero(ODDS_Y.of(language), 100.0) },
        shades: Vec::new(),
        marks,
        labels: Vec::new(),
        notes: vec![
            asked.futures(found, &words.odds),
            format!(
                "{}; {}",
                fill(ONE_RUN.of(language), &[&asked.seed.to_string()]),
                ODDS_INTERVAL.of(language)
            ),
            asked.again.clone(),
        ],
    }
}
