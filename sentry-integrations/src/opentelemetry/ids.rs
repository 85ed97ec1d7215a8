//! Ids of OpenTelemetry as ours: the same bytes.

use opentelemetry::trace::SpanContext;
use sentry_core::protocol::{SpanId, TraceId};

/// A span among all of this process. The span id comes first: it alone tells most of them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    span: [u8; 8],
    trace: [u8; 16],
}

impl Key {
    pub(super) fn of(context: &SpanContext) -> Self {
        Self { span: context.span_id().to_bytes(), trace: context.trace_id().to_bytes() }
    }

    /// Another span of the same trace.
    pub(super) fn sibling(self, span_id: SpanId) -> Self {
        Self { span: span_id.to_bytes(), ..self }
    }

    pub(super) fn trace_id(self) -> TraceId {
        TraceId::from(self.trace)
    }

    pub(super) fn span_id(self) -> SpanId {
        SpanId::from(self.span)
    }

    /// Different for most spans.
    pub(super) fn hash(self) -> usize {
        // Ids that are counted up differ in the last byte.
        usize::from(self.span[7])
    }
}
