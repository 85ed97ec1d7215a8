//! How many requests are under way at once.
//!
//! By Little's law a rate times a latency is what is under way. A server around the corner gets few connections; one
//! that is far away gets as many as it takes to keep up the rate.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Requests a second that a burst shall leave with.
const RATE: f64 = 1_400.0;

/// Even a server that answers at once: encoding one request goes on while others are on the wire. Measured: 16 give a
/// sixth more than 8, twice as many hardly more.
const LEAST: usize = 16;

/// As many connections as a server is asked to hold for one process.
pub(crate) const MOST: usize = 72;

/// How long the least latency is believed. Then the way is narrow again until it has been measured anew.
const PERIOD: Duration = Duration::from_secs(10);

/// An answer that takes so many times the least latency has waited in a queue.
const QUEUED: u32 = 2;

/// It opens by one after so many answers. What that leads to is seen one way there and back later only.
const STEP: usize = 2;

/// The width of the way out.
///
/// The least latency of the last seconds is the way there and back. What comes on top of it is a queue that we make
/// ourselves, in the server or on a machine that is busy, and more requests would only make that longer.
#[derive(Debug)]
pub(super) struct Width {
    fixed: Option<usize>,
    /// How many requests may be under way now.
    open: usize,
    least: Duration,
    /// Answers to come before the least latency is believed: to what was under way when the period began, and to the
    /// first requests after it.
    unsure: usize,
    period_ends: Option<Instant>,
    /// Answers since the last step.
    steady: usize,
}

impl Width {
    /// `fixed`: what the application has asked for.
    pub(super) fn new(fixed: Option<NonZeroUsize>) -> Self {
        Self {
            fixed: fixed.map(NonZeroUsize::get),
            open: LEAST,
            least: Duration::MAX,
            unsure: LEAST,
            period_ends: None,
            steady: 0,
        }
    }

    /// A request was answered at `now`, after `latency`.
    pub(super) fn answered(&mut self, latency: Duration, now: Instant) {
        if self.period_ends.is_none_or(|end| end <= now) {
            self.unsure = LEAST + self.period_ends.map_or(0, |_| self.open);
            (self.open, self.least, self.period_ends) = (LEAST, Duration::MAX, now.checked_add(PERIOD));
        }
        self.least = self.least.min(latency);
        if self.unsure > 0 {
            self.unsure -= 1;
        } else if latency > self.least.saturating_mul(QUEUED) {
            self.open = (self.open - 1).max(LEAST);
        } else {
            self.steady = (self.steady + 1) % STEP;
            self.open = self.wanted().min(self.open + usize::from(self.steady == 0));
        }
    }

    /// How many requests may be under way.
    pub(super) fn get(&self) -> usize {
        self.fixed.unwrap_or(self.open)
    }

    fn wanted(&self) -> usize {
        ((self.least.as_secs_f64() * RATE).ceil() as usize).clamp(LEAST, MOST)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use sentry_core::clock;

    use super::*;

    /// A server that a request takes `way` to reach and to come back from, and that handles one after the other.
    struct Server {
        way: Duration,
        each: Duration,
    }

    /// What a burst of so many seconds came to.
    struct Burst {
        rate: f64,
        widest: usize,
    }

    impl Server {
        fn burst(&self, width: &mut Width, seconds: u64) -> Burst {
            let start = clock::instant();
            let end = start + Duration::from_secs(seconds);
            let (mut now, mut free_at, mut answers, mut widest) = (start, start, 0, 0);
            let mut under_way = VecDeque::new();
            while now < end {
                while under_way.len() < width.get() {
                    free_at = free_at.max(now + self.way / 2) + self.each;
                    under_way.push_back((now, free_at + self.way / 2));
                }
                widest = widest.max(under_way.len());
                let Some((started, answered)) = under_way.pop_front() else { break };
                now = answered;
                answers += 1;
                width.answered(now - started, now);
            }
            Burst { rate: f64::from(answers) / seconds as f64, widest }
        }
    }

    fn burst(way: Duration, each: Duration, seconds: u64) -> Burst {
        Server { way, each }.burst(&mut Width::new(None), seconds)
    }

    const MS: Duration = Duration::from_millis(1);
    const US: Duration = Duration::from_micros(1);

    #[test]
    fn the_width_grows_with_the_way_between_its_bounds() {
        assert_eq!(Width::new(None).get(), LEAST);
        for (way, widest) in [(300 * US, LEAST), (20 * MS, 29), (50 * MS, 71), (60_000 * MS, LEAST)] {
            // Of the longest way nothing comes back in time.
            assert_eq!(burst(way, 100 * US, 8).widest, widest, "{way:?}");
        }
        assert_eq!(burst(200 * MS, 100 * US, 8).widest, MOST);
    }

    #[test]
    fn a_long_way_costs_little_of_the_rate() {
        let rate = burst(50 * MS, US, 7).rate;
        assert!(rate > 0.95 * RATE, "{rate}");
        // With what it costs to measure anew.
        let rate = burst(50 * MS, US, 60).rate;
        assert!(rate > 0.95 * RATE, "{rate}");
    }

    #[test]
    fn a_queue_that_we_make_ourselves_does_not_widen_the_way() {
        // A busy machine, a server with one thread: 700/s, 100/s.
        for each in [1_400 * US, 10 * MS] {
            let widest = burst(MS, each, 60).widest;
            // That a step went too far is seen one way there and back later.
            assert!(widest <= 3 * LEAST + 1, "{each:?}: {widest}");
        }
    }

    #[test]
    fn a_way_that_has_changed_is_measured_anew() {
        let mut width = Width::new(None);
        assert_eq!(Server { way: 50 * MS, each: US }.burst(&mut width, 8).widest, 71);
        let near = Server { way: MS, each: US };
        near.burst(&mut width, 1);
        assert_eq!(width.get(), LEAST);
        near.burst(&mut width, 10);
        let far = Server { way: 50 * MS, each: US }.burst(&mut width, 20);
        assert_eq!(far.widest, 71);
    }

    #[test]
    fn one_slow_answer_does_not_open_the_gates() {
        let mut width = Width::new(None);
        let now = clock::instant();
        (0..100).for_each(|_| width.answered(2 * MS, now));
        width.answered(200 * MS, now);
        assert_eq!(width.get(), LEAST);
    }

    #[test]
    fn a_width_that_was_asked_for_stays() {
        let mut width = Width::new(NonZeroUsize::new(3));
        (0..100).for_each(|_| width.answered(1_000 * MS, clock::instant()));
        assert_eq!(width.get(), 3);
    }
}
