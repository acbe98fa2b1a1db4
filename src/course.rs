//! What comes with the tool for a course: exercises, chapters, lecture packs, claims of the notes.

use include_dir::{Dir, include_dir};
use scenarios::{Language, Text};
use serde::Deserialize;
use serde::de::DeserializeOwned;

static EXERCISES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/book/exercises");
static DATA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/book/data");
static ENGLISH: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/book/en/src");
static CHINESE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/book/zh/src");

/// A text of a data file, in both languages; files may say more beside it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Both {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

/// A part of the book's table of contents.
#[derive(Deserialize)]
struct Part {
    page: Vec<Page>,
}

/// A page of the book.
#[derive(Clone, Debug, Deserialize)]
pub struct Page {
    /// The stem of its file; chapters begin with their number.
    pub id: String,
    #[serde(flatten)]
    title: Both,
}

/// A lecture from the shelf: lessons and minutes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// How it is called: its minutes.
    pub id: String,
    /// What it is.
    pub title: Both,
    /// What is told, in order.
    pub lesson: Vec<Lesson>,
}

/// A lesson of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// The chapter that it is from: the stem of its file.
    pub chapter: String,
    /// The scenario to show.
    pub show: String,
    /// How long it takes.
    pub minutes: u32,
}

/// Something that the usual notes claim.
#[derive(Clone, Debug, Deserialize)]
pub struct NotesClaim {
    /// `C6`.
    pub id: String,
    /// What the notes say.
    pub says: Both,
    /// When that is true, and when not.
    pub check: Both,
}

#[derive(Deserialize)]
struct Contents {
    part: Vec<Part>,
}

#[derive(Deserialize)]
struct Packs {
    pack: Vec<Pack>,
}

#[derive(Deserialize)]
struct Claims {
    claim: Vec<NotesClaim>,
}

/// A chapter, as a handout needs it.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// The stem of its file.
    pub id: String,
    /// Its title, with its number.
    pub title: Text,
    /// The paragraphs of its question, in Markdown, one for each language.
    pub question: Text,
    /// The scenario whose question it asks.
    pub scenario: String,
    /// The claims of the notes that it decides.
    pub claims: Vec<NotesClaim>,
}

impl Both {
    /// Returns it in a language.
    pub fn say(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }
}

impl Page {
    /// Returns its title, with its number if it is a chapter.
    pub fn title(&self) -> Text {
        let number = self.id.split_once('-').and_then(|(number, _)| number.parse::<u8>().ok());
        let head = number.map(|number| format!("{number}. ")).unwrap_or_default();
        let numbered = |title: &str| format!("{head}{title}");
        Text { en: numbered(&self.title.en), zh: Some(numbered(&self.title.zh)) }
    }
}

/// Returns the exercises that come with the tool: their names and files, in order.
pub fn exercises() -> Vec<(&'static str, &'static str)> {
    let named = |file: &'static include_dir::File<'static>| {
        let is_exercise = file.path().extension().is_some_and(|ending| ending == "toml");
        let name = file.path().file_stem().and_then(|stem| stem.to_str());
        name.filter(|_| is_exercise).zip(file.contents_utf8())
    };
    let mut found: Vec<_> = EXERCISES.files().filter_map(named).collect();
    found.sort_unstable();
    found
}

/// Returns the names of a chapter's exercises, in order.
pub fn exercises_of(chapter: &Chapter) -> Vec<&'static str> {
    let own = chapter.id.split_once('-').map(|(number, _)| number);
    let names = exercises().into_iter().map(|(name, _)| name);
    names.filter(|name| name.split_once('-').map(|(number, _)| number) == own).collect()
}

/// Returns the pages of the book, in order, written or not.
pub fn pages() -> Vec<Page> {
    data::<Contents>("chapters.toml").part.into_iter().flat_map(|part| part.page).collect()
}

/// Returns the lecture packs.
pub fn packs() -> Vec<Pack> {
    data::<Packs>("packs.toml").pack
}

/// Returns the ids of the chapters that a handout can be made of, in order.
pub fn written() -> Vec<String> {
    let ids = pages().into_iter().map(|page| page.id);
    ids.filter(|id| source(id, Language::English).is_some_and(|it| it.contains("{{#predict")))
        .collect()
}

/// Finds a written chapter by its id, its number, or `ch` and its number.
pub fn chapter(name: &str) -> Option<Chapter> {
    let number = name.strip_prefix("ch").unwrap_or(name).parse::<u8>().ok();
    let is_it = |id: &String| {
        let own = id.split_once('-').and_then(|(number, _)| number.parse::<u8>().ok());
        id == name || number.is_some() && own == number
    };
    let id = written().into_iter().find(is_it)?;
    let page = pages().into_iter().find(|page| page.id == id)?;
    let (english, chinese) = (source(&id, Language::English)?, source(&id, Language::Chinese));
    let scenario = directives(english, "predict").next()?.to_owned();
    let all = data::<Claims>("claims.toml").claim;
    let claims = directives(english, "claim")
        .filter_map(|id| all.iter().find(|claim| claim.id == id).cloned())
        .collect();
    let question = Text { en: first_section(english), zh: chinese.map(first_section) };
    Some(Chapter { id, title: page.title(), question, scenario, claims })
}

/// Returns the Markdown of a page.
fn source(id: &str, language: Language) -> Option<&'static str> {
    let folder = match language {
        Language::English => &ENGLISH,
        Language::Chinese => &CHINESE,
    };
    folder.get_file(format!("{id}.md"))?.contents_utf8()
}

/// Returns what the directives of a kind are about.
fn directives<'s>(source: &'s str, kind: &str) -> impl Iterator<Item = &'s str> {
    let open = format!("{{{{#{kind} ");
    source.lines().filter_map(move |line| {
        line.trim().strip_prefix(open.as_str())?.strip_suffix("}}").map(str::trim)
    })
}

/// Returns what stands below the first heading of the second level.
fn first_section(source: &str) -> String {
    let below = source.lines().skip_while(|line| !line.starts_with("## ")).skip(1);
    let text: Vec<&str> = below.take_while(|line| !line.starts_with("## ")).collect();
    text.join("\n").trim().to_owned()
}

/// Reads a file of the course.
///
/// # Panics
/// If it is missing or wrong, which a test sees to.
fn data<T: DeserializeOwned>(name: &str) -> T {
    let file = DATA.get_file(name).and_then(|file| file.contents_utf8());
    let text = file.unwrap_or_else(|| panic!("{name} is part of the tool"));
    toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lesson_of_a_pack_is_a_scenario_with_a_question_and_a_page_of_the_book() {
        let pages = pages();
        for pack in packs() {
            for lesson in &pack.lesson {
                let entry = scenarios::library::find(&lesson.show);
                let entry = entry.unwrap_or_else(|| panic!("{} is no scenario", lesson.show));
                let read = scenarios::parse(entry.name, entry.source, &Default::default());
                let (scenario, _) = read.expect("a scenario of the library can be read");
                assert!(scenario.ask.is_some(), "{} asks nothing", lesson.show);
                assert!(pages.iter().any(|page| page.id == lesson.chapter), "{}", lesson.chapter);
            }
            let minutes: u32 = pack.lesson.iter().map(|lesson| lesson.minutes).sum();
            assert_eq!(minutes.to_string(), pack.id);
        }
    }

    #[test]
    fn chapters_are_found_by_id_and_number() {
        for name in ["05-acks", "5", "ch05", "05"] {
            let chapter = chapter(name).unwrap_or_else(|| panic!("{name} is a chapter"));
            assert_eq!(chapter.scenario, "acks1-leader-crash", "{name}");
            assert_eq!(chapter.claims.len(), 3);
        }
        assert!(chapter("99").is_none());
        assert!(chapter("intro").is_none());
    }
}
