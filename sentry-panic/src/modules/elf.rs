//! The beginning of the code in an ELF file: what identifies files without a build id.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The first page of `.text`.
pub(crate) fn first_code(path: &Path) -> Option<Vec<u8>> {
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let header = read(&mut file, 0, 64)?;
    let layout = Layout::of(&header)?;
    let table = read(&mut file, layout.offset, layout.entry.checked_mul(layout.count)?)?;
    let entry = |index: usize| table.get(index.checked_mul(layout.entry)?..)?.get(..layout.entry);
    let (names_at, names_size) = layout.place(entry(layout.names)?)?;
    let names = read(&mut file, names_at, names_size.min(MAX_TABLE))?;
    let text = (0..layout.count).filter_map(entry).find(|section| {
        let name = layout.number(section, 0, 4).and_then(|at| names.get(at..));
        name.is_some_and(|name| name.starts_with(b".text\0"))
    })?;
    let (at, size) = layout.place(text)?;
    read(&mut file, at, size.min(4_096))
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
    fn other_files_have_no_code() {
        let folder = std::env::temp_dir();
        assert_eq!(first_code(&folder), None);
        assert_eq!(first_code(Path::new("/does/not/exist")), None);
        let path = folder.join(format!("sentry-elf-{}", std::process::id()));
        for content in
            [&b""[..], b"\x7fELF", &[0xff; 100], &[b"\x7fELF\x02\x01".as_slice(), &[0xff; 200]].concat()]
        {
            std::fs::write(&path, content).unwrap();
            assert_eq!(first_code(&path), None);
        }
        std::fs::remove_file(path).unwrap();
    }
}
