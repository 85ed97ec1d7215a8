//! The program itself.

use std::sync::OnceLock;
use std::time::SystemTime;

use sentry_core::protocol::{AppContext, Context};

static STARTED: OnceLock<SystemTime> = OnceLock::new();

/// Remembers when the SDK was set up, which is as near to the start of the program as it gets.
pub(super) fn started() {
    STARTED.get_or_init(sentry_core::clock::now);
}

pub(super) fn context() -> Option<Context> {
    let executable = std::env::current_exe().ok();
    let name =
        executable.as_ref().and_then(|path| path.file_stem()).map(|name| name.to_string_lossy().into_owned());
    let build_type = if cfg!(debug_assertions) { "debug" } else { "release" };
    let app = AppContext {
        app_name: name,
        app_start_time: STARTED.get().copied(),
        build_type: Some(build_type.to_owned()),
        ..AppContext::default()
    };
    Some(app.into())
}
