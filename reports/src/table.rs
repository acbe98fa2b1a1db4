//! What became true in a trial, as a table: one fact in a line.

use scenarios::Language;
use unicode_width::UnicodeWidthStr;

use crate::svg::View;
use crate::text::padded;
use crate::trace::cone::Cone;
use crate::trace::{FactKind, Trace, TraceFact};
use crate::words::page::label;

/// One fact as a table shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When, in seconds.
    pub at: String,
    /// Whom it concerns; `–` is nobody.
    pub who: String,
    /// The partition; empty if none.
    pub place: String,
    /// The kind of the fact, and what it carries.
    pub what: String,
}

impl Row {
    /// Says whether the row is about something: somebody, a partition, or a kind of fact.
    pub fn is_about(&self, word: &str) -> bool {
        let kind = self.what.split(' ').next().unwrap_or_default();
        let partition = self.place == word
            || self.place.strip_prefix(word).is_some_and(|rest| rest.starts_with('-'));
        self.who == word || kind == word || (!word.is_empty() && partition)
    }
}

/// Draws the facts of a trial: all, those of one record, or those of a window.
pub fn table(trace: &Trace, view: &View) -> String {
    draw(self::rows(trace, view), view.language)
}

/// Draws some rows below a head.
pub fn draw(facts: Vec<Row>, language: Language) -> String {
    let heads = ["time", "who", "where", "what"].map(|name| label(name, language).to_owned());
    let [at, who, place, what] = heads;
    let mut rows = vec![Row { at, who, place, what }];
    rows.extend(facts);
    let wide = |cell: fn(&Row) -> &str| rows.iter().map(|row| cell(row).width()).max().unwrap_or(0);
    let widths = [wide(|row| &row.at), wide(|row| &row.who), wide(|row| &row.place)];
    let mut text = String::new();
    for row in &rows {
        let free = widths[0] - row.at.width();
        let (who, place) = (padded(&row.who, widths[1]), padded(&row.place, widths[2]));
        text += &format!("{:free$}{}  {who}  {place}  {}\n", "", row.at, row.what);
    }
    text
}

/// Returns the rows of the table.
pub fn rows(trace: &Trace, view: &View) -> Vec<Row> {
    let cone = view.focus.map(|uid| Cone::of(trace, uid));
    let (from, to) = view.window.unwrap_or((0, u64::MAX));
    let shown = |place: &usize, fact: &TraceFact| {
        let followed = cone.as_ref().is_none_or(|cone| cone.facts.binary_search(place).is_ok());
        followed && from <= fact.at && fact.at <= to
    };
    let numbered = trace.facts.iter().enumerate();
    numbered.filter(|(place, fact)| shown(place, fact)).map(|(_, fact)| row(trace, fact)).collect()
}

/// Returns one fact as a row.
pub(crate) fn row(trace: &Trace, fact: &TraceFact) -> Row {
    let place = usize::try_from(fact.partition).ok().and_then(|it| trace.partitions.get(it));
    let carried = carried(trace, fact);
    let space = if carried.is_empty() { "" } else { " " };
    Row {
        at: model::time::Time(fact.at).to_string(),
        who: trace.name(fact.actor).to_owned(),
        place: place.map_or_else(String::new, |it| it.name.clone()),
        what: format!("{}{space}{carried}", fact.kind.name()),
    }
}

/// Writes what a fact carries, in the notation of all reports: `r9`, `@9`, `e3`.
fn carried(trace: &Trace, fact: &TraceFact) -> String {
    let (value, other) = (fact.value, fact.other);
    let (error, why) = (trace.error_name(other), trace.error_name(fact.more));
    match fact.kind {
        FactKind::Send | FactKind::Route => format!("r{value}"),
        FactKind::Repeat => format!("r{value} @{other}"),
        FactKind::Sent => {
            let (records, to) = (named(trace.sending(value)), trace.name(fact.peer));
            format!("{records} → {to} #{other}")
        }
        FactKind::Ack | FactKind::Untold | FactKind::Abandon => run("r", value, value + other),
        FactKind::Fail | FactKind::Unknown => {
            format!("{} {why}", run("r", value, value + other))
        }
        FactKind::Again => format!("r{other} → r{value}"),
        FactKind::Identify => format!("{value} e{other}"),
        FactKind::Retry | FactKind::Refuse => format!("r{value} {error}"),
        FactKind::Append => appended(trace, value),
        FactKind::Promise | FactKind::Poll => run("@", value, other),
        FactKind::Unconfirmed => format!("{} {why}", run("@", value, other)),
        FactKind::Cut | FactKind::Took => format!("{other}→{value}"),
        FactKind::Load => format!("LEO {other} HW {value}"),
        FactKind::Start | FactKind::Flush => format!("@{value}"),
        FactKind::Leader => format!("e{value}"),
        FactKind::Leads => format!("e{value} @{other}"),
        FactKind::Follows => format!("{} e{value}", trace.name(other)),
        FactKind::Fetched => format!("{} @{value}", trace.name(other)),
        FactKind::Diverged => format!("{} e{} @{value}", trace.name(other), fact.more),
        FactKind::Down => word(value, ["crash", "power", "stopped"]),
        FactKind::Up => format!("#{value}"),
        FactKind::ClockJump | FactKind::ClockDrift => format!("{value:+}"),
        FactKind::Step => (value + 1).to_string(),
        FactKind::Hw | FactKind::Owns | FactKind::Controller | FactKind::Released => {
            value.to_string()
        }
        FactKind::Ruled => {
            let rule = usize::try_from(value).ok().and_then(|place| trace.ruled.get(place));
            let rule = rule.map_or_else(String::new, |it| format!("{} {}", it.message, it.fate));
            format!("{} {rule}", trace.name(fact.peer))
        }
        _ => shared(trace, fact),
    }
}

/// Writes the same for what concerns readers and groups; for the rest, whom it concerns besides
/// and why.
fn shared(trace: &Trace, fact: &TraceFact) -> String {
    let (value, other) = (fact.value, fact.other);
    let (peer, why) = (trace.name(fact.peer), trace.error_name(fact.more));
    let group = usize::try_from(other).ok().and_then(|it| trace.groups.get(it));
    let group = group.map_or("", |group| group.name.as_str());
    match fact.kind {
        FactKind::Isr | FactKind::Own | FactKind::Rest => signed(value),
        FactKind::Reset if other < 0 => format!("@{value}"),
        FactKind::Reset => format!("@{other}→@{value}"),
        FactKind::Begin | FactKind::Done | FactKind::Leave => format!("r{other} @{value}"),
        FactKind::Failed | FactKind::SinkTook | FactKind::SinkRefused => {
            format!("r{other} @{value}")
        }
        FactKind::Starts if value < 0 => String::new(),
        FactKind::Starts | FactKind::CommitSent => format!("@{value}"),
        FactKind::Commit => format!("{group} @{value}"),
        FactKind::CommitRefused => format!("{group} @{value} {why}"),
        FactKind::Group | FactKind::Generation => format!("{group} {value}"),
        FactKind::Coordinates | FactKind::Resigns => group.to_owned(),
        FactKind::Join | FactKind::Left | FactKind::Replaced => format!("{group} {peer}"),
        FactKind::Callback => word(value, ["revoked", "lost", "assigned"]),
        FactKind::Thrown => word(value, ["no-offset", "out-of-range", "truncation"]),
        _ => {
            let peer = if fact.with().is_some() { peer } else { "" };
            format!("{peer} {why}").trim().to_owned()
        }
    }
}

fn word(number: i64, words: [&str; 3]) -> String {
    words[number.clamp(0, 2) as usize].to_owned()
}

fn signed(value: i64) -> String {
    if value == 1 { "+" } else { "-" }.to_owned()
}

/// Names the records of a batch.
fn named(records: &[model::ids::Uid]) -> String {
    let ends = records.first().zip(records.last());
    ends.map_or_else(String::new, |(first, last)| {
        run("r", i64::from(first.0), i64::from(last.0) + 1)
    })
}

/// Writes what a log got: where, which records, of which epoch.
fn appended(trace: &Trace, batch: i64) -> String {
    let Some(batch) = trace.batches.get(batch as usize) else { return String::new() };
    let Some((first, last)) = batch.records.first().zip(batch.records.last()) else {
        return format!("@{} e{}", batch.base, batch.epoch);
    };
    let names = run("r", i64::from(first.0), i64::from(last.0) + 1);
    format!("@{} {names} e{}", batch.base, batch.epoch)
}

/// Writes a run of numbers with their sign; `end` is the one after the last.
fn run(sign: &str, first: i64, end: i64) -> String {
    match end - first {
        ..=1 => format!("{sign}{first}"),
        _ => format!("{sign}{first}–{sign}{}", end - 1),
    }
}
