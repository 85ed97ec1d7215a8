//! What scrubbing costs: `cargo run --release scrub`. The official crate has nothing to compare with.

use std::hint::black_box;
use std::time::Instant;

use ours::protocol::{Breadcrumb, Envelope, Event, Exception, Frame, Request, Stacktrace, Value};
use ours::scrub::Scrubber;
use ours::{ClientOptions, Finish};

/// How long each row is measured.
const ROUNDS: usize = 30;
const TIMES: usize = 500;
/// What a worker has to get through on one core.
const LEAST_MEGABYTES: f64 = 200.0;

/// Prints a row for each kind of item, and fails if one is too slow.
pub fn all() {
    let scrubber = Scrubber::new(&ClientOptions::new());
    println!("{:<44} {:>8} {:>10} {:>8}", "scrubbing", "bytes", "ns", "MB/s");
    let mut slowest = f64::INFINITY;
    for (name, event) in [
        ("message", message()),
        ("error, 40 frames, 20 breadcrumbs", error()),
        ("the same with a request", request()),
    ] {
        slowest = slowest.min(print(name, event_bytes(&event), measure(&scrubber, &event)));
    }
    let mut dirty = request();
    dirty.extra.insert("note".into(), "login with password=hunter2 and card 4242 4242 4242 4242".into());
    dirty.extra.insert("api_key".into(), "abc".into());
    print("the same with three secrets", event_bytes(&dirty), measure(&scrubber, &dirty));
    let batch = batch();
    slowest = slowest.min(print("100 logs, encoded", batch.1, measure_batch(&scrubber, &batch.0)));
    assert!(slowest >= LEAST_MEGABYTES, "{slowest:.0} MB/s");
}

fn print(name: &str, bytes: usize, nanos: f64) -> f64 {
    let rate = bytes as f64 / nanos * 1e3;
    println!("{name:<44} {bytes:>8} {nanos:>10.0} {rate:>8.0}");
    rate
}

fn event_bytes(event: &Event<'_>) -> usize {
    serde_json::to_vec(event).map_or(0, |bytes| bytes.len())
}

/// Nanoseconds for one, without the copy that each needs; the best round.
fn measure(scrubber: &Scrubber, event: &Event<'static>) -> f64 {
    best(|| (0..TIMES).map(|_| Envelope::from(event.clone())).collect(), scrubber)
}

fn measure_batch(scrubber: &Scrubber, batch: &Envelope) -> f64 {
    best(|| (0..TIMES / 50).map(|_| batch.clone()).collect(), scrubber)
}

fn best(copies: impl Fn() -> Vec<Envelope>, scrubber: &Scrubber) -> f64 {
    let round = |_| {
        let mut envelopes = copies();
        let start = Instant::now();
        envelopes.iter_mut().for_each(|envelope| black_box(scrubber).finish(black_box(envelope)));
        start.elapsed().as_nanos() as f64 / envelopes.len() as f64
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

fn message() -> Event<'static> {
    let tags = [("region", "eu-central-1"), ("tenant", "acme"), ("feature", "checkout"), ("retry", "3")];
    Event {
        message: Some("order 1042 of customer 77 could not be shipped: no carrier for the region".into()),
        release: Some("shop@1.4.2".into()),
        tags: tags.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..Event::default()
    }
}

fn error() -> Event<'static> {
    let frame = |index: u64| Frame {
        function: Some("shop::orders::pipeline::dispatch::<impl Future for Ship>::poll".into()),
        module: Some("shop::orders::pipeline".into()),
        filename: Some("orders/pipeline.rs".into()),
        abs_path: Some("/build/shop/src/orders/pipeline.rs".into()),
        lineno: Some(index),
        context_line: Some(
            "    let carrier = carriers.find(&order.region).ok_or(ShippingError::NoCarrier)?;".into(),
        ),
        ..Frame::default()
    };
    let crumb = |index: u32| Breadcrumb {
        ty: "log".into(),
        category: Some("shop::orders".into()),
        message: Some(format!("picked up order {index} from queue eu-1 after 15 ms, 3 items, status=ready")),
        data: [("attempt".to_owned(), Value::from(index)), ("queue".to_owned(), Value::from("eu-1"))].into(),
        ..Breadcrumb::default()
    };
    let exception = Exception {
        ty: "ShippingError".into(),
        value: Some("no carrier: Http(reqwest::Error { url: \"http://carriers/quote?order=1042\" })".into()),
        stacktrace: Some(Stacktrace { frames: (1..=40).map(frame).collect(), ..Stacktrace::default() }),
        ..Exception::default()
    };
    Event { exception: vec![exception].into(), breadcrumbs: (0..20).map(crumb).collect(), ..message() }
}

fn request() -> Event<'static> {
    let headers = [
        ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Accept-Language", "de,en-US;q=0.7,en;q=0.3"),
        ("Host", "shop.example.com"),
        ("Referer", "https://shop.example.com/cart?page=2"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("X-Request-Id", "550e8400-e29b-41d4-a716-446655440000"),
    ];
    let request = Request {
        url: "https://shop.example.com/orders/1042?page=2".parse().ok(),
        method: Some("POST".into()),
        query_string: Some("page=2".into()),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..Request::default()
    };
    Event { request: Some(request), ..error() }
}

fn batch() -> (Envelope, usize) {
    let log = |index: usize| {
        let json = format!(
            r#"{{"timestamp":1544719860.5,"trace_id":"5b8efff798038103d269b633813fc60c","level":"info","body":"picked up order {index} from queue eu-1 after 15 ms","attributes":{{"sentry.environment":{{"value":"production","type":"string"}},"sentry.release":{{"value":"shop@1.4.2","type":"string"}},"server.address":{{"value":"web-7d4b9c6f5-x2k8p","type":"string"}},"queue":{{"value":"eu-1","type":"string"}},"attempt":{{"value":3,"type":"integer"}}}}}}"#
        );
        ours::Telemetry::log(json.into_bytes())
    };
    let envelope = ours::Telemetry::envelope(&(0..100).map(log).collect::<Vec<_>>());
    let mut bytes = Vec::new();
    envelope.to_writer(&mut bytes).expect("memory takes everything");
    (envelope, bytes.len())
}
