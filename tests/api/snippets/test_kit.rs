//! How applications test what they capture.

use std::sync::Arc;

use sentry::protocol::EnvelopeItem;
use sentry::test::{
    TestTransport, with_captured_envelopes, with_captured_envelopes_options, with_captured_events,
    with_captured_events_options,
};
use sentry::{Client, ClientOptions, Hub, Level, Scope, TransactionContext};

#[test]
fn events_are_captured_instead_of_sent() {
    let events = with_captured_events(|| {
        sentry::capture_message("one", Level::Warning);
    });
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].message.as_deref(), Some("one"));
    assert_eq!(events[0].level, Level::Warning);

    let events = with_captured_events_options(
        || {
            sentry::capture_message("one", Level::Info);
        },
        ClientOptions { release: Some("test@1".into()), ..Default::default() },
    );
    assert_eq!(events[0].release.as_deref(), Some("test@1"));
}

#[test]
fn envelopes_are_captured_instead_of_sent() {
    assert!(with_captured_envelopes(|| {}).is_empty());
    let envelopes = with_captured_envelopes_options(
        || sentry::start_transaction(TransactionContext::new("job", "task")).finish(),
        ClientOptions::new().traces_sample_rate(1.0),
    );
    assert_eq!(envelopes.len(), 1);
    let Some(EnvelopeItem::Transaction(transaction)) = envelopes[0].items().next() else {
        panic!("{envelopes:?}")
    };
    assert_eq!(transaction.name.as_deref(), Some("job"));
}

#[test]
fn a_transport_is_kept_to_look_into() {
    let transport = TestTransport::new();
    let options = ClientOptions {
        dsn: Some("https://public@sentry.invalid/1".parse().unwrap()),
        transport: Some(Arc::new(transport.clone())),
        ..ClientOptions::default()
    };
    let hub = Arc::new(Hub::new(Some(Arc::new(Client::from(options))), Arc::new(Scope::default())));
    Hub::run(hub, || sentry::capture_message("hello", Level::Info));
    assert_eq!(transport.fetch_and_clear_events().len(), 1);
    assert!(transport.fetch_and_clear_envelopes().is_empty());
}
