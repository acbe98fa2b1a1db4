//! What a student is given: the task, values of their own, the commands to run with them, and
//! the file to hand in; for teachers, what is right.

use std::collections::BTreeSet;

use reports::grades::Own;
use reports::handout::task::{Offered, Task};
use reports::text::fill;
use reports::words::Words;

use super::drawing::{Drawn, plain};
use super::exercise::{Exercise, What, settings};
use super::judging::{Key, Right};
use crate::args::{Selection, quoted};

/// Returns what was drawn: each path with its value.
pub fn drawn(exercise: &Exercise, drawn: &Drawn) -> Vec<Own> {
    let own = exercise.draws.iter().zip(&drawn.0);
    let own = own.map(|(draw, at)| Own {
        id: draw.id.clone(),
        path: draw.path.clone(),
        value: plain(&draw.values[*at]),
    });
    own.collect()
}

/// Returns the commands that run what is drawn.
///
/// A story of the same base without draws of its own is no command of its own, and what it sets
/// otherwise stays out: what two stories differ in may be what the exercise asks for.
pub fn runs(exercise: &Exercise, drawn: &Drawn) -> Vec<String> {
    let stories = &exercise.stories;
    let ids = |place: usize| -> BTreeSet<&str> {
        let own = exercise.drawn_in(drawn, place);
        own.into_iter().map(|(draw, _)| draw.id.as_str()).collect()
    };
    // Whether one story is told by the command of the other.
    let is_within = |one: usize, other: usize| {
        let (few, many) = (ids(one), ids(other));
        let same = stories[one].base == stories[other].base && few.is_subset(&many);
        one != other && same && (few.len() < many.len() || other < one)
    };
    let places: Vec<usize> = (0..stories.len()).filter(|place| !ids(*place).is_empty()).collect();
    let mut runs = Vec::new();
    for place in &places {
        if places.iter().any(|other| is_within(*place, *other)) {
            continue;
        }
        let within = places.iter().filter(|other| is_within(**other, *place));
        let others: Vec<_> = within.map(|other| settings(&stories[*other].set)).collect();
        let own = settings(&stories[*place].set);
        let common = own.iter().filter(|it| others.iter().all(|other| other.contains(it)));
        let drawn = exercise.drawn_in(drawn, *place).into_iter();
        let drawn = drawn.map(|(draw, at)| (draw.path.clone(), plain(&draw.values[at])));
        let set = common.cloned().chain(drawn).map(|(path, value)| format!("{path}={value}"));
        let selection = Selection { set: set.collect(), ..Selection::default() };
        runs.push(selection.again(&stories[*place].base, exercise.public[0], &[]));
    }
    runs
}

/// Returns an empty `answer.toml`.
pub fn blank(exercise: &Exercise) -> String {
    let (mut numbers, mut choices) = (Vec::new(), Vec::new());
    for line in &exercise.lines {
        match &line.what {
            What::Number { name, .. } => numbers.push(name),
            What::Choice { name, .. } => choices.push(name),
            What::Test(_) | What::Kill { .. } => {}
        }
    }
    let options = exercise.options.iter().map(|it| format!("\"{}\"", it.id));
    let options = format!("[…]  # {}", options.collect::<Vec<_>>().join(", "));
    let mut blank = String::new();
    for (head, names, what) in [
        ("set", exercise.wanted.may_set.iter().collect(), "…"),
        ("numbers", numbers, "…"),
        ("choices", choices, &options),
    ] {
        if !names.is_empty() {
            blank += &format!("[{head}]\n");
            blank.extend(names.iter().map(|name| format!("\"{name}\" = {what}\n")));
        }
    }
    blank
}

/// Says which seeds students may see.
fn seeds(exercise: &Exercise, words: &Words) -> String {
    let public = exercise.public.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let said = fill(words.grade.sheet_seeds, &[&public]);
    let has_numbers = exercise.lines.iter().any(|it| matches!(it.what, What::Number { .. }));
    match has_numbers {
        true => format!("{said} {}", words.grade.sheet_first).replace("。 ", "。"),
        false => said,
    }
}

/// Says what is right in each line that asks for a number or a choice.
fn solution(exercise: &Exercise, key: &Key, drawn: &Drawn, words: &Words) -> Vec<String> {
    let mut told = Vec::new();
    for (at, line) in exercise.lines.iter().enumerate() {
        match (&line.what, key.right(exercise, at, drawn)) {
            (What::Number { name, within, .. }, Some(Right::Number(right))) => {
                let within = within.of(*right).to_string();
                told.push(fill(words.grade.right_number, &[name, &right.to_string(), &within]));
            }
            (What::Choice { name, .. }, Some(Right::Options(right))) => {
                let right = right.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                let right = if right.is_empty() { words.grade.right_none } else { &right };
                told.push(fill(words.grade.right_choice, &[name, right]));
            }
            _ => {}
        }
    }
    told
}

/// Puts together a student's sheet; with a key it also says what is right.
pub fn task(
    exercise: &Exercise,
    student: Option<(&str, &Drawn)>,
    key: Option<&Key>,
    words: &Words,
) -> Task {
    let (name, nothing) = (student.map(|(name, _)| name.to_owned()), Drawn::default());
    let own = student.map_or(&nothing, |(_, drawn)| drawn);
    let by_machine = exercise.lines.iter().map(|line| words.of(&line.text).to_owned());
    let by_hand = exercise.by_hand.iter().map(|(text, _)| words.of(text).to_owned());
    let graded: Vec<String> = by_machine.chain(by_hand).collect();
    let has_choices = exercise.lines.iter().any(|it| matches!(it.what, What::Choice { .. }));
    let options = exercise.options.iter().filter(|_| has_choices).map(|option| {
        let set = settings(&option.set).into_iter();
        let flags =
            set.map(|(path, value)| format!("--set {}", quoted(&format!("{path}={value}"))));
        Offered { id: option.id.clone(), flags: flags.collect::<Vec<_>>().join(" ") }
    });
    Task {
        exercise: exercise.id.clone(),
        student: name,
        points: exercise.lines.iter().map(|line| line.points).sum::<u64>() + exercise.people,
        text: words.of(&exercise.task).to_owned(),
        drawn: drawn(exercise, own),
        base: exercise.stories[0].base.clone(),
        runs: runs(exercise, own),
        seeds: seeds(exercise, words),
        options: options.collect(),
        blank: blank(exercise),
        files: exercise.wanted.files.clone(),
        steps_max: exercise.wanted.steps_max,
        graded,
        right: key.map(|key| solution(exercise, key, own, words)),
    }
}
