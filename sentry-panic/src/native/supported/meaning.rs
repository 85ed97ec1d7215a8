//! What signals and registers are called, and what they mean.

use super::record::{AARCH64, X86_64};

/// What is to be said about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    /// `SIGSEGV`
    pub(super) name: &'static str,
    /// `SEGV_MAPERR`, where the code has a name.
    pub(super) code: Option<&'static str>,
    pub(super) text: &'static str,
}

/// The meaning of a signal and its code.
pub(super) fn of(signal: i32, code: i32) -> Meaning {
    let (name, codes, text): (_, &[(&str, &str)], _) = match signal {
        libc::SIGSEGV => (
            "SIGSEGV",
            &[
                ("SEGV_MAPERR", "no memory is mapped there"),
                ("SEGV_ACCERR", "the memory there is protected"),
                ("SEGV_BNDERR", "bounds were exceeded"),
                ("SEGV_PKUERR", "a protection key forbids it"),
            ],
            "invalid memory access",
        ),
        libc::SIGBUS => (
            "SIGBUS",
            &[
                ("BUS_ADRALN", "the address is not aligned"),
                ("BUS_ADRERR", "the mapped file ends before"),
                ("BUS_OBJERR", "the memory is defective"),
            ],
            "bus error",
        ),
        libc::SIGILL => (
            "SIGILL",
            &[
                ("ILL_ILLOPC", "unknown instruction"),
                ("ILL_ILLOPN", "unknown instruction"),
                ("ILL_ILLADR", "unknown addressing mode"),
                ("ILL_ILLTRP", "unknown trap"),
                ("ILL_PRVOPC", "privileged instruction"),
                ("ILL_PRVREG", "privileged register"),
                ("ILL_COPROC", "coprocessor error"),
                ("ILL_BADSTK", "internal stack error"),
            ],
            "illegal instruction",
        ),
        libc::SIGFPE => (
            "SIGFPE",
            &[
                ("FPE_INTDIV", "division by zero"),
                ("FPE_INTOVF", "integer overflow"),
                ("FPE_FLTDIV", "division by zero"),
                ("FPE_FLTOVF", "overflow"),
                ("FPE_FLTUND", "underflow"),
                ("FPE_FLTRES", "inexact result"),
                ("FPE_FLTINV", "invalid operation"),
                ("FPE_FLTSUB", "index out of range"),
            ],
            "arithmetic error",
        ),
        libc::SIGABRT => ("SIGABRT", &[], "the process was aborted"),
        libc::SIGTRAP => ("SIGTRAP", &[("TRAP_BRKPT", "breakpoint"), ("TRAP_TRACE", "single step")], "trap"),
        libc::SIGSYS => ("SIGSYS", &[("SYS_SECCOMP", "a sandbox forbids it")], "forbidden system call"),
        _ => ("signal", &[], "the process got a signal"),
    };
    let index = usize::try_from(code).ok().and_then(|code| code.checked_sub(1));
    let known = index.and_then(|index| codes.get(index));
    Meaning {
        name,
        code: known.map(|(code, _)| *code).or_else(|| sent(code)),
        text: known.map_or(text, |(_, text)| text),
    }
}

/// Codes that every signal can have.
fn sent(code: i32) -> Option<&'static str> {
    Some(match code {
        libc::SI_USER => "SI_USER",
        libc::SI_KERNEL => "SI_KERNEL",
        libc::SI_QUEUE => "SI_QUEUE",
        libc::SI_TKILL => "SI_TKILL",
        _ => return None,
    })
}

/// The names of registers, in the order of a record.
pub(super) fn registers(architecture: u32) -> &'static [&'static str] {
    match architecture {
        X86_64 => &[
            "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax",
            "rcx", "rsp", "rip", "eflags",
        ],
        AARCH64 => &[
            "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
            "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28",
            "x29", "x30", "sp", "pc", "pstate",
        ],
        _ => &[],
    }
}

/// The stack pointer among the registers of a record.
pub(super) fn stack_pointer(architecture: u32, registers: &[u64]) -> Option<u64> {
    let index = self::registers(architecture).iter().position(|name| matches!(*name, "rsp" | "sp"))?;
    registers.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_codes_have_meanings() {
        let meaning = of(libc::SIGSEGV, 1);
        assert_eq!((meaning.name, meaning.code), ("SIGSEGV", Some("SEGV_MAPERR")));
        assert_eq!(of(libc::SIGFPE, 1).text, "division by zero");
        assert_eq!(of(libc::SIGABRT, libc::SI_TKILL).code, Some("SI_TKILL"));
        assert_eq!(of(libc::SIGSEGV, 77).code, None);
        assert_eq!(of(libc::SIGSEGV, libc::SI_KERNEL).code, Some("SI_KERNEL"));
        assert_eq!(stack_pointer(1, &(0..18).collect::<Vec<u64>>()), Some(15));
        assert_eq!(stack_pointer(2, &(0..34).collect::<Vec<u64>>()), Some(31));
        assert_eq!(stack_pointer(0, &[1]), None);
    }
}
