//! The verbs of steps, each as short as it can be said.

use model::config::TopicConfig;
use model::ids::{ClientId, TopicId, TopicPartition};
use model::message::cluster::ElectionKind;
use model::time::{Duration, Timestamp};
use sim::plan::{
    ALL_MILLIONTHS, Action, ClientRole, CommitOrder, Direction, GroupIndex, MessageFate,
    MessageRule, SeekTo, Selector, Subscribed, Unsynced,
};

use super::layout::{Table, Value};
use super::lengths::{Share, duration, moment, signed};
use super::names::Names;
use super::settings;
use super::steps::Context;
use crate::names::is_legal;

/// Returns a verb and what it is told; `None` for a step that only waits.
pub(super) fn verb(action: &Action, context: &mut Context<'_>) -> Option<(&'static str, Value)> {
    let names = context.names;
    Some(match action {
        Action::Crash(hit) => ("crash", whom(hit, names)),
        Action::Restart(hit) => ("restart", whom(hit, names)),
        Action::Shutdown(hit) => ("shutdown", whom(hit, names)),
        Action::PowerLoss(hit, unsynced) => ("power-loss", power_loss(hit, *unsynced, names)),
        Action::Pause(hit) => ("pause", whom(hit, names)),
        Action::Resume(hit) => ("resume", whom(hit, names)),
        Action::Cut { from, to, direction } => ("cut", cut((from, to), *direction, names)),
        Action::HealAll => ("heal", Value::from("all")),
        Action::Heal(hit) => ("heal", heal(hit, names)),
        Action::Slow { from, to, latency } => {
            let mut table = sides(from, to, names);
            table.set("latency", *latency);
            ("slow", Value::from(table))
        }
        Action::Rule(rule) => ("rule", self::rule(rule, names)),
        Action::Release => ("release", Value::from("all")),
        Action::Reset(from, to) if to.is_empty() => ("reset", names.selectors(from)),
        Action::Reset(from, to) => ("reset", Value::from(sides(from, to, names))),
        Action::DiskSlow(hit, latency) => ("disk", with(hit, ("slow", *latency), names)),
        Action::DiskStall(hit) => ("disk", with(hit, ("stall", true), names)),
        Action::ClockJump(hit, by) => ("clock", with(hit, ("jump", signed(*by)), names)),
        Action::ClockDrift(hit, ppm) => ("clock", with(hit, ("drift-ppm", *ppm), names)),
        Action::Elect(of, kind) => ("elect", elect(*of, *kind, names)),
        Action::CreateTopic(topic) => ("create-topic", Value::from(names.topic(*topic))),
        Action::AlterTopic(topic, config) => ("alter", alter(*topic, config, context)),
        Action::Produce(client, records) => {
            ("produce", pair(("producer", names.client(*client)), ("records", *records)))
        }
        Action::Seek(client, of, to) => ("seek", seek(*client, *of, *to, names)),
        Action::Join(hit) => ("join", names.selectors(hit)),
        Action::Leave(hit) => ("leave", names.selectors(hit)),
        Action::PollElsewhere(hit) => ("poll", names.selectors(hit)),
        Action::Wakeup(hit) => ("wakeup", names.selectors(hit)),
        Action::PauseFetching(hit, of) => ("pause-fetch", fetching(hit, of, names)),
        Action::ResumeFetching(hit, of) => ("resume-fetch", fetching(hit, of, names)),
        Action::CommitOffsets(order) => ("commit-offsets", commit_offsets(order, context)),
        Action::SeekToTime(client, at) => {
            let time = time(*at, context.plan.wall_clock);
            ("seek", pair(("consumer", names.client(*client)), ("time", time)))
        }
        Action::AddPartitions(topic, to) => {
            context.partitions[usize::from(topic.0)] = *to;
            ("add-partitions", pair(("topic", names.topic(*topic)), ("to", *to)))
        }
        Action::DeleteRecords(of, below) => {
            let partition = ("partition", names.partition(*of));
            ("delete-records", pair(partition, ("below", below.0)))
        }
        Action::Mark(marker) => ("mark", Value::from(marker.as_deref()?)),
    })
}

/// Writes whom a verb hits.
fn whom(hit: &[Selector], names: Names<'_>) -> Value {
    match plain_rack(hit) {
        Some(rack) => Value::from(one("rack", rack)),
        None => names.selectors(hit),
    }
}

/// Returns the name of a rack that no selector can name, as it has spaces or the like.
fn plain_rack(hit: &[Selector]) -> Option<&str> {
    match hit {
        [Selector::Rack(rack)] if !is_legal(rack) => Some(rack),
        _ => None,
    }
}

/// Begins a table with whom a verb hits.
fn hitting(hit: &[Selector], names: Names<'_>) -> Table {
    match (plain_rack(hit), hit) {
        (Some(rack), _) => one("rack", rack),
        (None, [_]) => one("node", names.selectors(hit)),
        (None, _) => one("nodes", names.selectors(hit)),
    }
}

fn with<T: Into<Value>>(hit: &[Selector], (name, value): (&str, T), names: Names<'_>) -> Value {
    let mut table = hitting(hit, names);
    table.set(name, value);
    Value::from(table)
}

fn one<T: Into<Value>>(name: &str, value: T) -> Table {
    let mut table = Table::default();
    table.set(name, value);
    table
}

fn pair<A: Into<Value>, B: Into<Value>>(first: (&str, A), second: (&str, B)) -> Value {
    let mut table = one(first.0, first.1);
    table.set(second.0, second.1);
    Value::from(table)
}

fn power_loss(hit: &[Selector], unsynced: Unsynced, names: Names<'_>) -> Value {
    let word = match unsynced {
        Unsynced::Lost => return whom(hit, names),
        Unsynced::Kept => "kept",
        Unsynced::Prefix => "prefix",
        Unsynced::Torn => "torn",
    };
    with(hit, ("unsynced", word), names)
}

/// Begins a table with the sides of a link; without the other side it is everybody else.
fn sides(from: &[Selector], to: &[Selector], names: Names<'_>) -> Table {
    let mut table = Table::default();
    if !from.is_empty() {
        table.set("from", names.selectors(from));
    }
    if !to.is_empty() {
        table.set("to", names.selectors(to));
    }
    table
}

fn cut((from, to): (&[Selector], &[Selector]), direction: Direction, names: Names<'_>) -> Value {
    if to.is_empty() && direction == Direction::Both {
        return names.selectors(from);
    }
    let mut table = sides(from, to, names);
    if direction == Direction::OneWay {
        table.set("direction", "one-way");
    }
    Value::from(table)
}

fn heal(hit: &[Selector], names: Names<'_>) -> Value {
    match whom(hit, names) {
        // A client may be called `all`; alone the word means everything.
        Value::Plain(text) if text == "\"all\"" => Value::List(vec![Value::Plain(text)]),
        hit => hit,
    }
}

fn rule(rule: &MessageRule, names: Names<'_>) -> Value {
    let kind = rule.kind.to_string();
    let mut table = match rule.fate {
        MessageFate::Drop => one("drop", kind),
        MessageFate::Hold => one("hold", kind),
        MessageFate::Delay(by) => {
            let mut table = one("delay", kind);
            table.set("by", by);
            table
        }
    };
    if !rule.from.is_empty() {
        table.set("from", names.selectors(&rule.from));
    }
    if !rule.to.is_empty() {
        table.set("to", names.selectors(&rule.to));
    }
    table.set_unless("skip", rule.skip, 0);
    table.set_some("times", rule.times);
    table.set_unless("share", Share(rule.share_millionths), Share(ALL_MILLIONTHS));
    Value::from(table)
}

fn elect(of: TopicPartition, kind: ElectionKind, names: Names<'_>) -> Value {
    let of = names.partition(of);
    match kind {
        ElectionKind::Preferred => Value::from(of),
        ElectionKind::Unclean => pair(("partition", of), ("kind", "unclean")),
    }
}

/// Writes what differs from the settings that a topic has by then.
fn alter(topic: TopicId, config: &TopicConfig, context: &mut Context<'_>) -> Value {
    let usual = &context.plan.topics[usize::from(topic.0)].config;
    let before = context.altered.insert(topic, config.clone());
    let differing = config.differing_from(before.as_ref().unwrap_or(usual));
    pair(("topic", context.names.topic(topic)), ("config", settings::table(differing)))
}

fn place(to: SeekTo) -> Value {
    match to {
        SeekTo::Beginning => Value::from("beginning"),
        SeekTo::End => Value::from("end"),
        SeekTo::Offset(offset) => Value::from(offset.0),
    }
}

fn seek(client: ClientId, of: TopicPartition, to: SeekTo, names: Names<'_>) -> Value {
    let mut table = one("consumer", names.client(client));
    table.set("partition", names.partition(of));
    table.set("to", place(to));
    Value::from(table)
}

/// Writes a moment that records have as the time since the start, if it is not before that.
fn time(at: Timestamp, start: Timestamp) -> String {
    match u64::try_from(at.0 - start.0) {
        Ok(millis) => duration(Duration::from_millis(millis)),
        Err(_) => moment(at),
    }
}

fn fetching(hit: &[Selector], of: &[TopicPartition], names: Names<'_>) -> Value {
    match of {
        [] => names.selectors(hit),
        of => pair(("members", names.selectors(hit)), ("partitions", partitions(of, names))),
    }
}

fn partitions(of: &[TopicPartition], names: Names<'_>) -> Value {
    match of {
        [one] => Value::from(names.partition(*one)),
        many => Value::from(many.iter().map(|it| names.partition(*it)).collect::<Vec<_>>()),
    }
}

fn commit_offsets(order: &CommitOrder, context: &Context<'_>) -> Value {
    let names = context.names;
    let mut table = one("group", names.group(order.group));
    table.set_some("member", order.member.map(|member| names.client(member)));
    let of: Vec<TopicPartition> = order.offsets.iter().map(|(of, _)| *of).collect();
    match order.offsets.as_slice() {
        [(_, to), rest @ ..] if rest.iter().all(|(_, other)| other == to) => {
            if of != all_of(order.group, context) {
                table.set("partitions", partitions(&of, names));
            }
            table.set("to", place(*to));
        }
        several => {
            let mut to = Table::default();
            for (of, place) in several {
                to.set(&names.partition(*of), self::place(*place));
            }
            table.set("to", to);
        }
    }
    Value::from(table)
}

/// Returns every partition of the topics that a group names, as they are by then.
fn all_of(group: GroupIndex, context: &Context<'_>) -> Vec<TopicPartition> {
    let plan = context.plan;
    let group = &plan.groups[usize::from(group.0)];
    let own =
        group.members.iter().filter_map(|client| match &plan.clients[usize::from(client.0)].role {
            ClientRole::Member(member) => member.topics.as_ref(),
            ClientRole::Producer(_) | ClientRole::Consumer(_) => None,
        });
    let named = std::iter::once(&group.topics).chain(own).flat_map(|topics| match topics {
        Subscribed::Topics(topics) => topics.as_slice(),
        Subscribed::Pattern(_) => &[],
    });
    let mut topics: Vec<TopicId> = named.copied().collect();
    topics.sort_unstable();
    topics.dedup();
    let of = |topic: TopicId| {
        let count = context.partitions.get(usize::from(topic.0)).copied().unwrap_or(0);
        (0..count).map(move |partition| TopicPartition { topic, partition })
    };
    topics.into_iter().flat_map(of).collect()
}
