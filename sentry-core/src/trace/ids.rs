//! What identifies a span.

use crate::protocol::{SpanId, TraceContext, TraceId};
use crate::rng;
use crate::trace::propagation::SentryTrace;
use crate::trace::sampling::Decision;

/// The ids of a span: its trace, itself, its parent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ids {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) parent_span_id: Option<SpanId>,
}

impl Ids {
    /// The first span of a new trace.
    pub(super) fn random() -> Self {
        Self { trace_id: trace_id(), span_id: span_id(), parent_span_id: None }
    }

    /// A new span below this one.
    pub(super) fn child(&self) -> Self {
        self.child_with_id(span_id())
    }

    pub(super) fn child_with_id(&self, span_id: SpanId) -> Self {
        Self { trace_id: self.trace_id, span_id, parent_span_id: Some(self.span_id) }
    }

    /// The header for whatever is called from this span.
    pub(super) fn sentry_trace(&self, decision: Decision) -> SentryTrace {
        SentryTrace::new(self.trace_id, self.span_id, decision.sampled)
    }

    /// The place in the trace, of which nothing else is known.
    pub(super) fn trace_context(&self) -> TraceContext {
        TraceContext {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_span_id: self.parent_span_id,
            ..TraceContext::default()
        }
    }
}

pub(super) fn trace_id() -> TraceId {
    TraceId::from(rng::bytes::<16>())
}

pub(super) fn span_id() -> SpanId {
    SpanId::from(rng::bytes::<8>())
}
