//! What is wrong with the world at a time: one bit for each class of faults.

use model::ids::NodeId;

use crate::coverage::What;
use crate::history::{Fault, RuleFate};

/// Faults that are in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Troubles {
    /// Processes that ran and do not run, or are frozen.
    away: Vec<NodeId>,
    /// Links that are cut or slow.
    links: u32,
    /// Messages that are held.
    held: u32,
    /// Disks that are slow or do not answer.
    disks: Vec<NodeId>,
    /// Wall clocks that were set, or go wrong.
    clocks: u32,
}

impl Troubles {
    /// Bits of a set of classes.
    pub(crate) const BITS: u32 = 4;

    /// Returns the classes of faults that are in force.
    pub(crate) fn bits(&self) -> u32 {
        let bits = [
            !self.away.is_empty(),
            0 < self.links || 0 < self.held,
            !self.disks.is_empty(),
            0 < self.clocks,
        ];
        bits.into_iter().fold(0, |bits, bit| bits << 1 | u32::from(bit))
    }

    /// Takes in a fault; `None` if states do not depend on it.
    pub(super) fn on_fault(&mut self, fault: &Fault) -> Option<What> {
        Some(match *fault {
            Fault::Crashed(node) | Fault::PowerLost(node) | Fault::Exited(node) => {
                add(&mut self.away, node);
                What::Ended
            }
            Fault::Paused(node) => {
                add(&mut self.away, node);
                What::Froze
            }
            Fault::Started { node, .. } | Fault::Resumed(node) => {
                self.away.retain(|it| *it != node);
                What::Started
            }
            Fault::LinkCut { .. } | Fault::LinkSlow { .. } => {
                self.links += 1;
                What::LinkFailed
            }
            Fault::LinkHealed { .. } | Fault::LinkUsual { .. } => {
                self.links = self.links.saturating_sub(1);
                What::Repaired
            }
            Fault::RuleApplied { fate, .. } => {
                self.held += u32::from(fate == RuleFate::Held);
                What::LinkFailed
            }
            Fault::Released { .. } => {
                self.held = 0;
                What::Repaired
            }
            Fault::Reset(_) => What::LinkFailed,
            Fault::DiskSlow(node) | Fault::DiskStalled(node) => {
                add(&mut self.disks, node);
                What::DiskFailed
            }
            Fault::DiskUsual(node) => {
                self.disks.retain(|it| *it != node);
                What::Repaired
            }
            Fault::ClockJumped { .. } | Fault::ClockDrifts { .. } => {
                self.clocks += 1;
                What::ClockFailed
            }
            Fault::ShutdownAsked(_) | Fault::UnsyncedLost { .. } | Fault::Marked => return None,
        })
    }
}

fn add(nodes: &mut Vec<NodeId>, node: NodeId) {
    if !nodes.contains(&node) {
        nodes.push(node);
    }
}
