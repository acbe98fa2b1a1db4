//! P01 and P02: how often acknowledged records are lost.

use scenarios::Language;

use crate::plots::PlotError;
use crate::plots::figure::{Axis, Figure, Label, Look, Mark, number as shown};
use crate::plots::settings::{at, none_seen, note, number, numbers, runs, value, values};
use crate::plots::words::{
    Both, INTERVAL, KILLED, LAG_TIME_TITLE, LAG_TIME_X, LOSES_POWER, LOSS_DOTS, LOSS_TITLE, LOSS_X,
    LOSS_Y, PAIRED, POINTS,
};
use crate::stats::CONFIDENCE;
use crate::stats::pairs::{Happened, Pairs};
use crate::stats::words::points;
use crate::sweep::measure::Measure;
use crate::sweep::{Setting, Sweep};
use crate::text::fill;

const ACKS: &str = "acks";
const ISR_MIN: &str = "min.insync.replicas";
const LAG_TIME: &str = "replica.lag.time.max.ms";
/// What counts as lost: promised records, and with `acks=0` those that were sent.
const LOSSES: [Measure; 2] = [Measure::Lost, Measure::Dropped];
/// How far the marks of two series at one category are apart.
const APART: f64 = 0.2;

/// P01: by what was promised.
pub(crate) fn by_promise(sweep: &Sweep, language: Language) -> Result<Figure, PlotError> {
    values(sweep, ACKS)?;
    let mut promises: Vec<String> = Vec::new();
    for setting in &sweep.settings {
        let promise = promise(setting);
        if !promises.contains(&promise) {
            promises.push(promise);
        }
    }
    let scenarios: Vec<&[Setting]> = sweep.scenarios().map(|(_, settings)| settings).collect();
    let (mut marks, mut labels) = (Vec::new(), Vec::new());
    for (place, settings) in scenarios.iter().enumerate() {
        let look = Look::nth(place);
        let shift = APART * (2.0 * place as f64 - (scenarios.len() as f64 - 1.0));
        let mut end = (promises.len() as f64 - 0.5, 0.0);
        for setting in *settings {
            let category = promises.iter().position(|it| *it == promise(setting)).unwrap_or(0);
            let x = category as f64 + shift;
            let share = setting.share(&LOSSES);
            let interval = share.exact(CONFIDENCE);
            let y = 100.0 * share.value();
            marks.push(Mark::Whisker(x, (100.0 * interval.low, 100.0 * interval.high), look));
            marks.push(Mark::Dot((x, y), look));
            marks.push(Mark::Text((x, 100.0 * interval.high), shown(per_thousand(setting))));
            end.1 = y;
        }
        labels.push(Label { at: end, text: fault(settings, language), look });
    }
    let notes = vec![
        note(&[
            runs(sweep, language),
            INTERVAL.of(language).to_owned(),
            none_seen(sweep, language),
        ]),
        note(&[LOSS_DOTS.of(language).to_owned(), paired_ends(&scenarios, language)]),
        sweep.again.clone(),
    ];
    Ok(Figure {
        title: LOSS_TITLE.of(language).to_owned(),
        x: Axis::of_words(LOSS_X.of(language), &promises),
        y: Axis { high: 112.0, ..Axis::from_zero(LOSS_Y.of(language), 100.0) },
        shades: Vec::new(),
        marks,
        labels,
        notes,
    })
}

/// P02: by how long a follower may lag.
pub(crate) fn by_lag_time(sweep: &Sweep, language: Language) -> Result<Figure, PlotError> {
    let steps = numbers(sweep, LAG_TIME)?;
    let mut series: Vec<String> = Vec::new();
    for setting in sweep.settings.iter().filter(|it| counts(it, sweep)) {
        let name = promise(setting);
        if !series.contains(&name) {
            series.push(name);
        }
    }
    let (mut marks, mut labels, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for (place, name) in series.iter().enumerate() {
        let look = Look::nth(place);
        let found: Vec<(f64, &Setting)> = (0..)
            .zip(&steps)
            .filter_map(|(x, &step)| {
                let mut here = at(sweep, LAG_TIME, step).filter(|it| counts(it, sweep));
                Some((f64::from(x), here.find(|it| promise(it) == *name)?))
            })
            .collect();
        let y = |setting: &Setting| 100.0 * setting.share(&LOSSES).value();
        marks.push(Mark::Line(found.iter().map(|&(x, it)| (x, y(it))).collect(), look));
        for &(x, setting) in &found {
            let interval = setting.share(&LOSSES).exact(CONFIDENCE);
            marks.push(Mark::Whisker(x, (100.0 * interval.low, 100.0 * interval.high), look));
            marks.push(Mark::Dot((x, y(setting)), look));
        }
        if let (Some((_, first)), Some(&(x, last))) = (found.first(), found.last()) {
            labels.push(Label { at: (x, y(last)), text: name.clone(), look });
            ends.push((name.clone(), pairs(first, last)));
        }
    }
    let words: Vec<String> = steps.iter().map(|&step| shown(step)).collect();
    // What the plot is about is the line that moves most from one end to the other.
    let moved = ends
        .iter()
        .max_by(|one, other| one.1.difference().abs().total_cmp(&other.1.difference().abs()));
    let moved = moved.map(|(name, pairs)| {
        let (first, last) = (words.first(), words.last());
        let [first, last] =
            [first, last].map(|it| format!("{name}, {}", it.cloned().unwrap_or_default()));
        fill(PAIRED.of(language), &[&last, &first, &points_of(*pairs, language)])
    });
    let mut notes = vec![note(&[
        runs(sweep, language),
        INTERVAL.of(language).to_owned(),
        none_seen(sweep, language),
    ])];
    notes.extend(moved);
    notes.push(sweep.again.clone());
    Ok(Figure {
        title: LAG_TIME_TITLE.of(language).to_owned(),
        x: Axis::of_words(LAG_TIME_X.of(language), &words),
        y: Axis::from_zero(LOSS_Y.of(language), 100.0),
        shades: Vec::new(),
        marks,
        labels,
        notes,
    })
}

/// Says whether a setting is a line of its own: `min.insync.replicas` counts for `acks=all`
/// only, so that one value of it is enough for the others.
fn counts(setting: &Setting, sweep: &Sweep) -> bool {
    let least = sweep.settings.iter().filter_map(|it| value(it, ISR_MIN).and_then(number));
    let least = least.min_by(f64::total_cmp);
    let own = value(setting, ISR_MIN).and_then(number);
    value(setting, ACKS).is_none_or(|acks| acks == "all" || acks == "-1") || own == least
}

/// Names what a setting promises: `acks=all, min.isr 2`.
fn promise(setting: &Setting) -> String {
    let acks = value(setting, ACKS).map(|acks| format!("acks={acks}"));
    let counts = value(setting, ACKS).is_none_or(|acks| acks == "all" || acks == "-1");
    let isr = value(setting, ISR_MIN).filter(|_| counts).map(|isr| format!("min.isr={isr}"));
    acks.into_iter().chain(isr).collect::<Vec<_>>().join(", ")
}

/// Names the fault of a scenario by what its name says.
fn fault(settings: &[Setting], language: Language) -> String {
    let name = settings.first().map_or("", |setting| setting.scenario.as_str());
    let known: [(&str, Both); 2] = [("power", LOSES_POWER), ("kill", KILLED)];
    let found = known.iter().find(|(part, _)| name.contains(part));
    found.map_or_else(|| name.to_owned(), |(_, words)| words.of(language).to_owned())
}

fn per_thousand(setting: &Setting) -> f64 {
    let sum = |measures: &[Measure]| -> u64 {
        measures.iter().flat_map(|&it| setting.measured(it)).sum()
    };
    let promised = sum(&[Measure::Promised, Measure::Assumed]);
    (1_000.0 * sum(&LOSSES) as f64 / promised.max(1) as f64).round()
}

fn pairs(first: &Setting, second: &Setting) -> Pairs {
    let happened = |setting: &Setting, run: usize| {
        let lost = LOSSES.iter().any(|&it| setting.measured(it).get(run) != Some(&0));
        if lost { Happened::Yes } else { Happened::No }
    };
    let mut pairs = Pairs::default();
    for run in 0..first.runs().min(second.runs()) {
        pairs.take(happened(first, run), happened(second, run));
    }
    pairs
}

fn points_of(pairs: Pairs, language: Language) -> String {
    let [middle, low, high] = points(pairs);
    fill(POINTS.of(language), &[&middle, &low, &high])
}

/// Compares the last promise with the first one, in the last scenario.
fn paired_ends(scenarios: &[&[Setting]], language: Language) -> String {
    let settings = scenarios.last().copied().unwrap_or_default();
    let (Some(first), Some(last)) = (settings.first(), settings.last()) else {
        return String::new();
    };
    let difference = points_of(pairs(first, last), language);
    fill(PAIRED.of(language), &[&promise(last), &promise(first), &difference])
}
