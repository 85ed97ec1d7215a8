//! A log on the wire.

use std::time::SystemTime;

use serde::Serialize;

use crate::attributes::{self, Defaults, FromScope};
use crate::protocol::{Log, LogAttribute, LogLevel, LogSeverityNumber, SpanId, TraceId, timestamp};
use crate::scope::ScopeSnapshot;

/// All of a log but its attributes.
#[derive(Serialize)]
pub(super) struct Head<'a> {
    #[serde(with = "timestamp::seconds")]
    pub(super) timestamp: SystemTime,
    pub(super) trace_id: TraceId,
    #[serde(skip_serializing_if = "Option::is_none")]
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

pub(super) fn write<'a>(
    head: &Head<'_>,
    own: impl Iterator<Item = (&'a str, &'a LogAttribute)> + Clone,
    scope: &FromScope<'_>,
    defaults: &Defaults,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.body.len() + 640);
    // Written into memory, and none of its parts can fail.
    let _ = serde_json::to_writer(&mut out, head);
    out.pop();
    out.extend_from_slice(b",\"attributes\":");
    attributes::write(&mut out, own, scope, defaults);
    out.push(b'}');
    out
}
