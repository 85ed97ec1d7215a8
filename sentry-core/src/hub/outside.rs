//! The span that the running code is in, where something outside of this SDK keeps track of it.
//!
//! OpenTelemetry has a context of its own that follows the code, and tells nobody when it changes. So whoever wants to know
//! asks: a function that an integration has registered looks there. What it finds stands in for the span of the scope as one
//! that was [entered](super::ambient) does: a span that the application binds to the scope meanwhile is closer, and wins.

use std::sync::{Arc, OnceLock};

use crate::hub::{Hub, HubState, lock, plain};
use crate::protocol::SpanId;
use crate::trace::TransactionOrSpan;

static SOURCE: OnceLock<fn() -> Option<Outside>> = OnceLock::new();

/// A span of somebody else's that the code is in, as one of ours. For integrations.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Outside {
    /// It, or what knows its place in the trace.
    pub span: Arc<TransactionOrSpan>,
    /// The span that the scope was bound to when it began.
    pub bound: Option<SpanId>,
}

impl Hub {
    /// From now on `source` is asked for the span that the code is in. It runs wherever something is captured, on any thread:
    /// it must not use a hub, nor panic. Only the first one counts. For integrations.
    #[doc(hidden)]
    pub fn ask_outside(source: fn() -> Option<Outside>) {
        if SOURCE.set(source).is_ok() {
            // Whoever knows of a hub that there is no span cannot know that any more.
            plain::forget_all();
        }
    }

    /// The span that the scope is bound to, whatever the code is in. For integrations.
    #[doc(hidden)]
    #[must_use]
    pub fn bound_span(&self) -> Option<SpanId> {
        lock(&self.state).bound_span()
    }
}

impl Outside {
    /// What the source says. No lock of ours may be held.
    #[inline]
    pub(super) fn now() -> Option<Self> {
        SOURCE.get().and_then(|source| source())
    }

    /// Whether somebody may say something.
    #[inline]
    pub(super) fn is_asked() -> bool {
        SOURCE.get().is_some()
    }

    /// It, unless the scope has been bound to another one since.
    pub(super) fn on(&self, state: &mut HubState) -> Option<Arc<TransactionOrSpan>> {
        (self.bound == state.bound_span()).then(|| Arc::clone(&self.span))
    }
}
