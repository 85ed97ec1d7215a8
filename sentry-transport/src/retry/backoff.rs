//! The gate in front of a host.
//!
//! One gate for everything: when a host is away, a thousand items must not knock a thousand times. It closes with full
//! jitter after each failure, lets one request through when it opens again, and is wide open after the first answer.
//!
//! A host is away when it cannot be connected to: every other request would meet the same. A connection that is cut, or
//! a single 503, is the misfortune of one item, which waits alone; only three of those in a row, without an answer in
//! between, mean the host. Otherwise one cut connection in a hundred would keep the gate closed most of the time.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(15 * 60);

/// Full jitter may ask for nothing at all; a host that refuses deserves a breath.
pub(crate) const FLOOR: Duration = Duration::from_millis(100);

/// A fresh item may knock this soon even if the gate would stay closed for longer: it is news, and the pause of an
/// hour-old outage must not delay it for a quarter of an hour.
const PROBE: Duration = Duration::from_secs(5);

/// So many misfortunes in a row mean the host.
const IN_A_ROW: u32 = 3;

/// When the host may be tried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gate {
    failures: u32,
    /// Misfortunes of single items since the last answer.
    misfortunes: u32,
    closed: Option<Closed>,
}

#[derive(Clone, Copy, Debug)]
struct Closed {
    failed: Instant,
    opens: Instant,
    opens_for_fresh: Instant,
}

impl Gate {
    /// The host could not be reached. `unit` is a random number in `[0, 1)`.
    pub(crate) fn failed(&mut self, now: Instant, unit: f64) {
        let pause = jittered(self.failures, unit);
        self.close(now, pause, pause.min(PROBE));
    }

    /// A connection was cut, or nothing came in time.
    pub(crate) fn was_cut(&mut self, now: Instant, unit: f64) {
        if self.has_met_misfortune() {
            self.failed(now, unit);
        }
    }

    /// Something in front of the host said that it is away, for the whole of `pause` if it was that who asked for it.
    pub(crate) fn unavailable(&mut self, now: Instant, pause: Duration, is_asked_for: bool) {
        if self.has_met_misfortune() || is_asked_for {
            self.close(now, pause, pause);
        }
    }

    fn has_met_misfortune(&mut self) -> bool {
        self.misfortunes = self.misfortunes.saturating_add(1);
        // Once it is failing, every further try says that it still is.
        self.misfortunes >= IN_A_ROW || self.failures > 0
    }

    /// The host answered.
    pub(crate) fn answered(&mut self) {
        *self = Self::default();
    }

    /// Somebody is waiting: knock as soon as decency allows.
    pub(crate) fn hurry(&mut self) {
        if let Some(closed) = &mut self.closed {
            closed.opens = closed.opens.min(closed.failed + FLOOR);
            closed.opens_for_fresh = closed.opens_for_fresh.min(closed.opens);
        }
    }

    /// When it opens; `None` if it is open. `fresh`: something arrived since the last failure.
    pub(crate) fn opens(&self, fresh: bool, now: Instant) -> Option<Instant> {
        let closed = self.closed?;
        let opens = if fresh { closed.opens_for_fresh } else { closed.opens };
        Some(opens).filter(|opens| *opens > now)
    }

    /// How many requests may be under way: one until the host has answered again.
    pub(crate) fn width(&self, max: usize) -> usize {
        if self.failures == 0 { max } else { 1 }
    }

    /// Whether it has failed more than once in a row: more than a hiccup.
    pub(crate) fn is_away(&self) -> bool {
        self.failures > 1
    }

    /// Whether the last try failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Requests that were under way together fail together: that is one failure, not sixteen.
    fn close(&mut self, now: Instant, pause: Duration, fresh: Duration) {
        if self.closed.is_some_and(|closed| closed.opens_for_fresh > now) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        // `Instant` overflows only centuries ahead; pauses are minutes.
        self.closed = Some(Closed { failed: now, opens: now + pause, opens_for_fresh: now + fresh });
    }
}

/// How long to wait after so many failures: full jitter under a ceiling that doubles.
pub(crate) fn jittered(failures: u32, unit: f64) -> Duration {
    let ceiling = FIRST.saturating_mul(1 << failures.min(20)).min(CAP);
    ceiling.mul_f64(unit.clamp(0.0, 1.0)).max(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        sentry_core::clock::instant()
    }

    #[test]
    fn the_pause_doubles_up_to_the_cap_and_is_jittered() {
        let mut now = start();
        let mut gate = Gate::default();
        assert_eq!(gate.opens(false, now), None);
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            gate.failed(now, 1.0);
            assert_eq!(gate.opens(false, now), Some(now + Duration::from_secs(expected)));
            now += Duration::from_secs(expected);
        }
        let mut jittered = Gate::default();
        jittered.failed(now, 0.5);
        assert_eq!(jittered.opens(false, now), Some(now + Duration::from_millis(500)));
        let mut floored = Gate::default();
        floored.failed(now, 0.0);
        assert_eq!(floored.opens(false, now), Some(now + FLOOR));
    }

    #[test]
    fn failures_of_one_salvo_count_once() {
        let now = start();
        let mut gate = Gate::default();
        for _ in 0..16 {
            gate.failed(now, 1.0);
        }
        assert_eq!(gate.opens(false, now), Some(now + FIRST));
    }

    #[test]
    fn one_request_probes_and_one_answer_opens() {
        let now = start();
        let mut gate = Gate::default();
        assert_eq!(gate.width(16), 16);
        gate.failed(now, 1.0);
        assert_eq!(gate.opens(false, now + FIRST), None);
        assert_eq!(gate.width(16), 1);
        gate.answered();
        assert_eq!(gate.width(16), 16);
        assert!(!gate.is_failing());
    }

    #[test]
    fn a_fresh_item_probes_after_five_seconds() {
        let mut now = start();
        let mut gate = Gate::default();
        for _ in 0..12 {
            gate.failed(now, 1.0);
            now = gate.opens(false, now).unwrap_or(now);
        }
        gate.failed(now, 1.0);
        assert_eq!(gate.opens(true, now), Some(now + PROBE));
        assert_eq!(gate.opens(false, now), Some(now + CAP));
        gate.failed(now + PROBE, 1.0);
        assert_eq!(gate.opens(true, now + PROBE), Some(now + 2 * PROBE));
    }

    #[test]
    fn a_single_misfortune_is_not_the_host_and_three_in_a_row_are() {
        let now = start();
        let mut gate = Gate::default();
        for _ in 0..100 {
            gate.was_cut(now, 1.0);
            gate.unavailable(now, FIRST, false);
            assert_eq!((gate.opens(false, now), gate.width(16)), (None, 16));
            gate.answered();
        }
        gate.was_cut(now, 1.0);
        gate.was_cut(now, 1.0);
        gate.was_cut(now, 1.0);
        assert_eq!(gate.opens(false, now), Some(now + FIRST));
        gate.was_cut(now + FIRST, 1.0);
        assert_eq!(gate.opens(false, now + FIRST), Some(now + 3 * FIRST), "the pause grows with each probe");
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept_at_once() {
        let now = start();
        let mut gate = Gate::default();
        gate.unavailable(now, 30 * FIRST, true);
        assert_eq!(gate.opens(true, now), Some(now + 30 * FIRST));
    }

    #[test]
    fn hurry_shortens_the_pause_to_the_floor() {
        let now = start();
        let mut gate = Gate::default();
        gate.failed(now, 1.0);
        gate.hurry();
        assert_eq!(gate.opens(false, now), Some(now + FLOOR));
    }
}
