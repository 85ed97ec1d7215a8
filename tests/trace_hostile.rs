//! What nobody should do with traces, and somebody does.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sentry::options::TraceLifecycle;
use sentry::protocol::{EnvelopeItem, Transaction as Sent};
use sentry::test::{TestTransport, with_captured_envelopes_options};
use sentry::{
    Client, ClientOptions, Envelope, Hub, Level, Span, Transaction, TransactionContext, TransactionOrSpan,
    capture_message, configure_scope, start_transaction,
};

fn options() -> ClientOptions {
    ClientOptions::new().traces_sample_rate(1.0)
}

fn begin(name: &str) -> Transaction {
    start_transaction(TransactionContext::new(name, "op"))
}

fn bind(span: impl Into<TransactionOrSpan>) {
    configure_scope(|scope| scope.set_span(Some(span.into())));
}

fn transactions(envelopes: &[Envelope]) -> Vec<Sent<'static>> {
    let transaction = |item: &EnvelopeItem| match item {
        EnvelopeItem::Transaction(transaction) => Some((**transaction).clone()),
        _ => None,
    };
    envelopes.iter().flat_map(|envelope| envelope.items().filter_map(transaction)).collect()
}

/// A hub with a client of its own, and what that sends.
fn hub(options: ClientOptions) -> (Arc<Hub>, Arc<TestTransport>) {
    let transport = TestTransport::new();
    let mut options = options.dsn("https://public@host.example/1");
    options.transport = Some(Arc::new(Arc::clone(&transport)));
    let client = Some(Arc::new(Client::from(options)));
    (Arc::new(Hub::new(client, Arc::default())), transport)
}

/// Does all there is to a span.
fn mistreat(span: &TransactionOrSpan) {
    span.set_name("name");
    span.set_op("op");
    span.set_origin("manual");
    span.set_tag("tag", 1);
    span.set_data("data", 1.into());
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0] {
        span.set_measurement("measurement", value, None);
    }
    span.set_status(sentry::protocol::SpanStatus::Aborted);
    let _ = (span.get_status(), span.get_trace_context(), span.iter_headers().count(), span.is_sampled());
    span.start_child("op", "child").finish();
    span.clone().finish();
    span.clone().finish_with_timestamp(std::time::UNIX_EPOCH);
}

#[test]
fn spans_outlive_everything() {
    for lifecycle in [TraceLifecycle::Static, TraceLifecycle::Stream] {
        for rate in [0.0, 1.0] {
            let (hub, transport) =
                hub(ClientOptions::new().traces_sample_rate(rate).trace_lifecycle(lifecycle));
            let spans = Hub::run(Arc::clone(&hub), || {
                let transaction = begin("t");
                let child = transaction.start_child("op", "a");
                [transaction.into(), child.start_child("op", "b").into(), TransactionOrSpan::from(child)]
            });
            assert!(hub.client().unwrap().close(Some(Duration::from_secs(5))));
            drop(transport.fetch_and_clear_envelopes());
            spans.iter().for_each(mistreat);
            drop(hub);
            spans.iter().for_each(mistreat);
            assert!(transport.fetch_and_clear_envelopes().is_empty(), "it is closed");
        }
    }
}

#[test]
fn a_span_ends_once_whoever_ends_it() {
    const THREADS: usize = 8;
    let envelopes = with_captured_envelopes_options(
        || {
            for _ in 0..50 {
                let transaction = begin("t");
                let child = transaction.start_child("op", "a");
                let barrier = std::sync::Barrier::new(THREADS);
                thread::scope(|threads| {
                    for _ in 0..THREADS {
                        let (child, barrier) = (child.clone(), &barrier);
                        threads.spawn(move || (barrier.wait(), child.finish()));
                    }
                });
                thread::scope(|threads| {
                    for _ in 0..THREADS {
                        let (transaction, barrier) = (transaction.clone(), &barrier);
                        threads.spawn(move || (barrier.wait(), transaction.finish()));
                    }
                });
            }
        },
        options(),
    );
    let all = transactions(&envelopes);
    assert_eq!((all.len(), all.iter().map(|it| it.spans.len()).sum::<usize>()), (50, 50));
}

#[test]
fn a_span_ends_while_its_thread_panics() {
    struct Ends(Option<TransactionOrSpan>);
    impl Drop for Ends {
        fn drop(&mut self) {
            let below = Hub::current().active_span().map(|span| span.start_child("op", "while panicking"));
            below.into_iter().for_each(Span::finish);
            self.0.take().unwrap().finish();
            capture_message("while panicking", Level::Info);
        }
    }
    let envelopes = with_captured_envelopes_options(
        || {
            let panics = || {
                let transaction = begin("t");
                bind(transaction.clone());
                let _transaction = Ends(Some(transaction.clone().into()));
                let _child = Ends(Some(transaction.start_child("op", "a").into()));
                panic!("by the test");
            };
            assert!(catch_unwind(panics).is_err());
        },
        options(),
    );
    let names =
        |sent: &Sent<'_>| sent.spans.iter().map(|it| it.description.clone().unwrap()).collect::<Vec<_>>();
    let all = transactions(&envelopes);
    assert_eq!(all.iter().map(names).collect::<Vec<_>>(), [["while panicking", "a", "while panicking"]]);
}

#[test]
fn callbacks_may_trace_and_get_nowhere() {
    let calls = Arc::new(AtomicU32::new(0));
    let work = |calls: &Arc<AtomicU32>, whose: &'static str| {
        let calls = Arc::clone(calls);
        move || {
            calls.fetch_add(1, Ordering::Relaxed);
            let transaction = begin(whose);
            bind(transaction.clone());
            mistreat(&transaction.start_child("op", whose).into());
            mistreat(&transaction.into());
            capture_message(whose, Level::Info);
            if let Some(active) = Hub::current().active_span() {
                active.start_child("op", whose).finish();
            }
            let _ = Hub::current().trace_headers();
        }
    };
    for lifecycle in [TraceLifecycle::Static, TraceLifecycle::Stream] {
        let (sampler, before) = (work(&calls, "sampler"), work(&calls, "before_send_transaction"));
        let (span, processor) = (work(&calls, "before_send_span"), work(&calls, "processor"));
        let options = ClientOptions::new()
            .trace_lifecycle(lifecycle)
            .traces_sampler(move |_| {
                sampler();
                1.0
            })
            .before_send_transaction(move |transaction| {
                before();
                Some(transaction)
            })
            .before_send_span(move |_| span());
        let envelopes = with_captured_envelopes_options(
            || {
                configure_scope(|scope| {
                    scope.add_event_processor(move |event| {
                        processor();
                        Some(event)
                    });
                });
                let transaction = begin("t");
                transaction.start_child("op", "a").finish();
                transaction.finish();
            },
            options,
        );
        if lifecycle == TraceLifecycle::Static {
            let [sent] = &transactions(&envelopes)[..] else { panic!("{envelopes:?}") };
            assert_eq!((sent.name.as_deref(), sent.spans.len()), (Some("t"), 1));
        }
        assert!(envelopes.iter().all(|it| !it.items().any(|item| matches!(item, EnvelopeItem::Event(_)))));
    }
    // Static: all four. Stream: the sampler, and each of two spans.
    assert_eq!(calls.load(Ordering::Relaxed), 4 + 3);
}

#[test]
fn a_sampler_that_uses_what_it_is_asked_about() {
    let held: Arc<Mutex<Vec<Transaction>>> = Arc::default();
    let keep = Arc::clone(&held);
    let options = ClientOptions::new().traces_sampler(move |context| {
        // A transaction of its own for each that it is asked about, without end if that were asked about too.
        let own = Hub::current().start_transaction(context.clone());
        assert!(!own.is_sampled());
        keep.lock().unwrap().push(own);
        Hub::current().configure_scope(|scope| scope.set_tag("sampler", "was here"));
        if context.name() == "panics" { panic!("by the test") } else { 1.0 }
    });
    let envelopes = with_captured_envelopes_options(
        || {
            begin("panics").finish();
            begin("t").finish();
        },
        options,
    );
    assert_eq!(transactions(&envelopes).len(), 1, "a panic is no rate");
    assert_eq!(held.lock().unwrap().len(), 2);
}

#[test]
fn spans_that_nobody_ends_are_forgotten() {
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = begin("t");
            for number in 0..300_000 {
                let child = transaction.start_child("op", "never finished");
                child.set_data("number", number.into());
                drop(child.start_child("op", "below"));
            }
            transaction.start_child("op", "finished").finish();
            transaction.finish();
        },
        options(),
    );
    let sent = &transactions(&envelopes)[0];
    assert_eq!(sent.spans.len(), 1);
}

#[test]
fn a_tree_may_be_deep() {
    const DEEP: usize = 100_000;
    for rate in [0.0, 1.0] {
        let envelopes = with_captured_envelopes_options(
            || {
                let transaction = begin("t");
                let mut spans = vec![transaction.start_child("op", "0")];
                for number in 1..DEEP {
                    let below = spans[number - 1].start_child("op", "deeper");
                    spans.push(below);
                }
                assert!(spans[DEEP - 1].iter_headers().count() > 1);
                spans.into_iter().rev().for_each(Span::finish);
                transaction.finish();
            },
            ClientOptions::new().traces_sample_rate(rate),
        );
        assert_eq!(
            transactions(&envelopes).iter().map(|it| it.spans.len()).sum::<usize>(),
            1_000 * rate as usize
        );
    }
}

#[test]
fn transactions_that_nobody_ends_do_not_hold_each_other() {
    let first = with_captured_envelopes_options(
        || {
            let first = begin("first");
            bind(first.clone());
            // Each begins where the one before is bound.
            for _ in 0..200_000 {
                bind(begin("next"));
            }
            configure_scope(|scope| scope.clear());
            first.finish();
        },
        options(),
    );
    assert_eq!(transactions(&first).len(), 1);
}

#[test]
fn hubs_and_transactions_may_refer_to_each_other() {
    let (one, sent_by_one) = hub(options());
    let (other, sent_by_other) = hub(options());
    let clients = [&one, &other].map(|hub| hub.client().unwrap().downgrade());
    let of_one = one.start_transaction(TransactionContext::new("one", "op"));
    let of_other = other.start_transaction(TransactionContext::new("other", "op"));
    one.configure_scope(|scope| scope.set_span(Some(of_other.clone().into())));
    other.configure_scope(|scope| scope.set_span(Some(of_one.clone().into())));
    let nested = one.start_transaction(TransactionContext::continue_from_span(
        "nested",
        "op",
        Some(of_other.clone().into()),
    ));
    one.configure_scope(|scope| scope.set_span(Some(nested.clone().into())));
    Hub::run(Arc::clone(&one), || {
        let (inner, again) = (Arc::clone(&other), Arc::clone(&one));
        Hub::run(inner, || {
            Hub::run(again, || Hub::current().active_span().unwrap().start_child("op", "x").finish())
        });
    });
    nested.finish();
    of_one.finish();
    of_other.finish();
    assert_eq!(transactions(&sent_by_one.fetch_and_clear_envelopes()).len(), 2);
    assert_eq!(transactions(&sent_by_other.fetch_and_clear_envelopes()).len(), 1);
    drop((one, other));
    assert!(clients.iter().all(|client| client.upgrade().is_none()), "a circle keeps them");
}

/// What a server may be sent by anybody.
#[test]
fn headers_of_strangers_are_read_as_far_as_they_make_sense() {
    const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";
    let kib = 1024;
    let nasty = [
        "x".repeat(100 * kib),
        "sentry-a=".to_owned() + &"%".repeat(100 * kib),
        "sentry-a=".to_owned() + &"%25".repeat(34 * kib),
        "sentry-a=".to_owned() + &"%00".repeat(34 * kib),
        "%73entry-a=b,".repeat(10_000),
        (0..10_000).map(|number| format!("sentry-k{number}=v,")).collect(),
        (0..10_000).map(|number| format!("k{number}=v,")).collect::<String>() + "sentry-z=1",
        ",".repeat(100 * kib),
        ";".repeat(100 * kib),
        "=".repeat(100 * kib),
        "sentry-=".repeat(12 * kib),
        "sentry-sample_rand=1e999,sentry-sample_rate=-1,sentry-sampled=maybe,sentry-trace_id=0".to_owned(),
        "sentry-sample_rand=NaN,sentry-sample_rate=inf".to_owned(),
        "sentry-sample_rand=0.".to_owned() + &"9".repeat(100 * kib),
        "sentry-org_id=99999999999999999999999999".to_owned(),
        "sentry-replay_id=\u{0}\u{7f}\u{85}".to_owned(),
        "sentry-transaction=%0d%0aX-Injected:%201".to_owned(),
    ];
    with_captured_envelopes_options(
        || {
            for baggage in &nasty {
                for trace in
                    [TRACE, &nasty[0], "\u{0}", "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3\u{e9}-1"]
                {
                    let headers = [("sentry-trace", trace), ("baggage", baggage), ("baggage", baggage)];
                    let hub = Hub::current().isolate();
                    hub.continue_trace(headers);
                    let context = TransactionContext::continue_from_headers("t", "op", headers);
                    let transaction = hub.start_transaction(context);
                    for (name, value) in hub.trace_headers().into_iter().chain(transaction.iter_headers()) {
                        assert!(value.len() <= 8 * kib, "{name} of {}", value.len());
                        assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {value}");
                        assert!(value.split(',').count() <= 64);
                    }
                    assert_eq!(
                        transaction.get_trace_context().trace_id.to_string() == TRACE[..32],
                        trace == TRACE
                    );
                    transaction.finish();
                }
            }
        },
        options(),
    );
}
