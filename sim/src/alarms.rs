//! When each computer wants to go on by itself: one moment per computer and purpose.
//!
//! Moments change with nearly every event, so they do not lie in the queue, where the old
//! ones would have to be waited for: a tournament finds the earliest, and setting another
//! one replays only the matches on its way to the final.

use model::time::Time;

use crate::queue::{Key, Kind, Place};

/// What alarms are for, in the order of simultaneous ones.
const PURPOSES: [Kind; 3] = [Kind::Departure, Kind::Deadline, Kind::Application];

/// One alarm per purpose and computer.
#[derive(Clone, Debug)]
pub(crate) struct Alarms {
    places: usize,
    /// The final at 1; the matches of `n` are won by the earlier of `2n` and `2n + 1`; the
    /// alarms themselves are in the second half, by purpose and then by place. `Time::MAX`
    /// is an alarm that is not set.
    ///
    /// Invariant: each match is won by the earlier side.
    winners: Vec<Time>,
    /// The alarm that went off last. It is not set any more, but still stands among the
    /// winners: nearly always it is set again at once, and that replays the same matches.
    spent: Option<usize>,
}

impl Alarms {
    /// Makes the alarms of so many computers, none of them set.
    pub(crate) fn new(places: usize) -> Alarms {
        let alarms = (places * PURPOSES.len()).next_power_of_two();
        Alarms { places, winners: vec![Time::MAX; 2 * alarms], spent: None }
    }

    /// Returns when a computer goes on.
    pub(crate) fn get(&self, purpose: Kind, place: Place) -> Option<Time> {
        let alarm = self.alarm(purpose, place);
        Some(self.winners[alarm]).filter(|at| *at != Time::MAX && self.spent != Some(alarm))
    }

    /// Sets when a computer goes on; `None` is never.
    pub(crate) fn set(&mut self, purpose: Kind, place: Place, at: Option<Time>) {
        let alarm = self.alarm(purpose, place);
        if self.spent == Some(alarm) {
            self.spent = None;
        }
        self.replay(alarm, at.unwrap_or(Time::MAX));
    }

    /// The first of them goes off. [`Alarms::settle`] must follow before anybody asks for the
    /// first one again.
    pub(crate) fn go_off(&mut self, first: Key) {
        self.spent = Some(self.alarm(first.kind(), first.to()));
    }

    /// Clears the alarm that has gone off, unless it was set again.
    pub(crate) fn settle(&mut self) {
        if let Some(alarm) = self.spent.take() {
            self.replay(alarm, Time::MAX);
        }
    }

    /// Gives an alarm another time and replays its matches.
    fn replay(&mut self, alarm: usize, at: Time) {
        let (mut side, mut winner) = (alarm, at);
        while self.winners[side] != winner {
            self.winners[side] = winner;
            if side == 1 {
                return;
            }
            winner = winner.min(self.winners[side ^ 1]);
            side /= 2;
        }
    }

    /// Returns when the first of them is due.
    pub(crate) fn next_at(&self) -> Time {
        self.winners[1]
    }

    /// Returns the first of them; `Time::MAX` if none is set.
    pub(crate) fn first(&self) -> Key {
        let (at, alarms) = (self.winners[1], self.winners.len() / 2);
        let mut side = 1;
        while side < alarms {
            // Of simultaneous ones the left one is first.
            side *= 2;
            side += usize::from(self.winners[side] != at);
        }
        let (purpose, place) = ((side - alarms) / self.places, (side - alarms) % self.places);
        Key::own(at, PURPOSES[purpose], Place(place as u16))
    }

    fn alarm(&self, purpose: Kind, place: Place) -> usize {
        let purpose = purpose as usize - PURPOSES[0] as usize;
        self.winners.len() / 2 + purpose * self.places + place.index()
    }
}

#[cfg(test)]
mod tests {
    use model::chance::Rng;

    use super::*;

    #[test]
    fn the_first_alarm_is_the_one_that_a_search_finds() {
        const PLACES: u16 = 5;
        let mut alarms = Alarms::new(usize::from(PLACES));
        let mut rng = Rng::fork(1, "alarms");
        let purpose_at = |rng: &mut Rng| PURPOSES[rng.below(3) as usize];

        for _ in 0..2_000 {
            let (purpose, place) = (purpose_at(&mut rng), Place(rng.below(5) as u16));
            let at = Some(Time(rng.below(8))).filter(|at| 0 < at.0);
            if rng.below(3) == 0 && alarms.next_at() != Time::MAX {
                let gone = alarms.first();
                alarms.go_off(gone);
                assert_eq!(alarms.get(gone.kind(), gone.to()), None);
            }
            alarms.set(purpose, place, at);
            alarms.settle();

            assert_eq!(alarms.get(purpose, place), at);
            let all = PURPOSES.iter().flat_map(|purpose| {
                (0..PLACES).map(Place).filter_map(|place| {
                    Some(Key::own(alarms.get(*purpose, place)?, *purpose, place))
                })
            });
            match all.min() {
                Some(first) => assert_eq!(alarms.first(), first),
                None => assert_eq!(alarms.next_at(), Time::MAX),
            }
        }
    }
}
