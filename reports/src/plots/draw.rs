//! Draws a figure on any backend of plotters.

use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor, ShapeStyle, TextStyle};
use plotters_backend::DrawingBackend;

use crate::plots::canvas::{PER_EM, SIZE};
use crate::plots::figure::{Dash, Figure, Label, Look, Mark, Shape};
use crate::plots::font::{width, wrapped};
use crate::plots::palette::{GRID, INK, MUTE, PAPER, Rgb};

/// Sizes of letters, in pixels of an em; none is below 18.
const TITLE: i32 = 30;
const TEXT: i32 = 20;
const SMALL: i32 = 18;
/// Where things are.
const MARGIN: i32 = 40;
const LEFT: i32 = 120;
const TOP: i32 = 124;
const LINE: i32 = 25;
const LABEL_LINE: i32 = 24;
const SAMPLE: i32 = 34;
const LABELS_MAX: i32 = 380;

type Result<DB> = std::result::Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;
type Data<DB> = DrawingArea<DB, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws everything.
pub(crate) fn draw<DB: DrawingBackend>(figure: &Figure, backend: DB) -> Result<DB> {
    let root = backend.into_drawing_area();
    root.fill(&colour(PAPER))?;
    let room = SIZE.0 as i32 - 2 * MARGIN;
    let notes: Vec<String> = figure.notes.iter().flat_map(|it| wrapped(it, SMALL, room)).collect();
    let bottom = SIZE.1 as i32 - 96 - LINE * notes.len() as i32;
    let right = SIZE.0 as i32 - MARGIN - label_room(&figure.labels);
    let coord = Cartesian2d::new(
        figure.x.low..figure.x.high,
        figure.y.low..figure.y.high,
        (LEFT..right, bottom..TOP),
    );
    let page = Page { root: &root, data: root.apply_coord_spec(coord), right, bottom };
    page.furniture(figure)?;
    for mark in &figure.marks {
        page.mark(mark)?;
    }
    page.labels(&figure.labels)?;
    for (line, note) in (0..).zip(&notes) {
        let y = SIZE.1 as i32 - 14 - LINE * (notes.len() as i32 - line);
        page.text(note, (MARGIN, y), (SMALL, MUTE), (HPos::Left, VPos::Top))?;
    }
    root.present()
}

fn label_room(labels: &[Label]) -> i32 {
    let widest = labels.iter().map(|label| width(&label.text, TEXT)).max();
    widest.map_or(0, |widest| (widest + SAMPLE + 26).min(LABELS_MAX))
}

fn colour([red, green, blue]: Rgb) -> RGBColor {
    RGBColor(red, green, blue)
}

fn stroke(rgb: Rgb, width: u32) -> ShapeStyle {
    ShapeStyle { color: colour(rgb).to_rgba(), filled: false, stroke_width: width }
}

fn fill(rgb: Rgb) -> ShapeStyle {
    colour(rgb).filled()
}

struct Page<'a, DB: DrawingBackend> {
    root: &'a DrawingArea<DB, Shift>,
    data: Data<DB>,
    right: i32,
    bottom: i32,
}

impl<DB: DrawingBackend> Page<'_, DB> {
    fn place(&self, at: (f64, f64)) -> (i32, i32) {
        self.data.map_coordinate(&at)
    }

    fn text(
        &self,
        text: &str,
        at: (i32, i32),
        (em, rgb): (i32, Rgb),
        (horizontal, vertical): (HPos, VPos),
    ) -> Result<DB> {
        let rgb = colour(rgb);
        let style =
            TextStyle::from(("Noto Sans CJK SC, Noto Sans SC, sans-serif", f64::from(em) * PER_EM))
                .color(&rgb)
                .pos(Pos::new(horizontal, vertical));
        self.root.draw(&Text::new(text.to_owned(), at, style))
    }

    fn line(&self, points: Vec<(i32, i32)>, style: ShapeStyle) -> Result<DB> {
        self.root.draw(&PathElement::new(points, style))
    }

    /// Draws a line of data piece by piece: a path of its own would get long tips where a
    /// line turns back at once.
    fn thick(&self, points: &[(i32, i32)], rgb: Rgb) -> Result<DB> {
        let mut points = points.to_vec();
        points.dedup();
        for pair in points.windows(2) {
            self.line(pair.to_vec(), stroke(rgb, 3))?;
        }
        for &(x, y) in points.iter().skip(1).take(points.len().saturating_sub(2)) {
            self.root.draw(&Rectangle::new([(x - 1, y - 1), (x + 1, y + 1)], fill(rgb)))?;
        }
        Ok(())
    }

    /// Title, shades, grid and axes.
    fn furniture(&self, figure: &Figure) -> Result<DB> {
        let (left_top, centre) = ((HPos::Left, VPos::Top), (HPos::Center, VPos::Top));
        self.text(&figure.title, (MARGIN, 26), (TITLE, INK), left_top)?;
        self.text(&figure.y.label, (MARGIN, 78), (TEXT, INK), left_top)?;
        for shade in &figure.shades {
            let (from, _) = self.place((shade.x.0.max(figure.x.low), figure.y.low));
            let (to, _) = self.place((shade.x.1.min(figure.x.high), figure.y.low));
            self.root
                .draw(&Rectangle::new([(from, TOP), (to, self.bottom)], fill(shade.colour)))?;
        }
        for (value, text) in &figure.y.ticks {
            let (_, y) = self.place((figure.x.low, *value));
            self.line(vec![(LEFT, y), (self.right, y)], stroke(GRID, 1))?;
            self.text(text, (LEFT - 12, y), (SMALL, INK), (HPos::Right, VPos::Center))?;
        }
        self.line(
            vec![(LEFT, TOP), (LEFT, self.bottom), (self.right, self.bottom)],
            stroke(INK, 2),
        )?;
        for (value, text) in &figure.x.ticks {
            let (x, _) = self.place((*value, figure.y.low));
            self.line(vec![(x, self.bottom), (x, self.bottom + 6)], stroke(INK, 2))?;
            self.text(text, (x, self.bottom + 12), (SMALL, INK), centre)?;
        }
        let middle = LEFT.midpoint(self.right);
        self.text(&figure.x.label, (middle, self.bottom + 42), (TEXT, INK), centre)?;
        // Names that would run into each other go below each other.
        let mut ends: Vec<i32> = Vec::new();
        for shade in &figure.shades {
            let (x, _) = self.place((shade.x.0.max(figure.x.low), figure.y.low));
            let x = x.min(self.right - width(&shade.name, SMALL) - 8);
            let row = ends.iter().position(|end| *end < x).unwrap_or(ends.len());
            if row == ends.len() {
                ends.push(0);
            }
            ends[row] = x + width(&shade.name, SMALL) + 12;
            let y = TOP + 6 + 22 * row as i32;
            self.text(&shade.name, (x + 6, y), (SMALL, INK), left_top)?;
        }
        Ok(())
    }

    fn mark(&self, mark: &Mark) -> Result<DB> {
        match mark {
            Mark::Line(points, look) => {
                let points: Vec<_> = points.iter().map(|&at| self.place(at)).collect();
                self.dashed(&points, *look)
            }
            Mark::Area(points, rgb) => {
                let points: Vec<_> = points.iter().map(|&at| self.place(at)).collect();
                self.root.draw(&Polygon::new(points, fill(*rgb)))
            }
            Mark::Dot(at, look) => self.marker(self.place(*at), *look),
            Mark::Speck(at, look) => {
                let style = colour(look.colour).mix(0.45).filled();
                self.root.draw(&Circle::new(self.place(*at), 3, style))
            }
            Mark::Whisker(x, (low, high), look) => {
                let ((x, low), (_, high)) = (self.place((*x, *low)), self.place((*x, *high)));
                let style = stroke(look.colour, 2);
                self.line(vec![(x, low), (x, high)], style)?;
                self.line(vec![(x - 7, low), (x + 7, low)], style)?;
                self.line(vec![(x - 7, high), (x + 7, high)], style)
            }
            Mark::Bar(at, look) => {
                let (x, y) = self.place(*at);
                self.line(vec![(x - 16, y), (x + 16, y)], stroke(look.colour, 4))
            }
            Mark::Block { from, to, fill: rgb, text } => {
                let ((x0, y1), (x1, y0)) = (self.place(*from), self.place(*to));
                self.root.draw(&Rectangle::new([(x0, y0), (x1, y1)], fill(*rgb)))?;
                self.root.draw(&Rectangle::new([(x0, y0), (x1, y1)], stroke(INK, 1)))?;
                if x1 - x0 < width(text, SMALL) + 8 {
                    return Ok(());
                }
                let middle = (x0.midpoint(x1), y0.midpoint(y1));
                self.text(text, middle, (SMALL, INK), (HPos::Center, VPos::Center))
            }
            Mark::Rule(x, text) => {
                let (x, _) = self.place((*x, 0.0));
                self.line(vec![(x, TOP), (x, self.bottom)], stroke(MUTE, 2))?;
                self.text(text, (x + 6, TOP + 6), (SMALL, INK), (HPos::Left, VPos::Top))
            }
            Mark::Text(at, text) => {
                let (x, y) = self.place(*at);
                self.text(text, (x, y - 12), (SMALL, INK), (HPos::Center, VPos::Bottom))
            }
        }
    }

    fn dashed(&self, points: &[(i32, i32)], look: Look) -> Result<DB> {
        let pattern: &[f64] = match look.dash {
            Dash::Solid => return self.thick(points, look.colour),
            Dash::Long => &[16.0, 7.0],
            Dash::Short => &[8.0, 6.0],
            Dash::Mixed => &[16.0, 6.0, 4.0, 6.0],
            Dash::Dots => &[3.0, 6.0],
        };
        for piece in pieces(points, pattern) {
            self.thick(&piece, look.colour)?;
        }
        Ok(())
    }

    fn marker(&self, (x, y): (i32, i32), look: Look) -> Result<DB> {
        let (full, line) = (fill(look.colour), stroke(look.colour, 3));
        match look.shape {
            Shape::Disc => self.root.draw(&Circle::new((x, y), 7, full)),
            Shape::Ring => {
                self.root.draw(&Circle::new((x, y), 7, fill(PAPER)))?;
                self.root.draw(&Circle::new((x, y), 7, line))
            }
            Shape::Square => {
                self.root.draw(&Rectangle::new([(x - 6, y - 6), (x + 6, y + 6)], full))
            }
            Shape::Triangle => {
                let corners = vec![(x, y - 8), (x + 8, y + 6), (x - 8, y + 6)];
                self.root.draw(&Polygon::new(corners, full))
            }
            Shape::Diamond => {
                let corners = vec![(x, y - 9), (x + 9, y), (x, y + 9), (x - 9, y)];
                self.root.draw(&Polygon::new(corners.clone(), fill(PAPER)))?;
                let around = corners.iter().chain(&corners[..1]).copied().collect();
                self.line(around, line)
            }
        }
    }

    /// Writes the names of lines beside their ends, moved apart where they would touch.
    fn labels(&self, labels: &[Label]) -> Result<DB> {
        let x = self.right + 22;
        let room = SIZE.0 as i32 - MARGIN - x - SAMPLE;
        let mut rows: Vec<(i32, Vec<String>, &Label)> = labels
            .iter()
            .map(|label| (self.place(label.at).1, wrapped(&label.text, TEXT, room), label))
            .collect();
        rows.sort_by_key(|(y, ..)| *y);
        let heights: Vec<i32> =
            rows.iter().map(|(_, lines, _)| LABEL_LINE * lines.len() as i32 + 4).collect();
        let wanted: Vec<i32> = rows.iter().map(|(y, ..)| *y).collect();
        let places = apart(&wanted, &heights, (TOP, self.bottom + LABEL_LINE));
        for ((end, lines, label), y) in rows.iter().zip(places) {
            if 6 < (y - end).abs() {
                let from = self.place(label.at).0 + 14;
                let path = vec![(from.min(self.right), *end), (self.right, *end), (x - 4, y)];
                self.line(path, stroke(GRID, 2))?;
            }
            self.dashed(&[(x, y), (x + SAMPLE - 8, y)], label.look)?;
            self.marker((x + (SAMPLE - 8) / 2, y), label.look)?;
            for (row, line) in (0..).zip(lines) {
                let at = (x + SAMPLE, y + row * LABEL_LINE);
                self.text(line, at, (TEXT, INK), (HPos::Left, VPos::Center))?;
            }
        }
        Ok(())
    }
}

/// Moves things with these middles and heights apart, from the top, inside of some bounds.
fn apart(wanted: &[i32], heights: &[i32], (top, bottom): (i32, i32)) -> Vec<i32> {
    let mut places: Vec<i32> = Vec::new();
    for (at, &y) in wanted.iter().enumerate() {
        let least = match places.last() {
            Some(last) => last + heights[at - 1],
            None => top,
        };
        places.push(y.max(least));
    }
    let mut most = bottom;
    for at in (0..places.len()).rev() {
        most -= heights[at];
        places[at] = places[at].min(most);
        most = places[at];
    }
    places
}

/// Cuts a line into pieces: drawn and left out by turns, in these lengths of pixels.
fn pieces(points: &[(i32, i32)], pattern: &[f64]) -> Vec<Vec<(i32, i32)>> {
    let mut pieces: Vec<Vec<(i32, i32)>> = Vec::new();
    let (mut turn, mut left) = (0, pattern[0]);
    let mut open: Vec<(i32, i32)> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let (dx, dy) = (f64::from(x1 - x0), f64::from(y1 - y0));
        let length = dx.hypot(dy);
        let mut done = 0.0;
        while left <= length - done {
            done += left;
            let share = done / length;
            let at = ((f64::from(x0) + dx * share) as i32, (f64::from(y0) + dy * share) as i32);
            open.push(at);
            if turn % 2 == 0 {
                pieces.push(std::mem::take(&mut open));
            }
            open = vec![at];
            turn = (turn + 1) % pattern.len();
            left = pattern[turn];
        }
        left -= length - done;
        open.push((x1, y1));
    }
    if turn % 2 == 0 && 1 < open.len() {
        pieces.push(open);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_touch_are_moved_apart_and_stay_inside() {
        let table: [(&[i32], &[i32]); 4] = [
            (&[100, 200], &[100, 200]),
            (&[100, 104, 106], &[100, 128, 156]),
            (&[490, 495], &[444, 472]),
            (&[0], &[50]),
        ];

        for (wanted, expected) in table {
            let heights = vec![28; wanted.len()];
            assert_eq!(apart(wanted, &heights, (50, 500)), expected, "{wanted:?}");
        }
    }

    #[test]
    fn a_dashed_line_is_drawn_and_left_out_by_turns() {
        let found = pieces(&[(0, 0), (10, 0), (10, 10)], &[4.0, 2.0]);

        let ends: Vec<_> = found.iter().map(|it| (it[0], *it.last().expect("a piece"))).collect();
        let expected =
            [((0, 0), (4, 0)), ((6, 0), (10, 0)), ((10, 2), (10, 6)), ((10, 8), (10, 10))];
        assert_eq!(ends, expected);
    }
}
