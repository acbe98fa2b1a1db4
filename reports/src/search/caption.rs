//! What steps do, in plain words: a list of them reads like a story.

use model::ids::{ClientId, NodeId, TopicId, TopicPartition};
use model::message::cluster::ElectionKind;
use model::time::{Duration, Time};
use scenarios::written;
use sim::plan::{
    Action, Direction, GroupIndex, MessageFate, MessageRule, Plan, Selector, Shape, Step, Trigger,
    Unsynced,
};

use crate::text::fill;
use crate::words::{Captions, Words};

/// Says what a step does: `The leader of orders-0 is killed`, `broker-1 starts again`.
pub fn caption(plan: &Plan, step: &Step, words: &Words) -> String {
    let teller = Teller { plan, words: &words.shrink.captions };
    let told = teller.action(&step.action);
    let told = match step.undo_after {
        Some(length) => fill(teller.words.lasting, &[&told, &written::length(length)]),
        None => told,
    };
    if teller.begins_with_a_name(&told) {
        return told;
    }
    let mut letters = told.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Says whether a step is part of the story: a mark is there for the triggers of other steps.
pub fn is_told(step: &Step) -> bool {
    !matches!(step.action, Action::Mark(_))
}

/// Says when a step fires: `at 8s`.
pub fn occasion(plan: &Plan, trigger: &Trigger, words: &Words) -> String {
    let [at, later, once, once_and_later] = words.shrink.triggers;
    match trigger {
        Trigger::At(time) => fill(at, &[&written::length(time.since(Time::ZERO))]),
        Trigger::After(pause) => fill(later, &[&written::length(*pause)]),
        Trigger::When(condition, Duration::ZERO) => {
            fill(once, &[&written::condition(plan, condition)])
        }
        Trigger::When(condition, wait) => {
            let wait = written::length(*wait);
            fill(once_and_later, &[&written::condition(plan, condition), &wait])
        }
    }
}

struct Teller<'a> {
    plan: &'a Plan,
    words: &'a Captions,
}

impl Teller<'_> {
    fn action(&self, action: &Action) -> String {
        let words = self.words;
        let who = |sentence, hit: &[Selector]| fill(sentence, &[&self.nodes(hit, 0)]);
        match action {
            Action::Crash(hit) => who(words.crash, hit),
            Action::Restart(hit) => who(words.restart, hit),
            Action::Shutdown(hit) => who(words.shutdown, hit),
            Action::PowerLoss(hit, unsynced) => who(words.power[place(*unsynced)], hit),
            Action::Pause(hit) => who(words.pause, hit),
            Action::Resume(hit) => who(words.resume, hit),
            Action::Cut { from, to, direction } => {
                let sentence = match direction {
                    Direction::Both => words.cut,
                    Direction::OneWay => words.cut_one_way,
                };
                fill(sentence, &[&self.nodes(from, 0), &self.nodes(to, 0)])
            }
            Action::HealAll => words.heal_all.to_owned(),
            Action::Heal(hit) => who(words.heal, hit),
            Action::Slow { from, to, latency } => {
                let (from, to) = (self.nodes(from, 0), self.nodes(to, 0));
                fill(words.slow, &[&from, &to, &length(*latency)])
            }
            Action::Rule(rule) => self.rule(rule),
            Action::Release => words.release.to_owned(),
            Action::Reset(from, to) => {
                fill(words.reset, &[&self.nodes(from, 0), &self.nodes(to, 0)])
            }
            Action::DiskSlow(hit, latency) => {
                fill(words.disk_slow, &[&self.nodes(hit, 0), &length(*latency)])
            }
            Action::DiskStall(hit) => who(words.disk_stall, hit),
            Action::ClockJump(hit, micros) => {
                let by = written::length(Duration(micros.unsigned_abs()));
                let sign = if *micros < 0 { "-" } else { "+" };
                fill(words.clock_jump, &[&self.nodes(hit, 0), &format!("{sign}{by}")])
            }
            Action::ClockDrift(hit, ppm) => {
                fill(words.clock_drift, &[&self.nodes(hit, 0), &ppm.to_string()])
            }
            _ => self.request(action),
        }
    }

    /// Says what operators and applications do.
    fn request(&self, action: &Action) -> String {
        let words = self.words;
        let who = |sentence, hit: &[Selector]| fill(sentence, &[&self.nodes(hit, 0)]);
        match action {
            Action::Elect(at, kind) => {
                let sentence = match kind {
                    ElectionKind::Preferred => words.elect[0],
                    ElectionKind::Unclean => words.elect[1],
                };
                fill(sentence, &[&self.partition(*at)])
            }
            Action::CreateTopic(topic) => fill(words.create, &[self.topic(*topic)]),
            Action::AlterTopic(topic, _) => fill(words.alter, &[self.topic(*topic)]),
            Action::Produce(client, records) => {
                fill(words.produce, &[self.client(*client), &records.to_string()])
            }
            Action::Seek(client, at, _) => {
                fill(words.seek, &[self.client(*client), &self.partition(*at)])
            }
            Action::Join(hit) => who(words.join, hit),
            Action::Leave(hit) => who(words.leave, hit),
            Action::PollElsewhere(hit) => who(words.poll, hit),
            Action::Wakeup(hit) => who(words.wakeup, hit),
            Action::PauseFetching(hit, _) => who(words.pause_fetch, hit),
            Action::ResumeFetching(hit, _) => who(words.resume_fetch, hit),
            Action::CommitOffsets(order) => fill(words.commit, &[self.group(order.group)]),
            Action::SeekToTime(client, _) => fill(words.seek_time, &[self.client(*client)]),
            Action::AddPartitions(topic, count) => {
                fill(words.add_partitions, &[self.topic(*topic), &count.to_string()])
            }
            Action::DeleteRecords(at, below) => {
                fill(words.delete, &[&self.partition(*at), &below.to_string()])
            }
            Action::Mark(Some(marker)) => marker.to_string(),
            _ => words.mark.to_owned(),
        }
    }

    fn rule(&self, rule: &MessageRule) -> String {
        let words = self.words;
        let [one, some, all] = words.messages;
        let kind = rule.kind.to_string();
        let messages = match rule.times {
            Some(1) => fill(one, &[&kind]),
            Some(times) => fill(some, &[&kind, &times.to_string()]),
            None => fill(all, &[&kind]),
        };
        let (from, to) = (self.nodes(&rule.from, 1), self.nodes(&rule.to, 1));
        match rule.fate {
            MessageFate::Drop => fill(words.rules[0], &[&messages, &from, &to]),
            MessageFate::Hold => fill(words.rules[1], &[&messages, &from, &to]),
            MessageFate::Delay(late) => {
                fill(words.rules[2], &[&messages, &from, &to, &written::length(late)])
            }
        }
    }

    /// Names nodes; `nobody` says whom an empty list means: everybody else, or anybody.
    fn nodes(&self, selectors: &[Selector], nobody: usize) -> String {
        let names: Vec<String> = selectors.iter().map(|selector| self.node(selector)).collect();
        match names.as_slice() {
            [] => self.words.rest[nobody].to_owned(),
            [one] => one.clone(),
            [first @ .., last] => {
                format!("{}{}{last}", first.join(self.words.list), self.words.and)
            }
        }
    }

    fn node(&self, selector: &Selector) -> String {
        let words = self.words;
        let [leader, followers, follower, isr] = words.replicas;
        let [controller, rack, last, down] = words.nodes;
        let [coordinator, members, owner, group_leader] = words.of_group;
        match selector {
            Selector::Node(NodeId::Client(client)) => self.client(*client).to_owned(),
            Selector::Node(NodeId::Broker(id)) => format!("broker-{id}"),
            Selector::Node(NodeId::Controller(_)) | Selector::Controller => controller.to_owned(),
            Selector::Leader(at) => fill(leader, &[&self.partition(*at)]),
            Selector::Followers(at) => fill(followers, &[&self.partition(*at)]),
            Selector::Follower(at, nth) => {
                fill(follower, &[&self.partition(*at), &nth.to_string()])
            }
            Selector::Isr(at) => fill(isr, &[&self.partition(*at)]),
            Selector::Rack(name) => fill(rack, &[name]),
            Selector::LastCrashed => last.to_owned(),
            Selector::AllDown => down.to_owned(),
            Selector::AnyBroker => words.many[0].to_owned(),
            Selector::AllBrokers => words.many[1].to_owned(),
            Selector::AllClients => words.many[2].to_owned(),
            Selector::Coordinator(group) => fill(coordinator, &[self.group(*group)]),
            Selector::Member(group, ordinal) => format!("{}-{ordinal}", self.group(*group)),
            Selector::Members(group) => fill(members, &[self.group(*group)]),
            Selector::Owner(group, at) => fill(owner, &[self.group(*group), &self.partition(*at)]),
            Selector::GroupLeader(group) => fill(group_leader, &[self.group(*group)]),
        }
    }

    /// Names are written as they are, even where a sentence begins.
    fn begins_with_a_name(&self, told: &str) -> bool {
        let word = told.split([' ', ',', '，', '、']).next().unwrap_or(told);
        let is_partition =
            |name: &str| word.strip_prefix(name).is_some_and(|it| it.starts_with('-'));
        let mut clients = self.plan.clients.iter().map(|client| &*client.name);
        let mut groups = self.plan.groups.iter().map(|group| &*group.name);
        let mut topics = self.plan.topics.iter().map(|topic| &*topic.name);
        word.starts_with("broker-")
            || clients.any(|name| name == word)
            || groups.any(|name| name == word || is_partition(name))
            || topics.any(|name| name == word || is_partition(name))
    }

    fn topic(&self, id: TopicId) -> &str {
        self.plan.topics.get(usize::from(id.0)).map_or("__consumer_offsets", |topic| &topic.name)
    }

    fn partition(&self, at: TopicPartition) -> String {
        format!("{}-{}", self.topic(at.topic), at.partition)
    }

    fn client(&self, id: ClientId) -> &str {
        &self.plan.clients[usize::from(id.0)].name
    }

    fn group(&self, index: GroupIndex) -> &str {
        &self.plan.groups[usize::from(index.0)].name
    }
}

fn place(unsynced: Unsynced) -> usize {
    match unsynced {
        Unsynced::Lost => 0,
        Unsynced::Kept => 1,
        Unsynced::Prefix => 2,
        Unsynced::Torn => 3,
    }
}

fn length(shape: Shape) -> String {
    match shape {
        Shape::Fixed(length) => written::length(length),
        Shape::Uniform(low, high) => {
            format!("{}–{}", written::length(low), written::length(high))
        }
        Shape::Exponential { mean, .. } => format!("~{}", written::length(mean)),
        Shape::TwoHumped { usual, rare, .. } => {
            format!("{} / {}", written::length(usual), written::length(rare))
        }
    }
}
