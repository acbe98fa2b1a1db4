//! Everything that judges consumer groups.
//!
//! In reading order:
//! - `view`: who owned what, what was committed, what became of each record; `share`: how
//!   far a group is in one partition
//! - `processing`: what was skipped or repeated; `effects`: what reached the sink
//! - `order`: the order of each key; `commits`: the committed offsets
//! - `office`: which broker coordinates
//! - `ownership`: who had which partition; `rebalances`: how that changed
//! - `settling`: what must come back
//!
//! Source: ours.

mod commits;
mod effects;
#[cfg(test)]
mod fixture;
mod office;
mod order;
mod ownership;
mod processing;
mod rebalances;
mod settling;
mod share;
#[cfg(test)]
mod tests;
mod view;

use model::fact::{Fact, GroupPhase, WorkEvent, WorkFact};
use model::ids::ClientId;
use model::log::batch::Record;
use model::time::Time;

use crate::checkers::case::{Case, Place};
use crate::checkers::ending::Ending;
use crate::checkers::groups::commits::Commits;
use crate::checkers::groups::effects::Effects;
use crate::checkers::groups::office::Offices;
use crate::checkers::groups::order::KeyOrder;
use crate::checkers::groups::ownership::Ownership;
use crate::checkers::groups::processing::Processing;
use crate::checkers::groups::rebalances::Rebalances;
use crate::checkers::groups::settling::{Seen, Settling};
use crate::checkers::groups::view::{Group, View};
use crate::history::Fault;
use crate::plan::Plan;
use crate::verdict::{Finding, GroupStory};

/// Judges every claim about groups.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Groups {
    offices: Offices,
    view: View,
    processing: Processing,
    effects: Effects,
    order: KeyOrder,
    commits: Commits,
    ownership: Ownership,
    rebalances: Rebalances,
    settling: Settling,
}

/// How the claims about groups stand, and how each group fared.
pub(crate) struct GroupVerdicts {
    /// `order-per-key`.
    pub(crate) order: Finding,
    /// `nothing-skipped`.
    pub(crate) skipped: Finding,
    /// `nothing-repeated`.
    pub(crate) repeated: Finding,
    /// `one-owner-per-partition`.
    pub(crate) owners: Finding,
    /// `commits-move-forward`.
    pub(crate) commits: Finding,
    /// `effects-once`.
    pub(crate) effects: Finding,
    /// `group-stabilises`.
    pub(crate) stabilises: Finding,
    /// `group-drains`.
    pub(crate) drains: Finding,
    /// By group.
    pub(crate) stories: Vec<GroupStory>,
    /// By group: since when it has been stable, and without lag.
    pub(crate) settled: Vec<(Option<Time>, Option<Time>)>,
}

impl Groups {
    /// Prepares to judge the groups of this plan.
    pub(crate) fn new(plan: &Plan) -> Groups {
        let count = plan.groups.len();
        Groups {
            offices: Offices::new(plan),
            view: View::new(plan),
            processing: Processing::new(count),
            effects: Effects::new(),
            order: KeyOrder::new(count),
            commits: Commits::new(count),
            ownership: Ownership::new(count),
            rebalances: Rebalances::new(count),
            settling: Settling::new(count),
        }
    }

    /// Returns the cases that can break while a history grows.
    pub(crate) fn cases(&self) -> [&Case; 2] {
        [self.commits.case(), self.ownership.case()]
    }

    /// Takes in what became true of a log of `__consumer_offsets`.
    pub(crate) fn on_internal(&mut self, fact: &Fact) {
        for group in self.offices.on_fact(fact) {
            // What the coordinator before it wrote last may never have been replicated.
            self.view.groups[group].forget_commits();
            // Nor was a rebalance that was under way. The new one says what it has found.
            self.view.groups[group].phase = GroupPhase::Empty;
            self.commits.forget(group);
            self.ownership.forget(group);
        }
    }

    /// Takes in that `send()` was called: only its key is of concern here.
    pub(crate) fn on_send(&mut self, client: ClientId, record: &Record) {
        if !self.view.groups.is_empty() {
            self.order.on_send(client, record);
        }
    }

    /// Takes in what an application did: three of these for each record, and no concern of
    /// commits and rebalances.
    pub(crate) fn on_work(&mut self, fact: &WorkFact, place: Place) {
        let Some(group) = self.view.group_of(fact.client) else { return };
        self.view.groups[group].on_work(fact, place);
        match fact.what {
            WorkEvent::Began(_) => {
                self.order.on_work(group, fact, place, &self.view);
                self.ownership.on_work(group, fact, (place, &self.view));
            }
            WorkEvent::Ended(_) => {
                self.processing.on_work(group, fact, place, &self.view);
                self.order.on_work(group, fact, place, &self.view);
                self.ownership.on_work(group, fact, (place, &self.view));
                self.settling.on_work(group, place, &self.view);
            }
            WorkEvent::Effect(_) => self.effects.on_work(group, fact, place, &self.view),
            WorkEvent::CopySent { .. } => {}
        }
    }

    /// Takes in what became true at a node.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place) {
        if self.view.groups.is_empty() {
            return;
        }
        match fact {
            // Nothing that a deposed coordinator writes is ever replicated, or answered.
            Fact::Group(fact)
                if self
                    .view
                    .find(&fact.group)
                    .is_some_and(|group| self.offices.is_deposed(group, fact.broker)) => {}
            Fact::SendCalled { client, record, .. } => self.on_send(*client, record),
            Fact::Work(fact) => self.on_work(fact, place),
            Fact::Group(_)
            | Fact::Member(_)
            | Fact::Polled { .. }
            | Fact::PositionReset { .. }
            | Fact::HighWatermark { .. }
            | Fact::LogStartMoved { .. } => self.tell_all(fact, place),
            _ => {}
        }
    }

    /// Takes in what the world did.
    pub(crate) fn on_fault(&mut self, fault: &Fault, place: Place) {
        self.ownership.on_fault(fault, &self.view);
        self.view.on_fault(fault, place);
        self.settling.on_fault(fault);
        self.rebalances.on_fault(fault, place, &self.view);
    }

    /// Takes in that a step fired.
    pub(crate) fn on_step(&mut self, step: usize) {
        self.view.on_step(step);
    }

    /// Takes in that everything was healed.
    pub(crate) fn on_settle(&mut self, place: Place) {
        self.settling.on_settle(place);
    }

    /// Says how every claim stands.
    pub(crate) fn finish(self, ending: &Ending, end: Place) -> GroupVerdicts {
        let Groups { view, processing, effects, order, .. } = self;
        let Groups { commits, ownership, mut rebalances, settling, .. } = self;
        let (skipped, repeated, mishaps) = processing.finish(&view, ending);
        let (owners, stalled) = ownership.finish(&view, end);
        rebalances.on_end(end.at);
        let seen = Seen { storms: rebalances.storms, stuck: rebalances.stuck, stalled };
        let (stabilises, drains) = settling.finish(&view, end, seen);
        let story = |(index, mishaps)| GroupStory {
            group: Group::index(index),
            rebalances: rebalances.of(index),
            mishaps,
            lag_max: settling.lag_max(index),
            owners: rebalances.owners(index),
        };
        GroupVerdicts {
            order: order.finish(&view),
            skipped,
            repeated,
            owners,
            commits: commits.finish(&view),
            effects: effects.finish(&view, end),
            stabilises,
            drains,
            stories: mishaps.into_iter().enumerate().map(story).collect(),
            settled: settling.settled(),
        }
    }

    fn tell_all(&mut self, fact: &Fact, place: Place) {
        self.view.on_fact(fact, place);
        self.processing.on_fact(fact, &mut self.view);
        self.commits.on_fact(fact, place, &self.view);
        self.ownership.on_fact(fact, place, &self.view);
        self.rebalances.on_fact(fact, place, &self.view);
        self.settling.on_fact(fact, place, &self.view);
    }
}
