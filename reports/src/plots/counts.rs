//! P09 and P10: copies and disorder, counted per ten thousand records sent.

use scenarios::Language;

use crate::plots::PlotError;
use crate::plots::figure::{Axis, Figure, Label, Look, Mark, number as shown};
use crate::plots::settings::{at, note, numbers, runs, value};
use crate::plots::words::{
    DISORDER_TITLE, DISORDER_X, DISORDER_Y, DUPLICATES_TITLE, DUPLICATES_X, DUPLICATES_Y,
    IDEMPOTENT, INTERVAL_MEDIAN, NO_RETRIES, PLAIN, RESTARTS,
};
use crate::stats::CONFIDENCE;
use crate::stats::quantile::quantile;
use crate::sweep::measure::Measure;
use crate::sweep::{Setting, Sweep};

const SHARE: &str = "share";
const IN_FLIGHT: &str = "max.in.flight.requests.per.connection";
const IDEMPOTENCE: &str = "enable.idempotence";
const RETRIES: &str = "retries";

/// Some runs' numbers: the median, and its interval.
struct Point {
    x: f64,
    median: f64,
    interval: Option<(f64, f64)>,
}

/// A line: its name and its points.
type Series = (String, Vec<Point>);

/// P09: copies in the log against the share of lost replies.
pub(crate) fn duplicates(sweep: &Sweep, language: Language) -> Result<Figure, PlotError> {
    let steps = numbers(sweep, SHARE)?;
    let lines = lines(sweep, (SHARE, &steps), Measure::Duplicates, language);
    let highest = highest(&lines);
    let (y, place) = Axis::decades(DUPLICATES_Y.of(language), highest);
    let words: Vec<String> = steps.iter().map(|&step| shown(100.0 * step)).collect();
    let x = Axis::of_words(DUPLICATES_X.of(language), &words);
    let title = DUPLICATES_TITLE.of(language).to_owned();
    Ok(figure(sweep, (title, x, y), (&lines, place), language))
}

/// P10: records out of order against the number of requests in flight.
pub(crate) fn disorder(sweep: &Sweep, language: Language) -> Result<Figure, PlotError> {
    let steps = numbers(sweep, IN_FLIGHT)?;
    let lines = lines(sweep, (IN_FLIGHT, &steps), Measure::Inversions, language);
    let highest = highest(&lines);
    let words: Vec<String> = steps.iter().map(|&step| shown(step)).collect();
    let x = Axis::of_words(DISORDER_X.of(language), &words);
    let y = Axis::from_zero(DISORDER_Y.of(language), highest.max(1.0));
    let title = DISORDER_TITLE.of(language).to_owned();
    Ok(figure(sweep, (title, x, y), (&lines, |value| value), language))
}

/// Finds the series, in order of the settings, each with its points.
fn lines(
    sweep: &Sweep,
    (key, steps): (&str, &[f64]),
    measure: Measure,
    language: Language,
) -> Vec<Series> {
    let mut names: Vec<String> = Vec::new();
    for setting in &sweep.settings {
        let name = series(setting, language);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let points = |name: &String| -> Vec<Point> {
        let here = |(x, &step)| {
            let setting = at(sweep, key, step).find(|it| series(it, language) == *name)?;
            Some(point(setting, measure, f64::from(x)))
        };
        (0_u32..).zip(steps).filter_map(here).collect()
    };
    names.iter().map(|name| (name.clone(), points(name))).collect()
}

fn point(setting: &Setting, measure: Measure, x: f64) -> Point {
    let sent = setting.measured(Measure::Sent);
    let counts = setting.measured(measure);
    let rate = |(&count, &sent): (&u64, &u64)| 10_000.0 * count as f64 / sent.max(1) as f64;
    let mut rates: Vec<f64> = counts.iter().zip(sent).map(rate).collect();
    rates.sort_by(f64::total_cmp);
    let median = quantile(&rates, 0.5, CONFIDENCE);
    let interval = median.and_then(|median| median.interval).map(|it| (it.low, it.high));
    Point { x, median: median.map_or(0.0, |median| median.value), interval }
}

/// Names what a producer does about retries.
fn series(setting: &Setting, language: Language) -> String {
    let idempotent = value(setting, IDEMPOTENCE) == Some("true");
    let no_retries = value(setting, RETRIES) == Some("0");
    let words = match () {
        () if setting.scenario.contains("restart") => RESTARTS,
        () if idempotent => IDEMPOTENT,
        () if no_retries => NO_RETRIES,
        () => PLAIN,
    };
    words.of(language).to_owned()
}

fn highest(lines: &[Series]) -> f64 {
    let points = lines.iter().flat_map(|(_, points)| points);
    points
        .map(|it| it.interval.map_or(it.median, |(_, high)| high.max(it.median)))
        .fold(0.0, f64::max)
}

fn figure(
    sweep: &Sweep,
    (title, x, y): (String, Axis, Axis),
    (lines, place): (&[Series], fn(f64) -> f64),
    language: Language,
) -> Figure {
    let (mut marks, mut labels) = (Vec::new(), Vec::new());
    for (at, (name, points)) in lines.iter().enumerate() {
        let look = Look::nth(at);
        // A line is not drawn over a setting that is not there.
        for run in points.chunk_by(|one, other| other.x - one.x < 1.5) {
            marks.push(Mark::Line(run.iter().map(|it| (it.x, place(it.median))).collect(), look));
        }
        for point in points {
            if let Some((low, high)) = point.interval {
                marks.push(Mark::Whisker(point.x, (place(low), place(high)), look));
            }
            marks.push(Mark::Dot((point.x, place(point.median)), look));
        }
        let last = points.last();
        labels.extend(last.map(|it| Label {
            at: (it.x, place(it.median)),
            text: name.clone(),
            look,
        }));
    }
    let notes = vec![
        note(&[runs(sweep, language), INTERVAL_MEDIAN.of(language).to_owned()]),
        sweep.again.clone(),
    ];
    Figure { title, x, y, shades: Vec::new(), marks, labels, notes }
}
