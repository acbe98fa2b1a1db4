//! Random faults: what files say about them, and what is drawn.

use std::collections::BTreeSet;
use std::mem;

use scenarios::nemesis::{FaultKind, Keep, Swarm};
use scenarios::search::file::FileSource;
use scenarios::search::subject::Source;
use scenarios::{Nemesis, Overrides, Paint, Scenario, parse, render_all};
use sim::plan::{Action, Plan, Required, Selector, Step, Trigger};
use sim::{KeepHistory, Options};

const FILE: &str = r#"schema = 1
[sim]
faults-for = "20s"
settle = "5s"
[cluster]
brokers = 3
[topics.orders]
placement = [[1, 2, 3]]
config = { "min.insync.replicas" = 2 }
[producers.p1]
topic = "orders"
records = 20
[groups.g1]
topics = ["orders"]
members = 2
[[expect]]
claim = "no-acknowledged-loss"
[nemesis]
"#;
/// Few enough for a debug build.
const SEEDS: std::ops::Range<u64> = 0..1_000;

#[test]
fn mistakes_are_shown_where_they_are() {
    let source = format!(
        "{FILE}swarm = \"yes\"\nallow = {{ crush = 4, pause = \"often\" }}\nkeep = \"one-insync-copy\"\nfaults = \"0..=3\"\nevry = \"2s\"\n"
    );
    let problems = parse("nemesis.toml", &source, &Overrides::default()).unwrap_err();

    let shown = render_all(&problems, &source, Paint::Plain);

    for part in [
        "expected true or false, found a text",
        "`crush` is no kind of fault",
        "did you mean `crash`?",
        "expected a whole number, found a text",
        "unknown word `one-insync-copy`",
        "did you mean `one-in-sync-copy`?",
        "this is no number of faults",
        "unknown field `evry`",
        "did you mean `every`?",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

#[test]
fn what_cannot_happen_is_warned_of() {
    let source = format!("{FILE}allow = {{ controller-crash = 1 }}\n")
        .replace("brokers = 3", "brokers = 3\ncontrollers = 0");
    let (_, warnings) = parse("nemesis.toml", &source, &Overrides::default()).unwrap();

    let shown = render_all(&warnings, &source, Paint::Plain);

    assert!(shown.contains("`controller-crash` never happens here"), "{shown}");
}

#[test]
fn a_section_says_everything() {
    let nemesis = nemesis(
        "swarm = false\nallow = { crash = 4, power-loss = 0 }\nkeep = \"a-majority-of-controllers\"\nfaults = \"2..=8\"\nseams = 0.25\nevery = { shape = \"exponential\", mean = \"4s\" }\n",
    );

    assert_eq!(nemesis.swarm, Swarm::No);
    assert_eq!(nemesis.allow, [(FaultKind::Crash, 4), (FaultKind::PowerLoss, 0)]);
    assert_eq!(nemesis.keep, Keep::ControllerMajority);
    assert_eq!(nemesis.faults, (2, 8));
    assert_eq!(nemesis.seams_millionths, 250_000);
    assert_eq!(nemesis.line, FILE.lines().count());
    assert!(nemesis.every.is_some());
}

#[test]
fn the_same_seed_draws_the_same_and_another_something_else() {
    let scenario = read("");
    let case = &scenario.cases[0];

    let plans: Vec<Plan> = (0..50).map(|seed| case.drawn(seed).plan).collect();

    for (seed, plan) in plans.iter().enumerate() {
        assert_eq!(case.drawn(seed as u64).plan, *plan);
    }
    let different: BTreeSet<String> =
        plans.iter().map(|plan| format!("{:?}", plan.steps)).collect();
    assert!(40 < different.len(), "{} different plans", different.len());
}

#[test]
fn a_drawn_case_knows_all_of_its_steps_and_has_no_nemesis() {
    let scenario = read("");

    for seed in 0..100 {
        let case = scenario.cases[0].drawn(seed);
        assert_eq!(case.steps.len(), case.plan.steps.len());
        assert_eq!(case.nemesis, None);
        assert_eq!(case.drawn(seed), case);
        assert!(case.plan.steps.iter().all(|step| step.required == Required::No));
        assert!(case.steps.iter().all(|info| info.line == FILE.lines().count()));
    }
}

#[test]
fn one_fault_less_leaves_all_others_as_they_are() {
    for seed in 0..200 {
        let [few, many] = [7, 8].map(|faults| {
            let scenario = read(&format!("faults = {faults}\n"));
            scenario.cases[0].drawn(seed).plan.steps
        });

        let mut rest = many.clone();
        for step in &few {
            let at = rest.iter().position(|other| other == step);
            rest.remove(at.unwrap_or_else(|| panic!("seed {seed}: {step:?} has changed")));
        }
        let (messages, blows): (Vec<&Step>, Vec<&Step>) =
            rest.iter().partition(|it| matches!(it.action, Action::Rule(_) | Action::Release));
        // One rule, and the release of what it held; one blow, and up to three that its
        // successors get: the same, or a call back.
        assert!(messages.len() <= 2, "seed {seed}: {messages:?}");
        assert!(blows.len() <= 4, "seed {seed}: {blows:?}");
        let leaves = blows.len() == 2 && matches!(blows[0].action, Action::Leave(_));
        let alike = |it: &Step| {
            mem::discriminant(&it.action) == mem::discriminant(&blows[0].action)
                || matches!(it.action, Action::Elect(..))
        };
        assert!(leaves || blows.iter().all(|it| alike(it)), "seed {seed}: {blows:?}");
    }
}

#[test]
fn a_step_that_never_fires_changes_nothing() {
    let scenario = read("faults = 6\n");
    let options = Options { keep_history: KeepHistory::No, ..Options::default() };
    for seed in 0..20 {
        let plan = scenario.cases[0].drawn(seed).plan;
        let mut longer = plan.clone();
        let seen = sim::plan::Condition::Seen("nothing".into());
        let trigger = Trigger::When(seen, model::time::Duration::ZERO);
        longer.steps.push(Step { trigger, ..plan_step() });

        assert_eq!(sim::run(&longer, options).digest, sim::run(&plan, options).digest);
    }
}

#[test]
fn power_goes_only_where_an_in_sync_copy_stays() {
    let scenario = read("keep = \"one-in-sync-copy\"\n");
    let mut with_power_cuts = 0;
    for seed in SEEDS {
        let steps = scenario.cases[0].drawn(seed).plan.steps;
        let power: Vec<&Step> =
            steps.iter().filter(|step| matches!(step.action, Action::PowerLoss(..))).collect();
        with_power_cuts += usize::from(!power.is_empty());
        for step in &power {
            let Action::PowerLoss(hosts, _) = &step.action else { continue };
            assert!(matches!(
                hosts.as_slice(),
                [Selector::Leader(_) | Selector::Follower(..) | Selector::Coordinator(_)]
            ));
            let Trigger::When(condition, _) = &step.trigger else {
                panic!("seed {seed}: {step:?}")
            };
            assert!(format!("{condition:?}").contains("Isr("), "seed {seed}: {condition:?}");
        }
        if !power.is_empty() {
            let harms = |step: &&Step| harms_brokers(&step.action);
            let harmful = steps.iter().find(harms);
            assert_eq!(harmful, None, "seed {seed}");
        }
    }
    assert!(100 < with_power_cuts, "{with_power_cuts} of 1,000");
}

#[test]
fn the_only_controller_is_left_alone() {
    let scenario = read("keep = \"a-majority-of-controllers\"\n");
    for seed in SEEDS {
        for step in scenario.cases[0].drawn(seed).plan.steps {
            match &step.action {
                Action::Crash(who) | Action::Pause(who) => {
                    assert!(!who.contains(&Selector::Controller), "seed {seed}");
                }
                Action::Cut { from, to, .. } | Action::Slow { from, to, .. } => {
                    assert!(!from.contains(&Selector::Controller), "seed {seed}");
                    assert!(!to.contains(&Selector::Controller), "seed {seed}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_swarm_leaves_out_half_of_the_kinds() {
    let scenario = read("allow = { crash = 1, isolate = 1, clock-jump = 1 }\nseams = 0\n");
    let (mut none, mut crashes) = (0, 0);
    for seed in SEEDS {
        let steps = scenario.cases[0].drawn(seed).plan.steps;
        none += usize::from(steps.is_empty());
        crashes += usize::from(steps.iter().any(|step| matches!(step.action, Action::Crash(_))));
    }

    // 5 % by the rules; where the dice leave out every kind, one of them is in.
    assert!((30..80).contains(&none), "{none} of 1,000 have no fault");
    assert!((300..500).contains(&crashes), "{crashes} of 1,000 have a crash");
}

#[test]
fn a_search_takes_the_cases_in_turn_and_draws_faults_without_a_section() {
    let source =
        FILE.replace("[nemesis]\n", "[matrix]\n\"producers.p1.config.acks\" = [\"1\", \"all\"]\n");
    let (scenario, _) = parse("nemesis.toml", &source, &Overrides::default()).unwrap();
    let files = FileSource::new(&scenario, vec![1, 0]);

    let cases: Vec<usize> = (0..4).map(|seed| files.draw(seed).case).collect();
    let steps: usize = (0..50).map(|seed| files.draw(seed).plan.steps.len()).sum();

    assert_eq!(cases, [1, 0, 1, 0]);
    assert!(100 < steps, "{steps} steps in 50 plans");
    assert_eq!(files.draw(3).plan, files.case(3).plan);
    assert_eq!(scenario.cases[0].drawn(3).plan.steps, [], "a run draws none");
}

#[test]
fn a_seed_means_the_same_faults_for_ever() {
    let case = read("faults = 6\n").cases[0].drawn(3);

    let told = case.plan.steps.iter().zip(&case.steps).map(|(step, info)| {
        let when = match &step.trigger {
            Trigger::At(at) => format!("at {at}"),
            Trigger::After(pause) => format!("after {pause}"),
            Trigger::When(_, wait) => format!("when, wait {wait}"),
        };
        let lasts = step.undo_after.map(|lasts| format!(" for {lasts}")).unwrap_or_default();
        format!("{} {when}{lasts}", info.verb)
    });

    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "crash at 2.132 for 1.671 s",
            "cut at 6.649 for 4 ms",
            "rule when, wait 1.367 s for 9.450 s",
            "cut when, wait 0 us for 28.500 s",
            "slow when, wait 0 us for 1 ms",
            "crash when, wait 14 ms for 10.800 s",
        ]
    );
}

#[test]
fn conditions_can_look_at_the_topic_of_offsets() {
    let step = "[[step]]\nwhen = \"isr(__consumer_offsets-49) == 3\"\ncrash = \"broker-1\"\n";
    let watched = |step: &str, source: &str| {
        let source = format!("{source}{step}");
        parse("nemesis.toml", &source, &Overrides::default())
            .map(|(scenario, _)| format!("{:?}", scenario.cases[0].plan.steps[0].trigger))
    };

    assert!(watched(step, FILE).unwrap().contains("TopicId(65535), partition: 49"));
    assert!(watched(&step.replace("49", "50"), FILE).is_err(), "there are 50");
}

fn harms_brokers(action: &Action) -> bool {
    let is_broker = |who: &[Selector]| {
        who.iter().any(|it| {
            matches!(
                it,
                Selector::Leader(_)
                    | Selector::Follower(..)
                    | Selector::LastCrashed
                    | Selector::Controller
            )
        })
    };
    match action {
        Action::Crash(who) | Action::Pause(who) => is_broker(who),
        // A cut inside the cluster that a power cut waits for names followers only.
        Action::Cut { to, .. } => !to.iter().all(|it| matches!(it, Selector::Follower(..))),
        Action::Shutdown(_) | Action::Slow { .. } | Action::DiskStall(_) => true,
        _ => false,
    }
}

fn plan_step() -> Step {
    Step {
        trigger: Trigger::After(model::time::Duration::ZERO),
        action: Action::HealAll,
        undo_after: None,
        required: Required::No,
    }
}

#[test]
fn a_nemesis_whose_weights_are_all_zero_allows_nothing_and_is_refused() {
    let source = FILE.replace("[nemesis]", "[nemesis]\nallow = { crash = 0, pause = 0 }");

    let found = parse("nemesis.toml", &source, &Overrides::default()).unwrap_err();

    assert_eq!(found[0].message, "this allows no fault: no weight is above 0");
}

fn nemesis(section: &str) -> Nemesis {
    read(section).cases[0].nemesis.clone().unwrap()
}

fn read(section: &str) -> Scenario {
    let source = format!("{FILE}{section}");
    match parse("nemesis.toml", &source, &Overrides::default()) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{}", render_all(&problems, &source, Paint::Plain)),
    }
}
