//! Descriptors that are used long after they were opened.
//!
//! A program may close what it does not know, as daemons do, and the numbers are given to files of its own then. A crash must
//! not be written into those, so what is behind a number is compared with what was opened. In the crash: `fstat`,
//! async-signal-safe.
#![expect(unsafe_code, reason = "descriptors are looked at where only system calls may be made")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{IntoRawFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// One of ours, or none. Never closed by this.
pub(super) struct Descriptor {
    number: AtomicI32,
    /// The device and the file that it was opened for.
    device: AtomicU64,
    file: AtomicU64,
}

impl Descriptor {
    pub(super) const fn none() -> Self {
        Self { number: AtomicI32::new(-1), device: AtomicU64::new(0), file: AtomicU64::new(0) }
    }

    /// Takes an open file, and tells which one it was before, if that is still open.
    pub(super) fn set(&self, file: impl IntoRawFd) -> io::Result<Option<RawFd>> {
        let number = file.into_raw_fd();
        let (device, file) = identity(number).ok_or_else(io::Error::last_os_error)?;
        let before = self.take();
        self.device.store(device, Ordering::Relaxed);
        self.file.store(file, Ordering::Relaxed);
        self.number.store(number, Ordering::Release);
        Ok(before)
    }

    /// Its number, as long as it is ours.
    pub(super) fn get(&self) -> Option<RawFd> {
        let number = self.number.load(Ordering::Acquire);
        let known = (self.device.load(Ordering::Relaxed), self.file.load(Ordering::Relaxed));
        (number >= 0 && identity(number) == Some(known)).then_some(number)
    }

    /// Forgets it.
    pub(super) fn take(&self) -> Option<RawFd> {
        let number = self.get();
        self.number.store(-1, Ordering::Release);
        number
    }
}

fn identity(number: RawFd) -> Option<(u64, u64)> {
    let mut about = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fills the value in if it returns zero.
    if unsafe { libc::fstat(number, about.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: filled in, as was just seen.
    let about = unsafe { about.assume_init() };
    Some((about.st_dev, about.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_given_to_somebody_else_is_not_ours() {
        let ours = Descriptor::none();
        assert_eq!(ours.get(), None);
        let (reader, writer) = io::pipe().unwrap();
        assert_eq!(ours.set(writer).unwrap(), None);
        let number = ours.get().unwrap();
        let other = std::fs::File::open("/dev/null").unwrap().into_raw_fd();
        // SAFETY: gives the number to another file, of which nobody but this test knows.
        assert_eq!(unsafe { libc::dup2(other, number) }, number);
        assert_eq!(ours.get(), None);
        assert_eq!(ours.set(reader).unwrap(), None);
        let number = ours.get();
        assert!(number.is_some());
        assert_eq!((ours.take(), ours.get()), (number, None));
    }
}
