//! What waits for Spotlight.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sentry_core::{ConsentGate, Outbound, clock};

use super::address::Address;
use super::worker;
use crate::sender::Deadline;

/// Beyond this the oldest copies are forgotten.
const MAX_ITEMS: usize = 1_000;
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Between the capturing threads and the worker.
pub(super) struct Queue {
    pub(super) address: Address,
    pub(super) user_agent: String,
    /// Whether anything may be shown.
    pub(super) gate: ConsentGate,
    state: Mutex<State>,
    /// Rung for new items, for the end of one, and for a flush or the end of all.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    items: VecDeque<(Outbound, usize)>,
    bytes: usize,
    /// The worker has one in its hands.
    busy: bool,
    /// Dropped undelivered, ever.
    failed: u64,
    /// Flushes that wait: no time for long breaks.
    hurry: usize,
    closed: bool,
    /// There is a worker.
    working: bool,
}

impl Queue {
    pub(super) fn new(address: Address, user_agent: &str, gate: ConsentGate) -> Arc<Self> {
        let user_agent = user_agent.chars().filter(|c| matches!(c, ' '..='~')).collect();
        Arc::new(Self { address, user_agent, gate, state: Mutex::default(), changed: Condvar::new() })
    }

    pub(super) fn push(self: &Arc<Self>, copy: Outbound) {
        if !self.gate.is_open() {
            return;
        }
        let size = copy.size_hint();
        let mut state = self.lock();
        if state.closed {
            return;
        }
        let start = !std::mem::replace(&mut state.working, true);
        let mut forgotten = Vec::new();
        state.items.push_back((copy, size));
        state.bytes += size;
        while state.items.len() > MAX_ITEMS || state.bytes > MAX_BYTES {
            let Some((oldest, size)) = state.items.pop_front() else { break };
            state.bytes -= size;
            state.failed += 1;
            forgotten.push(oldest);
        }
        drop(state);
        self.changed.notify_all();
        // The destructors may be the user's: not under the lock.
        drop(forgotten);
        if start && !worker::start(self) {
            // The next item tries again; these wait for it.
            self.lock().working = false;
        }
    }

    /// Waits for an item; `None` at the end.
    pub(super) fn next(&self) -> Option<Outbound> {
        let mut state = self.lock();
        loop {
            if let Some((item, size)) = state.items.pop_front() {
                state.bytes -= size;
                state.busy = true;
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The item that [`next`](Self::next) returned has had its tries.
    pub(super) fn done(&self, delivered: bool) {
        let mut state = self.lock();
        state.busy = false;
        state.failed += u64::from(!delivered);
        drop(state);
        self.changed.notify_all();
    }

    /// Takes a break, unless somebody waits for the worker. Tells whether it was taken in full.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let deadline = Deadline::after(clock::instant(), pause);
        let mut state = self.lock();
        while !state.closed && state.hurry == 0 {
            let left = deadline.remaining(clock::instant());
            if left.is_zero() {
                return true;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        !state.busy && state.items.is_empty()
    }

    /// Waits until nothing is left; tells whether all of it was delivered.
    pub(super) fn flush(&self, deadline: Deadline) -> bool {
        let mut state = self.lock();
        let failed = state.failed;
        state.hurry += 1;
        self.changed.notify_all();
        while state.working && (state.busy || !state.items.is_empty()) {
            let left = deadline.remaining(clock::instant());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.hurry -= 1;
        !state.busy && state.items.is_empty() && state.failed == failed
    }

    /// Forgets what waits and ends the worker. Nobody waits for that.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.bytes = 0;
        let forgotten = std::mem::take(&mut state.items);
        drop(state);
        self.changed.notify_all();
        drop(forgotten);
    }

    /// The worker is gone.
    pub(super) fn stopped(&self) {
        let mut state = self.lock();
        state.working = false;
        state.busy = false;
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("address", &self.address.authority).finish_non_exhaustive()
    }
}
