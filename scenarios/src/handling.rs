//! Reads `handling`: what an application does with what it polls.

use model::ids::TopicId;
use model::time::Duration;
use sim::plan::{
    AsyncRetry, CommitStyle, Handling, OnFailure, Poison, Shape, Sink, Spread, WorkerCommits,
    Workers,
};

use crate::clients::RECORDS_MAX;
use crate::codes::Code;
use crate::names::Names;
use crate::problems::Problems;
use crate::section::Section;
use crate::tree::{Entry, Node, Value};
use crate::values::{duration, flag, millionths, shape, text, whole, word, wrong_type};

/// More threads than this is no application.
const THREADS_MAX: u64 = 1_000;
const ATTEMPTS_MAX: u64 = 1_000_000;

/// What a file leaves out.
pub(crate) const TAKES: Shape = Shape::Fixed(Duration::from_millis(1));
pub(crate) const RETRY: OnFailure = OnFailure::Retry(Duration::from_secs(1));
pub(crate) const ATTEMPTS: u32 = 3;
pub(crate) const LIES_MILLIONTHS: u32 = 10_000;

/// Reads the table; without one it is an application that works and then commits.
pub(crate) fn read(
    node: Option<&Node>,
    names: &Names,
    problems: &mut Problems<'_>,
) -> Option<Handling> {
    let mut handling = Handling {
        takes: TAKES,
        fails_millionths: 0,
        commit: CommitStyle::default(),
        workers: None,
        sink: Sink::default(),
        poison: None,
        on_failure: OnFailure::default(),
        shed_above: None,
        output: None,
    };
    let Some(node) = node else { return Some(handling) };
    let mut section = Section::open(node, "`handling`", problems)?;
    if let Some(takes) = section.take("takes").and_then(|node| shape(node, problems)) {
        handling.takes = takes;
    }
    let fails = section.take("fails");
    handling.fails_millionths = fails.and_then(|node| millionths(node, problems)).unwrap_or(0);
    let sink = section.take("sink");
    handling.sink = sink.and_then(|node| self::sink(node, problems)).unwrap_or_default();
    handling.commit = commit(&mut section, handling.sink, problems);
    let workers = section.take("workers");
    handling.workers = workers.and_then(|node| self::workers(node, handling.commit, problems));
    let poison = section.take("poison");
    handling.poison = poison.and_then(|node| self::poison(node, problems));
    if let Some(entry) = section.take_entry("on-poison") {
        if fails.or(poison).is_none() {
            problems
                .error(Code::Contradiction, entry.name_span, "nothing fails in this application")
                .help("`on-poison` goes with `poison` or `fails`.");
        }
        handling.on_failure = on_failure(&entry.node, names, problems).unwrap_or_default();
    }
    let shed = section.take("shed-above");
    handling.shed_above = shed.and_then(|node| whole(node, 0..=RECORDS_MAX, problems));
    section.finish(problems);
    Some(handling)
}

/// Reads `then` and `retry-async`.
fn commit(section: &mut Section<'_>, sink: Sink, problems: &mut Problems<'_>) -> CommitStyle {
    const CHOICES: [(&str, CommitStyle); 6] = [
        ("commit-before", CommitStyle::Before),
        ("commit-after", CommitStyle::After),
        ("commit-each", CommitStyle::Each),
        ("commit-async", CommitStyle::Async(AsyncRetry::Never)),
        ("auto", CommitStyle::Auto),
        ("none", CommitStyle::Never),
    ];
    const RETRIES: [(&str, AsyncRetry); 3] = [
        ("never", AsyncRetry::Never),
        ("naive", AsyncRetry::Naive),
        ("by-sequence", AsyncRetry::BySequence),
    ];
    let (then, retry) = (section.take_entry("then"), section.take_entry("retry-async"));
    let mut style = usual_commit(sink);
    if let Some(then) = then {
        let is_transaction = matches!(&then.node.value, Value::Text(it) if it == "transaction");
        if is_transaction {
            problems.not_yet(then.node.span, "an application that commits in a transaction");
        } else if let Some(chosen) = word(&then.node, &CHOICES, problems) {
            if sink == Sink::WithOffsets && chosen != CommitStyle::Never {
                let message = "the sink keeps the offsets: nothing is committed to Kafka";
                problems
                    .error(Code::Contradiction, then.node.span, message)
                    .label("leave `then` out, or write \"none\"");
            }
            style = chosen;
        }
    }
    let Some(retry) = retry else { return style };
    let chosen = word(&retry.node, &RETRIES, problems).unwrap_or_default();
    if !matches!(style, CommitStyle::Async(_)) {
        problems
            .error(Code::Contradiction, retry.name_span, "only `commitAsync` is ever retried")
            .help("`retry-async` goes with then = \"commit-async\".");
        return style;
    }
    CommitStyle::Async(chosen)
}

/// Returns when an application commits that does not say so.
pub(crate) fn usual_commit(sink: Sink) -> CommitStyle {
    match sink {
        Sink::WithOffsets => CommitStyle::Never,
        _ => CommitStyle::default(),
    }
}

/// Reads `workers`: a number of threads, or a table.
fn workers(node: &Node, style: CommitStyle, problems: &mut Problems<'_>) -> Option<Workers> {
    let (spread, commits) = (Spread::default(), WorkerCommits::default());
    if !matches!(node.value, Value::Table(_)) {
        let threads = whole(node, 1..=THREADS_MAX, problems)? as u16;
        return Some(Workers { threads, spread, queue: None, commits });
    }
    const CHOICES: [(&str, WorkerCommits); 3] = [
        ("contiguous", WorkerCommits::Contiguous),
        ("own", WorkerCommits::Own),
        ("polled", WorkerCommits::Polled),
    ];
    let mut section = Section::open(node, "`workers`", problems)?;
    let threads = section.need("threads", "`workers`", problems);
    let threads = threads.and_then(|node| whole(node, 1..=THREADS_MAX, problems));
    let by_key = section.take("by-key").and_then(|node| flag(node, problems));
    let queue = section.take("queue").and_then(|node| whole(node, 1..=RECORDS_MAX, problems));
    let commits = section.take_entry("commits");
    section.finish(problems);
    if let Some(entry) = commits
        && matches!(style, CommitStyle::Before | CommitStyle::Auto | CommitStyle::Never)
    {
        let message = "this application does not commit what its workers finish";
        problems
            .error(Code::Contradiction, entry.name_span, message)
            .help("`commits` goes with commit-after, commit-each and commit-async.");
    }
    let commits = commits.and_then(|entry| word(&entry.node, &CHOICES, problems));
    Some(Workers {
        threads: threads? as u16,
        spread: if by_key == Some(true) { Spread::ByKey } else { spread },
        queue: queue.map(|queue| queue as u32),
        commits: commits.unwrap_or_default(),
    })
}

/// Reads `sink`: a word, or `{ bloom = share }`.
fn sink(node: &Node, problems: &mut Problems<'_>) -> Option<Sink> {
    const CHOICES: [(&str, Sink); 7] = [
        ("append", Sink::Append),
        ("unique-key", Sink::UniqueKey),
        ("version-check", Sink::VersionCheck),
        ("with-offsets", Sink::WithOffsets),
        ("setnx-before", Sink::SetnxBefore),
        ("setnx-after", Sink::SetnxAfter),
        ("bloom", Sink::Bloom { lies_millionths: LIES_MILLIONTHS }),
    ];
    if !matches!(node.value, Value::Table(_)) {
        return word(node, &CHOICES, problems);
    }
    let mut section = Section::open(node, "`sink`", problems)?;
    let lies = section.need("bloom", "`sink`", problems);
    section.finish(problems);
    let lies_millionths = millionths(lies?, problems)?;
    Some(Sink::Bloom { lies_millionths })
}

/// Reads `poison`: `{ every = 50 }` or `{ at-offset = 17 }`.
fn poison(node: &Node, problems: &mut Problems<'_>) -> Option<Poison> {
    let mut section = Section::open(node, "`poison`", problems)?;
    let (every, offset) = (section.take_entry("every"), section.take_entry("at-offset"));
    let span = section.span;
    section.finish(problems);
    match (every, offset) {
        (Some(every), None) => {
            let every = whole(&every.node, 1..=RECORDS_MAX, problems)?;
            Some(Poison::EveryNth(every as u32))
        }
        (None, Some(offset)) => {
            whole(&offset.node, 0..=i64::MAX as u64, problems).map(Poison::AtOffset)
        }
        (Some(_), Some(second)) => {
            exclude("every", second, problems);
            None
        }
        (None, None) => {
            problems
                .error(Code::Missing, span, "this does not say which records fail")
                .help("Write { every = 50 } or { at-offset = 17 }.");
            None
        }
    }
}

/// Reads `on-poison`: a word, `{ retry = pause }` or `{ dead-letter = topic, attempts }`.
fn on_failure(node: &Node, names: &Names, problems: &mut Problems<'_>) -> Option<OnFailure> {
    const CHOICES: [(&str, OnFailure); 4] = [
        ("stop", OnFailure::Stop),
        ("crash", OnFailure::Crash),
        ("skip", OnFailure::Skip),
        ("retry", RETRY),
    ];
    match &node.value {
        Value::Table(_) => {}
        Value::Text(text) if text == "dead-letter" => {
            problems
                .error(Code::Missing, node.span, "a dead letter needs a topic")
                .help("Write { dead-letter = \"orders-dlq\", attempts = 3 }.");
            return None;
        }
        Value::Text(_) => return word(node, &CHOICES, problems),
        _ => {
            wrong_type(node, "a word such as \"skip\", or a table", problems);
            return None;
        }
    }
    let mut section = Section::open(node, "`on-poison`", problems)?;
    let (retry, letter) = (section.take_entry("retry"), section.take_entry("dead-letter"));
    let attempts = section.take_entry("attempts");
    let span = section.span;
    section.finish(problems);
    match (retry, letter) {
        (Some(_), Some(second)) => {
            exclude("retry", second, problems);
            None
        }
        (Some(retry), None) => {
            if let Some(entry) = attempts {
                let message = "`attempts` goes with `dead-letter`: `retry` never gives up";
                problems.error(Code::Contradiction, entry.name_span, message);
            }
            duration(&retry.node, problems).map(OnFailure::Retry)
        }
        (None, Some(letter)) => {
            let attempts =
                attempts.and_then(|entry| whole(&entry.node, 1..=ATTEMPTS_MAX, problems));
            let topic = topic(&letter.node, names, problems)?;
            let attempts = attempts.map_or(ATTEMPTS, |attempts| attempts as u32);
            Some(OnFailure::DeadLetter { topic, attempts })
        }
        (None, None) => {
            problems
                .error(Code::Missing, span, "this does not say what happens to the record")
                .help("Write { retry = \"1s\" } or { dead-letter = \"orders-dlq\" }.");
            None
        }
    }
}

/// Reads the name of a topic.
pub(crate) fn topic(node: &Node, names: &Names, problems: &mut Problems<'_>) -> Option<TopicId> {
    names.topic(text(node, problems)?, node.span, problems)
}

fn exclude(first: &str, second: &Entry, problems: &mut Problems<'_>) {
    let message = format!("`{first}` and `{}` exclude each other", second.name);
    problems.error(Code::Contradiction, second.name_span, message);
}
