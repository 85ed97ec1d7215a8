//! What becomes of which record.

use sentry_core::Hub;
use sentry_core::protocol::{Breadcrumb, Event, Log};

use crate::mapped_log;

bitflags::bitflags! {
    /// What a record becomes; several at once are possible.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LogFilter: u32 {
        /// Nothing.
        const Ignore = 0b0000;
        /// A breadcrumb.
        const Breadcrumb = 0b0001;
        /// An event with a message.
        const Event = 0b0010;
        /// An event with an exception.
        const Exception = 0b0100;
        /// A structured log.
        const Log = 0b1000;
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
    /// A structured log.
    Log(Log),
}

impl From<RecordMapping> for Vec<RecordMapping> {
    fn from(mapping: RecordMapping) -> Self {
        vec![mapping]
    }
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

/// `error!` becomes an event, `warn!` and `info!` become breadcrumbs. With the feature `logs` each of them is a log as well.
#[must_use]
pub fn default_filter(metadata: &log::Metadata<'_>) -> LogFilter {
    let kind = match metadata.level() {
        log::Level::Error => LogFilter::Exception,
        log::Level::Warn | log::Level::Info => LogFilter::Breadcrumb,
        log::Level::Debug | log::Level::Trace => return LogFilter::Ignore,
    };
    if cfg!(feature = "logs") { kind | LogFilter::Log } else { kind }
}
