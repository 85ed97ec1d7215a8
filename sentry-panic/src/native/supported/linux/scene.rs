//! What a crash leaves for the helper, and who may touch it.
//!
//! ```text
//! IDLE ─ first thread that crashes ─► BUSY ─ rings, waits ─► DONE
//!                                      │
//!                                      └ helper: UNWINDING ─► WRITING ─► SENDING ─► nothing
//! ```
//!
//! Only the thread that took the scene from `IDLE` writes it, before it rings; then only the helper does, and the handler
//! on the helper's own thread, which is that thread.
#![expect(unsafe_code, reason = "static memory is handed from one thread to another")]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::outlines;
use super::super::record::{CRASH_SIZE, Crash};

const IDLE: u32 = 0;
const BUSY: u32 = 1;
const DONE: u32 = 2;

static STATE: AtomicU32 = AtomicU32::new(IDLE);
/// The thread that reports.
static REPORTER: AtomicU32 = AtomicU32::new(0);
static SCENE: Scene = Scene(UnsafeCell::new(MaybeUninit::zeroed()));

/// How far the helper is.
pub(super) static STEP: AtomicU32 = AtomicU32::new(WAITING);
pub(super) const WAITING: u32 = 0;
pub(super) const UNWINDING: u32 = 1;
pub(super) const WRITING: u32 = 2;
pub(super) const SENDING: u32 = 3;

struct Scene(UnsafeCell<MaybeUninit<Data>>);

// SAFETY: see the module: one thread at a time has it.
unsafe impl Sync for Scene {}

/// All-zero is valid.
pub(super) struct Data {
    pub(super) context: libc::ucontext_t,
    pub(super) crash: Crash,
    /// For encoding the crash.
    pub(super) buffer: [u8; CRASH_SIZE],
    /// For copying what is known.
    pub(super) scope: [u8; outlines::LARGEST],
}

/// Takes the scene. `false` when another thread has it.
pub(super) fn take(thread: u32) -> bool {
    let taken = STATE.compare_exchange(IDLE, BUSY, Ordering::AcqRel, Ordering::Acquire).is_ok();
    if taken {
        REPORTER.store(thread, Ordering::Release);
    }
    taken
}

/// Whether this thread has taken it.
pub(super) fn is_reporter(thread: u32) -> bool {
    REPORTER.load(Ordering::Acquire) == thread
}

/// The report is over, whatever came of it.
pub(super) fn done() {
    STATE.store(DONE, Ordering::Release);
}

pub(super) fn is_idle() -> bool {
    STATE.load(Ordering::Acquire) == IDLE
}

pub(super) fn is_done() -> bool {
    STATE.load(Ordering::Acquire) == DONE
}

/// The scene.
///
/// # Safety
/// Nobody else has it: see the module.
pub(super) unsafe fn data() -> &'static mut Data {
    // SAFETY: the caller's promise; all-zero is a valid `Data`, so it always is one.
    unsafe { (*SCENE.0.get()).assume_init_mut() }
}

/// The signal that is being reported; for the handler on the helper's thread.
pub(super) fn step() -> u32 {
    STEP.load(Ordering::Acquire)
}
