//! The fields of a span, kept for the events in it.

use sentry_core::protocol::{Map, Value};
use tracing_core::Subscriber;
use tracing_core::span::{Attributes, Id, Record};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::content::visited;
use super::fields::Fields;

/// They are among the extensions of the span.
pub(super) struct SpanFields(pub(super) Map<String, Value>);

/// Keeps those of a new span.
pub(super) fn keep_fields<S>(attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    if span.extensions().get::<SpanFields>().is_none() {
        // Not while the extensions are locked: a value may log where it says what it looks like.
        let fields = SpanFields(visited(attributes).values);
        span.extensions_mut().replace(fields);
    }
}

/// Keeps what is recorded later as well.
pub(super) fn keep_record<S>(id: &Id, values: &Record<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let mut fields = Fields::default();
    values.record(&mut fields);
    if let Some(SpanFields(kept)) = span.extensions_mut().get_mut() {
        kept.append(&mut fields.values);
    }
}
