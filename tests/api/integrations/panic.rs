//! `sentry::integrations::panic`: the panic hook.

use std::fmt::Debug;
use std::panic::PanicHookInfo;

use sentry::Integration;
use sentry::integrations::panic::{PanicIntegration, message_from_panic_info, panic_handler};
use sentry::protocol::Event;

const _: for<'a> fn(&'a PanicHookInfo<'_>) -> &'a str = message_from_panic_info;
const _: fn(&PanicHookInfo<'_>) = panic_handler;

const _: fn() -> PanicIntegration = PanicIntegration::new;
const _: fn(PanicIntegration, fn(&PanicHookInfo<'_>) -> Option<Event<'static>>) -> PanicIntegration =
    PanicIntegration::add_extractor;
const _: fn(&PanicIntegration, &PanicHookInfo<'_>) -> Event<'static> =
    PanicIntegration::event_from_panic_info;
implements!(PanicIntegration: Debug + Default + Integration);
