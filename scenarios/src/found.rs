//! `[found]`: where a file comes from that a search has written.

use sim::outcome::Outcome;
use sim::verdict::Claim;

use crate::codes::Code;
use crate::problems::{Problems, nearest};
use crate::scenario::{Case, Expected};
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
    /// The history is the one that was found.
    SameHistory,
    /// The rules of the model are of another version, and the same is wrong all the same.
    SameVerdict,
    /// What was wrong no longer is.
    NoLongerBroken,
    /// The rules are of the same version, and the history is another one: either the simulator
    /// is not deterministic, or somebody has changed the file.
    OtherHistory,
}

impl Found {
    /// Compares a trial with what was found.
    pub fn answer(&self, case: &Case, outcome: &Outcome) -> Answer {
        if outcome.digest == self.digest {
            return Answer::SameHistory;
        }
        match (self.model == sim::MODEL_VERSION, self.is_broken(case, outcome)) {
            (true, _) => Answer::OtherHistory,
            (false, true) => Answer::SameVerdict,
            (false, false) => Answer::NoLongerBroken,
        }
    }

    /// Says whether a trial of the case has the violation that was found.
    pub fn is_broken(&self, case: &Case, outcome: &Outcome) -> bool {
        let claim = Claim::by_name(&self.violation);
        let within = case.expects.iter().find_map(|expect| match &expect.what {
            Expected::Claim { claim: about, within, .. } if Some(*about) == claim => *within,
            Expected::Claim { .. } | Expected::Anomaly { .. } | Expected::Reaches { .. } => None,
        });
        let oracle = Oracle { holds: claim.map(|claim| (claim, within)).into_iter().collect() };
        oracle.violations(outcome).iter().any(|it| it.name() == self.violation)
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
