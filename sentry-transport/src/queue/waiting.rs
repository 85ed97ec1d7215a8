//! Waiting for the worker: flush, close, and the report that goes with them.

use std::sync::Arc;
use std::time::Duration;

use sentry_core::clock;
use sentry_core::protocol::client_report::Reason;

use super::epochs::Ticket;
use super::shared::Shared;
use super::state::{Closing, DRAIN, State, Status};
use crate::sender::Deadline;

/// After the deadline of a close the worker needs a moment to count what is left; within the 50 ms we promise.
const GRACE: Duration = Duration::from_millis(25);

/// How long a transport that was dropped without a close goes on in the background.
const BACKGROUND: Duration = Duration::from_secs(2);

/// Reports that flushes have asked for; beyond this the oldest rides with the next.
const MAX_REPORTS: usize = 64;

impl Shared {
    /// Waits until everything accepted before is answered, at most until the deadline; tells whether it is.
    pub(crate) fn flush(self: &Arc<Self>, timeout: Duration) -> bool {
        let deadline = Deadline::after(clock::instant(), timeout);
        let mut state = self.lock();
        if state.worker == Status::Stopped || self.is_idle(&state) {
            return state.epochs.is_idle();
        }
        let ticket = self.request_report(&mut state);
        state.hurry = true;
        state.waiting += 1;
        let asked = state.control + 1;
        let state = self.ring(state);
        // What is held back will not be answered: nobody waits for it.
        let done = |state: &State| state.epochs.is_done(ticket) || state.settled >= asked;
        let (mut state, _) = self.wait(state, deadline, done);
        state.waiting = state.waiting.saturating_sub(1);
        state.epochs.is_done(ticket)
    }

    /// Sends what can be sent until the deadline, counts the rest and ends the worker. Tells whether nothing was given
    /// up. Does nothing the second time.
    pub(crate) fn close(self: &Arc<Self>, timeout: Duration) -> bool {
        let now = clock::instant();
        let may_drain = self.may_drain();
        let mut state = self.lock();
        if state.closing.is_some() {
            return true;
        }
        state.closing = Some(Closing::new(now, timeout, self.to_write(&state)));
        if !std::thread::panicking() {
            // Whoever unwinds on the way out of `main` does not end in good order.
            self.marker.end();
        }
        if self.is_idle(&state) {
            if state.worker != Status::Running {
                state.worker = Status::Stopped;
            }
            let may_drain = may_drain && state.worker == Status::Running;
            let state = self.ring(state);
            if may_drain {
                let deadline = Deadline::after(now, timeout.min(DRAIN));
                drop(self.wait(state, deadline, |state| state.worker == Status::Stopped));
            }
            return true;
        }
        let ticket = self.request_report(&mut state);
        state.hurry = true;
        let state = self.ring(state);

        let deadline = Deadline::after(now, timeout.saturating_add(GRACE));
        let (state, stopped) = self.wait(state, deadline, |state| state.worker == Status::Stopped);
        let reason = if state.failing { Reason::NetworkError } else { Reason::QueueOverflow };
        if stopped {
            return !state.abandoned && state.epochs.is_done(ticket);
        }
        drop(state);
        // A worker that is stuck in the middle of an item counts that one when it gets free.
        self.abandon(reason);
        let state = self.lock();
        !state.abandoned && state.epochs.is_done(ticket)
    }

    /// Whether earlier processes may have left something. Waits for nobody.
    fn may_drain(&self) -> bool {
        self.setup.open_store.is_some() && self.shelf.may_have_any()
    }

    fn to_write(&self, state: &State) -> usize {
        if self.shelf.is_on() { state.lanes.len() } else { 0 }
    }

    /// Ends the worker without waiting for it: what is queued may still go out in the background.
    pub(crate) fn detach(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.closing.is_some() {
            return;
        }
        state.closing = Some(Closing::new(clock::instant(), BACKGROUND, self.to_write(&state)));
        if self.is_idle(&state) {
            if state.worker != Status::Running {
                state.worker = Status::Stopped;
            }
        } else {
            self.request_report(&mut state);
            state.hurry = true;
        }
        let state = self.ring(state);
        let has_worker = state.worker == Status::Running;
        drop(state);
        if !has_worker {
            self.abandon(Reason::QueueOverflow);
        }
    }

    /// Ends the epoch with a client report, which goes out when everything else in it is answered.
    fn request_report(&self, state: &mut State) -> Ticket {
        // A second flush with nothing in between waits for the report of the first.
        let ticket = state.epochs.cut();
        if state.reports.back().is_some_and(|epoch| ticket.is_of(*epoch)) {
            return ticket;
        }
        if state.reports.len() >= MAX_REPORTS
            && let Some(epoch) = state.reports.pop_front()
        {
            self.answered(state, epoch, 1);
        }
        let epoch = state.epochs.accept();
        state.reports.push_back(epoch);
        state.epochs.cut()
    }
}
