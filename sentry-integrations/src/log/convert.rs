//! From a record of `log` to what is captured.

use log::kv::{Error, Key, Value as KvValue, VisitSource};
use sentry_core::clock;
use sentry_core::protocol::{
    Breadcrumb, Context, Event, Exception, Level, Log, LogAttribute, LogLevel, Map, Value,
};

/// A breadcrumb with the text and the key-value pairs of `record`.
#[must_use]
pub fn breadcrumb_from_record(record: &log::Record<'_>) -> Breadcrumb {
    Breadcrumb {
        ty: "log".to_owned(),
        level: convert_log_level(record.level()),
        category: Some(record.target().to_owned()),
        message: Some(record.args().to_string()),
        data: pairs(record),
        ..Breadcrumb::default()
    }
}

/// An event with the text of `record` as its message.
#[must_use]
pub fn event_from_record(record: &log::Record<'_>) -> Event<'static> {
    let mut contexts = Map::new();
    let pairs = pairs(record);
    if !pairs.is_empty() {
        contexts.insert("Rust Log Attributes".to_owned(), Context::Other(pairs));
    }
    let place: Map<String, Value> = place(record).collect();
    if !place.is_empty() {
        contexts.insert("Rust Log Location".to_owned(), Context::Other(place));
    }
    Event {
        logger: Some(record.target().to_owned()),
        level: convert_log_level(record.level()),
        message: Some(record.args().to_string()),
        contexts,
        ..Event::default()
    }
}

/// An event with the text of `record` as an exception, so that it is grouped and shown like an error.
#[must_use]
pub fn exception_from_record(record: &log::Record<'_>) -> Event<'static> {
    let mut event = event_from_record(record);
    let exception =
        Exception { ty: record.target().to_owned(), value: event.message.take(), ..Exception::default() };
    event.exception = vec![exception].into();
    event
}

/// A structured log with the text and the key-value pairs of `record`.
#[must_use]
pub fn log_from_record(record: &log::Record<'_>) -> Log {
    let attribute = |(key, value)| (key, LogAttribute(value));
    let mut attributes: Map<String, LogAttribute> = pairs(record).into_iter().map(attribute).collect();
    attributes.extend(place(record).map(|(key, value)| (format!("logger.{key}"), LogAttribute(value))));
    attributes.insert("logger.target".to_owned(), record.target().into());
    attributes.insert("sentry.origin".to_owned(), "auto.log.log".into());
    let level = convert_log_level_to_sentry_log_level(record.level());
    Log {
        level,
        body: record.args().to_string(),
        trace_id: None,
        timestamp: clock::now(),
        severity_number: Some(level.severity_number()),
        attributes,
    }
}

/// The level of events and breadcrumbs.
#[must_use]
pub fn convert_log_level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warning,
        log::Level::Info => Level::Info,
        log::Level::Debug | log::Level::Trace => Level::Debug,
    }
}

/// The level of structured logs.
#[must_use]
pub fn convert_log_level_to_sentry_log_level(level: log::Level) -> LogLevel {
    match level {
        log::Level::Error => LogLevel::Error,
        log::Level::Warn => LogLevel::Warn,
        log::Level::Info => LogLevel::Info,
        log::Level::Debug => LogLevel::Debug,
        log::Level::Trace => LogLevel::Trace,
    }
}

fn place(record: &log::Record<'_>) -> impl Iterator<Item = (String, Value)> {
    let parts = [
        ("module_path", record.module_path().map(Value::from)),
        ("file", record.file().map(Value::from)),
        ("line", record.line().map(Value::from)),
    ];
    parts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)))
}

fn pairs(record: &log::Record<'_>) -> Map<String, Value> {
    let mut pairs = Pairs(Map::new());
    // Stops where the source fails; what came before counts.
    let _ = record.key_values().visit(&mut pairs);
    pairs.0
}

struct Pairs(Map<String, Value>);

impl<'kvs> VisitSource<'kvs> for Pairs {
    fn visit_pair(&mut self, key: Key<'kvs>, value: KvValue<'kvs>) -> Result<(), Error> {
        let value = value
            .to_bool()
            .map(Value::from)
            .or_else(|| value.to_i64().map(Value::from))
            .or_else(|| value.to_u64().map(Value::from))
            .or_else(|| value.to_f64().map(Value::from))
            .unwrap_or_else(|| value.to_string().into());
        self.0.insert(key.to_string(), value);
        Ok(())
    }
}
