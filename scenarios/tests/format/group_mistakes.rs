//! Mistakes about groups are shown where they are.

use scenarios::codes::Code;
use scenarios::{Diagnostic, Overrides, Severity, parse};

/// A file without mistakes that each row of the table spoils in one place.
const SOUND: &str = r#"schema = 1
[cluster]
brokers = 3
[topics.orders]
partitions = 2
[topics.other]
[producers.p1]
topic = "orders"
[consumers.c1]
topic = "orders"
config = { "max.poll.records" = 5 }
[groups.g1]
topics = ["orders"]
members = 2
config = { "auto.offset.reset" = "earliest" }
handling = { takes = "1ms" }
[groups.g2]
pattern = "o.*"
[apps.d1]
topics = ["orders"]
to = "other"
[[step]]
at = "1s"
crash = "g1-1"
[[step]]
after = "1s"
seek = { consumer = "g1-1", partition = "orders-0", to = 0 }
[[expect]]
claim = "nothing-skipped"
"#;

const MEMBERS: &str = "members = 2";
const TOPICS: &str = "topics = [\"orders\"]\nmembers";
const CONFIG: &str = "config = { \"auto.offset.reset\" = \"earliest\" }";
const HANDLING: &str = "handling = { takes = \"1ms\" }";
const STEP: &str = "crash = \"g1-1\"";
const AT: &str = "at = \"1s\"";
const SEEK: &str = "seek = { consumer = \"g1-1\", partition = \"orders-0\", to = 0 }";
const ALONE: &str = "config = { \"max.poll.records\" = 5 }";
const CLAIM: &str = "claim = \"nothing-skipped\"";

const MISTAKES: &[(&str, &str, Code, &str)] = &[
    // Names
    ("groups.g2", "groups.members", Code::BadName, "members"),
    ("groups.g2", "groups.p1", Code::BadName, "p1"),
    ("apps.d1", "apps.g2", Code::BadName, "g2"),
    ("consumers.c1", "consumers.g1-1", Code::BadName, "g1"),
    (MEMBERS, "members = 0", Code::OutOfRange, "0"),
    (MEMBERS, "members = 2\nmembres = 3", Code::UnknownField, "membres"),
    (MEMBERS, "members = 2\nonly.3.starts = \"1s\"", Code::UnknownClient, "3"),
    (MEMBERS, "members = 2\nonly.2.start = \"1s\"", Code::UnknownField, "start"),
    (MEMBERS, "members = 2\nstarts = 5", Code::BareNumber, "5"),
    (MEMBERS, "members = 2\nstatic = 1", Code::WrongType, "1"),
    // Subscriptions
    (TOPICS, "topics = []\nmembers", Code::Missing, "[]"),
    (TOPICS, "topics = [\"orders\", \"orders\"]\nmembers", Code::BadName, "\"orders\""),
    (TOPICS, "topics = [\"order\"]\nmembers", Code::UnknownTopic, "\"order\""),
    (TOPICS, "members", Code::Missing, "[groups.g1]"),
    (TOPICS, "topics = \"orders\"\npattern = \"o.*\"\nmembers", Code::Contradiction, "pattern"),
    ("pattern = \"o.*\"", "pattern = \"\"", Code::Missing, "\"\""),
    // Applications
    ("to = \"other\"", "", Code::Missing, "[apps.d1]"),
    ("to = \"other\"", "to = \"orders\"", Code::Contradiction, "\"orders\""),
    ("to = \"other\"", "to = \"other\"\nto-keys = \"kpet\"", Code::UnknownWord, "\"kpet\""),
    (MEMBERS, "members = 2\nto = \"other\"", Code::UnknownField, "to"),
    // Handling
    (HANDLING, "handling = { take = \"1ms\" }", Code::UnknownField, "take"),
    (HANDLING, "handling = { takes = 1 }", Code::BareNumber, "1"),
    (HANDLING, "handling = { fails = 5 }", Code::BadShare, "5"),
    (HANDLING, "handling = { then = \"comit-after\" }", Code::UnknownWord, "\"comit-after\""),
    (HANDLING, "handling = { then = \"transaction\" }", Code::NotYet, "\"transaction\""),
    (HANDLING, "handling = { retry-async = \"naive\" }", Code::Contradiction, "retry-async"),
    (HANDLING, "handling = { workers = 0 }", Code::OutOfRange, "0"),
    (HANDLING, "handling = { workers = { by-key = true } }", Code::Missing, "{ by-key = true }"),
    (
        HANDLING,
        "handling = { then = \"auto\", workers = { threads = 2, commits = \"own\" } }",
        Code::Contradiction,
        "commits",
    ),
    (HANDLING, "handling = { sink = \"blom\" }", Code::UnknownWord, "\"blom\""),
    (HANDLING, "handling = { sink = { bloom = 7 } }", Code::BadShare, "7"),
    (
        HANDLING,
        "handling = { sink = \"with-offsets\", then = \"commit-after\" }",
        Code::Contradiction,
        "\"commit-after\"",
    ),
    (HANDLING, "handling = { poison = {} }", Code::Missing, "{}"),
    (
        HANDLING,
        "handling = { poison = { every = 5, at-offset = 5 } }",
        Code::Contradiction,
        "at-offset",
    ),
    (HANDLING, "handling = { on-poison = \"skip\" }", Code::Contradiction, "on-poison"),
    (
        HANDLING,
        "handling = { fails = 0.1, on-poison = \"dead-letter\" }",
        Code::Missing,
        "\"dead-letter\"",
    ),
    (
        HANDLING,
        "handling = { fails = 0.1, on-poison = { retry = \"1s\", attempts = 3 } }",
        Code::Contradiction,
        "attempts",
    ),
    (
        HANDLING,
        "handling = { fails = 0.1, on-poison = { dead-letter = \"dlq\" } }",
        Code::UnknownTopic,
        "\"dlq\"",
    ),
    (HANDLING, "handling = { fails = 0.1, on-poison = 5 }", Code::WrongType, "5"),
    // Settings
    (CONFIG, "config = { \"group.id\" = \"g\" }", Code::BadSetting, "\"group.id\""),
    (CONFIG, "config = { \"enable.auto.commit\" = true }", Code::Contradiction, "true"),
    (
        HANDLING,
        "handling = { then = \"auto\" }\nonly.1.config = { \"enable.auto.commit\" = \"false\" }",
        Code::Contradiction,
        "\"false\"",
    ),
    (CONFIG, "config = { \"heartbeat.interval.ms\" = 45000 }", Code::ConfigConflict, "45000"),
    (
        CONFIG,
        "config = { \"group.protocol\" = \"consumer\", \"session.timeout.ms\" = 9000 }",
        Code::ConfigConflict,
        "9000",
    ),
    (
        CONFIG,
        "config = { \"group.remote.assignor\" = \"uniform\" }",
        Code::ConfigConflict,
        "\"uniform\"",
    ),
    (
        CONFIG,
        "config = { \"group.protocol\" = \"consumer\", \"group.remote.assignor\" = \"sticky\" }",
        Code::BadSetting,
        "\"sticky\"",
    ),
    (
        CONFIG,
        "config = { \"partition.assignment.strategy\" = [\"rnage\"] }",
        Code::BadSetting,
        "[\"rnage\"]",
    ),
    (CONFIG, "config = { \"client.rack\" = \"a\" }", Code::Unmodelled, "\"client.rack\""),
    (ALONE, "config = { \"client.rack\" = \"a\" }", Code::Unmodelled, "\"client.rack\""),
    (CONFIG, "config = { \"max.poll.records\" = [5] }", Code::WrongType, "[5]"),
    (
        MEMBERS,
        "members = 2\nstatic = true\nonly.1.config = { \"group.instance.id\" = \"x\" }",
        Code::Contradiction,
        "\"x\"",
    ),
    (
        ALONE,
        "config = { \"session.timeout.ms\" = 9000 }",
        Code::BadSetting,
        "\"session.timeout.ms\"",
    ),
    (ALONE, "config = { \"group.id\" = \"g\" }", Code::BadSetting, "\"group.id\""),
    ("brokers = 3", "brokers = 2", Code::TooManyReplicas, "g1"),
    (
        "brokers = 3",
        "brokers = 3\nbroker = { \"offsets.topic.replication.factor\" = 4 }",
        Code::TooManyReplicas,
        "4",
    ),
    (
        "brokers = 3",
        "brokers = 3\nbroker = { \"group.consumer.session.timeout.ms\" = 61000 }",
        Code::ConfigConflict,
        "61000",
    ),
    (
        "brokers = 3",
        "brokers = 3\nonly.2.broker = { \"group.consumer.max.heartbeat.interval.ms\" = 4000 }",
        Code::ConfigConflict,
        "4000",
    ),
    // Selectors
    (STEP, "crash = \"g1\"", Code::BadSelector, "g1"),
    (STEP, "crash = \"g1-3\"", Code::BadSelector, "g1-3"),
    (STEP, "crash = \"member(g1, 3)\"", Code::BadSelector, "3"),
    (STEP, "crash = \"member(g1, 0)\"", Code::BadSelector, "0"),
    (STEP, "crash = \"coordinator(g9)\"", Code::UnknownClient, "g9"),
    (STEP, "crash = \"owner(g1, orders-2)\"", Code::UnknownTopic, "orders-2"),
    (STEP, "crash = \"owner(g1)\"", Code::BadSelector, "owner(g1)"),
    // Verbs
    (STEP, "join = \"broker-1\"", Code::BadSelector, "\"broker-1\""),
    (STEP, "leave = [\"g1-1\", \"c1\"]", Code::BadSelector, "\"c1\""),
    (STEP, "wakeup = \"p1\"", Code::BadSelector, "\"p1\""),
    (STEP, "join = \"g1-1\"\nfor = \"1s\"", Code::CannotUndo, "for"),
    (STEP, "pause-fetch = { members = \"g1-1\", partitions = [] }", Code::Missing, "[]"),
    (STEP, "commit-offsets = { group = \"g9\", to = 0 }", Code::UnknownClient, "\"g9\""),
    (STEP, "commit-offsets = { group = \"g1\", to = true }", Code::WrongType, "true"),
    (
        STEP,
        "commit-offsets = { group = \"g2\", to = 0 }",
        Code::Missing,
        "{ group = \"g2\", to = 0 }",
    ),
    (
        STEP,
        "commit-offsets = { group = \"g1\", to = 0, member = \"g2-1\" }",
        Code::UnknownClient,
        "\"g2-1\"",
    ),
    (STEP, "add-partitions = { topic = \"orders\", to = 2 }", Code::OutOfRange, "2"),
    (STEP, "add-partitions = { topic = \"orders\", to = 9999 }", Code::OutOfRange, "9999"),
    (
        STEP,
        "delete-records = { partition = \"orders-2\", below = 5 }",
        Code::UnknownTopic,
        "\"orders-2\"",
    ),
    (
        SEEK,
        "seek = { consumer = \"p1\", partition = \"orders-0\", to = 0 }",
        Code::UnknownClient,
        "\"p1\"",
    ),
    (SEEK, "seek = { consumer = \"g1-1\", time = \"-5s\" }", Code::StepTrigger, "\"-5s\""),
    (SEEK, "seek = { consumer = \"g1-1\", time = \"5s\", to = 0 }", Code::Contradiction, "0"),
    (SEEK, "seek = { consumer = \"c1\", time = \"5s\" }", Code::UnknownClient, "\"c1\""),
    (
        SEEK,
        "seek = { consumer = \"g1-1\", partition = \"orders-0\" }",
        Code::Missing,
        "{ consumer = \"g1-1\", partition = \"orders-0\" }",
    ),
    // Conditions
    (AT, "when = \"generation(g9) > 1\"", Code::UnknownClient, "g9"),
    (AT, "when = \"state(g1) == stable\"", Code::BadCondition, "stable"),
    (AT, "when = \"state(g1) > Stable\"", Code::BadCondition, ">"),
    (AT, "when = \"owner(g1, orders-0) == g2-1\"", Code::UnknownClient, "g2-1"),
    (AT, "when = \"owned(g1) > 1\"", Code::UnknownClient, "g1"),
    (AT, "when = \"processed(p1) > 1\"", Code::UnknownClient, "p1"),
    (AT, "when = \"lag(g1, orders-9) > 1\"", Code::UnknownTopic, "orders-9"),
    // Expectations
    (CLAIM, "claim = \"group-drains\"\nwithin = \"2h\"", Code::BadDeadline, "\"2h\""),
    (CLAIM, "claim = \"nothing-skipped\"\nwithin = \"1s\"", Code::BadDeadline, "within"),
];

#[test]
fn each_mistake_has_its_code_and_place() {
    assert_eq!(parse("f.toml", SOUND, &Overrides::default()).map(|read| read.1), Ok(Vec::new()));
    let mut wrong = Vec::new();
    for (from, to, code, place) in MISTAKES {
        let source = SOUND.replacen(from, to, 1);
        assert_ne!(source, SOUND, "{from} is in the file");

        let found = match parse("f.toml", &source, &Overrides::default()) {
            Ok((_, warnings)) => warnings,
            Err(errors) => errors,
        };

        let places: Vec<(Code, &str)> =
            found.iter().map(|it| (it.code, &source[it.span.clone()])).collect();
        if places != [(*code, *place)] || found[0].severity != Severity::Error {
            wrong.push(format!("{to}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_kafka_refuses_at_run_time_is_a_warning() {
    let table: [(&str, &str, Code, &str); 4] = [
        (CONFIG, "config = { \"session.timeout.ms\" = 5000 }", Code::SessionTimeout, "5000"),
        (
            "brokers = 3",
            "brokers = 3\nonly.2.broker = { \"group.max.session.timeout.ms\" = 30000 }",
            Code::SessionTimeout,
            "g1",
        ),
        (CONFIG, "config = { \"group.instance.id\" = \"x\" }", Code::SharedInstance, "\"x\""),
        (AT, "when = \"members(g1) > 2\"", Code::BadCondition, "2"),
    ];

    for (from, to, code, place) in table {
        let source = SOUND.replacen(from, to, 1);

        let warnings = parse("f.toml", &source, &Overrides::default()).unwrap().1;

        let first: &Diagnostic = &warnings[0];
        assert_eq!((first.code, &source[first.span.clone()]), (code, place), "{to}");
        assert!(warnings.iter().all(|it| it.severity == Severity::Warning));
    }
}

#[test]
fn a_small_cluster_is_told_what_to_write() {
    let source = SOUND.replace("brokers = 3", "brokers = 2");

    let errors = parse("f.toml", &source, &Overrides::default()).unwrap_err();

    let help = "Set \"offsets.topic.replication.factor\" = 2 in `cluster.broker`.";
    assert_eq!(errors[0].help.as_deref(), Some(help));
}
