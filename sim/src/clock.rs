//! Wall clocks: ahead, drifting, set forward and back. Only rules about wall-clock time see
//! them; timers run on true time.

use model::time::{Time, Timestamp};

use crate::plan::ClockPlan;

/// One computer's wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Microseconds since the epoch at time zero, this clock's error included.
    base_micros: i64,
    drift_ppm: i64,
}

impl Clock {
    /// Makes a clock where true clocks show `true_start` at time zero.
    pub(crate) fn new(true_start: Timestamp, plan: ClockPlan) -> Clock {
        let base_micros = (true_start.0.saturating_mul(1_000)).saturating_add(plan.ahead_micros);
        Clock { base_micros, drift_ppm: plan.drift_ppm }
    }

    /// Returns what the clock shows.
    pub(crate) fn read(&self, now: Time) -> Timestamp {
        let shown = self.base_micros.saturating_add(now.0 as i64);
        Timestamp(shown.saturating_add(self.gained(now)).div_euclid(1_000))
    }

    fn gained(&self, now: Time) -> i64 {
        match self.drift_ppm {
            0 => 0,
            ppm => (i128::from(now.0) * i128::from(ppm) / 1_000_000) as i64,
        }
    }

    /// Sets the clock forward by so many microseconds; negative is back.
    pub(crate) fn jump(&mut self, by_micros: i64) {
        self.base_micros = self.base_micros.saturating_add(by_micros);
    }

    /// Lets the clock gain so many microseconds per second from here on; negative is lose.
    pub(crate) fn drift(&mut self, ppm: i64, now: Time) {
        let before = self.gained(now);
        self.drift_ppm = ppm;
        self.jump(before - self.gained(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_SECONDS: Time = Time(10_000_000);

    #[test]
    fn an_exact_clock_shows_true_time() {
        let clock = Clock::new(Timestamp(1_000), ClockPlan::default());

        assert_eq!(clock.read(Time(2_999)), Timestamp(1_002));
    }

    #[test]
    fn lead_drift_and_jumps_add_up() {
        let plan = ClockPlan { ahead_micros: -250_000, drift_ppm: 100_000 };
        let mut clock = Clock::new(Timestamp(0), plan);

        clock.jump(3_000_000);

        assert_eq!(clock.read(TEN_SECONDS), Timestamp(10_000 - 250 + 1_000 + 3_000));
    }

    #[test]
    fn another_drift_starts_from_what_the_clock_shows() {
        let mut clock = Clock::new(Timestamp(0), ClockPlan { ahead_micros: 0, drift_ppm: 100_000 });

        clock.drift(-200_000, TEN_SECONDS);

        assert_eq!(clock.read(TEN_SECONDS), Timestamp(11_000));
        assert_eq!(clock.read(Time(20_000_000)), Timestamp(11_000 + 10_000 - 2_000));
    }
}
