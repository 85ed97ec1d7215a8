//! How many requests are under way at once.
//!
//! By Little's law a rate times a latency is what is under way. A server around the corner gets few connections; one
//! that is far away gets as many as it takes to keep up the rate.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Requests a second that a burst shall leave with.
const RATE: f64 = 1_400.0;

/// Even a server that answers at once: encoding one request goes on while others are on the wire. Measured: 16 give a
/// sixth more than 8, twice as many hardly more.
const LEAST: usize = 16;

/// As many connections as a server is asked to hold for one process.
pub(crate) const MOST: usize = 72;

/// What a latency above the estimate counts. The least latency is the way there and back; what comes on top of it is
/// the queue that we make ourselves, and must not make it longer.
const WEIGHT: f64 = 0.02;

/// The width of the way out.
#[derive(Debug)]
pub(super) struct Width {
    fixed: Option<usize>,
    /// Seconds.
    latency: f64,
}

impl Width {
    /// `fixed`: what the application has asked for.
    pub(super) fn new(fixed: Option<NonZeroUsize>) -> Self {
        Self { fixed: fixed.map(NonZeroUsize::get), latency: 0.0 }
    }

    /// A request was answered after `latency`.
    pub(super) fn answered(&mut self, latency: Duration) {
        let latency = latency.as_secs_f64();
        let is_less = self.latency == 0.0 || latency < self.latency;
        self.latency += (latency - self.latency) * if is_less { 1.0 } else { WEIGHT };
    }

    /// How many requests may be under way.
    pub(super) fn get(&self) -> usize {
        self.fixed.unwrap_or_else(|| ((self.latency * RATE).ceil() as usize).clamp(LEAST, MOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(latency: Duration) -> usize {
        let mut width = Width::new(None);
        (0..100).for_each(|_| width.answered(latency));
        width.get()
    }

    #[test]
    fn the_width_grows_with_the_latency_between_its_bounds() {
        assert_eq!(Width::new(None).get(), LEAST);
        assert_eq!(after(Duration::from_micros(300)), LEAST);
        assert_eq!(after(Duration::from_millis(20)), 28);
        assert_eq!(after(Duration::from_millis(50)), 70);
        assert_eq!(after(Duration::from_secs(60)), MOST);
    }

    #[test]
    fn one_slow_answer_does_not_open_the_gates() {
        let mut width = Width::new(None);
        (0..100).for_each(|_| width.answered(Duration::from_millis(2)));
        width.answered(Duration::from_millis(200));
        assert!(width.get() <= 2 * LEAST);
    }

    #[test]
    fn a_width_that_was_asked_for_stays() {
        let mut width = Width::new(NonZeroUsize::new(3));
        width.answered(Duration::from_secs(1));
        assert_eq!(width.get(), 3);
    }
}
