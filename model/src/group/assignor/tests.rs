use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::server::{GroupSpec, MemberSpec, ServerAssignor};
use super::{
    ClientAssignor, GroupAssignment, Member, Members, RebalanceProtocol, Strategy as Assignor,
    Subscription, Topics, UserData,
};
use crate::ids::{Generation, MemberId, TopicId, TopicPartition};

const RACKS: [&str; 3] = ["a", "b", "c"];

#[test]
fn the_default_strategies_run_eagerly() {
    let both = Assignor::DEFAULT;

    assert_eq!(RebalanceProtocol::of(&both), RebalanceProtocol::Eager);
    assert_eq!(RebalanceProtocol::of(&both[1..]), RebalanceProtocol::Cooperative);
}

#[test]
fn strategies_are_found_by_name() {
    for strategy in Assignor::ALL {
        assert_eq!(Assignor::from_name(strategy.name()), Some(strategy));
    }
    for assignor in ServerAssignor::DEFAULT {
        assert_eq!(ServerAssignor::from_name(assignor.name()), Some(assignor));
    }
    assert_eq!(Assignor::from_name("uniform"), None);
}

#[test]
fn only_the_sticky_strategies_tell_what_they_remember() {
    let partitions = [partition(0, 1)];
    for (strategy, fresh, told) in [
        (Assignor::Range, None, None),
        (Assignor::RoundRobin, None, None),
        (Assignor::Sticky, None, Some(sticky_data(&partitions, 7))),
        (
            Assignor::CooperativeSticky,
            Some(cooperative_data(None)),
            Some(cooperative_data(Some(7))),
        ),
    ] {
        let mut assignor = ClientAssignor::new(strategy);
        assert_eq!(assignor.user_data(), fresh, "{strategy:?}");

        assignor.on_assignment(partitions.as_slice().into(), Generation(7));

        assert_eq!(assignor.user_data(), told, "{strategy:?}");
    }
}

/// Kafka's leader takes the first subscription that is not empty for everybody's so far. The
/// member that is given what it did not ask for finds out, and joins again, and again.
#[test]
fn a_member_without_topics_can_pass_for_one_with_all_of_them() {
    let topics = topics(&[2]);
    for (ids, expected) in [(["m1", "m2"], vec![partition(0, 0)]), (["m2", "m1"], vec![])] {
        let members = [(ids[0], vec![]), (ids[1], vec![TopicId(0)])].map(|(id, topics)| {
            let subscription = Subscription { topics, ..Subscription::default() };
            (MemberId::from(id), Member { instance: None, subscription })
        });

        let assignment =
            ClientAssignor::new(Assignor::Sticky).assign(&topics, &members.into_iter().collect());

        assert_eq!(assignment[&MemberId::from(ids[0])], expected);
    }
}

#[test]
fn without_members_nobody_has_anything() {
    for strategy in Assignor::ALL {
        let assignment = ClientAssignor::new(strategy).assign(&topics(&[3]), &Members::new());

        assert_eq!(assignment, GroupAssignment::new(), "{strategy:?}");
    }
    for assignor in ServerAssignor::DEFAULT {
        assert_eq!(assignor.assign(&GroupSpec::default()), Ok(GroupAssignment::new()));
    }
}

/// With racks, members let go of what is not near them before anything is dealt out. If their
/// subscriptions differ as well, the free partitions can come back the other way round: they
/// are held back, come free, and go to where they came from. Kafka knows no end to this.
#[test]
fn cooperation_can_go_round_in_circles_where_racks_and_subscriptions_differ() {
    let replicas = [vec!["b", "c", "b", "b", "a", "a"], vec!["a", "", "", "a"]];
    let rack = |rack: &str| Some(rack).filter(|rack| !rack.is_empty()).map(Into::into);
    let topics: Topics = (0..)
        .map(TopicId)
        .zip(
            replicas
                .map(|racks| racks.into_iter().map(|it| rack(it).into_iter().collect()).collect()),
        )
        .collect();
    let claims = [
        vec![partition(0, 0), partition(0, 1)],
        vec![partition(0, 4), partition(0, 5)],
        vec![partition(1, 1), partition(1, 2)],
        vec![partition(0, 2), partition(0, 3)],
        vec![partition(1, 0), partition(1, 3)],
    ];
    let ids: Vec<_> = ["m0", "m1", "m2", "m3", "m4"].map(MemberId::from).into();
    let subscriptions = [vec![0], vec![0, 1], vec![1], vec![0], vec![1]]
        .map(|topics| topics.into_iter().map(TopicId).collect());
    let racks = [Some("c"), Some("a"), None, Some("b"), Some("b")];
    let group = Group {
        topics,
        subscriptions: ids.iter().cloned().zip(subscriptions).collect(),
        racks: ids.iter().cloned().zip(racks).collect(),
        claims: ids.iter().cloned().zip(claims).collect(),
    };

    let first = group.assign(Assignor::CooperativeSticky);
    let second = group.after(first.clone()).assign(Assignor::CooperativeSticky);

    assert_eq!(first.values().map(Vec::len).sum::<usize>(), 8);
    assert_eq!(second, group.claims);
}

proptest! {
    #[test]
    fn every_partition_has_one_reader_that_wants_it(group in groups()) {
        for strategy in [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky] {
            let members = group.members(strategy);

            let assignment = ClientAssignor::new(strategy).assign(&group.topics, &members);

            group.check_complete(&assignment)?;
        }
        for assignor in ServerAssignor::DEFAULT {
            group.check_complete(&assignor.assign(&group.spec()).expect("all topics are known"))?;
        }
    }

    #[test]
    fn shares_differ_by_one_at_most_if_all_want_the_same(group in uniform_groups()) {
        let mut answers = vec![group.assign(Assignor::RoundRobin), group.assign(Assignor::Sticky)];
        answers.push(ServerAssignor::Uniform.assign(&group.spec()).expect("all topics are known"));
        for assignment in answers {
            prop_assert!(spread(assignment.values().map(Vec::len)) <= 1, "{assignment:?}");
        }
    }

    #[test]
    fn range_splits_each_topic_evenly(group in groups()) {
        let mut answers = vec![group.assign(Assignor::Range)];
        answers.push(ServerAssignor::Range.assign(&group.spec()).expect("all topics are known"));
        for assignment in answers {
            for &topic in group.topics.keys() {
                let wants = |id: &MemberId| group.subscriptions[id].contains(&topic);
                let shares = assignment.iter().filter(|(id, _)| wants(id)).map(|(_, share)| {
                    share.iter().filter(|it| it.topic == topic).count()
                });
                prop_assert!(spread(shares) <= 1, "{assignment:?}");
            }
        }
    }

    #[test]
    fn nobody_could_relieve_a_member_that_has_two_more(group in groups()) {
        group.check_balanced(&group.assign(Assignor::Sticky))?;
    }

    #[test]
    fn everybody_keeps_everything_if_nothing_changes(group in plain_groups()) {
        for strategy in [Assignor::Sticky, Assignor::CooperativeSticky] {
            let first = group.after(BTreeMap::new()).assign(strategy);

            let second = group.after(first.clone()).assign(strategy);

            prop_assert_eq!(second, first, "{:?}", strategy);
        }
        for assignor in ServerAssignor::DEFAULT {
            let first = assignor.assign(&group.spec()).expect("all topics are known");

            let second = assignor.assign(&group.after(first.clone()).spec());

            prop_assert_eq!(second, Ok(first), "{:?}", assignor);
        }
    }

    #[test]
    fn cooperation_gives_away_nothing_that_another_member_holds(group in groups()) {
        let first = group.assign(Assignor::CooperativeSticky);

        for (member, share) in &first {
            for taken in share {
                let holder = group.claims.iter().find(|(_, owned)| owned.contains(taken));
                prop_assert!(holder.is_none_or(|(id, _)| id == member), "{taken:?} to {member}");
            }
        }

    }

    /// Mostly after two: the first takes away, the second gives. Where subscriptions differ,
    /// what is given may upset the balance once more.
    #[test]
    fn cooperation_settles_after_a_few_rebalances(group in plain_groups()) {
        let mut group = group;
        for _ in 0..4 {
            group = group.after(group.assign(Assignor::CooperativeSticky));
        }

        group.check_complete(&group.claims)?;
        prop_assert_eq!(&group.assign(Assignor::CooperativeSticky), &group.claims);
    }

    #[test]
    fn cooperation_ends_where_the_sticky_assignment_began(group in plain_uniform_groups()) {
        let first = group.assign(Assignor::CooperativeSticky);

        let second = group.after(first).assign(Assignor::CooperativeSticky);

        prop_assert!(spread(second.values().map(Vec::len)) <= 1, "{second:?}");
        prop_assert_eq!(&group.after(second.clone()).assign(Assignor::CooperativeSticky), &second);
    }
}

/// A group, and what its members hold since the generation before.
#[derive(Clone, Debug)]
struct Group {
    topics: Topics,
    subscriptions: BTreeMap<MemberId, BTreeSet<TopicId>>,
    racks: BTreeMap<MemberId, Option<&'static str>>,
    claims: BTreeMap<MemberId, Vec<TopicPartition>>,
}

impl Group {
    fn after(&self, assignment: GroupAssignment) -> Group {
        Group { claims: assignment, ..self.clone() }
    }

    fn assign(&self, strategy: Assignor) -> GroupAssignment {
        ClientAssignor::new(strategy).assign(&self.topics, &self.members(strategy))
    }

    fn members(&self, strategy: Assignor) -> Members {
        let members = self.subscriptions.iter().map(|(id, topics)| {
            let claimed = self.claims.get(id).cloned().unwrap_or_default();
            let (owned, user_data) = match strategy {
                Assignor::CooperativeSticky => (claimed, Some(cooperative_data(Some(1)))),
                Assignor::Sticky => (Vec::new(), Some(sticky_data(&claimed, 1))),
                Assignor::Range | Assignor::RoundRobin => (Vec::new(), None),
            };
            let subscription = Subscription {
                topics: topics.iter().copied().collect(),
                owned,
                generation: Some(Generation(1)),
                rack: self.racks[id].map(Into::into),
                user_data,
            };
            (id.clone(), Member { instance: None, subscription })
        });
        members.collect()
    }

    fn spec(&self) -> GroupSpec {
        let members = self.subscriptions.iter().map(|(id, topics)| {
            let target = self.claims.get(id).cloned().unwrap_or_default();
            let topics = topics.iter().copied().collect();
            (id.clone(), MemberSpec { instance: None, topics, target })
        });
        let counts = self.topics.iter().map(|(&id, partitions)| (id, partitions.len() as u16));
        GroupSpec::new(members.collect(), counts.collect())
    }

    fn check_complete(&self, assignment: &GroupAssignment) -> Result<(), TestCaseError> {
        let mut readers: BTreeMap<TopicPartition, usize> = BTreeMap::new();
        for (id, share) in assignment {
            for partition in share {
                prop_assert!(self.subscriptions[id].contains(&partition.topic));
                *readers.entry(*partition).or_default() += 1;
            }
        }
        for (&topic, partitions) in &self.topics {
            let is_wanted = self.subscriptions.values().any(|topics| topics.contains(&topic));
            for index in 0..partitions.len() as u16 {
                let count = readers.get(&partition(topic.0, index)).copied().unwrap_or(0);
                prop_assert_eq!(count, usize::from(is_wanted), "{:?} {}", topic, index);
            }
        }
        prop_assert_eq!(assignment.len(), self.subscriptions.len());
        Ok(())
    }

    fn check_balanced(&self, assignment: &GroupAssignment) -> Result<(), TestCaseError> {
        for share in assignment.values() {
            for partition in share {
                for (id, other) in assignment {
                    let wants = self.subscriptions[id].contains(&partition.topic);
                    prop_assert!(!wants || share.len() <= other.len() + 1, "{assignment:?}");
                }
            }
        }
        Ok(())
    }
}

/// Groups in which everybody subscribes to what they like.
fn groups() -> impl Strategy<Value = Group> {
    let topics = prop::collection::vec(0_usize..7, 1..5);
    let members = prop::collection::vec((1_u8..16, 0_usize..5), 1..7);
    (topics, members, any::<u64>(), any::<bool>())
        .prop_map(|(counts, members, seed, racked)| group(&counts, &members, seed, racked))
}

/// Groups in which everybody subscribes to all topics.
fn uniform_groups() -> impl Strategy<Value = Group> {
    groups().prop_map(|mut group| {
        let all: BTreeSet<_> = group.topics.keys().copied().collect();
        group.subscriptions.values_mut().for_each(|topics| topics.clone_from(&all));
        group
    })
}

/// Groups without racks.
fn plain_groups() -> impl Strategy<Value = Group> {
    groups().prop_map(without_racks)
}

/// Groups without racks, in which everybody subscribes to all topics.
fn plain_uniform_groups() -> impl Strategy<Value = Group> {
    uniform_groups().prop_map(without_racks)
}

fn without_racks(mut group: Group) -> Group {
    group.racks.values_mut().for_each(|rack| *rack = None);
    group
}

fn group(counts: &[usize], members: &[(u8, usize)], seed: u64, racked: bool) -> Group {
    let ids: Vec<MemberId> =
        (0..members.len()).map(|it| MemberId::from(format!("m{it}").as_str())).collect();
    let all: Vec<_> = (0..counts.len() as u16).collect();
    let subscriptions: BTreeMap<_, BTreeSet<_>> = ids
        .iter()
        .zip(members)
        .map(|(id, (mask, _))| {
            // The first topic stands in for those that do not exist: nobody is without any.
            let wanted = all.iter().filter(|&&topic| mask & (1 << topic) != 0);
            let mut topics: BTreeSet<_> = wanted.map(|&topic| TopicId(topic)).collect();
            if topics.is_empty() {
                topics.insert(TopicId(0));
            }
            (id.clone(), topics)
        })
        .collect();
    let rack = |place: usize| RACKS.get(place).copied().filter(|_| racked);
    let racks = ids.iter().zip(members).map(|(id, (_, place))| (id.clone(), rack(*place)));
    let mut topics = topics(counts);
    let mut claims: BTreeMap<MemberId, Vec<TopicPartition>> = BTreeMap::new();
    let mut draw = seed;
    for (id, partitions) in &mut topics {
        for (index, replicas) in (0..).zip(partitions) {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let pick = (draw >> 33) as usize;
            replicas.extend(rack(pick % 4).map(Into::into));
            if let Some(holder) = ids.get(pick / 4 % (ids.len() + 2)) {
                claims.entry(holder.clone()).or_default().push(partition(id.0, index));
            }
        }
    }
    Group { topics, subscriptions, racks: racks.collect(), claims }
}

fn topics(counts: &[usize]) -> Topics {
    (0..).map(TopicId).zip(counts.iter().map(|&count| vec![Vec::new(); count])).collect()
}

fn partition(topic: u16, partition: u16) -> TopicPartition {
    TopicPartition { topic: TopicId(topic), partition }
}

fn sticky_data(previous_assignment: &[TopicPartition], generation: u32) -> UserData {
    let generation = Some(Generation(generation));
    UserData::Sticky { previous_assignment: previous_assignment.to_vec(), generation }
}

fn cooperative_data(generation: Option<u32>) -> UserData {
    UserData::CooperativeSticky { generation: generation.map(Generation) }
}

/// Returns the difference between the largest and the smallest share.
fn spread(shares: impl Iterator<Item = usize> + Clone) -> usize {
    shares.clone().max().unwrap_or(0) - shares.min().unwrap_or(0)
}
