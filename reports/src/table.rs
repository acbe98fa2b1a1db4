//! What became true in a trial, as a table: one fact in a line.

use crate::svg::View;
use crate::text::padded;
use crate::trace::cone::Cone;
use crate::trace::{FactKind, Trace, TraceFact};
use crate::words::page::label;
use unicode_width::UnicodeWidthStr;

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

/// Draws the facts of a trial: all, those of one record, or those of a window.
pub fn table(trace: &Trace, view: &View) -> String {
    let heads = ["time", "who", "where", "what"].map(|name| label(name, view.language).to_owned());
    let [at, who, place, what] = heads;
    let mut rows = vec![Row { at, who, place, what }];
    rows.extend(self::rows(trace, view));
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

fn row(trace: &Trace, fact: &TraceFact) -> Row {
    let place = usize::try_from(fact.partition).ok().and_then(|it| trace.partitions.get(it));
    let carried = carried(trace, fact);
    let space = if carried.is_empty() { "" } else { " " };
    Row {
        at: model::time::Time(fact.at).to_string(),
        who: actor(trace, fact.actor),
        place: place.map_or_else(String::new, |it| it.name.clone()),
        what: format!("{}{space}{carried}", fact.kind.name()),
    }
}

fn actor(trace: &Trace, place: i64) -> String {
    let actor = usize::try_from(place).ok().and_then(|place| trace.actors.get(place));
    actor.map_or_else(|| "–".to_owned(), |actor| actor.name.clone())
}

/// Writes what a fact carries, in the notation of all reports: `r9`, `@9`, `e3`.
fn carried(trace: &Trace, fact: &TraceFact) -> String {
    let (value, other) = (fact.value, fact.other);
    let group = || {
        let group = usize::try_from(other).ok().and_then(|it| trace.groups.get(it));
        group.map_or_else(String::new, |group| group.name.clone())
    };
    let error = || trace.errors.get(other as usize).copied().unwrap_or("");
    match fact.kind {
        FactKind::Send | FactKind::Route | FactKind::Repeat => format!("r{value}"),
        FactKind::Ack | FactKind::Fail | FactKind::Unknown | FactKind::Abandon => {
            run("r", value, value + other)
        }
        FactKind::Retry | FactKind::Refuse => format!("r{value} {}", error()),
        FactKind::Append => appended(trace, value),
        FactKind::Promise | FactKind::Poll => run("@", value, other),
        FactKind::Cut | FactKind::Took => format!("{other}→{value}"),
        FactKind::Hw => value.to_string(),
        FactKind::Load => format!("LEO {other} HW {value}"),
        FactKind::Start | FactKind::Flush => format!("@{value}"),
        FactKind::Leader => format!("e{value}"),
        FactKind::Leads => format!("e{value} @{other}"),
        FactKind::Follows => format!("{} e{value}", actor(trace, other)),
        FactKind::Fetched | FactKind::Diverged => format!("{} @{value}", actor(trace, other)),
        FactKind::Isr | FactKind::Own => if value == 1 { "+" } else { "-" }.to_owned(),
        FactKind::Down => ["crash", "power", "stopped"][value.clamp(0, 2) as usize].to_owned(),
        FactKind::Up => format!("#{value}"),
        FactKind::Reset if other < 0 => format!("@{value}"),
        FactKind::Reset => format!("@{other}→@{value}"),
        FactKind::Begin | FactKind::Done | FactKind::Leave => format!("r{other} @{value}"),
        FactKind::Commit | FactKind::CommitRefused => format!("{} @{value}", group()),
        FactKind::Group | FactKind::Generation => format!("{} {value}", group()),

        FactKind::Step => (value + 1).to_string(),
        FactKind::Pause
        | FactKind::Resume
        | FactKind::Fence
        | FactKind::Unfence
        | FactKind::Settle => String::new(),
    }
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
