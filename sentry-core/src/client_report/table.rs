//! One counter for every pair of reason and category.

use std::array;
use std::fmt;
#[cfg(target_has_atomic = "64")]
use std::sync::atomic::AtomicU64 as Counter;
#[cfg(not(target_has_atomic = "64"))]
use std::sync::atomic::AtomicUsize as Counter;
use std::sync::atomic::Ordering::Relaxed;

use super::protocol::{Category, Item, Reason};
use crate::types::IndexedEnum;

/// Counts without a lock: recording a loss must be cheap exactly when there are many.
pub(super) struct Table([[Counter; Category::COUNT]; Reason::COUNT]);

impl Table {
    pub(super) fn add(&self, reason: Reason, category: Category, quantity: u64) {
        // Where 64-bit atomics are missing the counters are narrower, which is no matter for a count of losses.
        self.0[reason.as_index()][category.as_index()].fetch_add(quantity as _, Relaxed);
    }

    /// What is not zero.
    pub(super) fn items(&self) -> Vec<Item> {
        self.collect(usize::MAX, |counter| counter.load(Relaxed)).0
    }

    /// Takes at most `limit` of what is not zero; tells whether something is left.
    pub(super) fn take(&self, limit: usize) -> (Vec<Item>, bool) {
        self.collect(limit, |counter| counter.swap(0, Relaxed))
    }

    fn collect<N: TryInto<u64>>(&self, limit: usize, read: impl Fn(&Counter) -> N) -> (Vec<Item>, bool) {
        let mut items = Vec::new();
        for (reason, row) in Reason::VARIANTS.iter().zip(&self.0) {
            for (category, counter) in Category::VARIANTS.iter().zip(row) {
                if items.len() == limit {
                    return (items, true);
                }
                let quantity = read(counter).try_into().unwrap_or(u64::MAX);
                if quantity > 0 {
                    items.push(Item::new(*category, *reason, quantity));
                }
            }
        }
        (items, false)
    }
}

impl Default for Table {
    fn default() -> Self {
        Self(array::from_fn(|_| array::from_fn(|_| Counter::new(0))))
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}
