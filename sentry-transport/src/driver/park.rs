//! A runtime in sixty lines: poll, then park the thread until somebody wakes it or the next sleep is over.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use sentry_core::clock;

use super::{Driver, Timer};
use crate::sender::BoxFuture;

/// Drives one future.
#[derive(Default)]
pub(super) struct Park {
    next: Next,
}

/// When the earliest sleep of the current poll ends. Sleeps note themselves at every poll.
type Next = Arc<Mutex<Option<Instant>>>;

impl Driver for Park {
    fn block_on(self: Box<Self>, mut future: BoxFuture<'_, ()>) {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            *lock(&self.next) = None;
            if future.as_mut().poll(&mut context).is_ready() {
                return;
            }
            // An unpark between the poll and here is not lost: `park` returns at once then.
            let next = *lock(&self.next);
            match next {
                None => thread::park(),
                Some(at) => thread::park_timeout(at.saturating_duration_since(clock::instant())),
            }
        }
    }

    fn timer(&self) -> Box<dyn Timer> {
        Box::new(ParkTimer(Arc::clone(&self.next)))
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

struct ParkTimer(Next);

impl Timer for ParkTimer {
    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()> {
        let next = Arc::clone(&self.0);
        Box::pin(std::future::poll_fn(move |_| {
            if at <= clock::instant() {
                return Poll::Ready(());
            }
            let mut next = lock(&next);
            *next = Some(next.map_or(at, |other| other.min(at)));
            Poll::Pending
        }))
    }
}

fn lock(next: &Next) -> std::sync::MutexGuard<'_, Option<Instant>> {
    next.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_sleep_ends_in_time_and_not_before() {
        let driver = Box::<Park>::default();
        let timer = driver.timer();
        let start = clock::instant();
        driver.block_on(Box::pin(async move { timer.sleep_until(start + Duration::from_millis(30)).await }));
        assert!(start.elapsed() >= Duration::from_millis(30));
    }

    #[test]
    fn a_wake_from_another_thread_is_not_lost() {
        for _ in 0..200 {
            let shared = Arc::new(Mutex::new((false, None::<Waker>)));
            let theirs = Arc::clone(&shared);
            let other = thread::Builder::new().spawn(move || {
                let mut state = theirs.lock().unwrap();
                state.0 = true;
                if let Some(waker) = state.1.take() {
                    waker.wake();
                }
            });
            Box::<Park>::default().block_on(Box::pin(std::future::poll_fn(move |context| {
                let mut state = shared.lock().unwrap();
                if state.0 {
                    return Poll::Ready(());
                }
                state.1 = Some(context.waker().clone());
                Poll::Pending
            })));
            other.unwrap().join().unwrap();
        }
    }
}
