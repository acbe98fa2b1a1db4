//! `trial handout`: a chapter of the book on paper, and exercises with values of a student's own.

use std::path::{Path, PathBuf};

use reports::handout::{Sheet, Solution, Subject, page, sheets, task};
use reports::svg::View;
use reports::trace::texts::Texts;

use crate::artefacts::write_file;
use crate::chosen::{Chosen, ChosenArgs};
use crate::course::{self, Chapter};
use crate::error::CliError;
use crate::grade::exercise::Exercise;
use crate::grade::{self, Secret, StudentId, sheet};
use crate::suggest::nearest;
use crate::ui::Ui;

/// Runs of the search that a solution names.
const SEARCH_RUNS: u32 = 300;

/// Print a chapter's question with an empty picture to draw in
#[derive(Debug, clap::Args)]
pub struct HandoutArgs {
    /// A chapter of the book, such as 05-acks, 5 or ch5; or an exercise, such as 02-one-order or a
    /// file, for its sheet alone
    #[arg(value_name = "CHAPTER")]
    chapter: String,
    /// Adds the exercises with the values that are drawn for this student; may be repeated
    #[arg(long, value_name = "ID")]
    student: Vec<StudentId>,
    #[command(flatten)]
    secret: Secret,
    /// With a second page that says how it comes, and what is right in exercises
    #[arg(long)]
    solution: bool,
    /// Where to write it [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Returns 0, or what is wrong.
pub fn handout(args: &HandoutArgs, ui: &mut Ui) -> Result<u8, CliError> {
    if args.student.is_empty() && args.secret.is_typed() {
        let hint = "Say whose sheet it is: --student ID.";
        return Err(CliError::usage("--secret draws nothing without --student", hint));
    }
    let chapter = course::chapter(&args.chapter);
    let (title, drawn) = match &chapter {
        Some(chapter) => {
            let mut drawn = asked(chapter, args, ui)?;
            if !args.student.is_empty() {
                drawn += &exercises(&course::exercises_of(chapter), args, ui)?;
            }
            (ui.words.of(&chapter.title).to_owned(), drawn)
        }
        None => {
            let name = args.chapter.as_str();
            let is_known = course::exercises().iter().any(|(known, _)| *known == name);
            if !is_known && !Path::new(name).is_file() {
                let chapters = course::written();
                let exercises = course::exercises().into_iter().map(|(known, _)| known);
                let known = chapters.iter().map(String::as_str).chain(exercises);
                let hint = match nearest(name, known) {
                    Some(near) => format!("Did you mean {near:?}?"),
                    None => format!("The chapters are: {}.", chapters.join(", ")),
                };
                return Err(CliError::usage(format!("no chapter is called {name:?}"), hint));
            }
            let exercise = grade::read(name)?;
            if args.student.is_empty() && !exercise.draws.is_empty() {
                let message = format!("in {name} each student has values of their own");
                return Err(CliError::usage(message, "Say whose sheet it is: --student ID."));
            }
            (exercise.id, exercises(&[name], args, ui)?)
        }
    };
    let page = page(&title, &drawn, ui.words);
    match &args.output {
        Some(path) => write_file(path, page.as_bytes())?,
        None => ui.raw(&page)?,
    }
    Ok(0)
}

fn solution(args: &HandoutArgs) -> Solution {
    if args.solution { Solution::Shown } else { Solution::Left }
}

/// Draws the sheets of a chapter.
fn asked(chapter: &Chapter, args: &HandoutArgs, ui: &mut Ui) -> Result<String, CliError> {
    let chosen = Chosen::read(&chapter.scenario, &ChosenArgs::default(), ui)?;
    let retold = chosen.run_first(ui)?;
    let words = ui.words;
    let ask = chosen.file().scenario.ask.as_ref();
    let ask = ask.ok_or_else(|| CliError::usage("the chapter's scenario asks nothing", ""))?;
    let claims = chapter.claims.iter().map(|claim| {
        let say = |text: &course::Both| text.say(words.language).to_owned();
        [claim.id.clone(), say(&claim.says), say(&claim.check)]
    });
    let is_search = chosen.file().scenario.cases.iter().any(|case| case.nemesis.is_some());
    let search = format!("trial fuzz {} --runs {SEARCH_RUNS}", chapter.scenario);
    let sheet = Sheet {
        title: words.of(&chapter.title),
        question: words.of(&chapter.question),
        ask,
        claims: claims.collect(),
        subject: if is_search { Subject::Search } else { Subject::Story },
        again: if is_search { &search } else { &retold.again },
    };
    Ok(retold.tell(words, |story| {
        let texts = Texts::of(story, &retold.expected, &[]);
        let (partition, language) = (story.trace.focus, words.language);
        let view = View { partition, focus: None, window: None, at: None, language };
        sheets(&sheet, (story.trace, &texts), &view, solution(args), words)
    }))
}

/// Draws the sheets of exercises, for each student in turn, or for nobody.
fn exercises(names: &[&str], args: &HandoutArgs, ui: &mut Ui) -> Result<String, CliError> {
    let (words, secret) = (ui.words, &args.secret.secret);
    let students: Vec<&str> = args.student.iter().map(|it| it.0.as_str()).collect();
    let all = names.iter().map(|name| Ok((*name, grade::read(name)?)));
    let all: Vec<(&str, Exercise)> = all.collect::<Result<_, CliError>>()?;
    if secret.is_empty() && all.iter().any(|(_, exercise)| !exercise.draws.is_empty()) {
        ui.note(words.grade.no_secret_drawn)?;
    }
    let mut known = Vec::new();
    for (name, exercise) in &all {
        let named: Vec<&str> = if students.is_empty() { vec![""] } else { students.clone() };
        let keyed: &[&str] = if args.solution { &named } else { &[] };
        let (_, key) = grade::drawn((name, exercise), secret, keyed, grade::cores(), words)?;
        known.push((exercise, key));
    }
    let draw = |student: Option<&str>| -> String {
        let drawn = known.iter().map(|(exercise, key)| {
            let drawn = exercise.drawn(secret, student.unwrap_or_default());
            let own = student.map(|name| (name, &drawn));
            let key = args.solution.then_some(key);
            task::sheets(&sheet::task(exercise, own, key, words), solution(args), words)
        });
        drawn.collect()
    };
    Ok(match students.as_slice() {
        [] => draw(None),
        students => students.iter().map(|name| draw(Some(name))).collect(),
    })
}
