//! What identifies a span.

use crate::options::SampleRate;
use crate::protocol::{SpanId, TraceContext, TraceId};
use crate::rng;
use crate::trace::propagation::SentryTrace;
use crate::trace::sample_rand::Rand;
use crate::trace::sampling::Decision;

/// The ids of a span: its trace, itself, its parent.
///
/// Kept as words, since copying these is most of what an unrecorded span costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Ids {
    trace_high: u64,
    trace_low: u64,
    span: u64,
    /// 0: none. No span has that id (protocol.md 2).
    parent: u64,
}

impl Ids {
    pub(super) fn new(trace_id: TraceId, span_id: SpanId, parent_span_id: Option<SpanId>) -> Self {
        let mut ids = Self {
            trace_high: 0,
            trace_low: 0,
            span: word_of(span_id),
            parent: parent_span_id.map_or(0, word_of),
        };
        ids.set_trace_id(trace_id);
        ids
    }

    /// The first span of a new trace.
    pub(super) fn random() -> Self {
        Self::new(trace_id(), span_id(), None)
    }

    /// A new span below this one.
    #[inline]
    pub(super) fn child(&self) -> Self {
        self.with_word(word())
    }

    #[inline]
    pub(super) fn with_word(&self, span: u64) -> Self {
        Self { span, parent: self.span, ..*self }
    }

    #[inline]
    pub(super) fn child_with_id(&self, span_id: SpanId) -> Self {
        self.with_word(word_of(span_id))
    }

    pub(super) fn trace_id(&self) -> TraceId {
        TraceId::from((u128::from(self.trace_high) << 64 | u128::from(self.trace_low)).to_ne_bytes())
    }

    pub(super) fn span_id(&self) -> SpanId {
        SpanId::from(self.span.to_ne_bytes())
    }

    pub(super) fn parent_span_id(&self) -> Option<SpanId> {
        (self.parent != 0).then(|| SpanId::from(self.parent.to_ne_bytes()))
    }

    pub(super) fn set_trace_id(&mut self, trace_id: TraceId) {
        let id = u128::from_ne_bytes(trace_id.to_bytes());
        (self.trace_high, self.trace_low) = ((id >> 64) as u64, id as u64);
    }

    pub(super) fn set_span_id(&mut self, span_id: SpanId) {
        self.span = word_of(span_id);
    }

    pub(super) fn set_parent_span_id(&mut self, parent_span_id: Option<SpanId>) {
        self.parent = parent_span_id.map_or(0, word_of);
    }

    /// The header for whatever is called from this span.
    pub(super) fn sentry_trace(&self, decision: Decision) -> SentryTrace {
        SentryTrace::new(self.trace_id(), self.span_id(), decision.sampled)
    }

    /// The place in the trace, of which nothing else is known.
    pub(super) fn trace_context(&self) -> TraceContext {
        TraceContext {
            trace_id: self.trace_id(),
            span_id: self.span_id(),
            parent_span_id: self.parent_span_id(),
            ..TraceContext::default()
        }
    }
}

/// A random trace id.
pub(super) fn trace_id() -> TraceId {
    TraceId::from(rng::bytes::<16>())
}

/// A random id of a trace that was decided on at `rate`.
pub(super) fn trace_id_of(rate: SampleRate, is_sampled: bool) -> TraceId {
    Rand::trace_id(is_sampled, rate, rng::unit(), rng::word())
}

/// A random span id.
pub(super) fn span_id() -> SpanId {
    SpanId::from(rng::word().to_ne_bytes())
}

/// The same as a word.
#[inline]
pub(super) fn word() -> u64 {
    rng::word()
}

#[inline]
pub(super) fn word_of(span_id: SpanId) -> u64 {
    u64::from_ne_bytes(span_id.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_as_words() {
        let (trace, span, parent) = (trace_id(), span_id(), span_id());
        let ids = Ids::new(trace, span, Some(parent));
        assert_eq!((ids.trace_id(), ids.span_id(), ids.parent_span_id()), (trace, span, Some(parent)));
        let child = ids.child();
        assert_eq!((child.trace_id(), child.parent_span_id()), (trace, Some(span)));
        assert_eq!(Ids::random().parent_span_id(), None);
    }
}
