//! Telling whoever looks after what this process has stored that it has crashed: a byte in a few files that are there already.
//!
//! In the crash: `open`, `pwrite`, `close`, all of them async-signal-safe.
#![expect(unsafe_code, reason = "files are written where only system calls may be made")]

use std::ffi::{CStr, CString, c_char};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Files that are known at a time: one for each place on disk where this process stores something.
const MARKS: usize = 8;

static PATHS: [AtomicPtr<c_char>; MARKS] = [const { AtomicPtr::new(ptr::null_mut()) }; MARKS];

/// From now on a crash is noted in these files. What was told before stays in memory, a crash may be reading it: a hundred
/// bytes for each time that something is opened.
pub(crate) fn set(paths: &[PathBuf]) {
    let mut paths = paths.iter().filter_map(|path| CString::new(path.as_os_str().as_bytes()).ok());
    for slot in &PATHS {
        let path = paths.next().map_or(ptr::null_mut(), CString::into_raw);
        slot.store(path, Ordering::Release);
    }
}

/// Notes it nowhere any more. Async-signal-safe.
pub(super) fn forget() {
    PATHS.iter().for_each(|slot| slot.store(ptr::null_mut(), Ordering::Release));
}

/// Notes it. A file that is not there is not made: nothing is stored beside it any more.
pub(super) fn write() {
    for slot in &PATHS {
        let path = slot.load(Ordering::Acquire);
        if path.is_null() {
            continue;
        }
        // SAFETY: what is not null was made by `CString::into_raw` and is never freed.
        let path = unsafe { CStr::from_ptr(path) };
        let flags = libc::O_WRONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
        // SAFETY: the path ends with a zero.
        let file = unsafe { libc::open(path.as_ptr(), flags) };
        if file >= 0 {
            // SAFETY: reads one byte of ours, and closes what was just opened.
            unsafe {
                libc::pwrite(file, b"c".as_ptr().cast(), 1, 0);
                libc::close(file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_written_where_there_is_a_file() {
        let dir = std::env::temp_dir().join(format!("sentry-marks-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let (there, missing) = (dir.join("there"), dir.join("missing"));
        std::fs::write(&there, "").unwrap();
        set(&[missing.clone(), there.clone()]);
        write();
        assert!(!missing.exists());
        assert_eq!(std::fs::read(&there).unwrap(), b"c");
        std::fs::write(&there, "").unwrap();
        set(std::slice::from_ref(&there));
        forget();
        write();
        assert_eq!(std::fs::read(&there).unwrap(), b"");
        let _ = std::fs::remove_dir_all(&dir);
    }
}
