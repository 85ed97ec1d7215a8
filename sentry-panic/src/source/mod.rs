//! Lines of source code around a frame, read from disk when they are there.
//!
//! On a developer's machine they are; in production they normally are not, which costs one failed lookup per file, unless the
//! program has them in itself (feature `embed-source`).

#[cfg_attr(not(feature = "embed-source"), path = "not_embedded.rs")]
mod embedded;
mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[cfg(feature = "embed-source")]
pub use self::embedded::register;
use self::file::SourceFile;

/// The lines around a line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) before: Vec<String>,
    pub(crate) line: Option<String>,
    pub(crate) after: Vec<String>,
}

/// The files read last.
#[derive(Debug)]
pub(crate) struct Sources {
    files: BTreeMap<String, Used>,
    missing: BTreeSet<String>,
    clock: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Used {
    file: SourceFile,
    at: u64,
}

/// How many files are kept in memory, and how large they may be together.
const MAX_FILES: usize = 64;
const MAX_BYTES: usize = 8 << 20;
/// How many paths are remembered not to exist.
const MAX_MISSING: usize = 1_024;
/// How many lines are shown on each side.
const AROUND: usize = 5;

impl Sources {
    pub(crate) const fn new() -> Self {
        Self { files: BTreeMap::new(), missing: BTreeSet::new(), clock: 0, bytes: 0 }
    }

    /// The lines around `line`, which counts from 1. `None` if the file or the line is not there.
    pub(crate) fn context(&mut self, path: &str, line: u32) -> Option<Context> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let file = self.file(path)?;
        let text = |index: usize| file.line(index);
        Some(Context {
            line: Some(text(index)?),
            before: (index.saturating_sub(AROUND)..index).filter_map(text).collect(),
            after: (index + 1..=index + AROUND).map_while(text).collect(),
        })
    }

    /// Forgets all files.
    pub(crate) fn release(&mut self) {
        *self = Self::new();
    }

    fn file(&mut self, path: &str) -> Option<&SourceFile> {
        self.clock += 1;
        let clock = self.clock;
        if !self.files.contains_key(path) {
            self.read(path)?;
        }
        let used = self.files.get_mut(path)?;
        used.at = clock;
        Some(&used.file)
    }

    fn read(&mut self, path: &str) -> Option<()> {
        if self.missing.contains(path) {
            return None;
        }
        // A relative path was rewritten by the compiler; relative to what is not known here.
        let on_disk = || Some(Path::new(path)).filter(|path| path.is_absolute()).and_then(SourceFile::read);
        // What came with the program is what it was compiled from, whatever lies there by now.
        let Some(file) = embedded::find(path).map(SourceFile::of).or_else(on_disk) else {
            if self.missing.len() >= MAX_MISSING {
                self.missing.clear();
            }
            self.missing.insert(path.to_owned());
            return None;
        };
        self.bytes += file.size();
        self.files.insert(path.to_owned(), Used { file, at: self.clock });
        while self.files.len() > MAX_FILES || self.bytes > MAX_BYTES {
            self.evict()?;
        }
        Some(())
    }

    fn evict(&mut self) -> Option<()> {
        let oldest = self.files.iter().min_by_key(|(_, used)| used.at)?.0.clone();
        let used = self.files.remove(&oldest)?;
        self.bytes -= used.file.size();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sentry-source-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn write(folder: &Path, name: &str, text: &str) -> String {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn five_lines_on_each_side_fewer_at_the_ends() {
        let folder = folder("context");
        let text: String = (1..=20).map(|line| format!("line {line}\r\n")).collect();
        let path = write(&folder, "a.rs", &text);
        let mut sources = Sources::new();

        let middle = sources.context(&path, 10).unwrap();
        assert_eq!(middle.before, ["line 5", "line 6", "line 7", "line 8", "line 9"]);
        assert_eq!(middle.line.as_deref(), Some("line 10"));
        assert_eq!(middle.after, ["line 11", "line 12", "line 13", "line 14", "line 15"]);

        let first = sources.context(&path, 1).unwrap();
        assert_eq!((first.before.len(), first.after.len()), (0, 5));
        let last = sources.context(&path, 20).unwrap();
        assert_eq!((last.before.len(), last.after.len()), (5, 0));
        assert_eq!(sources.context(&path, 0), None);
        assert_eq!(sources.context(&path, 21), None);
        assert_eq!(sources.context(&path, u32::MAX), None);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn memory_is_bounded() {
        let folder = folder("bounds");
        let mut sources = Sources::new();
        for file in 0..100 {
            let path = write(&folder, &format!("{file}.rs"), &"x\n".repeat(100_000));
            assert!(sources.context(&path, 1).is_some());
            assert!(sources.files.len() <= MAX_FILES && sources.bytes <= MAX_BYTES);
        }
        for file in 0..3_000 {
            assert!(sources.context(&format!("/does/not/exist/{file}.rs"), 1).is_none());
        }
        assert!(sources.missing.len() <= MAX_MISSING);
        sources.release();
        assert!(sources.files.is_empty() && sources.bytes == 0);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_readable_source_is_refused() {
        let folder = folder("refused");
        let mut sources = Sources::new();
        let huge = write(&folder, "huge.rs", &"x".repeat((2 << 20) + 1));
        assert!(sources.context(&huge, 1).is_none());
        assert!(sources.context(folder.to_str().unwrap(), 1).is_none());
        assert!(sources.context("src/lib.rs", 1).is_none());
        assert!(sources.context("/dev/zero", 1).is_none());
        assert!(sources.context("", 1).is_none());
        let long = write(&folder, "long.rs", &"é".repeat(5_000));
        assert!(sources.context(&long, 1).unwrap().line.unwrap().len() <= 512);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
