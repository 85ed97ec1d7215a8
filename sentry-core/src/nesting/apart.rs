//! Destructors that do not recurse, however deep what they destroy is nested.

use crate::protocol::{Breadcrumb, Context, Exception, Frame, Map, Span, Stacktrace, Value};

/// Drops a value level by level, however deep it is nested: its destructor recurses.
///
/// ```
/// use sentry_core::protocol::Value;
///
/// let deep = (0..1_000_000).fold(Value::Null, |value, _| Value::Array(vec![value]));
/// sentry_core::utils::take_apart(deep);
/// ```
pub fn take_apart(value: Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(values) => rest.extend(values.into_iter().filter(has_parts)),
            Value::Object(fields) => {
                rest.extend(fields.into_iter().map(|(_, value)| value).filter(has_parts))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

pub(super) fn map(values: Map<String, Value>) {
    values.into_values().filter(has_parts).for_each(take_apart);
}

pub(super) fn breadcrumb(crumb: Breadcrumb) {
    map(crumb.data);
}

pub(super) fn span(span: Span) {
    map(span.data);
}

pub(super) fn frame(frame: Frame) {
    map(frame.vars);
}

pub(super) fn exception(exception: Exception) {
    exception.mechanism.into_iter().for_each(|mechanism| map(mechanism.data));
    [exception.stacktrace, exception.raw_stacktrace].into_iter().flatten().for_each(stack);
}

pub(super) fn context(mut context: Context) {
    maps_of(&mut context, &mut |_, values| map(std::mem::take(values)));
}

fn stack(stacktrace: Stacktrace) {
    stacktrace.frames.into_iter().for_each(frame);
}

fn has_parts(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}

/// What is done with the values of a context.
pub(super) type Visit<'a> = dyn FnMut(Option<&str>, &mut Map<String, Value>) + 'a;

/// All values in a context, with the name of the field they are in; none if they are fields of it themselves.
pub(super) fn maps_of(context: &mut Context, visit: &mut Visit<'_>) {
    match context {
        Context::App(it) => visit(None, &mut it.other),
        Context::Browser(it) => visit(None, &mut it.other),
        Context::Culture(it) => visit(None, &mut it.other),
        Context::Device(it) => visit(None, &mut it.other),
        Context::Feedback(it) => visit(None, &mut it.other),
        Context::Flags(_) => {}
        Context::Gpu(it) => visit(None, &mut it.other),
        Context::Os(it) => visit(None, &mut it.other),
        Context::Otel(it) => {
            visit(Some("attributes"), &mut it.attributes);
            visit(Some("resource"), &mut it.resource);
            visit(None, &mut it.other);
        }
        Context::Other(fields) => visit(None, fields),
        Context::Profile(it) => visit(None, &mut it.other),
        Context::Response(it) => {
            // One value, which has to go through the same hands.
            if let Some(data) = it.data.take() {
                let mut one = Map::from([("data".to_owned(), data)]);
                visit(None, &mut one);
                it.data = one.remove("data");
            }
        }
        Context::Runtime(it) => visit(None, &mut it.other),
        Context::Trace(it) => visit(Some("data"), &mut it.data),
    }
}
