//! Reads texts for people: a string, or one per language.

use crate::problems::Problems;
use crate::scenario::{Ask, Text};
use crate::section::Section;
use crate::tree::{Node, Value};
use crate::values;

/// Reads a text or `{ en = "…", zh = "…" }`.
pub(crate) fn text(node: &Node, problems: &mut Problems<'_>) -> Option<Text> {
    if !matches!(node.value, Value::Table(_)) {
        return values::text(node, problems).map(|en| Text { en: en.to_owned(), zh: None });
    }
    let mut section = Section::open(node, "a text", problems)?;
    let read = languages(&mut section, problems);
    section.finish(problems);
    read
}

/// Reads a question, which may come with its answer.
pub(crate) fn ask(node: &Node, problems: &mut Problems<'_>) -> Option<Ask> {
    if !matches!(node.value, Value::Table(_)) {
        return text(node, problems).map(|question| Ask { question, answer: None });
    }
    let mut section = Section::open(node, "a question", problems)?;
    let answer = section.take("answer").and_then(|node| text(node, problems));
    let question = languages(&mut section, problems);
    section.finish(problems);
    Some(Ask { question: question?, answer })
}

fn languages(section: &mut Section<'_>, problems: &mut Problems<'_>) -> Option<Text> {
    let zh = section.take("zh").and_then(|node| values::text(node, problems)).map(str::to_owned);
    let en = section.need("en", "a text", problems).and_then(|node| values::text(node, problems));
    Some(Text { en: en?.to_owned(), zh })
}
