//! Messages as arrows: which are drawn, and how.

use super::labels::Labels;
use super::pen::{PathEnd, Pen};
use super::spacetime::Ground;
use super::{Tenths, scale};
use crate::trace::cone::Cone;
use crate::trace::{ActorKind, Arrow, Trace, TraceMessage};

/// Arrows of a picture, at most.
pub(super) const ARROWS_MAX: usize = 200;
/// Arrows up to which each produced record is named.
const NAMED_MAX: usize = 90;
/// Time around a moment from which no arrow is left out, in microseconds.
const NEAR: u64 = 250_000;
/// How many times as long as usual a late message takes, at least.
const LATE: u64 = 5;
/// How far a late message gets to the right while it flies, at least.
const SLOPE: Tenths = 200;
/// A message whose loss nobody had the time to notice is no lost one, in microseconds.
const NOTICED: u64 = 2_000_000;
/// How far a lost message would have got, and which share of that is drawn, in percent.
const LOST: (Tenths, Tenths) = (300, 55);

/// The arrows of a picture.
pub(super) struct Arrows {
    /// Places in `Trace::messages` of those that are drawn.
    pub drawn: Vec<usize>,
    /// How many there would be.
    pub all: usize,
}

/// What the legend calls an arrow, in the order of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Produce,
    Ack,
    Data,
    Delivery,
    Control,
}

impl Kind {
    pub const ALL: [Kind; 5] =
        [Kind::Produce, Kind::Ack, Kind::Data, Kind::Delivery, Kind::Control];

    /// Returns what a message is drawn as.
    pub fn of(trace: &Trace, message: &TraceMessage) -> Kind {
        match message.arrow {
            Arrow::Produce => Kind::Produce,
            Arrow::Ack => Kind::Ack,
            Arrow::Data if trace.actors[message.to].kind == ActorKind::Consumer => Kind::Delivery,
            Arrow::Data => Kind::Data,
            Arrow::Fetch | Arrow::Control | Arrow::Quiet => Kind::Control,
        }
    }

    /// Returns the end of its name in style sheets and among the labels.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Produce => "produce",
            Kind::Ack => "ack",
            Kind::Data => "data",
            Kind::Delivery => "delivery",
            Kind::Control => "control",
        }
    }
}

impl Arrows {
    /// Chooses the arrows between some lanes: all if there is room, else those of `cone`, those
    /// that were lost, those near `moments`, and of the rest evenly.
    pub fn choose(trace: &Trace, ground: &Ground<'_>, cone: &Cone, moments: &[u64]) -> Arrows {
        let (from, to) = ground.window;
        let shown = |message: &TraceMessage| {
            let quiet = matches!(message.arrow, Arrow::Quiet | Arrow::Fetch);
            let here = message.partition.is_none_or(|it| it == ground.view.partition);
            let late = message.at + message.flight.unwrap_or(0);
            let ends = ground.row(message.from).zip(ground.row(message.to));
            let unnoticed = message.flight.is_none() && trace.end < message.at + NOTICED;
            !quiet && here && message.at <= to && from <= late && ends.is_some() && !unnoticed
        };
        let numbered = trace.messages.iter().enumerate();
        let all: Vec<usize> = numbered.filter(|(_, it)| shown(it)).map(|(at, _)| at).collect();
        let count = all.len();
        if count <= ARROWS_MAX {
            return Arrows { drawn: all, all: count };
        }
        let near = |at: u64| moments.iter().any(|moment| at.abs_diff(*moment) < NEAR);
        let first = |at: &usize| {
            let message = &trace.messages[*at];
            let kept = cone.messages.binary_search(at).is_ok();
            kept || message.flight.is_none() || near(message.at)
        };
        let (mut drawn, rest): (Vec<usize>, Vec<usize>) = all.into_iter().partition(first);
        drawn.truncate(ARROWS_MAX);
        let room = ARROWS_MAX - drawn.len();
        // Where enough is told, single arrows from in between only tear the calm apart.
        if ARROWS_MAX / 2 < room {
            drawn.extend(rest.iter().step_by(rest.len().div_ceil(room)).take(room));
        }
        drawn.sort_unstable();
        Arrows { drawn, all: count }
    }

    /// Draws them, those of the followed record last.
    pub fn draw(&self, trace: &Trace, ground: &Ground<'_>, cone: &Cone, pen: &mut Pen) {
        let is_followed = |at: &usize| cone.messages.binary_search(at).is_ok();
        let follows = ground.view.focus.is_some();
        let (followed, rest): (Vec<usize>, Vec<usize>) =
            self.drawn.iter().partition(|at| follows && is_followed(at));
        if follows {
            pen.open("faded");
        }
        for at in rest {
            draw(trace, ground, &trace.messages[at], pen, "");
        }
        if follows {
            pen.close();
        }
        for at in followed {
            draw(trace, ground, &trace.messages[at], pen, " wide");
        }
    }

    /// Writes beside the arrows which records they carry and how late they are.
    pub fn label(
        &self,
        trace: &Trace,
        ground: &Ground<'_>,
        (cone, labels): (&Cone, &mut Labels),
        pen: &mut Pen,
    ) {
        let follows = ground.view.focus.is_some();
        let mut flights: Vec<u64> =
            self.drawn.iter().filter_map(|at| trace.messages[*at].flight).collect();
        flights.sort_unstable();
        let usual = flights.get(flights.len() / 2).copied().unwrap_or(0);
        for at in &self.drawn {
            let message = &trace.messages[*at];
            if follows && cone.messages.binary_search(at).is_err() {
                continue;
            }
            let (x1, y1, x2, y2) = ends(ground, message);
            let late = message.flight.filter(|flight| LATE * usual.max(1) < *flight);
            if let Some(flight) = late.filter(|_| SLOPE < x2 - x1) {
                let place = ((x1 + x2) / 2 + 50, i64::midpoint(y1, y2) - 30);
                labels.write(pen, "halo mute", &scale::length(flight), &[place]);
            }
            if message.arrow == Arrow::Produce && (follows || self.drawn.len() <= NAMED_MAX) {
                let last = message.low + message.count - 1;
                let name = match message.count {
                    0 | 1 => format!("r{}", message.low),
                    _ => format!("r{}–r{last}", message.low),
                };
                let down = if y1 < y2 { 190 } else { -90 };
                labels.write(pen, "halo", &name, &[(x1 + 40, y1 + down)]);
            }
        }
    }
}

/// Returns where an arrow begins and ends.
fn ends(ground: &Ground<'_>, message: &TraceMessage) -> (Tenths, Tenths, Tenths, Tenths) {
    let x1 = ground.scale.x(message.at);
    let (y1, y2) = (ground.y(message.from), ground.y(message.to));
    match message.flight {
        Some(flight) => (x1, y1, ground.scale.x(message.at + flight), y2),
        None => {
            let (far, share) = LOST;
            (x1, y1, x1 + far * share / 100, y1 + (y2 - y1) * share / 100)
        }
    }
}

fn draw(
    trace: &Trace,
    ground: &Ground<'_>,
    message: &TraceMessage,
    pen: &mut Pen,
    more: &'static str,
) {
    let kind = Kind::of(trace, message);
    let thin = if kind == Kind::Control { " thin" } else { "" };
    let lost = message.flight.is_none();
    let dropped = if lost { " dropped" } else { "" };
    let class = format!("arrow a-{}{thin}{dropped}{more}", kind.name());
    let (x1, y1, x2, y2) = ends(ground, message);
    pen.line(&class, (x1, y1), (x2, y2));
    let fill = format!("t-{}", kind.name());
    pen.disc(&fill, (x1, y1), 24);
    if lost {
        pen.text("bad strong", (x2 - 50, y2 + 60), super::pen::Anchor::Start, "✗");
    } else {
        tip(pen, &fill, (x1, y1), (x2, y2));
    }
}

/// Draws the tip of an arrow.
pub(super) fn tip(pen: &mut Pen, class: &str, from: (Tenths, Tenths), to: (Tenths, Tenths)) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let far = (dx * dx + dy * dy).isqrt().max(1);
    let (long, half) = (85, 36);
    let base = (to.0 - dx * long / far, to.1 - dy * long / far);
    let side = (dy * half / far, -dx * half / far);
    let points = [to, (base.0 + side.0, base.1 + side.1), (base.0 - side.0, base.1 - side.1)];
    pen.path(class, &points, PathEnd::Closed);
}
