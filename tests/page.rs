//! The page of a trial: bytes that repeat, a size that can be mailed, nothing from elsewhere,
//! and a player that works in a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::trial;

/// What a page may take.
const BYTES_MAX: usize = 1_000_000;
/// Scenarios whose pages are looked at: losses, groups, and the biggest traces.
const LOOKED_AT: [&str; 9] = [
    "ack-lost-retry-duplicates",
    "acks1-leader-crash",
    "cooperative-incremental",
    "eager-stop-the-world",
    "kip101-scenario-1-by-epoch",
    "kip101-scenario-1-hw-truncation",
    "kip848-incremental",
    "power-loss-is-not-a-crash",
    "zombie-consumer-long-gc",
];
/// What node ends with where there is no browser.
const SKIPPED: i32 = 77;
#[test]
fn pages_repeat_byte_by_byte_and_hold_everything_they_need() {
    let folder = folder("pages-twice");

    for name in LOOKED_AT {
        let page = page(&folder, name, name);
        let again = self::page(&folder, name, &format!("{name}-again"));

        assert!(page == again, "{name}: two pages of one trial differ");
        assert!(page.len() < BYTES_MAX, "{name}: {} bytes", page.len());
        assert!(page.contains("http-equiv=\"Content-Security-Policy\""), "{name}: no policy");
        assert!(page.contains("default-src 'none'"), "{name}: a policy that lets things in");
        let svg = "http://www.w3.org/2000/svg";
        assert_eq!(page.matches("://").count(), page.matches(svg).count(), "{name}: another URL");
    }
}

#[test]
fn the_player_works_in_a_browser() {
    let pages = folder("pages");
    for name in LOOKED_AT {
        page(&pages, name, name);
    }
    page(&pages, "acks1-leader-crash", "gate"); // it asks a question

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page.mjs");
    let Ok(output) = Command::new("node").arg(script).arg(&pages).output() else {
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
fn the_footer_says_what_the_book_says_is_left_out() {
    let book = fs::read_to_string("book/en/src/model-limits.md").expect("the book is here");
    let footer = reports::words::page::limits(scenarios::Language::English).join("\n");
    let topics = [
        "quorum of controllers",
        "transactions",
        "compaction",
        "compression",
        "quotas",
        "authorization",
        "tiered storage",
        "reads from followers",
        "ELR",
        "reassignment",
        "deleting topics",
        "corrupt, full or failing",
    ];

    let odd: Vec<_> =
        topics.iter().filter(|it| !book.contains(**it) || !footer.contains(**it)).collect();

    assert!(odd.is_empty(), "not in both, the book and the footer: {odd:?}");
}

/// Returns an empty folder for a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It is there if the test has run before.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// Writes the page of a trial and returns it.
fn page(folder: &Path, scenario: &str, name: &str) -> String {
    let file = folder.join(format!("{name}.html"));
    let path = file.to_str().expect("a plain path");
    let output = trial(&["run", scenario, "--quiet", "--no-counterfactuals", "--report", path]);
    assert!(file.exists(), "{scenario}: {}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(&file).expect("the page can be read")
}
