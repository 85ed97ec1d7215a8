//! A file system in memory, whose processes die and whose power fails when a test wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::{Access, Fs, Handle, Kind, Stat};

pub(in crate::spool) const EIO: i32 = 5;
pub(in crate::spool) const EACCES: i32 = 13;
pub(in crate::spool) const ENOSPC: i32 = 28;
pub(in crate::spool) const EROFS: i32 = 30;
pub(in crate::spool) const EINTR: i32 = 4;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::spool) enum Fault {
    /// The call fails and does nothing.
    Fail(i32),
    /// A write takes half of it.
    Short,
    /// A write takes half of it, and there is no room for the rest.
    Full,
    /// The process dies before the call,
    DieBefore,
    /// in the middle of a write,
    DieWithin,
    /// or after it.
    DieAfter,
}

/// When it goes wrong: from one call of the process on, for so many calls.
#[derive(Clone, Copy, Debug)]
pub(in crate::spool) struct Plan {
    pub(in crate::spool) fault: Fault,
    pub(in crate::spool) from: usize,
    pub(in crate::spool) calls: usize,
    /// Calls that change nothing work all the same.
    pub(in crate::spool) only_changes: bool,
}

/// The disk, which outlives the processes.
#[derive(Clone, Debug, Default)]
pub(in crate::spool) struct Disk(Arc<Mutex<World>>);

#[derive(Debug, Default)]
struct World {
    entries: BTreeMap<String, Node>,
    /// What would be there after a loss of power.
    safe: BTreeMap<String, Node>,
    /// Changes of names that would not survive one yet, each with the directory to be synced for it.
    pending: Vec<(String, Vec<Change>)>,
    files: Vec<Content>,
    handles: u64,
    time: u64,
}

/// What a path leads to from now on.
type Change = (String, Option<Node>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Dir,
    File(usize),
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// What was synced of it.
    safe: Vec<u8>,
    locked: Option<u64>,
}

/// One process, as the file system sees it.
#[derive(Debug)]
pub(in crate::spool) struct Process {
    disk: Disk,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    plan: Option<Plan>,
    calls: usize,
    fired: usize,
    is_dead: bool,
}

impl Disk {
    pub(in crate::spool) fn process(&self, plan: Option<Plan>) -> Arc<Process> {
        Arc::new(Process { disk: self.clone(), state: Mutex::new(State { plan, ..State::default() }) })
    }

    pub(in crate::spool) fn set_time(&self, time: u64) {
        self.lock().time = time;
    }

    /// Everything that is there but directories, with its size.
    pub(in crate::spool) fn files(&self) -> Vec<(String, usize)> {
        let world = self.lock();
        let file = |(path, node): (&String, &Node)| match node {
            Node::File(file) => Some((path.clone(), world.files[*file].bytes.len())),
            Node::Dir => None,
        };
        world.entries.iter().filter_map(file).collect()
    }

    pub(in crate::spool) fn dirs(&self) -> Vec<String> {
        let dirs = self.lock().entries.clone().into_iter().filter(|(_, node)| *node == Node::Dir);
        dirs.map(|(path, _)| path).collect()
    }

    /// What was not synced vanishes in part, is cut, or filled with zeros.
    pub(in crate::spool) fn lose_power(&self, mut random: impl FnMut(u64) -> u64) {
        let mut world = self.lock();
        let world = &mut *world;
        let dirs: BTreeSet<String> = world.pending.iter().map(|(dir, _)| dir.clone()).collect();
        for dir in dirs {
            // Of each directory the first changes may have been written, in order.
            let of_it = world.pending.iter().filter(|(other, _)| *other == dir);
            let kept = random(of_it.clone().count() as u64 + 1) as usize;
            for (path, node) in of_it.take(kept).flat_map(|(_, changes)| changes) {
                apply(&mut world.safe, path, *node);
            }
        }
        world.pending.clear();
        let safe = world.safe.clone();
        world.safe.retain(|path, _| {
            Path::new(path).ancestors().skip(1).all(|dir| {
                let dir = text(dir);
                is_root(dir) || safe.get(dir) == Some(&Node::Dir)
            })
        });
        world.entries = world.safe.clone();
        for file in &mut world.files {
            file.locked = None;
            if file.bytes != file.safe {
                match random(4) {
                    0 => file.bytes.clone_from(&file.safe),
                    1 => file.bytes.truncate(random(file.bytes.len() as u64 + 1) as usize),
                    2 => file.bytes.fill(0),
                    _ => {}
                }
                file.safe.clone_from(&file.bytes);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    pub(in crate::spool) fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    pub(in crate::spool) fn calls(&self) -> usize {
        self.state().calls
    }

    /// How many calls went wrong.
    pub(in crate::spool) fn fired(&self) -> usize {
        self.state().fired
    }

    pub(in crate::spool) fn set_plan(&self, plan: Option<Plan>) {
        self.state().plan = plan;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call<T>(&self, changes: bool, call: impl FnOnce(&mut World, bool) -> io::Result<T>) -> io::Result<T> {
        let dead = || io::Error::other("the process is dead");
        let mut state = self.state();
        if state.is_dead {
            return Err(dead());
        }
        let number = state.calls;
        state.calls += 1;
        let is_due = |plan: &Plan| {
            (plan.from..plan.from.saturating_add(plan.calls)).contains(&number)
                && (changes || !plan.only_changes)
        };
        let fault = state.plan.filter(is_due).map(|plan| plan.fault);
        state.fired += usize::from(fault.is_some());
        let mut world = self.disk.lock();
        match fault {
            None => call(&mut world, false),
            Some(Fault::Fail(code)) => Err(io::Error::from_raw_os_error(code)),
            Some(Fault::Short | Fault::Full) => {
                if fault == Some(Fault::Full)
                    && let Some(plan) = &mut state.plan
                {
                    plan.fault = Fault::Fail(ENOSPC);
                    plan.calls = plan.calls.saturating_add(1);
                }
                call(&mut world, true)
            }
            Some(Fault::DieBefore) => {
                state.is_dead = true;
                Err(dead())
            }
            Some(Fault::DieWithin | Fault::DieAfter) => {
                state.is_dead = true;
                let result = call(&mut world, fault == Some(Fault::DieWithin));
                // What was opened closes, which looks at the disk.
                drop(world);
                drop(result);
                Err(dead())
            }
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

fn is_root(path: &str) -> bool {
    path == "/"
}

fn apply(entries: &mut BTreeMap<String, Node>, path: &str, node: Option<Node>) {
    match node {
        Some(node) => _ = entries.insert(path.to_owned(), node),
        None => _ = entries.remove(path),
    }
}

impl World {
    fn find(&self, path: &str) -> io::Result<Node> {
        if is_root(path) {
            return Ok(Node::Dir);
        }
        self.entries.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change(&mut self, dir: &str, changes: Vec<Change>) {
        changes.iter().for_each(|(path, node)| apply(&mut self.entries, path, *node));
        self.pending.push((dir.to_owned(), changes));
    }

    fn add(&mut self, path: &str, make: impl FnOnce(&mut Self) -> Node) -> io::Result<Node> {
        let dir = parent(path);
        if self.find(dir)? != Node::Dir {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        if self.entries.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let node = make(self);
        self.change(dir, vec![(path.to_owned(), Some(node))]);
        Ok(node)
    }

    fn stat(&self, node: Node) -> Stat {
        let (kind, length, id) = match node {
            Node::Dir => (Kind::Dir, 0, None),
            Node::File(file) => (Kind::File, self.files[file].bytes.len() as u64, Some((0, file as u64))),
        };
        let modified = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(self.time));
        Stat { kind, length, owner: Some(7), mode: Some(0o700), id, modified }
    }

    /// The names in a directory.
    fn inside(&self, dir: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{dir}/");
        let length = prefix.len();
        let below = self.entries.range(prefix.clone()..);
        let below = below.take_while(move |(path, _)| path.starts_with(&prefix));
        below.map(move |(path, _)| &path[length..]).filter(|name| !name.contains('/'))
    }
}

fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

impl Fs for Arc<Process> {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let path = text(path);
        self.call(true, |world, _| world.add(path, |_| Node::Dir).map(|_| ()))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let path = text(path);
        self.call(false, |world, _| Ok(world.stat(world.find(path)?)))
    }

    fn stat_target(&self, path: &Path) -> io::Result<Stat> {
        Fs::stat(self, path)
    }

    fn restrict(&self, _dir: &Path) -> io::Result<()> {
        self.call(true, |_, _| Ok(()))
    }

    fn list(&self, dir: &Path, most: usize, look: &mut dyn FnMut(&str)) -> io::Result<usize> {
        let dir = text(dir);
        self.call(false, |world, _| {
            world.find(dir)?;
            Ok(world.inside(dir).take(most).inspect(|name| look(name)).count())
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let path = text(path);
        let process = Self::clone(self);
        self.call(true, |world, _| {
            let node = world.add(path, |world| {
                world.files.push(Content::default());
                Node::File(world.files.len() - 1)
            })?;
            handle(process, world, node)
        })
    }

    fn open(&self, path: &Path, _access: Access) -> io::Result<Box<dyn Handle>> {
        let path = text(path);
        let process = Self::clone(self);
        self.call(false, |world, _| {
            let node = world.find(path)?;
            handle(process, world, node)
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (text(from), text(to));
        self.call(true, |world, _| {
            let node @ Node::File(_) = world.find(from)? else {
                return Err(io::ErrorKind::IsADirectory.into());
            };
            if world.find(parent(to))? != Node::Dir || world.entries.get(to) == Some(&Node::Dir) {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            world.change(parent(to), vec![(from.to_owned(), None), (to.to_owned(), Some(node))]);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let path = text(path);
        self.call(true, |world, _| match world.find(path)? {
            Node::Dir => Err(io::ErrorKind::IsADirectory.into()),
            Node::File(_) => {
                world.change(parent(path), vec![(path.to_owned(), None)]);
                Ok(())
            }
        })
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let path = text(path);
        self.call(true, |world, _| {
            if world.find(path)? != Node::Dir {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            if world.inside(path).next().is_some() {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            world.change(parent(path), vec![(path.to_owned(), None)]);
            Ok(())
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let path = text(path);
        self.call(true, |world, _| {
            world.find(path)?;
            for (_, changes) in world.pending.extract_if(.., |(dir, _)| dir == path) {
                changes.iter().for_each(|(path, node)| apply(&mut world.safe, path, *node));
            }
            Ok(())
        })
    }
}

#[derive(Debug)]
struct Open {
    process: Arc<Process>,
    file: usize,
    number: u64,
    offset: usize,
}

fn handle(process: Arc<Process>, world: &mut World, node: Node) -> io::Result<Box<dyn Handle>> {
    let Node::File(file) = node else { return Err(io::ErrorKind::IsADirectory.into()) };
    world.handles += 1;
    Ok(Box::new(Open { process, file, number: world.handles, offset: 0 }))
}

impl Handle for Open {
    fn stat(&self) -> io::Result<Stat> {
        self.process.call(false, |world, _| Ok(world.stat(Node::File(self.file))))
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (file, offset) = (self.file, self.offset);
        let count = self.process.call(false, |world, is_short| {
            let rest = &world.files[file].bytes[offset..];
            let count = rest.len().min(buffer.len()).div_ceil(if is_short { 2 } else { 1 });
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        })?;
        self.offset += count;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.process.call(true, |world, is_short| {
            let count = bytes.len().div_ceil(if is_short { 2 } else { 1 });
            world.files[self.file].bytes.extend_from_slice(&bytes[..count]);
            Ok(count)
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.process.call(true, |world, _| {
            let file = &mut world.files[self.file];
            file.safe.clone_from(&file.bytes);
            Ok(())
        })
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.process.call(false, |world, _| {
            let locked = &mut world.files[self.file].locked;
            Ok(*locked.get_or_insert(self.number) == self.number)
        })
    }
}

impl Drop for Open {
    /// The system does this, whether the process lives or not.
    fn drop(&mut self) {
        let locked = &mut self.process.disk.lock().files[self.file].locked;
        if *locked == Some(self.number) {
            *locked = None;
        }
    }
}
