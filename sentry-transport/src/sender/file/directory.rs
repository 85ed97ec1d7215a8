//! A file per envelope.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sentry_core::clock;

use super::{at, private, too_large};

/// Nobody looks at more files, and a directory of many more is slow.
const MAX_FILES: usize = 10_000;

const EXTENSION: &str = "envelope";

/// The directory, and what is known to be in it.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    pub(super) max_bytes: u64,
    /// Read at the first envelope.
    files: Option<Files>,
}

/// One count for the process: several senders may write to one directory.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// Oldest first.
#[derive(Debug, Default)]
struct Files {
    files: VecDeque<(PathBuf, u64)>,
    bytes: u64,
}

impl Directory {
    pub(super) fn new(path: PathBuf, max_bytes: u64) -> Self {
        Self { path, max_bytes, files: None }
    }

    pub(super) fn write(&mut self, envelope: &[u8]) -> io::Result<()> {
        let size = envelope.len() as u64;
        if size > self.max_bytes {
            return Err(too_large());
        }
        create(&self.path).map_err(at(&self.path))?;
        if self.files.is_none() {
            self.files = Some(Files::read(&self.path).map_err(at(&self.path))?);
        }
        let path = self.path.join(name(clock::now()));
        let Some(files) = &mut self.files else { return Ok(()) };
        files.make_room(size, self.max_bytes);

        // Under another name first: whoever watches the directory never sees half an envelope.
        let unfinished = path.with_extension("tmp");
        let mut options = OpenOptions::new();
        let written = private(options.write(true).create_new(true))
            .open(&unfinished)
            .and_then(|mut file| file.write_all(envelope))
            .and_then(|()| fs::rename(&unfinished, &path));
        match written {
            Ok(()) => {
                files.push(path, size);
                Ok(())
            }
            Err(error) => {
                let _ = fs::remove_file(&unfinished);
                Err(at(&self.path)(error))
            }
        }
    }
}

/// Time, process and number: in order, unique, and telling nothing of what is inside.
fn name(now: SystemTime) -> String {
    let millis = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{millis:014}-{}-{number:08}.{EXTENSION}", std::process::id())
}

impl Files {
    /// What an earlier run has left.
    fn read(directory: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION)
                && let Ok(metadata) = fs::symlink_metadata(&path)
                && metadata.is_file()
            {
                files.push((path, metadata.len()));
            }
        }
        files.sort();
        let bytes = files.iter().map(|(_, size)| size).sum();
        Ok(Self { files: files.into(), bytes })
    }

    fn make_room(&mut self, size: u64, max_bytes: u64) {
        while self.bytes + size > max_bytes || self.files.len() >= MAX_FILES {
            let Some((oldest, size)) = self.files.pop_front() else { return };
            self.bytes -= size;
            // It may have been taken away already: that is what the directory is for.
            let _ = fs::remove_file(oldest);
        }
    }

    fn push(&mut self, path: PathBuf, size: u64) {
        self.files.push_back((path, size));
        self.bytes += size;
    }
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<()> {
    std::os::unix::fs::DirBuilderExt::mode(DirBuilder::new().recursive(true), 0o700).create(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}
