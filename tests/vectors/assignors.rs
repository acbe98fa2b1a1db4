//! Assignors of consumer groups: `tests/data/assignors.json`.
//!
//! Cases of one `source` with `call` 1, 2, … share an instance of the assignor. Topics come
//! with their count of partitions, or with the racks of each partition's replicas. A member's
//! `generation` is the one that the assignor finds, `subscribed_in` that of the subscription.
//! What is expected is the answer with members and topics in order, where Kafka's own answer
//! hangs on the order of its hash maps.

use std::collections::{BTreeMap, BTreeSet};

use model::group::assignor::server::{
    GroupSpec, MemberSpec, ServerAssignor, SubscriptionType, UnknownTopic,
};
use model::group::assignor::{
    ClientAssignor, GroupAssignment, Member, Strategy, Subscription, UserData,
};
use model::ids::{Generation, MemberId, TopicId, TopicPartition};
use serde::Deserialize;

/// The cases that are not run, with the reason.
const NOT_RUN: &[(&str, &str)] = &[
    ("server-simple-036", SIMPLE),
    ("server-simple-037", SIMPLE),
    ("server-simple-038", SIMPLE),
    ("server-simple-040", SIMPLE),
    ("server-simple-041", SIMPLE),
];

const SIMPLE: &str = "the simple assignor is that of share groups, early access in 4.0";

#[derive(Deserialize)]
struct Vectors {
    client: Vec<ClientCase>,
    server: Vec<ServerCase>,
}

/// Topic to partitions.
type Partitions = BTreeMap<String, Vec<u16>>;

#[derive(Deserialize)]
struct ClientCase {
    id: String,
    source: String,
    call: u32,
    topics: BTreeMap<String, Replicas>,
    members: BTreeMap<String, ClientMember>,
    expected: BTreeMap<String, Partitions>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Replicas {
    Count(usize),
    Racks(Vec<BTreeSet<String>>),
}

#[derive(Deserialize)]
struct ClientMember {
    topics: Vec<String>,
    owned: Option<Partitions>,
    generation: Option<i32>,
    subscribed_in: Option<u32>,
    rack: Option<String>,
    instance: Option<String>,
}

#[derive(Deserialize)]
struct ServerCase {
    id: String,
    /// What Kafka's test says of the group; some say less than they could.
    r#type: String,
    topics: BTreeMap<String, u16>,
    /// The topics as Kafka goes through them, where that decides: by hash or by topic id.
    #[serde(default)]
    order: Vec<String>,
    members: BTreeMap<String, ServerMember>,
    expected: Option<BTreeMap<String, Partitions>>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct ServerMember {
    topics: Vec<String>,
    #[serde(default)]
    target: Partitions,
    instance: Option<String>,
}

#[test]
fn leaders_assign_as_kafka_s_do() {
    let mut instances: BTreeMap<String, ClientAssignor> = BTreeMap::new();
    for case in vectors().client {
        let name = case.id.rsplit_once('-').expect("an id ends in a number").0;
        let strategy = Strategy::from_name(name).expect("the assignor exists");
        if case.call == 1 {
            instances.remove(&case.source);
        }
        let assignor =
            instances.entry(case.source.clone()).or_insert_with(|| ClientAssignor::new(strategy));
        let names = Names::of_client(&case);

        let assignment = assignor.assign(&names.replicas(&case), &names.members(&case, strategy));

        assert_eq!(assignment, names.assignment(&case.expected, &case.members), "{}", case.id);
    }
}

#[test]
fn coordinators_assign_as_kafka_s_do() {
    for case in vectors().server {
        let assignor = match case.id.rsplit_once('-').expect("an id ends in a number").0 {
            "server-uniform" => ServerAssignor::Uniform,
            "server-range" => ServerAssignor::Range,
            _ => continue,
        };
        let names = Names::of_server(&case);

        let assignment = assignor.assign(&names.group(&case));

        match (&case.expected, &case.error) {
            (Some(expected), None) => {
                let expected = names.assignment(expected, &case.members);
                assert_eq!(assignment, Ok(expected), "{}", case.id);
            }
            _ => assert!(matches!(assignment, Err(UnknownTopic(_))), "{}", case.id),
        }
    }
}

#[test]
fn every_case_is_run_or_accounted_for() {
    let vectors = vectors();
    let client = vectors.client.iter().map(|case| case.id.as_str());
    let server = vectors.server.iter().map(|case| case.id.as_str());
    let listed: BTreeSet<_> = NOT_RUN.iter().map(|(id, _)| *id).collect();

    let passed_over: BTreeSet<_> =
        client.chain(server).filter(|id| id.starts_with("server-simple")).collect();

    assert_eq!(passed_over, listed);
    assert!(NOT_RUN.iter().all(|(_, reason)| !reason.is_empty()));
}

/// The topics of a case, in the order in which Kafka goes through them; its clients sort by name.
struct Names(Vec<String>);

impl Names {
    fn of_client(case: &ClientCase) -> Names {
        let owned = case.members.values().filter_map(|member| member.owned.as_ref());
        let names: BTreeSet<_> = case
            .topics
            .keys()
            .chain(case.members.values().flat_map(|member| &member.topics))
            .chain(owned.flat_map(BTreeMap::keys))
            .collect();
        Names(names.into_iter().cloned().collect())
    }

    fn of_server(case: &ServerCase) -> Names {
        let mut names = Names(case.order.clone());
        let members = case.members.values();
        for name in members.flat_map(|it| it.topics.iter().chain(it.target.keys())) {
            if !names.0.contains(name) {
                names.0.push(name.clone());
            }
        }
        names
    }

    fn id(&self, name: &String) -> TopicId {
        let index = self.0.iter().position(|it| it == name).expect("the topic occurs in the case");
        TopicId(index as u16)
    }

    fn ids(&self, names: &[String]) -> Vec<TopicId> {
        let ids: BTreeSet<_> = names.iter().map(|name| self.id(name)).collect();
        ids.into_iter().collect()
    }

    fn partitions(&self, partitions: &Partitions) -> Vec<TopicPartition> {
        let mut all = Vec::new();
        for (name, indices) in partitions {
            let topic = self.id(name);
            all.extend(indices.iter().map(|&partition| TopicPartition { topic, partition }));
        }
        all
    }

    fn replicas(&self, case: &ClientCase) -> model::group::assignor::Topics {
        case.topics
            .iter()
            .map(|(name, replicas)| {
                let racks = match replicas {
                    Replicas::Count(count) => vec![Vec::new(); *count],
                    Replicas::Racks(partitions) => partitions
                        .iter()
                        .map(|racks| racks.iter().map(|rack| rack.as_str().into()).collect())
                        .collect(),
                };
                (self.id(name), racks)
            })
            .collect()
    }

    fn members(&self, case: &ClientCase, strategy: Strategy) -> BTreeMap<MemberId, Member> {
        case.members
            .iter()
            .map(|(id, member)| {
                let (owned, user_data) = self.claim(member, strategy);
                let subscription = Subscription {
                    topics: self.ids(&member.topics),
                    owned,
                    generation: member.subscribed_in.map(Generation),
                    rack: member.rack.as_deref().map(Into::into),
                    user_data,
                };
                let instance = member.instance.as_deref().map(Into::into);
                (MemberId::from(id.as_str()), Member { instance, subscription })
            })
            .collect()
    }

    /// Puts what the member owns, and since when, where the strategy looks for it.
    fn claim(
        &self,
        member: &ClientMember,
        strategy: Strategy,
    ) -> (Vec<TopicPartition>, Option<UserData>) {
        let owned = member.owned.as_ref().map(|owned| self.partitions(owned)).unwrap_or_default();
        // Kafka's -1 is no generation.
        let generation = member.generation.and_then(|it| u32::try_from(it).ok()).map(Generation);
        match strategy {
            Strategy::Range | Strategy::RoundRobin => (owned, None),
            Strategy::Sticky => {
                let data = UserData::Sticky { previous_assignment: owned, generation };
                (Vec::new(), Some(data))
            }
            Strategy::CooperativeSticky => {
                (owned, Some(UserData::CooperativeSticky { generation }))
            }
        }
    }

    fn group(&self, case: &ServerCase) -> GroupSpec {
        let members = case.members.iter().map(|(id, member)| {
            let spec = MemberSpec {
                instance: member.instance.as_deref().map(Into::into),
                topics: self.ids(&member.topics),
                target: self.partitions(&member.target),
            };
            (MemberId::from(id.as_str()), spec)
        });
        let known = case.topics.iter().filter(|(name, _)| self.0.contains(name));
        let topics = known.map(|(name, &count)| (self.id(name), count));
        let subscription_type = match case.r#type.as_str() {
            "homogeneous" => SubscriptionType::Homogeneous,
            _ => SubscriptionType::Heterogeneous,
        };
        GroupSpec { subscription_type, members: members.collect(), topics: topics.collect() }
    }

    /// Returns the assignment in which members that are not named have nothing.
    fn assignment<M>(
        &self,
        expected: &BTreeMap<String, Partitions>,
        members: &BTreeMap<String, M>,
    ) -> GroupAssignment {
        members
            .keys()
            .map(|id| {
                let mut share = expected.get(id).map(|it| self.partitions(it)).unwrap_or_default();
                share.sort_unstable();
                (MemberId::from(id.as_str()), share)
            })
            .collect()
    }
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../data/assignors.json")).expect("the cases are valid")
}
