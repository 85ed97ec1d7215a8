//! Our span for one of `tracing`, and a quick answer for those that have none.
//!
//! Where only some traces are sampled most spans are not followed, and they are entered and left as often as the others. To
//! look one up takes longer than all the rest. So there is a table by the hash of the id: it counts what is followed, and has
//! a place for a root that is not recorded, which therefore needs nothing else. A root that finds the place taken is followed
//! as those are that are recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sentry_core::__spans::UnsampledRoot;
use sentry_core::TransactionOrSpan;
use tracing_core::span::Id;

/// A power of two.
const SLOTS: usize = 1024;

static TABLE: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// What is known of the spans whose ids have one hash.
pub(super) struct Slot {
    /// How many of them are followed.
    followed: AtomicU32,
    /// The registry of the root in the place: ids are unique within one only.
    home: AtomicU32,
    root: UnsampledRoot,
}

impl Slot {
    const fn new() -> Self {
        Self { followed: AtomicU32::new(0), home: AtomicU32::new(0), root: UnsampledRoot::new() }
    }

    /// That of the span. `false` answers about it are certain: who knows an id has it from the thread that began the span.
    #[inline]
    pub(super) fn of(id: &Id) -> &'static Self {
        // Ids differ in their lowest bits, and in higher ones from thread to thread and from use to use.
        let hash = id.into_u64().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SLOTS.ilog2());
        &TABLE[hash as usize % SLOTS]
    }

    /// Whether a span may be followed.
    #[inline]
    pub(super) fn may_be_followed(&self) -> bool {
        self.followed.load(Ordering::Relaxed) != 0
    }

    /// The place, if it is that of the span.
    #[inline]
    pub(super) fn root(&'static self, id: &Id, home: u32) -> Option<&'static UnsampledRoot> {
        let is_its = self.root.is_of(key(id)) && self.home.load(Ordering::Relaxed) == home;
        is_its.then_some(&self.root)
    }

    /// The place, taken for the span.
    #[inline]
    pub(super) fn take(&'static self, id: &Id, home: u32) -> Option<&'static UnsampledRoot> {
        if home == 0 || !self.root.take(key(id)) {
            return None;
        }
        self.home.store(home, Ordering::Relaxed);
        Some(&self.root)
    }

    /// Frees the places of a registry that is gone.
    pub(super) fn vacate(home: u32) {
        let is_its =
            |slot: &&Self| slot.home.compare_exchange(home, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        TABLE.iter().filter(is_its).for_each(|slot| slot.root.leave());
    }
}

fn key(id: &Id) -> usize {
    id.into_u64() as usize
}

/// Our span, among the extensions of the one of `tracing`.
pub(super) struct Followed {
    pub(super) ours: Arc<TransactionOrSpan>,
    _counted: Counted,
}

impl Followed {
    pub(super) fn new(slot: &'static Slot, ours: TransactionOrSpan) -> Self {
        slot.followed.fetch_add(1, Ordering::Relaxed);
        Self { ours: Arc::new(ours), _counted: Counted(slot) }
    }
}

/// It is counted by its slot.
struct Counted(&'static Slot);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.followed.fetch_sub(1, Ordering::Relaxed);
    }
}
