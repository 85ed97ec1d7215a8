//! How deep JSON of others may be nested.
//!
//! Cloning, encoding and dropping a [`Value`] recurse once per level, and the worker has a small stack: what a user
//! nests without end would end the process there. What lies deeper than [`DEEPEST`] is cut off on the thread it came
//! from, without recursion. Nothing is lost by that: a server that reads JSON with the usual limit of 128 levels would
//! refuse the whole item.

use crate::protocol::{Context, Event, Span, Stacktrace, Transaction, Value};

/// Levels of one value that are kept.
const DEEPEST: u32 = 100;

/// What stands in the place of what was cut off.
const CUT: &str = "[nested too deeply]";

/// Cuts off what is nested too deeply in `value`.
#[inline]
pub(crate) fn limit(value: &mut Value) {
    if matches!(value, Value::Array(_) | Value::Object(_)) {
        cut(value, DEEPEST);
    }
}

#[inline]
pub(crate) fn limit_all<'a>(values: impl IntoIterator<Item = &'a mut Value>) {
    values.into_iter().for_each(limit);
}

pub(crate) fn limit_context(context: &mut Context) {
    match context {
        Context::Other(fields) => limit_all(fields.values_mut()),
        Context::Response(response) => limit_all(&mut response.data),
        Context::Trace(trace) => limit_all(trace.data.values_mut()),
        _ => {}
    }
}

pub(crate) fn limit_event(event: &mut Event<'_>) {
    limit_all(event.extra.values_mut());
    event.contexts.values_mut().for_each(limit_context);
    event.breadcrumbs.iter_mut().for_each(|crumb| limit_all(crumb.data.values_mut()));
    event.user.iter_mut().for_each(|user| limit_all(user.other.values_mut()));
    event.logentry.iter_mut().for_each(|entry| limit_all(&mut entry.params));
    for exception in event.exception.iter_mut() {
        exception.mechanism.iter_mut().for_each(|mechanism| limit_all(mechanism.data.values_mut()));
        exception.stacktrace.iter_mut().for_each(limit_stack);
        exception.raw_stacktrace.iter_mut().for_each(limit_stack);
    }
    for thread in event.threads.iter_mut() {
        limit_all(thread.held_locks.values_mut());
        thread.stacktrace.iter_mut().for_each(limit_stack);
    }
    event.stacktrace.iter_mut().for_each(limit_stack);
}

pub(crate) fn limit_transaction(transaction: &mut Transaction<'_>) {
    limit_all(transaction.extra.values_mut());
    transaction.contexts.values_mut().for_each(limit_context);
    transaction.spans.iter_mut().for_each(limit_span);
}

fn limit_span(span: &mut Span) {
    limit_all(span.data.values_mut());
}

fn limit_stack(stacktrace: &mut Stacktrace) {
    stacktrace.frames.iter_mut().for_each(|frame| limit_all(frame.vars.values_mut()));
}

fn cut(value: &mut Value, left: u32) {
    if left == 0 && matches!(value, Value::Array(_) | Value::Object(_)) {
        take_apart(std::mem::replace(value, Value::from(CUT)));
        return;
    }
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| cut(value, left - 1)),
        Value::Object(fields) => fields.values_mut().for_each(|value| cut(value, left - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Drops `value` level by level instead of recursively.
fn take_apart(value: Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(values) => rest.extend(values),
            Value::Object(fields) => rest.extend(fields.into_iter().map(|(_, value)| value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: u32) -> Value {
        let mut value = Value::from(1);
        for level in 0..levels {
            value = match level % 2 {
                0 => Value::Array(vec![value]),
                _ => Value::Object([("deeper".to_owned(), value)].into_iter().collect()),
            };
        }
        value
    }

    #[test]
    fn a_hundred_levels_stay_as_they_are() {
        let mut value = nested(DEEPEST);
        limit(&mut value);
        assert_eq!(value, nested(DEEPEST));
    }

    #[test]
    fn endless_nesting_ends_and_can_be_read_back() {
        let mut value = nested(300_000);
        limit(&mut value);
        let text = serde_json::to_string(&value).unwrap();
        assert!(text.contains(CUT));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_scope_and_an_event_take_any_depth() {
        let events = crate::test::with_captured_events(|| {
            crate::configure_scope(|scope| {
                scope.set_extra("scope", nested(200_000));
                scope.set_context("deep", Context::Other([("value".to_owned(), nested(200_000))].into()));
            });
            crate::add_breadcrumb(crate::Breadcrumb {
                data: [("value".to_owned(), nested(200_000))].into(),
                ..Default::default()
            });
            crate::capture_event(Event {
                extra: [("event".to_owned(), nested(200_000))].into(),
                ..Default::default()
            });
        });
        let text = serde_json::to_string(&events[0]).unwrap();
        assert_eq!(text.matches(CUT).count(), 4);
    }
}
