//! Console blocks: a command line, and what it prints.

use reports::words::Words;

use super::Made;
use crate::directive::{Directive, line};
use crate::html::{escape, terminal};
use crate::lang::Lang;
use crate::shop::Shop;

/// The parts of the report of a run, in order.
const PARTS: [&str; 8] =
    ["head", "timeline", "logs", "fates", "verdict", "why", "helped", "expected"];

/// The places of those that stand in the box.
const BOX: [usize; 3] = [4, 5, 6];

/// `{{#run NAME flags | parts}}`: `trial run`, or some parts of what it prints.
pub fn run(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let wanted = directive.part(0);
    if let Some(odd) = wanted.iter().find(|it| !PARTS.contains(&it.as_str())) {
        return Err(format!("no part is called {odd:?}; they are: {}", PARTS.join(" ")));
    }
    let command = command("run", directive, lang);
    let out = told(&command, shop)?;
    let shown = match wanted {
        [] => out,
        wanted => some_parts(&out, wanted, lang.words())?,
    };
    Ok(Made::Block(block(&command, &shown)))
}

/// `{{#trial words}}`: any command.
pub fn trial(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let mut words = directive.words.clone();
    if lang == Lang::Zh && !words.iter().any(|word| word == "--help") {
        words.extend(["--lang".to_owned(), "zh".to_owned()]);
    }
    Ok(Made::Block(block(&words, &told(&words, shop)?)))
}

/// `{{#sweep FILE flags}}`: `trial sweep`.
pub fn sweep(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let command = command("sweep", directive, lang);
    Ok(Made::Block(block(&command, &told(&shop.careful(&command), shop)?)))
}

/// Returns the words of a command in a language.
fn command(name: &str, directive: &Directive, lang: Lang) -> Vec<String> {
    let mut words = vec![name.to_owned()];
    words.extend(directive.words.iter().cloned());
    if lang == Lang::Zh {
        words.extend(["--lang".to_owned(), "zh".to_owned()]);
    }
    words
}

fn told(words: &[String], shop: &Shop) -> Result<String, String> {
    let mut coloured = words.to_vec();
    coloured.extend(["--color".to_owned(), "always".to_owned()]);
    shop.tell(&coloured)
}

/// Draws a command line and its output.
pub fn block(command: &[String], output: &str) -> String {
    let command = escape(&format!("trial {}", line(command)));
    let output = terminal(output.trim_end());
    format!(
        "<div class=\"console\"><pre class=\"command\"><code>{command}</code></pre>\
         <pre class=\"output\" tabindex=\"0\">{output}</pre></div>"
    )
}

/// Picks parts of the report of a run; a row of dots stands for what is left out between them.
fn some_parts(report: &str, wanted: &[String], words: &Words) -> Result<String, String> {
    let (parts, edge) = parts(report, words);
    let mut shown = String::new();
    let mut last: Option<usize> = None;
    for (at, name) in PARTS.iter().enumerate() {
        if !wanted.iter().any(|it| it == name) {
            continue;
        }
        let Some((_, text)) = parts.iter().find(|(part, _)| part == name) else {
            return Err(format!("the report has no part {name:?}"));
        };
        let in_box = BOX.contains(&at);
        let box_open = last.is_some_and(|last| BOX.contains(&last));
        if box_open && !in_box {
            shown.push_str(&edge);
        }
        match last {
            None => {}
            Some(last) if last + 1 < at && !(box_open && in_box) => shown.push_str("\n ⋯\n\n"),
            Some(_) if box_open => {}
            Some(_) => shown.push('\n'),
        }
        match in_box && !box_open {
            true => shown.push_str(&text.replacen('├', "┌", 1).replacen('┤', "┐", 1)),
            false => shown.push_str(text),
        }
        last = Some(at);
    }
    if last.is_some_and(|last| BOX.contains(&last)) {
        shown.push_str(&edge);
    }
    Ok(shown)
}

/// Takes the report of a run apart: its parts, and the lower edge of its box.
fn parts(report: &str, words: &Words) -> (Vec<(&'static str, String)>, String) {
    let mut parts: Vec<(&'static str, String)> = vec![("head", String::new())];
    let mut edge = String::new();
    for row in report.lines() {
        let plain = plain(row);
        let now = parts.last().map_or("", |(name, _)| *name);
        let next = match now {
            "head" if plain.starts_with(&format!(" {} ", words.time)) => Some("timeline"),
            "timeline" if plain.trim().is_empty() => Some("logs"),
            "logs" if plain.trim().is_empty() => Some("fates"),
            _ if plain.starts_with(" ┌") => Some("verdict"),
            _ if plain.contains(words.helped) => Some("helped"),
            "verdict" if plain.starts_with(" ├") => Some("why"),
            _ if plain.starts_with(" └") => {
                edge = format!("{row}\n");
                parts.push(("expected", String::new()));
                continue;
            }
            _ => None,
        };
        parts.extend(next.map(|name| (name, String::new())));
        if let (false, Some((_, text))) = (plain.trim().is_empty(), parts.last_mut()) {
            text.push_str(row);
            text.push('\n');
        }
    }
    (parts, edge)
}

/// Returns a line without its escape sequences.
pub fn plain(row: &str) -> String {
    let mut plain = String::new();
    let mut pieces = row.split("\u{1b}[");
    plain.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or(piece, |(_, text)| text));
    }
    plain
}
