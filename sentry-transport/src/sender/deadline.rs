//! A point in time that a wait must not pass.

use std::time::{Duration, Instant};

/// When to give up: computed once, before the first wait, and passed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// Timeouts beyond this mean "for ever" and would overflow the clock.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Deadline {
    /// The deadline `timeout` from `now`.
    #[must_use]
    pub fn after(now: Instant, timeout: Duration) -> Self {
        Self(now.checked_add(timeout.min(FOREVER)).unwrap_or(now))
    }

    /// The time itself.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }

    /// What is left at `now`.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// Whether nothing is left at `now`.
    #[must_use]
    pub fn has_passed(self, now: Instant) -> bool {
        self.0 <= now
    }
}

impl From<Instant> for Deadline {
    fn from(instant: Instant) -> Self {
        Self(instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_timeout_does_not_overflow() {
        let now = sentry_core::clock::instant();
        let deadline = Deadline::after(now, Duration::MAX);
        assert!(!deadline.has_passed(now));
        assert_eq!(deadline.remaining(now), FOREVER);
        assert!(Deadline::after(now, Duration::ZERO).has_passed(now));
    }
}
