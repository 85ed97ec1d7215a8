//! A logger for `log`: its records become breadcrumbs, events and structured logs, and go on to another logger.
//!
//! ```
//! use sentry_integrations::log::{LogFilter, SentryLogger};
//!
//! // In an application: log::set_boxed_logger(Box::new(logger)), and log::set_max_level(..).
//! let logger = SentryLogger::new().filter(|metadata| match metadata.level() {
//!     log::Level::Error => LogFilter::Exception,
//!     _ => LogFilter::Breadcrumb,
//! });
//! let events = sentry_core::test::with_captured_events(|| {
//!     use log::Log as _;
//!     logger.log(&log::Record::builder().level(log::Level::Info).args(format_args!("hello")).build());
//!     logger.log(&log::Record::builder().level(log::Level::Error).args(format_args!("it broke")).build());
//! });
//! assert_eq!(events[0].breadcrumbs[0].message.as_deref(), Some("hello"));
//! ```

mod convert;
mod filter;
mod logger;

pub use self::convert::{
    breadcrumb_from_record, convert_log_level, convert_log_level_to_sentry_log_level, event_from_record,
    exception_from_record, log_from_record,
};
pub use self::filter::{LogFilter, RecordMapping, default_filter};
pub use self::logger::{NoopLogger, SentryLogger};

#[cfg(test)]
mod tests;
