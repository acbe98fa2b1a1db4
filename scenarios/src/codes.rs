//! The codes of everything that can be wrong with a scenario file.
//!
//! A code never changes its meaning; `trial explain T014` prints its paragraph.

macro_rules! codes {
    ($($variant:ident $name:literal $title:literal $text:literal;)*) => {
        /// Names one kind of mistake in a scenario file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// Returns the code as it is printed: `T014`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$variant => $name,)*
                }
            }

            /// Returns the heading of its explanation.
            pub fn title(self) -> &'static str {
                match self {
                    $(Code::$variant => $title,)*
                }
            }

            /// Returns the paragraph that `trial explain` prints.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Code::$variant => $text,)*
                }
            }

            /// Finds a code by its name, in either case.
            pub fn by_name(name: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|code| code.name().eq_ignore_ascii_case(name))
            }
        }
    };
}

codes! {
    Syntax "T001" "The file is not TOML"
        "A scenario is a TOML 1.0 file. Nothing else is looked at until its syntax is right, because one missing quote makes the rest of a file meaningless. Texts need quotes, tables begin with [name], and list items with [[name]].";
    Schema "T002" "The schema is missing or unknown"
        "Every scenario begins with `schema = 1`. The number says how to read the file, so that a later release can change the format and still read old files.";
    Missing "T003" "Something that is required is missing"
        "`schema`, `[cluster]` and at least one `[[expect]]` are required in every file, and some tables have fields that cannot be guessed, such as the topic of a producer.";
    WrongType "T004" "A value has the wrong type"
        "The message names what would fit. Texts, durations, sizes and selectors are written in quotes; numbers, true and false are not.";
    OutOfRange "T005" "A number lies outside of its range"
        "Broker ids run from 1 to 127, a cluster has 1 to 100 brokers, a topic at most 1000 partitions, and one producer sends at most 10 million records. A trial keeps everything in memory, so larger numbers would only end in a machine without any.";
    BareNumber "T010" "A duration or size without a unit"
        "Durations and sizes are texts with a unit (\"500ms\", \"2s\", \"64KiB\", \"1Gbit/s\"), because a bare number leaves open which unit it counts. Kafka's own settings are the exception: they keep Kafka's names and units, so `\"linger.ms\" = 5` is right.";
    BadDuration "T011" "A duration or size cannot be read"
        "Durations are written as \"250us\", \"20ms\", \"1.5s\" or \"2m 30s\"; sizes as \"100B\", \"64KiB\" or \"1MB\"; rates as \"100Mbit/s\" or \"10MB/s\". Moments of a trial count from its start.";
    BadShare "T012" "A probability lies outside of 0 to 1"
        "Probabilities and shares are numbers from 0 to 1: 0.25 is every fourth.";
    BadShape "T013" "A distribution cannot be read"
        "A random length of time is a plain duration (\"2ms\") or a table that says its shape: { shape = \"fixed\", at }, { shape = \"uniform\", from, to }, { shape = \"exponential\", floor, mean, cap } (floor and cap may be left out) or { shape = \"two-humped\", usual, rare, rare-share }. Lengths must not contradict each other: floor <= mean <= cap.";
    UnknownField "T014" "An unknown field"
        "Unknown fields are always errors, because a misspelt fault would otherwise be a fault that never happens. Fields whose names begin with `x-` are ignored everywhere: use them for notes of your own.";
    UnknownSetting "T015" "An unknown Kafka setting"
        "Settings have Kafka's own names, in quotes because they contain dots. This one is known neither to Kafka 4.0 nor to Trial for this kind of process.";
    Unmodelled "T016" "A Kafka setting that Trial does not model"
        "The setting exists in Kafka, but no rule of the model obeys it. Trial refuses it instead of ignoring it: a setting without effect would make a scenario prove something it does not. The page model-limits of the book lists what is left out, and why.";
    BadSetting "T017" "A setting has a value that Kafka would refuse"
        "The value does not fit the type or range that Kafka gives the setting. Kafka's durations are whole numbers in the unit at the end of the setting's name.";
    ConfigConflict "T018" "Two settings exclude each other"
        "Kafka refuses to start with this combination; clients throw a ConfigException. Session, heartbeat and assignors of the classic protocol cannot be set with group.protocol=consumer, nor group.remote.assignor without it, and a heartbeat must be shorter than the session. With `enable.idempotence` set to true, acks must be all, retries above 0 and max.in.flight.requests.per.connection at most 5; left unset, idempotence would silently be off instead. A `delivery.timeout.ms` that is set must be at least `linger.ms` + `request.timeout.ms`. A broker refuses to start unless session timeout and heartbeat interval of consumer groups lie between their own bounds (group.consumer.min.session.timeout.ms and the like).";
    SessionTimeout "T019" "A session timeout that the coordinator refuses"
        "A coordinator takes session timeouts from group.min.session.timeout.ms to group.max.session.timeout.ms (6 seconds to 30 minutes by default) and answers others with INVALID_SESSION_TIMEOUT, which ends the consumer. This is a warning, as it may be the very thing a scenario wants to show.";
    UnknownTopic "T020" "An unknown topic or partition"
        "Topics are defined under [topics.NAME]. A partition is named by its topic and its number from 0: orders-0.";
    UnknownBroker "T021" "An unknown broker or rack"
        "Brokers are numbered from 1, or named by the list in `cluster.brokers`; racks come from `cluster.racks`.";
    UnknownClient "T022" "An unknown client or group"
        "Clients are defined under [producers.NAME] and [consumers.NAME], groups under [groups.NAME] and [apps.NAME]; the members of the group g1 are g1-1, g1-2 and so on. The name must be one of the right kind.";
    BadPlacement "T023" "A placement that no cluster could have"
        "`placement` lists the replicas of each partition, preferred leader first: [[1, 2, 3], [2, 3, 1]]. A broker holds at most one replica of a partition, and every partition has the same number of replicas.";
    TooManyReplicas "T024" "More replicas than brokers"
        "Kafka refuses to create a topic with more replicas than there are brokers (INVALID_REPLICATION_FACTOR). That goes for `__consumer_offsets`, too, which every group needs: in a cluster with fewer than three brokers set offsets.topic.replication.factor in cluster.broker.";
    MinIsrTooHigh "T025" "min.insync.replicas above the number of replicas"
        "Legal in Kafka, and a common mistake: no acks=all write can ever succeed. This is a warning, as it may be the very thing a scenario wants to show.";
    BadName "T026" "A name that cannot be used"
        "Names of topics follow Kafka's rule: letters, digits, `.`, `_` and `-`, at most 249. Names of clients and groups follow the same rule and are not words that selectors use, such as `controller` or `broker-1`. No two things of one kind have the same name.";
    SharedInstance "T027" "Several members share one group.instance.id"
        "A static member's id belongs to one process: whoever joins with it replaces the one before, which is then fenced (FENCED_INSTANCE_ID). A config of the whole group gives every member the same id; `static = true` gives each its own. This is a warning, as it may be the very thing a scenario wants to show.";
    StepVerb "T030" "A step does not do exactly one thing"
        "Each [[step]] has exactly one verb, such as `crash` or `cut`. Write two steps, the second with `after = \"0s\"`, for two things at once.";
    StepTrigger "T031" "A step does not say when, or says it twice"
        "Each [[step]] has exactly one of `at` (since the start), `after` (since the previous step) and `when` (once a condition holds); `wait` goes with `when` only.";
    TooLate "T032" "A step after the end of the fault phase"
        "Faults happen while `sim.faults-for` lasts; after that everything is healed, and the settle phase begins. A step at a later time would never fire.";
    BadSelector "T033" "A selector cannot be read"
        "Selectors name nodes by what they are when a step fires: leader(orders-0), followers(orders-0), follower(orders-0, 1), isr(orders-0), controller, rack(a), broker-2, any-broker, all-brokers, all-clients, last-crashed, all-down, or the name of a client; and around groups coordinator(g1), member(g1, 1), members(g1), owner(g1, orders-0), group-leader(g1), or a member such as g1-1.";
    BadCondition "T034" "A condition cannot be read"
        "Conditions compare facts with numbers and join them with `and`, `or`, `not` and parentheses. Facts: isr(orders-0), hw(orders-0, broker-1), leo(orders-0, broker-1), epoch(orders-0), acknowledged(p1), in-doubt(p1), sent(p1), polled(c1), unfenced; of groups generation(g1), members(g1), committed(g1, orders-0), lag(g1), lag(g1, orders-0), processed(g1), processed(g1-1), owned(g1-1), threw(g1-1); and leader(orders-0) == broker-2 (or none), state(g1) == Stable, owner(g1, orders-0) == g1-2 (or none), seen(marker).";
    UnknownMessage "T035" "An unknown kind of message"
        "A rule names messages as Kafka's protocol does: the API's name and then Request or Response, such as FetchResponse.";
    CannotUndo "T036" "A step that cannot be undone has a `for`"
        "`for` undoes a step by itself after a while. That makes sense for crash, shutdown, power-loss, pause, cut, slow, rule and disk; the other verbs leave nothing behind that could be taken back.";
    UnknownWord "T037" "A word that is not one of the choices"
        "The value must be one of a few words, which the message lists.";
    UnknownClaim "T040" "An unknown claim or anomaly"
        "`trial list claims` prints the claims that a scenario can expect, and the anomalies that break them.";
    UnjudgedClaim "T041" "A claim that is not judged yet"
        "The claim belongs to a part of Kafka that the model does not cover yet. It is refused, as a claim that nobody judges would always look fine.";
    Contradiction "T042" "Two things that contradict each other"
        "Each claim and each anomaly is expected once per file; a case of the matrix may expect something else through [[matrix.expect]]. Elsewhere two fields say different things about one, such as then = \"commit-after\" and `enable.auto.commit`: keep one of them.";
    NoExpectation "T043" "A scenario without expectations"
        "A scenario says what should happen, disasters included: at least one [[expect]] is required. A run that judges nothing teaches nothing.";
    BadCount "T044" "A count that cannot be read"
        "`count` is a number or a range in quotes: \"7\", \"3..\", \"..=10\" or \"100..=250\". It needs something to count: a claim with `breaks = true`, or an anomaly.";
    BadDeadline "T045" "A deadline that does not fit"
        "`within` belongs to liveness claims (writes-resume, replicas-catch-up, group-stabilises, group-drains) and counts from the moment at which everything is healed. It cannot be longer than `sim.settle`, which goes on to its end all the same.";
    BadQuestion "T046" "A question that cannot be asked"
        "[ask] is the question of a scenario, for whoever sees it for the first time: `en` and `zh` for the question, two to five `options`, the number of the right one from 1 as `answer`, and `because`.";
    BadMatrix "T050" "The matrix cannot be read"
        "[matrix] maps paths in the file to lists of values and runs every combination, minus those in `except`. A path is written as a key: \"topics.orders.config.'min.insync.replicas'\" = [1, 2].";
    BadOverride "T051" "An override cannot be applied"
        "`--set path=value` replaces one value of the file. The path names tables and fields with dots between them, items of lists by their number from 1 (step.2.after), and Kafka's settings as they are: producers.p1.config.linger.ms=0.";
    NotYet "T060" "Part of the format that is not modelled yet"
        "The format knows it, but the model behind it does not exist yet. It is refused instead of ignored, so that no scenario passes for a reason it does not have.";
    UnknownRule "T061" "An unknown protocol rule"
        "`cluster.rules`, or `[rules]` for short, chooses protocol rules of older releases and plants mutants; `trial list rules` prints the rules and their choices, `trial list mutants` the mutants.";
    OneLanguage "T062" "A text that lacks a language"
        "Texts of the library are in English and in Chinese, and so are others of this file; this one is in English only: write it as { en = \"…\", zh = \"…\" }, or as two lines such as say.en and say.zh. Where Chinese is missing, English is shown.";
    UnknownFault "T063" "An unknown kind of fault"
        "[nemesis] draws random faults: `allow` names the kinds with their weights, whole numbers, and `trial list nemesis` prints them. Each run leaves out about half of them (`swarm`), half of the faults wait for a seam of a protocol (`seams`), and the others come in storms and lulls, or as `every` says. `keep = \"one-in-sync-copy\"` cuts power only where min.insync.replicas promises that an in-sync copy is left.";
    BadFound "T065" "A finding that cannot be read"
        "[found] says where a file comes from that a search has written: `by`, what was wrong as `violation` (the name of a claim, `assertion` or `livelock`), the `seed` that it was drawn from, the `digest` of its history in sixteen hexadecimal digits, and the versions `trial` and `model` that it was found with. `trial replay` compares the history of today with it.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_found_by_name() {
        assert!(Code::ALL.is_sorted_by(|one, next| one.name() < next.name()));
        assert_eq!(Code::by_name("t014"), Some(Code::UnknownField));
        assert_eq!(Code::by_name("T999"), None);
    }
}
