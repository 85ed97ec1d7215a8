//! What runs on the thread that crashes.
//!
//! It calls `gettid`, `getpid`, `prctl`, `clock_gettime`, `nanosleep`, `fstat`, `write`, `read`, `poll`, `sigaction`, `tgkill`: all of them
//! system calls that are async-signal-safe, though POSIX does not name each. It takes no lock, allocates nothing, formats
//! nothing and uses no thread-local but `errno`. Its stack use is that of a small function, as the alternate stacks of std
//! have 8 KiB, of which the kernel takes up to 3.4.
#![expect(unsafe_code, reason = "a signal handler gets pointers from the kernel")]

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::pipe::Bell;
use super::thread::{self, Errno};
use super::{child, helper, marks, registers, scene, signals};

/// Whether crashes are reported.
pub(super) static ARMED: AtomicBool = AtomicBool::new(false);
/// The process that was armed.
pub(super) static PROCESS: AtomicU32 = AtomicU32::new(0);
/// The thread that unwinds, writes and sends.
pub(super) static HELPER: AtomicU32 = AtomicU32::new(0);

/// Rung by the handler: a crash lies in the scene.
pub(super) static REQUEST: Bell = Bell::new();
/// Rung by the helper: first when the record is written, then when the event was handed over.
pub(super) static ANSWER: Bell = Bell::new();

/// How long the crashed thread waits for the record, and then for the event to be handed over.
const RECORD_PATIENCE: Duration = Duration::from_secs(3);
pub(super) const SEND_PATIENCE: Duration = Duration::from_secs(2);
/// How long other threads that crash wait for the first one.
const PARKED: Duration = Duration::from_secs(10);

pub(super) extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let errno = Errno::save();
    // SAFETY: the kernel passes both, valid until this returns.
    let (info, context) = unsafe { (&*info, &*context.cast::<libc::ucontext_t>()) };
    if ARMED.load(Ordering::Acquire) && !signals::is_ignored(signal, info.si_code) {
        crashed(info, context);
    }
    signals::chain(signal, info.si_code);
    errno.restore();
}

fn crashed(info: &libc::siginfo_t, context: &libc::ucontext_t) {
    let own = thread::id();
    if PROCESS.load(Ordering::Acquire) != thread::process() || !REQUEST.is_open() {
        child::crashed(own, info, context);
    } else if own == HELPER.load(Ordering::Acquire) {
        helper_crashed();
    } else if scene::take(own) {
        describe(own, info, context);
        REQUEST.ring();
        if ANSWER.wait_for(RECORD_PATIENCE) {
            ANSWER.wait_for(SEND_PATIENCE);
        }
        scene::done();
    } else if !scene::is_reporter(own) {
        park();
    }
}

/// Leaves everything that is lost with the handler.
pub(super) fn describe(own: u32, info: &libc::siginfo_t, context: &libc::ucontext_t) {
    // SAFETY: this thread has taken the scene, and has not rung yet.
    let data = unsafe { scene::data() };
    data.context = *context;
    data.crash.time = thread::now();
    data.crash.thread = own;
    data.crash.name = thread::name();
    data.crash.is_main = own == thread::process();
    registers::describe(info, &mut data.crash);
}

/// The helper itself has crashed: what it has so far is written here, and the thread that waits goes on.
fn helper_crashed() {
    if scene::step() == scene::WAITING {
        return;
    }
    if helper::cut_short() {
        marks::write();
    }
    ANSWER.ring();
    ANSWER.ring();
    // The process ends on the thread that crashed first.
    thread::sleep(PARKED);
}

/// Another thread is reporting already. The process dies with it.
fn park() {
    let end = thread::instant() + PARKED.as_nanos() as u64;
    while !scene::is_done() && thread::instant() < end {
        thread::sleep(Duration::from_millis(10));
    }
    // Time for the signal of the other thread to end the process, which is the first that has crashed.
    thread::sleep(Duration::from_secs(1));
}
