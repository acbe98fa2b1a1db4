//! What trials of groups look like.

use reports::entry::prose;
use reports::json::history;
use reports::report::full;
use reports::text::{Colour, Signs, WIDTH, render};
use reports::why::why;
use sim::verdict::{Claim, MishapCause, Verdict};
use unicode_width::UnicodeWidthStr;

use crate::group_example::group_that_skips_and_repeats;

#[test]
fn the_report_of_a_group() {
    let example = group_that_skips_and_repeats();

    for signs in [Signs::Unicode, Signs::Ascii] {
        let drawn = full(&example.story(), (&[], &[]), "trial run group", signs);
        let text = render(&drawn, signs, Colour::Plain);

        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        assert!(signs == Signs::Unicode || text.is_ascii(), "{text}");
        insta::assert_snapshot!(text);
    }
}

#[test]
fn a_repeat_is_told_by_who_had_the_partition_before() {
    let mut example = group_that_skips_and_repeats();
    example.outcome.judgement.findings.remove(0);

    let (_, lines) = why(&example.story(), Signs::Unicode).expect("a claim is broken");

    insta::assert_snapshot!(render(&lines, Signs::Unicode, Colour::Plain));
}

#[test]
fn a_claim_that_mishaps_do_not_explain_is_told_by_its_evidence() {
    let mut example = group_that_skips_and_repeats();
    let judgement = &mut example.outcome.judgement;
    judgement.findings.truncate(1);
    judgement.findings[0].claim = Claim::OneOwnerPerPartition;
    let Verdict::Breaks(evidence) = &mut judgement.findings[0].verdict else {
        panic!("the first claim is broken")
    };
    let last = example.outcome.history.len() - 2;
    evidence.entries = (last - 20..last).step_by(4).collect();
    judgement.groups[0].mishaps[0].cause = MishapCause::Operator;

    let (_, lines) = why(&example.story(), Signs::Unicode).expect("a claim is broken");

    insta::assert_snapshot!(render(&lines, Signs::Unicode, Colour::Plain));
}

#[test]
fn every_entry_about_a_group_has_a_line_of_prose_and_an_object() {
    let example = group_that_skips_and_repeats();
    let story = example.story();
    let about = ["g1"];
    let shown = story.outcome.history.iter().filter(|entry| {
        let prose = prose(&story, entry);
        about.iter().any(|name| prose.contains(name))
    });
    let prose: Vec<_> = shown.map(|entry| prose(&story, entry)).collect();
    let mut kinds: Vec<&str> = prose.iter().filter_map(|it| it.split(' ').nth(1)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let known = reports::vocabulary::FACTS.iter().chain(reports::vocabulary::FAULTS);
    let known: Vec<&str> = known.map(|&(name, _)| name).collect();

    assert!(kinds.iter().all(|kind| known.contains(kind)), "{kinds:?}");
    insta::assert_snapshot!(prose.join("\n"));
    let objects = history(&story);
    let groups = objects.lines().filter(|it| it.contains("\"group\""));
    insta::assert_snapshot!(groups.collect::<Vec<_>>().join("\n"));
}
