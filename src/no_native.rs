//! Without the feature `crash-handler` nobody looks for native crashes.

use std::sync::Arc;

use sentry_core::{Client, Integration, LastRun};

/// Knows nothing.
pub(crate) fn start(_client: &Arc<Client>) -> LastRun {
    LastRun::Unknown
}

/// Does nothing.
pub(crate) fn stop(_client: &Client) {}

/// There is none.
pub(crate) fn integration() -> Option<Arc<dyn Integration>> {
    None
}
