//! The book, in two languages: chapters are short Markdown, and what they show is made here by
//! running their scenarios.
//!
//! In reading order:
//! - [`lang`]: the languages; [`data`]: claims of the notes, words, exercises
//! - [`directive`]: what stands between `{{#` and `}}`; [`blocks`]: what it becomes
//! - [`shop`]: trials, each run once for both languages
//! - [`chapter`]: a chapter with its directives made; [`press`]: chapters through mdBook
//! - [`search`]: what the search of the book reads
//! - [`check`]: parity of the languages, the template, links
//! - [`bundle`]: everything in a folder that needs no network

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub mod blocks;
pub mod bundle;
pub mod chapter;
pub mod check;
pub mod data;
pub mod directive;
pub mod html;
pub mod lang;
pub mod press;
pub mod search;
pub mod shop;

use crate::lang::Lang;
use crate::shop::{Care, Shop};

/// What was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Built {
    /// Pages of one language.
    pub pages: usize,
}

/// Returns the root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Builds the book; only some chapters if `only` names any.
///
/// # Errors
/// Everything that is wrong, with its file and line.
pub fn build(root: &Path, out: &Path, care: Care, only: &[String]) -> Result<Built, Vec<String>> {
    let one = |problem: String| vec![problem];
    let out = std::path::absolute(out).map_err(|error| one(error.to_string()))?;
    let shop = Shop::open(root, &out, care).map_err(one)?;
    let sources = chapter::sources(root, only).map_err(one)?;
    for lang in Lang::ALL {
        press::clear(&out.join(lang.code())).map_err(one)?;
    }
    let (done, problems) = chapter::make_all(&sources, &shop);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut pages = 0;
    for lang in Lang::ALL {
        let chapters: BTreeMap<_, _> = done
            .iter()
            .filter(|(key, _)| key.0 == lang)
            .map(|((_, name), made)| (name.as_str(), made))
            .collect();
        pages = press::print(lang, &chapters, &shop).map_err(one)?;
    }
    press::extras(&shop).map_err(one)?;
    Ok(Built { pages })
}
