//! Walking stacks of x86-64 code.
#![expect(unsafe_code, reason = "the registers and the stack of the calling thread are read")]

mod bounds;
mod known;
mod object;
mod rule;
mod teacher;
mod wanted;

use std::arch::asm;

use self::bounds::Stack;
use self::known::KNOWN;
use self::object::Objects;
use self::rule::{Registers, Step};

pub(crate) use self::teacher::{forget, learn};

/// The return addresses above the function whose frame `marker` lies in, innermost first: how many were written. `None`: not all
/// of the stack is known.
///
/// A part of its caller, who asks the other unwinder if this one fails: both then begin with the same frames.
#[inline(always)]
pub(crate) fn walk(marker: usize, addresses: &mut [usize]) -> Option<usize> {
    let start = here();
    let count = Objects::new().and_then(|objects| callers(start, objects, marker, addresses));
    if count.is_none() {
        // The only address that the other one will not come across.
        missed(start.pc);
    }
    count
}

fn callers(
    mut registers: Registers,
    mut objects: Objects,
    marker: usize,
    addresses: &mut [usize],
) -> Option<usize> {
    let (mut count, mut skipping) = (0, true);
    let first = KNOWN.find(registers.pc, objects.stamp(registers.pc)?);
    // Asked only now: it costs a thread's first walk something.
    let stack = first.and_then(|_| Stack::of_thread(registers.sp))?;
    while count < addresses.len() {
        skipping = skipping && registers.sp <= marker;
        if !skipping {
            addresses[count] = registers.pc;
            count += 1;
        }
        let stamp = objects.stamp(registers.pc)?;
        registers = match KNOWN.find(registers.pc, stamp)?.apply(registers, |at| stack.read(at)) {
            Step::Caller(caller) => caller,
            Step::End => break,
            Step::Unclear => return None,
        };
    }
    Some(count)
}

/// The unwinder of the C runtime has met a frame with this return address: its rule is wanted unless it is known.
pub(crate) fn missed(address: usize) {
    let known = Objects::new().and_then(|mut objects| KNOWN.find(address, objects.stamp(address)?));
    if known.is_none() {
        wanted::put(address);
    }
}

/// Where the calling function is, which this is a part of.
#[inline(always)]
fn here() -> Registers {
    let (pc, sp, fp): (usize, usize, usize);
    // SAFETY: three registers are read, nothing is changed.
    unsafe {
        asm!(
            "lea {pc}, [rip]",
            "mov {sp}, rsp",
            "mov {fp}, rbp",
            pc = out(reg) pc,
            sp = out(reg) sp,
            fp = out(reg) fp,
            options(nomem, nostack, preserves_flags),
        );
    }
    Registers { pc, sp, fp }
}
