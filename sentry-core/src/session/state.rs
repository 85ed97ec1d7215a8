//! The state machine of one session.
//!
//! ```text
//! ok ─► ok (more errors) ─► exited | unhandled | crashed | abnormal
//! ```
//!
//! Nothing follows an end.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::protocol::SessionStatus;
use crate::session::Fault;

/// How a session goes or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    Exited,
    /// It ended well, but for an error that nobody handled.
    Unhandled,
    Crashed,
    Abnormal,
}

impl Status {
    pub(super) fn is_end(self) -> bool {
        self != Self::Ok
    }

    /// The published type knows one status less.
    pub(super) fn published(self) -> Option<SessionStatus> {
        match self {
            Self::Ok => Some(SessionStatus::Ok),
            Self::Exited => Some(SessionStatus::Exited),
            Self::Crashed => Some(SessionStatus::Crashed),
            Self::Abnormal => Some(SessionStatus::Abnormal),
            Self::Unhandled => None,
        }
    }
}

impl From<SessionStatus> for Status {
    fn from(status: SessionStatus) -> Self {
        match status {
            // It is about to end.
            SessionStatus::Ok | SessionStatus::Exited => Self::Exited,
            SessionStatus::Crashed => Self::Crashed,
            SessionStatus::Abnormal => Self::Abnormal,
        }
    }
}

/// What is to be told about a session at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) status: Status,
    pub(super) errors: u64,
    /// Nothing was told before.
    pub(super) is_first: bool,
    /// Orders the reports: milliseconds, and never the same twice.
    pub(super) sequence: u64,
    /// When this was so, and how long the session had lasted. It may be sent much later.
    pub(super) time: SystemTime,
    pub(super) lasted: Duration,
}

#[derive(Debug)]
pub(super) struct State {
    status: Status,
    errors: u64,
    is_unhandled: bool,
    /// The process may be dying of an error.
    is_in_danger: bool,
    is_announced: bool,
    sequence: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            status: Status::Ok,
            errors: 0,
            is_unhandled: false,
            is_in_danger: false,
            is_announced: false,
            sequence: 0,
        }
    }

    pub(super) fn status(&self) -> Status {
        self.status
    }

    pub(super) fn errors(&self) -> u64 {
        self.errors
    }

    pub(super) fn is_announced(&self) -> bool {
        self.is_announced
    }

    /// Counts an event. `false`: the session is over.
    pub(super) fn count(&mut self, fault: Fault) -> bool {
        if self.status.is_end() {
            return false;
        }
        self.errors = self.errors.saturating_add(1);
        match fault {
            Fault::Error => {}
            Fault::Unhandled => self.is_unhandled = true,
            Fault::Grave => self.is_in_danger = true,
            Fault::Crash | Fault::Death => self.status = Status::Crashed,
        }
        true
    }

    /// Ends the session, while a panic unwinds or not. `false`: it is over already.
    pub(super) fn end(&mut self, status: Status, is_panicking: bool) -> bool {
        if self.status.is_end() {
            return false;
        }
        self.status = match status {
            Status::Ok | Status::Exited if self.is_in_danger && is_panicking => Status::Crashed,
            Status::Ok | Status::Exited if self.is_unhandled || self.is_in_danger => Status::Unhandled,
            Status::Ok => Status::Exited,
            status => status,
        };
        if self.status == Status::Crashed {
            self.errors = self.errors.max(1);
        }
        true
    }

    /// How it ended if nobody hears of this process any more.
    pub(super) fn last_status(&self) -> Status {
        if self.is_in_danger { Status::Crashed } else { Status::Abnormal }
    }

    /// What is to be told now.
    pub(super) fn report(&mut self, (time, lasted): (SystemTime, Duration)) -> Report {
        self.sequence = milliseconds(time).max(self.sequence.saturating_add(1));
        let is_first = !std::mem::replace(&mut self.is_announced, true);
        Report { status: self.status, errors: self.errors, is_first, sequence: self.sequence, time, lasted }
    }
}

pub(super) fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
