use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use opentelemetry::trace::{SpanContext, TracerProvider as _};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use sentry_core::protocol::{EnvelopeItem, Event, Span, TraceContext, Transaction};
use sentry_core::test::with_captured_envelopes_options;
use sentry_core::{ClientOptions, Envelope, Hub};

use super::*;

mod events;
mod limits;
mod propagation;
mod sampling;
mod shape;

/// The table of open spans is one for all tests: those that fill it have it alone.
static TABLE: RwLock<()> = RwLock::new(());

fn shared() -> RwLockReadGuard<'static, ()> {
    TABLE.read().unwrap_or_else(PoisonError::into_inner)
}

fn sampled() -> ClientOptions {
    ClientOptions::new().traces_sample_rate(1.0)
}

fn provider() -> SdkTracerProvider {
    SdkTracerProvider::builder().with_span_processor(SentrySpanProcessor::new()).build()
}

/// What is sent while `run` uses a tracer of a provider with our processor.
fn sent(options: ClientOptions, run: impl FnOnce(&SdkTracer)) -> Vec<Envelope> {
    let _table = shared();
    with_captured_envelopes_options(|| run(&provider().tracer("shop")), options)
}

fn transactions(envelopes: &[Envelope]) -> Vec<Transaction<'static>> {
    let transaction = |item: &EnvelopeItem| match item {
        EnvelopeItem::Transaction(transaction) => Some((**transaction).clone()),
        _ => None,
    };
    envelopes.iter().filter_map(|envelope| envelope.items().find_map(transaction)).collect()
}

fn events(envelopes: &[Envelope]) -> Vec<Event<'static>> {
    let event = |item: &EnvelopeItem| match item {
        EnvelopeItem::Event(event) => Some((**event).clone()),
        _ => None,
    };
    envelopes.iter().filter_map(|envelope| envelope.items().find_map(event)).collect()
}

fn trace(transaction: &Transaction<'_>) -> TraceContext {
    trace_in(&transaction.contexts)
}

fn trace_in(contexts: &sentry_core::protocol::Map<String, sentry_core::protocol::Context>) -> TraceContext {
    let Some(sentry_core::protocol::Context::Trace(trace)) = contexts.get("trace") else {
        panic!("there is a trace context")
    };
    (**trace).clone()
}

fn span<'a>(transaction: &'a Transaction<'_>, description: &str) -> &'a Span {
    let span = transaction.spans.iter().find(|span| span.description.as_deref() == Some(description));
    span.unwrap_or_else(|| panic!("{description} is there: {:?}", transaction.spans))
}

/// Trace and span of OpenTelemetry, as they are written.
fn ids(context: &SpanContext) -> (String, String) {
    (context.trace_id().to_string(), context.span_id().to_string())
}

/// How many of a kind the client of the current hub has lost, by reason.
fn lost(category: &str, reason: &str) -> u64 {
    let client = Hub::current().client().unwrap();
    let totals = client.options().client_report_recorder.totals();
    let totals = serde_json::to_value(totals).unwrap();
    let of = |item: &serde_json::Value| item["category"] == category && item["reason"] == reason;
    let items = totals.as_array().unwrap().iter().filter(|item| of(item));
    items.map(|item| item["quantity"].as_u64().unwrap()).sum()
}
