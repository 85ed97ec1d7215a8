//! Directories for the owner only, and files that appear whole.

use std::io;
use std::path::{Path, PathBuf};

use super::fs::{Fs, Handle, Kind, Stat};

/// A file that could not be published.
#[derive(Debug)]
pub(super) struct Unpublished {
    pub(super) error: io::Error,
    /// What is left of it, if that could not be removed either.
    pub(super) litter: Option<PathBuf>,
}

/// Makes sure that there is a directory, and that it is no link to one. Tells what it is.
pub(super) fn ensure(fs: &dyn Fs, path: &Path) -> io::Result<Stat> {
    make_all(fs, path)?;
    let stat = fs.stat(path)?;
    if stat.kind == Kind::Dir {
        return Ok(stat);
    }
    // A link would lead to wherever somebody wants our files.
    Err(io::Error::new(io::ErrorKind::NotADirectory, "the cache directory is a link or a file"))
}

/// Refuses a directory that anybody may put another one in the place of.
pub(super) fn check_parent(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    let mode = fs.stat_target(parent)?.mode.unwrap_or(0);
    // Writable for all, and not sticky as /tmp is.
    if mode & 0o1002 == 0o002 {
        let message = "the cache directory lies in a directory that everybody may change";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(())
}

/// Closes the cache directory to others who may write to it. One that is made for many, such as `/tmp`, is theirs as well, and one
/// that others may only read, such as `/var/lib`, shows them no more than the name of a directory of ours.
pub(super) fn close_outer(fs: &dyn Fs, path: &Path, stat: Stat) -> io::Result<()> {
    let mode = stat.mode.unwrap_or(0);
    if mode & 0o022 == 0 {
        return Ok(());
    }
    // A directory of our own may have inherited such a bit from the one above.
    if mode & 0o7000 != 0 {
        let message = "the cache directory is shared with others: it has to be one of its own";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    fs.restrict(path)
}

/// Closes a directory of ours to others.
pub(super) fn close(fs: &dyn Fs, path: &Path, stat: Stat) -> io::Result<()> {
    if stat.mode.is_some_and(|mode| mode & 0o077 != 0) { fs.restrict(path) } else { Ok(()) }
}

fn make_all(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    match fs.make_dir(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).ok_or(error)?;
            make_all(fs, parent)?;
            match fs.make_dir(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                made => made,
            }
        }
        // On a file system that cannot be written, one that is there may still be read.
        Err(error) => fs.stat(path).map(|_| ()).map_err(|_| error),
    }
}

/// Writes a file in one go and makes it visible under its name.
pub(super) fn publish(
    fs: &dyn Fs,
    dir: &Path,
    name: &str,
    bytes: &[u8],
    sync: bool,
) -> Result<(), Unpublished> {
    let temporary = dir.join(format!("{name}.tmp"));
    let mut file = fs.create(&temporary).map_err(|error| Unpublished { error, litter: None })?;
    let written = fill(&mut *file, bytes, sync);
    drop(file);
    self::name(fs, temporary, dir.join(name), written, sync)
}

/// Gives a file that was `written` its name, or removes it.
pub(super) fn name(
    fs: &dyn Fs,
    temporary: PathBuf,
    path: PathBuf,
    written: io::Result<()>,
    sync: bool,
) -> Result<(), Unpublished> {
    let named = written.and_then(|()| fs.rename(&temporary, &path));
    let published = match (named, path.parent()) {
        // The name has to survive as well.
        (Ok(()), Some(dir)) if sync => fs.sync_dir(dir),
        (named, _) => named,
    };
    let Err(error) = published else { return Ok(()) };
    let remains = |path: &PathBuf| delete(fs, path).is_err();
    let litter = [temporary, path].into_iter().find(remains);
    Err(Unpublished { error, litter })
}

/// Writes a file that is empty.
pub(super) fn fill(file: &mut dyn Handle, bytes: &[u8], sync: bool) -> io::Result<()> {
    let (mut rest, mut interruptions) = (bytes, 0);
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(error) if is_interruption(&error, &mut interruptions) => {}
            Err(error) => return Err(error),
        }
    }
    if sync { file.sync() } else { Ok(()) }
}

/// Whether a call is worth being made again. One that is interrupted for ever is not.
pub(super) fn is_interruption(error: &io::Error, interruptions: &mut u32) -> bool {
    *interruptions += 1;
    error.kind() == io::ErrorKind::Interrupted && *interruptions <= 100
}

/// Removes a file. One that is not there is removed; a directory in its place is nothing of ours.
pub(super) fn delete(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    match fs.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => match fs.stat(path) {
            Ok(stat) if stat.kind == Kind::Dir => Ok(()),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        },
        removed => removed,
    }
}
