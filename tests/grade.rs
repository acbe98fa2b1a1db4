//! Graded exercises: what good, lazy and cheating answers are worth.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use scenarios::library;
use serde::Deserialize;
use serde_json::Value;
use trial::{Told, exercises, tell};

const ARROWS: &str = "01-fewer-arrows";
const PROMISE: &str = "05-a-promise-that-holds";
const FETCHES: &str = "06-rounds-of-fetches";
const BUDGET: &str = "07-fault-budget";
const EPOCHS: &str = "09-what-epochs-are-for";
const ONCE: &str = "14-once-in-the-log";
const MUTANTS: &str = "27-kill-the-mutants";

/// What values are drawn from here.
pub const SECRET: &str = "only for tests";
/// A student who has drawn what chapters 1, 6 and 7 show: one replica on b1, two on b1 and b2, a
/// slow way, followers that are dropped after ten seconds, no flushing of each record.
const PUPIL: &str = "pupil-12";

const ACKS: &str = "producers.p1.config.acks";
const FLOOR: &str = "topics.orders.config.\"min.insync.replicas\"";

#[test]
fn good_lazy_and_cheating_answers_are_told_apart() {
    let class = Class::new("told-apart");
    let mut told = String::new();
    for (exercise, students) in answers() {
        for (student, files) in students {
            class.hand_in(exercise, student, &files);
        }
        told += &class.graded(&[exercise], exercise).out;
    }

    insta::assert_snapshot!(told);
}

/// Good answers have all points that a machine gives, empty ones next to none, and wrong models
/// what they deserve.
#[test]
fn each_exercise_tells_good_answers_from_others() {
    let class = Class::new("each");
    let mut wrong = Vec::new();
    for (exercise, answers) in data() {
        for (student, answer) in &answers {
            class.hand_in(&exercise, student, &answer.files());
        }
        for (student, (points, of)) in class.scores(&exercise) {
            let expected = answers[&student].points;
            if points != expected {
                wrong.push(format!("{exercise}: {student} has {points} of {of}, not {expected}"));
            }
            if student == "good" && points != of {
                wrong.push(format!("{exercise}: a good answer has {points} of {of}"));
            }
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_exercise_has_answers_to_test_it() {
    let own: BTreeSet<&str> = answers().into_iter().map(|(exercise, _)| exercise).collect();
    let known = data();

    for (exercise, _) in exercises() {
        let Some(answers) = known.get(exercise) else {
            assert!(own.contains(exercise), "{exercise}");
            continue;
        };
        assert!(answers.contains_key("good"), "{exercise}");
        assert_eq!(answers.get("lazy").map(|it| it.points), Some(0), "{exercise}");
        assert!(3 <= answers.len(), "{exercise}");
    }
}

#[test]
fn a_grade_says_why_and_how_to_see_it() {
    let class = Class::new("why");
    class.hand_in(PROMISE, "min-1", &[sheet(&format!("set.{ACKS} = 'all'"))]);
    class.hand_in(ONCE, "never-again", &[sheet("set.producers.p1.config.retries = 0")]);
    class.hand_in(EPOCHS, "quiet", &[("scenario.toml", stored("one-record"))]);
    let one = |exercise: &str, student: &str, lang: &str| {
        class.graded(&[exercise, "--lang", lang], &format!("{exercise}/{student}")).out
    };

    let told = [
        one(PROMISE, "min-1", "en"),
        one(PROMISE, "min-1", "zh"),
        one(ONCE, "never-again", "en"),
        one(EPOCHS, "quiet", "en"),
    ];

    insta::assert_snapshot!(told.join("\n"));
}

/// What students may believe of acks=1, and of acks=all with one copy and with two: whoever takes
/// one of them for another does not pass the exercises of chapters 1, 5, 6 and 7.
#[test]
fn a_wrong_idea_of_acks_does_not_pass() {
    let class = Class::new("ideas");
    for idea in IDEAS {
        let set = format!("set.{ACKS} = '{}'\nset.{FLOOR} = {}\n", idea.acks, idea.floor);
        let [one, two, three] = idea.gone;
        let gone = format!("choices = {{ gone-1 = {one}, gone-2 = {two}, gone-3 = {three} }}");
        let fetches = format!(
            "choices.not-held-up = ['acks-1']\nchoices.readable = {}{FETCHED}",
            idea.readable
        );
        let lag = "set.cluster.broker.'replica.lag.time.max.ms' = 5_000\n\
            set.producers.p1.config.'request.timeout.ms' = 5_000";
        let [a, b, c] = idea.survives;
        let budget = format!("choices.a = {a}\nchoices.b = {b}\nchoices.c = {c}\n{set}{lag}");
        for (exercise, text) in
            [(ARROWS, &gone), (PROMISE, &set), (FETCHES, &fetches), (BUDGET, &budget)]
        {
            class.hand_in(exercise, idea.name, &[sheet(text)]);
        }
    }

    let mut earned: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for exercise in [ARROWS, PROMISE, FETCHES, BUDGET] {
        for idea in &IDEAS {
            // All are asked the same: only what they believe differs.
            let folder = format!("{exercise}/{}", idea.name);
            let graded = class.lines(&[exercise, "--student", PUPIL], &folder);
            let sum = earned.entry(idea.name.to_owned()).or_default();
            *sum = (sum.0 + number(&graded[0], "points"), sum.1 + number(&graded[0], "of"));
        }
    }

    for (idea, (points, of)) in earned {
        match idea.as_str() {
            "right" => assert_eq!(points, of),
            wrong => assert!(points * 100 < of * 60, "{wrong} has {points} of {of}"),
        }
    }
}

/// What somebody believes, and would answer.
struct Idea {
    name: &'static str,
    /// Settings that shall keep every promise.
    acks: &'static str,
    floor: u32,
    /// Power cuts that lose acknowledged records, of one, two and three replicas.
    gone: [&'static str; 3],
    /// Settings with which acknowledged records can be read at once.
    readable: &'static str,
    /// Settings that survive one stall, two stalls, and two with a power cut.
    survives: [&'static str; 3],
}

const ANY: &str = "['b1', 'b1-b2', 'b1-b2-b3']";
const BOTH: &str = "['b1-b2', 'b1-b2-b3']";
const ALL: &str = "['b1-b2-b3']";

const IDEAS: [Idea; 4] = [
    Idea {
        name: "right",
        acks: "all",
        floor: 2,
        gone: [ANY, BOTH, ALL],
        readable: "['acks-all-min-1', 'acks-all-min-2']",
        survives: ["['acks-1']", "['acks-1', 'acks-all-min-1']", "['acks-all-min-2']"],
    },
    // What is acknowledged is safe, whoever says so.
    Idea {
        name: "one-is-enough",
        acks: "1",
        floor: 1,
        gone: [ANY, ANY, ANY],
        readable: "['acks-1', 'acks-all-min-1', 'acks-all-min-2']",
        survives: [
            "['acks-1']",
            "['acks-1', 'acks-all-min-1']",
            "['acks-1', 'acks-all-min-1', 'acks-all-min-2']",
        ],
    },
    // acks=all waits for all there are, however many have been dropped from the ISR.
    Idea {
        name: "all-is-all",
        acks: "all",
        floor: 1,
        gone: [ANY, BOTH, ALL],
        readable: "['acks-all-min-1', 'acks-all-min-2']",
        survives: ["['acks-1']", "['acks-1']", "['acks-all-min-1', 'acks-all-min-2']"],
    },
    // min.insync.replicas says how many copies there are, whatever the producer asks for.
    Idea {
        name: "floor-is-enough",
        acks: "1",
        floor: 2,
        gone: [ANY, BOTH, ALL],
        readable: "['acks-1', 'acks-all-min-2']",
        survives: ["['acks-1']", "['acks-1', 'acks-all-min-1']", "['acks-1', 'acks-all-min-2']"],
    },
];

#[test]
fn thirty_students_are_graded_the_same_twice() {
    let class = Class::new("thirty");
    for number in 0..30 {
        let (acks, floor) = [("1", 1), ("all", 1), ("all", 2)][number % 3];
        let set = format!("set.{ACKS} = '{acks}'\nset.{FLOOR} = {floor}");
        class.hand_in(PROMISE, &format!("student-{number:02}"), &[sheet(&set)]);
    }

    let first = class.graded(&[PROMISE, "--format", "json"], PROMISE);
    let again = class.graded(&[PROMISE, "--format", "json", "--jobs", "1"], PROMISE);

    assert_eq!(first.out.lines().count(), 30);
    assert_eq!((first.code, &first), (0, &again));
}

#[test]
fn what_other_programs_read_has_the_fields_that_they_rely_on() {
    let class = Class::new("formats");
    class.hand_in(ONCE, "good", &[sheet("set.producers.p1.config.'enable.idempotence' = true")]);
    class.hand_in(ONCE, "lazy", &[sheet("")]);
    let one = format!("{ONCE}/lazy");

    let told = [
        class.graded(&[ONCE, "--format", "json"], &one).out,
        class.graded(&[ONCE, "--format", "gradescope", "--student", "s1"], &one).out,
        class.graded(&[ONCE, "--format", "junit"], ONCE).out,
    ];
    let of_a_class = class.graded(&[ONCE, "--format", "gradescope"], ONCE);
    let file = class.folder.join("results.json");
    let path = file.display().to_string();
    let to_file = class.graded(&[ONCE, "--format", "gradescope", "--out", &path], &one);

    let results: Value = serde_json::from_str(&fs::read_to_string(&file).expect("it is written"))
        .expect("it is JSON");
    assert_eq!(results["tests"].as_array().map(Vec::len), Some(4));
    assert_eq!((of_a_class.code, to_file.code, to_file.out.as_str()), (2, 0, ""));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn files_that_are_no_answers_are_refused_and_never_followed() {
    let class = Class::new("unsafe");
    class.hand_in(PROMISE, "huge", &[sheet(&"# x\n".repeat(20_000))]);
    class.hand_in(PROMISE, "folder", &[]);
    fs::create_dir_all(class.folder.join(PROMISE).join("folder/answer.toml")).expect("it is made");
    class.hand_in(PROMISE, "none", &[]);
    class.hand_in(PROMISE, "no-toml", &[sheet("set = [")]);
    class.hand_in(PROMISE, "twice", &[sheet(&format!("set.{ACKS} = 1\nset.'{ACKS}' = 'all'"))]);
    class.hand_in(PROMISE, "table", &[sheet(&format!("set.{ACKS} = ['all']"))]);
    class.hand_in(PROMISE, "other-key", &[sheet("points = 10")]);
    class.hand_in(PROMISE, "escape\u{1b}[31m", &[sheet("set.'a\u{7f}' = 1")]);
    fs::write(class.folder.join(PROMISE).join("none/notes.txt"), [0xff]).expect("it is written");
    fs::create_dir_all(class.folder.join(PROMISE).join("bytes")).expect("it is made");
    let bytes = class.folder.join(PROMISE).join("bytes/answer.toml");
    fs::write(bytes, [0xff, 0xfe]).expect("it is written");
    linked(&class);

    let told = class.graded(&[PROMISE], PROMISE);

    assert_eq!(told.code, 0);
    assert!(!told.out.contains('\u{1b}'));
    insta::assert_snapshot!(told.out);
}

#[cfg(unix)]
fn linked(class: &Class) {
    let good = class.folder.join("good.toml");
    fs::write(&good, format!("set.{ACKS} = 'all'\nset.{FLOOR} = 2")).expect("it is written");
    let link = class.folder.join(PROMISE).join("link");
    fs::create_dir_all(&link).expect("it is made");
    std::os::unix::fs::symlink(&good, link.join("answer.toml")).expect("it is linked");
    // A folder that is a link is nobody's answer.
    let other = class.folder.join(PROMISE).join("linked-folder");
    std::os::unix::fs::symlink(link, other).expect("it is linked");
}

#[cfg(not(unix))]
fn linked(class: &Class) {
    class.hand_in(PROMISE, "link", &[]);
}

#[test]
fn what_cannot_be_graded_is_an_error_with_a_hint() {
    let class = Class::new("errors");
    class.hand_in(ONCE, "lazy", &[sheet("")]);
    let one = format!("{ONCE}/lazy");
    let missing = "no/such/folder";
    let line = "[[graded]]\nen = 'why'\nzh = '为什么'\npeople = 1";
    let people = class.folder.join("people.toml");
    let text = format!("id = 'people'\npoints = 1\nbase = 'one-record'\n{line}");
    fs::write(&people, text).expect("it is written");
    let people = people.display().to_string();

    let told = [
        class.graded(&["14-once-in-the-lag"], &one),
        class.graded(&["nonsense"], &one),
        class.graded(&[&people], &one),
        tell(["grade", ONCE, missing]),
        class.graded(&[ONCE, "--patience", "0"], &one),
        class.graded(&[ONCE, "--out", "/dev/null/grades"], &one),
    ];

    for told in &told {
        assert_eq!(told.code, 2, "{}", told.err);
    }
    let said: Vec<_> = told.iter().map(|told| told.err.as_str()).collect();
    insta::assert_snapshot!(said.join("\n"));
}

/// Numbers of the fetch exercise as they are.
const FETCHED: &str = "\nnumbers = { fetches-2 = 1, fetches-3 = 1, fetches-5 = 1, behind = 17 }";
/// Settings that survive the power cut, and stop writing for a short time.
const SHORTEST: &str = "set.topics.orders.config.'min.insync.replicas' = 2\n\
    set.cluster.broker.'replica.lag.time.max.ms' = 5_000\n\
    set.producers.p1.config.'request.timeout.ms' = 5_000";

pub type Files = Vec<(&'static str, String)>;

/// Answers to each exercise: good ones, lazy ones, and some that try to cheat.
fn answers() -> Vec<(&'static str, Vec<(&'static str, Files)>)> {
    let set = |text: &str| vec![sheet(text)];
    let safe = format!("set.{ACKS} = 'all'\nset.{FLOOR} = 2");
    let scenario = |text: String| vec![("scenario.toml", text)];
    let kip = stored("kip101-scenario-1-by-epoch");
    let budget =
        "choices = { a = 'acks-1', b = ['acks-1', 'acks-all-min-1'], c = 'acks-all-min-2' }\n";
    // Some have drawn leaders that drop followers at once when one stalls, and late when both do.
    let quick = "choices = { a = ['acks-1', 'acks-all-min-1', 'acks-all-min-2'], b = 'acks-1', \
        c = 'acks-all-min-2' }\n";
    let fetches =
        "choices = { not-held-up = 'acks-1', readable = ['acks-all-min-1', 'acks-all-min-2'] }";
    vec![
        (
            PROMISE,
            vec![
                ("good", set(&safe)),
                ("lazy", set("")),
                ("acks-0", set(&format!("set.{ACKS} = '0'"))),
                ("all-three", set(&format!("set.{ACKS} = 'all'\nset.{FLOOR} = 3"))),
                ("no-crash", set(&format!("{safe}\nset.step.2.crash = 'p1'"))),
                ("no-records", set(&format!("{safe}\nset.producers.p1.records = 0"))),
                ("own-claims", set(&format!("{safe}\nexpect = [{{ claim = 'no-phantom' }}]"))),
            ],
        ),
        (
            FETCHES,
            vec![
                ("good", set(&format!("{fetches}{FETCHED}"))),
                ("lazy", set("")),
                (
                    "everything",
                    set("numbers = { behind = 20 }\nchoices = { not-held-up = \
                    ['acks-1', 'acks-all-min-1', 'acks-all-min-2'] }"),
                ),
            ],
        ),
        (
            BUDGET,
            vec![
                ("good", set(&format!("{budget}{SHORTEST}"))),
                ("lazy", set("")),
                ("slow", set(&format!("{quick}set.{FLOOR} = 2"))),
                ("acks-0", set(&format!("{budget}set.{ACKS} = '0'"))),
            ],
        ),
        (
            EPOCHS,
            vec![
                ("good", scenario(kip.clone())),
                ("other-expects", scenario(kip.replace("claim  = ", "claim = ") + WISH)),
                ("lazy", scenario(stored("one-record"))),
                ("acks-1", scenario(stored("acks1-leader-crash"))),
                ("own-rules", scenario(stored("kip101-scenario-1-hw-truncation"))),
                ("long", scenario(kip.replace("faults-for = \"60s\"", "faults-for = \"6h\""))),
                ("none", Vec::new()),
            ],
        ),
        (
            ONCE,
            vec![
                ("good", set("set.producers.p1.config.'enable.idempotence' = true")),
                ("lazy", set("")),
                ("never-again", set("set.producers.p1.config.retries = 0")),
                ("no-cut", set("set.step.1.cut.from = 'p1'")),
            ],
        ),
        (
            MUTANTS,
            vec![
                (
                    "good",
                    vec![
                        ("ack-before-isr.toml", stored("acks-all-leader-crash")),
                        ("unclean-silently.toml", stored("leader-alone-clean-waits")),
                        (
                            "no-sequence-check.toml",
                            stored("idempotent-dedupe-across-leader-change"),
                        ),
                    ],
                ),
                (
                    "lazy",
                    vec![
                        ("ack-before-isr.toml", stored("one-record")),
                        ("unclean-silently.toml", stored("acks1-leader-crash")),
                    ],
                ),
            ],
        ),
    ]
}

/// An answer of `tests/data/grade`, and what a machine gives for it.
#[derive(Deserialize)]
pub struct Handed {
    points: u64,
    /// The content of `answer.toml`.
    sheet: Option<String>,
    /// The content of `scenario.toml`.
    file: Option<String>,
    /// The scenario of the library that is handed in as `scenario.toml`.
    stored: Option<String>,
}

impl Handed {
    pub fn files(&self) -> Files {
        let scenario = self.file.clone().or_else(|| self.stored.as_deref().map(stored));
        let named = [("answer.toml", self.sheet.clone()), ("scenario.toml", scenario)];
        named.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }
}

/// Returns the answers of `tests/data/grade`, by exercise and student.
pub fn data() -> BTreeMap<String, BTreeMap<String, Handed>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grade");
    let entries = fs::read_dir(folder).expect("there are answers");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("it can be read");
        let answers = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, answers)
    };
    paths.map(read).collect()
}

/// What somebody hopes that the grader looks at.
const WISH: &str = "\n[[expect]]\nclaim = \"no-phantom\"\nbreaks = true\n";

pub fn sheet(text: &str) -> (&'static str, String) {
    ("answer.toml", text.to_owned())
}

/// Returns a scenario of the library as a student would hand it in.
fn stored(name: &str) -> String {
    let entry = library::find(name).unwrap_or_else(|| panic!("{name} is in the library"));
    entry.source.to_owned()
}

/// A folder with what students handed in.
pub struct Class {
    pub folder: PathBuf,
}

impl Class {
    pub fn new(name: &str) -> Class {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("grade").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("it can be removed");
        }
        fs::create_dir_all(&folder).expect("it can be made");
        Class { folder }
    }

    pub fn hand_in(&self, exercise: &str, student: &str, files: &[(&str, String)]) {
        let folder = self.folder.join(exercise).join(student);
        fs::create_dir_all(&folder).expect("it can be made");
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("it can be written");
        }
    }

    /// Grades a folder below this one, and takes its place out of what is printed.
    fn graded(&self, words: &[&str], folder: &str) -> Told {
        let place = self.folder.join(folder).display().to_string();
        let (exercise, flags) = words.split_first().expect("an exercise is named");
        let head = ["grade", exercise, &place, "--secret", SECRET];
        let told = tell(head.into_iter().chain(flags.iter().copied()));
        let plain = |text: String| text.replace(&self.folder.display().to_string(), "ANSWERS");
        Told { code: told.code, out: plain(told.out), err: plain(told.err) }
    }

    /// Returns the points of every student, and how many there are.
    fn scores(&self, exercise: &str) -> BTreeMap<String, (u64, u64)> {
        let scored = |graded: Value| {
            let student = graded["student"].as_str().expect("it names the student").to_owned();
            (student, (number(&graded, "points"), number(&graded, "of")))
        };
        self.lines(&[exercise], exercise).into_iter().map(scored).collect()
    }

    /// Returns the grades of a folder below this one as JSON, a value for each student.
    pub fn lines(&self, words: &[&str], folder: &str) -> Vec<Value> {
        let words: Vec<&str> = words.iter().copied().chain(["--format", "json"]).collect();
        let told = self.graded(&words, folder);
        assert_eq!(told.code, 0, "{}", told.err);
        told.out.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
    }
}

pub fn number(graded: &Value, key: &str) -> u64 {
    graded[key].as_u64().unwrap_or_else(|| panic!("there is no number {key}"))
}
