//! What runs the worker's one `async fn`.
//!
//! The loop names no runtime: it gets a [`Timer`] and is polled by a [`Driver`], either tokio's current-thread runtime
//! (reqwest needs it) or a loop that parks the thread (custom senders).

mod park;
#[cfg(feature = "reqwest")]
mod tokio;

use std::io;
use std::time::Instant;

#[cfg(feature = "reqwest")]
use sentry_core::process;

use crate::sender::BoxFuture;

/// Runs the worker on the thread that calls it.
pub(crate) trait Driver {
    /// Polls `future` to its end.
    fn block_on(self: Box<Self>, future: BoxFuture<'_, ()>);

    /// The clockwork that belongs to it.
    fn timer(&self) -> Box<dyn Timer>;
}

/// Wakes the worker up.
pub(crate) trait Timer: Send {
    /// Completes at `at`, or soon after.
    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()>;
}

/// Which driver a sender needs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runtime {
    /// None.
    Park,
    /// Tokio's reactor and clock.
    #[cfg(feature = "reqwest")]
    Tokio,
}

impl Runtime {
    /// A driver of this kind.
    ///
    /// # Errors
    /// When the system has no resources left for a reactor.
    pub(crate) fn driver(self) -> io::Result<Box<dyn Driver>> {
        Ok(match self {
            Self::Park => Box::new(park::Park::default()),
            #[cfg(feature = "reqwest")]
            // What tokio has once in a process it makes with the first runtime; a child in which it is half made would wait for ever.
            Self::Tokio => Box::new(process::without_fork(tokio::Tokio::new)?),
        })
    }
}
