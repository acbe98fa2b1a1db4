//! What lecturers take to a class: lectures, handouts, a folder for a USB stick.

use std::fs;
use std::path::Path;

use trial::tell;

use crate::cli::shown;

#[test]
fn lectures_are_lists_of_lessons_with_minutes() {
    let calls: [&[&str]; 5] = [
        &["demo", "--pack", "10"],
        &["demo", "--pack", "45"],
        &["demo", "--pack", "90", "--lang", "zh"],
        &["demo", "--pack", "60"],
        &["handout", "99"],
    ];

    let all: Vec<_> = calls.iter().map(|words| shown(words)).collect();

    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_handout_asks_and_only_its_second_page_answers() {
    for chapter in trial::written() {
        for lang in ["en", "zh"] {
            let asked = tell(["handout", &chapter, "--lang", lang]);
            let solved = tell(["handout", &chapter, "--lang", lang, "--solution"]);

            assert_eq!((asked.code, solved.code), (0, 0), "{chapter}: {}", asked.err);
            let (head, pages) = asked.out.split_once("<section>").expect("it has a page");
            assert_eq!(solved.out.matches("<section>").count(), 2, "{chapter}");
            assert!(!pages.contains("<section>"), "{chapter}");
            let first = solved.out.split("</section>").next();
            assert_eq!(first, asked.out.split("</section>").next(), "{chapter}");
            assert!(head.contains("default-src 'none'"), "{chapter}");
            assert!(!pages.contains("%3Cmarker") && !pages.contains("a-replicate"), "{chapter}");
            assert!(!solved.out.contains("src=\"http"), "{chapter}");
        }
    }
}

#[test]
fn a_bundle_has_pages_handouts_and_exercises_and_spares_the_folders_of_others() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bundle");
    let others = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-bundle");
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("what another version left can be removed");
    }
    fs::create_dir_all(&others).expect("it can be made");
    fs::write(others.join("thesis.txt"), "years of work").expect("it can be written");

    let refused = book::bundle::prepare(&others);
    let prepared = book::bundle::prepare(&folder).and_then(|()| book::bundle::prepare(&folder));
    let furnished = book::bundle::furnish(&book::root(), &folder);

    assert!(refused.is_err_and(|why| why.contains("neither empty nor a bundle")));
    assert_eq!((prepared, furnished), (Ok(()), Ok(())));
    for file in [
        "README.md",
        "index.html",
        "reports/acks1-leader-crash.html",
        "reports/auto-commit-async-worker-loss.html",
        "handouts/05-acks.en.html",
        "handouts/05-acks.zh.solution.html",
        "exercises/07-fault-budget.toml",
    ] {
        assert!(folder.join(file).is_file(), "{file} is missing");
    }
    let index = fs::read_to_string(folder.join("index.html")).expect("it is there");
    for link in index.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let is_there = link.starts_with("book/") || folder.join(link).is_file();
        assert!(is_there, "the index leads to {link}, which is not there");
    }
}
