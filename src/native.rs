//! Native crashes, with the feature `crash-handler`.

use std::sync::Arc;

use sentry_core::{Client, Integration, LastRun};
use sentry_panic::native;

/// Reports what the last run has left, and crashes from now on.
pub(crate) fn start(client: &Arc<Client>) -> LastRun {
    native::start(client)
}

/// Reports no crash any more.
pub(crate) fn stop(client: &Client) {
    native::stop(client);
}

/// The integration that asks for it.
pub(crate) fn integration() -> Option<Arc<dyn Integration>> {
    Some(Arc::new(native::CrashHandlerIntegration::new()))
}
