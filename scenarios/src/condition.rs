//! Conditions: what `when` waits for and `reaches` watches, such as `isr(orders-0) == 1`.

use std::sync::Arc;

use model::fact::GroupPhase;
use model::ids::{BrokerId, TopicPartition};
use sim::plan::{Comparison, Condition, GroupIndex, Quantity};

use crate::codes::Code;
use crate::expression::{Call, Cursor, Token};
use crate::names::{ClientKind, Names};
use crate::problems::{Problems, Span, nearest};
use crate::tree::Node;
use crate::values::text;

/// How deep parentheses and `not` may nest.
const DEPTH_MAX: usize = 32;

const CODE: Code = Code::BadCondition;

const FACTS: [&str; 20] = [
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
    "generation",
    "state",
    "members",
    "committed",
    "lag",
    "processed",
    "owned",
    "owner",
    "threw",
];

/// What `state(g1)` is compared with.
const PHASES: [GroupPhase; 7] = [
    GroupPhase::Empty,
    GroupPhase::PreparingRebalance,
    GroupPhase::CompletingRebalance,
    GroupPhase::Assigning,
    GroupPhase::Reconciling,
    GroupPhase::Stable,
    GroupPhase::Dead,
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
            "state" => self.state(&call, problems),
            "owner" => self.owner(&call, problems),
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
        let partition = self.names.any_partition(name, span, problems);
        let sign = self.equality("a leader", problems)?;
        let (word, word_span) = self.cursor.word("a broker or `none`", problems)?;
        let broker = match word {
            "none" => None,
            _ => Some(self.names.broker_named(word, word_span, problems)?),
        };
        Some(Condition::LeaderIs(partition?, sign, broker))
    }

    fn state(&mut self, call: &Call<'_>, problems: &mut Problems<'_>) -> Option<Condition> {
        let group = self.group(call, problems);
        let sign = self.equality("a state", problems)?;
        let (word, span) = self.cursor.word("a state such as `Stable`", problems)?;
        let Some(phase) = PHASES.into_iter().find(|phase| phase.name() == word) else {
            let problem = problems.error(CODE, span, format!("`{word}` is no state of a group"));
            let known = PHASES.map(GroupPhase::name);
            match nearest(word, known) {
                Some(near) => problem.label(format!("did you mean `{near}`?")),
                None => problem.help(format!("States are {}.", known.join(", "))),
            };
            return None;
        };
        Some(Condition::StateIs(group?, sign, phase))
    }

    fn owner(&mut self, call: &Call<'_>, problems: &mut Problems<'_>) -> Option<Condition> {
        let [(group, span), (name, name_span)] = call.arguments(CODE, problems)?;
        let group = self.names.group(group, span, problems);
        let partition = self.names.partition(name, name_span, problems);
        let sign = self.equality("an owner", problems)?;
        let (word, word_span) = self.cursor.word("a member or `none`", problems)?;
        let group = group?;
        let member = match word {
            "none" => None,
            _ => Some(self.names.member_of(group, word, word_span, problems)?),
        };
        Some(Condition::OwnerIs(group, partition?, sign, member))
    }

    /// Reads a sign between things that have no order.
    fn equality(&mut self, what: &str, problems: &mut Problems<'_>) -> Option<Comparison> {
        let span = self.cursor.span();
        let sign = self.sign(problems)?;
        if matches!(sign, Comparison::Equal | Comparison::NotEqual) {
            return Some(sign);
        }
        problems.error(CODE, span, format!("{what} can only be compared with `==` or `!=`"));
        None
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
                let client = self.names.client(&[ClientKind::Producer], name, span, problems)?;
                Some(match call.name {
                    "acknowledged" => Quantity::Acknowledged(client),
                    "in-doubt" => Quantity::InDoubt(client),
                    _ => Quantity::Sent(client),
                })
            }
            "polled" => {
                let [(name, span)] = call.arguments(CODE, problems)?;
                let kinds = [ClientKind::Consumer, ClientKind::Member];
                self.names.client(&kinds, name, span, problems).map(Quantity::Polled)
            }
            "unfenced" => {
                let [] = call.arguments(CODE, problems)?;
                Some(Quantity::Unfenced)
            }
            "generation" => self.group(call, problems).map(Quantity::Generation),
            "members" => self.group(call, problems).map(Quantity::Members),
            "committed" => self
                .share(call, problems)
                .map(|(group, partition)| Quantity::Committed(group, partition)),
            "lag" => self.lag(call, problems),
            "processed" => self.processed(call, problems),
            "owned" | "threw" => {
                let [(name, span)] = call.arguments(CODE, problems)?;
                let client = self.names.client(&[ClientKind::Member], name, span, problems)?;
                Some(match call.name {
                    "owned" => Quantity::Owned(client),
                    _ => Quantity::Threw(client),
                })
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

    fn group(&self, call: &Call<'_>, problems: &mut Problems<'_>) -> Option<GroupIndex> {
        let [(name, span)] = call.arguments(CODE, problems)?;
        self.names.group(name, span, problems)
    }

    /// Reads a group and a partition.
    fn share(
        &self,
        call: &Call<'_>,
        problems: &mut Problems<'_>,
    ) -> Option<(GroupIndex, TopicPartition)> {
        let [(group, span), (name, name_span)] = call.arguments(CODE, problems)?;
        let group = self.names.group(group, span, problems);
        let partition = self.names.partition(name, name_span, problems);
        Some((group?, partition?))
    }

    /// Reads `lag(g1)` or `lag(g1, orders-0)`.
    fn lag(&self, call: &Call<'_>, problems: &mut Problems<'_>) -> Option<Quantity> {
        if call.arguments.len() == 1 {
            return self.group(call, problems).map(|group| Quantity::Lag(group, None));
        }
        let (group, partition) = self.share(call, problems)?;
        Some(Quantity::Lag(group, Some(partition)))
    }

    /// Reads `processed(g1)` or `processed(g1-1)`.
    fn processed(&self, call: &Call<'_>, problems: &mut Problems<'_>) -> Option<Quantity> {
        let [(name, span)] = call.arguments(CODE, problems)?;
        if let Some(client) = self.names.any_client(name)
            && self.names.kind(client) == Some(ClientKind::Member)
        {
            return Some(Quantity::ProcessedBy(client));
        }
        self.names.group(name, span, problems).map(Quantity::Processed)
    }

    fn partition(&self, call: &Call<'_>, problems: &mut Problems<'_>) -> Option<TopicPartition> {
        let [(name, span)] = call.arguments(CODE, problems)?;
        self.names.any_partition(name, span, problems)
    }

    fn replica(
        &self,
        call: &Call<'_>,
        problems: &mut Problems<'_>,
    ) -> Option<(TopicPartition, BrokerId)> {
        let [(name, span), (broker, broker_span)] = call.arguments(CODE, problems)?;
        let partition = self.names.any_partition(name, span, problems);
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
        let (most, what) = match quantity {
            Quantity::Isr(_) | Quantity::Unfenced => {
                (self.names.brokers.len() as u64, "The cluster has {} brokers.")
            }
            Quantity::Members(group) => {
                let members = self.names.group_at(group).members.len() as u64;
                (members, "The group has {} members.")
            }
            Quantity::Generation(_)
            | Quantity::Committed(..)
            | Quantity::Lag(..)
            | Quantity::Processed(_)
            | Quantity::ProcessedBy(_)
            | Quantity::Owned(_)
            | Quantity::HighWatermark(..)
            | Quantity::LogEnd(..)
            | Quantity::Epoch(_)
            | Quantity::Acknowledged(_)
            | Quantity::InDoubt(_)
            | Quantity::Sent(_)
            | Quantity::Polled(_)
            | Quantity::Threw(_) => return,
        };
        if (0..=most).all(|value| !sign.holds(value, number)) {
            problems
                .warning(CODE, span, "this comparison can never hold")
                .help(what.replace("{}", &most.to_string()));
        }
    }
}
