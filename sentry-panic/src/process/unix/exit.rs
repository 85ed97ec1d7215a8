//! The end of the process by `exit`.
#![expect(unsafe_code, reason = "a hook is registered with the C library")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

static HOOK: OnceLock<fn()> = OnceLock::new();

/// Calls `hook` when the process exits. Only the first one is kept.
pub(in crate::process) fn at_exit(hook: fn()) {
    if HOOK.set(hook).is_ok() {
        // SAFETY: `run` is a function of this module, which is not unloaded before the hooks have run: in a shared library
        // `atexit` registers for the unloading of that library.
        unsafe { libc::atexit(run) };
    }
}

extern "C" fn run() {
    if let Some(hook) = HOOK.get() {
        // A panic must not leave a function that C calls. It was reported by the panic hook; nobody else is left to tell.
        let _ = catch_unwind(AssertUnwindSafe(hook));
    }
}
