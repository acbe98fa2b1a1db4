//! Nobody is left who names what is gone, and nobody else is meant by a name.

use model::ids::{ClientId, NodeId, TopicPartition};
use sim::plan::{Action, Condition, Selector, Trigger};

use super::sound::is_sound;
use super::*;
use crate::overrides::Overrides;
use crate::scenario::{Expected, Hope};
use crate::written::{self, Heading};
use crate::{library, parse};

/// Two of everything, and steps, rules, links and clocks that name them.
const WORLD: &str = r#"
schema = 1
[sim]
faults-for = "20s"
[cluster]
brokers = 3
[topics.a]
placement = [[1, 2], [2, 1]]
[topics.b]
placement = [[2, 3]]
[producers.pa]
topic = "a"
[producers.pb]
topic = "b"
[groups.ga]
topics = ["a", "b"]
members = 3
[groups.gb]
topics = ["b"]
members = 1
[network]
[[network.link]]
between = ["pb", "broker-3"]
latency = "5ms"
[[network.link]]
between = ["pa", "broker-2"]
latency = "5ms"
[clocks]
broker-3 = { ahead = "1s" }
[[step]]
when = "sent(pa) >= 5"
crash = ["pa", "pb"]
[[step]]
after = "2s"
produce = { producer = "pb", records = 3 }
[[step]]
when = "owner(gb, b-0) == gb-1 and leader(b-0) == broker-3"
pause = ["member(ga, 3)", "owner(ga, a-1)"]
[[step]]
after = "1s"
rule = { drop = "FetchResponse", from = "broker-3", to = "gb-1" }
[[step]]
at = "9s"
elect = "b-0"
[[step]]
after = "1s"
crash = "broker-3"
[[expect]]
reaches = "lag(gb) >= 1"
[[expect]]
reaches = "polled(ga-3) >= 1"
"#;

fn world() -> Plan {
    let (scenario, _) = parse("world", WORLD, &Overrides::default()).expect("it is well-formed");
    scenario.cases[0].plan.clone()
}

/// Writes a plan as a file: whoever is named there is there.
fn text(plan: &Plan) -> String {
    written::scenario(plan, &Heading::default())
}

#[test]
fn without_a_client_its_steps_and_links_go_and_others_move_up() {
    let plan = without(&world(), Part::Client(ClientId(0))).expect("it is sound");

    assert_eq!(&*plan.clients[0].name, "pb");
    assert_eq!(plan.groups[0].members, [1, 2, 3].map(ClientId));
    assert_eq!(plan.network.links.len(), 1);
    assert_eq!(plan.network.links[0].0, NodeId::Client(ClientId(0)));
    // The step that hung on the producer is gone, and `after` has nothing to count from.
    assert_eq!(plan.steps[0].action, Action::Produce(ClientId(0), 3));
    assert_eq!(plan.watches.len(), 2);
}

#[test]
fn without_a_member_the_later_ones_change_their_names() {
    let plan = without(&world(), Part::Client(ClientId(3))).expect("it is sound");

    let names: Vec<&str> = plan.clients.iter().map(|client| &*client.name).collect();
    assert_eq!(names, ["pa", "pb", "ga-1", "ga-2", "gb-1"]);
    let text = text(&plan);
    assert!(text.contains("member(ga, 2)"), "{text}");
    assert!(text.contains("polled(ga-2)"), "{text}");
}

#[test]
fn without_a_broker_those_behind_it_move_up() {
    let plan = without(&world(), Part::Broker(BrokerId(1)));
    let in_place = without(&world(), Part::BrokerInPlace(BrokerId(1)));

    // One partition of `a` has two replicas left, the other none that lies elsewhere.
    let plan = plan.expect("each partition has one replica less");
    assert_eq!(plan.brokers.iter().map(|it| it.id.0).collect::<Vec<_>>(), [1, 2]);
    assert!(text(&plan).contains("leader(b-0) == broker-2"));
    assert!(plan.clocks.contains_key(&NodeId::Broker(BrokerId(2))));
    let in_place = in_place.expect("it is sound");
    assert_eq!(in_place.brokers.iter().map(|it| it.id.0).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn without_a_topic_all_go_who_need_it() {
    let plan = without(&world(), Part::Topic(TopicId(1))).expect("it is sound");

    let names: Vec<&str> = plan.clients.iter().map(|client| &*client.name).collect();
    assert_eq!(names, ["pa", "ga-1", "ga-2", "ga-3"]);
    assert_eq!(plan.groups.len(), 1);
    let about_b = |selector: &Selector| matches!(selector, Selector::Leader(TopicPartition { topic, .. }) if topic.0 == 1);
    assert!(plan.steps.iter().all(|step| !sound::selectors_of(&step.action).any(about_b)));
    assert!(plan.steps.iter().all(|step| !matches!(step.action, Action::Elect(..))));
}

#[test]
fn a_condition_about_two_is_about_the_one_who_is_left() {
    let plan = without(&world(), Part::Group(GroupIndex(1))).expect("it is sound");

    let hangs = |trigger: &Trigger| matches!(trigger, Trigger::When(Condition::LeaderIs(..), _));
    assert!(plan.steps.iter().any(|step| hangs(&step.trigger)));
    assert!(!text(&plan).contains("gb"));
}

#[test]
fn a_step_after_one_that_is_gone_stays_where_it_is_in_time() {
    let plan = world();

    let kept = with_steps(&plan, &[0, 1, 2, 3, 5]).expect("it is sound");

    let at = kept.steps[4].trigger.clone();
    assert_eq!(at, Trigger::At(model::time::Time(10_000_000)));
}

#[test]
fn a_topic_without_the_step_that_creates_it_is_refused() {
    let text = WORLD.replace(
        "[[step]]\nat = \"9s\"",
        "[[step]]\nat = \"1s\"\ncreate-topic = \"b\"\n[[step]]\nat = \"9s\"",
    );
    let (scenario, _) = parse("world", &text, &Overrides::default()).expect("it is well-formed");
    let plan = &scenario.cases[0].plan;
    let others: Vec<usize> = (0..plan.steps.len()).filter(|at| *at != 4).collect();

    assert_eq!(with_steps(plan, &others), None);
    assert!(without(plan, Part::Topic(TopicId(1))).is_some());
}

/// Whatever is cut out of whatever lesson: what is left is a file that says the same plan.
#[test]
fn every_cut_of_every_lesson_can_be_written_and_read() {
    let claim = sim::verdict::Claim::ReplicasAgree;
    let what = Expected::Claim { claim, hope: Hope::Holds, count: None, within: None };
    for entry in library() {
        let Ok((scenario, _)) = parse(entry.name, entry.source, &Overrides::default()) else {
            continue;
        };
        let mut plan = scenario.cases[0].plan.clone();
        plan.watches.clear();
        for part in parts(&plan) {
            let Some(cut) = without(&plan, part) else { continue };
            assert!(is_sound(&cut));
            let heading = Heading { expects: vec![what.clone()], ..Heading::default() };
            let text = written::scenario(&cut, &heading);
            let again = parse("cut", &text, &Overrides::default());
            let (again, _) = again.unwrap_or_else(|it| panic!("{} {part:?}: {it:?}", entry.name));
            assert_eq!(again.cases[0].plan, cut, "{} without {part:?}", entry.name);
        }
    }
}

fn parts(plan: &Plan) -> Vec<Part> {
    let brokers =
        plan.brokers.iter().flat_map(|it| [Part::Broker(it.id), Part::BrokerInPlace(it.id)]);
    let clients = (0..plan.clients.len() as u16).map(|id| Part::Client(ClientId(id)));
    let groups = (0..plan.groups.len() as u16).map(|at| Part::Group(GroupIndex(at)));
    let topics = (0..plan.topics.len() as u16).map(|id| Part::Topic(TopicId(id)));
    let fewer = (0..plan.topics.len() as u16).map(|id| Part::Partitions(TopicId(id), 1));
    brokers.chain(clients).chain(groups).chain(topics).chain(fewer).collect()
}
