//! The calling thread, as the kernel knows it. All of it is async-signal-safe.
#![expect(unsafe_code, reason = "the kernel is asked directly")]

use std::ffi::c_int;
use std::time::Duration;

/// The number of the calling thread.
pub(crate) fn id() -> u32 {
    // SAFETY: a system call without arguments.
    let id = unsafe { libc::syscall(libc::SYS_gettid) };
    id as u32
}

/// The number of this process.
pub(crate) fn process() -> u32 {
    // SAFETY: a system call without arguments. Not cached by the C libraries of today.
    let id = unsafe { libc::syscall(libc::SYS_getpid) };
    id as u32
}

/// Its name, cut to 15 bytes by the kernel.
pub(super) fn name() -> [u8; 16] {
    let mut name = [0_u8; 16];
    // SAFETY: writes at most 16 bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name
}

/// Sends a signal to the calling thread.
pub(super) fn send(signal: c_int) {
    // SAFETY: the thread is this one.
    unsafe { libc::syscall(libc::SYS_tgkill, process(), id(), signal) };
}

/// Sleeps, signals notwithstanding about as long as asked.
pub(super) fn sleep(duration: Duration) {
    let time = libc::timespec {
        tv_sec: duration.as_secs() as _,
        tv_nsec: libc::c_long::from(duration.subsec_nanos() as i32),
    };
    // SAFETY: reads a value of ours.
    unsafe { libc::nanosleep(&raw const time, std::ptr::null_mut()) };
}

/// Ends the calling thread and nothing else, without any clean-up.
pub(super) fn exit() {
    // SAFETY: only for threads that no library knows.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

/// Nanoseconds of a clock.
fn clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to a value of ours.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Nanoseconds since 1970.
pub(crate) fn now() -> u64 {
    clock(libc::CLOCK_REALTIME)
}

/// Nanoseconds since some moment, for measuring.
pub(super) fn instant() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// The error of the call that a signal has interrupted.
pub(super) struct Errno(c_int);

impl Errno {
    pub(super) fn save() -> Self {
        // SAFETY: the address of this thread's `errno` is valid.
        Self(unsafe { *errno() })
    }

    pub(super) fn restore(&self) {
        // SAFETY: as above.
        unsafe { *errno() = self.0 };
    }
}

use libc::__errno_location as errno;

/// Runs `f` with all signals blocked but those that a fault in the code raises. Threads inherit that. What the application has
/// blocked stays so: it may wait for such a signal elsewhere.
pub(super) fn with_signals_blocked<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: all-zero is a valid signal set, and the calls below only write to sets that are ours.
    let (mut all, mut before): (libc::sigset_t, libc::sigset_t) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    // SAFETY: as above.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), &raw mut before);
        libc::sigfillset(&raw mut all);
        for fault in super::signals::SIGNALS {
            if libc::sigismember(&raw const before, fault) == 0 {
                libc::sigdelset(&raw mut all, fault);
            }
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
    }
    let result = f();
    // SAFETY: `before` was filled in by the first call above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) };
    result
}
