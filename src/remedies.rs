//! Which changes could help against a broken claim: those that concern what broke.

mod groups;

use model::config::{Idempotence, ProducerConfig};
use model::ids::BrokerId;
use model::message::cluster::TopicLayout;
use model::message::data::Acks;
use model::rules::Rules;
use sim::clause::{ClauseKind, Sentence};
use sim::plan::{ClientRole, Created, Plan, ProducerPlan, TopicPlan};
use sim::verdict::{Claim, Loss, LossCause, MomentKind};

/// Some settings at once, under the name that a user would give them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The name: `acks=all`.
    pub name: String,
    /// Paths and values for `--set`.
    pub set: Vec<(String, String)>,
    /// What to say if it does not help, where the reason is known.
    pub remark: Sentence,
}

/// What a claim is about, as far as remedies go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Concern {
    Loss,
    SilentDrop,
    Duplicates,
    Order,
    Replicas,
    Availability,
    Groups,
}

/// Returns the changes that concern a broken claim, in order of fame.
pub fn changes(plan: &Plan, claim: Claim, losses: &[Loss]) -> Vec<Change> {
    let mut changes = match concern(claim) {
        Concern::Loss => against_loss(plan, losses),
        Concern::SilentDrop => {
            let mut changes = Vec::new();
            for acks in ["1", "all"] {
                changes.extend(acks_of(plan, acks, |it| it.config.acks == Acks::None));
            }
            changes
        }
        Concern::Duplicates => idempotence(plan).into_iter().collect(),
        Concern::Order => {
            let one = in_flight_one(plan);
            idempotence(plan).into_iter().chain(one).collect()
        }
        Concern::Replicas => unclean_off(plan).into_iter().collect(),
        Concern::Groups => groups::changes(plan, claim),
        Concern::Availability => {
            let wide = |topic: &TopicPlan| 1 < topic.config.min_insync_replicas;
            let unclean = |topic: &TopicPlan| !topic.config.unclean_leader_election;
            let one = on_topics(plan, ("min.insync.replicas", "1"), wide);
            let unclean = on_topics(plan, ("unclean.leader.election.enable", "true"), unclean);
            one.into_iter().chain(unclean).collect()
        }
    };
    changes.extend(modern_rules(plan));
    changes
}

fn concern(claim: Claim) -> Concern {
    match claim {
        Claim::NoAcknowledgedLoss | Claim::NoCommittedLoss => Concern::Loss,
        Claim::NothingDroppedSilently => Concern::SilentDrop,
        Claim::NoPhantom | Claim::NoDuplicates | Claim::IdempotentNoDuplicates => {
            Concern::Duplicates
        }
        Claim::OrderPerPartition => Concern::Order,
        Claim::ReplicasAgree
        | Claim::HighWatermarkMonotonic
        | Claim::OneLeaderPerEpoch
        | Claim::IsrCoversHighWatermark => Concern::Replicas,
        Claim::WritesResume | Claim::ReplicasCatchUp => Concern::Availability,
        Claim::OrderPerKey
        | Claim::NothingSkipped
        | Claim::NothingRepeated
        | Claim::OneOwnerPerPartition
        | Claim::CommitsMoveForward
        | Claim::EffectsOnce
        | Claim::GroupStabilises
        | Claim::GroupDrains => Concern::Groups,
    }
}

fn against_loss(plan: &Plan, losses: &[Loss]) -> Vec<Change> {
    let is_weak = |producer: &ProducerPlan| producer.config.acks != Acks::All;
    let all = acks_of(plan, "all", is_weak);
    let where_all = |kind: ClauseKind| all.as_ref().map(|_| kind.into()).unwrap_or_default();
    let more = min_isr(plan, where_all(ClauseKind::OnlyWithAll));
    let both = all.iter().zip(&more).map(|(all, more)| Change {
        name: format!("{} {}", all.name, more.name),
        set: [all.set.as_slice(), &more.set].concat(),
        remark: Sentence::default(),
    });
    let both: Vec<Change> = both.collect();
    let copies = where_all(ClauseKind::AnswerDidNotWait);
    let by_power = |loss: &Loss| {
        loss.cause == LossCause::PowerLoss
            || matches!(loss.at_risk.what, MomentKind::OnlyInPageCache(_))
            || matches!(loss.decided.what, MomentKind::PowerCut(_))
    };
    let flush = losses.iter().any(by_power).then(|| {
        let lazy = |topic: &TopicPlan| 1 < topic.config.flush_messages;
        on_topics(plan, ("flush.messages", "1"), lazy)
    });
    let mut changes: Vec<Change> = all.into_iter().chain(more).collect();
    changes.extend(both);
    changes.extend(one_copy_more(plan, copies));
    changes.extend(unclean_off(plan));
    changes.extend(flush.flatten());
    changes
}

fn producers(plan: &Plan) -> impl Iterator<Item = (&str, &ProducerPlan)> {
    plan.clients.iter().filter_map(|client| match &client.role {
        ClientRole::Producer(producer) => Some((&*client.name, producer)),
        ClientRole::Consumer(_) | ClientRole::Member(_) => None,
    })
}

/// Returns the topics that the file describes (a step may create others).
fn topics(plan: &Plan) -> impl Iterator<Item = &TopicPlan> {
    plan.topics.iter().filter(|topic| topic.created == Created::AtStart)
}

fn acks_of(plan: &Plan, acks: &str, concerned: impl Fn(&ProducerPlan) -> bool) -> Option<Change> {
    let concerned = producers(plan).filter(|(_, producer)| concerned(producer));
    let set: Vec<_> =
        concerned.map(|(name, _)| (config("producers", name, "acks"), acks.to_owned())).collect();
    (!set.is_empty()).then(|| Change {
        name: format!("acks={acks}"),
        set,
        remark: Sentence::default(),
    })
}

fn idempotence(plan: &Plan) -> Option<Change> {
    let mut set = Vec::new();
    let mut name = "enable.idempotence=true".to_owned();
    for (producer, plan) in producers(plan).filter(|(_, it)| !is_idempotent(&it.config)) {
        let mut put = |key: &str, value: &str| {
            set.push((config("producers", producer, key), value.to_owned()));
        };
        put("enable.idempotence", "true");
        // Kafka refuses idempotence beside these.
        if plan.config.acks != Acks::All {
            put("acks", "all");
            name = "enable.idempotence=true acks=all".to_owned();
        }
        if 5 < plan.config.in_flight_max {
            put("max.in.flight.requests.per.connection", "5");
        }
        if plan.config.retries == 0 {
            put("retries", "2147483647");
        }
    }
    (!set.is_empty()).then_some(Change { name, set, remark: Sentence::default() })
}

/// Says whether a producer numbers its batches.
fn is_idempotent(config: &ProducerConfig) -> bool {
    match config.idempotence {
        Idempotence::On => true,
        Idempotence::Off => false,
        Idempotence::Unset => {
            config.acks == Acks::All && config.in_flight_max <= 5 && config.retries != 0
        }
    }
}

fn in_flight_one(plan: &Plan) -> Option<Change> {
    const KEY: &str = "max.in.flight.requests.per.connection";
    let many = producers(plan).filter(|(_, it)| 1 < it.config.in_flight_max);
    let set: Vec<_> =
        many.map(|(name, _)| (config("producers", name, KEY), "1".to_owned())).collect();
    (!set.is_empty()).then(|| Change { name: format!("{KEY}=1"), set, remark: Sentence::default() })
}

fn on_topics(
    plan: &Plan,
    (key, value): (&str, &str),
    concerned: impl Fn(&TopicPlan) -> bool,
) -> Option<Change> {
    let concerned = topics(plan).filter(|topic| concerned(topic));
    let set: Vec<_> =
        concerned.map(|topic| (config("topics", &topic.name, key), value.to_owned())).collect();
    (!set.is_empty()).then(|| Change {
        name: format!("{key}={value}"),
        set,
        remark: Sentence::default(),
    })
}

fn unclean_off(plan: &Plan) -> Option<Change> {
    let unclean = |topic: &TopicPlan| topic.config.unclean_leader_election;
    on_topics(plan, ("unclean.leader.election.enable", "false"), unclean)
}

/// One in-sync replica more, as long as there are replicas for it.
fn min_isr(plan: &Plan, remark: Sentence) -> Option<Change> {
    let least = topics(plan).map(|topic| topic.config.min_insync_replicas).min()?;
    let wanted = least + 1;
    let possible = topics(plan).all(|topic| usize::from(wanted) <= copies(plan, topic));
    let narrow = |topic: &TopicPlan| topic.config.min_insync_replicas < wanted;
    let change = on_topics(plan, ("min.insync.replicas", &wanted.to_string()), narrow);
    change.filter(|_| possible).map(|change| Change { remark, ..change })
}

fn copies(plan: &Plan, topic: &TopicPlan) -> usize {
    match &topic.layout {
        TopicLayout::Counts { replicas, .. } => {
            usize::from(replicas.unwrap_or(plan.controller.config.default_replication_factor))
        }
        TopicLayout::Manual(placement) => placement.iter().map(Vec::len).min().unwrap_or(0),
    }
}

/// One replica more for every topic, with one broker more where it is needed.
fn one_copy_more(plan: &Plan, remark: Sentence) -> Option<Change> {
    let ids: Vec<BrokerId> = plan.brokers.iter().map(|broker| broker.id).collect();
    let most = topics(plan).map(|topic| copies(plan, topic)).max()?;
    let mut set = Vec::new();
    let mut brokers = ids.clone();
    if ids.len() <= most {
        let plain = ids.iter().zip(1..).all(|(id, number)| id.0 == number);
        let next = u8::try_from(ids.len() + 1).ok().filter(|_| plain)?;
        set.push(("cluster.brokers".to_owned(), next.to_string()));
        brokers.push(BrokerId(next));
    }
    for topic in topics(plan) {
        let name = bare(&topic.name);
        match &topic.layout {
            TopicLayout::Counts { .. } => {
                let path = format!("topics.{name}.replication-factor");
                set.push((path, (copies(plan, topic) + 1).to_string()));
            }
            TopicLayout::Manual(placement) => {
                let rows: Option<Vec<String>> =
                    placement.iter().map(|row| widened(row, &brokers)).collect();
                set.push((format!("topics.{name}.placement"), format!("[{}]", rows?.join(", "))));
            }
        }
    }
    Some(Change { name: format!("replication.factor={}", most + 1), set, remark })
}

fn widened(row: &[BrokerId], brokers: &[BrokerId]) -> Option<String> {
    let free = brokers.iter().find(|broker| !row.contains(broker))?;
    let ids: Vec<String> = row.iter().chain([free]).map(ToString::to_string).collect();
    Some(format!("[{}]", ids.join(", ")))
}

/// Each rule as Kafka 4.0 has it.
fn modern_rules(plan: &Plan) -> Vec<Change> {
    let (used, modern) = (plan.rules, Rules::default());
    let mut names = Vec::new();
    if used.truncation != modern.truncation {
        names.push(("truncation", "by-epoch"));
    }
    if used.fetch_fencing != modern.fetch_fencing {
        names.push(("fetch-fencing", "by-epoch"));
    }
    let path = |(rule, value): (&str, &str)| (format!("cluster.rules.{rule}"), value.to_owned());
    let change = |names: &[(&str, &str)]| Change {
        name: names
            .iter()
            .map(|(rule, value)| format!("{rule}={value}"))
            .collect::<Vec<_>>()
            .join(" "),
        set: names.iter().copied().map(path).collect(),
        remark: Sentence::default(),
    };
    let mut changes: Vec<Change> = names.iter().map(|&name| change(&[name])).collect();
    if 1 < names.len() {
        changes.push(change(&names));
    }
    if !used.mutants.is_empty() {
        let set = vec![("rules.mutant".to_owned(), "[]".to_owned())];
        changes.push(Change { name: "no mutant".to_owned(), set, remark: Sentence::default() });
    }
    changes
}

/// Returns the path of a Kafka setting.
fn config(table: &str, name: &str, key: &str) -> String {
    format!("{table}.{}.config.{key}", bare(name))
}

/// Writes a name as a key of TOML.
fn bare(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if name.chars().all(plain) { name.to_owned() } else { format!("\"{name}\"") }
}
