//! From facts to rows.

use std::collections::BTreeMap;

use model::ids::{ClientId, NodeId, Uid};
use sim::jepsen::operation::Kind;
use sim::plan::ClientRole;

use super::keys::Keys;
use super::nemesis::nemesis;
use super::sends::Window;
use super::{Row, Who, of_json, vector};
use crate::story::Story;
use crate::trace::state::State;
use crate::trace::{FactKind, Trace, TraceFact};

/// Writes rows while it goes through a trace.
struct Recorder<'s> {
    story: &'s Story<'s>,
    trace: &'s Trace,
    keys: Keys<'s>,
    rows: Vec<Row>,
    producers: BTreeMap<ClientId, Producer>,
    readers: BTreeMap<ClientId, Reader>,
    /// How many processes each thread has used.
    lives: BTreeMap<u64, u64>,
    /// The entry of the history that is being read, and its time.
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
    values: BTreeMap<usize, Vec<(i64, Uid)>>,
    rebalances: Vec<String>,
}

/// Returns the rows of a trial, in order.
pub(super) fn rows(story: &Story<'_>) -> Vec<Row> {
    let trace = story.trace;
    let end = State::at(trace, trace.end);
    let mut recorder = Recorder {
        story,
        trace,
        keys: Keys::of(trace, &end),
        rows: Vec::new(),
        producers: BTreeMap::new(),
        readers: BTreeMap::new(),
        lives: BTreeMap::new(),
        now: (0, 0),
    };
    for facts in trace.entries() {
        recorder.now = (facts[0].entry, facts[0].at);
        recorder.on_entry(facts);
    }
    recorder.now = (usize::MAX, trace.end);
    recorder.finish(&end);
    recorder.rows.sort_by_key(|row| row.place);
    recorder.rows
}

impl Recorder<'_> {
    fn on_entry(&mut self, facts: &[TraceFact]) {
        for fact in facts {
            let actor = fact.by().map(|place| self.trace.actors[place].node);
            if let Some(NodeId::Client(client)) = actor {
                self.on_fact(client, fact);
            }
            if let Some((function, value)) = nemesis(self.trace, fact) {
                let what = (function.to_owned(), of_json(&value));
                self.write(self.now, (Kind::Info, Who::Nemesis), what, Vec::new());
            }
        }
        let told = facts.iter().filter(|it| it.kind == FactKind::Callback);
        let given: Vec<usize> = told.clone().filter_map(TraceFact::place).collect();
        let node = told.clone().next().and_then(TraceFact::by).map(|it| self.trace.actors[it].node);
        if let (Some(NodeId::Client(client)), Some(told)) = (node, told.clone().next()) {
            let word = match told.value {
                0 => "revoked",
                1 => "lost",
                _ => "assigned",
            };
            self.on_rebalance(client, word, &given);
        }
    }

    fn on_fact(&mut self, client: ClientId, fact: &TraceFact) {
        let (now, trace) = (self.now, self.trace);
        let uid = u32::try_from(fact.value).map_or(Uid::NONE, Uid);
        match fact.kind {
            FactKind::Send => self.window(client).send(uid, now),
            FactKind::Route => self.window(client).place(uid, fact.place()),
            FactKind::Ack | FactKind::Untold | FactKind::Fail | FactKind::Unknown
                if self.window(client).complete(trace, fact) =>
            {
                self.close(client);
            }
            // What was under way is closed where its client dies; this says no more.
            FactKind::Abandon => self.close(client),
            FactKind::Poll => self.on_polled(client, fact),
            FactKind::Reset => self.on_rebalance(client, "reset", &Vec::from_iter(fact.place())),
            FactKind::Up => self.begin(client),
            FactKind::Down => self.end(client),
            _ => {}
        }
    }

    fn window(&mut self, client: ClientId) -> &mut Window {
        &mut self.producers.entry(client).or_default().window
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
    fn finish(&mut self, end: &State) {
        let clients: Vec<ClientId> = self.producers.keys().copied().collect();
        clients.into_iter().for_each(|client| self.close(client));
        let clients: Vec<ClientId> = self.readers.keys().copied().collect();
        clients.into_iter().for_each(|client| self.flush(client));
        let process = self.fresh(self.threads() - 1);
        let all = vector(self.keys.all().map(|key| key.to_string()));
        let more = vec![":seek-to-beginning? true".to_owned()];
        let (span, who) = ((self.now, self.now), (Kind::Ok, process));
        self.both(span, who, ["assign", &all, &all], more);
        let held = polled(&self.held(end));
        self.both(span, who, ["poll", "[[:poll]]", &held], Vec::new());
        self.both(span, who, ["poll", "[[:poll]]", "[[:poll {}]]"], Vec::new());
    }

    /// Returns what the leaders' logs hold below their high watermarks.
    fn held(&self, end: &State) -> BTreeMap<usize, Vec<(i64, Uid)>> {
        let mut values = BTreeMap::new();
        for (key, partition) in end.partitions.iter().enumerate() {
            let leader = partition.leader.and_then(|leader| partition.replicas.get(&leader));
            let Some(leader) = leader else { continue };
            let span = (leader.start, leader.high_watermark.min(leader.end));
            let batches = leader.batches.keys();
            let mut pairs: Vec<_> =
                batches.flat_map(|&batch| self.trace.records_of(batch, span)).collect();
            pairs.sort_unstable();
            values.insert(key, pairs);
        }
        values
    }

    fn on_polled(&mut self, client: ClientId, fact: &TraceFact) {
        let Some(key) = fact.place() else { return };
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
        let records = self.trace.records_of(fact.more, (fact.value, fact.other));
        poll.values.entry(key).or_default().extend(records);
    }

    fn on_rebalance(&mut self, client: ClientId, word: &str, keys: &[usize]) {
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
            let error = sends.error.map(|it| format!(":error :{}", keyword(&it)));
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
fn polled(values: &BTreeMap<usize, Vec<(i64, Uid)>>) -> String {
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
