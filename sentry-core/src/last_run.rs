//! How the previous run of the program ended.
//!
//! A process that dies cannot tell anybody. What it can do is leave a note beside what it had stored; the next one finds the
//! note when it starts, tells the application, and, if its predecessor died right at its start, sends first what that has
//! left: a program that dies at every start would otherwise never live long enough to send why.
//!
//! ```text
//! init ─► Client::start ─┬─► Transport::start          reads and removes the note
//!                        ├─► Transport::send_crashes   after a crash within START_UP, for START_UP_FLUSH at most
//!                        └─► on_crashed_last_run
//! ```
//!
//! Without a cache directory nothing is left, and nothing is known.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use crate::client::Client;
use crate::diagnostics;
use crate::process::without_fork;
use crate::suppress::guarded;
use crate::types::Uuid;

/// A crash so soon after `init` is one of the start (protocol section 3.3).
pub const START_UP: Duration = Duration::from_secs(2);

/// How long `init` waits at most for what such a crash has left to be sent.
pub const START_UP_FLUSH: Duration = Duration::from_secs(5);

/// Is told at `init` that the previous run crashed; see
/// [`ClientOptions::on_crashed_last_run`](crate::ClientOptions::on_crashed_last_run).
pub type OnCrashedLastRun = Arc<dyn Fn(&CrashedRun) + Send + Sync>;

/// How the previous run of the program with the same DSN on the same cache directory ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LastRun {
    /// By a crash that was recorded.
    Crashed(CrashedRun),
    /// Otherwise, as far as it was recorded; or there was none.
    Ended,
    /// Nobody knows: there is no cache directory, it cannot be read, or the client was not made by `init`.
    #[default]
    Unknown,
}

/// A run that ended by a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrashedRun {
    /// The event of the crash.
    pub event_id: Uuid,
    /// When it crashed, in whole milliseconds.
    pub time: SystemTime,
    /// Within [`START_UP`] of its `init`.
    pub at_start: bool,
}

impl CrashedRun {
    /// A run that ended with this event.
    #[must_use]
    pub fn new(event_id: Uuid, time: SystemTime, at_start: bool) -> Self {
        Self { event_id, time, at_start }
    }
}

impl LastRun {
    /// Whether it crashed, if that is known.
    #[must_use]
    pub fn crashed(&self) -> Option<bool> {
        match self {
            Self::Crashed(_) => Some(true),
            Self::Ended => Some(false),
            Self::Unknown => None,
        }
    }

    /// What both know: the later of two crashes, and any knowledge over none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Crashed(one), Self::Crashed(other)) => {
                Self::Crashed(if other.time > one.time { other } else { one })
            }
            (crashed @ Self::Crashed(_), _) | (_, crashed @ Self::Crashed(_)) => crashed,
            (Self::Ended, _) | (_, Self::Ended) => Self::Ended,
            (Self::Unknown, Self::Unknown) => Self::Unknown,
        }
    }
}

impl Client {
    /// Begins the run: finds out how the previous one ended, and tells `on_crashed_last_run` if that was by a crash.
    ///
    /// `init` calls this once, when the client is in force; for a client made by hand it is up to you. Later calls do
    /// nothing. `known` is what a crash handler has found out by itself. Blocks only after a crash within [`START_UP`], for
    /// [`START_UP_FLUSH`] at most, until what the crash has left is sent.
    pub fn start(&self, known: LastRun) {
        if self.last_run_cell().get().is_some() {
            return;
        }
        let transport = self.transport();
        let told = transport.as_ref().and_then(|transport| guarded("transport", || transport.start()).ok());
        let last_run = told.unwrap_or_default().or(known);
        let is_first = without_fork(|| self.last_run_cell().set(last_run.clone()).is_ok());
        let LastRun::Crashed(crash) = last_run else { return };
        // Nothing may go ahead of the user's consent.
        let may_wait = is_first && crash.at_start && self.consent().allows_sending();
        if let Some(transport) = transport.filter(|_| may_wait) {
            let _ = guarded("transport", || transport.send_crashes(START_UP_FLUSH));
        }
        let Some(callback) = self.options().on_crashed_last_run.as_ref().filter(|_| is_first) else { return };
        // Not suppressed like other callbacks: nothing of ours is under way, and it may want to send feedback.
        if catch_unwind(AssertUnwindSafe(|| callback(&crash))).is_err() {
            diagnostics::warn_once("on_crashed_last_run", || "on_crashed_last_run panicked".to_owned());
        }
    }

    /// How the previous run ended, as far as it is known.
    #[must_use]
    pub fn last_run(&self) -> LastRun {
        self.last_run_cell().get().cloned().unwrap_or_default()
    }
}

/// Where a client keeps it.
pub(crate) type Cell = OnceLock<LastRun>;

#[cfg(test)]
#[path = "last_run_tests.rs"]
mod tests;
