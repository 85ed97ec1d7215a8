//! The directory of one process, and the lock that says whether it lives.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sentry_core::process::CrashMark;

use super::fs::{Access, Fs, Handle, Kind, Stat};
use super::name::{COMPLETE, Name};

/// Ends the name of a lock.
pub(super) const LOCK: &str = ".lock";

/// Ends the name of what is not complete yet.
pub(super) const TEMPORARY: &str = ".tmp";

/// Unfinished files that are removed in one go. A process leaves one at most.
const MAX_SWEPT: usize = 256;

/// A run without a lock is left alone for so long: its process looks after its lock more often than that.
const UNLOCKED: Duration = Duration::from_secs(3_600);

/// How often to try to make a run while others start at the same moment.
const MAX_TRIES: u32 = 10;

/// A run whose lock we hold: our own, or that of a process that has died.
#[derive(Debug)]
pub(super) struct Run {
    id: String,
    path: PathBuf,
    lock: PathBuf,
    /// Where a crash of this process is noted: in the lock, which is empty otherwise. For our own run.
    mark: Option<CrashMark>,
    /// Closed, and so unlocked, with the run.
    locked: Box<dyn Handle>,
    stat: Stat,
    /// Its directory would survive the loss of power.
    pub(super) is_anchored: bool,
}

impl Run {
    /// A new run in `parent`.
    pub(super) fn create(fs: &dyn Fs, parent: &Path) -> io::Result<Self> {
        let mut tries = 1;
        loop {
            let id = format!("{:016x}", RandomState::new().build_hasher().finish());
            match Self::claim(fs, parent, &id, |run| fs.make_dir(&run.path)) {
                // Swept away by a process that started at the same moment and saw the lock before it was locked.
                Err(error) if is_swept(&error) && tries < MAX_TRIES => tries += 1,
                claimed => {
                    return claimed.map(|run| Self { mark: Some(CrashMark::new(&run.lock)), ..run });
                }
            }
        }
    }

    /// Makes a lock for the run `id`. It is locked before it has the name that others look for: at no moment does it look
    /// as if its process were dead.
    fn claim(
        fs: &dyn Fs,
        parent: &Path,
        id: &str,
        prepare: impl FnOnce(&Self) -> io::Result<()>,
    ) -> io::Result<Self> {
        let unnamed = parent.join(format!("{id}{LOCK}{TEMPORARY}"));
        let locked = fs.create(&unnamed)?;
        let claimed = (|| {
            if !locked.try_lock()? {
                // Somebody took it for the remains of a dead process, in the moment before.
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let stat = locked.stat()?;
            let (path, lock) = (parent.join(id), parent.join(format!("{id}{LOCK}")));
            let run = Self { id: id.to_owned(), path, lock, mark: None, locked, stat, is_anchored: false };
            prepare(&run)?;
            fs.rename(&unnamed, &run.lock).inspect_err(|_| _ = fs.remove_dir(&run.path))?;
            Ok(run)
        })();
        claimed.inspect_err(|_| _ = fs.remove(&unnamed))
    }

    /// Takes over the run `id` if its process is dead.
    pub(super) fn adopt(fs: &dyn Fs, parent: &Path, id: &str, owner: Option<u32>) -> Option<Self> {
        let (path, lock) = (parent.join(id), parent.join(format!("{id}{LOCK}")));
        let (locked, stat) = take_lock(fs, &lock, owner)?;
        match fs.stat(&path) {
            Ok(stat) if stat.kind == Kind::Dir && stat.owner == owner => {}
            // Drained and removed by somebody else, who was not done yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let _ = fs.remove(&lock);
                return None;
            }
            _ => return None,
        }
        Some(Self { id: id.to_owned(), path, lock, mark: None, locked, stat, is_anchored: true })
    }

    /// Takes over the run `id`, which has lost its lock, if nobody seems to use it.
    pub(super) fn adopt_unlocked(
        fs: &dyn Fs,
        parent: &Path,
        id: &str,
        owner: Option<u32>,
        now: SystemTime,
    ) -> Option<Self> {
        let stat = fs.stat(&parent.join(id)).ok()?;
        let is_abandoned = stat.modified.is_some_and(|at| match now.duration_since(at) {
            Ok(since) => since >= UNLOCKED,
            // It was changed in the future: the clock has been set back.
            Err(error) => error.duration() >= UNLOCKED,
        });
        if stat.kind != Kind::Dir || stat.owner != owner || !is_abandoned {
            return None;
        }
        let is_unlocked = |run: &Self| match fs.stat(&run.lock) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            _ => Err(io::ErrorKind::AlreadyExists.into()),
        };
        Self::claim(fs, parent, id, is_unlocked).ok()
    }

    /// Takes over the run `id` if its process died before the lock had its name; usually there is nothing in it.
    pub(super) fn adopt_unnamed(fs: &dyn Fs, parent: &Path, id: &str, owner: Option<u32>) -> Option<Self> {
        let unnamed = parent.join(format!("{id}{LOCK}{TEMPORARY}"));
        let (path, lock) = (parent.join(id), parent.join(format!("{id}{LOCK}")));
        let (locked, stat) = take_lock(fs, &unnamed, owner)?;
        let is_missing = |path| fs.stat(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if is_missing(&path) || !is_missing(&lock) {
            let _ = fs.remove(&unnamed);
            return None;
        }
        fs.rename(&unnamed, &lock).ok()?;
        Some(Self { id: id.to_owned(), path, lock, mark: None, locked, stat, is_anchored: true })
    }

    /// Whether its process, which is dead, has noted that it crashes.
    pub(super) fn has_crashed(&self) -> bool {
        self.mark.is_none() && self.stat.length > 0
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Who owns what this process creates.
    pub(super) fn owner(&self) -> Option<u32> {
        self.stat.owner
    }

    /// Makes the lock again if somebody has removed it: without one a run looks abandoned after a while.
    pub(super) fn keep_lock(&mut self, fs: &dyn Fs) {
        if fs.stat(&self.lock).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
            && let Some(parent) = self.path.parent()
            && let Ok(run) = Self::claim(fs, parent, &self.id, |_| Ok(()))
        {
            (self.locked, self.stat) = (run.locked, run.stat);
        }
    }

    /// The complete files in it, oldest first, about `most` of them. What was being written is swept away. Of `entries` that
    /// may be looked at takes those that were.
    pub(super) fn names(&self, fs: &dyn Fs, entries: &mut usize, most: usize) -> Vec<Name> {
        let (mut names, mut litter) = (Vec::new(), Vec::new());
        let look = &mut |text: &str| {
            if text.strip_suffix(TEMPORARY).is_some_and(|text| text.ends_with(COMPLETE)) {
                if litter.len() < MAX_SWEPT {
                    litter.push(self.path.join(text));
                }
            } else if names.len() > most {
                // There would be no room for more. They are found again when these are gone.
            } else if let Ok(name) = text.parse::<Name>() {
                names.push(name);
            }
        };
        match fs.list(&self.path, *entries, look) {
            Ok(count) => *entries = entries.saturating_sub(count),
            // What was found is there all the same, but nobody knows what else is.
            Err(_) => return Vec::new(),
        }
        for path in litter {
            let _ = fs.remove(&path);
        }
        names.sort_by_key(|name| (name.sequence, name.length));
        // An update of a session that was being rewritten when its process died is there twice: the new one is longer.
        let mut newest: Vec<Name> = Vec::with_capacity(names.len());
        for name in names {
            match newest.last_mut() {
                Some(old) if old.is_older_version_of(&name) => {
                    let _ = fs.remove(&self.path.join(old.to_string()));
                    *old = name;
                }
                _ => newest.push(name),
            }
        }
        newest
    }

    /// Removes the run, if there is nothing left in it.
    pub(super) fn remove(self, fs: &dyn Fs) {
        match fs.remove_dir(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {}
            _ => _ = fs.remove(&self.lock),
        }
    }
}

fn is_swept(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock)
}

/// Opens and locks a file of ours, unless somebody else has locked it, or it is not the one with that name any more.
fn take_lock(fs: &dyn Fs, path: &Path, owner: Option<u32>) -> Option<(Box<dyn Handle>, Stat)> {
    let locked = fs.open(path, Access::Lock).ok()?;
    let stat = locked.stat().ok()?;
    if stat.kind != Kind::File || stat.owner != owner || !locked.try_lock().ok()? {
        return None;
    }
    (fs.stat(path).ok()?.id == stat.id).then_some((locked, stat))
}
