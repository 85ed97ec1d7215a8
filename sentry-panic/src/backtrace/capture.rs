//! Return addresses of the calling thread: no lock, no symbols, one allocation.
#![expect(
    unsafe_code,
    reason = "the backtrace crate's safe function takes a process-wide lock that symbolication holds"
)]

use std::hint::black_box;

use sentry_core::RawStack;

use crate::backtrace::unwind;

/// How many frames are kept, from the innermost on.
const MAX_FRAMES: usize = 128;

/// The stack above the function whose frame `marker` lies in.
///
/// Frames are told apart by their stack pointers, which works without symbols and however much was inlined. Only the first
/// ones are: behind a switch of stacks, as coroutines do it, the pointers may be smaller again.
#[inline(never)]
pub(crate) fn above(marker: usize) -> RawStack {
    let mut addresses = [0_usize; MAX_FRAMES];
    let count = unwind::walk(marker, &mut addresses).unwrap_or_else(|| traced(marker, &mut addresses));
    RawStack { addresses: addresses[..count].into() }
}

/// The same by the unwinder of the C runtime. It knows every stack, and looks everything up each time.
#[inline(never)]
fn traced(marker: usize, addresses: &mut [usize; MAX_FRAMES]) -> usize {
    let mut count = 0;
    let mut skipping = true;
    trace(|frame| {
        let ip = frame.ip().addr();
        unwind::missed(ip);
        let sp = frame.sp().addr();
        // A platform that cannot tell says zero: then the frame stays, and is trimmed by its name.
        skipping = skipping && sp != 0 && sp <= marker;
        if skipping {
            return true;
        }
        if ip == 0 {
            return false;
        }
        addresses[count] = ip;
        count += 1;
        count < MAX_FRAMES
    });
    count
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
    use std::panic::catch_unwind;

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

    /// What `above` finds, and what the other unwinder does, in that order.
    #[inline(never)]
    fn both() -> (Vec<usize>, Vec<usize>) {
        let marker = 0_u8;
        let learned = above(address_of(&marker));
        let mut addresses = [0; MAX_FRAMES];
        let count = traced(address_of(&marker), &mut addresses);
        (learned.addresses.into(), addresses[..count].to_vec())
    }

    #[inline(never)]
    fn below(levels: usize, f: &mut dyn FnMut()) {
        // A frame of a size that depends on the caller, which needs the frame pointer.
        let room = black_box(vec![0_u8; levels]);
        if levels == 0 {
            f()
        } else {
            below(levels - 1, f)
        }
        drop(room);
    }

    /// Whether all of this stack is known. As [`above`] does it: the two unwinders begin in one function.
    #[inline(never)]
    fn is_learned() -> bool {
        let marker = 0_u8;
        let mut addresses = [0; MAX_FRAMES];
        let found = unwind::walk(address_of(&marker), &mut addresses).is_some();
        if !found {
            traced(address_of(&marker), &mut addresses);
        }
        found
    }

    /// Whether all of this stack is known, at the latest when its frames were met a few times.
    #[inline(never)]
    fn is_soon_learned() -> bool {
        (0..4).any(|_| {
            unwind::learn();
            is_learned()
        })
    }

    #[test]
    fn what_was_learned_is_what_the_other_unwinder_finds() {
        let compare = |levels: usize| {
            below(levels, &mut || {
                for _ in 0..3 {
                    let (learned, traced) = both();
                    // The two are called from two places in the same function.
                    assert_eq!(learned, traced);
                    unwind::learn();
                }
            });
        };
        for levels in [0, 1, 5, 50, 150] {
            compare(levels);
            std::thread::scope(|scope| {
                scope.spawn(|| compare(levels));
                scope.spawn(|| drop(catch_unwind(|| compare(levels))));
            });
        }
        let sorted = |pair: (&u32, &u32)| {
            // From within code of std, and with a panic's frames below.
            compare(3);
            pair.0.cmp(pair.1)
        };
        let mut numbers = [3, 1, 2];
        numbers.sort_by(|a, b| sorted((a, b)));
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
    fn a_stack_whose_frames_were_met_is_walked_by_rules() {
        // Older C libraries cannot tell where an object lies.
        // SAFETY: a name that ends with a zero.
        let can = !unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) }.is_null();
        assert_eq!(is_soon_learned(), can);
        unwind::forget();
        assert!(!is_learned(), "of another era");
        let thread = std::thread::Builder::new().spawn(is_soon_learned).unwrap();
        assert_eq!(thread.join().unwrap(), can);
    }

    #[test]
    fn deep_stacks_are_cut_at_the_outer_end() {
        let stack = deep(1_000);
        assert_eq!(stack.addresses.len(), MAX_FRAMES);
        assert!(stack.addresses[2] == stack.addresses[3]);
    }
}
