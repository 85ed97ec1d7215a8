//! `sentry::integrations`: a file per integration.

#[cfg(feature = "actix")]
mod actix;
#[cfg(feature = "anyhow")]
mod anyhow;
mod backtrace;
mod contexts;
mod debug_images;
#[cfg(feature = "log")]
mod log;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
mod panic;
#[cfg(feature = "slog")]
mod slog;
#[cfg(feature = "tower")]
mod tower;
#[cfg(feature = "tracing")]
mod tracing;
