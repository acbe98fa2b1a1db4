//! Searches, and what is done with what they find.

use std::fs;
use std::path::{Path, PathBuf};

use super::Made;
use super::console::{block, plain};
use super::drawn::drawn;
use crate::directive::{Directive, line, words};
use crate::html::escape;
use crate::lang::Lang;
use crate::shop::{Shop, hash};

/// Where findings go for readers, who type the commands in a folder of their own.
const THEIRS: &str = "out";

/// A search that was made.
struct Hunt {
    /// The words of the command, as a reader types them.
    typed: Vec<String>,
    /// What it printed.
    told: String,
    /// Where its findings lie.
    folder: PathBuf,
}

/// `{{#fuzz FILE flags}}`: `trial fuzz`.
pub fn fuzz(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let hunt = Hunt::made(&directive.words, lang, shop)?;
    Ok(Made::Block(block(&hunt.typed, &hunt.theirs(&hunt.told))))
}

/// `{{#found FILE flags | command flags}}`: a command about the first finding of that search; the
/// command `file` shows the file itself, and one with `--as svg` or `--plot` a picture.
pub fn found(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let [command, flags @ ..] = directive.part(0) else {
        return Err("write what to do with it: {{#found FILE flags | replay}}".to_owned());
    };
    let hunt = Hunt::made(&directive.words, lang, shop)?;
    let finding = hunt.finding()?;
    if command == "file" {
        return file(&hunt, &finding, lang);
    }
    let mut asked = vec![command.clone(), finding];
    asked.extend(flags.iter().cloned());
    if lang == Lang::Zh {
        asked.extend(["--lang", "zh"].map(str::to_owned));
    }
    let typed: Vec<String> = asked.iter().map(|word| hunt.theirs(word)).collect();
    let plot = hunt.placed("--plot", &mut asked)?;
    hunt.placed("--as-scenario", &mut asked)?;
    let is_picture = asked.iter().any(|word| word == "--as");
    if !is_picture && plot.is_none() {
        asked.extend(["--color", "always"].map(str::to_owned));
    }
    let told = shop.tell(&asked)?;
    let svg = match plot {
        Some(path) => read(&path)?,
        None if is_picture => told,
        None => return Ok(Made::Block(block(&typed, &hunt.theirs(&told)))),
    };
    drawn(&hunt.theirs(&svg), &[format!("trial {}", line(&typed))], shop)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))
}

impl Hunt {
    /// Searches, unless the same search was made for this language already.
    fn made(flags: &[String], lang: Lang, shop: &Shop) -> Result<Hunt, String> {
        let mut typed = vec!["fuzz".to_owned()];
        typed.extend(flags.iter().cloned());
        if lang == Lang::Zh {
            typed.extend(["--lang", "zh"].map(str::to_owned));
        }
        let folder = shop.out.join("searches").join(format!("{:08x}", hash(&line(&typed))));
        let place = folder.display().to_string();
        let mut asked = typed.clone();
        asked.extend(["--out", &place, "--color", "always"].map(str::to_owned));
        let told = shop.tell(&asked)?;
        Ok(Hunt { typed, told, folder })
    }

    /// Returns a text with the folder that readers have.
    fn theirs(&self, text: &str) -> String {
        text.replace(&self.folder.display().to_string(), THEIRS)
    }

    /// Lets a file that a command writes lie beside the findings; returns its place.
    fn placed(&self, flag: &str, asked: &mut [String]) -> Result<Option<PathBuf>, String> {
        let Some(at) = asked.iter().position(|word| word == flag) else { return Ok(None) };
        let file = asked.get_mut(at + 1).ok_or_else(|| format!("{flag} needs a file's name"))?;
        let path = self.folder.join(&*file);
        *file = path.display().to_string();
        Ok(Some(path))
    }

    /// Returns the file of the first finding.
    fn finding(&self) -> Result<String, String> {
        let told = self.told.lines().map(plain);
        let again = told.filter_map(|row| {
            let (_, command) = row.split_once("trial replay ")?;
            words(command).into_iter().next()
        });
        let searched = || format!("`trial {}` finds nothing", line(&self.typed));
        again.into_iter().next().ok_or_else(searched)
    }
}

/// Shows the file of a finding, folded.
fn file(hunt: &Hunt, finding: &str, lang: Lang) -> Result<Made, String> {
    let text = read(Path::new(finding))?;
    let summary = lang.pick("The finding as a file", "写成文件的发现");
    Ok(Made::Block(format!(
        "<details class=\"rule\"><summary>{summary} <code>{}</code></summary>\
         <pre><code class=\"language-toml\">{}</code></pre></details>",
        escape(&hunt.theirs(finding)),
        escape(text.trim_end())
    )))
}
