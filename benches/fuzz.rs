//! Trials as a search runs them: three brokers, a handful of records, one crash, every checker,
//! another seed each time, nothing kept and nothing told.

use scenarios::Overrides;
use sim::{Host, KeepHistory, Options};

use crate::cpu_time;

const TRIAL: &str = include_str!("fuzz.toml");

/// Prints how many trials a second of CPU time holds.
pub fn report(quick: bool) {
    let trials: u64 = if quick { 20 } else { 3_000 };
    let scenario = match scenarios::parse("fuzz.toml", TRIAL, &Overrides::default()) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("fuzz.toml does not parse: {problems:?}"),
    };
    let mut plan = scenario.cases[0].plan.clone();
    let options = Options { keep_history: KeepHistory::No, host: Host::Bare, ..Options::default() };
    let (mut events, mut seconds) = (0, 0.0);
    let start = cpu_time();
    for seed in 0..trials {
        plan.seed = seed;
        let totals = sim::run(&plan, options).totals;
        events += totals.events;
        seconds += totals.end.0 as f64 / 1e6;
    }
    let elapsed = (cpu_time() - start).as_secs_f64();
    let (each, spans) = (events / trials, seconds / trials as f64);
    println!("small trials: {each} events in {spans:.0} virtual seconds each");
    println!("  trials per s        {:>12.0}   (aim: at least 1,000)", trials as f64 / elapsed);
}
