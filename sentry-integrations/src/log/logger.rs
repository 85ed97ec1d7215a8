//! The logger.

use std::fmt;

use log::{Log, Metadata, Record};
use sentry_core::Hub;

use super::filter::{LogFilter, RecordMapping, default_filter};
use super::{breadcrumb_from_record, event_from_record, exception_from_record, log_from_record};

type Mapper = Box<dyn Fn(&Record<'_>) -> Vec<RecordMapping> + Send + Sync>;

/// A logger that writes nothing: what a [`SentryLogger`] passes records on to by default.
#[derive(Debug, Default)]
pub struct NoopLogger;

impl Log for NoopLogger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &Record<'_>) {}

    fn flush(&self) {}
}

/// Captures records, and passes all of them on to another logger.
pub struct SentryLogger<L: Log> {
    dest: L,
    filter: Box<dyn Fn(&Metadata<'_>) -> LogFilter + Send + Sync>,
    mapper: Option<Mapper>,
}

impl SentryLogger<NoopLogger> {
    /// A logger that passes records on to nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Default for SentryLogger<NoopLogger> {
    fn default() -> Self {
        Self::with_dest(NoopLogger)
    }
}

impl<L: Log> SentryLogger<L> {
    /// A logger that passes records on to `dest`.
    #[must_use]
    pub fn with_dest(dest: L) -> Self {
        Self { dest, filter: Box::new(default_filter), mapper: None }
    }

    /// Sets what becomes of which record.
    #[must_use]
    pub fn filter<F>(self, filter: F) -> Self
    where
        F: Fn(&Metadata<'_>) -> LogFilter + Send + Sync + 'static,
    {
        Self { filter: Box::new(filter), ..self }
    }

    /// Sets a function that makes something of a record itself; the filter is not asked then.
    #[must_use]
    pub fn mapper<M, T>(self, mapper: M) -> Self
    where
        M: Fn(&Record<'_>) -> T + Send + Sync + 'static,
        T: Into<Vec<RecordMapping>>,
    {
        Self { mapper: Some(Box::new(move |record| mapper(record).into())), ..self }
    }

    fn capture(&self, record: &Record<'_>, hub: &Hub) {
        if let Some(mapper) = &self.mapper {
            return mapper(record).into_iter().for_each(|mapping| mapping.capture(hub));
        }
        let wanted = (self.filter)(record.metadata());
        // The log and the event first: a breadcrumb of itself says nothing new about an event.
        if wanted.contains(LogFilter::Log) && cfg!(feature = "logs") {
            RecordMapping::Log(log_from_record(record)).capture(hub);
        }
        if wanted.contains(LogFilter::Exception) {
            RecordMapping::Event(Box::new(exception_from_record(record))).capture(hub);
        }
        if wanted.contains(LogFilter::Event) {
            RecordMapping::Event(Box::new(event_from_record(record))).capture(hub);
        }
        if wanted.contains(LogFilter::Breadcrumb) {
            RecordMapping::Breadcrumb(breadcrumb_from_record(record)).capture(hub);
        }
    }
}

impl<L: Log> Log for SentryLogger<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.dest.enabled(metadata) || self.mapper.is_some() || !(self.filter)(metadata).is_empty()
    }

    fn log(&self, record: &Record<'_>) {
        Hub::with_active(|hub| self.capture(record, hub));
        self.dest.log(record);
    }

    fn flush(&self) {
        self.dest.flush();
    }
}

impl<L: Log> fmt::Debug for SentryLogger<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryLogger").field("mapper", &self.mapper.is_some()).finish_non_exhaustive()
    }
}
