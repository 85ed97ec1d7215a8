//! Spans that are sent one by one (protocol.md 10).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use crate::attributes::{self, FromScope};
use crate::client::Client;
use crate::integration;
use crate::protocol::{
    self, DynamicSamplingContext, LogAttribute, Measurement, Quantity, SpanId, SpanLink, SpanStatus, TraceId,
    Value, timestamp,
};
use crate::scope::ScopeSnapshot;
use crate::telemetry::Telemetry;
use crate::trace::{TransactionSource, dsc, recorded};

/// The topmost span of a trace within this service.
pub(super) struct Segment<'a> {
    pub(super) name: &'a str,
    pub(super) source: TransactionSource,
    pub(super) id: SpanId,
    pub(super) context: Arc<DynamicSamplingContext>,
}

/// All of a span but its attributes.
#[derive(Serialize)]
struct Head<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<SpanId>,
    name: &'a str,
    status: &'static str,
    is_segment: bool,
    #[serde(with = "timestamp::seconds")]
    start_timestamp: SystemTime,
    #[serde(with = "timestamp::seconds")]
    end_timestamp: SystemTime,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link<'a>>,
}

/// A reference to another span.
#[derive(Serialize)]
struct Link<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampled: Option<bool>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'a str, LogAttribute>,
}

impl<'a> From<&'a SpanLink> for Link<'a> {
    fn from(link: &'a SpanLink) -> Self {
        let typed = |(key, value): (&'a String, &Value)| (key.as_str(), LogAttribute(value.clone()));
        let SpanLink { trace_id, span_id, sampled, attributes } = link;
        let attributes = attributes.iter().map(typed).collect();
        Self { trace_id: *trace_id, span_id: *span_id, sampled: *sampled, attributes }
    }
}

/// A span that has ended, as it is sent.
pub(super) fn record(
    client: &Client,
    mut span: protocol::Span,
    segment: &Segment<'_>,
    scope: &ScopeSnapshot,
) -> Telemetry {
    integration::process_span(client.options(), &mut span);
    let span = recorded::seen(span, client.options());
    let trace_id = span.trace_id;
    let json = encode(client, &span, segment, scope);
    Telemetry::span(json, trace_id, dsc::addressed(&segment.context, client.options()))
}

/// A measurement as an attribute. The protocol has a name for having no unit; an attribute then has none.
fn measured(measurement: &Measurement) -> LogAttribute {
    match &measurement.unit {
        Some(unit) if unit.as_str() != "none" => Quantity::new(measurement.value, unit.clone()).into(),
        _ => measurement.value.into(),
    }
}

fn encode(client: &Client, span: &protocol::Span, segment: &Segment<'_>, scope: &ScopeSnapshot) -> Vec<u8> {
    let is_segment = span.span_id == segment.id;
    let op = span.op.as_deref().filter(|op| !op.is_empty());
    let own_name = span.description.as_deref().filter(|name| !name.is_empty());
    let head = Head {
        trace_id: span.trace_id,
        span_id: span.span_id,
        parent_span_id: span.parent_span_id,
        name: if is_segment { segment.name } else { own_name.or(op).unwrap_or_default() },
        status: match span.status {
            None | Some(SpanStatus::Ok) => "ok",
            Some(_) => "error",
        },
        is_segment,
        start_timestamp: span.start_timestamp,
        end_timestamp: span.timestamp.unwrap_or(span.start_timestamp),
        links: span.links.iter().map(Link::from).collect(),
    };
    let text = |text: &str| LogAttribute::from(text);
    let mut own: Vec<(&str, LogAttribute)> = vec![
        ("sentry.segment.name", text(segment.name)),
        ("sentry.segment.id", LogAttribute::from(segment.id.to_string())),
        ("sentry.trace_lifecycle", text("stream")),
        ("sentry.platform", text("native")),
    ];
    own.extend(op.map(|op| ("sentry.op", text(op))));
    own.extend(span.origin.as_deref().map(|origin| ("sentry.origin", text(origin))));
    if is_segment {
        own.push(("sentry.segment.name.source", text(segment.source.name())));
    }
    own.extend(scope.replay_id().map(|replay| ("sentry.replay_id", text(replay))));
    own.extend(span.measurements.iter().map(|(key, it)| (key.as_str(), measured(it))));
    own.extend(span.tags.iter().map(|(key, value)| (key.as_str(), text(value))));
    own.extend(span.data.iter().map(|(key, value)| (key.as_str(), LogAttribute(value.clone()))));
    let mut out = Vec::with_capacity(1_024);
    // Written into memory, and none of its parts can fail.
    let _ = serde_json::to_writer(&mut out, &head);
    out.pop();
    out.extend_from_slice(b",\"attributes\":");
    let own = own.iter().map(|(key, value)| (*key, value));
    attributes::write(&mut out, own, &FromScope::new(scope), client.span_defaults());
    out.push(b'}');
    out
}
