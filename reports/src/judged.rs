//! What a history of clients is worth: anomalies by Jepsen's names, for people and machines.

use serde_json::{Value, json};
use sim::jepsen::operation::Atom;
use sim::jepsen::{Anomaly, Instance, Judgement, Subscription, WriteOrder};

use crate::json::VERSION;
use crate::text::{Line, Tone, WIDTH, counted, fill, grouped, padded, wrap};
use crate::words::{JudgeWords, Noun, Words};

/// Instances of one anomaly that are told.
const INSTANCES_MAX: usize = 8;
/// Values, offsets or operations of one instance that are told.
const ITEMS_MAX: usize = 12;
/// Columns of the word that an anomaly's line begins with.
const WORD: usize = 9;

/// A history of clients, judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'j> {
    /// What was found.
    pub judgement: &'j Judgement,
    /// How many lines the history has.
    pub operations: usize,
    /// How consumers got their partitions.
    pub subscription: Subscription,
    /// Whether the order of a log makes writers depend on each other.
    pub order: WriteOrder,
}

impl Judged<'_> {
    /// Says whether nothing was found but what is legal.
    pub fn is_valid(&self) -> bool {
        self.judgement.anomalies.keys().all(|it| self.is_allowed(*it))
    }

    fn is_allowed(&self, anomaly: Anomaly) -> bool {
        anomaly.is_allowed(self.subscription, self.order)
    }
}

/// Draws the judgement.
pub fn judged(judged: &Judged<'_>, words: &Words) -> Vec<Line> {
    let says = &words.judge;
    let mut lines = Vec::new();
    for (anomaly, instances) in &judged.judgement.anomalies {
        let (word, tone) = match judged.is_allowed(*anomaly) {
            true => (says.allowed, Tone::Risk),
            false => (says.broken, Tone::Lost),
        };
        let title = fill(says.anomaly, &[anomaly.name(), &grouped(count(*anomaly, instances))]);
        lines.push(Line::of(tone, padded(word, WORD)).then(Tone::Strong, title));
        lines.extend(indented((says.meaning)(*anomaly), Tone::Plain));
        for instance in instances.iter().take(INSTANCES_MAX) {
            let text = sentence(instance, says);
            if !text.is_empty() {
                lines.extend(indented(&text, Tone::Quiet));
            }
        }
        if INSTANCES_MAX < instances.len() {
            let more = grouped((instances.len() - INSTANCES_MAX) as u64);
            lines.extend(indented(&fill(says.more, &[&more]), Tone::Quiet));
        }
    }
    let operations = counted(judged.operations as u64, says.lines);
    let (word, tone) = match judged.is_valid() {
        true => (says.valid, Tone::Committed),
        false => (says.invalid, Tone::Lost),
    };
    let how = match judged.subscription {
        Subscription::Assign => "assign",
        Subscription::Subscribe => "subscribe",
    };
    let rest = fill(says.judged, &[&operations, how]);
    lines.push(Line::of(tone, padded(word, WORD)).then(Tone::Plain, rest));
    lines
}

fn indented(text: &str, tone: Tone) -> Vec<Line> {
    let parts = wrap(text, WIDTH - WORD).into_iter();
    parts.map(|part| Line::of(tone, format!("{:<WORD$}{part}", ""))).collect()
}

/// Counts what was found: values that are unseen, else instances.
fn count(anomaly: Anomaly, instances: &[Instance]) -> u64 {
    match anomaly {
        Anomaly::Unseen => instances.iter().map(|it| it.values.len() as u64).sum(),
        _ => instances.len() as u64,
    }
}

fn sentence(instance: &Instance, says: &JudgeWords) -> String {
    let mut parts = Vec::new();
    if let Some(key) = &instance.key {
        parts.push(fill(says.key, &[&key.to_string()]));
    }
    let mut list = |nouns: Noun, items: Vec<String>| {
        if !items.is_empty() {
            let noun = if items.len() == 1 { nouns.0 } else { nouns.1 };
            let more = items.len().saturating_sub(ITEMS_MAX);
            let shown = items[..items.len().min(ITEMS_MAX)].join(" ");
            let told = match more {
                0 => shown,
                _ => format!("{shown}{}", fill(says.more_items, &[&grouped(more as u64)])),
            };
            parts.push(fill(noun, &[&told]));
        }
    };
    list(says.values, instance.values.iter().map(Atom::to_string).collect());
    list(says.offsets, instance.offsets.iter().map(u64::to_string).collect());
    list(says.operations, instance.operations.iter().map(usize::to_string).collect());
    parts.join(says.joint)
}

/// Returns the judgement as an object.
pub fn json(judged: &Judged<'_>) -> Value {
    let anomalies = judged.judgement.anomalies.iter().map(|(anomaly, instances)| {
        json!({
            "name": anomaly.name(),
            "allowed": judged.is_allowed(*anomaly),
            "count": count(*anomaly, instances),
            "instances": instances.iter().map(instance).collect::<Vec<_>>(),
        })
    });
    let counts = judged.judgement.consume_counts.iter();
    let counts: Vec<Value> =
        counts.map(|(times, values)| json!({ "times": times, "values": values })).collect();
    json!({
        "v": VERSION,
        "event": "judged",
        "valid": judged.is_valid(),
        "operations": judged.operations,
        "subscription": match judged.subscription {
            Subscription::Assign => "assign",
            Subscription::Subscribe => "subscribe",
        },
        "anomalies": anomalies.collect::<Vec<_>>(),
        "worst-lag": judged.judgement.worst_lag,
        "consume-counts": counts,
    })
}

fn instance(instance: &Instance) -> Value {
    json!({
        "key": instance.key.as_ref().map(atom),
        "values": instance.values.iter().map(atom).collect::<Vec<_>>(),
        "offsets": instance.offsets,
        "operations": instance.operations,
    })
}

fn atom(atom: &Atom) -> Value {
    match atom {
        Atom::Number(number) => json!(number),
        Atom::Text(text) => json!(text),
    }
}
