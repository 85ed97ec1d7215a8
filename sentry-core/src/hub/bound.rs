//! What runs piece by piece with a hub of its own, and in a span of its own.

use std::fmt;
use std::sync::Arc;

use crate::hub::{Hub, HubSwitchGuard};
use crate::protocol::SpanStatus;
use crate::trace::TransactionOrSpan;

/// A hub, and the span that ends with the work.
pub(super) struct Bound {
    hub: Arc<Hub>,
    span: Option<TransactionOrSpan>,
    is_running: bool,
}

impl Bound {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, span: None, is_running: false }
    }

    /// A copy of the current hub, in `span`.
    pub(super) fn within(span: TransactionOrSpan) -> Self {
        let hub = Hub::new_from_top(Hub::current());
        hub.configure_scope(|scope| scope.set_span(Some(span.clone())));
        Self { hub: Arc::new(hub), span: Some(span), is_running: false }
    }

    /// Runs one piece of the work. `is_last` tells whether it was the last one.
    pub(super) fn run<R>(&mut self, piece: impl FnOnce() -> R, is_last: impl FnOnce(&R) -> bool) -> R {
        let _guard = HubSwitchGuard::new(Arc::clone(&self.hub));
        self.is_running = true;
        let result = piece();
        self.is_running = false;
        if is_last(&result)
            && let Some(span) = self.span.take()
        {
            span.finish();
        }
        result
    }

    /// Drops the work, done or not.
    pub(super) fn end(&mut self, drop_it: impl FnOnce()) {
        let _guard = HubSwitchGuard::new(Arc::clone(&self.hub));
        // What it holds is dropped here, and what that reports belongs to its hub.
        drop_it();
        let Some(span) = self.span.take() else { return };
        if span.get_status().is_none() {
            // Given up by whoever waited for it, unless it was a panic that ended it.
            span.set_status(if self.is_running { SpanStatus::InternalError } else { SpanStatus::Cancelled });
        }
        span.finish();
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("hub", &self.hub).field("span", &self.span).finish_non_exhaustive()
    }
}
