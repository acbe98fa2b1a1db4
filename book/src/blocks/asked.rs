//! What readers are asked: questions before a run, claims of the notes, exercises.

use super::Made;
use super::judged::{badge, looked_at};
use crate::data::{Deciding, Exercise, Graded, NotesClaim};
use crate::directive::{self, Directive};
use crate::html::{escape, sentence};
use crate::lang::Lang;
use crate::shop::Shop;

/// `{{#about minutes=12 concepts=24,33 claims=C1,C3}}`: what a chapter takes and covers.
pub fn about(directive: &Directive, lang: Lang) -> Result<Made, String> {
    let mut shown = Vec::new();
    for word in directive.words() {
        let (key, value) = word.split_once('=').ok_or_else(|| format!("{word:?} has no `=`"))?;
        let value = escape(&value.replace(',', " "));
        shown.push(match key {
            "minutes" => format!("{value} {}", lang.pick("minutes", "分钟")),
            "concepts" => format!("{} {value}", lang.pick("concepts", "概念")),
            "claims" => format!("{} {value}", lang.pick("claims", "说法")),
            key => return Err(format!("a chapter says nothing of {key:?}")),
        });
    }
    Ok(Made::Block(format!("<p class=\"about\">{}</p>", shown.join(" · "))))
}

/// Opens the notes for the lecturer; `{{#end}}` closes them.
pub fn notes(lang: Lang) -> String {
    let summary = lang.pick("Unfold the notes", "展开笔记");
    format!("<details class=\"notes\"><summary>{summary}</summary>")
}

/// `{{#predict NAME}}`: the question of a scenario; what follows in the chapter stays covered
/// until it is answered.
pub fn predict(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    shop.run(&directive.words, |run| {
        let asked = run.scenario.ask.as_ref();
        let ask = asked.ok_or_else(|| format!("{} has no [ask]", run.scenario.name))?;
        let mut html = format!(
            "<div class=\"predict\" data-answer=\"{}\"><p class=\"question\">{}</p><ol>",
            ask.answer,
            sentence(lang.say(&ask.question))
        );
        for option in &ask.options {
            html += &format!("<li><button type=\"button\">{}</button></li>", escape(lang.say(option)));
        }
        let right = ask.options.get(ask.answer).map_or("", |option| lang.say(option));
        let summary = lang.pick("The answer", "答案");
        html += &format!(
            "</ol><details><summary>{summary}</summary><p><strong>{}. {}</strong></p><p>{}</p></details></div>",
            ask.answer + 1,
            escape(right),
            sentence(lang.say(&ask.because))
        );
        Ok(Made::Block(html))
    })?
}

/// `{{#claim C6}}`: what the notes say, when it is true, and the runs that decide it.
pub fn claim(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let [id] = directive.words.as_slice() else {
        return Err("write which claim: {{#claim C6}}".to_owned());
    };
    let known = shop.data.claims.iter().find(|claim| claim.id == *id);
    let claim = known.ok_or_else(|| format!("no claim is called {id:?}"))?;
    Ok(Made::Block(card(claim, lang, shop)?))
}

/// `{{#claims}}`: all of them, as cards.
pub fn claims(lang: Lang, shop: &Shop) -> Result<Made, String> {
    let cards: Result<Vec<String>, String> =
        shop.data.claims.iter().map(|claim| card(claim, lang, shop)).collect();
    Ok(Made::Block(cards?.concat()))
}

fn card(claim: &NotesClaim, lang: Lang, shop: &Shop) -> Result<String, String> {
    let [say, check] = lang.pick(["The notes say:", "Check:"], ["笔记里说：", "检验："]);
    let mut html = format!(
        "<div class=\"claim\"><p><span class=\"id\">{}</span> <em>{say}</em> {}</p><p><em>{check}</em> {}</p>",
        claim.id,
        sentence(claim.says.of(lang)),
        sentence(claim.check.of(lang))
    );
    if claim.run.is_empty() {
        let coming = lang.pick(
            "Not decided here yet: its subject is not modelled.",
            "此处尚未裁定：主题还没有建模。",
        );
        html += &format!("<p class=\"coming\">{coming}</p>");
    } else {
        html += "<ul>";
        for deciding in &claim.run {
            html += &decided(&claim.id, deciding, lang, shop)?;
        }
        html += "</ul>";
    }
    Ok(html + "</div>")
}

/// Runs one deciding trial, and draws it if it came out as the data says.
fn decided(id: &str, deciding: &Deciding, lang: Lang, shop: &Shop) -> Result<String, String> {
    let words: Vec<String> = deciding.trial.split_whitespace().map(str::to_owned).collect();
    let (standing, count) = shop.run(&words, |run| looked_at(run, &deciding.look))??;
    if standing != deciding.comes {
        let (trial, look, comes) = (&deciding.trial, &deciding.look, &deciding.comes);
        return Err(format!(
            "{id}: {look} {standing} in `{trial}`, and should have come as {comes}"
        ));
    }
    let count = if count == 0 { String::new() } else { format!(" ({count})") };
    let look = match deciding.look.as_str() {
        "expected" => lang.pick("what the scenario expects", "场景的期望"),
        look => look.strip_prefix("anomaly:").unwrap_or(look),
    };
    let colon = lang.pick(": ", "：");
    Ok(format!(
        "<li>{}{colon}{} <code>{}</code>{count} <span class=\"source\"><code>trial run {}</code></span></li>",
        escape(deciding.label.of(lang)),
        badge(standing, lang),
        escape(look),
        escape(&deciding.trial)
    ))
}

/// `{{#exercise ID}}`: what to do, and what is graded.
pub fn exercise(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let [id] = directive.words.as_slice() else {
        return Err("write which exercise: {{#exercise ID}}".to_owned());
    };
    let known = shop.data.exercises.iter().find(|it| it.id == *id);
    let exercise = known.ok_or_else(|| format!("no exercise is called {id:?}"))?;
    let points = exercise.points;
    let mut html = format!(
        "<div class=\"exercise\"><p><code>{id}</code> · {}</p><p>{}</p>",
        lang.pick(format!("{points} points"), format!("{points} 分")),
        sentence(exercise.task.of(lang))
    );
    if !exercise.graded.is_empty() {
        html += "<ul>";
        for line in &exercise.graded {
            html += &format!("<li>{}</li>", sentence(line.of(lang)));
        }
        html += "</ul>";
    }
    html += &drawn(exercise, lang);
    html += &tried_on(exercise, lang);
    html += &handed_in(exercise, lang);
    let base = lang.pick("It begins with", "起点是");
    html += &format!("<p>{base} <code>trial run {}</code>", escape(&exercise.base));
    if exercise.graded.iter().any(|line| line.points.is_some()) {
        let graded = lang.pick("; it is graded by", "；批改命令是");
        html += &format!("{graded} <code>trial grade {id} answers/</code>");
    }
    Ok(Made::Block(html + "</p></div>"))
}

/// Says which values each student draws, and which command prints them.
fn drawn(exercise: &Exercise, lang: Lang) -> String {
    if exercise.draw.is_empty() {
        return String::new();
    }
    let (id, comma) = (&exercise.id, lang.pick(", ", "、"));
    let rows = exercise.draw.iter().map(|draw| {
        let plain = |value: &toml::Value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        };
        let values = draw.values.iter().map(|it| format!("<code>{}</code>", escape(&plain(it))));
        let values = values.collect::<Vec<_>>().join(comma);
        let (id, path) = (escape(&draw.id), escape(&draw.path));
        format!("<li><code>{id}</code> <code>{path}</code>: {values}</li>")
    });
    let rows: String = rows.collect();
    let says = lang.pick(
        "Each student has one of these values; <em>your sheet</em> with yours and the commands to run is printed by",
        "每个学生各抽到其中一个值；打印<em>你的题单</em>（取值和要运行的命令）用",
    );
    format!(
        "<p>{says} <code>trial handout {id} --student ID -o sheet.html</code></p><ul>{rows}</ul>"
    )
}

/// Says what answers are tried on besides the scenario that the exercise begins with, as
/// commands that readers can run.
fn tried_on(exercise: &Exercise, lang: Lang) -> String {
    let commands = exercise.story.iter().map(|story| {
        let mut words = vec!["trial".to_owned(), "run".to_owned(), story.base.clone()];
        for (path, value) in &story.set {
            words.extend(["--set".to_owned(), format!("{path}={value}")]);
        }
        format!("<li><code>{}</code></li>", escape(&directive::line(&words)))
    });
    let commands: String = commands.collect();
    let says = lang.pick("Answers are tried on", "答案会放到以下试验里去试");
    match commands.is_empty() {
        true => String::new(),
        false => format!("<details><summary>{says}</summary><ul>{commands}</ul></details>"),
    }
}

/// Says what to hand in for a machine to grade, as a file to fill in.
fn handed_in(exercise: &Exercise, lang: Lang) -> String {
    let asked = |name: fn(&Graded) -> Option<&String>| exercise.graded.iter().filter_map(name);
    let mut sheet = String::new();
    let mut add = |head: &str, names: Vec<&String>, what: &str| {
        if !names.is_empty() {
            sheet += &format!("[{head}]\n");
            sheet.extend(names.iter().map(|name| format!("\"{name}\" = {what}\n")));
        }
    };
    add("set", exercise.answer.may_set.iter().collect(), "…");
    add("numbers", asked(|line| line.number.as_ref()).collect(), "…");
    let options: Vec<_> = exercise.option.iter().map(|it| format!("\"{}\"", it.id)).collect();
    let chosen = asked(|line| line.choice.as_ref()).collect();
    add("choices", chosen, &format!("[…]  # {}", options.join(", ")));
    let mut html = String::new();
    if !sheet.is_empty() {
        let says = lang.pick(
            "Hand in <code>answer.toml</code>; leave out what you do not change:",
            "提交 <code>answer.toml</code>；不改的行删去即可：",
        );
        html += &format!("<p>{says}</p><pre><code>{}</code></pre>", escape(sheet.trim_end()));
    }
    if !exercise.answer.files.is_empty() {
        let files = exercise.answer.files.iter().map(|file| format!("<code>{file}</code>"));
        let (files, most) = (files.collect::<Vec<_>>(), exercise.answer.steps_max);
        html += &lang.pick(
            format!("<p>Hand in {}, with at most {most} steps that act.</p>", files.join(", ")),
            format!("<p>提交 {}，最多 {most} 个起作用的步骤。</p>", files.join("、")),
        );
    }
    html
}
