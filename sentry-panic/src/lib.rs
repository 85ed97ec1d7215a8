//! Panics and stack traces for the `sentry` SDK.
//!
//! ```text
//! panicking thread                          worker
//! ────────────────                          ──────
//! hook ─ payload, thread, location
//!      └ raw return addresses ───────────►  resolve: modules → symbols → source lines → in_app → trim
//! ```
//!
//! The thread that panics or captures only writes down addresses (a few microseconds, no lock, no symbols). Names, lines
//! and source come from a process-wide symbolicator with a cache per address, which normally runs on the worker.
//!
//! Applications use the `sentry` crate. This crate holds all `unsafe` code of the workspace, in small modules that say
//! why they need it.
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

pub mod backtrace;
pub mod debug_images;
mod elsewhere;
mod facts;
#[cfg(feature = "hang")]
pub mod hang;
mod heap;
mod hook;
mod modules;
#[cfg(feature = "crash-handler")]
pub mod native;
pub mod panic;
mod payload;
pub mod process;
#[cfg(feature = "profiling")]
pub mod sampling;
mod source;
mod stack;
mod sync;
mod thread;

pub use crate::backtrace::NativeStackSource;
pub use crate::panic::{PanicIntegration, message_from_panic_info, panic_handler};
#[cfg(feature = "embed-source")]
#[doc(hidden)]
pub use crate::source::register as __embed_source;
