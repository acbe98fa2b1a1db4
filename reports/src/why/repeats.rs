//! How records come to lie in a log twice, or behind records that were sent later: the chain
//! of the first one, from the producer's side and the log's.

use std::collections::BTreeSet;

use model::ids::Uid;
use model::time::Time;
use sim::verdict::{Claim, Evidence};

use super::Told;
use crate::story::{Story, record_list};
use crate::text::fill;
use crate::trace::{Batch, FactKind, NONE, Trace, TraceFact};

/// What happened to one record, as entries of the history.
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
            let written = *Way::of(story.trace, &concerned).appended.first()?;
            let batch = appended(story.trace, written)?;
            let first = *batch.records.iter().find(|uid| concerned.contains(uid))?;
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
    let same = repeats_of(story.trace, uid);
    let way = Way::of(story.trace, &same);
    let (&first, &last) = (way.appended.first()?, way.appended.last()?);
    let again = way.sent.iter().rev().find(|&&at| at < last && attempt(story.trace, at) != Some(1));
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
            let producer = |at| appended(story.trace, at).and_then(|batch| batch.producer);
            means = match (producer(first), producer(last)) {
                (_, None) => words.unnumbered.to_owned(),
                (Some(one), Some(other)) if one != other => words.other_id.to_owned(),
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
    let overtook = *Way::of(story.trace, &later).appended.first()?;
    let passed = passed(story.trace, uid, overtook)?;
    let passed_too = BTreeSet::from([passed]);
    let way = Way::of(story.trace, &passed_too);
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
fn passed(trace: &Trace, uid: Uid, overtook: usize) -> Option<Uid> {
    let sender = |of: Uid| trace.records.get(of.0 as usize).and_then(|record| record.by);
    let client = sender(uid)?;
    let partition = written(trace).find(|(fact, _)| fact.entry == overtook)?.0.partition;
    let earlier = written(trace).take_while(|(fact, _)| fact.entry < overtook);
    let before: BTreeSet<Uid> = earlier.flat_map(|(_, batch)| batch.records.clone()).collect();
    let later = written(trace).skip_while(|(fact, _)| fact.entry < overtook);
    let later = later.filter(|(fact, _)| fact.partition == partition);
    let mut passed = later.flat_map(|(_, batch)| &batch.records).filter(|it| **it < uid);
    passed.find(|it| !before.contains(it) && sender(**it) == Some(client)).copied()
}

/// Returns what leaders appended, in order.
fn written(trace: &Trace) -> impl Iterator<Item = (&TraceFact, &Batch)> {
    let appended = trace.facts.iter().filter(|it| (it.kind, it.other) == (FactKind::Append, 1));
    appended.map(|fact| (fact, &trace.batches[fact.value as usize]))
}

impl Way {
    fn of(trace: &Trace, same: &BTreeSet<Uid>) -> Way {
        let mut way = Way::default();
        for fact in &trace.facts {
            let (records, list) = match (fact.kind, fact.other) {
                (FactKind::Append, 1) => {
                    (trace.batches[fact.value as usize].records.as_slice(), &mut way.appended)
                }
                (FactKind::Sent, _) => (trace.sending(fact.value), &mut way.sent),
                (FactKind::Retry, _) => (trace.sending(fact.more), &mut way.retried),
                (FactKind::Again, _) if same.contains(&number(fact.value)) => {
                    way.sent_again.push(fact.entry);
                    continue;
                }
                _ => continue,
            };
            if records.iter().any(|uid| same.contains(uid)) {
                list.push(fact.entry);
            }
        }
        way
    }
}

/// Returns a record by the number that a fact carries.
fn number(uid: i64) -> Uid {
    Uid(u32::try_from(uid).unwrap_or(u32::MAX))
}

/// Returns a record with those that its application sent in its place.
fn repeats_of(trace: &Trace, uid: Uid) -> BTreeSet<Uid> {
    let mut same = BTreeSet::from([uid]);
    for fact in trace.facts.iter().filter(|fact| fact.kind == FactKind::Again) {
        if same.contains(&number(fact.other)) {
            same.insert(number(fact.value));
        }
    }
    same
}

/// Says what happened with an entry, and what that usually means.
fn step(story: &Story<'_>, at: usize, same: &BTreeSet<Uid>) -> Option<(String, String)> {
    let (words, events) = (&story.words.why.repeats, &story.words.why.events);
    let trace = story.trace;
    let fact = trace.entry(at).first()?;
    let (name, peer) = (trace.name(fact.actor), trace.name(fact.peer));
    let record = |records: &[Uid]| records.iter().copied().find(|uid| same.contains(uid));
    let none = String::new();
    Some(match fact.kind {
        FactKind::Append => {
            let batch = &trace.batches[fact.value as usize];
            let (uid, epoch) = (record(&batch.records)?, batch.epoch.to_string());
            let offset = batch.base + batch.records.iter().position(|it| *it == uid)? as u64;
            let values = [&format!("r{uid}"), &offset.to_string(), &epoch];
            (fill(events.appended, &[name, values[0], values[1], values[2]]), none)
        }
        FactKind::Sent => {
            let sentence = if fact.other < 2 { events.sent } else { events.sent_again };
            let record = format!("r{}", record(trace.sending(fact.value))?);
            (fill(sentence, &[name, &record, peer, &fact.other.to_string()]), none)
        }
        FactKind::Retry => {
            let record = format!("r{}", record(trace.sending(fact.more))?);
            let error = trace.error_name(fact.other);
            let (sentence, means) = match error {
                "REQUEST_TIMED_OUT" | "NETWORK_EXCEPTION" => (words.unheard, words.unheard_means),
                _ => (events.retried, ""),
            };
            (fill(sentence, &[name, &record, error]), means.to_owned())
        }
        FactKind::Again => {
            let values = [&format!("r{}", fact.other), &format!("r{}", fact.value)];
            let what = fill(words.from_before, &[name, values[0], values[1]]);
            (what, words.checkpoint.to_owned())
        }
        _ => return None,
    })
}

/// Says who has become the leader between two entries, if anybody has.
fn led_by(story: &Story<'_>, (from, to): (usize, usize)) -> String {
    let trace = story.trace;
    let sent = trace.entry(to).iter().find(|fact| fact.kind == FactKind::Sent);
    let Some(sent) = sent.filter(|fact| fact.peer != NONE) else { return String::new() };
    let led = |fact: &&TraceFact| {
        fact.kind == FactKind::Leader && fact.partition == sent.partition && fact.entry < to
    };
    let mut elected = None;
    let mut before = NONE;
    for fact in trace.facts.iter().filter(led) {
        if from <= fact.entry && before != fact.actor && fact.actor == sent.peer {
            elected = Some(fact);
        }
        before = fact.actor;
    }
    elected.map_or_else(String::new, |fact| {
        let (name, epoch) = (trace.name(fact.actor), fact.value.to_string());
        fill(story.words.why.repeats.new_leader, &[name, &epoch])
    })
}

fn attempt(trace: &Trace, at: usize) -> Option<i64> {
    let fact = trace.entry(at).first().filter(|fact| fact.kind == FactKind::Sent)?;
    Some(fact.other)
}

fn appended(trace: &Trace, at: usize) -> Option<&Batch> {
    let mut facts = trace.entry(at).iter();
    let fact = facts.find(|fact| (fact.kind, fact.other) == (FactKind::Append, 1))?;
    trace.batches.get(fact.value as usize)
}

fn line(story: &Story<'_>, at: usize, what: String, means: String) -> Told {
    let time = story.trace.entry(at).first().map(|fact| Time(fact.at));
    let at = time.map_or_else(String::new, |at| fill(story.words.why.seconds, &[&at.to_string()]));
    Told { at, time, what, means, ..Told::default() }
}
