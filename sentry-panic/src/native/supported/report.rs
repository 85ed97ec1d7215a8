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
    let is_over = crash.signal == libc::SIGTRAP && head.architecture == X86_64;
    if is_over { Innermost::Return } else { Innermost::Exact }
}

/// What happened, in a line.
fn value(head: &Head, crash: &Crash, meaning: &Meaning, stacktrace: &Stacktrace) -> String {
    if is_stack_overflow(head, crash) {
        return format!("stack overflow at {:#x}", crash.address);
    }
    let is_in = |part: &str| {
        let names = stacktrace.frames.iter().rev().take(12).filter_map(|frame| frame.function.as_deref());
        names.into_iter().any(|name| name.contains(part))
    };
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
    let name = String::from_utf8_lossy(crash.name.get(..end)?).into_owned();
    (!name.is_empty()).then_some(name)
}
