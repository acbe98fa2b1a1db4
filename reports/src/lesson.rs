//! A trial as a lesson: piece by piece, with a question before it is decided.

use model::time::Time;
use scenarios::Question;

use crate::report::title;
use crate::story::Story;
use crate::text::{Line, Signs, Tone, WIDTH, fill, wrap};
use crate::timeline::{LINES, timed};
use crate::trace::texts::{Stop, StopKind, Texts};
use crate::words::Words;
use crate::words::page::label;

/// One step of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// What happened since the step before, and what is said of it.
    Piece(Vec<Line>),
    /// The question of the file.
    Question,
    /// How it ended.
    End,
}

/// Returns the steps of a lesson, in order; the last one is the end.
pub fn steps(story: &Story<'_>, texts: &Texts, signs: Signs) -> Vec<Step> {
    let mut drawn = timed(story, signs, LINES).into_iter().peekable();
    let asked = story.ask.map(|_| decided(&texts.stops));
    let mut is_open = asked.is_some();
    let mut steps = Vec::new();
    for stop in &texts.stops {
        let stop_at = Time(stop.at);
        if is_open && asked.is_some_and(|at| at <= stop_at) {
            is_open = false;
            let before = |(at, _): &(Time, Line)| asked.is_some_and(|asked| *at < asked);
            piece(&mut steps, std::iter::from_fn(|| drawn.next_if(before)), None, story.words);
            steps.push(Step::Question);
        }
        let lines = std::iter::from_fn(|| drawn.next_if(|(at, _)| *at <= stop_at));
        // What a step says stands in the timeline.
        let said = if stop.kind == StopKind::Say { None } else { Some(stop) };
        piece(&mut steps, lines, said, story.words);
    }
    if is_open {
        let before = |(at, _): &(Time, Line)| asked.is_some_and(|asked| *at < asked);
        piece(&mut steps, std::iter::from_fn(|| drawn.next_if(before)), None, story.words);
        steps.push(Step::Question);
    }
    piece(&mut steps, drawn, None, story.words);
    steps.push(Step::End);
    steps
}

/// Returns how many lines of a full report stand before the question.
pub fn lines_before_question(story: &Story<'_>, texts: &Texts, signs: Signs) -> usize {
    let asked = decided(&texts.stops);
    let drawn = timed(story, signs, LINES);
    let before = drawn.iter().take_while(|(at, _)| *at < asked).count();
    title(story, signs).len() + 1 + before
}

/// Draws the question with its options.
pub fn question(ask: &Question, words: &Words) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    lines.extend(hanging(" ? ", words.of(&ask.question), Tone::Strong));
    for (number, option) in (1..).zip(&ask.options) {
        let head = format!("   {number}  ");
        lines.extend(hanging(&head, words.of(option), Tone::Plain));
    }
    lines
}

/// Draws what is right, and what was answered; `None` is nothing.
pub fn answer(ask: &Question, given: Option<usize>, words: &Words) -> Vec<Line> {
    let said = |name| label(name, words.language);
    let number = (ask.answer + 1).to_string();
    let (sign, head, tone) = match given {
        Some(given) if given == ask.answer => ("✓", said("ask-right"), Tone::Committed),
        Some(_) => ("✗", said("ask-wrong"), Tone::Lost),
        None => ("→", said("ask-answer"), Tone::Plain),
    };
    let right = ask.options.get(ask.answer).map_or("", |option| words.of(option));
    let head = fill(head, &[&number, right]);
    let mut lines = hanging(&format!(" {sign} "), &head, tone);
    lines.extend(hanging("   ", words.of(&ask.because), Tone::Quiet));
    lines.push(Line::default());
    lines
}

/// Returns when a trial is decided: what a question asks for is open until then.
fn decided(stops: &[Stop]) -> Time {
    let is_late = |stop: &&Stop| matches!(stop.kind, StopKind::Moment(2..) | StopKind::Evidence);
    let first = stops.iter().find(is_late).or(stops.last());
    first.map_or(Time(0), |stop| Time(stop.at))
}

/// Adds a piece, unless it is empty.
fn piece(
    steps: &mut Vec<Step>,
    drawn: impl Iterator<Item = (Time, Line)>,
    said: Option<&Stop>,
    words: &Words,
) {
    let mut lines: Vec<Line> = drawn.map(|(_, line)| line).collect();
    if let Some(stop) = said {
        let at = fill(words.why.seconds, &[&Time(stop.at).to_string()]);
        lines.extend(hanging(&format!(" ▶ {at}  "), &stop.text, Tone::Strong));
    }
    if !lines.is_empty() {
        steps.push(Step::Piece(lines));
    }
}

/// Breaks a text into lines that begin below each other.
fn hanging(head: &str, text: &str, tone: Tone) -> Vec<Line> {
    let wide = Line::plain(head).width();
    let parts = wrap(text, WIDTH - wide).into_iter().enumerate();
    let head = |at| if at == 0 { head.to_owned() } else { " ".repeat(wide) };
    parts.map(|(at, part)| Line::of(tone, head(at) + &part)).collect()
}
