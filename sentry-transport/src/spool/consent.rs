//! The user's decision, on disk for the next start, and what goes when it is a no.
//!
//! `<cache_dir>/consent` holds `1 given` or `1 revoked`, and nothing about anybody. It belongs to all projects of the directory:
//! who says no means the application, and not one of its servers. It is replaced as a whole and synced: a decision that was
//! reported as taken survives whatever comes.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::dir;
use super::fs::{Access, Fs, Kind, Real};
use super::store::Spool;
use crate::store::{Rank, Store};

/// What is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing.
    Nothing,
    /// Yes.
    Given,
    /// No.
    Revoked,
    /// Something is there, but cannot be read. It may be a no.
    Unreadable,
}

const NAME: &str = "consent";
const GIVEN: &[u8] = b"1 given\n";
const REVOKED: &[u8] = b"1 revoked\n";

/// Reads it. Costs one system call where there is nothing.
pub(crate) fn recall(cache_dir: &Path) -> Said {
    recall_on(&Real, cache_dir)
}

fn recall_on(fs: &dyn Fs, cache_dir: &Path) -> Said {
    let path = cache_dir.join(NAME);
    match read(fs, &path) {
        Ok(said) => said,
        // Where not even the directory can be looked into, nothing was ever remembered.
        Err(_) if fs.stat(&path).is_err() => Said::Nothing,
        Err(_) => Said::Unreadable,
    }
}

fn read(fs: &dyn Fs, path: &Path) -> io::Result<Said> {
    // Follows no link, and waits for no pipe.
    let mut file = fs.open(path, Access::Read)?;
    let mut buffer = [0; REVOKED.len() + 1];
    let mut length = 0;
    if file.stat()?.kind == Kind::File {
        while length < buffer.len() {
            match file.read(&mut buffer[length..]) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(match &buffer[..length] {
        GIVEN => Said::Given,
        REVOKED => Said::Revoked,
        _ => Said::Unreadable,
    })
}

/// Remembers a decision, and makes the directory for that if need be.
///
/// # Errors
/// When it cannot be written; what was remembered before stays.
pub(crate) fn remember(cache_dir: &Path, given: bool) -> io::Result<()> {
    remember_on(&Real, cache_dir, given)
}

fn remember_on(fs: &dyn Fs, cache_dir: &Path, given: bool) -> io::Result<()> {
    let stat = dir::ensure(fs, cache_dir)?;
    dir::check_parent(fs, cache_dir)?;
    dir::close_outer(fs, cache_dir, stat)?;
    // Of its own: several may decide at the same moment, and the last one wins.
    let unnamed = format!("{NAME}-{:016x}", RandomState::new().build_hasher().finish());
    let written = if given { GIVEN } else { REVOKED };
    dir::publish(fs, cache_dir, &unnamed, written, true).map_err(|unpublished| unpublished.error)?;
    let named = fs.rename(&cache_dir.join(&unnamed), &cache_dir.join(NAME));
    named.inspect_err(|_| _ = fs.remove(&cache_dir.join(&unnamed)))?;
    fs.sync_dir(cache_dir)
}

impl Spool {
    /// Removes every entry, of dead processes that were taken over too. Returns the ranks of those that were not on their way:
    /// who has the others in hand counts them.
    pub(super) fn remove_all(&mut self) -> Vec<Rank> {
        for id in self.index.held() {
            self.remove(id);
        }
        let mut waiting = Vec::new();
        while let Some(id) = self.index.next() {
            waiting.extend(self.index.get(id).map(|item| item.name.rank));
            self.remove(id);
        }
        // Their first updates are not to come any more.
        self.beginnings.clear();
        waiting
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Duration;

    use sentry_core::{Durability, clock};

    use super::*;
    use crate::spool::Limits;
    use crate::store::Record;

    /// Gone with the test.
    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("sentry-consent-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_last_decision_is_remembered() {
        let dir = Dir::new("remembered");
        assert_eq!(recall(&dir.0), Said::Nothing);
        for given in [true, false, true] {
            remember(&dir.0, given).unwrap();
            assert_eq!(recall(&dir.0), if given { Said::Given } else { Said::Revoked });
        }
        let names: Vec<_> = fs::read_dir(&dir.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [NAME], "nothing else is left");
    }

    #[cfg(unix)]
    #[test]
    fn it_is_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;

        let dir = Dir::new("private");
        remember(&dir.0, false).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir.0), mode(&dir.0.join(NAME))), (0o700, 0o600));
    }

    #[test]
    fn what_is_not_ours_is_no_consent() {
        let dir = Dir::new("ugly");
        fs::create_dir(&dir.0).unwrap();
        let path = dir.0.join(NAME);
        for ugly in [
            "",
            "1",
            "1 given",
            "1 given\n\n",
            "1 GIVEN\n",
            "2 given\n",
            "1 revoked\n1 given\n",
            "\0\0\0\0\0\0\0\0",
        ] {
            fs::write(&path, ugly).unwrap();
            assert_eq!(recall(&dir.0), Said::Unreadable, "{ugly:?}");
        }
        fs::write(&path, vec![b'1'; 1 << 20]).unwrap();
        assert_eq!(recall(&dir.0), Said::Unreadable);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(recall(&dir.0), Said::Unreadable);
        assert!(remember(&dir.0, true).is_err());
        fs::remove_dir(&path).unwrap();
        assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 0, "a failed try leaves nothing");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_neither_followed_nor_written_through() {
        use std::os::unix::fs::symlink;

        let (dir, other) = (Dir::new("link"), Dir::new("linked"));
        remember(&other.0, true).unwrap();
        fs::create_dir(&dir.0).unwrap();
        symlink(other.0.join(NAME), dir.0.join(NAME)).unwrap();
        assert_eq!(recall(&dir.0), Said::Unreadable);
        remember(&dir.0, false).unwrap();
        assert_eq!(recall(&dir.0), Said::Revoked);
        assert_eq!(recall(&other.0), Said::Given, "replaced, not followed");
        let link = Dir::new("link-to-dir");
        symlink(&other.0, &link.0).unwrap();
        assert!(remember(&link.0, false).is_err());
        assert_eq!(recall(&other.0), Said::Given);
        fs::remove_file(&link.0).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_holds_nobody_up() {
        let dir = Dir::new("pipe");
        fs::create_dir(&dir.0).unwrap();
        let made = std::process::Command::new("mkfifo").arg(dir.0.join(NAME)).status();
        if made.is_ok_and(|status| status.success()) {
            assert_eq!(recall(&dir.0), Said::Unreadable);
        }
    }

    #[test]
    fn where_there_is_no_directory_nothing_was_said() {
        let dir = Dir::new("file");
        fs::write(&dir.0, "a file").unwrap();
        assert_eq!(recall(&dir.0), Said::Nothing);
        assert!(remember(&dir.0, true).is_err());
        fs::remove_file(&dir.0).unwrap();
    }

    #[test]
    fn everything_is_removed_and_what_waits_is_told() {
        let dir = Dir::new("all");
        let limits = Limits { items: 100, bytes: 1 << 20, age: Duration::from_secs(3600) };
        let mut spool = Spool::open(&dir.0, &"http://key@localhost/1".parse().unwrap(), limits).unwrap();
        let record = |rank, is_held| Record {
            bytes: b"{}",
            rank,
            event_id: None,
            session: None,
            durability: Durability::Memory,
            is_held,
        };
        for (rank, is_held) in [(Rank::Error, false), (Rank::Log, true), (Rank::Crash, false)] {
            spool.put(record(rank, is_held), clock::now()).unwrap();
        }
        let mut waiting = spool.purge();
        waiting.sort_unstable();
        assert_eq!(waiting, [Rank::Error, Rank::Crash]);
        assert!(super::super::list(&dir.0).unwrap().is_empty());
        assert!(spool.purge().is_empty());
        spool.put(record(Rank::Error, false), clock::now()).unwrap();
        assert!(spool.next(clock::now()).is_some(), "it is as good as new");
    }
}
