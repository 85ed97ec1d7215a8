//! The contexts themselves, for those who want to set them by hand.

use sentry_core::protocol::Context;

use crate::contexts::{device, os, runtime, server_name as host};

/// The architecture this program was compiled for.
pub const ARCH: &str = std::env::consts::ARCH;

/// The version of the compiler, such as `1.89.0`.
pub const RUSTC_VERSION: Option<&'static str> = option_env!("SENTRY_RUSTC_VERSION");

/// The release channel of the compiler: `stable`, `beta` or `nightly`.
pub const RUSTC_CHANNEL: Option<&'static str> = option_env!("SENTRY_RUSTC_CHANNEL");

/// The operating system.
#[must_use]
pub fn os_context() -> Option<Context> {
    os::context()
}

/// The machine.
#[must_use]
pub fn device_context() -> Context {
    device::context()
}

/// The compiler.
#[must_use]
pub fn rust_context() -> Context {
    runtime::context()
}

/// The name of the host.
#[must_use]
pub fn server_name() -> Option<String> {
    host::read()
}
