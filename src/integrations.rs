//! What completes events and listens to the ecosystem.

#[cfg(feature = "backtrace")]
pub use sentry_panic::backtrace;
#[cfg(feature = "debug-images")]
pub use sentry_panic::debug_images;
#[cfg(feature = "panic")]
pub use sentry_panic::panic;

#[cfg(feature = "actix")]
pub use sentry_integrations::actix;
#[cfg(feature = "anyhow")]
pub use sentry_integrations::anyhow;
#[cfg(feature = "http-client")]
pub use sentry_integrations::http_client;
#[cfg(feature = "log")]
pub use sentry_integrations::log;
#[cfg(feature = "open-feature")]
pub use sentry_integrations::open_feature;
#[cfg(feature = "opentelemetry")]
pub use sentry_integrations::opentelemetry;
#[cfg(feature = "profiling")]
pub use sentry_integrations::profiling;
#[cfg(feature = "slog")]
pub use sentry_integrations::slog;
#[cfg(feature = "tower")]
pub use sentry_integrations::tower;
#[cfg(feature = "tracing")]
pub use sentry_integrations::tracing;

#[cfg(feature = "contexts")]
pub use sentry_integrations::contexts;
