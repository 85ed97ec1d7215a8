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
    /// How many errors have been decided on. Times would not do to tell which kind came last: many come at one time.
    decided: u64,
}

#[derive(Debug)]
struct Kind {
    bucket: Bucket,
    suppressed: u64,
    /// Its last one, of all that have been decided on.
    seen: u64,
}

impl Flood {
    pub(crate) fn new(options: FloodControl) -> Self {
        Self {
            options,
            kinds: HashMap::new(),
            minute: Window::new(Duration::from_secs(60)),
            day: Window::new(Duration::from_secs(86_400)),
            forgotten: 0,
            decided: 0,
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
        self.decided += 1;
        let fresh = || Kind { bucket: Bucket::full(burst, now), suppressed: 0, seen: 0 };
        let kind = self.kinds.entry(key).or_insert_with(fresh);
        kind.seen = self.decided;
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
        let mut seen: Vec<u64> = self.kinds.values().map(|kind| kind.seen).collect();
        let limit = *seen.select_nth_unstable(MAX_KINDS / 8 - 1).1;
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
    fn the_kind_that_came_last_is_remembered_though_all_come_at_one_time() {
        let now = start();
        let mut flood = Flood::new(FloodControl { burst: 1, per_minute: 0, ..FloodControl::default() });
        flood.admit(0, now);
        for key in 1..20_000u64 {
            flood.admit(key, now);
            if key.is_multiple_of(100) {
                assert_eq!(flood.admit(0, now), Verdict::Suppress, "{key}");
            }
            assert!(flood.kinds.len() <= MAX_KINDS && flood.kinds.len() as u64 > key.min(3_500));
        }
    }

    #[test]
    fn whatever_comes_what_is_held_back_is_told_or_known() {
        let mut seed = 11u64;
        let mut random = move |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        let options =
            FloodControl { burst: 3, per_minute: 30, max_per_minute: Some(900), ..FloodControl::default() };
        let mut flood = Flood::new(options);
        let (mut now, mut held, mut told) = (start(), 0, 0);
        for _ in 0..200_000 {
            now += Duration::from_millis(random(20));
            // A few kinds that flood, and ever new ones.
            let key = if random(3) > 0 { random(8) } else { 8 + random(20_000) };
            match flood.admit(key, now) {
                Verdict::Pass { suppressed } => told += suppressed,
                Verdict::Suppress => held += 1,
            }
        }
        let known: u64 = flood.kinds.values().map(|kind| kind.suppressed).sum();
        assert!(told > 0 && held > 100_000);
        assert_eq!(told + known + flood.forgotten, held);
    }

    #[test]
    fn off_is_off() {
        let mut flood = Flood::new(FloodControl { burst: 0, ..FloodControl::off() });
        assert!(!flood.is_on());
        assert_eq!(flood.admit(1, start()), Verdict::Pass { suppressed: 0 });
    }
}
