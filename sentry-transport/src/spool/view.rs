//! Looking at a cache directory from outside, with or without a client: what waits, what is in it, away with it.
//!
//! Nothing here opens anything but directories and regular files with names that the spool gives, and no link is followed:
//! a directory may hold whatever somebody has put there.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sentry_core::types::Uuid;

use super::marker;
use super::name::Name;
use crate::store::Rank;

/// Files that are looked at, of all projects and runs together. Far more than the largest limit anybody sets.
const MAX_FILES: usize = 200_000;

/// Directories that are looked at in one directory.
const MAX_DIRECTORIES: usize = 10_000;

/// An envelope in a cache directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The event it is about, if it is about one.
    pub event_id: Option<Uuid>,
    /// When it was stored, in whole seconds.
    pub time: SystemTime,
    /// How many bytes it takes.
    pub size: u64,
    /// What it is.
    pub kind: Kind,
    /// How many tries to send it have ended the process that tried.
    pub tries: u8,
    /// The process that has stored it, by the name of its directory; `None` if it was set aside.
    pub run: Option<String>,
    /// Who looks after it.
    pub state: State,
    /// Where it lies.
    pub path: PathBuf,
    pub(super) name: Name,
}

/// What an envelope is, by its most important item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A panic or another crash.
    Crash,
    /// An error, a message or feedback.
    Error,
    /// Logs.
    Log,
    /// Metrics.
    Metric,
    /// Something else.
    Other,
    /// A session or a check-in.
    Session,
    /// A transaction or spans.
    Span,
}

/// Who looks after an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nobody: it was damaged, or ended every process that tried to send it.
    Aside,
    /// A process that lives sends it, or may.
    Live,
    /// Its process is dead; the next one sends it.
    Orphan,
}

impl Kind {
    /// As a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Error => "error",
            Self::Log => "log",
            Self::Metric => "metric",
            Self::Other => "other",
            Self::Session => "session",
            Self::Span => "span",
        }
    }
}

impl State {
    /// As a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aside => "aside",
            Self::Live => "live",
            Self::Orphan => "orphan",
        }
    }
}

/// What the cache directory `dir` holds, of all projects, the oldest first. Reads names, and no contents.
///
/// # Errors
/// When `dir` is not there, is no directory or a link to one, or cannot be read. What cannot be read below it is left out.
pub fn list(dir: impl AsRef<Path>) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for home in homes(dir.as_ref())? {
        for run in runs(&home) {
            let state = if run.is_live() { State::Live } else { State::Orphan };
            let place = Place { dir: &run.path, run: Some(&run.id), state };
            place.read(&mut entries);
        }
        Place { dir: &home.join(ASIDE), run: None, state: State::Aside }.read(&mut entries);
    }
    entries.sort_by(|a, b| (a.time, &a.run, a.name.sequence).cmp(&(b.time, &b.run, b.name.sequence)));
    Ok(entries)
}

/// Removes what dead processes have left in the cache directory `dir`, of all projects, and what was set aside. Returns how
/// many envelopes that were. What belongs to a process that lives is not touched.
///
/// # Errors
/// As [`list`].
pub fn purge(dir: impl AsRef<Path>) -> io::Result<usize> {
    purge_where(dir.as_ref(), false)
}

/// As [`purge`], and removes what processes that live have stored as well. What they have in memory they still send; what
/// they cannot find any more they neither send nor report as lost.
///
/// # Errors
/// As [`list`].
pub fn purge_all(dir: impl AsRef<Path>) -> io::Result<usize> {
    purge_where(dir.as_ref(), true)
}

fn purge_where(dir: &Path, and_live: bool) -> io::Result<usize> {
    let mut purged = 0;
    for home in homes(dir)? {
        for run in runs(&home) {
            match run.lock() {
                // Held until all of it is gone: nobody starts to send what is being removed.
                Some(_lock) => {
                    purged += remove_files(&run.path);
                    if fs::remove_dir(&run.path).is_ok() {
                        let _ = fs::remove_file(&run.lock);
                    }
                }
                None if and_live => purged += remove_files(&run.path),
                None => {}
            }
        }
        purged += remove_files(&home.join(ASIDE));
        marker::forget(&home);
    }
    Ok(purged)
}

/// Where files are set aside.
const ASIDE: &str = "aside";

/// The directory of a process.
struct Run {
    id: String,
    path: PathBuf,
    lock: PathBuf,
}

impl Run {
    /// Whether its process lives. Without a lock nobody can tell; its process makes a new one if it is there.
    fn is_live(&self) -> bool {
        let Some(file) = open(&self.lock) else { return true };
        // Shared, and for a moment only: others who just look are not in the way of each other.
        !matches!(file.try_lock_shared(), Ok(()))
    }

    /// The lock, if its process is dead.
    fn lock(&self) -> Option<File> {
        let file = open(&self.lock)?;
        match file.try_lock() {
            // It may have been taken over, drained and removed just now.
            Ok(()) if is_kind(&self.lock, fs::Metadata::is_file) => Some(file),
            Ok(()) | Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        }
    }
}

/// A directory with envelopes.
struct Place<'p> {
    dir: &'p Path,
    run: Option<&'p str>,
    state: State,
}

impl Place<'_> {
    fn read(&self, entries: &mut Vec<Entry>) {
        for name in names(self.dir, MAX_FILES.saturating_sub(entries.len())) {
            entries.push(Entry {
                event_id: (!name.event_id.is_nil()).then_some(name.event_id),
                time: UNIX_EPOCH.checked_add(Duration::from_secs(name.time)).unwrap_or(UNIX_EPOCH),
                size: name.length.into(),
                kind: match name.rank {
                    Rank::Crash => Kind::Crash,
                    Rank::Error => Kind::Error,
                    Rank::Log => Kind::Log,
                    Rank::Metric => Kind::Metric,
                    Rank::Other => Kind::Other,
                    Rank::Session => Kind::Session,
                    Rank::Span => Kind::Span,
                },
                tries: name.tries,
                run: self.run.map(str::to_owned),
                state: self.state,
                path: self.dir.join(name.to_string()),
                name,
            });
        }
    }
}

/// The parts of a cache directory, one for each project.
fn homes(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let metadata = fs::symlink_metadata(dir)?;
    if !metadata.is_dir() {
        return Err(io::Error::new(ErrorKind::NotADirectory, "the cache directory is a link or a file"));
    }
    let is_home = |name: &str| name.strip_prefix("v1-").is_some_and(is_id);
    Ok(directories(dir, fs::read_dir(dir)?, is_home))
}

fn runs(home: &Path) -> Vec<Run> {
    let Ok(entries) = fs::read_dir(home) else { return Vec::new() };
    let run = |path: PathBuf| {
        let id = path.file_name()?.to_str()?.to_owned();
        let lock = home.join(format!("{id}.lock"));
        Some(Run { id, path, lock })
    };
    directories(home, entries, is_id).into_iter().filter_map(run).collect()
}

fn directories(parent: &Path, entries: fs::ReadDir, is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let wanted = names.filter(|name| is_wanted(name)).take(MAX_DIRECTORIES);
    wanted.map(|name| parent.join(name)).filter(|path| is_kind(path, fs::Metadata::is_dir)).collect()
}

/// Sixteen hexadecimal digits, in the one spelling that is used.
fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The envelopes in a directory; links and the like are none.
fn names(dir: &Path, most: usize) -> Vec<Name> {
    if !is_kind(dir, fs::Metadata::is_dir) {
        return Vec::new();
    }
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let of_entry = |entry: fs::DirEntry| {
        let is_file = entry.file_type().ok()?.is_file();
        entry.file_name().to_str()?.parse::<Name>().ok().filter(|_| is_file)
    };
    entries.flatten().filter_map(of_entry).take(most).collect()
}

/// Removes the envelopes in a directory, complete or not, and returns how many complete ones that were.
fn remove_files(dir: &Path) -> usize {
    if !is_kind(dir, fs::Metadata::is_dir) {
        return 0;
    }
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let mut removed = 0;
    for entry in entries.flatten() {
        let file = entry.file_name();
        let Some(text) = file.to_str() else { continue };
        let is_complete = text.parse::<Name>().is_ok();
        let is_temporary = text.strip_suffix(".tmp").is_some_and(|text| text.parse::<Name>().is_ok());
        if (is_complete || is_temporary) && fs::remove_file(dir.join(text)).is_ok() {
            removed += usize::from(is_complete);
        }
    }
    removed
}

/// Opens a file that is one: a pipe would block whoever opens it, and a link lead elsewhere.
fn open(path: &Path) -> Option<File> {
    is_kind(path, fs::Metadata::is_file).then(|| File::open(path).ok()).flatten()
}

fn is_kind(path: &Path, is_wanted: impl FnOnce(&fs::Metadata) -> bool) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| is_wanted(&metadata))
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
