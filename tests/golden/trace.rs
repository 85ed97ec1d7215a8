//! Transactions, and spans that are sent one by one.

use std::time::Duration;

use sentry::options::TraceLifecycle;
use sentry::protocol::{
    Context, ProfileContext, Quantity, Request, SpanId, SpanLink, SpanStatus, TraceId, Unit, User, Value,
};
use sentry::types::Uuid;
use sentry::{ClientOptions, TransactionContext, TransactionSource};

use crate::{check, moment, options};

pub(crate) fn trace_id() -> TraceId {
    TraceId::from([0x44; 16])
}

pub(crate) fn span_id(digits: u8) -> SpanId {
    SpanId::from([digits; 8])
}

pub(crate) fn link() -> SpanLink {
    SpanLink {
        trace_id: TraceId::from([0x55; 16]),
        span_id: span_id(0x66),
        sampled: Some(true),
        attributes: [("sentry.link.type".to_owned(), "previous_trace".into())].into(),
    }
}

#[test]
fn a_transaction_with_every_field() {
    check("transaction", "transaction", traced(), capture);
}

#[test]
fn streamed_spans_with_every_field() {
    check("span", "span", traced().trace_lifecycle(TraceLifecycle::Stream), capture);
}

fn traced() -> ClientOptions {
    options().traces_sample_rate(1.0).org_id("99".parse().expect("an id"))
}

fn capture() {
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User {
            id: Some("7".into()),
            email: Some("ada@example.com".into()),
            username: Some("ada".into()),
            ip_address: "127.0.0.1".parse().ok(),
            ..Default::default()
        }));
        scope.set_attribute("tenant", "acme");
        scope.set_attribute("quota", Quantity::new(0.5, Unit::Ratio));
        scope.set_context(
            "profile",
            Context::Profile(Box::new(ProfileContext {
                profile_id: Some(Uuid::from_bytes([0x66; 16])),
                profiler_id: Some(Uuid::from_bytes([0x77; 16])),
                ..Default::default()
            })),
        );
    });
    let mut context = TransactionContext::new_with_details(
        "GET /orders",
        "http.server",
        trace_id(),
        Some(span_id(0x22)),
        Some(span_id(0x33)),
    );
    context.set_source(TransactionSource::Route);
    let transaction = sentry::start_transaction_with_timestamp(context, moment());
    transaction.set_origin("auto.http.tower");
    transaction.set_tag("step", "list");
    transaction.set_extra("note", "extra".into());
    transaction.set_data("http.response.status_code", 200.into());
    transaction.set_data("thread.id", "7".into());
    transaction.set_data("thread.name", "main".into());
    transaction.set_request(Request { method: Some("GET".into()), ..Default::default() });
    let span = transaction.start_child_with_details(
        "db.query",
        "SELECT * FROM orders",
        span_id(0x88),
        moment() + Duration::from_secs(1),
    );
    span.set_origin("auto.db.shop");
    span.set_tag("shard", "3");
    span.set_data("db.system", Value::from("postgresql"));
    span.set_data("db.response.returned_rows", Value::from(7));
    span.set_data("ratio", Value::from(0.5));
    span.set_data("cached", Value::from(false));
    span.set_data("shards", Value::from(vec![1, 2]));
    sentry::with_scope(
        |scope| scope.set_span(Some(span.clone().into())),
        || sentry::add_feature_flag("new", true),
    );
    span.set_measurement("rows", 12.5, Unit::Millisecond);
    span.add_link(link());
    span.set_status(SpanStatus::NotFound);
    span.finish_with_timestamp(moment() + Duration::from_secs(2));
    transaction.set_measurement("rows", 12.5, Unit::Millisecond);
    transaction.add_link(link());
    transaction.set_status(SpanStatus::Ok);
    transaction.finish_with_timestamp(moment() + Duration::from_secs(3));
}
