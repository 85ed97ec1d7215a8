//! Streamed spans whose segment is dropped at its end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client_report::protocol::{Category, Reason};
use crate::options::TraceLifecycle;
use crate::protocol::Envelope;
use crate::sync::lock;
use crate::test::{TestTransport, with_captured_envelopes_options};
use crate::trace::MAX_SPANS;
use crate::trace::fate::{Fate, PATIENCE, Then};
use crate::{
    Client, ClientOptions, Gathered, Hub, Telemetry, Transaction, TransactionContext, Transport, clock,
    start_transaction,
};

fn options() -> ClientOptions {
    ClientOptions::new()
        .traces_sample_rate(1.0)
        .trace_lifecycle(TraceLifecycle::Stream)
        .trace_ignore_status_codes([404..=404])
}

fn begin() -> Transaction {
    start_transaction(TransactionContext::new("GET /", "http.server"))
}

fn end_with(transaction: Transaction, code: u16) {
    transaction.set_data("http.response.status_code", code.into());
    transaction.finish();
}

/// The names of the spans in the order in which they were sent.
fn names(envelopes: &[Envelope]) -> Vec<String> {
    let mut names = Vec::new();
    for envelope in envelopes {
        let mut bytes = Vec::new();
        envelope.to_writer(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        for item in lines.windows(2).filter(|pair| pair[0]["type"] == "span") {
            let items = item[1]["items"].as_array().unwrap();
            names.extend(items.iter().map(|span| span["name"].as_str().unwrap().to_owned()));
        }
    }
    names
}

fn lost(options: &ClientOptions, reason: Reason, category: Category) -> u64 {
    let totals = options.client_report_recorder.totals();
    let of_it = totals.iter().filter(|it| it.reason() == reason && it.category() == category);
    of_it.map(|it| it.quantity()).sum()
}

#[test]
fn what_is_below_a_segment_that_is_dropped_is_dropped_with_it() {
    let options = options();
    let envelopes = with_captured_envelopes_options(
        || {
            let (transaction, late) = (begin(), begin());
            let child = transaction.start_child("db", "a");
            child.start_child("db", "b").finish();
            child.finish();
            let open = transaction.start_child("db", "open");
            end_with(transaction, 404);
            open.finish();
            late.start_child("db", "c").finish();
            end_with(late, 200);
        },
        options.clone(),
    );
    assert_eq!(names(&envelopes), ["c", "GET /"]);
    assert_eq!(lost(&options, Reason::EventProcessor, Category::Span), 4);
    assert_eq!(lost(&options, Reason::EventProcessor, Category::Transaction), 0);
}

#[test]
fn a_name_that_a_segment_has_at_its_end_takes_all_below_it_along() {
    let options = ClientOptions::new()
        .traces_sample_rate(1.0)
        .trace_lifecycle(TraceLifecycle::Stream)
        .ignore_transactions(["/health"]);
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = begin();
            transaction.start_child("db", "a").finish();
            transaction.set_name("GET /health");
            transaction.finish();
        },
        options.clone(),
    );
    assert_eq!(names(&envelopes), [""; 0]);
    assert_eq!(lost(&options, Reason::Ignored, Category::Span), 2);
}

#[test]
fn a_segment_is_sent_for_the_sake_of_what_has_left() {
    let options = options();
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = begin();
            transaction.start_child("db", "a").finish();
            Hub::current().client().unwrap().flush(None);
            transaction.start_child("db", "b").finish();
            end_with(transaction, 404);
        },
        options.clone(),
    );
    assert_eq!(names(&envelopes), ["a", "b", "GET /"]);
    assert_eq!(lost(&options, Reason::EventProcessor, Category::Span), 0);
}

#[test]
fn what_is_never_finished_keeps_nothing_back() {
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = begin();
            transaction.start_child("db", "a").finish();
            drop(transaction);
            let kept = begin();
            kept.start_child("db", "b").finish();
            Hub::current().client().unwrap().close(None);
            kept.finish();
        },
        options(),
    );
    assert_eq!(names(&envelopes), ["a", "b"]);
}

/// Gathers, and is asked for what waits by hand.
#[derive(Default)]
struct Gathers {
    records: Mutex<Option<Gathered>>,
    sent: Mutex<Vec<Envelope>>,
    told: Mutex<u32>,
}

impl Transport for Gathers {
    fn send_envelope(&self, envelope: Envelope) {
        lock(&self.sent).push(envelope);
    }

    fn flush(&self, _: Duration) -> bool {
        true
    }

    fn shutdown(&self, _: Duration) -> bool {
        true
    }

    fn gather(&self, records: Gathered) -> bool {
        *lock(&self.records) = Some(records);
        true
    }

    fn records_wait(&self) {
        *lock(&self.told) += 1;
    }
}

#[test]
fn the_transport_asks_and_only_gets_what_has_waited_for_long_enough() {
    let transport = Arc::new(Gathers::default());
    let mut options = options().dsn("https://public@sentry.invalid/1");
    let made = Arc::clone(&transport);
    options.transport = Some(Arc::new(move |_: &ClientOptions| Arc::clone(&made) as Arc<dyn Transport>));
    let client = Arc::new(Client::with_options(options));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(hub, || {
        let transaction = begin();
        transaction.start_child("db", "a").finish();
        transaction.start_child("db", "b").finish();
        assert_eq!(*lock(&transport.told), 1);
        let hand_over = || lock(&transport.records).as_ref().unwrap().hand_over();
        hand_over();
        // It is asked to come again.
        assert_eq!((names(&lock(&transport.sent)).len(), *lock(&transport.told)), (0, 2));
        assert!(!client.undecided().release_at(clock::instant() + PATIENCE));
        assert_eq!(names(&lock(&transport.sent)), ["a", "b"]);
        hand_over();
        assert_eq!(*lock(&transport.told), 2, "nothing waits any more");
    });
}

#[test]
fn waiting_has_bounds() {
    let span = |bytes: usize| Telemetry::span(vec![b' '; bytes], Default::default(), Arc::default());
    let client = Arc::new(Client::with_options(ClientOptions::new()));
    let begun = clock::instant();
    let fill = |bytes: usize, at: Instant| {
        let mut fate = Fate::default();
        for waited in 0..=MAX_SPANS {
            match fate.meet(span(bytes), &client, if waited == 0 { begun } else { at }) {
                Then::Waits { is_first } => assert_eq!(is_first, waited == 0),
                Then::Leaves(before, _) => return (waited, before.unwrap().forget()),
                Then::Dropped(_) => panic!("nothing is dropped"),
            }
        }
        panic!("without end")
    };
    assert_eq!(fill(1, begun), (MAX_SPANS, MAX_SPANS as u64));
    assert_eq!(fill(100_000, begun), (10, 10));
    assert_eq!(fill(1, begun + PATIENCE), (1, 1));
    assert_eq!(fill(1, begun + PATIENCE - Duration::from_millis(1)).0, MAX_SPANS);
}

#[test]
fn where_nothing_can_be_dropped_nothing_waits() {
    let options = ClientOptions::new()
        .traces_sample_rate(1.0)
        .trace_lifecycle(TraceLifecycle::Stream)
        .dsn("https://a@b.invalid/1");
    let transport = TestTransport::new();
    let mut options = options;
    options.transport = Some(Arc::new(Arc::clone(&transport)));
    let hub = Arc::new(Hub::new(Some(Arc::new(Client::with_options(options))), Arc::default()));
    Hub::run(hub, || {
        let transaction = begin();
        transaction.start_child("db", "a").finish();
        assert_eq!(names(&transport.fetch_and_clear_envelopes()), ["a"]);
        transaction.set_data("http.response.status_code", json!(404));
        transaction.finish();
    });
}
