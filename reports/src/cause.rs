//! What befell one record, from its send to the end: in prose, and as its way through the lanes.

use model::ids::Uid;

use crate::report::title;
use crate::story::Story;
use crate::svg::concerned;
use crate::text::{Line, Signs, Tone, WIDTH, fill, wrap};
use crate::timeline::course;
use crate::trace::cone::Cone;
use crate::verdict::replay;
use crate::why::{Told, columns, told, told_of};
use crate::words::page::label;

/// Tells what befell a record; without one, what befell the first one that is concerned.
pub fn cause(story: &Story<'_>, uid: Option<Uid>, signs: Signs) -> Vec<Line> {
    let trace = story.trace;
    let said = |name| label(name, story.words.language);
    let followed = uid.or_else(|| concerned(trace).first().copied());
    let told = match uid.or(followed) {
        Some(uid) => told_of(story, uid),
        None => told(story),
    };
    let mut lines = title(story, signs);
    lines.push(Line::default());
    match (&told, followed) {
        (Some((title, told)), _) => lines.extend(prose(title, told, signs)),
        (None, Some(uid)) => {
            let text = fill(said("why-nothing"), &[&format!("r{uid}")]);
            lines.push(Line::plain(format!(" {text}")));
        }
        (None, None) => lines.push(Line::plain(format!(" {}", said("nothingbroke")))),
    }
    if let Some(uid) = followed {
        lines.push(Line::default());
        let facts = Cone::of(trace, uid).facts.into_iter();
        let entries = facts.map(|place| trace.facts[place].entry).collect();
        lines.extend(course(story, signs, uid, entries));
    }
    lines.push(Line::default());
    lines.extend(replay(&trace.again, 1, story.words));
    lines
}

/// Tells it in one sentence, then moment by moment.
fn prose(title: &str, told: &[Told], signs: Signs) -> Vec<Line> {
    let mut lines = vec![Line::of(Tone::Strong, format!(" {}", signs.spell(title)))];
    let moments = told.iter().filter(|line| !line.sign.is_empty() && !line.what.is_empty());
    let steps: Vec<&str> = moments.map(|line| line.what.trim_end_matches(['.', '。'])).collect();
    if 1 < steps.len() {
        let chain = wrap(&signs.spell(&steps.join(" → ")), WIDTH - 2).into_iter();
        lines.extend(chain.map(|text| Line::plain(format!(" {text}"))));
    }
    lines.push(Line::default());
    let indented = columns(told.to_vec(), signs).into_iter();
    lines.extend(indented.map(|line| {
        let mut indent = Line::plain(" ");
        indent.append(line);
        indent
    }));
    lines
}
