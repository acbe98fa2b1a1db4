//! Rows for what members of groups did, and for the work of their applications.

use model::fact::{
    Callback, EffectOutcome, ExpelCause, Fact, GroupError, MemberEvent, MemberFact, WorkEvent,
    WorkFact, WorkOutcome,
};
use model::ids::{ClientId, NodeId};
use model::message::group::Assignment;
use model::time::Time;

use super::error_forms;
use super::read::Reader;
use super::row::{Beat, Counted, Row, Weight};
use crate::entry::{commit_error, group_error};
use crate::text::{Tone, fill};

/// Makes the row of a member's fact, if it has one.
pub(crate) fn read(reader: &mut Reader<'_>, at: usize, time: Time, fact: &Fact) -> Option<Row> {
    match fact {
        Fact::Member(fact) => member(reader, at, time, fact),
        Fact::Work(fact) => work(reader, at, time, fact),
        _ => None,
    }
}

fn member(reader: &mut Reader<'_>, at: usize, time: Time, fact: &MemberFact) -> Option<Row> {
    let (client, words) = (fact.client, &reader.words.groups);
    let node = NodeId::Client(client);
    let row = |weight| Row::new(time, at, weight);
    match &fact.what {
        MemberEvent::CoordinatorLost(_) => {
            Some(row(Weight::Lesser).cell(node, Tone::Risk, words.no_coordinator))
        }
        MemberEvent::Joined { member, .. } => {
            reader.groups.met(member, client);
            None
        }
        MemberEvent::Expelled(ExpelCause::Told(error)) => {
            let row = row(Weight::Key).cell(node, Tone::Risk, words.expelled);
            Some(row.margin(error_forms(*error, reader.words)))
        }
        MemberEvent::CommitSent { .. } => {
            reader.groups.commit_sent.insert(client, at);
            None
        }
        MemberEvent::CommitEnded { outcome: Err(error), .. } => {
            let row = row(Weight::Notable).cell(node, Tone::Risk, words.commit_failed);
            Some(row.margin(commit_error(*error)))
        }
        MemberEvent::OffsetFetched(partition, found) if *partition == reader.focus => {
            let row = row(Weight::Notable);
            Some(match found {
                Some(offset) => {
                    row.cell(node, Tone::Plain, fill(words.starts_at, &[&offset.to_string()]))
                }
                None => {
                    row.cell(node, Tone::Plain, words.starts_nowhere).margin(words.not_committed)
                }
            })
        }
        MemberEvent::PollIntervalExceeded => {
            let row = row(Weight::Key).signed(node, Tone::Lost, ('✖', words.poll_late));
            Some(row.margin(words.poll_interval))
        }
        MemberEvent::Threw(error) => {
            let weight = match error {
                GroupError::Fatal(_) => Weight::Key,
                GroupError::Wakeup | GroupError::ConcurrentUse | GroupError::IllegalState => {
                    Weight::Notable
                }
            };
            Some(row(weight).cell(node, Tone::Risk, words.throws).margin(group_error(*error)))
        }
        MemberEvent::Listening(..)
        | MemberEvent::Owns(_)
        | MemberEvent::Paused(_)
        | MemberEvent::Resumed(_) => holding(reader, row(Weight::Key), client, &fact.what),
        // The coordinator's facts and what a member owns afterwards say the same.
        MemberEvent::CoordinatorFound(_)
        | MemberEvent::Joining
        | MemberEvent::Expelled(ExpelCause::PollInterval | ExpelCause::Left)
        | MemberEvent::CommitEnded { outcome: Ok(()), .. }
        | MemberEvent::OffsetFetched(..)
        | MemberEvent::Leaving => None,
    }
}

/// Tells of partitions that a member has, had or leaves alone.
fn holding(
    reader: &mut Reader<'_>,
    mut row: Row,
    client: ClientId,
    what: &MemberEvent,
) -> Option<Row> {
    let words = &reader.words.groups;
    let (sentence, weight, concerned) = match what {
        MemberEvent::Owns(owned) => return owns(reader, row, client, owned),
        MemberEvent::Listening(Callback::Revoked, concerned) if !concerned.is_empty() => {
            (words.gives_back, Weight::Notable, concerned)
        }
        MemberEvent::Listening(Callback::Lost, concerned) if !concerned.is_empty() => {
            (words.loses, Weight::Notable, concerned)
        }
        MemberEvent::Paused(concerned) => (words.paused, Weight::Notable, concerned),
        MemberEvent::Resumed(concerned) => (words.resumed, Weight::Notable, concerned),
        _ => return None,
    };
    row.weight = weight;
    Some(row.cell(NodeId::Client(client), Tone::Risk, partitions(reader, sentence, concerned)))
}

fn owns(
    reader: &mut Reader<'_>,
    mut row: Row,
    client: ClientId,
    owned: &Assignment,
) -> Option<Row> {
    let before = reader.groups.owned.insert(client, owned.clone());
    if before.map_or(owned.is_empty(), |before| before == *owned) {
        return None;
    }
    if owned.is_empty() {
        row.weight = Weight::Lesser; // most of the time it is about to own something else
    }
    let text = partitions(reader, reader.words.groups.owns, owned);
    Some(row.cell(NodeId::Client(client), Tone::Strong, text))
}

/// Fills in partitions, as names and as numbers alone.
fn partitions(reader: &Reader<'_>, sentence: &str, concerned: &Assignment) -> String {
    let numbers: Vec<_> = concerned.iter().map(|it| it.partition.to_string()).collect();
    let numbers = if numbers.is_empty() { "–".to_owned() } else { numbers.join(",") };
    fill(sentence, &[&reader.story.partition_list(concerned), &numbers])
}

fn work(reader: &mut Reader<'_>, at: usize, time: Time, fact: &WorkFact) -> Option<Row> {
    let (client, uid, words) = (fact.client, fact.uid, &reader.words.groups);
    let said = |sentence, tone, weight| {
        let text = fill(sentence, &[&format!("r{uid}")]);
        let node = NodeId::Client(client);
        let row = Row::new(time, at, weight).cell(node, tone, text).run(sentence, uid, uid);
        row.beat(Beat::Work(node), Vec::new())
    };
    match fact.what {
        WorkEvent::Began(_) => {
            reader.groups.began.insert((client, uid), at);
            None
        }
        WorkEvent::Ended(outcome) => {
            let (mut sentence, mut tone, mut weight) = ended(words.work, outcome);
            let done = matches!(outcome, WorkOutcome::Done | WorkOutcome::HandedOn);
            let group = reader.story.group_of(client).filter(|_| done);
            if group.is_some_and(|group| !reader.groups.done.insert((group, uid))) {
                (sentence, tone, weight) = (words.work_again, Tone::Doubled, Weight::Notable);
            }
            let mut row = said(sentence, tone, weight);
            row.entries.extend(reader.groups.began.remove(&(client, uid)));
            row.batches = vec![reader.batch_of(uid)];
            Some(if done { row.count(Counted::Processed, 1) } else { row })
        }
        WorkEvent::Effect(EffectOutcome::Refused) => {
            Some(said(words.sink_refused, Tone::Doubled, Weight::Notable))
        }
        WorkEvent::Effect(EffectOutcome::Applied) | WorkEvent::CopySent { .. } => None,
    }
}

/// Returns how the end of work is shown.
fn ended(sentences: [&'static str; 7], outcome: WorkOutcome) -> (&'static str, Tone, Weight) {
    match outcome {
        WorkOutcome::Done => (sentences[0], Tone::Committed, Weight::Routine),
        WorkOutcome::Failed => (sentences[1], Tone::Risk, Weight::Notable),
        WorkOutcome::Skipped => (sentences[2], Tone::Risk, Weight::Notable),
        WorkOutcome::Shed => (sentences[3], Tone::Risk, Weight::Notable),
        WorkOutcome::Parked => (sentences[4], Tone::Risk, Weight::Notable),
        WorkOutcome::HandedOn => (sentences[5], Tone::Committed, Weight::Routine),
        WorkOutcome::TakenForRepeat => (sentences[6], Tone::Doubled, Weight::Notable),
    }
}
