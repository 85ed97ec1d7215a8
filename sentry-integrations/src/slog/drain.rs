//! The drain.

use std::cell::Cell;
use std::fmt;
use std::panic::AssertUnwindSafe;

use sentry_core::__callbacks::{any_live, caught};
use sentry_core::{Hub, is_suppressed};
use slog::{Drain, FlushError, Level, OwnedKVList, Record};

use super::filter::{LevelFilter, RecordMapping, default_filter};
use super::log_from_record;

type Filter = Box<dyn Fn(Level) -> LevelFilter + Send + Sync>;
type Logs = Box<dyn Fn(Level) -> bool + Send + Sync>;
type Mapper = Box<dyn Fn(&Record<'_>, &OwnedKVList) -> RecordMapping + Send + Sync>;

thread_local! {
    /// Whether this thread makes something of a record.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Captures records, and passes all of them on to another drain.
pub struct SentryDrain<D: Drain> {
    drain: D,
    // `slog` asks for what may be used after a panic. What is shared between threads may, or locks itself.
    filter: AssertUnwindSafe<Filter>,
    mapper: Option<AssertUnwindSafe<Mapper>>,
    logs: Option<AssertUnwindSafe<Logs>>,
}

impl<D: Drain> SentryDrain<D> {
    /// A drain that passes records on to `drain`.
    #[must_use]
    pub fn new(drain: D) -> Self {
        Self { drain, filter: AssertUnwindSafe(Box::new(default_filter)), mapper: None, logs: None }
    }

    /// Sets what becomes of which record.
    #[must_use]
    pub fn filter<F>(self, filter: F) -> Self
    where
        F: Fn(Level) -> LevelFilter + Send + Sync + 'static,
    {
        Self { filter: AssertUnwindSafe(Box::new(filter)), ..self }
    }

    /// Sets a function that makes something of a record itself; the filter is not asked then.
    #[must_use]
    pub fn mapper<M>(self, mapper: M) -> Self
    where
        M: Fn(&Record<'_>, &OwnedKVList) -> RecordMapping + Send + Sync + 'static,
    {
        Self { mapper: Some(AssertUnwindSafe(Box::new(mapper))), ..self }
    }

    /// Sets which records are structured logs besides, whatever filter and mapper make of them. Without it none is.
    ///
    /// ```
    /// use sentry_integrations::slog::SentryDrain;
    ///
    /// let drain = SentryDrain::new(slog::Discard).logs(|level| level.is_at_least(slog::Level::Info));
    /// # let _ = drain;
    /// ```
    #[cfg(feature = "logs")]
    #[must_use]
    pub fn logs<F>(self, filter: F) -> Self
    where
        F: Fn(Level) -> bool + Send + Sync + 'static,
    {
        Self { logs: Some(AssertUnwindSafe(Box::new(filter))), ..self }
    }

    fn is_log(&self, level: Level) -> bool {
        self.logs.as_ref().is_some_and(|logs| logs(level))
    }

    /// What the filter says. It is not asked where there is a mapper.
    fn wanted(&self, level: Level) -> Option<LevelFilter> {
        self.mapper.is_none().then(|| (self.filter)(level))
    }

    fn is_wanted(&self, level: Level) -> bool {
        self.wanted(level) != Some(LevelFilter::Ignore) || self.is_log(level)
    }

    fn capture(&self, record: &Record<'_>, values: &OwnedKVList) {
        let (wanted, is_log) = (self.wanted(record.level()), self.is_log(record.level()));
        if wanted == Some(LevelFilter::Ignore) && !is_log {
            return;
        }
        Hub::with_active(|hub| {
            // The log first: an event is what was made of it.
            if is_log {
                RecordMapping::Log(log_from_record(record, values)).capture(hub);
            }
            let mapping = match (&self.mapper, wanted) {
                (Some(mapper), _) => mapper(record, values),
                (None, Some(wanted)) => wanted.apply(record, values),
                (None, None) => RecordMapping::Ignore,
            };
            mapping.capture(hub);
        });
    }
}

impl<D: Drain> Drain for SentryDrain<D> {
    type Ok = D::Ok;
    type Err = D::Err;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<D::Ok, D::Err> {
        if any_live() {
            once("a filter or mapper of slog", || self.capture(record, values));
        }
        self.drain.log(record, values)
    }

    fn is_enabled(&self, level: Level) -> bool {
        self.drain.is_enabled(level)
            || (any_live()
                && once("a filter of slog", || self.is_wanted(level))
                && Hub::with_active(|_| true))
    }

    fn flush(&self) -> Result<(), FlushError> {
        self.drain.flush()
    }
}

impl<D: Drain + fmt::Debug> fmt::Debug for SentryDrain<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryDrain")
            .field("drain", &self.drain)
            .field("mapper", &self.mapper.is_some())
            .finish_non_exhaustive()
    }
}

/// Runs `f`, which is code of the application as well: unless it is running on this thread already, or this is the SDK's
/// own work. A panic ends here.
fn once<R: Default>(name: &'static str, f: impl FnOnce() -> R) -> R {
    if is_suppressed() || BUSY.try_with(|busy| busy.replace(true)).unwrap_or(true) {
        return R::default();
    }
    let done = caught(name, f);
    let _ = BUSY.try_with(|busy| busy.set(false));
    done.unwrap_or_default()
}
