//! A chapter: its source, and what it becomes when its directives are made.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use unicode_width::UnicodeWidthChar;

use crate::blocks::{self, Made};
use crate::data::files;
use crate::directive::{Piece, pieces};
use crate::lang::Lang;
use crate::shop::Shop;

/// A chapter as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its language.
    pub lang: Lang,
    /// The stem of its file: `05-acks`.
    pub name: String,
    /// Its Markdown.
    pub text: String,
}

/// A chapter whose directives are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chapter {
    /// Markdown, with a mark for each block.
    pub text: String,
    /// What stands at the marks.
    pub blocks: Vec<String>,
}

/// Chapters by language and name.
pub type Chapters = BTreeMap<(Lang, String), Chapter>;

/// Returns the folder of the chapters of a language.
pub fn folder(root: &Path, lang: Lang) -> std::path::PathBuf {
    root.join("book").join(lang.code()).join("src")
}

/// Reads the chapters of both languages; only some if `only` names any.
///
/// # Errors
/// If a file cannot be read.
pub fn sources(root: &Path, only: &[String]) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    for lang in Lang::ALL {
        for path in files(&folder(root, lang), "md")? {
            let name = path.file_stem().and_then(|it| it.to_str()).unwrap_or_default().to_owned();
            let wanted = only.is_empty() || only.contains(&name);
            if wanted {
                let text = fs::read_to_string(&path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                sources.push(Source { lang, name, text });
            }
        }
    }
    Ok(sources)
}

/// Makes all chapters, several at a time; returns them with everything that is wrong.
pub fn make_all(sources: &[Source], shop: &Shop) -> (Chapters, Vec<String>) {
    let next = AtomicUsize::new(0);
    let done = Mutex::new((Chapters::new(), BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((at, source)) = {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    sources.get(at).map(|source| (at, source))
                } {
                    let made = make(source, shop);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    match made {
                        Ok(chapter) => {
                            done.0.insert((source.lang, source.name.clone()), chapter);
                        }
                        Err(problems) => {
                            done.1.insert(at, problems);
                        }
                    }
                }
            });
        }
    });
    let (chapters, problems) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    (chapters, problems.into_values().flatten().collect())
}

/// Makes the directives of one chapter.
///
/// # Errors
/// Everything that is wrong with them.
pub fn make(source: &Source, shop: &Shop) -> Result<Chapter, Vec<String>> {
    let mut chapter = Chapter::default();
    let mut problems = Vec::new();
    for piece in pieces(&source.text) {
        match piece {
            Piece::Text(text) if source.lang == Lang::Zh => chapter.text.push_str(&joined(text)),
            Piece::Text(text) => chapter.text.push_str(text),
            Piece::Directive { directive, alone, line } => {
                match blocks::made(&directive, source.lang, shop) {
                    Ok(Made::Block(_)) if !alone => problems.push(format!(
                        "{}: {directive} needs a line of its own",
                        place(source, line)
                    )),
                    Ok(made) => chapter.take(made),
                    Err(why) => {
                        problems.push(format!("{}: {directive}: {why}", place(source, line)))
                    }
                }
            }
        }
    }
    if problems.is_empty() { Ok(chapter) } else { Err(problems) }
}

/// Takes out line ends between Chinese signs, which would become spaces.
fn joined(text: &str) -> String {
    let is_chinese = |it: char| it.width() == Some(2);
    let mut joined = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let between = joined.chars().next_back().is_some_and(is_chinese)
            && letters.peek().is_some_and(|next| is_chinese(*next));
        if letter != '\n' || !between {
            joined.push(letter);
        }
    }
    joined
}

fn place(source: &Source, line: usize) -> String {
    format!("book/{}/src/{}.md:{line}", source.lang.code(), source.name)
}

/// Returns the mark of a block.
fn mark(number: usize) -> String {
    format!("<div id=\"made-{number}\"></div>")
}

impl Chapter {
    fn take(&mut self, made: Made) {
        match made {
            Made::Inline(text) | Made::Markdown(text) => self.text.push_str(&text),
            Made::Many(pieces) => pieces.into_iter().for_each(|piece| self.take(piece)),
            // Tags that open or close what Markdown stands in go where they are.
            Made::Block(html)
                if html.starts_with("<details class=\"notes\"") || html.starts_with("</") =>
            {
                self.text.push_str(&format!("\n\n{html}\n\n"));
            }
            Made::Block(html) => {
                self.text.push_str(&format!("\n\n{}\n\n", mark(self.blocks.len())));
                self.blocks.push(html);
            }
        }
    }

    /// Puts the blocks at their marks.
    ///
    /// # Errors
    /// If a mark was lost on its way.
    pub fn filled(&self, mut page: String) -> Result<String, String> {
        for (number, html) in self.blocks.iter().enumerate() {
            let mark = mark(number);
            if !page.contains(&mark) {
                return Err(format!("the mark of block {number} was lost"));
            }
            page = page.replacen(&mark, html, 1);
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_lines_go_on_without_a_space() {
        assert_eq!(
            joined("确认，\n也就是 ISR\n的成员\n\n下一段\n- 一项"),
            "确认，也就是 ISR\n的成员\n\n下一段\n- 一项"
        );
    }
}
