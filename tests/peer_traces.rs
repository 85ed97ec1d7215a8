//! Faults of the official crate that have to do with traces, hubs and scopes: peer.md part 1, by row.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::thread;

use sentry::protocol::{EnvelopeItem, Transaction, Value};
use sentry::test::{TestTransport, with_captured_envelopes_options, with_captured_events};
use sentry::{
    Client, ClientOptions, Envelope, Hub, Level, TransactionContext, TransactionOrSpan, capture_message,
    configure_scope, start_transaction,
};

fn options() -> ClientOptions {
    ClientOptions::new().release("shop@1").traces_sample_rate(1.0)
}

fn transactions(envelopes: &[Envelope]) -> Vec<Transaction<'static>> {
    let transaction = |envelope: &Envelope| match envelope.items().next() {
        Some(EnvelopeItem::Transaction(transaction)) => Some((**transaction).clone()),
        _ => None,
    };
    envelopes.iter().filter_map(transaction).collect()
}

struct PanicsInDisplay;

impl fmt::Display for PanicsInDisplay {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("by the test")
    }
}

/// A client of its own, and what it sends.
fn client() -> (Arc<Client>, Arc<TestTransport>) {
    let transport = TestTransport::new();
    let mut options = options().dsn("https://public@host.example/1");
    options.transport = Some(Arc::new(Arc::clone(&transport)));
    (Arc::new(Client::from(options)), transport)
}

#[test]
fn row_11_a_panic_in_a_value_does_not_break_the_span_for_others() {
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = start_transaction(TransactionContext::new("t", "op"));
            let span = transaction.start_child("op", "span");
            let both = [TransactionOrSpan::from(transaction.clone()), span.clone().into()];
            for one in &both {
                assert!(catch_unwind(AssertUnwindSafe(|| one.set_tag("a", PanicsInDisplay))).is_err());
                // A lock that is held while its owner panics, too.
                let held = catch_unwind(AssertUnwindSafe(|| {
                    let TransactionOrSpan::Span(span) = one else { panic!("by the test") };
                    let _data = span.data();
                    panic!("by the test")
                }));
                assert!(held.is_err());
                one.set_tag("b", 1);
                one.set_data("c", 2.into());
                one.set_status(sentry::protocol::SpanStatus::Ok);
            }
            span.finish();
            transaction.finish();
        },
        options(),
    );
    let [transaction] = &transactions(&envelopes)[..] else { panic!("it is sent") };
    assert_eq!((transaction.tags.get("a"), &*transaction.tags["b"]), (None, "1"));
    let [span] = &transaction.spans[..] else { panic!("with its span") };
    assert_eq!((&*span.tags["b"], &span.data["c"]), ("1", &Value::from(2)));
}

#[test]
fn row_13_a_hub_starts_its_own_transactions() {
    let (client, transport) = client();
    let hub = Hub::new(Some(client), Arc::default());
    let elsewhere = with_captured_envelopes_options(
        || {
            let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000);
            hub.start_transaction_with_timestamp(TransactionContext::new("own", "op"), now).finish();
            hub.start_transaction(TransactionContext::new("own too", "op")).finish();
        },
        options(),
    );
    assert!(elsewhere.is_empty(), "not on the current hub");
    let own = transactions(&transport.fetch_and_clear_envelopes());
    let names: Vec<_> = own.iter().map(|it| it.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["own", "own too"]);
    assert_eq!(own[0].start_timestamp, std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000));
}

#[test]
fn row_14_a_transaction_has_a_thousand_spans_at_most() {
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = start_transaction(TransactionContext::new("t", "op"));
            for _ in 0..1_001 {
                transaction.start_child("op", "span").finish();
            }
            transaction.finish();
        },
        options(),
    );
    assert_eq!(transactions(&envelopes)[0].spans.len(), 1_000);
}

#[test]
fn row_15_a_dropped_event_has_no_id() {
    with_captured_envelopes_options(
        || {
            assert!(capture_message("dropped", Level::Info).is_nil());
            assert_eq!(sentry::last_event_id(), None);
        },
        options().before_send(|_| None),
    );
}

#[test]
fn row_16_changes_of_one_scope_by_many_threads_all_stay() {
    const THREADS: usize = 8;
    const TAGS: usize = 200;
    let events = with_captured_events(|| {
        let (hub, start) = (Hub::current(), Barrier::new(THREADS));
        thread::scope(|threads| {
            for number in 0..THREADS {
                let (hub, start) = (Arc::clone(&hub), &start);
                threads.spawn(move || {
                    start.wait();
                    for tag in 0..TAGS {
                        hub.configure_scope(|scope| scope.set_tag(&format!("{number}.{tag}"), tag));
                    }
                });
            }
        });
        capture_message("after", Level::Info);
    });
    assert_eq!(events[0].tags.len(), THREADS * TAGS);
}

#[test]
fn row_17_scopes_may_be_left_in_any_order() {
    let events = with_captured_events(|| {
        let hub = Hub::current();
        let (outer, inner) = (hub.push_scope(), hub.push_scope());
        configure_scope(|scope| scope.set_tag("inner", 1));
        drop(outer);
        capture_message("outer is left", Level::Info);
        drop(inner);
        capture_message("both are left", Level::Info);
    });
    assert_eq!(events.len(), 2);
    assert!(events[1].tags.is_empty());
}

#[test]
fn row_18_a_transaction_has_the_scope_of_its_own_hub() {
    let envelopes = with_captured_envelopes_options(
        || {
            let hub = Hub::current();
            configure_scope(|scope| scope.set_tag("hub", "own"));
            let transaction = start_transaction(TransactionContext::new("t", "op"));
            let (foreign, _) = client();
            let foreign = Arc::new(Hub::new(Some(foreign), Arc::default()));
            foreign.configure_scope(|scope| scope.set_tag("hub", "foreign"));
            thread::scope(|threads| {
                threads.spawn(|| Hub::run(foreign, || transaction.finish()));
            });
            hub.configure_scope(|scope| scope.set_tag("late", 1));
        },
        options(),
    );
    let [transaction] = &transactions(&envelopes)[..] else { panic!("by its own client") };
    assert_eq!(transaction.tags.iter().collect::<Vec<_>>(), [(&"hub".to_owned(), &"own".to_owned())]);
}

#[cfg(feature = "logs")]
#[test]
fn row_19_what_the_user_says_about_a_log_stays() {
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = start_transaction(TransactionContext::new("t", "op"));
            configure_scope(|scope| scope.set_span(Some(transaction.into())));
            sentry::logger_info!(parent_span_id = "mine", sentry.trace.parent_span_id = "mine", "text");
        },
        options(),
    );
    let mut bytes = Vec::new();
    envelopes.iter().for_each(|envelope| envelope.to_writer(&mut bytes).unwrap());
    let text = String::from_utf8(bytes).unwrap();
    let log = text.lines().find(|line| line.contains("\"body\"")).unwrap();
    let log: Value = serde_json::from_str(log).unwrap();
    let attributes = &log["items"][0]["attributes"];
    for key in ["parent_span_id", "sentry.trace.parent_span_id"] {
        assert_eq!(attributes[key]["value"], "mine", "{key}");
    }
}

#[cfg(feature = "backtrace")]
#[test]
fn row_25_numbers_of_any_length_in_a_backtrace_are_harmless() {
    let long = "9".repeat(60);
    let text = format!("   0: app::main\n             at /src/main.rs:{long}:{long}\n   1: app::run\n");
    // Whatever it makes of it.
    let _ = sentry::integrations::backtrace::parse_stacktrace(&text);
    let _ = sentry::integrations::backtrace::parse_stacktrace(&format!("{long}: app::main"));
}

#[test]
fn row_28_pieces_of_work_have_traces_of_their_own_without_performance() {
    let events = with_captured_events(|| {
        let hub = Hub::current();
        for _ in 0..3 {
            Hub::run(hub.isolate(), || {
                capture_message("first of the piece", Level::Info);
                capture_message("second of the piece", Level::Info);
            });
        }
        let incoming = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a";
        Hub::run(hub.isolate(), || {
            Hub::current().continue_trace([("sentry-trace", incoming)]);
            capture_message("continued", Level::Info);
        });
    });
    let trace = |index: usize| {
        serde_json::to_value(&events[index].contexts["trace"]).unwrap()["trace_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let traces: Vec<_> = (0..7).map(trace).collect();
    for pair in traces[..6].chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    let mut distinct = traces.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 4);
    assert_eq!(traces[6], "09e04486820349518ac7b5d2adbf6ba5");
}
