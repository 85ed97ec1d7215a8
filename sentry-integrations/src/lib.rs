//! Integrations with the ecosystem, one module a crate, each behind a feature of its own and off by default.
//!
//! `contexts` is the exception: the `sentry` crate switches it on.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "anyhow")]
pub mod anyhow;
#[cfg(feature = "contexts")]
pub mod contexts;
#[cfg(feature = "http-client")]
pub mod http_client;
#[cfg(any(
    feature = "actix",
    feature = "http",
    feature = "http-client",
    feature = "opentelemetry",
    feature = "tracing"
))]
mod http_status;
#[cfg(feature = "log")]
pub mod log;
#[cfg(any(feature = "log", feature = "slog", feature = "tracing"))]
mod mapped_log;
#[cfg(feature = "open-feature")]
pub mod open_feature;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
#[cfg(feature = "profiling")]
pub mod profiling;
#[cfg(any(feature = "opentelemetry", feature = "tracing"))]
mod semantics;
#[cfg(any(feature = "actix", feature = "http"))]
mod served;
#[cfg(feature = "slog")]
pub mod slog;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "tracing")]
pub mod tracing;
