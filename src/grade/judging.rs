//! Tries an answer with every seed and says what each line of the exercise is worth.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use model::chance::Rng;
use reports::grades::{Graded, GradedLine};
use reports::text::fill;
use reports::words::Words;
use sim::verdict::Claim;

use super::answer::Answer;
use super::drawing::Drawn;
use super::exercise::{Exercise, Line, Must, On, Setup, Test, What, Within, settings};
use super::measures::Measured;
use super::trying::{Seen, Stood, Tried, Trying};
use super::{in_parallel, sheet};
use crate::args::{Selection, quoted};

/// Why a key is never given up on.
const PATIENT: &str = "nobody is in a hurry";

/// What is right, as the runs say it, for whatever somebody has drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Key(BTreeMap<(usize, Vec<usize>), Right>);

/// The right answer to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right {
    /// A number.
    Number(u64),
    /// Options.
    Options(BTreeSet<String>),
}

/// Grading took longer than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSlow;

/// Whose answer is judged, and where it lies.
pub struct Student<'a> {
    /// Who.
    pub name: &'a str,
    /// The folder, as commands name it.
    pub folder: &'a str,
    /// The seeds that nobody else has.
    pub hidden: Vec<u64>,
    /// What was drawn.
    pub drawn: Drawn,
    /// When patience ends.
    pub until: Instant,
}

/// What could not be shown to hold, and the command that shows it.
struct Failing {
    why: String,
    again: Option<String>,
}

/// All trials of one answer, each setup tried once.
struct Bench<'a> {
    exercise: &'a Exercise,
    answer: &'a Answer,
    student: &'a Student<'a>,
    words: &'static Words,
    tried: BTreeMap<Setup, Result<Tried, String>>,
}

/// Derives a student's own seeds: the same ones for the same secret, exercise and student.
pub fn hidden(secret: &str, exercise: &Exercise, student: &str) -> Vec<u64> {
    let mut rng = Rng::fork(exercise.seed(secret, student), "hidden");
    (0..exercise.hidden).map(|_| rng.word()).collect()
}

impl Key {
    /// Works out what is right for each of those that have drawn, by running it; what several
    /// have in common is run once.
    ///
    /// # Errors
    /// What is wrong with the exercise.
    pub fn of(
        exercise: &Exercise,
        all: &[Drawn],
        jobs: usize,
        words: &'static Words,
    ) -> Result<Key, String> {
        let asks = |line: &Line| matches!(line.what, What::Number { .. } | What::Choice { .. });
        let asked = exercise.lines.iter().enumerate().filter(|(_, line)| asks(line));
        let asked: Vec<usize> = asked.map(|(at, _)| at).collect();
        let mut wanted: BTreeMap<(usize, Vec<usize>), &Drawn> = BTreeMap::new();
        for drawn in all {
            wanted.extend(asked.iter().map(|at| (place(exercise, *at, drawn), drawn)));
        }
        let wanted: Vec<_> = wanted.into_iter().collect();
        let found = in_parallel(jobs, &wanted, |((at, _), drawn)| {
            right(exercise, &exercise.lines[*at], drawn, words)
        });
        let mut key = Key::default();
        for ((place, _), right) in wanted.into_iter().zip(found) {
            key.0.insert(place, right?);
        }
        Ok(key)
    }

    /// Returns what is right in a line; `None` if it asks for neither a number nor a choice.
    pub fn right(&self, exercise: &Exercise, line: usize, drawn: &Drawn) -> Option<&Right> {
        self.0.get(&place(exercise, line, drawn))
    }
}

/// Returns what a line's answer depends on: the line, and what was drawn for its story.
fn place(exercise: &Exercise, line: usize, drawn: &Drawn) -> (usize, Vec<usize>) {
    let story = exercise.lines[line].story();
    let own = story.map(|story| exercise.drawn_in(drawn, story)).unwrap_or_default();
    (line, own.into_iter().map(|(_, value)| value).collect())
}

/// Runs what a line asks for.
fn right(
    exercise: &Exercise,
    line: &Line,
    drawn: &Drawn,
    words: &'static Words,
) -> Result<Right, String> {
    match &line.what {
        What::Number { name, right: (measured, setup), .. } => {
            let seeds = &exercise.public[..1];
            let measures = std::slice::from_ref(measured);
            let trying = trying((exercise, drawn), setup, &[], measures)?;
            let tried = trying.run(seeds, &[], None).expect(PATIENT);
            let right = tried.seen.first().map_or(u64::MAX, |seen| seen.number(measured));
            match i64::try_from(right) {
                Ok(_) => Ok(Right::Number(right)),
                Err(_) => Err(format!("{name} is without end, and nobody could hand it in")),
            }
        }
        What::Choice { right, .. } => {
            let mut options = BTreeSet::new();
            for option in &exercise.options {
                let set = settings(&option.set);
                let measures: Vec<_> = right.must.measured().into_iter().collect();
                let trying = trying((exercise, drawn), &right.setup, &set, &measures)?;
                let tried = trying.run(&exercise.public, &[], None).expect(PATIENT);
                if tried.seen.iter().all(|seen| fault(&right.must, seen, words).is_none()) {
                    options.insert(option.id.clone());
                }
            }
            Ok(Right::Options(options))
        }
        What::Test(_) | What::Kill { .. } => Err("nothing is asked for".to_owned()),
    }
}

/// Prepares a story with what was drawn and settings of an answer.
///
/// # Errors
/// Why it cannot be run.
fn trying(
    (exercise, drawn): (&Exercise, &Drawn),
    setup: &Setup,
    of_answer: &[(String, String)],
    measured: &[Measured],
) -> Result<Trying, String> {
    let On::Story(place) = &setup.on else { return Err("this needs a story".to_owned()) };
    let mut set = exercise.story_set(drawn, *place);
    set.extend(of_answer.iter().chain(&setup.set).cloned());
    Trying::story(&exercise.stories[*place].base, set, &setup.rules, measured)
}

/// Judges an answer.
///
/// # Errors
/// If it takes too long; nothing is graded then.
pub fn judge(
    (exercise, key): (&Exercise, &Key),
    answer: Result<Answer, String>,
    student: &Student<'_>,
    words: &'static Words,
) -> Result<Graded, TooSlow> {
    let (refused, lines) = match answer {
        Err(why) => {
            let nothing = |line: &Line| graded(line, 0, Vec::new(), None, words);
            (Some(why), exercise.lines.iter().map(nothing).collect())
        }
        Ok(answer) => {
            let tried = BTreeMap::new();
            let mut bench = Bench { exercise, answer: &answer, student, words, tried };
            let mut lines: Vec<GradedLine> = Vec::new();
            for (at, line) in exercise.lines.iter().enumerate() {
                let right = key.right(exercise, at, &student.drawn);
                let graded = bench.line(line, right, &lines)?;
                lines.push(graded);
            }
            (None, lines)
        }
    };
    let (drawn, run) =
        (sheet::drawn(exercise, &student.drawn), sheet::runs(exercise, &student.drawn));
    let (id, student) = (exercise.id.clone(), student.name.to_owned());
    Ok(Graded { exercise: id, student, drawn, run, refused, lines, people: exercise.people })
}

fn graded(
    line: &Line,
    points: u64,
    why: Vec<String>,
    again: Option<String>,
    words: &Words,
) -> GradedLine {
    let text = words.of(&line.text).to_owned();
    GradedLine { text, points, of: line.points, why, again }
}

impl Bench<'_> {
    fn line(
        &mut self,
        line: &Line,
        right: Option<&Right>,
        before: &[GradedLine],
    ) -> Result<GradedLine, TooSlow> {
        let failing = match &line.what {
            What::Test(test) => self.test(test)?,
            What::Kill { file, mutant } => self.kill(file, mutant)?,
            What::Number { name, within, .. } => self.number(name, *within, right),
            What::Choice { name, .. } => self.choice(name, right),
        };
        let missing = line.needs.iter().find(|at| before[**at].points < before[**at].of);
        let mut why: Vec<String> = failing.iter().map(|it| it.why.clone()).collect();
        if let (Some(at), []) = (missing, failing.as_slice()) {
            why.push(fill(self.words.grade.needs, &[&before[*at].text]));
        }
        let points = if why.is_empty() { line.points } else { 0 };
        let again = failing.into_iter().find_map(|it| it.again);
        Ok(graded(line, points, why, again, self.words))
    }

    /// Tries a test with every seed; returns what fails: the first public seed, and that hidden
    /// ones do.
    fn test(&mut self, test: &Test) -> Result<Vec<Failing>, TooSlow> {
        let words = self.words;
        let Some(tried) = self.tried(&test.setup)? else {
            return Ok(vec![Failing { why: self.missing(&test.setup.on), again: None }]);
        };
        let tried = match tried {
            Ok(tried) => tried,
            Err(why) => return Ok(vec![Failing { why: why.clone(), again: None }]),
        };
        let is_file = matches!(test.setup.on, On::File(_));
        let what = match &test.must {
            Must::Hold(claim) | Must::Break(claim) => claim.name().to_owned(),
            Must::Lie(measured, ..) => measured.name(),
            Must::Reach(condition) | Must::Miss(condition) => condition.clone(),
        };
        let why = |seen: &Seen| match is_file {
            true => no_fault(seen, words).or_else(|| fault(&test.must, seen, words)),
            false => fault(&test.must, seen, words),
        };
        Ok(failing(tried, &what, why, words))
    }

    /// Sees whether a file breaks nothing by the rules, and something with a mutant.
    fn kill(&mut self, file: &str, mutant: &str) -> Result<Vec<Failing>, TooSlow> {
        let words = self.words;
        let on = On::File(file.to_owned());
        let mut setup = Setup { on, rules: Vec::new(), set: Vec::new() };
        let plain = match self.tried(&setup)? {
            None => return Ok(vec![Failing { why: self.missing(&setup.on), again: None }]),
            Some(Err(why)) => return Ok(vec![Failing { why: why.clone(), again: None }]),
            Some(Ok(tried)) => {
                let why = |seen: &Seen| no_fault(seen, words).or_else(|| sound(seen, words));
                failing(tried, mutant, why, words)
            }
        };
        if !plain.is_empty() {
            return Ok(plain);
        }
        setup.rules = vec![("mutant".to_owned(), mutant.to_owned())];
        Ok(match self.tried(&setup)? {
            None => Vec::new(),
            Some(Err(why)) => vec![Failing { why: why.clone(), again: None }],
            Some(Ok(tried)) => failing(tried, mutant, |seen| noticed(seen, mutant, words), words),
        })
    }

    fn number(&self, name: &str, within: Within, right: Option<&Right>) -> Vec<Failing> {
        let is_right = |given: u64| match right {
            Some(Right::Number(right)) => given.abs_diff(*right) <= within.of(*right),
            Some(Right::Options(_)) | None => false,
        };
        let why = match self.answer.numbers.get(name) {
            None => fill(self.words.grade.no_number, &[name]),
            Some(given) if is_right(*given) => return Vec::new(),
            Some(_) => fill(self.words.grade.wrong_number, &[name]),
        };
        vec![Failing { why, again: None }]
    }

    fn choice(&self, name: &str, right: Option<&Right>) -> Vec<Failing> {
        let is_right = |given: &BTreeSet<String>| match right {
            Some(Right::Options(right)) => given == right,
            Some(Right::Number(_)) | None => false,
        };
        let why = match self.answer.choices.get(name) {
            None => fill(self.words.grade.no_choice, &[name]),
            Some(given) if is_right(given) => return Vec::new(),
            Some(_) => {
                let ids: Vec<_> = self.exercise.options.iter().map(|it| it.id.as_str()).collect();
                fill(self.words.grade.wrong_choice, &[name, &ids.join(", ")])
            }
        };
        vec![Failing { why, again: None }]
    }

    fn missing(&self, on: &On) -> String {
        match on {
            On::File(name) => fill(self.words.grade.missing, &[name]),
            On::Story(place) => {
                fill(self.words.grade.missing, &[&self.exercise.stories[*place].id])
            }
        }
    }

    /// Returns the trials of a setup, run once; `None` if its file is missing.
    fn tried(&mut self, setup: &Setup) -> Result<Option<&Result<Tried, String>>, TooSlow> {
        if let On::File(name) = &setup.on
            && !self.answer.files.contains_key(name)
        {
            return Ok(None);
        }
        if !self.tried.contains_key(setup) {
            let tried = match self.prepared(setup) {
                Ok(trying) => {
                    let (public, hidden) = (&self.exercise.public, &self.student.hidden);
                    Ok(trying.run(public, hidden, Some(self.student.until))?)
                }
                Err(why) => Err(why),
            };
            self.tried.insert(setup.clone(), tried);
        }
        Ok(self.tried.get(setup))
    }

    fn prepared(&self, setup: &Setup) -> Result<Trying, String> {
        let tests = self.exercise.lines.iter().filter_map(|line| match &line.what {
            What::Test(test) => Some(test),
            What::Kill { .. } | What::Number { .. } | What::Choice { .. } => None,
        });
        let tests = tests.filter(|test| test.setup == *setup);
        let measured: Vec<Measured> = tests.filter_map(|test| test.must.measured()).collect();
        match &setup.on {
            On::Story(_) => {
                let exercise = (self.exercise, &self.student.drawn);
                trying(exercise, setup, &self.answer.set, &measured)
                    .map_err(|why| fill(self.words.grade.bad_setting, &[&why]))
            }
            On::File(name) => {
                let text = self.answer.files.get(name).map_or("", String::as_str);
                let given = format!("{}/{name}", self.student.folder.trim_end_matches('/'));
                let steps_max = self.exercise.wanted.steps_max;
                Trying::file((name, &given), text, (setup, steps_max), &measured, self.words)
            }
        }
    }
}

/// Finds what fails: the smallest public seed with its reason and its command, and that hidden
/// seeds do, of which only the name is told.
fn failing(
    tried: &Tried,
    what: &str,
    why: impl Fn(&Seen) -> Option<String>,
    words: &Words,
) -> Vec<Failing> {
    let mut found = Vec::new();
    let mut public = tried.seen.iter().filter(|seen| !seen.is_hidden);
    if let Some((seen, why)) = public.find_map(|seen| Some((seen, why(seen)?))) {
        // What an answer sets replaces what the story set before.
        let set: BTreeMap<_, _> = tried.set.iter().map(|(path, value)| (path, value)).collect();
        let selection = Selection {
            set: set.iter().map(|(path, value)| format!("{path}={value}")).collect(),
            rules: tried.rules.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            ..Selection::default()
        };
        let again = selection.again(&tried.given, seen.seed, &[]);
        found.push(Failing { why, again: Some(again) });
    }
    let mut hidden = tried.seen.iter().filter(|seen| seen.is_hidden);
    if hidden.any(|seen| why(seen).is_some()) {
        found.push(Failing { why: fill(words.grade.hidden, &[what]), again: None });
    }
    found
}

/// Says what is wrong with a trial in which something must come out.
fn fault(must: &Must, seen: &Seen, words: &Words) -> Option<String> {
    let grade = &words.grade;
    let seed = seen.seed.to_string();
    if !seen.ended {
        return Some(fill(grade.unfinished, &[&seed]));
    }
    match must {
        Must::Hold(claim) => match seen.stood(*claim, words) {
            Stood::Holds => None,
            Stood::Breaks(why) => Some(fill(grade.broken, &[&seed, claim.name(), &why])),
            Stood::Untested(why) => Some(fill(grade.untested, &[&seed, claim.name(), &why])),
        },
        Must::Break(claim) => match seen.stood(*claim, words) {
            Stood::Breaks(_) => None,
            Stood::Holds => Some(fill(grade.unbroken, &[&seed, claim.name()])),
            Stood::Untested(why) => Some(fill(grade.untested, &[&seed, claim.name(), &why])),
        },
        Must::Lie(measured, least, most) => {
            let value = seen.number(measured);
            if *least <= value && value <= *most {
                return None;
            }
            let bounds = match (*least, *most) {
                (0, most) => fill(grade.at_most, &[&most.to_string()]),
                (least, u64::MAX) => fill(grade.at_least, &[&least.to_string()]),
                (least, most) => fill(grade.between, &[&least.to_string(), &most.to_string()]),
            };
            let shown = match value {
                u64::MAX => grade.never.to_owned(),
                value => value.to_string(),
            };
            Some(fill(grade.budget, &[&seed, &measured.name(), &shown, &bounds]))
        }
        Must::Reach(condition) | Must::Miss(condition) => {
            let value = must.measured().map_or(u64::MAX, |it| seen.number(&it));
            let said = match (must, value < u64::MAX) {
                (Must::Reach(_), false) => grade.missed,
                (Must::Miss(_), true) => grade.reached,
                _ => return None,
            };
            Some(fill(said, &[&seed, condition]))
        }
    }
}

/// Says so if no fault happened in a trial.
fn no_fault(seen: &Seen, words: &Words) -> Option<String> {
    let told = || fill(words.grade.no_fault, &[&seen.seed.to_string()]);
    (!seen.faulty).then(told)
}

/// Says which claim breaks, if one does, or that the trial did not end.
fn sound(seen: &Seen, words: &Words) -> Option<String> {
    let broken = |claim: &Claim| match seen.stood(*claim, words) {
        Stood::Breaks(why) => {
            let seed = seen.seed.to_string();
            Some(fill(words.grade.broken, &[&seed, claim.name(), &why]))
        }
        Stood::Holds | Stood::Untested(_) => None,
    };
    let unfinished = || fill(words.grade.unfinished, &[&seen.seed.to_string()]);
    if seen.ended { Claim::ALL.iter().find_map(broken) } else { Some(unfinished()) }
}

/// Says so if a mutant is not noticed: no claim breaks, and the model asserts nothing.
fn noticed(seen: &Seen, mutant: &str, words: &Words) -> Option<String> {
    let is_broken = |claim: &Claim| matches!(seen.stood(*claim, words), Stood::Breaks(_));
    let survives = || fill(words.grade.survives, &[&seen.seed.to_string(), &quoted(mutant)]);
    (seen.ended && !Claim::ALL.iter().any(is_broken)).then(survives)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::exercises;
    use crate::grade::exercise::read;

    #[test]
    fn hidden_seeds_belong_to_one_secret_one_exercise_and_one_student() {
        let read = |at: usize| {
            let hidden = exercises().into_iter().filter_map(|(_, text)| read(text).ok());
            hidden.filter(|exercise| 0 < exercise.hidden).nth(at).expect("there are some")
        };
        let (one, other) = (read(0), read(1));

        let seeds = hidden("secret", &one, "alice");

        assert_eq!(seeds.len(), one.hidden as usize);
        assert_eq!(seeds, hidden("secret", &one, "alice"));
        assert_ne!(seeds, hidden("secret", &one, "bob"));
        assert_ne!(seeds, hidden("Secret", &one, "alice"));
        assert_ne!(seeds.first(), hidden("secret", &other, "alice").first());
    }
}
