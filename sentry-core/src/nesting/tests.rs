//! Depth and size of what is captured.

use super::*;
use crate::protocol::{Context, Event, Value};

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
