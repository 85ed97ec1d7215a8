//! The system's allocator, which crashes at the n-th call of a thread that asks for it.
#![expect(unsafe_code, reason = "an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: Crashing = Crashing;

struct Crashing;

thread_local! {
    /// Calls until the crash; zero: none is due.
    static LEFT: Cell<u64> = const { Cell::new(0) };
    static CRASH: Cell<fn()> = const { Cell::new(|| {}) };
}

/// Runs `f`; this thread crashes at its n-th call of the allocator from now on. Tells whether there was one.
pub(crate) fn crash_at(n: u64, crash: fn(), f: impl FnOnce()) -> bool {
    CRASH.set(crash);
    LEFT.set(n);
    f();
    LEFT.replace(0) == 0
}

fn count() {
    let _ = LEFT.try_with(|left| {
        let now = left.get();
        if now > 0 {
            // Zero, so that the crash itself may allocate.
            left.set(now - 1);
            if now == 1 {
                CRASH.with(Cell::get)();
            }
        }
    });
}

// SAFETY: hands everything on to the system's. A crash that comes back has left no trace.
unsafe impl GlobalAlloc for Crashing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) };
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
