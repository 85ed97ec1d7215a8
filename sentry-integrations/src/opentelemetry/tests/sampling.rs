//! Who decides, and what follows.

use std::sync::{Arc, Mutex};

use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::{TraceContextExt, Tracer};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};
use sentry_core::suppress;

use super::*;

#[test]
fn an_unsampled_trace_is_not_recorded_and_counted_once() {
    let envelopes = sent(ClientOptions::new().traces_sample_rate(0.0), |tracer| {
        tracer.in_span("root", |_| tracer.in_span("child", |_| tracer.in_span("grandchild", |_| {})));
        assert_eq!((lost("transaction", "sample_rate"), lost("span", "sample_rate")), (1, 1));
    });
    assert!(transactions(&envelopes).is_empty());
}

#[test]
fn the_sampler_sees_name_operation_and_attributes_once_for_each_root() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&seen);
    let options = ClientOptions::new().traces_sampler(move |context| {
        let path = context.data().get("url.path").cloned();
        asked.lock().unwrap().push((context.name().to_owned(), context.operation().to_owned(), path));
        f32::from(u8::from(context.name() != "GET /health"))
    });
    let envelopes = sent(options, |tracer| {
        for path in ["/health", "/buy"] {
            let attributes = [KeyValue::new("http.request.method", "GET"), KeyValue::new("url.path", path)];
            let root = tracer.span_builder("GET").with_attributes(attributes).start(tracer);
            let context = Context::new().with_span(root);
            drop(tracer.start_with_context("below", &context));
        }
    });
    let transactions = transactions(&envelopes);
    let names: Vec<_> = transactions.iter().map(|it| it.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["GET /buy"]);
    let row = |path: &str| (format!("GET {path}"), "http.server".to_owned(), Some(path.into()));
    assert_eq!(*seen.lock().unwrap(), [row("/health"), row("/buy")]);
}

#[test]
fn what_opentelemetry_does_not_sample_is_not_recorded() {
    #[derive(Clone, Debug)]
    struct RecordOnly;
    impl ShouldSample for RecordOnly {
        fn should_sample(
            &self,
            _: Option<&Context>,
            _: opentelemetry::trace::TraceId,
            _: &str,
            _: &opentelemetry::trace::SpanKind,
            _: &[KeyValue],
            _: &[opentelemetry::trace::Link],
        ) -> SamplingResult {
            SamplingResult {
                decision: SamplingDecision::RecordOnly,
                attributes: Vec::new(),
                trace_state: opentelemetry::trace::TraceState::NONE,
            }
        }
    }
    let _table = shared();
    let envelopes = with_captured_envelopes_options(
        || {
            let recording = SdkTracerProvider::builder()
                .with_span_processor(SentrySpanProcessor::new())
                .with_sampler(RecordOnly)
                .build();
            recording.tracer("a").in_span("recorded", |_| {});
            let dropping = SdkTracerProvider::builder()
                .with_span_processor(SentrySpanProcessor::new())
                .with_sampler(Sampler::AlwaysOff)
                .build();
            dropping.tracer("b").in_span("dropped", |_| {});
        },
        sampled(),
    );
    assert!(transactions(&envelopes).is_empty());
}

#[test]
fn nothing_is_kept_without_a_client_without_tracing_and_of_our_own_requests() {
    let table = shared();
    let is_kept = |tracer: &SdkTracer| {
        let mut kept = false;
        tracer.in_span("root", |context| {
            kept = open::OPEN.has(ids::Key::of(context.span().span_context()));
        });
        kept
    };
    Hub::run(Arc::new(Hub::new(None, Arc::default())), || assert!(!is_kept(&provider().tracer("t"))));
    let envelopes = with_captured_envelopes_options(
        || {
            let provider = provider();
            let tracer = provider.tracer("t");
            assert!(is_kept(&tracer));
            suppress(|| assert!(!is_kept(&tracer)));
            let own = [
                KeyValue::new("http.request.method", "POST"),
                KeyValue::new("url.full", "https://sentry.invalid/api/1/envelope/"),
            ];
            let kind = opentelemetry::trace::SpanKind::Client;
            let own = tracer.span_builder("POST").with_kind(kind).with_attributes(own).start(&tracer);
            let context = Context::new().with_span(own);
            context.span().record_error(&std::io::Error::other("refused"));
            drop(tracer.start_with_context("below", &context));
        },
        sampled(),
    );
    assert_eq!(envelopes.len(), 1, "{envelopes:?}");
    drop(table);
    let envelopes = sent(ClientOptions::new(), |tracer| assert!(!is_kept(tracer)));
    assert!(envelopes.is_empty());
}

#[test]
fn two_processors_of_one_provider_make_one_span() {
    let _table = shared();
    let envelopes = with_captured_envelopes_options(
        || {
            let processor = SentrySpanProcessor::new();
            let provider = SdkTracerProvider::builder()
                .with_span_processor(processor.clone())
                .with_span_processor(processor)
                .build();
            let tracer = provider.tracer("t");
            tracer.in_span("root", |_| drop(tracer.start("child")));
        },
        sampled(),
    );
    let [root] = &*transactions(&envelopes) else { panic!("one transaction") };
    assert_eq!(root.spans.len(), 1);
}
