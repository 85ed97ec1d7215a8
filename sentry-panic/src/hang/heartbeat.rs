//! What a thread that is watched calls.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::watched::Shared;

/// Says that its thread is alive. Dropped, it ends the watch.
///
/// It stays on the thread that it was made on, as that is the one whose stack is reported:
///
/// ```compile_fail
/// fn sent<T: Send>() {}
/// sent::<sentry_panic::hang::Heartbeat>();
/// ```
#[must_use = "dropped, it ends the watch"]
pub struct Heartbeat {
    shared: Arc<Shared>,
    stays: PhantomData<*const ()>,
}

impl Heartbeat {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, stays: PhantomData }
    }

    /// The thread is alive, and expected to say so again before the timeout. One atomic store.
    #[inline]
    pub fn beat(&self) {
        self.shared.pulse.beat();
    }

    /// The thread waits for work, for as long as it takes, until it [beats](Self::beat) again. One atomic store.
    #[inline]
    pub fn idle(&self) {
        self.shared.pulse.idle();
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.shared.pulse.leave();
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat").finish_non_exhaustive()
    }
}
