//! The verbs of steps. Each takes a text, a list or a table, whatever is shortest.

use model::ids::NodeId;
use model::message::cluster::{ElectionKind, TopicLayout};
use model::message::{Api, Half, MessageKind};
use sim::plan::{
    ALL_MILLIONTHS, Action, Created, Direction, MessageFate, MessageRule, Selector, Unsynced,
};

use crate::clients::RECORDS_MAX;
use crate::codes::Code;
use crate::group_verbs::{self, Whom, consumers};
use crate::names::ClientKind;
use crate::problems::{Problems, nearest};
use crate::section::Section;
use crate::selector::selectors;
use crate::settings;
use crate::steps::{Context, marker};
use crate::topics::warn_min_isr;
use crate::tree::{Entry, Node, Value};
use crate::values::{
    duration, flag, millionths, parts_per_million, shape, signed_micros, text, whole, word,
};

/// Every verb but `say` and `ask`, which may also accompany another.
pub(crate) const VERBS: [&str; 29] = [
    "crash",
    "restart",
    "shutdown",
    "power-loss",
    "pause",
    "resume",
    "cut",
    "heal",
    "slow",
    "rule",
    "release",
    "reset",
    "disk",
    "clock",
    "elect",
    "create-topic",
    "alter",
    "produce",
    "seek",
    "join",
    "leave",
    "poll",
    "wakeup",
    "pause-fetch",
    "resume-fetch",
    "commit-offsets",
    "add-partitions",
    "delete-records",
    "mark",
];

/// Verbs of the format that the model does not have.
pub(crate) const UNMODELLED: [&str; 5] = ["upgrade", "reassign", "begin", "commit", "abort"];

/// Says whether `for` makes sense for a verb.
pub(crate) fn is_undoable(verb: &str) -> bool {
    let undoable = ["crash", "shutdown", "power-loss", "pause", "cut", "slow", "rule", "disk"];
    undoable.contains(&verb)
}

/// Reads what a verb does.
pub(crate) fn read(
    verb: &str,
    node: &Node,
    context: &mut Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Action> {
    match verb {
        "crash" => nodes(node, context, problems).map(Action::Crash),
        "restart" => nodes(node, context, problems).map(Action::Restart),
        "shutdown" => nodes(node, context, problems).map(Action::Shutdown),
        "pause" => nodes(node, context, problems).map(Action::Pause),
        "resume" => nodes(node, context, problems).map(Action::Resume),
        "power-loss" => power_loss(node, context, problems),
        "cut" => cut(node, context, problems),
        "heal" => heal(node, context, problems),
        "slow" => slow(node, context, problems),
        "rule" => rule(node, context, problems),
        "release" => release(node, problems),
        "reset" => reset(node, context, problems),
        "disk" => disk(node, context, problems),
        "clock" => clock(node, context, problems),
        "elect" => elect(node, context, problems),
        "create-topic" => create_topic(node, context, problems),
        "alter" => alter(node, context, problems),
        "produce" => produce(node, context, problems),
        "seek" => group_verbs::seek(node, context, problems),
        "join" => consumers(node, Whom::Members, context.names, problems).map(Action::Join),
        "leave" => consumers(node, Whom::Members, context.names, problems).map(Action::Leave),
        "poll" => {
            consumers(node, Whom::Consumers, context.names, problems).map(Action::PollElsewhere)
        }
        "wakeup" => consumers(node, Whom::Consumers, context.names, problems).map(Action::Wakeup),
        "pause-fetch" => group_verbs::fetching(node, context, problems)
            .map(|(hit, partitions)| Action::PauseFetching(hit, partitions)),
        "resume-fetch" => group_verbs::fetching(node, context, problems)
            .map(|(hit, partitions)| Action::ResumeFetching(hit, partitions)),
        "commit-offsets" => group_verbs::commit_offsets(node, context, problems),
        "add-partitions" => group_verbs::add_partitions(node, context, problems),
        "delete-records" => group_verbs::delete_records(node, context, problems),
        _ => marker(node, problems),
    }
}

/// Reads whom a process verb hits: selectors, or a table with `broker`, `brokers`, `node`,
/// `nodes`, `client` or `rack`.
fn nodes(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Vec<Selector>> {
    if !matches!(node.value, Value::Table(_)) {
        return selectors(node, context.names, problems);
    }
    let mut section = Section::open(node, "this verb", problems)?;
    let hit = whom(&mut section, context, problems);
    section.finish(problems);
    hit
}

fn whom(
    section: &mut Section<'_>,
    context: &Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Selector>> {
    let mut given: Vec<&Entry> = Vec::new();
    for name in ["broker", "brokers", "node", "nodes", "client", "rack"] {
        given.extend(section.take_entry(name));
    }
    match given.as_slice() {
        [] => {
            problems
                .error(Code::Missing, section.span, "this does not say whom it hits")
                .help("Give it `broker`, `brokers`, `node`, `nodes`, `client` or `rack`.");
            None
        }
        [one] if one.name == "rack" => {
            let name = text(&one.node, problems)?;
            let rack = context.names.rack(name, one.node.span, problems)?;
            Some(vec![Selector::Rack(rack)])
        }
        [one] => match one.node.value {
            // `broker = 2` cannot be misunderstood.
            Value::Int(_) if one.name == "broker" => {
                let id = whole(&one.node, 1..=127, problems)?;
                let broker = context.names.broker(id, one.node.span, problems)?;
                Some(vec![Selector::Node(NodeId::Broker(broker))])
            }
            _ => selectors(&one.node, context.names, problems),
        },
        [first, second, ..] => {
            let message = format!("`{}` and `{}` exclude each other", first.name, second.name);
            problems.error(Code::Contradiction, second.name_span, message);
            None
        }
    }
}

fn power_loss(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    if !matches!(node.value, Value::Table(_)) {
        let hit = selectors(node, context.names, problems)?;
        return Some(Action::PowerLoss(hit, Unsynced::Lost));
    }
    let mut section = Section::open(node, "`power-loss`", problems)?;
    let hit = whom(&mut section, context, problems);
    let choices = [
        ("lost", Unsynced::Lost),
        ("kept", Unsynced::Kept),
        ("prefix", Unsynced::Prefix),
        ("torn", Unsynced::Torn),
    ];
    let unsynced = match section.take("unsynced") {
        None => Some(Unsynced::Lost),
        Some(node) => word(node, &choices, problems),
    };
    section.finish(problems);
    Some(Action::PowerLoss(hit?, unsynced?))
}

/// Reads an optional side of a link.
fn side(
    section: &mut Section<'_>,
    name: &'static str,
    context: &Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Selector>> {
    match section.take(name) {
        None => Some(Vec::new()),
        Some(node) => selectors(node, context.names, problems),
    }
}

fn cut(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    if !matches!(node.value, Value::Table(_)) {
        let from = selectors(node, context.names, problems)?;
        return Some(Action::Cut { from, to: Vec::new(), direction: Direction::Both });
    }
    let mut section = Section::open(node, "`cut`", problems)?;
    let from = section.need("from", "`cut`", problems);
    let from = from.and_then(|node| selectors(node, context.names, problems));
    let to = side(&mut section, "to", context, problems);
    let choices = [("both", Direction::Both), ("one-way", Direction::OneWay)];
    let direction = match section.take("direction") {
        None => Some(Direction::Both),
        Some(node) => word(node, &choices, problems),
    };
    section.finish(problems);
    Some(Action::Cut { from: from?, to: to?, direction: direction? })
}

fn heal(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    match &node.value {
        Value::Text(all) if all == "all" => Some(Action::HealAll),
        _ => nodes(node, context, problems).map(Action::Heal),
    }
}

fn slow(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    let mut section = Section::open(node, "`slow`", problems)?;
    let from = section.need("from", "`slow`", problems);
    let from = from.and_then(|node| selectors(node, context.names, problems));
    let to = side(&mut section, "to", context, problems);
    let latency = section.need("latency", "`slow`", problems);
    let latency = latency.and_then(|node| shape(node, problems));
    section.finish(problems);
    Some(Action::Slow { from: from?, to: to?, latency: latency? })
}

fn rule(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    let mut section = Section::open(node, "`rule`", problems)?;
    for verb in ["duplicate", "reorder"] {
        if let Some(entry) = section.take_entry(verb) {
            let message = format!("TCP does not {verb} what it carries");
            problems
                .error(Code::NotYet, entry.name_span, message)
                .help("Use `delay`, `hold` or `reset`: a client that hears nothing sends again.");
        }
    }
    let fates: Vec<&Entry> =
        ["drop", "hold", "delay"].into_iter().filter_map(|name| section.take_entry(name)).collect();
    let by = section.take_entry("by");
    let from = side(&mut section, "from", context, problems);
    let to = side(&mut section, "to", context, problems);
    let count = |node: Option<&Node>, least: u64, problems: &mut Problems<'_>| {
        node.and_then(|node| whole(node, least..=u64::from(u32::MAX), problems))
    };
    let skip = count(section.take("skip"), 0, problems).unwrap_or(0) as u32;
    let times = count(section.take("times"), 1, problems).map(|times| times as u32);
    let share = section.take("share").map(|node| millionths(node, problems));
    let span = section.span;
    section.finish(problems);
    let fate_entry = match fates.as_slice() {
        [fate] => *fate,
        [] => {
            if node.get("duplicate").or(node.get("reorder")).is_none() {
                problems
                    .error(Code::Missing, span, "this rule does nothing")
                    .help("Give it `drop`, `hold` or `delay` with a kind of message.");
            }
            return None;
        }
        [_, second, ..] => {
            let message = "a rule does one thing to a message";
            problems.error(Code::Contradiction, second.name_span, message);
            return None;
        }
    };
    let fate = fate(fate_entry, by, problems);
    let kind = message_kind(&fate_entry.node, problems);
    let (fate, kind, from, to) = (fate?, kind?, from?, to?);
    let share_millionths = share.unwrap_or(Some(ALL_MILLIONTHS))?;
    Some(Action::Rule(MessageRule { fate, kind, from, to, skip, times, share_millionths }))
}

fn fate(entry: &Entry, by: Option<&Entry>, problems: &mut Problems<'_>) -> Option<MessageFate> {
    if entry.name == "delay" {
        let Some(by) = by else {
            problems
                .error(Code::Missing, entry.name_span, "`delay` needs `by`")
                .help("Say how much later it arrives: by = \"200ms\".");
            return None;
        };
        return duration(&by.node, problems).map(MessageFate::Delay);
    }
    if let Some(by) = by {
        problems.error(Code::Contradiction, by.name_span, "`by` goes with `delay` only");
    }
    Some(if entry.name == "drop" { MessageFate::Drop } else { MessageFate::Hold })
}

fn message_kind(node: &Node, problems: &mut Problems<'_>) -> Option<MessageKind> {
    let name = text(node, problems)?;
    let kinds = Api::ALL.iter().flat_map(|api| {
        [Half::Request, Half::Response].map(|half| MessageKind { api: *api, half })
    });
    let kinds: Vec<(String, MessageKind)> = kinds.map(|kind| (kind.to_string(), kind)).collect();
    if let Some((_, kind)) = kinds.iter().find(|(known, _)| known == name) {
        return Some(*kind);
    }
    let message = format!("unknown kind of message `{name}`");
    let problem = problems.error(Code::UnknownMessage, node.span, message);
    let is_api = Api::ALL.iter().any(|api| api.name() == name);
    match nearest(name, kinds.iter().map(|(known, _)| known.as_str())) {
        _ if is_api => problem.label(format!("write `{name}Request` or `{name}Response`")),
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => {
            let apis: Vec<&str> = Api::ALL.iter().map(|api| api.name()).collect();
            problem.help(format!("Add Request or Response to one of {}.", apis.join(", ")))
        }
    };
    None
}

fn release(node: &Node, problems: &mut Problems<'_>) -> Option<Action> {
    word(node, &[("all", ())], problems).map(|()| Action::Release)
}

fn reset(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    if !matches!(node.value, Value::Table(_)) {
        return Some(Action::Reset(selectors(node, context.names, problems)?, Vec::new()));
    }
    let mut section = Section::open(node, "`reset`", problems)?;
    let from = section.need("from", "`reset`", problems);
    let from = from.and_then(|node| selectors(node, context.names, problems));
    let to = side(&mut section, "to", context, problems);
    section.finish(problems);
    Some(Action::Reset(from?, to?))
}

fn disk(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    const REFUSED: [&str; 4] = ["full", "offline", "corrupt", "drop-checkpoint"];
    let mut section = Section::open(node, "`disk`", problems)?;
    for verb in REFUSED {
        section.refuse(verb, &format!("the disk fault `{verb}`"), problems);
    }
    let hit = whom(&mut section, context, problems);
    let (slow, stall) = (section.take_entry("slow"), section.take_entry("stall"));
    section.finish(problems);
    match (slow, stall) {
        (Some(slow), None) => {
            let latency = shape(&slow.node, problems);
            Some(Action::DiskSlow(hit?, latency?))
        }
        (None, Some(stall)) => {
            if flag(&stall.node, problems)? {
                return Some(Action::DiskStall(hit?));
            }
            let message = "a disk is stalled, or this step is left out";
            problems
                .error(Code::Contradiction, stall.node.span, message)
                .help("`for` or a `heal` step lets it answer again.");
            None
        }
        (Some(_), Some(stall)) => {
            let message = "a disk is slow or stalled, not both";
            problems.error(Code::Contradiction, stall.name_span, message);
            None
        }
        (None, None) => {
            if REFUSED.iter().all(|verb| node.get(verb).is_none()) {
                problems.error(Code::Missing, node.span, "`disk` needs `slow` or `stall = true`");
            }
            None
        }
    }
}

fn clock(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    let mut section = Section::open(node, "`clock`", problems)?;
    let hit = whom(&mut section, context, problems);
    let (jump, drift) = (section.take_entry("jump"), section.take_entry("drift-ppm"));
    section.finish(problems);
    match (jump, drift) {
        (Some(jump), None) => {
            let by = signed_micros(&jump.node, problems);
            Some(Action::ClockJump(hit?, by?))
        }
        (None, Some(drift)) => {
            let ppm = parts_per_million(&drift.node, problems);
            Some(Action::ClockDrift(hit?, ppm?))
        }
        (Some(_), Some(drift)) => {
            let message = "a step either sets a clock or lets it drift";
            problems
                .error(Code::Contradiction, drift.name_span, message)
                .help("Write a second step with after = \"0s\".");
            None
        }
        (None, None) => {
            problems.error(Code::Missing, node.span, "`clock` needs `jump` or `drift-ppm`");
            None
        }
    }
}

fn elect(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    if !matches!(node.value, Value::Table(_)) {
        let partition = context.names.partition(text(node, problems)?, node.span, problems)?;
        return Some(Action::Elect(partition, ElectionKind::Preferred));
    }
    let mut section = Section::open(node, "`elect`", problems)?;
    let partition = section.need("partition", "`elect`", problems);
    let choices = [("preferred", ElectionKind::Preferred), ("unclean", ElectionKind::Unclean)];
    let kind = match section.take("kind") {
        None => Some(ElectionKind::Preferred),
        Some(node) => word(node, &choices, problems),
    };
    section.finish(problems);
    let partition = partition?;
    let name = text(partition, problems)?;
    let partition = context.names.partition(name, partition.span, problems)?;
    Some(Action::Elect(partition, kind?))
}

fn create_topic(
    node: &Node,
    context: &mut Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Action> {
    let topic = context.names.topic(text(node, problems)?, node.span, problems)?;
    let plan = context.topics.get_mut(usize::from(topic.0))?;
    plan.created = Created::ByStep;
    if !context.created.insert(topic) {
        let message = format!("topic `{}` is created twice", plan.name);
        problems.error(Code::Contradiction, node.span, message);
    }
    Some(Action::CreateTopic(topic))
}

fn alter(node: &Node, context: &mut Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    let mut section = Section::open(node, "`alter`", problems)?;
    let topic = section.need("topic", "`alter`", problems);
    let config = section.need("config", "`alter`", problems);
    section.finish(problems);
    let topic = topic?;
    let topic = context.names.topic(text(topic, problems)?, topic.span, problems)?;
    let config_node = config?;
    let altered = context.altered.entry(topic).or_insert_with(|| {
        let plan = context.topics.get(usize::from(topic.0));
        plan.map(|plan| plan.config.clone()).unwrap_or_default()
    });
    settings::topic(altered, config_node, problems);
    for (_, name) in context.defaulted.iter().filter(|(of, _)| *of == topic) {
        if let Some(node) = config_node.get(name) {
            let what = format!("altering `{name}` where a broker has a default of its own");
            problems.not_yet(node.span, &what);
        }
    }
    let altered = altered.clone();
    if let Some(min) = config_node.get("min.insync.replicas") {
        let replicas = match context.topics.get(usize::from(topic.0)).map(|plan| &plan.layout) {
            Some(TopicLayout::Manual(rows)) => rows.first().map_or(0, Vec::len),
            Some(TopicLayout::Counts { replicas, .. }) => replicas.map_or(0, usize::from),
            None => 0,
        };
        warn_min_isr(usize::from(altered.min_insync_replicas), replicas, min.span, problems);
    }
    Some(Action::AlterTopic(topic, altered))
}

fn produce(node: &Node, context: &Context<'_>, problems: &mut Problems<'_>) -> Option<Action> {
    let mut section = Section::open(node, "`produce`", problems)?;
    let producer = section.need("producer", "`produce`", problems);
    let records = section.need("records", "`produce`", problems);
    section.finish(problems);
    let records = records.and_then(|node| whole(node, 1..=RECORDS_MAX, problems));
    let producer = producer?;
    let name = text(producer, problems)?;
    let client = context.names.client(&[ClientKind::Producer], name, producer.span, problems)?;
    Some(Action::Produce(client, records? as u32))
}
