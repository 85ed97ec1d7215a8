//! A test kit for applications and integrations: run code, look at what it captured.
//!
//! ```
//! use sentry_core::{Level, test::with_captured_events};
//!
//! let events = with_captured_events(|| {
//!     sentry_core::configure_scope(|scope| scope.set_tag("region", "eu"));
//!     sentry_core::capture_message("hello", Level::Info);
//! });
//! assert_eq!(events[0].message.as_deref(), Some("hello"));
//! assert_eq!(events[0].tags["region"], "eu");
//! ```

mod transport;

use std::sync::Arc;

pub use self::transport::TestTransport;
use crate::client::Client;
use crate::hub::Hub;
use crate::options::ClientOptions;
use crate::protocol::{Envelope, Event};

/// The DSN of clients in tests. The name never resolves.
const TEST_DSN: &str = "https://public@sentry.invalid/1";

/// Runs `f` with a client of its own on this thread and returns the events it captured.
pub fn with_captured_events<F: FnOnce()>(f: F) -> Vec<Event<'static>> {
    with_captured_events_options(f, ClientOptions::default())
}

/// Like [`with_captured_events`], with options. The transport among them is replaced.
pub fn with_captured_events_options<F: FnOnce(), O: Into<ClientOptions>>(
    f: F,
    options: O,
) -> Vec<Event<'static>> {
    run(f, options.into()).fetch_and_clear_events()
}

/// Runs `f` with a client of its own on this thread and returns the envelopes it sent.
pub fn with_captured_envelopes<F: FnOnce()>(f: F) -> Vec<Envelope> {
    with_captured_envelopes_options(f, ClientOptions::default())
}

/// Like [`with_captured_envelopes`], with options. The transport among them is replaced.
pub fn with_captured_envelopes_options<F: FnOnce(), O: Into<ClientOptions>>(
    f: F,
    options: O,
) -> Vec<Envelope> {
    run(f, options.into()).fetch_and_clear_envelopes()
}

fn run<F: FnOnce()>(f: F, mut options: ClientOptions) -> Arc<TestTransport> {
    let transport = TestTransport::new();
    if options.dsn.is_none() {
        options.dsn = TEST_DSN.parse().ok();
    }
    options.transport = Some(Arc::new(Arc::clone(&transport)));
    let client = Arc::new(Client::with_options(options));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(hub, f);
    client.close(None);
    transport
}
