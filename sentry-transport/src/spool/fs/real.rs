//! The file system of the machine.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use super::{Access, Fs, Handle, Kind, Stat};

/// The file system of the machine.
#[derive(Clone, Copy, Debug)]
pub(in crate::spool) struct Real;

impl Fs for Real {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        fs::symlink_metadata(path).map(|metadata| stat(&metadata))
    }

    fn stat_target(&self, path: &Path) -> io::Result<Stat> {
        fs::metadata(path).map(|metadata| stat(&metadata))
    }

    #[cfg(unix)]
    fn restrict(&self, dir: &Path) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;

        // Through a handle: what it was told to be a directory is one.
        open(dir, OpenOptions::new().read(true), libc::O_DIRECTORY)?
            .set_permissions(PermissionsExt::from_mode(0o700))
    }

    #[cfg(not(unix))]
    fn restrict(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path, most: usize, look: &mut dyn FnMut(&str)) -> io::Result<usize> {
        let mut count = 0;
        for entry in fs::read_dir(dir)?.take(most) {
            // A name that is no text is none of ours.
            entry?.file_name().to_str().map(&mut *look);
            count += 1;
        }
        Ok(count)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn Handle>> {
        Ok(Box::new(open(path, OpenOptions::new().read(true).write(access == Access::Lock), 0)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    #[cfg(unix)]
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        match open(path, OpenOptions::new().read(true), libc::O_DIRECTORY)?.sync_all() {
            // There is nothing to sync then.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTSUP)) => Ok(()),
            synced => synced,
        }
    }

    #[cfg(not(unix))]
    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl Handle for File {
    fn stat(&self) -> io::Result<Stat> {
        self.metadata().map(|metadata| stat(&metadata))
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn try_lock(&self) -> io::Result<bool> {
        match Self::try_lock(self) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Opens what is there. A link is an error, and a pipe without a writer does not wait for one.
#[cfg(unix)]
fn open(path: &Path, options: &mut OpenOptions, flags: i32) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    options.custom_flags(flags | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

/// Opens what is there, a link as a link.
#[cfg(windows)]
fn open(path: &Path, options: &mut OpenOptions, flags: u32) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;

    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    options.custom_flags(flags | FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

#[cfg(not(any(unix, windows)))]
fn open(path: &Path, options: &mut OpenOptions, _flags: i32) -> io::Result<File> {
    options.open(path)
}

fn stat(metadata: &Metadata) -> Stat {
    let kind = if metadata.is_dir() {
        Kind::Dir
    } else if metadata.is_file() {
        Kind::File
    } else {
        Kind::Other
    };
    let (length, modified) = (metadata.len(), metadata.modified().ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let (owner, mode) = (Some(metadata.uid()), Some(metadata.mode() & 0o7777));
        Stat { kind, length, owner, mode, id: Some((metadata.dev(), metadata.ino())), modified }
    }
    #[cfg(not(unix))]
    Stat { kind, length, owner: None, mode: None, id: None, modified }
}
