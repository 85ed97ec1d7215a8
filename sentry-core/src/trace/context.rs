//! What a transaction is started with.

use std::fmt;
use std::sync::Arc;

use crate::options::{self, Beginning, ClientOptions, SampleRate, TraceLifecycle};
use crate::protocol::{DynamicSamplingContext, Map, SpanId, TraceId, Value};
use crate::trace::context_builder::TransactionContextBuilder;
use crate::trace::dsc;
use crate::trace::ids::{self, Ids};
use crate::trace::label::Label;
use crate::trace::propagation::{SentryTrace, TracePropagationContext, continues};
use crate::trace::sample_rand::Rand;
use crate::trace::sampling::Decision;
use crate::trace::unsampled::names_decide;
use crate::trace::{TransactionOrSpan, TransactionSource};

/// Data of the application for its [`TracesSampler`](crate::TracesSampler).
pub type CustomTransactionContext = serde_json::map::Map<String, Value>;

/// Name, operation and place in a trace of a transaction that is about to start.
///
/// ```
/// use sentry_core::TransactionContext;
///
/// let headers = [("sentry-trace", "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1")];
/// let context = TransactionContext::continue_from_headers("GET /orders", "http.server", headers);
/// assert_eq!(context.trace_id().to_string(), "09e04486820349518ac7b5d2adbf6ba5");
/// assert_eq!(context.sampled(), Some(true));
/// ```
#[derive(Clone)]
pub struct TransactionContext {
    pub(super) label: Label,
    pub(super) ids: Ids,
    /// What the application itself decided.
    pub(super) explicit: Option<bool>,
    /// What was decided where the trace comes from.
    pub(super) parent: Decision,
    /// What came with a trace from outside; empty if nothing came. `None` for a trace that began here.
    pub(super) incoming: Option<Arc<DynamicSamplingContext>>,
    pub(super) custom: Option<CustomTransactionContext>,
    pub(super) source: TransactionSource,
    /// What the transaction has from the start.
    pub(super) data: Map<String, Value>,
}

impl TransactionContext {
    /// A transaction in a new trace.
    #[must_use]
    pub fn new(name: &str, op: &str) -> Self {
        Self::with_ids(name, op, Ids::random())
    }

    /// A transaction in the trace with the given id.
    #[must_use]
    pub fn new_with_trace_id(name: &str, op: &str, trace_id: TraceId) -> Self {
        Self::new_with_details(name, op, trace_id, None, None)
    }

    /// A transaction with the given ids; a missing span id is random.
    #[must_use]
    pub fn new_with_details(
        name: &str,
        op: &str,
        trace_id: TraceId,
        span_id: Option<SpanId>,
        parent_span_id: Option<SpanId>,
    ) -> Self {
        Self::with_ids(name, op, Ids::new(trace_id, span_id.unwrap_or_else(ids::span_id), parent_span_id))
    }

    /// A transaction that continues the trace in the headers `sentry-trace` and `baggage`, or begins a new one.
    #[must_use]
    pub fn continue_from_headers<'a, I: IntoIterator<Item = (&'a str, &'a str)>>(
        name: &str,
        op: &str,
        headers: I,
    ) -> Self {
        match TracePropagationContext::try_from_headers(headers) {
            Ok(trace) => Self::continue_from_trace_propagation_context(name, op, &trace, None),
            Err(_) => Self::new(name, op),
        }
    }

    /// A transaction that continues the trace of a `sentry-trace` header. Superseded by
    /// [`continue_from_trace_propagation_context`](Self::continue_from_trace_propagation_context).
    #[must_use]
    pub fn continue_from_sentry_trace(
        name: &str,
        op: &str,
        sentry_trace: &SentryTrace,
        span_id: Option<SpanId>,
    ) -> Self {
        Self::continue_from_trace_propagation_context(name, op, &(*sentry_trace).into(), span_id)
    }

    /// A transaction that continues the given trace; a missing span id is random.
    #[must_use]
    pub fn continue_from_trace_propagation_context(
        name: &str,
        op: &str,
        trace: &TracePropagationContext,
        span_id: Option<SpanId>,
    ) -> Self {
        Self {
            parent: Decision { sampled: trace.sampled(), rate: None },
            incoming: trace.incoming().cloned(),
            ..Self::new_with_details(name, op, trace.trace_id(), span_id, Some(trace.span_id()))
        }
    }

    /// A transaction below a span of this process, or in a new trace.
    #[must_use]
    pub fn continue_from_span(name: &str, op: &str, span: Option<TransactionOrSpan>) -> Self {
        match span {
            None => Self::new(name, op),
            Some(span) => Self {
                parent: span.decision(),
                incoming: span.incoming().cloned(),
                ..Self::with_ids(name, op, span.ids().child())
            },
        }
    }

    /// A transaction in the trace of a scope, below what it came from if that was another service.
    pub(crate) fn in_trace(name: &str, op: &str, trace: &TracePropagationContext) -> Self {
        match trace.incoming() {
            Some(_) => Self::continue_from_trace_propagation_context(name, op, trace, None),
            None => Self::new_with_trace_id(name, op, trace.trace_id()),
        }
    }

    /// Sets a value that the transaction has from the start, for the sampler to see.
    pub fn set_data(&mut self, key: &str, value: Value) {
        self.data.insert(key.to_owned(), value);
    }

    /// Says where the name comes from.
    pub fn set_source(&mut self, source: TransactionSource) {
        self.source = source;
    }

    /// Sets the parts one by one.
    pub fn builder(name: &str, op: &str) -> TransactionContextBuilder {
        TransactionContextBuilder::new(Self::new(name, op))
    }

    /// Decides on the transaction, or (`None`) leaves the decision to sampling.
    pub fn set_sampled(&mut self, sampled: impl Into<Option<bool>>) {
        self.explicit = sampled.into();
        if self.explicit.is_none() {
            self.parent = Decision::default();
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.label.first()
    }

    /// The operation, such as `http.server`.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.label.second()
    }

    /// The trace it belongs to.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.ids.trace_id()
    }

    /// The span that it will be.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.ids.span_id()
    }

    /// The decision that is known already, by the application or by the service the trace comes from.
    #[must_use]
    pub fn sampled(&self) -> Option<bool> {
        self.explicit.or(self.parent.sampled)
    }

    /// What the transaction has from the start: its attributes, such as `http.request.method`.
    #[must_use]
    pub fn data(&self) -> &Map<String, Value> {
        &self.data
    }

    /// Where the name comes from.
    #[must_use]
    pub fn source(&self) -> TransactionSource {
        self.source
    }

    /// What was decided on the trace where it comes from.
    #[must_use]
    pub fn parent_sampled(&self) -> Option<bool> {
        self.parent.sampled
    }

    /// The rate that was decided with, if the trace tells it.
    #[must_use]
    pub fn parent_sample_rate(&self) -> Option<f32> {
        self.parent_rate().map(SampleRate::get)
    }

    /// The data for the sampler.
    #[must_use]
    pub fn custom(&self) -> Option<&CustomTransactionContext> {
        self.custom.as_ref()
    }

    /// The data for the sampler, to be changed.
    pub fn custom_mut(&mut self) -> &mut Option<CustomTransactionContext> {
        &mut self.custom
    }

    /// Adds to the data for the sampler and returns what was there before.
    pub fn custom_insert(&mut self, key: String, value: Value) -> Option<Value> {
        self.custom.get_or_insert_default().insert(key, value)
    }

    /// Begins a new trace if the one from outside must not be continued by a client with these options.
    pub(super) fn refuse_strangers(&mut self, options: &ClientOptions) {
        let Some(incoming) = &self.incoming else { return };
        if !continues(incoming.get("org_id"), dsc::org_id(options), options.strict_trace_continuation) {
            self.ids = Ids::new(ids::trace_id(), self.span_id(), None);
            self.parent = Decision::default();
            self.incoming = None;
        }
    }

    /// Whether the application does not want to see it.
    pub(super) fn is_ignored(&self, options: &ClientOptions) -> bool {
        if !names_decide(options) {
            return false;
        }
        let name = if self.name().is_empty() { self.operation() } else { self.name() };
        let beginning = Beginning { name, op: self.operation(), data: Some(&self.data) };
        let is_ignored = !options.ignore_spans.is_empty() && beginning.is_ignored(&options.ignore_spans);
        // What is streamed leaves before its transaction has its last name.
        let streams = options.trace_lifecycle == TraceLifecycle::Stream;
        is_ignored || (streams && options::is_ignored(&options.ignore_transactions, self.name()))
    }

    /// The random number of its trace.
    pub(super) fn rand(&self) -> Rand {
        let Some(incoming) = &self.incoming else { return Rand::of_trace(self.trace_id()) };
        if let Some(rand) = incoming.get("sample_rand").and_then(Rand::parse) {
            return rand;
        }
        match (self.parent.sampled, self.parent_rate()) {
            (Some(sampled), Some(rate)) => Rand::of_decision(self.trace_id(), sampled, rate),
            _ => Rand::of_trace(self.trace_id()),
        }
    }

    fn parent_rate(&self) -> Option<SampleRate> {
        let told = || SampleRate::new(self.incoming.as_ref()?.get("sample_rate")?.parse().ok()?);
        self.parent.rate.or_else(told)
    }

    fn with_ids(name: &str, op: &str, ids: Ids) -> Self {
        Self {
            label: Label::new(name, op),
            ids,
            explicit: None,
            parent: Decision::default(),
            incoming: None,
            custom: None,
            source: TransactionSource::default(),
            data: Map::new(),
        }
    }
}

impl fmt::Debug for TransactionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionContext")
            .field("name", &self.name())
            .field("op", &self.operation())
            .field("trace_id", &self.ids.trace_id())
            .field("span_id", &self.ids.span_id())
            .field("parent_span_id", &self.ids.parent_span_id())
            .field("sampled", &self.sampled())
            .field("custom", &self.custom)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a";

    fn continued(trace: &str, baggage: &str) -> TransactionContext {
        TransactionContext::continue_from_headers("n", "o", [("Sentry-Trace", trace), ("baggage", baggage)])
    }

    #[test]
    fn every_constructor_places_the_transaction() {
        let (trace_id, span_id, parent) = (ids::trace_id(), ids::span_id(), ids::span_id());
        let context = TransactionContext::new_with_details("n", "o", trace_id, Some(span_id), Some(parent));
        assert_eq!((context.name(), context.operation()), ("n", "o"));
        assert_eq!(context.ids, Ids::new(trace_id, span_id, Some(parent)));

        let trace = SentryTrace::new(trace_id, parent, Some(false));
        let context = TransactionContext::continue_from_sentry_trace("n", "o", &trace, Some(span_id));
        assert_eq!(context.ids, Ids::new(trace_id, span_id, Some(parent)));
        assert_eq!(context.sampled(), Some(false));

        assert_eq!(TransactionContext::new_with_trace_id("n", "o", trace_id).trace_id(), trace_id);
        assert_ne!(
            TransactionContext::new("n", "o").trace_id(),
            TransactionContext::new("n", "o").trace_id()
        );
        assert!(TransactionContext::continue_from_span("n", "o", None).ids.parent_span_id().is_none());
        assert!(continued("broken", "sentry-release=x").incoming.is_none());
        assert_eq!(continued(TRACE, "").sampled(), None, "deferred");
    }

    #[test]
    fn custom_data_is_kept() {
        let mut context = TransactionContext::new("n", "o");
        assert!(context.custom().is_none());
        assert_eq!(context.custom_insert("a".into(), 1.into()), None);
        assert_eq!(context.custom_insert("a".into(), 2.into()), Some(1.into()));
        context.custom_mut().take();
        assert!(context.custom().is_none());
    }

    #[test]
    fn a_trace_of_another_organization_is_not_continued() {
        let options = ClientOptions::new().org_id(1.into());
        let trace = format!("{TRACE}-1");
        for (baggage, strict, kept) in [
            ("sentry-org_id=1", true, true),
            ("sentry-org_id=2,sentry-release=theirs", false, false),
            ("sentry-release=theirs", false, true),
            ("sentry-release=theirs", true, false),
        ] {
            let mut context = continued(&trace, baggage);
            let (before, span_id) = (context.trace_id(), context.span_id());
            context.refuse_strangers(&options.clone().strict_trace_continuation(strict));
            assert_eq!(context.trace_id() == before, kept, "{baggage} {strict}");
            assert_eq!(context.span_id(), span_id);
            assert_eq!((context.sampled(), context.incoming.is_some()), (kept.then_some(true), kept));
            assert_eq!(context.ids.parent_span_id().is_some(), kept);
        }
        let mut own = TransactionContext::new("n", "o");
        let before = own.trace_id();
        own.refuse_strangers(&options.strict_trace_continuation(true));
        assert_eq!(own.trace_id(), before);
    }

    #[test]
    fn the_random_number_comes_with_the_trace_or_fits_its_decision() {
        assert_eq!(continued(TRACE, "sentry-sample_rand=0.123456").rand().to_string(), "0.123456");
        let rate = SampleRate::new(0.25).unwrap();
        for baggage in ["sentry-sample_rate=0.25", "sentry-sample_rate=0.25,sentry-sample_rand=7"] {
            assert!(continued(&format!("{TRACE}-1"), baggage).rand().is_kept_at(rate));
            assert!(!continued(&format!("{TRACE}-0"), baggage).rand().is_kept_at(rate));
        }
        let context = continued(TRACE, "sentry-sample_rate=NaN");
        assert_eq!(context.rand(), Rand::of_trace(context.trace_id()));
    }

    #[test]
    fn debug_does_not_show_what_came_with_the_trace() {
        let context = continued(TRACE, "sentry-public_key=hush");
        assert!(!format!("{context:?}").contains("hush"));
    }
}
