//! A file that is made while there is time, for a crash that has none.
//!
//! It lies empty in our run, and gets its name when it is written. If the process dies before, it is swept away like every
//! file that is not complete.

use std::io;
use std::path::{Path, PathBuf};

use super::dir::{self, Unpublished};
use super::fs::{Fs, Handle};

/// Ends like the names of other files that are not complete.
pub(super) const NAME: &str = "spare.env.tmp";

/// An empty file, open for writing.
#[derive(Debug)]
pub(super) struct Spare {
    path: PathBuf,
    file: Box<dyn Handle>,
}

impl Spare {
    pub(super) fn create(fs: &dyn Fs, run: &Path) -> io::Result<Self> {
        let path = run.join(NAME);
        let file = fs.create(&path).or_else(|error| {
            // One that could not be removed when it was given up.
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(error);
            }
            dir::delete(fs, &path)?;
            fs.create(&path)
        })?;
        Ok(Self { path, file })
    }

    pub(super) fn is_in(&self, run: &Path) -> bool {
        self.path.parent() == Some(run)
    }

    /// Writes it and makes it visible. Returns the file, so that somebody who has time may close it.
    pub(super) fn publish(
        mut self,
        fs: &dyn Fs,
        run: &Path,
        name: &str,
        bytes: &[u8],
        sync: bool,
    ) -> Result<Box<dyn Handle>, Unpublished> {
        let written = dir::fill(&mut *self.file, bytes, sync);
        dir::name(fs, self.path, run.join(name), written, sync).map(|()| self.file)
    }

    pub(super) fn remove(self, fs: &dyn Fs) {
        // What stays is swept away with the run.
        let _ = dir::delete(fs, &self.path);
    }
}
