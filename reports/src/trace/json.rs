//! The JSON form of a trace: columns instead of objects, differences instead of times.

use serde_json::{Map, Value, json};

use super::fact::{FactKind, NONE};
use super::message::Arrow;
use super::{Trace, VERSION};
use sim::verdict::MishapKind;

impl Trace {
    /// Returns the trace as JSON: about twenty bytes per message and fact.
    pub fn json(&self) -> Value {
        let actors: Vec<Value> = self.actors.iter().map(|actor| {
            json!({ "id": actor.name, "kind": actor.kind.name(), "group": actor.group })
        }).collect();
        let partitions: Vec<Value> = self
            .partitions
            .iter()
            .map(|it| json!({ "id": it.name, "replicas": it.replicas }))
            .collect();
        let groups: Vec<Value> =
            self.groups.iter().map(|it| json!({ "id": it.name, "members": it.members })).collect();
        json!({
            "v": VERSION,
            "tool": concat!("trial ", env!("CARGO_PKG_VERSION")),
            "scenario": self.scenario,
            "case": self.case,
            "seed": self.seed.to_string(),
            "again": self.again,
            "end": self.end,
            "healed": self.healed,
            "settings": self.settings,
            "actors": actors,
            "partitions": partitions,
            "focus": self.focus,
            "groups": groups,
            "records": self.records_json(),
            "batches": self.batches_json(),
            "sendings": self.sendings.iter().map(|it| runs(it)).collect::<Vec<_>>(),
            "ruled": self.ruled_json(),
            "arrows": Arrow::ALL.map(Arrow::name),
            "msgs": self.messages_json(),
            "kinds": FactKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
            "facts": self.facts_json(),
            "errors": self.errors,
            "bands": self.bands_json(),
            "judged": self.judged_json(),
        })
    }

    /// `by`: actor or -1, `key`: text or null, `p`: partition or -1, `fate`: name or null.
    fn records_json(&self) -> Value {
        let place = |place: Option<usize>| place.map_or(-1, |place| place as i64);
        let all = || self.records.iter();
        json!({
            "by": all().map(|it| place(it.by)).collect::<Vec<_>>(),
            "key": all().map(|it| it.key.as_deref()).collect::<Vec<_>>(),
            "p": all().map(|it| place(it.partition)).collect::<Vec<_>>(),
            "fate": all().map(|it| it.fate.map(crate::fates::name)).collect::<Vec<_>>(),
        })
    }

    /// `o`: first offset, `e`: leader epoch, `r`: the records as runs of first and count, `i`:
    /// the producer's id or -1.
    fn batches_json(&self) -> Value {
        let all = || self.batches.iter();
        json!({
            "o": all().map(|it| it.base).collect::<Vec<_>>(),
            "e": all().map(|it| it.epoch).collect::<Vec<_>>(),
            "r": all().map(|it| runs(&it.records)).collect::<Vec<_>>(),
            "i": all().map(|it| it.producer.map_or(NONE, |id| id as i64)).collect::<Vec<_>>(),
        })
    }

    /// `t`: time since the one before, `d`: flight or -1, `f`, `o`: from and to whom,
    /// `a`: arrow, `k`: name, `p`: partition or -1, `lo` and `n` as in `TraceMessage`.
    fn messages_json(&self) -> Value {
        let (mut names, mut kinds): (Vec<String>, Vec<usize>) = Default::default();
        let (mut times, mut before) = (Vec::new(), 0);
        for message in &self.messages {
            let half = match message.half {
                model::message::Half::Request => "Request",
                model::message::Half::Response => "Response",
            };
            let name = format!("{}{half}", message.api.name());
            let place = names.iter().position(|it| *it == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            kinds.push(place);
            times.push(message.at - before);
            before = message.at;
        }
        let all = || self.messages.iter();
        let arrow = |arrow| Arrow::ALL.iter().position(|it| *it == arrow);
        json!({
            "names": names,
            "t": times,
            "d": all().map(|it| it.flight.map_or(-1, |it| it as i64)).collect::<Vec<_>>(),
            "f": all().map(|it| it.from).collect::<Vec<_>>(),
            "o": all().map(|it| it.to).collect::<Vec<_>>(),
            "a": all().map(|it| arrow(it.arrow)).collect::<Vec<_>>(),
            "k": kinds,
            "p": all().map(|it| it.partition.map_or(-1, |it| it as i64)).collect::<Vec<_>>(),
            "lo": all().map(|it| it.low).collect::<Vec<_>>(),
            "n": all().map(|it| it.count).collect::<Vec<_>>(),
        })
    }

    /// The step, the kind of message, and what becomes of it.
    fn ruled_json(&self) -> Value {
        self.ruled.iter().map(|it| json!([it.step, it.message, it.fate])).collect()
    }

    /// `t`: time since the one before, `k`: kind, `a`: actor, `p`: partition, `v` and `w` as
    /// in `FactKind`; -1 is none. `q` (peers) and `x` (more) have only those facts that carry
    /// them: places since the one before, and what they carry, by turns.
    fn facts_json(&self) -> Value {
        let mut before = 0;
        let times: Vec<u64> = self
            .facts
            .iter()
            .map(|fact| {
                let since = fact.at - before;
                before = fact.at;
                since
            })
            .collect();
        let all = || self.facts.iter();
        json!({
            "t": times,
            "k": all().map(|it| it.kind as usize).collect::<Vec<_>>(),
            "a": all().map(|it| it.actor).collect::<Vec<_>>(),
            "p": all().map(|it| it.partition).collect::<Vec<_>>(),
            "v": all().map(|it| it.value).collect::<Vec<_>>(),
            "w": all().map(|it| it.other).collect::<Vec<_>>(),
            "q": sparse(all().map(|it| it.peer)),
            "x": sparse(all().map(|it| it.more)),
        })
    }

    fn bands_json(&self) -> Value {
        let bands = self.bands.iter().map(|band| {
            json!({
                "kind": band.kind.name(), "t0": band.from, "t1": band.to,
                "who": band.who, "against": band.against,
            })
        });
        bands.collect()
    }

    fn judged_json(&self) -> Value {
        let uids =
            |records: &[model::ids::Uid]| -> Vec<u32> { records.iter().map(|uid| uid.0).collect() };
        let claims: Vec<Value> = self
            .judged
            .claims
            .iter()
            .map(|claim| {
                json!({
                    "id": claim.id, "result": claim.result, "n": claim.count,
                    "first": claim.first, "records": uids(&claim.records),
                })
            })
            .collect();
        let losses: Vec<Value> = self
            .judged
            .losses
            .iter()
            .map(|loss| {
                let times: Vec<u64> = loss.moments.iter().map(|moment| moment.0).collect();
                json!({ "r": loss.record.0, "p": loss.partition, "o": loss.offset, "t": times })
            })
            .collect();
        let mishaps: Vec<Value> = self
            .judged
            .mishaps
            .iter()
            .map(|it| {
                let kind = match it.kind {
                    MishapKind::Skipped => "skipped",
                    MishapKind::Repeated => "repeated",
                };
                let records = uids(&it.records);
                json!({ "kind": kind, "p": it.partition, "records": records, "t": it.moment.0 })
            })
            .collect();
        let rebalances: Vec<Value> = self
            .judged
            .rebalances
            .iter()
            .map(|it| {
                json!({
                    "g": it.group, "t0": it.from, "t1": it.to, "generation": it.generation,
                    "moved": it.moved, "stopped": it.stopped, "stopped_for": it.stopped_for,
                })
            })
            .collect();
        let mut judged = Map::new();
        judged.insert("claims".to_owned(), claims.into());
        judged.insert("losses".to_owned(), losses.into());
        judged.insert("mishaps".to_owned(), mishaps.into());
        judged.insert("rebalances".to_owned(), rebalances.into());
        Value::Object(judged)
    }
}

/// Writes records as runs of first and count.
fn runs(records: &[model::ids::Uid]) -> Vec<u64> {
    let runs = records.chunk_by(|a, b| a.0 + 1 == b.0);
    runs.flat_map(|run| [u64::from(run[0].0), run.len() as u64]).collect()
}

/// Writes only what is there: places since the one before, and values.
fn sparse(values: impl Iterator<Item = i64>) -> Vec<i64> {
    let (mut written, mut before) = (Vec::new(), 0);
    for (place, value) in values.enumerate().filter(|(_, value)| *value != NONE) {
        written.extend([(place - before) as i64, value]);
        before = place;
    }
    written
}
