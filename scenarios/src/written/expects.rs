//! `[[expect]]`.

use sim::plan::Plan;

use super::layout::{Sheet, Table};
use super::names::Names;
use crate::scenario::{CountRange, Expected, Hope};

/// How often an anomaly is seen that does not say so.
const SEEN: CountRange = CountRange { least: 1, most: None };
/// How often an anomaly is seen that is not expected.
const UNSEEN: CountRange = CountRange { least: 0, most: Some(0) };

/// Writes what should happen, and last every condition that the plan watches.
pub(super) fn expects(expects: &[Expected], (plan, names): (&Plan, Names<'_>), sheet: &mut Sheet) {
    for expected in expects {
        let mut table = Table::default();
        match expected {
            Expected::Claim { claim, hope, count, within } => {
                table.set("claim", claim.name());
                match hope {
                    Hope::Holds => {}
                    Hope::Breaks => table.set("breaks", true),
                    Hope::Untested => table.set("untested", true),
                }
                table.set_some("count", count.map(range));
                table.set_some("within", *within);
            }
            Expected::Anomaly { anomaly, count } => {
                table.set("anomaly", anomaly.name());
                match *count {
                    SEEN => {}
                    UNSEEN => table.set("breaks", false),
                    count => table.set("count", range(count)),
                }
            }
            // The plan's own conditions are the ones that are watched.
            Expected::Reaches { .. } => continue,
        }
        sheet.item("expect", &table);
    }
    for watch in &plan.watches {
        let mut table = Table::default();
        table.set("reaches", names.condition(watch));
        sheet.item("expect", &table);
    }
}

fn range(range: CountRange) -> String {
    match (range.least, range.most) {
        (least, Some(most)) if least == most => least.to_string(),
        (0, Some(most)) => format!("..={most}"),
        (least, Some(most)) => format!("{least}..={most}"),
        (least, None) => format!("{least}.."),
    }
}
