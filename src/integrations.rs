//! What completes events and listens to the ecosystem.

#[cfg(feature = "backtrace")]
pub use sentry_panic::backtrace;
#[cfg(feature = "debug-images")]
pub use sentry_panic::debug_images;
#[cfg(feature = "panic")]
pub use sentry_panic::panic;

#[cfg(feature = "contexts")]
pub use sentry_integrations::contexts;
