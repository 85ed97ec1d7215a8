//! Work that may hang, on a thread that is left behind when it does.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::Builder;
use std::time::Duration;

use sentry_core::suppress;

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoResult {
    /// It takes too long.
    Late,
    /// It panicked.
    Panicked,
    /// There is no thread to be had.
    NoThread,
}

/// Runs `work` and waits for it, for `limit` at most.
pub(super) fn run<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NoResult> {
    let (send, receive) = mpsc::sync_channel(1);
    // What goes wrong in here is a row of the report and not an event.
    start(move || {
        let _ = send.send(suppress(work));
    })?;
    receive.recv_timeout(limit).map_err(|error| match error {
        RecvTimeoutError::Timeout => NoResult::Late,
        RecvTimeoutError::Disconnected => NoResult::Panicked,
    })
}

/// Runs `work` and waits for nothing.
pub(super) fn start(work: impl FnOnce() + Send + 'static) -> Result<(), NoResult> {
    Builder::new().name("sentry-doctor".into()).spawn(work).map(drop).map_err(|_| NoResult::NoThread)
}

impl NoResult {
    pub(super) fn explain(self) -> &'static str {
        match self {
            Self::Late => "took too long",
            Self::Panicked => "panicked",
            Self::NoThread => "could not start: no thread to be had",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_hangs_or_panics_holds_nobody_up() {
        assert_eq!(run(Duration::from_secs(10), || 42), Ok(42));
        let (hold, held) = mpsc::channel::<()>();
        let hangs = move || held.recv().is_err();
        assert_eq!(run(Duration::from_millis(10), hangs), Err(NoResult::Late));
        drop(hold);
        assert_eq!(
            run(Duration::from_secs(10), || std::panic::resume_unwind(Box::new(()))),
            Err::<(), _>(NoResult::Panicked)
        );
    }
}
