//! Exercises as files say them: what may be handed in, and what earns how many points.
//!
//! A line of an exercise has `points` that the machine gives, or points for `people` to give. It
//! is about one of:
//! - a `claim` that `must` hold or break, with every seed;
//! - a `budget`: a number of [`super::measures`] that is `least` or `most`; `span-ms` is the time
//!   `from` one condition `until` another;
//! - a condition that it `reaches`, and `must` (hold) or must not (break);
//! - a `number` that is to be handed in, right `within` so much of what is measured;
//! - a `choice` of those options for which a claim, a budget or a condition comes out;
//! - a `file` that `kills` a mutant.
//!
//! What is tried is the base, or a `story`, or a `file` of the answer, with what was drawn for the
//! student, the settings of the answer and then those of the line (`set`, `rules`).

use std::collections::{BTreeMap, BTreeSet};

use scenarios::Text;
use serde::Deserialize;
use sim::verdict::Claim;
use toml::Spanned;

use super::drawing::{self, Draw, DrawFile};
use super::measures::Measured;

/// An exercise, read.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// Its name.
    pub id: String,
    /// What to do.
    pub task: Text,
    /// What may be handed in.
    pub wanted: Wanted,
    /// The seeds that everybody may see, ascending.
    pub public: Vec<u64>,
    /// How many more there are of each student's own.
    pub hidden: u32,
    /// What answers are tried on: the first one is the scenario that the exercise is about.
    pub stories: Vec<Story>,
    /// What each student has alone.
    pub draws: Vec<Draw>,
    /// What the options of choices change.
    pub options: Vec<Choosable>,
    /// What earns points, in order.
    pub lines: Vec<Line>,
    /// What people give points for, and how many there are.
    pub by_hand: Vec<(Text, u64)>,
    /// The points that people give.
    pub people: u64,
}

/// What is wrong with an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What, and where.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

impl Flaw {
    /// Says what is wrong, and what to do.
    pub fn new(why: impl Into<String>, remedy: impl Into<String>) -> Flaw {
        Flaw { why: why.into(), remedy: remedy.into() }
    }
}

impl From<String> for Flaw {
    fn from(why: String) -> Flaw {
        Flaw::new(why, "See the exercises of the book.")
    }
}

/// What may be handed in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Wanted {
    /// Settings that `[set]` of `answer.toml` may change, as paths.
    pub may_set: Vec<String>,
    /// Scenario files to write.
    pub files: Vec<String>,
    /// The most steps that such a file may have.
    pub steps_max: usize,
}

/// A scenario that settings are tried on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// How lines call it.
    pub id: String,
    /// Its name in the library.
    pub base: String,
    /// What is changed in it before an answer is tried.
    #[serde(default)]
    pub set: BTreeMap<String, toml::Value>,
}

/// An option of choices, with what it sets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choosable {
    /// What an answer calls it.
    pub id: String,
    /// What it sets.
    #[serde(default)]
    pub set: BTreeMap<String, toml::Value>,
}

/// What earns points.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is, for people.
    pub text: Text,
    /// The points.
    pub points: u64,
    /// The places of the lines without whose points it earns nothing.
    pub needs: Vec<usize>,
    /// How to see to it.
    pub what: What,
}

/// How a line is seen to.
#[derive(Clone, Debug)]
pub enum What {
    /// The settings or the file of the answer, tried with every seed.
    Test(Test),
    /// A file that breaks no claim by the rules, and some claim with this mutant.
    Kill {
        /// The file.
        file: String,
        /// The mutant's name.
        mutant: String,
    },
    /// A number.
    Number {
        /// What an answer calls it.
        name: String,
        /// What is measured, and on what.
        right: (Measured, Setup),
        /// How far an answer may be off.
        within: Within,
    },
    /// A choice of options: those for which a test comes out well.
    Choice {
        /// What an answer calls it.
        name: String,
        /// The test.
        right: Test,
    },
}

/// How far a number may be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// By so much.
    Of(u64),
    /// By so many hundredths of what is right.
    Percent(u64),
}

impl Within {
    /// Returns by how much.
    pub fn of(self, right: u64) -> u64 {
        match self {
            Within::Of(within) => within,
            Within::Percent(percent) => right / 100 * percent + right % 100 * percent / 100,
        }
    }
}

/// Something that must come out in all trials.
#[derive(Clone, Debug)]
pub struct Test {
    /// What is tried.
    pub setup: Setup,
    /// What must come out.
    pub must: Must,
}

/// What is tried, and what the line changes in it, after the answer has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setup {
    /// What is tried.
    pub on: On,
    /// Protocol rules that are changed: names and choices.
    pub rules: Vec<(String, String)>,
    /// Settings: paths and values.
    pub set: Vec<(String, String)>,
}

/// What is tried.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// A story, by its place, with the settings of the answer.
    Story(usize),
    /// A file of the answer.
    File(String),
}

/// What must come out of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Must {
    /// The claim is put to the test and holds.
    Hold(Claim),
    /// The claim breaks.
    Break(Claim),
    /// A number lies in between, both ends included.
    Lie(Measured, u64, u64),
    /// A condition holds at some time.
    Reach(String),
    /// A condition never holds.
    Miss(String),
}

impl Must {
    /// Returns what has to be measured to see.
    pub fn measured(&self) -> Option<Measured> {
        match self {
            Must::Hold(_) | Must::Break(_) => None,
            Must::Lie(measured, ..) => Some(measured.clone()),
            Must::Reach(until) | Must::Miss(until) => {
                Some(Measured::Span { from: None, until: until.clone() })
            }
        }
    }
}

/// More points than this are not given for one line.
const POINTS_MAX: u64 = 1_000;

/// An exercise as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    points: u64,
    base: String,
    #[serde(default)]
    task: Task,
    #[serde(default)]
    answer: Wanted,
    #[serde(default)]
    seeds: Seeds,
    #[serde(default)]
    story: Vec<Story>,
    #[serde(default)]
    draw: Vec<Spanned<DrawFile>>,
    #[serde(default)]
    option: Vec<Choosable>,
    #[serde(default)]
    graded: Vec<Graded>,
}

/// What to do, as the file has it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Task {
    en: String,
    zh: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Seeds {
    public: Vec<u64>,
    hidden: u32,
}

/// A line as the file has it.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Graded {
    en: String,
    zh: String,
    points: Option<u64>,
    people: Option<u64>,
    id: Option<String>,
    needs: Vec<String>,
    claim: Option<String>,
    must: Option<String>,
    reaches: Option<String>,
    budget: Option<String>,
    least: Option<u64>,
    most: Option<u64>,
    from: Option<String>,
    until: Option<String>,
    story: Option<String>,
    file: Option<String>,
    rules: Option<String>,
    set: BTreeMap<String, toml::Value>,
    kills: Option<String>,
    number: Option<String>,
    measure: Option<String>,
    within: Option<u64>,
    within_percent: Option<u64>,
    choice: Option<String>,
}

/// Reads an exercise.
///
/// # Errors
/// What is wrong with the file.
pub fn read(text: &str) -> Result<Exercise, Flaw> {
    let file: File =
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let mut stories =
        vec![Story { id: "base".to_owned(), base: file.base.clone(), set: BTreeMap::new() }];
    stories.extend(file.story);
    for story in &stories {
        if scenarios::library::find(&story.base).is_none() {
            return Err(format!("no scenario of the library is called {:?}", story.base).into());
        }
    }
    let mut public = file.seeds.public;
    public.sort_unstable();
    if public.is_empty() {
        public.push(1);
    }
    let given = |it: &Graded| it.points.is_some() != it.people.is_some();
    if !file.graded.iter().all(given) {
        return Err("each line of [[graded]] has points, or points for people".to_owned().into());
    }
    let points = |it: &Graded| it.points.or(it.people).unwrap_or(0);
    if file.graded.iter().any(|it| POINTS_MAX < points(it)) {
        return Err(format!("a line of [[graded]] has more than {POINTS_MAX} points").into());
    }
    let numbers = file.graded.iter().filter_map(|it| it.number.as_ref());
    unique("line of [[graded]] with the number", numbers)?;
    let choices = file.graded.iter().filter_map(|it| it.choice.as_ref());
    unique("line of [[graded]] with the choice", choices)?;
    unique("[[option]] with the id", file.option.iter().map(|it| &it.id))?;
    unique("[[story]] with the id", stories.iter().map(|it| &it.id))?;
    let said = |it: &Graded| Text { en: it.en.clone(), zh: Some(it.zh.clone()) };
    let by_hand: Vec<(Text, u64)> =
        file.graded.iter().filter_map(|it| Some((said(it), it.people?))).collect();
    let people = by_hand.iter().map(|(_, points)| points).sum::<u64>();
    let graded: Vec<Graded> = file.graded.into_iter().filter(|it| it.points.is_some()).collect();
    let mut lines = Vec::new();
    for (at, line) in graded.iter().enumerate() {
        let lowered = lower(line, &graded[..at], &stories);
        lines.push(lowered.map_err(|why| format!("line {} of [[graded]]: {why}", at + 1))?);
    }
    let sum: u64 = lines.iter().map(|line| line.points).sum::<u64>() + people;
    if sum != file.points {
        return Err(format!("its lines have {sum} points, not {}", file.points).into());
    }
    let exercise = Exercise {
        id: file.id,
        task: Text { en: file.task.en, zh: file.task.zh },
        wanted: file.answer,
        public,
        hidden: file.seeds.hidden,
        draws: drawing::read(&file.draw, &stories, text)?,
        stories,
        options: file.option,
        lines,
        by_hand,
        people,
    };
    drawing::check(&exercise)?;
    Ok(exercise)
}

/// Sees to it that no name is given twice.
fn unique<'n>(what: &str, names: impl Iterator<Item = &'n String>) -> Result<(), Flaw> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            let why = format!("there is more than one {what} {name:?}");
            return Err(Flaw::new(why, "Give each a name of its own."));
        }
    }
    Ok(())
}

fn lower(line: &Graded, before: &[Graded], stories: &[Story]) -> Result<Line, String> {
    let place = |id: &String| {
        let found = before.iter().position(|it| it.id.as_ref() == Some(id));
        found.ok_or_else(|| format!("no line before it has the id {id:?}"))
    };
    let needs = line.needs.iter().map(place).collect::<Result<_, _>>()?;
    let what = match line {
        Graded { kills: Some(mutant), file: Some(file), .. } => {
            let known = model::mutant::Mutant::by_name(mutant);
            known.ok_or_else(|| format!("no mutant is called {mutant:?}"))?;
            What::Kill { file: file.clone(), mutant: mutant.clone() }
        }
        Graded { number: Some(name), measure: Some(measure), .. } => {
            let right = (measured(measure, line)?, setup(line, stories)?);
            let within = match (line.within, line.within_percent) {
                (None, None) => Within::Of(0),
                (Some(within), None) => Within::Of(within),
                (None, Some(percent)) if percent < 100 => Within::Percent(percent),
                _ => {
                    let why = "write `within`, or `within-percent` below 100";
                    return Err(why.to_owned());
                }
            };
            What::Number { name: name.clone(), right, within }
        }
        Graded { choice: Some(name), .. } => {
            What::Choice { name: name.clone(), right: test(line, stories)? }
        }
        _ => What::Test(test(line, stories)?),
    };
    let text = Text { en: line.en.clone(), zh: Some(line.zh.clone()) };
    Ok(Line { text, points: line.points.unwrap_or(0), needs, what })
}

fn test(line: &Graded, stories: &[Story]) -> Result<Test, String> {
    let claim = line
        .claim
        .as_ref()
        .map(|name| Claim::by_name(name).ok_or_else(|| format!("no claim is called {name:?}")));
    let must = match (claim.transpose()?, &line.reaches, line.must.as_deref(), &line.budget) {
        (Some(claim), None, Some("hold"), None) => Must::Hold(claim),
        (Some(claim), None, Some("break"), None) => Must::Break(claim),
        (None, Some(condition), Some("hold"), None) => Must::Reach(condition.clone()),
        (None, Some(condition), Some("break"), None) => Must::Miss(condition.clone()),
        (None, None, None, Some(name)) => {
            let (least, most) = (line.least.unwrap_or(0), line.most.unwrap_or(u64::MAX));
            Must::Lie(measured(name, line)?, least, most)
        }
        _ => {
            let why = "write a claim or what it reaches, that must `hold` or `break`, or a budget";
            return Err(why.to_owned());
        }
    };
    Ok(Test { setup: setup(line, stories)?, must })
}

/// Returns what a line tries.
fn setup(line: &Graded, stories: &[Story]) -> Result<Setup, String> {
    let on = match &line.file {
        Some(file) => On::File(file.clone()),
        None => On::Story(story(line, stories)?),
    };
    let rules = line.rules.iter().filter_map(|rule| scenarios::Overrides::split(rule)).collect();
    Ok(Setup { on, rules, set: settings(&line.set) })
}

fn measured(name: &str, line: &Graded) -> Result<Measured, String> {
    match (name, &line.until) {
        ("span-ms", Some(until)) => {
            Ok(Measured::Span { from: line.from.clone(), until: until.clone() })
        }
        ("span-ms", None) => Err("a span has an end: write `until`".to_owned()),
        _ => Measured::by_name(name).ok_or_else(|| format!("no number is called {name:?}")),
    }
}

/// Returns the place of the story that a line is about.
fn story(line: &Graded, stories: &[Story]) -> Result<usize, String> {
    let Some(name) = &line.story else { return Ok(0) };
    let found = stories.iter().position(|story| story.id == *name);
    found.ok_or_else(|| format!("no story is called {name:?}"))
}

/// Returns settings as `--set` takes them.
pub fn settings(set: &BTreeMap<String, toml::Value>) -> Vec<(String, String)> {
    set.iter().map(|(path, value)| (path.clone(), drawing::plain(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_every_exercise_a_machine_gives_most_points() {
        for (name, text) in crate::course::exercises() {
            let exercise = read(text).unwrap_or_else(|flaw| panic!("{name}: {flaw:?}"));
            let points: u64 = exercise.lines.iter().map(|line| line.points).sum();
            assert_eq!(exercise.id, name);
            assert!(60 * (points + exercise.people) <= 100 * points, "{name}: {points}");
        }
    }

    #[test]
    fn an_exercise_that_adds_up_to_other_points_is_refused() {
        let text = "id = 'x'\npoints = 3\nbase = 'one-record'\n\
            [[graded]]\nen = ''\nzh = ''\npoints = 2\nclaim = 'no-duplicates'\nmust = 'hold'";

        let why = read(text).err().map(|flaw| flaw.why);
        assert_eq!(why.as_deref(), Some("its lines have 2 points, not 3"));
    }
}
