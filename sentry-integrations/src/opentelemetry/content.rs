//! What our span is told of one that has ended.

use opentelemetry::trace::{Link, SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;
use sentry_core::TransactionOrSpan;
use sentry_core::protocol::{Map, SpanLink, SpanStatus, Value};

use super::ids::Key;
use super::label::Label;
use super::values::values;
use crate::semantics;

/// What made the spans.
pub(super) const ORIGIN: &str = "auto.otel";

/// Sets all that is known at the end.
pub(super) fn fill(ours: &TransactionOrSpan, data: &SpanData) {
    let label = Label::new(&data.name, &data.span_kind, &data.attributes);
    ours.set_name(&label.name);
    ours.set_op(&label.op);
    let mut values = values(&data.attributes);
    semantics::understand(ours, &mut values);
    set_status(ours, &data.status, &mut values);
    values.insert("otel.kind".to_owned(), kind(&data.span_kind).into());
    let scope = &data.instrumentation_scope;
    let parts = [("otel.scope.name", Some(scope.name())), ("otel.scope.version", scope.version())];
    for (key, part) in parts {
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            values.insert(key.to_owned(), part.into());
        }
    }
    match ours {
        TransactionOrSpan::Span(span) => span.data().extend(values),
        TransactionOrSpan::Transaction(transaction) => {
            transaction.set_source(label.source);
            let mut data = transaction.data();
            values.into_iter().for_each(|(key, value)| data.set_data(key.into(), value));
        }
    }
    data.links.links.iter().map(link).for_each(|link| ours.add_link(link));
}

/// What OpenTelemetry says comes first, unless the attributes know more about an error.
fn set_status(ours: &TransactionOrSpan, status: &Status, values: &mut Map<String, Value>) {
    let of_grpc = || GRPC.get(usize::try_from(values.get("rpc.grpc.status_code")?.as_i64()?).ok()?).copied();
    let known = ours.get_status().or_else(of_grpc);
    match status {
        Status::Ok => ours.set_status(SpanStatus::Ok),
        Status::Unset => ours.set_status(known.unwrap_or(SpanStatus::Ok)),
        Status::Error { description } => {
            let known = known.filter(|known| *known != SpanStatus::Ok);
            let named = description.parse().ok().filter(|named| *named != SpanStatus::Ok);
            ours.set_status(named.or(known).unwrap_or(SpanStatus::UnknownError));
            if !description.is_empty() {
                values.insert("otel.status_description".to_owned(), description.as_ref().into());
            }
        }
    }
}

/// By their numbers.
const GRPC: [SpanStatus; 17] = [
    SpanStatus::Ok,
    SpanStatus::Cancelled,
    SpanStatus::UnknownError,
    SpanStatus::InvalidArgument,
    SpanStatus::DeadlineExceeded,
    SpanStatus::NotFound,
    SpanStatus::AlreadyExists,
    SpanStatus::PermissionDenied,
    SpanStatus::ResourceExhausted,
    SpanStatus::FailedPrecondition,
    SpanStatus::Aborted,
    SpanStatus::OutOfRange,
    SpanStatus::Unimplemented,
    SpanStatus::InternalError,
    SpanStatus::Unavailable,
    SpanStatus::DataLoss,
    SpanStatus::Unauthenticated,
];

fn kind(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "CLIENT",
        SpanKind::Consumer => "CONSUMER",
        SpanKind::Internal => "INTERNAL",
        SpanKind::Producer => "PRODUCER",
        SpanKind::Server => "SERVER",
    }
}

fn link(link: &Link) -> SpanLink {
    let key = Key::of(&link.span_context);
    let mut attributes = values(&link.attributes);
    semantics::show(&mut attributes);
    SpanLink {
        trace_id: key.trace_id(),
        span_id: key.span_id(),
        sampled: Some(link.span_context.is_sampled()),
        attributes,
    }
}
