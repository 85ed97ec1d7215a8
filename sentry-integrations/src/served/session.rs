//! A session for each request, where the client wants them.

use sentry_core::{ClientOptions, Hub, SessionMode};

/// Whether one was started.
pub(super) fn start(hub: &Hub, options: &ClientOptions) -> bool {
    let is_wanted = options.auto_session_tracking && options.session_mode == SessionMode::Request;
    if is_wanted {
        hub.start_session();
    }
    is_wanted
}

pub(super) fn end(hub: &Hub) {
    hub.end_session();
}
