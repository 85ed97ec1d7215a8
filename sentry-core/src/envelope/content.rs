//! Bytes of an attachment that are not in memory: a file of the application, or what a transport has put away.
//!
//! The length is taken when the file is opened, and stands in the headers of the item: what is appended meanwhile is left
//! out, and a file that got shorter ends too early, which the reader has to take for an error.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use crate::protocol::Stored;

/// What is read of a file that does not say how long it is, as those in `/proc`.
const MAX_UNKNOWN: u64 = 8 * 1024 * 1024;

/// The bytes of one attachment, to be read once.
#[derive(Debug)]
pub struct Content {
    source: Source,
    length: u64,
    read: u64,
}

#[derive(Debug)]
enum Source {
    File(File),
    Memory(Vec<u8>),
    Stored(Arc<dyn Stored>),
}

impl Content {
    /// Opens a file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let (file, metadata) = open(path)?;
        if metadata.len() > 0 {
            return Ok(Self::new(Source::File(file), metadata.len()));
        }
        let mut bytes = Vec::new();
        file.take(MAX_UNKNOWN + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_UNKNOWN {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let length = bytes.len() as u64;
        Ok(Self::new(Source::Memory(bytes), length))
    }

    pub(super) fn stored(stored: &Arc<dyn Stored>) -> Self {
        Self::new(Source::Stored(Arc::clone(stored)), stored.length())
    }

    fn new(source: Source, length: u64) -> Self {
        Self { source, length, read: 0 }
    }

    /// How many bytes there were when it was opened. Never more than these are read.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// How many of them have not been read yet.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.length - self.read
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left()).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..most];
        let count = match &self.source {
            Source::File(file) => (&*file).read(buffer)?,
            Source::Memory(bytes) => {
                let start = usize::try_from(self.read).unwrap_or(usize::MAX);
                bytes.get(start..).unwrap_or_default().read(buffer)?
            }
            Source::Stored(stored) => stored.read_at(self.read, buffer)?.min(most),
        };
        self.read += count as u64;
        Ok(count)
    }
}

/// Opens what is a file. A pipe or a device would block, or never end.
pub(super) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let check = |metadata: &Metadata| match metadata.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file")),
    };
    // Before it is opened, as opening a device may do something; and behind, as it may be another one by then.
    check(&std::fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    check(&metadata)?;
    Ok((file, metadata))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::PathBuf;

    use super::*;

    /// A path of its own, removed at the end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("sentry-content-{}-{name}", std::process::id()));
            let _ = fs::remove_file(&path);
            Self(path)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn rest(content: &mut Content) -> Vec<u8> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_appended_after_opening_is_left_out() {
        let place = Place::new("grows");
        fs::write(&place.0, b"first").unwrap();
        let mut content = Content::open(&place.0).unwrap();
        OpenOptions::new().append(true).open(&place.0).unwrap().write_all(b" and more").unwrap();
        assert_eq!((content.length(), rest(&mut content)), (5, b"first".to_vec()));
        assert_eq!(content.left(), 0);
    }

    #[test]
    fn what_is_cut_off_after_opening_is_missed() {
        let place = Place::new("shrinks");
        fs::write(&place.0, b"0123456789").unwrap();
        let mut content = Content::open(&place.0).unwrap();
        OpenOptions::new().write(true).open(&place.0).unwrap().set_len(4).unwrap();
        assert_eq!(rest(&mut content), b"0123");
        assert_eq!(content.left(), 6);
    }

    #[test]
    fn only_files_are_opened() {
        assert!(Content::open(&std::env::temp_dir()).is_err());
        assert!(Content::open(Path::new("/nowhere/at/all")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_without_a_writer_is_not_waited_for() {
        use std::os::unix::net::UnixListener;

        let place = Place::new("socket");
        let _listener = UnixListener::bind(&place.0).unwrap();
        assert!(Content::open(&place.0).is_err());
        assert!(Content::open(Path::new("/dev/zero")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_does_not_know_its_length_is_read_at_once() {
        let mut content = Content::open(Path::new("/proc/self/status")).unwrap();
        assert!(content.length() > 100);
        assert_eq!(content.length(), rest(&mut content).len() as u64);
    }

    #[test]
    fn what_was_put_away_is_read_from_the_beginning() {
        #[derive(Debug)]
        struct Letters;

        impl Stored for Letters {
            fn length(&self) -> u64 {
                26
            }

            fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
                // As little as it likes.
                let count = buffer.len().min(7);
                let letters = (b'a'..=b'z').skip(usize::try_from(offset).unwrap());
                buffer[..count].iter_mut().zip(letters).for_each(|(byte, letter)| *byte = letter);
                Ok(count)
            }
        }

        let stored: Arc<dyn Stored> = Arc::new(Letters);
        assert_eq!(rest(&mut Content::stored(&stored)), b"abcdefghijklmnopqrstuvwxyz");
    }
}
