//! Panics that were reported already: the abort that std ends some of them with is no news.
//!
//! Whether a panic will be followed by an abort a hook cannot know for sure. So the hook leaves the stack it runs on here, and
//! an abort belongs to it if it happens further in on the same stack: within the same call of the panic machinery.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};

/// Panics that are remembered: more than one thread may be panicking.
const PANICS: usize = 8;
/// Frames of each.
const FRAMES: usize = 48;
/// Innermost frames that may differ: the hook, and the function of std that calls it. More than that would reach the function
/// that has panicked, and may well abort later for a reason of its own.
const DIFFERENT: usize = 4;
/// Frames that have to be the same.
const SAME: usize = 3;

static NOTED: [Noted; PANICS] = [const { Noted::new() }; PANICS];
static NEXT: AtomicUsize = AtomicUsize::new(0);

struct Noted {
    thread: AtomicU32,
    count: AtomicUsize,
    frames: [AtomicU64; FRAMES],
}

impl Noted {
    const fn new() -> Self {
        Self {
            thread: AtomicU32::new(0),
            count: AtomicUsize::new(0),
            frames: [const { AtomicU64::new(0) }; FRAMES],
        }
    }

    fn set(&self, thread: u32, addresses: &[usize]) {
        self.thread.store(0, Release);
        for (to, from) in self.frames.iter().zip(addresses) {
            to.store(*from as u64, Relaxed);
        }
        self.count.store(addresses.len().min(FRAMES), Relaxed);
        self.thread.store(thread, Release);
    }

    /// Whether this stack goes on where the noted one came from.
    fn is_below(&self, stack: &[u64]) -> bool {
        let count = self.count.load(Relaxed);
        let frame = |at: usize| self.frames.get(at).map_or(0, |frame| frame.load(Relaxed));
        (0..count.min(DIFFERENT)).any(|from| {
            let Some(begin) = stack.iter().position(|address| *address == frame(from)) else { return false };
            let mut pairs = stack.iter().skip(begin).zip(from..count);
            count - from >= SAME && pairs.all(|(address, at)| *address == frame(at))
        })
    }
}

/// A panic on this thread was reported; the hook runs on the stack with these return addresses, innermost first.
pub(crate) fn note(thread: u32, addresses: &[usize]) {
    let slot = NEXT.fetch_add(1, Relaxed) % PANICS;
    NOTED[slot].set(thread, addresses);
}

/// Whether an abort with this stack ends a panic that was reported. Takes no lock and allocates nothing.
pub(crate) fn are_why(thread: u32, stack: &[u64]) -> bool {
    NOTED.iter().any(|noted| noted.thread.load(Acquire) == thread && noted.is_below(stack))
}

/// Whether a panic of this thread was reported, as far as is remembered. Takes no lock and allocates nothing.
pub(crate) fn has_any(thread: u32) -> bool {
    NOTED.iter().any(|noted| noted.thread.load(Acquire) == thread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abort_within_the_same_panic_is_recognised() {
        let hook = [90, 91, 92, 4, 3, 2, 1];
        let noted = Noted::new();
        noted.set(7, &hook);
        for (stack, expected) in [
            (&[50_u64, 51, 52, 99, 4, 3, 2, 1][..], true),
            (&[90, 91, 92, 4, 3, 2, 1], true),
            (&[50, 51, 99, 4, 3, 2, 8], false),
            (&[50, 51, 1], false),
            (&[50, 51], false),
            (&[], false),
        ] {
            assert_eq!(noted.is_below(stack), expected, "{stack:?}");
        }
        note(3, &hook);
        assert!(are_why(3, &[50, 4, 3, 2, 1]));
        assert!(!are_why(4, &[50, 4, 3, 2, 1]));
        assert!(has_any(3) && !has_any(4));
    }
}
