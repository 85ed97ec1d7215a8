//! Which loaded object an address lies in, without a lock.
#![expect(unsafe_code, reason = "a function of the C library that not every version has")]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Looks objects up for one walk. Stacks rarely change between them.
pub(super) struct Objects {
    find: Find,
    start: usize,
    end: usize,
    stamp: u64,
}

/// glibc 2.35: async-signal-safe, and made for unwinders.
type Find = unsafe extern "C" fn(*mut c_void, *mut Found) -> c_int;

/// `struct dl_find_object` of `<dlfcn.h>`.
#[repr(C)]
struct Found {
    flags: u64,
    start: *mut c_void,
    end: *mut c_void,
    map: *mut c_void,
    eh_frame: *mut c_void,
    reserved: [u64; 7],
}

static FIND: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// What was learned in another era is not found any more.
static ERA: AtomicU64 = AtomicU64::new(0);

/// Looks the function up, once per process: not where the program panics, the dynamic linker takes a lock.
pub(super) fn prepare() {
    if FIND.load(Ordering::Relaxed).is_null() {
        // SAFETY: a name that ends with a zero.
        let find = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
        FIND.store(find, Ordering::Release);
    }
}

/// Begins another era.
pub(super) fn forget() {
    ERA.fetch_add(1, Ordering::Relaxed);
}

impl Objects {
    /// `None` where the C library has no such function, or nobody has prepared.
    #[inline]
    pub(super) fn new() -> Option<Self> {
        let find = FIND.load(Ordering::Acquire);
        if find.is_null() {
            return None;
        }
        // SAFETY: the function has had this type since it exists; only `prepare` writes here.
        let find = unsafe { std::mem::transmute::<*mut c_void, Find>(find) };
        Some(Self { find, start: 0, end: 0, stamp: 0 })
    }

    /// A number for the object that this return address lies in. Another object in its place has another one.
    #[inline]
    pub(super) fn stamp(&mut self, address: usize) -> Option<u64> {
        let call = address.checked_sub(1)?;
        if !(self.start..self.end).contains(&call) {
            self.find(call)?;
        }
        Some(self.stamp)
    }

    fn find(&mut self, address: usize) -> Option<()> {
        let mut found = MaybeUninit::<Found>::uninit();
        // SAFETY: takes any address, waits for nothing, and fills the value in if it returns zero.
        if unsafe { (self.find)(ptr::without_provenance_mut(address), found.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: filled in, as was just seen.
        let Found { start, end, map, eh_frame, .. } = unsafe { found.assume_init() };
        (self.start, self.end) = (start.addr(), end.addr());
        let mut stamp = ERA.load(Ordering::Relaxed);
        for part in [self.start, self.end, map.addr(), eh_frame.addr()] {
            stamp = (stamp.rotate_left(23) ^ part as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        self.stamp = stamp;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_object_share_a_stamp() {
        prepare();
        // On an older C library there is nothing to test.
        let Some(mut objects) = Objects::new() else { return };
        let here = addresses_of_one_object_share_a_stamp as fn() as usize + 1;
        let there = prepare as fn() as usize + 1;
        let stamp = objects.stamp(here).unwrap();
        assert_eq!(objects.stamp(there), Some(stamp));
        let libc = libc::getpid as unsafe extern "C" fn() -> libc::pid_t as usize + 1;
        assert_ne!(objects.stamp(libc).unwrap(), stamp);
        assert_eq!(objects.stamp(here), Some(stamp));
        assert_eq!(objects.stamp(1), None);
        assert_eq!(objects.stamp(0), None);
    }
}
