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
    let mut extensions = span.extensions_mut();
    if extensions.get_mut::<SpanFields>().is_none() {
        extensions.insert(SpanFields(visited(attributes).values));
    }
}

/// Keeps what is recorded later as well.
pub(super) fn keep_record<S>(id: &Id, values: &Record<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let mut extensions = span.extensions_mut();
    if let Some(SpanFields(kept)) = extensions.get_mut() {
        let mut fields = Fields::default();
        values.record(&mut fields);
        kept.append(&mut fields.values);
    }
}
