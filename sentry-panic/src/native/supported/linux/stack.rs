//! Alternate stacks: where the handler runs when the stack of the thread is used up.
//!
//! std gives each of its threads one of 8 KiB, which is enough for us; other handlers in the process may want more, and
//! threads of C have none.
#![expect(unsafe_code, reason = "stacks are mapped and given to the kernel")]

use std::cell::RefCell;
use std::{io, mem, ptr};

const SIZE: usize = 64 << 10;

thread_local! {
    static STACK: RefCell<Option<Stack>> = const { RefCell::new(None) };
}

/// Gives the calling thread an alternate stack until it ends, unless it has one that is as large.
pub(crate) fn protect_thread() -> io::Result<()> {
    STACK
        .try_with(|slot| {
            let mut slot = slot.borrow_mut();
            if slot.is_none() && size_of_current() < SIZE {
                *slot = Some(Stack::install()?);
            }
            Ok(())
        })
        // The thread is ending.
        .unwrap_or(Ok(()))
}

fn current() -> libc::stack_t {
    // SAFETY: all-zero is a valid description.
    let mut current: libc::stack_t = unsafe { mem::zeroed() };
    // SAFETY: only writes to a place of ours.
    unsafe { libc::sigaltstack(ptr::null(), &raw mut current) };
    current
}

fn size_of_current() -> usize {
    let current = current();
    if current.ss_flags & libc::SS_DISABLE != 0 { 0 } else { current.ss_size }
}

/// A mapping with a page below that nobody can write to.
struct Stack {
    mapping: *mut libc::c_void,
    guard: usize,
}

impl Stack {
    fn install() -> io::Result<Self> {
        // SAFETY: asks for a number.
        let guard = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, wherever there is room.
        let mapping = unsafe { libc::mmap(ptr::null_mut(), guard + SIZE, access, flags, -1, 0) };
        if mapping == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Self { mapping, guard };
        // SAFETY: the first page of the mapping, which nobody uses yet.
        unsafe { libc::mprotect(mapping, guard, libc::PROT_NONE) };
        let description = libc::stack_t { ss_sp: stack.begin(), ss_flags: 0, ss_size: SIZE };
        // SAFETY: the mapping is there until `drop`, which takes it from the kernel first.
        if unsafe { libc::sigaltstack(&raw const description, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(stack)
    }

    fn begin(&self) -> *mut libc::c_void {
        self.mapping.wrapping_byte_add(self.guard)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if current().ss_sp == self.begin() {
            let disabled =
                libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: SIZE };
            // SAFETY: the thread ends: it has no use for one, and what it had before may be gone already.
            unsafe { libc::sigaltstack(&raw const disabled, ptr::null_mut()) };
        }
        // SAFETY: the mapping was made by `install` and is used by nobody any more.
        unsafe { libc::munmap(self.mapping, self.guard + SIZE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_its_stack_until_it_ends() {
        let thread = std::thread::Builder::new().spawn(|| {
            let before = size_of_current();
            protect_thread().unwrap();
            protect_thread().unwrap();
            (before, size_of_current())
        });
        let (before, after) = thread.unwrap().join().unwrap();
        assert!(before < SIZE && after == SIZE, "{before}, {after}");
    }
}
