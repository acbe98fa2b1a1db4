//! How records come to lie in a log twice, or behind records that were sent later: the chain
//! of the first one, from the producer's side and the log's.

use std::collections::BTreeSet;

use model::fact::{AppendRole, Fact};
use model::ids::{ClientId, Offset, Uid};
use model::log::batch::Batch;
use model::message::ErrorCode;
use sim::history::{Entry, Event};
use sim::verdict::{Claim, Evidence};

use super::Told;
use crate::story::{Story, broker_name, record_list};
use crate::text::fill;

/// What happened to one record, as places in the history.
#[derive(Default)]
struct Way {
    /// Leaders appended it.
    appended: Vec<usize>,
    /// A batch with it left its producer.
    sent: Vec<usize>,
    /// Its producer is about to send it again.
    retried: Vec<usize>,
    /// A restarted application sent it again.
    sent_again: Vec<usize>,
}

/// Tells the chain of the first record, and names those that went the same way; `None` if the
/// claim is about something else, or the history does not show it.
pub(super) fn told(
    story: &Story<'_>,
    claim: Claim,
    evidence: &Evidence,
) -> Option<(String, Vec<Told>)> {
    let (&first, others) = evidence.records.split_first()?;
    let (first, names) = match claim {
        Claim::OrderPerPartition => {
            let concerned: BTreeSet<Uid> = evidence.records.iter().copied().collect();
            let written = *Way::of(story, &concerned).appended.first()?;
            let first = uids(appended(story, written)?).find(|uid| concerned.contains(uid))?;
            (first, record_list(&evidence.records, story.words))
        }
        _ if others.is_empty() => (first, format!("r{first}")),
        _ => {
            let same = fill(story.words.why.same_way, &[&record_list(others, story.words)]);
            (first, format!("r{first}{same}"))
        }
    };
    let lines = told_of(story, claim, first)?;
    Some((fill(story.words.why.title, &[&names]), lines))
}

/// Tells the chain of one record; `None` as above.
pub(super) fn told_of(story: &Story<'_>, claim: Claim, uid: Uid) -> Option<Vec<Told>> {
    match claim {
        Claim::NoDuplicates => twice(story, uid),
        Claim::OrderPerPartition => behind(story, uid),
        _ => None,
    }
}

/// Tells how a record came into a log twice.
fn twice(story: &Story<'_>, uid: Uid) -> Option<Vec<Told>> {
    let words = &story.words.why.repeats;
    let same = repeats_of(story, uid);
    let way = Way::of(story, &same);
    let (&first, &last) = (way.appended.first()?, way.appended.last()?);
    let again = way.sent.iter().rev().find(|&&at| at < last && attempt(story, at) != Some(1));
    let mut places = vec![first, last];
    places.extend(way.retried.iter().find(|&&at| at < last));
    places.extend(way.sent_again.iter().find(|&&at| at < last));
    places.extend(again);
    places.sort_unstable();
    places.dedup();
    if first == last {
        return None;
    }
    let resent = *again.or(way.sent_again.first()).unwrap_or(&last);
    let tell = |at: usize| {
        let (what, mut means) = step(story, at, &same)?;
        if at == last {
            let stamp = |at| appended(story, at).and_then(|batch| batch.producer);
            means = match (stamp(first), stamp(last)) {
                (_, None) => words.unnumbered.to_owned(),
                (Some(one), Some(other)) if one.id != other.id => words.other_id.to_owned(),
                (_, Some(_)) => words.unrecognised.to_owned(),
            };
        } else if again == Some(&at) {
            means = led_by(story, (first.min(at), at));
        }
        let told = line(story, at, what, means);
        Some(Told { is_prelude: at < resent, ..told })
    };
    Some(places.into_iter().filter_map(tell).collect())
}

/// Tells how a record that was sent earlier came to lie behind one that was sent later.
fn behind(story: &Story<'_>, uid: Uid) -> Option<Vec<Told>> {
    let words = &story.words.why.repeats;
    let later = BTreeSet::from([uid]);
    let overtook = *Way::of(story, &later).appended.first()?;
    let passed = passed(story, uid, overtook)?;
    let passed_too = BTreeSet::from([passed]);
    let way = Way::of(story, &passed_too);
    let written = *way.appended.first()?;
    let (earlier, name) = (format!("r{passed}"), format!("r{uid}"));
    let mut lines = Vec::new();
    let mut add = |at: usize, of: &BTreeSet<Uid>, means: Option<String>| {
        if let Some((what, usual)) = step(story, at, of) {
            lines.push((at, line(story, at, what, means.unwrap_or(usual))));
        }
    };
    way.sent.first().into_iter().for_each(|&at| add(at, &passed_too, None));
    let retried = way.retried.iter().find(|&&at| at < written);
    retried.into_iter().for_each(|&at| add(at, &passed_too, Some(words.in_flight.to_owned())));
    add(overtook, &later, Some(fill(words.not_missed, &[&earlier])));
    add(written, &passed_too, Some(fill(words.lies_behind, &[&earlier, &name])));
    lines.sort_by_key(|&(at, _)| at);
    let mut lines: Vec<Told> = lines.into_iter().map(|(_, told)| told).collect();
    lines.iter_mut().take(1).for_each(|first| first.is_prelude = true);
    Some(lines)
}

/// Finds the first record of the same producer that a record has overtaken.
fn passed(story: &Story<'_>, uid: Uid, overtook: usize) -> Option<Uid> {
    let history = &story.outcome.history;
    let sender = |of: Uid| {
        history.iter().find_map(|entry| match fact(entry)? {
            Fact::SendCalled { client, record, .. } if record.uid == of => Some(*client),
            _ => None,
        })
    };
    let client = sender(uid)?;
    let Fact::Appended { partition, .. } = fact(history.get(overtook)?)? else { return None };
    let before: BTreeSet<Uid> =
        (0..overtook).filter_map(|at| appended(story, at)).flat_map(uids).collect();
    let later = history[overtook..].iter().filter_map(|entry| match fact(entry)? {
        Fact::Appended { partition: at, batch, role: AppendRole::Leader, .. } => {
            (at == partition).then_some(batch)
        }
        _ => None,
    });
    let earlier = later.flat_map(|batch| uids(batch)).filter(|it| *it < uid);
    earlier.filter(|it| !before.contains(it)).find(|&it| sender(it) == Some(client))
}

impl Way {
    fn of(story: &Story<'_>, same: &BTreeSet<Uid>) -> Way {
        let mut way = Way::default();
        let holds = |batch: &Batch| uids(batch).any(|uid| same.contains(&uid));
        for (at, entry) in story.outcome.history.iter().enumerate() {
            match fact(entry) {
                Some(Fact::Appended { batch, role: AppendRole::Leader, .. }) if holds(batch) => {
                    way.appended.push(at);
                }
                Some(Fact::BatchSent { batch, .. }) if holds(batch) => way.sent.push(at),
                Some(Fact::BatchRetried { batch, .. }) if holds(batch) => way.retried.push(at),
                Some(Fact::SentAgain { uid, .. }) if same.contains(uid) => way.sent_again.push(at),
                _ => {}
            }
        }
        way
    }
}

/// Returns a record with those that its application sent in its place.
fn repeats_of(story: &Story<'_>, uid: Uid) -> BTreeSet<Uid> {
    let mut same = BTreeSet::from([uid]);
    for entry in &story.outcome.history {
        if let Some(Fact::SentAgain { uid, first, .. }) = fact(entry)
            && same.contains(first)
        {
            same.insert(*uid);
        }
    }
    same
}

/// Says what happened at a place, and what that usually means.
fn step(story: &Story<'_>, at: usize, same: &BTreeSet<Uid>) -> Option<(String, String)> {
    let (words, events) = (&story.words.why.repeats, &story.words.why.events);
    let name = |client: &ClientId| story.client(*client);
    let record = |batch: &Batch| uids(batch).find(|uid| same.contains(uid));
    let none = String::new();
    Some(match fact(story.outcome.history.get(at)?)? {
        Fact::Appended { broker, batch, .. } => {
            let (uid, epoch) = (record(batch)?, batch.leader_epoch.to_string());
            let offset = offset_of(batch, uid)?.to_string();
            let values = [&broker_name(*broker), &format!("r{uid}"), &offset, &epoch];
            (fill(events.appended, &values.map(String::as_str)), none)
        }
        Fact::BatchSent { client, broker, batch, attempt, .. } => {
            let sentence = if *attempt < 2 { events.sent } else { events.sent_again };
            let record = format!("r{}", record(batch)?);
            let values = [&name(client), &record, &broker_name(*broker), &attempt.to_string()];
            (fill(sentence, &values.map(String::as_str)), none)
        }
        Fact::BatchRetried { client, batch, error, .. } => {
            let record = format!("r{}", record(batch)?);
            let (sentence, means) = match error {
                ErrorCode::RequestTimedOut | ErrorCode::NetworkException => {
                    (words.unheard, words.unheard_means)
                }
                _ => (events.retried, ""),
            };
            (fill(sentence, &[&name(client), &record, error.name()]), means.to_owned())
        }
        Fact::SentAgain { client, uid, first } => {
            let values = [&name(client), &format!("r{first}"), &format!("r{uid}")];
            (fill(words.from_before, &values.map(String::as_str)), words.checkpoint.to_owned())
        }
        _ => return None,
    })
}

/// Says who has become the leader between two places, if anybody has.
fn led_by(story: &Story<'_>, (from, to): (usize, usize)) -> String {
    let sent_to = match story.outcome.history.get(to).and_then(fact) {
        Some(Fact::BatchSent { broker, .. }) => Some(*broker),
        _ => None,
    };
    let elected =
        story.outcome.history[from..to].iter().rev().find_map(|entry| match fact(entry)? {
            Fact::PartitionChanged { leader: (before, after), leader_epoch, .. } => {
                let is_new = before != after && *after == sent_to;
                is_new.then(|| (*after, leader_epoch.to_string()))
            }
            _ => None,
        });
    match elected {
        Some((Some(broker), epoch)) => {
            fill(story.words.why.repeats.new_leader, &[&broker_name(broker), &epoch])
        }
        Some((None, _)) | None => String::new(),
    }
}

fn attempt(story: &Story<'_>, at: usize) -> Option<u32> {
    match story.outcome.history.get(at).and_then(fact) {
        Some(Fact::BatchSent { attempt, .. }) => Some(*attempt),
        _ => None,
    }
}

fn appended<'a>(story: &Story<'a>, at: usize) -> Option<&'a Batch> {
    match fact(story.outcome.history.get(at)?)? {
        Fact::Appended { batch, role: AppendRole::Leader, .. } => Some(batch),
        _ => None,
    }
}

fn uids(batch: &Batch) -> impl Iterator<Item = Uid> + '_ {
    batch.records.list().iter().map(|record| record.uid)
}

fn offset_of(batch: &Batch, uid: Uid) -> Option<Offset> {
    let place = batch.records.list().iter().position(|record| record.uid == uid)?;
    Some(Offset(batch.base_offset.0 + place as u64))
}

fn fact(entry: &Entry) -> Option<&Fact> {
    match &entry.event {
        Event::Fact(fact) => Some(fact),
        Event::Fault(_) | Event::Phase(_) | Event::Step { .. } | Event::Reached { .. } => None,
    }
}

fn line(story: &Story<'_>, at: usize, what: String, means: String) -> Told {
    let time = story.outcome.history.get(at).map(|entry| entry.at);
    let at = time.map_or_else(String::new, |at| fill(story.words.why.seconds, &[&at.to_string()]));
    Told { at, time, what, means, ..Told::default() }
}
