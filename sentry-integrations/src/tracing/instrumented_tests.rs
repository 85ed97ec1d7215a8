//! Spans as libraries record them, field by field.

use sentry_core::protocol::{Context as EventContext, Span, SpanStatus, Transaction};
use sentry_core::{Hub, TransactionSource};
use tracing::field::{Empty, display};
use tracing::{Level, info_span, span};

use super::tests::{sampled, sent, transactions};

/// The transaction that these spans are below.
fn traced(run: impl FnOnce()) -> Transaction<'static> {
    let envelopes = sent(sampled(), || info_span!("root").in_scope(run));
    transactions(&envelopes).remove(0)
}

fn span_of(run: impl FnOnce()) -> Span {
    traced(run).spans.remove(0)
}

fn label(span: &Span) -> (&str, &str) {
    (span.op.as_deref().unwrap(), span.description.as_deref().unwrap())
}

/// The transaction that `run` begins, with its operation, name and where that comes from.
fn served(run: impl FnOnce()) -> (Transaction<'static>, [String; 3]) {
    let transaction = transactions(&sent(sampled(), run)).remove(0);
    let EventContext::Trace(trace) = &transaction.contexts["trace"] else { panic!() };
    let source = transaction.transaction_info.clone().unwrap().source.unwrap().into_owned();
    let told = [trace.op.clone().unwrap(), transaction.name.clone().unwrap(), source];
    (transaction, told)
}

#[test]
fn sea_orm_records_the_statement_later() {
    let query = "SELECT \"cake\".\"id\" FROM \"cake\" WHERE \"cake\".\"name\" = 'secret' LIMIT 1";
    let span = span_of(|| {
        let span = info_span!(
            "sea_orm.query_one",
            db.system = "postgresql",
            db.operation = %"SELECT",
            db.statement = Empty,
            otel.status_code = Empty,
            exception.message = Empty,
        );
        span.record("db.statement", query);
        span.in_scope(|| {});
        span.record("otel.status_code", "ERROR");
        span.record("exception.message", display("gone"));
    });
    let shown = "SELECT \"cake\".\"id\" FROM \"cake\" WHERE \"cake\".\"name\" = %s LIMIT %s";
    assert_eq!(label(&span), ("db", shown));
    assert_eq!((&span.data["db.statement"], &span.data["db.operation"]), (&shown.into(), &"SELECT".into()));
    assert_eq!(span.status, Some(SpanStatus::UnknownError));
}

#[test]
fn diesel_tracing_records_the_statement_later() {
    let span = span_of(|| {
        let span = info_span!(
            "execute_returning_count",
            db.name = %"shop",
            db.system = "mysql",
            db.version = %"8",
            otel.kind = "client",
            net.peer.ip = %"127.0.0.1",
            net.peer.port = 3306,
            db.statement = Empty,
            db.operation = Empty,
        );
        span.in_scope(|| {
            let span = tracing::Span::current();
            span.record("db.statement", "UPDATE t SET a = \"secret\" -- binds: [7, \"secret\"]");
            span.record("db.operation", "UPDATE");
        });
    });
    assert_eq!(label(&span), ("db", "UPDATE t SET a = %s"));
    assert!(!format!("{span:?}").contains("secret"));
}

#[test]
fn sqlx_tracing_writes_the_statement_with_quotes_around_it() {
    let statement = "SELECT a\nFROM t WHERE \"b\" = 'secret' AND c = $1";
    let span = span_of(|| {
        info_span!(
            "sqlx.fetch_one",
            "db.system" = "postgresql",
            "db.query.text" = ?statement,
            "db.response.returned_rows" = Empty,
            "net.peer.name" = Empty,
            "net.peer.port" = Empty,
            "otel.kind" = "client",
        )
        .in_scope(|| {});
    });
    let shown = "SELECT a\nFROM t WHERE \"b\" = %s AND c = $1";
    assert_eq!(label(&span), ("db", shown));
    assert_eq!(span.data["db.query.text"], shown);
    assert!(!format!("{span:?}").contains("secret"));
}

#[test]
fn reqwest_tracing_makes_requests() {
    let call = |with_url: bool| {
        span_of(|| {
            let span = span!(
                Level::INFO,
                "HTTP request",
                http.request.method = %"GET",
                url.scheme = %"https",
                server.address = %"api.example",
                server.port = %443_i64,
                url.full = Empty,
                user_agent.original = %"",
                otel.kind = "client",
                otel.name = %"GET",
                otel.status_code = Empty,
                http.response.status_code = Empty,
                error.message = Empty,
                error.cause_chain = Empty,
            );
            if with_url {
                span.record("url.full", display("https://u:pw@api.example/a?token=secret#b"));
            }
            span.in_scope(|| {});
            span.record("http.response.status_code", 503);
            span.record("otel.status_code", "ERROR");
        })
    };
    let span = call(true);
    assert_eq!(label(&span), ("http.client", "GET https://api.example/a"));
    assert_eq!(span.data["url.full"], "https://%5BFiltered%5D:%5BFiltered%5D@api.example/a?token=[Filtered]");
    assert!(span.status.is_some_and(|status| status != SpanStatus::Ok));
    assert_eq!(label(&call(false)), ("http.client", "GET https://api.example"));
}

#[test]
fn a_whole_url_without_a_word_on_who_asks_is_a_request_to_others() {
    let span = span_of(|| {
        info_span!("call", http.request.method = "GET", url.full = "https://u:pw@api.example/a?b=c")
            .in_scope(|| {});
    });
    assert_eq!(label(&span), ("http.client", "GET https://api.example/a"));
    assert!(!format!("{span:?}").contains("pw"));
}

#[test]
fn axum_tracing_opentelemetry_tells_the_route_later() {
    let serve = |route: &'static str| {
        served(|| {
            let span = info_span!(
                target: "otel::tracing",
                "HTTP request",
                http.request.method = %"GET",
                http.route = Empty,
                network.protocol.version = %"1.1",
                server.address = "shop.example",
                http.client.address = Empty,
                user_agent.original = "curl",
                http.response.status_code = Empty,
                url.path = "/users/17",
                url.query = Some("token=secret"),
                url.scheme = "http",
                otel.name = %"GET",
                otel.kind = ?opentelemetry_like::Server,
                otel.status_code = Empty,
                trace_id = Empty,
                exception.message = Empty,
                "span.type" = "web",
            );
            span.record("http.route", route);
            span.record("otel.name", format!("GET {route}").trim());
            span.in_scope(|| {});
            span.record("http.response.status_code", display(404_u16));
        })
    };
    let (transaction, told) = serve("/users/{id}");
    assert_eq!(told, ["http.server", "GET /users/{id}", "route"]);
    let EventContext::Trace(trace) = &transaction.contexts["trace"] else { panic!() };
    assert_eq!(
        (trace.status, &trace.data["http.response.status_code"]),
        (Some(SpanStatus::NotFound), &404.into())
    );
    // No route has matched.
    assert_eq!(serve("").1, ["http.server", "GET /users/17", "url"]);
}

/// As in the crates of OpenTelemetry.
mod opentelemetry_like {
    #[derive(Debug)]
    pub(super) struct Server;
}

#[test]
fn a_path_that_is_no_pattern_is_not_told_to_others() {
    let names = |route: &'static str| {
        let mut told = String::new();
        sent(sampled(), || {
            let span =
                info_span!("request", http.method = "GET", http.target = "/users/17?a=b", http.route = Empty);
            if !route.is_empty() {
                span.record("http.route", route);
            }
            span.in_scope(|| {
                told = Hub::current()
                    .trace_headers()
                    .into_iter()
                    .find(|(name, _)| *name == "baggage")
                    .unwrap()
                    .1;
            });
        });
        told
    };
    assert!(!names("").contains("transaction"), "{}", names(""));
    assert!(names("/users/{id}").contains("sentry-transaction=GET%20%2Fusers%2F%7Bid%7D"));
    assert_eq!(TransactionSource::default(), TransactionSource::Custom);
}

#[test]
fn tower_http_says_nothing_that_others_agree_on() {
    let span = span_of(|| {
        let version = Some("HTTP/1.1");
        span!(Level::INFO, "request", method = %"GET", uri = %"/a", version = ?version).in_scope(|| {});
    });
    let op = "sentry_integrations::tracing::instrumented_tests::request";
    assert_eq!(label(&span), (op, "request"));
    assert_eq!((&span.data["method"], &span.data["uri"]), (&"GET".into(), &"/a".into()));
}

#[test]
fn hyper_has_spans_without_fields() {
    let span = span_of(|| info_span!("parse_headers").in_scope(|| {}));
    assert_eq!(span.description.as_deref(), Some("parse_headers"));
}

#[test]
fn what_the_application_says_comes_first_whenever_others_speak() {
    let span = span_of(|| {
        let span = info_span!(
            "query",
            sentry.name = "the nightly report",
            sentry.op = "task",
            db.system = "sqlite",
            db.statement = Empty,
            otel.name = Empty,
        );
        span.record("db.statement", "SELECT 1");
        span.record("otel.name", "SELECT");
        span.in_scope(|| {});
    });
    assert_eq!(label(&span), ("task", "the nightly report"));
    let span = span_of(|| {
        let span = info_span!("query", sentry.name = Empty, sentry.op = Empty, db.system = "sqlite");
        span.record("sentry.name", "later");
        span.record("sentry.op", "task.later");
        span.in_scope(|| {});
    });
    assert_eq!(label(&span), ("task.later", "later"));
}

#[test]
fn a_name_of_the_instrumentation_is_better_than_none() {
    let span = span_of(|| {
        info_span!("a", otel.name = "publish orders", otel.kind = "producer").in_scope(|| {});
    });
    assert_eq!(span.description.as_deref(), Some("publish orders"));
    let (_, told) = served(|| {
        info_span!("a", http.method = "GET", http.target = "/x/7", otel.name = "GET /x/{n}").in_scope(|| {});
    });
    assert_eq!(told, ["http.server", "GET /x/{n}", "custom"]);
}
