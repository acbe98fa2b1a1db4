//! Conditions: what `when` waits for and `reaches` watches, such as `isr(orders-0) == 1`.

use std::sync::Arc;

use model::ids::{BrokerId, TopicPartition};
use sim::plan::{Comparison, Condition, Quantity};

use crate::codes::Code;
use crate::expression::{Call, Cursor, Token};
use crate::names::{ClientKind, Names};
use crate::problems::{Problems, Span, nearest};
use crate::tree::Node;
use crate::values::text;

/// How deep parentheses and `not` may nest.
const DEPTH_MAX: usize = 32;

const CODE: Code = Code::BadCondition;

const FACTS: [&str; 11] = [
    "isr",
    "hw",
    "leo",
    "epoch",
    "leader",
    "acknowledged",
    "in-doubt",
    "sent",
    "polled",
    "unfenced",
    "seen",
];

/// Reads a condition.
pub(crate) fn condition(
    node: &Node,
    names: &Names,
    problems: &mut Problems<'_>,
) -> Option<Condition> {
    let text = text(node, problems)?;
    let cursor = Cursor::new(text, node.span, CODE, problems)?;
    let mut reader = Reader { cursor, names, depth: 0 };
    let condition = reader.either(problems)?;
    reader.cursor.finish(problems)?;
    Some(condition)
}

struct Reader<'e, 'n> {
    cursor: Cursor<'e>,
    names: &'n Names,
    depth: usize,
}

impl<'e> Reader<'e, '_> {
    fn either(&mut self, problems: &mut Problems<'_>) -> Option<Condition> {
        let mut left = self.both(problems)?;
        while self.cursor.accept(Token::Word("or")) {
            left = Condition::Or(Box::new(left), Box::new(self.both(problems)?));
        }
        Some(left)
    }

    fn both(&mut self, problems: &mut Problems<'_>) -> Option<Condition> {
        let mut left = self.term(problems)?;
        while self.cursor.accept(Token::Word("and")) {
            left = Condition::And(Box::new(left), Box::new(self.term(problems)?));
        }
        Some(left)
    }

    fn term(&mut self, problems: &mut Problems<'_>) -> Option<Condition> {
        if self.depth == DEPTH_MAX {
            problems.error(CODE, self.cursor.span(), "this condition nests too deeply");
            return None;
        }
        self.depth += 1;
        let read = self.term_inside(problems);
        self.depth -= 1;
        read
    }

    fn term_inside(&mut self, problems: &mut Problems<'_>) -> Option<Condition> {
        if self.cursor.accept(Token::Word("not")) {
            return Some(Condition::Not(Box::new(self.term(problems)?)));
        }
        if self.cursor.accept(Token::Open) {
            let inside = self.either(problems)?;
            if !self.cursor.accept(Token::Close) {
                self.cursor.expected("`)`", problems);
                return None;
            }
            return Some(inside);
        }
        let call = self.cursor.call("a fact", problems)?;
        match call.name {
            "seen" => self.seen(&call, problems),
            "leader" => self.leader(&call, problems),
            _ => self.comparison(&call, problems),
        }
    }

    fn seen(&self, call: &Call<'_>, problems: &mut Problems<'_>) -> Option<Condition> {
        let [(marker, span)] = call.arguments(CODE, problems)?;
        if self.names.markers.iter().any(|known| known == marker) {
            return Some(Condition::Seen(Arc::from(marker)));
        }
        let message = format!("no step sets the marker `{marker}`");
        let problem = problems.error(CODE, span, message);
        match nearest(marker, self.names.markers.iter().map(String::as_str)) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.help(format!("Set it in a step: mark = \"{marker}\".")),
        };
        None
    }

    fn leader(&mut self, call: &Call<'_>, problems: &mut Problems<'_>) -> Option<Condition> {
        let [(name, span)] = call.arguments(CODE, problems)?;
        let partition = self.names.partition(name, span, problems);
        let sign_span = self.cursor.span();
        let sign = self.sign(problems)?;
        if !matches!(sign, Comparison::Equal | Comparison::NotEqual) {
            problems.error(CODE, sign_span, "a leader can only be compared with `==` or `!=`");
            return None;
        }
        let (word, word_span) = self.cursor.word("a broker or `none`", problems)?;
        let broker = match word {
            "none" => None,
            _ => Some(self.names.broker_named(word, word_span, problems)?),
        };
        Some(Condition::LeaderIs(partition?, sign, broker))
    }

    fn comparison(&mut self, call: &Call<'_>, problems: &mut Problems<'_>) -> Option<Condition> {
        let quantity = self.quantity(call, problems)?;
        let sign = self.sign(problems)?;
        let (word, span) = self.cursor.word("a number", problems)?;
        let Ok(number) = word.parse::<u64>() else {
            problems.error(CODE, span, format!("expected a number, found `{word}`"));
            return None;
        };
        self.warn_if_never(quantity, sign, number, span, problems);
        Some(Condition::Compare(quantity, sign, number))
    }

    fn sign(&mut self, problems: &mut Problems<'_>) -> Option<Comparison> {
        match self.cursor.peek() {
            Some(Token::Compare(sign)) => {
                self.cursor.take();
                Some(sign)
            }
            Some(Token::Assign) => {
                problems
                    .error(CODE, self.cursor.span(), "`=` does not compare")
                    .label("write `==`");
                None
            }
            _ => {
                self.cursor.expected("a comparison such as `==`", problems);
                None
            }
        }
    }

    fn quantity(&self, call: &Call<'e>, problems: &mut Problems<'_>) -> Option<Quantity> {
        match call.name {
            "isr" => self.partition(call, problems).map(Quantity::Isr),
            "epoch" => self.partition(call, problems).map(Quantity::Epoch),
            "hw" => self.replica(call, problems).map(|(tp, b)| Quantity::HighWatermark(tp, b)),
            "leo" => self.replica(call, problems).map(|(tp, b)| Quantity::LogEnd(tp, b)),
            "acknowledged" | "in-doubt" | "sent" => {
                let [(name, span)] = call.arguments(CODE, problems)?;
                let client = self.names.client(ClientKind::Producer, name, span, problems)?;
                Some(match call.name {
                    "acknowledged" => Quantity::Acknowledged(client),
                    "in-doubt" => Quantity::InDoubt(client),
                    _ => Quantity::Sent(client),
                })
            }
            "polled" => {
                let [(name, span)] = call.arguments(CODE, problems)?;
                self.names.client(ClientKind::Consumer, name, span, problems).map(Quantity::Polled)
            }
            "unfenced" => {
                let [] = call.arguments(CODE, problems)?;
                Some(Quantity::Unfenced)
            }
            "generation" | "state" | "committed" | "lag" => {
                problems
                    .not_yet(call.span, &format!("the fact `{}` of consumer groups", call.name));
                None
            }
            other => {
                let problem = problems.error(CODE, call.span, format!("unknown fact `{other}`"));
                match nearest(other, FACTS) {
                    Some(near) => problem.label(format!("did you mean `{near}`?")),
                    None => problem.help(format!("Facts are {}.", FACTS.join(", "))),
                };
                None
            }
        }
    }

    fn partition(&self, call: &Call<'_>, problems: &mut Problems<'_>) -> Option<TopicPartition> {
        let [(name, span)] = call.arguments(CODE, problems)?;
        self.names.partition(name, span, problems)
    }

    fn replica(
        &self,
        call: &Call<'_>,
        problems: &mut Problems<'_>,
    ) -> Option<(TopicPartition, BrokerId)> {
        let [(name, span), (broker, broker_span)] = call.arguments(CODE, problems)?;
        let partition = self.names.partition(name, span, problems);
        let broker = self.names.broker_named(broker, broker_span, problems);
        Some((partition?, broker?))
    }

    /// Warns where a number lies beyond what the quantity can ever be.
    fn warn_if_never(
        &self,
        quantity: Quantity,
        sign: Comparison,
        number: u64,
        span: Span,
        problems: &mut Problems<'_>,
    ) {
        let most = match quantity {
            Quantity::Isr(_) | Quantity::Unfenced => self.names.brokers.len() as u64,
            Quantity::HighWatermark(..)
            | Quantity::LogEnd(..)
            | Quantity::Epoch(_)
            | Quantity::Acknowledged(_)
            | Quantity::InDoubt(_)
            | Quantity::Sent(_)
            | Quantity::Polled(_) => return,
        };
        if (0..=most).all(|value| !sign.holds(value, number)) {
            problems
                .warning(CODE, span, "this comparison can never hold")
                .help(format!("The cluster has {most} brokers."));
        }
    }
}
