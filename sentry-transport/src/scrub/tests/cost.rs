//! What scrubbing costs. `cargo test --release -p sentry-transport --lib scrub::tests::cost -- --nocapture` prints it.

use std::time::Duration;

use sentry_core::ClientOptions;
use sentry_core::protocol::{
    Breadcrumb, Envelope, EnvelopeItem, Event, Exception, Frame, OsContext, Request, Stacktrace,
    TraceContext, Value,
};

use crate::scrub::Scrubber;

fn message() -> Event<'static> {
    let mut event = Event {
        message: Some("order 1042 of customer 77 could not be shipped: no carrier for the region".into()),
        release: Some("shop@1.4.2".into()),
        ..Event::default()
    };
    for (name, value) in
        [("region", "eu-central-1"), ("tenant", "acme"), ("feature", "checkout"), ("retry", "3")]
    {
        event.tags.insert(name.to_owned(), value.to_owned());
    }
    event
        .contexts
        .insert("os".into(), OsContext { name: Some("Linux".into()), ..OsContext::default() }.into());
    event.contexts.insert("trace".into(), TraceContext::default().into());
    event
}

fn error() -> Event<'static> {
    let frame = |index: u64| Frame {
        function: Some("shop::orders::pipeline::dispatch::<impl Future for Ship>::poll".into()),
        module: Some("shop::orders::pipeline".into()),
        filename: Some("orders/pipeline.rs".into()),
        abs_path: Some("/build/shop/src/orders/pipeline.rs".into()),
        lineno: Some(index),
        in_app: Some(index.is_multiple_of(3)),
        ..Frame::default()
    };
    let crumb = |index: u32| Breadcrumb {
        ty: "log".into(),
        category: Some("shop::orders".into()),
        message: Some(format!("picked up order {index} from queue eu-1 after 15 ms, 3 items, status=ready")),
        data: [("attempt".to_owned(), Value::from(index)), ("queue".to_owned(), Value::from("eu-1"))].into(),
        ..Breadcrumb::default()
    };
    let stacktrace = Stacktrace { frames: (1..=40).map(frame).collect(), ..Stacktrace::default() };
    let exception = Exception {
        ty: "ShippingError".into(),
        value: Some("no carrier for region eu-central-1: Http(reqwest::Error { kind: Request, url: \"http://carriers/quote?order=1042\" })".into()),
        stacktrace: Some(stacktrace),
        ..Exception::default()
    };
    Event { exception: vec![exception].into(), breadcrumbs: (0..20).map(crumb).collect(), ..message() }
}

fn with_request() -> Event<'static> {
    let headers = [
        ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Accept-Language", "de,en-US;q=0.7,en;q=0.3"),
        ("Connection", "keep-alive"),
        ("Host", "shop.example.com"),
        ("Referer", "https://shop.example.com/cart?page=2"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("X-Request-Id", "550e8400-e29b-41d4-a716-446655440000"),
        ("Content-Type", "application/json"),
        ("Dnt", "1"),
    ];
    let request = Request {
        url: "https://shop.example.com/orders/1042?page=2".parse().ok(),
        method: Some("POST".into()),
        query_string: Some("page=2".into()),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Request::default()
    };
    Event { request: Some(request), ..error() }
}

/// The best of several rounds, without the copy that each needs. Where it is slow, the rounds are many and short: one of
/// them fits into what a busy machine gives at a time.
fn cost(scrubber: &Scrubber, event: &Event<'static>) -> Duration {
    const TIMES: u32 = if cfg!(debug_assertions) { 2 } else { 2_000 };
    const ROUNDS: u32 = if cfg!(debug_assertions) { 100 } else { 5 };
    let round = |_| {
        let mut envelopes: Vec<_> = (0..TIMES).map(|_| Envelope::from(event.clone())).collect();
        let start = sentry_core::clock::instant();
        envelopes.iter_mut().for_each(|envelope| scrubber.scrub(envelope));
        let took = start.elapsed() / TIMES;
        drop(envelopes);
        took
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}

#[test]
fn an_event_costs_microseconds() {
    let scrubber = Scrubber::new(&ClientOptions::new());
    for (name, event) in [
        ("message", message()),
        ("error, 40 frames, 20 breadcrumbs", error()),
        ("the same with a request", with_request()),
    ] {
        let bytes = serde_json::to_vec(&event).unwrap().len();
        let took = cost(&scrubber, &event);
        let rate = bytes as f64 / took.as_secs_f64() / 1e6;
        println!("{name}: {took:?} for {bytes} bytes, {rate:.0} MB/s");
        let limit = Duration::from_micros(if cfg!(debug_assertions) { 2_000 } else { 40 });
        assert!(took < limit, "{name}: {took:?}");
        let mut untouched = Envelope::from(event.clone());
        scrubber.scrub(&mut untouched);
        assert_eq!(untouched.event(), Some(&event), "nothing in it is a secret");
    }
}

#[test]
fn encoded_records_cost_as_much_as_reading_them() {
    let record = br#"{"timestamp":1544719860.5,"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"b0e6f15b45c36b12","level":"info","severity_number":9,"body":"picked up order 1042 from queue eu-1 after 15 ms","attributes":{"sentry.environment":{"value":"production","type":"string"},"sentry.origin":{"value":"auto.log.tracing","type":"string"},"sentry.release":{"value":"shop@1.4.2","type":"string"},"server.address":{"value":"web-7d4b9c6f5-x2k8p","type":"string"},"queue":{"value":"eu-1","type":"string"},"attempt":{"value":3,"type":"integer"}}}"#;
    let scrubber = Scrubber::new(&ClientOptions::new());
    let times = if cfg!(debug_assertions) { 200 } else { 20_000_u32 };
    let round = |_| {
        let start = sentry_core::clock::instant();
        for _ in 0..times {
            assert!(scrubber.scrub_record(std::hint::black_box(record)).is_none());
        }
        start.elapsed() / times
    };
    let took = (0..5).map(round).min().unwrap_or_default();
    let start = sentry_core::clock::instant();
    for _ in 0..times {
        let value: Value = serde_json::from_slice(std::hint::black_box(record)).unwrap();
        std::hint::black_box(serde_json::to_vec(&value).unwrap());
    }
    let decoded = start.elapsed() / times;
    println!(
        "a log of {} bytes: {took:?}, {:.0} MB/s; decoding and encoding it alone: {decoded:?}",
        record.len(),
        record.len() as f64 / took.as_secs_f64() / 1e6
    );
}

#[test]
fn long_text_is_scanned_at_hundreds_of_megabytes_a_second() {
    let line = "2024-05-17 12:34:56,789 INFO shop::orders: picked up order 1042 from queue eu-1 after 15 ms (status=ready)\n";
    let extra =
        [("log".to_owned(), Value::from(line.repeat(if cfg!(debug_assertions) { 1_000 } else { 40_000 })))];
    let event = Event { extra: extra.into(), ..Event::default() };
    let bytes = line.len() * if cfg!(debug_assertions) { 1_000 } else { 40_000 };
    let scrubber = Scrubber::new(&ClientOptions::new());
    let round = |_| {
        let mut envelope = Envelope::from(EnvelopeItem::from(event.clone()));
        let start = sentry_core::clock::instant();
        scrubber.scrub(&mut envelope);
        start.elapsed()
    };
    let took = (0..5).map(round).min().unwrap_or_default();
    println!("log lines: {:.0} MB/s", bytes as f64 / took.as_secs_f64() / 1e6);
}
