//! Draws rows into lanes: one actor per lane, time downward.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthChar;

use super::row::{Arrow, ArrowEnd, Cell, Row, Stem};
use crate::text::{Line, Signs, Tone, WIDTH, fit, squeeze, wrap};
use crate::trace::{ActorKind, Trace};

/// Columns before the first lane: the time.
const LEFT: usize = 10;
/// Columns that the lanes share; the rest is the margin.
const LANES: usize = 72;
/// Columns for a text across all lanes.
pub(super) const BAND: usize = WIDTH - LEFT - 4;
/// Lanes side by side; more actors share a lane.
const LANES_MAX: usize = 8;

/// The lanes of a picture.
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    lane_of: BTreeMap<usize, usize>,
    /// What stands before a text of somebody in a lane that several share.
    short: BTreeMap<usize, String>,
    width: usize,
    signs: Signs,
}

struct Lane {
    name: String,
    actors: Vec<usize>,
    stem: Stem,
}

/// A line under construction: one sign and tone per column; the second column of a wide
/// sign is `None`.
struct Grid {
    columns: Vec<(Option<char>, Tone)>,
}

impl Lanes {
    /// Lays out the lanes: controller, producers, brokers, consumers, members.
    pub(crate) fn new(trace: &Trace, signs: Signs) -> Lanes {
        let mut groups = super::actors(trace);
        let named = trace
            .actors
            .iter()
            .enumerate()
            .filter(|(_, actor)| actor.kind == ActorKind::Broker || actor.group.is_some());
        let short = named.map(|(place, actor)| (place, format!("{} ", actor.name))).collect();
        let mut shown: Vec<usize> = groups.iter().map(Vec::len).collect();
        while LANES_MAX < shown.iter().sum() {
            // Brokers are what most lessons are about, so clients share lanes first.
            let weight = |group: usize| if group == 2 { shown[group] } else { 2 * shown[group] };
            let largest = (0..shown.len()).rev().max_by_key(|&group| weight(group));
            shown[largest.expect("there are groups")] -= 1;
        }
        let mut lanes = Vec::new();
        for (group, shown) in groups.iter_mut().zip(shown) {
            let shared = group.split_off(shown.saturating_sub(1).min(group.len()));
            lanes.extend(group.iter().map(|&actor| Lane::new(vec![actor], trace)));
            if !shared.is_empty() {
                lanes.push(Lane::new(shared, trace));
            }
        }
        let width = (LANES / lanes.len().max(1)).min(14);
        let numbered = lanes.iter().enumerate();
        let lane_of = numbered
            .flat_map(|(at, lane)| lane.actors.iter().map(move |&actor| (actor, at)))
            .collect();
        Lanes { lanes, lane_of, short, width, signs }
    }

    /// Draws the names of the lanes; `marks` stand behind a name.
    pub(crate) fn header(&self, time: &str, marks: &BTreeMap<usize, String>) -> Line {
        let mut grid = Grid::new();
        grid.put(1, Tone::Quiet, time);
        for (at, lane) in self.lanes.iter().enumerate() {
            let mark = lane.actors.iter().find_map(|actor| marks.get(actor));
            let name = match mark {
                Some(mark) => format!("{} {mark}", lane.name),
                None => lane.name.clone(),
            };
            let name = fit(&self.signs.spell(&name), self.width - 1, self.signs);
            grid.put(self.column(at), Tone::Strong, &name);
        }
        grid.line()
    }

    /// Draws a row: one line, and more if its text runs across all lanes and is long.
    pub(crate) fn row(&mut self, row: &Row, moment: Option<&str>) -> Vec<Line> {
        // A process that stops shows its end; one that starts shows its beginning.
        for &(actor, stem) in &row.stems {
            self.set_stem(actor, stem);
        }
        let mut grid = self.stems();
        grid.put(0, Tone::Quiet, &format!("{:>8}", row.at.to_string()));
        if let Some(arrow) = &row.arrow {
            self.arrow(&mut grid, arrow);
        }
        let start = self.column(self.lanes.len());
        let end = if row.margin.is_empty() && moment.is_none() { WIDTH } else { start };
        for cell in &row.cells {
            self.cell(&mut grid, cell, end);
        }
        let mut bands = row.band.as_deref().map(|band| self.band(band)).unwrap_or_default();
        if !bands.is_empty() {
            grid.put(LEFT + 2, Tone::Risk, &format!("{} ", bands.remove(0)));
        }
        let (margin, tone) = match moment {
            Some(moment) if row.margin.is_empty() => (moment.to_owned(), Tone::Strong),
            Some(moment) => {
                let margin = row.margin.split('|').next_back().unwrap_or_default();
                (format!("{moment} · {margin}|{moment}"), Tone::Strong)
            }
            None => (row.margin.clone(), Tone::Quiet),
        };
        let margin = squeeze(&margin, WIDTH - start, self.signs);
        if !margin.is_empty() && grid.is_free(start) {
            let beside = if grid.is_blank(start - 1) { start } else { start + 1 };
            grid.put(beside, tone, &margin);
        }
        let mut lines = vec![grid.line()];
        for band in bands {
            let mut grid = self.stems();
            grid.put(LEFT + 2, Tone::Risk, &format!("  {band} "));
            lines.push(grid.line());
        }
        lines
    }

    /// Breaks a text across all lanes into lines.
    fn band(&self, band: &str) -> Vec<String> {
        wrap(&self.signs.spell(band), BAND)
    }

    /// Draws a line that stands for many rows.
    pub(crate) fn fold(&mut self, text: &str, stems: &[(usize, Stem)]) -> Line {
        for &(actor, stem) in stems {
            self.set_stem(actor, stem);
        }
        let text = fit(&self.signs.spell(text), WIDTH - LEFT - 8, self.signs);
        let text = self.signs.spell(&format!("┄┄ {text} ┄┄")).into_owned();
        let dot = self.signs.spell("    ·    ");
        Line::of(Tone::Quiet, dot).then(Tone::Quiet, text)
    }

    fn column(&self, lane: usize) -> usize {
        LEFT + lane * self.width
    }

    fn set_stem(&mut self, actor: usize, stem: Stem) {
        if let Some(&lane) = self.lane_of.get(&actor)
            && self.lanes[lane].actors.len() == 1
        {
            self.lanes[lane].stem = stem;
        }
    }

    fn stems(&self) -> Grid {
        let mut grid = Grid::new();
        for (at, lane) in self.lanes.iter().enumerate() {
            let sign = match lane.stem {
                Stem::Up => '│',
                Stem::Down => '╎',
                Stem::Frozen => '┊',
            };
            grid.set(self.column(at), Tone::Quiet, sign);
        }
        grid
    }

    /// Draws a lane's text; `end` is where the last lane ends.
    fn cell(&self, grid: &mut Grid, cell: &Cell, end: usize) {
        let Some(&lane) = self.lane_of.get(&cell.actor) else { return };
        let column = self.column(lane);
        if let Some(sign) = cell.sign {
            grid.set(column, cell.tone, sign);
        }
        let shared = 1 < self.lanes[lane].actors.len();
        let name = self.short.get(&cell.actor).filter(|_| shared).cloned().unwrap_or_default();
        let width = if lane + 1 == self.lanes.len() { end - column } else { self.width };
        let room = width - 2 - name.len().min(width - 2);
        let text = name + &squeeze(&cell.text, room, self.signs);
        // Where an arrow passes, it says more than the lane.
        if (column + 1..column + self.width).all(|column| grid.is_blank(column)) {
            grid.put(column + 2, cell.tone, &text);
        }
    }

    fn arrow(&self, grid: &mut Grid, arrow: &Arrow) {
        let ends = self.lane_of.get(&arrow.from).zip(self.lane_of.get(&arrow.to));
        let Some((&from, &to)) = ends else { return };
        if from == to {
            let actor = arrow.to;
            let (text, tone) = (arrow.label.clone(), arrow.tone);
            return self.cell(
                grid,
                &Cell { actor, text, tone, sign: None },
                self.column(self.lanes.len()),
            );
        }
        let (left, right) = (self.column(from.min(to)), self.column(from.max(to)));
        let forward = from < to;
        let dash = match arrow.end {
            ArrowEnd::Arrives => '─',
            ArrowEnd::Lost => '╌',
        };
        let reach = match (arrow.end, forward) {
            (ArrowEnd::Arrives, _) => left + 1..right,
            (ArrowEnd::Lost, true) => left + 1..left + self.width - 2,
            (ArrowEnd::Lost, false) => right - self.width + 3..right,
        };
        for column in reach.clone() {
            grid.set(column, arrow.tone, dash);
        }
        let (tail, head) = if forward {
            ((left, '├'), (reach.end - 1, '▶'))
        } else {
            ((right, '┤'), (reach.start, '◀'))
        };
        let head = if arrow.end == ArrowEnd::Lost { (head.0, '✗') } else { head };
        grid.set(tail.0, arrow.tone, tail.1);
        grid.set(head.0, arrow.tone, head.1);
        let room = reach.len().saturating_sub(2);
        let label = squeeze(&arrow.label, room, self.signs);
        let text = if columns(&label) + 2 <= room { format!(" {label} ") } else { label };
        let start = if forward { left + 2 } else { right - 1 - columns(&text) };
        grid.put(start.max(reach.start), arrow.tone, &text);
    }
}

/// Returns how many lines a row takes besides its first.
pub(crate) fn lines_beyond_first(row: &Row) -> usize {
    row.band.as_deref().map_or(0, |band| wrap(band, BAND).len() - 1)
}

fn columns(text: &str) -> usize {
    text.chars().map(|letter| letter.width().unwrap_or(0)).sum()
}

impl Lane {
    fn new(actors: Vec<usize>, trace: &Trace) -> Lane {
        let name = match actors.as_slice() {
            [one] => trace.actors[*one].name.clone(),
            many => {
                let ends = many.first().zip(many.last());
                ends.map_or_else(String::new, |(&first, &last)| {
                    let (first, last) = (&trace.actors[first].name, &trace.actors[last].name);
                    // What both begin with is said once: `g1-3–6`.
                    let number = last.rfind(|letter: char| !letter.is_ascii_digit());
                    let number = number.map_or(0, |at| at + 1);
                    let rest = last.strip_prefix(&first[..number.min(first.len())]);
                    format!("{first}–{}", rest.unwrap_or(last))
                })
            }
        };
        Lane { name, actors, stem: Stem::Up }
    }
}

impl Grid {
    fn new() -> Grid {
        Grid { columns: vec![(Some(' '), Tone::Plain); WIDTH] }
    }

    fn set(&mut self, column: usize, tone: Tone, sign: char) {
        if let Some(place) = self.columns.get_mut(column) {
            *place = (Some(sign), tone);
        }
    }

    fn put(&mut self, column: usize, tone: Tone, text: &str) {
        let mut at = column;
        for letter in text.chars() {
            let width = letter.width().unwrap_or(0);
            if width == 0 || self.columns.len() < at + width {
                continue;
            }
            self.columns[at] = (Some(letter), tone);
            for rest in at + 1..at + width {
                self.columns[rest] = (None, tone);
            }
            at += width;
        }
    }

    fn is_blank(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(|&(sign, _)| sign == Some(' '))
    }

    fn is_free(&self, column: usize) -> bool {
        self.columns[column..].iter().all(|&(sign, _)| sign == Some(' '))
    }

    fn line(&self) -> Line {
        let mut line = Line::default();
        let mut run = String::new();
        let mut tone = Tone::Plain;
        for &(sign, next) in &self.columns {
            let Some(sign) = sign else { continue };
            if next != tone && sign != ' ' {
                if !run.is_empty() {
                    line.push(tone, std::mem::take(&mut run));
                }
                tone = next;
            }
            run.push(sign);
        }
        line.push(tone, run);
        line
    }
}
