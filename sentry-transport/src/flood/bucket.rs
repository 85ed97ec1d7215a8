//! Token buckets that are filled by the whole.

use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

/// So many at once, and so many more per minute from when it ran dry.
///
/// A burst takes as long as the network lets it, and what comes in meanwhile must not make a burst of a thousand a
/// thousand and one. So nothing comes in by the piece before the bucket is dry: until then it comes by the minute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    tokens: u32,
    /// When the last token came in; a full bucket gets none.
    filled: Instant,
    /// Whether it ran dry since it was full.
    is_dry: bool,
}

impl Bucket {
    pub(super) fn full(burst: u32, now: Instant) -> Self {
        Self { tokens: burst, filled: now, is_dry: false }
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
        if left == 0 && !self.is_dry {
            (self.is_dry, self.filled) = (true, now);
        }
        true
    }

    fn fill(&mut self, burst: u32, per_minute: u32, now: Instant) {
        if per_minute == 0 || self.tokens >= burst {
            return;
        }
        let (interval, at_once) = if self.is_dry { (MINUTE / per_minute, 1) } else { (MINUTE, per_minute) };
        let waited = now.saturating_duration_since(self.filled);
        let times = waited.as_nanos() / interval.as_nanos().max(1);
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(times.saturating_mul(at_once)).min(burst);
        self.filled += interval * times;
        if self.tokens == burst {
            self.is_dry = false;
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

    /// Xorshift: the same numbers every time.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % limit
        }
    }

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
    fn a_burst_that_a_slow_network_draws_out_is_no_larger() {
        let start = sentry_core::clock::instant();
        for seconds in [0, 1, 7, 30, 59] {
            let mut bucket = Bucket::full(1_000, start);
            let at = |index: u32| start + Duration::from_secs(seconds) * index / 1_000;
            let burst = (0..1_000).filter(|index| bucket.take(1_000, 60, at(*index))).count();
            let last = at(999);
            assert_eq!(burst + passed(&mut bucket, 9_000, last + Duration::from_millis(900)), 1_000);
            assert_eq!(passed(&mut bucket, 100, last + Duration::from_secs(1)), 1);
        }
    }

    #[test]
    fn the_second_burst_is_as_exact_as_the_first() {
        let mut start = sentry_core::clock::instant();
        let mut bucket = Bucket::full(1_000, start);
        for _ in 0..3 {
            let at = |index: u32| start + Duration::from_secs(30) * index / 1_000;
            assert_eq!((0..1_010).filter(|index| bucket.take(1_000, 60, at(*index))).count(), 1_000);
            start += Duration::from_secs(3_600);
        }
    }

    #[test]
    fn a_dry_bucket_gives_the_whole_rate_however_it_is_asked() {
        let start = sentry_core::clock::instant();
        let mut bucket = Bucket::full(10, start);
        (0..10).for_each(|_| _ = bucket.take(10, 60, start));
        let asked = |index| start + Duration::from_millis(700) * index;
        let passed = (1..=1_000).filter(|index| bucket.take(10, 60, asked(*index))).count();
        assert!((699..=700).contains(&passed), "{passed}");
    }

    #[test]
    fn what_comes_no_faster_than_the_rate_passes_for_ever() {
        let start = sentry_core::clock::instant();
        let mut bucket = Bucket::full(1_000, start);
        let mut random = Random(7);
        let mut now = start;
        for _ in 0..100_000 {
            // 54 a minute on average, in bursts and pauses.
            now += Duration::from_millis(random.below(2_223));
            assert!(bucket.take(1_000, 60, now));
        }
    }

    #[test]
    fn never_more_than_the_burst_and_the_rate_and_never_less_than_the_rate() {
        for seed in 1..200 {
            let mut random = Random(seed);
            let start = sentry_core::clock::instant();
            let burst = random.below(50) as u32 + 1;
            let per_minute = random.below(200) as u32 + 1;
            let pause = random.below(3_000) + 1;
            let mut bucket = Bucket::full(burst, start);
            let (mut now, mut passed) = (start, 0u64);
            for _ in 0..2_000 {
                now += Duration::from_millis(random.below(pause));
                passed += u64::from(bucket.take(burst, per_minute, now));
                let most =
                    u64::from(burst) + u64::from(per_minute) * (now - start).as_millis() as u64 / 60_000;
                assert!(passed <= most + 1, "seed {seed}: {passed} of {most}");
            }
            // A flood at the end of it: one for every full interval, once what is left is gone.
            (0..burst).for_each(|_| _ = bucket.take(burst, per_minute, now));
            let minute =
                (1..=60_000).filter(|ms| bucket.take(burst, per_minute, now + Duration::from_millis(*ms)));
            let minute = minute.count() as u64;
            assert!(minute.abs_diff(u64::from(per_minute)) <= 2, "seed {seed}: {minute} of {per_minute}");
        }
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
