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
mod init;
pub mod integrations;
pub mod transports;

pub use sentry_core::*;

pub use crate::defaults::apply_defaults;
pub use crate::init::{ClientInitGuard, init, try_init};
