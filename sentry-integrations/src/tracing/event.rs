//! An event on its way to a breadcrumb and a log, which is what most events become.
//!
//! Its fields are visited once for both: the log is written as JSON while they go by, and the breadcrumb takes what is left.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Debug;

use sentry_core::protocol::{Breadcrumb, Map, Value};
use tracing_core::field::Visit;
use tracing_core::{Event, Field, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::convert;
use super::fields::ERRORS;
use super::filter::EventFilter;
#[cfg(feature = "logs")]
use super::log::Log;

/// Captures what is `wanted` of `event` on the current hub. `around`: the fields of the spans around it are wanted as well.
pub(super) fn capture<S>(event: &Event<'_>, wanted: EventFilter, around: Option<&Context<'_, S>>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(wanted) = possible(wanted) else { return };
    let mut seen = Seen {
        crumb: wanted.contains(EventFilter::Breadcrumb).then(|| Crumb {
            data: around.map(|context| convert::around(event, context)).unwrap_or_default(),
            ..Crumb::default()
        }),
        #[cfg(feature = "logs")]
        log: (wanted.contains(EventFilter::Log) && around.is_none()).then(|| Log::new(event.metadata())),
    };
    if !wanted.intersection(EventFilter::Breadcrumb | EventFilter::Log).is_empty() {
        event.record(&mut seen);
    }
    // The log and the event first: a breadcrumb of itself says nothing new about an event.
    #[cfg(feature = "logs")]
    if wanted.contains(EventFilter::Log) {
        let is_captured = seen.log.is_some_and(Log::capture);
        if !is_captured {
            sentry_core::Hub::current().capture_log(convert::log_from_event(event, around));
        }
    }
    if wanted.contains(EventFilter::Event) {
        sentry_core::capture_event(convert::event_from_event(event, around));
    }
    if let Some(crumb) = seen.crumb {
        let metadata = event.metadata();
        sentry_core::add_breadcrumb(Breadcrumb {
            category: Some(metadata.target().to_owned()),
            ty: if crumb.is_error { "error" } else { "log" }.to_owned(),
            level: convert::level(metadata),
            message: crumb.message,
            data: crumb.data,
            ..Breadcrumb::default()
        });
    }
}

/// What leads anywhere of what is `wanted`.
#[cfg(feature = "logs")]
fn possible(wanted: EventFilter) -> Option<EventFilter> {
    let wants_logs = sentry_core::__logs::wants_logs()?;
    let wanted = if wants_logs { wanted } else { wanted.difference(EventFilter::Log) };
    (!wanted.is_empty()).then_some(wanted)
}

/// What leads anywhere of what is `wanted`.
#[cfg(not(feature = "logs"))]
fn possible(wanted: EventFilter) -> Option<EventFilter> {
    let wanted = wanted.difference(EventFilter::Log);
    sentry_core::Hub::with_active(|_| (!wanted.is_empty()).then_some(wanted))
}

/// What the fields have said so far.
struct Seen {
    crumb: Option<Crumb>,
    #[cfg(feature = "logs")]
    log: Option<Log>,
}

#[derive(Default)]
struct Crumb {
    message: Option<String>,
    data: Map<String, Value>,
    is_error: bool,
}

impl Seen {
    fn put(&mut self, field: &Field, value: Value) {
        #[cfg(feature = "logs")]
        if let Some(log) = &mut self.log {
            log.value(field.name(), &value);
        }
        if self.crumb.is_some() {
            match value {
                Value::String(text) => self.keep_text(field.name(), Cow::Owned(text)),
                value if field.name() == "message" => {
                    self.keep_text("message", Cow::Owned(value.to_string()));
                }
                value => self.keep(field.name(), value),
            }
        }
    }

    fn put_text(&mut self, field: &Field, text: Cow<'_, str>) {
        #[cfg(feature = "logs")]
        if let Some(log) = &mut self.log {
            log.text(field.name(), format_args!("{text}"), &text);
        }
        self.keep_text(field.name(), text);
    }

    fn keep_text(&mut self, name: &str, text: Cow<'_, str>) {
        match &mut self.crumb {
            Some(crumb) if name == "message" => crumb.message = Some(text.into_owned()),
            Some(_) => self.keep(name, Value::String(text.into_owned())),
            None => {}
        }
    }

    fn keep(&mut self, name: &str, value: Value) {
        if let Some(crumb) = &mut self.crumb
            && !name.starts_with("tags.")
        {
            crumb.data.insert(name.to_owned(), value);
        }
    }

    fn note_error(&mut self, is_error: bool) {
        if let Some(crumb) = &mut self.crumb {
            crumb.is_error |= is_error;
        }
    }
}

impl Visit for Seen {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.put(field, i64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put(field, u64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note_error(ERRORS.contains(&field.name()));
        self.put_text(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.note_error(true);
        self.put_text(field, value.to_string().into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.note_error(ERRORS.contains(&field.name()));
        #[cfg(feature = "logs")]
        if self.crumb.is_none()
            && field.name() == "message"
            && let Some(log) = &mut self.log
        {
            return log.body(format_args!("{value:?}"));
        }
        self.put_text(field, format!("{value:?}").into());
    }
}
