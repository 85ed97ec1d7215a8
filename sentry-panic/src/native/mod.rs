//! Native crashes: signals that end the process are reported, by the process itself or by its next start.
//!
//! ```text
//! thread that crashes          thread "sentry-crash"                          next start
//! ───────────────────          ─────────────────────                          ──────────
//! handler: registers ──bell──► unwinds, writes the record ──bell──┐
//!     waits, 3 s at most  ◄───────────────────────────────────────┤
//!     waits, 2 s at most       names, scope, captures, flushes    └─ crash ──► record ─► event, same id
//!     what was there before
//! ```
//!
//! - **Nothing runs on the crashed thread but a few system calls**: see `supported/linux/handler.rs` for the list. It may hold
//!   any lock, its heap may be broken, and its stack may be used up.
//! - **First the record, then the rest.** Unwinding and writing allocate nothing and lock nothing. Only when the record is
//!   on disk the SDK tries to send the event from the dying process: in a container there may be no next start on the same
//!   disk.
//! - **The process ends as it would have without us**: exit status, core dump, and what std prints about a stack overflow.
//! - **Nothing happens while nothing crashes.** Scopes are written down ahead by a thread of their own.
//!
//! SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP and SIGSYS on Linux, x86_64 and aarch64. Elsewhere this compiles, and says
//! once that it does nothing.

mod integration;

#[cfg_attr(
    all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")),
    path = "supported/mod.rs"
)]
#[cfg_attr(
    not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))),
    path = "unsupported.rs"
)]
mod imp;

use std::io;
use std::sync::Arc;

use sentry_core::{Client, LastRun};

pub(crate) use self::imp::panic_was_reported;
#[cfg(feature = "hang")]
pub(crate) use self::imp::{Stacks, Taken};
pub use self::integration::CrashHandlerIntegration;

/// Gives the calling thread an alternate stack of 64 KiB until it ends, so that even the overflow of its own is reported.
///
/// The thread that calls `init` has one, and so do threads that std starts (8 KiB, which is enough). What has none are
/// threads that C or another language starts.
///
/// # Errors
/// When there is no memory for it, or the platform is not supported.
///
/// ```
/// # #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
/// sentry_panic::native::protect_thread()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn protect_thread() -> io::Result<()> {
    imp::protect_thread()
}

/// Reports the crashes that earlier runs have left, and reports those of this process from now on, if `client` is enabled and
/// has a [`CrashHandlerIntegration`]. Tells how the last run has ended, as far as that is known here.
///
/// `init` calls it. Signal handlers stay for good; a later call changes the client and the place of the record.
#[must_use]
pub fn start(client: &Arc<Client>) -> LastRun {
    let mut integrations = client.options().integrations.iter();
    let is_wanted = integrations.any(|integration| (**integration).as_any().is::<CrashHandlerIntegration>());
    if is_wanted && client.is_enabled() { imp::start(client) } else { LastRun::Unknown }
}

/// Removes what runs that are over have left for `client` to report.
pub fn forget(client: &Client) {
    imp::forget(client);
}

/// Reports no crash any more, if `client` is the one they were reported to. Called when the client is closed.
pub fn stop(client: &Client) {
    imp::stop(client);
}
