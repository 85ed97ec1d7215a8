//! Which process this is: a forked child inherits all memory, but only the thread that forked.
//!
//! ```text
//! the thread that forks (sentry-panic)                 everybody else
//! ────────────────────────────────────                 ──────────────
//! before:    Owners::now().hold()  every lock of ours  without_fork(|| …)   what a fork must not interrupt
//! in child:  forked() ──────────────────────────────►  generation()         one load; differs from the parent's
//! in both:   drop(held)
//! in child:  owners.disown()       what the parent sends and reports
//! ```
//!
//! A lock that another thread holds while this one forks would be held for ever in the child: its owner is not there. So
//! the thread that forks takes the locks first, and both processes release them. What cannot be held that way (queues,
//! threads, connections) is made anew by whoever finds that the generation has changed.
//!
//! Without `sentry-panic`, and on systems without `fork`, the generation is always 0.

mod held;
mod mark;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, RwLock};

pub use self::held::{Held, Owners};
pub use self::mark::{CrashMark, watch_marks};
use crate::client::{self, Client};
use crate::sync::read;

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Held for reading by what a fork must not interrupt.
static GATE: RwLock<()> = RwLock::new(());

/// How many forks lie between this process and the one that started the SDK. Costs one load.
#[inline]
#[must_use]
pub fn generation() -> u32 {
    // Written while the process has a single thread.
    GENERATION.load(Ordering::Relaxed)
}

/// Says that this process is a child of the one it was. Only for the handler that `fork` calls in the child.
///
/// Does nothing but write two atomics, so it may be called where only async-signal-safe functions may.
pub fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    client::forget_waiting_threads();
}

/// Runs `f`, and no other thread forks meanwhile, unless `f` takes longer than a fork is willing to wait.
///
/// For what is rare and would stay half done in a child, such as filling a `OnceLock`. A fork waits for it, so it must be
/// short and must not call anything of the user's.
pub fn without_fork<R>(f: impl FnOnce() -> R) -> R {
    let _gate = read(&GATE);
    f()
}

/// The client of the process, which `init` has set: the one to flush when the process ends.
#[must_use]
pub fn client() -> Option<Arc<Client>> {
    client::process()
}
