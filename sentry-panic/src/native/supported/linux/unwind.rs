//! From the registers of a crash to return addresses, without allocating, locking or faulting.
//!
//! The rules come from `.eh_frame` of the loaded modules and are applied by `framehop`. The tables are found ahead; whether
//! a module is still where it was is looked at in the crash itself, before its tables are.
#![expect(unsafe_code, reason = "unwind tables are used where the loader has mapped them")]

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use framehop::{ExplicitModuleSectionInfo, FrameAddress, MustNotAllocateDuringUnwind, Unwinder as _};

use super::memory::{self, Memory};
use super::registers::{ADDRESS, Start};
use crate::modules::{Tables, each_table};

#[cfg(target_arch = "aarch64")]
use framehop::aarch64::{CacheAarch64 as Cache, UnwinderAarch64 as Unwinder};
#[cfg(target_arch = "x86_64")]
use framehop::x86_64::{CacheX86_64 as Cache, UnwinderX86_64 as Unwinder};

/// Beyond this depth a stack is taken for endless.
const DEEPEST: usize = 400_000;

/// Everything that is needed to unwind any stack of this process.
pub(super) struct Unwinding {
    unwinder: Unwinder<Section, MustNotAllocateDuringUnwind>,
    cache: Cache<MustNotAllocateDuringUnwind>,
    memory: Memory,
    modules: Vec<Known>,
}

/// A module, and how to tell that it is still there.
struct Known {
    start: u64,
    end: u64,
    /// Where its index begins, and with what.
    index: u64,
    front: [u8; 16],
    is_there: Arc<AtomicBool>,
}

/// A table in mapped memory; empty once its module is gone.
#[derive(Clone, Default)]
struct Section {
    start: usize,
    size: usize,
    is_there: Arc<AtomicBool>,
}

impl Deref for Section {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if !self.is_there.load(Ordering::Relaxed) {
            return &[];
        }
        // SAFETY: a part of a segment that the loader has mapped readable, and nobody writes to. `look` has just found that
        // its module is still there; who unloads one while the process dies makes this read fault, which the handler knows
        // what to do about.
        unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(self.start), self.size) }
    }
}

impl Unwinding {
    /// For the modules that are loaded now.
    pub(super) fn new() -> Self {
        let mut new = Self {
            unwinder: Unwinder::new(),
            cache: Cache::new_in(),
            memory: Memory::new(),
            modules: Vec::new(),
        };
        let mut loaded = Vec::new();
        each_table(|tables| loaded.push(tables.clone()));
        loaded.iter().for_each(|tables| new.add(tables));
        new
    }

    fn add(&mut self, tables: &Tables) {
        let is_there = Arc::new(AtomicBool::new(true));
        let mut front = [0; 16];
        if !memory::read(tables.index.start as u64, &mut front) {
            return;
        }
        let section = |range: &std::ops::Range<usize>| Section {
            start: range.start,
            size: range.end - range.start,
            is_there: Arc::clone(&is_there),
        };
        let in_file = |range: &std::ops::Range<usize>| {
            range.start.wrapping_sub(tables.bias) as u64..range.end.wrapping_sub(tables.bias) as u64
        };
        let info = ExplicitModuleSectionInfo {
            base_svma: 0,
            eh_frame_hdr_svma: Some(in_file(&tables.index)),
            eh_frame_hdr: Some(section(&tables.index)),
            eh_frame_svma: Some(in_file(&tables.frames)),
            eh_frame: Some(section(&tables.frames)),
            ..ExplicitModuleSectionInfo::default()
        };
        let (start, end) = (tables.start as u64, tables.end as u64);
        self.unwinder.add_module(framehop::Module::new(String::new(), start..end, tables.bias as u64, info));
        let index = tables.index.start as u64;
        self.modules.push(Known { start, end, index, front, is_there });
    }

    /// Calls `push` with each address of a stack, innermost first.
    pub(super) fn walk(&mut self, start: Start, mut push: impl FnMut(u64)) {
        let Start { pc, mut sp, fp, mut lr } = start;
        push(pc);
        self.look();
        self.memory.forget();
        let mut address = FrameAddress::from_instruction_pointer(pc);
        if !self.is_code(pc) {
            // Somebody has called what is no function: the frame to go on with is the caller's.
            let back = if cfg!(target_arch = "x86_64") {
                let back = self.memory.word(sp);
                sp = sp.wrapping_add(8);
                back
            } else {
                Some(lr & ADDRESS)
            };
            let Some(back) = back.filter(|back| self.is_code(*back)) else { return };
            let Some(next) = FrameAddress::from_return_address(back) else { return };
            push(back);
            lr = 0;
            address = next;
        }
        let mut registers = registers(&self.unwinder, address.address(), sp, fp, lr);
        let Self { unwinder, cache, memory, .. } = self;
        let mut read = |address: u64| memory.word(address).ok_or(());
        for _ in 0..DEEPEST {
            let Ok(Some(back)) = unwinder.unwind_frame(address, &mut registers, cache, &mut read) else {
                return;
            };
            let back = back & ADDRESS;
            let Some(next) = FrameAddress::from_return_address(back) else { return };
            push(back);
            address = next;
        }
    }

    /// Which modules are still where they were.
    fn look(&self) {
        for module in &self.modules {
            let mut front = [0; 16];
            let same = memory::read(module.index, &mut front) && front == module.front;
            module.is_there.store(same, Ordering::Relaxed);
        }
    }

    /// Whether an address lies in a module that is known.
    pub(super) fn is_code(&self, address: u64) -> bool {
        let at = self.modules.iter().find(|module| (module.start..module.end).contains(&address));
        at.is_some_and(|module| module.is_there.load(Ordering::Relaxed))
    }
}

#[cfg(target_arch = "x86_64")]
fn registers(
    _: &Unwinder<Section, MustNotAllocateDuringUnwind>,
    pc: u64,
    sp: u64,
    fp: u64,
    _: u64,
) -> framehop::x86_64::UnwindRegsX86_64 {
    framehop::x86_64::UnwindRegsX86_64::new(pc, sp, fp)
}

#[cfg(target_arch = "aarch64")]
fn registers(
    unwinder: &Unwinder<Section, MustNotAllocateDuringUnwind>,
    _: u64,
    sp: u64,
    fp: u64,
    lr: u64,
) -> framehop::aarch64::UnwindRegsAarch64 {
    use framehop::aarch64::{PtrAuthMask, UnwindRegsAarch64};
    let mask = PtrAuthMask::from_max_known_address(unwinder.max_known_code_address());
    UnwindRegsAarch64::new_with_ptr_auth_mask(mask, lr, sp, fp)
}
