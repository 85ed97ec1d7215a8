//! Writing the record in a crash: `pwrite` and `fdatasync`, both async-signal-safe.
#![expect(unsafe_code, reason = "descriptors are used where only system calls may be")]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, IntoRawFd as _};
use std::sync::atomic::{AtomicI32, Ordering};

use super::super::record::{
    COMPLETE, CRASH, CRASH_SIZE, HEAD, Head, MODULES, MODULES_SIZE, PART_HEAD, PREALLOCATED, SCOPE,
    SCOPE_SIZE, SENT, part_head,
};
use super::super::{bytes::checksum, record::Crash};

/// The record of this process; -1 without one.
static RECORD: AtomicI32 = AtomicI32::new(-1);

/// Lets crashes be written to `file` from now on, which is as large as it has to be afterwards.
pub(super) fn set(file: File) -> io::Result<()> {
    // SAFETY: the descriptor is open.
    let failed = unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, PREALLOCATED as libc::off_t) };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    let previous = RECORD.swap(file.into_raw_fd(), Ordering::AcqRel);
    close(previous);
    Ok(())
}

/// Writes no crash any more.
pub(super) fn unset() {
    close(RECORD.swap(-1, Ordering::AcqRel));
}

fn close(file: i32) {
    if file >= 0 {
        // SAFETY: it was ours, and nobody finds it any more.
        unsafe { libc::close(file) };
    }
}

pub(super) fn is_set() -> bool {
    RECORD.load(Ordering::Acquire) >= 0
}

/// Uses another descriptor. For a child that was forked.
pub(super) fn replace(file: i32) {
    RECORD.store(file, Ordering::Release);
}

/// Writes the beginning of a record.
pub(super) fn head(head: &Head) {
    put(HEAD, &head.encode());
}

/// Writes a list of modules; `number` is higher each time.
pub(crate) fn modules(content: &[u8], number: u32) {
    let place = MODULES[number as usize % MODULES.len()];
    if content.len() <= MODULES_SIZE - PART_HEAD {
        part(place, content, number);
    }
}

/// Writes what was known before the crash; `number` is higher the second time.
pub(crate) fn scope(content: &[u8], number: u32) {
    let place = SCOPE[number as usize % SCOPE.len()];
    if content.len() <= SCOPE_SIZE - PART_HEAD {
        part(place, content, number);
    }
}

/// Writes a crash, and that it is complete. `buffer` is for its encoding.
pub(super) fn crash(crash: &Crash, buffer: &mut [u8; CRASH_SIZE]) {
    let length = crash.encode(buffer);
    let content = buffer.get(..length).unwrap_or_default();
    put(CRASH, content);
    put(COMPLETE, &checksum(content).to_le_bytes());
    sync();
}

/// Writes that the event was handed over.
pub(super) fn sent() {
    put(SENT, &1_u64.to_le_bytes());
    sync();
}

fn part(place: usize, content: &[u8], number: u32) {
    put(place + PART_HEAD, content);
    put(place, &part_head(content, number));
}

fn put(mut at: usize, mut bytes: &[u8]) {
    let file = RECORD.load(Ordering::Acquire);
    while file >= 0 && !bytes.is_empty() {
        // SAFETY: reads from `bytes` only.
        let written = unsafe { libc::pwrite(file, bytes.as_ptr().cast(), bytes.len(), at as libc::off_t) };
        let Some(rest) = usize::try_from(written).ok().filter(|count| *count > 0).and_then(|count| {
            at += count;
            bytes.get(count..)
        }) else {
            return;
        };
        bytes = rest;
    }
}

fn sync() {
    let file = RECORD.load(Ordering::Acquire);
    if file >= 0 {
        // SAFETY: the descriptor is open.
        unsafe { libc::fdatasync(file) };
    }
}
