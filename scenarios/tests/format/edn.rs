//! Histories in EDN: what is read, and what is told about mistakes.

use proptest::prelude::{any, proptest};
use scenarios::edn::history;
use sim::jepsen::operation::{Atom, Function, Kind, Operation, Process, Step};

const SEND: &str = "{:type :ok, :process 0, :f :send, :value [[:send 0 [5 1]]], :time 7}";

#[test]
fn one_map_per_line_one_vector_and_records_with_tags_are_the_same() {
    let texts = [
        SEND.to_owned(),
        format!("[{SEND}]"),
        format!("({SEND})"),
        format!("#jepsen.history.Op{SEND}"),
        format!("\u{feff}; a comment\n#_{{:type :what}} ,, {SEND} #_ [1 2"),
        "{:f :send :value ((:send 0N (5 1))) :process 0 :time 7 :type :ok :x #inst \"2026\"}"
            .into(),
    ];

    for text in &texts[..4] {
        assert_eq!(read(text), [send()], "{text}");
    }
    assert!(history(&texts[4]).is_err(), "what is discarded must be whole");
    assert_eq!(read(&texts[5]), [send()]);
}

#[test]
fn whatever_else_clojure_prints_is_skipped() {
    let text = r#"{:index 3 :type :info :process :nemesis :f :kill
        :value {"a" \newline, b #{1/2 ##NaN}, :c #:d{:e 1.5M}, #uuid "x" "q\"\u00e9\n"}}"#;

    let [operation] = &read(text)[..] else { panic!("it is one operation") };

    assert_eq!((operation.process, &operation.function), (Process::Other, &Function::Other));
}

#[test]
fn polls_keep_keys_offsets_and_the_keys_that_were_rebalanced() {
    let text = "{:type :ok :process 2 :f :txn :value [[:poll {3 [[42 17] [nil 18]], \"k\" []}]]
        :rebalance-log [{:type :assigned, :keys [3 :k]} {}]}";

    let [operation] = &read(text)[..] else { panic!("it is one operation") };

    let number = Atom::Number;
    let pairs = vec![(Some(42), number(17)), (None, number(18))];
    let keys = vec![(number(3), pairs), (Atom::Text("k".into()), vec![])];
    assert_eq!(operation.function, Function::Txn(vec![Step::Poll(keys)]));
    assert_eq!(operation.rebalanced, [number(3), Atom::Text(":k".into())]);
    assert_eq!(operation.time, None);
}

#[test]
fn every_mistake_has_its_place() {
    let table = [
        ("\n [1", 2, 2, "the text ends before this is closed by `]`"),
        ("{:a}", 1, 1, "this map has a key without a value"),
        ("{} ]", 1, 1, "this operation has no :type"),
        ("]", 1, 1, "`]` closes nothing"),
        ("\"abc", 1, 1, "the text ends before this string does"),
        ("\"\\q\"", 1, 2, "this escape is unknown"),
        ("\"\\u12\"", 1, 2, "`\\u` needs four hexadecimal digits"),
        ("#", 1, 1, "`#` stands before nothing that can be read"),
        ("#_", 1, 3, "the text ends where a value should be"),
        ("12abz", 1, 1, "`12abz` is no number"),
        (":", 1, 1, "this keyword has no name"),
        ("\\", 1, 1, "the text ends where a character should be"),
        ("7", 1, 1, "an operation must be a map, found a number"),
        (
            "{:type :done :process 0}",
            1,
            8,
            "a type is :invoke, :ok, :fail or :info, found a keyword",
        ),
        ("{:type :ok}", 1, 1, "this operation has no :process"),
        ("{:type :ok :process 0}", 1, 1, "this operation has no :f"),
        (
            "{:type :ok :process 0 :f 3}",
            1,
            26,
            "the function of an operation is a keyword, found a number",
        ),
        (
            "{:type :ok :process 0 :f :x :time -1}",
            1,
            35,
            "a time is a number of nanoseconds, found a number",
        ),
        (
            "{:type :ok :process 0 :f :send :value 3}",
            1,
            39,
            "the value of a transaction is a vector of steps, found a number",
        ),
        ("{:type :ok :process 0 :f :send :value [3]}", 1, 40, "this is no step of a transaction"),
        (
            "{:type :ok :process 0 :f :send :value [[:send 0 [-1 1]]]}",
            1,
            50,
            "an offset is a number from 0 to 2^63-1, or nil",
        ),
        (
            "{:type :ok :process 0 :f :send :value [[:send 0 [9999999999999999999 1]]]}",
            1,
            50,
            "an offset is a number from 0 to 2^63-1, or nil",
        ),
        (
            "{:type :ok :process 0 :f :send :value [[:send 1.5 1]]}",
            1,
            47,
            "this number is no integer below 2^63",
        ),
        (
            "{:type :ok :process 0 :f :send :value [[:send nil 1]]}",
            1,
            47,
            "keys and values are numbers, strings or keywords, found nil",
        ),
        (
            "{:type :ok :process 0 :f :poll :value [[:poll 3]]}",
            1,
            47,
            "what a poll returns is a map of keys, found a number",
        ),
        (
            "{:type :ok :process 0 :f :poll :value [[:poll {0 [7]}]]}",
            1,
            51,
            "a value with its offset is written [offset value], found a number",
        ),
        (
            "{:type :ok :process 0 :f :assign :value 3}",
            1,
            41,
            "keys stand in a vector, found a number",
        ),
    ];

    for (text, line, column, message) in table {
        let error = history(text).expect_err(text);
        let place = (error.place.line, error.place.column);
        assert_eq!((place, &*error.message), ((line, column), message), "{text}");
    }
    let deep = history(&"[".repeat(100_000)).expect_err("it is too deep");
    assert_eq!(deep.message, "this is nested too deeply");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), tail in "[\\[\\]{}()#_:;\"\\\\a0-9 ]{0,40}") {
        let read = [history(&text), history(&tail), history(&format!("{SEND}{tail}"))];
        for error in read.into_iter().filter_map(Result::err) {
            assert!(!error.message.is_empty());
        }
    }
}

fn send() -> Operation {
    let (key, value) = (Atom::Number(0), Atom::Number(1));
    Operation {
        kind: Kind::Ok,
        time: Some(7),
        process: Process::Client(0),
        function: Function::Send(vec![Step::Send { key, offset: Some(5), value }]),
        rebalanced: Vec::new(),
    }
}

fn read(text: &str) -> Vec<Operation> {
    let read = history(text).unwrap_or_else(|why| panic!("{text}: {why:?}"));
    read.into_iter().map(|(_, operation)| operation).collect()
}
