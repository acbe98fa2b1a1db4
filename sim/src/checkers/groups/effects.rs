//! `effects-once`: what reached the sink outside of Kafka.
//!
//! Source: ours.

use model::fact::{EffectOutcome, WorkEvent, WorkFact};
use model::ids::Uid;

use crate::checkers::case::{Case, Place, seen};
use crate::checkers::groups::view::{Group, View, Work};
use crate::clause::ClauseKind;
use crate::plan::Sink;
use crate::verdict::{Anomaly, Claim, Finding};

/// Judges `effects-once`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effects {
    case: Case,
}

impl Effects {
    /// Opens the case.
    pub(crate) fn new() -> Effects {
        Effects { case: Case::new(Claim::EffectsOnce) }
    }

    /// Takes in what an application of a group did. `view` is as after it.
    pub(crate) fn on_work(&mut self, group: usize, fact: &WorkFact, place: Place, view: &View) {
        if fact.what == WorkEvent::Effect(EffectOutcome::Applied)
            && 1 < view.groups[group].work(fact.uid).applied
        {
            self.case.breach_of(Anomaly::EffectDup, fact.uid, place);
        }
    }

    /// Closes the case.
    pub(crate) fn finish(mut self, view: &View, end: Place) -> Finding {
        let mut redelivered = 0;
        for group in &view.groups {
            for (uid, work) in (0..).map(Uid).zip(&group.works) {
                redelivered += u64::from(1 < work.began || 1 < work.done || 0 < work.taken);
                if is_missing(group, work) {
                    let first = work.first().map(|it| it.place);
                    let ended = first.or(group.given_up.get(&uid).map(|it| it.2));
                    self.case.breach_of(Anomaly::EffectMissing, uid, ended.unwrap_or(end));
                }
            }
        }
        let untested = match view.groups.is_empty() {
            true => ClauseKind::NoGroup,
            false => ClauseKind::NothingGivenAgain,
        };
        self.case.close(redelivered, untested, |case| {
            seen(&[
                (ClauseKind::EffectsTwice, case.seen(Anomaly::EffectDup)),
                (ClauseKind::EffectsMissing, case.seen(Anomaly::EffectMissing)),
            ])
        })
    }
}

/// Says whether a record counts as done without effect. A result that the sink refused for a
/// newer one of its key is not missing.
fn is_missing(group: &Group, work: &Work) -> bool {
    let counts = work.has_effect || 0 < work.taken;
    let superseded = group.sink == Sink::VersionCheck && 0 < work.refused;
    counts && work.applied == 0 && !superseded
}
