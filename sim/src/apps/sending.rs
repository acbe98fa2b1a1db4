//! A send loop: it calls `send()` and sleeps.

use std::collections::BTreeMap;

use model::ids::{Key, Uid};
use model::time::Time;
use model::turn::{Completion, Returned};

use crate::plan::{Keys, ProducerPlan, SendStyle};
use crate::shape::Stream;

/// Calls `send()` again and again.
#[derive(Clone, Debug)]
pub(crate) struct SendLoop {
    /// Records still to be sent at the loop's own pace.
    left: u32,
    /// Records that a step wants sent at once.
    burst: u32,
    /// When the next record is due.
    due: Time,
    waiting: Waiting,
    flush: Flush,
    keys: KeyChoice,
    /// The file that it reads, if it notes its place in it.
    file: Option<File>,
}

/// A file of lines that an application sends, and how far it knows to have got.
#[derive(Clone, Debug)]
struct File {
    /// The place is noted after so many acknowledged lines.
    every: usize,
    /// The lines that were ever read.
    lines: Vec<Line>,
    /// The line that is sent next.
    next: usize,
    /// Lines sent in this life of the process and not acknowledged.
    open: BTreeMap<Uid, usize>,
}

/// One line of a file.
#[derive(Clone, Debug)]
struct Line {
    key: Option<Key>,
    /// As what it was sent first; `None` until then.
    first: Option<Uid>,
}

/// What a send loop waits for before it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Nothing,
    /// `send()` blocks.
    Return(Uid),
    /// `send().get()` waits for the outcome.
    Outcome(Uid),
}

/// Whether everything sent has been followed by a `flush()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    Due,
    Called,
}

/// What a send loop does when it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextSend {
    /// It calls `send()`.
    Now,
    /// It sleeps until then.
    At(Time),
    /// It calls `flush()`.
    Flush,
    /// It waits, or has nothing left to do.
    Idle,
}

/// Chooses keys: built once, so that a choice allocates nothing.
#[derive(Clone, Debug)]
struct KeyChoice {
    keys: Vec<Key>,
    rule: Keys,
    /// For `Zipf`: the sum of the weights up to each key.
    weights: Vec<u64>,
    next: usize,
    stream: Stream,
}

impl SendLoop {
    pub(crate) fn new(plan: &ProducerPlan) -> SendLoop {
        SendLoop {
            left: plan.records,
            burst: 0,
            due: plan.start,
            waiting: Waiting::Nothing,
            flush: Flush::Called,
            keys: KeyChoice::new(plan.keys),
            file: plan.checkpoint.map(File::new),
        }
    }

    /// Goes on in a new process: from the last place that was noted, if it notes its place.
    pub(crate) fn restart(&mut self) {
        self.waiting = Waiting::Nothing;
        if let Some(file) = &mut self.file {
            self.left += file.go_back();
        }
    }

    /// Wants so many records sent at once.
    pub(crate) fn burst(&mut self, records: u32) {
        self.burst += records;
    }

    /// Chooses the key of the next record.
    pub(crate) fn key(&mut self, seed: u64, name: &str) -> Option<Key> {
        let SendLoop { file, keys, .. } = self;
        match file {
            Some(file) => file.read(|| keys.choose(seed, name)),
            None => keys.choose(seed, name),
        }
    }

    /// `send()` is called for this record, and for the next one at `due` if it has its own
    /// pace; returns as what its line was sent first, if it was sent before.
    pub(crate) fn sent(&mut self, uid: Uid, style: SendStyle, due: Time) -> Option<Uid> {
        if 0 < self.burst {
            self.burst -= 1;
        } else {
            self.left -= 1;
            self.due = due;
        }
        self.flush = Flush::Due;
        self.waiting = after_return(uid, style);
        self.file.as_mut().and_then(|file| file.sent(uid))
    }

    /// That `send()` has not returned yet.
    pub(crate) fn blocked(&mut self, uid: Uid) {
        self.waiting = Waiting::Return(uid);
    }

    /// `flush()` is called.
    pub(crate) fn flushed(&mut self) {
        self.flush = Flush::Called;
    }

    /// Takes in what the producer returned; says whether the loop goes on by that.
    pub(crate) fn on_returned(&mut self, returned: &Returned, style: SendStyle) -> bool {
        match returned {
            Returned::Unblocked(uid) if self.waiting == Waiting::Return(*uid) => {
                self.waiting = after_return(*uid, style);
                true
            }
            Returned::Completed(uids, completion) => {
                if let (Some(file), Completion::Ok(_)) = (&mut self.file, completion) {
                    file.acknowledged(uids);
                }
                let (Waiting::Return(awaited) | Waiting::Outcome(awaited)) = self.waiting else {
                    return false;
                };
                if !uids.contains(&awaited) {
                    return false;
                }
                self.waiting = Waiting::Nothing;
                true
            }
            _ => false,
        }
    }

    /// Decides what it does at `now`.
    pub(crate) fn next(&self, now: Time) -> NextSend {
        if self.waiting != Waiting::Nothing {
            return NextSend::Idle;
        }
        if 0 < self.burst || (0 < self.left && self.due <= now) {
            return NextSend::Now;
        }
        if 0 < self.left {
            return NextSend::At(self.due);
        }
        match self.flush {
            Flush::Due => NextSend::Flush,
            Flush::Called => NextSend::Idle,
        }
    }
}

/// Returns what a loop waits for once `send()` has returned.
fn after_return(uid: Uid, style: SendStyle) -> Waiting {
    match style {
        SendStyle::Sync => Waiting::Outcome(uid),
        SendStyle::FireAndForget | SendStyle::Callback => Waiting::Nothing,
    }
}

impl File {
    fn new(every: u32) -> File {
        let every = every.max(1) as usize;
        File { every, lines: Vec::new(), next: 0, open: BTreeMap::new() }
    }

    /// Reads the next line and returns its key, which `make` gives to one that is new.
    fn read(&mut self, make: impl FnOnce() -> Option<Key>) -> Option<Key> {
        if self.lines.len() <= self.next {
            self.lines.push(Line { key: make(), first: None });
        }
        self.lines[self.next].key.clone()
    }

    /// The line that was read is sent; returns as what it was sent first, if it was.
    fn sent(&mut self, uid: Uid) -> Option<Uid> {
        self.open.insert(uid, self.next);
        let line = &mut self.lines[self.next];
        self.next += 1;
        let before = line.first;
        line.first = before.or(Some(uid));
        before
    }

    fn acknowledged(&mut self, uids: &[Uid]) {
        for uid in uids {
            self.open.remove(uid);
        }
    }

    /// Goes back to the place that was noted last; returns how many lines that is.
    ///
    /// The place never passes a line that failed: only a restart sends it again.
    fn go_back(&mut self) -> u32 {
        let unsure = self.open.values().copied().min().unwrap_or(self.next);
        let noted = unsure / self.every * self.every;
        let back = self.next - noted;
        self.next = noted;
        self.open.clear();
        back as u32
    }
}

impl KeyChoice {
    fn new(rule: Keys) -> KeyChoice {
        let count = match rule {
            Keys::Null => 0,
            Keys::RoundRobin(count) | Keys::Zipf(count) => count,
        };
        let keys = (0..count).map(|key| Key::from(format!("k{key}").into_bytes())).collect();
        let mut weights = Vec::new();
        if let Keys::Zipf(_) = rule {
            weights.extend((1..=u64::from(count)).scan(0, |sum, rank| {
                *sum += (1 << 32) / rank;
                Some(*sum)
            }));
        }
        KeyChoice { keys, rule, weights, next: 0, stream: Stream::default() }
    }

    fn choose(&mut self, seed: u64, name: &str) -> Option<Key> {
        match self.rule {
            Keys::Null => None,
            Keys::RoundRobin(_) => {
                let key = self.keys.get(self.next).cloned();
                self.next = (self.next + 1) % self.keys.len().max(1);
                key
            }
            Keys::Zipf(_) => {
                let total = *self.weights.last()?;
                let drawn = self.stream.get(seed, || format!("keys/{name}")).below(total);
                let place = self.weights.partition_point(|sum| *sum <= drawn);
                Some(self.keys[place].clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::config::ProducerConfig;
    use model::ids::{ClientId, TopicId};
    use model::message::ErrorCode;
    use model::time::Duration;

    use super::*;
    use crate::apps::App;
    use crate::plan::{ClientPlan, ClientRole, Plan, Shape};

    const MS: u64 = 1_000;

    #[test]
    fn a_send_loop_keeps_its_pace_and_flushes_at_its_end() {
        let plan = plan(SendStyle::Callback, 2);
        let mut app = app(&plan);

        app.sent(Uid(0), plan.style, &plan, Time(0));
        let between = app.next_send(Time(5 * MS));
        app.sent(Uid(1), plan.style, &plan, Time(10 * MS));
        let after = app.next_send(Time(10 * MS));
        app.flushed();

        assert_eq!(between, NextSend::At(Time(10 * MS)));
        assert_eq!(after, NextSend::Flush);
        assert_eq!(app.next_send(Time(11 * MS)), NextSend::Idle);
    }

    #[test]
    fn a_synchronous_loop_waits_for_its_outcome() {
        let plan = plan(SendStyle::Sync, 2);
        let mut app = app(&plan);
        app.sent(Uid(4), plan.style, &plan, Time(0));

        let before = app.next_send(Time(50 * MS));
        let role = ClientRole::Producer(plan);
        let done = Returned::Completed(vec![Uid(3), Uid(4)], Completion::Ok(None));
        let woken = app.on_returned(done, &role, Time(60 * MS));

        assert_eq!(before, NextSend::Idle);
        assert_eq!(woken, Some(Time(60 * MS)));
        assert_eq!(app.next_send(Time(60 * MS)), NextSend::Now);
    }

    #[test]
    fn a_blocked_send_delays_the_loop() {
        let plan = plan(SendStyle::Callback, 3);
        let mut app = app(&plan);
        app.sent(Uid(0), plan.style, &plan, Time(0));
        app.blocked(Uid(0));

        let blocked = app.next_send(Time(70 * MS));
        let role = ClientRole::Producer(plan);
        let woken = app.on_returned(Returned::Unblocked(Uid(0)), &role, Time(70 * MS));

        assert_eq!(blocked, NextSend::Idle);
        assert_eq!(woken, Some(Time(70 * MS)));
        assert_eq!(app.next_send(Time(70 * MS)), NextSend::Now);
    }

    #[test]
    fn a_burst_does_not_wait_for_the_pace() {
        let plan = plan(SendStyle::Callback, 0);
        let mut app = app(&plan);

        app.burst(2);
        app.sent(Uid(0), plan.style, &plan, Time(0));

        assert_eq!(app.next_send(Time(0)), NextSend::Now);
    }

    #[test]
    fn a_restart_goes_back_to_the_last_place_that_was_noted() {
        let plan = ProducerPlan { checkpoint: Some(2), ..plan(SendStyle::Callback, 6) };
        let mut app = app(&plan);
        for uid in 0..6 {
            app.key();
            app.sent(Uid(uid), plan.style, &plan, Time(0));
        }
        let role = ClientRole::Producer(plan.clone());
        for (uids, completion) in [
            (vec![Uid(0), Uid(1), Uid(2)], Completion::Ok(None)),
            (vec![Uid(3)], Completion::Error(ErrorCode::MessageTooLarge)),
            (vec![Uid(4)], Completion::Ok(None)),
        ] {
            app.on_returned(Returned::Completed(uids, completion), &role, Time(0));
        }

        app.restart();
        let again: Vec<Option<Uid>> = (6..10)
            .map(|uid| {
                app.key();
                app.sent(Uid(uid), plan.style, &plan, Time(0))
            })
            .collect();

        assert_eq!(again, [2, 3, 4, 5].map(|uid| Some(Uid(uid))));
        assert_eq!(app.next_send(Time(MS)), NextSend::Flush);
    }

    #[test]
    fn a_line_keeps_its_key_when_it_is_sent_again() {
        let keys = Keys::RoundRobin(3);
        let plan = ProducerPlan { checkpoint: Some(10), keys, ..plan(SendStyle::Callback, 2) };
        let mut app = app(&plan);
        let key = |app: &mut App, uid| {
            let key = app.key();
            app.sent(Uid(uid), plan.style, &plan, Time(0));
            key
        };
        let before = [key(&mut app, 0), key(&mut app, 1)];

        app.restart();

        assert_eq!([key(&mut app, 2), key(&mut app, 3)], before);
    }

    #[test]
    fn without_a_checkpoint_a_restart_goes_on_with_the_next_record() {
        let plan = plan(SendStyle::Callback, 2);
        let mut app = app(&plan);
        app.sent(Uid(0), plan.style, &plan, Time(0));

        app.restart();

        assert_eq!(app.sent(Uid(1), plan.style, &plan, Time(0)), None);
        assert_eq!(app.next_send(Time(MS)), NextSend::Flush);
    }

    #[test]
    fn zipf_prefers_the_first_key_as_it_should() {
        let mut choice = KeyChoice::new(Keys::Zipf(2));

        let first = (0..9_000).filter(|_| choice.choose(1, "p").unwrap().as_ref() == b"k0").count();

        assert!(first.abs_diff(6_000) < 200, "{first}");
    }

    #[test]
    fn round_robin_takes_keys_in_turn() {
        let mut choice = KeyChoice::new(Keys::RoundRobin(2));

        let keys: Vec<Key> = (0..3).filter_map(|_| choice.choose(1, "p")).collect();

        assert_eq!(keys, [Key::from(*b"k0"), Key::from(*b"k1"), Key::from(*b"k0")]);
    }

    fn app(plan: &ProducerPlan) -> App {
        let client = ClientPlan { name: "p".into(), role: ClientRole::Producer(plan.clone()) };
        let plan = Plan { clients: vec![client], ..crate::testing::plan(1) };
        App::new(ClientId(0), &plan)
    }

    fn plan(style: SendStyle, records: u32) -> ProducerPlan {
        ProducerPlan {
            topic: TopicId(0),
            partition: None,
            records,
            every: Shape::Fixed(Duration(10 * MS)),
            start: Time::ZERO,
            keys: Keys::Null,
            value_bytes: 100,
            style,
            checkpoint: None,
            config: ProducerConfig::default(),
        }
    }
}
