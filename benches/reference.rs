//! The reference workload beside a bare event loop that moves as many messages.
//!
//! `cargo bench --bench reference` prints both sides of one run. The machine's speed cancels
//! out of the ratio; the other figures compare runs on one machine only. All times are CPU
//! times, so that a busy machine does not matter much. `-- --quick` simulates a tenth of the
//! time and runs each side once, to show that it still works.

mod crowd;
mod fuzz;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Duration;

use model::chance::Rng;
use rustix::time::{ClockId, clock_gettime};
use scenarios::{Overrides, Scenario};
use sim::outcome::Totals;
use sim::{Host, KeepHistory, Options};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WORKLOAD: &str = include_str!("reference.toml");
const TRIAL: &str = "../scenarios/library/partition/acks1-leader-crash.toml";

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { 1 } else { 5 };
    let source = if quick {
        WORKLOAD.replace("\"600s\"", "\"60s\"").replace("599_000", "59_000")
    } else {
        WORKLOAD.to_owned()
    };

    let workload = parse("reference.toml", &source);
    let (totals, simulated) = fastest(rounds, || run(&workload));
    let (_, bare) = fastest(rounds, || bare_loop(totals.messages));
    let seconds = totals.end.0 as f64 / 1e6;

    println!("reference workload: {seconds:.0} virtual seconds");
    println!("  events              {:>12}", totals.events);
    println!("  messages            {:>12}", totals.messages);
    println!("  facts               {:>12}", totals.entries);
    println!("  simulation          {:>12.1} ms", simulated.as_secs_f64() * 1e3);
    println!("  bare event loop     {:>12.1} ms", bare.as_secs_f64() * 1e3);
    println!(
        "  virtual s per s     {:>12.0}   (aim: at least 1,000)",
        seconds / simulated.as_secs_f64()
    );
    println!(
        "  against bare loop   {:>12.2} x (aim: at most 4)",
        simulated.as_secs_f64() / bare.as_secs_f64()
    );
    println!(
        "  per message         {:>12.0} ns",
        simulated.as_secs_f64() * 1e9 / totals.messages as f64
    );

    let lesson =
        parse(TRIAL, include_str!("../scenarios/library/partition/acks1-leader-crash.toml"));
    let trials = if quick { 10 } else { 200 };
    let (_, elapsed) = fastest(rounds, || (0..trials).map(|_| run(&lesson).messages).sum::<u64>());
    println!(
        "a library scenario without its report: {:.2} ms",
        elapsed.as_secs_f64() * 1e3 / f64::from(trials)
    );

    fuzz::report(quick);
    crowd::report(quick);
}

/// Returns the CPU time that this process has used.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn parse(name: &str, source: &str) -> Scenario {
    match scenarios::parse(name, source, &Overrides::default()) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{name} does not parse: {problems:?}"),
    }
}

fn run(scenario: &Scenario) -> Totals {
    let options =
        Options { keep_history: KeepHistory::No, host: Host::Madsim, ..Options::default() };
    scenarios::run(scenario, 0, scenario.seed, options).outcome.totals
}

/// Moves `messages` between five nodes with a heap of events and a small change of state each.
fn bare_loop(messages: u64) -> u64 {
    let mut rng = Rng::fork(7, "bare");
    let mut heap = BinaryHeap::new();
    let mut received = [0_u64; 5];
    for ordinal in 0..16 {
        heap.push(Reverse((500 + rng.below(2_000), ordinal % 5, ordinal)));
    }
    for ordinal in 16..messages + 16 {
        let Reverse((now, node, payload)) = heap.pop().expect("each event makes the next");
        received[node as usize] = received[node as usize].wrapping_add(payload);
        heap.push(Reverse((now + 500 + rng.below(2_000), payload % 5, ordinal)));
    }
    black_box(received.iter().sum())
}

fn fastest<T>(rounds: u32, mut work: impl FnMut() -> T) -> (T, Duration) {
    let mut best: Option<(T, Duration)> = None;
    for _ in 0..rounds {
        let start = cpu_time();
        let result = black_box(work());
        let elapsed = cpu_time() - start;
        if best.as_ref().is_none_or(|(_, fastest)| elapsed < *fastest) {
            best = Some((result, elapsed));
        }
    }
    best.expect("there is at least one round")
}
