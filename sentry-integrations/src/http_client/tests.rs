use http::header::{AUTHORIZATION, CONTENT_LENGTH, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sentry_core::protocol::client_report::{Category, Reason};
use sentry_core::protocol::{Breadcrumb, Context, EnvelopeItem, Event, Level, Span, SpanStatus, Transaction};
use sentry_core::test::with_captured_envelopes_options;
use sentry_core::{
    ClientOptions, Hub, TransactionContext, capture_message, configure_scope, start_transaction,
};

use super::*;

const URL: &str = "https://stock.example/items/7?lang=en&token=abc";

fn traced() -> ClientOptions {
    ClientOptions::new().dsn("https://key@sentry.example/1").traces_sample_rate(1.0)
}

/// What is sent when code in a transaction has run, and an event right after that.
fn sent(options: ClientOptions, run: impl FnOnce()) -> (Vec<Event<'static>>, Option<Transaction<'static>>) {
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = start_transaction(TransactionContext::new("order", "task"));
            configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
            run();
            capture_message("after", Level::Info);
            transaction.finish();
        },
        options,
    );
    let (mut events, mut transactions) = (Vec::new(), None);
    for item in envelopes.iter().flat_map(|envelope| envelope.items()) {
        match item {
            EnvelopeItem::Event(event) => events.push((**event).clone()),
            EnvelopeItem::Transaction(transaction) => transactions = Some((**transaction).clone()),
            _ => {}
        }
    }
    (events, transactions)
}

fn crumbs(events: &[Event<'static>]) -> Vec<Breadcrumb> {
    events.last().unwrap().breadcrumbs.values.clone()
}

fn span(transaction: Option<Transaction<'static>>) -> Span {
    let [span] = &transaction.unwrap().spans[..] else { panic!("one span") };
    span.clone()
}

#[test]
fn a_request_has_a_span_headers_and_a_breadcrumb() {
    let mut headers = HeaderMap::new();
    let (events, transaction) = sent(traced(), || {
        let call = HttpCall::begin(&Method::GET, URL, &mut headers);
        let mut came = HeaderMap::new();
        came.insert(CONTENT_LENGTH, 12.into());
        call.answered(StatusCode::OK, &came);
    });
    let span = span(transaction);
    assert_eq!((span.op.as_deref(), span.origin.as_deref()), (Some("http.client"), Some("auto.http.client")));
    assert_eq!(span.description.as_deref(), Some("GET https://stock.example/items/7"));
    assert_eq!(span.status, Some(SpanStatus::Ok));
    assert_eq!(span.data["http.request.method"], "GET");
    assert_eq!(span.data["url.full"], "https://stock.example/items/7?lang=en&token=[Filtered]");
    assert_eq!(span.data["http.query"], "lang=en&token=[Filtered]");
    assert_eq!(
        (&span.data["server.address"], &span.data["server.port"]),
        (&"stock.example".into(), &443.into())
    );
    assert_eq!(
        (&span.data["http.response.status_code"], &span.data["http.response.body.size"]),
        (&200.into(), &12.into())
    );
    // The other service is below the span, and not below the transaction.
    let carried = headers["sentry-trace"].to_str().unwrap();
    assert_eq!(carried, format!("{}-{}-1", span.trace_id, span.span_id));
    assert!(headers["baggage"].to_str().unwrap().contains("sentry-trace_id="));

    let [crumb] = &crumbs(&events)[..] else { panic!("one breadcrumb") };
    assert_eq!(
        (crumb.ty.as_str(), crumb.category.as_deref(), crumb.level),
        ("http", Some("http"), Level::Info)
    );
    assert_eq!((&crumb.data["method"], &crumb.data["status_code"]), (&"GET".into(), &200.into()));
    assert_eq!(
        (&crumb.data["url"], &crumb.data["reason"]),
        (&"https://stock.example/items/7".into(), &"OK".into())
    );
    assert_eq!(events.len(), 1);
}

#[test]
fn how_it_ends_is_told() {
    let answer = |status: u16| Some(StatusCode::from_u16(status).unwrap());
    let table = [
        (answer(301), SpanStatus::Ok, Level::Info),
        (answer(404), SpanStatus::NotFound, Level::Warning),
        (answer(503), SpanStatus::Unavailable, Level::Error),
        (None, SpanStatus::InternalError, Level::Error),
    ];
    for (status, expected, level) in table {
        let (events, transaction) = sent(traced(), || {
            let call = HttpCall::begin(&Method::POST, URL, &mut HeaderMap::new());
            match status {
                Some(status) => call.answered(status, &HeaderMap::new()),
                None => call.failed(),
            }
        });
        assert_eq!(span(transaction).status, Some(expected), "{status:?}");
        assert_eq!(crumbs(&events)[0].level, level, "{status:?}");
        assert_eq!(events.len(), 1, "nobody asked for events of failures");
    }
    let (events, transaction) =
        sent(traced(), || drop(HttpCall::begin(&Method::POST, URL, &mut HeaderMap::new())));
    assert_eq!(span(transaction).status, Some(SpanStatus::Cancelled));
    assert_eq!(crumbs(&events)[0].data["reason"], "cancelled");
}

#[test]
fn only_targets_get_the_headers_and_what_is_there_stays() {
    let begin = |options: ClientOptions, url: &str, mut headers: HeaderMap| {
        sent(options, || HttpCall::begin(&Method::GET, url, &mut headers).failed());
        headers
    };
    let targets = || traced().trace_propagation_targets(["stock.example"]);
    assert!(begin(targets(), "https://elsewhere.example/", HeaderMap::new()).is_empty());
    assert_eq!(begin(targets(), URL, HeaderMap::new()).len(), 2);
    assert_eq!(begin(targets().propagate_traceparent(true), URL, HeaderMap::new()).len(), 3);

    let mut headers = HeaderMap::new();
    headers.append("baggage", HeaderValue::from_static("vendor=1"));
    headers.append("baggage", HeaderValue::from_static("other=2,sentry-release=old"));
    let merged = begin(traced(), URL, headers.clone());
    let merged = merged["baggage"].to_str().unwrap();
    assert!(merged.starts_with("vendor=1,other=2,sentry-") && !merged.contains("old"), "{merged}");

    headers.insert("sentry-trace", HeaderValue::from_static("own"));
    assert_eq!(begin(traced(), URL, headers.clone()), headers, "whoever wrote one meant it");

    let mut headers = HeaderMap::new();
    headers.insert("traceparent", HeaderValue::from_static("of OpenTelemetry"));
    headers.insert("baggage", HeaderValue::from_bytes(b"vendor=\xff").unwrap());
    let merged = begin(traced().propagate_traceparent(true), URL, headers.clone());
    assert_eq!(merged["traceparent"], headers["traceparent"]);
    let baggage: Vec<_> = merged.get_all("baggage").iter().collect();
    assert_eq!((baggage.len(), baggage[0]), (2, &headers["baggage"]));
    assert!(baggage[1].to_str().unwrap().contains("sentry-trace_id="));
}

#[test]
fn requests_to_the_own_server_and_of_the_sdk_itself_are_nobodys_business() {
    let mut headers = HeaderMap::new();
    let (events, transaction) = sent(traced(), || {
        HttpCall::begin(&Method::POST, "https://sentry.example/api/1/envelope/", &mut headers).failed();
        sentry_core::suppress(|| HttpCall::begin(&Method::POST, URL, &mut headers).failed());
    });
    assert!(headers.is_empty() && crumbs(&events).is_empty() && transaction.unwrap().spans.is_empty());
    // Another service of the same host is another service.
    let (_, transaction) = sent(traced(), || {
        HttpCall::begin(&Method::POST, "https://sentry.example:81/", &mut headers).failed()
    });
    assert_eq!(span(transaction).data["server.port"], 81);
}

#[test]
fn without_a_span_above_there_is_none_and_the_trace_goes_on() {
    for (options, lost) in [(traced(), 1), (ClientOptions::new().dsn("https://key@sentry.example/1"), 0)] {
        let mut headers = HeaderMap::new();
        let events = with_captured_envelopes_options(
            || {
                HttpCall::begin(&Method::GET, URL, &mut headers).failed();
                capture_message("after", Level::Info);
            },
            options.clone(),
        );
        assert!(headers.contains_key("sentry-trace"));
        let event = events[0].event().unwrap();
        assert_eq!(event.breadcrumbs.len(), 1);
        let Some(Context::Trace(trace)) = event.contexts.get("trace") else { panic!("a trace") };
        assert!(headers["sentry-trace"].to_str().unwrap().starts_with(&trace.trace_id.to_string()));
        let totals = options.client_report_recorder.totals();
        let counted =
            totals.iter().filter(|it| (it.reason(), it.category()) == (Reason::NoParentSpan, Category::Span));
        assert_eq!(counted.map(|it| it.quantity()).sum::<u64>(), lost);
    }
}

#[test]
fn without_a_client_nothing_happens() {
    let mut headers = HeaderMap::new();
    Hub::run(std::sync::Arc::new(Hub::new(None, std::sync::Arc::default())), || {
        HttpCall::begin(&Method::GET, URL, &mut headers).answered(StatusCode::OK, &HeaderMap::new());
    });
    assert!(headers.is_empty());
}

#[test]
fn failures_become_events_where_that_is_wanted() {
    let failures = HttpClientIntegration::new()
        .capture_failed_requests(true)
        .failed_request_status_codes([418..=418, 500..=599])
        .failed_request_targets(["stock.example"]);
    let ask = |url: &'static str, status: u16| {
        let options = traced().add_integration(failures.clone());
        sent(options, || {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
            headers.insert("x-shop", HeaderValue::from_static("7"));
            let call = HttpCall::begin(&Method::PUT, url, &mut headers);
            let mut came = HeaderMap::new();
            came.insert(CONTENT_LENGTH, 5.into());
            came.append(SET_COOKIE, HeaderValue::from_static("theme=dark; Path=/"));
            came.append(SET_COOKIE, HeaderValue::from_static("sid=abc; HttpOnly"));
            call.answered(StatusCode::from_u16(status).unwrap(), &came);
        })
    };
    for (url, status, captured) in [
        (URL, 503, true),
        (URL, 418, true),
        (URL, 404, false),
        (URL, 200, false),
        ("https://elsewhere.example/", 503, false),
    ] {
        assert_eq!(ask(url, status).0.len(), 1 + usize::from(captured), "{url} {status}");
    }
    let (events, transaction) = ask(URL, 503);
    let event = &events[0];
    let exception = &event.exception[0];
    assert_eq!(exception.value.as_deref(), Some("HTTP Client Error with status code: 503"));
    let mechanism = exception.mechanism.as_ref().unwrap();
    assert_eq!((mechanism.handled, mechanism.synthetic), (Some(true), Some(true)));
    let request = event.request.as_ref().unwrap();
    assert_eq!(request.method.as_deref(), Some("PUT"));
    assert_eq!(request.url.as_ref().unwrap().as_str(), "https://stock.example/items/7");
    assert_eq!(request.query_string.as_deref(), Some("lang=en&token=[Filtered]"));
    assert_eq!(
        (request.headers["authorization"].as_str(), request.headers["x-shop"].as_str()),
        ("[Filtered]", "7")
    );
    let Some(Context::Response(response)) = event.contexts.get("response") else { panic!("a response") };
    assert_eq!((response.status_code, response.body_size), (Some(503), Some(5)));
    assert_eq!(response.cookies.as_deref(), Some("theme=dark; sid=[Filtered]"));
    assert!(response.headers.contains_key("content-length") && !response.headers.contains_key("set-cookie"));
    let Some(Context::Trace(trace)) = event.contexts.get("trace") else { panic!("a trace") };
    assert_eq!(trace.span_id, span(transaction).span_id);
}

#[test]
fn a_target_that_panics_is_none() {
    use sentry_core::options::PropagationTarget;
    let failures = HttpClientIntegration::new()
        .capture_failed_requests(true)
        .failed_request_targets([PropagationTarget::matching(|_| panic!("by the test"))]);
    let (events, transaction) = sent(traced().add_integration(failures), || {
        HttpCall::begin(&Method::GET, URL, &mut HeaderMap::new())
            .answered(StatusCode::BAD_GATEWAY, &HeaderMap::new());
    });
    assert_eq!(events.len(), 1);
    assert_eq!(span(transaction).status, Some(SpanStatus::InternalError));
}

#[test]
fn spans_of_requests_can_be_ignored_by_what_they_are() {
    use sentry_core::options::SpanPattern;
    let probes = SpanPattern::new().op("http.client").attribute("server.address", "stock");
    let mut headers = HeaderMap::new();
    let (events, transaction) = sent(traced().ignore_spans([probes]), || {
        HttpCall::begin(&Method::GET, URL, &mut headers).failed();
    });
    let transaction = transaction.unwrap();
    let Some(Context::Trace(trace)) = transaction.contexts.get("trace") else { panic!("a trace") };
    assert!(transaction.spans.is_empty() && crumbs(&events).len() == 1);
    assert_eq!(headers["sentry-trace"], format!("{}-{}-1", trace.trace_id, trace.span_id).as_str());
}

#[cfg(feature = "tower")]
mod service {
    use std::future::{Pending, Ready, pending, ready};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use http::{Request, Response};
    use tower_layer::Layer;
    use tower_service::Service;

    use super::*;

    /// Answers with the status in the path.
    struct Answering;

    impl Service<Request<()>> for Answering {
        type Response = Response<()>;
        type Error = ();
        type Future = Ready<Result<Response<()>, ()>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<()>) -> Self::Future {
            assert!(request.headers().contains_key("sentry-trace"));
            let status = request.uri().path()[1..].parse::<u16>().map_err(drop);
            ready(status.map(|status| Response::builder().status(status).body(()).unwrap()))
        }
    }

    /// Never answers.
    struct Silent;

    impl Service<Request<()>> for Silent {
        type Response = Response<()>;
        type Error = ();
        type Future = Pending<Result<Response<()>, ()>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            pending()
        }
    }

    fn ask<S>(service: S, url: &str) -> Option<SpanStatus>
    where
        S: Service<Request<()>, Response = Response<()>, Error = ()>,
    {
        let (_, transaction) = sent(traced(), || {
            let mut service = SentryHttpClientLayer::new().layer(service);
            let mut cx = Context::from_waker(Waker::noop());
            assert!(service.poll_ready(&mut cx).is_ready());
            let answer = pin!(service.call(Request::get(url).body(()).unwrap()));
            let _ = answer.poll(&mut cx);
        });
        span(transaction).status
    }

    #[test]
    fn requests_through_the_layer_are_told_to_their_end() {
        assert_eq!(ask(Answering, "http://stock.example/201"), Some(SpanStatus::Ok));
        assert_eq!(ask(Answering, "http://stock.example/404"), Some(SpanStatus::NotFound));
        assert_eq!(ask(Answering, "http://stock.example/fails"), Some(SpanStatus::InternalError));
        assert_eq!(ask(Silent, "http://stock.example/"), Some(SpanStatus::Cancelled));
    }
}
