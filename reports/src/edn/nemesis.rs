//! What was done to the cluster, as the operations of a nemesis.

use serde_json::{Map, Value, json};

use crate::trace::{FactKind, NONE, Trace, TraceFact};

/// Returns the function and the value of a fault; `None` if the fact is none.
pub(super) fn nemesis(trace: &Trace, fact: &TraceFact) -> Option<(&'static str, Value)> {
    let name = function(fact)?;
    let who = || trace.name(fact.actor);
    let partition = || fact.place().map(|place| trace.partitions[place].name.as_str());
    let fields = match fact.kind {
        FactKind::Up => json!({ "node": who(), "incarnation": fact.value }),
        FactKind::Took => json!({
            "node": who(), "partition": partition(), "from": fact.other, "to": fact.value,
        }),
        FactKind::Released => json!({ "messages": fact.value }),
        FactKind::ClockJump => json!({ "node": who(), "by_micros": fact.value }),
        FactKind::ClockDrift => json!({ "node": who(), "ppm": fact.value }),
        FactKind::Mark => Value::Object(Map::new()),
        FactKind::Ruled => {
            let rule = usize::try_from(fact.value).ok().and_then(|it| trace.ruled.get(it))?;
            let by = (fact.more != NONE).then(|| fact.more.saturating_mul(1_000));
            json!({
                "from": who(), "to": trace.name(fact.peer), "step": rule.step,
                "message": rule.message, "fate": rule.fate, "by": by,
            })
        }
        _ if fact.peer != NONE => json!({ "from": who(), "to": trace.name(fact.peer) }),
        _ => json!({ "node": who() }),
    };
    Some((name, fields))
}

fn function(fact: &TraceFact) -> Option<&'static str> {
    Some(match (fact.kind, fact.value) {
        (FactKind::Up, _) => "started",
        (FactKind::Down, 0) => "crashed",
        (FactKind::Down, 1) => "power-lost",
        (FactKind::Down, _) => "exited",
        (FactKind::Took, _) => "unsynced-lost",
        (FactKind::Stop, _) => "shutdown-asked",
        (FactKind::Pause, _) => "paused",
        (FactKind::Resume, _) => "resumed",
        (FactKind::LinkCut, _) => "link-cut",
        (FactKind::LinkHealed, _) => "link-healed",
        (FactKind::LinkSlow, _) => "link-slow",
        (FactKind::LinkUsual, _) => "link-usual",
        (FactKind::LinkReset, _) => "reset",
        (FactKind::Ruled, _) => "rule-applied",
        (FactKind::Released, _) => "released",
        (FactKind::DiskSlow, _) => "disk-slow",
        (FactKind::DiskStalled, _) => "disk-stalled",
        (FactKind::DiskUsual, _) => "disk-usual",
        (FactKind::ClockJump, _) => "clock-jumped",
        (FactKind::ClockDrift, _) => "clock-drifts",
        (FactKind::Mark, _) => "marked",
        _ => return None,
    })
}
