//! The stack of another thread, taken while it waits in a signal handler.
//!
//! ```text
//! taker:   IDLE ─► WANTED ─ tgkill ─ waits ────────────► walks the stack ─► IDLE
//! handler:                   └─► WANTED ─► READY ─ waits, PATIENCE at most ─┘ or ─► LEFT: what was walked is thrown away
//! ```
//!
//! The handler calls `gettid`, `clock_gettime`, `nanosleep` and, for signals that are not ours, the handler that was there before.
//! While it waits, its thread may hold any lock, the allocator's too: the taker neither allocates nor locks then.
#![expect(unsafe_code, reason = "a signal is handled and sent")]

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, Once};
use std::time::Duration;
use std::{mem, ptr};

use super::registers::{self, Start};
use super::thread::{self, Errno};
use super::unwind::Unwinding;
use super::{memory, scene};
use crate::modules;
use crate::sync::lock;

/// Ignored by default, so it does no harm where it comes too late.
const SIGNAL: c_int = libc::SIGURG;
/// How long either waits for the other.
const PATIENCE: Duration = Duration::from_millis(500);
/// How many frames are kept, from the innermost on.
const MAX_FRAMES: usize = 128;

const IDLE: u32 = 0;
const WANTED: u32 = 1;
const TAKEN: u32 = 2;
const READY: u32 = 3;
const LEFT: u32 = 4;

static STATE: AtomicU32 = AtomicU32::new(IDLE);
/// The thread whose stack is wanted.
static TARGET: AtomicU32 = AtomicU32::new(0);
/// Where it is: `pc`, `sp`, `fp`, `lr`. Its own while `TAKEN`, the taker's from `READY` on.
static REGISTERS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// What came of it.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Return addresses, innermost first.
    Stack(Box<[usize]>),
    /// There is no such thread.
    NoThread,
}

/// Takes stacks of other threads.
#[derive(Default)]
pub(crate) struct Stacks {
    unwinding: Option<(Unwinding, (u64, u64))>,
}

impl Stacks {
    /// The stack of a thread of this process. `None` when it does not get to it in time.
    pub(crate) fn take(&mut self, thread: u32) -> Option<Taken> {
        /// One at a time.
        static TAKING: Mutex<()> = Mutex::new(());
        // A crash has its own way, and alternate stacks have no room for both.
        if thread == thread::id() || !scene::is_idle() {
            return None;
        }
        let _taking = lock(&TAKING);
        install();
        memory::prepare().ok()?;
        let mut addresses = Vec::with_capacity(MAX_FRAMES);
        let unwinding = self.unwinding();
        TARGET.store(thread, Ordering::Relaxed);
        let is_free = |state| matches!(state, IDLE | LEFT).then_some(WANTED);
        STATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, is_free).ok()?;
        if !send(thread) {
            STATE.store(IDLE, Ordering::Release);
            return Some(Taken::NoThread);
        }
        if !is_reached() {
            return None;
        }
        let [pc, sp, fp, lr] = REGISTERS.each_ref().map(|register| register.load(Ordering::Relaxed));
        unwinding.walk(Start { pc, sp, fp, lr }, |address| {
            if addresses.len() < MAX_FRAMES {
                // All but the first are looked up by the instruction before them.
                addresses.push(address as usize + usize::from(addresses.is_empty()));
            }
        });
        let is_whole = STATE.swap(IDLE, Ordering::AcqRel) == READY;
        is_whole.then(|| Taken::Stack(addresses.into()))
    }

    fn unwinding(&mut self) -> &mut Unwinding {
        let generation = modules::generation();
        if self.unwinding.as_ref().is_none_or(|(_, of)| *of != generation) {
            self.unwinding = None;
        }
        &mut self.unwinding.get_or_insert_with(|| (Unwinding::new(), generation)).0
    }
}

/// Waits until the thread is in the handler. If it is not in time, it is not wanted there any more.
fn is_reached() -> bool {
    let end = thread::instant() + PATIENCE.as_nanos() as u64;
    while thread::instant() < end {
        match STATE.load(Ordering::Acquire) {
            READY => return true,
            LEFT => return false,
            _ => thread::sleep(Duration::from_micros(200)),
        }
    }
    // One that is just entering comes to `LEFT` by itself.
    let _ = STATE.compare_exchange(WANTED, IDLE, Ordering::AcqRel, Ordering::Acquire);
    false
}

extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let errno = Errno::save();
    // SAFETY: the kernel passes a context that is valid until this returns.
    if !serve(unsafe { &*context.cast::<libc::ucontext_t>() }) {
        chain(signal, info, context);
    }
    errno.restore();
}

/// `false` when nobody has asked for this thread.
fn serve(context: &libc::ucontext_t) -> bool {
    let is_wanted = STATE.load(Ordering::Acquire) == WANTED && TARGET.load(Ordering::Relaxed) == thread::id();
    if !is_wanted || STATE.compare_exchange(WANTED, TAKEN, Ordering::AcqRel, Ordering::Acquire).is_err() {
        return false;
    }
    let Start { pc, sp, fp, lr } = registers::start(context);
    for (register, value) in REGISTERS.iter().zip([pc, sp, fp, lr]) {
        register.store(value, Ordering::Relaxed);
    }
    STATE.store(READY, Ordering::Release);
    let end = thread::instant() + PATIENCE.as_nanos() as u64;
    while STATE.load(Ordering::Acquire) == READY {
        if thread::instant() > end {
            let _ = STATE.compare_exchange(READY, LEFT, Ordering::AcqRel, Ordering::Acquire);
            break;
        }
        thread::sleep(Duration::from_micros(200));
    }
    true
}

/// What was installed before: its function, and whether that takes three arguments.
static PREVIOUS: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);
static TAKES_INFO: AtomicBool = AtomicBool::new(false);

fn chain(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let previous = PREVIOUS.load(Ordering::Acquire);
    if matches!(previous, libc::SIG_DFL | libc::SIG_IGN | libc::SIG_ERR) {
        return;
    }
    let previous: *const c_void = ptr::with_exposed_provenance(previous);
    if TAKES_INFO.load(Ordering::Relaxed) {
        // SAFETY: the kernel would call it like this, as its flags say.
        let previous: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
            unsafe { mem::transmute(previous) };
        previous(signal, info, context);
    } else {
        // SAFETY: likewise.
        let previous: extern "C" fn(c_int) = unsafe { mem::transmute(previous) };
        previous(signal);
    }
}

/// Installs the handler, once per process and for good.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: all-zero is a valid action.
        let (mut action, mut previous): (libc::sigaction, libc::sigaction) =
            unsafe { (mem::zeroed(), mem::zeroed()) };
        // SAFETY: only writes what is installed to a place of ours.
        if unsafe { libc::sigaction(SIGNAL, ptr::null(), &raw mut previous) } != 0 {
            return;
        }
        TAKES_INFO.store(previous.sa_flags & libc::SA_SIGINFO != 0, Ordering::Relaxed);
        PREVIOUS.store(previous.sa_sigaction, Ordering::Release);
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        // SAFETY: the handler keeps to what the module's documentation lists.
        unsafe { libc::sigaction(SIGNAL, &raw const action, ptr::null_mut()) };
    });
}

/// Sends the signal. `false` when there is no such thread.
fn send(thread: u32) -> bool {
    // SAFETY: a system call with three numbers; threads of other processes are not meant by it.
    unsafe { libc::syscall(libc::SYS_tgkill, thread::process(), thread, SIGNAL) == 0 }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[inline(never)]
    fn spins_in_here(until: &AtomicBool) {
        while !until.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    }

    #[inline(never)]
    fn sleeps_in_here(until: &AtomicBool) {
        while !until.load(Ordering::Relaxed) {
            std::thread::park();
        }
    }

    fn names(stack: &[usize]) -> Vec<String> {
        let mut names = Vec::new();
        for address in stack {
            let address = ptr::with_exposed_provenance_mut(address - 1);
            ::backtrace::resolve(address, |symbol| {
                names.extend(symbol.name().map(|name| format!("{name:#}")));
            });
        }
        names
    }

    fn stack_of(body: fn(&AtomicBool), expected: &str) {
        let over = AtomicBool::new(false);
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new()
                .spawn_scoped(scope, || {
                    sender.send(thread::id()).unwrap();
                    body(&over);
                })
                .unwrap();
            let number = receiver.recv().unwrap();
            let mut stacks = Stacks::default();
            // Right after its message it may be elsewhere still, and on a busy machine it may not come in time.
            let is_there = (0..100).any(|_| match stacks.take(number) {
                Some(Taken::Stack(stack)) => names(&stack).iter().any(|name| name.ends_with(expected)),
                Some(Taken::NoThread) => panic!("it is there"),
                None => false,
            });
            over.store(true, Ordering::Relaxed);
            thread.thread().unpark();
            assert!(is_there, "{expected}");
        });
    }

    #[test]
    fn a_thread_that_computes_and_one_that_sleeps_show_their_stacks() {
        stack_of(spins_in_here, "spins_in_here");
        stack_of(sleeps_in_here, "sleeps_in_here");
    }

    #[test]
    fn a_thread_that_is_gone_is_known_to_be() {
        let number = std::thread::Builder::new().spawn(thread::id).unwrap().join().unwrap();
        let mut stacks = Stacks::default();
        // The kernel takes a moment more than `join`.
        let is_gone = (0..1_000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            matches!(stacks.take(number), Some(Taken::NoThread))
        });
        assert!(is_gone);
        assert!(stacks.take(thread::id()).is_none(), "its own stack is none of its business");
    }
}
