//! What tests need to fork and to send signals. Empty on systems that are not Unix.
#![cfg(unix)]
#![expect(unsafe_code, reason = "fork and signals are calls to the system")]

use std::ffi::c_int;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use libc::{SIGINT, SIGTERM};

/// A child of this process.
#[derive(Clone, Copy, Debug)]
pub struct Child(i32);

/// Forks. `None` in the child.
///
/// # Panics
/// When the system has no process left.
#[must_use]
pub fn fork() -> Option<Child> {
    // SAFETY: a child with one thread of many may call async-signal-safe functions only, says POSIX. That the SDK and the C
    // libraries of today allow more is what is under test.
    match unsafe { libc::fork() } {
        0 => None,
        pid if pid > 0 => Some(Child(pid)),
        _ => panic!("fork: {}", std::io::Error::last_os_error()),
    }
}

/// Ends the process without any hook.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// Sends a signal to a process.
pub fn signal(pid: u32, number: i32) {
    // SAFETY: only sends a signal.
    unsafe { libc::kill(pid as libc::pid_t, number) };
}

/// Lets this process ignore a signal.
pub fn ignore(number: i32) {
    // SAFETY: no handler is installed.
    unsafe { libc::signal(number, libc::SIG_IGN) };
}

/// Lets a signal end this process, as it does unless somebody has changed that.
pub fn restore(number: i32) {
    // SAFETY: no handler is installed.
    unsafe { libc::signal(number, libc::SIG_DFL) };
}

impl Child {
    /// Waits until it has ended. Kills it after `timeout`, and returns `None`.
    #[must_use]
    pub fn wait(self, timeout: Duration) -> Option<ExitStatus> {
        let step = Duration::from_millis(1);
        for _ in 0..timeout.as_millis() {
            let mut status = 0;
            // SAFETY: writes the status only.
            if unsafe { libc::waitpid(self.0, &raw mut status, libc::WNOHANG) } == self.0 {
                return Some(ExitStatus::from_raw(status));
            }
            std::thread::sleep(step);
        }
        // SAFETY: it is still there, since nobody has waited for it.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
        // SAFETY: as above.
        unsafe { libc::waitpid(self.0, std::ptr::null_mut(), 0) };
        None
    }
}

static HANDLED: AtomicUsize = AtomicUsize::new(0);
static BELOW: AtomicUsize = AtomicUsize::new(0);

/// Handles a signal by counting it, and by calling the handler that was there before.
pub fn handle(number: i32) {
    // SAFETY: the handler writes an atomic.
    let below = unsafe { libc::signal(number, counts as extern "C" fn(c_int) as usize) };
    BELOW.store(below, Ordering::SeqCst);
}

/// How many signals `handle` has counted.
#[must_use]
pub fn handled() -> usize {
    HANDLED.load(Ordering::SeqCst)
}

extern "C" fn counts(number: c_int) {
    HANDLED.fetch_add(1, Ordering::SeqCst);
    let below = BELOW.load(Ordering::SeqCst);
    if below != libc::SIG_DFL && below != libc::SIG_IGN {
        // SAFETY: a handler; those of the SDK do not look at their other arguments.
        let below: extern "C" fn(c_int, usize, usize) = unsafe { std::mem::transmute(below) };
        below(number, 0, 0);
    }
}
