//! A log on the wire.

use std::time::SystemTime;

use crate::attributes::{self, Attribute, Defaults, FromScope};
use crate::json;
use crate::protocol::{Log, LogAttribute, LogLevel, LogSeverityNumber, SpanId, TraceId};
use crate::scope::ScopeSnapshot;

/// All of a log but its attributes.
pub(super) struct Head<'a> {
    pub(super) timestamp: SystemTime,
    pub(super) trace_id: TraceId,
    pub(super) span_id: Option<SpanId>,
    pub(super) level: LogLevel,
    pub(super) severity_number: LogSeverityNumber,
    pub(super) body: &'a str,
}

/// A log that an application has built, with the span it was written in.
pub(super) fn encode<'a>(
    log: &Log,
    span_id: Option<SpanId>,
    scope: &ScopeSnapshot,
    own: impl Iterator<Item = (&'a str, &'a LogAttribute)> + Clone,
    from_scope: &FromScope<'_>,
    defaults: &Defaults,
) -> Vec<u8> {
    let trace_id = log.trace_id.or_else(|| scope.trace_id()).unwrap_or_default();
    let head = Head {
        timestamp: log.timestamp,
        trace_id,
        // The span of another trace is not the one it was written in.
        span_id: span_id.filter(|_| scope.trace_id() == Some(trace_id)),
        level: log.level,
        severity_number: log.severity_number.unwrap_or_else(|| log.level.severity_number()),
        body: &log.body,
    };
    write(&head, own, from_scope, defaults)
}

/// Room for what is in every log, and for a few attributes: one allocation is to be enough.
const ROOM: usize = 360;

pub(super) fn write<'a, A: Into<Attribute<'a>>>(
    head: &Head<'_>,
    own: impl Iterator<Item = (&'a str, A)> + Clone,
    scope: &FromScope<'_>,
    defaults: &Defaults,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(ROOM + head.body.len() + defaults.size());
    out.extend_from_slice(b"{\"timestamp\":");
    json::time(&mut out, head.timestamp);
    out.extend_from_slice(b",\"trace_id\":");
    json::hex(&mut out, &head.trace_id.to_bytes());
    if let Some(span_id) = head.span_id {
        out.extend_from_slice(b",\"span_id\":");
        json::hex(&mut out, &span_id.to_bytes());
    }
    out.extend_from_slice(b",\"level\":");
    json::text(&mut out, head.level.name());
    out.extend_from_slice(b",\"severity_number\":");
    json::unsigned(&mut out, u8::from(head.severity_number).into());
    out.extend_from_slice(b",\"body\":");
    json::text(&mut out, head.body);
    out.extend_from_slice(b",\"attributes\":");
    attributes::write(&mut out, own, scope, defaults);
    out.push(b'}');
    out
}
