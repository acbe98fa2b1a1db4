//! From facts to rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::fact::{Callback, Fact, MemberEvent, MemberFact};
use model::ids::{ClientId, NodeId, Offset, TopicPartition, Uid};
use model::log::batch::Batch;
use serde_json::Value;
use sim::history::{Entry, Event, Fault};
use sim::jepsen::operation::Kind;
use sim::plan::ClientRole;

use super::keys::Keys;
use super::sends::Window;
use super::{Row, Who, of_json, vector};
use crate::entry;
use crate::story::Story;

/// Writes rows while it goes through a history.
struct Recorder<'s> {
    story: &'s Story<'s>,
    keys: Keys,
    rows: Vec<Row>,
    producers: BTreeMap<ClientId, Producer>,
    readers: BTreeMap<ClientId, Reader>,
    /// How many processes each thread has used.
    lives: BTreeMap<u64, u64>,
    /// The place and time of the entry that is being read.
    now: (usize, u64),
}

/// A producer's life.
#[derive(Default)]
struct Producer {
    process: Option<u64>,
    window: Window,
}

/// A consumer's life.
struct Reader {
    process: u64,
    /// The place and time at which its last operation ended.
    ended: (usize, u64),
    /// What the poll under way has returned so far, if one is.
    polled: Option<Poll>,
    /// What happened to its assignment since the last poll, in EDN.
    rebalances: Vec<String>,
}

/// What one `poll()` returned.
struct Poll {
    at: (usize, u64),
    values: BTreeMap<usize, Vec<(Offset, Uid)>>,
    rebalances: Vec<String>,
}

/// Returns the rows of a trial, in order.
pub(super) fn rows(story: &Story<'_>) -> Vec<Row> {
    let mut recorder = Recorder {
        story,
        keys: Keys::of(story),
        rows: Vec::new(),
        producers: BTreeMap::new(),
        readers: BTreeMap::new(),
        lives: BTreeMap::new(),
        now: (0, 0),
    };
    for (place, entry) in story.outcome.history.iter().enumerate() {
        recorder.now = (place, entry.at.0);
        recorder.on_entry(entry);
    }
    recorder.now = (story.outcome.history.len(), story.outcome.totals.end.0);
    recorder.finish();
    recorder.rows.sort_by_key(|row| row.place);
    recorder.rows
}

impl Recorder<'_> {
    fn on_entry(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Fact(fact) => self.on_fact(fact),
            Event::Fault(fault) => self.on_fault(entry, fault),
            Event::Phase(_) | Event::Step { .. } | Event::Reached { .. } => {}
        }
    }

    fn on_fact(&mut self, fact: &Fact) {
        let now = self.now;
        match fact {
            Fact::SendCalled { client, record, .. } => {
                self.producers.entry(*client).or_default().window.send(record.uid, now);
            }
            Fact::Buffered { client, uid, partition } => {
                self.producers.entry(*client).or_default().window.place(*uid, *partition);
            }
            Fact::Completed { client, partition, uids, outcome } => {
                let producer = self.producers.entry(*client).or_default();
                if producer.window.complete(uids, *partition, *outcome) {
                    self.close(*client);
                }
            }
            // What was under way is closed where its client dies; this says no more.
            Fact::Abandoned { client, .. } => self.close(*client),
            Fact::Polled { client, partition, batch, from, to, .. } => {
                self.on_polled(*client, *partition, (batch, *from, *to));
            }
            Fact::PositionReset { client, partition, .. } => {
                self.on_rebalance(*client, "reset", &[*partition]);
            }
            Fact::Member(MemberFact { client, what: MemberEvent::Listening(callback, given) }) => {
                let word = match callback {
                    Callback::Revoked => "revoked",
                    Callback::Lost => "lost",
                    Callback::Assigned => "assigned",
                };
                self.on_rebalance(*client, word, given);
            }
            _ => {}
        }
    }

    fn on_fault(&mut self, entry: &Entry, fault: &Fault) {
        match fault {
            Fault::Started { node: NodeId::Client(client), .. } => self.begin(*client),
            Fault::Crashed(NodeId::Client(client))
            | Fault::PowerLost(NodeId::Client(client))
            | Fault::Exited(NodeId::Client(client)) => self.end(*client),
            _ => {}
        }
        let value = match entry::json(self.story, 0, entry) {
            Value::Object(mut fields) => {
                let outer = ["seq", "t", "stream", "type"];
                outer.iter().for_each(|name| drop(fields.remove(*name)));
                of_json(&Value::Object(fields))
            }
            other => of_json(&other),
        };
        let what = (entry::kind(entry).to_owned(), value);
        self.write(self.now, (Kind::Info, Who::Nemesis), what, Vec::new());
    }

    /// A client's process begins: consumers say what they read.
    fn begin(&mut self, client: ClientId) {
        self.end(client);
        let Some(plan) = self.story.plan.clients.get(usize::from(client.0)) else { return };
        let function = match plan.role {
            ClientRole::Producer(_) => return,
            ClientRole::Consumer(_) => "assign",
            ClientRole::Member(_) => "subscribe",
        };
        let process = self.fresh(u64::from(client.0));
        let read = self.keys.read_by(self.story, &plan.role);
        let keys = vector(read.iter().map(usize::to_string));
        self.both((self.now, self.now), (Kind::Ok, process), [function, &keys, &keys], Vec::new());
        let (ended, polled, rebalances) = (self.now, None, Vec::new());
        self.readers.insert(client, Reader { process, ended, polled, rebalances });
    }

    /// A client's process ends: what was under way ends with it.
    fn end(&mut self, client: ClientId) {
        self.close(client);
        self.flush(client);
        self.producers.remove(&client);
        if let Some(reader) = self.readers.remove(&client) {
            let begun = reader.ended.max(self.now);
            let what = ["crash", "nil", "nil"];
            self.both((begun, self.now), (Kind::Info, reader.process), what, Vec::new());
        }
    }

    /// Everything that is under way ends, and a last reader reads everything.
    fn finish(&mut self) {
        let clients: Vec<ClientId> = self.producers.keys().copied().collect();
        clients.into_iter().for_each(|client| self.close(client));
        let clients: Vec<ClientId> = self.readers.keys().copied().collect();
        clients.into_iter().for_each(|client| self.flush(client));
        let process = self.fresh(self.threads() - 1);
        let all = vector(self.keys.all().map(|(_, key)| key.to_string()));
        let more = vec![":seek-to-beginning? true".to_owned()];
        let (span, who) = ((self.now, self.now), (Kind::Ok, process));
        self.both(span, who, ["assign", &all, &all], more);
        let held = polled(&self.held());
        self.both(span, who, ["poll", "[[:poll]]", &held], Vec::new());
        self.both(span, who, ["poll", "[[:poll]]", "[[:poll {}]]"], Vec::new());
    }

    /// Returns what the leaders' logs hold below their high watermarks.
    fn held(&self) -> BTreeMap<usize, Vec<(Offset, Uid)>> {
        let mut values = BTreeMap::new();
        for replica in self.story.outcome.replicas.iter().filter(|it| it.leads) {
            let Some(key) = self.keys.number(replica.partition) else { continue };
            let records = replica.batches.iter().flat_map(|it| it.records_from(replica.start));
            let committed = records.filter(|(offset, _)| *offset < replica.high_watermark);
            let pairs: Vec<_> = committed.map(|(offset, record)| (offset, record.uid)).collect();
            values.insert(key, pairs);
        }
        values
    }

    fn on_polled(
        &mut self,
        client: ClientId,
        partition: TopicPartition,
        (batch, from, to): (&Arc<Batch>, Offset, Offset),
    ) {
        let Some(key) = self.keys.number(partition) else { return };
        let now = self.now;
        let under_way = |reader: &Reader| reader.polled.as_ref().is_some_and(|it| it.at.1 == now.1);
        if !self.readers.get(&client).is_some_and(under_way) {
            self.flush(client);
        }
        let Some(reader) = self.readers.get_mut(&client) else { return };
        let rebalances = &mut reader.rebalances;
        let poll = reader.polled.get_or_insert_with(|| Poll {
            at: now,
            values: BTreeMap::new(),
            rebalances: std::mem::take(rebalances),
        });
        poll.at = now;
        let records = batch.records_from(from).take_while(|(offset, _)| *offset < to);
        let values = poll.values.entry(key).or_default();
        values.extend(records.map(|(offset, record)| (offset, record.uid)));
    }

    fn on_rebalance(&mut self, client: ClientId, word: &str, given: &[TopicPartition]) {
        let keys = self.keys.numbers(given.iter().copied());
        if let (Some(reader), false) = (self.readers.get_mut(&client), keys.is_empty()) {
            let keys = vector(keys.iter().map(usize::to_string));
            reader.rebalances.push(format!("{{:type :{word}, :keys {keys}}}"));
        }
    }

    /// Writes the poll under way.
    fn flush(&mut self, client: ClientId) {
        let Some(reader) = self.readers.get_mut(&client) else { return };
        let Some(poll) = reader.polled.take() else { return };
        let span = (reader.ended, poll.at);
        reader.ended = poll.at;
        let process = reader.process;
        let log = (!poll.rebalances.is_empty())
            .then(|| format!(":rebalance-log {}", vector(poll.rebalances)));
        let values = polled(&poll.values);
        let what = ["poll", "[[:poll]]", &values];
        self.both(span, (Kind::Ok, process), what, Vec::from_iter(log));
    }

    /// Writes a producer's window of sends.
    fn close(&mut self, client: ClientId) {
        let Some(producer) = self.producers.get_mut(&client) else { return };
        let span = (producer.window.begun, self.now);
        let known = producer.process;
        let groups = producer.window.close(&self.keys);
        let thread = u64::from(client.0) + self.story.plan.clients.len() as u64;
        for sends in groups {
            let process = match (sends.kind, known) {
                (Kind::Ok, Some(process)) => process,
                _ => self.fresh(thread),
            };
            if let (Kind::Ok, Some(producer)) = (sends.kind, self.producers.get_mut(&client)) {
                producer.process = Some(process);
            }
            let error = sends.error.map(|it| format!(":error :{}", keyword(it)));
            let what = ["send", &sends.asked, &sends.answered];
            self.both(span, (sends.kind, process), what, Vec::from_iter(error));
        }
    }

    /// Writes an operation: that it begins, and that it ends.
    fn both(
        &mut self,
        (begun, ended): ((usize, u64), (usize, u64)),
        (kind, process): (Kind, u64),
        [function, asked, answered]: [&str; 3],
        more: Vec<String>,
    ) {
        let process = Who::Process(process);
        let what = |value: &str| (function.to_owned(), value.to_owned());
        let seeks = more.iter().filter(|it| it.starts_with(":seek")).cloned().collect();
        self.write(begun, (Kind::Invoke, process), what(asked), seeks);
        self.write(ended, (kind, process), what(answered), more);
    }

    fn write(
        &mut self,
        (place, at): (usize, u64),
        (kind, process): (Kind, Who),
        what: (String, String),
        more: Vec<String>,
    ) {
        self.rows.push(Row { place, at, kind, process, what, more });
    }

    /// Returns how many threads there are: a consumer's and a producer's for each client, and
    /// that of the last reader.
    fn threads(&self) -> u64 {
        2 * self.story.plan.clients.len() as u64 + 1
    }

    /// Returns the number of a thread's next process: as many more as there are threads.
    fn fresh(&mut self, thread: u64) -> u64 {
        let threads = self.threads();
        let lives = self.lives.entry(thread).or_default();
        let process = thread + threads * *lives;
        *lives += 1;
        process
    }
}

/// Writes what a poll returned.
fn polled(values: &BTreeMap<usize, Vec<(Offset, Uid)>>) -> String {
    let keys = values.iter().map(|(key, pairs)| {
        let pairs = pairs.iter().map(|(offset, uid)| format!("[{offset} {uid}]"));
        format!("{key} {}", vector(pairs))
    });
    format!("[[:poll {{{}}}]]", keys.collect::<Vec<_>>().join(", "))
}

/// Writes an error's name as a keyword.
fn keyword(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}
