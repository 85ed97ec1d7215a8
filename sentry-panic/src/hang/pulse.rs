//! What the watched and the watchdog share: one byte.

use std::sync::atomic::{AtomicU8, Ordering};

/// The byte. Written by the watched at any time, and taken by the watchdog once in a while.
#[derive(Debug)]
pub(super) struct Pulse(AtomicU8);

/// What the watchdog finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It has answered since the watchdog looked last.
    Beat,
    /// It is not there any more.
    Gone,
    /// It waits for work, and need not answer.
    Idle,
    /// Nothing has happened.
    Silent,
}

const SILENT: u8 = 0;
const BEAT: u8 = 1;
const IDLE: u8 = 2;
const GONE: u8 = 3;

// Nothing else is published by these stores, so `Relaxed` is enough for all of them.
impl Pulse {
    /// One that has just answered.
    pub(super) const fn new() -> Self {
        Self(AtomicU8::new(BEAT))
    }

    #[inline]
    pub(super) fn beat(&self) {
        self.0.store(BEAT, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        self.0.store(GONE, Ordering::Relaxed);
    }

    /// From now on an answer is waited for.
    pub(super) fn ask(&self) {
        self.0.store(SILENT, Ordering::Relaxed);
    }

    pub(super) fn is_silent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == SILENT
    }

    /// What has happened since the last call.
    pub(super) fn take(&self) -> Sign {
        // What is written between the two is seen the next time.
        match self.0.compare_exchange(BEAT, SILENT, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Sign::Beat,
            Err(IDLE) => Sign::Idle,
            Err(GONE) => Sign::Gone,
            Err(_) => Sign::Silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_is_seen_once_and_the_rest_stays() {
        let pulse = Pulse::new();
        assert_eq!([pulse.take(), pulse.take()], [Sign::Beat, Sign::Silent]);
        pulse.beat();
        assert!(!pulse.is_silent());
        assert_eq!([pulse.take(), pulse.take()], [Sign::Beat, Sign::Silent]);
        pulse.idle();
        assert_eq!([pulse.take(), pulse.take()], [Sign::Idle, Sign::Idle]);
        pulse.ask();
        assert!(pulse.is_silent());
        pulse.leave();
        assert_eq!([pulse.take(), pulse.take()], [Sign::Gone, Sign::Gone]);
    }
}
