//! Other futures of one trial: a world is a value, so it can be copied where it stands and go
//! on by other luck.

use std::sync::Arc;

use model::time::Time;

use crate::outcome::Outcome;
use crate::plan::{Action, Plan};
use crate::world::{World, node_stream};

/// What of the plan is still to come in a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Future {
    /// Every step of the plan.
    Planned,
    /// Only what repairs or is no fault: whatever was going to hurt does not happen.
    Calm,
}

impl World {
    /// Returns a copy of the world as it stands, whose residue (latencies, keys, what unsynced
    /// bytes survive, …) is drawn from another seed from here on.
    ///
    /// What has been decided stays decided: messages on the wire arrive when they were going to.
    pub fn branch(&self, seed: u64, future: Future) -> World {
        let mut world = self.clone();
        let mut plan = Plan { seed, ..(*self.plan).clone() };
        if future == Future::Calm {
            for (at, step) in plan.steps.iter_mut().enumerate() {
                if !self.script.has_fired(at) && step.action.hurts() {
                    step.action = Action::Mark(None);
                }
            }
        }
        world.plan = Arc::new(plan);
        world.network.reseed(seed);
        for app in &mut world.apps {
            app.reseed(seed);
        }
        for store in &mut world.stores {
            store.reseed(seed);
        }
        for computer in &mut world.computers {
            computer.rng = node_stream(seed, &computer.name);
        }
        world
    }

    /// Runs the world to its end; a broken assertion of the model ends it, too.
    pub fn run_out(mut self) -> Outcome {
        crate::runtime::run_out(&mut self);
        self.finish()
    }

    /// Handles every event up to and including this time; a broken assertion ends the trial.
    pub fn run_until(&mut self, until: Time) {
        crate::runtime::run_until(self, until);
    }
}

impl Action {
    /// Says whether it is a fault: something that an operator would rather not have, and no
    /// client asked for.
    pub fn hurts(&self) -> bool {
        match self {
            Action::Crash(_)
            | Action::Shutdown(_)
            | Action::PowerLoss(..)
            | Action::Pause(_)
            | Action::Cut { .. }
            | Action::Slow { .. }
            | Action::Rule(_)
            | Action::Reset(..)
            | Action::DiskSlow(..)
            | Action::DiskStall(_)
            | Action::ClockJump(..)
            | Action::ClockDrift(..) => true,
            Action::Restart(_)
            | Action::Resume(_)
            | Action::HealAll
            | Action::Heal(_)
            | Action::Release
            | Action::Elect(..)
            | Action::CreateTopic(_)
            | Action::AlterTopic(..)
            | Action::Produce(..)
            | Action::Seek(..)
            | Action::Join(_)
            | Action::Leave(_)
            | Action::PollElsewhere(_)
            | Action::Wakeup(_)
            | Action::PauseFetching(..)
            | Action::ResumeFetching(..)
            | Action::CommitOffsets(_)
            | Action::SeekToTime(..)
            | Action::AddPartitions(..)
            | Action::DeleteRecords(..)
            | Action::Mark(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::time::Duration;

    use super::*;
    use crate::plan::{Selector, Step, Trigger};
    use crate::runtime::{KeepHistory, Options, run};

    fn stand(plan: &Plan, at: u64) -> World {
        let mut world = World::with_history(plan, KeepHistory::Yes);
        world.run_until(Time::ZERO + Duration::from_secs(at));
        world
    }

    #[test]
    fn a_branch_by_the_same_luck_before_anything_was_drawn_is_the_trial_itself() {
        let plan = crate::testing::plan(3);

        let branch = World::new(&plan).branch(plan.seed, Future::Planned).run_out();

        assert_eq!(branch, run(&plan, Options::default()));
    }

    #[test]
    fn a_branch_shares_the_past_and_has_a_future_of_its_own() {
        let plan = crate::testing::plan(3);
        let world = stand(&plan, 1);
        let past: Vec<_> = world.clone().finish().history;

        let (one, other) = (
            world.branch(11, Future::Planned).run_out(),
            world.branch(12, Future::Planned).run_out(),
        );

        assert!(10 < past.len());
        assert_eq!(one.history[..past.len()], past);
        assert_eq!(other.history[..past.len()], past);
        assert_ne!(one.digest, other.digest);
        assert_eq!(world.branch(11, Future::Planned).run_out(), one);
    }

    #[test]
    fn nothing_hurts_in_a_calm_future() {
        let mut plan = crate::testing::plan(3);
        let broker = Selector::Node(model::ids::NodeId::Broker(model::ids::BrokerId(1)));
        plan.steps.push(Step {
            trigger: Trigger::At(Time::ZERO + Duration::from_secs(6)),
            action: Action::Crash(vec![broker]),
            undo_after: None,
            required: crate::plan::Required::Yes,
        });

        let crashes = |future| {
            let outcome = stand(&plan, 4).branch(3, future).run_out();
            let is_crash = |entry: &&crate::history::Entry| {
                matches!(
                    entry.event,
                    crate::history::Event::Fault(crate::history::Fault::Crashed(_))
                )
            };
            outcome.history.iter().filter(is_crash).count()
        };

        assert_eq!((crashes(Future::Planned), crashes(Future::Calm)), (1, 0));
    }
}
