//! What the making of a book shares: trials that were run, files that pages need, data.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use scenarios::{Scenario, Trial};
use sim::Options;
use trial::Told;

use crate::data::Data;

/// One trial with the scenario that it is of.
pub struct Run {
    /// The scenario, as changed by the flags.
    pub scenario: Scenario,
    /// What came out.
    pub trial: Trial,
}

/// Seeds of a sweep in tests.
const FEW: u32 = 4;

/// How much is run for plots of many seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// What the chapters ask for.
    Full,
    /// A few seeds of each sweep, for tests.
    Few,
}

/// Shared by all chapters in both languages, so that nothing is run twice.
pub struct Shop {
    /// The root of the repository.
    pub root: PathBuf,
    /// Where the book goes.
    pub out: PathBuf,
    /// How much is run.
    pub care: Care,
    /// Claims of the notes, exercises, words.
    pub data: Data,
    told: Memo<Told>,
    runs: Memo<Result<Run, String>>,
    sheets: Mutex<BTreeMap<String, String>>,
    sources: Mutex<BTreeSet<String>>,
}

/// Answers by what was asked, each worked out once.
struct Memo<T>(Mutex<BTreeMap<Vec<String>, Arc<OnceLock<T>>>>);

impl<T> Memo<T> {
    fn new() -> Memo<T> {
        Memo(Mutex::new(BTreeMap::new()))
    }

    /// Returns the place of an answer, which may still be empty.
    fn slot(&self, words: &[String]) -> Arc<OnceLock<T>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(words.to_vec()).or_default())
    }
}

impl Shop {
    /// Opens the shop.
    ///
    /// # Errors
    /// If the data of the book cannot be read.
    pub fn open(root: &Path, out: &Path, care: Care) -> Result<Shop, String> {
        Ok(Shop {
            root: root.to_owned(),
            out: out.to_owned(),
            care,
            data: Data::read(&root.join("book"))?,
            told: Memo::new(),
            runs: Memo::new(),
            sheets: Mutex::new(BTreeMap::new()),
            sources: Mutex::new(BTreeSet::new()),
        })
    }

    /// Returns a sweep's words with as many runs as are wanted.
    pub fn careful(&self, words: &[String]) -> Vec<String> {
        let mut words = words.to_vec();
        let runs = words.iter().position(|word| word == "--runs").map(|at| at + 1);
        if let (Care::Few, Some(place)) = (self.care, runs.and_then(|at| words.get_mut(at))) {
            *place = FEW.to_string();
        }
        words
    }

    /// Runs a command line, without the word `trial`, and returns what it prints.
    ///
    /// # Errors
    /// If the tool refuses it. Verdicts other than the expected ones are not refusals.
    pub fn tell(&self, words: &[String]) -> Result<String, String> {
        let slot = self.told.slot(words);
        let told = slot.get_or_init(|| trial::tell(words.iter().map(String::as_str)));
        match told.code {
            0 | 1 | 3 => Ok(told.out.clone()),
            code => Err(format!("`trial {}` ends with {code}:\n{}", words.join(" "), told.err)),
        }
    }

    /// Runs the trial that words such as `NAME --set acks=all` mean, and hands it over.
    ///
    /// # Errors
    /// If there is none.
    pub fn run<T>(&self, words: &[String], f: impl FnOnce(&Run) -> T) -> Result<T, String> {
        let slot = self.runs.slot(words);
        let run = slot.get_or_init(|| {
            let (scenario, case, seed) = trial::named(words.iter().map(String::as_str))?;
            let trial = scenarios::run(&scenario, case, seed, Options::default());
            Ok(Run { scenario, trial })
        });
        run.as_ref().map(f).map_err(Clone::clone)
    }

    /// Keeps the style sheet of a picture; returns the class that it stands for.
    pub fn sheet(&self, css: &str) -> String {
        let class = format!("sheet-{:08x}", hash(css));
        let mut sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        sheets.entry(class.clone()).or_insert_with(|| css.to_owned());
        class
    }

    /// Returns the style sheets of all pictures, by their classes.
    pub fn sheets(&self) -> BTreeMap<String, String> {
        self.sheets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the text of a source file, and remembers that the book links to it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn source(&self, path: &str) -> Result<String, String> {
        let text = fs::read_to_string(self.root.join(path))
            .map_err(|error| format!("cannot read {path}: {error}"))?;
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
        Ok(text)
    }

    /// Returns the source files that the book links to.
    pub fn sources(&self) -> Vec<String> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.iter().cloned().collect()
    }
}

/// Returns a short name for a text (FNV-1a): the same one on every machine.
pub fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Writes a file, with the folders that it is in.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    fs::write(path, text).map_err(cannot)
}
