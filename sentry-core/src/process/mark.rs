//! Files that tell the next process that this one has crashed.
//!
//! What a process keeps on disk says that nobody knows how it ended, should it vanish. A crash handler knows better, but all it can
//! do is write a byte to a file that is there. Whoever keeps something names such a file here; the handler is told of every
//! change, ahead.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use super::{generation, without_fork};
use crate::sync::lock;

/// The files, and the generation of the process that has named them.
static MARKS: Mutex<Vec<(u32, PathBuf)>> = Mutex::new(Vec::new());
static WATCHER: OnceLock<fn(&[PathBuf])> = OnceLock::new();

/// A file that has to have something in it once this process has crashed; until this is dropped.
#[derive(Debug)]
pub struct CrashMark {
    path: PathBuf,
    generation: u32,
}

impl CrashMark {
    /// For a file that exists and is empty.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        let mark = Self { path: path.to_owned(), generation: generation() };
        change(|marks| marks.push((mark.generation, mark.path.clone())));
        mark
    }
}

impl Drop for CrashMark {
    fn drop(&mut self) {
        change(|marks| {
            marks.retain(|(generation, path)| (*generation, path) != (self.generation, &self.path))
        });
    }
}

/// Has `watcher` told of all marks of this process, now and whenever they change. For a crash handler; only the first one counts.
///
/// A forked child inherits none: it has to forget what it was told before the fork by itself.
pub fn watch_marks(watcher: fn(&[PathBuf])) {
    let _ = WATCHER.set(watcher);
    change(|_| ());
}

fn change(change: impl FnOnce(&mut Vec<(u32, PathBuf)>)) {
    without_fork(|| {
        let mut marks = lock(&MARKS);
        change(&mut marks);
        marks.retain(|(of, _)| *of == generation());
        // Under the lock: the watcher must not be told of an earlier state later.
        if let Some(watcher) = WATCHER.get() {
            let paths: Vec<PathBuf> = marks.iter().map(|(_, path)| path.clone()).collect();
            watcher(&paths);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    static TOLD: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

    #[test]
    fn the_watcher_knows_the_marks_that_are_there() {
        let told = || lock(&TOLD).clone();
        let (one, other) = (Path::new("/one"), Path::new("/other"));
        let first = CrashMark::new(one);
        watch_marks(|paths| *lock(&TOLD) = paths.to_vec());
        assert_eq!(told(), [one]);
        let second = CrashMark::new(other);
        assert_eq!(told(), [one, other]);
        drop(first);
        assert_eq!(told(), [other]);
        drop(second);
        assert_eq!(told(), Vec::<PathBuf>::new());
    }
}
