//! From an event of `tracing` to what is captured.

use std::borrow::Cow;

use sentry_core::clock;
use sentry_core::protocol::{
    Breadcrumb, Context, Event, Level, Log, LogAttribute, LogLevel, Map, Mechanism, Value,
};
use tracing_core::{Metadata, Subscriber};
use tracing_subscriber::layer::Context as LayerContext;
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;
use super::kept_fields::SpanFields;

/// A breadcrumb with the text and the fields of `event`.
///
/// `context`: with it, the fields of the spans around the event are added, if the layer keeps them.
pub fn breadcrumb_from_event<'context, S>(
    event: &tracing_core::Event<'_>,
    context: impl Into<Option<&'context LayerContext<'context, S>>>,
) -> Breadcrumb
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (fields, around) = read(event, context.into());
    let mut data = around;
    data.extend(fields.values);
    let is_error = !fields.exceptions.is_empty();
    Breadcrumb {
        category: Some(event.metadata().target().to_owned()),
        ty: if is_error { "error" } else { "log" }.to_owned(),
        level: level(event.metadata()),
        message: fields.message,
        data,
        ..Breadcrumb::default()
    }
}

/// An event with the text, the fields and the errors of `event`.
///
/// `context`: with it, the fields of the spans around the event are added, if the layer keeps them.
pub fn event_from_event<'context, S>(
    event: &tracing_core::Event<'_>,
    context: impl Into<Option<&'context LayerContext<'context, S>>>,
) -> Event<'static>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (mut fields, around) = read(event, context.into());
    let metadata = event.metadata();
    let mut values = around;
    values.append(&mut fields.values);
    let mut contexts = Map::new();
    if !values.is_empty() {
        contexts.insert("Rust Tracing Fields".to_owned(), Context::Other(values));
    }
    if let Some(location) = location(metadata) {
        contexts.insert("Rust Tracing Location".to_owned(), Context::Other(location));
    }
    if let Some(outermost) = fields.exceptions.last_mut() {
        outermost.mechanism.get_or_insert_with(Mechanism::default).ty = "tracing".to_owned();
    }
    #[cfg_attr(not(feature = "backtrace"), expect(unused_mut, reason = "the stack trace needs the feature"))]
    let mut event = Event {
        logger: Some(metadata.target().to_owned()),
        level: level(metadata),
        message: fields.message,
        exception: fields.exceptions.into(),
        contexts,
        tags: fields.tags,
        ..Event::default()
    };
    #[cfg(feature = "backtrace")]
    if let Some(backtrace) = fields.backtrace {
        let _ = sentry_panic::backtrace::attach_error_backtrace(&mut event, &backtrace);
    }
    event
}

/// A log with the text and the fields of `event`.
///
/// `context`: with it, the fields of the spans around the event are added, if the layer keeps them.
pub fn log_from_event<'context, S>(
    event: &tracing_core::Event<'_>,
    context: impl Into<Option<&'context LayerContext<'context, S>>>,
) -> Log
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (fields, around) = read(event, context.into());
    let metadata = event.metadata();
    let mut attributes: Map<String, LogAttribute> = Map::new();
    attributes.extend(around.into_iter().map(|(key, value)| (key, LogAttribute(value))));
    attributes.extend(fields.values.into_iter().map(|(key, value)| (key, LogAttribute(value))));
    attributes.extend(fields.tags.into_iter().map(|(key, value)| (key, value.into())));
    attributes.insert("sentry.origin".to_owned(), "auto.log.tracing".into());
    attributes.insert("tracing.target".to_owned(), metadata.target().into());
    let mut place = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            attributes.insert(key.to_owned(), LogAttribute(value));
        }
    };
    place("code.module.name", metadata.module_path().map(Value::from));
    place("code.file.path", metadata.file().map(Value::from));
    place("code.line.number", metadata.line().map(Value::from));
    let level = log_level(metadata);
    Log {
        level,
        body: fields.message.unwrap_or_default(),
        trace_id: None,
        timestamp: clock::now(),
        severity_number: Some(level.severity_number()),
        attributes,
    }
}

fn read<'context, S>(
    event: &tracing_core::Event<'_>,
    context: Option<&'context LayerContext<'context, S>>,
) -> (Fields, Map<String, Value>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut fields = Fields::default();
    event.record(&mut fields);
    (fields, context.map(|context| around(event, context)).unwrap_or_default())
}

/// The fields of the spans around `event`, as far as they were kept.
pub(super) fn around<S>(event: &tracing_core::Event<'_>, context: &LayerContext<'_, S>) -> Map<String, Value>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut around = Map::new();
    if let Some(scope) = context.event_scope(event) {
        for span in scope.from_root() {
            let extensions = span.extensions();
            let Some(SpanFields(kept)) = extensions.get() else { continue };
            let prefix: Cow<'_, str> = span.name().into();
            around.extend(kept.iter().map(|(key, value)| (format!("{prefix}:{key}"), value.clone())));
        }
    }
    around
}

fn location(metadata: &Metadata<'_>) -> Option<Map<String, Value>> {
    let parts = [
        ("module_path", metadata.module_path().map(Value::from)),
        ("file", metadata.file().map(Value::from)),
        ("line", metadata.line().map(Value::from)),
    ];
    let known: Map<String, Value> =
        parts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    (!known.is_empty()).then_some(known)
}

pub(super) fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing_core::Level::ERROR => Level::Error,
        tracing_core::Level::WARN => Level::Warning,
        tracing_core::Level::INFO => Level::Info,
        _ => Level::Debug,
    }
}

pub(super) fn log_level(metadata: &Metadata<'_>) -> LogLevel {
    match *metadata.level() {
        tracing_core::Level::ERROR => LogLevel::Error,
        tracing_core::Level::WARN => LogLevel::Warn,
        tracing_core::Level::INFO => LogLevel::Info,
        tracing_core::Level::DEBUG => LogLevel::Debug,
        _ => LogLevel::Trace,
    }
}
