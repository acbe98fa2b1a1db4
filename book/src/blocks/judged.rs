//! Verdicts and numbers of trials.

use model::time::Time;
use reports::fates;
use scenarios::{Class, Overrides};
use sim::outcome::Outcome;
use sim::verdict::{Anomaly, Claim, Finding, Verdict};

use super::Made;
use crate::directive::Directive;
use crate::html::escape;
use crate::lang::Lang;
use crate::shop::{Run, Shop};

/// `{{#verdict NAME flags}}`: every claim, and how it stands.
pub fn verdict(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    shop.run(&directive.words, |run| Made::Block(verdicts(run, lang)))
}

fn verdicts(run: &Run, lang: Lang) -> String {
    let words = lang.words();
    let findings: Vec<&Finding> = concerned(run).collect();
    let mut html = String::from("<div class=\"verdict\">");
    for finding in &findings {
        if let Verdict::Breaks(evidence) = &finding.verdict {
            let because = escape(&evidence.because.say(&words.grammar));
            html += &format!("<p>{} {} {because}</p>", badge("breaks", lang), name(finding, lang));
        }
    }
    let all = |wanted: &str| {
        let named = findings.iter().filter(|it| standing(&it.verdict) == wanted);
        named.map(|it| name(it, lang)).collect::<Vec<_>>().join(" ")
    };
    for wanted in ["holds", "untested"] {
        let names = all(wanted);
        if !names.is_empty() {
            html += &format!("<p>{} {names}</p>", badge(wanted, lang));
        }
    }
    html + "</div>"
}

/// Returns what is judged in a trial: claims about groups only if there are groups.
fn concerned(run: &Run) -> impl Iterator<Item = &Finding> {
    let case = &run.scenario.cases[run.trial.case];
    let with_groups = !case.plan.groups.is_empty();
    let findings = run.trial.outcome.judgement.findings.iter();
    findings.filter(move |it| with_groups || !it.claim.is_about_groups())
}

/// Returns how a verdict is called.
fn standing(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Breaks(_) => "breaks",
        Verdict::Holds => "holds",
        Verdict::Untested(_) => "untested",
    }
}

/// Draws the word for how a claim stands; *untested* is never green.
pub fn badge(standing: &str, lang: Lang) -> String {
    let words = lang.words();
    let word = match standing {
        "breaks" => words.breaks,
        "holds" => words.holds,
        "seen" => lang.pick("seen", "出现"),
        "unseen" => lang.pick("not seen", "未出现"),
        _ => words.untested,
    };
    format!("<span class=\"badge {standing}\">{}</span>", escape(word))
}

fn name(finding: &Finding, lang: Lang) -> String {
    let meaning = escape((lang.words().meaning)(finding.claim));
    format!("<code title=\"{meaning}\">{}</code>", finding.claim.name())
}

/// Returns how a claim stands in a trial (`breaks`, `holds`, `untested`), or whether an anomaly
/// was seen (`anomaly:NAME`: `seen`, `unseen`), and how often; `expected` holds if everything came
/// as the scenario expects.
pub fn looked_at(run: &Run, look: &str) -> Result<(&'static str, u64), String> {
    let outcome = &run.trial.outcome;
    if look == "expected" {
        let standing = if run.trial.class() == Class::AsExpected { "holds" } else { "breaks" };
        return Ok((standing, 0));
    }
    if let Some(name) = look.strip_prefix("anomaly:") {
        let count = anomaly(outcome, name)?;
        return Ok((if count == 0 { "unseen" } else { "seen" }, count));
    }
    let finding = outcome.judgement.findings.iter().find(|it| it.claim.name() == look);
    let finding = finding.ok_or_else(|| format!("no claim is called {look:?}"))?;
    let count = match &finding.verdict {
        Verdict::Breaks(evidence) => evidence.count,
        Verdict::Holds | Verdict::Untested(_) => 0,
    };
    Ok((standing(&finding.verdict), count))
}

fn anomaly(outcome: &Outcome, name: &str) -> Result<u64, String> {
    if !Anomaly::ALL.iter().any(|it| it.name() == name) {
        return Err(format!("no anomaly is called {name:?}"));
    }
    let counts = outcome.judgement.findings.iter().flat_map(|it| &it.anomalies);
    Ok(counts.filter(|(it, _)| it.name() == name).map(|(_, count)| *count).max().unwrap_or(0))
}

/// `{{#number NAME flags | what}}`: one number of a trial, in the middle of a sentence.
pub fn number(directive: &Directive, shop: &Shop) -> Result<Made, String> {
    let [what] = directive.part(0) else {
        return Err("write what number: {{#number NAME | lost}}".to_owned());
    };
    let number = shop.run(&directive.words, |run| value(run, what))??;
    Ok(Made::Inline(number))
}

/// Returns a number of a trial by its name.
fn value(run: &Run, what: &str) -> Result<String, String> {
    let judgement = &run.trial.outcome.judgement;
    let totals = &run.trial.outcome.totals;
    let seconds = |span: u64| Time(span).to_string();
    Ok(match what {
        "sent" => judgement.tally.sent.to_string(),
        "promised" => judgement.tally.promised.to_string(),
        "messages" => totals.messages.to_string(),
        "seconds" => seconds(totals.end.0),
        "leaderless" => seconds(judgement.tally.leaderless.0),
        "leaderless-max" => seconds(judgement.tally.leaderless_max.0),
        what if what.starts_with("anomaly:") || claim(what).is_some() => {
            looked_at(run, what)?.1.to_string()
        }
        what => {
            let known = fates::ALL.iter().find(|fate| fates::name(**fate) == what);
            let fate = known.ok_or_else(|| format!("no number is called {what:?}"))?;
            judgement.fates.iter().filter(|it| *it == fate).count().to_string()
        }
    })
}

fn claim(name: &str) -> Option<Claim> {
    Claim::ALL.iter().copied().find(|claim| claim.name() == name)
}

/// `{{#compare NAME flags | columns | flags of a row | flags of a row …}}`: the trial itself,
/// and variants of it with the same seed. Columns are claims, anomalies and numbers.
pub fn compare(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    let columns = directive.part(0);
    let mut html = String::from("<table class=\"compare\"><thead><tr><th></th>");
    for column in columns {
        html += &format!("<th>{}</th>", heading(column, lang));
    }
    html += "</tr></thead><tbody>";
    let itself = Vec::new();
    let variants = directive.parts.get(1..).unwrap_or_default();
    for flags in std::iter::once(&itself).chain(variants) {
        let words: Vec<String> = directive.words.iter().chain(flags).cloned().collect();
        html += &format!("<tr><th>{}</th>", changes(flags, lang));
        for column in columns {
            html += &format!("<td>{}</td>", shop.run(&words, |run| cell(run, column, lang))??);
        }
        html += "</tr>";
    }
    Ok(Made::Block(html + "</tbody></table>"))
}

/// Returns what a row of a comparison changes.
fn changes(flags: &[String], lang: Lang) -> String {
    if flags.is_empty() {
        return lang.pick("as it is", "原样").to_owned();
    }
    let named = |flag: &String| {
        let (path, value) = flag.split_once('=')?;
        let name = Overrides::name_of(path).unwrap_or_else(|| path.to_owned());
        Some(format!("<code>{}</code>", escape(&format!("{name}={value}"))))
    };
    flags.iter().filter_map(named).collect::<Vec<_>>().join(" ")
}

fn cell(run: &Run, column: &str, lang: Lang) -> Result<String, String> {
    match claim(column) {
        Some(_) => {
            let (standing, count) = looked_at(run, column)?;
            let count = if count == 0 { String::new() } else { format!(" {count}") };
            Ok(badge(standing, lang) + &count)
        }
        None => value(run, column),
    }
}

fn heading(column: &str, lang: Lang) -> String {
    let text = match column {
        "sent" => lang.pick("sent", "发送"),
        "promised" => lang.pick("acknowledged", "已确认"),
        "delivered" => lang.pick("delivered", "送达"),
        "lost" => lang.pick("lost", "丢失"),
        "never-promised" => lang.pick("never promised", "从未承诺"),
        "duplicated" => lang.pick("duplicated", "重复"),
        "out-of-order" => lang.pick("out of order", "乱序"),
        "unknown-present" => lang.pick("unknown, present", "未知，存在"),
        "unknown-absent" => lang.pick("unknown, absent", "未知，不存在"),
        "leaderless-max" => lang.pick("longest without a leader, s", "最长无首领，秒"),
        "messages" => lang.pick("messages", "消息"),
        column => {
            let column = column.strip_prefix("anomaly:").unwrap_or(column);
            return format!("<code>{}</code>", escape(column));
        }
    };
    text.to_owned()
}
