//! The thread that waits for a crash.
//!
//! Phase one unwinds and writes the record: no allocation, no lock, no formatting; the system calls are
//! `process_vm_readv` (or `write` and `read` on a pipe), `pwrite`, `fdatasync`, `open` and `close`. Phase two uses the SDK as it is, locks and
//! allocator included, because by then nothing can be lost: whoever waits for it has a deadline.
#![expect(unsafe_code, reason = "the scene is taken over, and the unwinder is swapped")]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread::Builder;

use super::super::record::{Crash, NEWEST};
use super::super::{outlines, panics};
use super::handler::{ANSWER, HELPER, REQUEST};
use super::unwind::Unwinding;
use super::{file, marks, registers, scene, thread};

const STACK: usize = 256 << 10;

/// What unwinds. Whoever swaps it out has it.
static UNWINDING: AtomicPtr<Unwinding> = AtomicPtr::new(ptr::null_mut());

/// Starts it. `send` is phase two: it gets the crash, if it is news, and what to call when the event was handed over.
pub(super) fn start(send: fn(Option<&Crash>, &dyn Fn())) -> io::Result<()> {
    let body = move || sentry_core::suppress(|| serve(send));
    let builder = Builder::new().name("sentry-crash".into()).stack_size(STACK);
    thread::with_signals_blocked(|| builder.spawn(body))?;
    Ok(())
}

/// Looks anew for the modules to unwind through.
pub(crate) fn refresh() {
    let new = Box::into_raw(Box::new(Unwinding::new()));
    drop(owned(UNWINDING.swap(new, Ordering::AcqRel)));
}

fn owned(unwinding: *mut Unwinding) -> Option<Box<Unwinding>> {
    // SAFETY: what is not null was made by `Box::into_raw`, and swapped out by the caller, who alone has it.
    (!unwinding.is_null()).then(|| unsafe { Box::from_raw(unwinding) })
}

fn serve(send: fn(Option<&Crash>, &dyn Fn())) {
    HELPER.store(thread::id(), Ordering::Release);
    while REQUEST.wait() {
        // SAFETY: a handler has rung: it has left the scene to this thread.
        let data = unsafe { scene::data() };
        let is_news = write(data);
        ANSWER.ring();
        scene::STEP.store(scene::SENDING, Ordering::Release);
        let crash = is_news.then_some(&data.crash);
        // A panic in there is as good as a failure.
        let _ = catch_unwind(AssertUnwindSafe(|| send(crash, &file::sent)));
        ANSWER.ring();
        scene::STEP.store(scene::WAITING, Ordering::Release);
    }
}

/// Phase one. `false` when the crash is the end of something that was reported already, and nothing was written.
pub(super) fn write(data: &mut scene::Data) -> bool {
    scene::STEP.store(scene::UNWINDING, Ordering::Release);
    let scene::Data { context, crash, buffer, scope } = data;
    let start = registers::read(context, crash);
    crash.depth = 0;
    let unwinding = UNWINDING.swap(ptr::null_mut(), Ordering::AcqRel);
    // SAFETY: swapped out, so nobody else has it. It is never given back: freeing it is for an allocator.
    match unsafe { unwinding.as_mut() } {
        Some(unwinding) => unwinding.walk(start, |address| crash.push(address)),
        None => crash.push(start.pc),
    }
    scene::STEP.store(scene::WRITING, Ordering::Release);
    let stack = crash.frames.get(..crash.depth.min(NEWEST)).unwrap_or_default();
    if crash.signal == libc::SIGABRT && panics::are_why(crash.thread, stack) {
        return false;
    }
    if file::is_set() {
        let length = outlines::get(crash.thread, scope);
        file::scope(scope.get(..length).unwrap_or_default(), 0);
    }
    file::crash(crash, buffer);
    marks::write();
    true
}

/// What unwinds or writes has crashed itself, on this thread: what there is so far is written.
pub(super) fn cut_short() {
    if scene::step() == scene::UNWINDING {
        scene::STEP.store(scene::WRITING, Ordering::Release);
        // SAFETY: the scene is this thread's, which never goes on with what it did.
        let data = unsafe { scene::data() };
        data.crash.is_cut = true;
        file::crash(&data.crash, &mut data.buffer);
        marks::write();
    }
}
