//! The rules that were learned: a table of fixed size that any thread reads and writes at any time.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::rule::Rule;

/// All rules of this process.
pub(super) static KNOWN: Known = Known([const { Row([const { Slot::new() }; WAYS]) }; ROWS]);

/// 4,096 rules in 64 KB, which cost nothing until they are written.
const ROWS: usize = 1_024;
const WAYS: usize = 4;

/// Return addresses in one of so many rows, of a cache line each.
pub(super) struct Known([Row; ROWS]);

#[repr(align(64))]
struct Row([Slot; WAYS]);

/// A rule, and its key combined with the rule: should two threads write at once, what a third one reads of both does not
/// belong together, and so has no key.
struct Slot {
    rule: AtomicU64,
    check: AtomicU64,
}

impl Known {
    /// The rule of a return address in the object with this stamp.
    #[inline]
    pub(super) fn find(&self, address: usize, stamp: u64) -> Option<Rule> {
        let key = address as u64 ^ stamp;
        self.0[row(key)].0.iter().find_map(|slot| slot.get(key))
    }

    /// Puts a rule first in its row. The last one of the row is forgotten.
    pub(super) fn insert(&self, address: usize, stamp: u64, rule: Rule) {
        let key = address as u64 ^ stamp;
        let slots = &self.0[row(key)].0;
        for pair in slots.windows(2).rev() {
            let rule = pair[0].rule.load(Relaxed);
            pair[1].set(pair[0].check.load(Relaxed) ^ rule, rule);
        }
        slots[0].set(key, rule.bits());
    }
}

impl Slot {
    const fn new() -> Self {
        Self { rule: AtomicU64::new(0), check: AtomicU64::new(0) }
    }

    #[inline]
    fn get(&self, key: u64) -> Option<Rule> {
        let rule = self.rule.load(Relaxed);
        (rule != 0 && self.check.load(Relaxed) ^ rule == key).then(|| Rule::from_bits(rule))
    }

    fn set(&self, key: u64, rule: u64) {
        self.rule.store(rule, Relaxed);
        self.check.store(key ^ rule, Relaxed);
    }
}

#[inline]
fn row(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize % ROWS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_last_is_found_and_the_table_is_bounded() {
        static TABLE: Known = Known([const { Row([const { Slot::new() }; WAYS]) }; ROWS]);
        for address in 1..100_000 {
            let rule = Rule::frame(false, address as i64, None);
            TABLE.insert(address, 7, rule);
            assert_eq!(TABLE.find(address, 7), Some(rule));
            assert_eq!(TABLE.find(address, 8 << 40), None, "another object lies there");
        }
        let left = (1..100_000).filter(|address| TABLE.find(*address, 7).is_some()).count();
        assert!((2_000..=ROWS * WAYS).contains(&left), "{left}");
    }

    #[test]
    fn threads_that_write_at_once_make_no_wrong_rules() {
        static TABLE: Known = Known([const { Row([const { Slot::new() }; WAYS]) }; ROWS]);
        let rule = |address: usize| Rule::frame(false, (address * 8) as i64, None);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..20_000 {
                        let address = round % 97 + 1;
                        TABLE.insert(address, 0, rule(address));
                        let found = TABLE.find(address, 0);
                        assert!(found.is_none_or(|found| found == rule(address)));
                    }
                });
            }
        });
    }
}
