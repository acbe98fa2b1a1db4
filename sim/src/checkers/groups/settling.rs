//! `group-stabilises` and `group-drains`: what must come back after the faults are healed.
//!
//! A group without members has nothing to come back to: whoever left by order is not missed.
//!
//! Source: ours.

use model::fact::{Fact, GroupPhase};
use model::time::Time;

use crate::checkers::case::{Case, Place};
use crate::checkers::groups::view::{Group, View};
use crate::clause::{Clause, ClauseKind, Sentence};
use crate::history::Fault;
use crate::plan::CommitStyle;
use crate::verdict::{Anomaly, Claim, Finding};

/// Records of lag above which a group has a backlog.
const BACKLOG: u64 = 1_000;

/// Judges `group-stabilises` and `group-drains`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settling {
    groups: Vec<Rest>,
    /// When everything was healed.
    settle: Option<Time>,
    /// Faults that hit a process or a link.
    hits: u64,
    /// How often a lag grew to a backlog.
    backlogs: u64,
}

/// Since when a group has been at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Rest {
    /// Since when it has been stable without a break.
    stable: Option<Time>,
    /// Since when it has had no lag without a break.
    drained: Option<Time>,
    lag: u64,
    lag_max: (u64, Time),
}

/// What was seen besides, for the counts of a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// Storms of rebalances.
    pub(crate) storms: u64,
    /// Rebalances that took too long.
    pub(crate) stuck: u64,
    /// Members that made no progress.
    pub(crate) stalled: u64,
}

impl Settling {
    /// Begins before any group has a member.
    pub(crate) fn new(groups: usize) -> Settling {
        Settling { groups: vec![Rest::default(); groups], settle: None, hits: 0, backlogs: 0 }
    }

    /// Takes in that everything was healed.
    pub(crate) fn on_settle(&mut self, place: Place) {
        self.settle = Some(place.at);
    }

    /// Takes in what became true at a node. `view` is as after it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place, view: &View) {
        match fact {
            Fact::Group(fact) => {
                if let Some(group) = view.find(&fact.group) {
                    self.look_at(group, place.at, view);
                }
            }
            Fact::HighWatermark { partition, waiting: Some(_), .. } => {
                for group in 0..self.groups.len() {
                    if view.groups[group].reads(partition.topic) {
                        self.look_at(group, place.at, view);
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes in that an application of a group ended its work on a record: only groups that do
    /// not commit to Kafka get on by that.
    pub(crate) fn on_work(&mut self, group: usize, place: Place, view: &View) {
        if view.groups[group].commits == CommitStyle::Never {
            self.look_at(group, place.at, view);
        }
    }

    /// Takes in what the world did.
    pub(crate) fn on_fault(&mut self, fault: &Fault) {
        let hits = matches!(
            fault,
            Fault::Crashed(_)
                | Fault::PowerLost(_)
                | Fault::Exited(_)
                | Fault::Paused(_)
                | Fault::LinkCut { .. }
                | Fault::RuleApplied { .. }
        );
        self.hits += u64::from(hits);
    }

    /// Returns the largest lag of a group and when it was reached.
    pub(crate) fn lag_max(&self, group: usize) -> (u64, Time) {
        self.groups[group].lag_max
    }

    /// Returns since when each group has been stable and without lag, counted from the settle
    /// phase on.
    pub(crate) fn settled(&self) -> Vec<(Option<Time>, Option<Time>)> {
        let settle = self.settle;
        let since = |since: Option<Time>| settle.and_then(|settle| since.map(|it| it.max(settle)));
        self.groups.iter().map(|it| (since(it.stable), since(it.drained))).collect()
    }

    /// Judges both claims.
    pub(crate) fn finish(&self, view: &View, end: Place, seen: Seen) -> (Finding, Finding) {
        let (mut stabilises, mut drains) =
            (Case::new(Claim::GroupStabilises), Case::new(Claim::GroupDrains));
        let (mut unstable, mut lagging) = (Vec::new(), Vec::new());
        let mut risk = 0;
        for (group, rest) in view.groups.iter().zip(&self.groups) {
            if group.is_left() {
                continue;
            }
            risk += group.risk + self.hits;
            if self.settle.is_none() {
                continue;
            }
            if rest.stable.is_none() {
                stabilises.breach(Anomaly::StuckRebalance, end);
                let values = [group.name.to_string().into(), group.phase.name().into()];
                unstable.push(Clause::new(ClauseKind::GroupUnstable, values));
            }
            if rest.drained.is_none() {
                drains.breach(Anomaly::StalledConsumer, end);
                let values = [rest.lag.into(), group.name.to_string().into()];
                lagging.push(Clause::new(ClauseKind::GroupBehind, values));
            }
        }
        stabilises.observe(Anomaly::RebalanceStorm, seen.storms);
        stabilises.observe(Anomaly::StuckRebalance, seen.stuck);
        drains.observe(Anomaly::StalledConsumer, seen.stalled);
        drains.observe(Anomaly::Backlog, self.backlogs);
        let untested = self.untested(view);
        let risk = self.settle.map_or(0, |_| risk);
        let stabilises = stabilises.close(risk, untested, |_| Sentence(unstable));
        (stabilises, drains.close(risk, untested, |_| Sentence(lagging)))
    }

    fn untested(&self, view: &View) -> ClauseKind {
        if view.groups.is_empty() {
            return ClauseKind::NoGroup;
        }
        if self.settle.is_none() {
            return ClauseKind::NeverSettled;
        }
        match view.groups.iter().all(Group::is_left) {
            true => ClauseKind::GroupsLeft,
            false => ClauseKind::NothingDisturbed,
        }
    }

    fn look_at(&mut self, group: usize, now: Time, view: &View) {
        let (rest, seen) = (&mut self.groups[group], &view.groups[group]);
        let is_stable = seen.phase == GroupPhase::Stable;
        rest.stable = is_stable.then(|| rest.stable.unwrap_or(now));
        if seen.joined.is_none() {
            return;
        }
        let (before, lag) = (rest.lag, seen.lag());
        rest.lag = lag;
        rest.drained = (lag == 0).then(|| rest.drained.unwrap_or(now));
        if rest.lag_max.0 < lag {
            rest.lag_max = (lag, now);
        }
        self.backlogs += u64::from(before <= BACKLOG && BACKLOG < lag);
    }
}
