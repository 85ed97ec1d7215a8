//! An item on its way out.

use std::time::Instant;

use sentry_core::protocol::Envelope;

/// A finished envelope, from its first try to its answer.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) envelope: Envelope,
    /// What to answer in the end.
    pub(super) epoch: u64,
    /// It holds nothing but a client report.
    pub(super) is_report: bool,
    /// Tries so far.
    pub(super) tries: u32,
    /// Tries that a proxy has answered for an absent server.
    pub(super) unavailable: u8,
    /// Tries that were cut off after the connection was there.
    pub(super) ambiguous: u8,
    /// Not to be tried before.
    pub(super) not_before: Option<Instant>,
}

impl Attempt {
    pub(super) fn new(envelope: Envelope, epoch: u64) -> Self {
        Self { envelope, epoch, is_report: false, tries: 0, unavailable: 0, ambiguous: 0, not_before: None }
    }

    pub(super) fn report(epoch: u64) -> Self {
        Self { is_report: true, ..Self::new(Envelope::new(), epoch) }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }

    /// Whether the server can tell a second copy from a second event.
    pub(super) fn is_idempotent(&self) -> bool {
        self.envelope.uuid().is_some()
    }
}
