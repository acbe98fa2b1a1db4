//! What trials look like.

use model::message::data::Acks;
use reports::entry::prose;
use reports::json::{findings, history, run_finished};
use reports::report::{full, golden};
use reports::summary::{Many, Short, Totals, line, scenario};
use reports::text::{Colour, Signs, WIDTH, render};
use reports::timeline::{LINES, timeline};
use reports::verdict::{Came, Expected, Helped, HelpedStanding};
use reports::why::why;
use reports::words::{EN, ZH};
use scenarios::Class;
use sim::clause::{ClauseKind, Sentence, Value};
use sim::plan::ClientRole;
use sim::verdict::{Claim, MomentKind};
use unicode_width::UnicodeWidthStr;

use crate::example::acks_1_leader_crash;

#[test]
fn the_timeline_of_a_loss_shows_its_four_moments() {
    let example = acks_1_leader_crash();

    let drawn = timeline(&example.story(), Signs::Unicode, LINES);

    insta::assert_snapshot!(render(&drawn, Signs::Unicode, Colour::Plain));
}

#[test]
fn the_report_of_a_loss() {
    let example = acks_1_leader_crash();
    let nothing = || Value::List(Vec::new());
    let name = Value::from("no-acknowledged-loss");
    let text = Sentence::of(ClauseKind::HopeBreaks, [name, nothing(), nothing()]);
    let expected = [Expected { text, came: Came::True }];
    let helped = |change: &str, standing| Helped {
        change: change.to_owned(),
        set: vec![format!("producers.p1.config.{change}")],
        standing,
        remark: Sentence::default(),
    };
    let helped = [
        helped("acks=all", HelpedStanding::Holds),
        helped("min.insync.replicas=2", HelpedStanding::Breaks),
    ];
    let again = "trial run acks-1-leader-crash --seed 7";

    for signs in [Signs::Unicode, Signs::Ascii] {
        let drawn = full(&example.story(), (&expected, &helped), again, signs);
        let text = render(&drawn, signs, Colour::Plain);

        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        assert!(signs == Signs::Unicode || text.is_ascii(), "{text}");
        insta::assert_snapshot!(text);
    }
}

#[test]
fn the_story_of_a_loss_is_that_of_its_own_record() {
    let mut example = acks_1_leader_crash();
    let mut other = example.plan.clients[0].clone();
    if let ClientRole::Producer(producer) = &mut other.role {
        producer.config.acks = Acks::All;
    }
    example.plan.clients.push(other);
    let loss = &mut example.outcome.judgement.losses[0];
    let MomentKind::Acknowledged { copies, .. } = &mut loss.promise.what else {
        panic!("a loss begins with a promise")
    };
    *copies = 2;
    loss.gone = None;

    let (_, lines) = why(&example.story(), Signs::Unicode).expect("there is a loss");

    let text = render(&lines, Signs::Unicode, Colour::Plain);
    assert!(text.contains("acks=1 asks for one copy; there were 2."), "{text}");
    assert!(text.contains("No broker that runs held a copy."), "{text}");
    assert!(text.contains("A replica that does not lead holds it to the end."), "{text}");
}

#[test]
fn a_golden_has_less_than_sixty_lines_of_at_most_a_hundred_columns() {
    let example = acks_1_leader_crash();

    let golden = golden(&example.story(), &[]);

    assert!(golden.lines().count() < 60, "{golden}");
    assert!(golden.lines().all(|line| line.width() <= WIDTH), "{golden}");
}

#[test]
fn every_entry_has_a_line_of_prose_and_an_object() {
    let example = acks_1_leader_crash();
    let story = example.story();
    let prose: Vec<_> =
        story.outcome.history.iter().skip(83).take(25).map(|it| prose(&story, it)).collect();

    insta::assert_snapshot!(prose.join("\n"));
    assert_eq!(history(&story).lines().count(), story.outcome.history.len());
}

#[test]
fn json_of_a_loss() {
    let example = acks_1_leader_crash();
    let story = example.story();

    insta::assert_json_snapshot!(findings(&story, "again"));
    insta::assert_json_snapshot!(run_finished(&story, Class::AsExpected, (&[], &[]), "again"));
}

#[test]
fn the_word_that_a_line_ends_with_is_never_cut() {
    let example = acks_1_leader_crash();
    let name = "a-name-that-leaves-no-room-for-anything-else-in-the-line-of-a-trial";
    let mut short = Short::of((name, "", 7), &example.outcome, Class::Unexpected);
    for claims in 1..=Claim::ALL.len() {
        short.broken = Claim::ALL.iter().take(claims).map(|claim| (*claim, 1_000)).collect();
        for words in [&EN, &ZH] {
            let text = render(&line(&short, words), Signs::Unicode, Colour::Plain);

            assert!(text.trim_end().ends_with(words.summary.line_classes[1]), "{text}");
            assert!(!text.contains('…'), "{text}");
            assert!(short.broken.iter().all(|(claim, _)| text.contains(claim.name())), "{text}");
        }
    }
}

#[test]
fn many_seeds_in_one_line() {
    let example = acks_1_leader_crash();
    let short = |seed| Short::of(("x", "", seed), &example.outcome, Class::AsExpected);
    let shorts: Vec<_> = (1..=3).map(short).collect();

    let (mut many, mut totals) = (Many::default(), Totals::default());
    shorts.iter().for_each(|short| many.take(short));
    totals.take(Class::AsExpected);
    totals.take(Class::Untested);
    let mut lines = many.lines(&EN);
    lines.extend(line(&shorts[0], &EN));
    lines.extend(scenario("x", &shorts[..1], 10, &EN));
    lines.extend(scenario("y", &shorts, 10, &EN));
    lines.push(totals.line(2, &EN));

    insta::assert_snapshot!(render(&lines, Signs::Unicode, Colour::Plain));
}
