//! `[found]`: where a file comes from, and what is said of one that does not say so.

use scenarios::codes::Code;
use scenarios::found::Found;
use scenarios::written::{Heading, scenario};
use scenarios::{Expected, Hope, Overrides, Paint, parse, render_all};
use sim::verdict::Claim;

const FILE: &str = r#"schema = 1
seed   = "0xfedcba9876543210"

[found]
by        = "trial fuzz"
violation = "no-acknowledged-loss"
seed      = 0x5eed
digest    = "00000000deadbeef"
trial     = "0.1.0"
model     = 1

[cluster]
brokers = 1

[[expect]]
claim  = "no-acknowledged-loss"
breaks = true
"#;

#[test]
fn a_finding_is_read() {
    let (read, warnings) = parse("file.toml", FILE, &Overrides::default()).unwrap();

    assert!(warnings.is_empty());
    assert_eq!(read.cases[0].plan.seed, 0xfedc_ba98_7654_3210);
    assert_eq!(read.found, Some(found()));
}

#[test]
fn a_finding_is_written_as_it_was() {
    let (read, _) = parse("file.toml", FILE, &Overrides::default()).unwrap();
    let (claim, hope) = (Claim::NoAcknowledgedLoss, Hope::Breaks);
    for seed in [7, 0x5eed, i64::MAX as u64, u64::MAX] {
        let expects = vec![Expected::Claim { claim, hope, count: None, within: None }];
        let found = Some(Found { seed, ..found() });
        let heading = Heading { title: "t".to_owned(), expects, found, ..Heading::default() };

        let text = scenario(&read.cases[0].plan, &heading);

        let (again, _) = parse("file.toml", &text, &Overrides::default()).unwrap();
        assert_eq!(again.found, heading.found, "{text}");
        assert_eq!(again.cases, [read.cases[0].clone()].map(|case| moved(case, &again.cases[0])));
    }
}

/// Returns a case with the places that another one has in its file.
fn moved(mut case: scenarios::Case, to: &scenarios::Case) -> scenarios::Case {
    for (expect, place) in case.expects.iter_mut().zip(&to.expects) {
        (expect.line, expect.span) = (place.line, place.span.clone());
    }
    case
}

#[test]
fn what_a_finding_lacks_is_an_error_at_its_place() {
    let text = FILE
        .replace("00000000deadbeef", "deadbeef")
        .replace("violation = \"no-acknowledged-loss\"", "violation = \"no-acknowledged-los\"")
        .replace("trial     = \"0.1.0\"\n", "tool      = \"0.1.0\"\n")
        .replace("\"0xfedcba9876543210\"", "\"0x1fedcba9876543210\"");

    let found = parse("f.toml", &text, &Overrides::default()).unwrap_err();

    let expected = r#"error[T005]: `0x1fedcba9876543210` is no seed
 --> f.toml:2:10
  |
2 | seed   = "0x1fedcba9876543210"
  |          ^^^^^^^^^^^^^^^^^^^^^
  |
  = help: A seed is a number from 0 to 2^64-1, decimal or 0x; quotes are for large ones.

error[T003]: `[found]` needs `trial`
 --> f.toml:4:1
  |
4 | [found]
  | ^^^^^^^

error[T065]: `no-acknowledged-los` is nothing that a search looks for
 --> f.toml:6:13
  |
6 | violation = "no-acknowledged-los"
  |             ^^^^^^^^^^^^^^^^^^^^^ did you mean `no-acknowledged-loss`?

error[T065]: `deadbeef` is no digest
 --> f.toml:8:13
  |
8 | digest    = "deadbeef"
  |             ^^^^^^^^^^ expected sixteen hexadecimal digits

error[T014]: unknown field `tool`
 --> f.toml:9:1
  |
9 | tool      = "0.1.0"
  | ^^^^
  |
  = help: Known here: `by`, `violation`, `seed`, `digest`, `trial`, `model`."#;
    assert_eq!(render_all(&found, &text, Paint::Plain), expected);
}

#[test]
fn offsets_for_each_partition_name_their_partitions() {
    let (_, warnings) = parse("f.toml", EACH, &Overrides::default()).unwrap();
    let named = EACH.replace("group = \"g1\",", "group = \"g1\", partitions = \"orders-0\",");
    let found = parse("f.toml", &named, &Overrides::default()).unwrap_err();

    assert!(warnings.is_empty());
    assert_eq!(found.iter().map(|it| it.code).collect::<Vec<_>>(), [Code::Contradiction]);
}

const EACH: &str = r#"schema = 1

[cluster]
brokers = 3

[topics.orders]
partitions = 2

[groups.g1]
topics = "orders"

[[step]]
at             = "5s"
commit-offsets = { group = "g1", to = { orders-0 = 5, orders-1 = "end" } }

[[expect]]
claim = "nothing-skipped"
"#;

fn found() -> Found {
    Found {
        by: "trial fuzz".to_owned(),
        violation: "no-acknowledged-loss".to_owned(),
        seed: 0x5eed,
        digest: 0xdead_beef,
        trial: "0.1.0".to_owned(),
        model: 1,
    }
}
