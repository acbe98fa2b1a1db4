//! A trace for Perfetto and `chrome://tracing`: who had which role, what was broken, which
//! messages flew, and numbers over time.
//!
//! Everybody is a process, and so is each group. A thread is what cannot overlap: the messages,
//! the roles in one partition, one row of faults. Heartbeats and empty answers are left out.
//!
//! Source: the Trace Event Format, of which Perfetto reads the JSON form.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::series::{Of, Series, samples};
use crate::trace::{Arrow, FactKind, Trace, TraceFact, TraceMessage};

/// The thread of messages.
const MESSAGES: usize = 1;
/// The first thread of faults.
const FAULTS: usize = 2;
/// The thread of the first partition's roles.
const ROLES: usize = 1_000;

/// Writes events.
struct Writer<'t> {
    trace: &'t Trace,
    events: Vec<Value>,
    /// The threads that have events, with their names.
    threads: BTreeMap<(usize, usize), String>,
}

/// A role under way: what it is called, and since when.
type Roles = BTreeMap<(usize, usize), (String, u64)>;

/// Returns the trace as JSON, one event in a line.
pub fn perfetto(trace: &Trace) -> String {
    let mut writer = Writer { trace, events: Vec::new(), threads: BTreeMap::new() };
    writer.roles();
    writer.faults();
    for (id, message) in trace.messages.iter().enumerate() {
        if message.arrow != Arrow::Quiet {
            writer.message(id, message);
        }
    }
    writer.numbers();
    let mut lines: Vec<String> = writer.names().iter().map(Value::to_string).collect();
    lines.extend(writer.events.iter().map(Value::to_string));
    format!("{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{}\n]}}\n", lines.join(",\n"))
}

impl Writer<'_> {
    /// Names processes and threads.
    fn names(&self) -> Vec<Value> {
        let actors = self.trace.actors.iter().map(|it| it.name.clone());
        let groups = self.trace.groups.iter().map(|it| format!("group {}", it.name));
        let mut names = Vec::new();
        for (place, name) in actors.chain(groups).enumerate() {
            let of = |key, value: Value| json!({ "ph": "M", "pid": place + 1, "name": key, "args": value });
            names.push(of("process_name", json!({ "name": name })));
            names.push(of("process_sort_index", json!({ "sort_index": place })));
        }
        for ((process, thread), name) in &self.threads {
            names.push(json!({
                "ph": "M",
                "pid": process,
                "tid": thread,
                "name": "thread_name",
                "args": { "name": name },
            }));
        }
        names
    }

    /// Adds something that lasts.
    fn slice(&mut self, (actor, thread): (usize, usize), name: &str, (from, to): (u64, u64)) {
        self.events.push(json!({
            "ph": "X",
            "pid": actor + 1,
            "tid": thread,
            "ts": from,
            "dur": to.saturating_sub(from),
            "name": name,
        }));
    }

    fn roles(&mut self) {
        let trace = self.trace;
        let mut roles = Roles::new();
        for fact in &trace.facts {
            let Ok(actor) = usize::try_from(fact.actor) else { continue };
            match (fact.kind, usize::try_from(fact.partition)) {
                (FactKind::Down, _) => {
                    let of_it: Vec<_> = roles.keys().filter(|it| it.0 == actor).copied().collect();
                    of_it.into_iter().for_each(|it| self.end_role(&mut roles, it, fact.at));
                }
                (_, Ok(partition)) => {
                    let Some(role) = role(trace, fact) else { continue };
                    self.end_role(&mut roles, (actor, partition), fact.at);
                    if !role.is_empty() {
                        roles.insert((actor, partition), (role, fact.at));
                    }
                }
                (_, Err(_)) => {}
            }
        }
        let open: Vec<_> = roles.keys().copied().collect();
        open.into_iter().for_each(|it| self.end_role(&mut roles, it, trace.end));
    }

    fn end_role(&mut self, roles: &mut Roles, whose: (usize, usize), at: u64) {
        let Some((name, from)) = roles.remove(&whose) else { return };
        let (actor, partition) = whose;
        let thread = ROLES + partition;
        self.threads.insert((actor + 1, thread), self.trace.partitions[partition].name.clone());
        self.slice((actor, thread), &name, (from, at));
    }

    /// Puts faults into as many rows as they need not to overlap.
    fn faults(&mut self) {
        let mut rows: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for band in &self.trace.bands {
            for &actor in band.who.iter().chain(&band.against) {
                let rows = rows.entry(actor).or_default();
                let free = rows.iter().position(|end| *end <= band.from).unwrap_or(rows.len());
                match rows.get_mut(free) {
                    Some(end) => *end = band.to,
                    None => rows.push(band.to),
                }
                let thread = FAULTS + free;
                self.threads.insert((actor + 1, thread), "faults".to_owned());
                self.slice((actor, thread), band.kind.name(), (band.from, band.to));
            }
        }
    }

    /// Adds a message: a tick where it left, a tick where it arrived, and an arrow between.
    fn message(&mut self, id: usize, message: &TraceMessage) {
        let about = message.partition.map(|it| self.trace.partitions[it].name.as_str());
        let name = match about {
            Some(partition) => format!("{:?} {} {partition}", message.api, message.arrow.name()),
            None => format!("{:?} {}", message.api, message.arrow.name()),
        };
        self.tick(message.from, &name, message.at);
        let Some(flight) = message.flight else { return };
        let arrived = message.at + flight;
        self.tick(message.to, &name, arrived);
        let arrow = |phase, actor: usize, at| {
            json!({
                "ph": phase,
                "bp": "e",
                "id": id,
                "cat": "message",
                "pid": actor + 1,
                "tid": MESSAGES,
                "ts": at,
                "name": message.arrow.name(),
            })
        };
        let arrows = [arrow("s", message.from, message.at), arrow("f", message.to, arrived)];
        self.events.extend(arrows);
    }

    fn tick(&mut self, actor: usize, name: &str, at: u64) {
        self.threads.insert((actor + 1, MESSAGES), "messages".to_owned());
        self.slice((actor, MESSAGES), name, (at, at + 1));
    }

    fn numbers(&mut self) {
        for sample in samples(self.trace) {
            let process = match (sample.series, sample.of) {
                (Series::LogStart | Series::IsrSize | Series::Position, _) | (_, Of::Partition) => {
                    continue;
                }
                (_, Of::Actor(actor)) => actor + 1,
                (_, Of::Group(group)) => self.trace.actors.len() + group + 1,
            };
            let partition = &self.trace.partitions[sample.partition].name;
            self.events.push(json!({
                "ph": "C",
                "pid": process,
                "ts": sample.at,
                "name": format!("{partition} {}", sample.series.name()),
                "args": { "value": sample.value.unwrap_or(0) },
            }));
        }
    }
}

/// Returns the role that a fact gives; empty if it takes one away, `None` if it does neither.
fn role(trace: &Trace, fact: &TraceFact) -> Option<String> {
    Some(match fact.kind {
        FactKind::Leads => format!("leader, epoch {}", fact.value),
        FactKind::Follows => match usize::try_from(fact.other) {
            Ok(leader) => {
                format!("follower of {}, epoch {}", trace.actors[leader].name, fact.value)
            }
            Err(_) => format!("follower of nobody, epoch {}", fact.value),
        },
        FactKind::Own if fact.value == 1 => "owner".to_owned(),
        FactKind::Own => String::new(),
        _ => return None,
    })
}
