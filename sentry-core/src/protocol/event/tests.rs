//! Golden files and tolerance of events.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use super::*;

#[test]
fn a_full_event_survives_the_round_trip() {
    let json = json!({
        "event_id": "d43e86c96e424a93a4fbda156dd17341", "level": "fatal", "fingerprint": ["{{ default }}", "a"],
        "culprit": "main", "transaction": "GET /", "message": "broken", "logentry": {"message": "%s", "params": ["a"]},
        "logger": "app", "modules": {"serde": "1.0.0"}, "platform": "native", "timestamp": 1_514_103_120.713,
        "server_name": "host", "release": "app@1.0.0", "dist": "1", "environment": "production",
        "user": {"id": "1", "ip_address": "127.0.0.1"}, "request": {"method": "GET"},
        "contexts": {"os": {"type": "os", "name": "Linux"}, "custom": {"a": 1}},
        "breadcrumbs": {"values": [{"timestamp": 1_514_103_119, "message": "clicked"}]},
        "exception": {"values": [
            {"type": "Inner", "value": "cause",
             "mechanism": {"type": "generic", "exception_id": 1, "parent_id": 0, "source": "cause"}},
            {"type": "Outer", "value": "effect", "mechanism": {"type": "panic", "handled": false, "exception_id": 0},
             "stacktrace": {"frames": [{"function": "main", "instruction_addr": "0x10"}]}}
        ]},
        "stacktrace": {"frames": [{"function": "main"}]}, "template": {"filename": "a.html"},
        "threads": {"values": [{"id": 1, "current": true}]}, "tags": {"a": "b"}, "extra": {"c": [1, null]},
        "debug_meta": {"images": [{"type": "proguard", "uuid": "494f3aea-88fa-4296-9644-fa8ef5d139b6"}]},
        "sdk": {"name": "sentry.rust", "version": "1.0.0"}
    });
    let event: Event<'static> = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&event).unwrap(), json);
    assert_eq!(event.clone().into_owned(), event);
}

#[test]
fn an_empty_event_writes_what_is_required() {
    let event = Event { event_id: Uuid::nil(), timestamp: UNIX_EPOCH, ..Event::default() };
    let json = json!({"event_id": "0".repeat(32), "level": "error", "platform": "other", "timestamp": 0});
    assert_eq!(serde_json::to_value(&event).unwrap(), json);
    assert_eq!(serde_json::from_value::<Event<'static>>(json).unwrap(), event);
}

#[test]
fn other_forms_of_its_fields_are_read() {
    let event: Event<'static> = serde_json::from_value(json!({
        "event_id": "d43e86c9-6e42-4a93-a4fb-da156dd17341", "timestamp": "2017-12-24T08:12:00.713Z",
        "tags": [["a", "b"], ["n", 1]], "exception": [{"type": "E"}], "breadcrumbs": [{"timestamp": 1}],
        "threads": {"values": []}, "extra": null, "contexts": null, "debug_meta": null, "future": {"a": 1}
    }))
    .unwrap();
    assert_eq!(event.event_id.simple().to_string(), "d43e86c96e424a93a4fbda156dd17341");
    assert_eq!(event.timestamp, UNIX_EPOCH + Duration::from_millis(1_514_103_120_713));
    assert_eq!(event.tags["n"], "1");
    assert_eq!(event.exception[0].ty, "E");
    assert_eq!(event.breadcrumbs[0].level, Level::Info);
    assert!(event.threads.is_empty());
}

#[test]
fn new_events_have_an_id_and_the_time() {
    let event = Event::new();
    assert_ne!(event.event_id, Event::new().event_id);
    assert_eq!(event.event_id.get_version_num(), 4);
    assert!(event.timestamp > UNIX_EPOCH);
    assert!(event.to_string().starts_with(&format!("Event(id: {}, ts: 2", event.event_id)));
}

#[test]
fn clocks_that_are_off_do_not_stop_an_event() {
    let past = UNIX_EPOCH - Duration::from_secs(86_400);
    let breadcrumb = Breadcrumb { timestamp: past, ..Breadcrumb::default() };
    let far = UNIX_EPOCH + Duration::from_secs(1 << 40);
    let event = Event { timestamp: far, breadcrumbs: vec![breadcrumb].into(), ..Event::default() };
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!(json["breadcrumbs"]["values"][0]["timestamp"], json!(-86_400));
    assert!(json["timestamp"].is_number());
}
