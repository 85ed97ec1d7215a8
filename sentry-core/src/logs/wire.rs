//! A log on the wire.

use crate::attributes::{self, Defaults, FromScope, Keys};
use crate::json;
use crate::protocol::Log;
use crate::scope::ScopeSnapshot;
use crate::telemetry::Place;

/// The attributes that text with arguments has.
pub(super) const OF_TEXT: Keys<'_> = Keys::new(&[
    "sentry.message.template",
    "sentry.message.parameter.0",
    "sentry.message.parameter.1",
    "sentry.message.parameter.2",
    "sentry.message.parameter.3",
]);

/// A log that an application has built, or a callback has changed.
pub(super) fn write(
    out: &mut Vec<u8>,
    log: &Log,
    scope: &ScopeSnapshot,
    from_scope: &FromScope<'_>,
    defaults: &Defaults,
) {
    let trace_id = log.trace_id.or_else(|| scope.trace_id()).unwrap_or_default();
    // The span of another trace is not the one it was written in.
    let span_id = scope.span_id().filter(|_| scope.trace_id() == Some(trace_id));
    let severity_number = log.severity_number.unwrap_or_else(|| log.level.severity_number());
    out.extend_from_slice(b"{\"level\":");
    json::text(out, log.level.name());
    out.extend_from_slice(b",\"severity_number\":");
    json::unsigned(out, u8::from(severity_number).into());
    out.extend_from_slice(b",\"body\":");
    json::text(out, &log.body);
    out.extend_from_slice(b",\"attributes\":");
    let own = log.attributes.iter().map(|(key, value)| (key.as_str(), value));
    attributes::write(out, own, from_scope, defaults);
    Place { stamp: log.timestamp.into(), trace_id, span_id }.write(out);
}
