//! A folder for a USB stick: the tool, the book, pages that play, exercises, handouts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::data::{Data, Page, Part};
use crate::html::escape;
use crate::lang::Lang;
use crate::shop::write;

/// What a folder must have to be written over.
const README: &str = "README.md";

/// The page that opens the folder, with marks for what is listed.
const INDEX: &str = include_str!("../assets/bundle.html");

/// What the folder says of itself: three sentences in each language.
const SAYS: &str = "\
# Trial

Open `index.html` in any browser: the book in English and Chinese, the pages of the lectures, handouts and exercises. \
Nothing needs a network.
Run `./trial demo acks1-leader-crash` in a terminal to go through a lesson step by step, and `./trial --help` to see what else \
there is.
Print `handouts/`, hand out `exercises/`, and grade what comes back with `./trial grade 07-fault-budget FOLDER`; \
`./trial handout 7 --student ID -o sheet.html` prints a student's own values.

用任意浏览器打开 `index.html`：中英文的书、讲座的页面、讲义和练习都在那里，全都不需要网络。
在终端运行 `./trial demo acks1-leader-crash`，一步一步走完一课；`./trial --help` 列出其余命令。
打印 `handouts/`，分发 `exercises/`，再用 `./trial grade 07-fault-budget FOLDER` 给收回的答卷评分；\
每个学生自己的取值用 `./trial handout 7 --student ID -o sheet.html` 打印。
";

/// Makes sure that a folder is empty, new, or a bundle already.
///
/// # Errors
/// If it holds something else.
pub fn prepare(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut entries =
        fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let is_ours = fs::read_to_string(folder.join(README)).is_ok_and(|text| text == SAYS);
    if entries.next().is_some() && !is_ours {
        return Err(format!("{} is neither empty nor a bundle", folder.display()));
    }
    write(&folder.join(README), SAYS)
}

/// Writes what lies beside the book and the tool: pages of lessons, handouts, exercises, and the
/// page that leads to all of it.
///
/// # Errors
/// What the tool says if it refuses, or why a file cannot be written.
pub fn furnish(root: &Path, folder: &Path) -> Result<(), String> {
    let packs = trial::packs();
    let lessons: BTreeSet<&str> =
        packs.iter().flat_map(|pack| &pack.lesson).map(|lesson| lesson.show.as_str()).collect();
    for name in lessons {
        let page = tell(&["show", name, "--as", "html"])?;
        write(&folder.join("reports").join(format!("{name}.html")), &page)?;
    }
    for chapter in trial::written() {
        for lang in Lang::ALL {
            let (code, place) = (lang.code(), folder.join("handouts"));
            let words = ["handout", chapter.as_str(), "--lang", code];
            write(&place.join(format!("{chapter}.{code}.html")), &tell(&words)?)?;
            let solved = [&words[..], &["--solution"]].concat();
            write(&place.join(format!("{chapter}.{code}.solution.html")), &tell(&solved)?)?;
        }
    }
    for (name, text) in trial::exercises() {
        write(&folder.join("exercises").join(format!("{name}.toml")), text)?;
    }
    write(&folder.join("index.html"), &index(&Data::read(&root.join("book"))?.parts))
}

/// Draws the page that leads to everything in the folder.
fn index(parts: &[Part]) -> String {
    let pages: Vec<&Page> = parts.iter().flat_map(|part| &part.page).collect();
    let title = |id: &str, lang| {
        let page = pages.iter().find(|page| page.id == id);
        escape(&page.map_or_else(|| id.to_owned(), |page| page.title(lang)))
    };
    let both = |id: &str| {
        format!("{} · <span lang=\"zh-CN\">{}</span>", title(id, Lang::En), title(id, Lang::Zh))
    };
    let mut lectures = String::new();
    for pack in trial::packs() {
        let (en, zh) = (escape(&pack.title.en), escape(&pack.title.zh));
        let head = format!("{} min: {en} · <span lang=\"zh-CN\">{zh}</span>", pack.id);
        lectures += &format!("<h3>{head}</h3>\n<table>\n");
        for lesson in &pack.lesson {
            let (show, minutes) = (&lesson.show, lesson.minutes);
            lectures += &format!(
                "<tr><td><a href=\"reports/{show}.html\">{}</a></td><td>{minutes} min</td></tr>\n",
                both(&lesson.chapter)
            );
        }
        lectures += "</table>\n";
    }
    let mut handouts = String::from("<table>\n");
    for chapter in trial::written() {
        handouts += &format!("<tr><td>{}</td>", both(&chapter));
        for lang in Lang::ALL {
            let place = format!("handouts/{chapter}.{}", lang.code());
            let [sheet, solved] = lang.pick(["sheet", "solution"], ["讲义", "解答"]);
            handouts += &format!(
                "<td lang=\"{}\"><a href=\"{place}.html\">{sheet}</a> · \
                 <a href=\"{place}.solution.html\">{solved}</a></td>",
                lang.tag()
            );
        }
        handouts += "</tr>\n";
    }
    handouts += "</table>";
    let mut exercises = String::from("<ul>\n");
    for (name, _) in trial::exercises() {
        exercises += &format!("<li><a href=\"exercises/{name}.toml\">{name}</a></li>\n");
    }
    exercises += "</ul>";
    INDEX
        .replace("<!-- lectures -->", &lectures)
        .replace("<!-- handouts -->", &handouts)
        .replace("<!-- exercises -->", &exercises)
}

/// Builds the tool as this program was built, and puts it into the folder.
///
/// # Errors
/// If it cannot be built or copied.
pub fn tool(root: &Path, folder: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(root).args(["build", "--quiet", "--package", "trial", "--bin", "trial"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let status = build.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err("the tool cannot be built".to_owned());
    }
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let name = format!("trial{}", std::env::consts::EXE_SUFFIX);
    let (from, to) = (here.with_file_name(&name), folder.join(&name));
    fs::copy(&from, &to).map_err(|error| format!("cannot copy {}: {error}", from.display()))?;
    Ok(to)
}

/// Runs a command line of the tool, without the word `trial`.
fn tell(words: &[&str]) -> Result<String, String> {
    let told = trial::tell(words.iter().copied());
    match told.code {
        0 => Ok(told.out),
        code => Err(format!("`trial {}` ends with {code}:\n{}", words.join(" "), told.err)),
    }
}
