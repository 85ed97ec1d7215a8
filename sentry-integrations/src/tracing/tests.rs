use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use sentry_core::options::SpanPattern;
use sentry_core::protocol::{Context as EventContext, EnvelopeItem, Level, SpanStatus, Transaction};
use sentry_core::test::with_captured_envelopes_options;
use sentry_core::{ClientOptions, Envelope, capture_message, configure_scope};
use tracing::Instrument as _;
use tracing::{Span, error, info_span, instrument, subscriber};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use super::*;
pub(super) fn sampled() -> ClientOptions {
    ClientOptions::new().traces_sample_rate(1.0)
}

/// What is sent while `run` runs below the layer.
pub(super) fn sent(options: ClientOptions, run: impl FnOnce()) -> Vec<Envelope> {
    with_captured_envelopes_options(|| subscriber::with_default(registry().with(layer()), run), options)
}

pub(super) fn transactions(envelopes: &[Envelope]) -> Vec<Transaction<'static>> {
    let transaction = |item: &EnvelopeItem| match item {
        EnvelopeItem::Transaction(transaction) => Some((**transaction).clone()),
        _ => None,
    };
    envelopes.iter().filter_map(|envelope| envelope.items().find_map(transaction)).collect()
}

#[test]
fn spans_are_ignored_by_their_fields() {
    let options = sampled().ignore_spans([
        SpanPattern::new().attribute("db.system", "redis"),
        SpanPattern::new().attribute("n", 1),
    ]);
    let envelopes = sent(options, || {
        let _root = info_span!("root").entered();
        let _query = info_span!("query", db.system = "redis").entered();
        info_span!("below").in_scope(|| info_span!("other", db.system = "postgresql").in_scope(|| ()));
        info_span!("plain", n = 1).in_scope(|| ());
    });
    let transactions = transactions(&envelopes);
    assert_eq!(tree(&transactions[0]), pairs(&[("other", "below"), ("below", "-")]));
}

/// Each span with the description of the one above it; `-` is the transaction.
pub(super) fn tree(transaction: &Transaction<'_>) -> Vec<(String, String)> {
    let name = |span: &sentry_core::protocol::Span| span.description.clone().unwrap_or_default();
    let above = |id| {
        transaction.spans.iter().find(|span| Some(span.span_id) == id).map_or_else(|| "-".to_owned(), name)
    };
    transaction.spans.iter().map(|span| (name(span), above(span.parent_span_id))).collect()
}

pub(super) fn pairs(tree: &[(&str, &str)]) -> Vec<(String, String)> {
    tree.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

/// Pending once.
async fn once_around() {
    let mut yielded = false;
    poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[test]
fn spans_become_a_transaction_with_spans() {
    #[instrument(fields(step = 1, tags.kind = "inner"))]
    fn inner() {
        info_span!("innermost", answer = 42).in_scope(|| {});
    }
    let transactions = transactions(&sent(sampled(), || info_span!("outer", user = 7).in_scope(inner)));
    let [transaction] = &transactions[..] else { panic!("{transactions:?}") };
    assert_eq!(transaction.name.as_deref(), Some("outer"));
    assert_eq!(tree(transaction), pairs(&[("innermost", "inner"), ("inner", "-")]));
    let inner = &transaction.spans[1];
    assert_eq!(inner.op.as_deref(), Some("sentry_integrations::tracing::tests::inner"));
    assert_eq!((&inner.data["step"], &inner.tags["kind"]), (&1.into(), &"inner".to_owned()));
    assert_eq!(inner.origin.as_deref(), Some("auto.tracing"));
    assert!(inner.data.contains_key("code.line.number") && inner.data.contains_key("sentry.tracing.target"));
    let EventContext::Trace(trace) = &transaction.contexts["trace"] else { panic!() };
    assert_eq!((trace.data["user"].as_i64(), trace.origin.as_deref()), (Some(7), Some("auto.tracing")));
}

#[test]
fn futures_that_run_at_the_same_time_have_the_right_parents() {
    async fn work(name: &'static str) {
        once_around().await;
        info_span!("query", name).in_scope(|| {});
        once_around().await;
    }
    let envelopes = sent(sampled(), || {
        let both = async {
            let (a, b) = (work("a").instrument(info_span!("a")), work("b").instrument(info_span!("b")));
            let (mut a, mut b) = (pin!(a), pin!(b));
            let (mut a_done, mut b_done) = (false, false);
            poll_fn(|context| {
                a_done = a_done || a.as_mut().poll(context).is_ready();
                b_done = b_done || b.as_mut().poll(context).is_ready();
                if a_done && b_done { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        };
        let mut both = pin!(both.instrument(info_span!("both")));
        while both.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
    });
    let transactions = transactions(&envelopes);
    let [transaction] = &transactions[..] else { panic!("{transactions:?}") };
    let mut tree = tree(transaction);
    tree.sort();
    assert_eq!(tree, pairs(&[("a", "-"), ("b", "-"), ("query", "a"), ("query", "b")]));
}

#[test]
fn an_explicit_parent_is_the_parent() {
    let envelopes = sent(sampled(), || {
        let (root, other) = (info_span!("root"), info_span!("other"));
        let _root = root.enter();
        let below = info_span!("below");
        info_span!(parent: &below, "explicit").in_scope(|| {});
        other.in_scope(|| info_span!(parent: &below, "from elsewhere").in_scope(|| {}));
        info_span!(parent: None, "alone").in_scope(|| {});
    });
    let transactions = transactions(&envelopes);
    let root = transactions.iter().find(|it| it.name.as_deref() == Some("root")).unwrap();
    let mut tree = tree(root);
    tree.sort();
    assert_eq!(tree, pairs(&[("below", "-"), ("explicit", "below"), ("from elsewhere", "below")]));
    assert_eq!(transactions.len(), 3, "one of its own for the one that has no parent");
}

#[test]
fn what_is_captured_belongs_to_the_span_it_is_captured_in() {
    let envelopes = sent(sampled(), || {
        info_span!("root").in_scope(|| {
            info_span!("child").in_scope(|| _ = capture_message("inside", Level::Error));
        });
    });
    let event = envelopes.iter().find_map(Envelope::event).unwrap();
    let EventContext::Trace(trace) = &event.contexts["trace"] else { panic!() };
    let transactions = transactions(&envelopes);
    assert_eq!(trace.span_id, transactions[0].spans[0].span_id);
}

#[test]
fn what_an_instrumented_function_sets_stays() {
    #[instrument]
    async fn handler() {
        configure_scope(|scope| scope.set_tag("before", "await"));
        once_around().await;
        configure_scope(|scope| scope.set_tag("after", "await"));
        capture_message("inside", Level::Error);
    }
    let envelopes = sent(sampled(), || {
        let mut handler = pin!(handler());
        while handler.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
        capture_message("outside", Level::Error);
    });
    for event in envelopes.iter().filter_map(Envelope::event) {
        assert_eq!(
            (&*event.tags["before"], &*event.tags["after"]),
            ("await", "await"),
            "{:?}",
            event.message
        );
    }
}

#[test]
fn a_span_that_the_application_binds_is_the_parent() {
    let envelopes = sent(sampled(), || {
        let transaction =
            sentry_core::start_transaction(sentry_core::TransactionContext::new("request", "http"));
        configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        info_span!("handler").in_scope(|| {
            let own = sentry_core::Hub::current().active_span().unwrap().start_child("own", "own");
            sentry_core::with_scope(
                |scope| scope.set_span(Some(own.clone().into())),
                || info_span!("below own").in_scope(|| {}),
            );
            own.finish();
        });
        transaction.finish();
    });
    let transactions = transactions(&envelopes);
    let [transaction] = &transactions[..] else { panic!("{transactions:?}") };
    assert_eq!(tree(transaction), pairs(&[("below own", "own"), ("own", "handler"), ("handler", "-")]));
}

#[test]
fn what_is_not_sampled_is_not_looked_at() {
    struct Asked<'a>(&'a AtomicUsize);
    impl fmt::Debug for Asked<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fetch_add(1, Ordering::Relaxed);
            f.write_str("asked")
        }
    }
    let asked = AtomicUsize::new(0);
    let run = || {
        info_span!("root", value = ?Asked(&asked)).in_scope(|| {
            info_span!("child", value = ?Asked(&asked)).in_scope(|| {
                Span::current().record("late", 1);
                _ = capture_message("inside", Level::Error);
            });
        });
    };
    let envelopes = sent(ClientOptions::new().traces_sample_rate(0.0), run);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert!(transactions(&envelopes).is_empty());
    let envelopes = sent(ClientOptions::new(), run);
    assert_eq!(asked.load(Ordering::Relaxed), 0, "tracing is off");
    assert!(transactions(&envelopes).is_empty());
    sent(sampled(), run);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn the_sampler_knows_name_and_operation() {
    let options = ClientOptions::new().traces_sampler(|context| {
        assert_eq!(context.operation(), "queue.process");
        f32::from(u8::from(context.name() == "wanted"))
    });
    let envelopes = sent(options, || {
        info_span!("a", sentry.name = "wanted", sentry.op = "queue.process").in_scope(|| {});
        info_span!("b", sentry.name = "other", sentry.op = "queue.process").in_scope(|| {});
    });
    let names: Vec<_> = transactions(&envelopes).into_iter().map(|it| it.name).collect();
    assert_eq!(names, [Some("wanted".to_owned())]);
}

#[test]
fn a_trace_is_continued() {
    let header = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";
    let envelopes = sent(sampled(), || info_span!("a", sentry.trace = header).in_scope(|| {}));
    let transactions = transactions(&envelopes);
    let EventContext::Trace(trace) = &transactions[0].contexts["trace"] else { panic!() };
    assert_eq!(trace.trace_id.to_string(), "09e04486820349518ac7b5d2adbf6ba5");
    assert_eq!(trace.parent_span_id.unwrap().to_string(), "9cf635fa5b870b3a");
}

#[test]
fn fields_of_other_instrumentation_are_understood() {
    let envelopes = sent(sampled(), || {
        let root = info_span!(
            "request",
            http.request.method = "GET",
            http.route = "/users/{id}",
            otel.kind = "server",
            otel.status_code = tracing::field::Empty
        );
        root.in_scope(|| {
            info_span!("query", db.system = "postgresql", db.statement = "SELECT a FROM t WHERE b = 'c'")
                .in_scope(|| {});
            info_span!("query", db.query.text = "SELECT 1").in_scope(|| {});
            let call = info_span!(
                "call",
                http.method = "POST",
                http.url = "http://x/y?secret=z",
                otel.kind = "client",
                http.status_code = tracing::field::Empty
            );
            call.record("http.status_code", 404);
            drop(call);
            root.record("otel.status_code", "ERROR");
        });
    });
    let transactions = transactions(&envelopes);
    let [transaction] = &transactions[..] else { panic!() };
    let EventContext::Trace(trace) = &transaction.contexts["trace"] else { panic!() };
    assert_eq!((trace.op.as_deref(), trace.status), (Some("http.server"), Some(SpanStatus::UnknownError)));
    assert_eq!(transaction.name.as_deref(), Some("GET /users/{id}"));
    let labels: Vec<_> = transaction
        .spans
        .iter()
        .map(|span| (span.op.as_deref().unwrap(), span.description.as_deref().unwrap()))
        .collect();
    let query = "SELECT a FROM t WHERE b = %s";
    assert_eq!(labels, [("db", query), ("db", "SELECT %s"), ("http.client", "POST http://x/y")]);
    assert_eq!(transaction.spans[0].data["db.statement"], query);
    assert_eq!(transaction.spans[2].status, Some(SpanStatus::NotFound));
    assert_eq!(transaction.spans[2].data["http.response.status_code"], 404);
}

#[test]
fn what_is_below_an_unsampled_span_begins_no_trace_of_its_own_elsewhere() {
    let envelopes = sent(ClientOptions::new().traces_sampler(|it| f32::from(it.name() == "other")), || {
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let child = info_span!("root").in_scope(|| info_span!("child"));
        let hub = sentry_core::Hub::current();
        let elsewhere = std::thread::Builder::new().spawn(move || {
            tracing::dispatcher::with_default(&dispatch, || {
                sentry_core::Hub::run(hub, || child.in_scope(|| info_span!("other").in_scope(|| {})));
            });
        });
        elsewhere.unwrap().join().unwrap();
    });
    assert!(transactions(&envelopes).is_empty());
}

#[test]
fn urls_in_fields_say_no_more_than_may_be_collected() {
    let call = || {
        info_span!("root").in_scope(|| {
            info_span!("a", http.url = "http://u:p@x/y?token=z#part", http.target = "/y?token=z")
                .in_scope(|| {});
        });
    };
    let url = |options: ClientOptions, key: &str| {
        transactions(&sent(options, call))[0].spans[0].data[key].as_str().unwrap().to_owned()
    };
    let none = sentry_core::options::DataCollection {
        url_query_params: sentry_core::options::KeyValue::Off,
        ..Default::default()
    };
    let none = || sampled().data_collection(none.clone());
    assert_eq!(url(none(), "http.target"), "/y");
    assert!(!url(none(), "http.url").contains(['?', '#']));
    for key in ["http.url", "http.target"] {
        let shown = url(sampled(), key);
        assert!(shown.contains("/y?token=") && !shown.contains('z') && !shown.contains("u:p"), "{shown}");
    }
}

#[test]
fn both_span_layers_together_follow_a_span_once() {
    let subscriber = registry().with(layer()).with(SpanLayer::new());
    let envelopes = with_captured_envelopes_options(
        || {
            subscriber::with_default(subscriber, || {
                info_span!("root").in_scope(|| info_span!("a").in_scope(|| {}))
            })
        },
        sampled(),
    );
    let transactions = transactions(&envelopes);
    assert_eq!((transactions.len(), transactions[0].spans.len()), (1, 1));
}

#[test]
fn a_span_that_is_left_on_another_thread_does_no_harm() {
    let envelopes = sent(sampled(), || {
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let span = info_span!("wandering");
        let entered = span.clone().entered();
        let left = std::thread::Builder::new().spawn(move || {
            tracing::dispatcher::with_default(&dispatch, || drop(span));
        });
        left.unwrap().join().unwrap();
        drop(entered);
        info_span!("next").in_scope(|| {});
    });
    assert_eq!(transactions(&envelopes).len(), 2);
}

#[test]
fn without_a_client_nothing_happens() {
    subscriber::with_default(registry().with(layer()), || {
        info_span!("root").in_scope(|| error!("it broke"));
    });
}
