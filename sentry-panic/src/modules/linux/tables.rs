//! Where the unwind tables of the loaded modules lie.
#![expect(unsafe_code, reason = "the dynamic linker is asked through a C callback")]

use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The tables of one module.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// What is added to addresses of the file to get addresses in memory.
    #[cfg_attr(not(feature = "crash-handler"), expect(dead_code, reason = "for the unwinder of crashes"))]
    pub(crate) bias: usize,
    /// `.eh_frame_hdr`.
    pub(crate) index: Range<usize>,
    /// `.eh_frame`, and what comes after it in the same segment: its own end is written nowhere.
    pub(crate) frames: Range<usize>,
}

/// Calls `look` with those of each module that has any. Modules stay loaded meanwhile. A panic in there ends the call and
/// nothing else.
pub(crate) fn each_table<F: FnMut(&Tables)>(mut look: F) {
    let data = (&raw mut look).cast::<c_void>();
    // SAFETY: `visit` treats `data` as the function that it is, and is only called before this returns.
    unsafe { libc::dl_iterate_phdr(Some(visit::<F>), data) };
}

unsafe extern "C" fn visit<F: FnMut(&Tables)>(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    data: *mut c_void,
) -> c_int {
    // SAFETY: `each_table` passes a function that nobody else uses meanwhile.
    let look = unsafe { &mut *data.cast::<F>() };
    // SAFETY: the dynamic linker passes an entry with these fields.
    let (bias, headers, count) = unsafe { ((*info).dlpi_addr, (*info).dlpi_phdr, (*info).dlpi_phnum) };
    if headers.is_null() {
        return 0;
    }
    // SAFETY: the entry points to as many program headers as it says, mapped as long as the module is.
    let headers = unsafe { std::slice::from_raw_parts(headers, usize::from(count)) };
    // The linker's code must not be unwound through.
    let done = catch_unwind(AssertUnwindSafe(|| read(bias as usize, headers).iter().for_each(look)));
    c_int::from(done.is_err())
}

fn read(bias: usize, headers: &[libc::Elf64_Phdr]) -> Option<Tables> {
    let range = |header: &libc::Elf64_Phdr| {
        let start = bias.wrapping_add(header.p_vaddr as usize);
        start..start.wrapping_add(header.p_memsz as usize)
    };
    let loads = || headers.iter().filter(|header| header.p_type == libc::PT_LOAD);
    let start = loads().map(|header| range(header).start).min()? & !0xfff;
    let end = loads().map(|header| range(header).end).max()?;
    let index = range(headers.iter().find(|header| header.p_type == libc::PT_GNU_EH_FRAME)?);
    let home = |address: usize| {
        let mut readable = loads().filter(|header| header.p_flags & libc::PF_R != 0).map(range);
        readable.find(|segment| segment.contains(&address))
    };
    if index.len() < 12 || home(index.start)?.end < index.end {
        return None;
    }
    // SAFETY: the index lies in a segment that is mapped readable, as was just seen.
    let front: [u8; 8] =
        unsafe { std::ptr::with_exposed_provenance::<[u8; 8]>(index.start).read_unaligned() };
    let offset = i32::from_ne_bytes([front[4], front[5], front[6], front[7]]) as isize;
    let frames = match (front[0], front[1]) {
        // Relative to where it is written, which every linker does.
        (1, 0x1b) => index.start.wrapping_add(4).wrapping_add_signed(offset),
        // Relative to the index.
        (1, 0x3b) => index.start.wrapping_add_signed(offset),
        _ => return None,
    };
    let frames = frames..home(frames)?.end;
    Some(Tables { start, end, bias, index, frames })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_this_test_are_found() {
        let here = the_tables_of_this_test_are_found as fn() as usize;
        let mut all = Vec::new();
        each_table(|tables| all.push(tables.clone()));
        let own = all.iter().find(|tables| (tables.start..tables.end).contains(&here)).unwrap();
        assert!(own.frames.len() > 1_000);
        assert!(all.len() > 1, "the C library has some too");
    }
}
