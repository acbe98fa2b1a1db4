//! Members of one group against its coordinator's ledger, with lost answers, in any order.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::group::consumer::{ConsumerGroup, GroupState, Surroundings, Targets};
use crate::rules::Rules;

const PARTITIONS: u16 = 7;
const TOPIC: TopicId = TopicId(1);

/// Kafka's own gap, one lost answer wide: a full heartbeat lists what was reconciled last
/// (`ConsumerHeartbeatRequestManager.HeartbeatState`, `AbstractMembershipManager.currentAssignment`),
/// not what a reconciliation under way has added since. The coordinator takes the list for
/// the acknowledgement of a newer revocation (`CurrentAssignmentBuilder.ownsRevokedPartitions`)
/// and gives the partitions away, while the member goes on to read them.
#[test]
fn a_full_heartbeat_amid_a_reconciliation_gives_away_what_is_being_taken_up() {
    let mut crowd = Crowd::new(0, 0);
    crowd.beat(0, Answer::Arrives);
    crowd.members[0].reconciliation().expect("it gets everything");
    assert!(crowd.members[0].on_revoked());
    crowd.join();
    crowd.beat(1, Answer::Arrives);

    crowd.now += Duration::from_secs(10);
    crowd.beat(0, Answer::IsLost);
    crowd.now += Duration::from_secs(1);
    crowd.beat(0, Answer::Arrives);
    crowd.now += Duration::from_secs(10);
    crowd.beat(1, Answer::Arrives);
    crowd.members[1].reconciliation().expect("it gets its share");
    assert!(crowd.members[1].on_revoked());

    let second = crowd.members[1].owned();
    let twice = crowd.members[0].owned().iter().filter(|it| second.contains(it)).count();
    assert_eq!(twice, 3);
}

#[test]
fn a_partition_never_has_two_owners_unless_a_full_heartbeat_comes_amid_a_reconciliation() {
    for seed in 0..200 {
        let mut crowd = Crowd::new(seed, 200_000);
        crowd.caution = Caution::ListensFirst;
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
    caution: Caution,
    /// Members that have lost an answer, and whose next heartbeat is a full one.
    forgetful: BTreeSet<MemberId>,
}

/// Whether members keep full heartbeats and reconciliations apart, as Kafka's do not.
#[derive(Clone, Copy, PartialEq)]
enum Caution {
    /// They do not.
    None,
    /// Once an answer is lost, a listener ends before the next heartbeat, and none begins.
    ListensFirst,
}

/// What becomes of an answer.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Arrives,
    IsLost,
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
            caution: Caution::None,
            forgetful: BTreeSet::new(),
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
            self.beat(chosen, Answer::Arrives);
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
        let must_tell = self.forgetful.contains(&member.identity().member);
        if must_tell || member.reconciliation().is_none() {
            let is_lost = 0 < upheaval && self.rng.chance(self.losses);
            self.beat(chosen, if is_lost { Answer::IsLost } else { Answer::Arrives });
        }
    }

    /// Sends the heartbeat of a member if one is due; the coordinator hears it in any case.
    fn beat(&mut self, chosen: usize, fate: Answer) {
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
            rules: Rules::default(),
        };
        let answer = self.group.heartbeat(&id, &request, &around).map(|beaten| {
            beaten.records.iter().for_each(|record| self.group.replay(record));
            let heartbeat_interval = Duration::from_secs(5);
            let assignment = beaten.assignment;
            MemberState { member: id.clone(), beat: beaten.beat, heartbeat_interval, assignment }
        });
        if fate == Answer::IsLost {
            if self.caution == Caution::ListensFirst {
                if member.on_revoked() {
                    member.on_reconciled();
                }
                self.forgetful.insert(id);
            }
            return member.on_heartbeat_lost(self.now, &mut self.rng);
        }
        self.forgetful.remove(&id);
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
