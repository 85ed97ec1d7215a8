//! A hub of its own, whose captures stay in memory.

use std::sync::Arc;

use sentry::test::TestTransport;
use sentry::{Client, ClientOptions, Hub};

/// A hub with a client that has these options, and what it has sent.
pub(crate) fn hub(options: ClientOptions) -> (Arc<Hub>, Arc<TestTransport>) {
    let transport = TestTransport::new();
    let options = ClientOptions {
        dsn: Some("https://public@sentry.invalid/1".parse().expect("a DSN")),
        transport: Some(Arc::new(Arc::clone(&transport))),
        ..options
    };
    let client: Client = options.into();
    (Arc::new(Hub::new(Some(Arc::new(client)), Arc::new(Default::default()))), transport)
}
