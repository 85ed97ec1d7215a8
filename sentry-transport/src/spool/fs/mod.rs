//! The few calls that the spool makes to a file system.
//!
//! Each method is one call that either happens or does not, so that a test can count them, fail any of them, or end the
//! process between two. No method follows a link at the end of its path, but [`stat_target`](Fs::stat_target).

#[cfg(test)]
pub(super) mod model;
mod real;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::time::SystemTime;

pub(super) use self::real::Real;

/// A file system.
pub(super) trait Fs: Send + Sync + Debug {
    /// Makes a directory for the owner only. One that is there is an error.
    fn make_dir(&self, path: &Path) -> io::Result<()>;

    /// What there is to know of a file, a directory or a link.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// The same of what a link leads to.
    fn stat_target(&self, path: &Path) -> io::Result<Stat>;

    /// Closes a directory to everybody but its owner.
    fn restrict(&self, dir: &Path) -> io::Result<()>;

    /// Looks at the names in a directory, at most at so many. Those that are no text are passed over. Tells how many there were.
    fn list(&self, dir: &Path, most: usize, look: &mut dyn FnMut(&str)) -> io::Result<usize>;

    /// A new file for the owner only. Whatever is there already is an error.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>>;

    /// A file that is there. Never waits, whatever it is.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn Handle>>;

    /// Gives a file another name, at once. A file that has that name goes.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, or a link.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Waits until the names in a directory would survive the loss of power.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// An open file.
pub(super) trait Handle: Send + Debug {
    fn stat(&self) -> io::Result<Stat>;

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Waits until the content would survive the loss of power.
    fn sync(&self) -> io::Result<()>;

    /// Locks the file until it is closed, or tells that somebody else has.
    fn try_lock(&self) -> io::Result<bool>;
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Network file systems lock only what is open for writing.
    Lock,
    Read,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Dir,
    File,
    /// Links, pipes, sockets, devices.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) kind: Kind,
    pub(super) length: u64,
    /// Where the system knows owners.
    pub(super) owner: Option<u32>,
    /// Who may do what, likewise.
    pub(super) mode: Option<u32>,
    /// Tells two files apart that had the same name, likewise.
    pub(super) id: Option<(u64, u64)>,
    pub(super) modified: Option<SystemTime>,
}
