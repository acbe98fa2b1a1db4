//! What the search of the book reads: the plain text of every section, in a script, so that it
//! works from `file://`. Texts are searched letter by letter, which finds Chinese as it finds
//! English; nothing has to be cut into words.

use serde_json::{Value, json};

use crate::html::text_of;

/// Returns the script with the text of all pages.
pub fn index(pages: &[(&str, String)]) -> String {
    let sections: Vec<Value> = pages.iter().flat_map(|(name, page)| sections(name, page)).collect();
    let texts = sections.iter().map(Value::to_string).collect::<Vec<_>>().join(",\n");
    format!("window.bookText = [\n{texts}\n];\n")
}

/// Takes a page into its sections, each with its page, its anchor, its titles and its text.
fn sections(name: &str, page: &str) -> Vec<Value> {
    let main = page.split_once("<main>").map_or("", |(_, rest)| rest);
    let main = main.split_once("</main>").map_or(main, |(main, _)| main);
    let main = without(main, "<figure class=\"picture", "</figure>");
    let title = main.split_once("<h1").and_then(|(_, rest)| rest.split_once("</h1>"));
    let title = title.map_or(String::new(), |(title, _)| text_of(&format!("<h1{title}")));
    let mut found = Vec::new();
    for (at, section) in main.split("<h2 id=\"").enumerate() {
        let (anchor, section) = match at {
            0 => ("", section),
            _ => section.split_once('"').unwrap_or(("", section)),
        };
        let (head, text) = match at {
            0 => (String::new(), text_of(section)),
            _ => {
                let (head, text) = section.split_once("</h2>").unwrap_or(("", section));
                (text_of(&format!("<h2{head}")), text_of(text))
            }
        };
        found.push(json!([format!("{name}.html"), anchor, title, head, text]));
    }
    found
}

/// Leaves out everything between two marks.
fn without(html: &str, open: &str, close: &str) -> String {
    let mut kept = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once(open) {
        kept.push_str(before);
        rest = after.split_once(close).map_or("", |(_, rest)| rest);
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_anchors_and_text() {
        let page = "<main><h1 id=\"t\">Title</h1><p>before</p><h2 id=\"run\"><a href=\"#run\">Run</a></h2>\
                    <p>首<b>│</b>领</p><figure class=\"picture x\"><svg>no</svg></figure></main>";

        let script = index(&[("05", page.to_owned())]);

        assert!(script.contains(r#"["05.html","","Title","","Title before"]"#), "{script}");
        assert!(script.contains(r#"["05.html","run","Title","Run","首│领"]"#), "{script}");
    }
}
