//! What the limits cost where there is nothing to do.
//! `cargo test --release -p sentry-transport --lib limits::tests::cost -- --nocapture` prints it.

use std::hint::black_box;

use sentry_core::clock;
use sentry_core::protocol::{
    Breadcrumb, Envelope, Event, Exception, Frame, OsContext, Stacktrace, TraceContext, Value,
};

use super::limits;

fn message() -> Event<'static> {
    let tags = [("region", "eu-central-1"), ("tenant", "acme"), ("feature", "checkout"), ("retry", "3")];
    let os = OsContext { name: Some("Linux".into()), version: Some("6.1".into()), ..OsContext::default() };
    Event {
        message: Some("order 1042 of customer 77 could not be shipped: no carrier for the region".into()),
        release: Some("shop@1.4.2".into()),
        environment: Some("production".into()),
        server_name: Some("web-1".into()),
        tags: tags.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        contexts: [("os".to_owned(), os.into()), ("trace".to_owned(), TraceContext::default().into())].into(),
        ..Event::default()
    }
}

fn error() -> Event<'static> {
    let frame = |line: u64| Frame {
        function: Some("shop::orders::pipeline::dispatch::<impl Future for Ship>::poll".into()),
        module: Some("shop::orders::pipeline".into()),
        filename: Some("orders/pipeline.rs".into()),
        abs_path: Some("/build/shop/src/orders/pipeline.rs".into()),
        lineno: Some(line),
        ..Frame::default()
    };
    let crumb = |n: u32| Breadcrumb {
        category: Some("shop::orders".into()),
        message: Some(format!("picked up order {n} from queue eu-1 after 15 ms, 3 items")),
        data: [("attempt".to_owned(), Value::from(n)), ("queue".to_owned(), Value::from("eu-1"))].into(),
        ..Breadcrumb::default()
    };
    let exception = Exception {
        ty: "ShippingError".into(),
        value: Some("no carrier for region eu-central-1".into()),
        stacktrace: Some(Stacktrace { frames: (1..=40).map(frame).collect(), ..Stacktrace::default() }),
        ..Exception::default()
    };
    Event { exception: vec![exception].into(), breadcrumbs: (0..20).map(crumb).collect(), ..message() }
}

fn cost(name: &str, event: Event<'static>) -> f64 {
    const RUNS: u32 = 2_000;
    let limits = limits();
    let mut envelope = Envelope::from(event);
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = clock::instant();
        for _ in 0..RUNS {
            black_box(limits.apply(black_box(&mut envelope)));
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS));
    }
    println!("limits: {name}: {best:.3} us");
    best
}

#[test]
fn what_fits_costs_next_to_nothing() {
    let (message, error) = (cost("message", message()), cost("error, 40 frames, 20 breadcrumbs", error()));
    if !cfg!(debug_assertions) {
        assert!(message < 1.0, "{message} us");
        assert!(error < 10.0, "{error} us");
    }
}
