//! The only place that asks the system for the time.

use std::time::{Instant, SystemTime};

/// The wall clock.
#[inline]
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock everybody else has to ask")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// The monotonic clock, for deadlines and intervals.
#[inline]
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock everybody else has to ask")]
pub fn instant() -> Instant {
    Instant::now()
}
