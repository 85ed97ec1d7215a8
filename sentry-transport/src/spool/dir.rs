//! Directories for the owner only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Makes sure that `path` is a directory of ours that nobody else can look into.
pub(super) fn secure(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // A link would lead to wherever somebody wants our files.
    if !fs::symlink_metadata(path)?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "the cache directory is a link or a file"));
    }
    close_to_others(path)
}

#[cfg(unix)]
fn close_to_others(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mut permissions = fs::symlink_metadata(path)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o700);
        // Only the owner may do this: a directory of somebody else is refused here.
        fs::set_permissions(path, permissions)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn close_to_others(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// A new file for the owner only. A file or a link that is there already is an error.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a file in one go and makes it visible under its name.
pub(super) fn publish(dir: &Path, name: &str, bytes: &[u8], sync: bool) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.tmp"));
    let written = create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        if sync { file.sync_data() } else { Ok(()) }
    });
    let published = written.and_then(|()| fs::rename(&temporary, dir.join(name)));
    if let Err(error) = published {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    if sync {
        // The name has to survive as well. Where directories cannot be synced, this is the best there is.
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
    }
    Ok(())
}
