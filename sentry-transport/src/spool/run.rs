//! The directory of one process, and the lock that says whether it lives.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use super::dir;
use super::name::{COMPLETE, Name};

const LOCK: &str = "lock";

/// A run whose lock we hold: our own, or that of a process that has died.
#[derive(Debug)]
pub(super) struct Run {
    path: PathBuf,
    lock: PathBuf,
    /// Closed, and so unlocked, with the run.
    _locked: File,
}

impl Run {
    /// A new run in `parent`.
    pub(super) fn create(parent: &Path) -> io::Result<Self> {
        let id = format!("{:016x}", RandomState::new().build_hasher().finish());
        let (path, lock) = (parent.join(&id), parent.join(format!("{id}.{LOCK}")));
        // Locked before it has the name that others look for: no moment to be taken for dead.
        let unnamed = parent.join(format!("{id}.{LOCK}.tmp"));
        let locked = dir::create(&unnamed)?;
        locked.try_lock().map_err(io::Error::from)?;
        dir::secure(&path)?;
        fs::rename(&unnamed, &lock)?;
        Ok(Self { path, lock, _locked: locked })
    }

    /// The runs in `parent` whose processes are dead.
    pub(super) fn orphans(parent: &Path, known: &dyn Fn(&Path) -> bool) -> Vec<Self> {
        let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
        let locks = entries.flatten().map(|entry| entry.path()).filter(|path| {
            path.extension().is_some_and(|extension| extension == LOCK) && !known(&path.with_extension(""))
        });
        locks.filter_map(|lock| Self::adopt(&lock)).collect()
    }

    fn adopt(lock: &Path) -> Option<Self> {
        // A pipe would block whoever opens it, and a link lead elsewhere.
        if !fs::symlink_metadata(lock).ok()?.is_file() {
            return None;
        }
        let locked = File::options().read(true).write(true).open(lock).ok()?;
        match locked.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return None,
        }
        let path = lock.with_extension("");
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {}
            // Drained and removed by somebody else, who was not done yet.
            _ => {
                let _ = fs::remove_file(lock);
                return None;
            }
        }
        Some(Self { path, lock: lock.to_owned(), _locked: locked })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The complete files in it, oldest first. What was being written is swept away.
    pub(super) fn names(&self) -> Vec<Name> {
        let Ok(entries) = fs::read_dir(&self.path) else { return Vec::new() };
        let mut names = Vec::new();
        for entry in entries.flatten() {
            let file = entry.file_name();
            let Some(text) = file.to_str() else { continue };
            if let Ok(name) = text.parse::<Name>() {
                names.push(name);
            } else if text.ends_with(&format!("{COMPLETE}.tmp")) {
                let _ = fs::remove_file(entry.path());
            }
        }
        names.sort_by_key(|name| name.sequence);
        names
    }

    /// Removes the run, if there is nothing left in it.
    pub(super) fn remove(self) {
        if fs::remove_dir(&self.path).is_ok() {
            let _ = fs::remove_file(&self.lock);
        }
    }
}
