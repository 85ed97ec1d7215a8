//! A counter without a lock.

#[cfg(target_has_atomic = "64")]
use std::sync::atomic::AtomicU64 as Atomic;
#[cfg(not(target_has_atomic = "64"))]
use std::sync::atomic::AtomicUsize as Atomic;
use std::sync::atomic::Ordering;

/// Counts with one atomic instruction. Where 64-bit atomics are missing it is narrower, which is no matter for counts.
#[derive(Debug, Default)]
pub(super) struct Counter(Atomic);

impl Counter {
    #[inline]
    pub(super) fn add(&self, quantity: u64, order: Ordering) {
        self.0.fetch_add(quantity as _, order);
    }

    pub(super) fn subtract(&self, quantity: u64, order: Ordering) {
        self.0.fetch_sub(quantity as _, order);
    }

    #[inline]
    pub(super) fn get(&self, order: Ordering) -> u64 {
        widen(self.0.load(order))
    }

    /// Makes it at least `quantity`. Returns what it was.
    pub(super) fn raise(&self, quantity: u64, order: Ordering) -> u64 {
        widen(self.0.fetch_max(quantity as _, order))
    }

    /// Takes what was counted so far.
    #[inline]
    pub(super) fn take(&self, order: Ordering) -> u64 {
        widen(self.0.swap(0, order))
    }
}

fn widen<N: TryInto<u64>>(count: N) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}
