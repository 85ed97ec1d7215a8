//! Bells between the handler and its helper. All but `open` is async-signal-safe: `write`, `read`, `poll`, `fstat`.
#![expect(unsafe_code, reason = "descriptors are used where only system calls may be")]

use std::io;
use std::time::Duration;

use super::descriptor::Descriptor;
use super::thread;

/// One direction. Never closed: a handler may be about to use it.
pub(super) struct Bell {
    reader: Descriptor,
    writer: Descriptor,
}

impl Bell {
    pub(super) const fn new() -> Self {
        Self { reader: Descriptor::none(), writer: Descriptor::none() }
    }

    /// Opens it.
    pub(super) fn open(&self) -> io::Result<()> {
        let (reader, writer) = io::pipe()?;
        self.reader.set(reader)?;
        self.writer.set(writer)?;
        Ok(())
    }

    /// Whether nobody has closed it.
    pub(super) fn is_open(&self) -> bool {
        self.reader.get().is_some() && self.writer.get().is_some()
    }

    pub(super) fn ring(&self) {
        let Some(writer) = self.writer.get() else { return };
        let byte = 1_u8;
        // SAFETY: writes one byte of ours; the pipe never holds more than a few.
        unsafe { libc::write(writer, (&raw const byte).cast(), 1) };
    }

    /// Waits for a ring without end.
    pub(super) fn wait(&self) -> bool {
        let mut byte = 0_u8;
        while let Some(reader) = self.reader.get() {
            // SAFETY: reads one byte into a place of ours.
            let read = unsafe { libc::read(reader, (&raw mut byte).cast(), 1) };
            if read == 1 {
                return true;
            }
            if read == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return false;
            }
        }
        false
    }

    /// Waits for a ring until the deadline.
    pub(super) fn wait_for(&self, patience: Duration) -> bool {
        let end = thread::instant() + patience.as_nanos() as u64;
        while let Some(reader) = self.reader.get() {
            let left = end.saturating_sub(thread::instant());
            let mut poll = libc::pollfd { fd: reader, events: libc::POLLIN, revents: 0 };
            // SAFETY: one entry, which is ours.
            let ready = unsafe { libc::poll(&raw mut poll, 1, (left / 1_000_000) as i32) };
            if ready == 1 {
                return self.wait();
            }
            if left < 1_000_000 {
                return false;
            }
        }
        false
    }
}
