//! Single entries of a history as sentences, for stories; what has no sentence of its own
//! is told as in a table of facts.

use model::ids::Uid;

use crate::story::{Story, record_list, record_names};
use crate::table;
use crate::text::fill;
use crate::timeline::reset_cause;
use crate::trace::state::State;
use crate::trace::{FactKind, NONE, TraceFact};

/// The facts of one entry, with what they are about.
struct Told<'s> {
    story: &'s Story<'s>,
    facts: &'s [TraceFact],
    /// The one that says what the entry is.
    main: &'s TraceFact,
    /// Whose doing it is.
    name: &'s str,
}

/// Tells what one entry of the history says.
pub(crate) fn tell(story: &Story<'_>, entry: usize) -> String {
    let facts = story.trace.entry(entry);
    let is_main = |fact: &&TraceFact| !matches!(fact.kind, FactKind::Own | FactKind::Generation);
    let Some(main) = facts.iter().find(is_main).or(facts.first()) else { return String::new() };
    let told = Told { story, facts, main, name: story.trace.name(main.actor) };
    let said = told.client().or_else(|| told.server()).or_else(|| told.group());
    said.unwrap_or_else(|| {
        let row = table::row(story.trace, main);
        let parts = [row.who, row.place, row.what];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    })
}

impl Told<'_> {
    fn client(&self) -> Option<String> {
        let (events, trace, main) = (&self.story.words.why.events, self.story.trace, self.main);
        let (name, value) = (self.name, main.value);
        let error = || trace.error_name(main.more);
        Some(match main.kind {
            FactKind::Send => fill(events.called, &[name, &format!("r{value}")]),
            FactKind::Sent => {
                let sentence = if main.other < 2 { events.sent } else { events.sent_again };
                let records = names(trace.sending(value));
                let (to, attempt) = (trace.name(main.peer), main.other.to_string());
                fill(sentence, &[name, &records, to, &attempt])
            }
            FactKind::Retry => {
                let records = names(trace.sending(main.more));
                fill(events.retried, &[name, &records, trace.error_name(main.other)])
            }
            FactKind::Untold => fill(events.not_told, &[name, &self.records()]),
            FactKind::Ack => fill(events.told, &[name, &self.records()]),
            FactKind::Fail => fill(events.failed, &[name, &self.records(), error()]),
            FactKind::Unknown => fill(events.unknown, &[name, &self.records(), error()]),
            FactKind::Abandon => fill(events.abandoned, &[name, &self.records()]),
            FactKind::Poll => {
                let read: Vec<Uid> =
                    trace.records_of(main.more, (value, main.other)).map(|(_, uid)| uid).collect();
                fill(events.polled, &[name, &names(&read), &value.to_string()])
            }
            FactKind::Reset => {
                let why = reset_cause(main.more, self.story.words);
                fill(events.jumped, &[name, &value.to_string(), why])
            }
            _ => return None,
        })
    }

    /// Names the records of all runs.
    fn records(&self) -> String {
        let runs = self.facts.iter().flat_map(|it| it.value..it.value + it.other);
        let uids: Vec<Uid> = runs.filter_map(|uid| u32::try_from(uid).ok().map(Uid)).collect();
        record_list(&uids, self.story.words)
    }

    fn server(&self) -> Option<String> {
        let (events, trace, main) = (&self.story.words.why.events, self.story.trace, self.main);
        let (name, value, other) = (self.name, main.value.to_string(), main.other.to_string());
        Some(match main.kind {
            FactKind::Append => {
                let sentence = if main.other == 1 { events.appended } else { events.copied };
                let batch = trace.batches.get(main.value as usize)?;
                let (at, epoch) = (batch.base.to_string(), batch.epoch.to_string());
                fill(sentence, &[name, &names(&batch.records), &at, &epoch])
            }
            FactKind::Repeat => {
                fill(events.repeat, &[name, &names(trace.sending(main.more)), &other])
            }
            FactKind::Promise => {
                let acks = match main.more {
                    NONE => "acks=all".to_owned(),
                    copies => format!("acks={copies}"),
                };
                fill(events.answered, &[name, &acks, &value])
            }
            FactKind::Hw => fill(events.watermark, &[name, &other, &value]),
            FactKind::Cut => fill(self.story.words.why.truncated, &[name, &other, &value]),
            FactKind::Leads => fill(events.takes_over, &[name, &value, &other]),
            FactKind::Leader => {
                let isr = self.isr();
                match main.by() {
                    Some(_) => fill(events.leads, &[name, &value, &isr]),
                    None => fill(events.leaderless, &[&value, &isr]),
                }
            }
            FactKind::End => events.trial_ended.to_owned(),
            _ => return None,
        })
    }

    /// Returns what is true after the entry.
    fn state(&self) -> State {
        let trace = self.story.trace;
        let mut state = State::new(trace);
        state.go_past(trace, trace.facts.partition_point(|fact| fact.entry <= self.main.entry));
        state
    }

    /// Returns the numbers of the brokers in the registered ISR.
    fn isr(&self) -> String {
        let state = self.state();
        let isr = self.main.place().map(|place| &state.partitions[place].isr);
        let names = isr.into_iter().flatten().map(|&it| self.story.trace.name(it as i64));
        let ids: Vec<_> = names.map(|name| name.trim_start_matches('b')).collect();
        if ids.is_empty() { "–".to_owned() } else { ids.join(" ") }
    }

    /// Names partitions with the offsets that the facts carry.
    fn offsets(&self) -> String {
        let partitions = &self.story.trace.partitions;
        let named = self
            .facts
            .iter()
            .filter_map(|it| Some(format!("{} {}", partitions.get(it.place()?)?.name, it.value)));
        named.collect::<Vec<_>>().join(self.story.words.grammar.list)
    }

    fn group(&self) -> Option<String> {
        let (words, trace, main) = (&self.story.words.groups.why, self.story.trace, self.main);
        let (name, error) = (self.name, trace.error_name(main.more));
        let group = usize::try_from(main.other).ok().and_then(|it| trace.groups.get(it));
        let group = group.map_or("", |group| &group.name);
        Some(match main.kind {
            FactKind::Owns => {
                let (state, member) = (self.state(), main.by()?);
                let all = state.partitions.iter().zip(&trace.partitions);
                let owned = all.filter(|(state, _)| state.owners.contains(&member));
                let owned: Vec<_> = owned.map(|(_, partition)| partition.id).collect();
                fill(words.owns, &[name, &self.story.partition_list(&owned)])
            }
            FactKind::CommitSent => {
                let kinds = &self.story.words.groups.commit_kinds;
                let kind = usize::try_from(main.other).ok().and_then(|place| kinds.get(place));
                fill(words.commits, &[name, &self.offsets(), kind.copied().unwrap_or("")])
            }
            FactKind::CommitFailed => fill(words.failed, &[name, error]),
            FactKind::Starts if main.value != NONE => {
                let partition = &trace.partitions.get(main.place()?)?.name;
                fill(words.starts_at, &[name, partition, &main.value.to_string()])
            }
            FactKind::Commit if trace.is_commit(main) => {
                fill(words.wrote, &[name, group, &self.offsets()])
            }
            FactKind::CommitRefused => fill(words.refused, &[name, group, &self.offsets(), error]),
            FactKind::Group => {
                let state = self.state();
                let generation = state.groups.get(main.other as usize)?.generation.to_string();
                let phase = usize::try_from(main.value).ok();
                let phase = phase.and_then(|it| crate::page::PHASES.get(it)).copied();
                let members = main.more.to_string();
                fill(words.state, &[group, phase.unwrap_or(""), &generation, &members])
            }
            _ => return self.work(),
        })
    }

    fn work(&self) -> Option<String> {
        const FAILED: usize = 1;
        let (words, main) = (&self.story.words.groups.why, self.main);
        let sentence = match main.kind {
            FactKind::Begin => words.began,
            FactKind::Done | FactKind::Leave => words.ended[main.more.max(0) as usize],
            FactKind::Failed => words.ended[FAILED],
            FactKind::SinkTook => words.applied,
            FactKind::SinkRefused => words.sink_refused,
            _ => return None,
        };
        Some(fill(sentence, &[self.name, &format!("r{}", main.other)]))
    }
}

fn names(records: &[Uid]) -> String {
    let ends = records.first().zip(records.last());
    ends.map_or_else(String::new, |(first, last)| record_names(*first, *last))
}
