//! Notes of crashes: how this process seems to have ended, for the next one.
//!
//! ```text
//! <cache_dir>/v1-<hash of the DSN>/crashes/     made by the first worker: whoever panics has no time to lose
//!   <16 hex digits>.note                        "1 <event id> <milliseconds> <s|-> <c|->"; locked by the process
//! ```
//!
//! - **One process, one note**, made by its first crash and overwritten by later ones. It is locked for the life of the
//!   process: whoever gets the lock knows that it is dead.
//! - **A panic may be caught.** Then the process lives on, or ends in good order, and takes its note back. What cannot be
//!   survived (an abort, a signal) is certain, and stays.
//! - **Whoever finds a note removes it first** and acts on it then: a crash is told once, and a start that is killed while it
//!   waits does not wait again.
//! - **A start costs a look into an empty directory**, and what is in it is only believed if nobody else could write there.
//!
//! A note says nothing but the id of an event and a time. Nothing is synced: after a loss of power the note may be missing.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sentry_core::types::Uuid;
use sentry_core::{CrashedRun, LastRun, START_UP};

/// A process that lives so long after a panic has survived it.
const SURVIVED: Duration = Duration::from_secs(10);

/// Entries of the directory that are looked at. There is one for each process that crashed since the last start.
const MAX_ENTRIES: usize = 256;

const CRASHES: &str = "crashes";
const NOTE: &str = "note";
const UNNAMED: &str = "tmp";

/// What this process notes, and where.
#[derive(Debug)]
pub(crate) struct Marker {
    /// None without a cache directory.
    dir: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the run began; nothing is noted before.
    started: Option<Instant>,
    note: Option<Note>,
}

/// The note of this process.
#[derive(Debug)]
struct Note {
    path: PathBuf,
    file: File,
    crash: Crash,
    /// When the crash was noted.
    left: Instant,
}

/// What a note says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Crash {
    event_id: Uuid,
    /// Milliseconds since 1970.
    time: u64,
    at_start: bool,
    /// Nothing lives on after it.
    is_certain: bool,
}

impl Marker {
    /// With notes in the part `home` of a cache directory.
    pub(crate) fn new(home: Option<&Path>) -> Self {
        Self { dir: home.map(|home| home.join(CRASHES)), state: Mutex::default() }
    }

    /// From now on crashes are noted. Tells what the previous run has noted, and removes that.
    pub(crate) fn start(&self, now: Instant) -> LastRun {
        let Some(dir) = &self.dir else { return LastRun::Unknown };
        self.lock().started = Some(now);
        claim(dir)
    }

    /// What the start has waited for was no part of the run.
    pub(crate) fn restart(&self, now: Instant) {
        if let Some(started) = &mut self.lock().started {
            *started = now;
        }
    }

    /// Makes the directory, so that it is there when it is needed. For the worker, once the store is open.
    pub(crate) fn prepare(&self) {
        if let Some(dir) = &self.dir {
            // Or else it is made when it is needed.
            let _ = make_private(dir);
        }
    }

    /// In a forked child: its run began with that of its parent.
    pub(crate) fn inherit(&self, parent: &Self) {
        // Whoever held this lock at the fork holds it for ever, as far as this process can see.
        if let Ok(parent) = parent.state.try_lock() {
            self.lock().started = parent.started;
        }
    }

    /// Notes a crash. Without a note, for whatever reason, the next start does not know of it, and that is all.
    pub(crate) fn note(&self, event_id: Uuid, time: SystemTime, is_certain: bool, now: Instant) {
        let mut state = self.lock();
        let (Some(dir), Some(started)) = (&self.dir, state.started) else { return };
        let crash = Crash {
            event_id,
            time: time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
            at_start: now.saturating_duration_since(started) < START_UP,
            is_certain,
        };
        match &mut state.note {
            Some(note) if note.crash.is_certain && !is_certain => {}
            Some(note) => note.overwrite(crash, now),
            None => state.note = Note::leave(dir, crash, now).ok(),
        }
    }

    /// When to call [`survive`](Self::survive).
    pub(crate) fn survived_at(&self) -> Option<Instant> {
        self.lock().note.as_ref().and_then(Note::survived_at)
    }

    /// The process is still there.
    pub(crate) fn survive(&self, now: Instant) {
        let mut state = self.lock();
        if state.note.as_ref().and_then(Note::survived_at).is_some_and(|at| at <= now) {
            state.take_back();
        }
    }

    /// The run ends in good order, whatever has happened before.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        if state.note.as_ref().is_some_and(|note| !note.crash.is_certain) {
            state.take_back();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_back(&mut self) {
        if let Some(note) = self.note.take() {
            let _ = fs::remove_file(&note.path);
        }
    }
}

impl Note {
    fn leave(dir: &Path, crash: Crash, now: Instant) -> io::Result<Self> {
        if !is_ours(dir) {
            // The worker was not that fast, or somebody has cleaned up.
            make_private(dir)?;
        }
        let id = format!("{:016x}", RandomState::new().build_hasher().finish());
        // Locked and filled before it has the name that others look for: no moment to be taken for dead.
        let unnamed = dir.join(&id).with_extension(UNNAMED);
        let path = dir.join(&id).with_extension(NOTE);
        let mut file = create_private(&unnamed)?;
        let written = file.try_lock().map_err(io::Error::from).and_then(|()| {
            file.write_all(crash.to_string().as_bytes())?;
            fs::rename(&unnamed, &path)
        });
        if let Err(error) = written {
            let _ = fs::remove_file(&unnamed);
            return Err(error);
        }
        Ok(Self { path, file, crash, left: now })
    }

    /// The text has always the same length, and is written at once.
    fn overwrite(&mut self, crash: Crash, now: Instant) {
        (self.crash, self.left) = (crash, now);
        let _ = self.file.rewind().and_then(|()| self.file.write_all(crash.to_string().as_bytes()));
    }

    fn survived_at(&self) -> Option<Instant> {
        (!self.crash.is_certain).then(|| self.left + SURVIVED)
    }
}

/// Removes the notes of processes that are dead.
pub(super) fn forget(home: &Path) {
    let _ = claim(&home.join(CRASHES));
}

/// Removes the notes of processes that are dead, and tells the latest.
fn claim(dir: &Path) -> LastRun {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return LastRun::Ended,
        Err(_) => return LastRun::Unknown,
    };
    let mut entries = entries.take(MAX_ENTRIES).flatten().map(|entry| entry.path()).peekable();
    if entries.peek().is_none() {
        return LastRun::Ended;
    }
    // Others could have put anything there.
    if !is_ours(dir) {
        return LastRun::Unknown;
    }
    let last = entries.filter_map(|path| claim_one(&path)).max_by_key(|crash| crash.time);
    last.map_or(LastRun::Ended, |crash| LastRun::Crashed(crash.into()))
}

/// Removes a note, if its process is dead, and returns what it says. What cannot be removed would be found for ever.
fn claim_one(path: &Path) -> Option<Crash> {
    let (stem, extension) = (path.file_stem()?.to_str()?, path.extension()?.to_str()?);
    let is_note = stem.len() == 16 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    // A pipe would block whoever opens it, and a link lead elsewhere.
    if !is_note || ![NOTE, UNNAMED].contains(&extension) || !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let file = File::open(path).ok()?;
    file.try_lock().ok()?;
    // Somebody may have been faster, and let go of it again.
    fs::remove_file(path).ok()?;
    if extension != NOTE {
        return None;
    }
    let mut text = String::new();
    file.take(2 * LENGTH as u64).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

/// Whether nobody else can have put something in the place of the notes: `dir`, its home and the cache directory.
fn is_ours(dir: &Path) -> bool {
    let ours = [Some(dir), dir.parent()];
    ours.into_iter().flatten().all(is_private) && dir.parent().and_then(Path::parent).is_none_or(is_settled)
}

/// Makes the directory where the store has made those above it. A link in the place of one leads to somebody else.
fn make_private(dir: &Path) -> io::Result<()> {
    if !dir.parent().is_some_and(|home| is_private(home) && home.parent().is_some_and(is_settled)) {
        return Err(ErrorKind::NotADirectory.into());
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Err(_) if !is_private(dir) => Err(ErrorKind::NotADirectory.into()),
        _ => Ok(()),
    }
}

/// A file or a link that is there already is an error.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether it is a directory, no link, that others cannot look into.
fn is_private(dir: &Path) -> bool {
    is_closed(dir, 0o077)
}

/// The same for one in which others can change nothing.
fn is_settled(dir: &Path) -> bool {
    is_closed(dir, 0o022)
}

fn is_closed(dir: &Path, to: u32) -> bool {
    fs::symlink_metadata(dir).is_ok_and(|metadata| {
        #[cfg(unix)]
        let is_closed = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & to == 0;
        #[cfg(not(unix))]
        let is_closed = to != 0;
        metadata.is_dir() && is_closed
    })
}

/// How long the text of a note is.
const LENGTH: usize = 56;

impl std::fmt::Display for Crash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { event_id, time, at_start, is_certain } = self;
        let flag = |is_set: bool, letter: char| if is_set { letter } else { '-' };
        writeln!(f, "1 {} {time:016x} {} {}", event_id.simple(), flag(*at_start, 's'), flag(*is_certain, 'c'))
    }
}

impl std::str::FromStr for Crash {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        let ["1", event_id, time, at_start, is_certain] = parts[..] else { return Err(()) };
        let crash = Self {
            event_id: Uuid::parse_str(event_id).map_err(|_| ())?,
            time: u64::from_str_radix(time, 16).map_err(|_| ())?,
            at_start: at_start == "s",
            is_certain: is_certain == "c",
        };
        // One text for a crash: no other spelling of the same, and nothing cut off.
        if crash.to_string() == text { Ok(crash) } else { Err(()) }
    }
}

impl From<Crash> for CrashedRun {
    fn from(crash: Crash) -> Self {
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(crash.time)).unwrap_or(UNIX_EPOCH);
        Self::new(crash.event_id, time, crash.at_start)
    }
}

#[cfg(test)]
#[path = "marker_tests.rs"]
mod tests;
