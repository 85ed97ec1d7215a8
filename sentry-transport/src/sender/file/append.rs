//! All envelopes in one file.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use super::{at, private, too_large};

/// The file, and its predecessor beside it.
#[derive(Debug)]
pub(super) struct Append {
    path: PathBuf,
    /// Both together.
    pub(super) max_bytes: u64,
}

impl Append {
    pub(super) fn new(path: PathBuf, max_bytes: u64) -> Self {
        Self { path, max_bytes }
    }

    /// Opened anew each time: the file may be rotated or removed by others at any moment.
    pub(super) fn write(&self, envelope: &[u8]) -> io::Result<()> {
        let mut entry = Vec::with_capacity(envelope.len() + 2);
        entry.extend_from_slice(envelope);
        if !entry.ends_with(b"\n") {
            entry.push(b'\n');
        }
        entry.push(b'\n');

        let half = self.max_bytes / 2;
        if entry.len() as u64 > half {
            return Err(too_large());
        }
        let (mut file, mut len) = self.open()?;
        if len > 0 && len + entry.len() as u64 > half {
            drop(file);
            fs::rename(&self.path, self.predecessor()).map_err(at(&self.path))?;
            (file, len) = self.open()?;
        }
        file.write_all(&entry).map_err(|error| {
            // Half an entry would spoil the next one. If this fails too, nothing else can be done.
            let _ = file.set_len(len);
            at(&self.path)(error)
        })
    }

    fn open(&self) -> io::Result<(File, u64)> {
        if fs::metadata(&self.path).is_ok_and(|metadata| may_block(&metadata)) {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "a pipe or a socket, not a file");
            return Err(at(&self.path)(error));
        }
        let mut options = OpenOptions::new();
        let file = private(options.append(true).create(true)).open(&self.path).map_err(at(&self.path))?;
        let len = file.metadata().map_err(at(&self.path))?.len();
        Ok((file, len))
    }

    fn predecessor(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".1");
        name.into()
    }
}

/// Opening a pipe waits for a reader, for ever if need be.
#[cfg(unix)]
fn may_block(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_fifo() || metadata.file_type().is_socket()
}

#[cfg(not(unix))]
fn may_block(_metadata: &Metadata) -> bool {
    false
}
