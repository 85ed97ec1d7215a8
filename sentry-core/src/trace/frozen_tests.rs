//! One sampling context for a trace, whoever of it is asked first.

use std::sync::Arc;

use crate::options::TraceLifecycle;
use crate::protocol::EnvelopeItem;
use crate::test::with_captured_envelopes_options;
use crate::{
    ClientOptions, Hub, Level, Transaction, TransactionContext, TransactionOrSpan, start_transaction,
};

fn options() -> ClientOptions {
    ClientOptions::new().dsn("https://public@o7.host.example/1").release("app@1").traces_sample_rate(0.0)
}

fn begin() -> Transaction {
    start_transaction(TransactionContext::new("GET /orders", "http.server"))
}

fn baggage(span: impl Into<TransactionOrSpan>) -> String {
    span.into().iter_headers().last().unwrap().1
}

fn bind(span: impl Into<TransactionOrSpan>) {
    crate::configure_scope(|scope| scope.set_span(Some(span.into())));
}

#[test]
fn the_head_is_asked_first() {
    with_captured_envelopes_options(
        || {
            let transaction = begin();
            let child = transaction.start_child("http.client", "");
            let told = baggage(transaction.clone());
            assert!(told.contains("sentry-transaction=GET%20%2Forders"), "{told}");
            transaction.set_name("later");
            assert_eq!([baggage(child.clone()), baggage(child.start_child("a", "b"))], [&*told, &*told]);
            assert_eq!(baggage(transaction), told);
        },
        options(),
    );
}

#[test]
fn a_child_is_asked_first() {
    with_captured_envelopes_options(
        || {
            let transaction = begin();
            let told = baggage(transaction.start_child("http.client", ""));
            assert!(told.contains("sentry-sampled=false"), "{told}");
            assert_eq!(baggage(transaction), told);
        },
        options(),
    );
}

#[test]
fn a_child_of_the_transaction_that_the_code_is_in_knows_its_name() {
    let replay = "12312012123120121231201212312012";
    with_captured_envelopes_options(
        || {
            let transaction = begin();
            bind(transaction.clone());
            crate::configure_scope(|scope| {
                scope.set_context(
                    "replay",
                    crate::protocol::Context::Other([("replay_id".to_owned(), replay.into())].into()),
                );
            });
            let told = baggage(transaction.start_child("http.client", ""));
            assert!(told.contains("sentry-transaction=GET%20%2Forders"), "{told}");
            assert_eq!(baggage(transaction), told);
        },
        options(),
    );
}

#[test]
fn errors_in_a_trace_tell_what_its_headers_tell() {
    let mut told = String::new();
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = begin();
            told = baggage(transaction.clone());
            let child = transaction.start_child("task", "a");
            for span in [TransactionOrSpan::from(transaction), child.into()] {
                bind(span);
                crate::capture_message("a", Level::Info);
            }
        },
        options(),
    );
    let told = crate::trace::dsc::from_baggage([&*told]);
    assert_eq!(told.get("transaction"), Some("GET /orders"));
    assert_eq!(envelopes.len(), 2);
    for envelope in &envelopes {
        assert!(matches!(envelope.items().next(), Some(EnvelopeItem::Event(_))));
        assert_eq!(envelope.headers().trace(), Some(&told));
    }
}

#[test]
fn another_client_tells_of_itself() {
    let other = || options().release("other@2");
    with_captured_envelopes_options(
        || {
            let child = begin().start_child("a", "b");
            let ours = baggage(child.clone());
            with_captured_envelopes_options(|| assert_ne!(baggage(child), ours), other());
        },
        options(),
    );
}

#[test]
fn many_threads_that_ask_at_once_are_told_the_same() {
    with_captured_envelopes_options(
        || {
            for _ in 0..50 {
                let transaction = begin();
                let child = transaction.start_child("a", "b");
                let barrier = Arc::new(std::sync::Barrier::new(4));
                let spans: [TransactionOrSpan; 4] =
                    [transaction.clone().into(), child.clone().into(), transaction.into(), child.into()];
                let ask = |span: TransactionOrSpan| {
                    let (hub, barrier) = (Hub::current(), Arc::clone(&barrier));
                    std::thread::Builder::new()
                        .spawn(move || Hub::run(hub, || (barrier.wait(), baggage(span)).1))
                        .unwrap()
                };
                let told = spans.map(ask).map(|thread| thread.join().unwrap());
                assert!(told.iter().all(|other| *other == told[0]), "{told:?}");
            }
        },
        options(),
    );
}

#[test]
fn where_nothing_is_decided_nothing_is_named() {
    let options = ClientOptions::new().dsn("https://public@o7.host.example/1");
    with_captured_envelopes_options(
        || {
            let transaction = begin();
            let told = baggage(transaction.start_child("a", "b"));
            assert!(!told.contains("sentry-transaction") && !told.contains("sentry-sampled"), "{told}");
            assert_eq!(baggage(transaction), told);
        },
        options,
    );
}

#[test]
fn a_hub_tells_of_its_own_client() {
    let hub = |release: &'static str, rate: Option<f32>| {
        let mut options = ClientOptions::new().dsn("https://public@o7.host.example/1").release(release);
        options.traces_sample_rate = rate.unwrap_or(options.traces_sample_rate);
        options.transport = Some(Arc::new(crate::test::TestTransport::new()));
        Arc::new(Hub::new(Some(Arc::new(crate::Client::with_options(options))), Arc::default()))
    };
    let told = |hub: &Hub| hub.trace_headers().into_iter().find(|(name, _)| *name == "baggage").unwrap().1;
    Hub::run(hub("current", None), || {
        let bare = hub("bare", None);
        assert!(told(&bare).contains("sentry-release=bare"), "{}", told(&bare));
        let unsampled = hub("unsampled", Some(0.0));
        let transaction = unsampled.start_transaction(TransactionContext::new("a", "b"));
        let child = transaction.start_child("a", "b");
        unsampled.configure_scope(|scope| scope.set_span(Some(child.into())));
        assert!(told(&unsampled).contains("sentry-release=unsampled"), "{}", told(&unsampled));
    });
}

#[test]
fn a_context_that_does_not_say_whose_it_is_goes_on_as_it_came_but_for_streamed_spans() {
    let trace = "11111111111111111111111111111111";
    let headers =
        [("sentry-trace", format!("{trace}-2222222222222222-1")), ("baggage", "sentry-release=r".into())];
    let run = || {
        let headers = headers.iter().map(|(name, value)| (*name, &**value));
        let transaction =
            start_transaction(TransactionContext::continue_from_headers("GET /", "http.server", headers));
        assert_eq!(baggage(transaction.clone()), "sentry-release=r");
        bind(transaction.clone());
        crate::capture_message("in it", Level::Error);
        transaction.finish();
    };
    // Spans that are sent one by one are not taken without.
    let streams = options().trace_lifecycle(TraceLifecycle::Stream);
    let sent = with_captured_envelopes_options(run, streams);
    let contexts = sent.iter().filter_map(|envelope| envelope.headers().trace());
    let contexts: Vec<_> = contexts.filter(|context| context.trace_id().is_some()).collect();
    assert_eq!(contexts.len(), 1);
    let [Some(of), Some(key), Some(release)] =
        ["trace_id", "public_key", "release"].map(|name| contexts[0].get(name))
    else {
        panic!("{:?}", contexts[0]);
    };
    assert_eq!([of, key, release], [trace, "public", "r"]);
}
