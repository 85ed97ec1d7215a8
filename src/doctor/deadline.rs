//! The one deadline of an examination.

use std::time::{Duration, Instant};

use sentry_core::clock;

/// When everything ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

/// Timeouts beyond this would overflow the clock.
const LONGEST: Duration = Duration::from_secs(60 * 60);

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        Self(clock::instant() + timeout.min(LONGEST))
    }

    /// What is left.
    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(clock::instant())
    }

    /// A fraction of what is left: the step must not eat what those after it need.
    pub(super) fn share(self, fraction: u32) -> Duration {
        self.left() / fraction
    }
}
