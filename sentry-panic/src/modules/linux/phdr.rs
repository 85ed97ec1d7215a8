//! The program headers of everything that is loaded, as the dynamic linker sees them.
#![expect(unsafe_code, reason = "the dynamic linker is asked through a C callback")]

use std::ffi::{CStr, c_int, c_void};

use crate::modules::build_id;

/// One entry of the dynamic linker's list.
pub(super) struct Mapped {
    pub(super) name: String,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) bias: usize,
    pub(super) build_id: Vec<u8>,
}

/// Everything that is loaded.
pub(super) fn mapped() -> Vec<Mapped> {
    let mut list: Vec<Mapped> = Vec::new();
    let data = (&raw mut list).cast::<c_void>();
    // SAFETY: `collect` treats `data` as the `Vec<Mapped>` that it is, and is only called before this returns.
    unsafe { libc::dl_iterate_phdr(Some(collect), data) };
    list
}

/// How many modules have come and gone so far.
pub(crate) fn generation() -> (u64, u64) {
    let mut counts = (0_u64, 0_u64);
    let data = (&raw mut counts).cast::<c_void>();
    // SAFETY: `count` treats `data` as the pair that it is, and is only called before this returns.
    unsafe { libc::dl_iterate_phdr(Some(count), data) };
    counts
}

unsafe extern "C" fn collect(info: *mut libc::dl_phdr_info, _size: usize, data: *mut c_void) -> c_int {
    // SAFETY: `mapped` passes a `Vec<Mapped>` that nobody else uses meanwhile.
    let list = unsafe { &mut *data.cast::<Vec<Mapped>>() };
    // SAFETY: the dynamic linker passes an entry with these four fields. Old ones leave the later fields out, so there must
    // be no reference to the whole type.
    let (bias, name, headers, count) =
        unsafe { ((*info).dlpi_addr, (*info).dlpi_name, (*info).dlpi_phdr, (*info).dlpi_phnum) };
    if headers.is_null() {
        return 0;
    }
    // SAFETY: the entry points to as many program headers as it says, mapped as long as the module is, and the dynamic
    // linker does not unload modules while it calls us.
    let headers = unsafe { std::slice::from_raw_parts(headers, usize::from(count)) };
    // SAFETY: a name that is not null is a C string that lives as long as the entry.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) });
    if let Some(mapped) = usize::try_from(bias).ok().and_then(|bias| read(bias, name, headers)) {
        list.push(mapped);
    }
    0
}

unsafe extern "C" fn count(info: *mut libc::dl_phdr_info, size: usize, data: *mut c_void) -> c_int {
    // SAFETY: `generation` passes a pair that nobody else uses meanwhile.
    let counts = unsafe { &mut *data.cast::<(u64, u64)>() };
    if size >= size_of::<libc::dl_phdr_info>() {
        // SAFETY: the dynamic linker passes a valid entry, and says that it is as long as the type.
        let info = unsafe { &*info };
        *counts = (info.dlpi_adds, info.dlpi_subs);
    }
    1
}

/// `headers` are those of a module that is mapped at `bias` now.
fn read(bias: usize, name: Option<&CStr>, headers: &[Phdr]) -> Option<Mapped> {
    let segment = |kind: u32, header: &Phdr| {
        let start = usize::try_from(header.p_vaddr).ok()?;
        let size = usize::try_from(header.p_memsz).ok()?;
        (header.p_type == kind).then_some((start, start.checked_add(size)?))
    };
    let loads = || headers.iter().filter_map(|header| segment(libc::PT_LOAD, header));
    // The first page of a module begins where its headers do.
    let first = loads().map(|(start, _)| start).min()? & !0xfff;
    let last = loads().map(|(_, end)| end).max()?;
    let readable = |range: (usize, usize)| {
        headers.iter().filter(|header| header.p_flags & libc::PF_R != 0).any(|header| {
            segment(libc::PT_LOAD, header).is_some_and(|(start, end)| start <= range.0 && range.1 <= end)
        })
    };
    let build_id = headers
        .iter()
        .filter_map(|header| segment(libc::PT_NOTE, header))
        .filter(|range| readable(*range))
        .find_map(|(start, end)| {
            let notes = std::ptr::with_exposed_provenance(bias.wrapping_add(start));
            // SAFETY: the notes lie in a segment that is mapped readable, and nobody writes to them.
            let notes: &[u8] = unsafe { std::slice::from_raw_parts(notes, end - start) };
            build_id::in_notes(notes).map(<[u8]>::to_vec)
        });
    Some(Mapped {
        name: name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        start: bias.wrapping_add(first),
        end: bias.wrapping_add(last),
        bias,
        build_id: build_id.unwrap_or_default(),
    })
}

#[cfg(target_pointer_width = "64")]
type Phdr = libc::Elf64_Phdr;
#[cfg(target_pointer_width = "32")]
type Phdr = libc::Elf32_Phdr;
