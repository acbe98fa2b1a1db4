//! What would have helped: the same trial again, with one change each.
//!
//! A change is what a user would type: values of `--set`, read through the file like those
//! of the command line, so that the line that is printed is the trial that was run.

use reports::verdict::{Helped, HelpedStanding};
use scenarios::{Case, Expected, Hope, Overrides, parse};
use sim::clause::{Clause, ClauseKind, Sentence, Value};
use sim::outcome::Outcome;
use sim::verdict::{Claim, Evidence, Finding, Verdict};
use sim::{KeepHistory, Options};

use crate::load::Loaded;
use crate::remedies::{Change, changes};

/// Which trial it is about.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The file.
    pub file: &'a Loaded,
    /// The case's place.
    pub case: usize,
    /// The seed.
    pub seed: u64,
    /// What the command line changed already.
    pub overrides: &'a Overrides,
}

/// Runs the changed trials and says how a broken claim stands in each: the one that the
/// scenario is about, else the first one. Nothing if no claim is broken.
pub fn helped(told: Told<'_>, outcome: &Outcome) -> Vec<Helped> {
    let case = &told.file.scenario.cases[told.case];
    let Some((first, _)) = broken(outcome).next() else { return Vec::new() };
    let about = lesson(case).and_then(|lesson| broken(outcome).find(|(claim, _)| *claim == lesson));
    let Some((claim, evidence)) = about.or_else(|| broken(outcome).next()) else {
        return Vec::new();
    };
    let changes = changes(&case.plan, claim, &outcome.judgement.losses);
    let judged = |change| judged(told, outcome, (claim, evidence), change);
    let mut helped: Vec<Helped> = changes.iter().filter_map(judged).collect();
    if claim != first {
        // Why tells of the first broken claim: say that this is about another one.
        let holds = helped.iter_mut().filter(|it| it.standing == HelpedStanding::Holds);
        for it in holds.filter(|it| it.remark.is_empty()) {
            it.remark = Sentence::of(ClauseKind::AboutClaim, [claim.name().into()]);
        }
    }
    helped
}

/// Returns the first claim that a scenario expects to break.
fn lesson(case: &Case) -> Option<Claim> {
    case.expects.iter().find_map(|expect| match expect.what {
        Expected::Claim { claim, hope: Hope::Breaks, .. } => Some(claim),
        Expected::Claim { .. } | Expected::Anomaly { .. } | Expected::Reaches { .. } => None,
    })
}

fn broken(outcome: &Outcome) -> impl Iterator<Item = (Claim, &Evidence)> {
    outcome.judgement.findings.iter().filter_map(|finding| match &finding.verdict {
        Verdict::Breaks(evidence) => Some((finding.claim, evidence)),
        Verdict::Holds | Verdict::Untested(_) => None,
    })
}

/// Runs one changed trial; `None` if the change does not fit the file or changes nothing.
fn judged(
    told: Told<'_>,
    before: &Outcome,
    (claim, evidence): (Claim, &Evidence),
    change: &Change,
) -> Option<Helped> {
    let Told { file, case, seed, .. } = told;
    let mut overrides = told.overrides.clone();
    overrides.set.extend(change.set.iter().cloned());
    let (scenario, _) = parse(&file.given, &file.scenario.source, &overrides).ok()?;
    let (own, changed) = (&file.scenario.cases[case], scenario.cases.get(case)?);
    if own.plan == changed.plan {
        return None;
    }
    let options = Options { keep_history: KeepHistory::No, ..Options::default() };
    let outcome = sim::run(&changed.drawn(seed).plan, options);
    let of = |claim| outcome.judgement.findings.iter().find(|finding| finding.claim == claim);
    let finding = match of(claim)? {
        // Where every send waits for an answer, what counts is the answer.
        Finding { claim: Claim::NothingDroppedSilently, verdict: Verdict::Untested(_), .. } => {
            of(Claim::NoAcknowledgedLoss)?
        }
        finding => finding,
    };
    let (standing, remark) = match &finding.verdict {
        Verdict::Holds => (HelpedStanding::Holds, price(before, &outcome)),
        Verdict::Breaks(_) if !change.remark.is_empty() => {
            (HelpedStanding::Breaks, change.remark.clone())
        }
        Verdict::Breaks(other) if other.because == evidence.because => {
            (HelpedStanding::Breaks, Sentence::default())
        }
        Verdict::Breaks(other) => (HelpedStanding::Breaks, other.because.clone()),
        Verdict::Untested(why) => (HelpedStanding::Untested, why.clone()),
    };
    let set = change.set.iter().map(|(path, value)| format!("{path}={value}")).collect();
    Some(Helped { change: change.name.clone(), set, standing, remark })
}

/// Says which claims a change breaks that were not broken before.
fn price(before: &Outcome, after: &Outcome) -> Sentence {
    let known: Vec<Claim> = broken(before).map(|(claim, _)| claim).collect();
    let names: Vec<&str> = broken(after)
        .map(|(claim, _)| claim)
        .filter(|claim| !known.contains(claim))
        .map(Claim::name)
        .collect();
    if names.is_empty() {
        return Sentence::default();
    }
    let clause = |name| Clause::new(ClauseKind::AboutClaim, [Value::from(name)]);
    let names = Value::List(names.into_iter().map(clause).collect());
    Sentence::of(ClauseKind::BreaksInstead, [names])
}
