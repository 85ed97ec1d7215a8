//! The handler of SIGTERM and SIGINT, and who else handles them.
//!
//! The handler itself calls `write`, `sigaction` and `raise`, which are async-signal-safe, and reads and writes atomics. It
//! allocates nothing and takes no lock.
#![expect(unsafe_code, reason = "signal handlers are installed and run")]

use std::ffi::{c_int, c_void};
use std::os::fd::RawFd;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize};
use std::{io, mem, ptr};

use sentry_core::process;

/// The signals that tell a process to end.
static SIGNALS: [Signal; 2] = [Signal::new(libc::SIGINT), Signal::new(libc::SIGTERM)];

/// Where the helper waits for a byte, and in which process it does.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static OWNER: AtomicU32 = AtomicU32::new(0);

/// One signal and what was to become of it before we came.
pub(super) struct Signal {
    number: c_int,
    previous: AtomicUsize,
    previous_flags: AtomicI32,
    /// The helper was told and has not finished yet.
    pending: AtomicBool,
}

/// Lets the handlers write to `pipe` from now on.
pub(super) fn ring_at(pipe: RawFd) {
    // A helper that is not heard must not hold up whoever gets the signal.
    // SAFETY: the descriptor is open, and these commands take and return flags only.
    unsafe { libc::fcntl(pipe, libc::F_SETFL, libc::fcntl(pipe, libc::F_GETFL) | libc::O_NONBLOCK) };
    for signal in &SIGNALS {
        signal.pending.store(false, Release);
    }
    OWNER.store(process::generation(), Release);
    PIPE.store(pipe, Release);
}

/// Installs the handler for every signal that is not ignored.
pub(super) fn install() -> io::Result<()> {
    SIGNALS.iter().try_for_each(Signal::install)
}

/// The signal that a byte from the pipe stands for.
pub(super) fn of_byte(byte: u8) -> Option<&'static Signal> {
    SIGNALS.iter().find(|signal| signal.number == c_int::from(byte))
}

/// Runs `f` with all signals blocked that do not come from a mistake in the code that runs. Threads inherit that. What the
/// application has blocked stays so: it may wait for such a signal elsewhere.
pub(super) fn blocked<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: all-zero is a valid signal set, and the calls below only write to sets that are ours.
    let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = unsafe { (mem::zeroed(), mem::zeroed()) };
    // SAFETY: as above.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, ptr::null(), &raw mut before);
        libc::sigfillset(&raw mut all);
        for synchronous in
            [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT]
        {
            if libc::sigismember(&raw const before, synchronous) == 0 {
                libc::sigdelset(&raw mut all, synchronous);
            }
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, ptr::null_mut());
    }
    let result = f();
    // SAFETY: `before` was filled in by the first call above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut()) };
    result
}

impl Signal {
    const fn new(number: c_int) -> Self {
        Self {
            number,
            previous: AtomicUsize::new(libc::SIG_DFL),
            previous_flags: AtomicI32::new(0),
            pending: AtomicBool::new(false),
        }
    }

    /// Whether the process dies of the signal when we let it: nobody was there before us, and nobody came after.
    pub(super) fn is_deadly(&self) -> bool {
        self.previous.load(Acquire) == libc::SIG_DFL
            && self.action().is_some_and(|action| action.sa_sigaction == ours())
    }

    /// The next signal is to be told to the helper again.
    pub(super) fn is_done(&self) {
        self.pending.store(false, Release);
    }

    /// Dies of the signal.
    pub(super) fn die(&self) -> ! {
        self.reset();
        // SAFETY: all-zero is a valid signal set, which is ours.
        unsafe {
            let mut set: libc::sigset_t = mem::zeroed();
            libc::sigaddset(&raw mut set, self.number);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
            libc::raise(self.number);
        }
        // The kernel spares the first process of a container; whoever sent the signal wants it to end nevertheless.
        // SAFETY: ends the process; hooks of `exit` would run on a thread that they do not expect.
        unsafe { libc::_exit(128 + self.number) }
    }

    fn install(&self) -> io::Result<()> {
        let Some(previous) = self.action() else { return Err(io::Error::last_os_error()) };
        if previous.sa_sigaction == libc::SIG_IGN || previous.sa_sigaction == ours() {
            return Ok(());
        }
        // Before ours can run.
        self.previous_flags.store(previous.sa_flags, Release);
        self.previous.store(previous.sa_sigaction, Release);
        let mut action = previous;
        action.sa_sigaction = ours();
        let kept = if previous.sa_sigaction == libc::SIG_DFL { libc::SA_RESTART } else { previous.sa_flags };
        let kept = kept & !libc::SA_RESETHAND & !libc::SA_NODEFER;
        action.sa_flags = kept | libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the action is the one that is in force, with a handler that takes what SA_SIGINFO passes.
        if unsafe { libc::sigaction(self.number, &raw const action, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// What becomes of the signal now.
    fn action(&self) -> Option<libc::sigaction> {
        // SAFETY: all-zero is a valid action, and the call only writes to it.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            (libc::sigaction(self.number, ptr::null(), &raw mut action) == 0).then_some(action)
        }
    }

    fn reset(&self) {
        // SAFETY: all-zero is a valid action: the default one.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(self.number, &raw const action, ptr::null_mut());
        }
    }

    /// In the handler.
    fn arrived(&self, info: *mut libc::siginfo_t, context: *mut c_void) {
        let is_ours = OWNER.load(Acquire) == process::generation();
        let is_first = is_ours && !self.pending.swap(true, AcqRel);
        if is_first {
            self.ring();
        }
        match self.previous.load(Acquire) {
            libc::SIG_DFL if !is_first && self.is_deadly() => {
                // A child has no helper, and who asks twice does not want to wait. Blocked until the handler returns.
                self.reset();
                // SAFETY: async-signal-safe.
                unsafe { libc::raise(self.number) };
            }
            libc::SIG_DFL | libc::SIG_IGN => {}
            handler => self.chain(handler, info, context),
        }
    }

    fn ring(&self) {
        let byte = self.number as u8;
        // SAFETY: writes one byte of ours to a pipe that is never closed, and does not wait.
        unsafe { libc::write(PIPE.load(Acquire), (&raw const byte).cast(), 1) };
    }

    /// Calls the handler that was there before.
    fn chain(&self, handler: usize, info: *mut libc::siginfo_t, context: *mut c_void) {
        if self.previous_flags.load(Acquire) & libc::SA_SIGINFO != 0 {
            // SAFETY: it was installed as a handler of this type, and gets what the kernel has passed to us.
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                unsafe { mem::transmute(handler) };
            handler(self.number, info, context);
        } else {
            // SAFETY: it was installed as a handler of this type.
            let handler: extern "C" fn(c_int) = unsafe { mem::transmute(handler) };
            handler(self.number);
        }
    }
}

fn ours() -> usize {
    handle as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize
}

extern "C" fn handle(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let errno = Errno::save();
    if let Some(signal) = SIGNALS.iter().find(|signal| signal.number == number) {
        signal.arrived(info, context);
    }
    errno.restore();
}

/// The error of the call that the signal has interrupted.
struct Errno(c_int);

impl Errno {
    fn save() -> Self {
        // SAFETY: the address of this thread's `errno` is valid.
        Self(unsafe { *errno() })
    }

    fn restore(&self) {
        // SAFETY: as above.
        unsafe { *errno() = self.0 };
    }
}

#[cfg(any(target_os = "linux", target_os = "dragonfly", target_os = "hurd", target_os = "redox"))]
use libc::__errno_location as errno;

#[cfg(any(target_os = "solaris", target_os = "illumos"))]
use libc::___errno as errno;

#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
use libc::__error as errno;

#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
use libc::__errno as errno;
