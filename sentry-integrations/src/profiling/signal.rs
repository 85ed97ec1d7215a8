//! What the profiler's thread and those who want something of it tell each other.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sentry_core::{RootSpan, clock};

use super::profiler::lock;
use super::roots::Roots;

/// How long the thread sleeps at most before it looks whether its client is still there.
const LOOK_AROUND: Duration = Duration::from_secs(5);

/// So many root spans may begin between two looks. There is no need to know of more: some of them will go on.
const MOST: usize = 4_096;

#[derive(Default)]
pub(super) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_unwanted: bool,
    is_over: bool,
    /// The thread has nothing to look at, and wants to be woken by the next root span.
    is_idle: bool,
    arrived: Vec<RootSpan>,
    /// How often somebody has asked for what was seen so far, and how often that was answered.
    asked: u64,
    answered: u64,
}

/// What the thread is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Look at the threads.
    Look,
    /// Send what it has seen; so many have asked for it by now.
    Send(u64),
    /// See whether it is still wanted.
    Check,
    /// End.
    End,
}

impl Signal {
    pub(super) fn is_over(&self) -> bool {
        lock(&self.state).is_over
    }

    /// The thread has ended.
    pub(super) fn over(&self) {
        lock(&self.state).is_over = true;
        self.changed.notify_all();
    }

    /// A root span has begun.
    pub(super) fn watch(&self, root: RootSpan) {
        let mut state = lock(&self.state);
        if state.arrived.len() < MOST {
            state.arrived.push(root);
        }
        if std::mem::take(&mut state.is_idle) {
            self.changed.notify_all();
        }
    }

    /// Ends the thread, and waits until it has.
    pub(super) fn stop(&self, deadline: Instant) {
        lock(&self.state).is_unwanted = true;
        self.changed.notify_all();
        self.wait_until(deadline, |state| state.is_over);
    }

    /// Lets the thread send what it has seen, and waits until it has.
    pub(super) fn hand_over(&self, deadline: Instant) {
        let number = {
            let mut state = lock(&self.state);
            state.asked += 1;
            state.asked
        };
        self.changed.notify_all();
        self.wait_until(deadline, |state| state.is_over || state.answered >= number);
    }

    /// What was asked for is sent.
    pub(super) fn answer(&self, number: u64) {
        lock(&self.state).answered = number;
        self.changed.notify_all();
    }

    fn wait_until(&self, deadline: Instant, is_done: impl Fn(&State) -> bool) {
        let mut state = lock(&self.state);
        while !is_done(&state) {
            let left = deadline.saturating_duration_since(clock::instant());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the next thing to do. `look`: when to look again, if there is something to look at; that is always so without
    /// `roots`. `full`: when to send what was seen.
    pub(super) fn next(&self, mut roots: Option<&mut Roots>, look: Instant, full: Option<Instant>) -> Duty {
        loop {
            let arrived = {
                let mut state = lock(&self.state);
                if state.is_unwanted {
                    return Duty::End;
                }
                if state.asked > state.answered {
                    return Duty::Send(state.asked);
                }
                std::mem::take(&mut state.arrived)
            };
            // No lock is held: a span that is asked whether it goes on may be held by nobody else any more.
            let is_active = match &mut roots {
                Some(roots) => roots.add_and_look(arrived),
                None => true,
            };
            let now = clock::instant();
            if full.is_some_and(|full| full <= now) {
                return Duty::Send(0);
            }
            if is_active && look <= now {
                return Duty::Look;
            }
            let due = if is_active { look } else { full.unwrap_or(now + LOOK_AROUND) };
            let until = due.min(now + LOOK_AROUND);
            if !self.sleep(until, !is_active) && !is_active {
                return Duty::Check;
            }
        }
    }

    /// Sleeps until then, or until something has changed. `false`: nothing has.
    fn sleep(&self, until: Instant, is_idle: bool) -> bool {
        let mut state = lock(&self.state);
        let has_news = |state: &State| {
            state.is_unwanted || state.asked > state.answered || (is_idle && !state.arrived.is_empty())
        };
        state.is_idle = is_idle;
        while !has_news(&state) {
            let left = until.saturating_duration_since(clock::instant());
            if left.is_zero() {
                state.is_idle = false;
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.is_idle = false;
        true
    }
}
