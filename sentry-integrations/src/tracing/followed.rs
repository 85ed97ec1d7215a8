//! Our span for one of `tracing`, and a quick answer for those that have none.
//!
//! Where only some traces are sampled most spans are not followed, and they are entered and left as often as the others. To
//! look one up takes longer than all the rest, so what is followed is counted, by the hash of its id.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sentry_core::TransactionOrSpan;
use tracing_core::span::Id;

/// A power of two.
const SLOTS: usize = 1024;

static COUNTS: [AtomicU32; SLOTS] = [const { AtomicU32::new(0) }; SLOTS];

/// Our span, among the extensions of the one of `tracing`.
pub(super) struct Followed {
    pub(super) ours: Arc<TransactionOrSpan>,
    slot: &'static AtomicU32,
}

impl Followed {
    pub(super) fn new(id: &Id, ours: TransactionOrSpan) -> Self {
        let slot = slot(id);
        slot.fetch_add(1, Ordering::Relaxed);
        Self { ours: Arc::new(ours), slot }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.slot.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the span may be followed. `false` is certain: who knows an id has it from the thread that began the span.
#[inline]
pub(super) fn is_possible(id: &Id) -> bool {
    slot(id).load(Ordering::Relaxed) != 0
}

#[inline]
fn slot(id: &Id) -> &'static AtomicU32 {
    // Ids differ in their lowest bits, and in higher ones from thread to thread and from use to use.
    let hash = id.into_u64().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SLOTS.ilog2());
    &COUNTS[hash as usize % SLOTS]
}
