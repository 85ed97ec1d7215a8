//! What goes over the wire, kept as files for Relay's normalizer to judge (`.ci/relay/check.py`).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ingest::Server;
use sentry::protocol::{Attachment, Context, Event, LogEntry, Map, Request, SpanStatus, Value};
use sentry::{Breadcrumb, Client, ClientOptions, Hub, Level, TransactionContext, User};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn payloads_are_written_for_the_normalizer() {
    let server = Server::start();
    let options = ClientOptions::new()
        .dsn(&server.dsn())
        .release("wire@1.0.0")
        .environment("test")
        .attach_stacktrace(true)
        .traces_sample_rate(1.0);
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(hub, capture_one_of_each);
    assert!(client.close(Some(PATIENCE)));
    server.assert_clean();

    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wire");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("the target directory is writable");
    let payloads: Vec<_> = server.events().into_iter().chain(server.transactions()).collect();
    assert_eq!(payloads.len(), 7);
    for (n, payload) in payloads.iter().enumerate() {
        std::fs::write(directory.join(format!("{n}.json")), payload.to_string())
            .expect("a file can be written");
    }
}

fn capture_one_of_each() {
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User {
            id: Some("4711".into()),
            email: Some("ada@example.com".into()),
            ip_address: Some("127.0.0.1".parse().expect("an address")),
            ..Default::default()
        }));
        scope.set_tag("region", "eu");
        scope.set_extra("cart", Value::from(vec![1, 2, 3]));
        scope.set_context("order", Context::Other(Map::from([("id".to_owned(), Value::from(7))])));
        scope.add_attachment(Attachment {
            buffer: vec![1, 2, 3],
            filename: "a.bin".into(),
            ..Default::default()
        });
    });
    sentry::add_breadcrumb(Breadcrumb {
        category: Some("http".into()),
        ty: "http".into(),
        data: Map::from([("status_code".to_owned(), Value::from(200))]),
        ..Default::default()
    });
    sentry::capture_message("a message", Level::Warning);
    sentry::capture_error(&"x".parse::<u8>().expect_err("not a number"));
    sentry::capture_event(Event {
        logentry: Some(LogEntry {
            message: "hello %s".into(),
            params: vec!["ada".into()],
            ..Default::default()
        }),
        fingerprint: vec!["{{ default }}".into(), "mine".into()].into(),
        request: Some(Request {
            method: Some("POST".into()),
            url: "http://localhost/orders".parse().ok(),
            query_string: Some("a=b".into()),
            headers: Map::from([("content-type".to_owned(), "application/json".to_owned())]),
            ..Default::default()
        }),
        modules: Map::from([("serde".to_owned(), "1.0.0".to_owned())]),
        ..Default::default()
    });
    sentry::with_scope(
        |scope| scope.set_fingerprint(Some(&["a", "b"])),
        || sentry::capture_error(&std::io::Error::other("disk is full")),
    );
    for status in [SpanStatus::Ok, SpanStatus::NotFound, SpanStatus::InternalError] {
        let transaction = sentry::start_transaction(TransactionContext::new("GET /orders", "http.server"));
        let span = transaction.start_child("db.query", "SELECT * FROM orders");
        span.set_data("db.system", Value::from("postgresql"));
        span.set_status(status);
        span.finish();
        transaction.set_tag("step", "list");
        transaction.set_status(status);
        transaction.finish();
    }
}
