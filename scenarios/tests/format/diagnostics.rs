//! Mistakes are shown where they are, all at once, in rustc's shape.

use scenarios::codes::Code;
use scenarios::{Diagnostic, Language, Overrides, Paint, Severity, parse, render_all};

const FIVE: &str = r#"schema = 1

[sim]
settle = 60

[cluster]
brokers = 3

[topics.orders]
placement = [[1, 2, 2]]
config    = { "min.insync.replica" = 2 }

[[step]]
when       = "isr(order-0) == 1"
power-loos = { broker = "leader(orders-0)" }

[[expect]]
claim = "no-acknowledged-loss"
"#;

#[test]
fn five_mistakes_are_five_blocks_in_order() {
    let found = errors(FIVE);

    let expected = r#"error[T010]: a duration needs a unit
 --> five.toml:4:10
  |
4 | settle = 60
  |          ^^ write "60ms"

error[T023]: broker 2 holds this partition twice
  --> five.toml:10:21
   |
10 | placement = [[1, 2, 2]]
   |                     ^

error[T015]: unknown setting `min.insync.replica`
  --> five.toml:11:15
   |
11 | config    = { "min.insync.replica" = 2 }
   |               ^^^^^^^^^^^^^^^^^^^^ did you mean `min.insync.replicas`?

error[T020]: topic `order` is not defined
  --> five.toml:14:19
   |
14 | when       = "isr(order-0) == 1"
   |                   ^^^^^^^ did you mean `orders`?

error[T014]: unknown field `power-loos`
  --> five.toml:15:1
   |
15 | power-loos = { broker = "leader(orders-0)" }
   | ^^^^^^^^^^ did you mean `power-loss`?"#;
    assert_eq!(render_all(&found, FIVE, Paint::Plain), expected);
}

#[test]
fn data_says_the_same() {
    let found = errors(FIVE);

    let data = found[4].to_json(FIVE);

    let expected = serde_json::json!({
        "code": "T014", "severity": "error", "file": "five.toml", "line": 15, "column": 1,
        "end": { "line": 15, "column": 11 },
        "message": "unknown field `power-loos`",
        "label": "did you mean `power-loss`?", "help": null,
    });
    assert_eq!(data, expected);
}

/// A file without mistakes that each row of the table spoils in one place.
const SOUND: &str = r#"schema = 1
[sim]
faults-for = "30s"
[cluster]
brokers = 3
[topics.orders]
replication-factor = 3
[producers.p1]
topic = "orders"
config = { acks = "all" }
[consumers.c1]
topic = "orders"
[[step]]
at = "1s"
crash = "broker-1"
[[expect]]
claim = "no-acknowledged-loss"
"#;

#[test]
fn each_mistake_has_its_code_and_place() {
    assert_eq!(parse("five.toml", SOUND, &Overrides::default()).map(|read| read.1), Ok(Vec::new()));
    let mut wrong = Vec::new();
    for (from, to, code, place) in MISTAKES {
        let source = SOUND.replacen(from, to, 1);
        assert_ne!(source, SOUND, "{from} is in the file");

        let found = errors(&source);

        let places: Vec<(Code, &str)> =
            found.iter().map(|it| (it.code, &source[it.span.clone()])).collect();
        if places != [(*code, *place)] {
            wrong.push(format!("{to}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const STEP: &str = "crash = \"broker-1\"";
const AT: &str = "at = \"1s\"";
const CLAIM: &str = "claim = \"no-acknowledged-loss\"";
const CONFIG: &str = "config = { acks = \"all\" }";

const MISTAKES: &[(&str, &str, Code, &str)] = &[
    ("schema = 1", "schema = 9", Code::Schema, "9"),
    ("brokers = 3", "brokers = 0", Code::OutOfRange, "0"),
    ("brokers = 3", "brokers = 101", Code::OutOfRange, "101"),
    ("brokers = 3", "brokers = [1, 2, 3, 128]", Code::OutOfRange, "128"),
    ("brokers = 3", "brokers = \"3\"", Code::WrongType, "\"3\""),
    ("brokers = 3", "brokers = 3\ncontrollers = 3", Code::NotYet, "3"),
    (
        "brokers = 3",
        "brokers = 3\nrules = { truncatoin = \"by-epoch\" }",
        Code::UnknownRule,
        "truncatoin",
    ),
    ("brokers = 3", "brokers = 3\nracks = [\"a\"]", Code::OutOfRange, "[\"a\"]"),
    ("brokers = 3", "brokers = 3\n[cluster.only.4]\nbroker = {}", Code::UnknownBroker, "4"),
    ("replication-factor = 3", "replication-factor = 4", Code::TooManyReplicas, "4"),
    ("replication-factor = 3", "placement = [[1, 9]]", Code::UnknownBroker, "9"),
    ("topic = \"orders\"", "topic = \"order\"", Code::UnknownTopic, "\"order\""),
    (
        "topic = \"orders\"",
        "topic = \"orders\"\nrecords = 10_000_001",
        Code::OutOfRange,
        "10_000_001",
    ),
    ("topic = \"orders\"", "topic = \"orders\"\npartition = 1", Code::UnknownTopic, "1"),
    ("topic = \"orders\"", "topic = \"orders\"\ncheckpoint = 0", Code::OutOfRange, "0"),
    (
        "topic = \"orders\"",
        "topic = \"orders\"\ncheckpoint = 9\nsend = \"fire-and-forget\"",
        Code::Contradiction,
        "checkpoint",
    ),
    (CONFIG, "config = { \"linger.sm\" = 5 }", Code::UnknownSetting, "\"linger.sm\""),
    (CONFIG, "config = { acks = 2 }", Code::BadSetting, "2"),
    (CONFIG, "config = { acks = 1, \"enable.idempotence\" = true }", Code::ConfigConflict, "1"),
    (CONFIG, "config = { \"delivery.timeout.ms\" = 100 }", Code::ConfigConflict, "100"),
    (CONFIG, "config = { \"transactional.id\" = \"t\" }", Code::NotYet, "\"transactional.id\""),
    (AT, "at = \"30s\"", Code::TooLate, "\"30s\""),
    ("faults-for", "wall-clock = \"noon\"\nfaults-for", Code::BadDuration, "\"noon\""),
    (AT, "at = \"1s\"\nafter = \"1s\"", Code::StepTrigger, "after"),
    (AT, "at = \"1s\"\nwait = \"1s\"", Code::StepTrigger, "wait"),
    (AT, "when = \"isr(orders-0) = 1\"", Code::BadCondition, "="),
    (AT, "when = \"irs(orders-0) == 1\"", Code::BadCondition, "irs(orders-0)"),
    (AT, "when = \"isr(orders-1) == 1\"", Code::UnknownTopic, "orders-1"),
    (AT, "when = \"hw(orders-0, broker-7) > 1\"", Code::UnknownBroker, "broker-7"),
    (AT, "when = \"acknowledged(c1) > 1\"", Code::UnknownClient, "c1"),
    (AT, "when = \"seen(x)\"", Code::BadCondition, "x"),
    (AT, "when = \"lag(g, orders-0) > 1\"", Code::UnknownClient, "g"),
    (STEP, "crash = \"broker-7\"", Code::UnknownBroker, "broker-7"),
    (STEP, "crash = \"leeder(orders-0)\"", Code::BadSelector, "leeder(orders-0)"),
    (STEP, "crash = \"broker-1\"\npause = \"broker-2\"", Code::StepVerb, "pause"),
    (STEP, "restart = \"broker-1\"\nfor = \"1s\"", Code::CannotUndo, "for"),
    (STEP, "reassign = \"orders-0\"", Code::NotYet, "reassign"),
    (STEP, "rule = { drop = \"Fetch\" }", Code::UnknownMessage, "\"Fetch\""),
    (STEP, "rule = { duplicate = \"FetchRequest\" }", Code::NotYet, "duplicate"),
    (STEP, "disk = { broker = \"broker-1\", full = true }", Code::NotYet, "full"),
    (STEP, "clock = { node = \"broker-1\", drift-ppm = 200_000 }", Code::OutOfRange, "200_000"),
    (STEP, "disk = { broker = \"broker-1\", stall = false }", Code::Contradiction, "false"),
    (
        "brokers = 3",
        "brokers = 3\nonly.2.broker = { \"unclean.leader.election.enable\" = true }",
        Code::BadSetting,
        "\"unclean.leader.election.enable\"",
    ),
    (
        "brokers = 3",
        "brokers = 3\nonly.2.broker = { \"log.flush.interval.messages\" = \"x\" }",
        Code::BadSetting,
        "\"x\"",
    ),
    ("schema = 1", "schema = 1\nseed =", Code::Syntax, ""),
    ("topic = \"orders\"", "", Code::Missing, "[producers.p1]"),
    (STEP, "pause = \"broker-1\"\nfor = 5", Code::BareNumber, "5"),
    ("faults-for", "settle = \"soon\"\nfaults-for", Code::BadDuration, "\"soon\""),
    ("[topics.orders]", "[network]\nloss = 2.0\n[topics.orders]", Code::BadShare, "2.0"),
    (
        STEP,
        "slow = { from = \"broker-1\", latency = { shape = \"flat\" } }",
        Code::BadShape,
        "\"flat\"",
    ),
    (CONFIG, "config = { \"ssl.protocol\" = \"x\" }", Code::Unmodelled, "\"ssl.protocol\""),
    ("replication-factor = 3", "placement = [[1, 1]]", Code::BadPlacement, "1"),
    ("brokers = 3", "brokers = [1, 2, 3, 3]", Code::BadName, "3"),
    (
        STEP,
        "elect = { partition = \"orders-0\", kind = \"dirty\" }",
        Code::UnknownWord,
        "\"dirty\"",
    ),
    (
        CLAIM,
        "claim = \"no-duplicates\"\nbreaks = true\ncount = \"many\"",
        Code::BadCount,
        "\"many\"",
    ),
    (CLAIM, "claim = \"writes-resume\"\nwithin = \"2h\"", Code::BadDeadline, "\"2h\""),
    (STEP, "power-loss = { rack = \"a\" }", Code::UnknownBroker, "\"a\""),
    (STEP, "slow = { from = \"broker-1\", latency = 5 }", Code::BareNumber, "5"),
    (STEP, "crash = \"broker-1\"\nfro = \"1s\"", Code::UnknownField, "fro"),
    (
        "schema = 1",
        "schema = 1\nask = { en = \"?\", options = [\"yes\"], answer = 1, because = \"\" }",
        Code::BadQuestion,
        "[\"yes\"]",
    ),
    (
        "schema = 1",
        "schema = 1\nask = { en = \"?\", options = [\"a\", \"b\"], answer = 3, because = \"\" }",
        Code::BadQuestion,
        "3",
    ),
    (
        "schema = 1",
        "schema = 1\nask = { en = \"?\", options = [\"a\", \"b\"], answer = 2 }",
        Code::Missing,
        "{ en = \"?\", options = [\"a\", \"b\"], answer = 2 }",
    ),
    (CLAIM, "claim = \"no-loss\"", Code::UnknownClaim, "\"no-loss\""),
    (CLAIM, "claim = \"acked-lost\"", Code::UnknownClaim, "\"acked-lost\""),
    (CLAIM, "claim = \"exactly-once\"", Code::UnjudgedClaim, "\"exactly-once\""),
    (
        CLAIM,
        "chance = { of = \"no-acknowledged-loss\" }",
        Code::Missing,
        "{ of = \"no-acknowledged-loss\" }",
    ),
    (CLAIM, "claim = \"no-duplicates\"\ncount = \"3..\"", Code::BadCount, "count"),
    (CLAIM, "claim = \"no-duplicates\"\nwithin = \"3s\"", Code::BadDeadline, "within"),
    (
        CLAIM,
        "claim = \"no-duplicates\"\n[[expect]]\nclaim = \"no-duplicates\"",
        Code::Contradiction,
        "[[expect]]",
    ),
    (
        "schema = 1",
        "schema = 1\nfound = { by = \"\", violation = \"\", seed = 1, digest = \"0123456789abcdef\", trial = \"\", model = 1 }",
        Code::BadFound,
        "\"\"",
    ),
    (
        "[[expect]]\nclaim = \"no-acknowledged-loss\"",
        "[nemesis]\nallow = { crush = 4 }\n[[expect]]\nclaim = \"no-phantom\"",
        Code::UnknownFault,
        "crush",
    ),
];

/// A code that no file can cause would be dead.
#[test]
fn every_code_has_a_mistake_that_causes_it() {
    let elsewhere = [
        Code::MinIsrTooHigh,
        Code::NoExpectation,
        Code::BadMatrix,
        Code::BadOverride,
        Code::SessionTimeout,
        Code::SharedInstance,
        Code::OneLanguage,
    ];
    let caused = |code: &Code| MISTAKES.iter().any(|(_, _, it, _)| it == code);

    let missing: Vec<_> =
        Code::ALL.iter().filter(|code| !caused(code) && !elsewhere.contains(code)).collect();

    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn an_impossible_matrix_and_an_impossible_override_have_their_codes() {
    let matrix = SOUND.replace("[[step]]", "[matrix]\n\"seed\" = 1\n[[step]]");
    let pairs = vec![("topics..partitions".to_owned(), "1".to_owned())];
    let codes = |source: &str, overrides: &Overrides| -> Vec<Code> {
        parse("f.toml", source, overrides).unwrap_err().iter().map(|it| it.code).collect()
    };

    assert_eq!(codes(&matrix, &Overrides::default())[0], Code::BadMatrix);
    assert_eq!(
        codes(SOUND, &Overrides { set: pairs, ..Overrides::default() })[0],
        Code::BadOverride
    );
}

#[test]
fn what_no_case_can_change_is_refused_in_the_matrix_and_in_vary() {
    for name in ["seed", "title", "tags", "kafka", "ask.answer"] {
        let matrix = SOUND.replace("[[step]]", &format!("[matrix]\n\"{name}\" = [1, 2]\n[[step]]"));
        let first = name.split('.').next().unwrap();

        let found = errors(&matrix);

        assert_eq!(found[0].code, Code::BadMatrix);
        assert_eq!(found[0].message, format!("a matrix cannot change `{first}`"));
        assert!(found[0].help.is_some());

        let vary = vec![(name.to_owned(), "2".to_owned())];
        let vary = Overrides { vary, ..Overrides::default() };
        let found = parse("file.toml", SOUND, &vary).unwrap_err();
        let message = format!("`{first}` cannot be varied (from `--vary {name}=2`)");
        assert_eq!(found[0].message, message);
    }
    let set = Overrides { set: vec![("seed".into(), "2".into())], ..Overrides::default() };
    assert_eq!(parse("file.toml", SOUND, &set).unwrap().0.seed, 2);
}

#[test]
fn a_path_that_the_command_line_sets_makes_no_cases() {
    let factor = "\"topics.orders.replication-factor\" = [1, 3]";
    let isr = "\"topics.orders.config.'min.insync.replicas'\" = [1, 2]";
    let only = "\"topics.orders.config.min.insync.replicas\" = 2 }\nclaim = \"no-duplicates\"";
    let matrix = format!("[matrix]\n{factor}\n{isr}\n[[matrix.expect]]\nwhere = {{ {only}\n");
    let source = SOUND.replace("[[step]]", &format!("{matrix}[[step]]"));
    let cases = |set: &[(&str, &str)]| -> Vec<(String, usize)> {
        let own = |(path, value): &(&str, &str)| ((*path).to_owned(), (*value).to_owned());
        let set = set.iter().map(own).collect();
        let (read, _) =
            parse("f.toml", &source, &Overrides { set, ..Overrides::default() }).unwrap();
        read.cases.into_iter().map(|it| (it.name, it.expects.len())).collect()
    };
    let usual = cases(&[])[0].1;
    let case = |name: &str, more: usize| (name.to_owned(), usual + more);

    assert_eq!(cases(&[]).len(), 4);
    for path in [
        "topics.orders.config.'min.insync.replicas'",
        "topics.orders.config.min.insync.replicas",
        "topics.'orders'.config.\"min.insync.replicas\"",
    ] {
        let with = |value: &str| cases(&[(path, value)]);
        let names = ["replication-factor=1", "replication-factor=3"];
        assert_eq!(with("2"), names.map(|name| case(name, 1)), "{path}");
        assert_eq!(with("\"2\""), names.map(|name| case(name, 1)), "{path}");
        assert_eq!(with("1"), names.map(|name| case(name, 0)), "{path}");
    }
    let both = [
        ("topics.orders.replication-factor", "2"),
        ("topics.orders.config.'min.insync.replicas'", "2"),
    ];
    assert_eq!(cases(&both), [case("", 1)]);
}

#[test]
fn a_mistake_of_some_cases_names_them() {
    let source = SOUND
        .replace("[[step]]", "[matrix]\n\"topics.orders.replication-factor\" = [1, 4]\n[[step]]");

    let found = errors(&source);

    let expected = "4 replicas, but the cluster has 3 brokers (in case `replication-factor=4`)";
    assert_eq!(found.iter().map(|it| it.message.as_str()).collect::<Vec<_>>(), [expected]);
}

#[test]
fn a_file_without_expectations_is_refused() {
    let source = SOUND.split("[[expect]]").next().unwrap();

    assert_eq!(errors(source)[0].code, Code::NoExpectation);
}

#[test]
fn too_high_a_min_isr_is_a_warning() {
    let source =
        SOUND.replace("factor = 3", "factor = 1\nconfig = { \"min.insync.replicas\" = 2 }");

    let (_, warnings) = parse("file.toml", &source, &Overrides::default()).unwrap();

    assert_eq!(warnings.len(), 1);
    assert_eq!((warnings[0].code, warnings[0].severity), (Code::MinIsrTooHigh, Severity::Warning));
}

#[test]
fn a_text_without_chinese_beside_one_with_it_is_a_warning() {
    let source = SOUND.replace("schema = 1", "schema = 1\ntitle.en = \"a\"\ntitle.zh = \"甲\"");
    let source = source.replace("[[step]]", "[[step]]\nsay = \"it begins\"");

    let (scenario, warnings) = parse("file.toml", &source, &Overrides::default()).unwrap();

    assert_eq!(scenario.title.say(Language::Chinese), "甲");
    assert_eq!(
        scenario.cases[0].steps[0].say.as_ref().unwrap().say(Language::Chinese),
        "it begins"
    );
    let found: Vec<_> = warnings.iter().map(|it| (it.code, &source[it.span.clone()])).collect();
    assert_eq!(found, [(Code::OneLanguage, "\"it begins\"")]);
}

#[test]
fn a_question_is_read_with_its_options() {
    let ask = r#"
[ask]
en      = "What is lost?"
options = [{ en = "nothing", zh = "没有" }, { en = "all", zh = "全部" }]
answer  = 2
because = { en = "nobody copied it", zh = "没有人复制" }
[[step]]"#;
    let source = SOUND.replacen("[[step]]", ask, 1);

    let (scenario, _) = parse("file.toml", &source, &Overrides::default()).unwrap();

    let asked = scenario.ask.expect("the file asks");
    let options: Vec<_> = asked.options.iter().map(|it| it.say(Language::Chinese)).collect();
    assert_eq!((asked.answer, options), (1, vec!["没有", "全部"]));
    assert_eq!(asked.question.say(Language::Chinese), "What is lost?");
}

fn errors(source: &str) -> Vec<Diagnostic> {
    parse("five.toml", source, &Overrides::default()).unwrap_err()
}
