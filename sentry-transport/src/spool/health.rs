//! Whether the directory can be written at present.

use std::io;
use std::time::{Duration, SystemTime};

use sentry_core::diagnostics;

/// How long a directory that cannot be written is left alone.
const PAUSE: Duration = Duration::from_secs(60);

/// Well, or not before some time.
#[derive(Debug, Default)]
pub(super) struct Health {
    broken: Option<(SystemTime, io::ErrorKind)>,
}

impl Health {
    /// Whether it may be used. After the pause it may, to find out.
    pub(super) fn check(&self, now: SystemTime) -> io::Result<()> {
        match self.broken {
            // A clock that was set back ends the pause.
            Some((since, kind)) if now.duration_since(since).is_ok_and(|since| since < PAUSE) => {
                Err(kind.into())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn recover(&mut self) {
        if self.broken.take().is_some() {
            diagnostics::debug(|| "the cache directory can be used again".into());
        }
    }

    /// Everything stays in memory for a while. Said once.
    pub(super) fn degrade(&mut self, error: &io::Error, now: SystemTime) {
        self.broken = Some((now, error.kind()));
        diagnostics::warn_once("cache", || {
            format!("the cache directory cannot be used, events stay in memory: {error}")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_place_is_left_alone_for_a_minute_and_no_clock_makes_it_longer() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut health = Health::default();
        assert!(health.check(now).is_ok());
        health.degrade(&io::ErrorKind::StorageFull.into(), now);
        let kind = |now| health.check(now).map_err(|error| error.kind());
        assert_eq!(kind(now), Err(io::ErrorKind::StorageFull));
        assert_eq!(kind(now + PAUSE / 2), Err(io::ErrorKind::StorageFull));
        assert_eq!(kind(now + PAUSE), Ok(()));
        assert_eq!(kind(now - PAUSE), Ok(()));
        health.recover();
        assert!(health.check(now).is_ok());
    }
}
