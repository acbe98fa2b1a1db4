//! Rows for what members of groups did, and for the work of their applications.

use model::time::Time;

use super::error_forms;
use super::read::{Reader, uid};
use super::row::{Beat, Counted, Row, Weight};
use crate::text::{Tone, fill};
use crate::trace::{FactKind, NONE, TraceFact};

/// How work ends, counted as in `WorkOutcome`: where it ends well, and where it fails.
const DONE: i64 = 0;
const FAILED: i64 = 1;
const PARKED: i64 = 4;

/// Makes the row of a member's fact, if it has one.
pub(crate) fn read(reader: &mut Reader<'_>, facts: &[TraceFact], main: &TraceFact) -> Option<Row> {
    let (client, words) = (main.by()?, &reader.words.groups);
    let row = |weight| Row::new(Time(main.at), main.entry, weight);
    match main.kind {
        FactKind::CoordinatorLost => {
            Some(row(Weight::Lesser).cell(client, Tone::Risk, words.no_coordinator))
        }
        // What the coordinator did not say, what a member owns afterwards says.
        FactKind::Expelled if main.more != NONE => {
            let row = row(Weight::Key).cell(client, Tone::Risk, words.expelled);
            Some(row.margin(error_forms(reader, main.more)))
        }
        FactKind::CommitSent => {
            reader.groups.commit_sent.insert(client, main.entry);
            None
        }
        FactKind::CommitFailed => {
            let row = row(Weight::Notable).cell(client, Tone::Risk, words.commit_failed);
            Some(row.margin(reader.trace.error_name(main.more)))
        }
        FactKind::Starts if main.value == NONE => {
            let row = row(Weight::Notable).cell(client, Tone::Plain, words.starts_nowhere);
            Some(row.margin(words.not_committed))
        }
        FactKind::Starts => {
            let text = fill(words.starts_at, &[&main.value.to_string()]);
            Some(row(Weight::Notable).cell(client, Tone::Plain, text))
        }
        FactKind::PollLate => {
            let row = row(Weight::Key).signed(client, Tone::Lost, ('✖', words.poll_late));
            Some(row.margin(words.poll_interval))
        }
        FactKind::Threw => {
            let weight = if main.value == 1 { Weight::Key } else { Weight::Notable };
            let row = row(weight).cell(client, Tone::Risk, words.throws);
            Some(row.margin(reader.trace.error_name(main.more)))
        }
        FactKind::Owns => owns(reader, row(Weight::Key), client),
        FactKind::Callback | FactKind::Rest => {
            let sentence = match (main.kind, main.value) {
                (FactKind::Callback, 0) => words.gives_back,
                (FactKind::Callback, 1) => words.loses,
                (FactKind::Callback, _) => return None,
                (_, 1) => words.paused,
                _ => words.resumed,
            };
            let concerned: Vec<usize> = facts.iter().filter_map(TraceFact::place).collect();
            let text = partitions(reader, sentence, &concerned);
            Some(row(Weight::Notable).cell(client, Tone::Risk, text))
        }
        _ => work(reader, main, client),
    }
}

/// Tells of the partitions that a member has.
fn owns(reader: &mut Reader<'_>, mut row: Row, client: usize) -> Option<Row> {
    let all = reader.state.partitions.iter().enumerate();
    let owned = all.filter(|(_, it)| it.owners.contains(&client)).map(|(place, _)| place);
    let owned: Vec<usize> = owned.collect();
    let before = reader.groups.owned.insert(client, owned.clone());
    if before.map_or(owned.is_empty(), |before| before == owned) {
        return None;
    }
    if owned.is_empty() {
        row.weight = Weight::Lesser; // most of the time it is about to own something else
    }
    let text = partitions(reader, reader.words.groups.owns, &owned);
    Some(row.cell(client, Tone::Strong, text))
}

/// Fills in partitions, as names and as numbers alone.
fn partitions(reader: &Reader<'_>, sentence: &str, concerned: &[usize]) -> String {
    let ids: Vec<_> = concerned.iter().map(|&place| reader.trace.partitions[place].id).collect();
    let numbers: Vec<_> = ids.iter().map(|it| it.partition.to_string()).collect();
    let numbers = if numbers.is_empty() { "–".to_owned() } else { numbers.join(",") };
    fill(sentence, &[&reader.story.partition_list(&ids), &numbers])
}

fn work(reader: &mut Reader<'_>, fact: &TraceFact, client: usize) -> Option<Row> {
    let (record, words) = (uid(fact.other), &reader.words.groups);
    let said = |sentence, tone, weight| {
        let text = fill(sentence, &[&format!("r{record}")]);
        let row = Row::new(Time(fact.at), fact.entry, weight).cell(client, tone, text);
        row.run(sentence, record, record).beat(Beat::Work(client), Vec::new())
    };
    let outcome = match fact.kind {
        FactKind::Begin => {
            reader.groups.began.insert((client, fact.other), fact.entry);
            return None;
        }
        FactKind::SinkRefused => {
            return Some(said(words.sink_refused, Tone::Doubled, Weight::Notable));
        }
        FactKind::Failed => FAILED,
        FactKind::Done | FactKind::Leave => fact.more.max(DONE),
        _ => return None,
    };
    let (mut sentence, mut tone, mut weight) = ended(words.work, outcome);
    let done = fact.kind == FactKind::Done && outcome != PARKED;
    let group = reader.trace.actors[client].group.filter(|_| done);
    if group.is_some_and(|group| !reader.groups.done.insert((group, fact.other))) {
        (sentence, tone, weight) = (words.work_again, Tone::Doubled, Weight::Notable);
    }
    let mut row = said(sentence, tone, weight);
    row.entries.extend(reader.groups.began.remove(&(client, fact.other)));
    row.batches = vec![reader.batch_of(record)];
    Some(if done { row.count(Counted::Processed, 1) } else { row })
}

/// Returns how the end of work is shown.
fn ended(sentences: [&'static str; 7], outcome: i64) -> (&'static str, Tone, Weight) {
    let sentence = usize::try_from(outcome).ok().and_then(|place| sentences.get(place));
    let (tone, weight) = match outcome {
        0 | 5 => (Tone::Committed, Weight::Routine),
        6 => (Tone::Doubled, Weight::Notable),
        _ => (Tone::Risk, Weight::Notable),
    };
    (sentence.copied().unwrap_or(""), tone, weight)
}
