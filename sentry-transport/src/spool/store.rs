//! The index of what is on disk, and the one writer to it.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sentry_core::types::{Dsn, Uuid};
use sentry_core::{Durability, process};

use super::adopt::Trace;
use super::dir;
use super::evict::MAX_AT_ONCE;
use super::fs::{Access, Fs, Handle, Kind, Real};
use super::health::Health;
use super::index::{Index, Item, State, seconds};
use super::name::{Name, checksum};
use super::run::Run;
use super::session;
use super::spare::Spare;
use crate::store::{Entry, EntryId, Kept, Lost, Rank, Record, Store};

/// Tries that nobody came back from before a file is set aside.
pub(super) const MAX_FATAL_TRIES: u8 = 5;

/// What one envelope may always take, if the limits allow as much at all. It may take a quarter of a larger limit: an error
/// with its attachments is worth more than its size, but nothing shall push out everything else.
const ALWAYS_FITS: u64 = 1 << 20;

/// What the spool may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) items: usize,
    pub(crate) bytes: u64,
    pub(crate) age: Duration,
}

/// Envelopes on disk.
#[derive(Debug)]
pub(crate) struct Spool {
    pub(super) fs: Arc<dyn Fs>,
    cache_dir: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) limits: Limits,
    /// The user who owns what we create.
    pub(super) owner: Option<u32>,
    pub(super) runs: Vec<Option<Run>>,
    /// Which of the runs is ours.
    own: usize,
    pub(super) index: Index,
    /// What could not be removed, and how much room it takes.
    pub(super) litter: Vec<(PathBuf, u64)>,
    /// What was given up and not told yet.
    pub(super) lost: Vec<Lost>,
    /// Sessions whose first update was given up while there was no other.
    pub(super) beginnings: VecDeque<Uuid>,
    health: Health,
    /// A file for the next crash.
    spare: Option<Spare>,
    /// That of the last one, still to be closed.
    used: Option<Box<dyn Handle>>,
    /// When others' runs were looked for.
    pub(super) looked: Option<SystemTime>,
    /// How often, at the beginning.
    pub(super) early_looks: usize,
    /// Somebody was alive then.
    pub(super) has_company: bool,
    /// What was found then and not followed yet.
    pub(super) traces: Vec<Trace>,
    /// The process this belongs to: a child of it has inherited the memory, but nothing that is on disk.
    generation: u32,
}

/// What was found in a file.
pub(super) enum Found {
    Bytes(Vec<u8>),
    /// It is not what its name says.
    Damaged,
    Gone,
    /// It may be readable later.
    Unreadable(io::Error),
}

impl Spool {
    /// Opens the part of `cache_dir` that belongs to `dsn`.
    ///
    /// # Errors
    /// When the directory cannot be made, is a link, belongs to somebody else or cannot be locked.
    pub(crate) fn open(cache_dir: &Path, dsn: &Dsn, limits: Limits) -> io::Result<Self> {
        Self::open_on(Arc::new(Real), cache_dir, dsn, limits)
    }

    pub(super) fn open_on(fs: Arc<dyn Fs>, cache_dir: &Path, dsn: &Dsn, limits: Limits) -> io::Result<Self> {
        let dir = home(cache_dir, dsn);
        let own = make_run(&*fs, cache_dir, &dir)?;
        Ok(Self {
            fs,
            cache_dir: cache_dir.to_owned(),
            dir,
            limits,
            owner: own.owner(),
            runs: vec![Some(own)],
            own: 0,
            index: Index::default(),
            litter: Vec::new(),
            lost: Vec::new(),
            beginnings: VecDeque::new(),
            health: Health::default(),
            spare: None,
            used: None,
            looked: None,
            early_looks: 0,
            has_company: false,
            traces: Vec::new(),
            generation: process::generation(),
        })
    }

    pub(super) fn add_run(&mut self, run: Run) -> usize {
        if let Some(place) = self.runs.iter().position(Option::is_none) {
            self.runs[place] = Some(run);
            return place;
        }
        self.runs.push(Some(run));
        self.runs.len() - 1
    }

    pub(super) fn keep_lock(&mut self) {
        if let Some(Some(own)) = self.runs.get_mut(self.own) {
            own.keep_lock(&*self.fs);
        }
    }

    pub(super) fn path(&self, item: &Item) -> Option<PathBuf> {
        let run = self.runs.get(item.run)?.as_ref()?;
        Some(run.path().join(item.name.to_string()))
    }

    /// Forgets an entry whose file is gone; its run goes with its last one.
    pub(super) fn forget(&mut self, id: EntryId) {
        let Some(item) = self.index.remove(id) else { return };
        if item.run != self.own
            && self.index.is_empty_run(item.run)
            && let Some(run) = self.runs[item.run].take()
        {
            run.remove(&*self.fs);
        }
    }

    /// Notes a number of tries in the name.
    fn note(&mut self, id: EntryId, tries: u8) -> io::Result<()> {
        let Some(item) = self.index.get(id) else { return Ok(()) };
        let name = Name { tries, time: item.time, ..item.name };
        if name == item.name {
            return Ok(());
        }
        let renamed = Item { name, ..item };
        let (Some(from), Some(to)) = (self.path(&item), self.path(&renamed)) else { return Ok(()) };
        self.fs.rename(&from, &to)?;
        self.index.change(id, |item| item.name = name);
        Ok(())
    }

    /// Tries again to remove what could not be removed.
    fn sweep(&mut self) {
        while let Some((path, _)) = self.litter.last() {
            if dir::delete(&*self.fs, path).is_err() {
                return;
            }
            self.litter.pop();
        }
        while let Some(id) = self.index.done() {
            let path = self.index.get(id).and_then(|item| self.path(&item));
            if path.is_some_and(|path| dir::delete(&*self.fs, &path).is_err()) {
                return;
            }
            self.forget(id);
        }
    }

    /// Whether so much more would be too much.
    pub(super) fn is_over(&self, items: usize, bytes: u64) -> bool {
        let litter: u64 = self.litter.iter().map(|(_, bytes)| bytes).sum();
        self.index.len() + items > self.limits.items
            || self.index.bytes() + litter + bytes > self.limits.bytes
    }

    /// Whether something may be kept, if need be in place of what matters less or is older.
    fn check_room(&self, rank: Rank, length: u64) -> io::Result<()> {
        if length > self.limits.bytes.min(ALWAYS_FITS.max(self.limits.bytes / 4)) {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large for the cache directory"));
        }
        if !self.is_over(1, length) {
            return Ok(());
        }
        let (items, bytes) = self.index.fixed(rank);
        if items + 1 > self.limits.items || bytes + length > self.limits.bytes {
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                "the cache is full of what matters more",
            ));
        }
        Ok(())
    }

    /// Writes a file into our run.
    fn publish(&mut self, name: &Name, bytes: &[u8], sync: bool) -> io::Result<()> {
        if sync {
            self.anchor()?;
        }
        let own = self.runs.get(self.own).and_then(Option::as_ref).ok_or(io::ErrorKind::NotFound)?;
        let (fs, run, text) = (&*self.fs, own.path(), name.to_string());
        let spare = if name.rank == Rank::Crash { self.spare.take() } else { None };
        let published = match spare.filter(|spare| spare.is_in(run)) {
            None => dir::publish(fs, run, &text, bytes, sync),
            Some(spare) => match spare.publish(fs, run, &text, bytes, sync) {
                // Somebody has removed it.
                Err(unpublished) if unpublished.error.kind() == io::ErrorKind::NotFound => {
                    dir::publish(fs, run, &text, bytes, sync)
                }
                published => published.map(|used| self.used = Some(used)),
            },
        };
        published.map_err(|unpublished| {
            self.litter.extend(unpublished.litter.map(|path| (path, bytes.len() as u64)));
            unpublished.error
        })
    }

    /// Makes sure that the way to our run would survive the loss of power. Once.
    fn anchor(&mut self) -> io::Result<()> {
        let Some(Some(own)) = self.runs.get_mut(self.own) else { return Ok(()) };
        if !own.is_anchored {
            self.fs.sync_dir(&self.dir)?;
            self.fs.sync_dir(&self.cache_dir)?;
            for parent in self.cache_dir.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
                // It may belong to somebody else, and then it was there before.
                let _ = self.fs.sync_dir(parent);
            }
            own.is_anchored = true;
        }
        Ok(())
    }

    /// A new run, if somebody has removed ours.
    fn renew(&mut self) -> io::Result<()> {
        let run = make_run(&*self.fs, &self.cache_dir, &self.dir)?;
        // What is left of the old one goes with its last entry.
        self.own = self.add_run(run);
        Ok(())
    }

    /// The bytes of a file, if they are what its name says. Never more than that, however large the file is.
    pub(super) fn read(&self, path: &Path, name: &Name) -> Found {
        if u64::from(name.length) > self.limits.bytes {
            // Whatever it is, it is not read: there may be no memory for it.
            return Found::Damaged;
        }
        match read(&*self.fs, path, name, self.owner) {
            Ok(Some(bytes)) => Found::Bytes(bytes),
            Ok(None) => Found::Damaged,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Gone,
            Err(error) => match self.fs.stat(path) {
                // What is no file of ours cannot be opened as one.
                Ok(stat) if stat.kind != Kind::File || stat.owner != self.owner => Found::Damaged,
                _ => Found::Unreadable(error),
            },
        }
    }
}

impl Store for Spool {
    fn put(&mut self, record: Record<'_>, now: SystemTime) -> io::Result<Kept> {
        let Some(begun) = self.begin(record.session, record.bytes) else { return self.keep(record, now) };
        let kept = self.keep(Record { bytes: &begun, ..record }, now);
        if kept.is_err() {
            self.beginnings.extend(record.session);
        }
        kept
    }

    fn next(&mut self, now: SystemTime) -> Option<Entry> {
        self.health.check(now).ok()?;
        self.adopt(now);
        let (mut files, mut bytes) = MAX_AT_ONCE;
        // What is damaged takes time as well: not too much of it in one go.
        while files > 0 && bytes > 0 {
            let id = self.index.next()?;
            let item = self.index.get(id)?;
            (files, bytes) = (files - 1, bytes.saturating_sub(item.name.length as usize));
            if item.name.tries >= MAX_FATAL_TRIES {
                self.set_aside(id);
                continue;
            }
            // Before it is read: whatever happens then has been noted.
            if let Err(error) = self.note(id, item.name.tries + 1) {
                if error.kind() == io::ErrorKind::NotFound {
                    self.lose(id, item.name.rank);
                    continue;
                }
                // What cannot be changed could not be removed either, and would be sent again and again.
                self.health.degrade(&error, now);
                return None;
            }
            let item = self.index.get(id)?;
            match self.path(&item).map_or(Found::Gone, |path| self.read(&path, &item.name)) {
                Found::Bytes(bytes) => {
                    self.health.recover();
                    self.index.change(id, |item| (item.state, item.is_noted) = (State::Held, true));
                    return Some(Entry {
                        id,
                        rank: item.name.rank,
                        deaths: item.name.tries.saturating_sub(1),
                        bytes: self.as_it_ended(&item, bytes),
                    });
                }
                Found::Damaged => self.set_aside(id),
                Found::Gone => self.lose(id, item.name.rank),
                Found::Unreadable(error) => {
                    // The others first, when it is time again.
                    self.index.change(id, |item| item.time = seconds(now));
                    self.health.degrade(&error, now);
                    return None;
                }
            }
        }
        None
    }

    fn remove(&mut self, id: EntryId) {
        let Some(item) = self.index.get(id) else { return };
        if self.path(&item).is_some_and(|path| dir::delete(&*self.fs, &path).is_err()) {
            // It must not be sent again.
            self.index.change(id, |item| item.state = State::Done);
        } else {
            self.forget(id);
        }
    }

    fn give_back(&mut self, id: EntryId, _now: SystemTime) -> Option<Vec<u8>> {
        self.index.get(id)?;
        self.index.change(id, |item| item.state = State::Free);
        self.survived(id);
        self.begin_again(id);
        None
    }

    fn survived(&mut self, id: EntryId) {
        // It is not this file that ends processes. A limit on age is what ends its tries.
        let Some(item) = self.index.get(id).filter(|item| item.is_noted) else { return };
        self.index.change(id, |item| item.is_noted = false);
        let _ = self.note(id, item.name.tries.saturating_sub(1));
    }

    fn reject(&mut self, id: EntryId) {
        self.set_aside(id);
    }

    fn expire(&mut self, now: SystemTime) -> Vec<Lost> {
        if self.health.check(now).is_ok() {
            self.sweep();
            self.adopt(now);
            self.age(now);
        }
        std::mem::take(&mut self.lost)
    }

    fn purge(&mut self) -> Vec<Rank> {
        self.remove_all()
    }

    fn prepare(&mut self, now: SystemTime) {
        self.used = None;
        if self.spare.is_none()
            && self.health.check(now).is_ok()
            && let Some(Some(own)) = self.runs.get(self.own)
        {
            self.spare = Spare::create(&*self.fs, own.path()).ok();
        }
    }

    fn disown(&mut self) {
        // Closed; the file is the parent's.
        (self.spare, self.used) = (None, None);
        self.index = Index::default();
        self.litter.clear();
        self.traces.clear();
        // Dropped without being removed.
        self.runs.clear();
    }

    fn has_crashes(&self) -> bool {
        self.looked.is_none() || !self.traces.is_empty() || self.index.has_crashes()
    }

    fn is_empty(&self) -> bool {
        // Before the first look nobody knows what others have left.
        self.looked.is_some() && !self.expects_more() && self.traces.is_empty() && !self.index.has_free()
    }
}

impl Spool {
    fn keep(&mut self, record: Record<'_>, now: SystemTime) -> io::Result<Kept> {
        let bytes = record.bytes;
        let too_large = |_| io::Error::new(io::ErrorKind::FileTooLarge, "too large for the cache directory");
        let length = u32::try_from(bytes.len()).map_err(too_large)?;
        self.health.check(now)?;
        self.sweep();
        self.check_room(record.rank, u64::from(length))?;
        if self.is_over(0, 0) {
            // Something could not be removed before.
            self.evict();
        }
        let id = self.index.new_id();
        let time = seconds(now);
        let name = Name {
            sequence: id.0,
            time,
            rank: record.rank,
            tries: 0,
            length,
            checksum: checksum(bytes),
            event_id: record.event_id.unwrap_or(Uuid::nil()),
            session: record.session.map_or(0, session::number),
        };
        let sync = record.durability == Durability::Power;
        let written = self.publish(&name, bytes, sync).or_else(|error| {
            // Somebody may have cleaned up behind us.
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            self.renew()?;
            self.publish(&name, bytes, sync)
        });
        if let Err(error) = written {
            self.health.degrade(&error, now);
            return Err(error);
        }
        self.health.recover();
        let state = if record.is_held { State::Held } else { State::Free };
        self.index.insert(id, Item { run: self.own, name, time, state, is_noted: false });
        // Only now: what cannot be written must not push out what is there.
        self.evict();
        Ok(Kept { id, evicted: std::mem::take(&mut self.lost) })
    }

    /// What the process of this entry has prepared in case it vanishes says that nobody knows why. If it has crashed, we do.
    fn as_it_ended(&self, item: &Item, bytes: Vec<u8>) -> Vec<u8> {
        let run = self.runs.get(item.run).and_then(Option::as_ref);
        let has_crashed = item.name.session != 0 && run.is_some_and(Run::has_crashed);
        has_crashed.then(|| session::crash(&bytes)).flatten().unwrap_or(bytes)
    }

    /// Somebody else has removed it.
    fn lose(&mut self, id: EntryId, rank: Rank) {
        self.forget(id);
        self.lost.push(Lost::Damaged(rank));
    }
}

impl Drop for Spool {
    /// A process that ends in good order takes its tries back, and leaves no empty run behind.
    fn drop(&mut self) {
        if self.generation != process::generation() {
            // What the parent has on disk is the parent's. The locks are closed here, which leaves them with the parent.
            return;
        }
        for id in self.index.held() {
            self.survived(id);
        }
        self.sweep();
        let fs = Arc::clone(&self.fs);
        self.spare.take().into_iter().for_each(|spare| spare.remove(&*fs));
        self.runs.drain(..).flatten().for_each(|run| run.remove(&*fs));
    }
}

/// Makes a run below `dir`, after a look at everything on the way to it.
fn make_run(fs: &dyn Fs, cache_dir: &Path, dir: &Path) -> io::Result<Run> {
    let outer = dir::ensure(fs, cache_dir)?;
    dir::check_parent(fs, cache_dir)?;
    let inner = dir::ensure(fs, dir)?;
    let run = Run::create(fs, dir)?;
    let closed = if outer.owner == run.owner() && inner.owner == run.owner() {
        dir::close_outer(fs, cache_dir, outer).and_then(|()| dir::close(fs, dir, inner))
    } else {
        let message = "the cache directory belongs to another user";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
    };
    match closed {
        Ok(()) => Ok(run),
        Err(error) => {
            run.remove(fs);
            Err(error)
        }
    }
}

fn read(fs: &dyn Fs, path: &Path, name: &Name, owner: Option<u32>) -> io::Result<Option<Vec<u8>>> {
    let mut file = fs.open(path, Access::Read)?;
    let stat = file.stat()?;
    if stat.kind != Kind::File || stat.owner != owner || stat.length != u64::from(name.length) {
        return Ok(None);
    }
    let mut bytes = vec![0; name.length as usize];
    let (mut done, mut interruptions) = (0, 0);
    while done < bytes.len() {
        match file.read(&mut bytes[done..]) {
            Ok(0) => return Ok(None),
            Ok(count) => done += count,
            Err(error) if dir::is_interruption(&error, &mut interruptions) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(name.fits(&bytes).then_some(bytes))
}

/// The part of a cache directory that belongs to `dsn`.
pub(crate) fn home(cache_dir: &Path, dsn: &Dsn) -> PathBuf {
    cache_dir.join(format!("v1-{:016x}", fingerprint(dsn)))
}

/// Tells projects and keys apart without naming them. FNV-1a: it has to stay the same for as long as files do.
fn fingerprint(dsn: &Dsn) -> u64 {
    let text = format!("{}|{}", dsn.envelope_api_url(), dsn.public_key());
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
#[path = "store_tests.rs"]
pub(super) mod tests;
