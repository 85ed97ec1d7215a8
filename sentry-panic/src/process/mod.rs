//! How the process forks and ends, as far as the SDK has to know.
//!
//! ```text
//! fork      before: hold our locks ─ child: a new generation ─ both: release       fork
//! exit      atexit: flush, with a deadline                                         exit
//! SIGTERM   handler: one byte into a pipe ─► thread: flush ─► die of the signal    signal, helper
//! ```
//!
//! Nothing here is ever removed again: there is no way to take back what `pthread_atfork` and `atexit` were told.

// The systems of the family Unix that have all three.
#[cfg_attr(
    any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "dragonfly",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "solaris",
        target_os = "illumos",
        target_os = "hurd",
        target_os = "redox",
    ),
    path = "unix/mod.rs"
)]
#[cfg_attr(
    not(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "dragonfly",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "solaris",
        target_os = "illumos",
        target_os = "hurd",
        target_os = "redox",
    )),
    path = "unsupported.rs"
)]
mod platform;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The process dies of the signal as soon as everything is sent.
    Dies,
    /// Somebody else handles the signal too, and decides what becomes of the process.
    Undecided,
}

/// Notices forks from now on, and calls `at_exit` when the process exits by returning from `main` or by
/// [`std::process::exit`]. Once per process; later calls do nothing.
///
/// `at_exit` runs on the thread that exits, when that one's thread-locals are gone, while the other threads still run. On
/// systems that are not Unix nothing is noticed.
pub fn watch(at_exit: fn()) {
    // No `Once`: a process that is forked in the middle of one would wait for it for ever.
    static WATCHING: AtomicBool = AtomicBool::new(false);
    if !WATCHING.swap(true, Ordering::Relaxed) {
        platform::watch_forks();
        platform::at_exit(at_exit);
    }
}

/// Calls `flush` on a thread of its own when SIGTERM or SIGINT arrives, and then lets the process die of the signal. Once
/// per process, a forked child may ask again.
///
/// A handler that was there before is called too, at once, and the process does not die of the signal then. A signal that
/// was ignored stays ignored. Does nothing on systems that are not Unix.
///
/// # Errors
/// When the system has no file descriptors or threads left.
pub fn flush_on_signals(flush: fn(Ending)) -> io::Result<()> {
    platform::flush_on_signals(flush)
}
