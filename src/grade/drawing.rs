//! What each student gets alone: values of a scenario, drawn from secret, exercise and student.
//!
//! A `[[draw]]` of an exercise has an `id`, a `path` (as `--set` takes it), the `values`, and the
//! `stories` that it changes, the base if none is named. Nothing that is drawn is stored: a sheet
//! and the grader draw the same anew.

use std::collections::BTreeSet;

use model::chance::Rng;
use scenarios::{Overrides, Place, Severity, library, parse};
use serde::Deserialize;
use toml::Spanned;

use super::exercise::{Exercise, Flaw, Line, On, Story, What, settings};

/// Values that one draw may have.
const VALUES_MAX: usize = 100;

/// Parts of a scenario that no grade depends on: a grader has seeds, claims and cases of its own.
const UNGRADED: [&str; 9] =
    ["schema", "title", "teaches", "tags", "kafka", "seed", "ask", "expect", "matrix"];

/// A value of a scenario that each student gets one of.
#[derive(Clone, Debug)]
pub struct Draw {
    /// How the draw is called; its stream of chance has this name.
    pub id: String,
    /// Where the value goes.
    pub path: String,
    /// What it may be.
    pub values: Vec<toml::Value>,
    /// The stories that it changes, by their places.
    pub stories: Vec<usize>,
    /// The line of the file that it begins in.
    line: usize,
}

/// A draw as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawFile {
    id: String,
    path: Spanned<String>,
    values: Spanned<Vec<toml::Value>>,
    stories: Option<Spanned<Vec<Spanned<String>>>>,
}

/// What a student has drawn: of each draw the place of its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drawn(pub Vec<usize>);

/// Reads the draws of an exercise.
///
/// # Errors
/// What is wrong with one of them, where, and what to do.
pub fn read(file: &[Spanned<DrawFile>], stories: &[Story], text: &str) -> Result<Vec<Draw>, Flaw> {
    let line = |byte: usize| Place::of(text, byte).line;
    let mut draws: Vec<Draw> = Vec::new();
    for given in file {
        let (at, given) = (line(given.span().start), given.get_ref());
        let (id, path, values) = (&given.id, given.path.get_ref(), given.values.get_ref());
        if id.is_empty() || draws.iter().any(|draw| draw.id == *id) {
            let why = format!("line {at}: a draw before it has the id {id:?}, or it is empty");
            return Err(Flaw::new(why, "Give each [[draw]] an id of its own."));
        }
        let stories = changed_stories(given, stories, &line)?;
        let head = path.split('.').next().unwrap_or_default().trim();
        let at_path = line(given.path.span().start);
        if UNGRADED.contains(&head) {
            let why =
                format!("line {at_path}: {path} is drawn, and changes nothing that is graded");
            let remedy = "Draw what the scenario does; seeds are those of [seeds].";
            return Err(Flaw::new(why, remedy));
        }
        if let Some((why, remedy)) = values_flaw(values) {
            let at = line(given.values.span().start);
            return Err(Flaw::new(format!("line {at}: the draw {id:?} {why}"), remedy));
        }
        let (id, path, values) = (id.clone(), path.clone(), values.clone());
        draws.push(Draw { id, path, values, stories, line: at_path });
    }
    Ok(draws)
}

/// Returns the places of the stories that a draw changes, in order.
fn changed_stories(
    draw: &DrawFile,
    stories: &[Story],
    line: &impl Fn(usize) -> usize,
) -> Result<Vec<usize>, Flaw> {
    let Some(named) = &draw.stories else { return Ok(vec![0]) };
    if named.get_ref().is_empty() {
        let (at, id) = (line(named.span().start), &draw.id);
        let why = format!("line {at}: the draw {id:?} changes no story");
        return Err(Flaw::new(why, "Name stories, or leave the key out for the base."));
    }
    let mut places = BTreeSet::new();
    for story in named.get_ref() {
        let found = stories.iter().position(|it| it.id == *story.get_ref());
        let Some(place) = found else {
            let at = line(story.span().start);
            let why = format!("line {at}: no story is called {:?}", story.get_ref());
            let known = stories.iter().map(|it| it.id.as_str()).collect::<Vec<_>>();
            return Err(Flaw::new(why, format!("The stories are: {}.", known.join(", "))));
        };
        places.insert(place);
    }
    Ok(places.into_iter().collect())
}

/// Says what is wrong with the values of a draw, and what to do.
fn values_flaw(values: &[toml::Value]) -> Option<(&'static str, &'static str)> {
    let is_twice = (1..values.len()).any(|at| values[..at].contains(&values[at]));
    match values.len() {
        0 | 1 => Some(("has fewer than two values", "Write two values at least, or use `set`.")),
        _ if is_twice => Some(("has a value twice", "Write each value once.")),
        count if VALUES_MAX < count => Some(("has more than 100 values", "Write fewer.")),
        _ => None,
    }
}

/// Sees to it that whatever is drawn is obeyed: that scenarios take every value, that nothing is
/// written over it, and that points depend on it.
///
/// # Errors
/// What is wrong with a draw, where, and what to do.
pub fn check(exercise: &Exercise) -> Result<(), Flaw> {
    for (at, draw) in exercise.draws.iter().enumerate() {
        for place in &draw.stories {
            check_kept(exercise, at, *place)?;
        }
    }
    for (at, draw) in exercise.draws.iter().enumerate() {
        for place in &draw.stories {
            for value in 0..draw.values.len() {
                let mut drawn = Drawn(vec![0; exercise.draws.len()]);
                drawn.0[at] = value;
                exercise.taken(&drawn, *place).map_err(|(why, remedy)| {
                    let (line, path, value) = (draw.line, &draw.path, plain(&draw.values[value]));
                    let story = &exercise.stories[*place];
                    let why = format!("line {line}: {} with {path}={value}: {why}", story.base);
                    Flaw { why, remedy }
                })?;
            }
        }
    }
    Ok(())
}

/// Sees to it that nothing else decides what is drawn in a story.
fn check_kept(exercise: &Exercise, at: usize, place: usize) -> Result<(), Flaw> {
    let (draw, story) = (&exercise.draws[at], &exercise.stories[place]);
    let flaw = |why: &str, remedy: &str| {
        let (line, path) = (draw.line, &draw.path);
        Err(Flaw::new(format!("line {line}: {path} is drawn in {:?}, {why}", story.id), remedy))
    };
    let own = |other: &&Draw| other.stories.contains(&place);
    let beside = exercise.draws[..at].iter().filter(own).map(|other| &other.path);
    if beside.into_iter().any(|other| covers(other, &draw.path) || covers(&draw.path, other)) {
        return flaw("and by a draw before it", "Draw it once.");
    }
    if story.set.keys().any(|set| covers(&draw.path, set)) {
        return flaw("and set by the story", "Take it out of the story's `set`.");
    }
    let about: Vec<&Line> = exercise.lines.iter().filter(|it| it.story() == Some(place)).collect();
    if about.is_empty() {
        let why = "and no line that a machine grades is about that story";
        return flaw(why, "Name the stories that lines of [[graded]] are about.");
    }
    let is_test = |line: &&&Line| matches!(line.what, What::Test(_));
    let mut later: Vec<String> = Vec::new();
    if about.iter().any(|line| is_test(&line)) {
        later.extend(exercise.wanted.may_set.iter().cloned());
    }
    if about.iter().any(|line| matches!(line.what, What::Choice { .. })) {
        later.extend(exercise.options.iter().flat_map(|it| it.set.keys()).cloned());
    }
    for setup in about.iter().filter_map(|line| line.setup()) {
        later.extend(setup.set.iter().map(|(path, _)| path.clone()));
        later.extend(setup.rules.iter().map(|(rule, _)| format!("rules.{rule}")));
    }
    if later.iter().any(|set| covers(set, &draw.path)) {
        let why = "and an answer, an option or a line of [[graded]] sets it after that";
        return flaw(why, "Draw something that nothing else sets.");
    }
    Ok(())
}

/// Says whether a path is another one, or leads to it.
fn covers(path: &str, other: &str) -> bool {
    let [path, other] = [path, other].map(|it| it.replace(['\'', '"', ' '], ""));
    other.strip_prefix(&path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Returns a value as `--set` takes it and people read it: without quotes where it needs none.
pub fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text)
            if !text.is_empty()
                && text.trim() == text
                && toml::from_str::<toml::Table>(&format!("value = {text}")).is_err() =>
        {
            text.clone()
        }
        value => value.to_string(),
    }
}

impl Exercise {
    /// Draws a student's values: the same ones for the same secret, exercise and student.
    pub fn drawn(&self, secret: &str, student: &str) -> Drawn {
        let seed = self.seed(secret, student);
        let place = |draw: &Draw| {
            let count = draw.values.len() as u64;
            Rng::fork(seed, &format!("draw/{}", draw.id)).below(count) as usize
        };
        Drawn(self.draws.iter().map(place).collect())
    }

    /// Returns the seed of everything that is a student's own.
    pub fn seed(&self, secret: &str, student: &str) -> u64 {
        let parts = [secret, self.id.as_str(), student];
        parts.iter().fold(0, |seed, part| Rng::fork(seed, part).word())
    }

    /// Returns the draws that change a story, with what was drawn.
    pub fn drawn_in(&self, drawn: &Drawn, story: usize) -> Vec<(&Draw, usize)> {
        let all = self.draws.iter().zip(&drawn.0);
        let all = all.filter(|(draw, _)| draw.stories.contains(&story));
        all.map(|(draw, value)| (draw, *value)).collect()
    }

    /// Returns what a story sets, with what was drawn for it.
    pub fn story_set(&self, drawn: &Drawn, story: usize) -> Vec<(String, String)> {
        let mut set = settings(&self.stories[story].set);
        let drawn = self.drawn_in(drawn, story);
        set.extend(drawn.iter().map(|(it, at)| (it.path.clone(), plain(&it.values[*at]))));
        set
    }

    /// Sees whether a story can be run with what was drawn.
    ///
    /// # Errors
    /// Why not, and what to do.
    fn taken(&self, drawn: &Drawn, place: usize) -> Result<(), (String, String)> {
        let story = &self.stories[place];
        let Some(entry) = library::find(&story.base) else { return Ok(()) };
        let set = self.story_set(drawn, place);
        let overrides = Overrides { set, ..Overrides::default() };
        let Err(problems) = parse(entry.name, entry.source, &overrides) else { return Ok(()) };
        let error = problems.into_iter().find(|it| it.severity == Severity::Error);
        let error = error.map(|it| (it.message, it.help.or(it.label.as_deref().map(sentence))));
        let (why, help) = error.unwrap_or_default();
        // What `--set` says is said of the draw.
        let why = why.split(" (from `--set").next().unwrap_or_default().to_owned();
        let usual = || format!("See what `trial run {} --set …` takes.", story.base);
        Err((why, help.unwrap_or_else(usual)))
    }

    /// Sees whether every story can be run with all that a student has drawn.
    ///
    /// # Errors
    /// Which one cannot, and why.
    pub fn all_taken(&self, drawn: &Drawn) -> Result<(), Flaw> {
        for place in 0..self.stories.len() {
            let own = self.drawn_in(drawn, place);
            let Some((first, _)) = own.first() else { continue };
            self.taken(drawn, place).map_err(|(why, remedy)| {
                let values = own.iter().map(|(it, at)| shown(it, *at)).collect::<Vec<_>>();
                let (line, base) = (first.line, &self.stories[place].base);
                let why = format!("line {line}: {base} with {}: {why}", values.join(" and "));
                Flaw { why, remedy }
            })?;
        }
        Ok(())
    }
}

/// Writes a label as a sentence.
fn sentence(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Writes what was drawn as `--set` takes it.
fn shown(draw: &Draw, value: usize) -> String {
    format!("{}={}", draw.path, plain(&draw.values[value]))
}

impl Line {
    /// Returns what a line tries, if it is not a file alone.
    pub fn setup(&self) -> Option<&super::exercise::Setup> {
        match &self.what {
            What::Test(test) | What::Choice { right: test, .. } => Some(&test.setup),
            What::Number { right: (_, setup), .. } => Some(setup),
            What::Kill { .. } => None,
        }
    }

    /// Returns the place of the story that a line is about.
    pub fn story(&self) -> Option<usize> {
        match self.setup()?.on {
            On::Story(place) => Some(place),
            On::File(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::exercises;
    use crate::grade::exercise::read;
    use crate::grade::judging::{Key, Right};
    use reports::words::EN;

    /// All exercises that draw something.
    fn drawing() -> Vec<Exercise> {
        let all = exercises()
            .into_iter()
            .map(|(name, text)| read(text).unwrap_or_else(|flaw| panic!("{name}: {}", flaw.why)));
        all.filter(|exercise| !exercise.draws.is_empty()).collect()
    }

    #[test]
    fn what_is_drawn_stays_as_it_is_for_ever() {
        let text = "id = 'x'\npoints = 1\nbase = 'one-record'\n\
            [[draw]]\nid = 'a'\npath = 'producers.p1.records'\nvalues = [1, 2, 3, 4, 5, 6, 7]\n\
            [[graded]]\nen = ''\nzh = ''\npoints = 1\nclaim = 'no-duplicates'\nmust = 'hold'";
        let one = read(text).expect("it can be read");
        let more = text.replace(
            "[[graded]]",
            "[[draw]]\nid = 'b'\n\
            path = 'producers.p1.starts'\nvalues = ['1s', '2s']\n[[graded]]",
        );
        let two = read(&more).expect("it can be read");

        let drawn = |exercise: &Exercise, secret| {
            ["alice", "bob", "chen", "李雷"].map(|student| exercise.drawn(secret, student).0[0])
        };

        assert_eq!(drawn(&one, ""), PINNED[0]);
        assert_eq!(drawn(&one, "secret"), PINNED[1]);
        assert_eq!(drawn(&two, "secret"), PINNED[1]);
    }

    /// Handed-out sheets have these values: no version may draw others.
    const PINNED: [[usize; 4]; 2] = [[0, 1, 1, 6], [3, 3, 3, 5]];

    /// Otherwise the draw is no protection: each one moves some right answer further than an
    /// answer may be off.
    #[test]
    fn every_draw_changes_what_is_right() {
        for exercise in drawing() {
            for (at, draw) in exercise.draws.iter().enumerate() {
                let with = |value| {
                    let mut drawn = Drawn(vec![0; exercise.draws.len()]);
                    drawn.0[at] = value;
                    drawn
                };
                let all: Vec<Drawn> = (0..draw.values.len()).map(with).collect();
                let key = Key::of(&exercise, &all, 2, &EN).unwrap_or_else(|why| panic!("{why}"));
                let differs = |line: usize| {
                    let right = |drawn| key.right(&exercise, line, drawn);
                    let rights: Vec<_> = all.iter().filter_map(right).collect();
                    rights
                        .iter()
                        .any(|one| rights.iter().any(|it| is_wrong(&exercise, line, one, it)))
                };
                let some = (0..exercise.lines.len()).any(differs);
                assert!(some, "{}: nothing depends on {}", exercise.id, draw.id);
            }
        }
    }

    /// Says whether an answer that is right for one is wrong for the other.
    fn is_wrong(exercise: &Exercise, line: usize, one: &Right, other: &Right) -> bool {
        match (&exercise.lines[line].what, one, other) {
            (What::Number { within, .. }, Right::Number(one), Right::Number(other)) => {
                within.of(*other) < one.abs_diff(*other)
            }
            _ => one != other,
        }
    }

    #[test]
    fn every_exercise_with_numbers_or_choices_draws_something() {
        let asks = |line: &Line| matches!(line.what, What::Number { .. } | What::Choice { .. });
        for (name, text) in exercises() {
            let exercise = read(text).expect("it can be read");
            let asks = exercise.lines.iter().any(asks);
            assert_eq!(asks, !exercise.draws.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_draw_that_would_not_be_obeyed_is_refused_with_its_line_and_a_remedy() {
        let base = "id = 'x'\npoints = 1\nbase = 'one-record'\n[answer]\nmay-set = ['producers.p1.keys']\n\
            [[story]]\nid = 'idle'\nbase = 'one-record'\n[[story]]\nid = 'set'\nbase = 'one-record'\n\
            set = { 'producers.p1.records' = 3 }\n\
            [[graded]]\nen = ''\nzh = ''\npoints = 1\nSTORYclaim = 'no-duplicates'\nmust = 'hold'\n\
            [[draw]]\nid = 'a'\n";

        for (draw, why, remedy) in REFUSED {
            let flaw = read(&(base.replace("STORY", "") + draw)).expect_err(draw);
            assert!(flaw.why.starts_with(why), "{draw}: {}", flaw.why);
            assert!(
                flaw.remedy.contains(remedy) && !flaw.remedy.is_empty(),
                "{draw}: {}",
                flaw.remedy
            );
        }
        let draw = "path = 'producers.p1.records'\nvalues = [1, 2]\nstories = ['set']";
        let flaw = read(&(base.replace("STORY", "story = 'set'\n") + draw)).expect_err(draw);
        assert!(flaw.why.contains("and set by the story"), "{}", flaw.why);
        let draw = "path = 'rules.mutant'\nvalues = ['ack-before-isr', 'fence-late']";
        let ruled = base.replace("STORY", "rules = 'mutant=isr-expand-early'\n") + draw;
        let flaw = read(&ruled).expect_err(draw);
        assert!(flaw.why.contains("a line of [[graded]] sets it"), "{}", flaw.why);
        let draw = "path = 'producers.p1.records'\nvalues = [1, 2]\nstories = []";
        let flaw = read(&(base.replace("STORY", "") + draw)).expect_err(draw);
        assert!(flaw.why.starts_with("line 23: the draw \"a\" changes no story"), "{}", flaw.why);
        let draw = "path = 'seed'\nvalues = [1, 2]";
        let flaw = read(&(base.replace("STORY", "") + draw)).expect_err(draw);
        assert!(flaw.why.starts_with("line 21: seed is drawn, and changes"), "{}", flaw.why);
        for wrong in [
            "values = 3",
            "path = 3\nvalues = [1, 2]",
            "path = 'x'",
            "path = 'x'\nvalues = [1, 2]\nfrom = 1",
        ] {
            let flaw = read(&(base.replace("STORY", "") + wrong)).expect_err(wrong);
            assert!(flaw.why.contains(" at line "), "{wrong}: {}", flaw.why);
        }
    }

    /// Draws that are refused: how the message begins, and what the remedy says.
    const REFUSED: [(&str, &str, &str); 12] = [
        (
            "path = 'producers.p1.recrods'\nvalues = [1, 2]",
            "line 21: one-record with producers.p1.recrods=1",
            "records",
        ),
        (
            "path = 'producers.p1.records'\nvalues = []",
            "line 22: the draw \"a\" has fewer than two",
            "two",
        ),
        (
            "path = 'producers.p1.records'\nvalues = [4]",
            "line 22: the draw \"a\" has fewer than two",
            "two",
        ),
        (
            "path = 'producers.p1.records'\nvalues = [4, 4]",
            "line 22: the draw \"a\" has a value twice",
            "once",
        ),
        (
            "path = 'producers.p1.records'\nvalues = [4, -1]",
            "line 21: one-record with producers.p1.records=-1",
            "",
        ),
        (
            "path = 'producers.p1.records'\nvalues = ['many', 'few']",
            "line 21: one-record with producers.p1.records=many",
            "",
        ),
        (
            "path = 'producers.p1.keys'\nvalues = [1, 2]",
            "line 21: producers.p1.keys is drawn in \"base\", and an answer",
            "nothing else",
        ),
        ("path = ''\nvalues = [1, 2]", "line 21: one-record with =1", ""),
        (
            "path = 'producers.p1.records'\nvalues = [1, 2]\nstories = ['nobody']",
            "line 23: no story is called \"nobody\"",
            "base, idle, set",
        ),
        (
            "path = 'producers.p1.records'\nvalues = [1, 2]\nstories = ['idle']",
            "line 21: producers.p1.records is drawn in \"idle\", and no line",
            "Name the stories",
        ),
        (
            "path = 'producers.p1.records'\nvalues = [1, 2]\n[[draw]]\nid = 'a'\npath = 'x'\nvalues = [1, 2]",
            "line 23: a draw before it has the id",
            "of its own",
        ),
        (
            "path = 'producers.p1.records'\nvalues = [1, 2]\n[[draw]]\nid = 'b'\npath = 'producers.p1'\nvalues = [1, 2]",
            "line 25: producers.p1 is drawn in \"base\", and by a draw before it",
            "once",
        ),
    ];
}
