//! What the two transport threads share: a bounded queue with a thread at its end.
//!
//! These threads are for transports that applications write themselves around a closure. The closure may block for
//! ever, so nobody waits for it without a deadline, and a drop does not wait at all.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use sentry_core::client_report::{Reason, Recorder};
use sentry_core::protocol::Envelope;
use sentry_core::{clock, diagnostics, suppress};

use crate::rate_limit::RateLimiter;
use crate::sender::Deadline;

/// Envelopes on their way to a closure.
pub(super) struct Mailbox {
    inner: Arc<Inner>,
}

/// How many envelopes wait at most, unless told otherwise.
pub(super) const CAPACITY: usize = 1_000;

struct Inner {
    state: Mutex<State>,
    /// Rung when there is something to do, or nothing will be any more.
    work: Condvar,
    /// Rung when something is done.
    done: Condvar,
    capacity: usize,
    recorder: Recorder,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Envelope>,
    accepted: u64,
    answered: u64,
    closed: bool,
}

impl Mailbox {
    /// Starts a thread that makes a step function and calls it for each envelope that is not rate limited. Without a
    /// thread every envelope is counted as lost.
    pub(super) fn start<S>(
        capacity: usize,
        recorder: Recorder,
        make: impl FnOnce() -> Option<S> + Send + 'static,
    ) -> Self
    where
        S: FnMut(Envelope, RateLimiter) -> RateLimiter,
    {
        let inner = Arc::new(Inner {
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
            capacity: capacity.max(1),
            recorder,
        });
        let theirs = Arc::clone(&inner);
        let body = move || {
            suppress(|| {
                if let Some(mut step) = make() {
                    theirs.run(&mut step);
                }
                theirs.close();
            });
        };
        if let Err(error) = Builder::new().name("sentry-transport".into()).spawn(body) {
            diagnostics::warn_once("transport thread", || format!("no thread for the transport: {error}"));
            inner.close();
        }
        Self { inner }
    }

    /// Takes an envelope, or counts it as lost.
    pub(super) fn send(&self, envelope: Envelope) {
        let mut state = self.inner.lock();
        if state.closed || state.queue.len() >= self.inner.capacity {
            drop(state);
            self.inner.recorder.record_lost_data(&envelope, Reason::QueueOverflow);
            return;
        }
        state.accepted += 1;
        state.queue.push_back(envelope);
        drop(state);
        self.inner.work.notify_one();
    }

    /// Waits until everything accepted before has been handed over; tells whether it has.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let deadline = Deadline::after(clock::instant(), timeout);
        let mut state = self.inner.lock();
        let ticket = state.accepted;
        while state.answered < ticket {
            let left = deadline.remaining(clock::instant());
            if left.is_zero() {
                return false;
            }
            state = self.inner.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Drop for Mailbox {
    /// The thread hands over what is queued and ends.
    fn drop(&mut self) {
        self.inner.lock().closed = true;
        self.inner.work.notify_one();
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("capacity", &self.inner.capacity).finish_non_exhaustive()
    }
}

impl Inner {
    fn run(&self, step: &mut impl FnMut(Envelope, RateLimiter) -> RateLimiter) {
        let mut limiter = RateLimiter::new();
        while let Some(envelope) = self.next() {
            if let Some(envelope) = self.limit(envelope, &limiter) {
                // The closure is the application's: its panic costs this envelope only, and the limits.
                let known = std::mem::take(&mut limiter);
                let stepped = catch_unwind(AssertUnwindSafe(|| step(envelope, known)));
                limiter = stepped.unwrap_or_default();
            }
            self.lock().answered += 1;
            self.done.notify_all();
        }
    }

    fn limit(&self, envelope: Envelope, limiter: &RateLimiter) -> Option<Envelope> {
        let (kept, dropped) = limiter.split(envelope);
        for item in &dropped {
            self.recorder.record_lost_data(item, Reason::RatelimitBackoff);
        }
        kept
    }

    fn next(&self) -> Option<Envelope> {
        let mut state = self.lock();
        loop {
            if let Some(envelope) = state.queue.pop_front() {
                return Some(envelope);
            }
            if state.closed {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nobody is at the other end any more.
    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.answered = state.accepted;
        let left = std::mem::take(&mut state.queue);
        drop(state);
        for envelope in left {
            self.recorder.record_lost_data(&envelope, Reason::InternalError);
        }
        self.done.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use sentry_core::protocol::Event;

    use super::*;

    fn envelope() -> Envelope {
        Event::new().into()
    }

    #[test]
    fn everything_arrives_in_order_and_a_flush_waits_for_it() {
        let (sender, receiver) = mpsc::channel();
        let mailbox = Mailbox::start(CAPACITY, Recorder::default(), move || {
            Some(move |envelope: Envelope, limiter| {
                sender.send(*envelope.uuid().unwrap()).unwrap();
                limiter
            })
        });
        let envelopes: Vec<_> = (0..100).map(|_| envelope()).collect();
        let ids: Vec<_> = envelopes.iter().map(|envelope| *envelope.uuid().unwrap()).collect();
        envelopes.into_iter().for_each(|envelope| mailbox.send(envelope));
        assert!(mailbox.flush(Duration::from_secs(10)));
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), ids);
    }

    #[test]
    fn a_closure_that_blocks_holds_up_neither_flush_nor_drop_and_overflow_is_counted() {
        let recorder = Recorder::default();
        let (release, blocked) = mpsc::channel::<()>();
        let mailbox = Mailbox::start(1, recorder.clone(), move || {
            Some(move |_, limiter| {
                let _ = blocked.recv();
                limiter
            })
        });
        for _ in 0..10 {
            mailbox.send(envelope());
        }
        let start = clock::instant();
        assert!(!mailbox.flush(Duration::from_millis(20)));
        drop(mailbox);
        assert!(start.elapsed() < Duration::from_secs(2));
        let lost: u64 = recorder.totals().iter().map(|item| item.quantity()).sum();
        assert!((8..=9).contains(&lost), "{lost}");
        drop(release);
    }

    #[test]
    fn a_panicking_closure_costs_one_envelope() {
        let (sender, receiver) = mpsc::channel();
        let mut first = true;
        let mailbox = Mailbox::start(CAPACITY, Recorder::default(), move || {
            Some(move |_, limiter| {
                assert!(!std::mem::take(&mut first), "expected by the test");
                sender.send(()).unwrap();
                limiter
            })
        });
        mailbox.send(envelope());
        mailbox.send(envelope());
        assert!(mailbox.flush(Duration::from_secs(10)));
        assert_eq!(receiver.try_iter().count(), 1);
    }
}
