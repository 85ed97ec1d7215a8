//! Reading memory of this process that may not be there: never faults.
//!
//! `process_vm_readv` on ourselves says `EFAULT` instead. Where a sandbox forbids it, the memory is written to a pipe, which
//! says the same, and read from there. A page is read at once: stacks are read from one end to the other.
#![expect(unsafe_code, reason = "memory is read by system calls")]

use std::io;

use super::descriptor::Descriptor;
use super::thread;

const PAGE: usize = 4_096;

/// The pipe for where `process_vm_readv` is forbidden.
static PROBE: [Descriptor; 2] = [Descriptor::none(), Descriptor::none()];

/// Makes what is needed later.
pub(super) fn prepare() -> io::Result<()> {
    if PROBE[0].get().is_none() {
        let (reader, writer) = io::pipe()?;
        PROBE[0].set(reader)?;
        PROBE[1].set(writer)?;
    }
    Ok(())
}

/// A page of memory that was read last.
pub(super) struct Memory {
    page: u64,
    bytes: [u8; PAGE],
}

impl Memory {
    pub(super) const fn new() -> Self {
        Self { page: u64::MAX, bytes: [0; PAGE] }
    }

    /// What was read before may have changed.
    pub(super) fn forget(&mut self) {
        self.page = u64::MAX;
    }

    /// The word at an address.
    pub(super) fn word(&mut self, address: u64) -> Option<u64> {
        let at = (address % PAGE as u64) as usize;
        if at > PAGE - 8 {
            let mut word = [0; 8];
            return read(address, &mut word).then_some(u64::from_ne_bytes(word));
        }
        let page = address - at as u64;
        if page != self.page {
            self.page = u64::MAX;
            if !read(page, &mut self.bytes) {
                return None;
            }
            self.page = page;
        }
        Some(u64::from_ne_bytes(self.bytes.get(at..at + 8)?.try_into().ok()?))
    }
}

/// Reads as many bytes as `to` has. Tells whether all of them were there.
pub(super) fn read(address: u64, to: &mut [u8]) -> bool {
    let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let remote =
        libc::iovec { iov_base: std::ptr::without_provenance_mut(address as usize), iov_len: to.len() };
    // SAFETY: writes to `to` only; what it reads from is checked by the kernel.
    let read = unsafe {
        libc::syscall(
            libc::SYS_process_vm_readv,
            thread::process() as libc::pid_t,
            &raw const local,
            1_usize,
            &raw const remote,
            1_usize,
            0_usize,
        )
    };
    if read == to.len() as libc::c_long {
        return true;
    }
    let is_forbidden = read < 0
        && matches!(
            io::Error::last_os_error().raw_os_error(),
            Some(libc::EPERM | libc::ENOSYS | libc::EACCES)
        );
    is_forbidden && read_by_pipe(address, to)
}

fn read_by_pipe(address: u64, to: &mut [u8]) -> bool {
    let [Some(reader), Some(writer)] = [PROBE[0].get(), PROBE[1].get()] else { return false };
    let from = std::ptr::without_provenance(address as usize);
    // SAFETY: the kernel checks what is read. A pipe takes a page at once, and nothing is left in this one.
    let written = unsafe { libc::write(writer, from, to.len()) };
    if written <= 0 {
        return false;
    }
    // SAFETY: reads at most as many bytes as `to` has.
    let read = unsafe { libc::read(reader, to.as_mut_ptr().cast(), written as usize) };
    read == to.len() as isize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_there_is_read_and_the_rest_is_not() {
        prepare().unwrap();
        let words = [1_u64, 2, 3];
        let mut memory = Memory::new();
        let at = words.as_ptr() as u64;
        assert_eq!(memory.word(at + 8), Some(2));
        assert_eq!(memory.word(8), None);
        assert_eq!(memory.word(u64::MAX - 9), None);
        let mut word = [0; 8];
        assert!(read_by_pipe(at + 16, &mut word));
        assert_eq!(u64::from_ne_bytes(word), 3);
        assert!(!read_by_pipe(16, &mut word));
    }
}
