//! Stack traces: raw addresses on the capturing thread, names from a process-wide symbolicator.
//!
//! - [`NativeStackSource`] is what the client uses: capture now, resolve on the worker.
//! - The functions resolve at once, for code that needs a finished stack trace where it stands.

mod cache;
pub(crate) mod capture;
mod convert;
mod fallback;
mod frames;
mod integrations;
mod loaders;
mod owned;
mod parse;
pub(crate) mod recorded;
mod stack_source;
mod symbol;
pub(crate) mod symbolicator;
mod unwind;

pub use self::convert::{
    backtrace_to_stacktrace, current_stacktrace, current_thread, process_event_stacktrace,
};
pub use self::integrations::{AttachStacktraceIntegration, ProcessStacktraceIntegration};
pub use self::owned::attach_error_backtrace;
pub use self::parse::parse_stacktrace;
pub use self::stack_source::NativeStackSource;

pub use sentry_core::protocol::{Frame, Stacktrace};
