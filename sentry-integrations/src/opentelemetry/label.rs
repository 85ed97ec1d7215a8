//! What a span is called.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use sentry_core::TransactionSource;

use super::values;
use crate::semantics::Kind;

/// What a span is called, by its name and its attributes.
#[derive(Debug, PartialEq)]
pub(super) struct Label<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) op: Cow<'a, str>,
    /// Where the name is from.
    pub(super) source: TransactionSource,
}

/// The operation of something that says nothing about itself.
const ANYTHING: &str = "default";

impl<'a> Label<'a> {
    pub(super) fn new(name: &'a str, kind: &SpanKind, attributes: &'a [KeyValue]) -> Self {
        let text = |name: &str| values::text(attributes, name);
        let custom = |name: &'a str| (Cow::Borrowed(name), TransactionSource::Custom);
        let own_op = text("sentry.op").map(Cow::Borrowed);
        let is_client = *kind == SpanKind::Client || *kind == SpanKind::Internal && Kind::is_client(text);
        let Some(known) = Kind::of(text, is_client) else {
            let op = own_op.or_else(|| other_op(kind, attributes)).unwrap_or(Cow::Borrowed(ANYTHING));
            let (name, source) = custom(text("sentry.name").unwrap_or(name));
            return Self { name, op, source };
        };
        // Requests are called nothing better than their method until somebody knows more.
        let own = Some(name).filter(|name| Some(*name) != Kind::method(text)).map(custom);
        let told = known.name.map(|name| (Cow::Owned(name), known.source));
        let told = if known.is_best { told.or(own) } else { own.or(told) };
        let (name, source) = text("sentry.name").map(custom).or(told).unwrap_or_else(|| custom(name));
        Self { name, op: own_op.unwrap_or(Cow::Borrowed(known.op)), source }
    }
}

/// What is neither a query nor a request of HTTP.
fn other_op(kind: &SpanKind, attributes: &[KeyValue]) -> Option<Cow<'static, str>> {
    let text = |name: &str| values::text(attributes, name);
    if let Some(system) = text("rpc.system").or_else(|| text("rpc.system.name")) {
        return Some(Cow::Borrowed(if system == "grpc" { "grpc" } else { "rpc" }));
    }
    if text("messaging.system").is_some() {
        return Some(Cow::Borrowed(match kind {
            SpanKind::Producer => "queue.publish",
            SpanKind::Consumer => "queue.process",
            SpanKind::Client | SpanKind::Internal | SpanKind::Server => "queue.task",
        }));
    }
    text("gen_ai.operation.name").map(|operation| Cow::Owned(format!("gen_ai.{operation}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(
        name: &str,
        kind: SpanKind,
        attributes: &[(&'static str, &'static str)],
    ) -> (String, String, TransactionSource) {
        let attributes: Vec<_> = attributes.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect();
        let label = Label::new(name, &kind, &attributes);
        (label.name.into_owned(), label.op.into_owned(), label.source)
    }

    #[test]
    fn the_table_of_conventions() {
        use TransactionSource::{Custom, Route, Url};
        type Row<'a> =
            (&'a str, SpanKind, &'a [(&'static str, &'static str)], (&'a str, &'a str, TransactionSource));
        let get = ("http.request.method", "GET");
        let kafka = ("messaging.system", "kafka");
        let table: [Row<'_>; 15] = [
            ("name", SpanKind::Internal, &[], ("name", "default", Custom)),
            ("GET", SpanKind::Server, &[get], ("GET", "http.server", Custom)),
            ("checkout", SpanKind::Server, &[get, ("url.path", "/c")], ("checkout", "http.server", Custom)),
            (
                "GET",
                SpanKind::Server,
                &[get, ("url.path", "/u/7"), ("http.route", "/u/{id}")],
                ("GET /u/{id}", "http.server", Route),
            ),
            (
                "GET",
                SpanKind::Server,
                &[("http.method", "GET"), ("http.target", "/u/7?token=x")],
                ("GET /u/7", "http.server", Url),
            ),
            (
                "PUT",
                SpanKind::Client,
                &[("http.request.method", "PUT"), ("url.full", "http://u:p@h/p?q=1#f")],
                ("PUT http://h/p", "http.client", Url),
            ),
            (
                "SELECT t",
                SpanKind::Client,
                &[("db.system", "postgresql"), ("db.statement", "SELECT * FROM t WHERE id = 7")],
                ("SELECT * FROM t WHERE id = %s", "db", Custom),
            ),
            ("GET", SpanKind::Client, &[("db.system.name", "redis")], ("GET", "db", Custom)),
            ("a.B/c", SpanKind::Server, &[("rpc.system", "grpc")], ("a.B/c", "grpc", Custom)),
            ("c", SpanKind::Client, &[("rpc.system", "jsonrpc")], ("c", "rpc", Custom)),
            ("send orders", SpanKind::Producer, &[kafka], ("send orders", "queue.publish", Custom)),
            ("process orders", SpanKind::Consumer, &[kafka], ("process orders", "queue.process", Custom)),
            ("ack", SpanKind::Internal, &[kafka], ("ack", "queue.task", Custom)),
            ("c", SpanKind::Client, &[("gen_ai.operation.name", "chat")], ("c", "gen_ai.chat", Custom)),
            (
                "GET",
                SpanKind::Server,
                &[get, ("http.route", "/"), ("sentry.op", "o"), ("sentry.name", "n")],
                ("n", "o", Custom),
            ),
        ];
        for (given, kind, attributes, (name, op, source)) in table {
            assert_eq!(
                label(given, kind, attributes),
                (name.to_owned(), op.to_owned(), source),
                "{attributes:?}"
            );
        }
    }
}
