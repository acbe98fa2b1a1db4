//! Exercises as files say them: what may be handed in, and what earns how many points.
//!
//! A line of an exercise is graded by machine if it has points; one without them is for people
//! to read.

use std::collections::BTreeMap;

use scenarios::Text;
use serde::Deserialize;
use sim::verdict::Claim;

use super::measures::Measured;

/// An exercise, read.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// Its name.
    pub id: String,
    /// What may be handed in.
    pub wanted: Wanted,
    /// The seeds that everybody may see, ascending.
    pub public: Vec<u64>,
    /// How many more there are of each student's own.
    pub hidden: u32,
    /// What answers are tried on: the first one is the scenario that the exercise is about.
    pub stories: Vec<Story>,
    /// What the options of choices change.
    pub options: Vec<Choosable>,
    /// What earns points, in order.
    pub lines: Vec<Line>,
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
        /// What is measured, and in which story.
        right: (Measured, usize),
        /// How far an answer may be off.
        within: u64,
    },
    /// A choice of options: those for which a test comes out well.
    Choice {
        /// What an answer calls it.
        name: String,
        /// The test.
        right: Test,
    },
}

/// Something that must come out in all trials.
#[derive(Clone, Debug)]
pub struct Test {
    /// What is tried.
    pub on: On,
    /// Protocol rules that are changed: names and choices.
    pub rules: Vec<(String, String)>,
    /// What must come out.
    pub must: Must,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    /// The claim is put to the test and holds.
    Hold(Claim),
    /// The claim breaks.
    Break(Claim),
    /// A number lies in between, both ends included.
    Lie(Measured, u64, u64),
}

/// An exercise as the file has it. Other keys are for others.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    id: String,
    points: u64,
    base: String,
    #[serde(default)]
    answer: Wanted,
    #[serde(default)]
    seeds: Seeds,
    #[serde(default)]
    story: Vec<Story>,
    #[serde(default)]
    option: Vec<Choosable>,
    #[serde(default)]
    graded: Vec<Graded>,
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
    id: Option<String>,
    needs: Vec<String>,
    claim: Option<String>,
    must: Option<String>,
    budget: Option<Measured>,
    least: Option<u64>,
    most: Option<u64>,
    story: Option<String>,
    file: Option<String>,
    rules: Option<String>,
    kills: Option<String>,
    number: Option<String>,
    measure: Option<Measured>,
    within: u64,
    choice: Option<String>,
}

/// Reads an exercise.
///
/// # Errors
/// What is wrong with the file.
pub fn read(text: &str) -> Result<Exercise, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut stories =
        vec![Story { id: "base".to_owned(), base: file.base.clone(), set: BTreeMap::new() }];
    stories.extend(file.story);
    for story in &stories {
        if scenarios::library::find(&story.base).is_none() {
            return Err(format!("no scenario of the library is called {:?}", story.base));
        }
    }
    let mut public = file.seeds.public;
    public.sort_unstable();
    if public.is_empty() {
        public.push(1);
    }
    let graded: Vec<Graded> = file.graded.into_iter().filter(|it| it.points.is_some()).collect();
    let mut lines = Vec::new();
    for (at, line) in graded.iter().enumerate() {
        let lowered = lower(line, &graded[..at], &stories);
        lines.push(lowered.map_err(|why| format!("line {} of [[graded]]: {why}", at + 1))?);
    }
    let sum: u64 = lines.iter().map(|line| line.points).sum();
    if !lines.is_empty() && sum != file.points {
        return Err(format!("its lines have {sum} points, not {}", file.points));
    }
    Ok(Exercise {
        id: file.id,
        wanted: file.answer,
        public,
        hidden: file.seeds.hidden,
        stories,
        options: file.option,
        lines,
    })
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
        Graded { number: Some(name), measure: Some(measured), .. } => {
            let right = (*measured, story(line, stories)?);
            What::Number { name: name.clone(), right, within: line.within }
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
    let on = match &line.file {
        Some(file) => On::File(file.clone()),
        None => On::Story(story(line, stories)?),
    };
    let rules = line.rules.iter().filter_map(|rule| scenarios::Overrides::split(rule)).collect();
    let claim = line
        .claim
        .as_ref()
        .map(|name| Claim::by_name(name).ok_or_else(|| format!("no claim is called {name:?}")));
    let must = match (claim.transpose()?, line.must.as_deref(), line.budget) {
        (Some(claim), Some("hold"), None) => Must::Hold(claim),
        (Some(claim), Some("break"), None) => Must::Break(claim),
        (None, None, Some(measured)) => {
            Must::Lie(measured, line.least.unwrap_or(0), line.most.unwrap_or(u64::MAX))
        }
        _ => return Err("write a claim that must `hold` or `break`, or a budget".to_owned()),
    };
    Ok(Test { on, rules, must })
}

/// Returns the place of the story that a line is about.
fn story(line: &Graded, stories: &[Story]) -> Result<usize, String> {
    let Some(name) = &line.story else { return Ok(0) };
    let found = stories.iter().position(|story| story.id == *name);
    found.ok_or_else(|| format!("no story is called {name:?}"))
}

/// Returns settings as `--set` takes them.
pub fn settings(set: &BTreeMap<String, toml::Value>) -> Vec<(String, String)> {
    set.iter().map(|(path, value)| (path.clone(), value.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exercise_of_the_course_can_be_read() {
        let mut graded = 0;
        for (name, text) in crate::course::exercises() {
            let exercise = read(text).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(exercise.id, name);
            graded += usize::from(!exercise.lines.is_empty());
        }

        assert!(5 <= graded);
    }

    #[test]
    fn an_exercise_that_adds_up_to_other_points_is_refused() {
        let text = "id = 'x'\npoints = 3\nbase = 'one-record'\n\
            [[graded]]\nen = ''\nzh = ''\npoints = 2\nclaim = 'no-duplicates'\nmust = 'hold'";

        assert_eq!(read(text).err(), Some("its lines have 2 points, not 3".to_owned()));
    }
}
