//! Depth and size of what is captured.

use super::*;
use crate::protocol::{Context, Event, Map, Value};

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

fn lengths_of(event: &mut Event<'static>) -> Value {
    let mut meta = Map::new();
    limit_event(event).expect("too large").remark(&mut meta);
    serde_json::to_value(meta).unwrap()
}

#[test]
fn what_is_far_too_large_is_taken_off_and_how_large_it_was_is_known() {
    let mut event = Event {
        message: Some("é ".repeat(100_000)),
        extra: (0..1_000).map(|n| (format!("k{n:04}"), Value::from(vec![n; 5_000]))).collect(),
        tags: (0..100_000).map(|n| (format!("{n:06}"), "v".to_owned())).collect(),
        ..Event::default()
    };
    let meta = lengths_of(&mut event);
    let message = event.message.as_ref().unwrap();
    assert!((100_000..=131_072).contains(&message.len()), "{}", message.len());
    assert_eq!(meta["message"][""]["len"], 200_000);
    assert!((10..100).contains(&event.extra.len()), "{}", event.extra.len());
    assert_eq!(meta["extra"][""]["len"], 1_000);
    assert_eq!(meta["extra"]["k0000"][""]["len"], 5_000);
    assert_eq!((event.tags.len(), &meta["tags"][""]["len"]), (4_096, &100_000.into()));
}

#[test]
fn an_ordinary_event_is_left_as_it_is() {
    let event = Event {
        message: Some("x".repeat(10_000)),
        extra: (0..20).map(|n| (format!("k{n}"), Value::from("x".repeat(16_000)))).collect(),
        ..Event::default()
    };
    let mut limited = event.clone();
    assert!(limit_event(&mut limited).is_none());
    assert_eq!(limited, event);
}

#[test]
fn remarks_on_breadcrumbs_are_about_those_that_are_left() {
    let crumb = |n: usize| crate::Breadcrumb {
        message: Some(if n == 4_999 { "x".repeat(200_000) } else { n.to_string() }),
        ..Default::default()
    };
    let mut event =
        Event { breadcrumbs: (0..5_000).map(crumb).collect::<Vec<_>>().into(), ..Event::default() };
    let meta = lengths_of(&mut event);
    let crumbs = &event.breadcrumbs;
    assert_eq!((crumbs.len(), crumbs[998].message.as_deref()), (1_000, Some("4998")));
    let values = &meta["breadcrumbs"]["values"];
    assert_eq!(values[""]["len"], 5_000);
    assert_eq!(values["999"]["message"][""]["len"], 200_000);
}

#[test]
fn rests_of_many_giants_are_dropped_where_they_come_from() {
    let giant = || {
        let mut event = Event { extra: [("deep".to_owned(), nested(100_000))].into(), ..Event::default() };
        limit_event(&mut event)
    };
    let rests: Vec<_> = (0..50).map(|_| giant()).collect();
    assert!(rests.iter().all(Option::is_some));
}

#[test]
fn a_long_message_is_not_copied_as_a_whole() {
    let (text, rest) = message("short");
    assert_eq!((text.as_str(), rest.is_some()), ("short", false));
    let (text, rest) = message(&"long ".repeat(100_000));
    assert!(text.len() <= 131_072 && text.ends_with("long "));
    let mut meta = Map::new();
    rest.unwrap().remark(&mut meta);
    assert_eq!(meta["message"][""]["len"], 500_000);
}
