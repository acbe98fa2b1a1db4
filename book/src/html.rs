//! Small pieces of HTML.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Escapes a sentence for HTML; what stands in back quotes becomes code.
pub fn sentence(text: &str) -> String {
    let mut html = String::new();
    for (at, piece) in text.split('`').enumerate() {
        match at % 2 {
            0 => html.push_str(&escape(piece)),
            _ => html += &format!("<code>{}</code>", escape(piece)),
        }
    }
    html
}

/// Undoes [`escape`], and the few names that the renderer of the book uses besides.
pub fn unescape(html: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'")];
    let plain = named.iter().fold(html.to_owned(), |text, (name, sign)| text.replace(name, sign));
    plain.replace("&amp;", "&")
}

/// Draws what a terminal would show: escape sequences become classes, and every sign outside of
/// ASCII gets the width that it has in a terminal, whatever font it comes from.
pub fn terminal(text: &str) -> String {
    let mut html = String::with_capacity(text.len() * 2);
    let mut open = 0;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some((code, after)) = sequence(rest) {
            rest = after;
            if code == "0" || code.is_empty() {
                html.push_str(&"</span>".repeat(std::mem::take(&mut open)));
            } else {
                write_into(&mut html, format_args!("<span class=\"sgr{code}\">"));
                open += 1;
            }
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match (letter.is_ascii(), letter.width().unwrap_or(0)) {
            (true, _) => html.push_str(&escape(letter.encode_utf8(&mut [0; 4]))),
            (false, 2) => write_into(&mut html, format_args!("<i>{letter}</i>")),
            (false, 1) => write_into(&mut html, format_args!("<b>{letter}</b>")),
            (false, _) => html.push(letter),
        }
    }
    html + &"</span>".repeat(open)
}

/// Reads one `ESC [ code m` at the front of a text.
fn sequence(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("\u{1b}[")?.split_once('m')
}

fn write_into(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).expect("a string takes everything");
}

/// Returns the text of HTML, without its tags, and with a space where a tag was.
pub fn text_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        let inline = ["<i>", "</i>", "<b>", "</b>", "<code>", "</code>", "<em>", "</em>"];
        if !inline.iter().any(|tag| rest[open..].starts_with(tag)) {
            text.push(' ');
        }
        rest = rest[open..].split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let text = unescape(&text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_s_signs_have_the_width_that_they_have_there() {
        let cases = [
            ("a<b", "a&lt;b"),
            ("│确", "<b>│</b><i>确</i>"),
            (
                "\u{1b}[1m\u{1b}[31mx\u{1b}[0my",
                "<span class=\"sgr1\"><span class=\"sgr31\">x</span></span>y",
            ),
        ];

        for (text, html) in cases {
            assert_eq!(terminal(text), html, "{text:?}");
        }
    }

    #[test]
    fn a_sentence_keeps_its_code() {
        assert_eq!(sentence("see `a<b` & `c`"), "see <code>a&lt;b</code> &amp; <code>c</code>");
    }

    #[test]
    fn text_is_what_lies_between_tags() {
        assert_eq!(text_of("<p>a &lt; <b>首</b><b>领</b></p><p>c</p>"), "a < 首领 c");
    }
}
