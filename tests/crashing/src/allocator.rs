//! The system's allocator, behind a lock that can be left held.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

#[global_allocator]
static ALLOCATOR: Locked = Locked;

/// As long as it is set, whoever wants memory waits.
pub(crate) static HELD: AtomicBool = AtomicBool::new(false);

struct Locked;

fn wait() {
    while HELD.load(Ordering::Relaxed) {
        std::hint::spin_loop();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

// SAFETY: hands everything on to the system's.
unsafe impl GlobalAlloc for Locked {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        wait();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        wait();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) };
    }
}
