//! What must be true of the book: both languages say the same, chapters follow the template, links
//! lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::chapter::Source;
use crate::data::Part;
use crate::directive::{Directive, directives};
use crate::html::unescape;
use crate::lang::Lang;

/// The headings of a chapter, in order.
const TEMPLATE: [(&str, &str); 9] = [
    ("Question", "问题"),
    ("Predict", "预测"),
    ("Run", "运行"),
    ("Look", "观察"),
    ("Why", "原因"),
    ("Change one thing", "只改一处"),
    ("Check the claim", "检验说法"),
    ("Exercise", "练习"),
    ("Notes for the lecturer", "教师笔记"),
];

/// Says where the languages part: chapters, headings, directives.
pub fn parity(sources: &[Source]) -> Vec<String> {
    let of = |lang: Lang, name: &str| sources.iter().find(|it| it.lang == lang && it.name == name);
    let names: BTreeSet<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let mut problems = Vec::new();
    for name in names {
        let (en, zh) = match (of(Lang::En, name), of(Lang::Zh, name)) {
            (Some(en), Some(zh)) => (en, zh),
            (en, _) => {
                let missing = if en.is_some() { "zh" } else { "en" };
                problems.push(format!("book/{missing}/src/{name}.md is missing"));
                continue;
            }
        };
        let levels = |source: &Source| headings(&source.text).map(|(level, _)| level).collect();
        let (one, other): (Vec<usize>, Vec<usize>) = (levels(en), levels(zh));
        if one != other {
            problems
                .push(format!("{name}: headings differ: {one:?} in English, {other:?} in Chinese"));
        }
        let (one, other) = (directives(&en.text), directives(&zh.text));
        if let Some(odd) = differing(&one, &other) {
            problems.push(format!("{name}: directives differ: {odd}"));
        }
    }
    problems
}

/// Returns the first directive that has no twin. Those inside of sentences may change places.
fn differing(one: &[Directive], other: &[Directive]) -> Option<String> {
    let blocks = |all: &[Directive]| {
        let blocks: Vec<Directive> = all.iter().filter(|it| it.name != "number").cloned().collect();
        blocks
    };
    let numbers = |all: &[Directive]| {
        let mut numbers: Vec<Directive> =
            all.iter().filter(|it| it.name == "number").cloned().collect();
        numbers.sort();
        numbers
    };
    let pairs = [(blocks(one), blocks(other)), (numbers(one), numbers(other))];
    pairs.iter().find_map(|(one, other)| {
        let at = (0..one.len().max(other.len())).find(|&at| one.get(at) != other.get(at))?;
        let told = |it: Option<&Directive>| it.map_or("nothing".to_owned(), Directive::to_string);
        Some(format!("{} in English, {} in Chinese", told(one.get(at)), told(other.get(at))))
    })
}

/// Says which chapters (files that begin with two digits) do not follow the template.
pub fn template(sources: &[Source]) -> Vec<String> {
    let is_chapter = |it: &&Source| it.name.get(..2).is_some_and(|two| two.parse::<u8>().is_ok());
    let mut problems = Vec::new();
    for source in sources.iter().filter(is_chapter) {
        let place = format!("book/{}/src/{}.md", source.lang.code(), source.name);
        let wanted: Vec<&str> =
            TEMPLATE.iter().map(|(en, zh)| source.lang.pick(*en, *zh)).collect();
        let has: Vec<&str> =
            headings(&source.text).filter(|(level, _)| *level == 2).map(|(_, text)| text).collect();
        if has != wanted {
            problems.push(format!("{place}: the headings are {has:?}, and should be {wanted:?}"));
        }
        let used = directives(&source.text);
        for name in
            ["about", "predict", "run", "picture", "page", "rule", "claim", "exercise", "notes"]
        {
            if !used.iter().any(|it| it.name == name) {
                problems.push(format!("{place}: {{{{#{name}}}}} is missing"));
            }
        }
    }
    problems
}

/// Returns the headings of a chapter with their levels.
fn headings(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().filter_map(move |row| {
        fenced ^= row.starts_with("```");
        let level = row.chars().take_while(|it| *it == '#').count();
        let is_heading = !fenced && 0 < level && row[level..].starts_with(' ');
        is_heading.then(|| (level, row[level..].trim()))
    })
}

/// Says which pages stand in no table of contents, and whose first heading is another one.
pub fn contents(parts: &[Part], sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources {
        let place = format!("book/{}/src/{}.md", source.lang.code(), source.name);
        let page = parts.iter().flat_map(|part| &part.page).find(|page| page.id == source.name);
        let Some(page) = page else {
            problems.push(format!("{place} is not in book/data/chapters.toml"));
            continue;
        };
        let title = headings(&source.text).next().map_or("", |(_, title)| title);
        let wanted = page.title(source.lang);
        if title != wanted {
            problems.push(format!("{place}: its title is {title:?}, and should be {wanted:?}"));
        }
    }
    problems
}

/// Says which links of a built book lead nowhere, and which lead out of it.
///
/// # Errors
/// If a page cannot be read.
pub fn links(out: &Path) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for lang in Lang::ALL {
        for page in crate::data::files(&out.join(lang.code()), "html")? {
            let text = fs::read_to_string(&page)
                .map_err(|error| format!("cannot read {}: {error}", page.display()))?;
            for link in targets(&text) {
                if let Some(why) = dead(&page, &text, &link) {
                    let name = page.strip_prefix(out).unwrap_or(&page).display();
                    problems.push(format!("{name}: {link}: {why}"));
                }
            }
        }
    }
    Ok(problems)
}

fn targets(page: &str) -> BTreeSet<String> {
    let of = |mark: &'static str| {
        page.split(mark)
            .skip(1)
            .filter_map(|rest| rest.split_once('"'))
            .map(|(link, _)| unescape(link))
    };
    of(" href=\"").chain(of(" src=\"")).collect()
}

fn dead(page: &Path, text: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("//") {
        return Some("leads out of the book, which must work without a network".to_owned());
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target: PathBuf = match file {
        "" => page.to_owned(),
        file => page.parent().unwrap_or(page).join(file),
    };
    if !target.is_file() {
        return Some("there is no such file".to_owned());
    }
    let named = |text: &str| text.contains(&format!("id=\"{anchor}\""));
    let found = anchor.is_empty()
        || match file {
            "" => named(text),
            _ => fs::read_to_string(&target).is_ok_and(|text| named(&text)),
        };
    (!found).then(|| "there is no such anchor".to_owned())
}

/// Says which command lines in fenced blocks and back quotes the tool does not understand: those
/// that begin with `trial ` and a lower-case word.
pub fn commands(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources {
        let place = format!("book/{}/src/{}.md", source.lang.code(), source.name);
        for (number, row) in (1..).zip(source.text.lines()) {
            let quoted = row.split('`').skip(1).step_by(2);
            let typed = row.strip_prefix("$ ").into_iter().chain(quoted);
            for line in typed.filter_map(|line| line.strip_prefix("trial ")) {
                let is_sketch = line.contains(['…', '<', '|'])
                    || line.contains("FILE")
                    || line.contains("NAME");
                let words: Vec<String> = crate::directive::words(line);
                let words = words.iter().map(String::as_str);
                if let (false, Err(why)) = (is_sketch, trial::understands(words)) {
                    let why = why.lines().next().unwrap_or_default().to_owned();
                    problems.push(format!("{place}:{number}: `trial {line}`: {why}"));
                }
            }
        }
    }
    problems
}
