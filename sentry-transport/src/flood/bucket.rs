//! Token buckets that are filled by the whole.

use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

/// So many at once, and so many more per minute from when it ran dry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    tokens: u32,
    /// When the last token came in; a full bucket gets none.
    filled: Instant,
}

impl Bucket {
    pub(super) fn full(burst: u32, now: Instant) -> Self {
        Self { tokens: burst, filled: now }
    }

    /// Takes a token if there is one.
    pub(super) fn take(&mut self, burst: u32, per_minute: u32, now: Instant) -> bool {
        self.fill(burst, per_minute, now);
        let Some(left) = self.tokens.checked_sub(1) else { return false };
        if self.tokens == burst {
            // The time it was full for does not count.
            self.filled = now;
        }
        self.tokens = left;
        true
    }

    fn fill(&mut self, burst: u32, per_minute: u32, now: Instant) {
        if per_minute == 0 || self.tokens >= burst {
            return;
        }
        let interval = MINUTE / per_minute;
        let waited = now.saturating_duration_since(self.filled);
        let came = waited.as_nanos() / interval.as_nanos().max(1);
        let came = u32::try_from(came).unwrap_or(u32::MAX).min(burst - self.tokens);
        if came > 0 {
            self.tokens += came;
            self.filled += interval * came;
        }
    }
}

/// So many in a window of fixed length, which begins with the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    length: Duration,
    began: Option<Instant>,
    count: u32,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, began: None, count: 0 }
    }

    /// Whether one more fits.
    pub(super) fn has_room(&mut self, max: Option<u32>, now: Instant) -> bool {
        let Some(max) = max else { return true };
        if self.began.is_none_or(|began| now.saturating_duration_since(began) >= self.length) {
            (self.began, self.count) = (Some(now), 0);
        }
        self.count < max
    }

    pub(super) fn count(&mut self) {
        self.count = self.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(bucket: &mut Bucket, tries: usize, now: Instant) -> usize {
        (0..tries).filter(|_| bucket.take(1_000, 60, now)).count()
    }

    #[test]
    fn a_burst_then_one_a_second() {
        let start = sentry_core::clock::instant();
        let mut bucket = Bucket::full(1_000, start);
        assert_eq!(passed(&mut bucket, 10_000, start + Duration::from_millis(500)), 1_000);
        assert_eq!(passed(&mut bucket, 100, start + Duration::from_millis(1_499)), 0);
        assert_eq!(passed(&mut bucket, 100, start + Duration::from_millis(1_500)), 1);
        assert_eq!(passed(&mut bucket, 100, start + Duration::from_millis(61_500)), 60);
    }

    #[test]
    fn a_quiet_hour_fills_it_and_no_more_than_that() {
        let start = sentry_core::clock::instant();
        let mut bucket = Bucket::full(1_000, start);
        passed(&mut bucket, 1_000, start);
        assert_eq!(passed(&mut bucket, 10_000, start + Duration::from_secs(3_600)), 1_000);
    }

    #[test]
    fn a_rate_of_nothing_is_a_burst_and_no_more() {
        let start = sentry_core::clock::instant();
        let mut bucket = Bucket::full(2, start);
        let later = start + Duration::from_secs(86_400);
        assert!(bucket.take(2, 0, start) && bucket.take(2, 0, later));
        assert!(!bucket.take(2, 0, later));
    }

    #[test]
    fn a_window_begins_with_its_first() {
        let start = sentry_core::clock::instant();
        let mut window = Window::new(MINUTE);
        for _ in 0..3 {
            assert!(window.has_room(Some(3), start));
            window.count();
        }
        assert!(!window.has_room(Some(3), start + Duration::from_secs(59)));
        assert!(window.has_room(Some(3), start + MINUTE));
        assert!(window.has_room(None, start));
    }
}
