//! A transaction as those see it who watch a client.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::protocol::{SpanId, TraceId, Value};
use crate::trace::root::Root;

/// A recorded transaction, for a hook of its client; see [`Client::on`](crate::Client::on).
///
/// Holding it does not keep the transaction.
#[derive(Clone)]
pub struct RootSpan {
    root: Weak<Root>,
    trace_id: TraceId,
    span_id: SpanId,
}

impl RootSpan {
    pub(super) fn of(root: &Arc<Root>) -> Self {
        Self { root: Arc::downgrade(root), trace_id: root.ids.trace_id(), span_id: root.ids.span_id() }
    }

    /// The id of its trace.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Its own id.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Whether it goes on: neither finished nor given up.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.root.upgrade().is_some_and(|root| root.is_open())
    }

    /// Adds to its data, as long as it goes on.
    pub fn set_data(&self, key: &str, value: Value) {
        if let Some(root) = self.root.upgrade() {
            root.update(|state| _ = state.data.insert(key.to_owned(), value));
        }
    }
}

impl fmt::Debug for RootSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootSpan")
            .field("trace_id", &self.trace_id)
            .field("span_id", &self.span_id)
            .finish_non_exhaustive()
    }
}
