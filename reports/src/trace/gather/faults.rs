//! What the world did.

use model::ids::NodeId;
use model::message::MessageKind;
use sim::history::{Fault, RuleFate};

use super::{FactKind, Gatherer, NONE};
use crate::trace::Ruled;

impl Gatherer<'_, '_> {
    pub(super) fn fault(&mut self, fault: &Fault) {
        let (kind, node, value) = match fault {
            Fault::Started { node, incarnation } => (FactKind::Up, node, i64::from(*incarnation)),
            Fault::Crashed(node) => (FactKind::Down, node, 0),
            Fault::PowerLost(node) => (FactKind::Down, node, 1),
            Fault::Exited(node) => (FactKind::Down, node, 2),
            Fault::ShutdownAsked(node) => (FactKind::Stop, node, 0),
            Fault::Paused(node) => (FactKind::Pause, node, 0),
            Fault::Resumed(node) => (FactKind::Resume, node, 0),
            Fault::DiskSlow(node) => (FactKind::DiskSlow, node, 0),
            Fault::DiskStalled(node) => (FactKind::DiskStalled, node, 0),
            Fault::DiskUsual(node) => (FactKind::DiskUsual, node, 0),
            Fault::ClockJumped { node, by_micros } => (FactKind::ClockJump, node, *by_micros),
            Fault::ClockDrifts { node, ppm } => (FactKind::ClockDrift, node, *ppm),
            Fault::UnsyncedLost { broker, partition, from, to } => {
                let numbers = [to.0 as i64, from.0 as i64];
                return self.of(FactKind::Took, NodeId::Broker(*broker), *partition, numbers);
            }
            _ => return self.links(fault),
        };
        if let NodeId::Client(client) = node
            && kind == FactKind::Down
        {
            self.owns(*client, &[]);
        }
        let actor = self.actor(*node);
        if actor != NONE {
            self.add(kind, actor, NONE, [value, 0]);
        }
    }

    /// Adds what happened between nodes.
    fn links(&mut self, fault: &Fault) {
        let (kind, from, to) = match fault {
            Fault::LinkCut { from, to } => (FactKind::LinkCut, from, to),
            Fault::LinkHealed { from, to } => (FactKind::LinkHealed, from, to),
            Fault::LinkSlow { from, to } => (FactKind::LinkSlow, from, to),
            Fault::LinkUsual { from, to } => (FactKind::LinkUsual, from, to),
            Fault::Reset(connection) => {
                (FactKind::LinkReset, &connection.client, &connection.server)
            }
            Fault::RuleApplied { step, kind, from, to, fate } => {
                return self.ruled(*step, *kind, (*from, *to), *fate);
            }
            Fault::Released { messages } => {
                let messages = i64::from(*messages);
                return self.add(FactKind::Released, NONE, NONE, [messages, 0]);
            }
            Fault::Marked => return self.add(FactKind::Mark, NONE, NONE, [0, 0]),
            _ => return,
        };
        let (actor, peer) = (self.actor(*from), self.actor(*to));
        self.add_more(kind, actor, NONE, [0, 0], [peer, NONE]);
    }

    fn ruled(
        &mut self,
        step: usize,
        kind: MessageKind,
        (from, to): (NodeId, NodeId),
        fate: RuleFate,
    ) {
        let (fate, by) = match fate {
            RuleFate::Dropped => ("dropped", NONE),
            RuleFate::Held => ("held", NONE),
            RuleFate::Delayed(by) => ("delayed", by.0 as i64),
        };
        let rule = Ruled { step, message: kind.to_string(), fate };
        let table = &mut self.trace.ruled;
        let place = table.iter().position(|it| *it == rule).unwrap_or_else(|| {
            table.push(rule);
            table.len() - 1
        });
        let (actor, peer) = (self.actor(from), self.actor(to));
        self.add_more(FactKind::Ruled, actor, NONE, [place as i64, 0], [peer, by]);
    }
}
