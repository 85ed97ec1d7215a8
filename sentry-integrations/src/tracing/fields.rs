//! The fields of spans and events.

use std::error::Error;
use std::fmt::Debug;

use sentry_core::event_from_error;
use sentry_core::protocol::{Exception, Map, Value};
use tracing_core::Field;
use tracing_core::field::Visit;

use super::quoted::{inner, unquoted};
use super::report::Report;

/// Fields that hold an error even if they were recorded as text.
pub(super) const ERRORS: [&str; 3] = ["error", "err", "exception"];

/// What the fields of an event or a span say.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) message: Option<String>,
    pub(super) values: Map<String, Value>,
    pub(super) tags: Map<String, String>,
    /// The exceptions of an error and its sources, as an event lists them.
    pub(super) exceptions: Vec<Exception>,
    /// The backtrace that the outermost of them was made with, as text.
    pub(super) backtrace: Option<String>,
    /// Whether any name has a dot in it, as all those with a meaning for spans have.
    pub(super) is_dotted: bool,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name();
        if let Some(tag) = name.strip_prefix("tags.") {
            let text = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            self.tags.insert(tag.to_owned(), text);
        } else if name == "message" {
            self.message = Some(match value {
                Value::String(text) => text,
                other => other.to_string(),
            });
        } else {
            self.is_dotted |= name.contains('.');
            self.values.insert(name.to_owned(), value);
        }
    }

    /// An error of which only the text is known.
    fn put_error(&mut self, ty: String, text: &str) {
        self.exceptions.push(Exception { ty, value: Some(text.to_owned()), ..Exception::default() });
    }
}

impl Visit for Fields {
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
        if ERRORS.contains(&field.name()) {
            self.put_error("Error".to_owned(), value);
        }
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.exceptions.extend(event_from_error(value).exception);
        self.put(field, value.to_string().into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = format!("{value:?}");
        // `?text` instead of `%text`: as a text in quotes a query would be nothing but a name.
        if field.name().contains('.')
            && let Some(plain) = unquoted(inner(&text))
        {
            text = plain;
        }
        if ERRORS.contains(&field.name()) {
            let Report { exceptions, backtrace } = Report::read(&text);
            self.exceptions.extend(exceptions);
            self.backtrace = backtrace;
        }
        self.put(field, text.into());
    }
}
