//! Files that attachments are written to, one behind the other.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sentry_core::protocol::Stored;

use super::positioned;

/// What attachments may take on disk.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// A segment that has so much gets no more: the sooner it is empty, the sooner its room is free again.
const SEGMENT: u64 = 32 * 1024 * 1024;

/// The files.
#[derive(Debug)]
pub(super) struct Segments {
    home: Option<PathBuf>,
    most: u64,
    /// Those that have something, the newest last.
    list: Mutex<Vec<Weak<Segment>>>,
}

#[derive(Debug)]
struct Segment {
    file: File,
    /// Where it is, if it could not be removed while it is open.
    path: Option<PathBuf>,
    /// How much of it is in use, or was.
    end: AtomicU64,
}

/// The bytes of one attachment.
#[derive(Debug)]
pub(super) struct Extent {
    segment: Arc<Segment>,
    start: u64,
    length: u64,
}

impl Segments {
    pub(super) fn new(home: Option<PathBuf>) -> Self {
        Self::of(home, MAX_BYTES)
    }

    pub(super) fn of(home: Option<PathBuf>, most: u64) -> Self {
        Self { home, most, list: Mutex::default() }
    }

    /// Writes `bytes`.
    ///
    /// # Errors
    /// When there is no room for them, or no place.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<Extent> {
        let extent = self.reserve(bytes.len() as u64)?;
        // Without the lock: others write to other places.
        positioned::write_all_at(&extent.segment.file, bytes, extent.start)?;
        Ok(extent)
    }

    fn reserve(&self, length: u64) -> io::Result<Extent> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|segment| segment.strong_count() > 0);
        let segments: Vec<_> = list.iter().filter_map(Weak::upgrade).collect();
        let used: u64 = segments.iter().map(|segment| segment.end()).sum();
        if used.saturating_add(length) > self.most {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let segment = match segments.last().filter(|segment| segment.end() < SEGMENT) {
            Some(segment) => Arc::clone(segment),
            None => {
                let segment = Arc::new(self.create()?);
                list.push(Arc::downgrade(&segment));
                segment
            }
        };
        let start = segment.end.fetch_add(length, Ordering::Relaxed);
        Ok(Extent { segment, start, length })
    }

    /// In the directory of the cache, if there is one: the user has said that there is room.
    fn create(&self) -> io::Result<Segment> {
        let is_dir = |home: &&PathBuf| fs::symlink_metadata(home).is_ok_and(|metadata| metadata.is_dir());
        match self.home.as_ref().filter(is_dir) {
            Some(home) => Segment::create(home),
            None => Segment::create(&std::env::temp_dir()),
        }
    }

    /// How much room the files take.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        let list = self.list.lock().unwrap();
        list.iter().filter_map(Weak::upgrade).map(|segment| segment.end()).sum()
    }
}

impl Segment {
    fn create(dir: &Path) -> io::Result<Self> {
        // Nobody can know the name, and nobody has to: the standard library's hasher keys are the randomness at hand.
        let number = RandomState::new().build_hasher().finish();
        let path = dir.join(format!("sentry-attachments-{}-{number:016x}.tmp", std::process::id()));
        let mut options = OpenOptions::new();
        let file = positioned::private(options.read(true).write(true).create_new(true)).open(&path)?;
        let path = fs::remove_file(&path).is_err().then_some(path);
        Ok(Self { file, path, end: AtomicU64::new(0) })
    }

    fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

impl Stored for Extent {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        positioned::read_at(&self.segment.file, &mut buffer[..most], self.start + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of its own, gone with the test.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("sentry-segment-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn files(&self) -> usize {
            fs::read_dir(&self.0).unwrap().count()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_was_written_is_read_and_its_neighbours_are_not() {
        let place = Place::new("read");
        let segments = Segments::new(Some(place.0.clone()));
        let extents = ["one", "", "second"].map(|text| segments.write(text.as_bytes()).unwrap());
        let read = extents.each_ref().map(|extent| {
            let mut bytes = [0; 100];
            let count = extent.read_at(0, &mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..count]).into_owned()
        });
        assert_eq!(read, ["one", "", "second"]);
        let mut tail = [0; 2];
        assert_eq!(extents[2].read_at(4, &mut tail).unwrap(), 2);
        assert_eq!(&tail, b"nd");
        assert_eq!(extents[0].read_at(3, &mut tail).unwrap(), 0);
        #[cfg(unix)]
        assert_eq!(place.files(), 0, "nobody finds it");
        drop(extents);
        assert_eq!((segments.bytes(), place.files()), (0, 0));
    }

    #[test]
    fn room_is_bounded_and_free_again_when_a_segment_is_empty() {
        let place = Place::new("room");
        let segments = Segments::of(Some(place.0.clone()), 3 * SEGMENT);
        let bytes = vec![0; usize::try_from(SEGMENT).unwrap()];
        let mut extents: Vec<_> = (0..3).map(|_| segments.write(&bytes).unwrap()).collect();
        assert_eq!(segments.write(b"x").unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        extents.remove(0);
        assert!(segments.write(&bytes).is_ok());
        assert_eq!(segments.bytes(), 2 * SEGMENT);
    }

    #[test]
    fn without_the_home_the_place_for_temporary_files_is_used() {
        let place = Place::new("home");
        let segments = Segments::new(Some(place.0.join("missing")));
        assert!(segments.write(b"x").is_ok());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        // Every write to it finds the disk full.
        let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let segment = Arc::new(Segment { file, path: None, end: AtomicU64::new(0) });
        let segments = Segments::new(None);
        segments.list.lock().unwrap().push(Arc::downgrade(&segment));
        assert_eq!(segments.write(b"x").unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_may_read_it() {
        use std::os::unix::fs::PermissionsExt;

        let segments = Segments::new(None);
        let extent = segments.write(b"x").unwrap();
        assert_eq!(extent.segment.file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
