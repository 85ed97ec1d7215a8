//! How many clients are enabled. Zero is the answer to every call of an application that has the SDK off, and costs
//! one load.

use std::sync::atomic::{AtomicUsize, Ordering};

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Whether any client of the process is enabled.
#[inline]
#[must_use]
pub fn any_live() -> bool {
    LIVE.load(Ordering::Relaxed) != 0
}

pub(super) fn one_more() {
    LIVE.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn one_less() {
    LIVE.fetch_sub(1, Ordering::Relaxed);
}
