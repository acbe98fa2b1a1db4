//! What the book knows besides chapters and runs: files below `book/data` and `book/exercises`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::lang::{Both, Lang};

/// All of it.
pub struct Data {
    /// The table of contents.
    pub parts: Vec<Part>,
    /// What the usual notes claim.
    pub claims: Vec<NotesClaim>,
    /// Words in both languages.
    pub glossary: Vec<Term>,
    /// What students are asked to do.
    pub exercises: Vec<Exercise>,
    /// What the keys of scenario files mean.
    pub keys: Vec<Key>,
    /// A file with a key in each table that nothing knows.
    pub probe: String,
}

/// A key of scenario files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The table that it stands in, as the probe calls it.
    pub of: String,
    /// Its name.
    pub name: String,
    /// What it means.
    pub means: Both,
}

/// A part of the table of contents.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its title; pages that belong to none stand below an empty one.
    pub title: Both,
    /// Its pages, in order.
    pub page: Vec<Page>,
}

/// A page of the book.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The stem of its file; chapters begin with their number.
    pub id: String,
    /// Its title in English.
    pub en: String,
    /// Its title in Chinese.
    pub zh: String,
    /// Why there is no such page yet, if there is none.
    pub coming: Option<Both>,
}

/// Something that the usual notes say, put to the test.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NotesClaim {
    /// `C6`.
    pub id: String,
    /// The chapter that it belongs to: the stem of its file, or the name of one that is to come.
    pub chapter: String,
    /// What the notes say.
    pub says: Both,
    /// When that is true, and when not.
    pub check: Both,
    /// The runs that decide it; none if its subject is not modelled.
    #[serde(default)]
    pub run: Vec<Deciding>,
}

/// A run that decides a claim of the notes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Deciding {
    /// Scenario and flags, as for `trial show`.
    pub trial: String,
    /// What is different in it.
    pub label: Both,
    /// The claim of Trial that is looked at, `anomaly:NAME`, or `expected` for all that the
    /// scenario expects.
    pub look: String,
    /// What must come out: `breaks`, `holds`, `untested`, `seen` or `unseen`; the book is not
    /// built if it does not.
    pub comes: String,
}

/// A word, in both languages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Term {
    /// The word that Trial uses.
    pub word: Both,
    /// What other notes call it.
    #[serde(default)]
    pub also: Vec<String>,
    /// What it means.
    pub means: Both,
}

/// What students are asked to do.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Exercise {
    /// Its name: `05-a-promise-that-holds`.
    pub id: String,
    /// What to do.
    pub task: Both,
    /// Points to be had.
    pub points: u32,
    /// The scenario that it begins with.
    pub base: String,
    /// What may be handed in.
    #[serde(default)]
    pub answer: HandedIn,
    /// What answers are tried on besides.
    #[serde(default)]
    pub story: Vec<Tried>,
    /// What each student has alone.
    #[serde(default)]
    pub draw: Vec<Drawn>,
    /// What choices are made of.
    #[serde(default)]
    pub option: Vec<Choosable>,
    /// What it is graded by.
    #[serde(default)]
    pub graded: Vec<Graded>,
}

/// What may be handed in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct HandedIn {
    /// Settings that `answer.toml` may change.
    pub may_set: Vec<String>,
    /// Scenarios to write.
    pub files: Vec<String>,
    /// The most steps that these may have.
    pub steps_max: u32,
}

/// A scenario of the library, changed, that answers are tried on.
#[derive(Clone, Debug, Deserialize)]
pub struct Tried {
    /// How the exercise calls it.
    pub id: String,
    /// Its name.
    pub base: String,
    /// What is changed in it.
    #[serde(default)]
    pub set: BTreeMap<String, toml::Value>,
}

/// A value of a scenario that each student draws one of.
#[derive(Clone, Debug, Deserialize)]
pub struct Drawn {
    /// How the task calls it.
    pub id: String,
    /// Where it goes.
    pub path: String,
    /// What it may be.
    pub values: Vec<toml::Value>,
}

/// Something that can be chosen.
#[derive(Clone, Debug, Deserialize)]
pub struct Choosable {
    /// What an answer calls it.
    pub id: String,
}

/// What one thing is worth; how the grader sees to it is not for the book.
#[derive(Clone, Debug, Deserialize)]
pub struct Graded {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
    /// What it is worth, if a machine can tell.
    pub points: Option<u32>,
    /// The number that it asks for.
    pub number: Option<String>,
    /// The choice that it asks for.
    pub choice: Option<String>,
}

impl Graded {
    /// Returns what it says in a language.
    pub fn of(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh)
    }
}

#[derive(Deserialize)]
struct Contents {
    part: Vec<Part>,
}

#[derive(Deserialize)]
struct Keys {
    key: Vec<Key>,
}

#[derive(Deserialize)]
struct Claims {
    claim: Vec<NotesClaim>,
}

#[derive(Deserialize)]
struct Glossary {
    term: Vec<Term>,
}

impl Data {
    /// Reads everything.
    ///
    /// # Errors
    /// If a file is missing or wrong.
    pub fn read(book: &Path) -> Result<Data, String> {
        let contents: Contents = toml(&book.join("data/chapters.toml"))?;
        let claims: Claims = toml(&book.join("data/claims.toml"))?;
        let glossary: Glossary = toml(&book.join("data/glossary.toml"))?;
        let folder = book.join("exercises");
        let mut exercises: Vec<Exercise> = Vec::new();
        for path in files(&folder, "toml")? {
            exercises.push(toml(&path)?);
        }
        let keys: Keys = toml(&book.join("data/keys.toml"))?;
        let probe = read(&book.join("data/probe.toml"))?;
        Ok(Data {
            parts: contents.part,
            claims: claims.claim,
            glossary: glossary.term,
            exercises,
            keys: keys.key,
            probe,
        })
    }
}

impl Page {
    /// Returns its number; only chapters have one.
    pub fn number(&self) -> Option<u8> {
        self.id.split_once('-').and_then(|(number, _)| number.parse().ok())
    }

    /// Returns its title, with its number.
    pub fn title(&self, lang: Lang) -> String {
        let title = lang.pick(&self.en, &self.zh);
        self.number().map_or_else(|| title.clone(), |number| format!("{number}. {title}"))
    }
}

/// Returns the files of a folder with an ending, by name; none if there is no folder.
///
/// # Errors
/// If the folder cannot be read.
pub fn files(folder: &Path, ending: &str) -> Result<Vec<std::path::PathBuf>, String> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let cannot = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        found.push(entry.map_err(cannot)?.path());
    }
    found.retain(|path| path.extension().is_some_and(|it| it == ending));
    found.sort();
    Ok(found)
}

fn toml<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    toml::from_str(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
