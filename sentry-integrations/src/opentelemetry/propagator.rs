//! Our headers, for whoever passes on the context of OpenTelemetry.

use std::sync::LazyLock;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use sentry_core::{Hub, TracePropagationContext, TracesSamplingStrategy, TransactionOrSpan, merge_baggage};

use super::active::{self, Incoming};
use super::ids::Key;

const TRACE: &str = "sentry-trace";
const BAGGAGE: &str = "baggage";

static FIELDS: LazyLock<[String; 2]> = LazyLock::new(|| [TRACE, BAGGAGE].map(str::to_owned));

/// Continues traces of other services, and passes them on: the headers `sentry-trace` and `baggage` with the sampling context of
/// the trace, which stays as it came.
///
/// Where `propagate_traceparent` is on, `traceparent` goes out as well, and continues a trace that has no `sentry-trace`. The
/// baggage of the OpenTelemetry context goes into the same header, as with
/// [`BaggagePropagator`](opentelemetry_sdk::propagation::BaggagePropagator); among several propagators this one comes last.
///
/// It does not know where a request goes: `trace_propagation_targets` is for others to observe.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentryPropagator {
    _private: (),
}

impl SentryPropagator {
    /// A propagator.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl TextMapPropagator for SentryPropagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        for (name, value) in headers(context) {
            let theirs = if name == BAGGAGE { theirs(context) } else { None };
            let value = match theirs {
                Some(theirs) => merge_baggage(&theirs, &value),
                None => value,
            };
            injector.set(name, value);
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let options = Hub::current().client();
        let options = options.as_ref().map(|client| client.options());
        let header = |name| extractor.get_all(name).unwrap_or_default();
        let mut headers: Vec<_> = [TRACE, BAGGAGE]
            .into_iter()
            .flat_map(|name| header(name).into_iter().map(move |value| (name, value)))
            .collect();
        let other = match options {
            Some(options) if options.propagate_traceparent && header(TRACE).is_empty() => w3c(extractor),
            _ => None,
        };
        // What another system has decided says nothing about our sampling.
        let undecided = other.as_ref().map(|place| format!("{}-{}", place.trace_id(), place.span_id()));
        headers.extend(undecided.as_deref().map(|value| (TRACE, value)));
        let trace = match options {
            Some(options) => TracePropagationContext::continued(headers, options),
            None => TracePropagationContext::try_from_headers(headers).ok(),
        };
        match trace {
            Some(trace) => {
                let flags = other.map(|place| place.trace_flags());
                context.with_remote_span_context(place(context, &trace, flags)).with_value(Incoming(trace))
            }
            None => context.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&*FIELDS)
    }
}

/// What continues the trace of a context.
fn headers(context: &Context) -> Vec<(&'static str, String)> {
    let hub = Hub::current();
    let client = hub.client().filter(|client| client.is_enabled());
    let Some(client) = client else {
        // What came is passed on.
        let place = context.span();
        let key = Key::of(place.span_context());
        let trace = active::incoming(context, key).map(|trace| trace.at_span(key.span_id()));
        return trace.map(|trace| trace.iter_headers().collect()).unwrap_or_default();
    };
    let Some(active) = active::of(context) else { return hub.trace_headers() };
    let is_traced = !matches!(client.options().effective_traces_sampling(), TracesSamplingStrategy::Disabled);
    let span = context.span();
    let place = span.span_context();
    let key = Key::of(place);
    if is_traced && !place.is_remote() && !place.is_sampled() && active::incoming(context, key).is_none() {
        // A sampler of OpenTelemetry has decided.
        let dropped = TracePropagationContext::new(key.trace_id(), key.span_id()).with_sampled(false);
        return hub.trace_headers_of(&TransactionOrSpan::elsewhere(&dropped));
    }
    hub.trace_headers_of(&active.span)
}

/// The header with the baggage of a context, which ours would stand in the place of.
fn theirs(context: &Context) -> Option<String> {
    struct Value(Option<String>);
    impl Injector for Value {
        fn set(&mut self, _: &str, value: String) {
            self.0 = Some(value);
        }
    }
    if context.baggage().is_empty() {
        return None;
    }
    let mut value = Value(None);
    BaggagePropagator::new().inject_context(context, &mut value);
    value.0
}

/// The place that a `traceparent` header tells of.
fn w3c(extractor: &dyn Extractor) -> Option<SpanContext> {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), extractor);
    let place = context.span().span_context().clone();
    place.is_valid().then_some(place)
}

/// The place of a trace that came, for OpenTelemetry.
fn place(context: &Context, trace: &TracePropagationContext, flags: Option<TraceFlags>) -> SpanContext {
    let trace_id = TraceId::from_bytes(trace.trace_id().to_bytes());
    let span_id = SpanId::from_bytes(trace.span_id().to_bytes());
    // A decision that is left to us is not taken by a sampler that looks at the parent only.
    let flags = flags.unwrap_or_else(|| TraceFlags::default().with_sampled(trace.sampled() != Some(false)));
    // Another propagator may have read the state that belongs to it.
    let known = context.span();
    let known = known.span_context();
    let state = if known.trace_id() == trace_id { known.trace_state().clone() } else { TraceState::NONE };
    SpanContext::new(trace_id, span_id, flags, true, state)
}
