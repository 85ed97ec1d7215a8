//! `sentry::integrations::contexts`: operating system, device and runtime.

use std::fmt::Debug;

use sentry::Integration;
use sentry::integrations::contexts::{ContextIntegration, utils};
use sentry::protocol::Context;

const _: fn(ContextIntegration, bool) -> ContextIntegration = ContextIntegration::add_device;
const _: fn(ContextIntegration, bool) -> ContextIntegration = ContextIntegration::add_os;
const _: fn(ContextIntegration, bool) -> ContextIntegration = ContextIntegration::add_rust;
const _: fn() -> ContextIntegration = ContextIntegration::new;
implements!(ContextIntegration: Debug + Default + Integration);

const _: &str = utils::ARCH;
const _: Option<&'static str> = utils::RUSTC_CHANNEL;
const _: Option<&'static str> = utils::RUSTC_VERSION;
const _: fn() -> Context = utils::device_context;
const _: fn() -> Option<Context> = utils::os_context;
const _: fn() -> Context = utils::rust_context;
const _: fn() -> Option<String> = utils::server_name;
