//! Selectors: nodes named by what they are when a step fires, such as `leader(orders-0)`.

use model::ids::NodeId;
use sim::plan::Selector;

use crate::codes::Code;
use crate::expression::{Call, Cursor};
use crate::names::Names;
use crate::problems::{Problems, nearest};
use crate::section::items;
use crate::tree::Node;
use crate::values::text;

/// Words that no client may be called.
pub(crate) const WORDS: [&str; 16] = [
    "leader",
    "followers",
    "follower",
    "isr",
    "controller",
    "rack",
    "last-crashed",
    "all-down",
    "any-broker",
    "all-brokers",
    "all-clients",
    "coordinator",
    "member",
    "members",
    "owner",
    "group-leader",
];

/// Reads one selector or a list of them.
pub(crate) fn selectors(
    node: &Node,
    names: &Names,
    problems: &mut Problems<'_>,
) -> Option<Vec<Selector>> {
    let read: Vec<_> = items(node).iter().map(|item| selector(item, names, problems)).collect();
    if read.is_empty() {
        problems.error(Code::BadSelector, node.span, "this list names nobody");
        return None;
    }
    read.into_iter().collect()
}

/// Reads one selector.
fn selector(node: &Node, names: &Names, problems: &mut Problems<'_>) -> Option<Selector> {
    let text = text(node, problems)?;
    let mut cursor = Cursor::new(text, node.span, Code::BadSelector, problems)?;
    let call = cursor.call("a selector", problems)?;
    cursor.finish(problems)?;
    lower(&call, names, problems)
}

/// Reads a selector that is about a group.
fn of_group(call: &Call<'_>, names: &Names, problems: &mut Problems<'_>) -> Option<Selector> {
    const CODE: Code = Code::BadSelector;
    match call.name {
        "member" => {
            let [(group, span), (number, number_span)] = call.arguments(CODE, problems)?;
            let group = names.group(group, span, problems)?;
            let count = names.group_at(group).members.len();
            let found = number.parse().ok().filter(|it| (1..=count).contains(&usize::from(*it)));
            if found.is_none() {
                let message = format!("the members of this group are numbered 1 to {count}");
                problems.error(CODE, number_span, message);
            }
            found.map(|number: u16| Selector::Member(group, number))
        }
        "owner" => {
            let [(group, span), (name, name_span)] = call.arguments(CODE, problems)?;
            let group = names.group(group, span, problems);
            let partition = names.partition(name, name_span, problems);
            Some(Selector::Owner(group?, partition?))
        }
        role => {
            let [(group, span)] = call.arguments(CODE, problems)?;
            let group = names.group(group, span, problems)?;
            Some(match role {
                "coordinator" => Selector::Coordinator(group),
                "group-leader" => Selector::GroupLeader(group),
                _ => Selector::Members(group),
            })
        }
    }
}

fn lower(call: &Call<'_>, names: &Names, problems: &mut Problems<'_>) -> Option<Selector> {
    const CODE: Code = Code::BadSelector;
    match call.name {
        "leader" | "followers" | "isr" => {
            let [(name, span)] = call.arguments(CODE, problems)?;
            let partition = names.partition(name, span, problems)?;
            return Some(match call.name {
                "leader" => Selector::Leader(partition),
                "followers" => Selector::Followers(partition),
                _ => Selector::Isr(partition),
            });
        }
        "follower" => {
            let [(name, span), (number, number_span)] = call.arguments(CODE, problems)?;
            let partition = names.partition(name, span, problems);
            let Some(number) = number.parse::<u16>().ok().filter(|number| 0 < *number) else {
                problems.error(CODE, number_span, "followers are counted from 1");
                return None;
            };
            return Some(Selector::Follower(partition?, number));
        }
        "rack" => {
            let [(name, span)] = call.arguments(CODE, problems)?;
            return names.rack(name, span, problems).map(Selector::Rack);
        }
        "coordinator" | "members" | "group-leader" | "member" | "owner" => {
            return of_group(call, names, problems);
        }
        _ => {}
    }
    let [] = call.arguments(CODE, problems)?;
    match call.name {
        "controller" => return Some(Selector::Controller),
        "last-crashed" => return Some(Selector::LastCrashed),
        "all-down" => return Some(Selector::AllDown),
        "any-broker" => return Some(Selector::AnyBroker),
        "all-brokers" => return Some(Selector::AllBrokers),
        "all-clients" => return Some(Selector::AllClients),
        _ => {}
    }
    if let Some(client) = names.any_client(call.name) {
        return Some(Selector::Node(NodeId::Client(client)));
    }
    if call.name == "controller-1" {
        return Some(Selector::Node(NodeId::Controller(1)));
    }
    if call.name.strip_prefix("broker-").is_some_and(|id| id.parse::<u64>().is_ok()) {
        let broker = names.broker_named(call.name, call.span, problems)?;
        return Some(Selector::Node(NodeId::Broker(broker)));
    }
    if names.any_group(call.name).is_some() {
        let message = format!("`{}` is a group, not a node", call.name);
        problems
            .error(CODE, call.span, message)
            .label(format!("write `members({})` or name a member", call.name));
        return None;
    }
    let message = format!("`{}` names no node", call.name);
    let problem = problems.error(CODE, call.span, message);
    let clients = names.clients.iter().map(|(name, _)| &**name);
    match nearest(call.name, WORDS.into_iter().chain(clients)) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => {
            problem.help("Name a broker (broker-1), a client, or a role such as leader(orders-0).")
        }
    };
    None
}
