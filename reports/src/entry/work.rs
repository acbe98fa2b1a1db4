//! What applications did with their records (stream `op`).

use model::fact::{CopyPurpose, EffectOutcome, WorkEvent, WorkFact, WorkOutcome};
use model::ids::NodeId;

use super::{Carried, Field, Parts};

/// Takes what an application did apart.
pub(super) fn parts(fact: &WorkFact) -> Parts {
    let word = |name, word: &str| -> Field { (name, Carried::Word(word.to_owned())) };
    let mut fields = vec![
        ("partition", Carried::Partition(fact.partition)),
        ("offset", Carried::Offset(fact.offset)),
        ("uids", Carried::Records(vec![fact.uid])),
    ];
    let kind = match fact.what {
        WorkEvent::Began(thread) => {
            fields.push(("thread", Carried::Number(i64::from(thread))));
            "work-began"
        }
        WorkEvent::Ended(outcome) => {
            fields.push(word("outcome", outcome_name(outcome)));
            "work-ended"
        }
        WorkEvent::Effect(outcome) => {
            let outcome = match outcome {
                EffectOutcome::Applied => "applied",
                EffectOutcome::Refused => "refused",
            };
            fields.push(word("outcome", outcome));
            "effect"
        }
        WorkEvent::CopySent { copy, purpose } => {
            let purpose = match purpose {
                CopyPurpose::DeadLetter => "dead-letter",
                CopyPurpose::Output => "output",
            };
            fields.push(("copy", Carried::Records(vec![copy])));
            fields.push(word("purpose", purpose));
            "copy-sent"
        }
    };
    Parts { stream: "op", kind, node: Some(NodeId::Client(fact.client)), fields }
}

fn outcome_name(outcome: WorkOutcome) -> &'static str {
    match outcome {
        WorkOutcome::Done => "done",
        WorkOutcome::Failed => "failed",
        WorkOutcome::Skipped => "skipped",
        WorkOutcome::Shed => "shed",
        WorkOutcome::Parked => "parked",
        WorkOutcome::HandedOn => "handed-on",
        WorkOutcome::TakenForRepeat => "taken-for-repeat",
    }
}
