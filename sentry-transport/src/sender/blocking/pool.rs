//! Threads that come with the work and go with it.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use sentry_core::suppress;

/// How long a thread waits for more to do.
const IDLE: Duration = Duration::from_secs(1);

/// What a thread does once.
pub(crate) trait Job: Send {
    /// Whether somebody still waits for it. A job that nobody wants does not begin, and does not stay.
    fn is_wanted(&self) -> bool;

    fn run(self: Box<Self>);
}

/// A bounded number of threads.
pub(crate) struct Pool {
    max: usize,
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    threads: usize,
    idle: usize,
}

impl Pool {
    pub(crate) fn new(max: NonZeroUsize) -> Arc<Self> {
        Arc::new(Self { max: max.get(), state: Mutex::default(), more: Condvar::new() })
    }

    /// Runs `job` as soon as a thread is free. Never waits. What waits is bounded by those who wait for it, even where
    /// every thread hangs.
    ///
    /// # Errors
    /// When there is no thread and none can be had.
    pub(crate) fn run(self: &Arc<Self>, job: impl Job + 'static) -> io::Result<()> {
        let mut state = self.lock();
        // Dropped after the lock: a job may hold what is the application's.
        let (wanted, _stale): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut state.jobs).into_iter().partition(|job| job.is_wanted());
        state.jobs = wanted;
        state.jobs.push_back(Box::new(job));
        if state.idle >= state.jobs.len() || state.threads >= self.max {
            drop(state);
            self.more.notify_one();
            return Ok(());
        }
        state.threads += 1;
        drop(state);
        let theirs = Arc::clone(self);
        // Our own work must not report itself.
        let spawned = Builder::new().name("sentry-http".into()).spawn(move || suppress(|| theirs.work()));
        let Err(error) = spawned else { return Ok(()) };
        let mut state = self.lock();
        state.threads -= 1;
        // Another thread will come to it.
        if state.threads > 0 {
            return Ok(());
        }
        let lost = std::mem::take(&mut state.jobs);
        drop(state);
        drop(lost);
        Err(error)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    if job.is_wanted() {
                        job.run();
                    }
                }));
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (woken, timeout) =
                self.more.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counters and a queue: valid between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn threads(&self) -> usize {
        self.lock().threads
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().jobs.len()
    }
}
