//! Colours and letters of the pictures, on light and on dark paper.

use crate::plots::palette::{FILLS, Rgb};
use crate::trace::state::Stage;

/// What does not depend on the paper.
const SHAPES: &str = "\
text{font:14px system-ui,'Noto Sans SC','PingFang SC','Microsoft YaHei',sans-serif}\
.name{font-weight:600;font-size:16px}.strong{font-weight:600}.mono{font-variant-numeric:tabular-nums}\
.halo{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}\
.grid{stroke-width:1}.lane{stroke-width:1.2}.zigzag{fill:none;stroke-width:1.2;stroke-dasharray:2 3}\
.leads,.cell,.fate{stroke-width:.8}.insync{opacity:.8}\
.cut{fill:url(#hatch)}.hatch{stroke-width:1.6;opacity:.5}.pause{fill:none;stroke-dasharray:3 4;stroke-width:2}\
.arrow{stroke-width:1.6;fill:none}.thin{stroke-width:1}.wide{stroke-width:2.8}.dropped{stroke-dasharray:4 3}\
.faded{opacity:.12}.isdown{opacity:.45}.moment{stroke-width:1.2;stroke-dasharray:1 3}\
.hw{stroke-width:4}.leo{stroke-width:2;stroke-dasharray:5 3}.belief{stroke-width:1.6}.bracket{fill:none;stroke-width:2}\
.differs{stroke-width:2.5;stroke-dasharray:3 3}.islost{stroke-width:4}";

/// Colours: the selector, the property, on white, on black.
const COLOURS: &[(&str, &str, &str, &str)] = &[
    (".paper,.belief", "fill", "#fff", "#11151c"),
    (".halo", "stroke", "#fff", "#11151c"),
    ("text", "fill", "#1b1f24", "#e8eaed"),
    ("text.mute", "fill", "#5b616b", "#a5adb8"),
    ("text.bad", "fill", "#b34700", "#f0701a"),
    (".grid", "stroke", "#d5d9df", "#3a424e"),
    (".lane,.zigzag,.pause", "stroke", "#5b616b", "#a5adb8"),
    (".leads,.cell,.fate,.leo,.belief,.bracket", "stroke", "#1b1f24", "#e8eaed"),
    (".e0", "fill", "#bbccee", "#31456b"),
    (".e1", "fill", "#eeeebb", "#5a5a2a"),
    (".e2", "fill", "#ccddaa", "#3d5226"),
    (".e3", "fill", "#ffcccc", "#6b3434"),
    (".e4", "fill", "#cceeff", "#27525f"),
    (".e5", "fill", "#dddddd", "#4a4a4a"),
    (".insync", "fill", "#2fa56f", "#2fa56f"),
    (".owned", "fill", "#7755aa", "#b39ddb"),
    (".crash,.stopped", "fill", "#1b1f2430", "#ffffff2e"),
    (".power", "fill", "#1b1f2470", "#00000099"),
    (".slow,.disk", "fill", "#f0c80840", "#f0c80833"),
    (".rebalance", "fill", "#aa337728", "#aa337744"),
    (".hatch", "stroke", "#d55e00", "#f0701a"),
    (".a-produce", "stroke", "#5b616b", "#a5adb8"),
    (".a-ack", "stroke", "#0072b2", "#2f7fd6"),
    (".a-data", "stroke", "#2fa56f", "#2fa56f"),
    (".a-delivery", "stroke", "#004d3b", "#d3f5e4"),
    (".a-control", "stroke", "#1b1f24", "#e8eaed"),
    (".t-produce", "fill", "#5b616b", "#a5adb8"),
    (".t-ack", "fill", "#0072b2", "#2f7fd6"),
    (".t-data", "fill", "#2fa56f", "#2fa56f"),
    (".t-delivery", "fill", "#004d3b", "#d3f5e4"),
    (".t-control", "fill", "#1b1f24", "#e8eaed"),
    (".dropped,.moment,.differs,.islost", "stroke", "#d55e00", "#f0701a"),
    (".pin", "fill", "#b34700", "#b34700"),
    ("text.in-pin", "fill", "#fff", "#fff"),
    (".hw", "stroke", "#2fa56f", "#2fa56f"),
    (".unsent", "fill", "#fff", "#11151c"),
    ("text.on-acked,text.on-duplicated", "fill", "#fff", "#fff"),
    ("text.on-consumed", "fill", "#fff", "#11151c"),
    (
        "text.on-leader,text.on-replicated,text.on-committed,text.on-risk,text.on-lost",
        "fill",
        "#1b1f24",
        "#1b1f24",
    ),
];

/// Returns the style sheet of a picture.
pub(super) fn sheet() -> String {
    let (mut light, mut dark) = (SHAPES.to_owned(), String::new());
    for (selector, property, on_white, on_black) in COLOURS {
        light += &format!("{selector}{{{property}:{on_white}}}");
        if on_white != on_black {
            dark += &format!("{selector}{{{property}:{on_black}}}");
        }
    }
    for stage in Stage::ALL {
        let Some(fill) = FILLS.iter().find(|fill| Some(fill.name) == fill_of(stage)) else {
            continue;
        };
        light += &format!(".fate.{}{{fill:{}}}", stage.name(), hex(fill.light));
        dark += &format!(".fate.{}{{fill:{}}}", stage.name(), hex(fill.dark));
    }
    format!("{light}@media(prefers-color-scheme:dark){{{dark}}}")
}

/// Returns the sign of a stage: no colour stands alone.
pub(super) fn mark(stage: Stage) -> &'static str {
    match stage {
        Stage::Unsent | Stage::Sent | Stage::Replicated => "",
        Stage::Leader => "▖",
        Stage::Acked => "✓",
        Stage::Committed => "●",
        Stage::Consumed => "◉",
        Stage::Risk => "!",
        Stage::Lost => "✗",
        Stage::Duplicated => "×2",
    }
}

/// Returns the name of a stage's colour in the palette; `None` is the paper's.
fn fill_of(stage: Stage) -> Option<&'static str> {
    Some(match stage {
        Stage::Unsent => return None,
        Stage::Sent => "sent",
        Stage::Leader | Stage::Replicated => "leader only",
        Stage::Acked => "acked",
        Stage::Committed => "committed",
        Stage::Consumed => "consumed",
        Stage::Risk => "at risk",
        Stage::Lost => "lost",
        Stage::Duplicated => "duplicated",
    })
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_but_the_first_has_a_colour_of_the_palette() {
        for stage in &Stage::ALL[1..] {
            let found = FILLS.iter().any(|fill| Some(fill.name) == fill_of(*stage));

            assert!(found, "{stage:?}");
        }
    }
}
