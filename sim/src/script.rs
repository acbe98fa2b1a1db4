//! Which steps of a plan are waiting, armed and fired, and what undoes them.

use std::sync::Arc;

use model::time::Time;

use crate::conditions::{ImageStamp, Sources};
use crate::plan::{Condition, Plan, Required, Trigger};
use crate::queue::Place;

/// The state of all steps and watches.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    steps: Vec<StepState>,
    /// By step: how many messages its rule applied to.
    rules_applied: Vec<u32>,
    watches: Vec<Option<Time>>,
    /// By step: what undoes it.
    undos: Vec<Option<Undo>>,
    /// Markers that were set.
    markers: Vec<Arc<str>>,
    /// Steps that wait for their condition, in order.
    armed: Vec<usize>,
    /// Watches that have not held yet, in order.
    watching: Vec<usize>,
    /// By step: what its condition reads.
    reads: Vec<Sources>,
    /// By watch: what it reads.
    watch_reads: Vec<Sources>,
    /// What may look otherwise than at the last look.
    moved: Sources,
    /// What the controller had registered at the last look.
    image: ImageStamp,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepState {
    /// Its turn has not come.
    Waiting,
    /// Its condition is looked at.
    Armed,
    /// Its time is set.
    Scheduled,
    Fired(Time),
}

/// What takes a step back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Undo {
    /// Links that it cut.
    Cuts(Vec<(Place, Place)>),
    /// Links that it slowed.
    Slow(Vec<(Place, Place)>),
    /// The rule that it set.
    Rule,
    /// Processes that it froze.
    Pause(Vec<Place>),
    /// Processes that it ended.
    Death(Vec<Place>),
    /// Disks that it slowed.
    Disks(Vec<Place>),
}

/// What follows from a step's having fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Follow {
    /// The step.
    pub(crate) step: usize,
    /// When it fires.
    pub(crate) at: Time,
}

impl Script {
    pub(crate) fn new(plan: &Plan) -> Script {
        let steps = plan.steps.len();
        let reads = |trigger: &Trigger| match trigger {
            Trigger::When(condition, _) => Sources::of(condition),
            Trigger::At(_) | Trigger::After(_) => Sources::NONE,
        };
        Script {
            steps: vec![StepState::Waiting; steps],
            rules_applied: vec![0; steps],
            watches: vec![None; plan.watches.len()],
            undos: vec![None; steps],
            markers: Vec::new(),
            armed: Vec::new(),
            watching: (0..plan.watches.len()).collect(),
            reads: plan.steps.iter().map(|step| reads(&step.trigger)).collect(),
            watch_reads: plan.watches.iter().map(Sources::of).collect(),
            moved: Sources::ALL,
            image: ImageStamp::default(),
        }
    }

    /// Arms or schedules the steps that wait for nothing but time: at the beginning.
    pub(crate) fn begin(&mut self, plan: &Plan) -> Vec<Follow> {
        let mut follows = Vec::new();
        for (step, it) in plan.steps.iter().enumerate() {
            if let Trigger::At(at) = it.trigger {
                self.steps[step] = StepState::Scheduled;
                follows.push(Follow { step, at });
            }
        }
        if let Some(Trigger::After(pause)) = plan.steps.first().map(|step| &step.trigger) {
            self.steps[0] = StepState::Scheduled;
            follows.push(Follow { step: 0, at: Time::ZERO + *pause });
        }
        self.arm_next(plan);
        follows
    }

    /// Takes down that a step fires; returns the step that this sets the time of, if any.
    pub(crate) fn fired(&mut self, step: usize, plan: &Plan, now: Time) -> Option<Follow> {
        self.steps[step] = StepState::Fired(now);
        let follow = match plan.steps.get(step + 1).map(|next| &next.trigger) {
            Some(Trigger::After(pause)) => Some((step + 1, *pause)),
            Some(Trigger::At(_) | Trigger::When(..)) | None => None,
        };
        if let Some((next, _)) = follow {
            self.steps[next] = StepState::Scheduled;
        }
        self.arm_next(plan);
        follow.map(|(step, pause)| Follow { step, at: now + pause })
    }

    /// Arms the steps with a condition whose predecessors have fired, or may never fire.
    fn arm_next(&mut self, plan: &Plan) {
        for (step, it) in plan.steps.iter().enumerate() {
            match (&it.trigger, self.steps[step]) {
                (Trigger::At(_), _) | (_, StepState::Fired(_)) => {}
                (Trigger::When(..), StepState::Waiting) => {
                    self.steps[step] = StepState::Armed;
                    self.armed.push(step);
                    self.moved = Sources::ALL;
                    if it.required == Required::Yes {
                        return;
                    }
                }
                // What may never happen holds nobody up.
                (Trigger::After(_) | Trigger::When(..), _) if it.required == Required::No => {}
                // Steps without a time of their own fire in the order of the file. One with
                // `after` behind one with `at` does not hold up what follows it for ever,
                // because its time is set as soon as that one has fired.
                (Trigger::After(_) | Trigger::When(..), _) => return,
            }
        }
    }

    /// Says whether any condition is still looked at.
    pub(crate) fn is_looking(&self) -> bool {
        !self.armed.is_empty() || !self.watching.is_empty()
    }

    /// Schedules the armed steps whose condition holds.
    pub(crate) fn schedule_armed(&mut self, plan: &Plan, now: Time, holds: &[bool]) -> Vec<Follow> {
        let mut follows = Vec::new();
        let armed = std::mem::take(&mut self.armed);
        for (step, holds) in armed.into_iter().zip(holds) {
            match &plan.steps[step].trigger {
                Trigger::When(_, wait) if *holds => {
                    self.steps[step] = StepState::Scheduled;
                    follows.push(Follow { step, at: now + *wait });
                }
                _ => self.armed.push(step),
            }
        }
        follows
    }

    /// Lists the conditions of armed steps, each with what it reads.
    pub(crate) fn armed<'a>(
        &'a self,
        plan: &'a Plan,
    ) -> impl Iterator<Item = (&'a Condition, Sources)> {
        self.armed.iter().filter_map(|&step| match &plan.steps[step].trigger {
            Trigger::When(condition, _) => Some((condition, self.reads[step])),
            Trigger::At(_) | Trigger::After(_) => None,
        })
    }

    /// Lists the watches that have not held yet, each with what it reads.
    pub(crate) fn watching(&self) -> impl Iterator<Item = (usize, Sources)> {
        self.watching.iter().map(|&watch| (watch, self.watch_reads[watch]))
    }

    /// Says whether the controller had registered the same at the last look.
    pub(crate) fn saw_image(&mut self, stamp: ImageStamp) -> bool {
        std::mem::replace(&mut self.image, stamp) == stamp
    }

    /// Takes out what has changed here since the last look.
    pub(crate) fn take_moved(&mut self) -> Sources {
        std::mem::take(&mut self.moved)
    }

    /// Takes down that a watched condition holds.
    pub(crate) fn reached(&mut self, watch: usize, now: Time) {
        self.watches[watch] = Some(now);
        self.watching.retain(|other| *other != watch);
    }

    /// Says whether a step has fired.
    pub(crate) fn has_fired(&self, step: usize) -> bool {
        matches!(self.steps[step], StepState::Fired(_))
    }

    pub(crate) fn rule_applied(&mut self, step: usize) {
        self.rules_applied[step] += 1;
    }

    pub(crate) fn mark(&mut self, marker: Arc<str>) {
        self.markers.push(marker);
        self.moved = self.moved | Sources::MARKERS;
    }

    pub(crate) fn has_seen(&self, marker: &str) -> bool {
        self.markers.iter().any(|seen| seen.as_ref() == marker)
    }

    pub(crate) fn set_undo(&mut self, step: usize, undo: Undo) {
        self.undos[step] = Some(undo);
    }

    pub(crate) fn take_undo(&mut self, step: usize) -> Option<Undo> {
        self.undos[step].take()
    }

    /// Returns when each step fired, how often each rule applied, when each watch held.
    pub(crate) fn into_results(self) -> (Vec<Option<Time>>, Vec<u32>, Vec<Option<Time>>) {
        let fired = |state| match state {
            StepState::Fired(at) => Some(at),
            StepState::Waiting | StepState::Armed | StepState::Scheduled => None,
        };
        (self.steps.into_iter().map(fired).collect(), self.rules_applied, self.watches)
    }
}

#[cfg(test)]
mod tests {
    use model::time::Duration;

    use super::*;
    use crate::plan::{Action, Step};

    #[test]
    fn steps_with_conditions_are_armed_one_after_the_other() {
        let plan = plan(vec![when(), at(5), when()]);
        let mut script = Script::new(&plan);

        let begun = script.begin(&plan);
        let first = script.schedule_armed(&plan, Time(3), &[true]);
        let before = script.armed.clone();
        script.fired(0, &plan, Time(3));

        assert_eq!(begun, [Follow { step: 1, at: Time(5) }]);
        assert_eq!(first, [Follow { step: 0, at: Time(10) }]);
        assert!(before.is_empty());
        assert_eq!(script.armed, [2], "a step with a time of its own holds up nobody");
    }

    #[test]
    fn optional_steps_hold_up_nobody() {
        let mut plan = plan(vec![when(), after(1), when(), when(), when()]);
        for step in [0, 1, 2] {
            plan.steps[step].required = Required::No;
        }
        let mut script = Script::new(&plan);

        script.begin(&plan);

        assert_eq!(script.armed, [0, 2, 3], "the last one waits for a step that must fire");
    }

    #[test]
    fn after_counts_from_the_step_before_and_from_zero_at_first() {
        let plan = plan(vec![after(4), after(6)]);
        let mut script = Script::new(&plan);

        let begun = script.begin(&plan);
        let next = script.fired(0, &plan, Time(4));

        assert_eq!(begun, [Follow { step: 0, at: Time(4) }]);
        assert_eq!(next, Some(Follow { step: 1, at: Time(10) }));
    }

    #[test]
    fn a_condition_that_does_not_hold_stays_armed() {
        let plan = plan(vec![when()]);
        let mut script = Script::new(&plan);
        script.begin(&plan);

        let follows = script.schedule_armed(&plan, Time(1), &[false]);

        assert!(follows.is_empty());
        assert_eq!(script.armed, [0]);
    }

    fn plan(triggers: Vec<Trigger>) -> Plan {
        let mut plan = crate::testing::plan(1);
        plan.steps = triggers
            .into_iter()
            .map(|trigger| Step {
                trigger,
                action: Action::HealAll,
                undo_after: None,
                required: Required::Yes,
            })
            .collect();
        plan
    }

    fn when() -> Trigger {
        Trigger::When(Condition::Seen("x".into()), Duration(7))
    }

    fn at(micros: u64) -> Trigger {
        Trigger::At(Time(micros))
    }

    fn after(micros: u64) -> Trigger {
        Trigger::After(Duration(micros))
    }
}
