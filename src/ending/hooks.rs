//! The hooks of `sentry-panic`.

use std::io;

use sentry_panic::process::{self, Ending};

use super::close;

/// Notices forks and exits from now on.
pub(super) fn watch() {
    process::watch(close);
}

/// Sends what is pending when the process is told to end by SIGTERM or SIGINT (Ctrl-C), for `shutdown_timeout` at most;
/// the process then dies of the signal as it would have without.
///
/// - A handler that was installed before is called at once, and one that is installed later decides whether this one is
///   called. In both cases what is pending is sent, but what becomes of the process is theirs to decide.
/// - A second signal ends the process at once.
/// - A signal that is ignored stays so.
/// - The first process of a container, which cannot die of these signals, exits with 128 + the number of the signal.
/// - A forked child has to call this again; until then it dies at once.
///
/// Starts a thread named `sentry-signals`. On systems that are not Unix it does nothing.
///
/// # Errors
///
/// When the system has no threads or file descriptors left. Signals do what they did before, then.
///
/// ```
/// let _guard = sentry::init(());
/// sentry::flush_on_signals()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn flush_on_signals() -> io::Result<()> {
    process::flush_on_signals(|ending| match ending {
        Ending::Dies => close(),
        Ending::Undecided => flush(),
    })
}

fn flush() {
    if let Some(client) = sentry_core::process::client() {
        client.flush(None);
    }
}
