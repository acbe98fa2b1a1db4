//! Members of one group against its coordinator's ledger, with lost answers, in any order.

use std::collections::BTreeMap;

use super::*;
use crate::group::consumer::{ConsumerGroup, GroupState, Surroundings, Targets};

const PARTITIONS: u16 = 7;
const TOPIC: TopicId = TopicId(1);

#[test]
fn a_partition_never_has_two_owners_while_answers_arrive() {
    for seed in 0..200 {
        let mut crowd = Crowd::new(seed, 0);
        for _ in 0..300 {
            crowd.act(20_000);
            crowd.check_owners();
        }
    }
}

#[test]
fn once_nothing_is_lost_everything_is_owned_and_stable() {
    for seed in 0..50 {
        let mut crowd = Crowd::new(seed, 200_000);
        for _ in 0..200 {
            crowd.act(20_000);
        }
        // No member comes or goes any more, and all sessions that are to expire have expired.
        for _ in 0..400 {
            crowd.act(0);
        }

        let owned: usize = crowd.members.iter().map(|member| member.owned().len()).sum();
        assert_eq!(crowd.group.state(), GroupState::Stable, "seed {seed}");
        assert_eq!(owned, usize::from(PARTITIONS), "seed {seed}");
        assert!(crowd.members.iter().all(|it| *it.state() == State::Stable), "seed {seed}");
    }
}

/// Some members, their coordinator, and a clock.
struct Crowd {
    members: Vec<Reconciler>,
    group: ConsumerGroup,
    now: Time,
    rng: Rng,
    names: u32,
    /// The chance in a million that an answer is lost, while members come and go.
    losses: u32,
}

impl Crowd {
    fn new(seed: u64, losses: u32) -> Crowd {
        let mut crowd = Crowd {
            members: Vec::new(),
            group: ConsumerGroup::new("g".into()),
            now: Time::ZERO,
            rng: Rng::fork(seed, "crowd"),
            names: 0,
            losses,
        };
        crowd.join();
        crowd
    }

    /// Lets one member do what it has to; `upheaval` is the chance in a million that a member
    /// comes or goes; if it is 0, no answer is lost either.
    fn act(&mut self, upheaval: u32) {
        self.now += Duration::from_secs(1);
        if self.members.len() < 4 && self.rng.chance(upheaval) {
            self.join();
        }
        let chosen = self.rng.below(self.members.len() as u64) as usize;
        if 1 < self.members.len() && self.rng.chance(upheaval) {
            self.members[chosen].leave();
            self.members[chosen].on_leave_prepared();
            self.beat(chosen, false);
            self.members.remove(chosen);
            return;
        }
        let member = &mut self.members[chosen];
        member.on_poll();
        if member.lost().is_some() {
            return member.on_lost_reported();
        }
        // A listener takes its time; heartbeats go on meanwhile.
        let has_listened = self.rng.chance(500_000);
        if has_listened && member.on_revoked() && member.on_reconciled() {
            return;
        }
        if member.reconciliation().is_none() {
            let loses = 0 < upheaval && self.rng.chance(self.losses);
            self.beat(chosen, loses);
        }
    }

    /// Sends the heartbeat of a member if one is due; the coordinator hears it in any case.
    fn beat(&mut self, chosen: usize, loses: bool) {
        let member = &mut self.members[chosen];
        if member.heartbeat_at().is_none_or(|at| self.now < at) {
            return;
        }
        let request = member.heartbeat(self.now);
        let id = member.identity().member.clone();
        let around = Surroundings {
            size_max: 10,
            partitions_of: &|topic| (topic == TOPIC).then_some(PARTITIONS),
            assign: &|group| Some(spread(group)),
        };
        let answer = self.group.heartbeat(&id, &request, &around).map(|beaten| {
            beaten.records.iter().for_each(|record| self.group.replay(record));
            let heartbeat_interval = Duration::from_secs(5);
            let assignment = beaten.assignment;
            MemberState { member: id.clone(), beat: beaten.beat, heartbeat_interval, assignment }
        });
        if loses {
            return member.on_heartbeat_lost(self.now, &mut self.rng);
        }
        if member.is_out() {
            return;
        }
        member.on_heartbeat(answer.as_ref().map_err(|error| *error), self.now, &mut self.rng);
        if answer == Err(ErrorCode::FencedMemberEpoch) && request.beat == Beat::Join {
            // Its former self is in the way until the session is over.
            self.group.remove(&id).iter().for_each(|record| self.group.replay(record));
        }
    }

    fn join(&mut self) {
        self.names += 1;
        let identity = Identity {
            group: "g".into(),
            member: self.names.to_string().as_str().into(),
            client_id: "g-1".into(),
        };
        let mut member = Reconciler::new(identity, &ConsumerConfig::default(), self.now);
        member.subscribe(vec![TOPIC]);
        member.on_poll();
        self.members.push(member);
    }

    fn check_owners(&self) {
        let mut owners = BTreeMap::new();
        for member in &self.members {
            for partition in member.owned().iter() {
                let id = &member.identity().member;
                let other = owners.insert(partition, id);
                assert_eq!(other, None, "{partition:?} is {id}'s too");
            }
        }
    }
}

/// Deals the partitions out, so that each member that comes or goes moves nearly all.
fn spread(group: &ConsumerGroup) -> Targets {
    let members: Vec<_> = group.members().keys().collect();
    let mut targets = Targets::new();
    for partition in 0..PARTITIONS {
        let member = members[usize::from(partition) % members.len()];
        let partition = TopicPartition { topic: TOPIC, partition };
        targets.entry(member.clone()).or_default().push(partition);
    }
    targets
}
