//! The stream `fault`: what the world did.

use model::ids::NodeId;
use sim::history::{Fault, RuleFate};

use super::{Carried, Field, Parts};

fn made(kind: &'static str, node: Option<NodeId>, fields: Vec<Field>) -> Parts {
    Parts { stream: "fault", kind, node, fields }
}

fn link(kind: &'static str, from: NodeId, to: NodeId) -> Parts {
    made(kind, None, vec![("from", Carried::Node(from)), ("to", Carried::Node(to))])
}

/// Takes a fault apart.
pub(super) fn parts(fault: &Fault) -> Parts {
    let number = |name, number: i64| vec![(name, Carried::Number(number))];
    match fault {
        Fault::Started { node, incarnation } => {
            made("started", Some(*node), number("incarnation", i64::from(*incarnation)))
        }
        Fault::Crashed(node) => made("crashed", Some(*node), Vec::new()),
        Fault::PowerLost(node) => made("power-lost", Some(*node), Vec::new()),
        Fault::UnsyncedLost { broker, partition, from, to } => {
            let fields = vec![
                ("partition", Carried::Partition(*partition)),
                ("from", Carried::Offset(*from)),
                ("to", Carried::Offset(*to)),
            ];
            made("unsynced-lost", Some(NodeId::Broker(*broker)), fields)
        }
        Fault::ShutdownAsked(node) => made("shutdown-asked", Some(*node), Vec::new()),
        Fault::Exited(node) => made("exited", Some(*node), Vec::new()),
        Fault::Paused(node) => made("paused", Some(*node), Vec::new()),
        Fault::Resumed(node) => made("resumed", Some(*node), Vec::new()),
        Fault::LinkCut { from, to } => link("link-cut", *from, *to),
        Fault::LinkHealed { from, to } => link("link-healed", *from, *to),
        Fault::LinkSlow { from, to } => link("link-slow", *from, *to),
        Fault::LinkUsual { from, to } => link("link-usual", *from, *to),
        Fault::RuleApplied { step, kind, from, to, fate } => {
            let mut parts = link("rule-applied", *from, *to);
            parts.fields.extend(number("step", *step as i64));
            parts.fields.push(("message", Carried::Word(kind.to_string())));
            let (word, by) = match fate {
                RuleFate::Dropped => ("dropped", Carried::Absent),
                RuleFate::Held => ("held", Carried::Absent),
                RuleFate::Delayed(by) => ("delayed", Carried::Duration(*by)),
            };
            parts.fields.push(("fate", Carried::Word(word.to_owned())));
            parts.fields.push(("by", by));
            parts
        }
        Fault::Released { messages } => {
            made("released", None, number("messages", i64::from(*messages)))
        }
        Fault::Reset(connection) => link("reset", connection.client, connection.server),
        Fault::DiskSlow(node) => made("disk-slow", Some(*node), Vec::new()),
        Fault::DiskStalled(node) => made("disk-stalled", Some(*node), Vec::new()),
        Fault::DiskUsual(node) => made("disk-usual", Some(*node), Vec::new()),
        Fault::ClockJumped { node, by_micros } => {
            made("clock-jumped", Some(*node), number("by_micros", *by_micros))
        }
        Fault::ClockDrifts { node, ppm } => made("clock-drifts", Some(*node), number("ppm", *ppm)),
        Fault::Marked => made("marked", None, Vec::new()),
    }
}
