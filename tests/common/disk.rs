//! A cache directory, seen from outside: names and bytes of files, read with nothing of ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of its own, gone with the value.
#[derive(Debug)]
pub(crate) struct Cache(pub(crate) PathBuf);

impl Cache {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sentry-{}-{number}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    /// Every file below, whatever it is.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.0, &mut found);
        found
    }

    /// The envelopes below, what was set aside included.
    pub(crate) fn envelopes(&self) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "env"));
        files
    }

    /// The event ids that the names of envelopes hold: what is kept, at this moment.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        self.envelopes().iter().filter_map(|path| id_of(path)).collect()
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The event id in a name: its only part of 32 hex digits that are not all zero.
pub(crate) fn id_of(path: &Path) -> Option<String> {
    let is_id = |part: &&str| part.len() == 32 && part.bytes().any(|byte| byte != b'0');
    path.file_stem()?.to_str()?.split('-').find(is_id).map(str::to_owned)
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), found),
            _ => found.push(entry.path()),
        }
    }
}
