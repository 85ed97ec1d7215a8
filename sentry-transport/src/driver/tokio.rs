//! Tokio's current-thread runtime.

use std::io;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::{Driver, Timer};
use crate::sender::BoxFuture;

/// Name lookups block, so tokio gives each a thread; it goes away this long after the last one.
const LOOKUP_THREAD_KEEP_ALIVE: Duration = Duration::from_secs(1);

/// A lookup that never ends occupies one, the retry the other.
const LOOKUP_THREADS: usize = 2;

/// A runtime that lives and dies on the worker thread. `None` only while it dies.
pub(super) struct Tokio(Option<Runtime>);

impl Tokio {
    pub(super) fn new() -> io::Result<Self> {
        Builder::new_current_thread()
            .enable_all()
            .thread_name("sentry-lookup")
            .thread_keep_alive(LOOKUP_THREAD_KEEP_ALIVE)
            .max_blocking_threads(LOOKUP_THREADS)
            .build()
            .map(|runtime| Self(Some(runtime)))
    }
}

impl Driver for Tokio {
    fn block_on(self: Box<Self>, future: BoxFuture<'_, ()>) {
        if let Some(runtime) = &self.0 {
            runtime.block_on(future);
        }
    }

    fn timer(&self) -> Box<dyn Timer> {
        Box::new(TokioTimer)
    }
}

impl Drop for Tokio {
    fn drop(&mut self) {
        // A plain drop would wait for a lookup that never ends; here also when the worker panics.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct TokioTimer;

impl Timer for TokioTimer {
    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep_until(at.into()))
    }
}
