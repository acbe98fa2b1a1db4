//! Pass 9: ways round, where no step can go by itself.
//!
//! A plan of which no single step can go may still be bigger than need be. What breaks a claim
//! is a meeting of moments: one fault strikes while another one lasts. A step may be there for
//! nothing else than to hold up a client or an election until the other faults are ready, so
//! that without it they miss each other; had one of them come a second sooner, nobody would
//! need it. To take the step away and to move the other one are both refused alone, and the
//! passes, which change one thing at a time, never see what lies behind.
//!
//! So they are done together here: one step is gone, another one happens sooner or later. That
//! begins not where the passes have come to rest, where each fault is as weak and as short as
//! may be and misses the others at the slightest move, but where they began, with the faults
//! that were drawn. A way may be a dead end: then others are tried.

use model::time::{Duration, Time};
use sim::plan::{Plan, Step, Trigger};

use super::court::Court;
use super::few;
use super::surgery::sound::is_sound;
use super::surgery::with_steps;
use super::weaker::with_step;

/// More steps than this have too many ways.
const STEPS_MAX: usize = 12;
/// Trials that the search for ways may cost.
const RUNS_MAX: u64 = 500;
/// How much sooner or later a step may happen, in milliseconds.
const SHIFTS: [u64; 5] = [2_000, 1_000, 500, 100, 5_000];

/// Looks for ways from a plan to one with fewer steps than `goal`, and on from there; returns
/// the last plan that it reached.
pub(super) fn ahead(court: &mut Court<'_>, plan: &Plan, goal: usize) -> Option<Plan> {
    // What the passes need for the plan behind the way is left to them.
    let end = court.runs() + RUNS_MAX.min(court.runs_left() / 4);
    let mut reached = search(court, plan, (goal, end))?;
    while let Some(further) = search(court, &reached, (reached.steps.len(), end)) {
        reached = further;
    }
    Some(reached)
}

/// Returns the first plan with fewer steps than `goal` that ways lead to, until so many trials
/// have been run.
///
/// No plan is accepted twice, so that ways that meet are followed once.
fn search(court: &mut Court<'_>, plan: &Plan, (goal, end): (usize, u64)) -> Option<Plan> {
    if plan.steps.len() < goal {
        return Some(plan.clone());
    }
    if STEPS_MAX < plan.steps.len() {
        return None;
    }
    let fired = court.fired(plan)?;
    let mut from = 0;
    loop {
        let left = end.saturating_sub(court.runs());
        let candidates = detours(plan, &fired).skip(from).take(left as usize);
        let (place, shorter) = court.first(candidates)?;
        from += place + 1;
        let shorter = few::drop_steps(court, shorter);
        if let Some(found) = search(court, &shorter, (goal, end)) {
            return Some(found);
        }
    }
}

/// Lists plans in which one step is gone, the last ones first, and another one happens sooner
/// or later than it did.
fn detours(plan: &Plan, fired: &[Option<Time>]) -> impl Iterator<Item = Plan> {
    let count = plan.steps.len();
    (0..count).rev().flat_map(move |gone| {
        let others: Vec<usize> = (0..count).filter(|it| *it != gone).collect();
        // Unless a client went with the step, and took others along.
        let shorter = with_steps(plan, &others).filter(|it| it.steps.len() == others.len());
        shorter.into_iter().flat_map(move |shorter| {
            let fired = others.iter().map(|it| fired[*it]).collect::<Vec<_>>();
            let places = (0..fired.len()).filter_map(move |place| Some((place, fired[place]?)));
            places.flat_map(move |(place, at)| moved(&shorter, place, at))
        })
    })
}

/// Lists plans in which the step in a place happens sooner or later than at a time.
fn moved(plan: &Plan, place: usize, at: Time) -> Vec<Plan> {
    let shifts = SHIFTS.map(Duration::from_millis).into_iter();
    let moments = shifts.flat_map(|by| {
        let sooner = (by.0 <= at.0).then(|| Time(at.0 - by.0));
        sooner.into_iter().chain([at + by])
    });
    let steps = moments.map(|at| Step { trigger: Trigger::At(at), ..plan.steps[place].clone() });
    steps.map(|step| with_step(plan, place, step)).filter(is_sound).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overrides::Overrides;
    use crate::parse;
    use crate::search::shrink::Budget;
    use crate::search::subject::Subject;
    use crate::search::violation::{Oracle, Violation};
    use sim::plan::Action;

    const WORLD: &str = r#"
schema = 1
[sim]
faults-for = "9s"
[cluster]
brokers = 1
[[expect]]
claim = "replicas-agree"
"#;

    #[test]
    fn a_step_goes_where_another_one_comes_sooner() {
        let breaks = ["a1000 b2000 c3000", "a1000 c2000"];

        let tried = tried("a1000 b2000 c3000", &breaks, (3, 300), 1);

        assert_eq!(tried.dropped, "a1000 b2000 c3000", "no step can go by itself");
        assert_eq!(tried.reached.as_deref(), Some("a1000 c2000"));
    }

    #[test]
    fn a_dead_end_is_left_for_another_way() {
        let breaks =
            ["a1000 b2000 c3000 d4000", "a1000 b2000 c2000", "b2000 c3000 d4500", "b2000 d3500"];

        let [one, three] = [1, 3].map(|jobs| tried(breaks[0], &breaks, (3, 900), jobs));

        assert_eq!(one.reached.as_deref(), Some("b2000 d3500"));
        assert_eq!(one, three);
    }

    #[test]
    fn as_many_steps_as_there_are_already_are_no_way() {
        let breaks = ["a1000 b2000 c3000", "a1000 c2000"];

        assert_eq!(tried("a1000 b2000 c3000", &breaks, (2, 300), 1).reached, None);
    }

    #[test]
    fn most_of_what_is_left_is_for_the_passes() {
        let tried = tried("a1000 b2000 c3000", &["a1000 b2000 c3000"], (3, 23), 1);

        // Seven for the plan and to see that no step can go; then a quarter of the rest.
        assert_eq!((tried.runs_before, tried.runs), (7, 11));
    }

    /// What has become of a made-up story.
    #[derive(Debug, PartialEq)]
    struct Tried {
        dropped: String,
        reached: Option<String>,
        runs_before: u64,
        runs: u64,
    }

    /// Looks for ways in a story of marks with their moments in milliseconds, where just some
    /// such stories break what is looked for, and all others something else.
    fn tried(story: &str, breaks: &[&str], (goal, runs): (usize, u64), jobs: usize) -> Tried {
        let marks = story.split(' ').map(|mark| {
            let (name, at) = mark.split_at(1);
            format!("[[step]]\nat = \"{at}ms\"\nmark = \"{name}\"\n")
        });
        let source = WORLD.to_owned() + &marks.collect::<String>();
        let (scenario, _) = parse("marks", &source, &Overrides::default()).expect("it is sound");
        let case = &scenario.cases[0];
        let subject = Subject { plan: case.plan.clone(), oracle: Oracle::of(case), case: 0 };
        let [wanted, other] = ["wanted", "other"].map(|it| Violation::Assertion(it.to_owned()));
        let judge = |plan: &Plan| match breaks.contains(&told(plan).as_str()) {
            true => vec![wanted.clone()],
            false => vec![other.clone()],
        };
        let mut court = Court::new((&subject, &wanted), &judge, Budget::runs(runs), jobs);

        assert!(court.is_broken());
        let dropped = few::drop_steps(&mut court, subject.plan.clone());
        let runs_before = court.runs();
        let reached = ahead(&mut court, &dropped, goal).map(|it| told(&it));
        Tried { dropped: told(&dropped), reached, runs_before, runs: court.runs() }
    }

    fn told(plan: &Plan) -> String {
        let marks = plan.steps.iter().map(|step| match (&step.action, &step.trigger) {
            (Action::Mark(Some(name)), Trigger::At(at)) => format!("{name}{}", at.0 / 1_000),
            _ => unreachable!("all steps are marks at a time"),
        });
        marks.collect::<Vec<_>>().join(" ")
    }
}
