//! The signals that end a process, and what was to become of them before we came.
//!
//! Async-signal-safe after [`install`]: `sigaction`, `raise` by `tgkill`.
#![expect(unsafe_code, reason = "signal handlers are installed and run")]

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::mem::{self, MaybeUninit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, ptr};

use super::thread;

/// In the order in which they are installed.
pub(super) const SIGNALS: [c_int; 7] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT, libc::SIGTRAP, libc::SIGSYS];

type Action = libc::sigaction;

/// What was installed before.
struct Previous(UnsafeCell<MaybeUninit<[Action; SIGNALS.len()]>>);

// SAFETY: written by `install` only, before a handler that reads it is installed; read only from then on.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous(UnsafeCell::new(MaybeUninit::uninit()));
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Installs `handler` for all of them, once per process and for good.
pub(super) fn install(handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void)) -> io::Result<()> {
    if INSTALLED.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let previous = PREVIOUS.0.get().cast::<Action>();
    for (index, signal) in SIGNALS.iter().enumerate() {
        // SAFETY: in bounds; nobody reads it before the handler is installed.
        let slot = unsafe { previous.add(index) };
        // SAFETY: only writes what was installed to a place of ours.
        if unsafe { libc::sigaction(*signal, ptr::null(), slot) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: all-zero is a valid action.
        let mut action: Action = unsafe { mem::zeroed() };
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the handler is a function of this module's sibling and keeps to what its documentation lists.
        if unsafe { libc::sigaction(*signal, &raw const action, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Whether the process does not die of it: somebody has sent a signal that is ignored.
pub(super) fn is_ignored(signal: c_int, code: c_int) -> bool {
    code <= 0 && previous(signal).is_some_and(|action| action.sa_sigaction == libc::SIG_IGN)
}

/// Lets happen what would have happened without us, as soon as the handler has returned.
///
/// A fault happens again: the instruction runs once more, and the earlier handler, or the kernel, sees it with everything
/// that belongs to it. What was sent, or does not happen again, is sent again; it stays blocked until the handler returns.
pub(super) fn chain(signal: c_int, code: c_int) {
    if is_ignored(signal, code) {
        return;
    }
    if let Some(action) = previous(signal) {
        // SAFETY: an action that was in force before.
        unsafe { libc::sigaction(signal, action, ptr::null_mut()) };
    } else {
        reset(signal);
    }
    let happens_again = code > 0 && !matches!(signal, libc::SIGTRAP | libc::SIGSYS | libc::SIGABRT);
    if !happens_again {
        thread::send(signal);
    }
}

/// Puts the default action in force.
fn reset(signal: c_int) {
    // SAFETY: all-zero is a valid action: the default one.
    let action: Action = unsafe { mem::zeroed() };
    // SAFETY: as above.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

fn previous(signal: c_int) -> Option<&'static Action> {
    let index = SIGNALS.iter().position(|known| *known == signal)?;
    if !INSTALLED.load(Ordering::Acquire) {
        return None;
    }
    let previous = PREVIOUS.0.get().cast::<Action>();
    // SAFETY: in bounds. Only called where `signal` has arrived, so after `install` has filled in its entry for good.
    Some(unsafe { &*previous.add(index) })
}
