//! What the capturing threads and the worker share, seen from the worker.

use std::task::Waker;
use std::time::Instant;

use sentry_core::clock;
use sentry_core::protocol::client_report::Reason;

use super::shared::{Accepted, Closing, Shared};
use crate::rate_limit::Limits;
use crate::sender::Response;

/// What the worker needs to know at the start of a turn, read under one lock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Whether the end has been ordered.
    pub(super) closing: Option<Closing>,
    /// How many items there have ever been.
    pub(super) accepted: u64,
    /// How many flushes and closes.
    control: u64,
    /// Whether somebody has begun to wait since the last turn.
    pub(super) hurry: bool,
    /// Whether anything is in the lanes or a report is asked for.
    pub(super) has_work: bool,
}

impl Shared {
    pub(super) fn turn(&self) -> Turn {
        let mut state = self.lock();
        Turn {
            closing: state.closing,
            accepted: state.accepted,
            control: state.control,
            hurry: std::mem::take(&mut state.hurry),
            has_work: state.has_work(),
        }
    }

    pub(super) fn has_work(&self) -> bool {
        self.lock().has_work()
    }

    pub(super) fn pop(&self) -> Option<Accepted> {
        self.lock().lanes.pop()
    }

    /// The epoch of a client report that is due: everything before it is answered, or it is now or never.
    pub(super) fn pop_report(&self, now_or_never: bool) -> Option<u64> {
        let mut state = self.lock();
        let epoch = *state.reports.front()?;
        if !now_or_never && !state.epochs.is_last_of(epoch) {
            return None;
        }
        state.reports.pop_front()
    }

    /// Accepts a client report that nobody asked for.
    pub(super) fn accept_report(&self) -> u64 {
        self.lock().epochs.accept()
    }

    /// Marks an item as answered: delivered, discarded, or counted as lost already.
    pub(super) fn answer(&self, epoch: u64) {
        let mut state = self.lock();
        self.answered(&mut state, epoch);
    }

    /// The limits in force, if any.
    pub(super) fn limits(&self, now: Instant) -> Option<Limits> {
        let state = self.lock();
        (state.limited && !state.limits.is_empty(now)).then(|| state.limits.clone())
    }

    pub(super) fn learn(&self, response: &Response, now: Instant) {
        // Nearly no answer says anything about limits: no lock for those.
        if response.status() != 429 && response.header("x-sentry-rate-limits").is_none() {
            return;
        }
        let mut state = self.lock();
        state.limited |= state.limits.learn(response, now, clock::now());
    }

    pub(super) fn set_failing(&self, failing: bool) {
        self.lock().failing = failing;
    }

    /// Counts everything that waits as lost. Tells whether there was anything.
    pub(super) fn abandon(&self, reason: Reason) {
        let mut state = self.lock();
        let left = self.take_all(&mut state);
        state.abandoned |= !left.is_empty();
        drop(state);
        self.count_lost(&left, reason);
    }

    pub(super) fn set_abandoned(&self) {
        self.lock().abandoned = true;
    }

    /// Whether there is something new since `turn`; if not, the next one rings `waker`.
    pub(super) fn poll_news(&self, waker: &Waker, turn: &Turn, for_data: bool) -> bool {
        let mut state = self.lock();
        if state.control != turn.control || (for_data && state.accepted != turn.accepted) {
            return true;
        }
        state.bell.arm(waker, for_data);
        false
    }
}
