//! Where the unwind tables of the loaded modules lie.
#![expect(unsafe_code, reason = "the dynamic linker is asked through a C callback")]

use std::ffi::{c_int, c_void};
use std::ops::Range;

/// The tables of one module.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    pub(super) start: usize,
    pub(super) end: usize,
    /// What is added to addresses of the file to get addresses in memory.
    pub(super) bias: usize,
    /// `.eh_frame_hdr`.
    pub(super) index: Range<usize>,
    /// `.eh_frame`, and what comes after it in the same segment: its own end is written nowhere.
    pub(super) frames: Range<usize>,
}

/// Those of all modules that have any.
pub(super) fn loaded() -> Vec<Tables> {
    let mut list: Vec<Tables> = Vec::new();
    let data = (&raw mut list).cast::<c_void>();
    // SAFETY: `collect` treats `data` as the list that it is, and is only called before this returns.
    unsafe { libc::dl_iterate_phdr(Some(collect), data) };
    list
}

unsafe extern "C" fn collect(info: *mut libc::dl_phdr_info, _size: usize, data: *mut c_void) -> c_int {
    // SAFETY: `loaded` passes a list that nobody else uses meanwhile.
    let list = unsafe { &mut *data.cast::<Vec<Tables>>() };
    // SAFETY: the dynamic linker passes an entry with these fields.
    let (bias, headers, count) = unsafe { ((*info).dlpi_addr, (*info).dlpi_phdr, (*info).dlpi_phnum) };
    if !headers.is_null() {
        // SAFETY: the entry points to as many program headers as it says, mapped as long as the module is.
        let headers = unsafe { std::slice::from_raw_parts(headers, usize::from(count)) };
        list.extend(read(bias as usize, headers));
    }
    0
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
        let all = loaded();
        let own = all.iter().find(|tables| (tables.start..tables.end).contains(&here)).unwrap();
        assert!(own.frames.len() > 1_000);
        assert!(all.len() > 1, "the C library has some too");
    }
}
