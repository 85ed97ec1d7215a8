//! What the integrations of logging crates do with a structured log that a mapper of the application has made.

use sentry_core::Hub;
use sentry_core::protocol::Log;

/// Captures it on `hub`, unless its client wants none of them.
#[cfg(feature = "logs")]
pub(crate) fn capture(hub: &Hub, log: Log) {
    if hub.client().is_some_and(|client| client.options().enable_logs) {
        hub.capture_log(log);
    }
}

/// Nothing.
#[cfg(not(feature = "logs"))]
pub(crate) fn capture(_: &Hub, log: Log) {
    drop(log);
}
