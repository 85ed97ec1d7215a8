//! What our span is told of the one of `tracing`.

use sentry_core::__spans::{Constants, Knows};
use sentry_core::TransactionOrSpan;
use sentry_core::protocol::{Map, Value};
use tracing_core::Metadata;
use tracing_core::span::Attributes;

use super::fields::Fields;
use super::meaning;

/// What made the spans.
const ORIGIN: &str = "auto.tracing";

/// Sets all that a new span knows.
pub(super) fn fill(ours: &TransactionOrSpan, metadata: &'static Metadata<'static>, fields: Fields) {
    let constants = Constants::new(metadata, tell);
    match ours {
        TransactionOrSpan::Span(span) => {
            let (values, tags) = values(ours, fields);
            span.introduce(ORIGIN, constants, values);
            set_tags(ours, tags);
        }
        TransactionOrSpan::Transaction(transaction) => {
            transaction.set_origin(ORIGIN);
            transaction.set_constants(constants);
            if !fields.is_empty() {
                add(ours, fields);
            }
        }
    }
}

/// What the metadata of a span says, which is the same for all spans of its kind.
fn tell(metadata: Knows, to: &mut dyn FnMut(&'static str, Value)) {
    let Some(metadata) = metadata.downcast_ref::<Metadata<'static>>() else { return };
    to("sentry.tracing.target", metadata.target().into());
    let parts = [
        ("code.module.name", metadata.module_path().map(Value::from)),
        ("code.file.path", metadata.file().map(Value::from)),
        ("code.line.number", metadata.line().map(Value::from)),
    ];
    parts.into_iter().for_each(|(name, value)| _ = value.map(|value| to(name, value)));
}

/// Adds what is recorded later.
pub(super) fn add(ours: &TransactionOrSpan, fields: Fields) {
    let (values, tags) = values(ours, fields);
    match ours {
        TransactionOrSpan::Span(span) => {
            let mut data = span.data();
            if data.is_empty() {
                *data = values;
            } else {
                data.extend(values);
            }
        }
        TransactionOrSpan::Transaction(transaction) => {
            let mut data = transaction.data();
            values.into_iter().for_each(|(key, value)| data.set_data(key.into(), value));
        }
    }
    set_tags(ours, tags);
}

/// What becomes data, and the tags. What has a meaning of its own is set.
fn values(ours: &TransactionOrSpan, fields: Fields) -> (Map<String, Value>, Map<String, String>) {
    let mut values = fields.values;
    if fields.is_dotted {
        meaning::understand(ours, &mut values);
    }
    if let Some(message) = fields.message {
        values.insert("message".to_owned(), message.into());
    }
    (values, fields.tags)
}

fn set_tags(ours: &TransactionOrSpan, tags: Map<String, String>) {
    for (key, value) in tags {
        ours.set_tag(&key, value);
    }
}

/// The fields of a new span.
pub(super) fn visited(attributes: &Attributes<'_>) -> Fields {
    let mut fields = Fields::default();
    attributes.record(&mut fields);
    fields
}
