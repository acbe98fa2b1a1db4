//! One trial, or up to four variants of it, as one HTML file that needs nothing else.
//!
//! The page holds the traces, the texts in every language, and a player: `fold.js` (what is
//! true at a time) and `read.js` (what pictures need of a whole trace), both pure; `draw.js`
//! (the space-time diagram), `strips.js` (plots under it), `logs.js` (replicas' logs),
//! `legend.js` (what the marks mean), and `player.js` (keys and buttons). It makes no request: a content security policy forbids
//! them. If the scenario asks for a prediction, nothing tells what follows before one is given.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use scenarios::Language;
use serde_json::{Value, json};

use crate::svg::{View, spacetime};
use crate::trace::Trace;
use crate::trace::texts::Texts;
use crate::words::page::{labels, limits};

/// Variants of a trial in one page, at most.
pub const VARIANTS_MAX: usize = 4;
/// Bytes of data above which it is packed: plain JSON can be read and compared.
const PLAIN_MAX: usize = 500_000;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const FOLD: &str = include_str!("fold.js");
const READ: &str = include_str!("read.js");
const DRAW: &str = include_str!("draw.js");
const STRIPS: &str = include_str!("strips.js");
const LOGS: &str = include_str!("logs.js");
const LEGEND: &str = include_str!("legend.js");
const PLAYER: &str = include_str!("player.js");
/// Kafka's names of a group's states, in the order of `GroupPhase`.
pub(crate) const PHASES: [&str; 7] = [
    "Empty",
    "PreparingRebalance",
    "CompletingRebalance",
    "Assigning",
    "Reconciling",
    "Stable",
    "Dead",
];

/// One trial of a page.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What makes it differ from the others; shown only if there are others.
    pub name: String,
    /// What happened.
    pub trace: Trace,
    /// What is said of it in English.
    pub english: Texts,
    /// What is said of it in Chinese.
    pub chinese: Texts,
    /// The whole report as plain text, for readers without scripts; the picture above it is drawn from the trace.
    pub plain: String,
}

/// Returns the page. The same variants always give the same bytes.
///
/// # Panics
/// If there is no variant, or more than [`VARIANTS_MAX`].
pub fn page(variants: &[Variant], language: Language) -> String {
    assert!(!variants.is_empty() && variants.len() <= VARIANTS_MAX, "one to four variants");
    let first = &variants[0];
    let (code, texts) = match language {
        Language::English => ("en", &first.english),
        Language::Chinese => ("zh-CN", &first.chinese),
    };
    let data = data(variants, language).to_string();
    let (packed, data) = match data.len() <= PLAIN_MAX {
        true => ("", embedded(&data)),
        false => (" data-packed=\"deflate\"", STANDARD.encode(deflate(data.as_bytes()))),
    };
    let plain: Vec<&str> = variants.iter().map(|variant| variant.plain.as_str()).collect();
    // The title is the lesson: nobody who is asked for a prediction should read it first.
    let title = match texts.ask {
        Some(_) => escaped(&first.trace.scenario),
        None => escaped(&format!("{}: {}", first.trace.scenario, texts.title)),
    };
    let (partition, focus, window, at) = (first.trace.focus, None, None, None);
    let picture = spacetime(&first.trace, texts, &View { partition, focus, window, at, language });
    let parts = BTreeMap::from([
        ("lang", code),
        ("picture", &picture),
        ("title", &title),
        ("style", STYLE),
        ("packed", packed),
        ("data", &data),
        ("fold", FOLD),
        ("read", READ),
        ("draw", DRAW),
        ("strips", STRIPS),
        ("logs", LOGS),
        ("legend", LEGEND),
        ("player", PLAYER),
    ]);
    filled(&parts, &escaped(&plain.join("\n\n")))
}

fn data(variants: &[Variant], language: Language) -> Value {
    let all: Vec<Value> = variants
        .iter()
        .map(|variant| {
            json!({
                "name": variant.name,
                "trace": variant.trace.json(),
                "texts": { "en": variant.english.json(), "zh": variant.chinese.json() },
            })
        })
        .collect();
    let words = |language| labels(language).collect::<BTreeMap<_, _>>();
    json!({
        "v": crate::trace::VERSION,
        "lang": language.tag(),
        "variants": all,
        "labels": { "en": words(Language::English), "zh": words(Language::Chinese) },
        "limits": { "en": limits(Language::English), "zh": limits(Language::Chinese) },
        "phases": PHASES,
    })
}

/// Puts parts into the page in one pass, so that no part is searched for places.
fn filled(parts: &BTreeMap<&str, &str>, plain: &str) -> String {
    let mut text = String::new();
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(if name == "plain" { plain } else { parts.get(name).copied().unwrap_or("") });
        rest = after;
    }
    text.push_str(rest);
    text
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;

    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Spells JSON so that no string of it can end or change the element that it stands in.
fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// Spells the letters that mean something in HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{0}'..='\u{8}' => _ = write!(out, "&#{};", u32::from(letter) + 0x2400),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_the_page_has_a_part() {
        let names = [
            "lang", "picture", "title", "style", "packed", "data", "fold", "read", "draw",
            "strips", "logs", "legend", "player",
        ];
        let parts = names.iter().map(|name| (*name, "@")).collect();

        let text = filled(&parts, "@");

        assert_eq!(text.matches('@').count(), names.len() + 1, "each once, and the plain text");
    }

    #[test]
    fn every_label_that_the_player_asks_for_has_a_text() {
        let known: BTreeMap<_, _> = labels(Language::English).collect();
        let mut missing = Vec::new();
        for source in [DRAW, STRIPS, LOGS, LEGEND, PLAYER] {
            for part in source.split("label(\"").skip(1) {
                let name = part.split('"').next().unwrap_or("");
                let whole = !name.ends_with('-'); // the rest is a band or a stage
                if whole && !known.contains_key(name) {
                    missing.push(name.to_owned());
                }
            }
        }
        for part in PAGE.split("data-l=\"").skip(1) {
            let name = part.split('"').next().unwrap_or("");
            if !known.contains_key(name) {
                missing.push(name.to_owned());
            }
        }

        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn a_text_cannot_leave_its_place() {
        assert_eq!(escaped("a<b>&\"c"), "a&lt;b&gt;&amp;&quot;c");
        assert_eq!(embedded("[\"</script><!--\"]"), "[\"\\u003c/script>\\u003c!--\"]");
    }
}
