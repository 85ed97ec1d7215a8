//! What is bounded, and what happens at the end.

use std::sync::PoisonError;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, TraceContextExt, Tracer};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SpanProcessor;

use super::open::{AT_MOST, OPEN};
use super::*;

const MANY: usize = 100_000;

#[test]
fn spans_that_never_end_are_given_up_and_counted() {
    let _alone = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    with_captured_envelopes_options(
        || {
            let provider = provider();
            let tracer = provider.tracer("t");
            let root = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
            let leaked: Vec<_> = (0..MANY).map(|_| tracer.start_with_context("leak", &root)).collect();
            let open = OPEN.len();
            assert!(open <= AT_MOST, "{open}");
            assert_eq!(lost("span", "buffer_overflow") as usize, MANY + 1 - open);
            assert_eq!(lost("transaction", "buffer_overflow"), 0, "what is below the root goes first");
            // Who ends after all that is too late.
            drop(leaked);
            assert_eq!(OPEN.len(), 1);
            let before = lost("span", "buffer_overflow") as usize;
            drop(root);
            assert!(OPEN.is_empty());
            // The transaction takes a thousand spans.
            assert_eq!(before, MANY - 1_000);
            let roots: Vec<_> =
                (0..AT_MOST * 2).map(|_| tracer.start_with_context("root", &Context::new())).collect();
            assert!(OPEN.len() <= AT_MOST);
            assert!(lost("transaction", "buffer_overflow") as usize >= AT_MOST);
            drop(roots);
            assert!(OPEN.is_empty());
        },
        sampled(),
    );
}

#[test]
fn a_provider_that_is_shut_down_leaves_nothing_behind() {
    let _table = shared();
    with_captured_envelopes_options(
        || {
            let processor = SentrySpanProcessor::new();
            let provider = provider();
            let tracer = provider.tracer("t");
            let open = tracer.start("open");
            assert!(provider.force_flush().is_ok());
            assert!(provider.shutdown_with_timeout(Duration::from_secs(60)).is_ok());
            assert_eq!((lost("transaction", "buffer_overflow"), lost("span", "buffer_overflow")), (1, 1));
            drop(open);
            drop(tracer.start("after"));
            assert!(processor.shutdown_with_timeout(Duration::from_secs(60)).is_ok());
            let again = processor.shutdown_with_timeout(Duration::from_secs(60));
            assert!(matches!(again, Err(OTelSdkError::AlreadyShutdown)));
        },
        sampled(),
    );
}

#[test]
fn a_client_that_is_closed_in_between_takes_nothing_and_leaves_nothing_open() {
    let envelopes = sent(sampled(), |tracer| {
        let root = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
        let child = tracer.start_with_context("child", &root);
        let (root_key, child_key) =
            (ids::Key::of(root.span().span_context()), ids::Key::of(child.span_context()));
        Hub::current().client().unwrap().close(Some(Duration::from_secs(60)));
        assert!(OPEN.has(root_key) && OPEN.has(child_key));
        drop(child);
        drop(tracer.start_with_context("after", &root));
        drop(root);
        assert!(!OPEN.has(root_key) && !OPEN.has(child_key));
        tracer.in_span("later", |context| {
            assert!(!OPEN.has(ids::Key::of(context.span().span_context())));
        });
    });
    assert!(transactions(&envelopes).is_empty());
}
