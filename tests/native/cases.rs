//! The kinds of crashes that are signals, and what their events say.

pub(crate) struct Case {
    pub(crate) kind: &'static str,
    pub(crate) signal: &'static str,
    /// The newest frame of the application; empty where the stack cannot be known.
    pub(crate) function: &'static str,
    pub(crate) value: &'static str,
}

pub(crate) const CASES: [Case; 19] = [
    case("null-write", "SIGSEGV", "null_write", "no memory is mapped there at 0x0"),
    case("null-read", "SIGSEGV", "null_read", "no memory is mapped there at 0x0"),
    case("wild-read", "SIGSEGV", "wild_read", ""),
    case("null-call", "SIGSEGV", "null_call", "no memory is mapped there at 0x0"),
    case("illegal", "SIGILL", "illegal", "unknown instruction"),
    case("divide", "SIGFPE", "divide", "division by zero"),
    case("breakpoint", "SIGTRAP", "breakpoint", ""),
    case("bus", "SIGBUS", "bus", "the mapped file ends before"),
    case("libc-abort", "SIGABRT", "libc_abort", "the process was aborted"),
    case("process-abort", "SIGABRT", "process_abort", "the process was aborted"),
    case("double-free", "SIGABRT", "double_free", "the process was aborted"),
    // Whoever uses the heap next may be the one who crashes.
    case("heap", "", "", ""),
    case("allocation", "SIGABRT", "allocation", "memory allocation failed"),
    case("overflow", "SIGSEGV", "deeper", "stack overflow at"),
    case("smashed-frame", "SIGSEGV", "smashed_frame", ""),
    case("smashed-stack", "SIGSEGV", "smashed_stack", ""),
    case("sys", "SIGSYS", "sys", ""),
    case("raise-fpe", "SIGFPE", "raise_fpe", "arithmetic error"),
    case("in-libc", "SIGSEGV", "in_libc", "no memory is mapped there at 0x0"),
];

const fn case(kind: &'static str, signal: &'static str, function: &'static str, value: &'static str) -> Case {
    Case { kind, signal, function, value }
}
