//! The space-time diagram: a lane for everybody, time to the right.

use super::arrows::{ARROWS_MAX, Arrows, Kind, tip};
use super::labels::Labels;
use super::lanes::{Along, Stretch, lanes, stretches};
use super::pen::{About, Anchor, Area, PathEnd, Pen, width};
use super::scale::{Scale, length, ruler};
use super::{Tenths, View, WIDE, concerned, head, moments, verdict};
use crate::text::grouped;
use crate::trace::cone::Cone;
use crate::trace::texts::Texts;
use crate::trace::{FactKind, Trace};
use crate::words::page::label;

/// The height of a lane.
pub(super) const HIGH: Tenths = 620;
/// Where the first lane begins.
const TOP: Tenths = 560;
/// What is free at the right.
const MARGIN: Tenths = 140;

/// Where everything lies.
pub(super) struct Ground<'v> {
    pub view: &'v View,
    pub window: (u64, u64),
    pub scale: Scale,
    pub left: Tenths,
    pub right: Tenths,
    pub top: Tenths,
    lanes: Vec<usize>,
}

impl Ground<'_> {
    /// Returns the place of an actor's lane.
    pub fn row(&self, actor: usize) -> Option<usize> {
        self.lanes.iter().position(|it| *it == actor)
    }

    /// Returns the middle of an actor's lane.
    pub fn y(&self, actor: usize) -> Tenths {
        self.top + HIGH * self.row(actor).unwrap_or(0) as Tenths + HIGH / 2
    }

    /// Returns where the last lane ends.
    pub fn bottom(&self) -> Tenths {
        self.top + HIGH * self.lanes.len() as Tenths
    }

    /// Says whether a time is shown.
    pub fn holds(&self, at: u64) -> bool {
        self.window.0 <= at && at <= self.window.1
    }
}

/// Draws the space-time diagram of one partition.
pub fn spacetime(trace: &Trace, texts: &Texts, view: &View) -> String {
    let (ground, arrows, cone) = laid_out(trace, view);
    let mut pen = Pen::new();
    let mut labels = Labels::default();
    draw_ruler(&ground, trace, &mut pen);
    moments::shade(trace, &ground, &mut pen);
    let leads = draw_lanes(&ground, trace, &mut labels, &mut pen);
    arrows.draw(trace, &ground, &cone, &mut pen);
    for (text, place) in &leads {
        pen.text("halo", *place, Anchor::Start, text);
    }
    moments::pin(trace, &ground, &mut labels, &mut pen);
    moments::cuts(trace, &ground, &mut labels, &mut pen);
    moments::name(trace, &ground, &mut labels, &mut pen);
    arrows.label(trace, &ground, (&cone, &mut labels), &mut pen);
    let high = draw_foot(&ground, trace, &arrows, &mut pen);
    let title = format!("{}: {}", label("spacetime", view.language), texts.title);
    let description = verdict(trace, texts, view.language);
    pen.done(&About { title: &title, description: &description, high })
}

/// Draws the lanes and the times of the space-time diagram and nothing else, to draw in.
pub fn grid(trace: &Trace, view: &View) -> String {
    let (ground, ..) = laid_out(trace, view);
    let mut pen = Pen::new();
    draw_ruler(&ground, trace, &mut pen);
    for &actor in &ground.lanes {
        draw_lane(&ground, trace, actor, &mut pen);
    }
    // The scenario's title would give the answer away.
    let title = label("spacetime", view.language);
    pen.done(&About { title, description: "", high: ground.bottom() + 300 })
}

/// Decides what is drawn, and where.
fn laid_out<'v>(trace: &Trace, view: &'v View) -> (Ground<'v>, Arrows, Cone) {
    let window = view.stretch(trace);
    let shown = lanes(trace, view.partition, window);
    let names = shown.iter().map(|actor| width(&trace.actors[*actor].name)).max();
    let left = (names.unwrap_or(0) * 9 / 8 + 220).min(1_300);
    let right = WIDE - MARGIN;
    let told = view.focus.or_else(|| concerned(trace).first().copied());
    let cone = told.map(|uid| Cone::of(trace, uid)).unwrap_or_default();
    let near = stops(trace, view.partition);
    let blank = Scale::new(window, &[], (left, right));
    let mut ground = Ground { view, window, scale: blank, left, right, top: TOP, lanes: shown };
    let arrows = Arrows::choose(trace, &ground, &cone, &near);
    let marks = |at: &usize| {
        let message = &trace.messages[*at];
        [message.at, message.at + message.flight.unwrap_or(0)]
    };
    let mut times: Vec<u64> = arrows.drawn.iter().flat_map(marks).collect();
    times.extend(near);
    ground.scale = Scale::new(window, &times, (left, right));
    (ground, arrows, cone)
}

/// Returns the times around which a picture is complete: changes of roles, faults, moments.
fn stops(trace: &Trace, partition: usize) -> Vec<u64> {
    let key = |kind| {
        use FactKind::{Cut, Down, Isr, Leader, Pause, Resume, Took, Up};
        matches!(kind, Cut | Down | Isr | Leader | Pause | Resume | Took | Up)
    };
    let here = |place: i64| place == partition as i64 || place < 0;
    let facts = trace.facts.iter().filter(|fact| key(fact.kind) && here(fact.partition));
    let losses = trace.judged.losses.iter().take(1).flat_map(|loss| &loss.moments);
    let bands = trace.bands.iter().flat_map(|band| [band.from, band.to]);
    let mut times: Vec<u64> = facts.map(|fact| fact.at).collect();
    times.extend(losses.map(|&(at, _)| at));
    times.extend(trace.judged.mishaps.iter().take(1).map(|mishap| mishap.moment.0));
    times.extend(bands);
    times
}

fn draw_ruler(ground: &Ground<'_>, trace: &Trace, pen: &mut Pen) {
    let (name, rest) = head(trace, ground.view);
    let room = ((WIDE - 240 - width(&rest)) / 88) as usize;
    let name = crate::text::fit(&name, room, crate::text::Signs::Unicode);
    pen.text("name", (100, 200), Anchor::Start, &name);
    pen.text("mute", (WIDE - 100, 200), Anchor::End, &rest);
    let bottom = ground.bottom();
    for at in ground.scale.ticks() {
        let x = ground.scale.x(at);
        pen.line("grid", (x, TOP - 70), (x, bottom));
        let text = ruler(at);
        let place = x.min(WIDE - 40 - width(&text) / 2);
        pen.text("mute mono", (place, TOP - 110), Anchor::Middle, &text);
    }
    for &(from, to) in &ground.scale.gaps {
        let x = i64::midpoint(ground.scale.x(from), ground.scale.x(to));
        let top = TOP - 60;
        let points = [(x, top), (x - 50, top + 40), (x + 50, top + 100), (x, top + 140)];
        pen.path("zigzag", &points, PathEnd::Open);
        pen.line("zigzag", (x, top + 140), (x, bottom));
        pen.text("mute mono", (x, bottom + 160), Anchor::Middle, &length(to - from));
    }
}

/// Draws the lanes; returns the names of the stretches, which belong above the arrows.
fn draw_lanes(
    ground: &Ground<'_>,
    trace: &Trace,
    labels: &mut Labels,
    pen: &mut Pen,
) -> Vec<(String, (Tenths, Tenths))> {
    let mut names = Vec::new();
    for &actor in &ground.lanes {
        draw_lane(ground, trace, actor, pen);
    }
    for stretch in stretches(trace, ground.view.partition) {
        let (from, to) = ground.window;
        if ground.row(stretch.actor).is_some() && stretch.from <= to && from < stretch.to {
            names.extend(draw_stretch(ground, &stretch, labels, pen));
        }
    }
    names
}

fn draw_lane(ground: &Ground<'_>, trace: &Trace, actor: usize, pen: &mut Pen) {
    let y = ground.y(actor);
    pen.line("lane", (ground.left, y), (ground.right, y));
    pen.text("name", (100, y + 55), Anchor::Start, &trace.actors[actor].name);
}

fn draw_stretch(
    ground: &Ground<'_>,
    stretch: &Stretch,
    labels: &mut Labels,
    pen: &mut Pen,
) -> Option<(String, (Tenths, Tenths))> {
    let (x, end) = (ground.scale.x(stretch.from), ground.scale.x(stretch.to));
    let (wide, y) = ((end - x).max(10), ground.y(stretch.actor));
    let (top, bottom) = (y - HIGH / 2, y + HIGH / 2);
    match stretch.what {
        Along::InSync => pen.rect("insync", Area { x, y: bottom - 70, wide, high: 50 }),
        Along::Owns => pen.rect("owned", Area { x, y: bottom - 90, wide, high: 70 }),
        Along::Leads(epoch) => {
            let area = Area { x, y: top + 20, wide, high: 165 };
            pen.rect(&format!("leads e{}", epoch.rem_euclid(6)), area);
            labels.keep(area);
            let long = format!("{} e{epoch}", label("leader", ground.view.language));
            let short = format!("e{epoch}");
            let text = [long, short].into_iter().find(|text| width(text) + 60 < wide);
            return text.map(|text| (text, (x + 40, top + 148)));
        }
    }
    None
}

/// Draws what signs mean and what was left out; returns the picture's height.
fn draw_foot(ground: &Ground<'_>, trace: &Trace, arrows: &Arrows, pen: &mut Pen) -> Tenths {
    let language = ground.view.language;
    let gaps = if ground.scale.gaps.is_empty() { 0 } else { 170 };
    let mut at = (100, ground.bottom() + gaps + 210);
    let kinds = Kind::ALL.into_iter().filter(|kind| {
        arrows.drawn.iter().any(|it| Kind::of(trace, &trace.messages[*it]) == *kind)
    });
    let lost = arrows.drawn.iter().any(|it| trace.messages[*it].flight.is_none());
    let mut step = |text: &str, draw: &mut dyn FnMut(&mut Pen, (Tenths, Tenths))| {
        let wide = 330 + width(text) + 170;
        if WIDE - 60 < at.0 + wide {
            at = (100, at.1 + 210);
        }
        draw(pen, (at.0, at.1 - 50));
        pen.text("mute", (at.0 + 330, at.1), Anchor::Start, text);
        at.0 += wide;
    };
    for kind in kinds {
        let class = format!("arrow a-{}", kind.name());
        let fill = format!("t-{}", kind.name());
        step(label(&format!("arrow-{}", kind.name()), language), &mut |pen, (x, y)| {
            pen.line(&class, (x, y), (x + 260, y));
            pen.disc(&fill, (x, y), 24);
            tip(pen, &fill, (x, y), (x + 280, y));
        });
    }
    if lost {
        step(label("arrow-lost", language), &mut |pen, (x, y)| {
            pen.line("arrow dropped", (x, y), (x + 180, y));
            pen.text("bad strong", (x + 180, y + 50), Anchor::Start, "✗");
        });
    }
    let along: Vec<Along> = stretches(trace, ground.view.partition)
        .into_iter()
        .filter(|it| ground.row(it.actor).is_some())
        .map(|it| it.what)
        .collect();
    if along.contains(&Along::InSync) {
        step(label("insync", language), &mut |pen, (x, y)| {
            pen.rect("insync", Area { x, y: y - 25, wide: 280, high: 50 });
        });
    }
    if along.contains(&Along::Owns) {
        step(label("owns", language), &mut |pen, (x, y)| {
            pen.rect("owned", Area { x, y: y - 35, wide: 280, high: 70 });
        });
    }
    let y = at.1 + 230;
    let mut said = format!("{} {}", grouped(arrows.all as u64), label("messages", language));
    if ARROWS_MAX < arrows.all {
        let drawn = grouped(arrows.drawn.len() as u64);
        let comma = label("comma", language);
        said += &format!("{comma}{drawn} {}", label("drawn", language));
    }
    let hidden = trace.actors.len() - ground.lanes.len();
    if 0 < hidden {
        said += &format!(" · {hidden} {}", label("quietLanes", language));
    }
    pen.text("mute", (WIDE - 100, y), Anchor::End, &said);
    y + 110
}
