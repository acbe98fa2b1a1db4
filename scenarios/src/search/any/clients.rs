//! Draws producers and stand-alone consumers.

use std::sync::Arc;

use model::config::{ConsumerConfig, Idempotence, OffsetReset, ProducerConfig};
use model::ids::TopicId;
use model::message::cluster::TopicLayout;
use model::message::data::Acks;
use model::time::{Duration, Time};
use sim::plan::{
    ClientPlan, ClientRole, ConsumerPlan, Keys, ProducerPlan, SendStyle, Shape, TopicPlan,
};

use crate::search::any::Scale;
use crate::search::any::dice::Dice;

/// Draws the clients without a group, producers first.
pub(crate) fn draw(seed: u64, scale: &Scale, topics: &[TopicPlan]) -> Vec<ClientPlan> {
    let producers = (0..scale.producers).map(|nth| {
        let name = format!("p{}", nth + 1);
        let role = ClientRole::Producer(producer(seed, scale, &name, topics));
        ClientPlan { name: Arc::from(name), role }
    });
    let consumers = (0..Dice::of(seed, "consumers").pick(&[0, 0, 1])).map(|nth: u16| {
        let name = format!("c{}", nth + 1);
        let role = ClientRole::Consumer(consumer(seed, scale, &name));
        ClientPlan { name: Arc::from(name), role }
    });
    producers.chain(consumers).collect()
}

fn producer(seed: u64, scale: &Scale, name: &str, topics: &[TopicPlan]) -> ProducerPlan {
    let mut dice = Dice::of(seed, &format!("producer/{name}"));
    let topic = TopicId(dice.number(0, u64::from(scale.topics) - 1) as u16);
    let partitions = partitions(&topics[usize::from(topic.0)]);
    let records = dice.number(scale.records.div_ceil(4), scale.records);
    // Most records are sent while there are faults, some in a burst, some after them.
    let whole = scale.faults_millis * 1_000 / records;
    let gap = dice.pick(&[1_000, 1_000, whole / 4, whole, whole]);
    let every = match dice.coin() {
        true => Shape::Fixed(Duration(gap)),
        false => Shape::Exponential {
            floor: Duration(100.min(gap)),
            mean: Duration(gap),
            cap: Duration(gap * 5),
        },
    };
    let style = dice.pick(&[
        SendStyle::Callback,
        SendStyle::Callback,
        SendStyle::FireAndForget,
        SendStyle::Sync,
    ]);
    let notes_its_place = dice.one_in(8) && style != SendStyle::FireAndForget;
    ProducerPlan {
        topic,
        partition: dice.one_in(4).then(|| dice.number(0, u64::from(partitions) - 1) as u16),
        records: records as u32,
        every,
        start: Time::ZERO + dice.pick(&[0, 500, 500, 2_000].map(Duration::from_millis)),
        keys: dice.pick(&[Keys::Null, Keys::RoundRobin(2), Keys::RoundRobin(3), Keys::Zipf(5)]),
        value_bytes: dice.pick(&[10, 10, 100]),
        style,
        checkpoint: notes_its_place.then(|| dice.number(1, 3) as u32),
        config: config(seed, name),
    }
}

/// Returns how many partitions a topic has.
pub(crate) fn partitions(topic: &TopicPlan) -> u16 {
    match &topic.layout {
        TopicLayout::Counts { partitions, .. } => partitions.unwrap_or(1),
        TopicLayout::Manual(rows) => rows.len() as u16,
    }
}

/// Draws the settings of what sends as `name`.
pub(crate) fn config(seed: u64, name: &str) -> ProducerConfig {
    let mut dice = Dice::of(seed, &format!("producer/{name}/config"));
    let idempotence = dice.pick(&[Idempotence::On, Idempotence::Unset, Idempotence::Off]);
    let acks = match idempotence {
        Idempotence::Off => dice.pick(&[Acks::None, Acks::Leader, Acks::All, Acks::All]),
        Idempotence::On | Idempotence::Unset => Acks::All,
    };
    let retries = match idempotence {
        Idempotence::Off => dice.pick(&[u32::MAX >> 1, u32::MAX >> 1, 3, 0]),
        Idempotence::On | Idempotence::Unset => u32::MAX >> 1,
    };
    let (linger, request_timeout) =
        (dice.pick(&[0, 5, 50].map(Duration::from_millis)), dice.millis(200, 2_000));
    let patience =
        dice.pick(&[100, 1_000, 3_000, 60_000, 60_000, 60_000].map(Duration::from_millis));
    ProducerConfig {
        acks,
        idempotence,
        retries,
        in_flight_max: dice.pick(&[1, 2, 5, 5]),
        linger,
        batch_bytes: dice.pick(&[0, 0, 0, 200, 16_384]),
        request_timeout,
        delivery_timeout: linger + request_timeout + patience,
        block_max: dice.millis(1_000, 5_000),
        connection_setup_timeout: Duration::from_millis(1_000),
        connection_setup_timeout_max: Duration::from_millis(2_000),
        metadata_age_max: dice.pick(&[1_000, 300_000, 300_000].map(Duration::from_millis)),
        ..ProducerConfig::default()
    }
}

fn consumer(seed: u64, scale: &Scale, name: &str) -> ConsumerPlan {
    let mut dice = Dice::of(seed, &format!("consumer/{name}"));
    ConsumerPlan {
        topic: TopicId(dice.number(0, u64::from(scale.topics) - 1) as u16),
        partition: None,
        start: Time::ZERO + dice.pick(&[0, 1_000, 3_000].map(Duration::from_millis)),
        poll_timeout: Duration::from_millis(500),
        takes: Shape::Fixed(dice.millis(1, 100)),
        config: ConsumerConfig {
            offset_reset: dice.pick(&[
                OffsetReset::Earliest,
                OffsetReset::Earliest,
                OffsetReset::Latest,
                OffsetReset::None,
            ]),
            request_timeout: dice.millis(1_000, 2_000),
            connection_setup_timeout: Duration::from_millis(1_000),
            connection_setup_timeout_max: Duration::from_millis(2_000),
            ..ConsumerConfig::default()
        },
    }
}
