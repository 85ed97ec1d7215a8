//! The index of what is on disk, and the one writer to it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sentry_core::types::{Dsn, Uuid};
use sentry_core::{Durability, diagnostics};

use super::dir;
use super::name::{Name, checksum};
use super::run::Run;
use crate::store::{Entry, EntryId, Kept, Record, Store};

/// Tries that nobody came back from before a file is set aside.
const MAX_FATAL_TRIES: u8 = 5;

/// Files that are set aside; more are removed.
const MAX_ASIDE: usize = 4;

/// How often to look for runs of processes that have died meanwhile.
const ADOPT_EVERY: Duration = Duration::from_secs(600);

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
    dir: PathBuf,
    limits: Limits,
    /// The first is our own.
    runs: Vec<Option<Run>>,
    items: BTreeMap<EntryId, Item>,
    bytes: u64,
    last: u64,
    adopted: Option<SystemTime>,
}

#[derive(Clone, Copy, Debug)]
struct Item {
    run: usize,
    name: Name,
    is_held: bool,
}

impl Spool {
    /// Opens the part of `cache_dir` that belongs to `dsn`.
    ///
    /// # Errors
    /// When the directory cannot be made, is a link, belongs to somebody else or cannot be locked.
    pub(crate) fn open(cache_dir: &Path, dsn: &Dsn, limits: Limits) -> io::Result<Self> {
        dir::secure(cache_dir)?;
        let dir = cache_dir.join(format!("v1-{:016x}", fingerprint(dsn)));
        dir::secure(&dir)?;
        let own = Run::create(&dir)?;
        Ok(Self {
            dir,
            limits,
            runs: vec![Some(own)],
            items: BTreeMap::new(),
            bytes: 0,
            last: 0,
            adopted: None,
        })
    }

    /// Takes over what processes have left that are dead.
    fn adopt(&mut self, now: SystemTime) {
        let is_recent = |at: SystemTime| now.duration_since(at).is_ok_and(|since| since < ADOPT_EVERY);
        if self.adopted.is_some_and(is_recent) {
            return;
        }
        self.adopted = Some(now);
        let known = |path: &Path| self.runs.iter().flatten().any(|run| run.path() == path);
        for run in Run::orphans(&self.dir, &known) {
            let names = run.names();
            if names.is_empty() {
                run.remove();
                continue;
            }
            let index = self.runs.len();
            for name in names {
                self.last += 1;
                self.bytes += u64::from(name.length);
                self.items.insert(EntryId(self.last), Item { run: index, name, is_held: false });
            }
            self.runs.push(Some(run));
        }
    }

    fn path(&self, item: &Item) -> Option<PathBuf> {
        let run = self.runs.get(item.run)?.as_ref()?;
        Some(run.path().join(item.name.to_string()))
    }

    /// Forgets an entry; its run goes with its last one.
    fn forget(&mut self, id: EntryId) -> Option<Item> {
        let item = self.items.remove(&id)?;
        self.bytes -= u64::from(item.name.length);
        if item.run > 0
            && !self.items.values().any(|other| other.run == item.run)
            && let Some(run) = self.runs[item.run].take()
        {
            // Its file may still be there, if only for a moment: the caller removes it first.
            run.remove();
        }
        Some(item)
    }

    /// Removes an entry and returns what was in it.
    fn withdraw(&mut self, id: EntryId) -> Option<Vec<u8>> {
        let item = *self.items.get(&id)?;
        let path = self.path(&item)?;
        let bytes = read(&path, &item.name).ok();
        let _ = fs::remove_file(&path);
        self.forget(id);
        bytes
    }

    fn rename(&mut self, id: EntryId, tries: u8) -> io::Result<()> {
        let Some(item) = self.items.get(&id).copied() else { return Ok(()) };
        let renamed = Item { name: Name { tries, ..item.name }, ..item };
        let (Some(from), Some(to)) = (self.path(&item), self.path(&renamed)) else { return Ok(()) };
        fs::rename(from, to)?;
        self.items.insert(id, renamed);
        Ok(())
    }

    /// Moves an entry where it does no harm and somebody may look at it.
    fn set_aside(&mut self, id: EntryId) {
        let aside = self.dir.join("aside");
        let Some(path) = self.items.get(&id).and_then(|item| self.path(item)) else { return };
        let has_room = dir::secure(&aside).is_ok()
            && fs::read_dir(&aside).is_ok_and(|entries| entries.count() < MAX_ASIDE);
        let moved =
            has_room && path.file_name().is_some_and(|name| fs::rename(&path, aside.join(name)).is_ok());
        if !moved {
            let _ = fs::remove_file(&path);
        }
        self.forget(id);
        diagnostics::warn_once("cache file", || {
            "a file of the cache directory was damaged or could not be sent, and was set aside".into()
        });
    }

    /// Goes back within the limits: the least important first, and the oldest of those.
    fn evict(&mut self) -> Vec<Vec<u8>> {
        let mut evicted = Vec::new();
        while self.items.len() > self.limits.items || self.bytes > self.limits.bytes {
            let free = self.items.iter().filter(|(_, item)| !item.is_held);
            let order = |(id, item): &(&EntryId, &Item)| (item.name.rank, item.name.time, **id);
            let Some(least) = free.min_by_key(order).map(|(id, _)| *id) else { break };
            evicted.extend(self.withdraw(least));
        }
        evicted
    }
}

impl Store for Spool {
    fn put(&mut self, record: Record<'_>, now: SystemTime) -> io::Result<Kept> {
        let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, "too large for the cache directory");
        let length = u32::try_from(record.bytes.len()).map_err(|_| too_large())?;
        if u64::from(length) > self.limits.bytes {
            return Err(too_large());
        }
        self.last += 1;
        let name = Name {
            sequence: self.last,
            time: now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            rank: record.rank,
            tries: 0,
            length,
            checksum: checksum(record.bytes),
            event_id: record.event_id.unwrap_or(Uuid::nil()),
        };
        let own = self.runs.first().and_then(Option::as_ref).ok_or(io::ErrorKind::NotFound)?;
        let sync = record.durability == Durability::Power;
        let written = dir::publish(own.path(), &name.to_string(), record.bytes, sync).or_else(|error| {
            // Somebody may have cleaned up behind us.
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            dir::secure(own.path())?;
            dir::publish(own.path(), &name.to_string(), record.bytes, sync)
        });
        written?;
        let id = EntryId(self.last);
        self.items.insert(id, Item { run: 0, name, is_held: record.is_held });
        self.bytes += u64::from(length);
        // Only now: what cannot be written must not push out what is there.
        Ok(Kept { id, evicted: self.evict() })
    }

    fn next(&mut self, now: SystemTime) -> Option<Entry> {
        self.adopt(now);
        loop {
            let free = self.items.iter().filter(|(_, item)| !item.is_held);
            let order = |(id, item): &(&EntryId, &Item)| {
                (std::cmp::Reverse(item.name.rank == crate::store::Rank::Crash), item.name.time, **id)
            };
            let (id, item) = free.min_by_key(order).map(|(id, item)| (*id, *item))?;
            if item.name.tries >= MAX_FATAL_TRIES {
                self.set_aside(id);
                continue;
            }
            // Before it is read: whatever happens then has been noted.
            if self.rename(id, item.name.tries + 1).is_err() {
                // It is not there any more, or nothing can be changed here.
                self.forget(id);
                continue;
            }
            let renamed = self.items.get_mut(&id)?;
            renamed.is_held = true;
            let renamed = *renamed;
            match self.path(&renamed).map(|path| read(&path, &renamed.name)) {
                Some(Ok(bytes)) => return Some(Entry { id, bytes }),
                _ => self.set_aside(id),
            }
        }
    }

    fn remove(&mut self, id: EntryId) {
        if let Some(path) = self.items.get(&id).and_then(|item| self.path(item)) {
            let _ = fs::remove_file(path);
        }
        self.forget(id);
    }

    fn give_back(&mut self, id: EntryId, _now: SystemTime) -> Option<Vec<u8>> {
        let item = self.items.get_mut(&id)?;
        item.is_held = false;
        // We live: it was not this file that ends processes. A limit on age is what ends its tries.
        let tries = item.name.tries.saturating_sub(1);
        let _ = self.rename(id, tries);
        None
    }

    fn expire(&mut self, now: SystemTime) -> Vec<Vec<u8>> {
        let oldest = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.saturating_sub(self.limits.age).as_secs());
        let is_old = |item: &Item| !item.is_held && item.name.time < oldest;
        let old: Vec<_> = self.items.iter().filter(|(_, item)| is_old(item)).map(|(id, _)| *id).collect();
        old.into_iter().filter_map(|id| self.withdraw(id)).collect()
    }

    fn is_empty(&self) -> bool {
        // Before the first look nobody knows what others have left.
        self.adopted.is_some() && self.items.values().all(|item| item.is_held)
    }
}

impl Drop for Spool {
    /// A process that ends in good order leaves no empty run behind.
    fn drop(&mut self) {
        self.runs.drain(..).flatten().for_each(Run::remove);
    }
}

/// The bytes of a file, if they are what its name says. Never more than that, however large the file is.
fn read(path: &Path, name: &Name) -> io::Result<Vec<u8>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(u64::from(name.length) + 1).read_to_end(&mut bytes)?;
    if name.fits(&bytes) { Ok(bytes) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Tells projects and keys apart without naming them. FNV-1a: it has to stay the same for as long as files do.
fn fingerprint(dsn: &Dsn) -> u64 {
    let text = format!("{}|{}", dsn.envelope_api_url(), dsn.public_key());
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
