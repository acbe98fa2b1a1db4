//! Small histories, each with what is wrong with it.

use super::operation::{Atom, Function, Kind, Operation, Process, Step};
use super::{Anomaly, Instance, Judgement, Unjudgeable, WriteOrder, judge};

/// A history that is being written.
#[derive(Default)]
struct History(Vec<Operation>);

impl History {
    fn note(mut self, process: u64, kind: Kind, function: Function) -> History {
        let time = Some(self.0.len() as u64);
        let process = Process::Client(process);
        self.0.push(Operation { kind, time, process, function, rebalanced: Vec::new() });
        self
    }

    /// Values of key 0 are sent and land at these offsets.
    fn send(self, process: u64, kind: Kind, placed: &[(Option<u64>, i64)]) -> History {
        let steps = |keep: bool| {
            let of = |(offset, value): &(Option<u64>, i64)| Step::Send {
                key: Atom::Number(0),
                offset: offset.filter(|_| keep),
                value: Atom::Number(*value),
            };
            Function::Send(placed.iter().map(of).collect())
        };
        self.note(process, Kind::Invoke, steps(false)).note(process, kind, steps(true))
    }

    fn poll(self, process: u64, kind: Kind, pairs: &[(u64, i64)]) -> History {
        let invoke = self.note(process, Kind::Invoke, Function::Poll(vec![Step::Poll(vec![])]));
        invoke.note(process, kind, polled(pairs))
    }

    fn found(&self, order: WriteOrder) -> Vec<&'static str> {
        let judgement = self.judged(order).expect("it can be judged");
        judgement.anomalies.keys().map(|it| it.name()).collect()
    }

    fn judged(&self, order: WriteOrder) -> Result<Judgement, Unjudgeable> {
        judge(&self.0, order)
    }
}

fn polled(pairs: &[(u64, i64)]) -> Function {
    let pairs = pairs.iter().map(|(offset, value)| (Some(*offset), Atom::Number(*value)));
    Function::Poll(vec![Step::Poll(vec![(Atom::Number(0), pairs.collect())])])
}

#[test]
fn what_was_acknowledged_and_never_read_is_unseen() {
    let history = History::default()
        .send(0, Kind::Ok, &[(Some(0), 1)])
        .send(0, Kind::Ok, &[(Some(1), 2)])
        .poll(1, Kind::Ok, &[(0, 1)]);

    assert_eq!(history.found(WriteOrder::Ignored), ["unseen"]);
}

#[test]
fn what_is_polled_before_its_send_is_known_is_unseen_until_the_next_operation() {
    let sent = || History::default().send(0, Kind::Info, &[(None, 1)]);

    let last = sent().poll(1, Kind::Ok, &[(0, 1)]);
    assert_eq!(last.found(WriteOrder::Ignored), ["unseen"]);
    let more = sent().poll(1, Kind::Ok, &[(0, 1)]).poll(1, Kind::Ok, &[]);
    assert_eq!(more.found(WriteOrder::Ignored), Vec::<&str>::new());
}

#[test]
fn a_window_of_sends_that_lands_in_reverse_is_seen() {
    let history = History::default().send(0, Kind::Ok, &[(Some(1), 1), (Some(0), 2)]).poll(
        1,
        Kind::Ok,
        &[(0, 2), (1, 1)],
    );

    assert_eq!(history.found(WriteOrder::Ignored), ["int-nonmonotonic-send"]);
}

#[test]
fn a_poll_that_jumps_over_a_value_or_reads_one_twice_is_seen() {
    let sent = || History::default().send(0, Kind::Ok, &[(Some(0), 1), (Some(1), 2), (Some(2), 3)]);
    let all = [(0, 1), (1, 2), (2, 3)];

    let skip = sent().poll(1, Kind::Ok, &[(0, 1), (2, 3)]).poll(2, Kind::Ok, &all);
    assert_eq!(skip.found(WriteOrder::Ignored), ["int-poll-skip"]);
    let again = sent().poll(1, Kind::Ok, &all).poll(1, Kind::Fail, &[(2, 3)]);
    assert_eq!(again.found(WriteOrder::Ignored), ["nonmonotonic-poll"]);
}

#[test]
fn sends_of_unknown_outcome_must_be_read_once_one_of_them_was() {
    let rest = |history: History| {
        history.send(2, Kind::Ok, &[(Some(2), 3)]).poll(1, Kind::Ok, &[(0, 1), (2, 3)])
    };

    let placed = rest(History::default().send(0, Kind::Info, &[(Some(0), 1), (Some(1), 2)]));
    assert_eq!(placed.found(WriteOrder::Ignored)[0], "lost-write");
    let bare = rest(History::default().send(0, Kind::Info, &[(Some(0), 1), (None, 2)]));
    assert!(!bare.found(WriteOrder::Ignored).contains(&"lost-write"));
}

#[test]
fn one_component_may_hold_a_circle_of_reads_and_one_of_time() {
    // The log has 2 before 1, though 1 was acknowledged before 2 was sent; and the two
    // transactions read from each other.
    let both = |value: i64, offset: u64, read: (u64, i64)| {
        let key = Atom::Number(0);
        let (offset, value) = (Some(offset), Atom::Number(value));
        let send = Step::Send { key: key.clone(), offset, value };
        let read = vec![(key, vec![(Some(read.0), Atom::Number(read.1))])];
        Function::Txn(vec![send, Step::Poll(read)])
    };
    let history = History::default()
        .note(0, Kind::Invoke, Function::Txn(vec![]))
        .note(0, Kind::Ok, both(1, 1, (0, 2)))
        .note(1, Kind::Invoke, Function::Txn(vec![]))
        .note(1, Kind::Ok, both(2, 0, (1, 1)));

    let found = history.found(WriteOrder::Inferred);
    let circles = ["G0-realtime", "G1c", "PL-2-cycle-exists", "strong-PL-1-cycle-exists"];
    assert!(circles.iter().all(|it| found.contains(it)), "{found:?}");
}

#[test]
fn a_circle_is_told_in_its_order() {
    let history = History::default()
        .note(0, Kind::Invoke, Function::Send(vec![]))
        .send(1, Kind::Ok, &[(Some(1), 2)])
        .note(0, Kind::Ok, sends(&[(0, 1), (2, 3)]));

    let judgement = history.judged(WriteOrder::Inferred).expect("it can be judged");
    let circle = Instance { operations: vec![2, 3], ..Instance::default() };
    assert_eq!(judgement.anomalies.get(&Anomaly::WriteCycle), Some(&vec![circle]));
}

#[test]
fn a_long_history_needs_no_deep_stack() {
    const LONG: u64 = 20_000;
    let mut history = History::default();
    for at in 0..LONG {
        history = history.send(0, Kind::Ok, &[(Some(at), at as i64)]);
    }
    let all: Vec<(u64, i64)> = (0..LONG).map(|at| (at, at as i64)).collect();

    let history = history.poll(1, Kind::Ok, &all);
    assert_eq!(history.found(WriteOrder::Inferred), Vec::<&str>::new());
}

#[test]
fn processes_do_one_thing_at_a_time_and_values_come_from_somewhere() {
    let twice = History::default().note(0, Kind::Invoke, sends(&[(0, 1)])).note(
        0,
        Kind::Invoke,
        sends(&[(1, 2)]),
    );
    let never = History::default().note(0, Kind::Ok, sends(&[(0, 1)]));
    let nobody = History::default().poll(1, Kind::Ok, &[(0, 77)]);

    let refused = |history: History| history.judged(WriteOrder::Ignored).expect_err("it cannot");
    assert_eq!(refused(twice), Unjudgeable::DoubleInvoke { at: 1, open: 0 });
    assert_eq!(refused(never), Unjudgeable::NotRunning { at: 0 });
    let (key, value) = (Atom::Number(0), Atom::Number(77));
    assert_eq!(refused(nobody), Unjudgeable::NoWriter { at: 1, key, value });
}

#[test]
fn the_largest_offsets_are_no_trouble() {
    let history = History::default()
        .send(0, Kind::Ok, &[(Some(u64::MAX - 1), 1), (Some(u64::MAX), 2)])
        .poll(1, Kind::Ok, &[(u64::MAX - 1, 1), (u64::MAX, 2)]);

    assert_eq!(history.found(WriteOrder::Inferred), Vec::<&str>::new());
}

fn sends(placed: &[(u64, i64)]) -> Function {
    let of = |(offset, value): &(u64, i64)| Step::Send {
        key: Atom::Number(0),
        offset: Some(*offset),
        value: Atom::Number(*value),
    };
    Function::Send(placed.iter().map(of).collect())
}
