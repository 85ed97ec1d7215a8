//! `sentry::integrations::opentelemetry`: the span processor and the propagator.

use std::fmt::Debug;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::trace::SpanProcessor;
use sentry::integrations::opentelemetry::{SentryPropagator, SentrySpanProcessor};

const _: fn() -> SentryPropagator = SentryPropagator::new;
const _: fn() -> SentrySpanProcessor = SentrySpanProcessor::new;
implements!(SentryPropagator: Clone + Copy + Debug + Default + Send + Sync + TextMapPropagator);
implements!(SentrySpanProcessor: Clone + Debug + Default + Send + Sync + SpanProcessor);

/// In the form of published code: both are set up once, for the process.
#[test]
fn both_are_set_up_with_a_provider() {
    use opentelemetry::trace::{Tracer, TracerProvider};

    opentelemetry::global::set_text_map_propagator(SentryPropagator::new());
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()
        .with_span_processor(SentrySpanProcessor::new())
        .build();
    let options = sentry::ClientOptions::new().traces_sample_rate(1.0);
    let envelopes = sentry::test::with_captured_envelopes_options(
        || {
            let tracer = provider.tracer("shop");
            tracer.in_span("checkout", |_| tracer.in_span("pay", |_| {}));
        },
        options,
    );
    assert_eq!(envelopes.len(), 1);
}
