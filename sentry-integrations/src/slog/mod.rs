//! A drain for `slog`: its records become breadcrumbs, events and structured logs, and go on to another drain.
//!
//! The pairs of a record and of the loggers it came through go along: numbers as numbers, nested values as JSON, each in
//! bounded size. An error (`#error`) is an exception with its sources. A value that panics while it is formatted, or
//! that logs, costs its own text only.
//!
//! ```
//! use sentry_integrations::slog::SentryDrain;
//! use slog::{error, info, o};
//!
//! let root = slog::Logger::root(SentryDrain::new(slog::Discard), o!("service" => "shop"));
//! let events = sentry_core::test::with_captured_events(|| {
//!     info!(root, "charging"; "amount" => 12);
//!     let error = "12,50".parse::<f64>().unwrap_err();
//!     error!(root, "payment failed"; "error" => #error);
//! });
//! assert_eq!(events[0].breadcrumbs[0].data["amount"], 12);
//! assert_eq!(events[0].message.as_deref(), Some("payment failed"));
//! assert_eq!(events[0].extra["service"], "shop");
//! assert_eq!(events[0].exception[0].value.as_deref(), Some("invalid float literal"));
//! ```
//!
//! Drains that write on a thread of their own, like the one of `slog-async`, belong inside: what is current (the hub, the
//! span) is that of the thread on which a [`SentryDrain`] is reached.

mod convert;
mod drain;
mod filter;
mod pairs;
mod text;

pub use self::convert::{
    breadcrumb_from_record, convert_log_level, convert_log_level_to_sentry_log_level, event_from_record,
    exception_from_record, log_from_record,
};
pub use self::drain::SentryDrain;
pub use self::filter::{LevelFilter, RecordMapping, default_filter};

#[cfg(test)]
mod tests;
