//! When silence is a hang. Knows no clock: time comes in laps.

use std::time::Duration;

use super::pulse::Sign;

/// How long a watched one has been silent, and what that has led to so far.
#[derive(Debug, Default)]
pub(super) struct Patience {
    silent: Duration,
    /// The silence of now is known as a hang.
    is_hang: bool,
    previous: Option<Duration>,
    count: u64,
}

/// A silence that has just become a hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hang {
    /// How long it has lasted so far.
    pub(super) duration: Duration,
    /// How long the one before lasted in all.
    pub(super) previous: Option<Duration>,
    /// How many there were, this one included.
    pub(super) count: u64,
}

impl Patience {
    /// What a sign means that was found after a lap. Once per hang, the hang.
    pub(super) fn judge(&mut self, sign: Sign, lap: Duration, timeout: Duration) -> Option<Hang> {
        if sign != Sign::Silent {
            if std::mem::take(&mut self.is_hang) {
                self.previous = Some(self.silent);
            }
            self.silent = Duration::ZERO;
            return None;
        }
        self.silent = self.silent.saturating_add(lap);
        if self.is_hang || self.silent < timeout {
            return None;
        }
        self.is_hang = true;
        self.count += 1;
        Some(Hang { duration: self.silent, previous: self.previous, count: self.count })
    }
}

/// How much of the time between two looks was awake time: none, where the watchdog was kept from looking itself.
pub(super) fn awake(lap: Duration, tick: Duration) -> Duration {
    if lap > tick * 2 { Duration::ZERO } else { lap }
}

/// How often to look.
pub(super) fn tick(timeout: Duration) -> Duration {
    (timeout / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(100);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_hang_is_told_once_and_again_after_an_answer() {
        let mut patience = Patience::default();
        let mut judge = |sign| patience.judge(sign, ms(25), TIMEOUT);
        assert_eq!([Sign::Beat, Sign::Silent, Sign::Silent, Sign::Silent].map(&mut judge), [None; 4]);
        let first = Hang { duration: ms(100), previous: None, count: 1 };
        assert_eq!(judge(Sign::Silent), Some(first));
        assert_eq!([Sign::Silent; 10].map(&mut judge), [None; 10]);
        assert_eq!([Sign::Beat, Sign::Silent, Sign::Silent, Sign::Silent].map(&mut judge), [None; 4]);
        let second = Hang { duration: ms(100), previous: Some(ms(350)), count: 2 };
        assert_eq!(judge(Sign::Silent), Some(second));
    }

    #[test]
    fn who_answers_or_waits_for_work_does_not_hang() {
        let mut patience = Patience::default();
        for sign in [Sign::Beat, Sign::Silent, Sign::Silent, Sign::Idle, Sign::Idle].repeat(100) {
            assert_eq!(patience.judge(sign, ms(45), TIMEOUT), None);
        }
    }

    #[test]
    fn time_in_which_the_watchdog_was_stopped_counts_for_nobody() {
        let tick = tick(TIMEOUT);
        assert_eq!(awake(ms(26), tick), ms(26));
        assert_eq!(awake(ms(60_000), tick), Duration::ZERO);
        let mut patience = Patience::default();
        for _ in 0..1_000 {
            assert_eq!(patience.judge(Sign::Silent, awake(ms(60_000), tick), TIMEOUT), None);
        }
    }

    #[test]
    fn it_looks_neither_too_often_nor_too_seldom() {
        assert_eq!([Duration::ZERO, ms(100), ms(5_000)].map(tick), [ms(5), ms(25), ms(1_000)]);
        assert_eq!(tick(Duration::MAX), ms(1_000));
    }
}
