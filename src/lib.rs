#![doc = include_str!("../README.md")]
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

mod defaults;
pub mod doctor;
#[cfg(feature = "embed-source")]
mod embed;
mod ending;
mod init;
pub mod integrations;
#[cfg_attr(not(feature = "crash-handler"), path = "no_native.rs")]
mod native;
pub mod scrub;
mod shutdown;
#[cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]
pub mod spool;
pub mod transports;

pub use sentry_core::*;
#[cfg(feature = "embed-source")]
#[doc(hidden)]
pub use sentry_panic::__embed_source;
#[cfg(feature = "hang")]
pub use sentry_panic::hang;
#[cfg(feature = "crash-handler")]
pub use sentry_panic::native as crash;

pub use crate::defaults::apply_defaults;
pub use crate::doctor::doctor;
#[cfg(feature = "process")]
pub use crate::ending::flush_on_signals;
pub use crate::ending::{exit, flush_on_return, flush_on_return_async};
pub use crate::init::{ClientInitGuard, init, try_init};

/// The programs in `docs/FILTERING.md`.
#[cfg(all(doctest, feature = "contexts"))]
#[doc = include_str!("../docs/FILTERING.md")]
struct Filtering;

/// Keeps the examples of the guide true.
#[cfg(doctest)]
#[doc = include_str!("../docs/TRACING.md")]
struct TracingGuide;

/// The programs in `docs/INTEGRATIONS.md`.
#[cfg(all(
    doctest,
    feature = "actix",
    feature = "anyhow",
    feature = "log",
    feature = "logs",
    feature = "opentelemetry",
    feature = "process",
    feature = "slog",
    feature = "tower-axum-matched-path",
    feature = "tracing"
))]
#[doc = include_str!("../docs/INTEGRATIONS.md")]
struct IntegrationsGuide;

/// The programs in `docs/TELEMETRY.md`.
#[cfg(all(doctest, feature = "logs", feature = "metrics", feature = "release-health"))]
#[doc = include_str!("../docs/TELEMETRY.md")]
struct TelemetryGuide;
