//! Where the stack of the calling thread lies, as far as the platform tells.
#![cfg_attr(target_os = "linux", expect(unsafe_code, reason = "the C library is asked where the stack lies"))]

use std::cell::Cell;
#[cfg(target_os = "linux")]
use std::{mem::MaybeUninit, ptr};

thread_local! {
    /// Lowest and highest address. Both zero: not asked yet; both one: asked, and unknown.
    static BOUNDS: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Lowest and highest address of the stack that the calling thread was born with. Nothing can be said of others, as coroutines
/// have them: their addresses lie outside of it.
#[inline]
pub(crate) fn bounds() -> Option<(usize, usize)> {
    let (low, high) = BOUNDS.try_with(Cell::get).ok()?;
    let (low, high) = if high == 0 { remember() } else { (low, high) };
    (high > 1).then_some((low, high))
}

/// How much room is left below this address of the calling thread's stack, if that is known.
pub(crate) fn room_below(address: usize) -> Option<usize> {
    let (low, high) = bounds()?;
    (low <= address && address < high).then(|| address - low)
}

#[cold]
fn remember() -> (usize, usize) {
    let bounds = ask().unwrap_or((1, 1));
    let _ = BOUNDS.try_with(|slot| slot.set(bounds));
    bounds
}

/// For the main thread glibc reads the list of mappings: once, a few dozen microseconds.
#[cfg(target_os = "linux")]
fn ask() -> Option<(usize, usize)> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: fills the value in if it returns zero, and is given the calling thread, which is alive.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut low, mut size) = (ptr::null_mut(), 0);
    // SAFETY: filled in, as was just seen; read, and then destroyed once.
    let error = unsafe {
        let error = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        error
    };
    let low: usize = low.addr();
    let high = low.checked_add(size)?;
    (error == 0 && size > 0).then_some((low, high))
}

#[cfg(not(target_os = "linux"))]
fn ask() -> Option<(usize, usize)> {
    None
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_room_shrinks_with_each_call() {
        #[inline(never)]
        fn room(levels: usize) -> usize {
            let local = std::hint::black_box([0_u8; 64]);
            let own = room_below(ptr::from_ref(&local).addr()).unwrap();
            if levels == 0 { own } else { std::hint::black_box(room(levels - 1)) }
        }
        assert!(room(10) < room(0));
        let heap = Box::new(1_usize);
        assert_eq!(room_below(ptr::from_ref(&*heap).addr()), None);
    }
}
