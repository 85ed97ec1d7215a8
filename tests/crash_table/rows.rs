//! The kinds of crashes, and what their events say.

use crate::programs::Build;

pub(crate) struct Row {
    pub(crate) kind: &'static str,
    /// Where it happens: `main` or `thread`.
    pub(crate) place: &'static str,
    /// The type of the exception.
    pub(crate) ty: &'static str,
    /// Events under `panic = "unwind"`.
    events: usize,
    /// Whether the dying process has all that it needs to send.
    pub(crate) is_in_time: bool,
}

impl Row {
    pub(crate) fn is_panic(&self) -> bool {
        self.ty == "panic"
    }

    pub(crate) fn mechanism(&self) -> &'static str {
        if self.is_panic() { "panic" } else { "signalhandler" }
    }

    /// One, but for a panic that panics once more while it unwinds: these are two.
    pub(crate) fn events(&self, build: &Build) -> usize {
        if build.unwinds { self.events } else { 1 }
    }
}

const fn row(kind: &'static str, place: &'static str, ty: &'static str) -> Row {
    Row { kind, place, ty, events: 1, is_in_time: true }
}

pub(crate) const ROWS: &[Row] = &[
    row("panic", "main", "panic"),
    row("panic", "thread", "panic"),
    Row { events: 2, ..row("double-panic", "main", "panic") },
    row("nounwind-panic", "main", "panic"),
    row("panic-after-hook", "main", "panic"),
    row("panic-in-hook", "main", "SIGABRT"),
    row("panic-in-message", "main", "SIGABRT"),
    row("process-abort", "main", "SIGABRT"),
    row("libc-abort", "main", "SIGABRT"),
    row("allocation", "main", "SIGABRT"),
    row("null-write", "main", "SIGSEGV"),
    row("null-write", "thread", "SIGSEGV"),
    row("inlined", "main", "SIGSEGV"),
    row("null-call", "main", "SIGSEGV"),
    row("wild-jump", "main", "SIGSEGV"),
    row("overflow", "main", "SIGSEGV"),
    row("overflow", "thread", "SIGSEGV"),
    row("truncated", "main", "SIGBUS"),
    row("illegal", "main", "SIGILL"),
    row("divide", "main", "SIGFPE"),
    row("breakpoint", "main", "SIGTRAP"),
    // 16 KiB of stack are left.
    row("low-stack", "main", "SIGSEGV"),
    // The thread that crashes holds each lock of the SDK.
    Row { is_in_time: false, ..row("locks-held", "main", "SIGSEGV") },
    // Nothing is right that the allocator knows of this thread's memory; what the dying process can do then is luck.
    Row { is_in_time: false, ..row("ruined-heap", "thread", "SIGSEGV") },
];
