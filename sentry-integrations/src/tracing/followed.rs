//! Our span for one of `tracing`, and a quick answer for those that have none.
//!
//! Where only some traces are sampled most spans are not followed, and they are entered and left as often as the others. To
//! look one up in the registry takes longer than all the rest. So there is a table by the hash of the id: it has a place for
//! one span, and one for a root that is not recorded, which needs nothing else. What finds its place taken is followed by way
//! of the registry, and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sentry_core::__spans::{Place, UnsampledRoot};
use sentry_core::TransactionOrSpan;
use tracing_core::span::Id;

/// A power of two.
const SLOTS: usize = 1024;

static TABLE: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// What is known of the spans whose ids have one hash.
pub(super) struct Slot {
    /// How many of them are followed by way of the registry.
    homeless: AtomicU32,
    root: UnsampledRoot,
    ours: Place,
}

impl Slot {
    const fn new() -> Self {
        Self { homeless: AtomicU32::new(0), root: UnsampledRoot::new(), ours: Place::new() }
    }

    /// That of the span. `false` answers about it are certain: who knows an id has it from the thread that began the span.
    #[inline]
    pub(super) fn of(id: &Id) -> &'static Self {
        // Ids differ in their lowest bits, and in higher ones from thread to thread. The highest change from use to use and are
        // left out: a thread whose spans come one after the other stays with a slot that is in its cache.
        let id = id.into_u64() << USES;
        let hash = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SLOTS.ilog2());
        &TABLE[hash as usize % SLOTS]
    }

    /// Whether a span may be followed by way of the registry.
    #[inline]
    pub(super) fn may_be_homeless(&self) -> bool {
        self.homeless.load(Ordering::Relaxed) != 0
    }

    /// Whether a span may be known here.
    #[inline]
    pub(super) fn may_know(&self, id: &Id, registry: u32) -> bool {
        let key = id.into_u64();
        self.may_be_homeless()
            || self.ours.is_taken_by((key, registry))
            || self.root.is_taken_by(key, registry)
    }

    /// The place for a span.
    #[inline]
    pub(super) fn ours(&self) -> &Place {
        &self.ours
    }

    /// The place for a root.
    #[inline]
    pub(super) fn root(&self) -> &UnsampledRoot {
        &self.root
    }

    /// What the registry has to keep of a span that has found its place taken.
    pub(super) fn homeless(&'static self, ours: TransactionOrSpan) -> Followed {
        Followed { ours: Arc::new(ours), _counted: Counted::new(self) }
    }

    /// Frees the places of a registry that is gone.
    pub(super) fn vacate(registry: u32) {
        for slot in &TABLE {
            slot.root.vacate(registry);
            slot.ours.vacate(registry);
        }
    }
}

/// So many bits of an id tell how often its place was used.
const USES: u32 = 13;

/// Our span, among the extensions of the one of `tracing`.
pub(super) struct Followed {
    pub(super) ours: Arc<TransactionOrSpan>,
    _counted: Counted,
}

/// It is counted by its slot.
struct Counted(&'static Slot);

impl Counted {
    fn new(slot: &'static Slot) -> Self {
        slot.homeless.fetch_add(1, Ordering::Relaxed);
        Self(slot)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.homeless.fetch_sub(1, Ordering::Relaxed);
    }
}
