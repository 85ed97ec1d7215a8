//! What is captured belongs to the active span.

use std::cell::RefCell;
use std::future::{Future as _, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::{self, Poll};
use std::thread;

use opentelemetry::trace::{FutureExt as _, Span as _, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::Sampler;
use sentry_core::protocol::Context as EventContext;
use sentry_core::{Level, TransactionContext, capture_message, configure_scope};

use super::*;

fn place(event: &Event<'_>) -> (String, String) {
    let trace = trace_in(&event.contexts);
    (trace.trace_id.to_string(), trace.span_id.to_string())
}

#[test]
fn an_error_belongs_to_the_span_that_is_active() {
    for (options, what) in [
        (sampled(), "sampled"),
        (ClientOptions::new().traces_sample_rate(0.0), "not sampled"),
        (ClientOptions::new(), "without tracing"),
    ] {
        let mut expected = Vec::new();
        let envelopes = sent(options, |tracer| {
            tracer.in_span("root", |root| {
                tracer.in_span("child", |child| {
                    capture_message("in the child", Level::Error);
                    expected.push(ids(child.span().span_context()));
                });
                capture_message("in the root", Level::Error);
                expected.push(ids(root.span().span_context()));
            });
            capture_message("outside", Level::Error);
        });
        let events = events(&envelopes);
        assert_eq!(events[..2].iter().map(place).collect::<Vec<_>>(), expected, "{what}");
        assert_ne!(place(&events[2]).0, expected[0].0, "{what}");
        let dsc = envelopes[0].headers().trace().unwrap();
        assert_eq!(dsc.get("trace_id"), Some(&*expected[0].0), "{what}");
    }
}

#[test]
fn concurrent_futures_each_have_their_own_span() {
    let mut expected = Vec::new();
    let envelopes = sent(sampled(), |tracer| {
        let mut futures = ["a", "b"].map(|name| {
            let context = Context::new().with_span(tracer.start_with_context(name, &Context::new()));
            expected.push(ids(context.span().span_context()));
            let mut polls = 0;
            let work = poll_fn(move |_| {
                capture_message(name, Level::Error);
                polls += 1;
                if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
            });
            Box::pin(work.with_context(context))
        });
        let mut task = task::Context::from_waker(task::Waker::noop());
        for future in &mut futures {
            assert!(future.as_mut().poll(&mut task).is_pending());
        }
        for future in &mut futures {
            assert!(future.as_mut().poll(&mut task).is_ready());
        }
    });
    let found: Vec<_> =
        events(&envelopes).iter().map(|event| (event.message.clone().unwrap(), place(event))).collect();
    let [a, b] = &*expected else { panic!() };
    let pair = |name: &str, place: &(String, String)| (name.to_owned(), place.clone());
    assert_eq!(found, [pair("a", a), pair("b", b), pair("a", a), pair("b", b)]);
}

#[test]
fn an_error_belongs_to_a_span_that_a_sampler_dropped() {
    let _table = shared();
    let mut expected = None;
    let envelopes = with_captured_envelopes_options(
        || {
            let provider = SdkTracerProvider::builder()
                .with_span_processor(SentrySpanProcessor::new())
                .with_sampler(Sampler::AlwaysOff)
                .build();
            provider.tracer("t").in_span("dropped", |context| {
                capture_message("in there", Level::Error);
                expected = Some(ids(context.span().span_context()));
            });
        },
        sampled(),
    );
    assert_eq!(Some(place(&events(&envelopes)[0])), expected);
}

#[test]
fn a_span_that_the_application_binds_meanwhile_is_closer() {
    let mut bound = None;
    let envelopes = sent(sampled(), |tracer| {
        let outer = sentry_core::start_transaction(TransactionContext::new("outer", "t"));
        configure_scope(|scope| scope.set_span(Some(outer.into())));
        tracer.in_span("root", |_| {
            capture_message("in the root", Level::Error);
            let inner = sentry_core::start_transaction(TransactionContext::new("inner", "t"));
            bound = Some(inner.get_trace_context().span_id.to_string());
            configure_scope(|scope| scope.set_span(Some(inner.into())));
            capture_message("in the inner one", Level::Error);
        });
    });
    let (events, transactions) = (events(&envelopes), transactions(&envelopes));
    assert_eq!(trace_in(&events[0].contexts).span_id, trace(&transactions[0]).span_id);
    assert_eq!(Some(place(&events[1]).1), bound);
}

#[test]
fn recorded_exceptions_are_errors_in_the_place_of_their_span() {
    for (options, what) in [
        (sampled(), "sampled"),
        (ClientOptions::new().traces_sample_rate(0.0), "not sampled"),
        (ClientOptions::new(), "without tracing"),
    ] {
        let mut expected = None;
        let envelopes = sent(options, |tracer| {
            configure_scope(|scope| scope.set_tag("request", "7"));
            let mut span = tracer.start("root");
            span.record_error(&io::Error::other("it broke"));
            span.add_event("no exception", Vec::new());
            span.add_event(
                "exception",
                vec![
                    KeyValue::new("exception.type", "shop::Error"),
                    KeyValue::new("exception.message", "sold out"),
                    KeyValue::new("order", 7),
                ],
            );
            expected = Some(ids(span.span_context()));
        });
        let events = events(&envelopes);
        assert_eq!(events.len(), 2, "{what}");
        assert!(events.iter().all(|event| Some(place(event)) == expected), "{what}");
        let exceptions: Vec<_> =
            events.iter().map(|it| (it.exception[0].ty.as_str(), it.exception[0].value.as_deref())).collect();
        assert_eq!(exceptions, [("Error", Some("it broke")), ("shop::Error", Some("sold out"))], "{what}");
        assert_eq!((&events[1].extra["order"], events[1].tags["request"].as_str()), (&7.into(), "7"));
    }
}

#[test]
fn what_is_set_on_the_active_span_goes_with_it() {
    let envelopes = sent(sampled(), |tracer| {
        tracer.in_span("root", |_| {
            tracer.in_span("child", |_| {
                let active = Hub::current().active_span().unwrap();
                active.set_data("set", 1.into());
                active.set_tag("tagged", "yes");
            });
        });
    });
    let [root] = &*transactions(&envelopes) else { panic!("one transaction") };
    let child = span(root, "child");
    assert_eq!((&child.data["set"], child.tags["tagged"].as_str()), (&1.into(), "yes"));
}

#[test]
fn a_capture_while_a_thread_ends_or_a_context_is_dropped_does_no_harm() {
    thread_local! {
        static LAST: RefCell<Option<Talker>> = const { RefCell::new(None) };
    }
    struct Talker;
    impl Drop for Talker {
        fn drop(&mut self) {
            capture_message("from a destructor", Level::Error);
        }
    }
    let envelopes = sent(sampled(), |tracer| {
        let hub = Hub::current();
        thread::scope(|scope| {
            let hub = Arc::clone(&hub);
            scope.spawn(move || {
                LAST.with(|last| *last.borrow_mut() = Some(Talker));
                Hub::run(hub, || tracer.in_span("root", |_| capture_message("in it", Level::Error)));
            });
        });
        // The value is dropped while the stack of contexts is being changed.
        drop(Context::current_with_value(Talker).attach());
    });
    let messages: Vec<_> = events(&envelopes).iter().filter_map(|event| event.message.clone()).collect();
    assert_eq!(messages, ["in it", "from a destructor"]);
    assert!(matches!(events(&envelopes)[0].contexts.get("trace"), Some(EventContext::Trace(_))));
}
