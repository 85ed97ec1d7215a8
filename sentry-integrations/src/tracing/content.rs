//! What our span is told of the one of `tracing`.

use std::cell::OnceCell;

use sentry_core::__spans::{Asks, Constants, Knows};
use sentry_core::TransactionOrSpan;
use sentry_core::protocol::{Map, Value};
use tracing_core::Metadata;
use tracing_core::span::Attributes;

use super::fields::Fields;
use super::label::Label;
use crate::semantics;

/// What there is to know of the metadata of a span.
static ASKS: Asks = Asks { tell, field, origin: "auto.tracing" };

/// What all spans of a kind have.
#[inline]
pub(super) fn constants(metadata: &'static Metadata<'static>) -> Constants {
    Constants::new(metadata, &ASKS)
}

/// Sets all that a new span knows.
pub(super) fn fill(ours: &TransactionOrSpan, metadata: &'static Metadata<'static>, fields: Fields) {
    let constants = constants(metadata);
    let (values, tags) = values(ours, fields);
    match ours {
        TransactionOrSpan::Span(span) => span.introduce(constants, values),
        TransactionOrSpan::Transaction(transaction) => transaction.introduce(constants, values),
    }
    set_tags(ours, tags);
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

/// The name of a field.
fn field(metadata: Knows, number: u8) -> Option<&'static str> {
    let metadata = metadata.downcast_ref::<Metadata<'static>>()?;
    Some(metadata.fields().iter().nth(number.into())?.name())
}

/// Calls it what fields say that are recorded later, together with those that it has. What the application has decided at its
/// beginning stays, unless it decides anew.
pub(super) fn rename(ours: &TransactionOrSpan, metadata: &'static Metadata<'static>, later: &Fields) {
    let known = OnceCell::new();
    let Some(label) = Label::later(metadata, later, || known.get_or_init(|| data_of(ours))) else { return };
    let may_change = |own: &str| later.values.contains_key(own) || metadata.fields().field(own).is_none();
    if may_change("sentry.name") {
        match ours {
            TransactionOrSpan::Transaction(ours) => ours.set_name_from(&label.name, label.source),
            TransactionOrSpan::Span(ours) => ours.set_name(&label.name),
        }
    }
    if may_change("sentry.op") {
        ours.set_op(&label.op);
    }
}

fn data_of(ours: &TransactionOrSpan) -> Map<String, Value> {
    match ours {
        TransactionOrSpan::Transaction(ours) => {
            ours.data().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
        }
        TransactionOrSpan::Span(ours) => ours.data().clone(),
    }
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
        semantics::understand(ours, &mut values);
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
