//! Spans as OpenTelemetry tells of them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanId as OtelSpanId, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue, Value as Attribute};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use sentry_core::protocol::{Map, SpanId, Url};
use sentry_core::{
    Client, Hub, TracePropagationContext, TracesSamplingStrategy, TransactionContext, TransactionOrSpan,
    is_suppressed,
};

use super::content::{self, ORIGIN};
use super::ids::Key;
use super::label::Label;
use super::open::{OPEN, Open};
use super::values::{text, values};
use super::{active, exceptions, late};
use crate::semantics;

/// Makes transactions and spans of the spans of OpenTelemetry.
///
/// One goes with any provider, beside processors of others. Which client gets them is a matter of the current hub when a
/// transaction begins; without one that traces, nothing is kept of them.
///
/// Spans that never end are given up when more than 16384 are open, or when their provider is shut down, and counted.
#[derive(Debug)]
pub struct SentrySpanProcessor {
    /// Its number. What it has seen and nobody will end goes with its provider.
    owner: usize,
    is_shut_down: AtomicBool,
}

impl SentrySpanProcessor {
    /// A processor. From now on what is captured belongs to the active span of OpenTelemetry.
    #[must_use]
    pub fn new() -> Self {
        static NEWEST: AtomicUsize = AtomicUsize::new(0);
        active::follow();
        Self { owner: NEWEST.fetch_add(1, Ordering::Relaxed), is_shut_down: AtomicBool::new(false) }
    }

    fn begin(&self, hub: &Hub, client: &Client, span: &Span, context: &Context) {
        let place = span.span_context();
        let key = Key::of(place);
        // The same span comes twice where a provider has two processors of ours.
        if !place.is_valid() || OPEN.has(key) {
            return;
        }
        let above = context.span();
        let above = above.span_context();
        let is_below = above.is_valid() && !above.is_remote();
        let ours_above = if is_below { late::living(hub, Key::of(above)) } else { None };
        // Most spans of a service that samples few traces: there is nothing to be known about them.
        if let Some(above) = ours_above.as_ref().filter(|above| !above.is_recorded()) {
            let ours = above.start_child_as(("", ""), &Map::new(), key.span_id(), SystemTime::UNIX_EPOCH);
            return self.keep(hub, key, ours.into(), None, SystemTime::UNIX_EPOCH);
        }
        let Some(data) = span.exported_data() else { return };
        let ours = if is_own(client, &data.span_kind, &data.attributes) || !place.is_sampled() {
            unsampled(key)
        } else {
            begin(hub, client, key, &data, context, ours_above.as_ref())
        };
        let above = is_below.then(|| Key::of(above).span_id());
        self.keep(hub, key, ours, above, data.start_time);
    }

    fn keep(&self, hub: &Hub, key: Key, span: TransactionOrSpan, above: Option<SpanId>, start: SystemTime) {
        OPEN.add(key, Open { span, above, start, bound: hub.bound_span(), owner: self.owner });
    }
}

impl Default for SentrySpanProcessor {
    fn default() -> Self {
        Self::new()
    }
}

/// A clone belongs to another provider, and is shut down with that.
impl Clone for SentrySpanProcessor {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl SpanProcessor for SentrySpanProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        // Our own requests are nobody's interest.
        if is_suppressed() || self.is_shut_down.load(Ordering::Relaxed) {
            return;
        }
        Hub::with_active(|hub| {
            let Some(client) = hub.client() else { return };
            if !matches!(client.options().effective_traces_sampling(), TracesSamplingStrategy::Disabled) {
                self.begin(hub, &client, span, context);
            }
        });
    }

    fn on_end(&self, data: SpanData) {
        let key = Key::of(&data.span_context);
        let open = OPEN.remove(key);
        exceptions::capture(&data, open.as_ref().map(|open| &open.span));
        let Some(open) = open else { return };
        if !open.span.is_recorded() {
            // It may be a transaction that is counted.
            return open.span.finish();
        }
        let ours =
            if late::is_late(key, &open) { late::renewed(&Hub::current(), key, &open) } else { open.span };
        content::fill(&ours, &data);
        ours.finish_with_timestamp(data.end_time);
    }

    fn force_flush(&self) -> OTelSdkResult {
        flush(None)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        if self.is_shut_down.swap(true, Ordering::AcqRel) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        // Their provider does not tell of ends any more.
        OPEN.give_up(self.owner);
        flush(Some(timeout))
    }
}

/// Ours for a new span that is to be recorded.
fn begin(
    hub: &Hub,
    client: &Client,
    key: Key,
    data: &SpanData,
    context: &Context,
    above: Option<&TransactionOrSpan>,
) -> TransactionOrSpan {
    let label = Label::new(&data.name, &data.span_kind, &data.attributes);
    let options = client.options();
    // All is set when the span ends. Until then only those look at the attributes who decide.
    let is_asked = !options.ignore_spans.is_empty()
        || matches!(options.effective_traces_sampling(), TracesSamplingStrategy::Function(_));
    let mut known = if is_asked { values(&data.attributes) } else { Map::new() };
    semantics::show(&mut known);
    let ours = match above {
        Some(above) => {
            above.start_child_as((&label.op, &label.name), &known, key.span_id(), data.start_time).into()
        }
        None => {
            let mut root = root(key, data, context, &label);
            root.set_source(label.source);
            known.into_iter().for_each(|(name, value)| root.set_data(&name, value));
            TransactionOrSpan::from(hub.start_transaction_with_timestamp(root, data.start_time))
        }
    };
    ours.set_origin(ORIGIN);
    ours
}

/// What a transaction begins with.
fn root(key: Key, data: &SpanData, context: &Context, label: &Label<'_>) -> TransactionContext {
    let above =
        (data.parent_span_id != OtelSpanId::INVALID).then(|| SpanId::from(data.parent_span_id.to_bytes()));
    match (active::incoming(context, key), above) {
        (Some(trace), Some(above)) => TransactionContext::continue_from_trace_propagation_context(
            &label.name,
            &label.op,
            &trace.at_span(above),
            Some(key.span_id()),
        ),
        _ => TransactionContext::new_with_details(
            &label.name,
            &label.op,
            key.trace_id(),
            Some(key.span_id()),
            above,
        ),
    }
}

/// A span that is not recorded, and so is nothing below it.
fn unsampled(key: Key) -> TransactionOrSpan {
    let place = TracePropagationContext::new(key.trace_id(), key.span_id());
    TransactionOrSpan::elsewhere(&place.with_sampled(false))
}

/// Whether it is a request to where `client` sends to.
pub(super) fn is_own(client: &Client, kind: &SpanKind, attributes: &[KeyValue]) -> bool {
    let (SpanKind::Client, Some(dsn)) = (kind, client.dsn()) else { return false };
    let url = text(attributes, "url.full").or_else(|| text(attributes, "http.url"));
    if let Some(url) = url.and_then(|url| Url::parse(url).ok()) {
        return url.host_str() == Some(dsn.host()) && url.port_or_known_default() == Some(dsn.port());
    }
    let port = attributes.iter().rfind(|it| it.key.as_str() == "server.port").map(|it| &it.value);
    text(attributes, "server.address") == Some(dsn.host()) && port == Some(&Attribute::I64(dsn.port().into()))
}

/// Sends what is ready, waiting so long at most.
fn flush(timeout: Option<Duration>) -> OTelSdkResult {
    let Some(client) = Hub::current().client() else { return Ok(()) };
    if client.flush(timeout) {
        return Ok(());
    }
    Err(OTelSdkError::Timeout(timeout.unwrap_or_else(|| client.options().shutdown_timeout)))
}
