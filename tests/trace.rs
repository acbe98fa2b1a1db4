//! Traces of the whole library: a trace tells the same as the history that it comes from.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};

use model::ids::NodeId;
use reports::story::Story;
use reports::trace::Trace;
use reports::trace::state::State;
use scenarios::{Overrides, library};
use serde_json::json;
use sim::Options;

use crate::library::with_story;

#[test]
fn the_last_state_is_that_of_the_replicas_at_the_end() {
    let mut differences = Vec::new();
    each(|story, trace| {
        let state = State::at(trace, trace.end);
        for replica in &story.outcome.replicas {
            let Some(place) = trace.partition(replica.partition) else { continue };
            let at = trace.actor(NodeId::Broker(replica.broker)).expect("a broker has a lane");
            let (partition, name) = (&state.partitions[place], &trace.partitions[place].name);
            let seen = &partition.replicas[&at];
            let records: i64 = seen.batches.values().sum();
            let shown = (
                (seen.start, seen.end, seen.high_watermark, records),
                (partition.leader == Some(at), partition.isr.contains(&at)),
            );
            let (start, end) = (replica.start.0 as i64, replica.end.0 as i64);
            let held: usize = replica.batches.iter().map(|it| it.records.list().len()).sum();
            let really = (
                (start, end, replica.high_watermark.0 as i64, held as i64),
                (replica.leads, replica.in_isr),
            );
            if shown != really {
                let actor = &trace.actors[at].name;
                let scenario = story.scenario;
                differences.push(format!("{scenario} {name} {actor}: {shown:?}, not {really:?}"));
            }
        }
    });

    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_kind_of_fact_and_arrow_occurs_somewhere() {
    let (mut kinds, mut arrows) = (BTreeSet::new(), BTreeSet::new());
    each(|_, trace| {
        kinds.extend(trace.facts.iter().map(|fact| fact.kind));
        arrows.extend(trace.messages.iter().map(|message| message.arrow));
    });

    let all = reports::trace::FactKind::ALL.iter();
    let missing: Vec<_> = all.filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "facts that no trace shows: {missing:?}");
    assert_eq!(arrows.len(), reports::trace::Arrow::ALL.len());
}

/// Times at which the states of a trace are compared: many of a small one, few of a big one.
fn samples(trace: &Trace) -> u64 {
    match trace.facts.len() {
        0..2_000 => 12,
        2_000..10_000 => 3,
        _ => 1,
    }
}

#[test]
fn the_player_of_the_page_folds_to_the_same_states() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/src/page/fold_check.js");
    let node =
        Command::new("node").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut node) = node else {
        eprintln!("skipped: node is not installed, so the page's player cannot be run");
        return;
    };
    let mut stdin = BufWriter::new(node.stdin.take().expect("its input is a pipe"));
    each(|story, trace| {
        let samples = samples(trace);
        let mut state = State::new(trace);
        let states: Vec<_> = (1..=samples)
            .map(|sample| {
                state.go_to(trace, trace.end * sample / samples);
                state.json(trace)
            })
            .collect();
        let line = json!({ "name": story.scenario, "trace": trace.json(), "states": states });
        writeln!(stdin, "{line}").expect("node reads on");
    });
    stdin.flush().expect("node reads on");
    drop(stdin);

    let output = node.wait_with_output().expect("node ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Does something with the trace of every case of every scenario.
pub fn each(mut f: impl FnMut(&Story<'_>, &Trace)) {
    for entry in library() {
        let (scenario, _) = scenarios::parse(entry.name, entry.source, &Overrides::default())
            .expect("a library scenario loads");
        for place in 0..scenario.cases.len() {
            let trial = scenarios::run(&scenario, place, scenario.seed, Options::default());
            with_story(&scenario, place, &trial, |story| f(story, story.trace));
        }
    }
}
