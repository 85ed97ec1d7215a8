use std::sync::Arc;
use std::thread;

use sentry_core::protocol::client_report::Category;
use sentry_core::protocol::{Context as EventContext, EnvelopeItem};
use sentry_core::test::with_captured_envelopes_options;
use sentry_core::{
    Client, ClientOptions, Envelope, Hub, Level, TransactionContext, Transport, capture_message,
    configure_scope,
};
use tracing::{Span, info_span, subscriber};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use super::*;

/// Samples one trace of a million.
fn never() -> ClientOptions {
    ClientOptions::new().traces_sample_rate(1e-30)
}

/// Another client, which sends nothing.
fn client() -> Arc<Client> {
    let options = never().dsn("http://public@127.0.0.1:9/42").transport(Arc::new(Nowhere));
    Arc::new(Client::from(options))
}

struct Nowhere;

impl Transport for Nowhere {
    fn send_envelope(&self, _: Envelope) {}
}

fn sent(options: ClientOptions, run: impl FnOnce()) -> Vec<Envelope> {
    with_captured_envelopes_options(|| subscriber::with_default(registry().with(layer()), run), options)
}

/// The names of the transactions, in the order in which they were sent.
fn names(envelopes: &[Envelope]) -> Vec<String> {
    let name = |item: &EnvelopeItem| match item {
        EnvelopeItem::Transaction(transaction) => transaction.name.clone(),
        _ => None,
    };
    envelopes.iter().flat_map(|envelope| envelope.items().filter_map(name).collect::<Vec<_>>()).collect()
}

/// Transactions and spans that were lost so far.
fn lost() -> [u64; 2] {
    let client = Hub::current().client().unwrap();
    let totals = client.options().client_report_recorder.totals();
    [Category::Transaction, Category::Span].map(|category| {
        totals.iter().filter(|item| item.category() == category).map(|item| item.quantity()).sum()
    })
}

fn message() {
    capture_message("inside", Level::Error);
}

#[test]
fn roots_that_are_not_sampled_are_counted_once_each_and_their_children_are_not() {
    sent(never(), || {
        for times in 1..=3 {
            let root = info_span!("root");
            root.in_scope(|| info_span!("child").in_scope(|| info_span!("grandchild").in_scope(|| {})));
            root.in_scope(|| {});
            drop(root);
            assert_eq!(lost(), [times, times]);
        }
    });
}

#[test]
fn what_is_captured_in_one_belongs_to_its_trace_whenever_it_is_entered() {
    let mut headers = Vec::new();
    let envelopes = sent(never(), || {
        for _ in 0..2 {
            let root = info_span!("root");
            for _ in 0..2 {
                root.in_scope(|| {
                    info_span!("child").in_scope(message);
                    headers.push(Hub::current().trace_headers());
                });
            }
        }
        message();
    });
    let places: Vec<_> = envelopes
        .iter()
        .map(|envelope| match &envelope.event().unwrap().contexts["trace"] {
            EventContext::Trace(trace) => (trace.trace_id, trace.span_id),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((&places[0], &places[2]), (&places[1], &places[3]));
    assert!(places[0].0 != places[2].0 && places[4].0 != places[0].0 && places[4].0 != places[2].0);
    for (headers, (trace, span)) in headers.iter().zip(&places) {
        let expected = format!("{trace}-{span}-0");
        assert_eq!(headers[0], ("sentry-trace", expected));
        let baggage = &headers[1].1;
        assert!(
            baggage.contains("sentry-sampled=false") && baggage.contains("sentry-transaction=root"),
            "{baggage}"
        );
    }
}

#[test]
fn what_is_below_one_is_never_sampled_wherever_it_begins() {
    let options = ClientOptions::new().traces_sample_rate(0.5);
    let names = names(&sent(options, || {
        for _ in 0..100 {
            let root = info_span!("root");
            drop(info_span!(parent: &root, "explicit"));
            let (hub, dispatch) = (Hub::current(), tracing::Dispatch::default());
            thread::scope(|scope| {
                scope.spawn(|| {
                    tracing::dispatcher::with_default(&dispatch, || {
                        root.in_scope(|| drop(info_span!("on a hub of its own")));
                        Hub::run(hub, || root.in_scope(|| drop(info_span!("on another thread"))));
                        root.in_scope(|| {
                            Hub::run(Arc::new(Hub::new_from_top(Hub::current())), || {
                                drop(info_span!("derived"))
                            })
                        });
                    });
                });
            });
        }
    }));
    assert!((10..90).contains(&names.len()), "{}", names.len());
    assert!(names.iter().all(|name| name == "root"), "{names:?}");
}

#[test]
fn a_span_that_is_bound_is_above_the_next_root_and_wins_within_one() {
    let names = names(&sent(never(), || {
        drop(info_span!("before"));
        let start = |name| {
            let mut context = TransactionContext::new(name, "op");
            context.set_sampled(true);
            sentry_core::start_transaction(context)
        };
        let bind = |span| configure_scope(|scope| scope.set_span(span));
        let first = start("first");
        bind(Some(first.clone().into()));
        info_span!("below").in_scope(|| assert!(Hub::current().active_span().unwrap().is_sampled()));
        bind(None);
        first.finish();
        let root = info_span!("root").entered();
        assert!(!Hub::current().active_span().unwrap().is_sampled());
        let second = start("second");
        bind(Some(second.clone().into()));
        info_span!("below").in_scope(|| assert!(Hub::current().active_span().unwrap().is_sampled()));
        second.finish();
        bind(None);
        assert!(!Hub::current().active_span().unwrap().is_sampled());
        drop(root);
        assert!(Hub::current().active_span().is_none());
        assert_eq!(lost()[0], 2);
    }));
    assert_eq!(names, ["first", "second"]);
}

#[test]
fn a_root_goes_to_the_client_that_is_bound_when_it_begins() {
    sent(never(), || {
        let hub = Hub::current();
        let first = hub.client();
        drop(info_span!("first"));
        hub.bind_client(Some(client()));
        assert_eq!(lost(), [0, 0]);
        drop(info_span!("second"));
        assert_eq!(lost(), [1, 1]);
        hub.bind_client(first);
        assert_eq!(lost(), [1, 1]);
        hub.client().unwrap().close(None);
        drop(info_span!("nobody's"));
        assert_eq!(lost(), [1, 1]);
    });
}

#[test]
fn equal_ids_of_two_registries_are_not_mixed_up() {
    let one = tracing::Dispatch::new(registry().with(layer()));
    let names = names(&with_captured_envelopes_options(
        || {
            let off = Arc::new(Hub::new_from_top(Hub::current()));
            off.bind_client(Some(client()));
            let unsampled: Vec<Span> = Hub::run(off, || {
                tracing::dispatcher::with_default(&one, || (0..8).map(|_| info_span!("unsampled")).collect())
            });
            subscriber::with_default(registry().with(layer()), || {
                let sampled: Vec<Span> = (0..8).map(|_| info_span!("sampled")).collect();
                assert_eq!(sampled[0].id(), unsampled[0].id());
                for span in &sampled {
                    span.in_scope(|| assert!(Hub::current().active_span().unwrap().is_sampled()));
                }
            });
        },
        ClientOptions::new().traces_sample_rate(1.0),
    ));
    assert_eq!(names.len(), 8);
}

#[test]
fn more_of_them_than_there_is_room_for_are_followed_nevertheless() {
    sent(never(), || {
        let roots: Vec<Span> = (0..4_000).map(|_| info_span!("root")).collect();
        for root in &roots {
            root.in_scope(|| {
                assert!(!Hub::current().active_span().unwrap().is_sampled());
                drop(info_span!("child"));
            });
        }
        drop(roots);
        assert!(Hub::current().active_span().is_none());
        assert_eq!(lost(), [4_000, 4_000]);
    });
}

/// What `run` is given is a span of a level that the layer leaves alone. It is below a root that is not sampled, and was made on
/// another thread; on this one, roots have begun already.
fn below_an_unknown_span(dispatch: &tracing::Dispatch, run: impl FnOnce(Span) + Send) {
    let unknown = tracing::dispatcher::with_default(dispatch, || {
        let root = info_span!("root");
        let unknown = root.in_scope(|| tracing::debug_span!("unknown"));
        assert!(!unknown.is_disabled(), "somebody else wants it");
        (root, unknown)
    });
    let hub = Hub::current();
    let on_thread = || {
        Hub::run(hub, || {
            tracing::dispatcher::with_default(dispatch, || {
                (0..3).for_each(|_| drop(info_span!("before")));
                run(unknown.1.clone());
            });
        });
    };
    thread::scope(|scope| scope.spawn(on_thread).join().unwrap());
    drop(unknown);
}

#[test]
fn a_span_that_is_left_alone_does_not_hide_what_is_above_it() {
    let info = tracing_subscriber::filter::LevelFilter::INFO;
    let dispatches = || {
        [
            tracing::Dispatch::new(registry().with(layer())),
            tracing::Dispatch::new(registry().with(layer().with_filter(info)).with(Everything)),
            tracing::Dispatch::new(registry().with(Everything).with(SpanLayer::new().with_filter(info))),
            tracing::Dispatch::new(registry().with(Everything).with(layer().boxed().with_filter(info))),
        ]
    };
    for at in 0..4 {
        with_captured_envelopes_options(
            || {
                below_an_unknown_span(&dispatches()[at], |unknown| {
                    let before = lost();
                    unknown.in_scope(|| {
                        drop(info_span!("below"));
                        info_span!("below").in_scope(|| drop(info_span!("further below")));
                    });
                    unknown.in_scope(|| assert_eq!(lost(), before, "{at}"));
                    drop(info_span!("a root again"));
                    assert_eq!(lost(), before.map(|lost| lost + 1), "{at}");
                });
            },
            never(),
        );
    }
}

/// Wants every span, and does nothing with it.
struct Everything;

impl<S: tracing_core::Subscriber> tracing_subscriber::Layer<S> for Everything {}

#[test]
fn a_layer_knows_whether_a_filter_hides_spans_from_it() {
    let info = tracing_subscriber::filter::LevelFilter::INFO;
    let sees_all = |dispatch: tracing::Dispatch| {
        dispatch
            .downcast_ref::<SentryLayer<tracing_subscriber::Registry>>()
            .map(|layer| layer.home.sees_all())
    };
    assert_eq!(sees_all(tracing::Dispatch::new(registry().with(layer()))), Some(true));
    assert_eq!(
        sees_all(tracing::Dispatch::new(registry().with(layer()).with(Everything.with_filter(info)))),
        Some(true)
    );
    assert_eq!(sees_all(tracing::Dispatch::new(registry().with(layer().with_filter(info)))), Some(false));
    assert_eq!(
        sees_all(tracing::Dispatch::new(registry().with(layer().and_then(Everything).with_filter(info)))),
        Some(false)
    );
}

#[test]
fn who_begins_to_listen_is_told_of_the_next_one() {
    sent(never(), || {
        (0..3).for_each(|_| drop(info_span!("root")));
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let client = Hub::current().client().unwrap();
        let recorder = &client.options().client_report_recorder;
        let listener = Arc::clone(&told);
        recorder.set_on_drop(Some(Arc::new(move |dropped| listener.lock().unwrap().push(dropped.category))));
        drop(info_span!("root"));
        assert_eq!(*told.lock().unwrap(), [Category::Transaction, Category::Span]);
        recorder.set_on_drop(None);
        (0..3).for_each(|_| drop(info_span!("root")));
        assert_eq!((told.lock().unwrap().len(), lost()), (2, [7, 7]));
    });
}

#[test]
fn back_pressure_concerns_the_next_one() {
    let options = ClientOptions::new().traces_sample_rate(0.25).enable_backpressure_handling(true);
    sent(options, || {
        let rate = || loop {
            let root = info_span!("root").entered();
            if !Hub::current().active_span().unwrap().is_sampled() {
                let baggage = Hub::current().trace_headers()[1].1.clone();
                break baggage
                    .split(',')
                    .find_map(|member| Some(member.strip_prefix("sentry-sample_rate=")?.to_owned()));
            }
            drop(root);
        };
        assert_eq!(rate().as_deref(), Some("0.25"));
        let client = Hub::current().client().unwrap();
        client.options().client_report_recorder.set_unhealthy(true);
        assert_eq!(rate().as_deref(), Some("0.125"));
        client.options().client_report_recorder.set_unhealthy(false);
        assert_eq!(rate().as_deref(), Some("0.25"));
    });
}
