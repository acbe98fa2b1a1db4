//! Files become the plans that they describe.

use model::config::{LogDefault, TopicConfig};
use model::ids::{BrokerId, ClientId, NodeId, TopicId, TopicPartition};
use model::mutant::Mutant;
use model::rules::Rules;
use model::time::{Duration, Time};
use scenarios::matrix::select;
use scenarios::{Expected, Hope, Overrides, Scenario, library, parse};
use sim::plan::{Action, Comparison, Condition, Quantity, Selector, Trigger, Unsynced};

pub(crate) const LONE_LEADER: &str = include_str!("files/lone-leader.toml");

const ORDERS_0: TopicPartition = TopicPartition { topic: TopicId(0), partition: 0 };

#[test]
fn the_whole_format_becomes_a_plan() {
    let scenario = read(LONE_LEADER, &Overrides::default());
    let plan = &scenario.cases[0].plan;

    assert_eq!(scenario.name, "file");
    assert_eq!(plan.brokers.len(), 3);
    assert_eq!(plan.brokers[1].rack.as_deref(), Some("b"));
    assert_eq!(plan.brokers[2].config.replica_fetch_wait_max, Duration::from_millis(100));
    assert_eq!(plan.brokers[0].config.replica_lag_time_max, Duration::from_secs(10));
    assert_eq!(plan.settle, Duration::from_secs(60), "a deadline does not shorten it");
    let own = &plan.brokers[2].log_defaults;
    assert_eq!((own[0].topic, own[0].name), (TopicId(0), "flush.messages"));
    assert_eq!(plan.clients.len(), 2);
    assert_eq!(plan.clocks[&NodeId::Broker(BrokerId(2))].ahead_micros, 250_000);
    assert_eq!(plan.watches, [isr_is_1()]);
    assert_eq!(plan.steps.len(), 9);
    assert_eq!(plan.steps[0].trigger, Trigger::At(Time(2_000_000)));
    let leader = vec![Selector::Leader(ORDERS_0)];
    assert_eq!(plan.steps[1].action, Action::PowerLoss(leader, Unsynced::Lost));
    assert_eq!(plan.steps[4].undo_after, Some(Duration::from_secs(3)));
    let jump = Action::ClockJump(vec![Selector::AnyBroker], -5_000_000);
    assert_eq!(plan.steps[8].action, jump);
}

#[test]
fn conditions_nest() {
    let scenario = read(LONE_LEADER, &Overrides::default());

    let compare = |quantity, sign, number| Condition::Compare(quantity, sign, number);
    let fenced = compare(Quantity::Unfenced, Comparison::Less, 3);
    let silent = compare(Quantity::Acknowledged(ClientId(0)), Comparison::Equal, 0);
    let either = Condition::Or(Box::new(fenced), Box::new(silent));
    let both = Condition::And(Box::new(isr_is_1()), Box::new(Condition::Not(Box::new(either))));
    let trigger = Trigger::When(both, Duration::from_secs(3));
    assert_eq!(scenario.cases[0].plan.steps[1].trigger, trigger);
}

#[test]
fn a_matrix_is_a_product_less_its_exceptions() {
    let scenario = read(LONE_LEADER, &Overrides::default());

    let names: Vec<&str> = scenario.cases.iter().map(|case| case.name.as_str()).collect();
    let expected = [
        "min.insync.replicas=1,acks=1",
        "min.insync.replicas=1,acks=all",
        "min.insync.replicas=2,acks=all",
    ];
    assert_eq!(names, expected);
    let hopes: Vec<Hope> = scenario.cases.iter().map(|case| hope(&case.expects[0].what)).collect();
    assert_eq!(hopes, [Hope::Breaks, Hope::Breaks, Hope::Holds]);
    assert_eq!(scenario.cases[2].plan.topics[0].config.min_insync_replicas, 2);
    let wanted = [("acks".to_owned(), "all".to_owned())];
    assert_eq!(select(&scenario, &wanted), Ok(vec![1, 2]));
    assert!(select(&scenario, &[("acks".to_owned(), "7".to_owned())]).is_err());
}

#[test]
fn overrides_replace_values_and_add_them() {
    let table: [(&str, &str); 4] = [
        ("topics.orders.config.min.insync.replicas", "3"),
        ("step.3.after", "7s"),
        ("producers.p1.records", "9"),
        ("network.in-flight", "dropped"),
    ];
    let set = table.map(|(path, value)| (path.to_owned(), value.to_owned())).to_vec();
    let rules = vec![("truncation".to_owned(), "to-high-watermark".to_owned())];
    let source = LONE_LEADER.split("[matrix]").next().unwrap();

    let scenario = read(source, &Overrides { set, rules, ..Overrides::default() });

    let plan = &scenario.cases[0].plan;
    assert_eq!(plan.topics[0].config.min_insync_replicas, 3);
    assert_eq!(plan.steps[2].trigger, Trigger::After(Duration::from_secs(7)));
    assert_eq!(plan.network.in_flight, sim::plan::InFlight::Dropped);
    assert_eq!(plan.rules.truncation, model::rules::Truncation::ToHighWatermark);
}

#[test]
fn mutants_are_planted_in_the_file_and_from_outside() {
    let plain = LONE_LEADER.split("[matrix]").next().unwrap();
    let planted = |source: &str, set: &[(&str, &str)]| {
        let set = set.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned()));
        let overrides = Overrides { set: set.collect(), ..Overrides::default() };
        read(source, &overrides).cases[0].plan.rules
    };
    let early = Rules { mutants: Mutant::AckBeforeIsr.into(), ..Rules::default() };
    let both = Rules { mutants: early.mutants.with(Mutant::TwoOwners), ..Rules::default() };
    let in_file = format!("{plain}\n[rules]\nmutant = \"ack-before-isr\"\n");

    assert_eq!(planted(plain, &[]), Rules::default());
    assert_eq!(planted(&in_file, &[]), early);
    assert_eq!(planted(plain, &[("rules.mutant", "ack-before-isr")]), early);
    assert_eq!(planted(plain, &[("cluster.rules.mutant", "ack-before-isr")]), early);
    let list = "[\"ack-before-isr\", \"two-owners\"]";
    assert_eq!(planted(plain, &[("rules.mutant", list)]), both);
    assert_eq!(planted(&in_file, &[("rules.mutant", "[]")]), Rules::default());
    let won = [("cluster.rules.mutant", "two-owners"), ("rules.mutant", "ack-before-isr")];
    assert_eq!(planted(plain, &won), early);
}

#[test]
fn a_misspelt_mutant_is_an_error_with_a_suggestion() {
    let set = vec![("rules.mutant".to_owned(), "ack-before-irs".to_owned())];
    let overrides = Overrides { set, ..Overrides::default() };

    let errors = parse("file.toml", LONE_LEADER, &overrides).unwrap_err();

    let message = "unknown mutant `ack-before-irs` (from `--set rules.mutant=ack-before-irs`)";
    assert_eq!(errors[0].message, message);
    assert_eq!(errors[0].label.as_deref(), Some("did you mean `ack-before-isr`?"));
}

#[test]
fn a_bad_override_says_where_it_came_from() {
    let set = vec![("cluster.brokres".to_owned(), "5".to_owned())];
    let overrides = Overrides { set, ..Overrides::default() };

    let errors = parse("file.toml", LONE_LEADER, &overrides).unwrap_err();

    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "unknown field `brokres` (from `--set cluster.brokres=5`)");
    assert_eq!(errors[0].label.as_deref(), Some("did you mean `brokers`?"));
}

#[test]
fn a_delivery_timeout_that_is_not_set_is_raised() {
    let set = vec![("producers.p1.config.request.timeout.ms".to_owned(), "150000".to_owned())];
    let source = LONE_LEADER.replace(", \"delivery.timeout.ms\" = 40_000", "");

    let scenario = read(&source, &Overrides { set, ..Overrides::default() });

    let sim::plan::ClientRole::Producer(producer) = &scenario.cases[0].plan.clients[0].role else {
        panic!("the first client is the producer");
    };
    assert_eq!(producer.config.delivery_timeout, Duration::from_millis(150_005));
}

#[test]
fn an_application_can_note_its_place() {
    let checkpoint =
        |source: &str| match &read(source, &Overrides::default()).cases[0].plan.clients[0].role {
            sim::plan::ClientRole::Producer(producer) => producer.checkpoint,
            _ => panic!("the first client is the producer"),
        };

    assert_eq!(checkpoint(LONE_LEADER), None);
    let source = LONE_LEADER.replace("records = 200", "records = 200\ncheckpoint = 50");
    assert_eq!(checkpoint(&source), Some(50));
}

#[test]
fn the_library_is_free_of_mistakes() {
    assert!(!library().is_empty());
    for entry in library() {
        let read = parse(entry.name, entry.source, &Overrides::default());
        assert!(read.is_ok(), "{}: {read:#?}", entry.name);
    }
    assert!(scenarios::library::find("acks1-leader-crash").is_some());
    assert!(scenarios::library::find("partition/acks1-leader-crash").is_some());
    assert!(scenarios::library::find("log/acks1-leader-crash").is_none());
}

fn read(source: &str, overrides: &Overrides) -> Scenario {
    match parse("file.toml", source, overrides) {
        Ok((scenario, _)) => scenario,
        Err(errors) => {
            panic!("{}", scenarios::render_all(&errors, source, scenarios::Paint::Plain))
        }
    }
}

fn isr_is_1() -> Condition {
    Condition::Compare(Quantity::Isr(ORDERS_0), Comparison::Equal, 1)
}

fn hope(what: &Expected) -> Hope {
    match what {
        Expected::Claim { hope, .. } => *hope,
        Expected::Anomaly { .. } | Expected::Reaches { .. } => panic!("a claim comes first"),
    }
}

#[test]
fn defaults_of_topics_reach_the_offsets_topic() {
    let settings = "brokers = 3\nbroker = { \"min.insync.replicas\" = 2, \"log.segment.bytes\" = 1000000 }\nonly.3.broker = { \"min.insync.replicas\" = 3 }";
    let source = "schema = 1\n[cluster]\nBROKERS\n[topics.orders]\n[[expect]]\nclaim = \"no-acknowledged-loss\"\n";
    let plan = |brokers| {
        let source = source.replace("BROKERS", brokers);
        read(&source, &Overrides::default()).cases[0].plan.clone()
    };
    let offsets_config = |defaults: &[LogDefault]| {
        LogDefault::applied(defaults, TopicId::CONSUMER_OFFSETS, &TopicConfig::default())
    };

    let plain = plan("brokers = 3");
    let plan = plan(settings);

    assert!(plain.brokers.iter().all(|broker| broker.log_defaults.is_empty()));
    let of: Vec<TopicConfig> =
        plan.brokers.iter().map(|broker| offsets_config(&broker.log_defaults)).collect();
    let min_isr: Vec<u16> = of.iter().map(|config| config.min_insync_replicas).collect();
    assert_eq!(min_isr, [2, 2, 3]);
    let segment_bytes = TopicConfig::default().segment_bytes;
    assert!(of.iter().all(|config| config.segment_bytes == segment_bytes));
}
