//! What the kernel says about the interrupted code, by architecture.
#![expect(unsafe_code, reason = "the context of a signal is read")]

use super::super::record::Crash;

/// The registers that unwinding begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) pc: u64,
    pub(super) sp: u64,
    pub(super) fp: u64,
    /// The return address, where a register holds it.
    pub(super) lr: u64,
}

/// The bits of an address; what is above may be the signature of a pointer.
pub(super) const ADDRESS: u64 = if cfg!(target_arch = "aarch64") { (1 << 48) - 1 } else { u64::MAX };

#[cfg(target_arch = "x86_64")]
pub(super) fn read(context: &libc::ucontext_t, crash: &mut Crash) -> Start {
    // The order of the kernel's `gregs`, which the names of the record follow.
    const WANTED: usize = 18;
    let registers = &context.uc_mcontext.gregs;
    for (to, from) in crash.registers.iter_mut().zip(registers).take(WANTED) {
        *to = *from as u64;
    }
    crash.register_count = WANTED;
    start(context)
}

/// Where the code was interrupted.
#[cfg(target_arch = "x86_64")]
pub(super) fn start(context: &libc::ucontext_t) -> Start {
    let registers = &context.uc_mcontext.gregs;
    let register = |number: libc::c_int| registers.get(number as usize).copied().unwrap_or_default() as u64;
    Start { pc: register(libc::REG_RIP), sp: register(libc::REG_RSP), fp: register(libc::REG_RBP), lr: 0 }
}

#[cfg(target_arch = "aarch64")]
pub(super) fn read(context: &libc::ucontext_t, crash: &mut Crash) -> Start {
    let machine = &context.uc_mcontext;
    let last = [machine.sp, machine.pc, machine.pstate];
    for (to, from) in crash.registers.iter_mut().zip(machine.regs.iter().chain(&last)) {
        *to = *from;
    }
    crash.register_count = machine.regs.len() + last.len();
    start(context)
}

/// Where the code was interrupted.
#[cfg(target_arch = "aarch64")]
pub(super) fn start(context: &libc::ucontext_t) -> Start {
    let machine = &context.uc_mcontext;
    Start { pc: machine.pc, sp: machine.sp, fp: machine.regs[29], lr: machine.regs[30] & ADDRESS }
}

/// What a signal was sent for.
pub(super) fn describe(info: &libc::siginfo_t, crash: &mut Crash) {
    crash.signal = info.si_signo;
    crash.code = info.si_code;
    let is_fault = matches!(
        info.si_signo,
        libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE | libc::SIGTRAP | libc::SIGSYS
    );
    if info.si_code > 0 && is_fault {
        // SAFETY: signals of the kernel for these carry an address.
        crash.address = unsafe { info.si_addr() } as u64;
    } else if info.si_code <= 0 {
        // SAFETY: signals that somebody has sent carry the sender.
        crash.sender = unsafe { info.si_pid() } as u32;
    }
}
