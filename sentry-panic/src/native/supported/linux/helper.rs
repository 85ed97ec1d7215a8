//! The thread that waits for a crash.
//!
//! Phase one unwinds and writes the record: no allocation, no lock, no formatting; the system calls are
//! `process_vm_readv` (or `write` and `read` on a pipe), `fstat`, `pwrite`, `fdatasync`, `open` and `close`. Phase two uses the SDK as it is, locks and
//! allocator included, because by then nothing can be lost: whoever waits for it has a deadline.
#![expect(unsafe_code, reason = "the scene is taken over, and the unwinder is swapped")]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread::Builder;

use super::super::record::{CRASH_SIZE, Crash, NEWEST};
use super::super::{outlines, panics, write_modules};
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
        if is_news {
            marks::write();
        }
        ANSWER.ring();
        scene::STEP.store(scene::SENDING, Ordering::Release);
        // A panic in there is as good as a failure.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if is_news {
                walk_again(data);
            }
            send(is_news.then_some(&data.crash), &file::sent);
        }));
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
    crash.has_panicked = panics::has_any(crash.thread);
    let unwinding = UNWINDING.swap(ptr::null_mut(), Ordering::AcqRel);
    // SAFETY: swapped out, so nobody else has it.
    match unsafe { unwinding.as_mut() } {
        Some(unwinding) => unwinding.walk(start, |address| crash.push(address)),
        None => crash.push(start.pc),
    }
    // Should a newer one be there, this one is left alone: freeing it is for an allocator.
    let _ = UNWINDING.compare_exchange(ptr::null_mut(), unwinding, Ordering::AcqRel, Ordering::Acquire);
    scene::STEP.store(scene::WRITING, Ordering::Release);
    let stack = crash.frames.get(..crash.depth.min(NEWEST)).unwrap_or_default();
    if crash.signal == libc::SIGABRT && panics::are_why(crash.thread, stack) {
        return false;
    }
    record(crash, buffer, scope);
    true
}

/// Phase two: the same stack, if it ended in code that nobody had noticed before: a library that was just loaded. Frees nothing, as the
/// heap may be broken.
fn walk_again(data: &mut scene::Data) {
    let known = UNWINDING.swap(ptr::null_mut(), Ordering::AcqRel);
    let last = data.crash.depth.checked_sub(1).and_then(|last| data.crash.frames.get(last));
    // SAFETY: swapped out, so nobody else has it.
    let is_known = |address: &u64| unsafe { known.as_ref() }.is_some_and(|known| known.is_code(*address));
    if last.is_none_or(is_known) {
        let _ = UNWINDING.compare_exchange(ptr::null_mut(), known, Ordering::AcqRel, Ordering::Acquire);
        return;
    }
    let mut crash = Crash { depth: 0, ..data.crash };
    let start = registers::read(&data.context, &mut crash);
    Unwinding::new().walk(start, |address| crash.push(address));
    if crash.depth > data.crash.depth {
        data.crash = crash;
        write_modules();
        file::crash(&data.crash, &mut data.buffer);
    }
}

/// Writes the record of a crash, with what was known of its thread before.
fn record(crash: &Crash, buffer: &mut [u8; CRASH_SIZE], scope: &mut [u8; outlines::LARGEST]) {
    if file::is_set() {
        let length = outlines::get(crash.thread, scope);
        file::scope(scope.get(..length).unwrap_or_default(), 0);
    }
    file::crash(crash, buffer);
}

/// What unwinds or writes has crashed itself, on this thread: what there is so far is written. `false`: it had been written before.
pub(super) fn cut_short() -> bool {
    let is_unwinding = scene::step() == scene::UNWINDING;
    if is_unwinding {
        scene::STEP.store(scene::WRITING, Ordering::Release);
        // SAFETY: the scene is this thread's, which never goes on with what it did.
        let scene::Data { crash, buffer, scope, .. } = unsafe { scene::data() };
        crash.is_cut = true;
        record(crash, buffer, scope);
    }
    is_unwinding
}
