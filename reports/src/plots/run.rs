//! The plots of one run: latency, lag, ownership, offsets, retention.
//!
//! They take plain numbers, so that anything that can tell a run can have it drawn.

use scenarios::Language;

use crate::plots::figure::{Axis, Figure, Label, Look, Mark, Shade, number as shown};
use crate::plots::palette::{COMMITTED, CRASH, LOSS, REBALANCE, Rgb};
use crate::plots::words::{
    BAND, CRASH as DOWN, DELETED, GROUP_LAG_TITLE, GROUP_LAG_Y, LATENCY_CAUTION, LATENCY_TITLE,
    LATENCY_X, LATENCY_Y, LOG_END, LOG_START, NOBODY, OFFSETS_TITLE, OFFSETS_Y, ONE_RUN,
    OWNERS_TITLE, OWNERS_Y, POSITION, REBALANCE as REBALANCES, RECORDS, RETENTION_TITLE, TIME_X,
    UNTOLD,
};
use crate::stats::CONFIDENCE;
use crate::stats::quantile::band;
use crate::text::fill;

/// Tints of owners, in turn.
const OWNERS: [Rgb; 6] = [
    [0xbb, 0xcc, 0xee],
    [0xee, 0xee, 0xbb],
    [0xcc, 0xdd, 0xaa],
    [0xff, 0xcc, 0xcc],
    [0xcc, 0xee, 0xff],
    [0xdd, 0xdd, 0xdd],
];
/// The tint of a member of the ISR.
const IN_SYNC: Rgb = [0xcc, 0xdd, 0xaa];
/// Nobody's tint.
const NOBODY_FILL: Rgb = [0xff, 0xff, 0xff];

/// A number over virtual time, in seconds: constant from each point to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps {
    /// What it is of.
    pub name: String,
    /// Time in seconds, and the number from then on.
    pub points: Vec<(f64, f64)>,
}

/// Something that goes on for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Spell {
    /// From when to when, in seconds.
    pub time: (f64, f64),
    /// What goes on.
    pub kind: SpellKind,
    /// Whom it concerns.
    pub who: String,
}

/// What goes on for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpellKind {
    /// A process is down.
    Crash,
    /// A group rebalances.
    Rebalance,
}

/// Who has a partition, and from when to when, in seconds; nobody if `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Owned {
    /// The partition's place among the rows.
    pub row: usize,
    /// From when to when.
    pub time: (f64, f64),
    /// The place of the owner among all members, and its name.
    pub owner: Option<(usize, String)>,
}

/// What every plot of a run says below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The seed.
    pub seed: u64,
    /// The command that makes the run again.
    pub again: String,
    /// The language.
    pub language: Language,
}

/// P04: how long records took to be acknowledged, in milliseconds, one sample per series.
pub fn latency(samples: &[(String, Vec<f64>)], told: &Told) -> Figure {
    let language = told.language;
    let (untold, samples): (Vec<_>, Vec<_>) =
        samples.iter().partition(|(_, sample)| sample.is_empty());
    let place = |ms: f64| ms.max(0.1).log10();
    let all = || samples.iter().flat_map(|(_, sample)| sample.iter().copied());
    let low = all().fold(f64::INFINITY, f64::min).max(0.1).log10().floor();
    let high = all().fold(1.0, f64::max).log10().ceil().max(low + 1.0);
    let (mut marks, mut labels) = (Vec::new(), Vec::new());
    let smallest = samples.iter().map(|(_, sample)| sample.len()).min().unwrap_or(0);
    for (at, &(name, sample)) in samples.iter().enumerate() {
        let look = Look::nth(at);
        let mut sorted = sample.clone();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len().max(1) as f64;
        let mut points = vec![(low, 0.0)];
        for (rank, &ms) in sorted.iter().enumerate() {
            let before = points.last().map_or(0.0, |(_, share)| *share);
            points.push((place(ms), before));
            points.push((place(ms), 100.0 * (rank + 1) as f64 / count));
        }
        points.push((high, 100.0));
        marks.push(Mark::Line(points, look));
        for (share, word) in [(0.5, "p50"), (0.99, "p99")] {
            let Some(ms) = ranked(&sorted, share) else { continue };
            marks.push(Mark::Dot((place(ms), 100.0 * share), look));
            let name = if at == 0 { word.to_owned() } else { String::new() };
            marks.push(Mark::Text((low + 0.12, 100.0 * share), name));
        }
        let middle = ranked(&sorted, 0.5).unwrap_or_default();
        // All lines end at 100 %: their names belong where each is steep.
        let middle = format!("p50 {} ms", shown((middle * 10.0).round() / 10.0));
        let text = if name.is_empty() { middle } else { format!("{name}: {middle}") };
        labels.push(Label { at: (high, 100.0 - 12.0 * at as f64), text, look });
    }
    let mut ticks = Vec::new();
    let mut decade = low;
    while decade <= high {
        ticks.push((decade, shown(10_f64.powf(decade))));
        decade += 1.0;
    }
    let x = Axis { label: LATENCY_X.of(language).to_owned(), low, high, ticks };
    let points = format!("{:.1}", 100.0 * band(smallest, CONFIDENCE));
    Figure {
        title: LATENCY_TITLE.of(language).to_owned(),
        x,
        y: Axis { high: 112.0, ..Axis::from_zero(LATENCY_Y.of(language), 100.0) },
        shades: Vec::new(),
        marks,
        labels,
        notes: [format!(
            "{} · {} · {}",
            fill(ONE_RUN.of(language), &[&told.seed.to_string()]),
            fill(RECORDS.of(language), &[&smallest.to_string()]),
            fill(BAND.of(language), &[&points])
        )]
        .into_iter()
        .chain(untold.iter().map(|(name, _)| fill(UNTOLD.of(language), &[name])))
        .chain([LATENCY_CAUTION.of(language).to_owned(), told.again.clone()])
        .collect(),
    }
}

/// Returns the value of an ordered sample that this share of it does not exceed.
fn ranked(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// P06: how far groups are behind.
pub fn lag(groups: &[Steps], spells: &[Spell], until: f64, told: &Told) -> Figure {
    let words = (GROUP_LAG_TITLE.of(told.language), GROUP_LAG_Y.of(told.language));
    over_time(words, groups, (spells, until), told)
}

/// P08: logs' ends, the high watermark as an area below them, and above them a strip for each
/// replica with the times at which it was in the ISR, in seconds.
pub fn offsets(
    (ends, watermark): (&[Steps], &Steps),
    in_sync: &[(String, Vec<(f64, f64)>)],
    spells: &[Spell],
    (until, told): (f64, &Told),
) -> Figure {
    let words = (OFFSETS_TITLE.of(told.language), OFFSETS_Y.of(told.language));
    let mut lines = ends.to_vec();
    lines.push(watermark.clone());
    let mut figure = over_time(words, &lines, (spells, until), told);
    let mut below = stairs(&watermark.points, until);
    if let (Some(&(first, _)), Some(&(last, _))) = (below.first(), below.last()) {
        below.extend([(last, 0.0), (first, 0.0)]);
        figure.marks.insert(0, Mark::Area(below, COMMITTED));
    }
    strips(&mut figure, in_sync, until);
    figure
}

/// Draws a strip above everything for each name, the first on top, with its spells as blocks.
fn strips(figure: &mut Figure, names: &[(String, Vec<(f64, f64)>)], until: f64) {
    let height = (figure.y.high - figure.y.low) / 16.0;
    if names.is_empty() {
        return;
    }
    figure.y.high += 0.5 * height; // the last tick's number needs room
    for (name, spells) in names.iter().rev() {
        let low = figure.y.high + 0.2 * height;
        figure.y.high = low + height;
        figure.y.ticks.push((low + 0.5 * height, format!("ISR {name}")));
        for &(from, to) in spells.iter().filter(|spell| spell.0 < until) {
            let (from, to) = ((from, low), (to.min(until), low + 0.8 * height));
            figure.marks.push(Mark::Block { from, to, fill: IN_SYNC, text: String::new() });
        }
    }
    figure.y.high += 1.4 * height; // so do the names of shades, which stand at the top
}

/// P19: a log's start and end, and the position of who reads it.
pub fn retention(
    (start, end, position): (&Steps, &Steps, &Steps),
    until: f64,
    told: &Told,
) -> Figure {
    let language = told.language;
    let named = |steps: &Steps, word: &str| Steps { name: word.to_owned(), ..steps.clone() };
    let lines = [
        named(end, LOG_END.of(language)),
        named(position, POSITION.of(language)),
        named(start, LOG_START.of(language)),
    ];
    let words = (RETENTION_TITLE.of(language), OFFSETS_Y.of(language));
    let mut figure = over_time(words, &lines, (&[], until), told);
    for time in behind(start, position, until) {
        let name = DELETED.of(language).to_owned();
        figure.shades.push(Shade { x: time, colour: LOSS, name });
    }
    figure
}

/// P07: who owns which partition; `rows` are the partitions' names.
pub fn owners(rows: &[String], owned: &[Owned], (until, told): (f64, &Told)) -> Figure {
    let language = told.language;
    let row = |row: usize| rows.len() as f64 - 1.0 - row as f64;
    let mark = |it: &Owned| {
        let middle = row(it.row);
        let (fill, text) = match &it.owner {
            Some((place, name)) => (OWNERS[place % OWNERS.len()], name.clone()),
            None => (NOBODY_FILL, NOBODY.of(language).to_owned()),
        };
        let to = (it.time.1.min(until), middle + 0.36);
        Mark::Block { from: (it.time.0, middle - 0.36), to, fill, text }
    };
    let ticks = rows.iter().enumerate().map(|(at, name)| (row(at), name.clone())).collect();
    let high = rows.len() as f64 - 0.5;
    Figure {
        title: OWNERS_TITLE.of(language).to_owned(),
        x: Axis { high: until, ..Axis::from_zero(TIME_X.of(language), until) }.within(),
        y: Axis { label: OWNERS_Y.of(language).to_owned(), low: -0.5, high, ticks },
        shades: Vec::new(),
        marks: owned.iter().map(mark).collect(),
        labels: Vec::new(),
        notes: notes(told),
    }
}

fn notes(told: &Told) -> Vec<String> {
    vec![fill(ONE_RUN.of(told.language), &[&told.seed.to_string()]), told.again.clone()]
}

fn over_time(
    (title, y): (&str, &str),
    lines: &[Steps],
    (spells, until): (&[Spell], f64),
    told: &Told,
) -> Figure {
    let highest = lines.iter().flat_map(|it| &it.points).map(|it| it.1).fold(1.0, f64::max);
    let (mut marks, mut labels) = (Vec::new(), Vec::new());
    for (at, line) in lines.iter().enumerate() {
        let look = Look::nth(at);
        let points = stairs(&line.points, until);
        labels.extend(points.last().map(|&at| Label { at, text: line.name.clone(), look }));
        marks.push(Mark::Line(points, look));
    }
    let shade = |spell: &Spell| {
        let (colour, word) = match spell.kind {
            SpellKind::Crash => (CRASH, DOWN),
            SpellKind::Rebalance => (REBALANCE, REBALANCES),
        };
        let name = format!("{} {}", spell.who, word.of(told.language)).trim().to_owned();
        Shade { x: spell.time, colour, name }
    };
    Figure {
        title: title.to_owned(),
        x: Axis { high: until, ..Axis::from_zero(TIME_X.of(told.language), until) }.within(),
        y: Axis::from_zero(y, highest),
        shades: spells.iter().map(shade).collect(),
        marks,
        labels,
        notes: notes(told),
    }
}

/// Draws a number that is constant from point to point as stairs.
fn stairs(points: &[(f64, f64)], until: f64) -> Vec<(f64, f64)> {
    let mut stairs: Vec<(f64, f64)> = Vec::new();
    for &(at, value) in points.iter().filter(|(at, _)| *at <= until) {
        if let Some(&(_, before)) = stairs.last() {
            stairs.push((at, before));
        }
        stairs.push((at, value));
    }
    if let Some(&(_, last)) = stairs.last() {
        stairs.push((until, last));
    }
    stairs
}

/// Returns when a position lies before a log's start.
fn behind(start: &Steps, position: &Steps, until: f64) -> Vec<(f64, f64)> {
    let value = |steps: &Steps, at: f64| {
        let before = steps.points.iter().take_while(|(time, _)| *time <= at);
        before.last().map(|(_, value)| *value)
    };
    let mut times: Vec<f64> = start.points.iter().chain(&position.points).map(|it| it.0).collect();
    times.push(until);
    times.sort_by(f64::total_cmp);
    let mut spells: Vec<(f64, f64)> = Vec::new();
    for pair in times.windows(2) {
        let is_behind = value(position, pair[0]) < value(start, pair[0]);
        match spells.last_mut() {
            _ if !is_behind || value(position, pair[0]).is_none() => {}
            Some(last) if last.1 == pair[0] => last.1 = pair[1],
            _ => spells.push((pair[0], pair[1])),
        }
    }
    spells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_lie_above_the_lines_and_end_where_the_plot_does() {
        let line = Steps { name: String::new(), points: vec![(0.0, 0.0), (4.0, 10.0)] };
        let in_sync = [("b1".to_owned(), vec![(0.0, 99.0)]), ("b2".to_owned(), vec![(1.0, 2.0)])];
        let told = Told { seed: 7, again: String::new(), language: Language::English };

        let figure = offsets((&[], &line), &in_sync, &[], (5.0, &told));

        let block = |mark: &Mark| match mark {
            Mark::Block { from, to, .. } => Some((*from, *to)),
            _ => None,
        };
        let blocks: Vec<_> = figure.marks.iter().filter_map(block).collect();
        assert_eq!(blocks.len(), 2);
        assert!(blocks.iter().all(|(from, to)| 10.0 < from.1 && to.0 <= 5.0), "{blocks:?}");
        assert!(blocks[0].1.1 < blocks[1].0.1, "the first one is on top: {blocks:?}");
        assert!(blocks.iter().all(|(_, to)| to.1 < figure.y.high), "{figure:?}");
    }

    #[test]
    fn a_position_before_the_log_s_start_is_shaded_for_as_long() {
        let steps = |points: &[(f64, f64)]| Steps { name: String::new(), points: points.to_vec() };
        let start = steps(&[(0.0, 0.0), (4.0, 10.0), (6.0, 20.0)]);
        let position = steps(&[(0.0, 0.0), (2.0, 5.0), (9.0, 30.0)]);

        assert_eq!(behind(&start, &position, 12.0), [(4.0, 9.0)]);
    }

    #[test]
    fn a_number_keeps_its_value_until_it_changes() {
        let found = stairs(&[(0.0, 1.0), (2.0, 3.0)], 5.0);

        assert_eq!(found, [(0.0, 1.0), (2.0, 1.0), (2.0, 3.0), (5.0, 3.0)]);
    }
}
