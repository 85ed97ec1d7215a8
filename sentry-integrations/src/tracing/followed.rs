//! Our span for one of `tracing`, and a quick answer for those that have none.
//!
//! Where only some traces are sampled most spans are not followed, and they are entered and left as often as the others. To
//! look one up in the registry takes longer than all the rest. So there is a table by the hash of the id: it counts what is
//! followed, and has a place for one of those spans, and one for a root that is not recorded, which needs nothing else. What
//! finds its place taken is followed by way of the registry.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    root: UnsampledRoot,
    ours: Mutex<Option<Ours>>,
}

/// Our span for the one with the id.
struct Ours {
    id: u64,
    registry: u32,
    span: Arc<TransactionOrSpan>,
}

impl Slot {
    const fn new() -> Self {
        Self { followed: AtomicU32::new(0), root: UnsampledRoot::new(), ours: Mutex::new(None) }
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

    /// Whether a span may be followed.
    #[inline]
    pub(super) fn may_be_followed(&self) -> bool {
        self.followed.load(Ordering::Relaxed) != 0
    }

    /// The place for a root.
    #[inline]
    pub(super) fn root(&self) -> &UnsampledRoot {
        &self.root
    }

    /// Follows a span, if there is a place for it. Gives back what the registry has to keep otherwise.
    pub(super) fn follow(&'static self, id: &Id, registry: u32, ours: TransactionOrSpan) -> Option<Followed> {
        let counted = Counted::new(self);
        let span = Arc::new(ours);
        let mut place = self.place();
        if place.is_some() || registry == 0 {
            return Some(Followed { ours: span, _counted: counted });
        }
        counted.stays();
        *place = Some(Ours { id: id.into_u64(), registry, span });
        None
    }

    /// Ours, if it has the place.
    pub(super) fn ours(&self, id: &Id, registry: u32) -> Option<Arc<TransactionOrSpan>> {
        let place = self.place();
        place.as_ref().filter(|ours| ours.is_of(id, registry)).map(|ours| Arc::clone(&ours.span))
    }

    /// The same for one that is over.
    pub(super) fn end(&'static self, id: &Id, registry: u32) -> Option<Arc<TransactionOrSpan>> {
        let ours = self.place().take_if(|ours| ours.is_of(id, registry))?;
        drop(Counted(self));
        Some(ours.span)
    }

    /// Frees the places of a registry that is gone.
    pub(super) fn vacate(registry: u32) {
        for slot in &TABLE {
            slot.root.vacate(registry);
            let ours = slot.place().take_if(|ours| ours.registry == registry);
            drop(ours.map(|_| Counted(slot)));
        }
    }

    fn place(&self) -> MutexGuard<'_, Option<Ours>> {
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So many bits of an id tell how often its place was used.
const USES: u32 = 13;

impl Ours {
    fn is_of(&self, id: &Id, registry: u32) -> bool {
        self.id == id.into_u64() && self.registry == registry
    }
}

/// Our span, among the extensions of the one of `tracing`.
pub(super) struct Followed {
    pub(super) ours: Arc<TransactionOrSpan>,
    _counted: Counted,
}

/// It is counted by its slot.
struct Counted(&'static Slot);

impl Counted {
    fn new(slot: &'static Slot) -> Self {
        slot.followed.fetch_add(1, Ordering::Relaxed);
        Self(slot)
    }

    /// It stays counted until somebody else sees to it.
    fn stays(self) {
        let _ = std::mem::ManuallyDrop::new(self);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.followed.fetch_sub(1, Ordering::Relaxed);
    }
}
