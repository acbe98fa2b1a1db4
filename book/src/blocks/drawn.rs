//! Pictures and pages of trials, and plots of sweeps.

use std::fs;

use super::Made;
use crate::directive::{Directive, line};
use crate::html::escape;
use crate::lang::Lang;
use crate::shop::{Shop, hash};

/// Plots that show many seeds.
const OF_SWEEPS: [&str; 5] = ["P01", "P02", "P09", "P10", "P12"];

/// `{{#picture NAME flags}}`: `trial show --as svg`, or `--as logs`.
pub fn picture(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let mut words = vec!["show".to_owned()];
    words.extend(directive.words.iter().cloned());
    if !directive.words().any(|word| word == "--as") {
        words.extend(["--as", "svg"].map(str::to_owned));
    }
    figure(words, lang, shop)
}

/// `{{#plot P08 FILE flags}}`: `trial plot` of one run; `{{#plot P01 FILE flags of a sweep}}`: of a
/// sweep, which is run first.
pub fn plot(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let [plot, rest @ ..] = directive.words.as_slice() else {
        return Err("write which plot: {{#plot P01 FILE}}".to_owned());
    };
    let chosen = ["--plot".to_owned(), plot.clone()];
    let mut words = vec!["plot".to_owned()];
    if !OF_SWEEPS.contains(&plot.as_str()) {
        words.extend(rest.iter().cloned());
        words.extend(chosen);
        return figure(words, lang, shop);
    }
    let mut sweep = vec!["sweep".to_owned()];
    sweep.extend(rest.iter().cloned());
    sweep.extend(["--out".to_owned(), "out".to_owned()]);
    let typed = format!("trial {}", line(&sweep));
    // Where it goes is no part of what a reader types.
    let folder = shop.out.join("sweeps").join(format!("{:08x}", hash(&typed)));
    let place = sweep.last_mut().expect("it has just been put there");
    *place = folder.display().to_string();
    shop.tell(&shop.careful(&sweep))?;
    words.push(folder.join("sweep.json").display().to_string());
    words.extend(chosen);
    let language = ["--lang", lang.code()].map(str::to_owned);
    words.extend(language);
    let svg = shop.tell(&words)?;
    let commands = [typed, format!("trial plot out/sweep.json --plot {plot}")];
    drawn(&svg, &commands, shop)
}

/// Draws what a command draws, with the command below it.
fn figure(mut words: Vec<String>, lang: Lang, shop: &Shop) -> Result<Made, String> {
    if lang == Lang::Zh {
        words.extend(["--lang", "zh"].map(str::to_owned));
    }
    let svg = shop.tell(&words)?;
    drawn(&svg, &[format!("trial {}", line(&words))], shop)
}

/// Puts a picture into a page, with the commands that draw it.
pub fn drawn(svg: &str, commands: &[String], shop: &Shop) -> Result<Made, String> {
    let (class, svg) = dressed(svg, shop)?;
    let commands: Vec<String> =
        commands.iter().map(|command| format!("<code>{}</code>", escape(command))).collect();
    Ok(Made::Block(format!(
        "<figure class=\"picture {class}\">{svg}<figcaption>{}</figcaption></figure>",
        commands.join("<br>")
    )))
}

/// Takes the style sheet out of a picture, because pages have a theme of their own.
fn dressed(svg: &str, shop: &Shop) -> Result<(String, String), String> {
    let svg = svg.find("<svg").map(|at| svg[at..].trim()).ok_or("the command drew no picture")?;
    let Some((before, rest)) = svg.split_once("<style>") else {
        return Ok((String::new(), svg.to_owned()));
    };
    let (sheet, after) = rest.split_once("</style>").ok_or("a style sheet does not end")?;
    let sheet = sheet.trim().trim_start_matches("<![CDATA[").trim_end_matches("]]>");
    Ok((shop.sheet(sheet), format!("{before}{after}")))
}

/// Returns a picture's style sheet for a page: its rules hold inside of `class` alone, and what
/// it says for dark screens holds for the dark theme of the book.
pub fn scoped(class: &str, sheet: &str) -> String {
    let (light, dark) = match sheet.find("@media") {
        None => (sheet, ""),
        Some(at) => {
            let (_, rules) = sheet[at..].split_once('{').unwrap_or_default();
            (&sheet[..at], rules.trim_end().strip_suffix('}').unwrap_or(rules))
        }
    };
    rules(light, &format!(".{class} ")) + &rules(dark, &format!("html.navy .{class} "))
}

fn rules(sheet: &str, before: &str) -> String {
    let mut scoped = String::new();
    for rule in sheet.split_inclusive('}') {
        if let Some((selectors, body)) = rule.split_once('{') {
            let selectors: Vec<String> =
                selectors.split(',').map(|it| format!("{before}{}", it.trim())).collect();
            scoped += &format!("{}{{{body}\n", selectors.join(","));
        }
    }
    scoped
}

/// `{{#page NAME flags --vary path=a,b}}`: the page of a trial, and a link to it.
pub fn page(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let Some(name) = directive.words.first() else {
        return Err("write which scenario: {{#page NAME}}".to_owned());
    };
    let flags = line(&directive.words[1..]);
    let stem = name.rsplit('/').next().unwrap_or(name);
    let file = match flags.is_empty() {
        true => format!("runs/{stem}.html"),
        false => format!("runs/{stem}-{:08x}.html", hash(&flags)),
    };
    let path = shop.out.join(lang.code()).join(&file);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut words = vec!["run".to_owned()];
    words.extend(directive.words.iter().cloned());
    words.extend(["--quiet".to_owned(), "--report".to_owned(), path.display().to_string()]);
    words.extend(["--lang".to_owned(), lang.code().to_owned()]);
    shop.tell(&words)?;
    let title =
        shop.run(std::slice::from_ref(name), |run| lang.say(&run.scenario.title).to_owned())?;
    let open = lang.pick("Open the player", "打开播放器");
    let keys = lang.pick(
        "It asks first. Then: space plays, arrows step, click a record to follow it.",
        "它会先提问。之后：空格播放，方向键单步，点击一条记录可跟踪它。",
    );
    let typed = escape(&format!("trial run {} --report {stem}.html", line(&directive.words)));
    Ok(Made::Block(format!(
        "<p class=\"player\"><a href=\"{file}\" target=\"_blank\">▶ {open}</a> <strong>{}</strong><br>{keys}\
         <br><code>{typed}</code></p>",
        escape(&title)
    )))
}
