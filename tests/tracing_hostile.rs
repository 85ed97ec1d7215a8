//! Spans of `tracing` as nobody should use them, and somebody does.

use std::fmt;
use std::panic::catch_unwind;
use std::sync::{Arc, Barrier};
use std::thread;

use sentry::integrations::tracing::layer;
use sentry::protocol::{EnvelopeItem, Transaction};
use sentry::test::with_captured_envelopes_options;
use sentry::{ClientOptions, Envelope, Hub, SentryFutureExt as _, capture_message};
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Instrument as _, Span, dispatcher, error, info_span, subscriber};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

fn sent(rate: f32, run: impl FnOnce()) -> Vec<Envelope> {
    let options = ClientOptions::new().traces_sample_rate(rate);
    with_captured_envelopes_options(|| subscriber::with_default(registry().with(layer()), run), options)
}

fn transactions(envelopes: &[Envelope]) -> Vec<Transaction<'static>> {
    let transaction = |item: &EnvelopeItem| match item {
        EnvelopeItem::Transaction(transaction) => Some((**transaction).clone()),
        _ => None,
    };
    envelopes.iter().flat_map(|envelope| envelope.items().filter_map(transaction)).collect()
}

/// The names of transactions with those of their spans.
fn names(envelopes: &[Envelope]) -> Vec<(String, Vec<String>)> {
    let below =
        |it: &Transaction<'_>| it.spans.iter().map(|span| span.description.clone().unwrap()).collect();
    transactions(envelopes).iter().map(|it| (it.name.clone().unwrap(), below(it))).collect()
}

fn events(envelopes: &[Envelope]) -> usize {
    let is_event = |item: &&EnvelopeItem| matches!(item, EnvelopeItem::Event(_));
    envelopes.iter().map(|envelope| envelope.items().filter(is_event).count()).sum()
}

/// Nothing of what was done before shows.
fn assert_this_thread_is_in_no_span() {
    assert!(Hub::current().active_span().is_none());
}

#[test]
fn what_a_runtime_leaves_behind_ends() {
    for rate in [0.0, 1.0] {
        let envelopes = sent(rate, || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let work = async {
                let forever = std::future::pending::<()>();
                forever.instrument(info_span!("inner")).await;
            };
            runtime.spawn(work.instrument(info_span!("left behind")).with_current_hub());
            runtime.block_on(tokio::task::yield_now());
            drop(runtime);
            assert_this_thread_is_in_no_span();
        });
        let expected = [("left behind".to_owned(), vec!["inner".to_owned()])];
        assert_eq!(names(&envelopes), expected[..rate as usize]);
    }
}

#[test]
fn what_the_threads_of_a_runtime_leave_behind_ends() {
    for rate in [0.0, 1.0] {
        let envelopes = sent(rate, || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
            let barrier = Arc::new(Barrier::new(2));
            let reached = Arc::clone(&barrier);
            let work = async move {
                reached.wait();
                std::future::pending::<()>().await;
            };
            runtime.spawn(work.instrument(info_span!("left behind")));
            barrier.wait();
            drop(runtime);
        });
        assert_eq!(names(&envelopes), [("left behind".to_owned(), vec![])][..rate as usize]);
    }
}

#[test]
fn another_subscriber_is_current_when_a_span_ends() {
    for rate in [0.0, 1.0] {
        let envelopes = sent(rate, || {
            let span = info_span!("of the first");
            let other = Dispatch::new(registry().with(layer()));
            dispatcher::with_default(&other, || {
                let own = info_span!("of the second");
                span.in_scope(|| own.in_scope(|| capture_message("in both", sentry::Level::Info)));
                drop(span);
                // Without any subscriber of ours.
                subscriber::with_default(NoSubscriber::default(), || drop(own));
            });
            assert_this_thread_is_in_no_span();
        });
        assert_eq!(events(&envelopes), 1);
        let all: usize = names(&envelopes).iter().map(|(_, below)| 1 + below.len()).sum();
        assert_eq!(all, 2 * rate as usize);
    }
}

#[test]
fn spans_are_left_in_any_order_however_deep() {
    const DEEP: usize = 2_000;
    for rate in [0.0, 1.0] {
        let envelopes = sent(rate, || {
            let mut entered: Vec<_> = (0..DEEP).map(|number| info_span!("deep", number).entered()).collect();
            error!("at the bottom");
            // Every other one from the top, then the rest from the bottom.
            let mut kept = Vec::new();
            for (number, guard) in entered.drain(..).enumerate() {
                if number % 2 == 0 { drop(guard) } else { kept.push(guard) }
            }
            while let Some(guard) = kept.pop() {
                drop(guard);
            }
            assert_this_thread_is_in_no_span();
        });
        assert_eq!(events(&envelopes), 1);
        assert_eq!(transactions(&envelopes).len(), rate as usize);
    }
}

#[test]
fn a_span_is_in_many_threads_at_once() {
    const THREADS: usize = 8;
    for rate in [0.0, 1.0] {
        let envelopes = sent(rate, || {
            let (span, barrier) = (info_span!("shared"), Barrier::new(THREADS));
            let (dispatch, hub) = (dispatcher::get_default(Clone::clone), Hub::current());
            thread::scope(|threads| {
                for _ in 0..THREADS {
                    let (span, dispatch, hub) = (span.clone(), dispatch.clone(), Arc::clone(&hub));
                    let barrier = &barrier;
                    threads.spawn(move || {
                        let work = || {
                            barrier.wait();
                            for _ in 0..20 {
                                span.in_scope(|| info_span!("below").in_scope(|| error!("of a thread")));
                            }
                            assert_this_thread_is_in_no_span();
                        };
                        Hub::run(hub, || dispatcher::with_default(&dispatch, work));
                    });
                }
            });
        });
        assert_eq!(events(&envelopes), 20 * THREADS);
        let spans: Vec<_> = transactions(&envelopes).iter().map(|it| it.spans.len()).collect();
        assert_eq!(spans, [20 * THREADS][..rate as usize]);
    }
}

/// Does what it likes while it is written down.
struct Restless;

impl fmt::Debug for Restless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info_span!("while written", inner = 1).in_scope(|| error!("while written"));
        Hub::current().configure_scope(|scope| scope.set_tag("while", "written"));
        let _ = Hub::current().trace_headers();
        f.write_str("restless")
    }
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("by the test")
    }
}

#[test]
fn fields_do_what_they_like_while_they_are_written() {
    let envelopes = sent(1.0, || {
        let span =
            info_span!("outer", plain = ?Restless, db.statement = ?Restless, later = tracing::field::Empty);
        span.in_scope(|| error!(error = ?Restless, "event"));
        span.record("later", tracing::field::debug(Restless));
        assert!(catch_unwind(|| info_span!("panics", plain = ?Panics)).is_err());
        assert!(catch_unwind(|| info_span!("panics", http.url = ?Panics)).is_err());
        assert!(catch_unwind(|| error!(error = ?Panics)).is_err());
        let again = catch_unwind(std::panic::AssertUnwindSafe(|| {
            span.record("later", tracing::field::debug(Panics));
        }));
        assert!(again.is_err());
        span.in_scope(|| info_span!("after").in_scope(|| ()));
        drop(span);
        assert_this_thread_is_in_no_span();
    });
    let all = names(&envelopes);
    let (_, below) = all.iter().find(|(name, _)| name == "restless").expect("as its field says");
    assert!(below.iter().any(|name| name == "after"), "{all:?}");
}

#[test]
fn a_span_outlives_its_client() {
    for rate in [0.0, 1.0] {
        let mut spans = Vec::new();
        let dispatch = Dispatch::new(registry().with(layer()));
        let options = ClientOptions::new().traces_sample_rate(rate);
        with_captured_envelopes_options(
            || {
                dispatcher::with_default(&dispatch, || {
                    let outer = info_span!("outer", later = tracing::field::Empty);
                    let inner = outer.in_scope(|| info_span!("inner"));
                    spans.extend([outer, inner]);
                });
            },
            options,
        );
        dispatcher::with_default(&dispatch, || {
            for span in &spans {
                span.record("later", 1);
                span.follows_from(span);
                span.in_scope(|| info_span!("below").in_scope(|| error!("nobody listens")));
                span.in_scope(|| drop(Hub::current().trace_headers()));
            }
            drop(std::mem::take(&mut spans));
            assert!(Span::current().is_none());
            assert_this_thread_is_in_no_span();
        });
    }
}
