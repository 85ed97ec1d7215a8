//! From a crash to its event.

use std::borrow::Cow;
use std::time::Instant;

use sentry_core::protocol::{
    Addr, DebugImage, DebugMeta, Event, Exception, Frame, Level, Map, Mechanism, MechanismMeta, PosixSignal,
    RegVal, Stacktrace, Thread, ThreadId, Value,
};

use super::meaning::{self, Meaning};
use super::record::{Crash, Head, NEWEST, Record, X86_64};
use crate::backtrace::NativeStackSource;
use crate::backtrace::recorded::{self, Innermost};

/// Until when names are looked for, and by which rules.
pub(super) struct Naming<'a> {
    pub(super) source: &'a NativeStackSource,
    /// `None`: addresses only.
    pub(super) deadline: Option<Instant>,
}

/// The event of a record, on top of what was known before the crash.
pub(super) fn of_record(record: &Record, naming: &Naming<'_>) -> Event<'static> {
    let known = record.scope.as_deref().and_then(|scope| serde_json::from_slice(scope).ok());
    let base: Event<'static> = known.unwrap_or_default();
    let images = record.images.as_deref().and_then(|images| serde_json::from_slice(images).ok());
    event(&record.head, &record.crash, base, images.unwrap_or_default(), naming)
}

/// The event of a crash, on top of what is known.
pub(super) fn event(
    head: &Head,
    crash: &Crash,
    base: Event<'static>,
    images: Vec<DebugImage>,
    naming: &Naming<'_>,
) -> Event<'static> {
    let (addresses, omitted) = crash.addresses();
    let names = |deadline| {
        recorded::stacktrace(&addresses, innermost(head, crash), &images, naming.source, Some(deadline))
    };
    let mut stacktrace = naming.deadline.and_then(names).unwrap_or_else(|| bare(&addresses));
    stacktrace.registers = registers(head, crash);
    let meaning = meaning::of(crash.signal, crash.code);
    let thread_id = ThreadId::Int(crash.thread.into());
    let mut data = Map::new();
    if omitted > 0 {
        data.insert("frames_omitted".to_owned(), Value::from(omitted));
    }
    if crash.is_cut {
        data.insert("unwinding_failed".to_owned(), Value::from(true));
    }
    if crash.sender != 0 && crash.sender != head.process {
        data.insert("sent_by_process".to_owned(), Value::from(crash.sender));
    }
    let exception = Exception {
        ty: meaning.name.to_owned(),
        value: Some(value(head, crash, &meaning, &stacktrace)),
        thread_id: Some(thread_id.clone()),
        mechanism: Some(mechanism(crash, &meaning, data)),
        stacktrace: Some(stacktrace),
        ..Exception::default()
    };
    let thread = Thread {
        id: Some(thread_id),
        name: name(crash),
        crashed: true,
        current: true,
        main: Some(crash.is_main),
        ..Thread::default()
    };
    Event {
        event_id: head.event_id,
        timestamp: std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(crash.time),
        level: Level::Fatal,
        platform: Cow::Borrowed("native"),
        exception: vec![exception].into(),
        threads: vec![thread].into(),
        debug_meta: Cow::Owned(DebugMeta { images, ..DebugMeta::default() }),
        ..base
    }
}

/// Whether a crash is the end of a panic that was reported. Where std aborts outside of the panic's own stack only the name of the
/// function tells that does.
pub(super) fn is_end_of_panic(crash: &Crash, event: &Event<'_>) -> bool {
    let stacktrace = event.exception.last().and_then(|exception| exception.stacktrace.as_ref());
    crash.has_panicked && crash.signal == libc::SIGABRT && stacktrace.is_some_and(aborts_for_destructor)
}

/// Whether std has aborted as a destructor panics that must not: of a thread-local, or of what a thread has returned.
fn aborts_for_destructor(stacktrace: &Stacktrace) -> bool {
    const ABORT: [&str; 6] =
        ["__pthread_kill_implementation", "pthread_kill", "gsignal", "raise", "abort", "abort_internal"];
    let is_abort = |name: &&str| name.rsplit("::").next().is_some_and(|last| ABORT.contains(&last));
    let who = newest(stacktrace).find(|name| !is_abort(name)).unwrap_or_default();
    who.starts_with("<std::") && ["::DtorUnwindGuard ", "::Packet<"].iter().any(|part| who.contains(part))
}

/// The functions that were called last.
fn newest(stacktrace: &Stacktrace) -> impl Iterator<Item = &str> {
    stacktrace.frames.iter().rev().take(12).filter_map(|frame| frame.function.as_deref())
}

fn mechanism(crash: &Crash, meaning: &Meaning, data: Map<String, Value>) -> Mechanism {
    let signal = PosixSignal {
        number: crash.signal,
        code: Some(crash.code),
        name: Some(meaning.name.to_owned()),
        code_name: meaning.code.map(str::to_owned),
    };
    Mechanism {
        ty: "signalhandler".to_owned(),
        handled: Some(false),
        synthetic: Some(true),
        data,
        meta: MechanismMeta { signal: Some(signal), ..MechanismMeta::default() },
        ..Mechanism::default()
    }
}

/// A breakpoint of x86 is over when it traps: the address is that of the next instruction.
fn innermost(head: &Head, crash: &Crash) -> Innermost {
    match crash.signal {
        libc::SIGTRAP if head.architecture == X86_64 => Innermost::Return,
        libc::SIGABRT => Innermost::Abort,
        _ => Innermost::Exact,
    }
}

/// What happened, in a line.
fn value(head: &Head, crash: &Crash, meaning: &Meaning, stacktrace: &Stacktrace) -> String {
    if is_stack_overflow(head, crash) {
        return format!("stack overflow at {:#x}", crash.address);
    }
    let is_in = |part: &str| newest(stacktrace).any(|name| name.contains(part));
    if crash.signal == libc::SIGABRT && (is_in("handle_alloc_error") || is_in("rust_oom")) {
        return "memory allocation failed".to_owned();
    }
    let is_fault = crash.code > 0 && crash.signal != libc::SIGABRT;
    if is_fault { format!("{} at {:#x}", meaning.text, crash.address) } else { meaning.text.to_owned() }
}

/// A fault right where the stack of a deep recursion goes on.
fn is_stack_overflow(head: &Head, crash: &Crash) -> bool {
    const NEAR: u64 = 64 << 10;
    let registers = crash.registers.get(..crash.register_count).unwrap_or_default();
    let Some(pointer) = meaning::stack_pointer(head.architecture, registers) else { return false };
    matches!(crash.signal, libc::SIGSEGV | libc::SIGBUS)
        && crash.code > 0
        && crash.address.abs_diff(pointer) < NEAR
        && crash.depth > NEWEST / 2
}

fn bare(addresses: &[u64]) -> Stacktrace {
    let frame = |address: &u64| Frame { instruction_addr: Some(Addr(*address)), ..Frame::default() };
    Stacktrace { frames: addresses.iter().rev().map(frame).collect(), ..Stacktrace::default() }
}

fn registers(head: &Head, crash: &Crash) -> Map<String, RegVal> {
    let values = crash.registers.iter().take(crash.register_count);
    let names = meaning::registers(head.architecture).iter();
    names.zip(values).map(|(name, value)| ((*name).to_owned(), RegVal(*value))).collect()
}

fn name(crash: &Crash) -> Option<String> {
    let end = crash.name.iter().position(|byte| *byte == 0).unwrap_or(crash.name.len());
    let name = crash.name.get(..end)?;
    // The kernel cuts names wherever it likes.
    let whole = match std::str::from_utf8(name) {
        Err(error) if error.error_len().is_none() => name.get(..error.valid_up_to())?,
        _ => name,
    };
    let name = String::from_utf8_lossy(whole).into_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_threads_end_with_a_whole_character() {
        let named = |bytes: &[u8]| {
            let mut crash = Crash::new();
            crash.name[..bytes.len()].copy_from_slice(bytes);
            name(&crash)
        };
        assert_eq!(
            named("abcdefghijklmn\u{f6}".as_bytes().get(..15).unwrap()).as_deref(),
            Some("abcdefghijklmn")
        );
        assert_eq!(named(b"a\xffb").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(named(b""), None);
    }

    #[test]
    fn an_abort_of_std_for_a_destructor_is_told_from_one_of_the_application() {
        let destructor =
            "<std::sys::thread_local::abort_on_dtor_unwind::DtorUnwindGuard as core::ops::drop::Drop>::drop";
        let packet = "<std::thread::lifecycle::Packet<T> as core::ops::drop::Drop>::drop";
        let by_std = ["std::process::abort", "std::sys::pal::unix::abort_internal", "abort", "raise"];
        let ends = |outer: &[&str], inner: &[&str]| {
            let frame = |name: &&str| Frame { function: Some((*name).to_owned()), ..Frame::default() };
            let frames = outer.iter().chain(inner).map(frame).collect();
            aborts_for_destructor(&Stacktrace { frames, ..Stacktrace::default() })
        };
        assert!(ends(&["main", destructor], &by_std));
        assert!(ends(&[packet], &by_std));
        assert!(!ends(&[packet, "<shop::Order as core::ops::drop::Drop>::drop"], &by_std));
        assert!(!ends(&["<shop::Packet<T> as core::ops::drop::Drop>::drop"], &by_std));
        assert!(!ends(&[], &by_std));
        assert!(!ends(&[], &[]));
    }
}
