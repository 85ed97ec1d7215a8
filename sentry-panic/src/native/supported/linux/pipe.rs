//! Bells between the handler and its helper. All but `new` is async-signal-safe: `write`, `read`, `poll`.
#![expect(unsafe_code, reason = "descriptors are used where only system calls may be")]

use std::io;
use std::os::fd::IntoRawFd as _;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use super::thread;

/// One direction. Never closed: a handler may be about to use it.
pub(super) struct Bell {
    reader: AtomicI32,
    writer: AtomicI32,
}

impl Bell {
    pub(super) const fn new() -> Self {
        Self { reader: AtomicI32::new(-1), writer: AtomicI32::new(-1) }
    }

    /// Opens it.
    pub(super) fn open(&self) -> io::Result<()> {
        let (reader, writer) = io::pipe()?;
        self.reader.store(reader.into_raw_fd(), Ordering::Release);
        self.writer.store(writer.into_raw_fd(), Ordering::Release);
        Ok(())
    }

    pub(super) fn ring(&self) {
        let byte = 1_u8;
        // SAFETY: writes one byte of ours; the pipe never holds more than a few.
        unsafe { libc::write(self.writer.load(Ordering::Acquire), (&raw const byte).cast(), 1) };
    }

    /// Waits for a ring without end.
    pub(super) fn wait(&self) -> bool {
        let mut byte = 0_u8;
        loop {
            // SAFETY: reads one byte into a place of ours.
            let read = unsafe { libc::read(self.reader.load(Ordering::Acquire), (&raw mut byte).cast(), 1) };
            if read == 1 {
                return true;
            }
            if read == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return false;
            }
        }
    }

    /// Waits for a ring until the deadline.
    pub(super) fn wait_for(&self, patience: Duration) -> bool {
        let end = thread::instant() + patience.as_nanos() as u64;
        loop {
            let left = end.saturating_sub(thread::instant());
            let mut poll =
                libc::pollfd { fd: self.reader.load(Ordering::Acquire), events: libc::POLLIN, revents: 0 };
            // SAFETY: one entry, which is ours.
            let ready = unsafe { libc::poll(&raw mut poll, 1, (left / 1_000_000) as i32) };
            if ready == 1 {
                return self.wait();
            }
            if left < 1_000_000 {
                return false;
            }
        }
    }
}
