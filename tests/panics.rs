//! The panic hook: what a panic looks like at the server, and what a caught one costs its thread.

use std::panic::{catch_unwind, panic_any};
use std::time::{Duration, Instant};

use ingest::{Reply, Server};
use sentry::ClientOptions;
use sentry::protocol::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// One test, because the hook and the client belong to the process.
#[test]
fn panics_are_captured_readably_and_cheaply() {
    // Silent, so that the cost of printing is not measured; it also shows that the previous hook still runs.
    static PREVIOUS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let printing = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload_as_str().unwrap_or_default();
        let expected =
            ["it fails here", "number 7", ""].contains(&text) || text.starts_with("index out of bounds");
        if !expected {
            // An assertion of this test.
            printing(info);
        }
        PREVIOUS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }));
    let server = Server::start();
    let guard = sentry::init((server.dsn(), ClientOptions::new()));
    sentry::configure_scope(|scope| scope.set_tag("region", "eu"));

    assert!(catch_unwind(fails_here).is_err());
    assert!(catch_unwind(|| panic!("number {}", 7)).is_err());
    assert!(catch_unwind(|| panic_any(42_u8)).is_err());
    assert!(catch_unwind(|| panic_any(Box::<dyn std::error::Error + Send + Sync>::from("boxed"))).is_err());
    let worker = std::thread::Builder::new().name("invoices".into()).spawn(|| {
        let empty: [u8; 0] = [];
        let _ = std::hint::black_box(&empty)[std::hint::black_box(3)];
    });
    assert!(worker.unwrap().join().is_err());
    assert_eq!(PREVIOUS.load(std::sync::atomic::Ordering::SeqCst), 5);

    assert!(guard.flush(Some(PATIENCE)));
    let events = server.events();
    // Several requests are in flight at once, so the order of arrival says nothing.
    let with = |text: &str| -> &Value {
        let found =
            events.iter().find(|event| exception(event)["value"].as_str().unwrap_or_default().contains(text));
        found.unwrap_or_else(|| panic!("nothing says {text:?} among {events:#?}"))
    };
    assert_eq!(events.len(), 5);
    with("number 7");
    with("boxed");
    with("Box<Any>");
    let first = with("it fails here");
    assert_eq!((&first["level"], &first["tags"]["region"]), (&"fatal".into(), &"eu".into()));
    let exception = exception(first);
    assert_eq!((&exception["type"], &exception["mechanism"]["type"]), (&"panic".into(), &"panic".into()));
    assert_eq!(exception["mechanism"]["handled"], false);
    let frames = exception["stacktrace"]["frames"].as_array().expect("a stack trace");
    let newest = frames.last().expect("frames");
    assert!(newest["function"].as_str().unwrap_or_default().ends_with("fails_here"), "{newest}");
    assert!(newest["filename"].as_str().unwrap_or_default().ends_with("panics.rs"), "{newest}");
    assert_eq!(newest["in_app"], true);
    assert!(newest["context_line"].as_str().unwrap_or_default().contains("it fails here"), "{newest}");
    let names = |event: &Value| -> Vec<String> {
        let threads = event["threads"]["values"].as_array().cloned().unwrap_or_default();
        threads
            .iter()
            .filter(|thread| thread["crashed"] == true)
            .filter_map(|thread| thread["name"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(names(with("index out of bounds")), ["invoices"]);

    a_caught_panic_is_cheap(&server);
    drop(guard);
    let _ = std::panic::take_hook();
}

#[inline(never)]
fn fails_here() {
    panic!("it fails here");
}

/// A server that hangs must not be noticed by a thread whose panic is caught.
#[expect(clippy::disallowed_methods, reason = "a test measures with the clock of the system")]
fn a_caught_panic_is_cheap(server: &Server) {
    server.otherwise(Reply::hang());
    let mut costs: Vec<_> = (0..200)
        .map(|_| {
            let start = Instant::now();
            assert!(catch_unwind(fails_here).is_err());
            start.elapsed()
        })
        .collect();
    costs.sort();
    let (median, most) = (costs[100], costs[190]);
    println!(
        "caught panic, server hangs: median {median:?}, 95 of 100 {most:?}, worst of 200 {:?}",
        costs[199]
    );
    assert!(median < Duration::from_millis(1), "median {median:?}");
    // The rest belongs to the scheduler of a machine that runs other tests as well.
    assert!(most < Duration::from_millis(50), "{most:?}");
}

fn exception(event: &Value) -> &Value {
    event["exception"]["values"].as_array().and_then(|values| values.last()).expect("an exception")
}
