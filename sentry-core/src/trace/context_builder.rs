//! Setting the parts of a transaction's context one by one.

use crate::protocol::{SpanId, TraceId, Value};
use crate::trace::{TransactionContext, TransactionSource};

/// Builds a [`TransactionContext`]. Made by [`TransactionContext::builder`].
///
/// ```
/// use sentry_core::TransactionContext;
///
/// let context = TransactionContext::builder("job", "queue.process").with_sampled(Some(true)).finish();
/// assert_eq!(context.sampled(), Some(true));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TransactionContextBuilder {
    context: TransactionContext,
}

impl TransactionContextBuilder {
    pub(super) fn new(context: TransactionContext) -> Self {
        Self { context }
    }

    /// Sets the name.
    pub fn with_name(mut self, name: String) -> Self {
        self.context.label.set_first(&name);
        self
    }

    /// Sets the operation.
    pub fn with_op(mut self, op: String) -> Self {
        self.context.label.set_second(&op);
        self
    }

    /// Sets the trace.
    pub fn with_trace_id(mut self, trace_id: TraceId) -> Self {
        self.context.ids.set_trace_id(trace_id);
        self
    }

    /// Sets the span that the transaction will be.
    pub fn with_span_id(mut self, span_id: SpanId) -> Self {
        self.context.ids.set_span_id(span_id);
        self
    }

    /// Sets the span above it.
    pub fn with_parent_span_id(mut self, parent_span_id: Option<SpanId>) -> Self {
        self.context.ids.set_parent_span_id(parent_span_id);
        self
    }

    /// Decides on the transaction, or (`None`) leaves the decision to sampling.
    pub fn with_sampled(mut self, sampled: Option<bool>) -> Self {
        self.context.set_sampled(sampled);
        self
    }

    /// Says where the name comes from.
    pub fn with_source(mut self, source: TransactionSource) -> Self {
        self.context.set_source(source);
        self
    }

    /// Sets a value that the transaction has from the start, for the sampler to see.
    pub fn with_data(mut self, key: &str, value: Value) -> Self {
        self.context.set_data(key, value);
        self
    }

    /// Adds to the data for the sampler.
    pub fn with_custom(mut self, key: String, value: Value) -> Self {
        self.context.custom_insert(key, value);
        self
    }

    /// The context.
    #[must_use]
    pub fn finish(self) -> TransactionContext {
        self.context
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids::{self, Ids};

    #[test]
    fn every_part_is_set() {
        let (trace_id, span_id, parent) = (ids::trace_id(), ids::span_id(), ids::span_id());
        let context = TransactionContext::builder("", "")
            .with_name("name".into())
            .with_op("op".into())
            .with_trace_id(trace_id)
            .with_span_id(span_id)
            .with_parent_span_id(Some(parent))
            .with_sampled(Some(false))
            .with_custom("a".into(), 1.into())
            .finish();
        assert_eq!((context.name(), context.operation(), context.sampled()), ("name", "op", Some(false)));
        assert_eq!(context.ids, Ids::new(trace_id, span_id, Some(parent)));
        assert_eq!(context.custom().and_then(|custom| custom.get("a")), Some(&1.into()));
    }
}
