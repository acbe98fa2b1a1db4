//! Reads `[producers.NAME]` and `[consumers.NAME]`.

use std::sync::Arc;

use model::config::{ConsumerConfig, ProducerConfig};
use model::ids::{ClientId, TopicId};
use model::time::{Duration, Time};
use sim::plan::{ClientPlan, ClientRole, ConsumerPlan, Keys, ProducerPlan, SendStyle, Shape};

use crate::codes::Code;
use crate::names::{ClientKind, Names, is_legal};
use crate::problems::{Problems, Span};
use crate::section::{Section, named};
use crate::selector;
use crate::settings;
use crate::tree::{Entry, Node, Value};
use crate::values::{bytes, duration, shape, text, whole, word, wrong_type};

/// A trial keeps every record in memory.
pub(crate) const RECORDS_MAX: u64 = 10_000_000;
const KEYS_MAX: u64 = 10_000_000;
const VALUE_BYTES_MAX: u64 = 100_000_000;
pub(crate) const CLIENTS_MAX: usize = 1_000;

// What a file leaves out.
pub(crate) const RECORDS: u32 = 100;
pub(crate) const EVERY: Shape = Shape::Fixed(Duration::from_millis(10));
pub(crate) const VALUE_BYTES: u32 = 100;
/// The timeout of `poll()`, of members of groups, too.
pub(crate) const POLL: Duration = Duration::from_millis(500);
pub(crate) const TAKES: Shape = Shape::Fixed(Duration::from_millis(1));

/// Notes the names of one kind of clients, before anything refers to them.
pub(crate) fn declare(
    node: &Node,
    kind: ClientKind,
    names: &mut Names,
    problems: &mut Problems<'_>,
) {
    for entry in named(node, "clients", problems) {
        let name = entry.name.as_str();
        check_name(name, entry.name_span, "a client", problems);
        if add(name, entry.name_span, kind, names, problems).is_none() {
            return;
        }
    }
}

/// Reports a name that selectors could not tell from their own words.
pub(crate) fn check_name(name: &str, span: Span, what: &str, problems: &mut Problems<'_>) {
    let reserved = selector::WORDS.contains(&name) || name.starts_with("broker-");
    if reserved || !is_legal(name) {
        problems.error(Code::BadName, span, format!("`{name}` cannot name {what}"));
    }
}

/// Notes one client; `None` if there are too many.
pub(crate) fn add(
    name: &str,
    span: Span,
    kind: ClientKind,
    names: &mut Names,
    problems: &mut Problems<'_>,
) -> Option<ClientId> {
    if names.any_client(name).is_some() {
        problems.error(Code::BadName, span, format!("two clients are called `{name}`"));
    }
    if CLIENTS_MAX <= names.clients.len() {
        problems.error(Code::OutOfRange, span, format!("more than {CLIENTS_MAX} clients"));
        return None;
    }
    names.clients.push((Arc::from(name), kind));
    Some(ClientId((names.clients.len() - 1) as u16))
}

/// Reads all producers, in the order of the file.
pub(crate) fn producers(
    node: &Node,
    names: &Names,
    problems: &mut Problems<'_>,
) -> Vec<ClientPlan> {
    let entries = named(node, "`producers`", problems);
    entries.iter().filter_map(|entry| producer(entry, names, problems)).collect()
}

/// Reads all stand-alone consumers, in the order of the file.
pub(crate) fn consumers(
    node: &Node,
    names: &Names,
    problems: &mut Problems<'_>,
) -> Vec<ClientPlan> {
    let entries = named(node, "`consumers`", problems);
    entries.iter().filter_map(|entry| consumer(entry, names, problems)).collect()
}

fn producer(entry: &Entry, names: &Names, problems: &mut Problems<'_>) -> Option<ClientPlan> {
    let mut section = Section::open(&entry.node, "a producer", problems)?;
    let mut config = ProducerConfig::default();
    if let Some(node) = section.take("config") {
        settings::producer(&mut config, node, problems);
    }
    let target = target(&mut section, "a producer", names, problems);
    let records = section.take("records").and_then(|node| whole(node, 0..=RECORDS_MAX, problems));
    let every = section.take("every").and_then(|node| shape(node, problems));
    let keys = section.take("keys").and_then(|node| keys(node, problems));
    let value_bytes = section.take("value-size").and_then(|node| value_size(node, problems));
    let choices = [
        ("fire-and-forget", SendStyle::FireAndForget),
        ("sync", SendStyle::Sync),
        ("callback", SendStyle::Callback),
    ];
    let style = section.take("send").and_then(|node| word(node, &choices, problems));
    let checkpoint = checkpoint(&mut section, style, problems);
    let start = starts(&mut section, problems);
    section.finish(problems);
    let (topic, partition) = target?;
    let role = ClientRole::Producer(ProducerPlan {
        topic,
        partition,
        records: records.map_or(RECORDS, |records| records as u32),
        every: every.unwrap_or(EVERY),
        start,
        keys: keys.unwrap_or(Keys::Null),
        value_bytes: value_bytes.unwrap_or(VALUE_BYTES),
        style: style.unwrap_or_default(),
        checkpoint: checkpoint.map(|records| records as u32),
        config,
    });
    Some(ClientPlan { name: Arc::from(entry.name.as_str()), role })
}

fn consumer(entry: &Entry, names: &Names, problems: &mut Problems<'_>) -> Option<ClientPlan> {
    let mut section = Section::open(&entry.node, "a consumer", problems)?;
    let mut config = ConsumerConfig::default();
    if let Some(node) = section.take("config") {
        settings::consumer(&mut config, node, problems);
    }
    let target = target(&mut section, "a consumer", names, problems);
    let poll = section.take("poll").and_then(|node| duration(node, problems));
    let takes = section.take("takes").and_then(|node| shape(node, problems));
    let start = starts(&mut section, problems);
    section.finish(problems);
    let (topic, partition) = target?;
    let role = ClientRole::Consumer(ConsumerPlan {
        topic,
        partition,
        start,
        poll_timeout: poll.unwrap_or(POLL),
        takes: takes.unwrap_or(TAKES),
        config,
    });
    Some(ClientPlan { name: Arc::from(entry.name.as_str()), role })
}

/// Reads which topic a client uses, and which partition if it names one.
fn target(
    section: &mut Section<'_>,
    what: &str,
    names: &Names,
    problems: &mut Problems<'_>,
) -> Option<(TopicId, Option<u16>)> {
    let partition = section.take("partition");
    let node = section.need("topic", what, problems)?;
    let topic = names.topic(text(node, problems)?, node.span, problems)?;
    let partition = partition.and_then(|node| {
        let number = whole(node, 0..=u64::from(u16::MAX), problems)?;
        names.check_partition(topic, number as u16, node.span, problems)
    });
    Some((topic, partition.map(|found| found.partition)))
}

fn starts(section: &mut Section<'_>, problems: &mut Problems<'_>) -> Time {
    let length = section.take("starts").and_then(|node| duration(node, problems));
    Time::ZERO + length.unwrap_or(Duration::ZERO)
}

/// Reads `keys`: a number, `{ zipf = number }` or `"none"`.
fn keys(node: &Node, problems: &mut Problems<'_>) -> Option<Keys> {
    match &node.value {
        Value::Text(_) => word(node, &[("none", Keys::Null)], problems),
        Value::Table(_) => {
            let mut section = Section::open(node, "`keys`", problems)?;
            let zipf = section.need("zipf", "`keys`", problems);
            section.finish(problems);
            whole(zipf?, 1..=KEYS_MAX, problems).map(|keys| Keys::Zipf(keys as u32))
        }
        Value::Int(_) => {
            whole(node, 1..=KEYS_MAX, problems).map(|keys| Keys::RoundRobin(keys as u32))
        }
        Value::Float(_) | Value::Bool(_) | Value::Date(_) | Value::List(_) => {
            wrong_type(node, "a number of keys, { zipf = number } or \"none\"", problems);
            None
        }
    }
}

/// Reads after how many acknowledged records an application notes its place.
fn checkpoint(
    section: &mut Section<'_>,
    style: Option<SendStyle>,
    problems: &mut Problems<'_>,
) -> Option<u64> {
    let entry = section.take_entry("checkpoint")?;
    if style == Some(SendStyle::FireAndForget) {
        let message = "`checkpoint` needs to know what was acknowledged";
        problems
            .error(Code::Contradiction, entry.name_span, message)
            .help("An application with send = \"fire-and-forget\" never looks: use \"callback\".");
    }
    whole(&entry.node, 1..=RECORDS_MAX, problems)
}

fn value_size(node: &Node, problems: &mut Problems<'_>) -> Option<u32> {
    let size = bytes(node, problems)?;
    if VALUE_BYTES_MAX < size {
        problems.error(Code::OutOfRange, node.span, "a value has at most 100 MB");
        return None;
    }
    Some(size as u32)
}
