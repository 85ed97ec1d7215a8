//! What the queue does while nothing may leave.
//!
//! ```text
//! undecided   lanes ─► finish ─► store          held on disk: answered as spooled
//!             lanes                             held in memory, without a store: not answered
//! revoked     lanes, outbox, store ─► counted as `no_consent`
//! given       as ever: the lanes, and the store at its pace
//! ```
//!
//! The gate is read before every request and, under the lock of the store, before every write. Whoever revokes empties the lanes
//! and the store on the spot and waits a moment for the worker, which empties its hands: after that nothing begins any more.
//!
//! Another process may decide too. While there is anything to do the worker looks into the cache directory every second; with
//! nothing to do it does so while nothing may leave, every few seconds before a decision and every minute after a no.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sentry_core::protocol::client_report::{Category, Reason};
use sentry_core::{ConsentGate, ConsentState, clock, is_suppressed};

use super::inbox::Turn;
use super::shared::Shared;
use super::state::Status;
use crate::sender::Deadline;
use crate::spool;
use crate::spool::consent::{Said, recall, remember};

/// How long whoever revokes waits for the worker. It needs microseconds, unless it is stuck.
const PATIENCE: Duration = Duration::from_millis(100);

/// The decision on disk, beside the one in memory.
pub(super) struct Keeper {
    gate: ConsentGate,
    dir: Option<PathBuf>,
    /// What was there when somebody looked last. Only what has changed since is news: a decision that could not be written
    /// counts for this process all the same.
    seen: Mutex<Said>,
}

impl Keeper {
    /// Reads what is remembered: nothing leaves before. Whoever listens is not told: a queue may be in the making.
    pub(super) fn new(gate: ConsentGate, dir: Option<&Path>) -> Self {
        let keeper = Self { gate, dir: dir.map(Path::to_owned), seen: Mutex::new(Said::Nothing) };
        keeper.read();
        keeper
    }

    /// Whether there is a place to remember anything in.
    pub(super) fn has_place(&self) -> bool {
        self.dir.is_some()
    }

    /// Takes over what another process has decided meanwhile.
    pub(super) fn look(&self) {
        if self.read() {
            self.gate.announce();
        }
    }

    /// Tells whether there was news.
    fn read(&self) -> bool {
        let Some(dir) = &self.dir else { return false };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let said = recall(dir);
        if said == *seen {
            return false;
        }
        *seen = said;
        // Under the lock: what this process decides at the same moment is written after it, or has been read.
        match said {
            // Somebody has cleaned up. That is no decision.
            Said::Nothing => false,
            Said::Given => self.gate.adopt(ConsentState::Given),
            Said::Revoked => self.gate.adopt(ConsentState::Revoked),
            Said::Unreadable => !self.gate.is_refused() && self.gate.adopt(ConsentState::Unknown),
        }
    }

    /// Writes down what is decided now. `Some`: why it will be forgotten.
    fn remember(&self) -> Option<std::io::Error> {
        let dir = self.dir.as_deref()?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (given, said) = match self.gate.state() {
            ConsentState::Given => (true, Said::Given),
            ConsentState::Revoked => (false, Said::Revoked),
            ConsentState::NotNeeded | ConsentState::Unknown => return None,
        };
        match remember(dir, given) {
            Ok(()) => {
                *seen = said;
                None
            }
            Err(error) => Some(error),
        }
    }
}

impl Shared {
    /// Whether nothing may leave.
    pub(super) fn is_barred(&self) -> bool {
        !self.setup.gate.is_open()
    }

    /// The user has decided, here or in another process.
    pub(super) fn decided(self: &Arc<Self>, by_user: bool) {
        let forgotten = if by_user { self.keeper.remember() } else { None };
        if let Some(error) = forgotten {
            self.tell("consent file", || {
                format!("consent could not be remembered, it counts for this run only: {error}")
            });
        }
        let is_refused = self.setup.gate.is_refused();
        if is_refused {
            self.purge();
        }
        let state = self.lock();
        let asked = state.control + 1;
        let state = self.ring(state);
        let has_worker = state.worker == Status::Running;
        // The worker itself, and whatever runs on behalf of the SDK, need not wait.
        if is_refused && has_worker && !is_suppressed() {
            let deadline = Deadline::after(clock::instant(), PATIENCE);
            drop(self.wait(state, deadline, |state| state.settled >= asked));
        } else {
            drop(state);
        }
        if !is_refused && self.setup.open_store.is_some() {
            self.wake();
        }
    }

    /// Removes everything that is held, but for what is in the hands of the worker.
    pub(super) fn purge(&self) {
        self.forget_last_words();
        self.refuse_lanes();
        self.shelf.purge();
        let Some(dir) = &self.keeper.dir else { return };
        match spool::purge(dir) {
            // Of which nobody here knows what they are.
            Ok(others) => self.recorder.record(Reason::NoConsent, Category::Default, others as u64),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => self.tell("purge", || format!("the cache directory could not be purged: {error}")),
        }
    }

    /// Counts what is in the lanes.
    pub(super) fn refuse_lanes(&self) {
        let refused = self.take_all();
        for id in refused.iter().filter_map(|item| item.kept) {
            self.shelf.remove(id);
        }
        self.count_gone(&refused, Reason::NoConsent);
    }

    /// The worker has done what it can while nothing may leave: whoever waits, waits for nothing.
    pub(super) fn has_settled(&self, turn: &Turn) {
        let mut state = self.lock();
        if state.settled < turn.control {
            state.settled = turn.control;
            drop(state);
            self.progress.notify_all();
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("gate", &self.gate).finish_non_exhaustive()
    }
}
