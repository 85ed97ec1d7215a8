//! Logs and metrics.

use std::borrow::Cow;

use sentry::protocol::{Log, LogAttribute, LogLevel, Map, Metric, MetricType, Quantity, Unit, User};
use sentry::{Hub, TransactionContext, metrics};

use crate::trace::{span_id, trace_id};
use crate::{check, moment, options};

#[test]
fn logs_with_every_field() {
    check("log", "log", options().traces_sample_rate(1.0), || {
        in_a_span(|| {
            sentry::logger_trace!("step");
            let took = Quantity::new(12.5, Unit::Millisecond);
            sentry::logger_debug!(order.id = 42, retry = true, took = took, "ratio {}", 0.5);
            sentry::logger_info!("user {} has logged in, {} times", "ada", 7);
            sentry::logger_warn!(tags = "a", "low");
            sentry::logger_error!("failed");
            sentry::logger_fatal!("gone");
            Hub::current().capture_log(Log {
                level: LogLevel::Info,
                body: "by hand".into(),
                trace_id: Some(trace_id()),
                timestamp: moment(),
                severity_number: Some(10.try_into().expect("within range")),
                attributes: attributes(),
            });
        });
    });
}

#[test]
fn metrics_with_every_field() {
    check("trace_metric", "trace_metric", options().traces_sample_rate(1.0), || {
        in_a_span(|| {
            metrics::counter("orders", 1).attribute("country", "no").capture();
            metrics::gauge("queue.length", 17).unit(Unit::Byte).capture();
            metrics::distribution("payment.duration", 12.5).unit(Unit::Millisecond).capture();
            Hub::current().capture_metric(Metric {
                r#type: MetricType::Distribution,
                name: "by.hand".into(),
                value: 0.25,
                timestamp: moment(),
                trace_id: trace_id(),
                span_id: Some(span_id(0x22)),
                unit: Some("parsec".into()),
                attributes: attributes().into_iter().map(|(key, value)| (Cow::Owned(key), value)).collect(),
            });
        });
    });
}

/// One of each type.
fn attributes() -> Map<String, LogAttribute> {
    [
        ("array", LogAttribute(vec!["a", "b"].into())),
        ("boolean", true.into()),
        ("double", 0.5.into()),
        ("integer", 7.into()),
        ("large", u64::MAX.into()),
        ("quantity", Quantity::new(64, Unit::Megabyte).into()),
        ("string", "text".into()),
    ]
    .into_iter()
    .map(|(key, value): (&str, LogAttribute)| (key.to_owned(), value))
    .collect()
}

fn in_a_span(f: impl FnOnce()) {
    let context =
        TransactionContext::new_with_details("t", "op", trace_id(), Some(span_id(0x22)), Some(span_id(0x33)));
    let transaction = sentry::start_transaction(context);
    sentry::configure_scope(|scope| {
        scope.set_span(Some(transaction.clone().into()));
        scope.set_attribute("tenant", "acme");
        scope.set_user(Some(User {
            id: Some("7".into()),
            email: Some("ada@example.com".into()),
            username: Some("ada".into()),
            ..Default::default()
        }));
    });
    f();
    sentry::configure_scope(|scope| scope.set_span(None));
}
