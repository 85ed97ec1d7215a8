//! Where records lie: in the cache directory, a folder per DSN, a file per run.
//!
//! - **The file of a living process is locked**, before there is anything in it; an empty one is being made. One that is not
//!   locked belongs to a run that is over.
//! - **Who reads a record claims it by a new name first**, under the lock: two starts never report the same one. The name counts the
//!   tries, so that a record that ends its readers is given up.
//! - **It goes when its event is kept or sent**, not before.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sentry_core::clock;
use sentry_core::types::{Dsn, Uuid};

use super::bytes::checksum;
use super::record::{Found, Head, LARGEST, Record};

/// Tries after which a record is given up.
const MOST_TRIES: u32 = 3;
/// Records that are reported at one start; what is left after a storm of crashes is reported by later ones.
const AT_ONCE: usize = 10;
const EXTENSION: &str = "rec";
/// A process has so long to lock the record that it makes.
const BEING_MADE: Duration = Duration::from_secs(60);

/// The folder for the crashes of one DSN.
#[derive(Clone, Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn open(cache: &Path, dsn: &Dsn) -> io::Result<Self> {
        let name = checksum(format!("{}|{}", dsn.envelope_api_url(), dsn.public_key()).as_bytes());
        let path = cache.join(format!("crashes-v1-{name:016x}"));
        secure(cache, 0o022)?;
        secure(&path, 0o077)?;
        Ok(Self(path))
    }

    /// A new record, locked for as long as it is open.
    pub(super) fn create(&self, head: &Head) -> io::Result<(File, PathBuf)> {
        use std::os::unix::fs::FileExt as _;
        let path = self.0.join(format!("{}-0.{EXTENSION}", short(head.event_id)));
        let mut options = open_options();
        let file = options.create_new(true).mode(0o600).open(&path)?;
        file.try_lock()?;
        file.write_all_at(&head.encode(), 0)?;
        Ok((file, path))
    }

    /// The crashes of runs that are over. What is not worth keeping is removed.
    pub(super) fn left(&self) -> Vec<Left> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
        paths.sort();
        paths.iter().filter_map(|path| take(path)).take(AT_ONCE).collect()
    }
}

/// What comes after the number of a child in the name of its record.
pub(super) const AFTER: &[u8] = b"-0.rec";

/// The path of the record of a child, up to its number, after that of its parent.
pub(super) fn of_children(record: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    let id = record.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.split_once('-'));
    let id = id.map_or("", |(id, _)| id);
    record.with_file_name(id).as_os_str().as_bytes().to_vec()
}

/// A record of an earlier run.
pub(super) struct Left {
    pub(super) record: Record,
    /// How often somebody has tried to report it and did not come back.
    pub(super) tries: u32,
    path: PathBuf,
    /// Unlocked when this is dropped.
    _locked: File,
}

impl Left {
    /// It was reported.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn take(path: &Path) -> Option<Left> {
    let stem = path.file_stem()?.to_str()?;
    let (id, tries) = stem.split_once('-')?;
    let tries: u32 = tries.parse().ok()?;
    // Neither a pipe, which blocks, nor a link, which leads elsewhere.
    let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    if metadata.len() > LARGEST as u64 || (metadata.len() == 0 && !is_old(&metadata)) {
        return None;
    }
    let mut file = open_options().open(path).ok()?;
    if file.metadata().ok()?.ino() != metadata.ino() || file.try_lock().is_err() {
        return None;
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let record = match Record::decode(&bytes) {
        Found::Crash(record) if tries < MOST_TRIES => *record,
        Found::Crash(_) | Found::Nothing | Found::Broken => {
            let _ = fs::remove_file(path);
            return None;
        }
    };
    let noted = path.with_file_name(format!("{id}-{}.{EXTENSION}", tries + 1));
    fs::rename(path, &noted).ok()?;
    Some(Left { record, tries, path: noted, _locked: file })
}

/// Whether it was changed that long ago, or at a time that has not come: then nobody knows.
fn is_old(metadata: &fs::Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|at| clock::now().duration_since(at).ok());
    age.is_none_or(|age| age > BEING_MADE)
}

fn open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    options
}

fn short(id: Uuid) -> String {
    id.simple().to_string().get(..16).unwrap_or_default().to_owned()
}

/// Makes sure that `path` is a directory in which others cannot do what `closed` says. One that is made for many, such as `/tmp`, is
/// refused.
fn secure(path: &Path, closed: u32) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let mut permissions = metadata.permissions();
    // One of our own may have inherited such a bit from the one above.
    if permissions.mode() & 0o022 != 0 && permissions.mode() & 0o7000 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is shared with others"));
    }
    if permissions.mode() & closed != 0 {
        permissions.set_mode(0o700);
        // Only its owner may do this: a directory of somebody else is refused here.
        fs::set_permissions(path, permissions)?;
    }
    Ok(())
}
