//! From unwind tables to rules. On the worker: it allocates, and the dynamic linker's list is locked meanwhile.
#![expect(unsafe_code, reason = "unwind tables are read where the loader has mapped them")]

use std::panic::catch_unwind;
use std::slice;

use addr2line::gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EndianSlice, NativeEndian, RegisterRule, UnwindContext,
    UnwindSection as _, X86_64,
};

use super::known::KNOWN;
use super::object::{self, Objects};
use super::rule::Rule;
use super::wanted;
use crate::modules::{Tables, each_table};

type Context = UnwindContext<usize>;

/// Learns the rules that were missed since the last time.
pub(crate) fn learn() {
    object::prepare();
    let Some(mut objects) = Objects::new() else { return };
    let wanted = wanted::take();
    if wanted.is_empty() {
        return;
    }
    // The stamps first: should an object change meanwhile, the rules get stamps that nobody asks for.
    let wanted: Vec<(usize, u64)> =
        wanted.iter().filter_map(|address| Some((*address, objects.stamp(*address)?))).collect();
    // A fault in a table must cost the rules and nothing else.
    let _ = catch_unwind(|| {
        let mut context = Context::new();
        each_table(|tables| {
            let here =
                wanted.iter().filter(|(address, _)| (tables.start..tables.end).contains(&(address - 1)));
            for (address, stamp) in here {
                KNOWN.insert(
                    *address,
                    *stamp,
                    rule_of(tables, *address, &mut context).unwrap_or(Rule::UNCLEAR),
                );
            }
        });
    });
}

/// Modules have gone, and others may have come to lie in their places.
pub(crate) fn forget() {
    object::forget();
}

fn rule_of(tables: &Tables, address: usize, context: &mut Context) -> Option<Rule> {
    let bytes = |range: &std::ops::Range<usize>| {
        // SAFETY: a part of a segment that is mapped readable and that nobody writes to. Called by `each_table`, which keeps the
        // module loaded.
        let bytes =
            unsafe { slice::from_raw_parts(std::ptr::with_exposed_provenance(range.start), range.len()) };
        EndianSlice::new(bytes, NativeEndian)
    };
    let bases = BaseAddresses::default()
        .set_eh_frame_hdr(tables.index.start as u64)
        .set_eh_frame(tables.frames.start as u64);
    let index = EhFrameHdr::from(bytes(&tables.index)).parse(&bases, size_of::<usize>() as u8).ok()?;
    let frames = EhFrame::from(bytes(&tables.frames));
    // The call, not the instruction behind it, which may belong to another function.
    let call = address as u64 - 1;
    let entry = index.table()?.fde_for_address(&frames, &bases, call, EhFrame::cie_from_offset).ok()?;
    if entry.is_signal_trampoline() {
        return None;
    }
    let row = entry.unwind_info_for_address(&frames, &bases, context, call).ok()?;
    match row.register(X86_64::RA) {
        Some(RegisterRule::Offset(-8)) => {}
        Some(RegisterRule::Undefined) => return Some(Rule::END),
        _ => return None,
    }
    let fp = match row.register(X86_64::RBP) {
        None | Some(RegisterRule::SameValue) => None,
        Some(RegisterRule::Offset(offset)) => Some(offset.checked_neg()?),
        Some(_) => return None,
    };
    match *row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } if register == X86_64::RSP => {
            Some(Rule::frame(false, offset, fp))
        }
        CfaRule::RegisterAndOffset { register, offset } if register == X86_64::RBP => {
            Some(Rule::frame(true, offset, fp))
        }
        _ => None,
    }
}
