//! The rebalances of a crowd: a hundred members over a thousand partitions, per protocol.

use std::time::Duration;

use model::time::Time;
use scenarios::Overrides;
use sim::verdict::Rebalance;
use sim::{KeepHistory, World};

use crate::cpu_time;

const CROWD: &str = include_str!("crowd.toml");
/// Each protocol with the settings of the group that choose it.
const PROTOCOLS: [(&str, &str); 3] = [
    ("classic, eager", r#""partition.assignment.strategy" = ["range"]"#),
    ("classic, cooperative", r#""partition.assignment.strategy" = ["cooperative-sticky"]"#),
    ("KIP-848", r#""group.protocol" = "consumer""#),
];
/// When the members start, when one of them leaves, and the end.
const STARTS: [Time; 3] = [Time(20_000_000), Time(40_000_000), Time(50_000_000)];

/// Prints the CPU time of the first rebalance and of the one after a member has left.
///
/// `quick` has a tenth of the members and of the partitions.
pub fn report(quick: bool) {
    let (members, partitions) = if quick { (10, 100) } else { (100, 1000) };
    println!("a group of {members} members over {partitions} partitions: CPU time of a rebalance");
    for (name, config) in PROTOCOLS {
        let earliest = r#""auto.offset.reset" = "earliest""#;
        let source = CROWD
            .replace("= 100\n", &format!("= {members}\n"))
            .replace("= 1000\n", &format!("= {partitions}\n"))
            .replace(earliest, &format!("{earliest}, {config}"));
        let [first, further] = cost(&source);
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "  {name:<20} first {:>9.1} ms, a member leaves {:>9.1} ms",
            ms(first),
            ms(further)
        );
    }
    println!("  (aim: at most 1,000 ms each)");
}

/// Returns the CPU time of the spans in which the group rebalances, all else that happens
/// in them included.
fn cost(source: &str) -> [Duration; 2] {
    let scenario = match scenarios::parse("crowd.toml", source, &Overrides::default()) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("crowd.toml does not parse: {problems:?}"),
    };
    let mut world = World::with_history(&scenario.cases[0].plan, KeepHistory::No);
    let spans = STARTS.map(|until| {
        let before = cpu_time();
        while world.next_at().is_some_and(|next| next < until) {
            world.step();
        }
        cpu_time() - before
    });
    while world.step().is_some() {}
    let outcome = world.finish();
    let rebalances = &outcome.judgement.groups[0].rebalances;
    for window in STARTS.windows(2) {
        let ended = |it: &Rebalance| it.ended.is_some_and(|ended| ended < window[1]);
        let began = |it: &&Rebalance| (window[0]..window[1]).contains(&it.began.0);
        let within: Vec<_> = rebalances.iter().filter(began).collect();
        assert!(!within.is_empty(), "the group rebalances");
        assert!(within.into_iter().all(ended), "the group is stable again");
    }
    [spans[1], spans[2]]
}
