//! `trial demo`: a trial as a lesson at the terminal, and the question of `trial run --ask`.

use std::ops::ControlFlow;

use reports::lesson::{Step, answer, question, steps};
use reports::report::title;
use reports::text::{Line, Tone, fill, padded};
use reports::trace::texts::Texts;
use reports::verdict::{Helped, verdict};
use reports::words::page::label;
use scenarios::{Overrides, Question, library, parse};

use crate::chosen::{Chosen, ChosenArgs};
use crate::course;
use crate::error::CliError;
use crate::keys::{Key, Keys};
use crate::retold::Retold;
use crate::ui::Ui;

/// Go through a trial step by step, with a question before it is decided
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// A scenario as for `run`; without one, the lessons are listed
    #[arg(value_name = "LESSON")]
    lesson: Option<String>,
    /// Say what to show in a lecture of so many minutes
    #[arg(long, value_name = "MINUTES", conflicts_with = "lesson")]
    pack: Option<String>,
    #[command(flatten)]
    chosen: ChosenArgs,
}

/// Whether somebody goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Next,
    Back,
    Quit,
}

/// Returns 0 whatever the trial shows: a lesson is no test.
pub fn demo(args: &DemoArgs, ui: &mut Ui) -> Result<u8, CliError> {
    if let Some(name) = &args.pack {
        return lecture(name, ui);
    }
    let Some(lesson) = &args.lesson else { return list(ui) };
    let chosen = Chosen::read(lesson, &args.chosen, ui)?;
    let retold = chosen.run(ui)?;
    let helped = retold.helped(chosen.overrides());
    let mut keys = Keys::open();
    let steps = retold.tell(ui.words, |story| {
        ui.lines(&title(story, ui.signs))?;
        let texts = Texts::of(story, &retold.expected, &helped);
        Ok::<_, CliError>(steps(story, &texts, ui.signs))
    })?;
    let keys_told = label("demo-keys", ui.words.language);
    ui.lines(&[Line::of(Tone::Quiet, format!(" {keys_told}")), Line::default()])?;
    let mut at = 0;
    while let Some(step) = steps.get(at) {
        let ask = chosen.file().scenario.ask.as_ref();
        let wish = match (step, ask) {
            (Step::Piece(lines), _) => {
                ui.lines(lines)?;
                ui.flush()?;
                wish(&mut keys)?
            }
            (Step::Question, Some(ask)) => asked(ask, &mut keys, ui)?,
            (Step::Question, None) => Wish::Next,
            (Step::End, _) => {
                end(&retold, &helped, ui)?;
                return Ok(0);
            }
        };
        at = match wish {
            Wish::Next => at + 1,
            Wish::Back => at.saturating_sub(1),
            Wish::Quit => break,
        };
    }
    Ok(0)
}

/// Asks the question of a file and tells the answer, or breaks off if whoever is asked leaves.
///
/// # Errors
/// If nobody is there to answer.
pub fn ask(ask: &Question, ui: &mut Ui) -> Result<ControlFlow<()>, CliError> {
    ui.lines(&question(ask, ui.words))?;
    prompt(ask, ui)?;
    let mut keys = Keys::open();
    let given = loop {
        match keys.next()? {
            None => {
                let hint = "Type the number of an option, or leave --ask out.";
                return Err(CliError::usage(
                    "--ask waits for an answer, and standard input is closed",
                    hint,
                ));
            }
            Some(Key::Option(number)) if number <= ask.options.len() => break Some(number - 1),
            Some(Key::Next) => break None,
            Some(Key::Quit) => return Ok(ControlFlow::Break(())),
            Some(Key::Option(_) | Key::Back) => {}
        }
    };
    ui.lines(&answer(ask, given, ui.words))?;
    Ok(ControlFlow::Continue(()))
}

fn asked(ask: &Question, keys: &mut Keys, ui: &mut Ui) -> Result<Wish, CliError> {
    ui.lines(&question(ask, ui.words))?;
    prompt(ask, ui)?;
    let given = loop {
        match keys.next()? {
            None | Some(Key::Quit) => return Ok(Wish::Quit),
            Some(Key::Back) => return Ok(Wish::Back),
            Some(Key::Next) => break None,
            Some(Key::Option(number)) if number <= ask.options.len() => break Some(number - 1),
            Some(Key::Option(_)) => {}
        }
    };
    ui.lines(&answer(ask, given, ui.words))?;
    Ok(Wish::Next)
}

/// Says which keys answer.
fn prompt(ask: &Question, ui: &mut Ui) -> Result<(), CliError> {
    let range = format!("1–{}", ask.options.len());
    let text = fill(label("ask-prompt", ui.words.language), &[&range]);
    ui.lines(&[Line::of(Tone::Quiet, format!(" {}", text.trim_end()))])?;
    Ok(ui.flush()?)
}

fn wish(keys: &mut Keys) -> Result<Wish, CliError> {
    loop {
        match keys.next()? {
            Some(Key::Next) => return Ok(Wish::Next),
            Some(Key::Back) => return Ok(Wish::Back),
            None | Some(Key::Quit) => return Ok(Wish::Quit),
            Some(Key::Option(_)) => {}
        }
    }
}

/// Tells how it ended.
fn end(retold: &Retold<'_>, helped: &[Helped], ui: &mut Ui) -> Result<(), CliError> {
    let lines = retold.tell(ui.words, |story| {
        verdict(story, (&retold.expected, helped), &retold.again, ui.signs)
    });
    ui.lines(&[Line::default()])?;
    Ok(ui.lines(&lines)?)
}

/// Lists the scenarios of the library that ask something.
fn list(ui: &mut Ui) -> Result<u8, CliError> {
    let mut lessons = Vec::new();
    for entry in library() {
        if let Ok((scenario, _)) = parse(entry.name, entry.source, &Overrides::default())
            && scenario.ask.is_some()
        {
            lessons.push((entry.name, ui.words.of(&scenario.title).to_owned()));
        }
    }
    let wide = lessons.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut lines = vec![Line::plain(label("demo-lessons", ui.words.language))];
    for (name, title) in &lessons {
        let name = Line::of(Tone::Strong, format!("  {}", padded(name, wide + 2)));
        lines.push(name.then(Tone::Plain, title.clone()).uncut());
    }
    lines.push(Line::default());
    lines.push(Line::plain(ui.words.grade.packs));
    for pack in course::packs() {
        let name = Line::of(Tone::Strong, format!("  {}", padded(&pack.id, 4)));
        lines.push(name.then(Tone::Plain, pack.title.say(ui.words.language)).uncut());
    }
    ui.lines(&lines)?;
    Ok(0)
}

/// Lists the lessons of a lecture: when each begins, how long it takes, what to type.
fn lecture(name: &str, ui: &mut Ui) -> Result<u8, CliError> {
    let packs = course::packs();
    let pack = packs.iter().find(|pack| pack.id == name).ok_or_else(|| {
        let names: Vec<_> = packs.iter().map(|pack| pack.id.as_str()).collect();
        let hint = format!("The lectures are: {}.", names.join(", "));
        CliError::usage(format!("no lecture is called {name:?}"), hint)
    })?;
    let words = ui.words;
    let minutes = |minutes: &str| fill(words.grade.minutes, &[minutes]);
    let title = format!(" {} · {}", minutes(&pack.id), pack.title.say(words.language));
    let mut lines = vec![Line::of(Tone::Strong, title)];
    let pages = course::pages();
    let mut begins = 0;
    for lesson in &pack.lesson {
        let page = pages.iter().find(|page| page.id == lesson.chapter).map(|page| page.title());
        let title = page.as_ref().map_or("", |title| words.of(title));
        let clock = format!(" {}:{:02}  ", begins / 60, begins % 60);
        let long = padded(&minutes(&lesson.minutes.to_string()), 9);
        let line = Line::of(Tone::Quiet, clock + &long).then(Tone::Plain, title);
        lines.push(line.uncut());
        lines.push(Line::of(Tone::Quiet, format!("{}trial demo {}", " ".repeat(16), lesson.show)));
        begins += lesson.minutes;
    }
    ui.lines(&lines)?;
    Ok(0)
}
