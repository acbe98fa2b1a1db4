//! `trial handout`: a chapter of the book on paper.

use std::path::PathBuf;

use reports::handout::{Sheet, Solution, handout as draw};
use reports::svg::View;
use reports::trace::texts::Texts;

use crate::artefacts::write_file;
use crate::chosen::{Chosen, ChosenArgs};
use crate::course;
use crate::error::CliError;
use crate::ui::Ui;

/// Print a chapter's question with an empty picture to draw in
#[derive(Debug, clap::Args)]
pub struct HandoutArgs {
    /// A chapter of the book: 05-acks, 5 or ch5
    #[arg(value_name = "CHAPTER")]
    chapter: String,
    /// With a second page that says how it comes
    #[arg(long)]
    solution: bool,
    /// Where to write it [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Returns 0, or what is wrong.
pub fn handout(args: &HandoutArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let chapter = course::chapter(&args.chapter).ok_or_else(|| {
        let hint = format!("The chapters are: {}.", course::written().join(", "));
        CliError::usage(format!("no chapter is called {:?}", args.chapter), hint)
    })?;
    let chosen = Chosen::read(&chapter.scenario, &ChosenArgs::default(), ui)?;
    let retold = chosen.run(ui)?;
    let words = ui.words;
    let solution = if args.solution { Solution::Shown } else { Solution::Left };
    let ask = chosen.file().scenario.ask.as_ref();
    let ask = ask.ok_or_else(|| CliError::usage("the chapter's scenario asks nothing", ""))?;
    let claims = chapter.claims.iter().map(|claim| {
        let say = |text: &course::Both| text.say(words.language).to_owned();
        [claim.id.clone(), say(&claim.says), say(&claim.check)]
    });
    let sheet = Sheet {
        title: words.of(&chapter.title),
        question: words.of(&chapter.question),
        ask,
        claims: claims.collect(),
        again: &retold.again,
    };
    let page = retold.tell(words, |story| {
        let texts = Texts::of(story, &retold.expected, &[]);
        let (partition, language) = (story.trace.focus, words.language);
        let view = View { partition, focus: None, window: None, at: None, language };
        draw(&sheet, (story.trace, &texts), &view, solution, words)
    });
    match &args.output {
        Some(path) => write_file(path, page.as_bytes())?,
        None => ui.raw(&page)?,
    }
    Ok(0)
}
