//! From `init` to a server over real HTTP, with the default transport.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ingest::{Reply, Server};
use sentry::protocol::{Attachment, Event};
use sentry::{Client, ClientOptions, Hub, Level, TransactionContext, clock};

const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `f` in a hub of its own whose client sends to `server`.
fn with_client(server: &Server, options: ClientOptions, f: impl FnOnce(&Client)) {
    let client = Arc::new(Client::from(sentry::apply_defaults(options.dsn(&server.dsn()))));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(hub, || f(&client));
    client.close(Some(PATIENCE));
}

#[test]
fn a_burst_of_events_arrives_whole() {
    let server = Server::start();
    with_client(&server, ClientOptions::new(), |client| {
        for n in 0..2_000 {
            assert!(!sentry::capture_message(&format!("event {n}"), Level::Info).is_nil());
        }
        assert!(client.flush(Some(PATIENCE)));
    });
    assert_eq!(server.events().len(), 2_000);
    server.assert_clean();
}

#[test]
fn the_envelope_carries_the_trace_header() {
    let server = Server::start();
    with_client(&server, ClientOptions::new().release("app@1").environment("test"), |_| {
        sentry::capture_message("traced", Level::Info);
    });
    let envelope = &server.envelopes()[0];
    let event = &server.events()[0];
    let trace = &envelope.headers["trace"];
    assert_eq!(trace["public_key"], "public");
    assert_eq!(trace["trace_id"], event["contexts"]["trace"]["trace_id"]);
    assert_eq!(trace["release"], "app@1");
    assert_eq!(envelope.headers["sdk"]["name"], "sentry.rust");
    assert!(envelope.headers["sent_at"].is_string());
}

#[test]
fn a_transaction_carries_its_trace_and_its_spans() {
    let server = Server::start();
    with_client(&server, ClientOptions::new().traces_sample_rate(1.0), |_| {
        let transaction = sentry::start_transaction(TransactionContext::new("GET /orders", "http.server"));
        transaction.start_child("db.query", "SELECT 1").finish();
        transaction.finish();
    });
    let transaction = &server.wait_for_transactions(1, PATIENCE)[0];
    assert_eq!(transaction["transaction"], "GET /orders");
    assert_eq!(transaction["spans"][0]["op"], "db.query");
    assert_eq!(transaction["contexts"]["trace"]["op"], "http.server");
    assert!(transaction["contexts"]["os"].is_object(), "contexts reach transactions");
    let trace = &server.envelopes()[0].headers["trace"];
    assert_eq!(trace["trace_id"], transaction["contexts"]["trace"]["trace_id"]);
    assert_eq!(trace["sampled"], "true");
}

#[test]
fn attachments_travel_with_their_event() {
    let server = Server::start();
    with_client(&server, ClientOptions::new(), |_| {
        sentry::configure_scope(|scope| {
            let filename = "notes.txt".to_owned();
            scope.add_attachment(Attachment { buffer: b"hello".to_vec(), filename, ..Default::default() });
        });
        sentry::capture_message("with a file", Level::Info);
    });
    let attachments = server.wait_for_items("attachment", 1, PATIENCE);
    assert_eq!(attachments[0].payload, b"hello");
    assert_eq!(attachments[0].headers["filename"], "notes.txt");
}

#[test]
fn an_event_that_a_callback_dropped_is_reported_and_not_sent() {
    let server = Server::start();
    let options = ClientOptions::new()
        .before_send(|event: Event<'static>| (event.message.as_deref() != Some("secret")).then_some(event));
    with_client(&server, options, |_| {
        assert!(sentry::capture_message("secret", Level::Info).is_nil());
        assert!(!sentry::capture_message("public", Level::Info).is_nil());
    });
    let events = server.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["message"], "public");
    let lost = discarded(&server);
    assert_eq!(lost, [("before_send".into(), "error".into(), 1)]);
}

#[test]
fn a_callback_that_panics_drops_the_item_as_callback_error() {
    let server = Server::start();
    let options = ClientOptions::new().before_send(|_| panic!("expected by the test"));
    with_client(&server, options, |_| {
        assert!(sentry::capture_message("doomed", Level::Info).is_nil());
    });
    assert!(server.events().is_empty());
    assert_eq!(discarded(&server), [("callback_error".into(), "error".into(), 1)]);
}

#[test]
fn what_is_sampled_out_is_reported() {
    let server = Server::start();
    with_client(&server, ClientOptions::new().sample_rate(0.0), |_| {
        (0..7).for_each(|_| assert!(sentry::capture_message("never", Level::Info).is_nil()));
    });
    assert!(server.events().is_empty());
    assert_eq!(discarded(&server), [("sample_rate".into(), "error".into(), 7)]);
}

#[test]
fn the_last_losses_are_reported_by_a_flush() {
    let server = Server::start();
    with_client(&server, ClientOptions::new().sample_rate(0.0), |client| {
        sentry::capture_message("never", Level::Info);
        assert!(client.flush(Some(PATIENCE)));
        let lost = [("sample_rate".into(), "error".into(), 1)];
        assert_eq!(discarded(&server), lost, "without another capture, before the client is closed");
    });
}

#[test]
fn what_is_given_up_at_the_end_is_counted_and_told() {
    let server = Server::builder().otherwise(Reply::hang()).start();
    let told = Arc::new(AtomicU64::new(0));
    let sum = Arc::clone(&told);
    let options = ClientOptions::new().on_drop(move |dropped| {
        sum.fetch_add(dropped.quantity, Ordering::Relaxed);
    });
    with_client(&server, options, |client| {
        (0..50).for_each(|_| _ = sentry::capture_message("late", Level::Info));
        let flush = client.flush_report(Some(Duration::from_millis(100)));
        assert!(!flush.complete);
        assert_eq!((flush.sent, flush.dropped, flush.pending), (0, 0, 50), "a flush gives nothing up");
        assert!(!client.close(Some(Duration::from_millis(100))));
        // On a busy machine the worker may still be counting what it had in its hands.
        let told = || told.load(Ordering::Relaxed);
        let patience = clock::instant() + PATIENCE;
        while (client.stats().dropped, client.stats().queued, told()) != (50, 0, 50)
            && clock::instant() < patience
        {
            thread::sleep(Duration::from_millis(5));
        }
        let stats = client.stats();
        assert_eq!((stats.accepted, stats.dropped, stats.queued), (50, 50, 0), "{stats:?}");
        assert_eq!(stats.losses.iter().map(|item| item.quantity()).sum::<u64>(), 50);
    });
    assert_eq!(told.load(Ordering::Relaxed), 50);
}

#[test]
fn the_books_agree_with_the_server() {
    let server = Server::start();
    with_client(&server, ClientOptions::new(), |client| {
        (0..100).for_each(|_| _ = sentry::capture_message("one", Level::Info));
        let flush = client.flush_report(Some(PATIENCE));
        assert!(flush.complete);
        let stats = client.stats();
        assert_eq!((stats.accepted, stats.delivered, stats.queued), (100, 100, 0), "{stats:?}");
        let bodies: usize = server.requests().iter().map(|request| request.raw_body.len()).sum();
        assert_eq!(stats.bytes_sent, bodies as u64, "as they went over the wire");
        assert_eq!((stats.losses.len(), stats.last_error), (0, None));
    });
    assert_eq!(server.events().len(), 100);
}

#[test]
fn an_async_flush_leaves_the_executor_alone() {
    for workers in [0, 2] {
        let server = Server::builder().otherwise(Reply::ok().after(Duration::from_secs(2))).start();
        let runtime = match workers {
            0 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
            _ => tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build(),
        };
        with_client(&server, ClientOptions::new(), |client| {
            runtime.unwrap().block_on(async {
                sentry::capture_message("slow", Level::Info);
                let mut turns = 0;
                let flush = client.flush_async(Some(PATIENCE));
                tokio::pin!(flush);
                let flushed = loop {
                    tokio::select! {
                        flushed = &mut flush => break flushed,
                        () = tokio::time::sleep(Duration::from_millis(5)) => turns += 1,
                    }
                };
                assert!(flushed && turns > 3, "others had {turns} turns meanwhile");
                assert_eq!(server.events().len(), 1);
                assert!(client.flush_async(Some(Duration::ZERO)).await, "nothing is left to wait for");
                assert!(client.close_async(None).await);
            });
        });
    }
}

#[test]
fn a_server_that_was_down_gets_the_event_when_it_is_back() {
    let addr = ingest::refused_addr();
    let options = ClientOptions::new().dsn(&format!("http://public@{addr}/42"));
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(hub, || _ = sentry::capture_message("patient", Level::Info));
    assert!(!client.flush(Some(Duration::from_millis(100))));
    let server = Server::builder().addr(addr).start();
    assert!(client.flush(Some(PATIENCE)));
    assert_eq!(server.events()[0]["message"], "patient");
}

#[test]
fn a_rate_limit_is_obeyed_and_counted() {
    let server = Server::builder().script([Reply::rate_limited("60:error:organization")]).start();
    with_client(&server, ClientOptions::new(), |client| {
        sentry::capture_message("first", Level::Info);
        assert!(client.flush(Some(PATIENCE)));
        (0..3).for_each(|_| _ = sentry::capture_message("limited", Level::Info));
    });
    assert_eq!(server.events().len(), 1);
    assert_eq!(discarded(&server), [("ratelimit_backoff".into(), "error".into(), 3)]);
}

/// The sum of all client reports: reason, category, quantity.
fn discarded(server: &Server) -> Vec<(String, String, u64)> {
    let mut sums = std::collections::BTreeMap::new();
    for report in server.items("client_report") {
        for entry in report.json()["discarded_events"].as_array().into_iter().flatten() {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            *sums.entry((text("reason"), text("category"))).or_insert(0) +=
                entry["quantity"].as_u64().unwrap_or(0);
        }
    }
    sums.into_iter().map(|((reason, category), quantity)| (reason, category, quantity)).collect()
}
