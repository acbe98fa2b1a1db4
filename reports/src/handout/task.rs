//! An exercise on paper: what to do, a student's own values, the commands that run them, what to
//! hand in; and, on a page of its own, what is right.

use super::{Solution, escape, inline};
use crate::grades::Own;
use crate::text::fill;
use crate::words::Words;

/// An exercise as one student gets it, in one language.
pub struct Task {
    /// Its name.
    pub exercise: String,
    /// Whose it is, if it is anybody's.
    pub student: Option<String>,
    /// What it is worth.
    pub points: u64,
    /// What to do.
    pub text: String,
    /// What nobody else may have.
    pub drawn: Vec<Own>,
    /// The scenario that it begins with.
    pub base: String,
    /// The commands that run what was drawn.
    pub runs: Vec<String>,
    /// What is said of seeds.
    pub seeds: String,
    /// What choices are made of.
    pub options: Vec<Offered>,
    /// An empty `answer.toml`.
    pub blank: String,
    /// Scenario files to write.
    pub files: Vec<String>,
    /// The most steps that such a file may have.
    pub steps_max: usize,
    /// What earns points.
    pub graded: Vec<String>,
    /// What is right, for teachers.
    pub right: Option<Vec<String>>,
}

/// What can be chosen.
pub struct Offered {
    /// What an answer calls it.
    pub id: String,
    /// The flags that set it.
    pub flags: String,
}

/// Draws the sheet of an exercise, and the page with its solution.
pub fn sheets(task: &Task, solution: Solution, words: &Words) -> String {
    let grade = &words.grade;
    let mut page = String::from("<section><p class=\"name\">");
    page += &match &task.student {
        Some(student) => format!("{} <b>{}</b></p>", grade.handout_name, escape(student)),
        None => format!("{} <i>&nbsp;</i></p>", grade.handout_name),
    };
    page += &format!("<h1>{}</h1>\n", escape(&head(task, words)));
    page += &format!("<p>{}</p>\n", inline(&task.text));
    page += &own(task, words);
    page += &format!("<h2>{}</h2>\n<pre>", grade.sheet_run);
    match task.runs.as_slice() {
        [] => page += &format!("trial run {}\n", escape(&task.base)),
        runs => page.extend(runs.iter().map(|run| format!("{}\n", escape(run)))),
    }
    page += &format!("</pre><p class=\"quiet\">{}</p>\n", escape(&task.seeds));
    if !task.options.is_empty() {
        page += &format!("<h2>{}</h2>\n<table>", grade.sheet_options);
        for option in &task.options {
            let (id, flags) = (escape(&option.id), escape(&option.flags));
            page += &format!("<tr><th><code>{id}</code></th><td><code>{flags}</code></td></tr>");
        }
        page += "</table>\n";
    }
    page += &handed_in(task, words);
    page += &format!("<h2>{}</h2>\n<ul class=\"claims\">", grade.sheet_graded);
    page.extend(task.graded.iter().map(|line| format!("<li>{}</li>", inline(line))));
    page += "</ul></section>\n";
    match (solution, &task.right) {
        (Solution::Shown, Some(right)) => page + &solved(task, right, words),
        (Solution::Left, _) | (Solution::Shown, None) => page,
    }
}

fn head(task: &Task, words: &Words) -> String {
    fill(words.grade.sheet_head, &[&task.exercise, &task.points.to_string()])
}

/// Draws what nobody else may have.
fn own(task: &Task, words: &Words) -> String {
    if task.drawn.is_empty() {
        return String::new();
    }
    let mut table = format!("<h2>{}</h2>\n<table class=\"own\">", words.grade.sheet_values);
    for own in &task.drawn {
        let cells = [&own.id, &own.path, &own.value]
            .map(|text| format!("<td><code>{}</code></td>", escape(text)));
        table += &format!("<tr>{}</tr>", cells.concat());
    }
    table + "</table>\n"
}

fn handed_in(task: &Task, words: &Words) -> String {
    let mut page = String::new();
    if !task.blank.is_empty() {
        page +=
            &format!("<h2>{}</h2>\n<pre>{}</pre>\n", words.grade.sheet_answer, escape(&task.blank));
    }
    if !task.files.is_empty() {
        let (files, most) = (task.files.join(", "), task.steps_max.to_string());
        let says = fill(words.grade.sheet_files, &[&files, &most]);
        page += &format!("<p>{}</p>\n", escape(&says));
    }
    page
}

fn solved(task: &Task, right: &[String], words: &Words) -> String {
    let of = task.student.as_ref().map(|it| format!(" · {it}")).unwrap_or_default();
    let title = format!("{} · {}{of}", words.grade.handout_solution, task.exercise);
    let mut page = format!("<section><h1>{}</h1>\n{}", escape(&title), own(task, words));
    page += "<ul class=\"claims\">";
    if right.is_empty() {
        page += &format!("<li>{}</li>", escape(words.grade.right_tried));
    }
    page.extend(right.iter().map(|line| format!("<li>{}</li>", escape(line))));
    page + "</ul></section>\n"
}
