//! `trial grade`: what students hand in, tried and given points.
//!
//! In reading order: `exercise` (what is asked), `answer` (what is handed in), `judging` (what
//! it is worth), with `trying` (trials within limits) and `measures` (numbers of a trial).

mod answer;
mod exercise;
mod judging;
mod measures;
mod trying;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use reports::grades::{self, Graded};
use reports::text::{Colour, Line, render};

use self::answer::clean;
use self::exercise::Exercise;
use self::judging::{Student, TooSlow};
use crate::artefacts::write_file;
use crate::course;
use crate::error::CliError;
use crate::seeds::Jobs;
use crate::suggest::nearest;
use crate::ui::Ui;

/// No exercise has more bytes than this.
const BYTES_MAX: u64 = 1_024 * 1_024;
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
    student: Option<String>,
    /// What hidden seeds are derived from, with the exercise and the student
    #[arg(
        long,
        value_name = "TEXT",
        env = "TRIAL_SECRET",
        hide_env_values = true,
        default_value = ""
    )]
    secret: String,
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
    if args.secret.is_empty() && 0 < exercise.hidden {
        ui.note(ui.words.grade.no_secret)?;
    }
    let key = judging::key(&exercise, ui.words).map_err(|why| wrong(&args.exercise, &why))?;
    let jobs = args.jobs.map_or_else(cores, |jobs| jobs.0);
    let words = ui.words;
    let one = |(name, folder): &(String, PathBuf)| -> Result<Graded, TooSlow> {
        let until = Instant::now() + Duration::from_secs(args.patience);
        let (shown, place) = (clean(name), folder.display().to_string());
        let hidden = judging::hidden(&args.secret, &exercise, name);
        let student = Student { name: &shown, folder: &place, hidden, until };
        let answer = answer::read(folder, &exercise, words);
        judging::judge((&exercise, &key), answer, &student, words)
    };
    let graded = in_parallel(jobs, &folders, one);
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

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn wrong(name: &str, why: &str) -> CliError {
    CliError::usage(
        format!("the exercise {name} is wrong: {why}"),
        "See the exercises of the book.",
    )
}

/// Reads an exercise of the course, or a file.
fn read(name: &str) -> Result<Exercise, CliError> {
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
    let exercise = exercise::read(&text).map_err(|why| wrong(name, &why))?;
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
        return Ok(vec![(args.student.clone().unwrap_or(own), folder.clone())]);
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
