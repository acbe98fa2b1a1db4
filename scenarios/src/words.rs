//! Reads texts for people: a string, or one per language.

use crate::codes::Code;
use crate::library::library;
use crate::problems::Problems;
use crate::scenario::{Ask, Question, Text};
use crate::section::{Section, items};
use crate::tree::{Node, Value};
use crate::values;

/// Options of a question, at least and at most.
const OPTIONS: std::ops::RangeInclusive<usize> = 2..=5;

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

/// Reads `[ask]`: a question, its options, which one is right, and why.
pub(crate) fn question(node: &Node, problems: &mut Problems<'_>) -> Option<Question> {
    let what = "a question";
    let mut section = Section::open(node, what, problems)?;
    let question = languages(&mut section, problems);
    let options = section.need("options", what, problems);
    let answer = section.need("answer", what, problems);
    let because = section.need("because", what, problems);
    section.finish(problems);
    let (options, answer) = (options?, answer?);
    let read: Vec<_> = items(options).iter().filter_map(|node| text(node, problems)).collect();
    let count = items(options).len();
    if !OPTIONS.contains(&count) {
        let message = format!("a question has two to five options, found {count}");
        problems.error(Code::BadQuestion, options.span, message);
        return None;
    }
    let right = values::whole(answer, 0..=u64::MAX, problems)?;
    let place = usize::try_from(right).ok().and_then(|right| right.checked_sub(1));
    let Some(answer) = place.filter(|place| *place < count).filter(|_| read.len() == count) else {
        if read.len() == count {
            let message = format!("the answer is option {right} of {count}");
            problems
                .error(Code::BadQuestion, answer.span, message)
                .label("expected the number of an option, from 1");
        }
        return None;
    };
    let because = because.and_then(|node| text(node, problems))?;
    Some(Question { question: question?, options: read, answer, because })
}

/// Warns of texts in English alone, in the library and where others of the file are in
/// Chinese, too.
pub(crate) fn check_languages(root: &Node, problems: &mut Problems<'_>) {
    let mut texts: Vec<&Node> = Vec::new();
    texts.extend(["title", "teaches"].into_iter().filter_map(|name| root.get(name)));
    if let Some(ask) = root.get("ask") {
        texts.push(ask);
        texts.extend(ask.get("because"));
        texts.extend(ask.get("options").map(items).unwrap_or_default());
    }
    for step in root.get("step").map(items).unwrap_or_default() {
        texts.extend(["say", "ask"].into_iter().filter_map(|name| step.get(name)));
    }
    let in_library = library().iter().any(|entry| entry.source == problems.source);
    if in_library || texts.iter().any(|text| text.get("zh").is_some()) {
        for text in texts.iter().filter(|text| text.get("zh").is_none()) {
            let message = "this text is in English only";
            problems.warning(Code::OneLanguage, text.span, message);
        }
    }
}

fn languages(section: &mut Section<'_>, problems: &mut Problems<'_>) -> Option<Text> {
    let zh = section.take("zh").and_then(|node| values::text(node, problems)).map(str::to_owned);
    let en = section.need("en", "a text", problems).and_then(|node| values::text(node, problems));
    Some(Text { en: en?.to_owned(), zh })
}
