//! Pauses between attempts: `tests/data/client-link.json`.

use model::chance::Rng;
use model::channel::Backoff;
use model::time::Duration;
use serde::Deserialize;

/// Kafka's jitter lies between 0.8 and 1.2; these are its ends and its middle, in millionths.
const JITTER: [u64; 3] = [800_000, 1_000_000, 1_200_000];

#[derive(Deserialize)]
struct Vectors {
    without_jitter: Vec<Plain>,
    with_jitter: Vec<Jittered>,
}

#[derive(Deserialize)]
struct Plain {
    first: u64,
    max: u64,
    pauses: Vec<u64>,
}

#[derive(Deserialize)]
struct Jittered {
    first: u64,
    max: u64,
    bounds: Vec<(u64, u64)>,
}

#[test]
fn backoff_without_jitter_doubles_up_to_its_maximum() {
    for case in vectors().without_jitter {
        let backoff = backoff(case.first, case.max);

        let pauses: Vec<_> = (0..case.pauses.len() as u32)
            .map(|attempt| backoff.with_jitter(attempt, JITTER[1]).as_millis())
            .collect();

        assert_eq!(pauses, case.pauses, "{backoff:?}");
    }
}

#[test]
fn backoff_with_jitter_reaches_its_bounds_and_stays_within() {
    let mut rng = Rng::fork(1, "backoff");
    for case in vectors().with_jitter {
        let backoff = backoff(case.first, case.max);
        for (attempt, &(low, high)) in (0..).zip(&case.bounds) {
            let [lowest, _, highest] =
                JITTER.map(|jitter| backoff.with_jitter(attempt, jitter).as_millis());

            assert_eq!((lowest, highest), (low, high), "{backoff:?}, attempt {attempt}");
            for _ in 0..1_000 {
                let pause = backoff.pause(attempt, &mut rng).as_millis();
                assert!((low..=high).contains(&pause), "{backoff:?}, attempt {attempt}: {pause}");
            }
        }
    }
}

fn backoff(first: u64, max: u64) -> Backoff {
    Backoff { first: Duration::from_millis(first), max: Duration::from_millis(max) }
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../data/client-link.json")).expect("the cases are valid")
}
