//! Directives: what stands between `{{#` and `}}` in a chapter.

/// One directive: `{{#name word 'two words' | part other | part}}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Directive {
    /// Its name.
    pub name: String,
    /// Its words, taken apart as a shell does.
    pub words: Vec<String>,
    /// What follows each `|`, taken apart as well.
    pub parts: Vec<Vec<String>>,
}

/// A stretch of a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Text, as it is.
    Text(&'t str),
    /// A directive, as it stands there; `alone` if its line holds nothing else.
    Directive {
        /// What it says.
        directive: Directive,
        /// Whether it is a block of its own.
        alone: bool,
        /// Its line, from 1.
        line: usize,
    },
}

const OPEN: &str = "{{#";
const CLOSE: &str = "}}";

impl Directive {
    /// Reads what stands between the signs.
    fn read(text: &str) -> Directive {
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let mut parts = split(rest).into_iter();
        let words = parts.next().unwrap_or_default();
        Directive { name: name.to_owned(), words, parts: parts.collect() }
    }

    /// Returns its words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Returns the words of a part; none if there is no such part.
    pub fn part(&self, at: usize) -> &[String] {
        self.parts.get(at).map_or(&[], Vec::as_slice)
    }
}

impl std::fmt::Display for Directive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{OPEN}{}", self.name)?;
        if !self.words.is_empty() {
            write!(f, " {}", line(&self.words))?;
        }
        for part in &self.parts {
            write!(f, " | {}", line(part))?;
        }
        write!(f, "{CLOSE}")
    }
}

/// Takes a text into words, and parts where a bar stands alone.
fn split(text: &str) -> Vec<Vec<String>> {
    let mut parts = vec![Vec::new()];
    let (mut word, mut quote) = (None::<String>, None);
    let mut take = |word: Option<String>, bare: bool| match word {
        Some(word) if bare && word == "|" => parts.push(Vec::new()),
        Some(word) => parts.last_mut().expect("there is one").push(word),
        None => {}
    };
    let mut bare = true;
    for letter in text.chars() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            (letter, Some(_)) => word.get_or_insert_default().push(letter),
            ('\'' | '"', None) => {
                quote = Some(letter);
                bare = false;
                word.get_or_insert_default();
            }
            (letter, None) if letter.is_whitespace() => {
                take(word.take(), std::mem::replace(&mut bare, true));
            }
            (letter, None) => word.get_or_insert_default().push(letter),
        }
    }
    take(word, bare);
    parts
}

/// Takes a command line into words.
pub fn words(text: &str) -> Vec<String> {
    split(text).into_iter().flatten().collect()
}

/// Puts words together as a shell reads them.
pub fn line(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@".contains(letter);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Takes a chapter into texts and directives; fenced code keeps its directives as text.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut fenced = false;
    let mut begun = 0;
    let mut at = 0;
    for (number, row) in (1..).zip(text.split_inclusive('\n')) {
        let is_fence = row.trim_start().starts_with("```");
        fenced ^= is_fence;
        let mut from = 0;
        while !fenced && let Some((open, close)) = next(row, from) {
            let inside = row[open + OPEN.len()..close].trim();
            let alone =
                row[..open].trim().is_empty() && row[close + CLOSE.len()..].trim().is_empty();
            pieces.push(Piece::Text(&text[begun..at + open]));
            pieces.push(Piece::Directive {
                directive: Directive::read(inside),
                alone,
                line: number,
            });
            from = close + CLOSE.len();
            begun = at + from;
        }
        at += row.len();
    }
    pieces.push(Piece::Text(&text[begun..]));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

/// Returns where the next directive of a row opens and closes; one in back quotes is text.
fn next(row: &str, from: usize) -> Option<(usize, usize)> {
    let open = from + row[from..].find(OPEN)?;
    let close = open + row[open..].find(CLOSE)?;
    match row[..open].matches('`').count() % 2 {
        0 => Some((open, close)),
        _ => next(row, close),
    }
}

/// Returns the directives of a chapter, in order.
pub fn directives(text: &str) -> Vec<Directive> {
    let found = pieces(text).into_iter();
    found
        .filter_map(|piece| match piece {
            Piece::Directive { directive, .. } => Some(directive),
            Piece::Text(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_has_words_and_parts() {
        let read = directives("{{#run a --set 'x=\"1 2\"' | verdict why | '|'}}");

        assert_eq!(read.len(), 1);
        assert_eq!(read[0].words, ["a", "--set", "x=\"1 2\""]);
        assert_eq!(
            read[0].parts,
            [vec!["verdict".to_owned(), "why".to_owned()], vec!["|".to_owned()]]
        );
    }

    #[test]
    fn code_keeps_its_directives() {
        let text = "a {{#number x | lost}} b\n```\n{{#run x}}\n```\n`{{#run y}}`\n{{#run z}}\n";

        let names: Vec<_> = directives(text).into_iter().map(|it| it.words[0].clone()).collect();

        assert_eq!(names, ["x", "z"]);
    }

    #[test]
    fn a_block_stands_alone() {
        let text = "{{#run a}}\nand {{#number b | lost}} more\n";

        let alone: Vec<_> = pieces(text)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Directive { alone, .. } => Some(alone),
                Piece::Text(_) => None,
            })
            .collect();

        assert_eq!(alone, [true, false]);
    }
}
