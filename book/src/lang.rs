//! The two languages of the book.

use reports::words::{EN, Words, ZH};
use scenarios::{Language, Text};
use serde::Deserialize;

/// A language that the book is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lang {
    /// English.
    En,
    /// Chinese.
    Zh,
}

/// A text of a data file, in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Both {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

impl Lang {
    /// Both of them.
    pub const ALL: [Lang; 2] = [Lang::En, Lang::Zh];

    /// Returns the name of its folder, which is also what `--lang` calls it.
    pub fn code(self) -> &'static str {
        self.pick("en", "zh")
    }

    /// Returns what browsers call it.
    pub fn tag(self) -> &'static str {
        self.pick("en", "zh-CN")
    }

    /// Returns one of two texts.
    pub fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// Returns the table of words of reports.
    pub fn words(self) -> &'static Words {
        self.pick(&EN, &ZH)
    }

    /// Returns a text of a scenario.
    pub fn say(self, text: &Text) -> &str {
        text.say(self.pick(Language::English, Language::Chinese))
    }
}

impl Both {
    /// Returns the text in a language.
    pub fn of(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh)
    }
}
