//! What stands out: faults as shading, the four moments as pins, logs that were cut.

use super::Tenths;
use super::labels::Labels;
use super::pen::{Anchor, Area, Pen};
use super::spacetime::{Ground, HIGH};
use crate::trace::{Band, BandKind, FactKind, Trace};
use crate::words::page::label;

/// The radius of a pin.
const PIN: Tenths = 100;

/// Draws what is wrong, and where.
pub(super) fn shade(trace: &Trace, ground: &Ground<'_>, pen: &mut Pen) {
    for band in shown(trace, ground) {
        let (x, wide) = across(ground, band);
        for (top, high) in areas(ground, band) {
            pen.rect(band.kind.name(), Area { x, y: top, wide, high });
        }
    }
}

/// Writes what is wrong.
pub(super) fn name(trace: &Trace, ground: &Ground<'_>, labels: &mut Labels, pen: &mut Pen) {
    for band in shown(trace, ground) {
        let (x, _) = across(ground, band);
        let word = label(&format!("band-{}", band.kind.name()), ground.view.language);
        let text = format!("{} {word}", sign(band.kind));
        let Some((top, high)) = areas(ground, band).first().copied() else { continue };
        let middle = match is_link(band) {
            true => top + high / 2 - 40,
            false => top + high / 2 + 190,
        };
        let room = ground.right - super::pen::width(&text);
        let down = [0, 120, -120, -270, 240];
        let places: Vec<_> = [40, 260, 520]
            .into_iter()
            .flat_map(|right| down.map(|down| ((x + right).min(room), middle + down)))
            .collect();
        labels.write(pen, "halo strong", &text, &places);
    }
}

/// Pins the four moments of the first loss, or of the one that is followed, on their lanes.
pub(super) fn pin(trace: &Trace, ground: &Ground<'_>, labels: &mut Labels, pen: &mut Pen) {
    for (number, place) in pins(trace, ground) {
        let (x, y) = place;
        let (top, bottom) = (ground.top, ground.bottom());
        pen.line("moment", (x, top), (x, bottom));
        pen.disc("pin", (x, y), PIN);
        pen.text("in-pin strong", (x, y + 48), Anchor::Middle, &number);
        labels.keep(Area { x: x - PIN, y: y - PIN, wide: 2 * PIN, high: 2 * PIN });
    }
}

/// Writes where logs were cut.
pub(super) fn cuts(trace: &Trace, ground: &Ground<'_>, labels: &mut Labels, pen: &mut Pen) {
    for fact in &trace.facts {
        let here = fact.partition == ground.view.partition as i64 && ground.holds(fact.at);
        let cut = matches!(fact.kind, FactKind::Cut | FactKind::Took) && here;
        let row = usize::try_from(fact.actor).ok().filter(|actor| ground.row(*actor).is_some());
        if let (true, Some(actor), true) = (cut, row, fact.value < fact.other) {
            let (x, y) = (ground.scale.x(fact.at), ground.y(actor));
            let text = format!("✂ {}→{}", fact.other, fact.value);
            let wide = super::pen::width(&text);
            let left = (x - wide - 60).max(ground.left);
            let places = [(x + 120, y + 190), (left, y + 190), (x + 120, y - 60), (left, y - 60)];
            let inside = places.map(|(x, y)| (x.min(ground.right - wide), y));
            labels.write(pen, "halo bad strong", &text, &inside);
        }
    }
}

/// Returns the moments that the picture shows, each with its sign and place.
fn pins(trace: &Trace, ground: &Ground<'_>) -> Vec<(String, (Tenths, Tenths))> {
    let mut losses = trace.judged.losses.iter();
    let told = losses.find(|loss| ground.view.focus.is_none_or(|uid| loss.record == uid));
    let mishap = trace.judged.mishaps.iter();
    let mut mishaps =
        mishap.filter(|it| ground.view.focus.is_none_or(|uid| it.records.contains(&uid)));
    let moments = match told {
        Some(loss) => loss.moments.clone(),
        None => mishaps.next().map(|mishap| mishap.moment).into_iter().collect(),
    };
    let mut pins: Vec<(String, (Tenths, Tenths))> = Vec::new();
    for (number, &(at, entry)) in (1_u32..).zip(&moments) {
        if !ground.holds(at) {
            continue;
        }
        let facts = trace.facts.iter().filter(|fact| fact.entry == entry);
        let mut actors = facts.filter_map(|fact| usize::try_from(fact.actor).ok());
        let lane = actors.find(|actor| ground.row(*actor).is_some());
        let y = lane.map_or(ground.top + PIN, |actor| ground.y(actor));
        let mut x = ground.scale.x(at);
        while pins.iter().any(|&(_, (other, row))| row == y && (x - other).abs() < 2 * PIN) {
            x += 2 * PIN;
        }
        // What befell a group has one moment; only losses have four.
        let sign = if told.is_some() { number.to_string() } else { "◆".to_owned() };
        pins.push((sign, (x, y)));
    }
    pins
}

fn shown<'t>(trace: &'t Trace, ground: &Ground<'_>) -> impl Iterator<Item = &'t Band> {
    let (from, to) = ground.window;
    trace.bands.iter().filter(move |band| band.from <= to && from <= band.to)
}

fn across(ground: &Ground<'_>, band: &Band) -> (Tenths, Tenths) {
    let (x, end) = (ground.scale.x(band.from), ground.scale.x(band.to));
    (x, (end - x).max(20))
}

/// Says whether a band lies between lanes.
fn is_link(band: &Band) -> bool {
    matches!(band.kind, BandKind::Cut | BandKind::Slow)
}

/// Returns the top and the height of each area of a band.
fn areas(ground: &Ground<'_>, band: &Band) -> Vec<(Tenths, Tenths)> {
    let all = band.who.iter().chain(&band.against);
    let ys: Vec<Tenths> =
        all.filter(|actor| ground.row(**actor).is_some()).map(|actor| ground.y(*actor)).collect();
    match (is_link(band), ys.iter().min(), ys.iter().max()) {
        (true, Some(top), Some(bottom)) if top < bottom => vec![(*top, bottom - top)],
        (true, ..) => Vec::new(),
        (false, ..) => ys.into_iter().map(|y| (y - HIGH / 2 + 20, HIGH - 40)).collect(),
    }
}

fn sign(kind: BandKind) -> &'static str {
    match kind {
        BandKind::Crash => "✖",
        BandKind::Power => "⚡",
        BandKind::Stopped => "■",
        BandKind::Pause => "❚❚",
        BandKind::Cut => "✂",
        BandKind::Slow => "…",
        BandKind::Disk => "▤",
        BandKind::Rebalance => "⟳",
    }
}
