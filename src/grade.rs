//! `trial grade`: what students hand in, tried and given points.
//!
//! In reading order: `exercise` (what is asked), `drawing` (what each student has alone), `answer`
//! (what is handed in), `judging` (what it is worth), with `trying` (trials within limits) and
//! `measures` (numbers of a trial); `sheet` (what students are given).

mod answer;
pub mod drawing;
pub mod exercise;
pub mod judging;
mod measures;
pub mod sheet;
mod trying;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use reports::grades::{self, Graded};
use reports::text::{Colour, Line, render};
use reports::words::Words;

use self::answer::clean;
use self::drawing::Drawn;
use self::exercise::{Exercise, Flaw};
use self::judging::{Key, Student, TooSlow};
use crate::artefacts::{probe_file, write_file};
use crate::course;
use crate::error::CliError;
use crate::seeds::Jobs;
use crate::suggest::nearest;
use crate::ui::Ui;

/// No exercise has more bytes than this.
const BYTES_MAX: u64 = 1_024 * 1_024;
/// Where a teacher may keep the secret.
const SECRET: &str = "TRIAL_SECRET";
/// Students of one class.
const STUDENTS_MAX: usize = 2_000;

/// Grade answers to an exercise
#[derive(Debug, clap::Args)]
pub struct GradeArgs {
    /// An exercise of the book, such as 07-fault-budget, or a file
    #[arg(value_name = "EXERCISE")]
    exercise: String,
    /// A student's folder, or a folder with one for each student of a class
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Who answers [default: the folder's name]
    #[arg(long, value_name = "ID")]
    student: Option<StudentId>,
    #[command(flatten)]
    secret: Secret,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: GradeFormat,
    /// Where to write it [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Seconds after which a student is given up on; nobody gets a score from a slow machine
    #[arg(long, value_name = "SECONDS", default_value = "120")]
    patience: u64,
    /// Students at a time [default: the number of cores]
    #[arg(long, value_name = "N", env = "TRIAL_JOBS", allow_negative_numbers = true)]
    jobs: Option<Jobs>,
}

/// A student's name, as teachers write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudentId(pub String);

impl FromStr for StudentId {
    type Err = String;

    fn from_str(text: &str) -> Result<StudentId, String> {
        match text {
            "" => Err("a student has a name: that of the folder that is graded".to_owned()),
            text if text.trim() != text => Err("it begins or ends with a space".to_owned()),
            text => Ok(StudentId(text.to_owned())),
        }
    }
}

/// What nobody but the teacher knows.
#[derive(Clone, Debug, clap::Args)]
pub struct Secret {
    /// What hidden seeds and drawn values come from, with the exercise and the student
    #[arg(
        long,
        value_name = "TEXT",
        env = SECRET,
        hide_env_values = true,
        default_value = ""
    )]
    pub secret: String,
}

impl Secret {
    /// Says whether it is on the command line, and not only in the environment.
    pub fn is_typed(&self) -> bool {
        !self.secret.is_empty() && env::var(SECRET).ok().as_ref() != Some(&self.secret)
    }
}

/// What grades are printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum GradeFormat {
    /// For people
    Text,
    /// JSON lines, versioned
    Json,
    /// Gradescope's results.json; one student
    Gradescope,
    /// JUnit's XML
    Junit,
}

/// Returns 0 whatever the answers are worth, and 2 if one could not be graded.
pub fn grade(args: &GradeArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let exercise = read(&args.exercise)?;
    let folders = folders(args, &exercise)?;
    if args.format == GradeFormat::Gradescope && folders.len() != 1 {
        let hint = "Name one student's folder, or take another format.";
        return Err(CliError::usage("Gradescope grades one student at a time", hint));
    }
    if let Some(path) = &args.out {
        probe_file(path)?;
    }
    let secret = &args.secret.secret;
    if secret.is_empty() && 0 < exercise.hidden {
        ui.note(ui.words.grade.no_secret)?;
    }
    if secret.is_empty() && !exercise.draws.is_empty() {
        ui.note(ui.words.grade.no_secret_drawn)?;
    }
    let jobs = args.jobs.map_or_else(cores, |jobs| jobs.0);
    let words = ui.words;
    let names: Vec<&str> = folders.iter().map(|(name, _)| name.as_str()).collect();
    let (drawn, key) = drawn((&args.exercise, &exercise), secret, &names, jobs, words)?;
    let students: Vec<_> = folders.iter().zip(drawn).collect();
    let one = |((name, folder), drawn): &(&(String, PathBuf), Drawn)| {
        let until = Instant::now() + Duration::from_secs(args.patience);
        let (shown, place) = (clean(name), folder.display().to_string());
        let hidden = judging::hidden(secret, &exercise, name);
        let drawn = drawn.clone();
        let student = Student { name: &shown, folder: &place, hidden, drawn, until };
        let answer = answer::read(folder, &exercise, words);
        judging::judge((&exercise, &key), answer, &student, words)
    };
    let graded: Vec<Result<Graded, TooSlow>> = in_parallel(jobs, &students, one);
    print(args, &exercise, &graded, ui)?;
    let mut code = 0;
    for ((name, _), graded) in folders.iter().zip(&graded) {
        if graded.is_err() {
            let name = clean(name);
            ui.note(&format!("error: {name} was given up on after {} s", args.patience))?;
            ui.note("hint: Nothing is known of that answer; try again with more --patience.")?;
            code = 2;
        }
    }
    Ok(code)
}

/// Draws what each student has alone, and works out what is right for it.
///
/// # Errors
/// What is wrong with the exercise.
pub fn drawn(
    (given, exercise): (&str, &Exercise),
    secret: &str,
    students: &[&str],
    jobs: usize,
    words: &'static Words,
) -> Result<(Vec<Drawn>, Key), CliError> {
    let drawn: Vec<_> = students.iter().map(|name| exercise.drawn(secret, name)).collect();
    let distinct: BTreeSet<&Drawn> = drawn.iter().collect();
    for own in distinct {
        exercise.all_taken(own).map_err(|flaw| wrong(given, flaw))?;
    }
    let key = Key::of(exercise, &drawn, jobs, words).map_err(|why| wrong(given, why.into()))?;
    Ok((drawn, key))
}

/// Returns how many threads there may be.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn wrong(name: &str, flaw: Flaw) -> CliError {
    CliError::usage(format!("the exercise {name} is wrong: {}", flaw.why), flaw.remedy)
}

/// Reads an exercise of the course, or a file.
///
/// # Errors
/// If there is none, or what is wrong with it.
pub fn read(name: &str) -> Result<Exercise, CliError> {
    let known = course::exercises();
    let path = Path::new(name);
    let text = match known.iter().find(|(id, _)| *id == name) {
        Some((_, text)) => (*text).to_owned(),
        None if path.is_file() => {
            let is_large = fs::metadata(path).is_ok_and(|about| BYTES_MAX < about.len());
            let read = if is_large { Err("it is too large".to_owned()) } else { Ok(()) };
            read.and_then(|()| fs::read_to_string(path).map_err(|error| error.to_string()))
                .map_err(|why| CliError::usage(format!("cannot read {name}: {why}"), ""))?
        }
        None => {
            let ids: Vec<&str> = known.iter().map(|(id, _)| *id).collect();
            let hint = match nearest(name, ids.iter().copied()) {
                Some(near) => format!("Did you mean {near:?}?"),
                None => format!("The exercises are: {}.", ids.join(", ")),
            };
            return Err(CliError::usage(format!("no exercise is called {name:?}"), hint));
        }
    };
    let exercise = exercise::read(&text).map_err(|flaw| wrong(name, flaw))?;
    if exercise.lines.is_empty() {
        let message = format!("{name} is for people to grade");
        return Err(CliError::usage(
            message,
            "Its lines have no points that a machine could give.",
        ));
    }
    Ok(exercise)
}

/// Returns the students with their folders: one, or all of a class, by name.
fn folders(args: &GradeArgs, exercise: &Exercise) -> Result<Vec<(String, PathBuf)>, CliError> {
    let folder = &args.folder;
    let given = folder.display();
    let entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(|error| {
        CliError::usage(format!("cannot read {given}: {error}"), "Name a student's folder.")
    })?;
    // A link to a folder is no folder here.
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|it| it.is_dir());
    let named = |entry: &fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (!name.starts_with('.')).then(|| (name, entry.path()))
    };
    let mut class: Vec<_> = entries.iter().filter(|it| is_folder(it)).filter_map(named).collect();
    class.sort();
    if args.student.is_some() || class.is_empty() || answer::is_one(folder, exercise) {
        let own = std::path::absolute(folder).ok();
        let own = own.as_deref().and_then(Path::file_name).map(|it| it.to_string_lossy());
        let own = own.map_or_else(|| "student".to_owned(), |name| name.into_owned());
        return Ok(vec![(args.student.as_ref().map_or(own, |it| it.0.clone()), folder.clone())]);
    }
    if STUDENTS_MAX < class.len() {
        let message = format!("{} students are too many", class.len());
        return Err(CliError::usage(message, "Grade them in several calls."));
    }
    Ok(class)
}

/// Does something with every item on several threads; returns what came of it, in order.
fn in_parallel<I: Sync, T: Send>(jobs: usize, items: &[I], f: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            scope.spawn(|| {
                while let Some((at, item)) = {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    items.get(at).map(|item| (at, item))
                } {
                    let result = f(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn print(
    args: &GradeArgs,
    exercise: &Exercise,
    graded: &[Result<Graded, TooSlow>],
    ui: &mut Ui,
) -> Result<(), CliError> {
    let known: Vec<Graded> = graded.iter().filter_map(|it| it.as_ref().ok().cloned()).collect();
    let text = match args.format {
        GradeFormat::Text => {
            let lines = lines(exercise, &known, ui);
            match &args.out {
                None => return Ok(ui.lines(&lines)?),
                Some(_) => render(&lines, ui.signs, Colour::Plain),
            }
        }
        GradeFormat::Json => known.iter().map(|it| format!("{}\n", grades::json(it))).collect(),
        GradeFormat::Gradescope => match known.first() {
            Some(graded) => format!("{:#}\n", grades::gradescope(graded)),
            None => return Ok(()),
        },
        GradeFormat::Junit => grades::junit(&known)
            .map_err(|error| CliError::usage(format!("no XML can be made: {error}"), ""))?,
    };
    match &args.out {
        Some(path) => write_file(path, text.as_bytes()),
        None => Ok(ui.raw(&text)?),
    }
}

fn lines(exercise: &Exercise, known: &[Graded], ui: &Ui) -> Vec<Line> {
    match known {
        [one] => grades::one(one, ui.words),
        class => {
            let mut lines = vec![Line::plain(exercise.id.clone())];
            lines.extend(grades::class(class, ui.words));
            lines
        }
    }
}
