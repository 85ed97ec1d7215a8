//! Writing the record in a crash: `pwrite`, `fdatasync` and `fstat`, all of them async-signal-safe.
#![expect(unsafe_code, reason = "descriptors are used where only system calls may be")]

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use super::super::record::{
    COMPLETE, CRASH, CRASH_SIZE, HEAD, Head, LARGEST, MODULES, MODULES_SIZE, PART_HEAD, PREALLOCATED, SCOPE,
    SCOPE_SIZE, SENT, part_head,
};
use super::super::{bytes::checksum, record::Crash};
use super::descriptor::Descriptor;

/// The record of this process.
static RECORD: Descriptor = Descriptor::none();

/// Whether files may become as large as a record. The kernel ends a process by a signal that writes beyond its limit.
pub(crate) fn is_allowed() -> io::Result<()> {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: fills the value in if it returns zero.
    if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, limit.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: filled in, as was just seen.
    let limit = unsafe { limit.assume_init() }.rlim_cur;
    if limit < LARGEST as libc::rlim_t { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
}

/// Lets crashes be written to `file` from now on, which is as large as it has to be afterwards.
pub(super) fn set(file: File) -> io::Result<()> {
    // SAFETY: the descriptor is open.
    let failed = unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, PREALLOCATED as libc::off_t) };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    close(RECORD.set(file)?);
    Ok(())
}

/// Writes no crash any more.
pub(super) fn unset() {
    close(RECORD.take());
}

/// `file` was ours.
fn close(file: Option<RawFd>) {
    // SAFETY: it was ours until now, and nobody finds it any more.
    drop(file.map(|file| unsafe { OwnedFd::from_raw_fd(file) }));
}

pub(super) fn is_set() -> bool {
    RECORD.get().is_some()
}

/// Uses another file, and tells which one it was before. For a child.
pub(super) fn replace(file: RawFd) -> Option<RawFd> {
    RECORD.set(file).ok().flatten()
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

/// Writes a crash, and that it is complete: at once, so that a second time does not spoil what is there. `buffer` is for its encoding.
pub(super) fn crash(crash: &Crash, buffer: &mut [u8; CRASH_SIZE]) {
    const FRONT: usize = CRASH - COMPLETE;
    let Some((front, content)) = buffer.split_at_mut_checked(FRONT) else { return };
    let length = crash.encode(content);
    front.fill(0);
    if let Some(complete) = front.first_chunk_mut() {
        *complete = checksum(content.get(..length).unwrap_or_default()).to_le_bytes();
    }
    put(COMPLETE, buffer.get(..FRONT + length).unwrap_or_default());
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
    let Some(file) = RECORD.get() else { return };
    while !bytes.is_empty() {
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
    if let Some(file) = RECORD.get() {
        // SAFETY: the descriptor is open.
        unsafe { libc::fdatasync(file) };
    }
}
