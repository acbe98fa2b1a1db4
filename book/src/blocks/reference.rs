//! Tables of words, made from the code that knows them.

use model::config::is_unmodelled;
use model::message::ErrorCode;
use scenarios::codes::Code;
use scenarios::search::kills::Kills;
use scenarios::{Overrides, parse};
use trial::{What, every_setting, vocabulary};

use super::Made;
use super::console::block;
use crate::data::Key;
use crate::directive::Directive;
use crate::html::{escape, sentence};
use crate::lang::Lang;
use crate::shop::Shop;

/// Settings of Kafka's that scenarios of the notes would use, and that are refused.
const SOME_REFUSED: &[&str] =
    &["transactional.id", "isolation.level", "cleanup.policy", "compression.type", "client.rack"];

/// `{{#reference WHAT}}`: a table.
pub fn reference(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let what = directive.words.first().map_or("", String::as_str);
    let listed = |what| Ok(Made::Block(words(&vocabulary(what, lang.words()))));
    match what {
        "claims" => listed(What::Claims),
        "anomalies" => listed(What::Anomalies),
        "scenarios" => Ok(Made::Block(library(lang))),
        "faults" => listed(What::Faults),
        "verbs" => listed(What::Verbs),
        "rules" => listed(What::Rules),
        "mutants" => listed(What::Mutants),
        "kills" => Ok(Made::Block(kills(lang))),
        "facts" => listed(What::Facts),
        "codes" => listed(What::Codes),
        "errors" => Ok(Made::Block(errors(lang))),
        "settings" => Ok(Made::Block(settings(lang))),
        "commands" => commands(lang, shop),
        "keys" => keys(lang, shop).map(Made::Block),
        "coming" => Ok(Made::Block(coming(lang, shop))),
        "glossary" => Ok(Made::Block(glossary(lang, shop))),
        what => Err(format!("there is no reference of {what:?}")),
    }
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let mut html = format!("<table class=\"reference\"><thead><tr>{heads}</tr></thead><tbody>");
    for row in rows {
        let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        html += &format!("<tr>{cells}</tr>");
    }
    html + "</tbody></table>"
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

fn words(words: &[(String, String)]) -> String {
    let mut html = String::from("<dl class=\"reference\">");
    for (name, meaning) in words {
        let id = name.replace(['=', ' ', '(', ')'], "-");
        html += &format!("<dt id=\"{id}\">{}</dt><dd>{}</dd>", code(name), sentence(meaning));
    }
    html + "</dl>"
}

fn library(lang: Lang) -> String {
    let titles = vocabulary(What::Scenarios, lang.words());
    let title =
        |name: &str| titles.iter().find(|(it, _)| it == name).map_or("", |(_, title)| title);
    let mut html = String::new();
    let mut folder = "";
    for entry in scenarios::library() {
        if entry.folder != folder {
            html += if folder.is_empty() { "" } else { "</dl>" };
            folder = entry.folder;
            html += &format!("<h3 id=\"{folder}\">{folder}</h3><dl class=\"reference\">");
        }
        html += &format!("<dt>{}</dt><dd>{}</dd>", code(entry.name), sentence(title(entry.name)));
    }
    html + "</dl>"
}

/// How soon a search of anything noticed each broken rule when that was last measured.
fn kills(lang: Lang) -> String {
    let who = |clients| match clients {
        true => lang.pick("clients", "客户端"),
        false => lang.pick("only who sees inside", "只有看得见内部的人"),
    };
    let rows = Kills::recorded().rules.into_iter().map(|it| {
        let median = it.median.map_or_else(|| "–".to_owned(), |runs| runs.to_string());
        let killed = format!("{}/{}", it.took.len(), it.campaigns);
        let by: Vec<String> = it.by.iter().map(|name| code(name)).collect();
        let noticed = match it.survives {
            Some(reason) => escape(&reason),
            None => format!("{} ({})", by.join(" "), who(it.clients)),
        };
        vec![code(&it.id), median, killed, it.scenarios.to_string(), noticed]
    });
    let heads = lang.pick(
        ["rule", "runs (median)", "campaigns", "scenarios", "noticed by"],
        ["规则", "运行次数（中位数）", "搜索", "场景", "由谁发现"],
    );
    table(&heads, rows)
}

fn errors(lang: Lang) -> String {
    let known = vocabulary(What::Errors, lang.words());
    let rows = ErrorCode::ALL.iter().map(|error| {
        let meaning = known.iter().find(|(name, _)| name == error.name());
        let meaning = meaning.map_or("", |(_, meaning)| meaning);
        vec![error.code().to_string(), code(error.name()), sentence(meaning)]
    });
    table(lang.pick(&["number", "name", "meaning"], &["编号", "名称", "含义"]), rows)
}

fn settings(lang: Lang) -> String {
    let [none, by_default] = lang.pick(["no default", "default"], ["无默认值", "默认"]);
    let mut html = String::new();
    let mut section = "";
    for (kind, place, setting) in every_setting() {
        if kind != section {
            html += if section.is_empty() { "" } else { "</dl>" };
            section = kind;
            html += &format!(
                "<h3 id=\"{kind}\">{kind}</h3><p>{}</p><dl class=\"reference\">",
                sentence(place)
            );
        }
        let default = match setting.default.is_empty() {
            true => none.to_owned(),
            false => format!("{by_default} {}", code(&setting.default)),
        };
        html +=
            &format!("<dt>{} {default}</dt><dd>{}</dd>", code(setting.name), sentence(setting.doc));
    }
    html += "</dl>";
    let refused: Vec<String> =
        SOME_REFUSED.iter().filter(|it| is_unmodelled(it)).map(|it| code(it)).collect();
    if !refused.is_empty() {
        let text = lang.pick(
            "A setting that Kafka has and no rule obeys is refused, for example",
            "Kafka 有、但没有规则遵守的配置项会被拒绝，例如",
        );
        html += &format!("<p>{text} {}.</p>", refused.join(" "));
    }
    html
}

fn commands(lang: Lang, shop: &Shop) -> Result<Made, String> {
    let mut pieces = Vec::new();
    let commands = trial::commands();
    let shown =
        commands.get_subcommands().filter(|it| !it.is_hide_set() && it.get_name() != "help");
    let all = lang.pick("All commands", "全部命令");
    let mut add = |title: &str, words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        pieces.push(Made::Markdown(format!("\n\n## {title}\n\n")));
        pieces.push(Made::Block(block(&words, &shop.tell(&words)?)));
        Ok::<(), String>(())
    };
    add(all, &["--help"])?;
    for command in shown {
        let name = command.get_name();
        add(&format!("`trial {name}`"), &[name, "--help"])?;
    }
    Ok(Made::Many(pieces))
}

/// The keys that the reader of scenario files knows, table by table. It is asked by a file with a
/// key in each table that it does not know, and says which ones it does.
fn keys(lang: Lang, shop: &Shop) -> Result<String, String> {
    let probe = shop.data.probe.as_str();
    let problems = match parse("probe", probe, &Overrides::default()) {
        Ok(_) => return Err("the probe has nothing unknown in it".to_owned()),
        Err(problems) => problems,
    };
    let mut html = String::new();
    let mut described: Vec<(&str, String)> = Vec::new();
    for problem in problems.iter().filter(|it| it.code == Code::UnknownField) {
        let help = problem.help.as_deref().unwrap_or_default();
        let row = probe[problem.span.start..].lines().next().unwrap_or_default();
        let table = row.rsplit("# ").next().unwrap_or_default().trim();
        if !help.starts_with("Known here") {
            continue;
        }
        let shown = lang.pick(table, if table == "the file" { "文件" } else { table });
        html += &format!("<h3>{}</h3><dl class=\"reference\">", escape(shown));
        for name in help.split('`').skip(1).step_by(2) {
            let known = shop.data.keys.iter().find(|it| it.of == table && it.name == name);
            let means = known.map_or("–", |it| it.means.of(lang));
            html += &format!("<dt>{}</dt><dd>{}</dd>", code(name), sentence(means));
            described.push((table, name.to_owned()));
        }
        html += "</dl>";
    }
    let known = |key: &&Key| described.iter().any(|(of, name)| *of == key.of && *name == key.name);
    match shop.data.keys.iter().find(|key| !known(key)) {
        Some(odd) => {
            Err(format!("{} has no key {:?}, which keys.toml describes", odd.of, odd.name))
        }
        None => Ok(html),
    }
}

/// Chapters without a file, and why there is none.
fn coming(lang: Lang, shop: &Shop) -> String {
    let folder = crate::chapter::folder(&shop.root, lang);
    let pages = shop.data.parts.iter().flat_map(|part| &part.page);
    let missing = pages.filter(|page| !folder.join(format!("{}.md", page.id)).is_file());
    let mut html = String::from("<dl class=\"reference\">");
    for page in missing {
        let unwritten = lang.pick(
            "Its subject is modelled; the chapter is not written.",
            "主题已建模，章节尚未写成。",
        );
        let why = page.coming.as_ref().map_or(unwritten, |it| it.of(lang));
        html += &format!("<dt>{}</dt><dd>{}</dd>", escape(&page.title(lang)), sentence(why));
    }
    html + "</dl>"
}

fn glossary(lang: Lang, shop: &Shop) -> String {
    let heads = lang.pick(
        ["English", "中文", "the notes also say", "meaning"],
        ["中文", "English", "笔记里也叫", "含义"],
    );
    let rows = shop.data.glossary.iter().map(|term| {
        let (first, second) =
            lang.pick((&term.word.en, &term.word.zh), (&term.word.zh, &term.word.en));
        vec![
            escape(first),
            escape(second),
            escape(&term.also.join("、")),
            sentence(term.means.of(lang)),
        ]
    });
    table(&heads, rows)
}
