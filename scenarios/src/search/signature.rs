//! What two findings have in common that are the same story: the key by which a search tells
//! a new finding from one that it has.

use std::collections::BTreeMap;
use std::fmt;

use sim::plan::{Action, ClientRole, ControllerKind, MessageFate, Plan};

use crate::search::shrink::size::Size;
use crate::search::violation::Violation;

/// Names a story: what is wrong, which verbs its steps use how often, and roughly how large
/// its cluster is.
///
/// Times, targets and seeds have no part in it. Only a plan without needless steps has a
/// telling one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(u32);

impl Signature {
    /// Returns the signature of a trial with which this is wrong.
    pub fn of(violation: &Violation, plan: &Plan) -> Signature {
        let mut hash = Fnv::default();
        hash.text(&named(violation));
        let mut verbs: BTreeMap<String, u32> = BTreeMap::new();
        for step in &plan.steps {
            *verbs.entry(verb(&step.action)).or_default() += 1;
        }
        for (verb, count) in &verbs {
            hash.text(verb);
            hash.number(*count);
        }
        for part in topology(plan) {
            hash.number(part);
        }
        Signature(hash.folded())
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Names what is wrong. The numbers in what an assertion says, and the values below its first
/// line, differ from run to run.
fn named(violation: &Violation) -> String {
    match violation {
        Violation::Assertion(message) => {
            let first = message.lines().next().unwrap_or_default();
            let plain: String = first.chars().filter(|letter| !letter.is_ascii_digit()).collect();
            format!("{} {plain}", violation.name())
        }
        Violation::Livelock | Violation::Claim(_) => violation.name().to_owned(),
    }
}

/// Returns the size of a plan: one, a few, many.
fn topology(plan: &Plan) -> [u32; 6] {
    let up_to = |count: usize, most: u32| u32::try_from(count).unwrap_or(most).min(most);
    let size = Size::of(plan);
    let producers = plan.clients.iter().filter(|it| matches!(it.role, ClientRole::Producer(_)));
    [
        up_to(size.brokers, 4),
        match plan.controller.kind {
            ControllerKind::Infallible => 0,
            ControllerKind::Single => 1,
        },
        up_to(plan.topics.len(), 2),
        up_to(size.partitions, 2),
        up_to(producers.count(), 2),
        up_to(plan.groups.len(), 2),
    ]
}

/// Names the kind of a step.
fn verb(action: &Action) -> String {
    let plain = match action {
        Action::Crash(_) => "crash",
        Action::Restart(_) => "restart",
        Action::Shutdown(_) => "shutdown",
        Action::PowerLoss(..) => "power-loss",
        Action::Pause(_) => "pause",
        Action::Resume(_) => "resume",
        Action::Cut { .. } => "cut",
        Action::HealAll => "heal-all",
        Action::Heal(_) => "heal",
        Action::Slow { .. } => "slow",
        Action::Rule(rule) => {
            let fate = match rule.fate {
                MessageFate::Drop => "drop",
                MessageFate::Hold => "hold",
                MessageFate::Delay(_) => "delay",
            };
            return format!("{fate} {:?}", rule.kind);
        }
        Action::Release => "release",
        Action::Reset(..) => "reset",
        Action::DiskSlow(..) => "disk-slow",
        Action::DiskStall(_) => "disk-stall",
        Action::ClockJump(..) => "clock-jump",
        Action::ClockDrift(..) => "clock-drift",
        Action::Elect(..) => "elect",
        Action::CreateTopic(_) => "create-topic",
        Action::AlterTopic(..) => "alter-topic",
        Action::Produce(..) => "produce",
        Action::Seek(..) => "seek",
        Action::Join(_) => "join",
        Action::Leave(_) => "leave",
        Action::PollElsewhere(_) => "poll-elsewhere",
        Action::Wakeup(_) => "wakeup",
        Action::PauseFetching(..) => "pause-fetching",
        Action::ResumeFetching(..) => "resume-fetching",
        Action::CommitOffsets(_) => "commit-offsets",
        Action::SeekToTime(..) => "seek-to-time",
        Action::AddPartitions(..) => "add-partitions",
        Action::DeleteRecords(..) => "delete-records",
        Action::Mark(_) => "mark",
    };
    plain.to_owned()
}

/// A hash that is the same on every platform and in every version: FNV-1a.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
        self.byte(0xff); // no text has it
    }

    fn number(&mut self, number: u32) {
        number.to_le_bytes().into_iter().for_each(|byte| self.byte(byte));
    }

    fn folded(&self) -> u32 {
        (self.0 ^ (self.0 >> 32)) as u32
    }
}

#[cfg(test)]
mod tests {
    use sim::plan::Trigger;
    use sim::verdict::Claim;

    use super::*;
    use crate::{Overrides, library, parse};

    fn plan(name: &str) -> Plan {
        let entry = library::find(name).expect("it is in the library");
        let parsed = parse(entry.name, entry.source, &Overrides::default());
        parsed.expect("it is well-formed").0.cases[0].plan.clone()
    }

    #[test]
    fn times_and_seeds_are_not_part_of_a_story_but_verbs_are() {
        let violation = Violation::Claim(Claim::NoAcknowledgedLoss);
        let before = plan("acks1-leader-crash");
        let signature = Signature::of(&violation, &before);
        let mut later = before.clone();
        later.seed = 99;
        for step in &mut later.steps {
            step.trigger = Trigger::At(model::time::Time(1));
        }
        let mut shorter = before.clone();
        shorter.steps.pop();
        let mut larger = before.clone();
        larger.groups.extend(plan("commit-before-process").groups);

        assert_eq!(Signature::of(&violation, &later), signature);
        assert_ne!(Signature::of(&violation, &shorter), signature);
        assert_ne!(Signature::of(&violation, &larger), signature);
        assert_ne!(Signature::of(&Violation::Livelock, &before), signature);
    }

    #[test]
    fn the_numbers_of_an_assertion_are_not_part_of_a_story() {
        let plan = plan("acks1-leader-crash");
        let signature = |text: &str| Signature::of(&Violation::Assertion(text.to_owned()), &plan);

        assert_eq!(signature("12 is not below 7"), signature("3 is not below 100\nleft: 3"));
        assert_ne!(signature("12 is not below 7"), signature("12 is below 7"));
    }

    #[test]
    fn a_signature_stays_what_it_is() {
        let violation = Violation::Claim(Claim::NoAcknowledgedLoss);

        let text = Signature::of(&violation, &plan("acks1-leader-crash")).to_string();

        assert_eq!(text, "42d084c2");
    }
}
