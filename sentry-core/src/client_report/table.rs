//! One counter for every pair of reason and category.

use std::array;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use super::counter::Counter;
use super::protocol::{Category, Item, Reason};
use crate::types::IndexedEnum;

/// Counts without a lock: recording a loss must be cheap exactly when there are many.
pub(super) struct Table([[Counter; Category::COUNT]; Reason::COUNT]);

impl Table {
    #[inline]
    pub(super) fn add(&self, reason: Reason, category: Category, quantity: u64) {
        self.0[reason.as_index()][category.as_index()].add(quantity, Relaxed);
    }

    /// What is not zero.
    pub(super) fn items(&self) -> Vec<Item> {
        self.collect(usize::MAX, |counter| counter.get(Relaxed)).0
    }

    /// Takes at most `limit` of what is not zero; tells whether something is left.
    pub(super) fn take(&self, limit: usize) -> (Vec<Item>, bool) {
        self.collect(limit, |counter| counter.take(Relaxed))
    }

    fn collect(&self, limit: usize, read: impl Fn(&Counter) -> u64) -> (Vec<Item>, bool) {
        let mut items = Vec::new();
        for (reason, row) in Reason::VARIANTS.iter().zip(&self.0) {
            for (category, counter) in Category::VARIANTS.iter().zip(row) {
                if items.len() == limit {
                    return (items, true);
                }
                let quantity = read(counter);
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
        Self(array::from_fn(|_| array::from_fn(|_| Counter::default())))
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}
