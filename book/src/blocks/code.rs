//! Links to the model: a rule with its code, and the file that it is in.

use super::Made;
use crate::directive::Directive;
use crate::html::{escape, sentence};
use crate::lang::Lang;
use crate::shop::Shop;

/// `{{#rule model/src/partition/isr.rs shrink_isr}}`: a function with its comment, folded, and
/// a link to its file; without a name the link alone.
pub fn rule(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let (path, name) = match directive.words.as_slice() {
        [path] => (path, None),
        [path, name] => (path, Some(name.as_str())),
        _ => return Err("write which rule: {{#rule FILE FUNCTION}}".to_owned()),
    };
    let text = shop.source(path)?;
    let Some(name) = name else {
        return Ok(Made::Inline(format!("[`{path}`](../code/{path}.html)")));
    };
    let (from, to) = item(&text, name).ok_or_else(|| format!("{path} has no item {name:?}"))?;
    let rows: Vec<&str> = text.lines().collect();
    let indent = rows[to].len() - rows[to].trim_start().len();
    let shown: Vec<&str> =
        rows[from..=to].iter().map(|row| row.get(indent..).unwrap_or_default()).collect();
    let says = first_sentence(&rows[from..=to]);
    let whole = lang.pick("the whole file", "完整文件");
    Ok(Made::Block(format!(
        "<details class=\"rule\"><summary><code>{name}</code> {}</summary>\
         <pre><code class=\"language-rust\">{}</code></pre>\
         <p><a href=\"../code/{path}.html#{}\"><code>{path}</code></a> ({whole})</p></details>",
        sentence(&says),
        escape(&shown.join("\n")),
        from + 1
    )))
}

/// Returns the first sentence of an item's comment, without the brackets of links.
fn first_sentence(rows: &[&str]) -> String {
    let said = rows.iter().map_while(|row| row.trim().strip_prefix("/// "));
    let said = said.collect::<Vec<_>>().join(" ");
    let end = said.find(". ").map_or(said.len(), |at| at + 1);
    said[..end].replace("[`", "`").replace("`]", "`")
}

/// Returns the first and the last row of a function or type, its comment included.
fn item(text: &str, name: &str) -> Option<(usize, usize)> {
    let rows: Vec<&str> = text.lines().collect();
    let is_it = |row: &str| {
        let words =
            row.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        let words = words.trim_start_matches("pub ").trim_start_matches("const ");
        ["fn ", "struct ", "enum ", "trait "].iter().any(|kind| {
            let rest = words.strip_prefix(kind).and_then(|rest| rest.strip_prefix(name));
            rest.is_some_and(|rest| !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_'))
        })
    };
    let at = rows.iter().position(|row| is_it(row))?;
    let indent = rows[at].len() - rows[at].trim_start().len();
    let above = rows[..at].iter().rev().take_while(|row| {
        let row = row.trim_start();
        row.starts_with("///") || row.starts_with("#[")
    });
    let closes =
        |row: &&str| row.trim_end() == format!("{}}}", " ".repeat(indent)) || row.ends_with("; }");
    let length = rows[at..].iter().position(closes)?;
    Some((at - above.count(), at + length))
}

/// `{{#scenario NAME}}`: the file of a library scenario, folded.
pub fn scenario(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let [name] = directive.words.as_slice() else {
        return Err("write which scenario: {{#scenario NAME}}".to_owned());
    };
    let entry = scenarios::library::find(name);
    let entry = entry.ok_or_else(|| format!("no scenario is called {name:?}"))?;
    let path = format!("scenarios/library/{}/{}.toml", entry.folder, entry.name);
    shop.source(&path)?;
    let summary = lang.pick("The scenario as a file", "场景文件");
    Ok(Made::Block(format!(
        "<details class=\"rule\"><summary>{summary} <code>{}</code></summary>\
         <pre><code class=\"language-toml\">{}</code></pre>\
         <p><a href=\"../code/{path}.html\"><code>{path}</code></a></p></details>",
        entry.name,
        escape(entry.source.trim_end())
    )))
}

/// Returns a page with a source file, each row with its number to link to.
pub fn code_page(path: &str, text: &str) -> String {
    let mut rows = String::new();
    for (number, row) in (1..).zip(text.lines()) {
        rows += &format!("<span id=\"{number}\"><i>{number}</i>{}</span>\n", escape(row));
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{path}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>\
         :root{{color-scheme:light dark}}body{{margin:1.5rem;font:14px/1.45 ui-monospace,Consolas,Menlo,monospace}}\
         h1{{font-size:1.1rem}}span{{display:block;white-space:pre}}span:target{{background:#f0c80855}}\
         i{{display:inline-block;width:4ch;margin-right:2ch;text-align:right;opacity:.55;font-style:normal}}\
         </style></head><body><h1>{path}</h1><pre>{rows}</pre></body></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_by_the_first_sentence_of_its_comment() {
        let rows =
            ["/// Asks [`other`] for it; says whether", "/// it has it. More.", "///", "/// x"];

        assert_eq!(first_sentence(&rows), "Asks `other` for it; says whether it has it.");
        assert_eq!(first_sentence(&["fn nothing() {"]), "");
    }
}
