//! Which errors pass.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sentry_core::options::FloodControl;

use super::bucket::{Bucket, Window};

/// Kinds of errors that are told apart. Beyond this the one that was quiet for longest is forgotten.
const MAX_KINDS: usize = 4_096;

/// Whether an error may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may, and has to say how many of its kind did not.
    Pass {
        /// Since the last one that did.
        suppressed: u64,
    },
    /// It may not.
    Suppress,
}

/// What has passed so far.
#[derive(Debug)]
pub(crate) struct Flood {
    options: FloodControl,
    kinds: HashMap<u64, Kind>,
    minute: Window,
    day: Window,
    /// Held back of kinds that are forgotten: the next error of any kind says so.
    forgotten: u64,
}

#[derive(Debug)]
struct Kind {
    bucket: Bucket,
    suppressed: u64,
    seen: Instant,
}

impl Flood {
    pub(crate) fn new(options: FloodControl) -> Self {
        Self {
            options,
            kinds: HashMap::new(),
            minute: Window::new(Duration::from_secs(60)),
            day: Window::new(Duration::from_secs(86_400)),
            forgotten: 0,
        }
    }

    /// Whether there is anything to decide.
    pub(crate) fn is_on(&self) -> bool {
        self.options.enabled
    }

    /// Decides on an error of the kind `key`.
    pub(crate) fn admit(&mut self, key: u64, now: Instant) -> Verdict {
        let FloodControl { enabled, burst, per_minute, max_per_minute, max_per_day } = self.options;
        if !enabled {
            return Verdict::Pass { suppressed: 0 };
        }
        if self.kinds.len() >= MAX_KINDS && !self.kinds.contains_key(&key) {
            self.forget_the_quietest();
        }
        let fresh = || Kind { bucket: Bucket::full(burst, now), suppressed: 0, seen: now };
        let kind = self.kinds.entry(key).or_insert_with(fresh);
        kind.seen = now;
        let has_room = self.minute.has_room(max_per_minute, now) && self.day.has_room(max_per_day, now);
        if !has_room || !kind.bucket.take(burst, per_minute, now) {
            kind.suppressed += 1;
            return Verdict::Suppress;
        }
        self.minute.count();
        self.day.count();
        let suppressed = std::mem::take(&mut kind.suppressed) + std::mem::take(&mut self.forgotten);
        Verdict::Pass { suppressed }
    }

    /// An eighth at once, so that a stream of ever new kinds does not search for each.
    fn forget_the_quietest(&mut self) {
        let mut seen: Vec<Instant> = self.kinds.values().map(|kind| kind.seen).collect();
        let (_, limit, _) = seen.select_nth_unstable(MAX_KINDS / 8);
        let limit = *limit;
        let forgotten = &mut self.forgotten;
        self.kinds.retain(|_, kind| {
            if kind.seen <= limit {
                *forgotten += kind.suppressed;
            }
            kind.seen > limit
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        sentry_core::clock::instant()
    }

    #[test]
    fn ten_thousand_identical_errors_are_a_thousand_and_the_rest_is_told() {
        let now = start();
        let mut flood = Flood::new(FloodControl::default());
        let passes = (0..10_000u64).filter(|n| {
            flood.admit(1, now + Duration::from_micros(50 * n)) == Verdict::Pass { suppressed: 0 }
        });
        assert_eq!(passes.count(), 1_000);
        assert_eq!(flood.admit(2, now), Verdict::Pass { suppressed: 0 });
        let later = now + Duration::from_secs(2);
        assert_eq!(flood.admit(1, later), Verdict::Pass { suppressed: 9_000 });
    }

    #[test]
    fn ceilings_hold_for_all_kinds_together() {
        let now = start();
        let options =
            FloodControl { max_per_minute: Some(10), max_per_day: Some(15), ..FloodControl::default() };
        let mut flood = Flood::new(options);
        let mut passes = |now| (0..100).filter(|key| flood.admit(*key, now) != Verdict::Suppress).count();
        assert_eq!(passes(now), 10);
        assert_eq!(passes(now + Duration::from_secs(60)), 5);
        assert_eq!(passes(now + Duration::from_secs(120)), 0);
        assert_eq!(passes(now + Duration::from_secs(86_400)), 10);
    }

    #[test]
    fn what_is_forgotten_is_told_by_the_next_error() {
        let now = start();
        let mut flood = Flood::new(FloodControl { burst: 1, per_minute: 0, ..FloodControl::default() });
        flood.admit(0, now);
        (0..5).for_each(|_| assert_eq!(flood.admit(0, now), Verdict::Suppress));
        let told: u64 = (1..20_000u64)
            .map(|key| match flood.admit(key, now + Duration::from_millis(key)) {
                Verdict::Pass { suppressed } => suppressed,
                Verdict::Suppress => 0,
            })
            .sum();
        assert_eq!(told, 5);
        assert!(flood.kinds.len() <= MAX_KINDS);
    }

    #[test]
    fn off_is_off() {
        let mut flood = Flood::new(FloodControl { burst: 0, ..FloodControl::off() });
        assert!(!flood.is_on());
        assert_eq!(flood.admit(1, start()), Verdict::Pass { suppressed: 0 });
    }
}
