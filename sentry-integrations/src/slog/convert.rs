//! From a record of `slog` to what is captured.

use sentry_core::clock;
use sentry_core::protocol::{
    Breadcrumb, Context, Event, Exception, Level, Log, LogAttribute, LogLevel, Map, Mechanism, Value,
};
use slog::{OwnedKVList, Record};

use super::pairs::{Errors, Pairs};
use super::text::text;

/// Bytes of a text; events keep no more of it.
const MESSAGE: usize = 64 * 1024;

/// A breadcrumb with the text and the pairs of `record`, and with the pairs of its logger.
#[must_use]
pub fn breadcrumb_from_record(record: &Record<'_>, values: &OwnedKVList) -> Breadcrumb {
    let pairs = Pairs::read(record, values, Errors::Texts);
    Breadcrumb {
        ty: if pairs.error.is_some() { "error" } else { "log" }.to_owned(),
        level: convert_log_level(record.level()),
        category: Some(target(record).to_owned()),
        message: Some(message(record)),
        data: pairs.values,
        ..Breadcrumb::default()
    }
}

/// An event with the text of `record` as its message, and with the pairs of the record and of its logger as extra data.
///
/// An error among the values is an exception, with its sources. Of several it is the one that is called `error`, `err` or
/// `exception`, or else the first that `slog` gives.
#[must_use]
pub fn event_from_record(record: &Record<'_>, values: &OwnedKVList) -> Event<'static> {
    let pairs = Pairs::read(record, values, Errors::Exceptions);
    let mut exceptions = pairs.error.map(|failure| failure.exceptions).unwrap_or_default();
    if let Some(outermost) = exceptions.last_mut() {
        outermost.mechanism.get_or_insert_with(Mechanism::default).ty = "slog".to_owned();
    }
    let place = place(record).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Event {
        logger: Some(target(record).to_owned()),
        level: convert_log_level(record.level()),
        message: Some(message(record)),
        exception: exceptions.into(),
        extra: pairs.values,
        contexts: [("Rust Slog Location".to_owned(), Context::Other(place))].into(),
        ..Event::default()
    }
}

/// An event like that of [`event_from_record`], which has an exception in any case: where no value is an error, the text
/// is one, so that it is grouped and shown like an error.
#[must_use]
pub fn exception_from_record(record: &Record<'_>, values: &OwnedKVList) -> Event<'static> {
    let mut event = event_from_record(record, values);
    if event.exception.is_empty() {
        let (ty, value) = (target(record).to_owned(), event.message.clone());
        event.exception = vec![Exception { ty, value, ..Exception::default() }].into();
    }
    event
}

/// A structured log with the text and the pairs of `record`, and with the pairs of its logger.
#[must_use]
pub fn log_from_record(record: &Record<'_>, values: &OwnedKVList) -> Log {
    let pairs = Pairs::read(record, values, Errors::Texts).values;
    let mut attributes: Map<String, LogAttribute> =
        pairs.into_iter().map(|(key, value)| (key, LogAttribute(value))).collect();
    let names = ["code.module.name", "code.file.path", "code.line.number"];
    let place = names.into_iter().zip(place(record)).map(|(name, (_, value))| (name, value));
    let rest = [("logger.name", target(record).into()), ("sentry.origin", "auto.log.slog".into())];
    attributes.extend(place.chain(rest).map(|(name, value)| (name.to_owned(), LogAttribute(value))));
    let level = convert_log_level_to_sentry_log_level(record.level());
    Log {
        level,
        body: message(record),
        trace_id: None,
        timestamp: clock::now(),
        severity_number: Some(level.severity_number()),
        attributes,
    }
}

/// The level of events and breadcrumbs.
#[must_use]
pub fn convert_log_level(level: slog::Level) -> Level {
    match level {
        slog::Level::Critical | slog::Level::Error => Level::Error,
        slog::Level::Warning => Level::Warning,
        slog::Level::Info => Level::Info,
        slog::Level::Debug | slog::Level::Trace => Level::Debug,
    }
}

/// The level of structured logs.
#[must_use]
pub fn convert_log_level_to_sentry_log_level(level: slog::Level) -> LogLevel {
    match level {
        slog::Level::Critical => LogLevel::Fatal,
        slog::Level::Error => LogLevel::Error,
        slog::Level::Warning => LogLevel::Warn,
        slog::Level::Info => LogLevel::Info,
        slog::Level::Debug => LogLevel::Debug,
        slog::Level::Trace => LogLevel::Trace,
    }
}

fn message(record: &Record<'_>) -> String {
    text(*record.msg(), MESSAGE)
}

/// What the record says it is about, or else where it was written.
fn target<'a>(record: &'a Record<'_>) -> &'a str {
    if record.tag().is_empty() { record.module() } else { record.tag() }
}

fn place(record: &Record<'_>) -> [(&'static str, Value); 3] {
    [("module_path", record.module().into()), ("file", record.file().into()), ("line", record.line().into())]
}
