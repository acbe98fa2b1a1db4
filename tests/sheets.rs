//! Sheets of students: values that only one of them has, what is graded by them, and that a
//! copied answer earns less.

use std::collections::BTreeSet;
use std::fs;

use trial::{exercises, tell};

use crate::grade::{Class, SECRET, data, number, sheet};

const ORDER: &str = "02-one-order";

/// A number or a choice can be copied, and is worth what it is worth for those values that the
/// copier has drawn.
#[test]
fn the_copied_answer_of_another_student_earns_less() {
    let class = Class::new("copied");
    for (exercise, answers) in data() {
        if !draws(&exercise) {
            continue;
        }
        for student in ["good", "copy-1", "copy-2", "copy-3", "copy-4", "copy-5"] {
            class.hand_in(&exercise, student, &answers["good"].files());
        }

        let graded = class.lines(&[&exercise], &exercise);

        let own = graded.iter().find(|it| it["student"] == "good").expect("good is graded");
        let less = graded.iter().filter(|it| number(it, "points") < number(own, "points"));
        assert_eq!(number(own, "points"), number(own, "of"), "{exercise}");
        assert!(0 < less.count(), "{exercise}: a copy earns as much");
        for copy in graded.iter().filter(|it| it["drawn"] == own["drawn"]) {
            assert_eq!(copy["points"], own["points"], "{exercise}: the same values, another score");
        }
    }
}

#[test]
fn what_students_draw_depends_on_nobody_else() {
    let class = Class::new("alone");
    let answer = "numbers = { before = 8_100, after = 18_100, at-work-before = 4 }";
    for student in 0..30 {
        class.hand_in(ORDER, &format!("student-{student:02}"), &[sheet(answer)]);
    }

    let all = class.lines(&[ORDER], ORDER);
    let again = class.lines(&[ORDER, "--jobs", "1"], ORDER);
    let alone = class.lines(&[ORDER], &format!("{ORDER}/student-07"));
    let named = class.lines(&[ORDER, "--student", "student-07"], &format!("{ORDER}/student-08"));

    assert_eq!(all, again);
    assert_eq!(&alone[0], &all[7]);
    assert_eq!(named[0]["drawn"], all[7]["drawn"]);
    let different: BTreeSet<String> = all.iter().map(|it| it["drawn"].to_string()).collect();
    assert!(8 < different.len(), "only {} sheets for thirty students", different.len());
}

#[test]
fn a_sheet_has_the_values_that_are_graded_and_commands_that_run() {
    let class = Class::new("sheets");
    let on_paper = |exercise: &str, student: &str| {
        let told = tell(["handout", exercise, "--student", student, "--secret", SECRET]);
        assert_eq!((told.code, told.err.as_str()), (0, ""), "{exercise}");
        told.out
    };
    for (exercise, _) in exercises().into_iter().filter(|(exercise, _)| draws(exercise)) {
        class.hand_in(exercise, "alice", &[sheet("")]);
        let graded = &class.lines(&[exercise], exercise)[0];

        let alice = on_paper(exercise, "alice");

        for own in graded["drawn"].as_array().expect("values are told") {
            let value = own["value"].as_str().expect("a value is a text");
            let value = value.replace('>', "&gt;");
            assert!(alice.contains(&format!("<code>{value}</code>")), "{exercise}: {value}");
        }
        for run in graded["run"].as_array().expect("commands are told") {
            let run = run.as_str().expect("a command is a text");
            let shown = run.replace('>', "&gt;").replace('"', "&quot;");
            assert!(alice.contains(&shown), "{exercise}: {run}");
            let words = words(run);
            let told = tell(words[1..].iter().map(String::as_str));
            assert!(matches!(told.code, 0 | 1 | 3), "{run}: {}", told.err);
        }
        let others = ["bob", "carol", "dave"].map(|student| on_paper(exercise, student));
        let values = |page: &str| page.split("<h2>").nth(1).map(str::to_owned);
        assert_eq!(alice, on_paper(exercise, "alice"));
        assert!(others.iter().any(|other| values(other) != values(&alice)), "{exercise}");
    }
    // A chapter whose lesson has several cases is about the first one, and no flag picks another.
    let several = on_paper("26", "alice");
    assert!(several.contains("alice"));
    let both = on_paper("02", "alice");
    assert!(both.contains("02-one-order") && both.contains("alice"));
}

#[test]
fn a_sheet_that_nobody_can_have_is_an_error_with_a_hint() {
    let folder = Class::new("no-sheets").folder;
    let line = "[[graded]]\nen = ''\nzh = ''\npoints = 1\nclaim = 'no-duplicates'\nmust = 'hold'";
    let exercise = |name: &str, draw: &str| {
        let file = folder.join(name);
        let text = format!("id = 'own'\npoints = 1\nbase = 'one-record'\n{line}\n[[draw]]\n{draw}");
        fs::write(&file, text).expect("it is written");
        file.display().to_string()
    };
    let path = "id = 'records'\npath = 'producers.p1.records'";
    let files = [
        exercise("empty.toml", &format!("{path}\nvalues = []")),
        exercise("refused.toml", &format!("{path}\nvalues = [1, 99_999_999_999]")),
        exercise("type.toml", &format!("{path}\nvalues = 7")),
        exercise("key.toml", &format!("{path}\nvalue = [1, 2]")),
        exercise("path.toml", "id = 'records'\npath = 'producers.p1.record'\nvalues = [1, 2]"),
    ];
    let mut calls: Vec<Vec<&str>> = vec![
        vec!["handout", ORDER],
        vec!["handout", "2", "--secret", "s"],
        vec!["handout", "2", "--student", ""],
        vec!["handout", "2", "--student", " alice"],
        vec!["handout", "nonsense", "--student", "alice"],
        vec!["grade", ORDER, ".", "--student", ""],
    ];
    calls.extend(files.iter().map(|file| vec!["handout", file.as_str(), "--student", "alice"]));

    let mut said = String::new();
    for call in calls {
        let told = tell(call.iter().copied());
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{call:?}");
        said += &told.err.replace(&folder.display().to_string(), "FOLDER");
        said.push('\n');
    }

    insta::assert_snapshot!(said);
}

/// Says whether an exercise draws something for each student.
fn draws(exercise: &str) -> bool {
    let all = exercises();
    all.iter().any(|(known, text)| *known == exercise && text.contains("[[draw]]"))
}

/// Takes a command apart at spaces outside of single quotes.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut within) = (vec![String::new()], false);
    for letter in command.chars() {
        match (letter, words.last_mut()) {
            ('\'', _) => within = !within,
            (' ', _) if !within => words.push(String::new()),
            (letter, Some(last)) => last.push(letter),
            (_, None) => {}
        }
    }
    words
}
