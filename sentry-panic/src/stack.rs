//! Where the stack of the calling thread lies, as far as the platform tells.
#![cfg_attr(target_os = "linux", expect(unsafe_code, reason = "the C library is asked where the stack lies"))]

use std::cell::Cell;
#[cfg(target_os = "linux")]
use std::{ffi::CStr, mem::MaybeUninit, ptr};

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

#[cfg(target_os = "linux")]
fn ask() -> Option<(usize, usize)> {
    of_the_process().or_else(of_the_thread)
}

/// The stack that the process was started on, if the caller is on it. For this one glibc reads the list of mappings: that takes
/// longer than everything else about a process's first panic.
///
/// Linux puts the name of the program's file last on it, and eight zeros behind; it keeps at least 128 MB below free for the
/// stack to grow. So what lies within the limit of the stack's size, if that is smaller, belongs to it.
#[cfg(target_os = "linux")]
fn of_the_process() -> Option<(usize, usize)> {
    let local = 0_u8;
    let here = ptr::from_ref(std::hint::black_box(&local)).addr();
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: fills the value in if it returns zero.
    if unsafe { libc::getrlimit(libc::RLIMIT_STACK, limit.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: filled in, as was just seen.
    let limit = usize::try_from(unsafe { limit.assume_init() }.rlim_cur).ok()?;
    // SAFETY: looks an entry up that the kernel has left, and returns zero if it has not.
    let name = usize::try_from(unsafe { libc::getauxval(libc::AT_EXECFN) }).ok().filter(|name| *name > 0)?;
    if limit > LARGEST || here > name || name - here > limit {
        return None;
    }
    let high = end_of(name);
    Some((high.checked_sub(limit)?, high))
}

/// Where the stack ends that this name is the last on.
#[cfg(target_os = "linux")]
fn end_of(name: usize) -> usize {
    // SAFETY: the kernel has put a text that ends with a zero there, where the program has written nothing.
    let length = unsafe { CStr::from_ptr(ptr::with_exposed_provenance(name)) }.count_bytes();
    (name + length + 1 + size_of::<usize>()).next_multiple_of(PAGE)
}

/// The limit of a stack's size below which [`of_the_process`] is sure of it.
#[cfg(target_os = "linux")]
const LARGEST: usize = 64 << 20;

/// The smallest page there is: with larger ones the last part of the stack is not used.
#[cfg(target_os = "linux")]
const PAGE: usize = 4_096;

/// What the C library knows about the calling thread.
#[cfg(target_os = "linux")]
fn of_the_thread() -> Option<(usize, usize)> {
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
    fn the_stack_of_the_process_is_the_one_that_the_system_lists() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.ends_with("[stack]")).unwrap();
        let high = line.split(['-', ' ']).nth(1).and_then(|high| usize::from_str_radix(high, 16).ok());
        // SAFETY: looks a number up.
        let name = usize::try_from(unsafe { libc::getauxval(libc::AT_EXECFN) }).unwrap();
        assert_eq!(Some(end_of(name)), high);
        // Tests have threads of their own.
        assert_eq!(of_the_process(), None);
        assert!(of_the_thread().is_some());
    }

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
