//! An item on its way out.

use std::sync::Arc;
use std::time::Instant;

use sentry_core::Durability;
use sentry_core::envelope::EnvelopeItem;
use sentry_core::protocol::Envelope;
use sentry_core::types::Uuid;

use super::answers::Answers;
use crate::sender::Watch;
use crate::store::EntryId;

/// A finished envelope, from its first try to its answer.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) envelope: Envelope,
    /// Whom to answer in the end.
    pub(super) answers: Answers,
    /// What must not overtake each other has the same key: updates of one session, check-ins of one run.
    pub(super) order: Option<Uuid>,
    /// Tries so far.
    pub(super) tries: u32,
    /// Tries that a proxy has answered for an absent server.
    pub(super) unavailable: u8,
    /// Tries that were cut off after the connection was there.
    pub(super) ambiguous: u8,
    /// Not to be tried before.
    pub(super) not_before: Option<Instant>,
    /// The same if somebody waits for it.
    pub(super) not_before_in_hurry: Option<Instant>,
    /// Its entry in the store.
    pub(super) kept: Option<EntryId>,
    /// What was written there, for the first try: as it is without client reports.
    pub(super) encoded: Option<Vec<u8>>,
    /// It goes at the end because there was time for it.
    pub(super) is_extra: bool,
    /// What it must survive.
    pub(super) durability: Durability,
    /// On the wire, at the last try.
    pub(super) bytes: usize,
    /// In memory, at the last try.
    pub(super) resident: usize,
    /// How the last try gets on, if files are read for it.
    pub(super) watch: Option<Arc<Watch>>,
}

impl Attempt {
    pub(super) fn new(envelope: Envelope, answers: Answers) -> Self {
        let order = envelope.items().find_map(EnvelopeItem::order_key);
        Self {
            envelope,
            answers,
            order,
            tries: 0,
            unavailable: 0,
            ambiguous: 0,
            not_before: None,
            not_before_in_hurry: None,
            kept: None,
            encoded: None,
            is_extra: false,
            durability: Durability::Memory,
            bytes: 0,
            resident: 0,
            watch: None,
        }
    }

    pub(super) fn report(epoch: u64) -> Self {
        Self::new(Envelope::new(), Answers::Report(epoch))
    }

    /// Whether it holds nothing but a client report.
    pub(super) fn is_report(&self) -> bool {
        matches!(self.answers, Answers::Report(_))
    }

    /// Whether its order is that of check-ins.
    pub(super) fn is_check_in(&self) -> bool {
        self.order.is_some() && !self.envelope.items().any(|item| item.session_update().is_some())
    }

    /// Whether it came from the store.
    pub(super) fn is_replayed(&self) -> bool {
        matches!(self.answers, Answers::Kept)
    }

    /// The item that ended the last try, as its file could not be read to the end that was announced.
    pub(super) fn broken_item(&self) -> Option<usize> {
        self.watch.as_ref()?.broken()
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }

    /// Whether the server can tell a second copy from a second event.
    pub(super) fn is_idempotent(&self) -> bool {
        self.envelope.uuid().is_some()
    }
}
