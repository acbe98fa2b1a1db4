//! From chapters to pages: mdBook, and what it leaves to do.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use mdbook_driver::MDBook;
use mdbook_driver::book::BookItem;
use mdbook_driver::config::Config;
use mdbook_summary::parse_summary;

use crate::blocks::{code_page, scoped};
use crate::chapter::{Chapter, folder};
use crate::lang::Lang;
use crate::search;
use crate::shop::{Shop, write};

/// What mdBook says in English alone.
const CHROME: &[(&str, &str)] = &[
    ("Toggle Table of Contents", "显示或隐藏目录"),
    ("Change theme", "更换主题"),
    ("Table of contents", "目录"),
    ("Page navigation", "翻页"),
    ("Previous chapter", "上一章"),
    ("Next chapter", "下一章"),
    ("Keyboard shortcuts", "快捷键"),
    ("to navigate between chapters", "在各章之间移动"),
    ("to show this help", "显示本帮助"),
    ("to hide this help", "关闭本帮助"),
    (">Auto</button>", ">跟随系统</button>"),
    (">Light</button>", ">浅色</button>"),
    (">Dark</button>", ">深色</button>"),
    ("<p>Press ", "<p>按 "),
    ("</kbd> or <kbd>", "</kbd> 或 <kbd>"),
];
/// Where the link to the other language goes.
const OTHER: &str = "@other@";

/// Empties a folder for pages.
///
/// # Errors
/// If it cannot be emptied.
pub fn clear(folder: &Path) -> Result<(), String> {
    match folder.is_dir() {
        true => fs::remove_dir_all(folder)
            .map_err(|error| format!("cannot empty {}: {error}", folder.display())),
        false => Ok(()),
    }
}

/// Prints the chapters of a language; returns how many pages there are.
///
/// # Errors
/// If mdBook cannot, or a file cannot be written.
pub fn print(
    lang: Lang,
    chapters: &BTreeMap<&str, &Chapter>,
    shop: &Shop,
) -> Result<usize, String> {
    let folder = shop.out.join(lang.code());
    let runs = folder.join("runs");
    // mdBook empties its folder, and the pages of the runs are there already.
    let aside = shop.out.join(format!("runs-{}", lang.code()));
    let cannot = |error: std::io::Error| format!("cannot move {}: {error}", runs.display());
    clear(&aside)?;
    if runs.is_dir() {
        fs::rename(&runs, &aside).map_err(cannot)?;
    }
    render(lang, chapters, shop, &folder).map_err(|error| format!("{error:#}"))?;
    if aside.is_dir() {
        fs::rename(&aside, &runs).map_err(cannot)?;
    }
    fs::remove_file(folder.join("404.html")).map_err(|error| format!("404.html: {error}"))?;
    finish(lang, chapters, &folder)
}

fn render(
    lang: Lang,
    chapters: &BTreeMap<&str, &Chapter>,
    shop: &Shop,
    folder: &Path,
) -> mdbook_driver::errors::Result<()> {
    let root = shop.root.join("book");
    let mut config = Config::from_str(&fs::read_to_string(root.join("book.toml"))?)?;
    config.book.src = format!("{}/src", lang.code()).into();
    config.book.language = Some(lang.tag().to_owned());
    config.book.title =
        Some(lang.pick("Kafka's guarantees on trial", "审判 Kafka 的承诺").to_owned());
    config.build.build_dir = folder.to_owned();
    let summary = parse_summary(&contents(lang, shop))?;
    let mut book = MDBook::load_with_config_and_summary(root, config, summary)?;
    book.book.for_each_mut(|item| {
        if let BookItem::Chapter(it) = item {
            let path = it.path.as_deref().and_then(|path| path.file_stem());
            let name = path.and_then(|stem| stem.to_str()).unwrap_or_default();
            it.content = chapters.get(name).map_or(String::new(), |chapter| chapter.text.clone());
        }
    });
    book.build()
}

/// Returns the table of contents as mdBook reads it: the pages that exist.
fn contents(lang: Lang, shop: &Shop) -> String {
    let mut text = String::from("# -\n");
    let folder = folder(&shop.root, lang);
    for part in &shop.data.parts {
        let pages: Vec<_> =
            part.page.iter().filter(|it| folder.join(format!("{}.md", it.id)).is_file()).collect();
        if !pages.is_empty() && !part.title.of(lang).is_empty() {
            text += &format!("\n# {}\n", part.title.of(lang));
        }
        for page in pages {
            text += &format!("\n- [{}]({}.md)", page.title(lang), page.id);
        }
        text += "\n";
    }
    text
}

/// Puts blocks at their marks, translates what mdBook says, and writes what the search reads.
fn finish(lang: Lang, chapters: &BTreeMap<&str, &Chapter>, folder: &Path) -> Result<usize, String> {
    let mut pages = Vec::new();
    let mut names: Vec<&str> = chapters.keys().copied().collect();
    names.push("index");
    let first = first_page(folder)?;
    for name in names {
        let path = folder.join(format!("{name}.html"));
        let Ok(page) = fs::read_to_string(&path) else {
            return Err(format!("{name}.md is not in book/data/chapters.toml ({})", lang.code()));
        };
        let source = if name == "index" { first.as_str() } else { name };
        let mut page = match chapters.get(source) {
            Some(chapter) => chapter.filled(page).map_err(|why| format!("{name}: {why}"))?,
            None => page,
        };
        let other = lang.pick(Lang::Zh, Lang::En).code();
        page = page.replace(OTHER, &format!("../{other}/{source}.html"));
        page = page.replace(">Navy</button>", ">Dark</button>");
        if lang == Lang::Zh {
            page = CHROME.iter().fold(page, |page, (en, zh)| page.replace(en, zh));
        }
        write(&path, &page)?;
        if name != "index" {
            pages.push((name, page));
        }
    }
    write(&folder.join("searchtext.js"), &search::index(&pages))?;
    Ok(pages.len())
}

/// Returns the name of the chapter that is also the index.
fn first_page(folder: &Path) -> Result<String, String> {
    let toc =
        fs::read_to_string(folder.join("toc.html")).map_err(|it| format!("toc.html: {it}"))?;
    let link = toc.split("href=\"").skip(1).filter_map(|rest| rest.split_once(".html\""));
    let mut names = link.map(|(name, _)| name).filter(|name| !name.contains('/'));
    names.next().map(str::to_owned).ok_or_else(|| "toc.html links to no chapter".to_owned())
}

/// Writes what both languages share: the door, the sources that chapters link to, the style
/// sheets of pictures.
///
/// # Errors
/// If a file cannot be written.
pub fn extras(shop: &Shop) -> Result<(), String> {
    let door = fs::read_to_string(shop.root.join("book/assets/door.html"))
        .map_err(|error| format!("cannot read door.html: {error}"))?;
    write(&shop.out.join("index.html"), &door)?;
    clear(&shop.out.join("code"))?;
    // What plots and findings were made from is no part of the book.
    for scratch in ["sweeps", "searches"] {
        clear(&shop.out.join(scratch))?;
    }
    for path in shop.sources() {
        let page = code_page(&path, &shop.source(&path)?);
        write(&shop.out.join("code").join(format!("{path}.html")), &page)?;
    }
    let sheets: String = shop.sheets().iter().map(|(class, sheet)| scoped(class, sheet)).collect();
    for lang in Lang::ALL {
        write(&shop.out.join(lang.code()).join("pictures.css"), &sheets)?;
    }
    Ok(())
}
