//! Copies for Spotlight, and what Sentry sees of that: nothing.

#![cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::{Log, Reply, Server, Stalls};
use sentry::protocol::{SpanStatus, Value};
use sentry::{Client, ClientOptions, Hub, Level, TransactionContext};

const LONG: Duration = Duration::from_secs(30);

/// A server that takes envelopes at any path.
fn spotlight() -> Server {
    let server = Server::start();
    server.allow_problems();
    server
}

fn url(server: &Server) -> String {
    format!("http://{}/stream", server.addr())
}

/// Waits until `copies` has one event and one transaction: the end of a client has half a second for Spotlight, and a busy
/// machine more to do.
fn shown(copies: &Server) {
    let has_both = |log: &Log| log.count("event") > 0 && log.count("transaction") > 0;
    assert!(copies.wait_for(has_both, LONG), "{:?}", copies.log());
}

fn run(options: ClientOptions, f: impl FnOnce(&Client)) -> Arc<Client> {
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(hub, || f(&client));
    client
}

fn work() {
    let transaction = sentry::start_transaction(TransactionContext::new("job", "task"));
    sentry::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
    let span = transaction.start_child("db", "SELECT 1");
    span.set_status(SpanStatus::Ok);
    span.finish();
    sentry::capture_message("inside", Level::Info);
    transaction.finish();
}

#[expect(clippy::disallowed_methods, reason = "tests measure time")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn everything_is_copied() {
    let (server, copies) = (Server::start(), spotlight());
    let options = ClientOptions::new().dsn(&server.dsn()).traces_sample_rate(1.0).spotlight(url(&copies));
    let client = run(options, |_| work());
    shown(&copies);
    assert!(client.close(Some(LONG)));
    assert_eq!((server.events().len(), server.transactions().len()), (1, 1));
    assert_eq!(but_memory(server.events()), but_memory(copies.events()));
    assert_eq!(but_memory(server.transactions()), but_memory(copies.transactions()));
    let request = &copies.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/stream"));
    assert_eq!(request.header("content-type"), Some("application/x-sentry-envelope"));
    assert_eq!(request.header("x-sentry-auth"), None, "no key for a tool that has no business with it");
    server.assert_clean();
}

/// Without the two numbers that each destination may have read at another time: everything has them.
fn but_memory(mut items: Vec<Value>) -> Vec<Value> {
    for item in &mut items {
        for (context, number) in [("device", "free_memory"), ("app", "app_memory")] {
            let removed =
                item["contexts"][context].as_object_mut().and_then(|context| context.remove(number));
            assert_eq!(removed.is_some(), cfg!(target_os = "linux"), "{number}: {item}");
        }
    }
    items
}

#[test]
fn what_sampling_drops_is_for_spotlight_only() {
    let (server, copies) = (Server::start(), spotlight());
    let options = || ClientOptions::new().dsn(&server.dsn()).sample_rate(0.0).traces_sample_rate(0.0);
    let sampled_out = |_: &Client| {
        assert!(sentry::capture_message("dropped", Level::Info).is_nil());
        let transaction = sentry::start_transaction(TransactionContext::new("job", "task"));
        let span = transaction.start_child("db", "SELECT 1");
        assert!(!transaction.is_sampled() && !span.is_sampled());
        span.set_tag("rows", 7);
        span.finish();
        transaction.finish();
    };
    let losses = |client: &Client| client.options().client_report_recorder.totals();

    let plain = run(options(), sampled_out);
    let copied = run(options().spotlight(url(&copies)), sampled_out);
    assert!(copied.flush(Some(LONG)) && plain.close(Some(LONG)));
    assert_eq!(losses(&plain), losses(&copied), "counted as without Spotlight");
    shown(&copies);
    assert!(copied.close(Some(LONG)));
    assert!(server.events().is_empty() && server.transactions().is_empty());
    assert_eq!(copies.events()[0]["message"], "dropped");
    let transaction = &copies.transactions()[0];
    assert_eq!(transaction["spans"][0]["tags"]["rows"], "7");
    assert_eq!((copies.events().len(), copies.transactions().len()), (1, 1));

    // With a callback the event is complete before the die is cast.
    copies.clear();
    let options = options().spotlight(url(&copies)).before_send(|mut event| {
        event.tags.insert("seen".into(), "yes".into());
        Some(event)
    });
    let client = run(options, sampled_out);
    shown(&copies);
    assert!(client.close(Some(LONG)));
    assert_eq!(copies.events()[0]["tags"]["seen"], "yes");
    assert!(server.events().is_empty());
}

#[test]
fn what_sentry_gets_does_not_change() {
    let copies = spotlight();
    for options in [
        ClientOptions::new(),
        ClientOptions::new().traces_sample_rate(0.0),
        ClientOptions::new().traces_sample_rate(1.0),
    ] {
        let seen = [options.clone(), options.spotlight(url(&copies))].map(|options| {
            let server = Server::start();
            let options = options.dsn(&server.dsn()).send_default_pii(false);
            assert!(run(options, |_| work()).close(Some(LONG)));
            let event = server.wait_for_events(1, LONG).remove(0);
            let mut shape = vec![shape(&event["contexts"]["trace"]), shape(&event)];
            let mut envelopes = server.envelopes();
            envelopes.retain(|envelope| envelope.items.iter().any(|item| item.kind() == "event"));
            shape.push(shape_of_header(envelopes[0].headers.get("trace")));
            shape.push(server.transactions().len().to_string());
            shape
        });
        assert_eq!(seen[0], seen[1]);
    }
}

/// The names in an object, and its short values that are no ids.
fn shape(value: &Value) -> String {
    let Some(object) = value.as_object() else { return value.to_string() };
    let known = |key: &str| key.ends_with("_id") || key == "timestamp" || key == "contexts";
    object
        .iter()
        .map(|(key, value)| if known(key) { format!("{key} ") } else { format!("{key}={value} ") })
        .collect()
}

fn shape_of_header(trace: Option<&Value>) -> String {
    let Some(object) = trace.and_then(|trace| trace.as_object()) else { return "none".into() };
    let known = |key: &str| key.ends_with("_id") || key == "sample_rand" || key == "public_key";
    object
        .iter()
        .map(|(key, value)| if known(key) { format!("{key} ") } else { format!("{key}={value} ") })
        .collect()
}

#[test]
fn it_works_without_a_dsn_and_sees_everything_then() {
    let copies = spotlight();
    // The dice of the code are for Sentry, which is not there.
    let options = ClientOptions::new().spotlight(url(&copies)).sample_rate(0.0);
    let client = run(options, |client| {
        assert!(client.is_enabled() && client.dsn().is_none());
        assert!(client.options().send_default_pii);
        work();
    });
    assert!(client.close(Some(LONG)));
    assert_eq!(copies.events()[0]["message"], "inside");
    assert_eq!(copies.transactions()[0]["spans"].as_array().map(Vec::len), Some(1));
    assert!(!run(ClientOptions::new().spotlight(false), |_| ()).is_enabled());
}

#[test]
fn one_that_is_away_disturbs_nobody() {
    let hangs = Server::builder().otherwise(Reply::hang()).start();
    hangs.allow_problems();
    for address in [ingest::refused_addr(), hangs.addr()] {
        let server = Server::start();
        let options = ClientOptions::new().dsn(&server.dsn()).spotlight(format!("http://{address}/stream"));
        let recorder = options.client_report_recorder.clone();
        let client = run(options, |_| {
            (0..300).for_each(|_| _ = sentry::capture_message("for sentry", Level::Info));
        });
        let start = now();
        assert!(client.flush(Some(Duration::from_secs(10))), "Spotlight does not count");
        assert!(client.close(Some(Duration::from_secs(10))));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(server.events().len(), 300);
        assert_eq!(recorder.totals(), []);
        server.assert_clean();
    }
}

#[test]
fn alone_and_away_it_ends_within_the_deadline() {
    let hangs = Server::builder().otherwise(Reply::hang()).start();
    hangs.allow_problems();
    let client = run(ClientOptions::new().spotlight(url(&hangs)), |_| {
        sentry::capture_message("nobody there", Level::Info);
    });
    let (stalls, start) = (Stalls::watch(), now());
    assert!(!client.close(Some(Duration::from_millis(300))));
    let took = start.elapsed();
    assert!(took < Duration::from_millis(350) + stalls.total(), "{took:?}");
}
