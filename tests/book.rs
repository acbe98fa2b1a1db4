//! The book: both languages say the same, every command in it exists, every scenario it names
//! runs, and every link leads somewhere.

use std::fs;
use std::path::Path;
use std::process::Command;

use book::chapter::{Source, make, sources};
use book::check;
use book::data::Data;
use book::lang::Lang;
use book::shop::{Care, Shop};

/// What node ends with where there is no browser.
const SKIPPED: i32 = 77;

#[test]
fn both_languages_have_the_same_chapters_headings_and_directives() {
    let sources = sources(&book::root(), &[]).expect("the chapters can be read");

    let mut problems = check::parity(&sources);
    problems.extend(check::template(&sources));
    let data = Data::read(&book::root().join("book")).expect("the data can be read");
    problems.extend(check::contents(&data.parts, &sources));

    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_command_in_the_book_is_one_that_the_tool_understands() {
    let sources = sources(&book::root(), &[]).expect("the chapters can be read");

    let problems = check::commands(&sources);

    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_book_is_built_and_every_link_leads_somewhere() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");

    let built = book::build(&book::root(), &out, Care::Few, &[]);
    let built = built.unwrap_or_else(|problems| panic!("{}", problems.join("\n")));
    let dead = check::links(&out).expect("the pages can be read");

    assert!(4 < built.pages, "{} pages", built.pages);
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    let texts = fs::read_to_string(out.join("zh/searchtext.js")).expect("there is a search");
    assert!(texts.contains("首领"), "the search knows no Chinese");
    read_in_a_browser(&out);
}

/// Opens every page, asks, searches; says so where there is no browser.
fn read_in_a_browser(out: &Path) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/book.mjs");
    let Ok(output) = Command::new("node").arg(script).arg(out).output() else {
        eprintln!("skipped: node is not installed, so no browser can be driven");
        return;
    };
    let told = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(SKIPPED) {
        eprintln!("{told}");
        return;
    }
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_wrong_with_a_chapter_is_said_with_its_line() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book-mistakes");
    let shop = Shop::open(&book::root(), &out, Care::Few).expect("the data can be read");
    let mistakes = [
        ("{{#run no-such-scenario}}", "no-such-scenario"),
        ("{{#run acks1-leader-crash --set nonsense=1}}", "nonsense"),
        ("{{#run acks1-leader-crash | nonsense}}", "no part is called"),
        ("{{#trial nonsense}}", "nonsense"),
        ("{{#number acks1-leader-crash | nonsense}}", "no number is called"),
        ("{{#compare acks1-leader-crash | nonsense}}", "no number is called"),
        ("{{#fuzz acks1-leader-crash --nonsense}}", "nonsense"),
        ("{{#found one-record --runs 3}}", "write what to do with it"),
        ("{{#found one-record --runs 3 | replay}}", "finds nothing"),
        ("{{#predict acks0-lossy-link}}", "has no [ask]"),
        ("{{#rule model/src/partition/leader.rs nonsense}}", "has no item"),
        ("{{#rule model/src/nonsense.rs nonsense}}", "cannot read"),
        ("{{#claim C99}}", "no claim is called"),
        ("{{#exercise nonsense}}", "no exercise is called"),
        ("{{#reference nonsense}}", "no reference"),
        ("{{#nonsense}}", "no directive is called"),
        ("see {{#verdict acks1-leader-crash}} here", "a line of its own"),
    ];

    for (text, says) in mistakes {
        let source =
            Source { lang: Lang::En, name: "chapter".to_owned(), text: format!("\n{text}\n") };
        let problems = make(&source, &shop).expect_err(text);

        assert_eq!(problems.len(), 1, "{text}");
        assert!(problems[0].starts_with("book/en/src/chapter.md:2: "), "{}", problems[0]);
        assert!(problems[0].contains(says), "{}", problems[0]);
    }
}

#[test]
fn where_the_languages_part_it_is_said() {
    let source = |lang, text: &str| Source { lang, name: "05".to_owned(), text: text.to_owned() };
    let pairs = [
        ("# A\n## B\n", "# 甲\n", "headings differ"),
        ("{{#run a}}", "{{#run b}}", "directives differ"),
        ("{{#number a | lost}}", "", "directives differ"),
    ];

    for (en, zh, says) in pairs {
        let problems = check::parity(&[source(Lang::En, en), source(Lang::Zh, zh)]);

        assert!(problems.iter().any(|it| it.contains(says)), "{en}: {problems:?}");
    }
    let lonely = check::parity(&[source(Lang::En, "# A\n")]);
    assert_eq!(lonely, ["book/zh/src/05.md is missing"]);
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let text = "`trial run acks1-leader-crash` `trial nonsense`\n```console\n$ trial run x --nonsense\n```\n";
    let source = Source { lang: Lang::En, name: "05".to_owned(), text: text.to_owned() };

    let problems = check::commands(&[source]);

    assert_eq!(problems.len(), 2, "{problems:?}");
}
