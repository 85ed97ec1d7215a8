//! A cache directory, seen from outside: names of files, read with nothing of ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file below, whatever it is.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(dir, &mut found);
    found
}

/// The envelopes below, what was set aside included.
pub(crate) fn envelopes(dir: &Path) -> Vec<PathBuf> {
    let mut files = files(dir);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "env"));
    files
}

/// What a drained directory holds no more: envelopes, and what was not complete when its process died. The empty file that a
/// living process has at hand for its next crash is neither.
pub(crate) fn remains(dir: &Path) -> Vec<PathBuf> {
    let is_spare = |path: &Path| {
        path.ends_with("spare.env.tmp") && fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0)
    };
    let mut files = files(dir);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "env" || extension == "tmp"));
    files.retain(|path| !is_spare(path));
    files
}

/// Whether there is the lock of a run.
pub(crate) fn has_lock(dir: &Path) -> bool {
    files(dir).iter().any(|path| path.extension().is_some_and(|extension| extension == "lock"))
}

/// The event ids that the names of envelopes hold: what is kept, at this moment.
pub(crate) fn ids(dir: &Path) -> BTreeSet<String> {
    envelopes(dir).iter().filter_map(|path| id_of(path)).collect()
}

/// The event id in a name: its only part of 32 hex digits that are not all zero.
fn id_of(path: &Path) -> Option<String> {
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
