//! `[found]`: where a file comes from that a search has written.

use model::time::Duration;
use sim::clause::Sentence;
use sim::outcome::Outcome;
use sim::verdict::Claim;

use crate::codes::Code;
use crate::expect::{Standing, judge_hope};
use crate::problems::{Problems, nearest};
use crate::scenario::{Case, Expected, Hope};
use crate::search::violation::{Oracle, Violation};
use crate::section::Section;
use crate::tree::{Node, Value};
use crate::values::{seed, text, whole, wrong_type};

/// How a trial was found, and what its history was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What found it: a command, or a person.
    pub by: String,
    /// What was wrong: the name of a claim, `assertion` or `livelock`.
    pub violation: String,
    /// The seed that it was drawn from.
    pub seed: u64,
    /// The digest of the trial that the file describes.
    pub digest: u64,
    /// The version of Trial that ran it.
    pub trial: String,
    /// The version of the rules that it followed, `sim::MODEL_VERSION`.
    pub model: u32,
}

/// What replaying a finding says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The history is the one that was found, and the same is wrong with it.
    SameHistory,
    /// The rules of the model are of another version, and the same is wrong all the same.
    SameVerdict,
    /// What was wrong no longer is: the rules are of another version, or the same history is
    /// judged otherwise.
    NoLongerBroken,
    /// The rules are of the same version, and the history is another one: either the simulator
    /// is not deterministic, or somebody has changed the file.
    OtherHistory,
}

/// A finding that was run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed<'f> {
    /// What was found.
    pub found: &'f Found,
    /// Whether it is still so.
    pub answer: Answer,
    /// Why the claim that was found broken is broken; `None` if it is not, or if no claim was.
    pub because: Option<Sentence>,
}

impl Found {
    /// Compares a trial of the case with what was found.
    pub fn replayed(&self, case: &Case, outcome: &Outcome) -> Replayed<'_> {
        let same_history = outcome.digest == self.digest;
        let same_model = self.model == sim::MODEL_VERSION;
        let answer = match self.seen(case, outcome).is_some() {
            _ if same_model && !same_history => Answer::OtherHistory,
            true if same_history => Answer::SameHistory,
            true => Answer::SameVerdict,
            false => Answer::NoLongerBroken,
        };
        Replayed { found: self, answer, because: self.because(case, outcome) }
    }

    /// Returns what was found, if a trial of the case shows it again; of an assertion only that
    /// there was one is known, so that it may be another one.
    pub fn seen(&self, case: &Case, outcome: &Outcome) -> Option<Violation> {
        let holds = Claim::by_name(&self.violation).map(|claim| (claim, self.within(case)));
        let oracle = Oracle { holds: holds.into_iter().collect() };
        oracle.violations(outcome).into_iter().find(|it| it.name() == self.violation)
    }

    fn because(&self, case: &Case, outcome: &Outcome) -> Option<Sentence> {
        let claim = Claim::by_name(&self.violation)?;
        match judge_hope(claim, Hope::Holds, self.within(case), outcome) {
            Standing::Failed(because) => Some(because),
            Standing::Met | Standing::Untested(_) => None,
        }
    }

    /// Returns the deadline that the file gives to the claim; `None` if it is no claim, or has
    /// none.
    fn within(&self, case: &Case) -> Option<Duration> {
        case.expects.iter().find_map(|expect| match &expect.what {
            Expected::Claim { claim, within, .. } if claim.name() == self.violation => *within,
            Expected::Claim { .. } | Expected::Anomaly { .. } | Expected::Reaches { .. } => None,
        })
    }
}

/// Reads the table.
pub(crate) fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Found> {
    let what = "`[found]`";
    let mut section = Section::open(node, what, problems)?;
    let by = section.need("by", what, problems).and_then(|node| text(node, problems));
    let violation = section.need("violation", what, problems);
    let violation = violation.and_then(|node| violation_name(node, problems));
    let seed = section.need("seed", what, problems).and_then(|node| seed(node, problems));
    let digest = section.need("digest", what, problems).and_then(|node| digest(node, problems));
    let trial = section.need("trial", what, problems).and_then(|node| text(node, problems));
    let model = section.need("model", what, problems);
    let model = model.and_then(|node| whole(node, 1..=u64::from(u32::MAX), problems));
    section.finish(problems);
    Some(Found {
        by: by?.to_owned(),
        violation: violation?,
        seed: seed?,
        digest: digest?,
        trial: trial?.to_owned(),
        model: model? as u32,
    })
}

/// Reads what a search looks for: a claim, or how a trial can end badly.
fn violation_name(node: &Node, problems: &mut Problems<'_>) -> Option<String> {
    let name = text(node, problems)?;
    let endings = [Violation::Assertion(String::new()).name(), Violation::Livelock.name()];
    if Claim::by_name(name).is_some() || endings.contains(&name) {
        return Some(name.to_owned());
    }
    let message = format!("`{name}` is nothing that a search looks for");
    let problem = problems.error(Code::BadFound, node.span, message);
    let claims = Claim::ALL.iter().map(|claim| claim.name());
    match nearest(name, claims.chain(endings)) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => problem.help("It is the name of a claim, `assertion` or `livelock`."),
    };
    None
}

/// Reads a digest: sixteen hexadecimal digits.
fn digest(node: &Node, problems: &mut Problems<'_>) -> Option<u64> {
    let Value::Text(text) = &node.value else {
        wrong_type(node, "a digest in quotes", problems);
        return None;
    };
    let hexadecimal = text.len() == 16 && text.chars().all(|digit| digit.is_ascii_hexdigit());
    let digest = if hexadecimal { u64::from_str_radix(text, 16).ok() } else { None };
    if digest.is_none() {
        problems
            .error(Code::BadFound, node.span, format!("`{text}` is no digest"))
            .label("expected sixteen hexadecimal digits");
    }
    digest
}

#[cfg(test)]
mod tests {
    use sim::Options;
    use sim::outcome::Ended;

    use super::*;
    use crate::{Overrides, library, parse};

    #[test]
    fn an_assertion_is_seen_with_what_it_says_and_a_claim_only_if_it_is_broken() {
        let entry = library::find("acks1-leader-crash").expect("it is in the library");
        let parsed = parse(entry.name, entry.source, &Overrides::default());
        let case = parsed.expect("it is well-formed").0.cases[0].clone();
        let outcome = sim::run(&case.plan, Options::default());
        let ended = Ended::Panicked("1 is not 2".to_owned());
        let panicked = Outcome { ended, ..outcome.clone() };
        let found = |violation: &str| Found {
            by: "somebody".to_owned(),
            violation: violation.to_owned(),
            seed: 1,
            digest: 1,
            trial: "0.1.0".to_owned(),
            model: 1,
        };

        let assertion = Violation::Assertion("1 is not 2".to_owned());
        assert_eq!(found("assertion").seen(&case, &panicked), Some(assertion));
        assert_eq!(found("assertion").seen(&case, &outcome), None);
        assert_eq!(found("replicas-agree").seen(&case, &outcome), None);
        let lost = Violation::Claim(Claim::NoAcknowledgedLoss);
        assert_eq!(found("no-acknowledged-loss").seen(&case, &outcome), Some(lost));
    }
}
