//! Back-pressure: the transport says how it fares, samplers of traces listen. Protocol.md 19.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

/// How often the rates of traces are halved while the transport cannot keep up.
#[derive(Debug, Default)]
pub(super) struct Health(AtomicU32);

/// At most so often: a thousandth of the rate is little enough.
const MAX_FACTOR: u32 = 10;

impl Health {
    /// One look at the transport. A bad one halves the rates once more, a good one restores them at once. Whether that made
    /// a difference.
    pub(super) fn looked_at(&self, unhealthy: bool) -> bool {
        // Only the transport writes, from one thread at a time.
        let factor = if unhealthy { (self.factor() + 1).min(MAX_FACTOR) } else { 0 };
        self.0.swap(factor, Relaxed) != factor
    }

    #[inline]
    pub(super) fn factor(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_look_halves_once_more_and_one_good_look_restores() {
        let health = Health::default();
        let mut seen = Vec::new();
        for unhealthy in [false, true, true, false, true] {
            health.looked_at(unhealthy);
            seen.push(health.factor());
        }
        assert_eq!(seen, [0, 1, 2, 0, 1]);
        (0..100).for_each(|_| _ = health.looked_at(true));
        assert_eq!(health.factor(), MAX_FACTOR);
    }
}
