//! An event on its way to a breadcrumb and a log, which is what most events become.
//!
//! Its fields are visited once for both: the log is written as JSON while they go by, and the breadcrumb takes what is left.

use std::error::Error;
use std::fmt::{Arguments, Debug};

use sentry_core::__breadcrumbs::{Brief, Scalar};
use sentry_core::protocol::Value;
use tracing_core::field::Visit;
use tracing_core::{Event, Field, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::callsite::{Callsite, Kind, Known};
use super::convert;
use super::filter::EventFilter;
use super::log::{self, Log};

/// Captures what is `wanted` of `event` on the current hub. `around`: the fields of the spans around it are wanted as well.
pub(super) fn capture<S>(event: &Event<'_>, wanted: EventFilter, around: Option<&Context<'_, S>>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(wanted) = possible(wanted) else { return };
    let is_visited =
        around.is_none() && !wanted.intersection(EventFilter::Breadcrumb | EventFilter::Log).is_empty();
    // The log and the event first: a breadcrumb of itself says nothing new about an event.
    let breadcrumb = if is_visited { visit(event, wanted) } else { None };
    if wanted.contains(EventFilter::Log) && !is_visited {
        log::capture(|| convert::log_from_event(event, around));
    }
    if wanted.contains(EventFilter::Event) {
        sentry_core::capture_event(convert::event_from_event(event, around));
    }
    if let Some(breadcrumb) = breadcrumb {
        breadcrumb.add();
    } else if wanted.contains(EventFilter::Breadcrumb) && !is_visited {
        sentry_core::add_breadcrumb(convert::breadcrumb_from_event(event, around));
    }
}

/// What leads anywhere of what is `wanted`.
fn possible(wanted: EventFilter) -> Option<EventFilter> {
    let wanted = if log::wants()? { wanted } else { wanted.difference(EventFilter::Log) };
    (!wanted.is_empty()).then_some(wanted)
}

/// Looks at each field once, and captures the log. Returns the breadcrumb if that was not added on the way.
#[inline]
fn visit(event: &Event<'_>, wanted: EventFilter) -> Option<Brief> {
    let metadata = event.metadata();
    let callsite = &*Callsite::of(metadata);
    let brief = || Brief::new(metadata.target(), convert::level(metadata));
    let mut seen = Seen {
        callsite,
        breadcrumb: wanted.contains(EventFilter::Breadcrumb).then(brief),
        log: wanted.contains(EventFilter::Log).then(|| Log::new(&callsite.log)),
    };
    event.record(&mut seen);
    let Seen { mut breadcrumb, log, .. } = seen;
    let Some(log) = log else { return breadcrumb };
    // An event goes between the two.
    let later = if wanted.contains(EventFilter::Event) { breadcrumb.take() } else { None };
    if !log.capture(&callsite.log, &mut breadcrumb) {
        log::capture(|| convert::log_from_event(event, None::<&Context<'_, Registry>>));
    }
    later.or(breadcrumb)
}

/// What the fields have said so far.
struct Seen<'a> {
    callsite: &'a Callsite,
    breadcrumb: Option<Brief>,
    log: Option<Log>,
}

impl<'a> Seen<'a> {
    /// Calls `tell` with what is known of a field.
    #[inline]
    fn with(&mut self, field: &Field, tell: impl FnOnce(&mut Self, &Known)) {
        match self.callsite.known(field) {
            Some(known) => tell(self, known),
            None => self.with_other(field, tell),
        }
    }

    /// The event and its fields are not of the same callsite.
    #[cold]
    fn with_other(&mut self, field: &Field, tell: impl FnOnce(&mut Self, &Known)) {
        if let Some(log) = &mut self.log {
            log.is_odd = true;
        }
        tell(self, &Known::new(field));
    }

    fn scalar(&mut self, field: &Field, value: Scalar) {
        self.with(field, |seen, known| {
            if known.kind != Kind::Plain {
                return seen.text(known, &Value::from(value).to_string());
            }
            if let Some(breadcrumb) = &mut seen.breadcrumb {
                breadcrumb.scalar(known.name, value);
            }
            if let Some(log) = &mut seen.log {
                log.scalar(&seen.callsite.log, known, value);
            }
        });
    }

    fn text(&mut self, known: &Known, text: &str) {
        match (&mut self.breadcrumb, known.kind) {
            (Some(breadcrumb), Kind::Message) => breadcrumb.message(text),
            (Some(breadcrumb), Kind::Plain) => breadcrumb.text(known.name, text),
            _ => {}
        }
        if let Some(log) = &mut self.log {
            log.text(&self.callsite.log, known, text);
        }
    }

    /// A text that is not written yet.
    fn write(&mut self, known: &Known, text: Arguments<'_>) {
        let written = match (&mut self.breadcrumb, known.kind) {
            (Some(breadcrumb), Kind::Message) => breadcrumb.write_message(text),
            (Some(breadcrumb), Kind::Plain) => breadcrumb.write_text(known.name, text),
            _ => {
                if let Some(log) = &mut self.log {
                    log.write(&self.callsite.log, known, text);
                }
                return;
            }
        };
        if let Some(log) = &mut self.log {
            log.text(&self.callsite.log, known, written);
        }
    }

    fn note_error(&mut self) {
        if let Some(breadcrumb) = &mut self.breadcrumb {
            breadcrumb.note_error();
        }
    }
}

impl Visit for Seen<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.scalar(field, Scalar::Double(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.scalar(field, Scalar::Integer(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.scalar(field, Scalar::Unsigned(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.with(field, |seen, known| seen.write(known, format_args!("{value}"))),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.with(field, |seen, known| seen.write(known, format_args!("{value}"))),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.scalar(field, Scalar::Boolean(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.with(field, |seen, known| {
            if known.is_error {
                seen.note_error();
            }
            seen.text(known, value);
        });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.note_error();
        self.with(field, |seen, known| seen.write(known, format_args!("{value}")));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.with(field, |seen, known| {
            if known.is_error {
                seen.note_error();
            }
            seen.write(known, format_args!("{value:?}"));
        });
    }
}
