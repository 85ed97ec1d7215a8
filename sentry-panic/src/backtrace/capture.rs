//! Return addresses of the calling thread: no lock, no symbols, one allocation.
#![expect(
    unsafe_code,
    reason = "the backtrace crate's safe function takes a process-wide lock that symbolication holds"
)]

use std::hint::black_box;

use sentry_core::RawStack;

/// How many frames are kept, from the innermost on.
const MAX_FRAMES: usize = 128;

/// The stack above the function whose frame `marker` lies in.
///
/// Frames are told apart by their stack pointers, which works without symbols and however much was inlined. Only the first
/// ones are: behind a switch of stacks, as coroutines do it, the pointers may be smaller again.
pub(crate) fn above(marker: usize) -> RawStack {
    let mut addresses = [0_usize; MAX_FRAMES];
    let mut count = 0;
    let mut skipping = true;
    trace(|frame| {
        let sp = frame.sp().addr();
        // A platform that cannot tell says zero: then the frame stays, and is trimmed by its name.
        skipping = skipping && sp != 0 && sp <= marker;
        if skipping {
            return true;
        }
        let ip = frame.ip().addr();
        if ip == 0 {
            return false;
        }
        addresses[count] = ip;
        count += 1;
        count < MAX_FRAMES
    });
    RawStack { addresses: addresses[..count].into() }
}

/// Where a local variable lies: a marker for [`above`].
#[inline]
pub(crate) fn address_of(local: &u8) -> usize {
    std::ptr::from_ref(black_box(local)).addr()
}

#[cfg(not(all(windows, target_arch = "x86")))]
fn trace(callback: impl FnMut(&::backtrace::Frame) -> bool) {
    // SAFETY: what must be synchronized is dbghelp on 32-bit Windows. All others unwind with a library that threads may
    // call at the same time.
    unsafe { ::backtrace::trace_unsynchronized(callback) }
}

#[cfg(all(windows, target_arch = "x86"))]
fn trace(callback: impl FnMut(&::backtrace::Frame) -> bool) {
    ::backtrace::trace(callback);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn marked() -> RawStack {
        let marker = 0_u8;
        black_box(above(address_of(&marker)))
    }

    #[inline(never)]
    fn deep(levels: usize) -> RawStack {
        if levels == 0 { marked() } else { black_box(deep(levels - 1)) }
    }

    #[test]
    fn the_first_address_is_the_caller_of_the_marked_function() {
        let stack = deep(0);
        let mut first = None;
        let address = std::ptr::with_exposed_provenance_mut(stack.addresses[0]);
        ::backtrace::resolve(address, |symbol| first = symbol.name().map(|name| format!("{name:#}")));
        assert!(first.as_deref().is_some_and(|name| name.ends_with("::deep")), "{first:?}");
    }

    #[test]
    fn deep_stacks_are_cut_at_the_outer_end() {
        let stack = deep(1_000);
        assert_eq!(stack.addresses.len(), MAX_FRAMES);
        assert!(stack.addresses[2] == stack.addresses[3]);
    }
}
