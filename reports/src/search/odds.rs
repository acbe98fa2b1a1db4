//! The odds of one trial, moment by moment: as a report and as JSON.

use model::time::Time;
use scenarios::search::odds::{Odds, Point};
use serde::Serialize;
use sim::branch::Future;
use sim::verdict::Claim;

use crate::stats::CONFIDENCE;
use crate::stats::share::Share;
use crate::stats::words::percent;
use crate::table::Row;
use crate::text::{Line, Signs, Tone, WIDTH, counted, fill, grouped, padded, wrap};
use crate::words::{OddsWords, Words};

/// Columns of a bar.
const BAR: u64 = 20;
/// Columns of a time.
const TIME: usize = 10;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// The matrix case; empty without a matrix.
    pub case: &'a str,
    /// What is broken.
    pub violation: &'a str,
    /// The seed of the trial.
    pub seed: u64,
    /// What is still to come in the futures.
    pub future: Future,
    /// The command that asks again.
    pub again: String,
    /// What happened at the moment at which the odds rise.
    pub guilty: Vec<Row>,
}

impl Asked<'_> {
    /// Says how many futures were drawn, and which.
    pub fn futures(&self, odds: &Odds, words: &OddsWords) -> String {
        let branches = odds.points.first().map_or(0, |point| point.of);
        match self.future {
            Future::Calm => counted(branches, words.calm),
            Future::Planned => counted(branches, words.planned),
        }
    }
}

/// Says that there is nothing to tell.
pub fn nothing_broken(claim: Option<Claim>, words: &Words) -> Vec<Line> {
    let text = match claim {
        Some(claim) => fill(words.odds.not_broken, &[claim.name()]),
        None => words.odds.nothing.to_owned(),
    };
    vec![Line::of(Tone::Risk, text)]
}

/// Draws everything that was found.
pub fn report(found: &Odds, asked: &Asked<'_>, words: &Words, signs: Signs) -> Vec<Line> {
    let table = &words.odds;
    let case = if asked.case.is_empty() { String::new() } else { format!("  {}", asked.case) };
    let seed = fill(words.fuzz.seed, &[&asked.seed.to_string()]);
    let mut lines = vec![
        Line::of(Tone::Strong, fill(table.head, &[asked.violation])),
        Line::of(Tone::Quiet, format!("{}{case}  {seed}", asked.scenario)),
    ];
    lines.extend(sentences(&asked.futures(found, table)));
    lines.push(Line::default());
    let heads = format!("{:>TIME$}  {}  {}", "", padded("", BAR as usize), table.broken);
    let free = TIME - padded(table.up_to, 0).chars().count().min(TIME);
    lines.push(Line::of(Tone::Quiet, format!("{:free$}{}{}", "", table.up_to, &heads[TIME..])));
    lines.extend(rows(&found.points, table, signs));
    lines.push(Line::default());
    lines.extend(rise(found, asked, table));
    if found.cut_short {
        lines.push(Line::of(Tone::Risk, table.cut_short));
    }
    lines.extend(sentences(table.meaning));
    lines.push(Line::of(Tone::Quiet, format!("{}  {}", table.again, asked.again)).uncut());
    lines
}

/// Draws the moments; of several in a row with the same odds the first and the last.
fn rows(points: &[Point], words: &OddsWords, signs: Signs) -> Vec<Line> {
    let times = times(points);
    let points: Vec<(&Point, String)> = points.iter().zip(times).collect();
    let mut lines = Vec::new();
    for alike in points.chunk_by(|one, other| one.0.broken == other.0.broken) {
        lines.extend(alike.first().map(|point| row(point, words, signs)));
        if let [_, between @ .., last] = alike {
            if !between.is_empty() {
                let text = counted(between.len() as u64, words.between);
                lines.push(Line::of(Tone::Quiet, format!("{:TIME$}  ┄ {text}", "")));
            }
            lines.push(row(last, words, signs));
        }
    }
    lines
}

/// Writes the times of moments; where two in a row would read the same, to the microsecond.
fn times(points: &[Point]) -> Vec<String> {
    let plain: Vec<String> = points.iter().map(|point| point.at.to_string()).collect();
    let has_twin = |at: usize| {
        let before = at.checked_sub(1).is_some_and(|before| plain[before] == plain[at]);
        before || plain.get(at + 1) == Some(&plain[at])
    };
    let exact = |at: Time| format!("{}.{:06}", at.0 / 1_000_000, at.0 % 1_000_000);
    let times = points.iter().enumerate();
    times.map(|(at, it)| if has_twin(at) { exact(it.at) } else { plain[at].clone() }).collect()
}

fn row((point, time): &(&Point, String), words: &OddsWords, signs: Signs) -> Line {
    let Point { broken, of, .. } = **point;
    let full = broken * BAR / of.max(1);
    let sign = match signs {
        Signs::Unicode => "█",
        Signs::Ascii => "#",
    };
    let bar = padded(&sign.repeat(full as usize), BAR as usize);
    let tone = if broken == 0 { Tone::Committed } else { Tone::Lost };
    Line::plain(format!("{time:>TIME$}  "))
        .then(tone, bar)
        .then(Tone::Plain, format!("  {}", share(Share { hits: broken, of }, words)))
}

/// Writes a share of futures with its exact interval.
fn share(share: Share, words: &OddsWords) -> String {
    let interval = share.exact(CONFIDENCE);
    let (low, high) = (percent(interval.low), percent(interval.high));
    let (hits, of) = (grouped(share.hits), grouped(share.of));
    match share.hits {
        0 => fill(words.none, &[&hits, &of, &high]),
        all if all == share.of => fill(words.all, &[&hits, &of, &low]),
        _ => fill(words.some, &[&hits, &of, &percent(share.value()), &low, &high]),
    }
}

fn rise(found: &Odds, asked: &Asked<'_>, words: &OddsWords) -> Vec<Line> {
    let Some(rise) = &found.rise else {
        // Of moments that nobody has looked at nothing is known.
        return if found.cut_short { Vec::new() } else { sentences(words.flat) };
    };
    let share = |point: &Point| percent(Share { hits: point.broken, of: point.of }.value());
    let values = [&share(&rise.before), &share(&rise.after), &rise.after.at.to_string()];
    let values = values.map(String::as_str);
    let mut lines = vec![Line::of(Tone::Strong, fill(words.rise, &values))];
    lines.extend(asked.guilty.iter().map(|row| {
        let place = if row.place.is_empty() { String::new() } else { format!("  {}", row.place) };
        Line::plain(format!("{:TIME$}  {}{place}  {}", "", row.who, row.what))
    }));
    lines
}

fn sentences(text: &str) -> Vec<Line> {
    wrap(text, WIDTH).into_iter().map(|line| Line::of(Tone::Quiet, line)).collect()
}

/// What the JSON says.
#[derive(Serialize)]
struct Told<'a> {
    v: u32,
    scenario: &'a str,
    case: &'a str,
    violation: &'a str,
    seed: u64,
    future: &'static str,
    complete: bool,
    points: Vec<ToldPoint>,
    rise: Option<[ToldPoint; 2]>,
    replay: &'a str,
}

#[derive(Serialize)]
struct ToldPoint {
    /// Microseconds.
    at: u64,
    broken: u64,
    of: u64,
    low: f64,
    high: f64,
}

impl From<&Point> for ToldPoint {
    fn from(point: &Point) -> ToldPoint {
        let interval = Share { hits: point.broken, of: point.of }.exact(CONFIDENCE);
        let Point { at, broken, of } = *point;
        ToldPoint { at: at.0, broken, of, low: interval.low, high: interval.high }
    }
}

/// Writes what was found as one JSON object; times are in microseconds.
pub fn json(found: &Odds, asked: &Asked<'_>) -> String {
    let told = Told {
        v: 1,
        scenario: asked.scenario,
        case: asked.case,
        violation: asked.violation,
        seed: asked.seed,
        future: match asked.future {
            Future::Calm => "calm",
            Future::Planned => "planned",
        },
        complete: !found.cut_short,
        points: found.points.iter().map(ToldPoint::from).collect(),
        rise: found.rise.as_ref().map(|rise| [(&rise.before).into(), (&rise.after).into()]),
        replay: &asked.again,
    };
    serde_json::to_string(&told).expect("numbers and texts become JSON")
}
