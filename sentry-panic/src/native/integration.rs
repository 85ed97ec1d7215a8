//! The integration that says: report native crashes.

use sentry_core::Integration;

/// Reports signals that end the process, such as SIGSEGV and SIGABRT. See [`native`](crate::native).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CrashHandlerIntegration;

impl CrashHandlerIntegration {
    /// The integration.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Integration for CrashHandlerIntegration {
    fn name(&self) -> &'static str {
        "crash-handler"
    }

    fn processes_events(&self) -> bool {
        false
    }
}
