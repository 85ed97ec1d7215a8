//! Crashes of a forked child: it has no helper, and the record is its parent's. So it is with a process that has closed what it
//! did not know, the bells among it.
//!
//! It opens a record of its own, under a name that was prepared before the fork, and unwinds on a thread that it makes by a
//! bare `clone`, on a stack that was mapped before: alternate stacks are too small for that. Nothing is sent: the next
//! start, of the child's successor or of the parent's, finds the record. Calls `open`, `flock`, `clone` and what the helper's phase one does.
#![expect(unsafe_code, reason = "a thread is made where no library may be used")]

use std::ffi::{c_int, c_void};
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32};
use std::time::Duration;

use super::super::record::Head;
use super::handler::describe;
use super::{file, helper, marks, scene, thread};

const STACK: usize = 256 << 10;
const PATIENCE: Duration = Duration::from_secs(3);

/// What a child needs.
pub(crate) struct Prepared {
    pub(crate) head: Head,
    /// The path of its record; the number of the process goes before the part from `after`.
    pub(crate) path: Vec<u8>,
    pub(crate) after: &'static [u8],
    /// The list of modules.
    pub(crate) images: Vec<u8>,
}

static PREPARED: AtomicPtr<Prepared> = AtomicPtr::new(ptr::null_mut());
/// The lower end of the stack to unwind on.
static LOW: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// The child whose crash is being reported, the thread of it that has crashed, and the one that writes the record.
static CHILD: AtomicU32 = AtomicU32::new(0);
static REPORTER: AtomicU32 = AtomicU32::new(0);
static WRITER: AtomicU32 = AtomicU32::new(0);

/// Prepares for children. What was prepared before stays in memory, a child may be using it: a few kilobytes for each library
/// that is loaded later.
pub(crate) fn prepare(prepared: Prepared) {
    if LOW.load(Acquire).is_null() {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, wherever there is room.
        let low = unsafe { libc::mmap(ptr::null_mut(), STACK, access, flags, -1, 0) };
        if low == libc::MAP_FAILED {
            return;
        }
        LOW.store(low, Release);
        // SAFETY: a function of this module, which only closes a descriptor.
        unsafe { libc::pthread_atfork(None, None, Some(forked)) };
    }
    PREPARED.store(Box::into_raw(Box::new(prepared)), Release);
}

/// In a child: the record, the lock on it and the marks are its parent's. Children of which this is not told do not use them either.
unsafe extern "C" fn forked() {
    file::unset();
    marks::forget();
}

/// In the handler.
pub(super) fn crashed(own: u32, info: &libc::siginfo_t, context: &libc::ucontext_t) {
    let process = thread::process();
    let before = CHILD.load(Acquire);
    if before == process || CHILD.compare_exchange(before, process, AcqRel, Acquire).is_err() {
        if own == WRITER.load(Acquire) {
            let _ = helper::cut_short();
            thread::exit();
        }
        if own != REPORTER.load(Acquire) {
            wait();
            // Time for the signal of the thread that has crashed first to end the process.
            thread::sleep(Duration::from_secs(1));
        }
        return;
    }
    REPORTER.store(own, Release);
    // SAFETY: never freed.
    let Some(prepared) = (unsafe { PREPARED.load(Acquire).as_ref() }) else { return };
    let Some(opened) = open(prepared, process) else { return };
    // What belongs to the process whose memory this is as well, should it be: a child of `vfork` shares it.
    let parents = file::replace(opened);
    file::head(&Head { event_id: of_child(prepared.head.event_id, process), process, ..prepared.head });
    file::modules(&prepared.images, 1);
    describe(own, info, context);
    scene::STEP.store(scene::UNWINDING, Release);
    if start_writer() {
        wait();
    }
    if let Some(parents) = parents {
        file::replace(parents);
    }
}

/// Waits until the record is written.
fn wait() {
    let end = thread::instant() + PATIENCE.as_nanos() as u64;
    while scene::step() != scene::SENDING && thread::instant() < end {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Opens a record for this process.
fn open(prepared: &Prepared, process: u32) -> Option<RawFd> {
    let mut path = [0_u8; 1_024];
    let mut number = [0_u8; 8];
    for (at, digit) in number.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(process >> (28 - 4 * at)) as usize % 16];
    }
    let parts = prepared.path.iter().chain(&number).chain(prepared.after);
    let length = prepared.path.len() + number.len() + prepared.after.len();
    if length >= path.len() {
        return None;
    }
    for (to, from) in path.iter_mut().zip(parts) {
        *to = *from;
    }
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the path ends with a zero: it is shorter than its array.
    let opened = unsafe { libc::open(path.as_ptr().cast(), flags, 0o600 as libc::c_uint) };
    if opened < 0 {
        return None;
    }
    // Empty until it is locked: who looks for records leaves it alone.
    // SAFETY: the descriptor is open. The call makes a system call and nothing else.
    unsafe { libc::flock(opened, libc::LOCK_EX | libc::LOCK_NB) };
    Some(opened)
}

/// Another id for each child.
fn of_child(id: sentry_core::types::Uuid, process: u32) -> sentry_core::types::Uuid {
    let mix = (u128::from(process) << 96) ^ (u128::from(thread::now()) & 0xffff_ffff_ffff);
    sentry_core::types::Uuid::from_u128(id.as_u128() ^ mix)
}

fn start_writer() -> bool {
    let low = LOW.load(Acquire);
    if low.is_null() {
        return false;
    }
    let flags = libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM;
    // SAFETY: the stack is mapped and used by nobody else; `write` uses no thread-local but `errno`, which it shares with
    // this thread, who waits for it.
    unsafe { libc::clone(write, low.wrapping_byte_add(STACK), flags, ptr::null_mut()) > 0 }
}

extern "C" fn write(_: *mut c_void) -> c_int {
    WRITER.store(thread::id(), Release);
    // SAFETY: the handler has filled in the scene and only waits.
    helper::write(unsafe { scene::data() });
    scene::STEP.store(scene::SENDING, Release);
    thread::exit();
    0
}
