//! `sentry::integrations`: a file per integration.

mod backtrace;
mod contexts;
mod debug_images;
mod panic;
#[cfg(feature = "tower")]
mod tower;
#[cfg(feature = "tracing")]
mod tracing;
