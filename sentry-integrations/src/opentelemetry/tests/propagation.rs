//! From service to service.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, Injector, TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::{SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::Sampler;

use super::*;

const TRACE_ID: &str = "09e04486820349518ac7b5d2adbf6ba5";
const SPAN_ID: &str = "9cf635fa5b870b3a";

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        self.0.insert(HeaderName::try_from(key).unwrap(), HeaderValue::try_from(value).unwrap());
    }
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let all: Vec<_> = self.0.get_all(key).iter().filter_map(|value| value.to_str().ok()).collect();
        (!all.is_empty()).then_some(all)
    }
}

fn came(headers: &[(&str, &str)]) -> HashMap<String, String> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn injected(context: &Context) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    SentryPropagator::new().inject_context(context, &mut headers);
    headers
}

#[test]
fn two_services_are_one_trace_with_the_context_of_the_first() {
    let mut headers = HeaderMap::new();
    let options = || sampled().dsn("https://public@sentry.invalid/1");
    let first = sent(options().release("first@1"), |tracer| {
        let root = tracer.span_builder("GET /cart").with_kind(SpanKind::Server).start(tracer);
        let root = Context::new().with_span(root);
        let request = root.with_span(tracer.start_with_context("request", &root));
        SentryPropagator::new().inject_context(&request, &mut Headers(&mut headers));
    });
    assert_eq!(headers.len(), 2);
    let second = sent(options().release("second@1"), |tracer| {
        let context = SentryPropagator::new().extract_with_context(&Context::new(), &Headers(&mut headers));
        let root = context.with_span(tracer.start_with_context("serve", &context));
        let mut onwards = HeaderMap::new();
        SentryPropagator::new().inject_context(&root, &mut Headers(&mut onwards));
        assert_eq!(onwards["baggage"], headers["baggage"], "it is passed on as it came");
    });
    let (called, serving) = (&transactions(&first)[0], &transactions(&second)[0]);
    assert_eq!(trace(called).trace_id, trace(serving).trace_id);
    assert_eq!(trace(serving).parent_span_id, Some(span(called, "request").span_id));
    let dsc = |envelopes: &[Envelope]| envelopes[0].headers().trace().cloned().unwrap();
    assert_eq!(dsc(&first), dsc(&second));
    assert_eq!(dsc(&second).get("release"), Some("first@1"));
    assert_eq!(dsc(&second).get("transaction"), Some("GET /cart"));
}

#[test]
fn the_decision_that_came_is_kept_and_passed_on() {
    // (flag, sampled here at a rate of 1 and of 0, flag that goes out)
    let table = [
        ("-1", [true, true], ["-1", "-1"]),
        ("-0", [false, false], ["-0", "-0"]),
        ("", [true, false], ["-1", "-0"]),
    ];
    for (flag, sent_here, out) in table {
        for (at, rate) in [1.0, 0.0].into_iter().enumerate() {
            let options = ClientOptions::new().traces_sample_rate(rate);
            let envelopes = sent(options, |tracer| {
                let headers = came(&[
                    ("sentry-trace", &format!("{TRACE_ID}-{SPAN_ID}{flag}")),
                    ("baggage", "vendor=1,sentry-release=theirs,sentry-unknown=x"),
                ]);
                let context = SentryPropagator::new().extract_with_context(&Context::new(), &headers);
                let root = context.with_span(tracer.start_with_context("serve", &context));
                let onwards = injected(&root);
                let (_, span_id) = ids(root.span().span_context());
                assert_eq!(
                    onwards["sentry-trace"],
                    format!("{TRACE_ID}-{span_id}{}", out[at]),
                    "{flag} {rate}"
                );
                assert_eq!(onwards["baggage"], "sentry-release=theirs,sentry-unknown=x", "{flag} {rate}");
            });
            assert_eq!(transactions(&envelopes).len() == 1, sent_here[at], "{flag} {rate}");
        }
    }
}

#[test]
fn without_tracing_a_trace_is_passed_on_undecided() {
    sent(ClientOptions::new().release("r@1"), |tracer| {
        tracer.in_span("root", |context| {
            let (trace_id, span_id) = ids(context.span().span_context());
            let headers = injected(&context);
            assert_eq!(headers["sentry-trace"], format!("{trace_id}-{span_id}"));
            let baggage = &headers["baggage"];
            assert!(baggage.contains(&format!("sentry-trace_id={trace_id}")), "{baggage}");
            assert!(baggage.contains("sentry-release=r%401") && !baggage.contains("sampled"), "{baggage}");
        });
        let trace = format!("{TRACE_ID}-{SPAN_ID}-1");
        let context =
            SentryPropagator::new().extract_with_context(&Context::new(), &came(&[("sentry-trace", &trace)]));
        assert_eq!(injected(&context), came(&[("sentry-trace", &trace)]), "where it came from");
        tracer.start_with_context("x", &context);
        assert_eq!(injected(&Context::new()).len(), 2, "the trace of the scope");
    });
}

#[test]
fn what_opentelemetry_drops_is_passed_on_as_not_sampled() {
    let _table = shared();
    let run = || {
        let provider = SdkTracerProvider::builder()
            .with_span_processor(SentrySpanProcessor::new())
            .with_sampler(Sampler::AlwaysOff)
            .build();
        provider.tracer("t").in_span("dropped", |context| {
            let (trace_id, span_id) = ids(context.span().span_context());
            let headers = injected(&context);
            assert_eq!(headers["sentry-trace"], format!("{trace_id}-{span_id}-0"));
            assert!(headers["baggage"].contains("sentry-sampled=false"));
        });
    };
    with_captured_envelopes_options(run, sampled());
}

#[test]
fn the_baggage_of_the_application_stays_in_the_header() {
    sent(sampled(), |tracer| {
        tracer.in_span("root", |context| {
            let context = context
                .with_baggage([KeyValue::new("tenant", "a b"), KeyValue::new("sentry-release", "of others")]);
            let both = TextMapCompositePropagator::new(vec![
                Box::new(BaggagePropagator::new()),
                Box::new(SentryPropagator::new()),
            ]);
            let mut headers = HashMap::new();
            both.inject_context(&context, &mut headers);
            let baggage = &headers["baggage"];
            assert!(baggage.starts_with("tenant=a%20b,sentry-"), "{baggage}");
            assert!(!baggage.contains("of%20others"), "{baggage}");
        });
    });
}

#[test]
fn ids_are_the_same_in_traceparent() {
    sent(sampled().propagate_traceparent(true), |tracer| {
        tracer.in_span("root", |context| {
            let mut theirs = HashMap::new();
            TraceContextPropagator::new().inject_context(&context, &mut theirs);
            let ours = injected(&context);
            assert_eq!(ours["traceparent"], theirs["traceparent"]);
            let context = SentryPropagator::new().extract_with_context(&Context::new(), &theirs);
            let expected = ids(context.span().span_context());
            assert_eq!(
                (expected.0.as_str(), expected.1.as_str()),
                (&theirs["traceparent"][3..35], &theirs["traceparent"][36..52])
            );
        });
    });
    sent(sampled(), |_| {
        let theirs = came(&[("traceparent", &format!("00-{TRACE_ID}-{SPAN_ID}-01"))]);
        let context = SentryPropagator::new().extract_with_context(&Context::new(), &theirs);
        assert!(!context.has_active_span(), "only where the options say so");
    });
}

#[test]
fn a_trace_that_only_w3c_knows_is_continued_at_our_rate() {
    let theirs = came(&[("traceparent", &format!("00-{TRACE_ID}-{SPAN_ID}-01"))]);
    for (rate, expected) in [(1.0, 1), (0.0, 0)] {
        let envelopes = sent(ClientOptions::new().traces_sample_rate(rate), |tracer| {
            let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &theirs);
            drop(tracer.start_with_context("serve", &context));
        });
        let transactions = transactions(&envelopes);
        assert_eq!(transactions.len(), expected);
        for transaction in transactions {
            let context = trace(&transaction);
            let parent = context.parent_span_id.map(|id| id.to_string());
            assert_eq!((&*context.trace_id.to_string(), parent.as_deref()), (TRACE_ID, Some(SPAN_ID)));
        }
    }
}

#[test]
fn ugly_and_foreign_headers_continue_nothing() {
    let options = sampled().org_id(1.into());
    sent(options, |_| {
        let valid = format!("{TRACE_ID}-{SPAN_ID}-1");
        for headers in [
            vec![],
            vec![("sentry-trace", "")],
            vec![("sentry-trace", "x")],
            vec![("sentry-trace", "00000000000000000000000000000000-0000000000000000-1")],
            vec![("baggage", "sentry-trace_id=1")],
            vec![("sentry-trace", &*valid), ("baggage", "sentry-org_id=2")],
        ] {
            let before = Context::new().with_value(7_u8);
            let context = SentryPropagator::new().extract_with_context(&before, &came(&headers));
            assert!(!context.has_active_span(), "{headers:?}");
            assert_eq!(context.get::<u8>(), Some(&7));
        }
    });
    let fields: Vec<_> = SentryPropagator::new().fields().map(str::to_owned).collect();
    assert_eq!(fields, ["sentry-trace", "baggage"]);
}

#[test]
fn without_a_client_what_came_is_passed_on_and_nothing_else() {
    let _table = shared();
    Hub::run(std::sync::Arc::new(Hub::new(None, std::sync::Arc::default())), || {
        let came = came(&[("sentry-trace", &format!("{TRACE_ID}-{SPAN_ID}-1")), ("baggage", "sentry-a=b")]);
        let context = SentryPropagator::new().extract_with_context(&Context::new(), &came);
        assert_eq!(injected(&context), came);
        provider().tracer("t").in_span("root", |context| assert!(injected(&context).is_empty()));
    });
}
