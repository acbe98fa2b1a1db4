//! A chapter on paper: its question, an empty picture to draw in, the claims to decide; and, on
//! a second page, how it comes. Exercises follow in `task`.

pub mod task;

use std::fmt::Write;

use scenarios::{Language, Question};

use crate::stats::share::Share;
use crate::svg::{View, grid, spacetime};
use crate::text::{fill, grouped};
use crate::trace::Trace;
use crate::trace::texts::Texts;
use crate::words::Words;

/// What is printed on two sides of a sheet, whichever paper is in the printer.
const STYLE: &str = "\
@page{margin:12mm}:root{color-scheme:light}*{box-sizing:border-box}\
body{font:11pt/1.45 system-ui,'Noto Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;\
color:#000;background:#fff;max-width:182mm;margin:8mm auto}\
h1{font-size:17pt;margin:0 0 2mm}h2{font-size:12pt;margin:5mm 0 1mm}p{margin:1mm 0 2mm}\
code{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:.92em}\
.name{float:right;font-size:10pt}.name i{display:inline-block;width:52mm;border-bottom:1px solid #000}\
ol,ul{margin:1mm 0;padding:0;list-style:none}li{margin:1mm 0;padding-left:6mm;text-indent:-6mm}\
.box{display:inline-block;width:3.4mm;height:3.4mm;border:1px solid #000;margin-right:2.6mm;\
vertical-align:-.4mm;text-indent:0}.right .box{background:#000}\
img{width:100%;height:auto;border:1px solid #999;display:block}\
.tick{white-space:nowrap;margin-left:3mm}.tick .box{margin:0 1mm 0 3mm}\
.line{border-bottom:1px solid #999;height:7mm}section+section{break-before:page;margin-top:10mm}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;\
font:.85em/1.4 ui-monospace,'DejaVu Sans Mono',monospace;background:#f4f4f4;padding:2mm;margin:1mm 0}\
table{border-collapse:collapse;margin:1mm 0}th,td{border:1px solid #999;padding:.6mm 2mm;text-align:left;\
font-weight:400;overflow-wrap:anywhere}.own td:last-child{font-weight:700}th code{white-space:nowrap}td.write{min-width:22mm}\
.claims li{border-top:1px solid #ccc;padding-top:1mm}.quiet{color:#444;font-size:9.5pt}\
@media print{body{font-size:9.2pt;line-height:1.35;max-width:none;margin:0}section+section{margin:0}\
img{max-height:95mm;object-fit:contain}h2{margin-top:3mm}}";

/// What a handout is about, in one language.
pub struct Sheet<'a> {
    /// The chapter's title.
    pub title: &'a str,
    /// What the chapter asks, in Markdown.
    pub question: &'a str,
    /// The question of its scenario.
    pub ask: &'a Question,
    /// The claims of the notes: their names, what they say, when that is true.
    pub claims: Vec<[String; 3]>,
    /// What there is to draw or to fill in.
    pub subject: Subject,
    /// The command that runs it.
    pub again: &'a str,
}

/// What a chapter's scenario is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A story, whose course can be drawn.
    Story,
    /// Random faults: one draw teaches nothing, and the question is what many are worth.
    Search,
}

/// Runs of which none is broken, for which a class works out what that is worth.
const RUNS: [u64; 5] = [10, 100, 300, 1_000, 10_000];
/// How sure the upper end of an interval is, as everywhere.
const CONFIDENCE: f64 = 0.95;

/// Whether the second page is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solution {
    /// It is not: this is for students.
    Left,
    /// It is.
    Shown,
}

/// Puts sheets together to a page that prints.
pub fn page(title: &str, sheets: &str, words: &Words) -> String {
    let lang = match words.language {
        Language::English => "en",
        Language::Chinese => "zh-CN",
    };
    let head = format!(
        "<!doctype html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
         style-src 'unsafe-inline'\">\n<title>{}</title>\n<style>{STYLE}</style></head>\n<body>\n",
        escape(title)
    );
    head + sheets + "</body></html>\n"
}

/// Draws the sheets of a chapter.
pub fn sheets(
    sheet: &Sheet<'_>,
    (trace, texts): (&Trace, &Texts),
    view: &View,
    solution: Solution,
    words: &Words,
) -> String {
    let asked = asked(sheet, &grid(trace, view), words);
    match solution {
        Solution::Left => asked,
        Solution::Shown => asked + &solved(sheet, (trace, texts), view, words),
    }
}

/// Draws the page for students.
fn asked(sheet: &Sheet<'_>, grid: &str, words: &Words) -> String {
    let grade = &words.grade;
    let mut page = format!(
        "<section><p class=\"name\">{} <i>&nbsp;</i></p><h1>{}</h1>\n{}",
        grade.handout_name,
        escape(sheet.title),
        markdown(sheet.question)
    );
    page += &format!("<h2>{}</h2>\n<ol>", escape(words.of(&sheet.ask.question)));
    for option in &sheet.ask.options {
        let text = escape(words.of(option));
        page += &format!("<li><span class=\"box\"></span>{text}</li>");
    }
    page += &format!("</ol>\n<p>{}</p><p class=\"line\"></p>", grade.handout_because);
    page += &match sheet.subject {
        Subject::Story => format!("<h2>{}</h2>\n{}\n", grade.handout_draw, image(grid)),
        Subject::Search => searched(Solution::Left, words),
    };
    if !sheet.claims.is_empty() {
        page += &format!("<h2>{}</h2>\n<ul class=\"claims\">", grade.handout_claims);
        for [id, says, _] in &sheet.claims {
            let ticks = [grade.handout_true, grade.handout_depends, grade.handout_false]
                .map(|word| format!("<span class=\"box\"></span>{}", escape(word)));
            let says = inline(says);
            let ticks = ticks.join(" ");
            page += &format!("<li><b>{id}</b> {says} <span class=\"tick\">{ticks}</span></li>");
        }
        page += "</ul>";
    }
    page + "</section>\n"
}

/// Draws the page with the solution.
fn solved(
    sheet: &Sheet<'_>,
    (trace, texts): (&Trace, &Texts),
    view: &View,
    words: &Words,
) -> String {
    let grade = &words.grade;
    let right = sheet.ask.options.get(sheet.ask.answer).map_or("", |it| words.of(it));
    let right = fill(grade.handout_right, &[&(sheet.ask.answer + 1).to_string(), right]);
    let mut page =
        format!("<section><h1>{} · {}</h1>", grade.handout_solution, escape(sheet.title));
    page += &format!("<p><b>{}</b></p>", escape(&right));
    page += &format!("<p>{}</p>\n", escape(words.of(&sheet.ask.because)));
    page += &match sheet.subject {
        Subject::Story => image(&spacetime(trace, texts, view)),
        Subject::Search => searched(Solution::Shown, words),
    };
    page += "<ul>";
    for (claim, text) in trace.judged.claims.iter().zip(&texts.claims) {
        if claim.result == "breaks" {
            let (word, text) = (words.breaks, escape(text));
            let _ = write!(page, "<li><b>{word}</b> <code>{}</code> {text}</li>", claim.id);
        }
    }
    for told in &texts.because {
        // A Chinese full stop has its own space.
        let text = [told.sign, &told.at, &told.what, &told.means].join(" ").replace("。 ", "。");
        let _ = write!(page, "<li>{}</li>", escape(&text));
    }
    page += "</ul>\n<ul class=\"claims\">";
    for [id, _, check] in &sheet.claims {
        let _ = write!(page, "<li><b>{id}</b> {}</li>", inline(check));
    }
    let run = fill(grade.handout_run, &[sheet.again]);
    page + &format!("</ul><p class=\"quiet\"><code>{}</code></p></section>\n", escape(&run))
}

/// Draws the table of what a row of good runs is worth, to be filled in or filled in, and room
/// for the faults that a search should draw.
fn searched(solution: Solution, words: &Words) -> String {
    let grade = &words.grade;
    let rule = RUNS.map(|runs| 3.0 / runs as f64);
    let exact = RUNS.map(|runs| Share { hits: 0, of: runs }.exact(CONFIDENCE).high);
    let mut page = format!("<h2>{}</h2>\n<table><tr><th>", grade.handout_bounds);
    page += grade.handout_runs;
    page += "</th>";
    page.extend(RUNS.map(|runs| format!("<td>{}</td>", grouped(runs))));
    for (head, shares) in [(grade.handout_rule, rule), (grade.handout_exact, exact)] {
        page += &format!("</tr>\n<tr><th>{head}</th>");
        page.extend(shares.map(|share| match solution {
            Solution::Left => "<td class=\"write\">&nbsp;</td>".to_owned(),
            Solution::Shown => format!("<td>{}</td>", percent(share)),
        }));
    }
    page += "</tr></table>\n";
    match solution {
        Solution::Left => {
            let lines = "<p class=\"line\"></p>".repeat(4);
            page + &format!("<h2>{}</h2>\n{lines}", grade.handout_faults)
        }
        Solution::Shown => page,
    }
}

/// Writes a share with two digits that count.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = (1.0 - percent.log10().floor()).max(0.0) as usize;
    format!("{percent:.digits$} %")
}

/// Puts a picture into a page so that nothing of it can meet anything of the page.
fn image(svg: &str) -> String {
    let mut url = String::from("data:image/svg+xml;charset=utf-8,");
    for letter in svg.chars() {
        match letter {
            '"' => url += "'",
            '%' => url += "%25",
            '#' => url += "%23",
            '<' => url += "%3C",
            '>' => url += "%3E",
            '&' => url += "%26",
            '\n' => url += "%0A",
            letter => url.push(letter),
        }
    }
    format!("<img alt=\"\" src=\"{url}\">")
}

/// Writes the little Markdown that questions have as HTML: paragraphs, stress, code.
fn markdown(text: &str) -> String {
    let mut page = String::new();
    for paragraph in text.split("\n\n").filter(|it| !it.trim_start().starts_with("{{#")) {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).collect();
        page += &format!("<p>{}</p>\n", inline(&joined(&lines)));
    }
    page
}

/// Joins lines, without a space between Chinese letters.
fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let is_wide = |letter: Option<char>| letter.is_some_and(|letter| '\u{2e80}' <= letter);
        let tight = is_wide(text.chars().last()) || is_wide(line.chars().next());
        if !text.is_empty() && !tight {
            text.push(' ');
        }
        text += line;
    }
    text
}

/// Writes stress and code within a paragraph as HTML.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (at, part) in text.split('`').enumerate() {
        match at % 2 {
            1 => html += &format!("<code>{}</code>", escape(part)),
            _ => {
                for (at, part) in part.split("**").enumerate() {
                    html += if at == 0 { "" } else { ["</b>", "<b>"][at % 2] };
                    html += &escape(part).replace('*', "");
                }
            }
        }
    }
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_two_digits_that_count() {
        for (share, text) in
            [(0.308, "31 %"), (0.03, "3.0 %"), (0.0122, "1.2 %"), (0.00037, "0.037 %")]
        {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn questions_keep_their_stress_and_their_code() {
        let cases = [
            ("a **b** c", "<p>a <b>b</b> c</p>\n"),
            ("`a<b` *c*", "<p><code>a&lt;b</code> c</p>\n"),
            ("one\ntwo\n\nthree", "<p>one two</p>\n<p>three</p>\n"),
            ("一行\n两行", "<p>一行两行</p>\n"),
            ("a\n\n{{#picture x}}", "<p>a</p>\n"),
        ];

        for (text, html) in cases {
            assert_eq!(markdown(text), html);
        }
    }
}
