//! One source file in memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A source file and where its lines begin.
#[derive(Debug)]
pub(crate) struct SourceFile {
    text: String,
    starts: Vec<u32>,
}

/// Larger files are generated, and not worth the memory.
pub(super) const MAX_SIZE: u64 = 2 << 20;
/// Longer lines are cut.
const MAX_LINE: usize = 512;

impl SourceFile {
    /// Reads a regular file of bounded size.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        // Opening a pipe would wait for its other end.
        let metadata = std::fs::metadata(path).ok()?;
        if !metadata.is_file() || metadata.len() > MAX_SIZE {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(MAX_SIZE).read_to_end(&mut bytes).ok()?;
        Some(Self::of(bytes))
    }

    /// A file that has been read.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts =
            std::iter::once(0).chain(ends.filter_map(|(at, _)| u32::try_from(at + 1).ok())).collect();
        Self { text, starts }
    }

    /// The line with this index, without its end.
    pub(crate) fn line(&self, index: usize) -> Option<String> {
        let at = |index: usize| self.starts.get(index).and_then(|start| usize::try_from(*start).ok());
        let start = at(index)?;
        // What follows the last line break is a line only if there is something.
        if start >= self.text.len() {
            return None;
        }
        let end = at(index + 1).unwrap_or(self.text.len());
        let line = self.text.get(start..end)?.trim_end_matches(['\n', '\r']);
        let mut cut = line.len().min(MAX_LINE);
        while !line.is_char_boundary(cut) {
            cut -= 1;
        }
        Some(line[..cut].to_owned())
    }

    /// Roughly how much memory it takes.
    pub(crate) fn size(&self) -> usize {
        self.text.len() + self.starts.len() * size_of::<u32>()
    }
}
