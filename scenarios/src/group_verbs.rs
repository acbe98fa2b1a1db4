//! The verbs of steps that are about consumers: membership, polling, offsets.

use model::ids::{NodeId, Offset, TopicPartition};
use model::time::Timestamp;
use sim::plan::{Action, CommitOrder, GroupIndex, SeekTo, Selector};

use crate::codes::Code;
use crate::handling::topic;
use crate::names::{ClientKind, Names};
use crate::problems::Problems;
use crate::section::{Section, items};
use crate::selector::selectors;
use crate::steps::Context;
use crate::topics::PARTITIONS_MAX;
use crate::tree::{Node, Value};
use crate::values::{moment, signed_micros, text, whole, word, wrong_type};

/// Clients that a verb may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// Members of groups.
    Members,
    /// Members of groups and stand-alone consumers.
    Consumers,
}

/// Reads selectors that name members of groups, or consumers of any kind.
pub(crate) fn consumers(
    node: &Node,
    whom: Whom,
    names: &Names,
    problems: &mut Problems<'_>,
) -> Option<Vec<Selector>> {
    let hit = selectors(node, names, problems)?;
    for (selector, item) in hit.iter().zip(items(node)) {
        let fits = match selector {
            Selector::Node(NodeId::Client(client)) => match names.kind(*client) {
                Some(ClientKind::Member) => true,
                Some(ClientKind::Consumer) => whom == Whom::Consumers,
                Some(ClientKind::Producer) | None => false,
            },
            Selector::Member(..)
            | Selector::Members(_)
            | Selector::Owner(..)
            | Selector::GroupLeader(_) => true,
            _ => false,
        };
        if !fits {
            let message = match whom {
                Whom::Members => "this verb is about members of groups",
                Whom::Consumers => "this verb is about consumers",
            };
            problems.error(Code::BadSelector, item.span, message).help(
                "Name a member (g1-1), or write member(g1, 1), members(g1) or owner(g1, orders-0).",
            );
        }
    }
    Some(hit)
}

/// Reads whose fetching stops or goes on, and of which partitions.
pub(crate) fn fetching(
    node: &Node,
    context: &Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<(Vec<Selector>, Vec<TopicPartition>)> {
    if !matches!(node.value, Value::Table(_)) {
        return consumers(node, Whom::Consumers, context.names, problems)
            .map(|hit| (hit, Vec::new()));
    }
    let mut section = Section::open(node, "this verb", problems)?;
    let members = section.need("members", "this verb", problems);
    let named = section.take("partitions");
    section.finish(problems);
    let hit = consumers(members?, Whom::Consumers, context.names, problems);
    let partitions = match named {
        None => Some(Vec::new()),
        Some(node) => partitions(node, context.names, problems),
    };
    Some((hit?, partitions?))
}

fn partitions(
    node: &Node,
    names: &Names,
    problems: &mut Problems<'_>,
) -> Option<Vec<TopicPartition>> {
    if items(node).is_empty() {
        problems.error(Code::Missing, node.span, "this list names no partition");
        return None;
    }
    let read: Vec<_> = items(node)
        .iter()
        .map(|item| names.partition(text(item, problems)?, item.span, problems))
        .collect();
    read.into_iter().collect()
}

/// Reads an offset, `"beginning"` or `"end"`.
fn place(node: &Node, problems: &mut Problems<'_>) -> Option<SeekTo> {
    match node.value {
        Value::Int(_) => {
            let offset = whole(node, 0..=i64::MAX as u64, problems)?;
            Some(SeekTo::Offset(Offset(offset)))
        }
        Value::Text(_) => {
            let choices = [("beginning", SeekTo::Beginning), ("end", SeekTo::End)];
            word(node, &choices, problems)
        }
        _ => {
            wrong_type(node, "an offset, \"beginning\" or \"end\"", problems);
            None
        }
    }
}

/// Where offsets are committed.
enum Places {
    /// The same in every partition.
    All(SeekTo),
    /// In each of these.
    Each(Vec<(TopicPartition, SeekTo)>),
}

/// Reads a place, or a table with one for each partition.
fn places(node: &Node, names: &Names, problems: &mut Problems<'_>) -> Option<Places> {
    let Value::Table(entries) = &node.value else {
        return place(node, problems).map(Places::All);
    };
    let each = entries.iter().map(|entry| {
        let partition = names.partition(&entry.name, entry.name_span, problems);
        let place = place(&entry.node, problems);
        Some((partition?, place?))
    });
    each.collect::<Vec<_>>().into_iter().collect::<Option<_>>().map(Places::Each)
}

/// Reads `seek`: one partition to a place, or a member to a moment.
pub(crate) fn seek(
    node: &Node,
    context: &Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Action> {
    let names = context.names;
    let mut section = Section::open(node, "`seek`", problems)?;
    let consumer = section.need("consumer", "`seek`", problems);
    let time = section.take_entry("time");
    let partition = match time {
        None => section.need("partition", "`seek`", problems),
        Some(_) => section.take("partition"),
    };
    let to = match time {
        None => section.need("to", "`seek`", problems),
        Some(_) => section.take("to"),
    };
    section.finish(problems);
    let name = consumer.and_then(|node| Some((text(node, problems)?, node.span)));
    if let Some(time) = time {
        for other in [partition, to].into_iter().flatten() {
            problems
                .error(Code::Contradiction, other.span, "`time` moves a member in all it owns")
                .label("leave this out");
        }
        let at = when(&time.node, context, problems);
        let (name, span) = name?;
        let client = names.client(&[ClientKind::Member], name, span, problems)?;
        return Some(Action::SeekToTime(client, at?));
    }
    let to = to.and_then(|node| place(node, problems));
    let partition = partition.and_then(|node| {
        let name = text(node, problems)?;
        names.partition(name, node.span, problems)
    });
    let (name, span) = name?;
    let client = names.client(&[ClientKind::Consumer, ClientKind::Member], name, span, problems)?;
    Some(Action::Seek(client, partition?, to?))
}

/// Reads a moment that records have: a date, a time since the start, or, with a sign, a time
/// before or after the step itself.
fn when(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Timestamp> {
    let Value::Text(text) = &node.value else { return moment(node, problems) };
    if text.contains('T') {
        return moment(node, problems);
    }
    let micros = signed_micros(node, problems)?;
    let base = match text.trim_start().starts_with(['-', '+']) {
        false => 0,
        true => match context.fires_at {
            Some(at) => at.0 as i64,
            None => {
                problems
                    .error(Code::StepTrigger, node.span, "this step has no time of its own yet")
                    .help("Give the step `at`, or write the time since the start: \"10s\".");
                return None;
            }
        },
    };
    Some(Timestamp(context.wall_clock.0 + (base + micros).div_euclid(1_000)))
}

/// Reads `commit-offsets`: what an operator commits, or a member.
pub(crate) fn commit_offsets(
    node: &Node,
    context: &Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Action> {
    let names = context.names;
    let mut section = Section::open(node, "`commit-offsets`", problems)?;
    let group = section.need("group", "`commit-offsets`", problems);
    let to = section.need("to", "`commit-offsets`", problems);
    let named = section.take("partitions");
    let member = section.take("member");
    let span = section.span;
    section.finish(problems);
    let to = to.and_then(|node| places(node, names, problems));
    let group = group.and_then(|node| {
        let name = text(node, problems)?;
        names.group(name, node.span, problems)
    });
    let chosen = named.and_then(|node| partitions(node, names, problems));
    let group = group?;
    let member = match member {
        None => None,
        Some(node) => Some(names.member_of(group, text(node, problems)?, node.span, problems)?),
    };
    let offsets = match (to?, named) {
        (Places::Each(offsets), None) => offsets,
        (Places::Each(_), Some(named)) => {
            problems
                .error(Code::Contradiction, named.span, "`to` says already which partitions")
                .label("leave this out");
            return None;
        }
        (Places::All(to), Some(_)) => chosen?.into_iter().map(|it| (it, to)).collect(),
        (Places::All(to), None) => all_of(group, context).into_iter().map(|it| (it, to)).collect(),
    };
    if offsets.is_empty() {
        problems
            .error(Code::Missing, span, "`commit-offsets` needs `partitions`")
            .help("A group with a pattern does not say which topics it reads.");
    }
    Some(Action::CommitOffsets(CommitOrder { group, member, offsets }))
}

/// Returns every partition that a group's topics have when the step fires.
fn all_of(group: GroupIndex, context: &Context<'_>) -> Vec<TopicPartition> {
    let topics = &context.names.group_at(group).topics;
    let of = |topic: &model::ids::TopicId| {
        let topic = *topic;
        let count = context.partitions.get(usize::from(topic.0)).copied().unwrap_or(0);
        (0..count).map(move |partition| TopicPartition { topic, partition })
    };
    topics.iter().flat_map(of).collect()
}

/// Reads `add-partitions`.
pub(crate) fn add_partitions(
    node: &Node,
    context: &mut Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Action> {
    let mut section = Section::open(node, "`add-partitions`", problems)?;
    let name = section.need("topic", "`add-partitions`", problems);
    let to = section.need("to", "`add-partitions`", problems);
    section.finish(problems);
    let topic = name.and_then(|node| topic(node, context.names, problems));
    let to = to.and_then(|node| Some((whole(node, 1..=PARTITIONS_MAX, problems)?, node.span)));
    let (topic, (to, span)) = (topic?, to?);
    let count = context.partitions.get_mut(usize::from(topic.0))?;
    if to <= u64::from(*count) {
        problems
            .error(Code::OutOfRange, span, format!("the topic has {count} partitions already"))
            .label("Kafka answers INVALID_PARTITIONS")
            .help("`to` is how many partitions there are afterwards; they never become fewer.");
    }
    *count = to as u16;
    Some(Action::AddPartitions(topic, to as u16))
}

/// Notes the partitions that `add-partitions` steps will make, so that others can name them.
pub(crate) fn grow(node: &Node, names: &mut Names) {
    for order in items(node).iter().filter_map(|step| step.get("add-partitions")) {
        let topic = order.get("topic").and_then(Node::as_text);
        let to = match order.get("to").map(|node| &node.value) {
            Some(Value::Int(to)) => u16::try_from(*to).ok(),
            _ => None,
        };
        let (Some(topic), Some(to)) = (topic, to.filter(|to| u64::from(*to) <= PARTITIONS_MAX))
        else {
            continue;
        };
        if let Some((_, count)) = names.topics.iter_mut().find(|(name, _)| **name == *topic) {
            *count = to.max(*count);
        }
    }
}

/// Reads `delete-records`.
pub(crate) fn delete_records(
    node: &Node,
    context: &Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Action> {
    let mut section = Section::open(node, "`delete-records`", problems)?;
    let partition = section.need("partition", "`delete-records`", problems);
    let below = section.need("below", "`delete-records`", problems);
    section.finish(problems);
    let partition = partition.and_then(|node| {
        let name = text(node, problems)?;
        context.names.partition(name, node.span, problems)
    });
    let below = below.and_then(|node| whole(node, 0..=i64::MAX as u64, problems));
    Some(Action::DeleteRecords(partition?, Offset(below?)))
}
