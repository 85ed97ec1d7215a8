//! What becomes of which record.

use sentry_core::Hub;
use sentry_core::protocol::{Breadcrumb, Event, Log};
use slog::{OwnedKVList, Record};

use super::convert::{breadcrumb_from_record, event_from_record, exception_from_record};
use crate::mapped_log;

/// What a record becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelFilter {
    /// Nothing.
    Ignore,
    /// A breadcrumb.
    Breadcrumb,
    /// An event with a message.
    Event,
    /// An event with an exception.
    Exception,
}

impl LevelFilter {
    /// Makes it of `record`.
    pub(super) fn apply(self, record: &Record<'_>, values: &OwnedKVList) -> RecordMapping {
        match self {
            Self::Ignore => RecordMapping::Ignore,
            Self::Breadcrumb => RecordMapping::Breadcrumb(breadcrumb_from_record(record, values)),
            Self::Event => RecordMapping::Event(Box::new(event_from_record(record, values))),
            Self::Exception => RecordMapping::Event(Box::new(exception_from_record(record, values))),
        }
    }
}

/// What a record was made into by a mapper of the application.
#[derive(Debug)]
#[non_exhaustive]
pub enum RecordMapping {
    /// Nothing.
    Ignore,
    /// A breadcrumb.
    Breadcrumb(Breadcrumb),
    /// An event.
    Event(Box<Event<'static>>),
    /// A structured log. Nothing without the feature `logs`.
    Log(Log),
}

impl RecordMapping {
    /// Captures it on `hub`.
    pub(super) fn capture(self, hub: &Hub) {
        match self {
            Self::Ignore => {}
            Self::Breadcrumb(breadcrumb) => hub.add_breadcrumb(breadcrumb),
            Self::Event(event) => _ = hub.capture_event(*event),
            Self::Log(log) => mapped_log::capture(hub, log),
        }
    }
}

/// `crit!` becomes an event with an exception, `error!` and `warn!` become events, everything else a breadcrumb.
#[must_use]
pub fn default_filter(level: slog::Level) -> LevelFilter {
    match level {
        slog::Level::Critical => LevelFilter::Exception,
        slog::Level::Error | slog::Level::Warning => LevelFilter::Event,
        slog::Level::Info | slog::Level::Debug | slog::Level::Trace => LevelFilter::Breadcrumb,
    }
}
