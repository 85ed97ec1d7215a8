//! What identifies an ELF file: its build id, or the beginning of its code.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::modules::build_id;

/// The first page of `.text`.
pub(crate) fn first_code(path: &Path) -> Option<Vec<u8>> {
    Sections::read(path)?.content(b".text\0", 4_096)
}

/// The build id the linker gave it.
pub(crate) fn build_id(path: &Path) -> Option<Vec<u8>> {
    let notes = Sections::read(path)?.content(b".note.gnu.build-id\0", 4_096)?;
    build_id::in_notes(&notes).map(<[u8]>::to_vec)
}

/// The table of sections of a file.
struct Sections {
    file: File,
    layout: Layout,
    table: Vec<u8>,
    names: Vec<u8>,
}

impl Sections {
    fn read(path: &Path) -> Option<Self> {
        if !std::fs::metadata(path).ok()?.is_file() {
            return None;
        }
        let mut file = File::open(path).ok()?;
        let header = read(&mut file, 0, 64)?;
        let layout = Layout::of(&header)?;
        let table = read(&mut file, layout.offset, layout.entry.checked_mul(layout.count)?)?;
        let mut sections = Self { file, layout, table, names: Vec::new() };
        let (at, size) = sections.layout.place(sections.entry(sections.layout.names)?)?;
        sections.names = read(&mut sections.file, at, size.min(MAX_TABLE))?;
        Some(sections)
    }

    fn entry(&self, index: usize) -> Option<&[u8]> {
        self.table.get(index.checked_mul(self.layout.entry)?..)?.get(..self.layout.entry)
    }

    /// The beginning of the section with this name, which ends with a zero.
    fn content(mut self, name: &[u8], most: usize) -> Option<Vec<u8>> {
        let section = (0..self.layout.count).filter_map(|index| self.entry(index)).find(|section| {
            let at = self.layout.number(section, 0, 4);
            at.and_then(|at| self.names.get(at..)).is_some_and(|rest| rest.starts_with(name))
        })?;
        let (at, size) = self.layout.place(section)?;
        read(&mut self.file, at, size.min(most))
    }
}

const MAX_TABLE: usize = 1 << 20;

/// How the section table of a file is laid out.
struct Layout {
    wide: bool,
    little: bool,
    offset: u64,
    entry: usize,
    count: usize,
    names: usize,
}

impl Layout {
    fn of(header: &[u8]) -> Option<Self> {
        let (wide, little) = match header.get(..6)? {
            [0x7f, b'E', b'L', b'F', class @ 1..=2, data @ 1..=2] => (*class == 2, *data == 1),
            _ => return None,
        };
        let mut layout = Self { wide, little, offset: 0, entry: 0, count: 0, names: 0 };
        let (offset_at, word, entry_at) = if wide { (0x28, 8, 0x3a) } else { (0x20, 4, 0x2e) };
        layout.offset = u64::try_from(layout.number(header, offset_at, word)?).ok()?;
        layout.entry = layout.number(header, entry_at, 2)?;
        layout.count = layout.number(header, entry_at + 2, 2)?;
        layout.names = layout.number(header, entry_at + 4, 2)?;
        (layout.entry >= if wide { 64 } else { 40 }).then_some(layout)
    }

    /// Where a section lies in the file, and how large it is.
    fn place(&self, section: &[u8]) -> Option<(u64, usize)> {
        let (at, word) = if self.wide { (0x18, 8) } else { (0x10, 4) };
        let offset = self.number(section, at, word)?;
        Some((u64::try_from(offset).ok()?, self.number(section, at + word, word)?))
    }

    fn number(&self, bytes: &[u8], at: usize, size: usize) -> Option<usize> {
        let bytes = bytes.get(at..at + size)?;
        let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        let number = if self.little { bytes.iter().rev().fold(0, push) } else { bytes.iter().fold(0, push) };
        usize::try_from(number).ok()
    }
}

fn read(file: &mut File, at: u64, size: usize) -> Option<Vec<u8>> {
    if size > MAX_TABLE {
        return None;
    }
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = vec![0; size];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_code_of_this_test_is_found() {
        let code = first_code(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(code.len(), 4_096);
        assert!(code.iter().any(|byte| *byte != 0));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_has_the_build_id_that_is_loaded() {
        let exe = std::env::current_exe().unwrap();
        let loaded = crate::modules::loaded();
        let module = loaded.iter().find(|module| module.file.as_deref() == Some(&*exe)).unwrap();
        assert_eq!(build_id(&exe).unwrap_or_default(), *module.build_id);
    }

    #[test]
    fn other_files_have_no_code() {
        let folder = std::env::temp_dir();
        assert_eq!(first_code(&folder), None);
        assert_eq!(first_code(Path::new("/does/not/exist")), None);
        let path = folder.join(format!("sentry-elf-{}", std::process::id()));
        for content in
            [&b""[..], b"\x7fELF", &[0xff; 100], &[b"\x7fELF\x02\x01".as_slice(), &[0xff; 200]].concat()]
        {
            std::fs::write(&path, content).unwrap();
            assert_eq!((first_code(&path), build_id(&path)), (None, None));
        }
        std::fs::remove_file(path).unwrap();
    }
}
